/** docs/benchmarks.md, from what was measured: nothing in it is written by hand. */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Work } from '../works/work.ts'
import { type CeilingRow, describeMachine, type Machine } from './machine.ts'
import type { Pace } from './measure.ts'
import { type MissingRow, peakFraction, type Row } from './row.ts'
import { summaryCells } from './summary.ts'
import { markdown, markdownTable } from './table.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The commit that was measured, where this is a checkout. */
function commit(): string {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: 'pipe' }).trim()
  try {
    const changed = git('status', '--porcelain', '--', 'packages/glissade/src', 'bench') !== ''
    return `${git('rev-parse', '--short', 'HEAD')}${changed ? ' with changes' : ''}`
  } catch {
    return 'unknown commit'
  }
}

export interface Measurements {
  readonly works: readonly Work[]
  readonly rows: readonly Row[]
  readonly missing: readonly MissingRow[]
  readonly pace: Pace
  readonly machine: Machine
}

/** Writes the page; returns its path. */
export function writePage(measurements: Measurements): string {
  const path = join(root, 'docs/benchmarks.md')
  writeFileSync(path, pageText(measurements, describeMachine(), commit()))
  return path
}

export function pageText(measurements: Measurements, where: string, commit: string): string {
  const { works, missing, pace, machine } = measurements
  // the peak was measured once more after all works
  const rows = measurements.rows.map((row): Row => {
    const work = works.find(({ name }) => name === row.work)
    return work ? { ...row, peak_fraction: peakFraction(work, row, row.median_ms, machine) } : row
  })
  const loads = rows.map(({ load }) => load)
  const measured = works.filter(({ name }) => rows.some(({ work }) => work === name))
  return `# Benchmarks

Written by \`npm run bench -- --table\`; not to be edited. How it measures: \`bench/README.md\`.

- ${where}
- Glissade ${commit}
- ${versions(rows).join(', ')}
- ${pace.rounds} rounds of ${pace.milliseconds} ms each, engines in turn; load of the machine ${Math.min(...loads)} to ${Math.max(...loads)}
${[...machine.missing(), ...missingNotes(missing), ...stoppedNotes(works, measured, missing)].map((note) => `- ${note}\n`).join('')}
${markdown(peakCells(machine.rows()))}

The machine's peak, measured in the same run: multiply-adds of one and of several threads, and reading so many bytes
again and again, in GB/s. What an engine reaches is held against the peak of its width, or against the reading of what it
must read at least, whichever takes longer.

## All works

Glissade with all threads; the ratios are of medians, against the best setting of each rival: above 1, Glissade is
faster. \`threads\` is the ratio to one thread.

${markdown(summaryCells(works, rows))}

In the tables below \`native is\` and \`wasm is\` tell in each row how many times faster they are, with as many threads;
the last columns are against the fastest rival with no more threads.

${measured.map((work) => markdownTable(work, rows)).join('\n\n')}
`
}

/** One line for each engine and reason. */
function missingNotes(rows: readonly MissingRow[]): string[] {
  const works = new Map<string, Set<string>>()
  for (const { engine, backend, work, missing } of rows) {
    const key = `${engine} ${backend}\n${missing}`
    works.set(key, (works.get(key) ?? new Set()).add(work))
  }
  return [...works].map(([key, names]) => {
    const [who, reason] = key.split('\n')
    return `missing: ${who} in ${[...names].join(', ')}: ${reason}`
  })
}

/** What a run that was stopped did not come to. */
function stoppedNotes(works: readonly Work[], measured: readonly Work[], missing: readonly MissingRow[]): string[] {
  const left = works.filter((work) => !measured.includes(work) && !missing.some((row) => row.work === work.name))
  return left.length === 0 ? [] : [`stopped before ${left.map(({ name }) => name).join(', ')}`]
}

function versions(rows: readonly Row[]): string[] {
  return [...new Set(rows.map(({ engine, version }) => `${engine} ${version}`))].sort()
}

function peakCells(rows: readonly CeilingRow[]): string[][] {
  const sizes = rows[0]?.gigabytes.map(({ bytes }) => `${bytes / 1024} KiB`) ?? []
  return [
    ['peak', 'threads', 'GFLOP/s', ...sizes],
    ...rows.map(({ vectors, threads, gflops, gigabytes }) => [
      vectors,
      String(threads),
      gflops.toFixed(1),
      ...gigabytes.map(({ rate }) => rate.toFixed(1)),
    ]),
  ]
}
