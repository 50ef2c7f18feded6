/**
 * Parquet into tables, by hyparquet, with all its compressions (Snappy, Gzip, Zstandard, Brotli, LZ4).
 *
 * Numbers, text, booleans and times become columns; 64-bit whole numbers beyond 2^53 and nested values are refused.
 */
import { type ColumnValues, columnOf, Table, type TableColumn } from '../data/table.ts'
import { fail, GlissadeError } from '../errors.ts'
import { refuse, sourceBytes, sourceName } from './bytes.ts'
import type { Source } from './model-file.ts'
import { optionalPackage } from './packages.ts'

export interface ParquetOptions {
  /** Only these columns. */
  readonly columns?: readonly string[]
  readonly rowStart?: number
  readonly rowEnd?: number
}

/** Reads a Parquet file. Times become milliseconds since 1970. Errors: `data-missing`, `file-format`, `package-missing`. */
export async function loadParquet(source: Source, options: ParquetOptions = {}): Promise<Table> {
  const file = sourceName(source, 'Parquet file')
  const bytes = await sourceBytes(source)
  const hyparquet = await optionalPackage('hyparquet', 'Reading Parquet')
  const { compressors } = await optionalPackage('hyparquet-compressors', 'Reading Parquet')
  const magic = (at: number): boolean => 'PAR1' === String.fromCharCode(...bytes.subarray(at, at + 4))
  if (bytes.length < 12 || !magic(0) || !magic(bytes.length - 4)) {
    const received = `${bytes.length} bytes without them`
    refuse(file, 'start and end', received, 'PAR1 at both', 'It may be cut short; get it again.')
  }
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer
  const columns = new Map<string, TableColumn>()
  try {
    const metadata = hyparquet.parquetMetadata(buffer)
    const names = topLevel(metadata.schema)
    const rows = Number(metadata.num_rows)
    if (!(rows >= 0 && rows <= rowLimit)) throw new Error(`${rows} rows`)
    const start = Math.min(options.rowStart ?? 0, rows)
    const end = Math.min(options.rowEnd ?? rows, rows)
    for (const name of options.columns ?? names) {
      if (!names.includes(name)) {
        const expected = names.map((known) => `'${known}'`).join(', ')
        fail('value-invalid', { what: 'parquet column', received: `'${name}'`, expected, fix: 'Check the name.' })
      }
      const found: unknown[] = []
      // One column at a time: where several are damaged at once, hyparquet would leave an error that nobody catches.
      await hyparquet.parquetRead({
        file: buffer,
        metadata,
        compressors,
        columns: [name],
        onChunk: ({ columnData, rowStart }) => {
          for (let i = 0; i < columnData.length; i++) {
            const row = Number(rowStart) + i
            if (row >= start && row < end) found[row - start] = columnData[i]
          }
        },
      })
      if (found.length !== end - start) throw new Error(`${found.length} of ${end - start} rows in column '${name}'`)
      columns.set(name, columnOf(name, values(found, name, file)))
    }
  } catch (cause) {
    if (cause instanceof GlissadeError) throw cause
    refuse(file, 'content', (cause as Error).message, 'a whole Parquet file', 'It is damaged; get it again.', cause)
  }
  return new Table(columns)
}

/** More than fit into memory as columns of numbers. */
const rowLimit = 2 ** 28

interface SchemaElement {
  readonly name: string
  readonly num_children?: number | undefined
}

/** The names of the columns that stand at the top; the schema lists each with what is in it, one after the other. */
function topLevel(schema: readonly SchemaElement[]): string[] {
  const names: string[] = []
  let at = 1
  const skip = (): void => {
    const children = schema[at++]?.num_children ?? 0
    for (let i = 0; i < children; i++) skip()
  }
  for (let i = 0; i < (schema[0]?.num_children ?? 0) && at < schema.length; i++) {
    names.push(schema[at].name)
    skip()
  }
  return names
}

function values(found: readonly unknown[], name: string, file: string): ColumnValues {
  return found.map((value, i) => {
    if (typeof value === 'bigint') {
      const number = Number(value)
      if (Number.isSafeInteger(number)) return number
    } else if (value instanceof Date) return value.getTime()
    else if (value === null || value === undefined || typeof value !== 'object') {
      return value as number | string | boolean | null | undefined
    }
    const received = typeof value === 'bigint' ? String(value) : 'a nested value'
    const expected = 'numbers of at most 53 bits, text, booleans or times'
    return refuse(file, `row ${i}, column '${name}'`, received, expected, 'Leave the column out: { columns }.')
  })
}
