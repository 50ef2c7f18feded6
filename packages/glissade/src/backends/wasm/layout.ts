/**
 * Where a program's things stand: its tape and slot tables in its own block, its buffers in the workspace.
 *
 * A slot table holds one address for each buffer of a launch. Addresses change rarely (a parameter moves
 * in, the workspace grows), so what points where is listed here once and only changes are written. A
 * buffer that moves in a loop has its start in a word of its own, from which each run begins.
 * Next: program.ts.
 */
import type { Plan, Repeat } from '../backend.ts'
import { timesOf } from '../repeats.ts'
import { align, type LinearMemory } from './memory.ts'
import { loopRecord, moveRecord, record } from './tape.ts'

/** Launches with less work than this (operations and bytes) are not worth sharing out. */
const WORTH_SHARING = 1 << 15
/** Tasks are taken in portions of which each thread gets about this many: few enough takes, even ends. */
const PORTIONS = 8

/** A word that points into an argument or into the workspace, and how many bytes into it. */
interface Pointer {
  readonly word: number
  readonly offset: number
}

interface Move {
  /** Words from the block's start: the record's, and that of the slot. */
  readonly word: number
  readonly slot: number
  readonly first: number
  readonly step: number
  readonly rows: number
  /** Bytes. */
  readonly stride: number
}

interface Loop extends Repeat {
  readonly word: number
  readonly moves: readonly Move[]
}

export interface Layout {
  /** Launches that have tasks, by their number in the plan. */
  readonly launches: readonly number[]
  /** How many launches run in all, those in loops once a turn. */
  readonly steps: number
  /** Bytes of the program's own block: tape, slot tables, then loops. */
  readonly tapeBytes: number
  /** In the workspace: scratch of all threads, then a staging area per argument, then the arena. */
  readonly scratchBytes: number
  readonly staging: readonly number[]
  readonly arena: number
  readonly workspaceBytes: number
  /** Per argument, what points to it. */
  readonly argumentWords: readonly (readonly Pointer[])[]
  /** What points into the arena, and how far into the workspace. */
  readonly arenaWords: readonly Pointer[]
  /** Loops over `launches`. */
  readonly loops: readonly Loop[]
  /** Slots that move, each with the word of its start and the bytes from there to where it is in the first turns. */
  readonly moving: readonly { readonly slot: number; readonly start: number; readonly offset: number }[]
}

export function layOut(plan: Plan, threads: number): Layout {
  const launches = plan.launches.flatMap((launch, i) => (plan.kernels[launch.kernel].tasks > 0 ? [i] : []))
  const times = timesOf(plan)
  const scratchBytes = align(4 * Math.max(0, ...plan.kernels.map((kernel) => kernel.scratch)))
  let end = scratchBytes * threads
  const take = (bytes: number): number => {
    const start = end
    end += align(bytes)
    return start
  }
  // An empty state has no place of its own either.
  const staging = plan.arguments.map(({ role, length }) => (role === 'state' && length > 0 ? -1 : take(length * 4)))
  const arena = take(plan.arenaBytes)
  const argumentWords: Pointer[][] = plan.arguments.map(() => [])
  const arenaWords: Pointer[] = []
  const moving: { slot: number; start: number; offset: number }[] = []
  const slots = launches.flatMap((i) => plan.launches[i].slots)
  const firstSlot = (launches.length * record.size) / 4
  let word = firstSlot + slots.length
  const moves = new Map<number, Omit<Move, 'word'>[]>()
  for (const [i, slot] of slots.entries()) {
    let pointer = firstSlot + i
    if (slot.moves) {
      const start = word++
      let offset = 0
      for (const { repeat, first, step, rows, stride } of slot.moves) {
        offset += 4 * first * stride
        moves.set(repeat, [...(moves.get(repeat) ?? []), { slot: pointer, first, step, rows, stride: 4 * stride }])
      }
      moving.push({ slot: pointer, start, offset })
      pointer = start
    }
    if (slot.kind === 'argument') argumentWords[slot.argument].push({ word: pointer, offset: 4 * (slot.start ?? 0) })
    else arenaWords.push({ word: pointer, offset: arena + slot.offset })
  }
  const loops: Loop[] = []
  for (const [repeat, { first, end: after, count }] of (plan.repeats ?? []).entries()) {
    const inside = launches.flatMap((i, number) => (first <= i && i < after ? [number] : []))
    if (inside.length === 0) continue
    const at = word
    word += loopRecord.size / 4
    const own = (moves.get(repeat) ?? []).map((move) => {
      const placed = { ...move, word }
      word += moveRecord.size / 4
      return placed
    })
    loops.push({ first: inside[0], end: inside[0] + inside.length, count, word: at, moves: own })
  }
  return {
    launches,
    steps: launches.reduce((sum, i) => sum + times[i], 0),
    tapeBytes: align(word * 4),
    scratchBytes,
    staging,
    arena,
    workspaceBytes: end,
    argumentWords,
    arenaWords,
    loops,
    moving,
  }
}

