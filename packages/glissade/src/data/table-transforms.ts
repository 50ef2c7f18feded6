/**
 * What makes numbers of tables: scaling, encoding, filling in; fitted on the training part, applied to every part.
 *
 * A transform holds nothing of the other parts: what is fitted is kept, and asked for as JSON by `state()`. Names and
 * defaults follow scikit-learn. One after the other: tablePipeline, in table-pipeline.ts. Encoders: table-encoders.ts.
 */
import { fail } from '../errors.ts'
import type { Table } from './table.ts'

/** Plain JSON: what a transform knows, and how it was made. */
export interface TransformState {
  readonly kind: string
  readonly options: Readonly<Record<string, unknown>>
  readonly fitted: Readonly<Record<string, unknown>> | null
}

export interface ColumnOptions {
  /** Which columns; default: all that the transform can work on. */
  readonly columns?: readonly string[]
}

/** Fits on a table, changes tables, and, where it can, changes them back. */
export abstract class TableTransform {
  abstract readonly kind: string
  readonly columns: readonly string[] | undefined

  constructor({ columns }: ColumnOptions) {
    this.columns = columns
  }

  /** Learns from a table: the training part. Returns itself. Errors: `value-invalid` for columns that do not fit. */
  fit(table: Table): this {
    const names = this.columns ?? table.names.filter((name) => this.suits(table, name))
    if (names.length === 0) {
      const received = `a table with the columns ${table.names.join(', ')}`
      fail('value-invalid', { what: `${this.kind}: fit`, received, expected: 'a column to work on', fix: 'Name one.' })
    }
    if (table.length === 0) {
      fail('value-invalid', { what: `${this.kind}: fit`, received: 'no rows', expected: 'at least one', fix: 'Check it.' })
    }
    this.learn(table, names)
    return this
  }

  fitTransform(table: Table): Table {
    return this.fit(table).transform(table)
  }

  /** The table changed. Errors: `value-invalid` before `fit`, and for columns that do not fit. */
  abstract transform(table: Table): Table

  /** The table changed back, as far as it can be. */
  abstract inverse(table: Table): Table

  /** Whether a column is worked on where none is named. */
  protected abstract suits(table: Table, name: string): boolean
  protected abstract learn(table: Table, names: readonly string[]): void

  abstract state(): TransformState
  /** Takes over what another one has learned. */
  abstract restore(state: TransformState): this

  protected unfitted(): never {
    return fail('value-invalid', {
      what: this.kind,
      received: 'a table before fit',
      expected: 'fit(training part) first',
      fix: 'Fit on the training part alone, then transform every part.',
    })
  }

  protected checkState(state: TransformState): Readonly<Record<string, unknown>> | null {
    if (state?.kind === this.kind) return state.fitted
    return fail('value-invalid', {
      what: `${this.kind}: restore`,
      received: `a state of '${state?.kind}'`,
      expected: `one of '${this.kind}'`,
      fix: 'Restore each transform from its own state.',
    })
  }
}

/** What is there of a column, without the missing values. */
export const present = (values: Float64Array): Float64Array => values.filter((value) => !Number.isNaN(value))

interface Scale {
  /** What is taken off, and by what is divided then. */
  readonly offset: number
  readonly scale: number
}

/** Scaling of number columns: (x - offset) / scale. Missing values stay missing. */
abstract class Scaler extends TableTransform {
  #fitted: Readonly<Record<string, Scale>> | undefined

  protected abstract measure(values: Float64Array): Scale
  protected abstract options(): Readonly<Record<string, unknown>>

  /** Offset and scale of each column. */
  get scales(): Readonly<Record<string, Scale>> {
    return this.#fitted ?? this.unfitted()
  }

  protected suits(table: Table, name: string): boolean {
    return table.isNumeric(name)
  }

  protected learn(table: Table, names: readonly string[]): void {
    const measured = names.map((name): [string, Scale] => {
      const values = present(table.numbers(name))
      if (values.length === 0) {
        const received = `column '${name}' without a value`
        fail('value-invalid', { what: `${this.kind}: fit`, received, expected: 'at least one', fix: 'Leave it out.' })
      }
      const { offset, scale } = this.measure(values)
      if (!Number.isFinite(offset) || !Number.isFinite(scale)) {
        const received = `column '${name}' with an infinite value`
        fail('value-invalid', { what: `${this.kind}: fit`, received, expected: 'finite ones', fix: 'Check the data.' })
      }
      // A column that never changes is only moved.
      return [name, { offset, scale: scale === 0 ? 1 : scale }]
    })
    this.#fitted = Object.fromEntries(measured)
  }

  transform(table: Table): Table {
    return this.#apply(table, (value, { offset, scale }) => (value - offset) / scale)
  }

