/**
 * What this machine can do at best: its multiply-adds and its reading of memory, for the native width and for 128 bits,
 * measured before the works and again after them. What engines reach is held against it (row.ts).
 */
import { arch, cpus, platform, release, totalmem } from 'node:os'
import { measureNative } from '../../packages/cli/src/roofline/native.ts'
import { better, type Ceiling, isMissing, type Missing } from '../../packages/cli/src/roofline/roofline.ts'
import { measureSimd128 } from '../../packages/cli/src/roofline/simd128.ts'
import { type Contestant, type Width, widthOf } from './contestants.ts'

export function describeMachine(): string {
  const all = cpus()
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`
  const processor = `${all.length} × ${all[0]?.model.trim() ?? 'unknown processor'}`
  return `${processor}, ${memory}, ${platform()} ${release()} ${arch()}, Node ${process.versions.node}`
}

export interface CeilingRow {
  readonly work: 'peak'
  readonly engine: 'machine'
  readonly backend: Width
  readonly vectors: string
  readonly threads: number
  readonly gflops: number
  /** Thousand million bytes a second, by the size of what is read. */
  readonly gigabytes: readonly { readonly bytes: number; readonly rate: number }[]
}

export class Machine {
  readonly #threads: readonly number[]
  readonly #found = new Map<Width, (Ceiling | Missing)[]>()

  constructor(threads: readonly number[], found: Iterable<readonly [Width, (Ceiling | Missing)[]]> = []) {
    this.#threads = threads
    this.#found = new Map(found)
  }

  /** Once more; the better of all measurements counts. */
  async measure(): Promise<void> {
    const measured: [Width, (Ceiling | Missing)[]][] = [
      ['native', await measureNative(this.#threads)],
      ['simd128', await measureSimd128(this.#threads)],
    ]
    for (const [width, ceilings] of measured) {
      const before = this.#found.get(width)
      this.#found.set(width, before ? ceilings.map((each, i) => better(before[i], each)) : ceilings)
    }
  }

  ceilingFor(contestant: Pick<Contestant, 'engine' | 'backend' | 'threads'>): Ceiling | undefined {
    const width = widthOf(contestant)
    const found = width && this.#found.get(width)?.[this.#threads.indexOf(contestant.threads)]
    return found && !isMissing(found) ? found : undefined
  }

  /** Why a width has no ceilings. */
  missing(): string[] {
    return [...this.#found].flatMap(([width, [first]]) =>
      first && isMissing(first) ? [`peak of ${width} missing: ${first.missing}`] : [],
    )
  }

  rows(): CeilingRow[] {
    return [...this.#found].flatMap(([backend, ceilings]) =>
      ceilings.flatMap((ceiling) => (isMissing(ceiling) ? [] : [ceilingRow(backend, ceiling)])),
    )
  }
}

const giga = (value: number): number => Number((value / 1e9).toPrecision(4))

function ceilingRow(backend: Width, { vectors, threads, flops, levels }: Ceiling): CeilingRow {
  const gigabytes = levels.map(({ bytes, rate }) => ({ bytes, rate: giga(rate) }))
  return { work: 'peak', engine: 'machine', backend, vectors, threads, gflops: giga(flops), gigabytes }
}
