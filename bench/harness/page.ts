/** docs/benchmarks.md, from what was measured: nothing in it is written by hand. */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { arch, cpus, platform, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Work } from '../works/work.ts'
import type { Pace } from './measure.ts'
import type { Row } from './row.ts'
import { markdownTable } from './table.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

export function machine(): string {
  const all = cpus()
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`
  const processor = `${all.length} × ${all[0]?.model.trim() ?? 'unknown processor'}`
  return `${processor}, ${memory}, ${platform()} ${release()} ${arch()}, Node ${process.versions.node}`
}

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

/** Writes the page; returns its path. */
export function writePage(works: readonly Work[], rows: readonly Row[], notes: readonly string[], pace: Pace): string {
  const loads = rows.map(({ load }) => load)
  const text = `# Benchmarks

Written by \`npm run bench -- --table\`; not to be edited. How it measures: \`bench/README.md\`.

- ${machine()}
- Glissade ${commit()}
- ${pace.rounds} rounds of ${pace.milliseconds} ms each, engines in turn; load of the machine ${Math.min(...loads)} to ${Math.max(...loads)}
${notes.map((note) => `- ${note}\n`).join('')}
The ratios are of medians, against the fastest rival with no more threads: above 1, Glissade is faster.

${works
  .filter(({ name }) => rows.some(({ work }) => work === name))
  .map((work) => markdownTable(work, rows))
  .join('\n\n')}
`
  const path = join(root, 'docs/benchmarks.md')
  writeFileSync(path, text)
  return path
}
