/**
 * A plan as the runtime's numbers: which function on which slots, and how threads share it out.
 *
 * What is decided here changes no result, only who computes it when: small launches in a row become
 * one segment that a single thread runs, larger ones are cut into chunks of tasks.
 * Next: runtime.ts, which reads these numbers.
 */
import type { Kernel } from '../../kernel/ir.ts'
import type { Launch, Plan } from '../backend.ts'

/** A guess at one core's pace, for choices between a little and a lot: flops and bytes per nanosecond. */
const flopsPerNs = 16
const bytesPerNs = 16
/** Calling a task, and setting a launch up. */
const taskNs = 5
const launchNs = 20

/** Below this, handing a launch's tasks to other threads costs more than it saves. */
const shareNs = 4000
/** The least work worth one claim on the shared counter. */
const chunkNs = 2000

/** A guess at the time of one launch on one thread, in nanoseconds. */
export function estimate(kernel: Kernel): number {
  return launchNs + kernel.tasks * taskNs + kernel.flops / flopsPerNs + kernel.bytes / bytesPerNs
}

interface Segment {
  readonly first: number
  launches: number
  readonly chunks: number
  readonly chunk: number
}

function segmentsOf(kernels: readonly Kernel[], threads: number): Segment[] {
  const segments: Segment[] = []
  kernels.forEach((kernel, first) => {
    const cost = estimate(kernel)
    const last = segments.at(-1)
    if (kernel.tasks <= 1 || cost < shareNs || threads === 1) {
      if (last?.chunks === 1) last.launches++
      else segments.push({ first, launches: 1, chunks: 1, chunk: kernel.tasks })
      return
    }
    const worthwhile = Math.ceil((kernel.tasks * chunkNs) / cost)
    const chunk = Math.max(1, Math.min(worthwhile, Math.ceil(kernel.tasks / threads)))
    segments.push({ first, launches: 1, chunks: Math.ceil(kernel.tasks / chunk), chunk })
  })
  return segments
}

/** One launch a segment, so that each can be timed. */
function separately(segments: readonly Segment[]): Segment[] {
  return segments.flatMap((s) =>
    s.chunks > 1 ? [s] : Array.from({ length: s.launches }, (_, k) => ({ ...s, first: s.first + k, launches: 1 })),
  )
}

function slotWord(slot: Launch['slots'][number]): number {
  return slot.kind === 'arena' ? slot.offset : -1 - slot.argument
}

/** The words of `glissade_program` (runtime.ts); `functions[k]` is the address of kernel `k`. */
export function layTape(plan: Plan, functions: readonly number[], threads: number): Float64Array {
  const kernels = plan.launches.map((launch) => plan.kernels[launch.kernel])
  const segments = segmentsOf(kernels, threads)
  const profile = separately(segments)
  const slots = plan.launches.flatMap((launch) => launch.slots.map(slotWord))
  const scratchBytes = 4 * Math.max(0, ...plan.kernels.map((kernel) => kernel.scratch))
  let firstSlot = 0
  const launches = plan.launches.flatMap((launch, k) => {
    const words = [functions[launch.kernel], kernels[k].tasks, firstSlot]
    firstSlot += launch.slots.length
    return words
  })
  const spread = (list: readonly Segment[]): number[] => list.flatMap((s) => [s.first, s.launches, s.chunks, s.chunk])
  // biome-ignore format: the order is the layout
  return Float64Array.from([
    plan.launches.length, slots.length, segments.length, profile.length, scratchBytes, plan.arenaBytes,
    ...launches, ...slots, ...spread(segments), ...spread(profile),
  ])
}
