/**
 * Template: maps, reductions, and rows (several reductions and maps over one row in one pass).
 *
 * The domain of a cluster is cut into rows; a task takes some rows, and runs over each in as many stages as
 * reductions depend on each other: softmax is a stage for the maximum, one for the exponentials and their sum, and
 * one for the quotients. Vectors run along the axis in which memory is contiguous: inside the row, or, where the
 * reduced axes are outer ones, across rows. Costly values needed by two stages are kept in scratch.
 */
import type { Node } from '../graph/graph.ts'
import { add, bind, fma, index, loop, min, mul, mut, reduceLanes, set, store, task, variable } from '../kernel/build.ts'
import type { Expr, Stmt } from '../kernel/ir.ts'
import { spellings } from '../kernel/spell.ts'
import { unflatten } from '../ops/move.ts'
import type { ReduceOp } from '../ops/op.ts'
import { type Shape, sizeOf } from '../shape.ts'
import { indexScalar, type Lanes, scalar } from './address.ts'
import { type Axis, bordersOf, chooseVector, mergedAxes, mostTurnsWrittenOut } from './axes.ts'
import { type Cluster, levelIn, positionIn } from './domain.ts'
import { constant, Emitter, toMemory } from './emit.ts'
import {
  addressOf,
  countOperations,
  KernelBuffers,
  type Lowering,
  labelOf,
  lanesFor,
  type Step,
  storeLanes,
} from './lowering.ts'
import {
  addIndex,
  type Condition,
  constantIndex,
  type Index,
  scaleIndex,
  splitIndex,
  symbols,
  variableIndex,
} from './symbolic.ts'
import { uniqueNames } from './unique-names.ts'

/** About this many simple operations make a task worth a thread's attention. */
const operationsPerTask = 1 << 15
/** More tasks than this only cost time. */
const mostTasks = 512
/** An op of at least this cost is not computed twice. */
const costly = 8
/** Scratch for kept values, in elements of a row. */
const longestKeptRow = 1 << 15

/** The cluster's loops over a domain whose neighbouring axes have been merged where all accesses allow it. */
export function lowerNest(cluster: Cluster, lowering: Lowering): Step {
  const axes = mergedAxes(cluster, lowering)
  return new Nest(cluster, lowering, axes).build()
}

class Nest {
  readonly #cluster: Cluster
  readonly #lowering: Lowering
  readonly #axes: readonly Axis[]
  readonly #buffers: KernelBuffers
  /** The axis that vectors run along; -1 where there is none. */
  readonly #vector: number
  /** Whether vectors run across rows, each lane having a row of its own, and not along a row. */
  readonly #across: boolean
  readonly #length: number
  readonly #lanes: number
  readonly #rows: Shape
  readonly #inner: Shape
  readonly #depth = new Map<Node, number>()
  readonly #kept = new Map<Node, number>()
  #scratch = 0
  /** The part of the vector axis that is being written, counted from its start; all of it where undefined. */
  #part: { readonly start: number; readonly size: number } | undefined
  /** The turn that is being written out, in place of the loop variable `q`. */
  #turn: number | undefined

  constructor(cluster: Cluster, lowering: Lowering, axes: readonly Axis[]) {
    this.#cluster = cluster
    this.#lowering = lowering
    this.#axes = axes
    this.#buffers = new KernelBuffers(lowering)
    this.#vector = chooseVector(cluster, lowering, axes)
    this.#across = this.#vector >= 0 && !axes[this.#vector].reduced
    this.#length = this.#vector < 0 ? 1 : axes[this.#vector].size
    this.#lanes = lanesFor(lowering.target, this.#length)
    this.#rows = axes.filter((axis, i) => !axis.reduced && i !== this.#vector).map((axis) => axis.size)
    this.#inner = axes.filter((axis, i) => axis.reduced && i !== this.#vector).map((axis) => axis.size)
  }

