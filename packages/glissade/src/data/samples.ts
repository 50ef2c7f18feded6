/**
 * Samples one by one: lists of anything, text and sequences of different lengths too, prepared when they are asked for.
 *
 * `data.from(items)` makes one; `map` adds a step, which may draw random numbers and may be asynchronous. Batches:
 * loader.ts puts samples together by collate.ts. Columns of equal shape in memory: dataset.ts.
 */
import { fail } from '../errors.ts'
import type { NdArray } from '../io/nd-array.ts'
import { checkWhole } from '../ops/derived/common.ts'
import type { BatchOf } from './collate.ts'
import type { Columns, Dataset } from './dataset.ts'
import { Draws } from './draws.ts'
import { groupSplitPositions, type Labels } from './folds.ts'
import { Loader, type LoaderOptions } from './loader.ts'
import { splitPositions } from './order.ts'
import { checkFractions } from './table.ts'

/** In which pass a sample is asked for: random transforms depend on it. */
export interface SampleContext {
  readonly seed: number
  readonly epoch: number
}

/** Where a loader takes samples from. */
export interface SampleSource<T> {
  readonly length: number
  at(position: number, context?: SampleContext): T | Promise<T>
  /** Several at once, in this order, where that is faster. */
  many?(positions: readonly number[], context?: SampleContext): Promise<T[]>
}

/** Changes a sample. Random numbers come from `draws`: the same for a sample and pass, whoever prepares it. */
export type SampleMap<T, U> = (sample: T, draws: Draws, position: number) => U | Promise<U>

export interface SampleSplitOptions<T> {
  readonly seed?: number
  /** The label of a sample: every part has each label in its share. */
  stratify?(sample: T): number | string
  /** The group of a sample: groups stay whole. */
  group?(sample: T): number | string
}

const firstPass: SampleContext = { seed: 0, epoch: 0 }

export class Samples<T> implements SampleSource<T> {
  readonly #source: SampleSource<T>
  readonly #rows: Int32Array | undefined
  /** How many maps there are below: each draws its own numbers. */
  readonly #depth: number

  constructor(source: SampleSource<T>, rows?: Int32Array, depth = 0) {
    this.#source = source
    this.#rows = rows
    this.#depth = depth
  }

  get length(): number {
    return this.#rows?.length ?? this.#source.length
  }

  /** The sample at a position. Errors: `value-invalid` outside; and what the maps raise. */
  at(position: number, context: SampleContext = firstPass): T | Promise<T> {
    return this.#source.at(this.#row(position), context)
  }

