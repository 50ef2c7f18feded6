/** summary: shapes, parameters, operations and bytes of models, against numbers worked out by hand; and its text. */
import { describe, expect, it } from 'vitest'
import { tensor } from '../src/create.ts'
import { GlissadeError } from '../src/errors.ts'
import { flopsOf } from '../src/explain/flops.ts'
import { type Summary, type SummaryRow, summary } from '../src/explain/summary.ts'
import { short } from '../src/explain/summary-text.ts'
import { buildGraph } from '../src/graph/graph.ts'
import * as nn from '../src/nn/index.ts'
import { modeKey } from '../src/nn/modes.ts'
import { convTranspose2d } from '../src/ops/derived/conv.ts'
import { defaultGenerator } from '../src/random.ts'
import { dirtyVariables, type Tensor } from '../src/tensor.ts'

const row = ({ rows }: Summary, path: string): SummaryRow =>
  rows.find((each) => each.path === path) ?? expect.fail(`no row ${path}`)

const network = (): nn.Sequential =>
  nn.sequential({
    conv: nn.conv2d(1, 4, 3),
    norm: nn.batchNorm2d(4),
    act: nn.relu(),
    flat: nn.flatten(),
    drop: nn.dropout(),
    head: nn.linear(4 * 6 * 6, 10),
  })

describe('summary', () => {
  it('knows shapes, parameters, operations and bytes', () => {
    const found = summary(network(), [2, 1, 8, 8])
    expect(found.rows.map(({ path, kind, depth, outputs }) => [path, kind, depth, outputs[0].join()])).toEqual([
      ['', 'Sequential', 0, '2,10'],
      ['conv', 'Conv2d', 1, '2,4,6,6'],
      ['norm', 'BatchNorm2d', 1, '2,4,6,6'],
      ['act', 'ReLU', 1, '2,4,6,6'],
      ['flat', 'Flatten', 1, '2,144'],
      ['drop', 'Dropout', 1, '2,144'],
      ['head', 'Linear', 1, '2,10'],
    ])
    // conv: 288 outputs of 9 products each, and a bias.
    expect(row(found, 'conv')).toMatchObject({ parameters: 40, flops: 288 * 9 * 2 + 288, activationBytes: 288 * 4 })
    // In evaluation: 4 variances plus eps, the roots and 1 over them; a difference, a product, weight and bias for each element.
    expect(row(found, 'norm')).toMatchObject({ parameters: 8, buffers: 9, flops: 3 * 4 + 4 * 288 })
    expect(row(found, 'act').flops).toBe(288)
    expect(row(found, 'flat').flops).toBe(0)
    expect(row(found, 'head')).toMatchObject({ parameters: 1450, flops: 2 * 10 * 144 * 2 + 20 })
    const total = found.rows.slice(1).reduce((sum, { flops }) => sum + flops, 0)
    expect(found.totals).toEqual({
      parameters: 1498,
      trainable: 1498,
      buffers: 9,
      flops: total,
      parameterBytes: 1498 * 4,
      bufferBytes: 36,
      inputBytes: 2 * 64 * 4,
      // conv, norm and act; what flat and drop give back in evaluation is the same numbers; head.
      activationBytes: (3 * 288 + 20) * 4,
    })
    expect(row(found, '').flops).toBe(total)
  })

  it('computes nothing, changes nothing and draws nothing', () => {
    const model = network()
    model.at('norm')?.eval()
    const [mode, state, dirty] = [modeKey(), defaultGenerator().state(), dirtyVariables.size]
    const before = [...model.namedVariables().values()].map(({ value }) => value)
    const trained = summary(model, [2, 1, 8, 8], { training: true })
    expect(row(trained, 'drop').flops).toBeGreaterThan(0)
    expect([...model.namedVariables().values()].map(({ value }) => value)).toEqual(before)
    expect(before.some(({ storage }) => storage)).toBe(false)
    expect([modeKey(), defaultGenerator().state(), dirtyVariables.size]).toEqual([mode, state, dirty])
    expect([...model.namedModules().values()].map(({ training }) => training)).toEqual(
      [...model.namedModules().keys()].map((name) => name !== 'norm'),
    )
  })

  it('tells what is frozen, shared and called twice', () => {
    class Twice extends nn.Module {
      a = nn.linear(4, 4)
      b = this.a
      unused = nn.linear(4, 2)
      forward(x: Tensor): Tensor {
        return this.b.forward(this.a.forward(x).relu())
      }
    }
    const model = new Twice()
    model.a.weight.trainable = false
    const found = summary(model, [3, 4])
    expect(row(found, 'a')).toMatchObject({ calls: 2, parameters: 20, trainable: 4, flops: 2 * (3 * 16 * 2 + 12) })
    expect(row(found, 'unused')).toMatchObject({ calls: 0, outputs: [], flops: 0 })
    expect(found.totals).toMatchObject({ parameters: 30, trainable: 14 })
    expect(found.toString()).toContain('a (Linear, partly frozen, 2 calls)')
    expect(found.toString()).toContain('not called')
  })

  it('takes several inputs, types, tensors and functions, and lists several outputs', () => {
    const lstm = nn.lstm(3, 5)
    const expected = [
      [2, 4, 5],
      [1, 2, 5],
      [1, 2, 5],
    ]
    expect(row(summary(lstm, [2, 4, 3]), '').outputs).toEqual(expected)
    const withLengths = summary(lstm, (input) => lstm.forward(input([2, 4, 3]), { lengths: input([2], 'int32') }))
    expect(row(withLengths, '').outputs).toEqual(expected)
    expect(withLengths.totals.inputBytes).toBe((24 + 2) * 4)
    expect(row(summary(nn.embedding(7, 3), { shape: [2, 4], dtype: 'int32' }), '').outputs).toEqual([[2, 4, 3]])
    expect(row(summary(nn.embedding(7, 3), tensor(Int32Array.of(1, 2))), '').outputs).toEqual([[2, 3]])
    const both = summary(nn.bilinear(2, 3, 4), [
      [5, 2],
      [5, 3],
    ])
    expect(row(both, '').outputs).toEqual([[5, 4]])
  })

  it('names the module in which a shape does not fit', () => {
    expect(() => summary(nn.sequential(nn.linear(2, 3), nn.linear(4, 1)), [1, 2])).toThrow(/^in 1: linear/)
  })

  it.each([
    ['no input', undefined],
    ['a word', 'image'],
    ['a negative size', [2, -1]],
    ['an input that is no shape among others', [[2, 3], 'mask']],
  ])('refuses %s', (_, input) => {
    const call = (): unknown => summary(nn.linear(3, 1), input as number[])
    expect(call).toThrow(GlissadeError)
    expect(call).toThrow(/summary/)
  })
})

