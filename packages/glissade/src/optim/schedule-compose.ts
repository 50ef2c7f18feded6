/** Schedules made of schedules: a warm-up before one, and several one after the other. */
import { checkWhole } from '../ops/derived/common.ts'
import type { Rates } from './rule.ts'
import { checkOption } from './rule.ts'
import { checkMilestones, type Json, type Schedule } from './schedule.ts'

/**
 * First `steps` steps in a straight line from `startFactor` times up to where `schedule` begins, then `schedule`.
 * Without startFactor the line begins at 1 / (steps + 1), so that it would be at 0 one step before the first.
 * torch's SequentialLR of a LinearLR and another.
 */
export function warmUp(schedule: Schedule, steps: number, { startFactor }: { startFactor?: number } = {}): Schedule {
  checkSchedule('warmUp', schedule)
  checkWhole('schedule.warmUp: steps', steps, 0)
  const start = startFactor ?? 1 / (steps + 1)
  checkOption('schedule.warmUp: startFactor', startFactor, start >= 0, 'a number of at least 0')
  const { observe } = schedule
  return {
    kind: 'warmUp',
    ...carriedOver(schedule),
    at: (step, memory) => {
      if (step >= steps) return schedule.at(step - steps, memory)
      const first = schedule.at(0, memory)
      return { ...first, lr: first.lr * (start + ((1 - start) * step) / steps) }
    },
    ...(observe && {
      // Results during the warm-up say nothing about the schedule.
      observe: (value, memory, step) => (step < steps ? memory : observe(value, memory, step - steps)),
    }),
  }
}

/**
 * Several schedules one after the other: the first until step milestones[0], the second from there (counting its own
 * steps from 0) until milestones[1] … torch's SequentialLR.
 */
export function sequential(schedules: readonly Schedule[], milestones: readonly number[]): Schedule {
  for (const schedule of schedules) checkSchedule('sequential', schedule)
  checkMilestones('sequential', milestones)
  checkOption(
    'schedule.sequential: milestones',
    milestones,
    schedules.length >= 1 && milestones.length === schedules.length - 1,
    `${Math.max(0, schedules.length - 1)} of them, one fewer than schedules`,
  )
  const placeOf = (step: number): { index: number; step: number } => {
    const index = milestones.filter((milestone) => milestone <= step).length
    return { index, step: index === 0 ? step : step - milestones[index - 1] }
  }
  const remembers = schedules.some(({ memory }) => memory !== undefined)
  const memoryOf = (memory: Json | undefined, index: number): Json | undefined =>
    schedules[index].memory === undefined ? undefined : (memory as readonly Json[])[index]
  return {
    kind: 'sequential',
    ...(schedules.some(({ cyclesMomentum }) => cyclesMomentum) && { cyclesMomentum: true }),
    at: (at, memory): Rates => {
      const { index, step } = placeOf(at)
      return schedules[index].at(step, memoryOf(memory, index))
    },
    ...(remembers && {
      memory: schedules.map(({ memory }) => memory ?? null),
      observe: (value, memory, at) => {
        const { index, step } = placeOf(at)
        const { observe } = schedules[index]
        if (!observe) return memory
        const before = memory as readonly Json[]
        return before.map((each, i) => (i === index ? observe(value, each, step) : each))
      },
    }),
  }
}

/** What a schedule around another has of it. */
function carriedOver({ cyclesMomentum, memory }: Schedule): Partial<Schedule> {
  return { ...(cyclesMomentum && { cyclesMomentum }), ...(memory !== undefined && { memory }) }
}

function checkSchedule(kind: string, schedule: Schedule): void {
  const good = typeof schedule === 'object' && schedule !== null && typeof schedule.at === 'function'
  checkOption(`schedule.${kind}`, schedule, good, 'schedules of optim.schedule')
}