  inverse(table: Table): Table {
    return this.#apply(table, (value, { offset, scale }) => value * scale + offset, true)
  }

  #apply(table: Table, change: (value: number, scale: Scale) => number, partly = false): Table {
    const changed = Object.entries(this.scales)
      // Going back, predictions often hold some of the columns only.
      .filter(([name]) => !partly || table.names.includes(name))
      .map(([name, scale]) => [name, table.numbers(name).map((value) => change(value, scale))] as const)
    return table.with(Object.fromEntries(changed))
  }

  state(): TransformState {
    const { columns } = this
    return { kind: this.kind, options: { ...(columns && { columns }), ...this.options() }, fitted: this.#fitted ?? null }
  }

  restore(state: TransformState): this {
    this.#fitted = (this.checkState(state) ?? undefined) as Readonly<Record<string, Scale>> | undefined
    return this
  }
}

export interface StandardScalerOptions extends ColumnOptions {
  /** Take off the mean; default true. */
  readonly withMean?: boolean
  /** Divide by the standard deviation (that of the population); default true. */
  readonly withStd?: boolean
}

/** (x - mean) / deviation, of each column. */
export class StandardScaler extends Scaler {
  readonly kind = 'standardScaler'
  readonly #options: StandardScalerOptions

  constructor(options: StandardScalerOptions = {}) {
    super(options)
    this.#options = options
  }

  protected measure(values: Float64Array): Scale {
    const { withMean = true, withStd = true } = this.#options
    const mean = values.reduce((a, b) => a + b, 0) / values.length
    const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
    return { offset: withMean ? mean : 0, scale: withStd ? Math.sqrt(squares / values.length) : 1 }
  }

  protected options(): Readonly<Record<string, unknown>> {
    const { withMean = true, withStd = true } = this.#options
    return { withMean, withStd }
  }
}

export interface MinMaxScalerOptions extends ColumnOptions {
  /** Where the least and the largest value of the training part go; default [0, 1]. */
  readonly featureRange?: readonly [low: number, high: number]
}

/** From the range of each column to [low, high]. Values outside the training part's range go outside. */
export class MinMaxScaler extends Scaler {
  readonly kind = 'minMaxScaler'
  readonly #range: readonly [number, number]

  constructor({ featureRange = [0, 1], ...options }: MinMaxScalerOptions = {}) {
    super(options)
    if (!(featureRange[0] < featureRange[1])) {
      const received = `[${featureRange.join(', ')}]`
      fail('value-invalid', { what: 'minMaxScaler: featureRange', received, expected: '[low, high]', fix: 'Change it.' })
    }
    this.#range = featureRange
  }

  protected measure(values: Float64Array): Scale {
    const [low, high] = this.#range
    let [least, most] = [Infinity, -Infinity]
    for (const value of values) {
      least = Math.min(least, value)
      most = Math.max(most, value)
    }
    const scale = (most - least) / (high - low) || 1
    return { offset: least - low * scale, scale }
  }

  protected options(): Readonly<Record<string, unknown>> {
    return { featureRange: this.#range }
  }
}

export type ImputerStrategy = 'mean' | 'median' | 'mostFrequent' | 'constant'

export interface ImputerOptions extends ColumnOptions {
  /** What fills in; default 'median' for numbers; text takes 'mostFrequent' unless it is 'constant'. */
  readonly strategy?: ImputerStrategy
  /** With 'constant'; default 0 for numbers and 'missing' for text. */
  readonly fillValue?: number | string
  /** A column `${name}Missing` of 0 and 1 for each column in which a value was missing when fitting; default false. */
  readonly indicator?: boolean
}

interface Filling {
  readonly value: number | string
  readonly indicated: boolean
}

/** Fills missing values in. */
export class Imputer extends TableTransform {
  readonly kind = 'imputer'
  readonly #options: ImputerOptions
  #fitted: Readonly<Record<string, Filling>> | undefined

  constructor(options: ImputerOptions = {}) {
    super(options)
    const { strategy = 'median' } = options
    const known = ['mean', 'median', 'mostFrequent', 'constant']
    if (!known.includes(strategy)) {
      const expected = known.map((name) => `'${name}'`).join(', ')
      fail('value-invalid', { what: 'imputer: strategy', received: `'${strategy}'`, expected, fix: 'Use one of them.' })
    }
    this.#options = options
  }

  /** What each column is filled with. */
  get values(): Readonly<Record<string, number | string>> {
    const fitted = this.#fitted ?? this.unfitted()
    return Object.fromEntries(Object.entries(fitted).map(([name, { value }]) => [name, value]))
  }

  protected suits(): boolean {
    return true
  }

