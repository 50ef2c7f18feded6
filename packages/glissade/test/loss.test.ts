/** What losses refuse, and their behaviour at extremes. Their numbers: golden-loss. */
import { describe, expect, it } from 'vitest'
import { gradients } from '../src/autodiff/gradients.ts'
import { evaluate } from '../src/backends/reference/reference.ts'
import { tensor } from '../src/create.ts'
import { runTrace, Trace } from '../src/graph/trace.ts'
import * as loss from '../src/loss/index.ts'
import { leaf } from '../src/ops/leaf.ts'
import { makeNode } from '../src/tensor.ts'

const labels = (...values: number[]) => tensor(Int32Array.from(values))

describe('labels', () => {
  it('out of range are refused at once where they are known', () => {
    const logits = tensor([
      [1, 2, 3],
      [1, 2, 3],
    ])
    expect(() => loss.crossEntropy(logits, labels(0, 3))).toThrow(
      'crossEntropy: target: value 3 at position 1 is out of range; expected 0 to 2',
    )
    expect(() => loss.crossEntropy(logits, labels(-1, 0))).toThrow(/value -1 at position 0/)
    expect(() => loss.nll(logits, labels(0, 7))).toThrow(/nll: target: value 7/)
    expect(() => loss.crossEntropy(logits, labels(-1, 0), { ignoreIndex: -1 })).not.toThrow()
  })

  it('of a traced argument are checked before each run', () => {
    const trace = new Trace()
    runTrace(trace, () => {
      const target = makeNode(leaf, [], { shape: [2], dtype: 'int32' })
      loss.crossEntropy(
        tensor([
          [1, 2, 3],
          [1, 2, 3],
        ]),
        target,
        { ignoreIndex: 9 },
      )
      expect(trace.requirements).toEqual([{ tensor: target, what: 'crossEntropy: target', size: 3, except: 9 }])
    })
  })

  it('of the wrong shape or type are refused', () => {
    const logits = tensor([
      [1, 2, 3],
      [1, 2, 3],
    ])
    expect(() => loss.crossEntropy(logits, labels(0, 1, 2))).toThrow(
      /expected a target \[2\]: one label for each sample/,
    )
    expect(() => loss.crossEntropy(logits, tensor([0, 1]))).toThrow(/equal shapes/)
    expect(() => loss.crossEntropy(logits, labels(0, 1), { weight: tensor([1, 2]) })).toThrow(
      /weights \[2\]; expected \[3\]/,
    )
    expect(() => loss.crossEntropy(logits, labels(0, 1), { labelSmoothing: 2 })).toThrow(/0 to 1/)
  })
})

describe('predictions', () => {
  it('and targets of different shapes do not broadcast', () => {
    expect(() => loss.mse(tensor([[1], [2]]), tensor([1, 2]))).toThrow(
      'mse: received a prediction [2, 1] and a target [2]; expected equal shapes',
    )
    expect(() => loss.bceWithLogits(tensor([1]), tensor([1, 0]))).toThrow(/equal shapes/)
  })

  it('of any size give finite losses and gradients', () => {
    const logits = tensor([
      [1e4, -1e4, 0],
      [-3e38, 0, 3e38],
    ])
    const value = loss.crossEntropy(logits, labels(1, 2), { reduction: 'sum' })
    const [gradient] = gradients(value, [logits])
    const [l, g] = evaluate([value, gradient ?? expect.fail('no gradient')])
    expect([...l.data]).toEqual([2e4])
    expect([...g.data]).toEqual([1, -1, 0, 0, 0, 0])
  })
})
