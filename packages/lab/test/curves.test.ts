/** What the chart of losses is drawn from: what is kept of long runs, what smoothing does, what a logarithm leaves out. */
import { describe, expect, test } from 'vitest'
import { Curves } from '../src/state/curves.ts'
import { columnsOf, smoothed, valueAt } from '../src/views/curves/columns.ts'

const plain = { quantity: 'loss', stepsPerEpoch: 10, log: false, smoothing: 0 } as const

describe('curves', () => {
  test('losses and scores stand at their epochs', () => {
    const curves = new Curves()
    curves.addLosses(0, Float32Array.of(4, 2, 1))
    curves.addScores({ step: 2, train: { loss: 3, accuracy: 0.5 }, test: { loss: 5, accuracy: 0.25 } })
    curves.addScores({ step: 20, train: { loss: 1, accuracy: 1 }, test: { loss: 2, accuracy: 0.75 } })
    const { epochs, batch, train, test: tested } = columnsOf(curves, plain)
    expect(epochs).toEqual([0, 0.1, 0.2, 2])
    expect(batch).toEqual([4, 2, 1, null])
    expect(train).toEqual([null, null, 3, 1])
    expect(tested).toEqual([null, null, 5, 2])
    expect(columnsOf(curves, { ...plain, quantity: 'accuracy' }).test).toEqual([0.25, 0.75])
    expect(valueAt(batch, 3)).toBe(1)
  })

  test('a long run keeps its mean, smallest and largest losses within a bound', () => {
    const curves = new Curves()
    const steps = 50_000
    for (let from = 0; from < steps; from += 1000)
      curves.addLosses(
        from,
        Float32Array.from({ length: 1000 }, (_, i) => ((from + i) % 7) + 1),
      )
    expect(curves.count).toBeLessThanOrEqual(4096)
    const { epochs, low, high, batch } = columnsOf(curves, plain)
    expect(epochs[0]).toBe(0)
    expect(epochs.at(-1)).toBeGreaterThan((steps - 2 * curves.stride) / 10)
    expect([Math.min(...(low as number[])), Math.max(...(high as number[]))]).toEqual([1, 7])
    const mean = (batch as number[]).reduce((sum, value) => sum + value, 0) / batch.length
    expect(mean).toBeCloseTo(4, 1)
  })

  test('what came after a step is forgotten where time is turned back', () => {
    const curves = new Curves()
    curves.addLosses(0, Float32Array.of(4, 3, 2, 1))
    curves.addLosses(2, Float32Array.of(9))
    expect(columnsOf(curves, plain).batch).toEqual([4, 3, 9])
  })

  test('smoothing is a weighted mean of what came before, also at the beginning', () => {
    expect(smoothed([2, 2, 2], 0.9)).toEqual([2, 2, 2].map((value) => expect.closeTo(value, 12)))
    const [first, second] = smoothed([1, null, 3], 0.5).filter((value) => value !== null)
    expect(first).toBe(1)
    expect(second).toBeCloseTo((0.25 * 1 + 0.5 * 3) / 0.75, 12)
  })

  test('what is not finite, or has no logarithm, is left out', () => {
    const curves = new Curves()
    curves.addLosses(0, Float32Array.of(1, 0, Number.NaN))
    expect(columnsOf(curves, plain).batch).toEqual([1, 0, null])
    expect(columnsOf(curves, { ...plain, log: true }).batch).toEqual([1, null, null])
  })
})
