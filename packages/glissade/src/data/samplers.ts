/**
 * Which samples come, in which order: functions of the pass alone, so that every order can be had again.
 *
 * A sampler gives the positions of one epoch. Shuffling and in-order need none: the loader does them itself.
 */
import { fail } from '../errors.ts'
import { checkWhole } from '../ops/derived/common.ts'
import { checkSeed, Draws } from './draws.ts'
import type { Labels } from './folds.ts'
import { permutation } from './order.ts'

export interface Sampler {
  /** How many positions an epoch has. */
  readonly length: number
  /** The positions of an epoch, in their order. */
  positions(epoch: number, seed: number): ArrayLike<number>
}

/** 0 to length - 1 in order. */
export function sequentialSampler(length: number): Sampler {
  checkWhole('sequentialSampler: length', length, 0)
  return { length, positions: () => Int32Array.from({ length }, (_, i) => i) }
}

/** 0 to length - 1 in a new order each epoch; with `replacement`, `count` draws that may repeat. */
export function randomSampler(
  length: number,
  { replacement = false, count = length }: { replacement?: boolean; count?: number } = {},
): Sampler {
  checkWhole('randomSampler: length', length, 0)
  checkWhole('randomSampler: count', count, 0)
  if (replacement) {
    return {
      length: count,
      positions: (epoch, seed) => {
        const draws = new Draws(seed, epoch)
        return Int32Array.from({ length: count }, () => draws.int(length))
      },
    }
  }
  return {
    length: Math.min(count, length),
    positions: (epoch, seed) => permutation(length, seed, epoch).subarray(0, count),
  }
}

/** These positions alone, in a new order each epoch; or in theirs. */
export function subsetSampler(positions: ArrayLike<number>, { shuffle = true }: { shuffle?: boolean } = {}): Sampler {
  const own = Int32Array.from(positions)
  return {
    length: own.length,
    positions: (epoch, seed) => (shuffle ? permutation(own.length, seed, epoch).map((at) => own[at]) : own),
  }
}

/**
 * `count` positions, drawn with replacement, each with a chance in proportion to its weight. For classes of different
 * sizes: `weightedSampler(data.classWeights(labels))`. Errors: `value-invalid`.
 */
export function weightedSampler(
  weights: ArrayLike<number>,
  { count = weights.length }: { count?: number } = {},
): Sampler {
  checkWhole('weightedSampler: count', count, 0)
  const sums = new Float64Array(weights.length)
  let total = 0
  for (let i = 0; i < weights.length; i++) {
    if (!(weights[i] >= 0 && weights[i] < Infinity)) {
      const received = `${weights[i]} at position ${i}`
      fail('value-invalid', {
        what: 'weightedSampler',
        received,
        expected: 'weights of at least 0',
        fix: 'Check them.',
      })
    }
    sums[i] = total += weights[i]
  }
  if (total === 0) {
    const received = weights.length === 0 ? 'no weights' : 'only zeros'
    fail('value-invalid', { what: 'weightedSampler', received, expected: 'a weight above 0', fix: 'Check them.' })
  }
  return {
    length: count,
    positions: (epoch, seed) => {
      const draws = new Draws(seed, epoch)
      return Int32Array.from({ length: count }, () => firstAbove(sums, draws.uniform(0, total)))
    },
  }
}

/** The first place whose sum is above `value`. */
function firstAbove(sums: Float64Array, value: number): number {
  let [low, high] = [0, sums.length - 1]
  while (low < high) {
    const middle = (low + high) >> 1
    if (sums[middle] > value) high = middle
    else low = middle + 1
  }
  return low
}

/** For each sample one over the number of samples with its label: drawn by these, labels come equally often. */
export function classWeights(labels: Labels): Float64Array {
  const counts = new Map<number | string | null, number>()
  for (let i = 0; i < labels.length; i++) counts.set(labels[i], (counts.get(labels[i]) ?? 0) + 1)
  return Float64Array.from({ length: labels.length }, (_, i) => 1 / (counts.get(labels[i]) as number))
}

/**
 * Every sample once, ordered so that each stretch of samples, and so each batch, has the labels in about their shares:
 * the j-th of the n samples with a label comes at about (j + u) / n of the way, with one random u for each.
 */
export function stratifiedSampler(labels: Labels): Sampler {
  const { length } = labels
  return {
    length,
    positions: (epoch, seed) => {
      const counts = new Map<number | string | null, number>()
      for (let i = 0; i < length; i++) counts.set(labels[i], (counts.get(labels[i]) ?? 0) + 1)
      const seen = new Map<number | string | null, number>()
      const draws = new Draws(seed, epoch)
      const places = Array.from(permutation(length, seed, epoch), (position) => {
        const label = labels[position]
        const rank = seen.get(label) ?? 0
        seen.set(label, rank + 1)
        return { position, at: (rank + draws.uniform()) / (counts.get(label) as number) }
      })
      places.sort((a, b) => a.at - b.at)
      return Int32Array.from(places, ({ position }) => position)
    },
  }
}

/** The positions of an epoch, checked. Errors: `value-invalid` for a position that no sample has. */
export function positionsOf(sampler: Sampler, epoch: number, seed: number, samples: number): Int32Array<ArrayBuffer> {
  checkSeed('loader', seed)
  return Int32Array.from(sampler.positions(epoch, seed), (position) => {
    if (Number.isInteger(position) && position >= 0 && position < samples) return position
    const expected = `0 to ${samples - 1}`
    return fail('value-invalid', { what: 'sampler', received: String(position), expected, fix: 'Check the sampler.' })
  })
}
