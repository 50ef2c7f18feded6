/**
 * The roofline: how fast this machine could do a piece of work at best, given the work's operations and the bytes that
 * it moves (Williams, Waterman and Patterson 2009, doi 10.1145/1498765.1498785).
 *
 * What the machine can do is measured: native.ts and simd128.ts.
 */

/** How fast memory is read when a program goes over so many bytes again and again. */
export interface Level {
  readonly bytes: number
  /** Bytes a second. */
  readonly rate: number
}

/** What some number of threads reach with vectors of some width. */
export interface Ceiling {
  /** `AVX-512`, `SIMD128` … */
  readonly vectors: string
  readonly threads: number
  /** Floating-point operations a second; a multiply-add counts as two. */
  readonly flops: number
  /** Smallest first; the last one is memory itself. */
  readonly levels: readonly Level[]
}

export type Missing = { readonly missing: string }

export function isMissing(value: Ceiling | Missing): value is Missing {
  return 'missing' in value
}

export interface Bound {
  /** The shortest time, in milliseconds. */
  readonly milliseconds: number
  /** What takes that long. */
  readonly by: 'compute' | 'memory'
}

/** How fast so many bytes come at best: as fast as from the smallest level that holds them all. */
export function rateFor({ levels }: Ceiling, bytes: number): number {
  return (levels.find((level) => bytes <= level.bytes) ?? levels[levels.length - 1]).rate
}

/** The time that the work takes at best. */
export function boundOf(ceiling: Ceiling, flops: number, bytes: number): Bound {
  const compute = (1000 * flops) / ceiling.flops
  const memory = (1000 * bytes) / rateFor(ceiling, bytes)
  return compute >= memory ? { milliseconds: compute, by: 'compute' } : { milliseconds: memory, by: 'memory' }
}

/** The better of two measurements of the same thing: whatever disturbs makes it slower. */
export function better(a: Ceiling | Missing, b: Ceiling | Missing): Ceiling | Missing {
  if (isMissing(a)) return b
  if (isMissing(b)) return a
  const levels = a.levels.map((level, i) => ({ ...level, rate: Math.max(level.rate, b.levels[i].rate) }))
  return { ...a, flops: Math.max(a.flops, b.flops), levels }
}

/** Sizes in each of which reading is measured: within the first and the second cache, the last one, and none. */
export const levelBytes: readonly number[] = [2 ** 15, 2 ** 18, 2 ** 22, 2 ** 27]

/** How long one measurement lasts, and how often it is made: the best one counts. */
export const sampleMs = 20
export const attempts = 5