/** Write the launch records of a program, and its loops, to its block at `block`. */
export function writeTape(memory: LinearMemory, plan: Plan, layout: Layout, block: number, threads: number): void {
  let at = block
  let slots = block + layout.launches.length * record.size
  const words = memory.i32
  for (const [number, i] of layout.launches.entries()) {
    const launch = plan.launches[i]
    const kernel = plan.kernels[launch.kernel]
    const work = kernel.flops + kernel.bytes
    const alone = work > 0 && work < WORTH_SHARING
    words[(at + record.kernel) >> 2] = launch.kernel
    words[(at + record.tasks) >> 2] = kernel.tasks
    words[(at + record.chunk) >> 2] = alone
      ? kernel.tasks
      : Math.max(1, Math.floor(kernel.tasks / (threads * PORTIONS)))
    words[(at + record.slots) >> 2] = slots
    words[(at + record.closes) >> 2] = innermost(layout.loops, number + 1, layout.loops.length, block)
    slots += launch.slots.length * 4
    at += record.size
  }
  for (const [number, { first, end, count, word, moves }] of layout.loops.entries()) {
    const to = (block >> 2) + word
    words[to + loopRecord.count / 4] = count
    words[to + loopRecord.first / 4] = first
    words[to + loopRecord.moves / 4] = block + 4 * word + loopRecord.size
    words[to + loopRecord.moveCount / 4] = moves.length
    words[to + loopRecord.outer / 4] = innermost(layout.loops, end, number, block)
    for (const move of moves) {
      const into = (block >> 2) + move.word
      words[into + moveRecord.slot / 4] = block + 4 * move.slot
      words[into + moveRecord.first / 4] = move.first
      words[into + moveRecord.step / 4] = move.step
      words[into + moveRecord.rows / 4] = move.rows
      words[into + moveRecord.stride / 4] = move.stride
    }
  }
}

/** The address of the last of the first `count` loops that ends before launch `end`, or 0: outer ones come first. */
function innermost(loops: readonly Loop[], end: number, count: number, block: number): number {
  const found = loops.slice(0, count).findLast((loop) => loop.end === end)
  return found ? block + 4 * found.word : 0
}

/** Make the tape ready for another walk: no task taken, none done, all loops before their first turn. */
export function rewindTape(memory: LinearMemory, layout: Layout, block: number): void {
  const words = memory.i32
  for (let i = 0, at = block; i < layout.launches.length; i++, at += record.size) {
    words[(at + record.next) >> 2] = 0
    words[(at + record.next + 4) >> 2] = 0
    words[(at + record.done) >> 2] = 0
  }
}

/** Bring all buffers that move to where they are in the first turns. */
export function rewindLoops(memory: LinearMemory, { loops, moving }: Layout, block: number): void {
  const words = memory.i32
  const first = block >> 2
  for (const { slot, start, offset } of moving) words[first + slot] = words[first + start] + offset
  for (const { word, moves } of loops) {
    words[first + word + loopRecord.turn / 4] = 0
    for (const move of moves) words[first + move.word + moveRecord.row / 4] = move.first
  }
}
