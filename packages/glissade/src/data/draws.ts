/**
 * Random numbers on the host: what shuffles, samplers and transforms of single samples draw from.
 *
 * Each number is a hash of the seed, two places and a count (ops/leaf.ts), so a sample is changed in the same way
 * whoever prepares it, in whatever order, on any number of threads. Random tensors: random.ts.
 */
import { fail } from '../errors.ts'
import { threefry } from '../ops/leaf.ts'

/** A range [low, high], or a number that stands for both ends. */
export type Range = number | readonly [low: number, high: number]

export class Draws {
  readonly #seed: number
  readonly #epoch: number
  readonly #place: number
  #count: number

  /** `stream` keeps uses of the same seed apart. */
  constructor(seed: number, epoch = 0, place = 0, stream = 1) {
    this.#seed = seed
    this.#epoch = epoch
    this.#place = place
    this.#count = stream * countsPerStream
  }

  /** 32 random bits, from 0 to 2^32 - 1. */
  bits(): number {
    return threefry(this.#seed, this.#epoch, this.#place, this.#count++)[0] >>> 0
  }

  /** Evenly from low (included) to high (left out). */
  uniform(low = 0, high = 1): number {
    return low + (this.bits() / 2 ** 32) * (high - low)
  }

  /** A number of a range. */
  from(range: Range): number {
    return typeof range === 'number' ? range : this.uniform(range[0], range[1])
  }

  /** A whole number from 0 to count - 1. */
  int(count: number): number {
    return Math.floor(this.uniform() * count)
  }

  /** true with probability p. */
  chance(p = 0.5): boolean {
    return this.uniform() < p
  }

  /** Normally distributed (Box and Muller 1958). */
  normal(mean = 0, deviation = 1): number {
    const radius = Math.sqrt(-2 * Math.log((this.bits() + 1) / 2 ** 32))
    return mean + deviation * radius * Math.cos(2 * Math.PI * this.uniform())
  }

  /** Gamma distributed with this shape and scale 1 (Marsaglia and Tsang 2000). */
  gamma(shape: number): number {
    // Below 1 the density has a pole; a draw of shape + 1 is brought back.
    if (shape < 1) return this.gamma(shape + 1) * this.uniform() ** (1 / shape)
    const d = shape - 1 / 3
    for (;;) {
      const x = this.normal()
      const v = (1 + x / Math.sqrt(9 * d)) ** 3
      if (v > 0 && Math.log(1 - this.uniform()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v
    }
  }

  /** Beta distributed: from 0 to 1, near the ends for small a and b. */
  beta(a: number, b: number): number {
    const [x, y] = [this.gamma(a), this.gamma(b)]
    return x + y === 0 ? Number(this.chance()) : x / (x + y)
  }
}

/** Streams lie so far apart that no use draws into the next; permutations (order.ts) draw from count 0. */
const countsPerStream = 2 ** 24

/** Errors: `value-invalid` for a seed that is no whole number of 32 bits. */
export function checkSeed(what: string, seed: number): number {
  if (Number.isInteger(seed) && seed >= -(2 ** 31) && seed < 2 ** 32) return seed
  return fail('value-invalid', {
    what: `${what}: seed`,
    received: String(seed),
    expected: 'a whole number of 32 bits',
    fix: 'Use 0 to 4294967295.',
  })
}
