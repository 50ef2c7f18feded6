/**
 * Experiments on a run: a unit that is switched off or held, a number that is overwritten, a layer that is frozen; and
 * what followed from it at once, on the test part. Each can be taken back.
 *
 * How a hold acts: holds.ts. All changes go through the history, which does them again when time is turned back.
 */
import type { Live } from './desk.ts'
import type { Consequence, ExperimentReport, Score, Trial } from './protocol.ts'
import { scoreOf } from './scores.ts'
import { largest } from './tally.ts'

/** So many changed answers are named. */
const mostExamples = 12
/** So many experiments are remembered. */
const mostReports = 100

type Report = Omit<ExperimentReport, 'active'> & { undone: boolean }

const reports = new WeakMap<Live, Report[]>()
let made = 0

/** Those of a run that were made at the step it stands at, or before. */
export function reportsOf(live: Live): ExperimentReport[] {
  const { step } = live.run
  return (reports.get(live) ?? [])
    .filter(({ stamp }) => stamp.step <= step)
    .map(({ undone, ...report }) => ({ ...report, active: !undone && isActive(live, report.trial) }))
}

const isActive = (live: Live, trial: Trial): boolean => trial.kind === 'overwrite' || live.holds.holds.includes(trial)

export async function experiment(live: Live, trial: Trial): Promise<ExperimentReport> {
  const before = await answersOf(live)
  const old = trial.kind === 'overwrite' ? await numberAt(live, trial.name, trial.element) : undefined
  if (trial.kind === 'overwrite') await live.history.record(trial)
  else await live.history.record({ kind: 'hold', holds: [...live.holds.holds, trial] })
  live.changed()
  const consequence = consequenceOf(before, await answersOf(live), live.run.data.task === 'number')
  const report: Report = {
    id: ++made,
    stamp: live.run.stamp,
    trial,
    ...(old !== undefined && { old }),
    consequence,
    undone: false,
  }
  // What was tried in a future that is forgotten is forgotten too.
  const kept = (reports.get(live) ?? []).filter(({ stamp }) => stamp.step <= live.run.step)
  reports.set(live, [...kept, report].slice(-mostReports))
  const { undone: _, ...rest } = report
  return { ...rest, active: true }
}

export async function undo(live: Live, id: number): Promise<void> {
  const report = reports.get(live)?.find((each) => each.id === id)
  if (!report) throw new Error('There is no such experiment any more.')
  const { trial, old } = report
  if (trial.kind === 'overwrite')
    await live.history.record({ kind: 'overwrite', name: trial.name, element: trial.element, value: old as number })
  else await live.history.record({ kind: 'hold', holds: live.holds.holds.filter((hold) => hold !== trial) })
  report.undone = true
  live.changed()
}

async function numberAt(live: Live, name: string, element: number): Promise<number | undefined> {
  return (await live.run.model.namedVariables().get(name)?.data())?.[element]
}

interface Answers {
  readonly score: Score
  /** Of each test sample, or of each letter that counts: the class or the number. */
  readonly answers: Float32Array
}

async function answersOf({ run, probe }: Live): Promise<Answers> {
  const found: number[] = []
  const { task } = run.data
  const score = await scoreOf(run, probe, 'test', {
    add: (output, { shape }, truth) => {
      const width = shape[shape.length - 1]
      for (let i = 0; i < output.length / width; i++)
        found.push(task === 'number' ? output[i * width] : truth[i] < 0 ? -1 : largest(output, i * width, width))
    },
  })
  return { score, answers: Float32Array.from(found) }
}

function consequenceOf(before: Answers, after: Answers, isNumber: boolean): Consequence {
  const limit = isNumber ? spread(before.answers) / 10 : 0
  const changed = [...before.answers.keys()].filter((i) => {
    const difference = Math.abs(after.answers[i] - before.answers[i])
    return difference > limit || Number.isNaN(difference)
  })
  return {
    before: before.score,
    after: after.score,
    looked: before.answers.filter((answer) => isNumber || answer >= 0).length,
    changed: changed.length,
    examples: changed
      .slice(0, mostExamples)
      .map((index) => ({ index, from: before.answers[index], to: after.answers[index] })),
  }
}

function spread(values: Float32Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length)
}
