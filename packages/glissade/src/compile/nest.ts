/**
 * Template: maps, reductions, and rows (several reductions and maps over one row in one pass).
 *
 * The domain of a cluster is cut into rows; a task takes some rows, and runs over each in as many stages as
 * reductions depend on each other: softmax is a stage for the maximum, one for the exponentials and their sum, and
 * one for the quotients. Vectors run along the axis in which memory is contiguous: inside the row, or, where the
 * reduced axes are outer ones, across rows. Costly values needed by two stages are kept in scratch.
 */
import type { Node } from '../graph/graph.ts'
import {
  add,
  bind,
  fma,
  index,
  loop,
  max,
  min,
  mul,
  mut,
  reduceLanes,
  set,
  store,
  task,
  variable,
} from '../kernel/build.ts'
import type { Expr, Stmt } from '../kernel/ir.ts'
import { spellings } from '../kernel/spell.ts'
import { unflatten } from '../ops/move.ts'
import type { ReduceOp } from '../ops/op.ts'
import { type Shape, sizeOf } from '../shape.ts'
import { indexScalar, type Lanes, lane, scalar } from './address.ts'
import { type Axis, bordersOf, chooseVector, dividesLanes, mergedAxes, mostTurnsWrittenOut } from './axes.ts'
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

/** Totals side by side: an addition takes about four cycles, in which as many others can begin. */
const totalsAbreast = 4
/** A turn with more simple operations than this keeps the processor busy with one total. */
const mostWorkAbreast = 4

