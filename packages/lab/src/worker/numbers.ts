/** Tensors as what is sent to the page. */
import type { Tensor } from 'glissade'
import type { Histogram, Numbers } from './protocol.ts'

/** A copy of the numbers, without the batch axis where `sample` says so. */
export async function numbersOf(x: Tensor, sample = false): Promise<Numbers> {
  return { shape: sample ? x.shape.slice(1) : [...x.shape], values: Float32Array.from(await x.data()) }
}

const bins = 32

/** How finite values are spread between the smallest and the largest. */
export function histogramOf(values: Float32Array): Histogram {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const value of values) {
    if (!Number.isFinite(value)) continue
    if (value < low) low = value
    if (value > high) high = value
  }
  const counts = new Uint32Array(bins)
  if (low > high) return { low: 0, high: 0, counts }
  const scale = high > low ? bins / (high - low) : 0
  for (const value of values)
    if (Number.isFinite(value)) counts[Math.min(bins - 1, Math.floor((value - low) * scale))]++
  return { low, high, counts }
}

/** softmax along the last axis of `width` numbers. */
export function softmax(values: Float32Array, width: number): Float32Array {
  const result = new Float32Array(values.length)
  for (let from = 0; from < values.length; from += width) {
    let highest = Number.NEGATIVE_INFINITY
    for (let k = 0; k < width; k++) highest = Math.max(highest, values[from + k])
    let sum = 0
    for (let k = 0; k < width; k++) sum += result[from + k] = Math.exp(values[from + k] - highest)
    for (let k = 0; k < width; k++) result[from + k] /= sum
  }
  return result
}
