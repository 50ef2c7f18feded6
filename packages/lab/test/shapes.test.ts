/** Sizes through a network: changing one layer mends the next, and what does not fit is explained at its place. */
import { describe, expect, test } from 'vitest'
import type { DataFacts } from '../src/spec/facts.ts'
import { perceptron, presets } from '../src/spec/presets.ts'
import { fit } from '../src/spec/shapes.ts'
import type { LayerSpec } from '../src/spec/spec.ts'

const plane: DataFacts = {
  task: 'class',
  inputShape: [2],
  outputShape: [2],
  letters: 0,
  labels: ['A', 'B'],
  features: ['x', 'y'],
  trainCount: 210,
  testCount: 90,
}
const digits: DataFacts = { ...plane, inputShape: [1, 28, 28], outputShape: [10], labels: [...'0123456789'] }
const names: DataFacts = { ...plane, task: 'token', inputShape: [12], outputShape: [12, 27], letters: 27 }
const layers = (model: LayerSpec): readonly LayerSpec[] => model.layers as readonly LayerSpec[]
const chain = (...layers: LayerSpec[]): LayerSpec => ({ kind: 'sequential', layers })

describe('sizes through a network', () => {
  test('follow a change of one layer, of the inputs and of the classes', () => {
    const model = perceptron([2, 4, 3, 2])
    const wider = { ...model, layers: layers(model).map((layer, i) => (i === 0 ? { ...layer, out: 9 } : layer)) }
    const found = fit(wider, { ...plane, inputShape: [5], outputShape: [7] })
    expect(layers(found.model).map((layer) => [layer.in, layer.out])).toEqual([
      [5, 9],
      [undefined, undefined],
      [9, 3],
      [undefined, undefined],
      [3, 7],
    ])
    expect(found.problems).toEqual([])
    expect(found.shapes.get('0')).toEqual({ in: [5], out: [9] })
  })
  test('every preset fits its data as it stands', () => {
    for (const { id, spec } of presets) {
      const facts =
        spec.data.kind === 'digits'
          ? digits
          : spec.data.kind === 'text'
            ? names
            : {
                ...plane,
                inputShape: ['features' in spec.data ? spec.data.features.length : 2],
                outputShape: [id === 'hills' ? 1 : 2],
              }
      const found = fit(spec.model, facts)
      expect(found.problems).toEqual([])
    }
  })
  test('what does not fit is said at its layer, and what comes after is left alone', () => {
    const { problems, model } = fit(
      chain({ kind: 'conv2d', in: 1, out: 2, size: 3 }, { kind: 'linear', in: 3, out: 2 }),
      plane,
    )
    expect(problems).toEqual([{ path: '0', message: expect.stringContaining('Convolution 2d takes a picture') }])
    expect(layers(model)[1].in).toBe(3)
  })
  test('a window that is too large, heads that do not divide, an odd half', () => {
    const message = (model: LayerSpec, facts: DataFacts): string => fit(model, facts).problems[0]?.message
    expect(message(chain({ kind: 'conv2d', in: 1, out: 2, size: 30 }), digits)).toMatch(/28 places come in.*over 30/)
    expect(message(chain({ kind: 'glu', axis: -1 }), { ...plane, inputShape: [3] })).toMatch(
      /3 numbers cannot be halved/,
    )
    const attention = chain(
      { kind: 'embedding', count: 27, size: 9 },
      { kind: 'multiHeadAttention', width: 9, heads: 2 },
    )
    expect(message(attention, names)).toMatch(/2 heads do not divide the width 9. Take 1 heads/)
    expect(message(chain({ kind: 'linear', in: 2, out: 2 }), digits)).toMatch(
      /ends with 1 × 28 × 10, and must end with 10/,
    )
    expect(message(chain({ kind: 'tanh' }), names)).toMatch(/embedding/)
  })
  test('through branches and ways around', () => {
    const body = chain({ kind: 'linear', in: 9, out: 8 }, { kind: 'relu' }, { kind: 'linear', in: 9, out: 4 })
    const around = chain(
      { kind: 'linear', in: 2, out: 4 },
      { kind: 'residual', body },
      { kind: 'linear', in: 1, out: 2 },
    )
    const found = fit(around, plane)
    expect(found.problems).toEqual([])
    expect(found.shapes.get('1.body.2')).toEqual({ in: [8], out: [4] })
    const uneven = chain(
      { kind: 'linear', in: 2, out: 5 },
      { kind: 'residual', body },
      { kind: 'linear', in: 1, out: 2 },
    )
    expect(fit(uneven, plane).problems[0]).toMatchObject({
      path: '1',
      message: expect.stringMatching(/5 go around, and 4/),
    })
    const beside = chain(
      {
        kind: 'parallel',
        branches: [chain({ kind: 'linear', in: 1, out: 3 }), { kind: 'identity' }],
        join: 'concat',
        axis: 1,
      },
      { kind: 'linear', in: 1, out: 2 },
    )
    expect(fit(beside, plane).shapes.get('0')).toEqual({ in: [2], out: [5] })
    expect(layers(fit(beside, plane).model)[1].in).toBe(5)
  })
})
