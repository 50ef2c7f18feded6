/**
 * Tables: named columns of numbers or of text, with missing values, as files of tables hold them.
 *
 * A table is not a data set yet: text has no place in a tensor, and missing values would turn every loss into NaN.
 * Transforms (table-transforms.ts) make numbers of it; `tensor` and `dataset` refuse what is left, by name and line.
 * Readers: io/csv.ts, io/json-lines.ts, io/parquet.ts.
 */
import type { TypedArray } from '../dtype.ts'
import { fail } from '../errors.ts'
import { checkWhole } from '../ops/derived/common.ts'
import { fromArray, type Tensor } from '../tensor.ts'
import { Dataset } from './dataset.ts'
import { groupSplitPositions } from './folds.ts'
import { splitPositions } from './order.ts'

/** Numbers, with NaN where one is missing; or text, with null. */
export type TableColumn = Float64Array | readonly (string | null)[]

/** What a column may be made from. */
export type ColumnValues = TypedArray | readonly (number | string | boolean | null | undefined)[]

/** Where rows came from, for messages. */
export interface TableOrigin {
  readonly file: string
  /** The line of each row, counted from 1. */
  readonly lines: Int32Array
}

export interface TableSplitOptions {
  readonly seed?: number
  /** A column whose values each part has in the same shares. */
  readonly stratify?: string
  /** A column whose equal values stay in one part, such as a patient or a speaker. */
  readonly group?: string
}

export interface TableDatasetOptions {
  /** The type of y: int32 for classes, float32 for quantities; default: int32 if all are whole numbers. */
  readonly yType?: 'int32' | 'float32'
}

export class Table {
  readonly #columns: ReadonlyMap<string, TableColumn>
  readonly #origin: TableOrigin | undefined
  /** The number of rows. */
  readonly length: number

