/** What losses refuse, and their behaviour at extremes. Their numbers: golden-loss. */
import { describe, expect, it } from 'vitest'
import { gradients } from '../src/autodiff/gradients.ts'
import { evaluate } from '../src/backends/reference/reference.ts'
import { tensor } from '../src/create.ts'
import { runTrace, Trace } from '../src/graph/trace.ts'
import * as loss from '../src/loss/index.ts'
import { leaf } from '../src/ops/leaf.ts'
import { makeNode, type Tensor } from '../src/tensor.ts'

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
    expect(() => loss.crossEntropy(logits, tensor([0, 1]))).toThrow(
      /a target of float32 \[2\]; expected class indices of int32, or probabilities \[2, 3\]/,
    )
    expect(() => loss.crossEntropy(logits, tensor([[0, 1]]))).toThrow(/equal shapes/)
    const scores = tensor(new Float32Array(30), { shape: [2, 5, 3] })
    expect(() => loss.crossEntropy(scores, tensor(new Int32Array(10), { shape: [2, 5] }))).toThrow(
      /give scores.reshape\(\[-1, 3\]\) and target.flatten\(\)/,
    )
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

describe('truths of yes and no', () => {
  it('may be bools', () => {
    const logits = tensor([[0.5, -1, 2]])
    const [bools, floats] = [tensor([[true, false, true]]), tensor([[1, 0, 1]])]
    const { bceWithLogits, bce, sigmoidFocal, multilabelSoftMargin, dice } = loss
    for (const make of [bceWithLogits, sigmoidFocal, multilabelSoftMargin, dice]) {
      const [a, b] = evaluate([make(logits, bools), make(logits, floats)])
      expect(a.data[0]).toBe(b.data[0])
    }
    const [a, b] = evaluate([bce(logits.sigmoid(), bools), bce(logits.sigmoid(), floats)])
    expect(a.data[0]).toBe(b.data[0])
  })
})

describe('losses refuse', () => {
  const [two, three] = [tensor([1, 2]), tensor([1, 2, 3])]
  const pairs = tensor([
    [1, 2],
    [3, 4],
  ])
  const steps = tensor(new Float32Array(12), { shape: [2, 3, 2] })
  const [lengths, target] = [labels(3, 3), tensor([[1], [1]], { dtype: 'int32' })]
  it.each<[string, () => unknown, RegExp]>([
    ['an unknown reduction', () => loss.mse(two, two, { reduction: 'avg' as 'mean' }), /received avg; expected 'mean'/],
    ['smoothL1 of other shapes', () => loss.smoothL1(two, three), /equal shapes/],
    ['a negative beta', () => loss.smoothL1(two, two, { beta: -1 }), /beta: received -1/],
    ['a delta of 0', () => loss.huber(two, two, { delta: 0 }), /delta: received 0/],
    ['a quantile above 1', () => loss.quantile(two, two, { q: 1.5 }), /q: received 1.5/],
    ['quantiles without an axis', () => loss.quantile(two, two, { q: [0.1, 0.9] }), /expected a prediction \[2, 2\]/],
    ['variances of another shape', () => loss.gaussianNll(pairs, pairs, three), /variances \[3\]/],
    ['an eps of 0', () => loss.gaussianNll(two, two, two, { eps: 0 }), /eps: received 0/],
    ['poissonNll of other shapes', () => loss.poissonNll(two, three), /equal shapes/],
    ['bce of other shapes', () => loss.bce(two, three), /equal shapes/],
    ['scores without classes', () => loss.multilabelSoftMargin(tensor(1), tensor(1)), /scores for classes/],
    ['softMargin of other shapes', () => loss.softMargin(two, three), /equal shapes/],
    ['an alpha of 2', () => loss.sigmoidFocal(two, two, { alpha: 2 }), /alpha: received 2/],
    ['a negative gamma', () => loss.focal(pairs, labels(0, 1), { gamma: -1 }), /gamma: received -1/],
    ['a label that is no class', () => loss.focal(pairs, labels(0, 2)), /focal: target: value 2/],
    ['klDivergence of other shapes', () => loss.klDivergence(two, three), /equal shapes/],
    ['hinge of other shapes', () => loss.hinge(two, three), /equal shapes/],
    ['squaredHinge of other shapes', () => loss.squaredHinge(two, three), /equal shapes/],
    ['hingeEmbedding of other shapes', () => loss.hingeEmbedding(two, three), /equal shapes/],
    ['marginRanking of other shapes', () => loss.marginRanking(two, two, three), /equal shapes/],
    ['a power of 3', () => loss.multiMargin(pairs, labels(0, 1), { p: 3 as 2 }), /p: received 3/],
    ['a margin above 1', () => loss.cosineEmbedding(pairs, pairs, two, { margin: 2 }), /margin: received 2/],
    ['a target for each element', () => loss.cosineEmbedding(pairs, pairs, pairs), /expected a target \[2\]/],
    ['triplets of other shapes', () => loss.tripletMargin(pairs, pairs, two), /equal shapes/],
    ['a margin of 0', () => loss.tripletMargin(pairs, pairs, pairs, { margin: 0 }), /margin: received 0/],
    ['contrasts of other shapes', () => loss.contrastive(pairs, pairs, three), /expected a target \[2\]/],
    ['a temperature of 0', () => loss.infoNce(pairs, pairs, { temperature: 0 }), /temperature: received 0/],
    ['one embedding', () => loss.ntXent(two, two), /expected \[B, D\]/],
    ['dice of other shapes', () => loss.dice(pairs, tensor([[1, 2, 3]])), /equal shapes/],
    ['dice of a label that is no class', () => loss.dice(pairs, labels(0, 5)), /dice: target: value 5/],
    ['ctc without a batch', () => loss.ctc(pairs, target, lengths, lengths), /expected \[B, T, C\]/],
    ['a length that is too long', () => loss.ctc(steps, target, labels(4, 1), labels(1, 1)), /inputLengths: value 4/],
    ['a target that is too long', () => loss.ctc(steps, target, lengths, labels(1, 2)), /targetLengths: value 2/],
    ['one length for two', () => loss.ctc(steps, target, labels(3), labels(1, 1)), /expected int32 \[2\]/],
    [
      'a blank that is no class',
      () => loss.ctc(steps, target, lengths, labels(1, 1), { blank: 2 }),
      /blank: received 2/,
    ],
    [
      'a letter that is no class',
      () => loss.ctc(steps, target.add(0).mul(1), lengths, labels(1, 1), { blank: -1 }),
      /blank/,
    ],
  ])('%s', (_, make, message) => {
    expect(make).toThrow(message)
  })
})

