/** Files of a person's own as data: read here, checked, and never sent anywhere. */
import Papa from 'papaparse'
import { type Checked, most } from '../../spec/check.ts'
import type { DataSpec } from '../../spec/spec.ts'

type Shared = Pick<DataSpec, 'testShare' | 'seed'>

/** Columns and first rows of a table, for choosing. */
export interface TablePreview {
  readonly columns: readonly string[]
  readonly rows: readonly Readonly<Record<string, string>>[]
  readonly count: number
}

export const limits = `Up to ${most.letters / 1e6} MB and ${most.columns} columns; the first row has the names.`

/** The text of a file within bounds. */
async function textOf(file: File): Promise<Checked<string>> {
  if (file.size > most.letters)
    return {
      problem: `${file.name} has ${(file.size / 1e6).toFixed(1)} MB; at most ${most.letters / 1e6} MB fit into the page. Take a part of it.`,
    }
  const text = await file.text()
  if (text.includes('\u0000'))
    return { problem: `${file.name} is no text: it has zero bytes. Save it as a CSV or text file in UTF-8.` }
  return { value: text }
}

export function previewOf(name: string, text: string): Checked<TablePreview> {
  const { data, meta, errors } = Papa.parse<Record<string, string>>(text, { header: true, skipEmptyLines: 'greedy' })
  const columns = (meta.fields ?? []).filter((column) => column.trim() !== '')
  const first = errors.find(({ type }) => type === 'Quotes' || type === 'FieldMismatch')
  if (first && errors.length > data.length / 10)
    return {
      problem: `${name} cannot be read as a table: ${first.message} (row ${(first.row ?? 0) + 2}). Check its quotes and separators.`,
    }
  if (columns.length < 2)
    return {
      problem: `${name} has ${columns.length} named column${columns.length === 1 ? '' : 's'}; at least 2 are needed, inputs and a target. The first row must have the names.`,
    }
  if (columns.includes('__proto__'))
    return { problem: `${name} has a column __proto__, which cannot be kept. Rename it.` }
  if (columns.length > most.columns)
    return { problem: `${name} has ${columns.length} columns; at most ${most.columns} are taken. Leave some out.` }
  if (data.length < 4) return { problem: `${name} has ${data.length} rows of data; at least 4 are needed.` }
  return { value: { columns, rows: data.slice(0, 5), count: data.length } }
}

/** A table whose last column is the target, until something else is chosen. */
export async function readTable(file: File, shared: Shared): Promise<Checked<DataSpec>> {
  const text = await textOf(file)
  if (text.problem !== undefined) return text
  const preview = previewOf(file.name, text.value)
  if (preview.problem !== undefined) return preview
  const { columns } = preview.value
  const target = columns[columns.length - 1]
  const inputs = columns.filter((column) => column !== target)
  return { value: { kind: 'table', name: file.name.slice(0, 200), text: text.value, inputs, target, ...shared } }
}

export async function readText(file: File, shared: Shared): Promise<Checked<DataSpec>> {
  const text = await textOf(file)
  if (text.problem !== undefined) return text
  if (text.value.length < 64)
    return { problem: `${file.name} has ${text.value.length} letters; at least 64 are needed.` }
  return { value: { kind: 'text', corpus: 'own', text: text.value, context: 16, samples: 4000, ...shared } }
}