  build(): Step {
    const rows = sizeOf(this.#rows)
    const reduces = this.#cluster.members.filter((node) => node.op.kind === 'reduce' && this.#isNeeded(node))
    const stages = Math.max(0, ...reduces.map((node) => this.#depthOf(node)))
    this.#chooseKept(stages)
    const across = this.#across
    const operations = this.#operations()
    const grain = Math.max(operationsPerTask, operations / mostTasks)
    const perRow = operations / rows
    const rowsPerTask = Math.max(1, Math.min(rows, Math.round(grain / perRow)))
    const rowTasks = Math.ceil(rows / rowsPerTask)
    // Few long rows are cut across the vector axis as well.
    const pieces = across
      ? Math.max(1, Math.min(Math.floor(perRow / grain), Math.floor(this.#length / this.#lanes)))
      : 1
    const piece = Math.ceil(this.#length / pieces / this.#lanes) * this.#lanes
    const pieceTasks = across ? Math.ceil(this.#length / piece) : 1

    const rowTask = divWord(task, pieceTasks)
    const pieceTask = modWord(task, pieceTasks)
    const from = mul(pieceTask, index(piece))
    const to = pieceTasks === 1 ? index(this.#length) : min(index(this.#length), add(from, index(piece)))
    const inside = across ? this.#acrossRows(stages, from, to, pieceTasks === 1) : this.#alongRow(stages)
    const firstRow = mul(rowTask, index(rowsPerTask))
    const body =
      rows === 1
        ? inside
        : rowTasks === rows
          ? [bind('r', rowTask), ...inside]
          : [
              loop(
                'r',
                rowTasks === 1 ? index(0) : firstRow,
                rowTasks === 1 ? index(rows) : min(index(rows), add(firstRow, index(rowsPerTask))),
                1,
                inside,
              ),
            ]
    const members = this.#cluster.members
    const kind =
      stages === 0
        ? 'map'
        : stages === 1 && !this.#cluster.roots.some((root) => levelIn(this.#cluster, root) === 'full')
          ? 'reduce'
          : 'row'
    const { kernel, locations } = this.#buffers.finish(kind, rowTasks * pieceTasks, body, {
      scratch: this.#scratch,
      flops: countOperations(members),
    })
    return { kernel, locations, ...labelOf(members) }
  }

  // ---- the shape of the loops ----

  /** Vectors along the rows' own elements: each stage runs over the row and ends in one scalar per reduction. */
  #alongRow(stages: number): Stmt[] {
    const body: Stmt[] = []
    const whole = this.#lanes === 1 ? 0 : Math.floor(this.#length / this.#lanes) * this.#lanes
    for (let stage = 0; stage <= stages; stage++) {
      const reduces = this.#reducesOf(stage)
      const stores = (lanes: Lanes): Stmt[] => this.#fullStores(stage, stages, lanes)
      if (reduces.length === 0 && !this.#storesIn(stage, stages)) continue
      const name = (node: Node, kind: string): string => `${kind}${this.#number(node)}`
      const turn = (lanes: Lanes, kind: string): Stmt[] => {
        const emitter = this.#emitter(lanes, stage)
        return [
          ...stores(lanes),
          ...reduces.map((node) =>
            accumulate(name(node, kind), node, emitter.value(node.inputs[0], this.#positionOf(node.inputs[0], 'full'))),
          ),
        ]
      }
      if (whole > 0) {
        for (const node of reduces) body.push(mut(name(node, 'v'), identity(node, this.#lanes)))
        body.push(
          ...this.#overInner(() => [
            loop(
              'v',
              index(0),
              index(whole),
              this.#lanes,
              turn({ count: this.#lanes, variable: 'v', aligned: true }, 'v'),
            ),
          ]),
        )
      }
      for (const node of reduces) {
        const { combine } = node.op as ReduceOp
        const vector = variable(name(node, 'v'), typeOf(node), this.#lanes)
        body.push(mut(name(node, 's'), whole > 0 ? reduceLanes(laneWord[combine], vector) : identity(node, 1)))
      }
      if (whole < this.#length)
        body.push(...this.#overInner(() => [loop('v', index(whole), index(this.#length), 1, turn(scalar, 's'))]))
      for (const node of reduces) body.push(bind(name(node, 'r'), variable(name(node, 's'), typeOf(node))))
    }
    body.push(...this.#rowStores(stages, scalar))
    return uniqueNames(body)
  }

  /** Vectors across rows: each lane has a row of its own. */
  #acrossRows(stages: number, from: Expr, to: Expr, wholeAxis: boolean): Stmt[] {
    const turn = (lanes: Lanes): Stmt[] => {
      const body: Stmt[] = []
      for (let stage = 0; stage <= stages; stage++) {
        const reduces = this.#reducesOf(stage)
        const name = (node: Node): string => `s${this.#number(node)}`
        const inside = (): Stmt[] => {
          const emitter = this.#emitter(lanes, stage)
          return [
            ...this.#fullStores(stage, stages, lanes),
            ...reduces.map((node) =>
              accumulate(name(node), node, emitter.value(node.inputs[0], this.#positionOf(node.inputs[0], 'full'))),
            ),
          ]
        }
        if (reduces.length === 0 && !this.#storesIn(stage, stages)) continue
        for (const node of reduces) body.push(mut(name(node), identity(node, lanes.count)))
        body.push(...this.#overInner(inside))
        for (const node of reduces)
          body.push(bind(`r${this.#number(node)}`, variable(name(node), typeOf(node), lanes.count)))
      }
      if (stages > 0) body.push(...this.#rowStores(stages, lanes))
      return body
    }
    const vector = (count: number): Lanes => (count === 1 ? scalar : { count, variable: 'v', aligned: true })
    const left = this.#length % this.#lanes
    const cut = stages === 0 && wholeAxis && this.#lanes > 1 && this.#borders().length > 0
    if (!cut && (this.#lanes === 1 || left === 0))
      return uniqueNames([loop('v', from, to, this.#lanes, turn(vector(this.#lanes)))])
    if (!wholeAxis) {
      // Only the last piece has anything left; for the others the second loop starts at its end.
      const whole = min(to, index(this.#length - left))
      return uniqueNames([
        loop('v', from, whole, this.#lanes, turn(vector(this.#lanes))),
        loop('v', whole, to, 1, turn(scalar)),
      ])
    }
    const loops: Stmt[] = []
    const over = (length: number): void => {
      let start = 0
      for (let count = this.#lanes; count >= 4; count /= 2) {
        const end = start + Math.floor((length - start) / count) * count
        if (end > start) loops.push(loop('v', index(start), index(end), count, turn(vector(count))))
        start = end
      }
      if (start < length) loops.push(loop('v', index(start), index(length), 1, turn(scalar)))
    }
    // Maps go from border to border, so that what lies between two needs no masks and is read in whole vectors.
    const borders = stages === 0 ? this.#borders() : []
    ;[0, ...borders].forEach((start, i) => {
      const size = (borders[i] ?? this.#length) - start
      if (borders.length > 0) this.#part = { start, size }
      over(size)
    })
    this.#part = undefined
    return uniqueNames(loops)
  }

  #borders(): number[] {
    return bordersOf(this.#cluster, this.#lowering, this.#axes, this.#vector)
  }

  /** Over the reduced axes other than the vectors': a loop, or, where there are few turns, each turn written out. */
  #overInner(body: () => Stmt[]): Stmt[] {
    const turns = sizeOf(this.#inner)
    if (turns === 1) return body()
    if (turns > mostTurnsWrittenOut) return [loop('q', index(0), index(turns), 1, body())]
    const result: Stmt[] = []
    for (let turn = 0; turn < turns; turn++) {
      this.#turn = turn
      result.push(...body())
    }
    this.#turn = undefined
    return result
  }

  // ---- values ----

  #emitter(lanes: Lanes, stage: number): Emitter {
    return new Emitter(lanes, (node, position, valid) => {
      if (this.#cluster.members.includes(node)) {
        if (node.op.kind === 'reduce') return variable(`r${this.#number(node)}`, typeOf(node), this.#acrossLanes(lanes))
        const kept = this.#kept.get(node)
        if (kept !== undefined && this.#depthOf(node) < stage) return this.#fromScratch(node, kept, lanes)
        return undefined
      }
      return this.#lowering.stored.has(node) ? this.#buffers.load(node, position, lanes, valid) : undefined
    })
  }

  /** Counts the cluster's own members, so that equal clusters give equal kernels. */
  #number(node: Node): number {
    return this.#cluster.members.indexOf(node)
  }

  /** The lanes of a row's value: one, unless each lane has its own row. */
  #acrossLanes(lanes: Lanes): number {
    return this.#across ? lanes.count : 1
  }

  /** Roots of the full domain that can first be stored in `stage`, and values to keep for later stages. */
  #fullStores(stage: number, stages: number, lanes: Lanes): Stmt[] {
    const emitter = this.#emitter(lanes, stage)
    const kept: Stmt[] = []
    for (const [node, place] of this.#kept) {
      if (this.#depthOf(node) !== stage) continue
      const value = toMemory(emitter.value(node, this.#positionOf(node, 'full')))
      kept.push(store(value.type === 'f32' ? 'scratch' : 'scratchI', this.#scratchAddress(place, lanes), value))
    }
    return [...kept, ...this.#storeAll(this.#rootsOf(stage, stages), 'full', emitter, lanes)]
  }

  #rootsOf(stage: number, stages: number): Node[] {
    return this.#cluster.roots.filter(
      (root) => this.#levelOf(root) === 'full' && Math.min(this.#depthOf(root), stages) === stage,
    )
  }

  /** Whether anything of the full domain is stored in `stage`. */
  #storesIn(stage: number, stages: number): boolean {
    return (
      this.#rootsOf(stage, stages).length > 0 || [...this.#kept.keys()].some((node) => this.#depthOf(node) === stage)
    )
  }

  #rowStores(stages: number, lanes: Lanes): Stmt[] {
    const roots = this.#cluster.roots.filter((root) => this.#levelOf(root) === 'row')
    return this.#storeAll(roots, 'row', this.#emitter(lanes, stages), lanes)
  }

  /** All values are there before the first is stored: one may overwrite what another is computed from. */
  #storeAll(roots: readonly Node[], level: 'full' | 'row', emitter: Emitter, lanes: Lanes): Stmt[] {
    const values = roots.map((root, i) => {
      const at = this.#positionOf(root, level)
      return { root, at, name: `y${i}`, value: toMemory(emitter.value(root, at)) }
    })
    return [
      ...values.map(({ name, value }) => bind(name, value)),
      ...values.map(({ root, at, name, value }) =>
        storeLanes(
          this.#buffers.of(root, 'write'),
          addressOf(root, at),
          variable(name, value.type, value.lanes),
          lanes,
        ),
      ),
    ]
  }

  // ---- what is kept between stages ----

  #chooseKept(stages: number): void {
    const rowLength = sizeOf(this.#inner) * (this.#across ? this.#lanes : this.#length)
    if (stages === 0 || rowLength > longestKeptRow) return
    const uses = new Map<Node, Set<number>>()
    for (let stage = 0; stage <= stages; stage++) {
      const tops = [...this.#reducesOf(stage).map((node) => node.inputs[0]), ...this.#rootsOf(stage, stages)]
      const visit = (node: Node): void => {
        if (!this.#cluster.members.includes(node)) {
          if (!this.#lowering.stored.has(node)) node.inputs.forEach(visit)
          return
        }
        if (node.op.kind === 'reduce') return
        const known = uses.get(node)
        if (known?.has(stage)) return
        if (known) known.add(stage)
        else uses.set(node, new Set([stage]))
        node.inputs.forEach(visit)
      }
      tops.forEach(visit)
    }
    for (const [node, at] of uses) {
      const own = node.op.kind === 'map' ? (node.op.cost ?? 1) : 0
      if (at.size > 1 && own >= costly && this.#levelOf(node) === 'full') {
        this.#kept.set(node, this.#scratch)
        this.#scratch += rowLength
      }
    }
  }

  #scratchAddress(kept: number, lanes: Lanes): Expr {
    const inner = this.#turn === undefined ? variableIndex('q', sizeOf(this.#inner)) : constantIndex(this.#turn)
    const at = this.#across
      ? scaleIndex(inner, lanes.count)
      : addIndex(scaleIndex(inner, this.#length), variableIndex('v', this.#length))
    return indexScalar(addIndex(at, constantIndex(kept)))
  }

  #fromScratch(node: Node, kept: number, lanes: Lanes): Expr {
    const type = node.dtype === 'float32' ? 'f32' : 'i32'
    const value: Expr = {
      op: 'load',
      type,
      lanes: lanes.count,
      buffer: type === 'f32' ? 'scratch' : 'scratchI',
      index: this.#scratchAddress(kept, lanes),
    }
    return node.dtype === 'bool'
      ? { op: 'convert', type: 'mask', lanes: lanes.count, fn: 'i32ToMask', a: value }
      : value
  }

  // ---- positions and depths ----

  #variables(): Index[] {
    const row = splitIndex('r', this.#rows)
    const inner =
      this.#turn === undefined
        ? splitIndex('q', this.#inner)
        : unflatten<Index, Condition>(symbols, constantIndex(this.#turn), this.#inner)
    return this.#axes.map((axis, i) => {
      if (i === this.#vector) {
        const part = this.#part ?? { start: 0, size: axis.size }
        return addIndex(constantIndex(part.start), variableIndex('v', part.size))
      }
      return (axis.reduced ? inner.shift() : row.shift()) as Index
    })
  }

  #positionOf(node: Node, level: 'full' | 'row'): readonly Index[] {
    const chosen = (axis: Axis): boolean => level === 'full' || !axis.reduced
    const variables = this.#variables().filter((_, i) => chosen(this.#axes[i]))
    return positionIn(
      node.shape,
      this.#axes.filter(chosen).map((axis) => axis.size),
      variables,
    )
  }

  #levelOf(node: Node): 'full' | 'row' {
    return levelIn(this.#cluster, node)
  }

  /** How many reductions must be finished before the node can be computed; a reduction counts itself. */
  #depthOf(node: Node): number {
    const known = this.#depth.get(node)
    if (known !== undefined) return known
    const member = this.#cluster.members.includes(node)
    let depth = 0
    if (member || !this.#lowering.stored.has(node))
      for (const input of node.inputs) depth = Math.max(depth, this.#depthOf(input))
    if (member && node.op.kind === 'reduce') depth++
    this.#depth.set(node, depth)
    return depth
  }

  #reducesOf(stage: number): Node[] {
    return this.#cluster.members.filter(
      (node) => node.op.kind === 'reduce' && this.#depthOf(node) === stage + 1 && this.#isNeeded(node),
    )
  }

  #needed: Set<Node> | undefined
  #isNeeded(node: Node): boolean {
    if (!this.#needed) {
      this.#needed = new Set()
      const visit = (each: Node): void => {
        if (this.#needed?.has(each) || (this.#lowering.stored.has(each) && !this.#cluster.members.includes(each)))
          return
        this.#needed?.add(each)
        each.inputs.forEach(visit)
      }
      this.#cluster.roots.forEach(visit)
    }
    return this.#needed.has(node)
  }

  #operations(): number {
    const cost = this.#cluster.members.reduce(
      (sum, node) => sum + (node.op.kind === 'map' ? (node.op.cost ?? 1) : 1),
      2,
    )
    return cost * sizeOf(this.#axes.map((axis) => axis.size))
  }
}

const laneWord = { add: 'add', mul: 'mul', maximum: 'max', minimum: 'min' } as const
const typeOf = (node: Node): 'f32' | 'i32' => (node.dtype === 'int32' ? 'i32' : 'f32')
const identity = (node: Node, lanes: number): Expr =>
  constant((node.op as ReduceOp).identity(node.dtype), node.dtype, lanes)

/** acc = acc combined with value; a product that is added becomes one fused step. */
function accumulate(name: string, node: Node, value: Expr): Stmt {
  const { combine } = node.op as ReduceOp
  const total = variable(name, typeOf(node), value.lanes)
  if (combine === 'add' && value.type === 'f32' && value.op === 'binary' && value.fn === 'mul')
    return set(name, fma(value.a, value.b, total))
  return set(name, spellings[combine](total, value))
}

const divWord = (a: Expr, by: number): Expr =>
  by === 1 ? a : { op: 'binary', type: 'index', lanes: 1, fn: 'div', a, b: index(by) }
const modWord = (a: Expr, by: number): Expr =>
  by === 1 ? index(0) : { op: 'binary', type: 'index', lanes: 1, fn: 'mod', a, b: index(by) }
