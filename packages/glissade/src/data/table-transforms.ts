/**
 * What makes numbers of tables: what all such transforms have in common, and scaling; fitted on the training part,
 * applied to every part.
 *
 * A transform holds nothing of the other parts: what is fitted is kept, and asked for as JSON by `state()`. Names and
 * defaults follow scikit-learn. Classes: table-encoders.ts; missing values: table-imputer.ts; one after the other:
 * table-pipeline.ts.
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
  /** Columns that stay as they are, such as the one to predict. */
  readonly except?: readonly string[]
}

/** Fits on a table, changes tables, and, where it can, changes them back. */
export abstract class TableTransform {
  abstract readonly kind: string
  readonly columns: readonly string[] | undefined
  readonly #except: readonly string[]

  constructor({ columns, except = [] }: ColumnOptions) {
    this.columns = columns
    this.#except = except
  }

  /** Learns from a table: the training part. Returns itself. Errors: `value-invalid` for columns that do not fit. */
  fit(table: Table): this {
    // Also finds columns that are not in the table.
    for (const name of this.#except) table.column(name)
    const chosen = this.columns ?? table.names.filter((name) => this.suits(table, name))
    const names = chosen.filter((name) => !this.#except.includes(name))
    if (names.length === 0) {
      const received = `a table with the columns ${table.names.join(', ')}`
      fail('value-invalid', { what: `${this.kind}: fit`, received, expected: 'a column to work on', fix: 'Name one.' })
    }
    if (table.length === 0) {
      fail('value-invalid', {
        what: `${this.kind}: fit`,
        received: 'no rows',
        expected: 'at least one',
        fix: 'Check it.',
      })
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
    return {
      kind: this.kind,
      options: { ...(columns && { columns }), ...this.options() },
      fitted: this.#fitted ?? null,
    }
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
      fail('value-invalid', {
        what: 'minMaxScaler: featureRange',
        received,
        expected: '[low, high]',
        fix: 'Change it.',
      })
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
    const scale = (most - least || 1) / (high - low)
    return { offset: least - low * scale, scale }
  }

  protected options(): Readonly<Record<string, unknown>> {
    return { featureRange: this.#range }
  }
}

/** Scales columns to mean 0 and deviation 1. */
export function standardScaler(options: StandardScalerOptions = {}): StandardScaler {
  return new StandardScaler(options)
}

/** Scales columns to a range. */
export function minMaxScaler(options: MinMaxScalerOptions = {}): MinMaxScaler {
  return new MinMaxScaler(options)
}