  async many(positions: readonly number[], context: SampleContext = firstPass): Promise<T[]> {
    const rows = positions.map((position) => this.#row(position))
    if (this.#source.many) return this.#source.many(rows, context)
    return Promise.all(rows.map((row) => this.#source.at(row, context)))
  }

  #row(position: number): number {
    if (!Number.isInteger(position) || position < 0 || position >= this.length) {
      const expected = this.length === 0 ? 'none: there are no samples' : `0 to ${this.length - 1}`
      fail('value-invalid', { what: 'sample', received: String(position), expected, fix: 'Check the position.' })
    }
    return this.#rows ? this.#rows[position] : position
  }

  /**
   * The samples changed, each time that one is asked for. `position` is that in this set, which stays with the sample
   * through shuffles and splits.
   */
  map<U>(change: SampleMap<T, U>): Samples<U> {
    const stream = this.#depth + 1
    const apply = async (sample: T, position: number, { seed, epoch }: SampleContext): Promise<U> =>
      change(sample, new Draws(seed, epoch, position, stream), position)
    const mapped: SampleSource<U> = {
      length: this.length,
      at: async (position, context = firstPass) => apply(await this.at(position, context), position, context),
      many: async (positions, context = firstPass) => {
        const samples = await this.many(positions, context)
        return Promise.all(samples.map((sample, i) => apply(sample, positions[i], context)))
      },
    }
    return new Samples(mapped, undefined, stream)
  }

  /** The samples at these positions, in this order. Errors: `value-invalid`. */
  select(positions: ArrayLike<number>): Samples<T> {
    return new Samples(
      this.#source,
      Int32Array.from(positions, (position) => this.#row(position)),
      this.#depth,
    )
  }

  /** The first `count` samples, or all if there are fewer. */
  take(count: number): Samples<T> {
    const length = Math.min(checkWhole('take: count', count, 0), this.length)
    return this.select(Array.from({ length }, (_, i) => i))
  }

  /** The samples for which `keep` is true; each is asked for once, now. */
  async filter(keep: (sample: T, position: number) => boolean | Promise<boolean>): Promise<Samples<T>> {
    const kept: number[] = []
    for (let i = 0; i < this.length; i++) if (await keep(await this.at(i), i)) kept.push(i)
    return this.select(kept)
  }

  /** These samples, and then those of the other sets. */
  concat(...others: readonly Samples<T>[]): Samples<T> {
    const sets = [this as Samples<T>, ...others]
    const length = sets.reduce((sum, set) => sum + set.length, 0)
    const at = (position: number, context?: SampleContext): T | Promise<T> => {
      let place = position
      let set = 0
      while (place >= sets[set].length) place -= sets[set++].length
      return sets[set].at(place, context)
    }
    return new Samples({ length, at }, undefined, Math.max(...sets.map((set) => set.#depth)))
  }

  /** All samples, prepared now and held in memory: what is slow and not random is then done once. */
  async cached(): Promise<Samples<T>> {
    return from<T>(await this.all())
  }

  /** All samples in their order. */
  async all(): Promise<T[]> {
    return this.many(Array.from({ length: this.length }, (_, i) => i))
  }

  /** Shuffled parts of the given fractions; one number is a share, and the rest. Errors: `value-invalid`. */
  async split(
    fractions: number | readonly number[],
    { seed = 0, stratify, group }: SampleSplitOptions<T> = {},
  ): Promise<Samples<T>[]> {
    const parts = checkFractions(fractions)
    if (group) return groupSplitPositions(await this.labels(group), parts, seed).map((rows) => this.select(rows))
    const labels = stratify && numbersOf(await this.labels(stratify))
    return splitPositions(this.length, parts, seed, labels).map((rows) => this.select(rows))
  }

  /** A value of each sample, such as its label: for weights, folds and splits. */
  async labels<L extends number | string>(labelOf: (sample: T) => L): Promise<L[]> {
    return (await this.all()).map(labelOf)
  }

  /** A loader over these samples: loader.ts. */
  loader<B = BatchOf<T>>(options?: LoaderOptions<T, B>): Loader<T, B> {
    return new Loader<T, B>(this, options)
  }

  /** Batches of `size`, padded and stacked: as a Dataset has them, so that `fit` and `evaluate` take either. */
  batches(
    size: number,
    options: { shuffle?: boolean; seed?: number; epoch?: number; dropLast?: boolean } = {},
  ): AsyncGenerator<BatchOf<T>> {
    const { epoch, ...rest } = options
    return new Loader<T>(this, { batchSize: size, ...rest }).batches({ epoch: epoch ?? this.#passes++ })
  }
  #passes = 0
}

function numbersOf(labels: Labels): Int32Array {
  const known = new Map([...new Set(Array.from(labels))].map((label, i) => [label, i]))
  return Int32Array.from(Array.from(labels), (label) => known.get(label) as number)
}

/**
 * A set of samples: an array, or anything with a `length` and a function `at(position)`.
 *
 * ```ts
 * const names = data.from(['emma', 'olivia', 'ava']).map((name) => ({ x: Int32Array.from(encode(name)) }))
 * for await (const { x } of names.loader({ batchSize: 2, shuffle: true })) console.log(x.shape)
 * ```
 */
export function from<T>(items: readonly T[]): Samples<T>
export function from<T>(items: SampleSource<T>): Samples<T>
export function from<T>(items: readonly T[] | SampleSource<T>): Samples<T> {
  if (!Array.isArray(items)) return new Samples(items as SampleSource<T>)
  return new Samples({ length: items.length, at: (position) => items[position] as T })
}

/** The samples of a Dataset one by one, for transforms that work on single ones: each column as numbers with a shape. */
export function fromDataset<C extends Columns>(set: Dataset<C>): Samples<{ readonly [Name in keyof C]: NdArray }> {
  type Sample = { readonly [Name in keyof C]: NdArray }
  const many = async (positions: readonly number[]): Promise<Sample[]> => {
    const columns = await Promise.all(
      Object.entries(await set.batchAt(positions)).map(async ([name, column]) => ({
        name,
        data: (await column.realized()).read(),
        shape: column.shape.slice(1),
      })),
    )
    return positions.map((_, i) => {
      const fields = columns.map(({ name, data, shape }) => {
        const size = data.length / positions.length
        return [name, { data: data.slice(i * size, (i + 1) * size), shape }]
      })
      return Object.fromEntries(fields) as Sample
    })
  }
  return new Samples({ length: set.length, many, at: async (position: number) => (await many([position]))[0] })
}
