/** Where a run stands in its own time, what was changed on the way, and what was tried on it. */
import { reportsOf } from '../experiments.ts'
import type { Change } from '../history.ts'
import type { Hold } from '../protocol.ts'
import type { Answerer } from './index.ts'

export const timeline: Answerer<'timeline'> = async ({ history }) => ({
  begin: history.begin,
  end: history.end,
  copies: Float64Array.from(history.steps),
  events: history.events.map(({ step, change }, i, all) => ({ step, text: textOf(change, holdsBefore(all, i)) })),
  bytes: history.bytes,
})

export const experiments: Answerer<'experiments'> = async (live) => ({ experiments: reportsOf(live) })

function holdsBefore(all: readonly { readonly change: Change }[], at: number): readonly Hold[] {
  const last = all.slice(0, at).findLast(({ change }) => change.kind === 'hold')?.change
  return last?.kind === 'hold' ? last.holds : []
}

const short = (value: number): string => String(Number(value.toPrecision(4)))

function textOf(change: Change, before: readonly Hold[]): string {
  switch (change.kind) {
    case 'adjust': {
      const { optimizer, schedule, stopAtEpoch } = change.change
      if (optimizer) return `${optimizer.kind} with learning rate ${short(Number(optimizer.lr))}`
      if (schedule) return `schedule: ${schedule.kind}`
      return stopAtEpoch ? `stops at epoch ${stopAtEpoch}` : 'settings changed'
    }
    case 'write':
      return `${change.name} written`
    case 'overwrite':
      return `${change.name}[${change.element}] set to ${short(change.value)}`
    case 'hold': {
      const come = change.holds.find((hold) => !before.includes(hold))
      const gone = before.find((hold) => !change.holds.includes(hold))
      if (come) return holdText(come)
      return gone ? `ended: ${holdText(gone)}` : 'nothing held'
    }
  }
}

function holdText(hold: Hold): string {
  const where = hold.module || 'the whole model'
  if (hold.kind === 'freeze') return `${where} frozen`
  const units = hold.units.length === 1 ? `unit ${hold.units[0]}` : `units ${hold.units[0]} to ${hold.units.at(-1)}`
  return hold.value === 0 ? `${units} of ${where} switched off` : `${units} of ${where} held at ${short(hold.value)}`
}
