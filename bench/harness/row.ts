/** One line of the result: an engine's times for a piece of work, and how they compare with others'. */
import type { Work } from '../works/work.ts'
import { type Contestant, label } from './contestants.ts'
import { summarize } from './statistics.ts'

export interface Row {
  readonly work: string
  readonly engine: string
  readonly version: string
  readonly backend: string
  readonly threads: number
  readonly median_ms: number
  readonly min_ms: number
  /** From the median and the work's count of operations; null where there is none. */
  readonly gflops: number | null
  /** The range of the middle half of all samples, relative to the median. */
  readonly spread: number
  readonly samples: number
  /** The machine's load over the last minute, when the work was done: this benchmark's own part included. */
  readonly load: number
}

export function toRow(
  work: Work,
  contestant: Contestant,
  version: string,
  times: readonly number[],
  load: number,
): Row {
  const { engine, backend, threads } = contestant
  const { median, min, spread, samples } = summarize(times)
  return {
    work: work.name,
    engine,
    version,
    backend,
    threads,
    median_ms: rounded(median),
    min_ms: rounded(min),
    gflops: work.flops === undefined ? null : rounded(work.flops / median / 1e6),
    spread: rounded(spread),
    samples,
    load: rounded(load),
  }
}

/** Five digits are more than the noise leaves. */
function rounded(value: number): number {
  return Number(value.toPrecision(5))
}

export interface Comparison {
  readonly rival: string
  /** How many times faster than the rival, by medians. */
  readonly ratio: number
}

/** Against the fastest rival of those that `counts` admits and that use no more threads. */
export function compareWithBest(row: Row, rows: readonly Row[], counts: (row: Row) => boolean): Comparison | undefined {
  const rivals = rows.filter((other) => counts(other) && other.work === row.work && other.threads <= row.threads)
  if (rivals.length === 0) return undefined
  const best = rivals.reduce((a, b) => (b.median_ms < a.median_ms ? b : a))
  return { rival: label(best), ratio: best.median_ms / row.median_ms }
}
