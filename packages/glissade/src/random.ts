/**
 * Random numbers from an explicit seed.
 *
 * A generator holds a seed and counts its draws. Each draw has its own key [seed, count], and each of its elements
 * is a hash of the key and the position (ops/leaf.ts), so the same seed gives the same numbers on every backend and
 * any number of threads. Inside a compiled step the host hands the program the key of the step's first draw before
 * each run, and moves the count on after it: a replayed program draws anew, and `state()` resumes exactly.
 */
import { fail } from './errors.ts'
import { activeTrace, type Trace } from './graph/trace.ts'
import { checkWhole, iota } from './ops/derived/common.ts'
import { argSort } from './ops/derived/indexing.ts'
import { leaf, randomBits } from './ops/leaf.ts'
import { checkShape, type Shape } from './shape.ts'
import type { Storage } from './storage.ts'
import { fromArray, makeNode, type Tensor } from './tensor.ts'

export interface GeneratorState {
  readonly seed: number
  /** How many draws were made. */
  readonly counter: number
}

export interface RandomOptions {
  /** Default: the one that manualSeed() sets, with seed 0. */
  readonly generator?: Generator
}

/** The draws of one generator in one trace. */
interface TracedDraws {
  readonly base: Tensor
  count: number
}

export class Generator {
  #seed: number
  #counter = 0
  readonly #traced = new WeakMap<Trace, TracedDraws>()

  constructor(seed = 0) {
    this.#seed = checkSeed(seed)
  }