describe('losses agree with each other', () => {
  const numbers = (t: Tensor): number[] => [...evaluate([t])[0].data]
  it('where one is a case of another', () => {
    const logits = tensor([
      [1, -2, 0.5],
      [0.1, 3, -1],
    ])
    const [y, z] = [
      labels(2, 1),
      tensor([
        [1, 0, 1],
        [0, 1, 0],
      ]),
    ]
    const close = (a: Tensor, b: Tensor): void => expect(numbers(a)[0]).toBeCloseTo(numbers(b)[0], 6)
    close(loss.focal(logits, y, { gamma: 0 }), loss.crossEntropy(logits, y))
    close(loss.sigmoidFocal(logits, z, { gamma: 0, alpha: -1 }), loss.bceWithLogits(logits, z))
    close(loss.bce(logits.sigmoid(), z), loss.bceWithLogits(logits, z))
    close(loss.quantile(logits, z, { q: 0.5 }), loss.l1(logits, z).div(2))
    close(loss.huber(logits, z, { delta: 100 }), loss.mse(logits, z).div(2))
    close(loss.softMargin(logits, z.mul(2).sub(1)), loss.bceWithLogits(logits, z))
  })
  it('points in one place are at distance 0', () => {
    const point = tensor([[1, 2]])
    expect(numbers(loss.tripletMargin(point, point, point, { eps: 0, margin: 3 }))).toEqual([3])
    expect(numbers(loss.contrastive(point, point.add(0), tensor([0]), { margin: 3 }))).toEqual([4.5])
  })
  it('ctc counts every way to say a target', () => {
    // Two steps, one label: it may be said at the first, at the second, or at both.
    const p = [0.3, 0.7, 0.6, 0.4]
    const value = loss.ctc(
      tensor(p, { shape: [1, 2, 2] }).log(),
      tensor([[1]], { dtype: 'int32' }),
      labels(2),
      labels(1),
    )
    expect(numbers(value)[0]).toBeCloseTo(-Math.log(0.7 * 0.6 + 0.3 * 0.4 + 0.7 * 0.4), 6)
  })
})
