/** All works on one page: a line for each, Glissade with all its threads against the best setting of each rival. */
import type { Work } from '../works/work.ts'
import { isRival } from './contestants.ts'
import type { Row } from './row.ts'
import { duration, times } from './table.ts'

type Counts = (row: Row) => boolean

const of =
  (engine: string, backend?: string): Counts =>
  (row) =>
    row.engine === engine && (backend === undefined || row.backend === backend)

/** The rivals of native, and the heads of their columns. */
const rivals: readonly (readonly [head: string, counts: Counts])[] = [
  ['PyTorch eager', of('pytorch', 'eager')],
  ['torch.compile', of('pytorch', 'compile')],
  ['JAX', of('jax')],
  ['onnxruntime', of('onnxruntime')],
]

const typescript: Counts = ({ engine }) => isRival(engine, 'typescript')

/** Cells by row and column; the first row is the head. */
export function summaryCells(works: readonly Work[], rows: readonly Row[]): string[][] {
  const names = rivals.map(([name]) => `to ${name}`)
  const wasm = ['wasm', 'wasm of peak', 'wasm to TypeScript', 'wasm threads']
  return [
    ['work', 'native', 'of peak', ...names, 'threads', 'memory to PyTorch', ...wasm],
    ...works.flatMap(({ name }) => {
      const found = rows.filter(({ work }) => work === name)
      return found.length > 0 ? [summaryLine(name, found)] : []
    }),
  ]
}

function summaryLine(name: string, rows: readonly Row[]): string[] {
  const native = best(rows, of('glissade', 'native'), mostThreads)
  const wasm = best(rows, of('glissade', 'wasm'), mostThreads)
  const within = (row: Row | undefined, counts: Counts): Row | undefined =>
    row && best(rows, (other) => counts(other) && other.threads <= row.threads, fastest)
  return [
    name,
    native ? duration(native.median_ms) : '–',
    peak(native),
    ...rivals.map(([, counts]) => times(native, within(native, counts))),
    times(native, one(rows, native)),
    memory(native, within(native, of('pytorch', 'eager'))),
    wasm ? duration(wasm.median_ms) : '–',
    peak(wasm),
    times(wasm, within(wasm, typescript)),
    times(wasm, one(rows, wasm)),
  ]
}

type Better = (a: Row, b: Row) => boolean
const fastest: Better = (a, b) => a.median_ms < b.median_ms
const mostThreads: Better = (a, b) => a.threads > b.threads

function best(rows: readonly Row[], counts: Counts, better: Better): Row | undefined {
  return rows
    .filter(counts)
    .reduce<Row | undefined>((found, row) => (found && !better(row, found) ? found : row), undefined)
}

/** The same engine with one thread, where `row` has more. */
function one(rows: readonly Row[], row: Row | undefined): Row | undefined {
  return row && row.threads > 1
    ? rows.find((other) => of(row.engine, row.backend)(other) && other.threads === 1)
    : undefined
}

const peak = (row: Row | undefined): string =>
  typeof row?.peak_fraction === 'number' ? `${(100 * row.peak_fraction).toPrecision(2)} %` : '–'

/** How much of the other's memory it takes. */
function memory(row: Row | undefined, other: Row | undefined): string {
  return row?.memory_mb && other?.memory_mb ? `${(row.memory_mb / other.memory_mb).toFixed(2)} ×` : '–'
}
