/**
 * Where a program's things stand: its tape and slot tables in its own block, its buffers in the workspace.
 *
 * A slot table holds one address for each buffer of a launch. Addresses change rarely (a parameter moves
 * in, the workspace grows), so what points where is listed here once and only changes are written.
 * Next: program.ts.
 */
import type { Plan } from '../backend.ts'
import { align, type LinearMemory } from './memory.ts'
import { record } from './tape.ts'

/** Launches with less work than this (operations and bytes) are not worth sharing out. */
const WORTH_SHARING = 1 << 15
/** Tasks are taken in portions of which each thread gets about this many: few enough takes, even ends. */
const PORTIONS = 8

export interface Layout {
  /** Launches that have tasks, by their number in the plan. */
  readonly launches: readonly number[]
  /** Bytes of the program's own block: tape, then slot tables. */
  readonly tapeBytes: number
  /** In the workspace: scratch of all threads, then a staging area per argument, then the arena. */
  readonly scratchBytes: number
  readonly staging: readonly number[]
  readonly arena: number
  readonly workspaceBytes: number
  /** Per argument, the words of the slot tables that point to it (from the block's start). */
  readonly argumentWords: readonly (readonly number[])[]
  /** Words that point into the arena, and how far into the workspace. */
  readonly arenaWords: readonly { readonly word: number; readonly offset: number }[]
}

export function layOut(plan: Plan, threads: number): Layout {
  const launches = plan.launches.flatMap((launch, i) => (plan.kernels[launch.kernel].tasks > 0 ? [i] : []))
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
  const argumentWords: number[][] = plan.arguments.map(() => [])
  const arenaWords: { word: number; offset: number }[] = []
  let word = (launches.length * record.size) / 4
  for (const i of launches) {
    for (const slot of plan.launches[i].slots) {
      if (slot.kind === 'argument') argumentWords[slot.argument].push(word)
      else arenaWords.push({ word, offset: arena + slot.offset })
      word++
    }
  }
  return {
    launches,
    tapeBytes: align(word * 4),
    scratchBytes,
    staging,
    arena,
    workspaceBytes: end,
    argumentWords,
    arenaWords,
  }
}

/** Write the launch records of a program to its block at `block`. */
export function writeTape(memory: LinearMemory, plan: Plan, layout: Layout, block: number, threads: number): void {
  let at = block
  let slots = block + layout.launches.length * record.size
  for (const i of layout.launches) {
    const launch = plan.launches[i]
    const kernel = plan.kernels[launch.kernel]
    const work = kernel.flops + kernel.bytes
    const alone = work > 0 && work < WORTH_SHARING
    const words = memory.i32
    words[(at + record.kernel) >> 2] = launch.kernel
    words[(at + record.tasks) >> 2] = kernel.tasks
    words[(at + record.chunk) >> 2] = alone
      ? kernel.tasks
      : Math.max(1, Math.floor(kernel.tasks / (threads * PORTIONS)))
    words[(at + record.slots) >> 2] = slots
    slots += launch.slots.length * 4
    at += record.size
  }
}

/** Make the tape ready for another shared walk: no task taken, none done. */
export function rewindTape(memory: LinearMemory, layout: Layout, block: number): void {
  const words = memory.i32
  for (let i = 0, at = block; i < layout.launches.length; i++, at += record.size) {
    words[(at + record.next) >> 2] = 0
    words[(at + record.done) >> 2] = 0
  }
}
