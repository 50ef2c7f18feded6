/** One line of the result: an engine's times for a piece of work, and how they compare with others'. */
import { boundOf } from '../../packages/cli/src/roofline/roofline.ts'
import type { Work } from '../works/work.ts'
import { type Contestant, label } from './contestants.ts'
import type { Machine } from './machine.ts'
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
  /** Of what the machine could do with such vectors and threads, be it arithmetic or memory that bounds it. */
  readonly peak_fraction: number | null
  /** What the process held at most, beyond what it held before; null where the system does not tell. */
  readonly memory_mb: number | null
  /** What the engine's own plan says of it. */
  readonly planned_mb: number | null
  /** The range of the middle half of all samples, relative to the median. */
  readonly spread: number
  readonly samples: number
  /** The machine's load over the last minute, when the work was done: this benchmark's own part included. */
  readonly load: number
}

/** An engine without times for a piece of work, and why. */
export interface MissingRow extends Pick<Row, 'work' | 'engine' | 'backend' | 'threads'> {
  readonly missing: string
}

export interface Measured {
  readonly version: string
  readonly times: readonly number[]
  readonly load: number
  /** In bytes. */
  readonly peak?: number | null
  readonly planned?: number
}

const megabyte = 1e6

export function toRow(work: Work, contestant: Contestant, measured: Measured, machine?: Machine): Row {
  const { engine, backend, threads } = contestant
  const { version, times, load, peak, planned } = measured
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
    peak_fraction: peakFraction(work, contestant, median, machine),
    memory_mb: typeof peak === 'number' ? rounded(peak / megabyte) : null,
    planned_mb: planned === undefined ? null : rounded(planned / megabyte),
    spread: rounded(spread),
    samples,
    load: rounded(load),
  }
}

/** The shortest time over the one that it took; null where either is unknown. */
export function peakFraction(
  { flops, bytes = 0 }: Work,
  who: Pick<Row, 'engine' | 'backend' | 'threads'>,
  median: number,
  machine: Machine | undefined,
): number | null {
  const ceiling = machine?.ceilingFor(who)
  if (!ceiling || flops === undefined) return null
  return rounded(boundOf(ceiling, flops, bytes).milliseconds / median)
}

/** Five digits are more than the noise leaves. */
export function rounded(value: number): number {
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
