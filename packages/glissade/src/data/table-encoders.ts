/**
 * Classes as numbers: one-hot and ordinal encoding of columns, with what to do with classes that the training part does
 * not have. Scaling and filling in: table-transforms.ts.
 */
import { fail } from '../errors.ts'
import type { Table, TableColumn } from './table.ts'
import { type ColumnOptions, TableTransform, type TransformState } from './table-transforms.ts'

export interface EncoderOptions extends ColumnOptions {
  /** A class that was not there when fitting: an error, or nothing of the known ones. Default 'error'. */
  readonly unknown?: 'error' | 'ignore'
}

export interface OneHotEncoderOptions extends EncoderOptions {
  /** Leave out the first class, or the first where there are two; default none. */
  readonly drop?: 'first' | 'ifBinary'
}

/** The classes of each column, in their order: numbers by size, text by code points; null is missing. */
type Classes = Readonly<Record<string, readonly string[]>>

const missingClass = '(missing)'

abstract class Encoder extends TableTransform {
  protected fitted: Classes | undefined
  protected readonly unknown: 'error' | 'ignore'

  constructor({ unknown = 'error', ...options }: EncoderOptions) {
    super(options)
    this.unknown = unknown
  }

  /** The classes of each column, in the order of their numbers. */
  get classes(): Classes {
    return this.fitted ?? this.unfitted()
  }

  protected suits(table: Table, name: string): boolean {
    return !table.isNumeric(name)
  }

  protected learn(table: Table, names: readonly string[]): void {
    this.fitted = Object.fromEntries(
      names.map((name) => {
        const numeric = table.isNumeric(name)
        const values = [...new Set(valuesOf(table, name))]
        values.sort(numeric ? (a, b) => Number(a) - Number(b) : (a, b) => (a < b ? -1 : 1))
        return [name, values]
      }),
    )
  }

  /** The number of each row's class, -1 for one that is not known. */
  protected numbersOf(table: Table, name: string, classes: readonly string[]): Int32Array {
    const known = new Map(classes.map((value, i) => [value, i]))
    return Int32Array.from(valuesOf(table, name), (value, row) => {
      const number = known.get(value)
      if (number !== undefined) return number
      if (this.unknown === 'ignore') return -1
      const some = classes.slice(0, 8).map((own) => JSON.stringify(own))
      return fail('value-invalid', {
        what: table.placeOf(row, name),
        received: JSON.stringify(value),
        expected: `one of ${some.join(', ')}${classes.length > 8 ? ', …' : ''}, as in the training part`,
        fix: "Pass { unknown: 'ignore' } to pass over new classes.",
      })
    })
  }

  protected abstract options(): Readonly<Record<string, unknown>>

  state(): TransformState {
    const { columns, unknown } = this
    const options = { ...(columns && { columns }), unknown, ...this.options() }
    return { kind: this.kind, options, fitted: this.fitted ?? null }
  }

  restore(state: TransformState): this {
    this.fitted = (this.checkState(state) ?? undefined) as Classes | undefined
    return this
  }
}

/** The values of a column as text; a missing one is a class of its own. */
const valuesOf = (table: Table, name: string): string[] => table.strings(name).map((value) => value ?? missingClass)

/** A column of text; of numbers, where all classes are. */
function textColumn(classes: readonly (string | null)[]): TableColumn {
  const own = classes.map((value) => (value === missingClass ? null : value))
  const numbers = own.every((value) => value === null || (value !== '' && Number.isFinite(Number(value))))
  return numbers ? Float64Array.from(own, (value) => (value === null ? Number.NaN : Number(value))) : own
}

/** A column of 0 and 1 for each class, called `column=class`; the column itself goes. */
export class OneHotEncoder extends Encoder {
  readonly kind = 'oneHotEncoder'
  readonly #drop: 'first' | 'ifBinary' | undefined

  constructor({ drop, ...options }: OneHotEncoderOptions = {}) {
    super(options)
    this.#drop = drop
  }

  #skip(classes: readonly string[]): number {
    return this.#drop === 'first' || (this.#drop === 'ifBinary' && classes.length === 2) ? 1 : 0
  }

  transform(table: Table): Table {
    const columns = new Map<string, TableColumn>()
    for (const name of table.names) {
      const classes = Object.hasOwn(this.classes, name) ? this.classes[name] : undefined
      if (!classes) {
        columns.set(name, table.column(name))
        continue
      }
      const numbers = this.numbersOf(table, name, classes)
      for (let c = this.#skip(classes); c < classes.length; c++) {
        columns.set(
          `${name}=${classes[c]}`,
          Float64Array.from(numbers, (number) => Number(number === c)),
        )
      }
    }
    for (const name of Object.keys(this.classes)) table.column(name)
    return table.replaced(columns)
  }

  /** The columns as they were: the class with the largest number, or missing where all are 0. */
  inverse(table: Table): Table {
    let out = table
    for (const [name, classes] of Object.entries(this.classes)) {
      const skip = this.#skip(classes)
      const hot = classes.slice(skip).map((value) => `${name}=${value}`)
      if (hot.length === 0 || !hot.every((column) => out.names.includes(column))) continue
      const values = hot.map((column) => out.numbers(column))
      const found = Array.from({ length: out.length }, (_, row): string | null => {
        let best = -1
        for (let c = 0; c < values.length; c++) {
          if (values[c][row] > (best < 0 ? 0 : values[best][row])) best = c
        }
        return best >= 0 ? classes[best + skip] : skip > 0 ? classes[0] : null
      })
      out = out.with({ [name]: textColumn(found) as (string | null)[] }).drop(...hot)
    }
    return out
  }

  protected options(): Readonly<Record<string, unknown>> {
    return this.#drop ? { drop: this.#drop } : {}
  }
}

/** The number of each class, from 0; what is not known, where it is passed over, is -1. */
export class OrdinalEncoder extends Encoder {
  readonly kind = 'ordinalEncoder'

  constructor(options: EncoderOptions = {}) {
    super(options)
  }

  transform(table: Table): Table {
    const changed = Object.entries(this.classes).map(
      ([name, classes]) => [name, Float64Array.from(this.numbersOf(table, name, classes))] as const,
    )
    return table.with(Object.fromEntries(changed))
  }

  inverse(table: Table): Table {
    const changed = Object.entries(this.classes)
      .filter(([name]) => table.names.includes(name))
      .map(([name, classes]) => {
        const found = Array.from(table.numbers(name), (number) => classes[Math.round(number)] ?? null)
        return [name, textColumn(found) as (string | null)[]] as const
      })
    return table.with(Object.fromEntries(changed))
  }

  protected options(): Readonly<Record<string, unknown>> {
    return {}
  }
}

/** A column of 0 and 1 for each class of each column of text. */
export function oneHotEncoder(options: OneHotEncoderOptions = {}): OneHotEncoder {
  return new OneHotEncoder(options)
}

/** The number of its class for each value of each column of text: for trees and embeddings. */
export function ordinalEncoder(options: EncoderOptions = {}): OrdinalEncoder {
  return new OrdinalEncoder(options)
}
