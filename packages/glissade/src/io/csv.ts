/**
 * CSV and its kin (tabs, semicolons) into tables, by papaparse; types are inferred or declared.
 *
 * A row with too few or too many fields, and a word where a number was declared, are errors that name line and column:
 * a file that is half read would train on the wrong numbers.
 */
import { isNumber, Table, type TableColumn, toNumber } from '../data/table.ts'
import { fail } from '../errors.ts'
import { refuse, sourceName, sourceText } from './bytes.ts'
import type { Source } from './model-file.ts'
import { optionalPackage } from './packages.ts'

export type CsvType = 'number' | 'string' | 'boolean'

export interface CsvOptions {
  /** true: the first row has the names; false: columns are called column0, column1 …; a list: their names. Default true. */
  readonly header?: boolean | readonly string[]
  /** Default: of comma, tab, semicolon and bar the one that is most often in the first line. */
  readonly delimiter?: string
  readonly quote?: string
  /** The types of columns by name; others are numbers if all their values are, else text. */
  readonly types?: Readonly<Record<string, CsvType>>
  /** What stands for a missing value; default '', 'NA', 'NaN', 'nan' and 'null'. */
  readonly missing?: readonly string[]
  /** Take white space off both ends of fields; default true. */
  readonly trim?: boolean
  /** Leave out lines that begin with this. */
  readonly comment?: string
}

const defaultMissing = ['', 'NA', 'NaN', 'nan', 'null']

/** Reads a CSV file. Errors: `data-missing`, `file-format`, `package-missing`. */
export async function loadCsv(source: Source, options: CsvOptions = {}): Promise<Table> {
  const file = sourceName(source, 'CSV')
  return parseCsv(await sourceText(source, file), options, file)
}

/** As loadCsv, from text. */
export async function parseCsv(text: string, options: CsvOptions = {}, file = 'CSV'): Promise<Table> {
  const { parse } = (await optionalPackage('papaparse', 'Reading CSV')).default
  const { header = true, quote = '"', comment } = options
  // One kind of line end, within quotes too: files that mix them are common, and papaparse would take one for text.
  const lined = text.replace(/\r\n?/g, '\n')
  const parsed = parse<string[]>(lined, {
    delimiter: options.delimiter ?? guessDelimiter(lined, quote, comment),
    newline: '\n',
    quoteChar: quote,
    ...(comment !== undefined && { comments: comment }),
  })
  const rows = parsed.data
  const lines = linesOf(rows, lined, comment)
  const broken = parsed.errors.find(({ type }) => type === 'Quotes')
  if (broken) {
    const line = lines[Math.min(broken.row ?? 0, lines.length - 1)] ?? 1
    refuse(file, `line ${line}`, broken.message, 'quotes that open and close', 'Double a quote inside quotes.')
  }
  const kept = rows.map((_, i) => i).filter((i) => !isBlank(rows[i]))
  if (kept.length === 0) refuse(file, 'content', 'no rows', 'at least one', 'Check the file.')
  const names = namesOf(header, rows[kept[0]], file)
  const body = header === true ? kept.slice(1) : kept
  for (const i of body) {
    if (rows[i].length === names.length) continue
    const fix = 'Add what is missing, or put quotes around fields with delimiters in them.'
    refuse(file, `line ${lines[i]}`, `${rows[i].length} fields`, `${names.length} (${shortList(names)})`, fix)
  }
  const origin = { file, lines: Int32Array.from(body, (i) => lines[i]) }
  return new Table(new Map(readColumns(names, body, rows, options, origin)), origin)
}

function guessDelimiter(text: string, quote: string, comment: string | undefined): string {
  const isContent = (line: string): boolean =>
    line.trim() !== '' && !(comment !== undefined && line.startsWith(comment))
  const first = text.slice(0, 100_000).split('\n').find(isContent) ?? ''
  const outside = first.split(quote).filter((_, i) => i % 2 === 0)
  const counts = [',', '\t', ';', '|'].map((delimiter) => ({
    delimiter,
    count: outside.reduce((sum, part) => sum + part.split(delimiter).length - 1, 0),
  }))
  return counts.reduce((best, next) => (next.count > best.count ? next : best)).delimiter
}

const isBlank = (row: readonly string[]): boolean => row.length === 1 && row[0].trim() === ''
const shortList = (names: readonly string[]): string =>
  names.length > 8 ? `${names.slice(0, 8).join(', ')}, …` : names.join(', ')

/** The line on which each row begins: rows are one line each, and one more for each break within quotes. */
function linesOf(rows: readonly string[][], text: string, comment: string | undefined): number[] {
  if (comment !== undefined) return linesAmongComments(rows, text, comment)
  let line = 1
  return rows.map((row) => {
    const own = line
    line += 1 + breaksIn(row)
    return own
  })
}

function linesAmongComments(rows: readonly string[][], text: string, comment: string): number[] {
  const all = text.split('\n')
  let line = 0
  return rows.map((row) => {
    while (all[line]?.startsWith(comment)) line++
    const own = line + 1
    line += 1 + breaksIn(row)
    return own
  })
}

const breaksIn = (row: readonly string[]): number => row.reduce((sum, field) => sum + (field.split('\n').length - 1), 0)

function namesOf(header: CsvOptions['header'], first: readonly string[], file: string): readonly string[] {
  const names = Array.isArray(header)
    ? (header as readonly string[])
    : header === true
      ? first.map((name) => name.trim())
      : first.map((_, i) => `column${i}`)
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined) {
    const fix = 'Name each column once, or pass { header: false } if the file has no names.'
    refuse(file, 'names of columns', `'${twice}' twice`, 'different names', fix)
  }
  return names
}

function readColumns(
  names: readonly string[],
  body: readonly number[],
  rows: readonly string[][],
  { types = {}, missing = defaultMissing, trim = true }: CsvOptions,
  { file, lines }: { file: string; lines: Int32Array },
): [string, TableColumn][] {
  const unknown = Object.keys(types).find((name) => !names.includes(name))
  if (unknown !== undefined) {
    const expected = `one of ${shortList(names)}`
    fail('value-invalid', { what: `${file}: types`, received: `'${unknown}'`, expected, fix: 'Check the name.' })
  }
  const absent = new Set(missing)
  return names.map((name, j) => {
    const values = body.map((i) => {
      const value = trim ? rows[i][j].trim() : rows[i][j]
      return absent.has(value) ? null : value
    })
    const type = types[name] ?? (values.every((value) => value === null || isNumber(value)) ? 'number' : 'string')
    if (type === 'string' || (types[name] === undefined && values.every((value) => value === null)))
      return [name, values]
    const read = type === 'number' ? asNumber : asBoolean
    const numbers = values.map((value, at) => {
      if (value === null) return Number.NaN
      const number = read(value)
      if (number !== undefined) return number
      const expected = type === 'number' ? 'a number' : 'true or false'
      const fix = `Mend the value, or name it in { missing } if it stands for none.`
      return refuse(file, `line ${lines[at]}, column '${name}'`, JSON.stringify(value), expected, fix)
    })
    return [name, Float64Array.from(numbers)]
  })
}

const asNumber = (value: string): number | undefined => (isNumber(value) ? toNumber(value) : undefined)
const words: Record<string, number> = { true: 1, false: 0, yes: 1, no: 0, '1': 1, '0': 0 }
const asBoolean = (value: string): number | undefined => words[value.toLowerCase()]
