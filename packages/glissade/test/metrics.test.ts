/** Metrics, counted by hand on small examples. */
import { describe, expect, it } from 'vitest'
import { evaluate } from '../src/backends/reference/reference.ts'
import { tensor } from '../src/create.ts'
import * as metrics from '../src/metrics/index.ts'
import '../src/run/realize.ts'
import type { Tensor } from '../src/tensor.ts'

const numbers = (t: Tensor): number[] => [...evaluate([t])[0].data]
const labels = (...values: number[]): Tensor => tensor(Int32Array.from(values))
const scores = tensor([
  [3, 1, 2],
  [0, 5, 1],
  [1, 2, 9],
  [4, 0, 0],
])

describe('accuracy', () => {
  it('is the share of samples whose highest score is at the label', () => {
    expect(numbers(metrics.accuracy(scores, labels(0, 1, 0, 0)))).toEqual([0.75])
    expect(numbers(metrics.accuracy(labels(1, 2, 2), labels(1, 1, 2)))[0]).toBeCloseTo(2 / 3, 6)
  })
  it('takes classes on axis 1', () => {
    const perPixel = tensor([
      [
        [0, 9],
        [1, 0],
      ],
    ]) // [1, 2 classes, 2 places]
    expect(numbers(metrics.accuracy(perPixel, tensor(Int32Array.of(1, 1), { shape: [1, 2] })))).toEqual([0.5])
  })
  it('refuses labels of another shape or type', () => {
    expect(() => metrics.accuracy(scores, labels(0, 1))).toThrow(/expected a target int32 \[4\]/)
    expect(() => metrics.accuracy(scores, tensor([0, 1, 0, 0]))).toThrow(/target float32 \[4\]/)
  })
})

describe('the confusion matrix', () => {
  it('counts true classes in rows and predictions in columns', () => {
    expect(numbers(metrics.confusionMatrix(scores, labels(0, 1, 0, 2)))).toEqual([1, 0, 1, 0, 1, 0, 1, 0, 0])
    expect(metrics.confusionMatrix(labels(0, 1), labels(1, 1), 3).dtype).toBe('int32')
    expect(numbers(metrics.confusionMatrix(labels(0, 1), labels(1, 1), 2))).toEqual([0, 0, 1, 1])
  })
  it('refuses labels out of range', () => {
    expect(() => metrics.confusionMatrix(scores, labels(0, 1, 0, 3))).toThrow(/value 3 at position 3/)
  })
})

