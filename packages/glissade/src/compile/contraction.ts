/**
 * Template: products, with whatever follows them element by element (bias, activation, the optimizer's update).
 *
 * A tile of the result stays in registers while the loops run over the summed axes. Two forms: `broadcast`, in
 * which vectors lie along the columns and each element of the left operand is repeated over a vector; and `dot`,
 * in which vectors lie along a summed axis that is contiguous in both operands, and each tile element ends in a sum
 * over lanes. Large operands are copied first into the order in which tiles read them. Sizes: tiling.ts.
 */
import type { Node } from '../graph/graph.ts'
import {
  add,
  bind,
  fma,
  index,
  load,
  loop,
  lt,
  min,
  mul,
  mut,
  reduceLanes,
  set,
  splat,
  store,
  variable,
} from '../kernel/build.ts'
import type { Expr, Stmt } from '../kernel/ir.ts'
import { unflatten } from '../ops/move.ts'
import { sizeOf } from '../shape.ts'
import { indexScalar, type Lanes, lane, loadLanes, scalar } from './address.ts'
import { type Cluster, positionIn } from './cluster.ts'
import { constant, Emitter, toMemory } from './emit.ts'
import {
  addressOf,
  countOperations,
  KernelBuffers,
  type Location,
  type Lowering,
  labelOf,
  type Step,
  storeLanes,
} from './lowering.ts'
import { mergeProduct, type Operand, type Product, type ProductAxis, productOf } from './product.ts'
import {
  addIndex,
  type Condition,
  constantIndex,
  type Index,
  scaleIndex,
  splitIndex,
  stepOf,
  substitute,
  symbols,
  variableIndex,
} from './symbolic.ts'
import { chooseTiling, dotLanes, type Segment, type Tiling } from './tiling.ts'

/** A column panel is copied together when at least this many row tiles use it, and it is at least this deep. */
const tilesWorthPacking = 3
const depthWorthPacking = 64
/** Elements of the largest column panel. */
const largestPanel = 1 << 17
/** The left operand is copied when it has this many elements and this many column tiles use it. */
const leftWorthPacking = 1 << 15
const columnTilesWorthPacking = 4

export function lowerContraction(cluster: Cluster, lowering: Lowering): Step[] {
  return new Contraction(cluster, cluster.anchor as Node, lowering).build()
}

/** What follows a product is written once, in a loop over the tile, when it has more operations than this. */
const longEpilogue = 6

/** Where the loops stand: the summed axes by name, the first row and column of the tile. */
interface Position {
  readonly summed: (name: string) => Index
  readonly row: Index
  readonly column: Index
}

class Contraction {
  readonly #cluster: Cluster
  readonly #anchor: Node
  readonly #lowering: Lowering
  readonly #buffers: KernelBuffers
  readonly #product: Product
  readonly #axes: ReadonlyMap<string, ProductAxis>
  /** The original axes in terms of the merged ones. */
  readonly #at: (name: string) => Index
  readonly #type: 'f32' | 'i32'
  readonly #tiling: Tiling
  /** The outer axes in terms of the loop variable `outer`. */
  readonly #outer: ReadonlyMap<string, Index>
  /** The left operand in tile order, if it has been copied. */
  #packedLeft: string | undefined
  /** Elements of scratch that hold a finished tile; 0 where the epilogue takes it from registers. */
  readonly #tileScratch: number
  /** The left operand's step from row to row, if it is the same everywhere. */
  readonly #rowStep: number | undefined
  #firstRow: { readonly position: Position; readonly address: Index } | undefined
  #names = 0
  #scratch = 0

