/** Metrics, counted by hand on small examples. */
import { describe, expect, it } from 'vitest'
import { evaluate } from '../src/backends/reference/reference.ts'
import { tensor } from '../src/create.ts'
import * as metrics from '../src/metrics/index.ts'
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