describe('operations', () => {
  it('of a transposed convolution leave out the zeros between', () => {
    const y = convTranspose2d(
      tensor(new Float32Array(2 * 9), { shape: [1, 2, 3, 3] }),
      tensor(new Float32Array(24), { shape: [2, 3, 2, 2] }),
      { stride: 2 },
    )
    const total = buildGraph([y]).graph.nodes.reduce((sum, node) => sum + flopsOf(node), 0)
    // Each of 18 inputs goes into 3 channels and 4 places.
    expect(total).toBe(18 * 12 * 2)
  })
})

describe('the text', () => {
  it('is a table', () => {
    expect(summary(network(), [2, 1, 8, 8]).toString()).toBe(
      [
        'Module                Output        Parameters   FLOPs  Bytes out',
        '─────────────────────────────────────────────────────────────────',
        'Sequential            [2, 10]            1,498  12.7 k       80 B',
        '  conv (Conv2d)       [2, 4, 6, 6]          40  5.47 k    1.15 kB',
        '  norm (BatchNorm2d)  [2, 4, 6, 6]           8  1.16 k    1.15 kB',
        '  act (ReLU)          [2, 4, 6, 6]                 288    1.15 kB',
        '  flat (Flatten)      [2, 144]                            1.15 kB',
        '  drop (Dropout)      [2, 144]                            1.15 kB',
        '  head (Linear)       [2, 10]            1,450  5.78 k       80 B',
        '─────────────────────────────────────────────────────────────────',
        'Parameters   1,498 (5.99 kB), all trained',
        'Buffers      9 (36 B)',
        'FLOPs        12.7 k for one forward pass',
        'Activations  3.54 kB out of the innermost modules, input 512 B',
      ].join('\n'),
    )
  })

  it('fits its columns, however deep and long the names', () => {
    let model: nn.Module & { forward(x: Tensor): Tensor } = nn.linear(3, 3)
    for (let i = 0; i < 12; i++) model = nn.sequential({ aVeryLongNameOfALayer: model })
    for (const columns of [80, 60, 40]) {
      const text = summary(model, [2, 3]).toString({ columns })
      expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(columns)
    }
    expect(summary(model, [2, 3]).toString({ depth: 1 }).split('\n')).toHaveLength(2 + 2 + 1 + 3)
  })

  it('shortens numbers to three digits', () => {
    expect([0, 7, 999, 1000, 12345, 999_999, 1.5e9].map((value) => short(value))).toEqual([
      '0',
      '7',
      '999',
      '1.00 k',
      '12.3 k',
      '1.00 M',
      '1.50 G',
    ])
    expect([5, 2048].map((value) => short(value, 'B'))).toEqual(['5 B', '2.05 kB'])
  })
})
