/** The result for people: one table for each piece of work, fastest first, as text or as Markdown. */
import type { Work } from '../works/work.ts'
import { isRival, label } from './contestants.ts'
import { compareWithBest, type Row } from './row.ts'

/** Cells by row and column; the first row is the head. */
export function tableCells(work: Work, rows: readonly Row[]): string[][] {
  const sorted = rows.filter((row) => row.work === work.name).sort((a, b) => a.median_ms - b.median_ms)
  const head = ['engine', 'version', 'median', 'min', 'spread', 'memory']
  if (work.flops !== undefined) head.push('GFLOP/s', 'of peak')
  if (work.per) head.push(work.per)
  return [
    [...head, 'native is', 'wasm is', 'against the best rival', 'against TypeScript'],
    ...sorted.map((row) => [
      label(row),
      row.version,
      duration(row.median_ms),
      duration(row.min_ms),
      `${(100 * row.spread).toFixed(0)} %`,
      row.memory_mb === null ? '–' : `${row.memory_mb.toFixed(0)} MB`,
      ...(work.flops === undefined ? [] : [(row.gflops ?? 0).toFixed((row.gflops ?? 0) < 1 ? 3 : 1), share(row)]),
      ...(work.per ? [(1000 / row.median_ms).toFixed(row.median_ms > 100 ? 2 : 0)] : []),
      times(own(rows, row, 'native'), row),
      times(own(rows, row, 'wasm'), row),
      ratio(row, rows),
      ratio(row, rows, 'typescript'),
    ]),
  ]
}

const share = ({ peak_fraction: part }: Row): string => (part === null ? '–' : `${(100 * part).toPrecision(2)} %`)

/** Glissade's row for the same work, with as many threads. */
function own(rows: readonly Row[], { work, threads }: Row, backend: string): Row | undefined {
  return rows.find(
    (row) => !isRival(row.engine) && row.backend === backend && row.work === work && row.threads === threads,
  )
}

/** How many times faster `fast` is than `slow`. */
export function times(fast: Row | undefined, slow: Row | undefined): string {
  return fast && slow ? `${(slow.median_ms / fast.median_ms).toFixed(2)} ×` : '–'
}

/** Empty for rivals themselves. */
function ratio(row: Row, rows: readonly Row[], language?: 'typescript'): string {
  if (isRival(row.engine)) return ''
  const found = compareWithBest(row, rows, ({ engine }) => isRival(engine, language))
  return found ? `${found.ratio.toFixed(2)} × ${found.rival}` : '–'
}

export function duration(milliseconds: number): string {
  if (milliseconds >= 1000) return `${(milliseconds / 1000).toPrecision(4)} s`
  if (milliseconds >= 1) return `${milliseconds.toPrecision(4)} ms`
  return `${(milliseconds * 1000).toPrecision(4)} µs`
}

export function textTable(work: Work, rows: readonly Row[]): string {
  const cells = tableCells(work, rows)
  const widths = cells[0].map((_, column) => Math.max(...cells.map((row) => row[column].length)))
  const lines = cells.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]))
      .join('  ')
      .trimEnd(),
  )
  return [`${work.name}: ${work.title}`, ...lines].join('\n')
}

export function markdownTable(work: Work, rows: readonly Row[]): string {
  return [`## ${work.name}`, '', `${work.title}`, '', markdown(tableCells(work, rows))].join('\n')
}

/** A table of Markdown: texts in the first two columns, numbers in the others. */
export function markdown([head, ...body]: readonly string[][]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  const rule = head.map((_, column) => (column < 2 ? '---' : '---:'))
  return [line(head), line(rule), ...body.map(line)].join('\n')
}
