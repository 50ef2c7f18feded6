/**
 * What fuzz.test.ts asks of a seed: which tensors, and how near they must be. The graphs themselves: random-graph.ts.
 */
import { gradients } from '../../src/autodiff/gradients.ts'
import { zerosLike } from '../../src/create.ts'
import type { scan } from '../../src/ops/derived/scan.ts'
import type { Tensor } from '../../src/tensor.ts'
import { GraphMaker } from './random-graph.ts'

/** Up to some fifteen float32 operations in a row, steep ones among them. */
const relative = 3e-4

/** The graph's outputs and, for some seeds, gradients of them. */
export function tensorsOf(seed: number, loop?: typeof scan): Tensor[] {
  const { leaves, outputs } = new GraphMaker(seed, loop).make(6 + (seed % 19))
  if (seed % 3 === 0 || outputs.length === 0) return [...outputs]
  const total = outputs
    .map((output, i) =>
      output
        .mul(1 / (output.size + 1))
        .mul(i + 1)
        .sin()
        .sum(),
    )
    .reduce((a, b) => a.add(b))
  const slopes = gradients(total, leaves).map((slope, i) => slope ?? zerosLike(leaves[i]))
  // Together with the outputs, or alone: then nothing forces the forward values into memory.
  return seed % 3 === 1 ? [...outputs, ...slopes] : slopes
}

/** What is wrong with `actual`, measured against the largest number of the array. */
export function difference(actual: ArrayLike<number>, expected: ArrayLike<number>): string | undefined {
  if (actual.length !== expected.length) return `${actual.length} numbers instead of ${expected.length}`
  let largest = 1
  for (let i = 0; i < expected.length; i++)
    if (Number.isFinite(expected[i])) largest = Math.max(largest, Math.abs(expected[i]))
  for (let i = 0; i < expected.length; i++) {
    const same = actual[i] === expected[i] || (Number.isNaN(actual[i]) && Number.isNaN(expected[i]))
    if (!same && !(Math.abs(actual[i] - expected[i]) <= relative * largest))
      return `element ${i} is ${actual[i]} instead of ${expected[i]}`
  }
  return undefined
}
