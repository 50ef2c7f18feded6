/**
 * The statements of a nest: what a turn stores, keeps in scratch and adds to its totals, and what becomes of the totals.
 *
 * Where they are written is the cursor's business (nest-cursor.ts); what belongs to which stage: nest-stages.ts. How a
 * node's value becomes an expression: emit.ts.
 */
import type { Node } from '../graph/graph.ts'
import { bind, fma, mut, reduceLanes, set, store, variable } from '../kernel/build.ts'
import type { Expr, Stmt } from '../kernel/ir.ts'
import { spellings } from '../kernel/spell.ts'
import type { ReduceOp } from '../ops/op.ts'
import type { NestShape } from './axes.ts'
import { type Cluster, levelIn } from './domain.ts'
import { constant, Emitter, toMemory } from './emit.ts'
import { addressOf, KernelBuffers, type Lowering, storeLanes } from './lowering.ts'
import type { Cursor } from './nest-cursor.ts'
import type { Stage, Stages } from './nest-stages.ts'

export class NestValues {
  readonly buffers: KernelBuffers
  readonly #cluster: Cluster
  readonly #stored: ReadonlySet<Node>
  readonly #shape: NestShape
  readonly #stages: Stages
  readonly #cursor: Cursor

  constructor(cluster: Cluster, lowering: Lowering, shape: NestShape, stages: Stages, cursor: Cursor) {
    this.buffers = new KernelBuffers(lowering)
    this.#cluster = cluster
    this.#stored = lowering.stored
    this.#shape = shape
    this.#stages = stages
    this.#cursor = cursor
  }

  /** Counts the cluster's own members, so that equal clusters give equal kernels. */
  numberOf(node: Node): number {
    return this.#cluster.members.indexOf(node)
  }

  /** The name of a finished reduction's value: one for each row. */
  resultOf(node: Node): string {
    return `r${this.numberOf(node)}${this.#shape.across ? this.#cursor.copy : ''}`
  }

  /** What a turn of `stage` does; the total of a reduction has the name `total(node)`. */
  turn(stage: Stage, total: (node: Node) => string): Stmt[] {
    const emitter = this.#emitter(stage.number)
    return [
      ...this.#fullStores(stage),
      ...stage.reduces.map((node) => {
        const [input] = node.inputs
        return accumulate(total(node), node, emitter.value(input, this.#cursor.positionOf(input, 'full')))
      }),
    ]
  }

  /** The stores of roots with one value for each row, when all stages are done. */
  rowStores(): Stmt[] {
    const roots = this.#cluster.roots.filter((root) => levelIn(this.#cluster, root) === 'row')
    return this.#storeAll(roots, 'row', this.#emitter(this.#stages.last))
  }

  /** Roots of the full domain that can first be stored in `stage`, and values to keep for later stages. */
  #fullStores(stage: Stage): Stmt[] {
    const emitter = this.#emitter(stage.number)
    const keeping: Stmt[] = []
    for (const [node, kept] of this.#stages.kept) {
      if (kept.stage !== stage.number) continue
      const value = toMemory(emitter.value(node, this.#cursor.positionOf(node, 'full')))
      keeping.push(store(value.type === 'f32' ? 'scratch' : 'scratchI', this.#cursor.inScratch(kept.start), value))
    }
    return [...keeping, ...this.#storeAll(stage.roots, 'full', emitter)]
  }

  /** All values are there before the first is stored: one may overwrite what another is computed from. */
  #storeAll(roots: readonly Node[], level: 'full' | 'row', emitter: Emitter): Stmt[] {
    const values = roots.map((root, i) => {
      const at = this.#cursor.positionOf(root, level)
      return { root, at, name: `y${i}`, value: toMemory(emitter.value(root, at)) }
    })
    return [
      ...values.map(({ name, value }) => bind(name, value)),
      ...values.map(({ root, at, name, value }) =>
        storeLanes(
          this.buffers.of(root, 'write'),
          addressOf(root, at),
          variable(name, value.type, value.lanes),
          this.#cursor.lanes,
        ),
      ),
    ]
  }

  #emitter(stage: number): Emitter {
    const { lanes } = this.#cursor
    return new Emitter(lanes, (node, position, valid) => {
      if (this.#cluster.members.includes(node)) {
        if (node.op.kind === 'reduce')
          return variable(this.resultOf(node), typeOf(node), this.#shape.across ? lanes.count : 1)
        const kept = this.#stages.kept.get(node)
        return kept !== undefined && kept.stage < stage ? this.#fromScratch(node, kept.start) : undefined
      }
      return this.#stored.has(node) ? this.buffers.load(node, position, lanes, valid) : undefined
    })
  }

  #fromScratch(node: Node, start: number): Expr {
    const type = node.dtype === 'float32' ? 'f32' : 'i32'
    const lanes = this.#cursor.lanes.count
    const value: Expr = {
      op: 'load',
      type,
      lanes,
      buffer: type === 'f32' ? 'scratch' : 'scratchI',
      index: this.#cursor.inScratch(start),
    }
    return node.dtype === 'bool' ? { op: 'convert', type: 'mask', lanes, fn: 'i32ToMask', a: value } : value
  }
}

// ---- totals ----

const laneWord = { add: 'add', mul: 'mul', maximum: 'max', minimum: 'min' } as const
const typeOf = (node: Node): 'f32' | 'i32' => (node.dtype === 'int32' ? 'i32' : 'f32')

/** A reduction's total over nothing. */
export const startTotal = (name: string, node: Node, lanes: number): Stmt =>
  mut(name, constant((node.op as ReduceOp).identity(node.dtype), node.dtype, lanes))

export const totalOf = (name: string, node: Node, lanes: number): Expr => variable(name, typeOf(node), lanes)

/** acc = acc combined with value; a product that is added becomes one fused step. */
function accumulate(name: string, node: Node, value: Expr): Stmt {
  const { combine } = node.op as ReduceOp
  const total = totalOf(name, node, value.lanes)
  if (combine === 'add' && value.type === 'f32' && value.op === 'binary' && value.fn === 'mul')
    return set(name, fma(value.a, value.b, total))
  return set(name, spellings[combine](total, value))
}

/** The lanes of all totals of a reduction in one; those of a row of `totals` have the same number of lanes. */
export function combineTotals(node: Node, totals: readonly (readonly Expr[])[]): Expr {
  const { combine } = node.op as ReduceOp
  return totals
    .map((each) => reduceLanes(laneWord[combine], inPairs(each, spellings[combine])))
    .reduce((a, b) => spellings[combine](a, b))
}

/** Combined two by two, so that no chain is longer than it must be. */
function inPairs(values: readonly Expr[], combine: (a: Expr, b: Expr) => Expr): Expr {
  if (values.length === 1) return values[0]
  const half = Math.ceil(values.length / 2)
  return combine(inPairs(values.slice(0, half), combine), inPairs(values.slice(half), combine))
}
