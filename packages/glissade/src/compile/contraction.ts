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
import { sizeOf } from '../shape.ts'
import { indexScalar, type Lanes, lane, scalar } from './address.ts'
import { Bands } from './bands.ts'
import type { Cluster } from './domain.ts'
import { constant } from './emit.ts'
import { Epilogue } from './epilogue.ts'
import { countOperations, KernelBuffers, type Lowering, labelOf, Names, type Step } from './lowering.ts'
import { type Block, Operands, plus } from './operands.ts'
import { lowerPlaces } from './places.ts'
import { sumsOverPlaces } from './places-tiling.ts'
import { mergeProduct, type Operand, type Product, type ProductAxis, productOf } from './product.ts'
import { addIndex, constantIndex, type Index, scaleIndex, splitIndex, stepOf, variableIndex } from './symbolic.ts'
import { chooseTiling, dotLanes, type Segment, type StepsOf, type Tiling } from './tiling.ts'

export function lowerContraction(cluster: Cluster, lowering: Lowering): Step[] {
  const anchor = cluster.anchor as Node
  if (sumsOverPlaces(anchor, lowering.target)) return lowerPlaces(cluster, lowering)
  return new Contraction(cluster, anchor, lowering).build()
}

/** What follows a product is written once, in a loop over the tile, when it has more operations than this. */
const longEpilogue = 1

class Contraction {
  readonly #cluster: Cluster
  readonly #anchor: Node
  readonly #lowering: Lowering
  readonly #buffers: KernelBuffers
  readonly #follow: Epilogue
  readonly #product: Product
  readonly #type: 'f32' | 'i32'
  readonly #tiling: Tiling
  readonly #operands: Operands
  /** Elements of scratch that hold a finished tile; 0 where the epilogue takes it from registers. */
  readonly #tileScratch: number
  readonly #names = new Names()
  readonly #bands: Bands

