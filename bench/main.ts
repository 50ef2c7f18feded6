/**
 * `npm run bench`: how fast is Glissade, beside what else is on the machine? Times, tables and ratios.
 *
 * Reading order: works/ (the questions), engines/ and rivals/ (how each engine does it), harness/measure.ts (how times
 * are taken), harness/row.ts and table.ts (what is told).
 */
import { cpus, loadavg } from 'node:os'
import { chooseContestants, label } from './harness/contestants.ts'
import { describeMachine, Machine } from './harness/machine.ts'
import { Measurement } from './harness/measure.ts'
import { help, type Options, readOptions } from './harness/options.ts'
import { writePage } from './harness/page.ts'
import type { MissingRow, Row } from './harness/row.ts'
import { textTable } from './harness/table.ts'
import { chooseWorks } from './works/index.ts'
import type { Work } from './works/work.ts'

const say = (text: string): void => {
  process.stderr.write(`bench: ${text}\n`)
}

async function bench(options: Options): Promise<boolean> {
  const python = process.env.GLISSADE_PYTHON ?? 'python3'
  const contestants = chooseContestants({ ...options, python })
  const works = chooseWorks(options.works, options.sizes)
  const rows: Row[] = []
  const missing: MissingRow[] = []
  let ok = true
  say(describeMachine())
  const [load] = loadavg()
  if (load > cpus().length / 4) say(`the machine is busy (load ${load.toFixed(2)}): times will be too long and noisy`)
  const tell = (row: object): void => {
    if (options.json) console.log(JSON.stringify(row))
  }
  const machine = new Machine(options.threads)
  await machine.measure()
  const listener = {
    started: (work: Work) => say(`${work.name} …`),
    row(row: Row) {
      rows.push(row)
      tell(row)
    },
    missing(row: MissingRow) {
      missing.push(row)
      tell(row)
    },
    skipped(who: string, reason: string) {
      say(`${who} skipped: ${reason}`)
    },
    failed(who: string, reason: string) {
      ok = false
      say(`${who} FAILED: ${reason}`)
    },
  }
  const write = (): void => {
    say(`wrote ${writePage({ works, rows, missing, pace: options.pace, machine })}`)
  }
  const measurement = new Measurement(options.pace, listener, machine)
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.once(signal, () => {
      measurement.close()
      if (options.table && rows.length > 0) write()
      process.exit(code)
    })
  }
  try {
    for (const work of works) {
      // one thread or more is no question of the first step
      const most = Math.max(...options.threads)
      const entrants = work.first
        ? contestants.filter((each) => each.threads === most || !contestants.some((other) => isMore(other, each)))
        : contestants
      await measurement.run(work, entrants)
      if (!options.json && rows.some((row) => row.work === work.name)) console.log(`\n${textTable(work, rows)}\n`)
    }
    await machine.measure()
    for (const reason of machine.missing()) say(reason)
    machine.rows().forEach(tell)
  } finally {
    measurement.close()
  }
  if (rows.length === 0) say(`nothing was measured; asked for: ${contestants.map(label).join(', ') || 'no engine'}`)
  else if (options.table) write()
  return ok && rows.length > 0
}

/** The same engine and backend with more threads. */
function isMore<T extends { engine: string; backend: string; threads: number }>(a: T, b: T): boolean {
  return a.engine === b.engine && a.backend === b.backend && a.threads > b.threads
}

try {
  const options = readOptions(process.argv.slice(2))
  if (options.help) console.log(help)
  else process.exitCode = (await bench(options)) ? 0 : 1
} catch (error) {
  say(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
}
