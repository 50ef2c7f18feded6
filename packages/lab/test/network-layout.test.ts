/** The network as columns and links, from what the worker says of its modules: for networks of every family. */
import { setBackend } from 'glissade'
import { beforeAll, describe, expect, test } from 'vitest'
import { columnsOf, type Diagram, nameOf, openAtFirst } from '../src/views/network/columns.ts'
import { distanceTo, layoutOf } from '../src/views/network/layout.ts'
import { infoOf } from '../src/worker/info.ts'
import type { RunInfo } from '../src/worker/protocol.ts'
import { type Family, liveOf } from './networks.ts'

const infos = new Map<Family, RunInfo>()

beforeAll(async () => {
  await setBackend('wasm')
  for (const family of ['circle', 'digits', 'names-lstm', 'names-transformer'] as const)
    infos.set(family, await infoOf(await liveOf(family)))
})

const info = (family: Family): RunInfo => infos.get(family) as RunInfo
const atFirst = (family: Family): Diagram => columnsOf(info(family), openAtFirst(info(family)))
const short = ({ columns }: Diagram): string[] => columns.map(({ kinds, look }) => `${kinds.join('+')}: ${look}`)
const options = { width: 800, zoom: 1, all: new Set<string>(), surfaces: true }

describe('columns', () => {
  test('of a perceptron: a linear layer and its activation are one', () => {
    const diagram = atFirst('circle')
    expect(short(diagram)).toEqual(['input: units', 'linear+tanh: units', 'linear+tanh: units', 'linear: units'])
    expect(diagram.columns.map((column) => nameOf(column, diagram))).toEqual(['input', 'layer 1', 'layer 2', 'output'])
    expect(diagram.columns.map(({ from }) => from)).toEqual([[], ['input'], ['0'], ['2']])
    expect(diagram.columns[1].shown).toBe('1')
  })

  test('of a perceptron: its parts stand apart when they are asked for', () => {
    const { columns } = columnsOf(info('circle'), new Set(['', '+0']))
    expect(columns.map(({ id }) => id)).toEqual(['input', '0', '1', '2', '4'])
    expect(columns[2].from).toEqual(['0'])
  })

  test('of a convolutional network', () => {
    const diagram = atFirst('digits')
    expect(short(diagram)).toEqual([
      'input: maps',
      'conv2d+relu: maps',
      'maxPool2d: maps',
      'conv2d+relu: maps',
      'maxPool2d: maps',
      'flatten: rows',
      'linear: units',
    ])
    expect(diagram.columns.map(({ units }) => units)).toEqual([1, 8, 8, 16, 16, 784, 10])
  })

  test('of an LSTM, which gives several tensors', () => {
    expect(short(atFirst('names-lstm'))).toEqual(['input: rows', 'embedding: rows', 'lstm: rows', 'linear: rows'])
    expect(atFirst('names-lstm').columns.map(({ from }) => from)).toEqual([[], ['input'], ['0'], ['1']])
  })

  test('of a transformer: blocks, which open in place', () => {
    const diagram = atFirst('names-transformer')
    expect(diagram.columns.map(({ id, block }) => (block ? `[${id}]` : id))).toEqual([
      'input',
      'embedding',
      'positions',
      '[transformer.layers.0]',
      '[transformer.layers.1]',
      'transformer.norm',
    ])
    expect(diagram.groups).toEqual([{ path: 'transformer', kind: 'transformerEncoder', first: 3, last: 5, depth: 1 }])
    const open = columnsOf(info('names-transformer'), new Set(['', 'transformer', 'transformer.layers.0']))
    const norm2 = open.columns.find(({ id }) => id === 'transformer.layers.0.norm2')
    // Attention's output and what passes beside it.
    expect(norm2?.from).toEqual(expect.arrayContaining(['positions', 'transformer.layers.0.self_attn']))
    expect(open.groups.map(({ path, depth }) => `${path} ${depth}`)).toEqual([
      'transformer 1',
      'transformer.layers.0 2',
    ])
    expect(open.columns.find(({ id }) => id === 'transformer.layers.1')?.from).toEqual(
      expect.arrayContaining(['transformer.layers.0.linear2']),
    )
  })
})

describe('layout', () => {
  test('links are the weights of linear layers, row by row, and end at their units', () => {
    const layout = layoutOf(atFirst('circle'), options)
    expect(layout.links.length).toBe(2 * 4 + 4 * 3 + 3 * 2)
    const link = layout.links.find(({ weight, element }) => weight === '2.weight' && element === 4 * 2 + 1)
    expect([link?.from.unit, link?.to.unit]).toEqual([1, 2])
    expect(layout.links[0].from.x).toBeLessThan(layout.links[0].to.x)
    expect(layout.flows).toEqual([])
    const { from, to } = layout.links[0]
    const middle = [(from.x + from.width + to.x) / 2, (from.y + from.height / 2 + to.y + to.height / 2) / 2] as const
    expect(distanceTo(layout.links[0], ...middle)).toBeLessThan(2)
  })

  test('links of convolutions stand for whole kernels', () => {
    const { links, columns } = layoutOf(atFirst('digits'), { ...options, surfaces: false })
    expect(links.filter(({ weight }) => weight === '0.weight').length).toBe(8)
    const second = links.filter(({ weight }) => weight === '3.weight')
    expect(second.length).toBe(8 * 6)
    expect(second[8 + 3]).toMatchObject({ element: (1 * 8 + 3) * 9, count: 9 })
    expect(columns[3].hidden).toBe(10)
    const all = layoutOf(atFirst('digits'), { ...options, surfaces: false, all: new Set(['3']) })
    expect(all.columns[3].nodes.length).toBe(16)
  })

  test.each(['circle', 'digits', 'names-lstm', 'names-transformer'] as const)(
    'no two columns of %s overlap, and all lie within',
    (family) => {
      for (const width of [330, 640, 1200]) {
        const { columns, width: total, height } = layoutOf(atFirst(family), { ...options, width })
        columns.forEach((column, i) => {
          expect(column.x).toBeGreaterThanOrEqual(i === 0 ? 0 : columns[i - 1].x + columns[i - 1].width + 20)
          expect(column.x + column.width).toBeLessThanOrEqual(total)
          expect(column.y + column.height).toBeLessThanOrEqual(height)
        })
      }
      expect(layoutOf(atFirst(family), { ...options, width: 1200 }).width).toBe(1200)
    },
  )
})