/** A stretch of the vector axis: `abreast` vectors of `count` lanes in a turn. */
interface Part {
  readonly start: number
  readonly end: number
  readonly count: number
  readonly abreast: number
}

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
  /** Whether the vector axis is counted in whole vectors and lanes, since some address divides it. */
  readonly #blocked: boolean
  /** The lanes that are being written, and which of the vectors side by side. */
  #now: Lanes = scalar
  #nth = 0

  constructor(cluster: Cluster, lowering: Lowering, axes: readonly Axis[]) {
    this.#cluster = cluster
    this.#lowering = lowering
    this.#axes = axes
    this.#buffers = new KernelBuffers(lowering)
    this.#vector = chooseVector(cluster, lowering, axes)
    this.#across = this.#vector >= 0 && !axes[this.#vector].reduced
    this.#length = this.#vector < 0 ? 1 : axes[this.#vector].size
    this.#lanes = lanesFor(lowering.target, this.#length)
    this.#blocked = this.#lanes > 1 && dividesLanes(cluster, lowering, axes, this.#vector, this.#lanes)
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
    const width = this.#lanes * (across ? this.#rowsAbreast(stages) : 1)
    // Few long rows are cut across the vector axis as well.
    const pieces = across ? Math.max(1, Math.min(Math.floor(perRow / grain), Math.floor(this.#length / width))) : 1
    const piece = Math.ceil(this.#length / pieces / width) * width
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
    for (let stage = 0; stage <= stages; stage++) {
      const reduces = this.#reducesOf(stage)
      const storing = this.#storesIn(stage, stages)
      if (reduces.length === 0 && !storing) continue
      const parts = this.#parts(storing ? 1 : this.#vectorsAbreast(reduces, this.#length))
      const total = (node: Node, count: number, nth: number): string =>
        `${count === 1 ? 's' : count === this.#lanes ? 'v' : `v${count}_`}${this.#number(node)}${nth === 0 ? '' : `u${nth}`}`
      // Parts of equally many lanes share their totals.
      const totals = new Map<number, number>()
      for (const { count, abreast } of parts) totals.set(count, Math.max(abreast, totals.get(count) ?? 0))
      for (const node of reduces)
        for (const [count, abreast] of totals)
          for (let nth = 0; nth < abreast; nth++) body.push(mut(total(node, count, nth), identity(node, count)))
      const turn = (lanes: Lanes): Stmt[] => {
        const emitter = this.#emitter(lanes, stage)
        return [
          ...this.#fullStores(stage, stages, lanes),
          ...reduces.map((node) =>
            accumulate(
              total(node, lanes.count, this.#nth),
              node,
              emitter.value(node.inputs[0], this.#positionOf(node.inputs[0], 'full')),
            ),
          ),
        ]
      }
      body.push(
        ...this.#overInner(() => parts.map((part) => this.#overPart(part, index(part.start), index(part.end), turn))),
      )
      for (const node of reduces) {
        const { combine } = node.op as ReduceOp
        const sums = [...totals].map(([count, abreast]) => {
          const each = Array.from({ length: abreast }, (_, nth) =>
            variable(total(node, count, nth), typeOf(node), count),
          )
          return reduceLanes(laneWord[combine], inPairs(each, spellings[combine]))
        })
        body.push(
          bind(
            `r${this.#number(node)}`,
            sums.reduce((a, b) => spellings[combine](a, b)),
          ),
        )
      }
    }
    body.push(...this.#rowStores(stages, scalar))
    return uniqueNames(body)
  }

  /** Vectors across rows: each lane has a row of its own. */
  #acrossRows(stages: number, from: Expr, to: Expr, wholeAxis: boolean): Stmt[] {
    const turn =
      (abreast: number) =>
      (lanes: Lanes): Stmt[] => {
        const body: Stmt[] = []
        const each = (write: () => Stmt[]): Stmt[] => this.#abreast(abreast, write)
        for (let stage = 0; stage <= stages; stage++) {
          const reduces = this.#reducesOf(stage)
          const name = (node: Node): string => `s${this.#number(node)}${this.#copy}`
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
          body.push(...each(() => reduces.map((node) => mut(name(node), identity(node, lanes.count)))))
          body.push(...this.#overInner(() => each(inside)))
          body.push(
            ...each(() =>
              reduces.map((node) =>
                bind(`r${this.#number(node)}${this.#copy}`, variable(name(node), typeOf(node), lanes.count)),
              ),
            ),
          )
        }
        if (stages > 0) body.push(...each(() => this.#rowStores(stages, lanes)))
        return body
      }
    // Maps go from border to border, so that what lies between two needs no masks and is read in whole vectors.
    const borders = stages === 0 && wholeAxis && this.#lanes > 1 && !this.#blocked ? this.#borders() : []
    if (borders.length > 0) {
      const loops = [0, ...borders].flatMap((start, i) => {
        const size = (borders[i] ?? this.#length) - start
        this.#part = { start, size }
        return this.#parts(1, size).map((part) => this.#overPart(part, index(part.start), index(part.end), turn(1)))
      })
      this.#part = undefined
      return uniqueNames(loops)
    }
    const parts = this.#parts(this.#rowsAbreast(stages))
    return uniqueNames(
      parts.map((part) => {
        const start = wholeAxis ? index(part.start) : part.start === 0 ? from : max(from, index(part.start))
        const end = wholeAxis ? index(part.end) : part.end === this.#length ? to : min(to, index(part.end))
        return this.#overPart({ ...part, abreast: 1 }, start, end, turn(part.abreast), part.count * part.abreast)
      }),
    )
  }

  /** The vector axis as stretches of vectors, the widest first; `abreast` of these stand side by side in a turn. */
  #parts(abreast: number, length = this.#length): Part[] {
    const parts: Part[] = []
    let start = 0
    const take = (count: number, together: number): void => {
      const width = count * together
      const end = start + Math.floor((length - start) / width) * width
      if (end > start) parts.push({ start, end, count, abreast: together })
      start = end
    }
    if (this.#lanes > 1 && abreast > 1) take(this.#lanes, abreast)
    if (this.#lanes > 1) for (let count = this.#lanes; count >= 4; count /= 2) take(count, 1)
    take(1, 1)
    return parts
  }

  /** A loop of `v` over a part. */
  #overPart(
    { count, abreast }: Part,
    from: Expr,
    to: Expr,
    turn: (lanes: Lanes) => Stmt[],
    step = count * abreast,
  ): Stmt {
    const blocks = count > 1 && this.#blocked
    const lanes: Lanes = count === 1 ? scalar : { count, variable: blocks ? lane : 'v', aligned: true }
    this.#now = lanes
    const body = this.#abreast(abreast, () => turn(lanes))
    this.#now = scalar
    return loop('v', from, to, step, blocks ? [bind('w', divWord(variable('v', 'index'), count)), ...body] : body)
  }

  /** Writes a turn once for each of the vectors side by side. */
  #abreast(count: number, write: () => Stmt[]): Stmt[] {
    const result: Stmt[] = []
    for (this.#nth = 0; this.#nth < count; this.#nth++) result.push(...write())
    this.#nth = 0
    return result
  }

  /** What tells the values of vectors side by side apart, in names. */
  get #copy(): string {
    return this.#nth === 0 ? '' : `u${this.#nth}`
  }

  /** Several totals for sums of little work, which would otherwise wait for the addition before. */
  #vectorsAbreast(reduces: readonly Node[], length: number): number {
    const seen = new Set<Node>()
    const cost = (node: Node): number => {
      if (seen.has(node) || this.#lowering.stored.has(node) || this.#kept.has(node)) return 0
      seen.add(node)
      if (node.op.kind === 'reduce') return 0
      return node.inputs.reduce((sum, input) => sum + cost(input), node.op.kind === 'map' ? (node.op.cost ?? 1) : 0)
    }
    const work = reduces.reduce((sum, node) => sum + cost(node.inputs[0]), 0)
    const light = reduces.length > 0 && work <= mostWorkAbreast * reduces.length
    return light && reduces.length <= 2 && length >= this.#lanes * totalsAbreast ? totalsAbreast : 1
  }

  /** The same across rows, where neighbouring vectors are neighbours in memory too. */
  #rowsAbreast(stages: number): number {
    if (this.#lanes === 1 || stages !== 1 || this.#kept.size > 0) return 1
    const vectors = Math.floor(this.#length / this.#lanes)
    const most = vectors >= totalsAbreast ** 2 ? totalsAbreast : vectors >= totalsAbreast ? totalsAbreast / 2 : 1
    return sizeOf(this.#inner) > mostTurnsWrittenOut
      ? Math.min(most, this.#vectorsAbreast(this.#reducesOf(0), this.#length))
      : 1
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
        if (node.op.kind === 'reduce') {
          const copy = this.#across ? this.#copy : ''
          return variable(`r${this.#number(node)}${copy}`, typeOf(node), this.#acrossLanes(lanes))
        }
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
    const offset = this.#nth * lanes.count
    const at = this.#across
      ? scaleIndex(inner, lanes.count)
      : addIndex(addIndex(scaleIndex(inner, this.#length), variableIndex('v', this.#length)), constantIndex(offset))
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
      if (i === this.#vector) return this.#alongVector(axis.size)
      return (axis.reduced ? inner.shift() : row.shift()) as Index
    })
  }

  /** The place of the vector being written, on its axis. */
  #alongVector(size: number): Index {
    if (this.#part) return addIndex(constantIndex(this.#part.start), variableIndex('v', this.#part.size))
    const { count, variable } = this.#now
    const offset = this.#nth * count
    if (variable !== lane) return addIndex(variableIndex('v', size - offset), constantIndex(offset))
    const block = variableIndex('w', Math.ceil((size - offset) / count))
    return addIndex(addIndex(scaleIndex(block, count), variableIndex(lane, count)), constantIndex(offset))
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

/** Combined two by two, so that no chain is longer than it must be. */
function inPairs(values: readonly Expr[], combine: (a: Expr, b: Expr) => Expr): Expr {
  if (values.length === 1) return values[0]
  const half = Math.ceil(values.length / 2)
  return combine(inPairs(values.slice(0, half), combine), inPairs(values.slice(half), combine))
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