describe('streaming metrics', () => {
  const int = (values: number[] | number[][]): Tensor => tensor(values, { dtype: 'int32' })
  const three = tensor([
    [3, 1, 2],
    [0, 5, 1],
  ])

  it('say NaN before the first batch, and forget when reset', async () => {
    const all: metrics.Metric[] = [
      metrics.accuracy(),
      metrics.topK(1),
      metrics.f1({ average: 'macro' }),
      metrics.mse(),
      metrics.rmse(),
      metrics.r2(),
      metrics.perplexity(),
      metrics.calibrationError(),
      metrics.rocAuc(),
      metrics.meanLoss((p, t) => p.sub(t).mean()),
    ]
    for (const metric of all) expect(metric.compute(), metric.constructor.name).toBeNaN()
    const accuracy = new metrics.Accuracy()
    await accuracy.update(three, int([0, 0]))
    expect(accuracy.compute()).toBe(0.5)
    accuracy.reset()
    expect(accuracy.compute()).toBeNaN()
    const ranking = metrics.rocAuc()
    await ranking.update(tensor([0.1, 0.9]), int([0, 1]))
    expect(ranking.compute()).toBe(1)
    ranking.reset()
    await ranking.update(three, int([0, 1]))
    expect(ranking.perClass().length).toBe(3)
  })

  it('take labels as floats and bools where each element is yes or no', async () => {
    const metric = metrics.f1()
    await metric.update(tensor([2, -1, 3]), tensor([1, 0, 0]))
    await metric.update(tensor([2, -1]), tensor([true, true]))
    // Two right, one wrong yes, one missed.
    expect(metric.compute()).toBeCloseTo(4 / 6, 12)
  })

  it('leave ignored samples out', async () => {
    const accuracy = new metrics.Accuracy({ ignoreIndex: -100 })
    await accuracy.update(three, int([-100, 1]))
    expect(accuracy.compute()).toBe(1)
    const yes = new metrics.Accuracy({ ignoreIndex: -1 })
    await yes.update(tensor([3, 3]), int([-1, 0]))
    expect(yes.compute()).toBe(0)
  })

  it('weigh the loss of a batch by its samples', async () => {
    const metric = metrics.meanLoss((p, t) => p.sub(t).square().mean())
    await metric.update(tensor([1, 1, 1]), tensor([0, 0, 0]))
    await metric.update(tensor([3]), tensor([0]))
    metric.add(2, 4)
    expect(metric.compute()).toBeCloseTo((3 + 9 + 8) / 8, 12)
  })

  it('leave classes out of the mean of which there are no positives', async () => {
    const metric = metrics.rocAuc()
    await metric.update(three, int([0, 1]))
    expect(metric.perClass()).toEqual([1, 1, Number.NaN])
    expect(metric.compute()).toBe(1)
  })

  it('grow a confusion matrix with the labels, where nobody says how many there are', async () => {
    const metric = new metrics.ConfusionMatrix()
    await metric.update(int([0, 1]), int([1, 1]))
    await metric.update(int([3]), int([0]))
    expect(metric.compute()).toEqual([
      [0, 0, 0, 1],
      [1, 1, 0, 0],
      [0, 0, 0, 0],
      [0, 0, 0, 0],
    ])
  })

  const update = (metric: metrics.Metric<unknown>, prediction: Tensor, target: Tensor) => async (): Promise<void> =>
    metric.update(prediction, target)
  it.each<[string, () => Promise<void>, RegExp]>([
    ['a label that is no class', update(new metrics.Accuracy(), three, int([0, 3])), /value 3 at position 1/],
    ['a label below 0', update(metrics.topK(), three, int([-1, 0])), /value -1 at position 0/],
    [
      'targets of another shape',
      update(metrics.perplexity(), three, int([0])),
      /expected scores of floats, and a target int32 \[2\]/,
    ],
    ['yes and no of other shapes', update(new metrics.Accuracy(), tensor([1, 2, 3]), int([0])), /equal shapes/],
    ['half a label', update(metrics.f1(), tensor([1, 2]), tensor([0.5, 1])), /value 0.5 at position 0/],
    ['three classes as two', update(metrics.f1(), three, int([0, 1])), /'binary' with 3 classes/],
    [
      'a class beyond those said',
      update(new metrics.ConfusionMatrix({ classes: 2 }), int([2]), int([0])),
      /prediction: value 2/,
    ],
    ['classes in place of scores', update(metrics.rocAuc(), int([1]), int([1])), /predictions of int32/],
    ['NaN among scores', update(metrics.averagePrecision(), tensor([Number.NaN]), int([1])), /received NaN/],
    ['numbers of other shapes', update(metrics.r2(), three, tensor([1])), /equal shapes/],
    [
      'probabilities above 1',
      update(metrics.calibrationError({ fromLogits: false }), tensor([3]), int([1])),
      /received 3/,
    ],
    ['words as floats', update(metrics.bleu(), three, three), /expected int32 \[B, T\]/],
  ])('refuse %s', async (_, make, message) => {
    await expect(make()).rejects.toThrow(message)
  })

  it('refuse another number of classes on the way, and change nothing', async () => {
    const metric = metrics.rocAuc()
    await metric.update(tensor([0.1, 0.9]), int([0, 1]))
    await expect(metric.update(three, int([0, 1]))).rejects.toThrow(/scores for 3 classes/)
    expect(metric.compute()).toBe(1)
    const counts = metrics.precision()
    await counts.update(tensor([1]), int([1]))
    await expect(counts.update(tensor([1, 1]), int([1, 2]))).rejects.toThrow(/value 2/)
    expect(counts.compute()).toBe(1)
  })

  it.each<[string, () => unknown]>([
    ['k of 0', () => metrics.topK(0)],
    ['an unknown average', () => metrics.recall({ average: 'all' as 'macro' })],
    ['a beta of 0', () => metrics.f1({ beta: 0 })],
    ['an unknown mean', () => metrics.rocAuc({ average: 'micro' as 'macro' })],
    ['an unknown share', () => new metrics.ConfusionMatrix({ normalize: 'rows' as 'true' })],
    ['no classes', () => new metrics.ConfusionMatrix({ classes: 0 })],
    ['no bins', () => metrics.calibrationError({ bins: 0 })],
    ['an unknown norm', () => metrics.calibrationError({ norm: 'l3' as 'l1' })],
    ['no loss', () => metrics.meanLoss(undefined as never)],
    ['an unknown smoothing', () => metrics.bleu({ smooth: 'some' as 'exp' })],
    ['no order', () => metrics.bleu({ maxOrder: 0 })],
    ['a text as tokens', () => metrics.bleu().add('a b' as never, ['a'])],
    ['a text as reference', () => metrics.bleu().add(['a'], 'a' as never)],
  ])('refuse %s', (_, make) => {
    expect(make).toThrow(/received [\s\S]*expected/)
  })
})
