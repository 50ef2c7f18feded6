/**
 * A plan as the runtime's numbers: which function on which slots, and how threads share it out.
 *
 * What is decided here changes no result, only who computes it when: small launches in a row become
 * one segment that a single thread runs, with the loops that hold nothing else; larger ones are cut
 * into chunks of tasks.
 * Next: runtime.ts, which reads these numbers.
 */
import type { Kernel } from '../../kernel/ir.ts'
import type { Plan } from '../backend.ts'

/** A guess at one core's pace, for choices between a little and a lot: flops and bytes per nanosecond. */
const flopsPerNs = 16
const bytesPerNs = 16
/** Products and convolutions keep the vector units busy. */
const productFlopsPerNs = 64
/** Calling a task, and setting a launch up. */
const taskNs = 5
const launchNs = 20

/** Below this, handing a launch's tasks to other threads costs more than it saves. */
const shareNs = 4000
/** The least work worth one claim on the shared counter. */
const chunkNs = 2000

/** A guess at the time of one launch on one thread, in nanoseconds. */
export function estimate(kernel: Kernel): number {
  const pace = kernel.kind === 'contract' ? productFlopsPerNs : flopsPerNs
  return launchNs + kernel.tasks * taskNs + kernel.flops / pace + kernel.bytes / bytesPerNs
}

interface Segment {
  readonly first: number
  launches: number
  readonly chunks: number
  readonly chunk: number
}

/** A loop over segments; one over small launches only is part of a segment. */
interface Turning {
  readonly repeat: number
  readonly pieces: readonly Piece[]
}
type Piece = Segment | Turning

/** The pieces of the launches from `from` to before `end`; `next` is the first repeat that may begin there. */
function piecesOf(plan: Plan, threads: number, from: number, end: number, next: number): Piece[] {
  const repeats = plan.repeats ?? []
  const pieces: Piece[] = []
  const alone = (first: number, launches: number, tasks: number): void => {
    const last = pieces.at(-1)
    if (last && 'chunks' in last && last.chunks === 1) last.launches += launches
    else pieces.push({ first, launches, chunks: 1, chunk: tasks })
  }
  for (let i = from; i < end; ) {
    if (next < repeats.length && repeats[next].first === i && repeats[next].end <= end) {
      const { end: after } = repeats[next]
      const inside = piecesOf(plan, threads, i, after, next + 1)
      const [only] = inside
      if (inside.length === 1 && 'chunks' in only && only.chunks === 1) alone(i, after - i, 1)
      else pieces.push({ repeat: next, pieces: inside })
      i = after
      while (next < repeats.length && repeats[next].first < after) next++
      continue
    }
    const kernel = plan.kernels[plan.launches[i].kernel]
    const cost = estimate(kernel)
    if (kernel.tasks <= 1 || cost < shareNs || threads === 1) alone(i, 1, kernel.tasks)
    else {
      const worthwhile = Math.ceil((kernel.tasks * chunkNs) / cost)
      const chunk = Math.max(1, Math.min(worthwhile, Math.ceil(kernel.tasks / threads)))
      pieces.push({ first: i, launches: 1, chunks: Math.ceil(kernel.tasks / chunk), chunk })
    }
    i++
  }
  return pieces
}

/** One launch a segment and every loop over segments, so that each can be timed. */
function separately(pieces: readonly Piece[], plan: Plan): Piece[] {
  const single = new Map<number, Segment>()
  const note = (list: readonly Piece[]): void => {
    for (const piece of list) {
      if ('pieces' in piece) note(piece.pieces)
      else if (piece.chunks > 1) single.set(piece.first, piece)
    }
  }
  note(pieces)
  const repeats = plan.repeats ?? []
  const within = (from: number, end: number, next: number): Piece[] => {
    const list: Piece[] = []
    for (let i = from; i < end; ) {
      if (next < repeats.length && repeats[next].first === i && repeats[next].end <= end) {
        const { end: after } = repeats[next]
        list.push({ repeat: next, pieces: within(i, after, next + 1) })
        i = after
        while (next < repeats.length && repeats[next].first < after) next++
        continue
      }
      const { tasks } = plan.kernels[plan.launches[i].kernel]
      list.push(single.get(i) ?? { first: i, launches: 1, chunks: 1, chunk: tasks })
      i++
    }
    return list
  }
  return within(0, plan.launches.length, 0)
}