  /** What to save in order to go on drawing the same numbers later. */
  state(): GeneratorState {
    return { seed: this.#seed, counter: this.#counter }
  }

  restore(state: GeneratorState): void {
    this.#seed = checkSeed(state.seed)
    this.#counter = checkWhole('Generator: counter', state.counter, 0)
  }

  /** int32 [2]: the key of the next draw. */
  nextKey(): Tensor {
    return keySource(() => this.#newKey())
  }

  #newKey(): Tensor {
    const trace = activeTrace()
    if (!trace) return fromArray(Int32Array.of(this.#seed, this.#counter++), [2])
    let draws = this.#traced.get(trace)
    if (!draws) {
      const base = makeNode(leaf, [], { shape: [2], dtype: 'int32' })
      const started: TracedDraws = { base, count: 0 }
      trace.supplied.push({
        tensor: base,
        supply: (storage: Storage) => storage.write(Int32Array.of(this.#seed, this.#counter)),
      })
      trace.afterRun.push(() => {
        this.#counter += started.count
      })
      this.#traced.set(trace, started)
      draws = started
    }
    const offset = draws.count++
    return offset === 0 ? draws.base : draws.base.add(iota([2], 0).mul(offset))
  }
}

function checkSeed(seed: number): number {
  if (!Number.isInteger(seed) || seed < -(2 ** 31) || seed >= 2 ** 32) {
    fail('value-invalid', {
      what: 'seed',
      received: String(seed),
      expected: 'a whole number of 32 bits',
      fix: 'Use 0 to 4294967295.',
    })
  }
  return seed | 0
}

const standard = new Generator(0)

/** Starts the default generator anew with `seed`, for compiled steps too, and returns it. */
export function manualSeed(seed: number): Generator {
  standard.restore({ seed, counter: 0 })
  return standard
}

/** The generator that draws where none is named. */
export function defaultGenerator(): Generator {
  return standard
}

// ---- where keys come from ----

/** Gives the key of a draw; `fresh` makes the next one of the generator that draws. */
type KeySource = (fresh: () => Tensor) => Tensor

let keySource: KeySource = (fresh) => fresh()

/** Runs `body` with keys that `change` makes of the source around it. */
export function withKeys<T>(change: (around: KeySource) => KeySource, body: () => T): T {
  const before = keySource
  keySource = change(before)
  try {
    return body()
  } finally {
    keySource = before
  }
}

// ---- the same draws twice, for what is computed again (autodiff/custom.ts) ----

/** Runs `body` and notes the keys of its draws. */
export function recordDraws<T>(body: () => T): { result: T; keys: readonly Tensor[] } {
  const keys: Tensor[] = []
  const noting = (around: KeySource): KeySource => {
    return (fresh) => {
      const key = around(fresh)
      keys.push(key)
      return key
    }
  }
  return { result: withKeys(noting, body), keys }
}

/** Runs `body` with `keys` in place of new draws. */
export function replayDraws<T>(keys: readonly Tensor[], body: () => T): T {
  let at = 0
  const again = (): Tensor => {
    if (at === keys.length) {
      fail('value-invalid', {
        what: 'checkpoint',
        received: 'more random draws when computed again',
        expected: `${keys.length}, as the first time`,
        fix: 'Make the function draw the same each time.',
      })
    }
    return keys[at++]
  }
  return withKeys(() => again, body)
}

// ---- distributions ----

/** int32: 32 random bits for each element. */
export function bits(shape: Shape, options: RandomOptions = {}): Tensor {
  const key = (options.generator ?? standard).nextKey()
  return makeNode(randomBits, [key], { shape: checkShape('bits', shape) })
}

/** float32 has 24 bits of fraction: as many random ones fit without rounding. */
const fractionBits = 24
const unit = 2 ** -fractionBits

/** int32 from 0 to 2^24 - 1. */
function wholeFraction(shape: Shape, options: RandomOptions): Tensor {
  return bits(shape, options).shiftRight(32 - fractionBits)
}

/** float32, evenly from low (included) to high (left out, but for rounding). */
export function uniform(shape: Shape, options: RandomOptions & { low?: number; high?: number } = {}): Tensor {
  const { low = 0, high = 1 } = options
  const fraction = wholeFraction(shape, options).cast('float32').mul(unit)
  return low === 0 && high === 1 ? fraction : fraction.mul(high - low).add(low)
}

/**
 * float32, normally distributed: sqrt(-2 ln u) cos(2 pi v) with u from 2^-24 to 1 and v from 0 to 1 (Box and Muller
 * 1958). No number is further than 5.8 deviations from the mean.
 */
export function normal(shape: Shape, options: RandomOptions & { mean?: number; deviation?: number } = {}): Tensor {
  const { mean = 0, deviation = 1 } = options
  const u = wholeFraction(shape, options).add(1).cast('float32').mul(unit)
  const v = wholeFraction(shape, options).cast('float32').mul(unit)
  const standardNormal = u
    .log()
    .mul(-2)
    .sqrt()
    .mul(v.mul(2 * Math.PI).cos())
  return mean === 0 && deviation === 1 ? standardNormal : standardNormal.mul(deviation).add(mean)
}

/** bool: true with probability `p`, which may be a tensor that broadcasts to `shape`. */
export function bernoulli(shape: Shape, p: number | Tensor = 0.5, options: RandomOptions = {}): Tensor {
  if (typeof p === 'number' && !(p >= 0 && p <= 1)) {
    fail('value-invalid', {
      what: 'bernoulli: p',
      received: String(p),
      expected: 'a probability, 0 to 1',
      fix: 'Check the argument.',
    })
  }
  return uniform(shape, options).lt(p)
}

/** int32, from low (included) to high (left out). The chances differ by at most (high - low) / 2^31. */
export function randint(low: number, high: number, shape: Shape, options: RandomOptions = {}): Tensor {
  const range = high - low
  if (!Number.isInteger(low) || !Number.isInteger(high) || range < 1 || range >= 2 ** 31) {
    fail('value-invalid', {
      what: 'randint',
      received: `${low} to ${high}`,
      expected: 'whole numbers, the second larger',
      fix: 'Check the bounds.',
    })
  }
  return bits(shape, options).shiftRight(1).mod(range).add(low)
}

/** int32 [n]: 0 to n - 1 in random order. */
export function permutation(n: number, options: RandomOptions = {}): Tensor {
  return argSort(bits([checkWhole('permutation: n', n, 0)], options))
}