  constructor(cluster: Cluster, anchor: Node, lowering: Lowering) {
    this.#cluster = cluster
    this.#anchor = anchor
    this.#lowering = lowering
    this.#buffers = new KernelBuffers(lowering)
    this.#follow = new Epilogue(cluster, anchor, lowering)
    const product = productOf(anchor, lowering.stored)
    this.#product = product
    this.#type = anchor.dtype === 'int32' ? 'i32' : 'f32'
    const { axes, at } = mergeProduct(product.axes, this.#observe())
    this.#bands = new Bands(anchor, lowering, axes, at)
    const [left, right] = [product.left.address(at), product.right.address(at)]
    const steps: StepsOf = ({ name }) => ({ left: stepOf(left, name), right: stepOf(right, name) })
    const tiling = chooseTiling(axes, steps, this.#type === 'f32', lowering.target)
    this.#tiling = tiling
    const operations = cluster.members.reduce((sum, { op }) => sum + (op.kind === 'map' ? (op.cost ?? 1) : 0), 0)
    const widest = Math.max(...tiling.segments.map(({ lanes, vectors }) => lanes * vectors))
    this.#tileScratch = tiling.pitch
      ? tiling.rowsPerTask * columnCount(tiling)
      : tiling.blockTurns
        ? tiling.rowsPerTask * widest
        : operations > longEpilogue
          ? tiling.tileRows * widest
          : 0
    this.#operands = new Operands(
      { product, axes, at, tiling, type: this.#type },
      this.#buffers,
      this.#names,
      this.#tileScratch,
    )
  }

  build(): Step[] {
    const { grid, work } = this.#tiling
    const packing = this.#operands.packsLeft() ? this.#operands.packLeft(this.#lowering, this.#anchor.path) : undefined
    const { kernel, locations } = this.#buffers.finish('contract', sizeOf(grid), this.#overOuter(), {
      scratch: this.#operands.scratch,
      flops: Math.round(2 * work * this.#bands.part()) + countOperations(this.#cluster.members),
    })
    return [...(packing ? [packing] : []), { kernel, locations, ...labelOf(this.#cluster.members) }]
  }

  // ---- the loops of a task ----

  #overOuter(): Stmt[] {
    const { grid, outer, outersPerTask } = this.#tiling
    const outers = sizeOf(outer.map((axis) => axis.size))
    const inside = [...this.#overColumns(), ...(this.#tiling.pitch ? this.#finishPicture(this.#tiling.pitch) : [])]
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
      const { start, end } = segment
      const overTiles = (from: Expr, to: Expr): Stmt[] => {
        if (end - start === width) return this.#overRows(segment, constantIndex(start))
        const name = this.#names.fresh('n')
        return [loop(name, from, to, width, this.#overRows(segment, variableIndex(name, end - width + 1)))]
      }
      if (i === 0) {
        const from = mul(task, index(columnsPerTask))
        body.push(...overTiles(from, grid[1] === 1 ? index(end) : min(index(end), add(from, index(columnsPerTask)))))
        return
      }
      // What is left of the columns belongs to the last column block.
      const rest = overTiles(index(start), index(end))
      if (grid[1] === 1) body.push(...rest)
      else body.push({ op: 'if', condition: lt(index(grid[1] - 2), task), then: rest })
    })
    return body
  }

  #overRows(segment: Segment, column: Index): Stmt[] {
    const { along, blockTurns } = this.#tiling
    const { lanes, vectors } = segment
    if (along) return this.#overRowTiles((rows, row) => this.#dotTile(rows, segment, row, column, along))
    const packed = this.#operands.packsRight(segment, column)
    if (packed && blockTurns) return this.#inBlocks(segment, column, blockTurns)
    const body = packed ? this.#operands.packRight(segment, column) : []
    return [
      ...body,
      ...this.#overRowTiles((rows, row) => {
        const zero = constant(0, this.#anchor.dtype, lanes)
        const { stmts, sum } = this.#broadcastTile(rows, segment, { row, column, packed, first: () => zero })
        return [...stmts, ...this.#finishTile(rows, vectors, lanes, row, column, sum)]
      }),
    ]
  }

  /** The summed loops block by block: what reads a block is in the cache; sums wait in scratch for the next one. */
  #inBlocks(segment: Segment, column: Index, turns: number): Stmt[] {
    const { lanes, vectors } = segment
    const width = lanes * vectors
    const [from, to] = this.#rowEnds()
    const place = (row: Index, at: Index): Expr => indexScalar(addIndex(scaleIndex(this.#inTask(row), width), at))
    const overTile = (body: (row: Index, at: Index) => Stmt[]): Stmt => {
      const [r, c] = [this.#names.fresh('e'), this.#names.fresh('c')]
      const inner = body(variableIndex(r, this.#tiling.rowCount), variableIndex(c, width - lanes + 1))
      return loop(r, from, to, 1, [loop(c, index(0), index(width), lanes, inner)])
    }
    const block: Block = { from: this.#names.fresh('kb'), turns }
    const tile = (rows: number, row: Index): Stmt[] => {
      const at = (r: number, v: number): Expr => place(plus(row, r), constantIndex(v * lanes))
      const first = (r: number, v: number): Expr => load('scratch', 'f32', at(r, v), lanes)
      const { stmts, sum } = this.#broadcastTile(rows, segment, { row, column, packed: true, first, block })
      const kept = tileSums(rows, vectors).map(([r, v]) => store('scratch', at(r, v), sum(r, v)))
      return [...stmts, ...kept]
    }
    return [
      overTile((row, at) => [store('scratch', place(row, at), constant(0, 'float32', lanes))]),
      loop(block.from, index(0), index(this.#tiling.summed[0].size), turns, [
        ...this.#operands.packRight(segment, column, block),
        ...this.#overRowTiles(tile),
      ]),
      overTile((row, at) => {
        const inner: Stmt[] = []
        const value = this.#names.bound(inner, 't', load('scratch', 'f32', place(row, at), lanes))
        return [...inner, ...this.#epilogue(value, row, addIndex(column, at))]
      }),
    ]
  }

  /** The rows of the task: from the first to before the last. */
  #rowEnds(): [from: Expr, to: Expr] {
    const { grid, rowCount, rowsPerTask } = this.#tiling
    const from = mul(this.#tasks()[2], index(rowsPerTask))
    return [from, grid[2] === 1 ? index(rowCount) : min(index(rowCount), add(from, index(rowsPerTask)))]
  }

  /** The rows of the task, tile by tile. */
  #overRowTiles(tile: (rows: number, row: Index) => Stmt[]): Stmt[] {
    const { grid, rowCount, tileRows } = this.#tiling
    if (rowCount === tileRows) return tile(tileRows, constantIndex(0))
    const body: Stmt[] = []
    const [from, to] = this.#rowEnds()
    const left = rowCount % tileRows
    const name = this.#names.fresh('m')
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

  // ---- tiles ----

  #broadcastTile(
    rows: number,
    segment: Segment,
    { row, column, packed, first, block }: BroadcastTile,
  ): { stmts: Stmt[]; sum: (r: number, v: number) => Expr } {
    const { lanes, vectors } = segment
    const prefix = this.#names.fresh('a')
    const sum = (r: number, v: number): string => `${prefix}_${r}_${v}`
    const stmts: Stmt[] = tileSums(rows, vectors).map(([r, v]) => mut(sum(r, v), first(r, v)))
    const multiply = (summed: (name: string) => Index, turn: Index): Stmt[] => {
      const inner: Stmt[] = []
      const right = Array.from({ length: vectors }, (_, v) => {
        const value = packed
          ? this.#operands.panelVector(turn, segment, v, block)
          : this.#operands.rightVector({ summed, row, column: addIndex(column, constantIndex(v * lanes)) }, lanes)
        return this.#names.bound(inner, 'w', value)
      })
      const position = { summed, row, column }
      for (let r = 0; r < rows; r++) {
        const left = this.#names.bound(inner, 'x', splat(this.#operands.leftElement(position, r, rows, turn), lanes))
        for (let v = 0; v < vectors; v++) inner.push(this.#multiplyAdd(sum(r, v), left, right[v]))
      }
      return inner
    }
    const limits = this.#bands.limits(this.#tiling, { row, rows, column, width: lanes * vectors })
    stmts.push(...this.#operands.overSummed(this.#tiling.summed, multiply, block, limits))
    return { stmts, sum: (r, v) => variable(sum(r, v), this.#type, lanes) }
  }

  #dotTile(rows: number, segment: Segment, row: Index, column: Index, along: ProductAxis): Stmt[] {
    const columns = segment.lanes * segment.vectors
    const lanes = dotLanes(this.#lowering.target.lanes, along.size)
    const left = along.size % lanes
    const prefix = this.#names.fresh('a')
    const sum = (r: number, c: number, kind: 'v' | 's'): string => `${prefix}${kind}_${r}_${c}`
    const places = tileSums(rows, columns)
    const body: Stmt[] = []
    for (const [r, c] of places) {
      body.push(mut(sum(r, c, 'v'), constant(0, 'float32', lanes)))
      if (left > 0) body.push(mut(sum(r, c, 's'), constant(0, 'float32', 1)))
    }
    const pass = (at: (name: string) => Index, from: number, to: number, count: number, kind: 'v' | 's'): Stmt => {
      const name = this.#names.fresh('k')
      const summed = (axis: string): Index => (axis === along.name ? variableIndex(name, along.size) : at(axis))
      const inner: Stmt[] = []
      const value = (operand: Operand, r: number, c: number): Expr =>
        this.#names.bound(
          inner,
          'x',
          load(
            this.#buffers.of(operand.base, 'read'),
            'f32',
            indexScalar(this.#operands.address(operand, { summed, row: plus(row, r), column: plus(column, c) })),
            count,
          ),
        )
      const xs = Array.from({ length: rows }, (_, r) => value(this.#product.left, r, 0))
      const ys = Array.from({ length: columns }, (_, c) => value(this.#product.right, 0, c))
      for (const [r, c] of places) inner.push(this.#multiplyAdd(sum(r, c, kind), xs[r], ys[c]))
      return loop(name, index(from), index(to), count, inner)
    }
    body.push(
      ...this.#operands.overSummed(
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
    if (this.#tileScratch === 0 && !this.#tiling.pitch) {
      each((r, v) =>
        body.push(...this.#epilogue(this.#names.bound(body, 't', sum(r, v)), plus(row, r), plus(column, v * lanes))),
      )
      return body
    }
    if (this.#tiling.pitch) {
      const columns = columnCount(this.#tiling)
      const first = addIndex(scaleIndex(this.#inTask(row), columns), column)
      each((r, v) => body.push(store('scratch', indexScalar(plus(first, r * columns + v * lanes)), sum(r, v))))
      return body
    }
    const scratch = this.#type === 'f32' ? 'scratch' : 'scratchI'
    const width = vectors * lanes
    each((r, v) => body.push(store(scratch, index(r * width + v * lanes), sum(r, v))))
    const [r, c] = [this.#names.fresh('e'), this.#names.fresh('c')]
    const [rowAt, columnAt] = [addIndex(row, variableIndex(r, rows)), addIndex(column, variableIndex(c, width))]
    const value = load(
      scratch,
      this.#type,
      indexScalar(addIndex(scaleIndex(variableIndex(r, rows), width), variableIndex(c, width))),
      lanes,
    )
    const inner: Stmt[] = []
    inner.push(...this.#epilogue(this.#names.bound(inner, 't', value), rowAt, columnAt))
    const overColumns = width === 1 ? inner : [loop(c, index(0), index(width), lanes, inner)]
    return [...body, ...(rows === 1 ? overColumns : [loop(r, index(0), index(rows), 1, overColumns)])]
  }

  /** The row as counted from the first of the task. */
  #inTask(row: Index): Index {
    const { grid, rowsPerTask } = this.#tiling
    return grid[2] === 1 ? row : addIndex(row, scaleIndex(splitIndex('task', grid)[2], -rowsPerTask))
  }

  /** What follows the sums of a picture whose columns were counted along memory: row by row, without what is between. */
  #finishPicture(pitch: number): Stmt[] {
    const { columns, rowCount } = this.#tiling
    const [lines, places] = columns
    const [r, line] = [this.#names.fresh('e'), this.#names.fresh('l')]
    const [row, lineAt] = [variableIndex(r, rowCount), variableIndex(line, lines.size)]
    const body: Stmt[] = []
    const finish = (from: number, to: number, lanes: number): void => {
      if (from >= to) return
      const place = this.#names.fresh('p')
      // No vector reaches beyond its line, so that no lane needs a division.
      const column = addIndex(scaleIndex(lineAt, pitch), variableIndex(place, to - lanes + 1))
      const address = addIndex(scaleIndex(this.#inTask(row), columnCount(this.#tiling)), column)
      const inner: Stmt[] = []
      const value = this.#names.bound(inner, 't', load('scratch', 'f32', indexScalar(address), lanes))
      inner.push(...this.#epilogue(value, row, column))
      body.push(loop(place, index(from), index(to), lanes, inner))
    }
    let start = 0
    for (let lanes = this.#lowering.target.lanes; lanes >= 4; lanes /= 2) {
      const end = start + Math.floor((places.size - start) / lanes) * lanes
      finish(start, end, lanes)
      start = end
    }
    finish(start, places.size, 1)
    const overLines = [loop(line, index(0), index(lines.size), 1, body)]
    if (rowCount === 1) return overLines
    return [loop(r, ...this.#rowEnds(), 1, overLines)]
  }

  /** What follows the tile's result. */
  #epilogue(value: Expr, row: Index, column: Index): Stmt[] {
    const lanes: Lanes = value.lanes === 1 ? scalar : { count: value.lanes, variable: lane }
    const at = addIndex(column, variableIndex(lane, value.lanes))
    const position = this.#product.result(this.#operands.place({ summed: () => constantIndex(0), row, column: at }))
    return this.#follow.write(value, position, lanes, this.#buffers, this.#names)
  }

  /** All addresses, in terms of the original axes: operands, results and what the epilogue reads. */
  #observe(): Index[] {
    const names = new Map(this.#product.axes.map((axis) => [axis.name, variableIndex(axis.name, axis.size)]))
    const at = (name: string): Index => names.get(name) ?? constantIndex(0)
    const { left, right, result } = this.#product
    return [left.address(at), right.address(at), ...this.#follow.addresses(result(at))]
  }
}

/** Where a tile stands, the first values of its sums, and the part of the summed loops that it runs over. */
interface BroadcastTile {
  readonly row: Index
  readonly column: Index
  /** Whether the right operand is read from its panel. */
  readonly packed: boolean
  readonly first: (r: number, v: number) => Expr
  readonly block?: Block
}

/** Row and column of each sum of a tile. */
const tileSums = (rows: number, columns: number): (readonly [row: number, column: number])[] =>
  Array.from({ length: rows * columns }, (_, i) => [Math.floor(i / columns), i % columns] as const)

/** The columns that tiles count, with what lies between the rows of a picture. */
const columnCount = ({ segments }: Tiling): number => segments[segments.length - 1].end