interface Loop {
  readonly first: number
  readonly end: number
  readonly count: number
  readonly repeat: number
}

/** Five words for each loop: [first, end, count, the next that does not lie in it, its number]. */
function loopWords(loops: readonly Loop[]): number[] {
  return loops.flatMap(({ first, end, count, repeat }, i) => {
    const skip = loops.findIndex((other, k) => k > i && other.first >= end)
    return [first, end, count, skip < 0 ? loops.length : skip, repeat]
  })
}

/** Segments in a row with the loops over them, as words. */
function walkWords(pieces: readonly Piece[], plan: Plan): { segments: number; loops: number; words: number[] } {
  const repeats = plan.repeats ?? []
  const segments: number[] = []
  const loops: Loop[] = []
  let count = 0
  const lay = (list: readonly Piece[]): void => {
    for (const piece of list) {
      if ('pieces' in piece) {
        const { repeat } = piece
        const place = loops.length
        const first = count
        loops.push({ first, end: first, count: 0, repeat })
        lay(piece.pieces)
        loops[place] = { first, end: count, count: repeats[repeat].count, repeat }
        continue
      }
      const { first, launches, chunks, chunk } = piece
      const turned = new Set(loops.map(({ repeat }) => repeat))
      const inside = repeats.findIndex(
        (each, i) => !turned.has(i) && each.first >= first && each.end <= first + launches,
      )
      segments.push(first, launches, chunks, chunk, inside < 0 ? repeats.length : inside)
      count++
    }
  }
  lay(pieces)
  return { segments: count, loops: loops.length, words: [...segments, ...loopWords(loops)] }
}

/** The words of `glissade_program` (runtime.ts); `functions[k]` is the address of kernel `k`. */
export function layTape(plan: Plan, functions: readonly number[], threads: number): Float64Array {
  const repeats = plan.repeats ?? []
  const pieces = piecesOf(plan, threads, 0, plan.launches.length, 0)
  const run = walkWords(pieces, plan)
  const profile = walkWords(separately(pieces, plan), plan)
  const scratchBytes = 4 * Math.max(0, ...plan.kernels.map((kernel) => kernel.scratch))
  const launches: number[] = []
  const slots: number[] = []
  const moves: number[] = []
  for (const { kernel, slots: own } of plan.launches) {
    const firstMove = moves.length / 6
    launches.push(functions[kernel], plan.kernels[kernel].tasks, slots.length / 2, own.length, firstMove)
    own.forEach((slot, i) => {
      if (slot.kind === 'arena') slots.push(slot.offset, 0)
      else slots.push(-1 - slot.argument, 4 * (slot.start ?? 0))
      for (const { repeat, first, step, rows, stride } of slot.moves ?? [])
        moves.push(i, repeat, first, step, rows, 4 * stride)
    })
    launches.push(moves.length / 6 - firstMove)
  }
  const mostSlots = Math.max(0, ...plan.launches.map((launch) => launch.slots.length))
  // biome-ignore format: the order is the layout
  return Float64Array.from([
    plan.launches.length, slots.length / 2, moves.length / 6, repeats.length, run.segments, run.loops,
    profile.segments, profile.loops, mostSlots, scratchBytes, plan.arenaBytes,
    ...launches, ...slots, ...moves, ...loopWords(repeats.map((each, repeat) => ({ ...each, repeat }))),
    ...run.words, ...profile.words,
  ])
}