  constructor(cluster: Cluster, anchor: Node, lowering: Lowering) {
    this.#cluster = cluster
    this.#anchor = anchor
    this.#lowering = lowering
    this.#buffers = new KernelBuffers(lowering)
    this.#product = productOf(anchor, lowering.stored)
    this.#type = anchor.dtype === 'int32' ? 'i32' : 'f32'
    const { axes, at } = mergeProduct(this.#product.axes, this.#observe())
    this.#axes = new Map(axes.map((axis) => [axis.name, axis]))
    this.#at = at
    const [left, right] = [this.#product.left.address(at), this.#product.right.address(at)]
    this.#tiling = chooseTiling(
      axes,
      ({ name }) => ({ left: stepOf(left, name), right: stepOf(right, name) }),
      this.#type === 'f32',
      lowering.target,
    )
    const { outer, row } = this.#tiling
    this.#rowStep = row ? stepOf(left, row.name) : 0
    const places = splitIndex(
      'outer',
      outer.map((axis) => axis.size),
    )
    this.#outer = new Map(outer.map((axis, i) => [axis.name, places[i]]))
    const operations = cluster.members.reduce(
      (sum, node) => sum + (node.op.kind === 'map' ? (node.op.cost ?? 1) : 0),
      0,
    )
    const { segments, tileRows } = this.#tiling
    this.#tileScratch =
      operations > longEpilogue ? tileRows * Math.max(...segments.map(({ lanes, vectors }) => lanes * vectors)) : 0
    this.#scratch = this.#tileScratch
  }

  build(): Step[] {
    const { grid, work } = this.#tiling
    const packing = this.#packsLeft() ? this.#packLeft() : undefined
    const { kernel, locations } = this.#buffers.finish('contract', sizeOf(grid), this.#overOuter(), {
      scratch: this.#scratch,
      flops: 2 * work + countOperations(this.#cluster.members),
    })
    return [...(packing ? [packing] : []), { kernel, locations, ...labelOf(this.#cluster.members) }]
  }

  // ---- the loops of a task ----

  #overOuter(): Stmt[] {
    const { grid, outer, outersPerTask } = this.#tiling
    const outers = sizeOf(outer.map((axis) => axis.size))
    const inside = this.#overColumns()
    if (outers === 1) return inside
    const [task] = this.#tasks()
    if (outersPerTask === 1) return [bind('outer', task), ...inside]
    const from = mul(task, index(outersPerTask))
    return [
      loop(
        'outer',
        from,
        grid[0] === 1 ? index(outers) : min(index(outers), add(from, index(outersPerTask))),
        1,
        inside,
      ),
    ]
  }

  #overColumns(): Stmt[] {
    const { grid, segments, columnsPerTask } = this.#tiling
    const [, task] = this.#tasks()
    const body: Stmt[] = []
    segments.forEach((segment, i) => {
      const width = segment.lanes * segment.vectors
      if (i === 0 && segment.end - segment.start > width) {
        const name = this.#fresh('n')
        const from = mul(task, index(columnsPerTask))
        const to = grid[1] === 1 ? index(segment.end) : min(index(segment.end), add(from, index(columnsPerTask)))
        body.push(loop(name, from, to, width, this.#overRows(segment, variableIndex(name, segment.end - width + 1))))
      } else if (i === 0 || grid[1] === 1) body.push(...this.#overRows(segment, constantIndex(segment.start)))
      // What is left of the columns belongs to the last column block.
      else
        body.push({
          op: 'if',
          condition: lt(index(grid[1] - 2), task),
          then: this.#overRows(segment, constantIndex(segment.start)),
        })
    })
    return body
  }

  #overRows(segment: Segment, column: Index): Stmt[] {
    const { along, grid, rowCount, tileRows, rowsPerTask } = this.#tiling
    const packed = along === undefined && this.#packsRight(segment, column)
    const body = packed ? this.#packRight(segment, column) : []
    const tile = (rows: number, row: Index): Stmt[] =>
      along ? this.#dotTile(rows, segment, row, column, along) : this.#broadcastTile(rows, segment, row, column, packed)
    if (rowCount === tileRows) return [...body, ...tile(tileRows, constantIndex(0))]
    const [, , task] = this.#tasks()
    const from = mul(task, index(rowsPerTask))
    const to = grid[2] === 1 ? index(rowCount) : min(index(rowCount), add(from, index(rowsPerTask)))
    const left = rowCount % tileRows
    const name = this.#fresh('m')
    body.push(
      loop(
        name,
        from,
        left === 0 ? to : min(to, index(rowCount - left)),
        tileRows,
        tile(tileRows, variableIndex(name, rowCount - tileRows + 1)),
      ),
    )
    if (left > 0) {
      const edge = tile(left, constantIndex(rowCount - left))
      if (grid[2] === 1) body.push(...edge)
      else body.push({ op: 'if', condition: lt(index(rowCount - left), to), then: edge })
    }
    return body
  }

  #tasks(): Expr[] {
    return splitIndex('task', this.#tiling.grid).map((part) => indexScalar(part))
  }

  /** Loops over summed axes; `body` gets the place on each, and the number of the turn. */
  #overSummed(axes: readonly ProductAxis[], body: (at: (name: string) => Index, turn: Index) => Stmt[]): Stmt[] {
    const places = new Map<string, Index>()
    const counters = axes.map((axis) => {
      const name = this.#fresh('k')
      places.set(axis.name, variableIndex(name, axis.size))
      return name
    })
    const turn = axes.reduce(
      (sum, axis) => addIndex(scaleIndex(sum, axis.size), places.get(axis.name) as Index),
      constantIndex(0),
    )
    let stmts = body((name) => places.get(name) ?? constantIndex(0), turn)
    for (let i = axes.length - 1; i >= 0; i--) stmts = [loop(counters[i], index(0), index(axes[i].size), 1, stmts)]
    return stmts
  }

  // ---- tiles ----

  #broadcastTile(rows: number, segment: Segment, row: Index, column: Index, packed: boolean): Stmt[] {
    const { lanes, vectors } = segment
    const prefix = this.#fresh('a')
    const sum = (r: number, v: number): string => `${prefix}_${r}_${v}`
    const body: Stmt[] = []
    for (let r = 0; r < rows; r++)
      for (let v = 0; v < vectors; v++) body.push(mut(sum(r, v), constant(0, this.#anchor.dtype, lanes)))
    const multiply = (summed: (name: string) => Index, turn: Index): Stmt[] => {
      const inner: Stmt[] = []
      const right = Array.from({ length: vectors }, (_, v) => {
        const value = packed
          ? load(
              'scratch',
              'f32',
              indexScalar(addIndex(scaleIndex(turn, vectors * lanes), constantIndex(this.#tileScratch + v * lanes))),
              lanes,
            )
          : this.#rightVector({ summed, row, column: addIndex(column, constantIndex(v * lanes)) }, lanes)
        return this.#bound(inner, 'w', value)
      })
      const position = { summed, row, column }
      for (let r = 0; r < rows; r++) {
        const left = this.#bound(inner, 'x', splat(this.#leftElement(position, r, rows, turn), lanes))
        for (let v = 0; v < vectors; v++) inner.push(this.#multiplyAdd(sum(r, v), left, right[v]))
      }
      return inner
    }
    body.push(...this.#overSummed(this.#tiling.summed, multiply))
    body.push(...this.#finishTile(rows, vectors, lanes, row, column, (r, v) => variable(sum(r, v), this.#type, lanes)))
    return body
  }

  #dotTile(rows: number, segment: Segment, row: Index, column: Index, along: ProductAxis): Stmt[] {
    const columns = segment.lanes * segment.vectors
    const lanes = dotLanes(this.#lowering.target.lanes, along.size)
    const left = along.size % lanes
    const prefix = this.#fresh('a')
    const sum = (r: number, c: number, kind: 'v' | 's'): string => `${prefix}${kind}_${r}_${c}`
    const places = Array.from({ length: rows * columns }, (_, i) => [Math.floor(i / columns), i % columns] as const)
    const body: Stmt[] = []
    for (const [r, c] of places) {
      body.push(mut(sum(r, c, 'v'), constant(0, 'float32', lanes)))
      if (left > 0) body.push(mut(sum(r, c, 's'), constant(0, 'float32', 1)))
    }
    const pass = (at: (name: string) => Index, from: number, to: number, count: number, kind: 'v' | 's'): Stmt => {
      const name = this.#fresh('k')
      const summed = (axis: string): Index => (axis === along.name ? variableIndex(name, along.size) : at(axis))
      const inner: Stmt[] = []
      const value = (operand: Operand, r: number, c: number): Expr =>
        this.#bound(
          inner,
          'x',
          load(
            this.#buffers.of(operand.base, 'read'),
            'f32',
            indexScalar(this.#address(operand, { summed, row: plus(row, r), column: plus(column, c) })),
            count,
          ),
        )
      const xs = Array.from({ length: rows }, (_, r) => value(this.#product.left, r, 0))
      const ys = Array.from({ length: columns }, (_, c) => value(this.#product.right, 0, c))
      for (const [r, c] of places) inner.push(this.#multiplyAdd(sum(r, c, kind), xs[r], ys[c]))
      return loop(name, index(from), index(to), count, inner)
    }
    body.push(
      ...this.#overSummed(
        this.#tiling.summed.filter((axis) => axis !== along),
        (at) => [
          pass(at, 0, along.size - left, lanes, 'v'),
          ...(left > 0 ? [pass(at, along.size - left, along.size, 1, 's')] : []),
        ],
      ),
    )
    body.push(
      ...this.#finishTile(rows, columns, 1, row, column, (r, c) => {
        const whole = reduceLanes('add', variable(sum(r, c, 'v'), 'f32', lanes))
        return left > 0 ? add(whole, variable(sum(r, c, 's'), 'f32')) : whole
      }),
    )
    return body
  }

  #multiplyAdd(name: string, a: Expr, b: Expr): Stmt {
    const total = variable(name, this.#type, b.lanes)
    return set(name, this.#type === 'f32' ? fma(a, b, total) : add(mul(a, b), total))
  }

  /** What follows each of the tile's sums: written out, or, where it is long, as a loop over the tile in scratch. */
  #finishTile(
    rows: number,
    vectors: number,
    lanes: number,
    row: Index,
    column: Index,
    sum: (r: number, v: number) => Expr,
  ): Stmt[] {
    const body: Stmt[] = []
    const each = (visit: (r: number, v: number) => void): void => {
      for (let r = 0; r < rows; r++) for (let v = 0; v < vectors; v++) visit(r, v)
    }
    if (this.#tileScratch === 0) {
      each((r, v) =>
        body.push(...this.#epilogue(this.#bound(body, 't', sum(r, v)), plus(row, r), plus(column, v * lanes))),
      )
      return body
    }
    const scratch = this.#type === 'f32' ? 'scratch' : 'scratchI'
    const width = vectors * lanes
    each((r, v) => body.push(store(scratch, index(r * width + v * lanes), sum(r, v))))
    const [r, c] = [this.#fresh('e'), this.#fresh('c')]
    const [rowAt, columnAt] = [addIndex(row, variableIndex(r, rows)), addIndex(column, variableIndex(c, width))]
    const value = load(
      scratch,
      this.#type,
      indexScalar(addIndex(scaleIndex(variableIndex(r, rows), width), variableIndex(c, width))),
      lanes,
    )
    const inner: Stmt[] = []
    inner.push(...this.#epilogue(this.#bound(inner, 't', value), rowAt, columnAt))
    const overColumns = width === 1 ? inner : [loop(c, index(0), index(width), lanes, inner)]
    return [...body, ...(rows === 1 ? overColumns : [loop(r, index(0), index(rows), 1, overColumns)])]
  }

  /** The tile's result, with what follows it: all values are there before the first is stored. */
  #epilogue(value: Expr, row: Index, column: Index): Stmt[] {
    const lanes: Lanes = value.lanes === 1 ? scalar : { count: value.lanes, variable: lane }
    const at = addIndex(column, variableIndex(lane, value.lanes))
    const position = this.#product.result(this.#place({ summed: () => constantIndex(0), row, column: at }))
    const emitter = new Emitter(lanes, (node, where, valid) => {
      if (node === this.#anchor) return value
      if (this.#cluster.members.includes(node) || !this.#lowering.stored.has(node)) return undefined
      return this.#buffers.load(node, where, lanes, valid)
    })
    const body: Stmt[] = []
    const results = this.#cluster.roots.map((root) => {
      const where = positionIn(root.shape, this.#anchor.shape, position)
      return { root, where, value: this.#bound(body, 'y', toMemory(emitter.value(root, where))) }
    })
    for (const each of results)
      body.push(storeLanes(this.#buffers.of(each.root, 'write'), addressOf(each.root, each.where), each.value, lanes))
    return body
  }

  // ---- operands ----

  /** The right operand at neighbouring columns. */
  #rightVector(position: Position, count: number): Expr {
    const { right } = this.#product
    const address = this.#address(right, { ...position, column: addIndex(position.column, variableIndex(lane, count)) })
    return loadLanes(
      this.#buffers.of(right.base, 'read'),
      this.#type,
      address,
      count === 1 ? scalar : { count, variable: lane },
    )
  }

  /** The left operand at the r-th of the tile's rows. */
  #leftElement(position: Position, r: number, rows: number, turn: Index): Expr {
    const { left } = this.#product
    if (this.#packedLeft) {
      const at = addIndex(
        addIndex(scaleIndex(position.row, this.#tiling.depth), scaleIndex(turn, rows)),
        constantIndex(r),
      )
      return load(this.#packedLeft, 'f32', indexScalar(at))
    }
    return load(this.#buffers.of(left.base, 'read'), this.#type, indexScalar(this.#rowAddress(position, r)))
  }

  /** The left operand's address r rows on: a constant away where the rows are evenly spaced. */
  #rowAddress(position: Position, r: number): Index {
    const { left } = this.#product
    const step = this.#rowStep
    if (step === undefined) return this.#address(left, { ...position, row: plus(position.row, r) })
    if (this.#firstRow?.position !== position) this.#firstRow = { position, address: this.#address(left, position) }
    return plus(this.#firstRow.address, r * step)
  }

  /** Whether the column panel is worth copying together: it is used often, or is not contiguous. */
  #packsRight(segment: Segment, column: Index): boolean {
    const { depth, rowsPerTask, tileRows } = this.#tiling
    if (this.#type !== 'f32' || segment.lanes === 1 || depth * segment.lanes * segment.vectors > largestPanel)
      return false
    const tiles = Math.ceil(rowsPerTask / tileRows)
    const address = this.#address(this.#product.right, {
      summed: (name) => variableIndex(name, 2),
      row: constantIndex(0),
      column: addIndex(column, variableIndex(lane, segment.lanes)),
    })
    return stepOf(address, lane) === 1 ? tiles >= tilesWorthPacking && depth >= depthWorthPacking : tiles > 1
  }

  #packRight({ lanes, vectors }: Segment, column: Index): Stmt[] {
    this.#scratch = Math.max(this.#scratch, this.#tileScratch + this.#tiling.depth * lanes * vectors)
    return this.#overSummed(this.#tiling.summed, (summed, turn) =>
      Array.from({ length: vectors }, (_, v) =>
        store(
          'scratch',
          indexScalar(addIndex(scaleIndex(turn, lanes * vectors), constantIndex(this.#tileScratch + v * lanes))),
          this.#rightVector({ summed, row: constantIndex(0), column: plus(column, v * lanes) }, lanes),
        ),
      ),
    )
  }

  /** Whether the left operand is worth copying into tile order: it is large, used often, and the same for all outer positions. */
  #packsLeft(): boolean {
    const { along, outer, segments, rowCount, depth } = this.#tiling
    if (along || this.#type !== 'f32' || rowCount * depth < leftWorthPacking) return false
    const address = this.#product.left.address(this.#at)
    if (outer.some((axis) => stepOf(address, axis.name) !== 0)) return false
    const tiles = segments.reduce((sum, { start, end, lanes, vectors }) => sum + (end - start) / (lanes * vectors), 0)
    return tiles * sizeOf(outer.map((axis) => axis.size)) >= columnTilesWorthPacking
  }

  /** A kernel that copies the left operand: row tile by row tile, in it turn by turn, in it row by row. */
  #packLeft(): Step {
    const { rowCount, tileRows, depth, summed } = this.#tiling
    const packed: Location = { kind: 'temporary', length: rowCount * depth }
    const buffers = new KernelBuffers(this.#lowering)
    const source = buffers.of(this.#product.left.base, 'read')
    const target = buffers.at(packed, 'float32', 'write')
    const copy = (rows: number, row: Index): Stmt[] =>
      this.#overSummed(summed, (at, turn) =>
        Array.from({ length: rows }, (_, r) => {
          const from = this.#address(this.#product.left, { summed: at, row: plus(row, r), column: constantIndex(0) })
          const to = addIndex(addIndex(scaleIndex(row, depth), scaleIndex(turn, rows)), constantIndex(r))
          return store(target, indexScalar(to), load(source, 'f32', indexScalar(from)))
        }),
      )
    const tiles = Math.floor(rowCount / tileRows)
    const left = rowCount % tileRows
    const [task] = splitIndex('task', [tiles + (left > 0 ? 1 : 0)])
    const whole = copy(tileRows, scaleIndex(task, tileRows))
    const body: Stmt[] =
      left === 0
        ? whole
        : [
            {
              op: 'if',
              condition: lt(indexScalar(task), index(tiles)),
              then: whole,
              else: copy(left, constantIndex(tiles * tileRows)),
            },
          ]
    const { kernel, locations } = buffers.finish('pack', tiles + (left > 0 ? 1 : 0), body, { flops: 0 })
    this.#packedLeft = this.#buffers.at(packed, 'float32', 'read')
    return { kernel, locations, label: 'pack', path: this.#anchor.path }
  }

  // ---- positions ----

  #address(operand: Operand, position: Position): Index {
    return operand.address(this.#place(position))
  }

  /** The original axes at a position of the loops. */
  #place({ summed, row, column }: Position): (name: string) => Index {
    const { columns } = this.#tiling
    const places = new Map<string, Index>(this.#outer)
    if (this.#tiling.row) places.set(this.#tiling.row.name, row)
    const parts = unflatten<Index, Condition>(
      symbols,
      column,
      columns.map((axis) => axis.size),
    )
    columns.forEach((axis, i) => places.set(axis.name, parts[i]))
    return (name) =>
      substitute(this.#at(name), (merged) =>
        this.#axes.get(merged)?.role === 'summed' ? summed(merged) : (places.get(merged) ?? constantIndex(0)),
      )
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

  // ---- names ----

  #fresh(prefix: string): string {
    return `${prefix}${this.#names++}`
  }

  /** The value under a fresh name, which is added to `body`. */
  #bound(body: Stmt[], prefix: string, value: Expr): Expr {
    const name = this.#fresh(prefix)
    body.push(bind(name, value))
    return variable(name, value.type, value.lanes)
  }
}

const plus = (at: Index, offset: number): Index => addIndex(at, constantIndex(offset))
