/**
 * Samples in memory: named columns of equal length, and which rows of them belong to the set.
 *
 * Splits and selections share the columns and differ in their rows; nothing is copied before a batch is put together.
 * Named sets: digits.ts. Orders and splits: order.ts.
 */
import { allocate, type TypedArray } from '../dtype.ts'
import { fail } from '../errors.ts'
import { checkWhole } from '../ops/derived/common.ts'
import { fromArray, type Tensor } from '../tensor.ts'
import { permutation, splitPositions } from './order.ts'

/** The columns of a set, or of a batch: each [N, ...shape of a sample]. */
export type Columns = Readonly<Record<string, Tensor>>

export interface BatchOptions {
  /** A new order for each pass; default false. */
  readonly shuffle?: boolean
  readonly seed?: number
  /** Which pass this is: the order depends on it. By default passes are counted. */
  readonly epoch?: number
  /** Leave out the last batch if it is not full; default false. */
  readonly dropLast?: boolean
}

export interface SplitOptions {
  readonly seed?: number
  /** A column of labels: every part gets each label in its share. */
  readonly stratify?: string
}

export class Dataset<C extends Columns = Columns> {
  readonly columns: C
  /** The rows that belong to the set, in its order; undefined means all. */
  readonly #rows: Int32Array | undefined
  #passes = 0

  constructor(columns: C, rows?: Int32Array) {
    const lengths = Object.entries(columns).map(
      ([name, column]) => `${name} ${column.rank === 0 ? 'no axis' : column.shape[0]}`,
    )
    const [first] = Object.values(columns)
    if (!first || Object.values(columns).some((column) => column.rank === 0 || column.shape[0] !== first.shape[0])) {
      fail('shape-mismatch', {
        op: 'dataset',
        received: lengths.length === 0 ? 'no columns' : `columns of ${lengths.join(', ')}`,
        expected: 'at least one column, all with as many samples along axis 0',
        fix: 'Check the columns.',
      })
    }
    this.columns = columns
    this.#rows = rows
  }

  /** The number of samples. */
  get length(): number {
    return this.#rows?.length ?? Object.values(this.columns)[0].shape[0]
  }

  /** The samples at these positions, in this order. */
  select(positions: ArrayLike<number>): Dataset<C> {
    const rows = Int32Array.from(positions, (position) => {
      if (!(position >= 0 && position < this.length)) {
        const received = String(position)
        fail('value-invalid', {
          what: 'select: position',
          received,
          expected: `0 to ${this.length - 1}`,
          fix: 'Check the positions.',
        })
      }
      return this.#rows ? this.#rows[position] : position
    })
    return new Dataset(this.columns, rows)
  }

  /** The first `count` samples, or all if there are fewer. */
  take(count: number): Dataset<C> {
    return this.select(Array.from({ length: Math.min(checkWhole('take: count', count, 0), this.length) }, (_, i) => i))
  }

  /** Shuffled parts of the given fractions; one number is a share, and the rest. */
  async split(fractions: number | readonly number[], { seed = 0, stratify }: SplitOptions = {}): Promise<Dataset<C>[]> {
    const parts = typeof fractions === 'number' ? [fractions, 1 - fractions] : fractions
    const total = parts.reduce((a, b) => a + b, 0)
    if (parts.some((part) => !(part >= 0)) || Math.abs(total - 1) > 1e-6) {
      const received = `[${parts.join(', ')}]`
      fail('value-invalid', {
        what: 'split: fractions',
        received,
        expected: 'numbers of at least 0 that add up to 1',
        fix: 'Change them.',
      })
    }
    const labels = stratify === undefined ? undefined : await this.values(stratify)
    return splitPositions(this.length, parts, seed, labels).map((positions) => this.select(positions))
  }

  /** The set with other columns, computed from whole ones: `set.map(({ x, y }) => ({ x: x.mul(2), y }))`. */
  map<D extends Columns>(change: (columns: C) => D): Dataset<D> {
    return new Dataset(change(this.columns), this.#rows)
  }

  /** The numbers of a column, of the samples of this set, in its order. */
  async values(name: keyof C & string): Promise<TypedArray> {
    return (await this.batchAt(this.#all(), [name]))[name].data()
  }

  /** The mean and standard deviation of a column over all its numbers. */
  async statistics(name: keyof C & string): Promise<{ mean: number; std: number }> {
    const values = await this.values(name)
    let sum = 0
    for (const value of values) sum += value
    const mean = sum / values.length
    let squares = 0
    for (const value of values) squares += (value - mean) ** 2
    return { mean, std: Math.sqrt(squares / values.length) }
  }

  /**
   * The set with (column - mean) / std. Use the statistics of the training part for all parts, or the test knows
   * more than it should.
   */
  normalize(name: keyof C & string, { mean, std }: { mean: number; std: number }): Dataset<C> {
    return this.map((columns) => ({ ...columns, [name]: columns[name].sub(mean).div(std === 0 ? 1 : std) }))
  }

  /** Batches of `size` samples (the last may be smaller), each column [size, ...sample]. */
  async *batches(size: number, options: BatchOptions = {}): AsyncGenerator<C> {
    checkWhole('batches: size', size, 1)
    const { shuffle = false, seed = 0, dropLast = false, epoch = this.#passes } = options
    this.#passes++
    const order = shuffle ? permutation(this.length, seed, epoch) : this.#all()
    const end = dropLast ? this.length - (this.length % size) : this.length
    for (let from = 0; from < end; from += size) yield this.batchAt(order.subarray(from, Math.min(from + size, end)))
  }

  /** One batch with the samples at these positions; only the columns `names`, if given. */
  async batchAt(
    positions: ArrayLike<number>,
    names: readonly (keyof C & string)[] = Object.keys(this.columns),
  ): Promise<C> {
    const rows = this.#rows
    const taken = names.map(async (name): Promise<[string, Tensor]> => {
      const column = this.columns[name]
      const source = (await column.realized()).read()
      const shape = column.shape.slice(1)
      const size = shape.reduce((a, b) => a * b, 1)
      const data = allocate(column.dtype, positions.length * size)
      for (let i = 0; i < positions.length; i++) {
        const row = rows ? rows[positions[i]] : positions[i]
        // A loop beats set(subarray) for the small rows of labels and tables.
        if (size === 1) data[i] = source[row]
        else data.set(source.subarray(row * size, (row + 1) * size), i * size)
      }
      return [name, fromArray(data, [positions.length, ...shape], column.dtype)]
    })
    return Object.fromEntries(await Promise.all(taken)) as unknown as C
  }

  #all(): Int32Array {
    return Int32Array.from({ length: this.length }, (_, i) => i)
  }
}

/** A set of samples from tensors with samples along axis 0: `dataset({ x, y })`. */
export function dataset<C extends Columns>(columns: C): Dataset<C> {
  return new Dataset(columns)
}
