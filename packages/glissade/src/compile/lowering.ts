/**
 * What the kernel templates share: where values are, how a kernel's buffers get their names, and what a template
 * gives back.
 */
import type { DType } from '../dtype.ts'
import type { Node } from '../graph/graph.ts'
import { bind, scatter, store, variable } from '../kernel/build.ts'
import type { Expr, Kernel, KernelBuffer, KernelKind, Stmt, Target } from '../kernel/ir.ts'
import { flatten } from '../ops/move.ts'
import { sizeOf } from '../shape.ts'
import { indexI32, indexScalar, type Lanes } from './address.ts'
import { fromMemory } from './emit.ts'
import { type Condition, type Index, stepOf, symbols } from './symbolic.ts'
import type { Triangles } from './triangles.ts'

/** A place that holds values during a run. Equal places are one object. */
export type Location = Whole | Part

export type Whole =
  | { readonly kind: 'argument'; readonly argument: number; readonly length: number }
  | { readonly kind: 'temporary'; readonly length: number }

/** Elements of another place from `start` on; inside loops, others at each turn. */
export interface Part {
  readonly kind: 'part'
  readonly of: Whole
  readonly start: number
  readonly length: number
  readonly moves: readonly Move[]
}

/** At turn t of a loop a place is `((first + t * step) mod rows) * stride` elements further. */
export interface Move {
  readonly loop: Turns
  readonly first: number
  readonly step: 1 | -1
  readonly rows: number
  readonly stride: number
}

/** The place that a location is, or is a part of. */
export const wholeOf = (location: Location): Whole => (location.kind === 'part' ? location.of : location)

/** `length` elements of `location` from `start` on, which may move. */
export function partOf(location: Location, start: number, length: number, moves: readonly Move[] = []): Part {
  if (location.kind !== 'part') return { kind: 'part', of: location, start, length, moves }
  return { ...location, start: location.start + start, length, moves: [...location.moves, ...moves] }
}

/** What a template may ask. */
export interface Lowering {
  readonly target: Target
  readonly stored: ReadonlySet<Node>
  readonly triangles: Triangles
  locationOf(node: Node): Location
}

/** What a program does, in order: kernels, and loops around kernels. */
export type Item = Step | Turns

/** Items that are done `count` times. What they move by is in the places that they work on. */
export interface Turns {
  readonly kind: 'turns'
  readonly count: number
  readonly items: readonly Item[]
}

/** A kernel with the places that it works on; becomes a launch when memory is planned. */
export interface Step {
  readonly kind?: undefined
  readonly kernel: Kernel
  readonly locations: readonly Location[]
  readonly label: string
  readonly path: string
}

export const elementType = (dtype: DType): 'f32' | 'i32' => (dtype === 'float32' || dtype === 'float64' ? 'f32' : 'i32')

/** The buffers of a kernel that is being built: one per place, named in the order of first use. */
export class KernelBuffers {
  readonly #entries = new Map<Location, { name: string; type: 'f32' | 'i32'; reads: boolean; writes: boolean }>()
  readonly #lowering: Lowering

  constructor(lowering: Lowering) {
    this.#lowering = lowering
  }

  at(location: Location, dtype: DType, access: 'read' | 'write'): string {
    let entry = this.#entries.get(location)
    if (!entry) {
      entry = { name: `b${this.#entries.size}`, type: elementType(dtype), reads: false, writes: false }
      this.#entries.set(location, entry)
    }
    if (access === 'read') entry.reads = true
    else entry.writes = true
    return entry.name
  }

  of(node: Node, access: 'read' | 'write'): string {
    return this.at(this.#lowering.locationOf(node), node.dtype, access)
  }

  /** The stored value of `node` at `index`. */
  load(node: Node, index: readonly Index[], lanes: Lanes, valid?: Expr): Expr {
    return fromMemory(this.of(node, 'read'), node.dtype, addressOf(node, index), lanes, valid)
  }

  /** The finished kernel and its places. */
  finish(
    kind: KernelKind,
    tasks: number,
    body: readonly Stmt[],
    more: { scratch?: number; flops: number },
  ): { kernel: Kernel; locations: Location[] } {
    const buffers: KernelBuffer[] = [...this.#entries].map(([location, { name, type, reads, writes }]) => ({
      name,
      type,
      access: writes ? (reads ? 'readwrite' : 'write') : 'read',
      length: location.length,
    }))
    const bytes = 4 * buffers.reduce((sum, { length, access }) => sum + length * (access === 'readwrite' ? 2 : 1), 0)
    return {
      kernel: { kind, buffers, scratch: more.scratch ?? 0, tasks, body, flops: more.flops, bytes },
      locations: [...this.#entries.keys()],
    }
  }
}

/** The row-major address of a stored node's element. */
export function addressOf(node: Node, index: readonly Index[]): Index {
  return flatten<Index, Condition>(symbols, index, node.shape)
}

/** Stores a value at `at`: as a vector where neighbours are neighbours in memory, else lane by lane. */
export function storeLanes(buffer: string, at: Index, value: Expr, lanes: Lanes): Stmt {
  if (lanes.count === 1 || stepOf(at, lanes.variable) === 1) return store(buffer, indexScalar(at), value)
  return scatter(buffer, indexI32(at, lanes), value)
}

/** How many lanes suit a loop of `length` turns: the target's, or the largest smaller power of two from 4 on, or 1. */
export function lanesFor(target: Target, length: number): number {
  let lanes = target.lanes
  while (lanes > length && lanes > 4) lanes /= 2
  return lanes <= length ? lanes : 1
}

/** `add + mul of fc1` and the like: the distinct ops of a kernel, for people. */
export function labelOf(nodes: readonly Node[]): { label: string; path: string } {
  const names = [...new Set(nodes.filter((node) => node.op.kind !== 'move').map((node) => node.op.name))]
  const label = names.length > 5 ? `${names.slice(0, 5).join(' ')} +${names.length - 5}` : names.join(' ')
  const lead = nodes.find((node) => node.path !== '') ?? nodes[0]
  return { label: `${label || 'copy'}${lead.pass === 'forward' ? '' : ` (${lead.pass})`}`, path: lead.path }
}

/** Operations of all maps and reductions among `nodes`, one per element. */
export function countOperations(nodes: readonly Node[]): number {
  let total = 0
  for (const node of nodes) {
    if (node.op.kind === 'map') total += sizeOf(node.shape)
    else if (node.op.kind === 'reduce') total += sizeOf(node.inputs[0].shape)
  }
  return total
}

/** Names for the variables of one kernel. */
export class Names {
  #count = 0

  fresh(prefix: string): string {
    return `${prefix}${this.#count++}`
  }

  /** The value under a fresh name, whose declaration is added to `body`. */
  bound(body: Stmt[], prefix: string, value: Expr): Expr {
    const name = this.fresh(prefix)
    body.push(bind(name, value))
    return variable(name, value.type, value.lanes)
  }
}
