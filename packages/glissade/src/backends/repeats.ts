/**
 * The loops of a plan, for backends: in which order launches run, how often, and how far their buffers have moved.
 */
import type { Plan, Repeat, Slot } from './backend.ts'

/** Calls `visit` for each launch in the order of a run; `turns[r]` is the turn of repeat r. */
export function eachLaunch(plan: Plan, visit: (launch: number, turns: readonly number[]) => void): void {
  const repeats = plan.repeats ?? []
  const turns = repeats.map(() => 0)
  const walk = (from: number, end: number, next: number): void => {
    for (let launch = from; launch < end; ) {
      const repeat = repeats[next]
      if (repeat?.first !== launch || repeat.end > end) {
        visit(launch++, turns)
        continue
      }
      for (let turn = 0; turn < repeat.count; turn++) {
        turns[next] = turn
        walk(launch, repeat.end, next + 1)
      }
      launch = repeat.end
      while (next < repeats.length && repeats[next].first < launch) next++
    }
  }
  walk(0, plan.launches.length, 0)
}

/** How many elements further a buffer is than at the slot's start. */
export function movedBy({ moves = [] }: Slot, turns: readonly number[]): number {
  return moves.reduce(
    (sum, { repeat, first, step, rows, stride }) => sum + ((first + turns[repeat] * step) % rows) * stride,
    0,
  )
}

/** How often each launch runs. */
export function timesOf(plan: Plan): number[] {
  const times = plan.launches.map(() => 1)
  for (const { first, end, count } of plan.repeats ?? []) for (let i = first; i < end; i++) times[i] *= count
  return times
}

/** The repeats that launch `i` is in, outer ones first. */
export function repeatsAround(repeats: readonly Repeat[], i: number): number[] {
  return repeats.flatMap(({ first, end }, number) => (first <= i && i < end ? [number] : []))
}
