/** What editing is made of: undo and redo, layers put in and moved, the smallest changes of a text, files read. */
import { describe, expect, test } from 'vitest'
import { optimizers } from '../src/spec/catalogue.ts'
import { checkSpec } from '../src/spec/check.ts'
import { insertLayer, moveLayer, removeLayer, setLayerOption, switched } from '../src/spec/edit.ts'
import { fitted } from '../src/spec/fitting.ts'
import { perceptron, planeSpec } from '../src/spec/presets.ts'
import { History } from '../src/state/history.ts'
import { previewOf, readTable, readText } from '../src/studio/data/files.ts'
import { changesBetween } from '../src/studio/model/text-changes.ts'
import { rung } from '../src/studio/training-panel.tsx'
import { factsOf } from '../src/worker/data/data.ts'
import { loadData } from '../src/worker/data/index.ts'

describe('undo and redo', () => {
  test('go back and forth, and a new edit ends what was to be redone', () => {
    const history = new History<number>()
    for (const n of [1, 2, 3]) history.push(n)
    expect([history.undo(), history.undo(), history.undo()]).toEqual([2, 1, undefined])
    expect([history.redo(), history.canRedo.value]).toEqual([2, true])
    history.push(9)
    expect([history.redo(), history.undo(), history.canUndo.value]).toEqual([undefined, 2, true])
  })
  test('edits of one kind that follow each other quickly are one', () => {
    const history = new History<number>()
    history.push(0, '', 0)
    for (const n of [1, 2, 3]) history.push(n, 'noise', 100 * n)
    history.push(4, 'noise', 5000)
    expect([history.undo(), history.undo()]).toEqual([3, 0])
  })
})

describe('layers', () => {
  const model = perceptron([2, 4, 2])
  const kinds = (of: typeof model): string[] => (of.layers as (typeof model)[]).map(({ kind }) => kind)
  test('are put in, moved, taken out', () => {
    const more = insertLayer(model, ['layers'], 1, { kind: 'dropout', p: 0.5 })
    expect(kinds(more)).toEqual(['linear', 'dropout', 'tanh', 'linear'])
    expect(kinds(moveLayer(more, ['layers'], 1, 3))).toEqual(['linear', 'tanh', 'linear', 'dropout'])
    expect(kinds(removeLayer(more, ['layers'], 0))).toEqual(['dropout', 'tanh', 'linear'])
    expect(kinds(removeLayer({ kind: 'sequential', layers: [{ kind: 'tanh' }] }, ['layers'], 0))).toEqual(['identity'])
    expect(kinds(model)).toEqual(['linear', 'tanh', 'linear'])
  })
  test('an option with its first value is not written down', () => {
    const without = setLayerOption(model, ['layers', 0], 'bias', false)
    expect(without.layers).toMatchObject([{ bias: false }, {}, {}])
    expect(setLayerOption(without, ['layers', 0], 'bias', true)).toEqual(model)
  })
  test('another optimizer keeps what both have', () => {
    const adam = { kind: 'adamW', lr: 0.1, weightDecay: 0.5, amsgrad: true }
    expect(switched(optimizers, adam, { kind: 'sgd', lr: 0.03 })).toEqual({ kind: 'sgd', lr: 0.03, weightDecay: 0.5 })
  })
})

test('the ladder of learning rates goes by threes', () => {
  expect([rung(0.03, 1), rung(0.03, -1), rung(0.05, 1), rung(0.05, -1), rung(30, 1)]).toEqual([
    0.1, 0.01, 0.1, 0.03, 30,
  ])
})

describe('changes of a text', () => {
  const apply = (text: string, changes: ReturnType<typeof changesBetween>): string =>
    changes.toReversed().reduce((at, { from, to, insert }) => at.slice(0, from) + insert + at.slice(to), text)
  test('are the smallest, line by line', () => {
    const [before, after] = ['a(2, 4)\nb\nc(4, 3)', 'a(2, 5)\nb\nc(5, 3)']
    expect(changesBetween(before, after)).toEqual([
      { from: 5, to: 6, insert: '5' },
      { from: 12, to: 13, insert: '5' },
    ])
    for (const next of ['', 'a', 'a(2, 4)\nx\nb\nc(4, 3)', 'a(2, 44)\nb\nc'])
      expect(apply(before, changesBetween(before, next))).toBe(next)
  })
})

describe('files', () => {
  const shared = { testShare: 0.3, seed: 1 }
  const csv = (name: string, text: string): File => new File([text], name)
  const rows = Array.from({ length: 20 }, (_, i) => `${i},${i % 2 ? 'x' : 'y'}`).join('\n')
  test('a table is read, and its data are trained on', async () => {
    const read = await readTable(csv('t.csv', `n,letter\n${rows}`), shared)
    if (read.problem !== undefined) throw new Error(read.problem)
    const spec = { ...planeSpec('circle', [3]), data: read.value }
    expect(checkSpec(spec).problem).toBeUndefined()
    const facts = factsOf(await loadData(read.value))
    expect(facts).toMatchObject({ task: 'class', labels: ['x', 'y'], inputShape: [1] })
    expect(fitted(spec, facts, true).fitted.problems).toEqual([])
  })
  test.each([
    ['t.csv', '', /at least 2/],
    ['t.csv', 'a,b\n1,2', /1 rows of data; at least 4/],
    ['t.csv', `${Array.from({ length: 300 }, (_, i) => `c${i}`).join()}\n`.repeat(6), /300 columns/],
    ['t.csv', `a,__proto__\n${rows}`, /__proto__/],
    ['t.csv', 'a\u0000,b\n', /zero bytes/],
    ['t.csv', 'a,b\n'.repeat(600_000), /MB; at most/],
    ['t.csv', `a,b\n${'"x\n'.repeat(9)}`, /cannot be read|at least/],
  ])('%s that is none is refused', async (name, text, message) => {
    const read = await readTable(csv(name, text), shared)
    expect(read.problem ?? JSON.stringify(previewOf(name, text))).toMatch(message)
  })
  test('a short text is refused', async () => {
    expect((await readText(csv('t.txt', 'too short'), shared)).problem).toMatch(/9 letters; at least 64/)
  })
})
