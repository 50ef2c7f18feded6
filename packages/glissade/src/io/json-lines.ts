/**
 * JSON lines: one JSON value on each line. Written too, for metrics and for sets of text.
 */
import { type Table, table } from '../data/table.ts'
import { refuse, sourceName, sourceText } from './bytes.ts'
import type { Source } from './model-file.ts'

/** The values of the lines; empty lines are passed over. Errors: `data-missing`, `file-format` with the line. */
export async function loadJsonLines(source: Source): Promise<unknown[]> {
  const file = sourceName(source, 'JSON lines')
  return parseJsonLines(await sourceText(source, file), file)
}

/** As loadJsonLines, from text. */
export function parseJsonLines(text: string, file = 'JSON lines'): unknown[] {
  const values: unknown[] = []
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '') continue
    try {
      values.push(JSON.parse(line))
    } catch (cause) {
      refuse(file, `line ${i + 1}`, line, 'one JSON value', 'It may be cut short; get the file again.', cause)
    }
  }
  return values
}

/** A table of lines that are objects: a name that a line lacks is missing there. Errors: as loadJsonLines. */
export async function loadJsonTable(source: Source): Promise<Table> {
  const file = sourceName(source, 'JSON lines')
  return tableOfRows(await loadJsonLines(source), file)
}

type Value = number | string | boolean | null | undefined

/** A table of objects. Errors: `file-format` for other values. */
export function tableOfRows(rows: readonly unknown[], file = 'rows'): Table {
  const names = new Set<string>()
  for (const [i, row] of rows.entries()) {
    if (typeof row !== 'object' || row === null || Array.isArray(row)) {
      const received = JSON.stringify(row) ?? typeof row
      refuse(file, `row ${i + 1}`, received, 'an object with a value for each column', 'Mend the row.')
    }
    for (const name of Object.keys(row as object)) names.add(name)
  }
  const columns = [...names].map((name): [string, Value[]] => [
    name,
    rows.map((row) => (Object.hasOwn(row as object, name) ? (row as Record<string, Value>)[name] : null)),
  ])
  return table(Object.fromEntries(columns))
}

/** The text of JSON lines. */
export function formatJsonLines(values: readonly unknown[]): string {
  return values.map((value) => `${JSON.stringify(value)}\n`).join('')
}