  constructor(columns: Readonly<Record<string, TableColumn>> | ReadonlyMap<string, TableColumn>, origin?: TableOrigin) {
    this.#columns = columns instanceof Map ? new Map(columns) : new Map(Object.entries(columns))
    const lengths = [...this.#columns].map(([name, column]) => `${name} ${column.length}`)
    const [first] = this.#columns.values()
    if (!first || [...this.#columns.values()].some((column) => column.length !== first.length)) {
      fail('shape-mismatch', {
        op: 'table',
        received: first ? `columns of ${lengths.join(', ')} rows` : 'no columns',
        expected: 'at least one column, all with as many rows',
        fix: 'Check the columns.',
      })
    }
    this.length = first.length
    this.#origin = origin
  }

  get names(): string[] {
    return [...this.#columns.keys()]
  }

  /** Errors: `value-invalid` for a name that is not there. */
  column(name: string): TableColumn {
    return this.#columns.get(name) ?? this.#unknown(name)
  }

  /** Whether a column holds numbers. */
  isNumeric(name: string): boolean {
    return this.column(name) instanceof Float64Array
  }

  /** The numbers of a column, NaN where one is missing. Errors: `value-invalid`, for text, with its line. */
  numbers(name: string): Float64Array {
    const column = this.column(name)
    if (column instanceof Float64Array) return column
    const at = Math.max(
      0,
      column.findIndex((value) => value !== null && !isNumber(value)),
    )
    return fail('value-invalid', {
      what: this.placeOf(at, name),
      received: column.length === 0 ? 'text' : JSON.stringify(column[at]),
      expected: 'numbers',
      fix: 'Encode the column (data.oneHotEncoder, data.ordinalEncoder), or leave it out.',
    })
  }

  /** The text of a column, null where it is missing; numbers as they are written. */
  strings(name: string): (string | null)[] {
    const column = this.column(name)
    if (column instanceof Float64Array)
      return Array.from(column, (value) => (Number.isNaN(value) ? null : String(value)))
    return [...column]
  }

  /** How many values of a column are missing. */
  missing(name: string): number {
    const column = this.column(name)
    let count = 0
    for (const value of column) if (value === null || Number.isNaN(value)) count++
    return count
  }

  /** One row as an object, null where a value is missing. */
  row(at: number): Record<string, number | string | null> {
    const entries = [...this.#columns].map(([name, column]): [string, number | string | null] => {
      const value = column[at]
      return [name, typeof value === 'number' && Number.isNaN(value) ? null : value]
    })
    return Object.fromEntries(entries)
  }

  // ---- other tables ----

  /** The rows at these positions, in this order. */
  select(positions: ArrayLike<number>): Table {
    const rows = Int32Array.from(positions, (position) => {
      if (Number.isInteger(position) && position >= 0 && position < this.length) return position
      return fail('value-invalid', {
        what: 'select: position',
        received: String(position),
        expected: `0 to ${this.length - 1}`,
        fix: 'Check the positions.',
      })
    })
    const columns = [...this.#columns].map(([name, column]): [string, TableColumn] => [
      name,
      column instanceof Float64Array
        ? Float64Array.from(rows, (row) => column[row])
        : Array.from(rows, (r) => column[r]),
    ])
    const origin = this.#origin
    const lines = origin && { file: origin.file, lines: rows.map((row) => origin.lines[row]) }
    return new Table(new Map(columns), lines)
  }

  /** The rows for which `keep` is true. */
  filter(keep: (row: Record<string, number | string | null>, at: number) => boolean): Table {
    return this.select(range(0, this.length).filter((at) => keep(this.row(at), at)))
  }

  /** The rows from `start` (included) to `stop` (left out). */
  slice(start: number, stop = this.length): Table {
    checkWhole('slice: start', start, 0)
    return this.select(range(start, Math.min(checkWhole('slice: stop', stop, start), this.length)))
  }

  /** The first `count` rows, or all if there are fewer. */
  take(count: number): Table {
    return this.slice(0, checkWhole('take: count', count, 0))
  }

  /** These columns alone, in this order. */
  pick(...names: readonly string[]): Table {
    return new Table(new Map(names.map((name) => [name, this.column(name)])), this.#origin)
  }

  /** All columns but these. */
  drop(...names: readonly string[]): Table {
    for (const name of names) this.column(name)
    return this.pick(...this.names.filter((name) => !names.includes(name)))
  }

  /** With columns added or replaced. */
  with(columns: Readonly<Record<string, ColumnValues>>): Table {
    const added = Object.entries(columns).map(([name, values]): [string, TableColumn] => [name, columnOf(name, values)])
    return new Table(new Map([...this.#columns, ...added]), this.#origin)
  }

  /** Other columns for the same rows. */
  replaced(columns: ReadonlyMap<string, TableColumn>): Table {
    return new Table(columns, this.#origin)
  }

  /** Shuffled parts of the given fractions; one number is a share, and the rest. */
  split(fractions: number | readonly number[], { seed = 0, stratify, group }: TableSplitOptions = {}): Table[] {
    const parts = checkFractions(fractions)
    if (group !== undefined) {
      return groupSplitPositions(this.strings(group), parts, seed).map((positions) => this.select(positions))
    }
    const labels = stratify === undefined ? undefined : classNumbers(this.strings(stratify))
    return splitPositions(this.length, parts, seed, labels).map((positions) => this.select(positions))
  }

  // ---- out of the table ----

  /** float32 [N, columns]. Errors: `value-invalid` for text and for missing values, naming column and line. */
  tensor(...names: readonly string[]): Tensor {
    const chosen = names.length === 0 ? this.names : names
    const data = new Float32Array(this.length * chosen.length)
    for (const [j, name] of chosen.entries()) {
      const column = this.#whole(name)
      for (let i = 0; i < this.length; i++) data[i * chosen.length + j] = column[i]
    }
    return fromArray(data, [this.length, chosen.length])
  }

  /** One column, [N], as float32, or as int32 for classes. Errors: as `tensor`, and for fractions as int32. */
  vector(name: string, dtype: 'float32' | 'int32' = 'float32'): Tensor {
    const column = this.#whole(name)
    if (dtype === 'float32') return fromArray(Float32Array.from(column), [this.length])
    const at = column.findIndex((value) => value !== (value | 0))
    if (at >= 0) {
      fail('value-invalid', {
        what: this.placeOf(at, name),
        received: String(column[at]),
        expected: 'a whole number of 32 bits',
        fix: 'Use float32, or encode the column.',
      })
    }
    return fromArray(Int32Array.from(column), [this.length])
  }

  /** A set with x: float32 [N, features] and y: [N]; without names x takes every column but y. Errors: as `tensor`. */
  dataset(
    y: string,
    x: readonly string[] = this.names.filter((name) => name !== y),
    { yType }: TableDatasetOptions = {},
  ): Dataset<{ x: Tensor; y: Tensor }> {
    const whole = this.#whole(y).every((value) => value === (value | 0))
    return new Dataset({ x: this.tensor(...x), y: this.vector(y, yType ?? (whole ? 'int32' : 'float32')) })
  }

  /** A place for messages: "people.csv: line 7, column 'age'". */
  placeOf(row: number, name: string): string {
    const origin = this.#origin
    return origin ? `${origin.file}: line ${origin.lines[row]}, column '${name}'` : `row ${row}, column '${name}'`
  }

  #whole(name: string): Float64Array {
    const column = this.numbers(name)
    const at = column.findIndex((value) => !Number.isFinite(value))
    if (at >= 0) {
      fail('value-invalid', {
        what: this.placeOf(at, name),
        received: Number.isNaN(column[at]) ? 'a missing value' : String(column[at]),
        expected: 'a number',
        fix: `Fill the ${this.missing(name)} missing ones in (data.imputer), or leave those rows out.`,
      })
    }
    return column
  }

  #unknown(name: string): never {
    return fail('value-invalid', {
      what: 'column',
      received: `'${name}'`,
      expected: `one of ${this.names.map((known) => `'${known}'`).join(', ')}`,
      fix: 'Check the name.',
    })
  }
}

/** A table from columns: `table({ age: [31, null], city: ['Rome', 'Oslo'] })`. null and undefined are missing. */
export function table(columns: Readonly<Record<string, ColumnValues>>): Table {
  return new Table(new Map(Object.entries(columns).map(([name, values]) => [name, columnOf(name, values)])))
}

const range = (from: number, to: number): number[] => Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i)

/** Whether text is a number as it is written in files: digits, point, exponent, or infinity. */
export function isNumber(text: string): boolean {
  return /^[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|inf(?:inity)?)$/i.test(text)
}

/** The number that `isNumber` text says. */
export function toNumber(text: string): number {
  return /inf/i.test(text) ? (text.startsWith('-') ? -Infinity : Infinity) : Number(text)
}

/** A column of numbers, if every value that is there is one (true and false are 1 and 0); else of text. */
export function columnOf(name: string, values: ColumnValues): TableColumn {
  if (!Array.isArray(values)) return Float64Array.from(values as TypedArray)
  const list = values as readonly (number | string | boolean | null | undefined)[]
  const odd = list.find((value) => value !== null && typeof value === 'object')
  if (odd !== undefined) {
    fail('value-invalid', {
      what: `column '${name}'`,
      received: JSON.stringify(odd)?.slice(0, 60) ?? typeof odd,
      expected: 'numbers, text, true and false',
      fix: 'Take the values out of their lists first.',
    })
  }
  if (list.some((value) => typeof value === 'string')) {
    return list.map((value) => (value === null || value === undefined ? null : String(value)))
  }
  return Float64Array.from(list, (value) => (value === null || value === undefined ? Number.NaN : Number(value)))
}

/** Errors: `value-invalid`. */
export function checkFractions(fractions: number | readonly number[]): readonly number[] {
  const parts = typeof fractions === 'number' ? [fractions, 1 - fractions] : fractions
  const total = parts.reduce((a, b) => a + b, 0)
  if (parts.every((part) => part >= 0) && Math.abs(total - 1) <= 1e-6) return parts
  return fail('value-invalid', {
    what: 'split: fractions',
    received: `[${parts.join(', ')}]`,
    expected: 'numbers of at least 0 that add up to 1',
    fix: 'Change them.',
  })
}

/** A number for each different value, in the order of the sorted values. */
export function classNumbers(values: readonly (string | null)[]): Int32Array {
  const known = [...new Set(values)].sort((a, b) => (String(a) < String(b) ? -1 : 1))
  const numbers = new Map(known.map((value, i) => [value, i]))
  return Int32Array.from(values, (value) => numbers.get(value) as number)
}
