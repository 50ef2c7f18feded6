/** Missing values filled in, and columns that say where they were. What transforms have in common: table-transforms.ts. */
import { fail } from '../errors.ts'
import type { Table } from './table.ts'
import { type ColumnOptions, present, TableTransform, type TransformState } from './table-transforms.ts'

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
    return fail('value-invalid', {
      what: 'imputer: fillValue',
      received,
      expected,
      fix: 'Use an imputer for each kind.',
    })
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
        if (typeof value !== 'string' && table.missing(name) < table.length)
          return this.#otherType(name, 'text', 'numbers')
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

/** Fills missing values in. */
export function imputer(options: ImputerOptions = {}): Imputer {
  return new Imputer(options)
}