  protected learn(table: Table, names: readonly string[]): void {
    this.#fitted = Object.fromEntries(
      names.map((name): [string, Filling] => {
        const value = table.isNumeric(name) ? this.#number(table, name) : this.#text(table, name)
        return [name, { value, indicated: (this.#options.indicator ?? false) && table.missing(name) > 0 }]
      }),
    )
  }

  #number(table: Table, name: string): number {
    const { strategy = 'median', fillValue = 0 } = this.#options
    if (strategy === 'constant') return typeof fillValue === 'number' ? fillValue : this.#wrongFill(name, 'a number')
    const values = present(table.numbers(name))
    if (values.length === 0) this.#nothing(name)
    if (strategy === 'mean') return values.reduce((a, b) => a + b, 0) / values.length
    if (strategy === 'mostFrequent') return mostFrequent([...values].sort((a, b) => a - b))
    values.sort()
    const middle = values.length >> 1
    return values.length % 2 === 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2
  }

  #text(table: Table, name: string): string {
    const { strategy, fillValue = 'missing' } = this.#options
    if (strategy === 'constant') return typeof fillValue === 'string' ? fillValue : this.#wrongFill(name, 'text')
    const values = table.strings(name).filter((value) => value !== null)
    if (values.length === 0) this.#nothing(name)
    return mostFrequent(values.sort())
  }

  #wrongFill(name: string, expected: string): never {
    const received = `${JSON.stringify(this.#options.fillValue)} for column '${name}'`
    return fail('value-invalid', { what: 'imputer: fillValue', received, expected, fix: 'Use an imputer for each kind.' })
  }

  #nothing(name: string): never {
    const received = `column '${name}' without a value`
    const fix = "Leave it out, or use strategy 'constant'."
    return fail('value-invalid', { what: 'imputer: fit', received, expected: 'at least one', fix })
  }

  transform(table: Table): Table {
    const fitted = this.#fitted ?? this.unfitted()
    const changed: Record<string, Float64Array | (string | null)[]> = {}
    for (const [name, { value, indicated }] of Object.entries(fitted)) {
      const column = table.column(name)
      if (column instanceof Float64Array) {
        if (typeof value !== 'number') return this.#otherType(name, 'numbers', 'text')
        changed[name] = column.map((own) => (Number.isNaN(own) ? value : own))
      } else {
        // Text that is all missing may have been read as text where numbers were meant.
        if (typeof value !== 'string' && table.missing(name) < table.length) return this.#otherType(name, 'text', 'numbers')
        if (typeof value === 'number') changed[name] = new Float64Array(table.length).fill(value)
        else changed[name] = column.map((own) => own ?? value)
      }
      if (indicated) {
        changed[`${name}Missing`] = Float64Array.from(column as ArrayLike<number | null>, (own) =>
          Number(own === null || Number.isNaN(own)),
        )
      }
    }
    return table.with(changed)
  }

  #otherType(name: string, received: string, expected: string): never {
    const fix = 'Declare the type of the column when reading.'
    return fail('value-invalid', { what: `imputer: column '${name}'`, received, expected, fix })
  }

  /** Takes the indicators away, and makes those values missing again. */
  inverse(table: Table): Table {
    const fitted = this.#fitted ?? this.unfitted()
    let out = table
    for (const [name, { indicated }] of Object.entries(fitted)) {
      const indicator = `${name}Missing`
      if (!indicated || !out.names.includes(indicator) || !out.names.includes(name)) continue
      const missing = out.numbers(indicator)
      const column = out.column(name)
      const values =
        column instanceof Float64Array
          ? column.map((value, i) => (missing[i] === 1 ? Number.NaN : value))
          : column.map((value, i) => (missing[i] === 1 ? null : value))
      out = out.with({ [name]: values }).drop(indicator)
    }
    return out
  }

  state(): TransformState {
    return { kind: this.kind, options: { ...this.#options }, fitted: this.#fitted ?? null }
  }

  restore(state: TransformState): this {
    this.#fitted = (this.checkState(state) ?? undefined) as Readonly<Record<string, Filling>> | undefined
    return this
  }
}

/** The value that comes most often; of several the first. */
function mostFrequent<T>(sorted: readonly T[]): T {
  const counts = new Map<T, number>()
  for (const value of sorted) counts.set(value, (counts.get(value) ?? 0) + 1)
  return [...counts].reduce((best, next) => (next[1] > best[1] ? next : best))[0]
}

/** Scales columns to mean 0 and deviation 1. */
export function standardScaler(options: StandardScalerOptions = {}): StandardScaler {
  return new StandardScaler(options)
}

/** Scales columns to a range. */
export function minMaxScaler(options: MinMaxScalerOptions = {}): MinMaxScaler {
  return new MinMaxScaler(options)
}

/** Fills missing values in. */
export function imputer(options: ImputerOptions = {}): Imputer {
  return new Imputer(options)
}
