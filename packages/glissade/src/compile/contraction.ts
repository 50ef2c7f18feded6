/**
 * Template: products, with whatever follows them element by element (bias, activation, the optimizer's update).
 *
 * A tile of the result stays in registers while the loops run over the summed axes. Two forms: `broadcast`, in
 * which vectors lie along the columns and each element of the left operand is repeated over a vector; and `dot`,
 * in which vectors lie along a summed axis that is contiguous in both operands, and each tile element ends in a sum
 * over lanes. Tile sizes come from the target; tasks are blocks of tiles, fixed by shape.
 */
import type { Node } from '../graph/graph.ts'
import { add, bind, fma, index, load, loop, lt, min, mul, mut, reduceLanes, set, splat, store, variable } from '../kernel/build.ts'
import type { Expr, Stmt } from '../kernel/ir.ts'
import { unflatten } from '../ops/move.ts'
import { sizeOf } from '../shape.ts'
import { indexScalar, type Lanes, lane, loadLanes, scalar } from './address.ts'
import type { Cluster } from './cluster.ts'
import { positionIn } from './cluster.ts'
import { constant, Emitter, toMemory } from './emit.ts'
import { addressOf, countOperations, KernelBuffers, type Lowering, labelOf, type Step, storeLanes } from './lowering.ts'
import { splitIndex } from './nest.ts'
import { mergeProduct, type Operand, type Product, type ProductAxis, productOf } from './product.ts'
import { addIndex, type Condition, constantIndex, type Index, scaleIndex, stepOf, substitute, symbols, variableIndex } from './symbolic.ts'

/** Multiply-adds that make a task worth a thread's attention. */
const workPerTask = 1 << 18
const mostTasks = 64
/** A column panel is copied together when at least this many row tiles use it. */
const tilesWorthPacking = 3
/** Columns of several axes are taken together up to this number. */
const mostColumnsTogether = 32
/** Elements of the largest packed panel. */
const largestPanel = 1 << 17

export function lowerContraction(cluster: Cluster, lowering: Lowering): Step {
  return new Contraction(cluster, cluster.anchor as Node, lowering).build()
}

/** Part of the columns that is worked on with the same vectors. */
interface Segment {
  readonly start: number
  readonly end: number
  readonly lanes: number
  readonly vectors: number
}

class Contraction {
  readonly #cluster: Cluster
  readonly #anchor: Node
  readonly #lowering: Lowering
  readonly #buffers: KernelBuffers
  readonly #product: Product
  readonly #axes: readonly ProductAxis[]
  readonly #at: (name: string) => Index
  readonly #type: 'f32' | 'i32'
  #names = 0
  #scratch = 0

  constructor(cluster: Cluster, anchor: Node, lowering: Lowering) {
    this.#cluster = cluster
    this.#anchor = anchor
    this.#lowering = lowering
    this.#buffers = new KernelBuffers(lowering)
    this.#product = productOf(anchor, lowering.stored)
    this.#type = anchor.dtype === 'int32' ? 'i32' : 'f32'
    const merged = mergeProduct(this.#product.axes, this.#observe())
    this.#axes = merged.axes
    this.#at = merged.at
  }

  build(): Step {
    const { tile } = this.#lowering.target
    const summed = this.#axes.filter((axis) => axis.role === 'summed')
    const step = (operand: Operand, axis: ProductAxis | undefined): number | undefined => (axis ? stepOf(operand.address(this.#at), axis.name) : 0)
    const along = summed.findLast((axis) => step(this.#product.left, axis) === 1 && step(this.#product.right, axis) === 1)
    const allColumns = this.#axes.filter((axis) => axis.role === 'column')
    const isDot = this.#type === 'f32' && along !== undefined && along.size >= 4 && dotWins(along.size, allColumns, step(this.#product.right, last(allColumns)))
    // Few places of several axes, such as those of a kernel, are columns together: each has its own constant address.
    const together = isDot && sizeOf(allColumns.map((axis) => axis.size)) <= mostColumnsTogether
    const columnAxes = together ? allColumns : allColumns.slice(-1)
    const row = largest(this.#axes.filter((axis) => axis.role === 'row'))
    const outer = this.#axes.filter((axis) => axis.role !== 'summed' && !columnAxes.includes(axis) && axis !== row)
    const rows = row?.size ?? 1
    const columns = sizeOf(columnAxes.map((axis) => axis.size))
    const outers = sizeOf(outer.map((axis) => axis.size))
    const budget = tile.rows * tile.vectors
    const work = outers * rows * columns * sizeOf(summed.map((axis) => axis.size))

    // The register tile.
    const dot = dotTileFor(rows, columns, budget)
    const segments = isDot ? dotSegments(columns, dot.columns) : broadcastSegments(columns, this.#lowering.target.lanes, tile.vectors)
    const wide = Math.max(...segments.map((segment) => segment.vectors))
    const mostRows = isDot ? dot.rows : Math.max(1, Math.min(rows, Math.floor(budget / wide)))
    const rowTiles = Math.ceil(rows / mostRows)
    const tileRows = Math.ceil(rows / rowTiles)

    // The tasks: blocks of outer positions, columns and rows.
    const wanted = Math.max(1, Math.min(mostTasks, Math.floor(work / workPerTask)))
    const outerTasks = Math.min(outers, wanted)
    const main = segments[0]
    const mainTile = main.lanes * main.vectors
    const columnTiles = Math.max(1, Math.floor((main.end - main.start) / mainTile))
    const columnTasks = Math.min(columnTiles, Math.ceil(wanted / outerTasks))
    const rowTasks = Math.min(rowTiles, Math.ceil(wanted / outerTasks / columnTasks))
    const outersPerTask = Math.ceil(outers / outerTasks)
    const columnsPerTask = Math.ceil(columnTiles / columnTasks) * mainTile
    const rowsPerTask = Math.ceil(rowTiles / rowTasks) * tileRows
    const grid = [Math.ceil(outers / outersPerTask), Math.ceil((columnTiles * mainTile) / columnsPerTask), Math.ceil(rows / rowsPerTask)]

    const [outerTask, columnTask, rowTask] = splitIndex('task', grid).map((part) => indexScalar(part))
    const firstRow = mul(rowTask, index(rowsPerTask))
    const lastRow = grid[2] === 1 ? index(rows) : min(index(rows), add(firstRow, index(rowsPerTask)))
    const split = new Map(outer.map((axis, i) => [axis.name, splitIndex('outer', outer.map((each) => each.size))[i]]))

    const overRows = (segment: Segment, columnAt: Index): Stmt[] => {
      const width = segment.lanes * segment.vectors
      const pack = !isDot && this.#packs(segment, columnAt, Math.ceil(rowsPerTask / tileRows), split, columnAxes)
      const panel = pack ? this.#pack(segment, columnAt, summed, split, columnAxes) : []
      const left = rows % tileRows
      const body: Stmt[] = [...panel]
      const tileAt = (count: number, rowAt: Index): Stmt[] =>
        isDot
          ? this.#dotTile(count, width, rowAt, columnAt, along as ProductAxis, summed, split, row, columnAxes)
          : this.#broadcastTile(count, segment, rowAt, columnAt, summed, split, row, columnAxes, pack)
      if (rows === tileRows) return [...body, ...tileAt(tileRows, constantIndex(0))]
      const name = this.#fresh('m')
      const whole = left === 0 ? lastRow : min(lastRow, index(rows - left))
      body.push(loop(name, firstRow, whole, tileRows, tileAt(tileRows, variableIndex(name, rows - tileRows + 1))))
      if (left > 0) {
        const edge = tileAt(left, constantIndex(rows - left))
        body.push(...(grid[2] === 1 ? edge : [{ op: 'if' as const, condition: lt(index(rows - left), lastRow), then: edge }]))
      }
      return body
    }

    const inside: Stmt[] = []
    segments.forEach((segment, i) => {
      const width = segment.lanes * segment.vectors
      if (i === 0 && segment.end - segment.start > width) {
        const name = this.#fresh('n')
        const from = mul(columnTask, index(columnsPerTask))
        const to = grid[1] === 1 ? index(segment.end) : min(index(segment.end), add(from, index(columnsPerTask)))
        inside.push(loop(name, from, to, width, overRows(segment, variableIndex(name, segment.end - width + 1))))
      } else if (i === 0 || grid[1] === 1) inside.push(...overRows(segment, constantIndex(segment.start)))
      // What is left of the columns belongs to the last column block.
      else inside.push({ op: 'if', condition: lt(index(grid[1] - 2), columnTask), then: overRows(segment, constantIndex(segment.start)) })
    })
    let body = inside
    if (outers > 1) {
      const from = mul(outerTask, index(outersPerTask))
      body = [loop('outer', from, min(index(outers), add(from, index(outersPerTask))), 1, inside)]
      if (outersPerTask === 1) body = [bind('outer', outerTask), ...inside]
    }
    const { kernel, locations } = this.#buffers.finish('contract', sizeOf(grid), body, {
      scratch: this.#scratch,
      flops: 2 * work + countOperations(this.#cluster.members),
    })
    return { kernel, locations, ...labelOf(this.#cluster.members) }
  }

  // ---- tiles ----

  #broadcastTile(
    rows: number, segment: Segment, rowAt: Index, columnAt: Index, summed: readonly ProductAxis[],
    split: ReadonlyMap<string, Index>, row: ProductAxis | undefined, column: readonly ProductAxis[], packed: boolean,
  ): Stmt[] {
    const { lanes: count, vectors } = segment
    const prefix = this.#fresh('a')
    const acc = (r: number, v: number): string => `${prefix}_${r}_${v}`
    const body: Stmt[] = []
    for (let r = 0; r < rows; r++) for (let v = 0; v < vectors; v++) body.push(mut(acc(r, v), constant(0, this.#anchor.dtype, count)))
    body.push(
      ...this.#overSummed(summed, (at, flat) => {
        const inner: Stmt[] = []
        const columnsOf = (v: number): Expr => {
          if (packed) return load('scratch', 'f32', indexScalar(addIndex(scaleIndex(flat, vectors * count), constantIndex(v * count))), count)
          const lanes: Lanes = count === 1 ? scalar : { count, variable: lane }
          const first = addIndex(columnAt, constantIndex(v * count))
          const address = this.#product.right.address(this.#place(at, split, row, rowAt, column, addIndex(first, variableIndex(lane, count))))
          return loadLanes(this.#buffers.of(this.#product.right.base, 'read'), this.#type, address, lanes)
        }
        const right = Array.from({ length: vectors }, (_, v) => {
          const name = this.#fresh('w')
          inner.push(bind(name, columnsOf(v)))
          return variable(name, this.#type, count)
        })
        for (let r = 0; r < rows; r++) {
          const where = this.#place(at, split, row, addIndex(rowAt, constantIndex(r)), column, columnAt)
          const left = splat(load(this.#buffers.of(this.#product.left.base, 'read'), this.#type, indexScalar(this.#product.left.address(where))), count)
          for (let v = 0; v < vectors; v++) inner.push(this.#multiplyAdd(acc(r, v), left, right[v], count))
        }
        return inner
      }),
    )
    for (let r = 0; r < rows; r++) {
      for (let v = 0; v < vectors; v++) {
        const value = variable(acc(r, v), this.#type, count)
        body.push(...this.#epilogue(value, split, row, addIndex(rowAt, constantIndex(r)), column, addIndex(columnAt, constantIndex(v * count)), count))
      }
    }
    return body
  }

  #dotTile(
    rows: number, columns: number, rowAt: Index, columnAt: Index, along: ProductAxis, summed: readonly ProductAxis[],
    split: ReadonlyMap<string, Index>, row: ProductAxis | undefined, column: readonly ProductAxis[],
  ): Stmt[] {
    const lanes = dotLanes(this.#lowering.target.lanes, along.size)
    const prefix = this.#fresh('a')
    const acc = (r: number, c: number, kind: string): string => `${prefix}${kind}_${r}_${c}`
    const body: Stmt[] = []
    const each = (visit: (r: number, c: number) => void): void => {
      for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) visit(r, c)
    }
    const left = along.size % lanes
    each((r, c) => {
      body.push(mut(acc(r, c, 'v'), constant(0, 'float32', lanes)))
      if (left > 0) body.push(mut(acc(r, c, 's'), constant(0, 'float32', 1)))
    })
    const others = summed.filter((axis) => axis !== along)
    const pass = (at: (name: string) => Index, from: number, to: number, count: number, kind: string): Stmt => {
      const name = this.#fresh('k')
      const here = (axis: string): Index => (axis === along.name ? variableIndex(name, along.size) : at(axis))
      const inner: Stmt[] = []
      const value = (operand: Operand, r: number, c: number): Expr => {
        const where = this.#place(here, split, row, addIndex(rowAt, constantIndex(r)), column, addIndex(columnAt, constantIndex(c)))
        const fresh = this.#fresh('x')
        inner.push(bind(fresh, load(this.#buffers.of(operand.base, 'read'), 'f32', indexScalar(operand.address(where)), count)))
        return variable(fresh, 'f32', count)
      }
      const xs = Array.from({ length: rows }, (_, r) => value(this.#product.left, r, 0))
      const ys = Array.from({ length: columns }, (_, c) => value(this.#product.right, 0, c))
      each((r, c) => inner.push(this.#multiplyAdd(acc(r, c, kind), xs[r], ys[c], count)))
      return loop(name, index(from), index(to), count, inner)
    }
    body.push(
      ...this.#overSummed(others, (at) => [
        pass(at, 0, along.size - left, lanes, 'v'),
        ...(left > 0 ? [pass(at, along.size - left, along.size, 1, 's')] : []),
      ]),
    )
    each((r, c) => {
      const vector = reduceLanes('add', variable(acc(r, c, 'v'), 'f32', lanes))
      const total = this.#fresh('t')
      body.push(bind(total, left > 0 ? add(vector, variable(acc(r, c, 's'), 'f32')) : vector))
      body.push(...this.#epilogue(variable(total, 'f32'), split, row, addIndex(rowAt, constantIndex(r)), column, addIndex(columnAt, constantIndex(c)), 1))
    })
    return body
  }

  #multiplyAdd(name: string, a: Expr, b: Expr, lanes: number): Stmt {
    const total = variable(name, this.#type, lanes)
    return set(name, this.#type === 'f32' ? fma(a, b, total) : add(mul(a, b), total))
  }

  /** Loops over the summed axes; `body` gets their indices and the number of the turn. */
  #overSummed(summed: readonly ProductAxis[], body: (at: (name: string) => Index, flat: Index) => Stmt[]): Stmt[] {
    const names = new Map<string, Index>()
    const counters = summed.map((axis) => {
      const name = this.#fresh('k')
      names.set(axis.name, variableIndex(name, axis.size))
      return name
    })
    const flat = summed.reduce((sum, axis) => addIndex(scaleIndex(sum, axis.size), names.get(axis.name) as Index), constantIndex(0))
    let stmts = body((name) => names.get(name) ?? constantIndex(0), flat)
    for (let i = summed.length - 1; i >= 0; i--) stmts = [loop(counters[i], index(0), index(summed[i].size), 1, stmts)]
    return stmts
  }

  // ---- packing ----

  /** Whether the right operand's panel is worth copying together: it is used often, or is not contiguous. */
  #packs(segment: Segment, columnAt: Index, rowTiles: number, split: ReadonlyMap<string, Index>, column: readonly ProductAxis[]): boolean {
    if (this.#type !== 'f32' || segment.lanes === 1) return false
    const depth = this.#axes.filter((axis) => axis.role === 'summed').reduce((product, axis) => product * axis.size, 1)
    if (depth * segment.lanes * segment.vectors > largestPanel) return false
    const lanes = addIndex(columnAt, variableIndex(lane, segment.lanes))
    const address = this.#product.right.address(this.#place((name) => variableIndex(name, 2), split, undefined, constantIndex(0), column, lanes))
    if (stepOf(address, lane) !== 1) return rowTiles > 1
    return rowTiles >= tilesWorthPacking && depth >= 64
  }

  #pack(segment: Segment, columnAt: Index, summed: readonly ProductAxis[], split: ReadonlyMap<string, Index>, column: readonly ProductAxis[]): Stmt[] {
    const { lanes: count, vectors } = segment
    const depth = sizeOf(summed.map((axis) => axis.size))
    this.#scratch = Math.max(this.#scratch, depth * count * vectors)
    return this.#overSummed(summed, (at, flat) =>
      Array.from({ length: vectors }, (_, v) => {
        const lanes = addIndex(addIndex(columnAt, constantIndex(v * count)), variableIndex(lane, count))
        const address = this.#product.right.address(this.#place(at, split, undefined, constantIndex(0), column, lanes))
        const value = loadLanes(this.#buffers.of(this.#product.right.base, 'read'), 'f32', address, { count, variable: lane })
        return store('scratch', indexScalar(addIndex(scaleIndex(flat, count * vectors), constantIndex(v * count))), value)
      }),
    )
  }

  // ---- positions ----

  /** The original axes, given the loops' places. */
  #place(
    summed: (name: string) => Index, split: ReadonlyMap<string, Index>, row: ProductAxis | undefined, rowAt: Index,
    column: readonly ProductAxis[], columnAt: Index,
  ): (name: string) => Index {
    const values = new Map<string, Index>(split)
    if (row) values.set(row.name, rowAt)
    const parts = unflatten<Index, Condition>(symbols, columnAt, column.map((axis) => axis.size))
    column.forEach((axis, i) => values.set(axis.name, parts[i]))
    const merged = new Map(this.#axes.map((axis) => [axis.name, axis]))
    return (name) => substitute(this.#at(name), (variableName) => {
      const axis = merged.get(variableName)
      return axis?.role === 'summed' ? summed(variableName) : (values.get(variableName) ?? constantIndex(0))
    })
  }

  #epilogue(value: Expr, split: ReadonlyMap<string, Index>, row: ProductAxis | undefined, rowAt: Index, column: readonly ProductAxis[], columnAt: Index, count: number): Stmt[] {
    const lanes: Lanes = count === 1 ? scalar : { count, variable: lane }
    const at = this.#place(() => constantIndex(0), split, row, rowAt, column, count === 1 ? columnAt : addIndex(columnAt, variableIndex(lane, count)))
    return this.#storeRoots(value, this.#product.result(at), lanes)
  }

  #storeRoots(value: Expr, position: readonly Index[], lanes: Lanes): Stmt[] {
    const emitter = new Emitter(lanes, (node, where, valid) => {
      if (node === this.#anchor) return value
      if (this.#cluster.members.includes(node) || !this.#lowering.stored.has(node)) return undefined
      return this.#buffers.load(node, where, lanes, valid)
    })
    const values = this.#cluster.roots.map((root) => {
      const at = positionIn(root.shape, this.#anchor.shape, position)
      return { root, at, value: toMemory(emitter.value(root, at)) }
    })
    const names = values.map(() => this.#fresh('y'))
    return [
      ...values.map((each, i) => bind(names[i], each.value)),
      ...values.map(({ root, at, value }, i) => {
        const named = variable(names[i], value.type, value.lanes)
        return storeLanes(this.#buffers.of(root, 'write'), addressOf(root, at), named, lanes)
      }),
    ]
  }

  /** All addresses, in terms of the original axes: operands, results and what the epilogue reads. */
  #observe(): Index[] {
    const names = new Map(this.#product.axes.map((axis) => [axis.name, variableIndex(axis.name, axis.size)]))
    const at = (name: string): Index => names.get(name) ?? constantIndex(0)
    const seen = [this.#product.left.address(at), this.#product.right.address(at)]
    const position = this.#product.result(at)
    const emitter = new Emitter(
      scalar,
      (node, where, valid) => {
        if (node === this.#anchor) return variable('value', this.#type)
        if (this.#cluster.members.includes(node) || !this.#lowering.stored.has(node)) return undefined
        seen.push(addressOf(node, where))
        return new KernelBuffers(this.#lowering).load(node, where, scalar, valid)
      },
      (where) => seen.push(where),
    )
    for (const root of this.#cluster.roots) {
      const where = positionIn(root.shape, this.#anchor.shape, position)
      emitter.value(root, where)
      seen.push(addressOf(root, where))
    }
    return seen
  }

  #fresh(prefix: string): string {
    return `${prefix}${this.#names++}`
  }
}

/** Columns as tiles of whole vectors, then narrower ones, then single columns. */
function broadcastSegments(columns: number, lanes: number, vectors: number): Segment[] {
  const segments: Segment[] = []
  let start = 0
  const take = (count: number, of: number, many: boolean): void => {
    const width = count * of
    const tiles = many ? Math.floor((columns - start) / width) : columns - start >= width ? 1 : 0
    if (tiles === 0) return
    segments.push({ start, end: start + tiles * width, lanes: count, vectors: of })
    start += tiles * width
  }
  take(lanes, vectors, true)
  for (let v = vectors - 1; v >= 1; v--) take(lanes, v, false)
  for (let narrow = lanes / 2; narrow >= 4; narrow /= 2) take(narrow, 1, false)
  if (columns > start) segments.push({ start, end: columns, lanes: 1, vectors: columns - start })
  return segments
}

/**
 * Whether vectors had better lie along the summed axis: the columns are not contiguous, or too few for a vector while
 * the summed axis is long.
 */
function dotWins(length: number, columns: readonly ProductAxis[], step: number | undefined): boolean {
  const contiguous = step === 1 ? (last(columns)?.size ?? 1) : 1
  return contiguous < 8 && length > contiguous
}

/** The tile with the fewest loads for each multiply-add that keeps its sums in registers. */
function dotTileFor(rows: number, columns: number, budget: number): { rows: number; columns: number } {
  let best = { rows: 1, columns: 1 }
  let cost = Infinity
  for (let r = 1; r <= Math.min(rows, 8); r++) {
    for (let tiles = Math.ceil((columns * r) / budget); tiles <= columns; tiles++) {
      const width = Math.ceil(columns / tiles)
      if (r * width > budget) continue
      const waste = (Math.ceil(rows / r) * r * tiles * width) / (rows * columns)
      const loads = ((r + width) / (r * width)) * waste
      if (loads < cost) {
        cost = loads
        best = { rows: r, columns: width }
      }
      break
    }
  }
  return best
}

function dotSegments(columns: number, most: number): Segment[] {
  const tiles = Math.ceil(columns / Math.max(1, Math.min(most, columns)))
  const width = Math.ceil(columns / tiles)
  const whole = Math.floor(columns / width) * width
  const segments: Segment[] = [{ start: 0, end: whole, lanes: 1, vectors: width }]
  if (whole < columns) segments.push({ start: whole, end: columns, lanes: 1, vectors: columns - whole })
  return segments
}

/** The vector length that leaves the fewest steps over `length`, what is left going one by one. */
function dotLanes(most: number, length: number): number {
  let best = 1
  let steps = Infinity
  for (let lanes = most; lanes >= 4; lanes /= 2) {
    const count = Math.floor(length / lanes) + (length % lanes)
    if (count < steps && lanes <= length) {
      steps = count
      best = lanes
    }
  }
  return best
}

const last = <T>(list: readonly T[]): T | undefined => list[list.length - 1]
const largest = (axes: readonly ProductAxis[]): ProductAxis | undefined => axes.reduce<ProductAxis | undefined>((best, axis) => (!best || axis.size >= best.size ? axis : best), undefined)
