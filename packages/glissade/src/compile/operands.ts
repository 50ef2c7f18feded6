/**
 * How the tiles of a product read its operands: where they lie, or from a copy in the order in which tiles read them.
 *
 * Addresses are those of product.ts at the places of the loops. Not here: the loops themselves (contraction.ts).
 */
import { add, index, load, loop, lt, max, min, store, transpose, variable } from '../kernel/build.ts'
import type { Expr, Stmt } from '../kernel/ir.ts'
import { unflatten } from '../ops/move.ts'
import { sizeOf } from '../shape.ts'
import { indexScalar, lane, loadLanes, scalar } from './address.ts'
import { KernelBuffers, type Location, type Lowering, type Names, type Step } from './lowering.ts'
import type { Operand, Product, ProductAxis } from './product.ts'
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
import type { Segment, Tiling } from './tiling.ts'

/** A column panel is copied together when at least this many row tiles use it, and it is at least this deep. */
const tilesWorthPacking = 3
const depthWorthPacking = 64
/** Elements of the largest column panel. */
const largestPanel = 1 << 17
/** The left operand is copied when it has this many elements and this many column tiles use it. */
const leftWorthPacking = 1 << 15
const columnTilesWorthPacking = 4

/** Turns of the summed loop that a task copies for all row tiles. */
const turnsTogether = 32

/** Copies `lanes` rows of a tile of `rows`, from the r-th on, at one turn of the summed loops. */
type CopyRows = (rows: number, row: Index, r: number, lanes: number, at: (name: string) => Index) => Stmt

/** A part of the outermost summed loop: from the value of a loop variable on, so many turns at most. */
export interface Block {
  readonly from: string
  readonly turns: number
}

/** The turns of a summed axis that a tile needs: the others add nothing. */
export interface Limit {
  readonly axis: string
  readonly from?: Expr
  readonly to?: Expr
}

/** Where the loops stand: the summed axes by name, the first row and column of the tile. */
export interface Position {
  readonly summed: (name: string) => Index
  readonly row: Index
  readonly column: Index
}

/** A product as its template sees it. */
export interface ProductLoops {
  readonly product: Product
  readonly axes: readonly ProductAxis[]
  /** The product's axes in terms of the merged `axes`. */
  readonly at: (name: string) => Index
  readonly tiling: Tiling
  readonly type: 'f32' | 'i32'
}

export class Operands {
  readonly #product: Product
  readonly #axes: ReadonlyMap<string, ProductAxis>
  readonly #at: (name: string) => Index
  readonly #tiling: Tiling
  readonly #type: 'f32' | 'i32'
  readonly #buffers: KernelBuffers
  readonly #names: Names
  /** The outer axes in terms of the loop variable `outer`. */
  readonly #outer: ReadonlyMap<string, Index>
  /** The left operand's step from row to row, if it is the same everywhere. */
  readonly #rowStep: number | undefined
  #firstRow: { readonly position: Position; readonly address: Index } | undefined
  /** The left operand in tile order, if it has been copied. */
  #packedLeft: string | undefined
  /** Elements of scratch before the column panel. */
  readonly #tileScratch: number
  /** Elements of scratch in all. */
  scratch: number

  constructor(
    { product, axes, at, tiling, type }: ProductLoops,
    buffers: KernelBuffers,
    names: Names,
    tileScratch: number,
  ) {
    this.#product = product
    this.#axes = new Map(axes.map((axis) => [axis.name, axis]))
    this.#at = at
    this.#tiling = tiling
    this.#type = type
    this.#buffers = buffers
    this.#names = names
    this.#tileScratch = tileScratch
    this.scratch = tileScratch
    const places = splitIndex(
      'outer',
      tiling.outer.map((axis) => axis.size),
    )
    this.#outer = new Map(tiling.outer.map((axis, i) => [axis.name, places[i]]))
    this.#rowStep = tiling.row ? stepOf(product.left.address(at), tiling.row.name) : 0
  }

  /** Loops over summed axes; `body` gets the place on each, and the number of the turn. */
  overSummed(
    axes: readonly ProductAxis[],
    body: (at: (name: string) => Index, turn: Index) => Stmt[],
    block?: Block,
    limits: readonly Limit[] = [],
  ): Stmt[] {
    const places = new Map<string, Index>()
    const counters = axes.map((axis) => {
      const name = this.#names.fresh('k')
      places.set(axis.name, variableIndex(name, axis.size))
      return name
    })
    const at = (name: string): Index => places.get(name) ?? constantIndex(0)
    let stmts = body(at, turnOf(axes, at))
    for (let i = axes.length - 1; i >= 0; i--) {
      const { size } = axes[i]
      let [from, to] = axes[i] === this.#tiling.summed[0] ? ends(size, block) : [index(0), index(size)]
      for (const limit of limits) {
        if (limit.axis !== axes[i].name) continue
        if (limit.from) from = max(from, limit.from)
        if (limit.to) to = min(to, limit.to)
      }
      stmts = [loop(counters[i], from, to, 1, stmts)]
    }
    return stmts
  }

  /** The right operand at neighbouring columns. */
  rightVector(position: Position, count: number): Expr {
    const { right } = this.#product
    const address = this.address(right, { ...position, column: addIndex(position.column, variableIndex(lane, count)) })
    return loadLanes(
      this.#buffers.of(right.base, 'read'),
      this.#type,
      address,
      count === 1 ? scalar : { count, variable: lane },
    )
  }

  /** The left operand at the r-th of the tile's rows. */
  leftElement(position: Position, r: number, rows: number, turn: Index): Expr {
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
    if (step === undefined) return this.address(left, { ...position, row: plus(position.row, r) })
    if (this.#firstRow?.position !== position) this.#firstRow = { position, address: this.address(left, position) }
    return plus(this.#firstRow.address, r * step)
  }

  /** Whether the column panel is worth copying together: it is used often, or is not contiguous. */
  packsRight(segment: Segment, column: Index): boolean {
    const { depth, rowsPerTask, summed, tileRows } = this.#tiling
    if (this.#type !== 'f32' || segment.lanes === 1 || this.#panelTurns() * widthOf(segment) > largestPanel)
      return false
    const tiles = Math.ceil(rowsPerTask / tileRows)
    const address = this.#rightAddress(segment, column)
    if (stepOf(address, lane) !== 1) return tiles > 1 || this.#transposed(segment, column) !== undefined
    // Taps side by side read the same places: a copy would hold each several times, and come from further away.
    const overlaps = summed.some(({ name }) => stepOf(address, name) === 1)
    return !overlaps && tiles >= tilesWorthPacking && depth >= depthWorthPacking
  }

  /** Turns of the summed loops in a panel. */
  #panelTurns(): number {
    const { depth, blockTurns, summed } = this.#tiling
    return blockTurns === undefined ? depth : (depth / summed[0].size) * blockTurns
  }

  #rightAddress(segment: Segment, column: Index): Index {
    return this.address(this.#product.right, {
      summed: (name) => variableIndex(name, this.#axes.get(name)?.size ?? 1),
      row: constantIndex(0),
      column: addIndex(column, variableIndex(lane, segment.lanes)),
    })
  }

  /** The summed axis that is contiguous in the right operand where the columns are not. */
  #transposed(segment: Segment, column: Index): ProductAxis | undefined {
    const address = this.#rightAddress(segment, column)
    if (stepOf(address, lane) === 1 || segment.lanes === 1) return undefined
    return this.#tiling.summed.find(({ name, size }) => size >= segment.lanes && stepOf(address, name) === 1)
  }

  /** Copies the column panel, or the part of it that a block of the summed loops reads. */
  packRight(segment: Segment, column: Index, block?: Block): Stmt[] {
    const { lanes, vectors } = segment
    const { summed } = this.#tiling
    this.scratch = Math.max(this.scratch, this.#tileScratch + this.#panelTurns() * lanes * vectors)
    const copy = (at: (name: string) => Index): Stmt[] =>
      Array.from({ length: vectors }, (_, v) =>
        store(
          'scratch',
          indexScalar(this.#panelPlace(turnOf(summed, at), segment, v, block)),
          this.rightVector({ summed: at, row: constantIndex(0), column: plus(column, v * lanes) }, lanes),
        ),
      )
    const along = this.#transposed(segment, column)
    if (!along) return this.overSummed(summed, copy, block)
    // Squares of as many turns as columns are read along memory and transposed.
    const whole = along.size - (along.size % lanes)
    const names = [this.#names.fresh('k'), this.#names.fresh('k')]
    const [from, to] = along === summed[0] ? ends(along.size, block) : [index(0), index(along.size)]
    return this.overSummed(
      summed.filter((axis) => axis !== along),
      (others) => {
        const at = (name: string, turn: number) => (axis: string) =>
          axis === along.name ? plus(variableIndex(name, along.size - turn), turn) : others(axis)
        const squares: Stmt[] = Array.from({ length: vectors }, (_, v) => v).flatMap((v) => {
          const rows = Array.from({ length: lanes }, (_, c) => {
            const address = this.address(this.#product.right, {
              summed: at(names[0], 0),
              row: constantIndex(0),
              column: plus(column, v * lanes + c),
            })
            return load(this.#buffers.of(this.#product.right.base, 'read'), 'f32', indexScalar(address), lanes)
          })
          return transpose(rows).map((value, turn) =>
            store(
              'scratch',
              indexScalar(this.#panelPlace(turnOf(summed, at(names[0], turn)), segment, v, block)),
              value,
            ),
          )
        })
        const stmts = [loop(names[0], from, whole < along.size ? min(to, index(whole)) : to, lanes, squares)]
        if (whole < along.size) stmts.push(loop(names[1], max(from, index(whole)), to, 1, copy(at(names[1], 0))))
        return stmts
      },
      block,
    )
  }

  /** Whether the left operand is worth copying into tile order: it is large, used often, and the same for all outer positions. */
  packsLeft(): boolean {
    const { along, outer, segments, rowCount, depth } = this.#tiling
    if (along || this.#type !== 'f32' || rowCount * depth < leftWorthPacking) return false
    const address = this.#product.left.address(this.#at)
    if (outer.some((axis) => stepOf(address, axis.name) !== 0)) return false
    const tiles = segments.reduce((sum, { start, end, lanes, vectors }) => sum + (end - start) / (lanes * vectors), 0)
    return tiles * sizeOf(outer.map((axis) => axis.size)) >= columnTilesWorthPacking
  }

  /** A kernel that copies the left operand: row tile by row tile, in it turn by turn, in it row by row. */
  packLeft(lowering: Lowering, path: string): Step {
    const { rowCount, depth, summed } = this.#tiling
    const packed: Location = { kind: 'temporary', length: rowCount * depth }
    const buffers = new KernelBuffers(lowering)
    const source = buffers.of(this.#product.left.base, 'read')
    const target = buffers.at(packed, 'float32', 'write')
    /** So many neighbouring rows of a tile of `rows`, at one turn of the summed loops. */
    const copy = (rows: number, row: Index, r: number, lanes: number, at: (name: string) => Index): Stmt => {
      const from = this.address(this.#product.left, { summed: at, row: plus(row, r), column: constantIndex(0) })
      const turn = scaleIndex(turnOf(summed, at), rows)
      const to = plus(addIndex(scaleIndex(row, depth), turn), r)
      return store(target, indexScalar(to), load(source, 'f32', indexScalar(from), lanes))
    }
    const { tasks, body } =
      this.#rowStep === 1 && summed.length === 1
        ? this.#packByTurns(lowering.target.lanes, copy)
        : this.#packByTiles(copy)
    const { kernel, locations } = buffers.finish('pack', tasks, body, { flops: 0 })
    this.#packedLeft = this.#buffers.at(packed, 'float32', 'read')
    return { kernel, locations, label: 'pack', path }
  }

  /** A task for each row tile, which reads its rows to the end. */
  #packByTiles(copy: CopyRows): { tasks: number; body: Stmt[] } {
    const { rowCount, tileRows, summed } = this.#tiling
    const tile = (rows: number, row: Index): Stmt[] =>
      this.overSummed(summed, (at) => Array.from({ length: rows }, (_, r) => copy(rows, row, r, 1, at)))
    const tiles = Math.floor(rowCount / tileRows)
    const left = rowCount % tileRows
    const tasks = tiles + (left > 0 ? 1 : 0)
    const [task] = splitIndex('task', [tasks])
    const whole = tile(tileRows, scaleIndex(task, tileRows))
    if (left === 0) return { tasks, body: whole }
    const condition = lt(indexScalar(task), index(tiles))
    return { tasks, body: [{ op: 'if', condition, then: whole, else: tile(left, constantIndex(tiles * tileRows)) }] }
  }

  /** Where rows are neighbours in memory: a task for some turns, so that a line of memory is read for all its tiles. */
  #packByTurns(lanes: number, copy: CopyRows): { tasks: number; body: Stmt[] } {
    const { rowCount, tileRows, depth, summed } = this.#tiling
    const tasks = Math.ceil(depth / turnsTogether)
    const from = scaleIndex(splitIndex('task', [tasks])[0], turnsTogether)
    const [start, end] = [indexScalar(from), indexScalar(plus(from, turnsTogether))]
    const tile = (rows: number, row: Index): Stmt => {
      const turn = this.#names.fresh('k')
      const at = (name: string): Index => (name === summed[0].name ? variableIndex(turn, depth) : constantIndex(0))
      const stmts: Stmt[] = []
      let r = 0
      for (let count = lanes; count >= 1; count = count > 4 ? count / 2 : count === 4 ? 1 : 0)
        for (; r + count <= rows; r += count) stmts.push(copy(rows, row, r, count, at))
      return loop(turn, start, depth % turnsTogether === 0 ? end : min(end, index(depth)), 1, stmts)
    }
    const left = rowCount % tileRows
    const name = this.#names.fresh('m')
    const whole = tile(tileRows, variableIndex(name, rowCount - tileRows + 1))
    const body = [loop(name, index(0), index(rowCount - left), tileRows, [whole])]
    if (left > 0) body.push(tile(left, constantIndex(rowCount - left)))
    return { tasks, body }
  }

  address(operand: Operand, position: Position): Index {
    return operand.address(this.place(position))
  }

  /** The original axes at a position of the loops. */
  place({ summed, row, column }: Position): (name: string) => Index {
    const { columns } = this.#tiling
    const places = new Map<string, Index>(this.#outer)
    if (this.#tiling.row) places.set(this.#tiling.row.name, row)
    const { pitch } = this.#tiling
    const parts = pitch
      ? [symbols.floorDiv(column, pitch), symbols.mod(column, pitch)]
      : unflatten<Index, Condition>(
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

  /** The column panel that was copied, at one turn of the summed loops. */
  panelVector(turn: Index, segment: Segment, v: number, block?: Block): Expr {
    return load('scratch', 'f32', indexScalar(this.#panelPlace(turn, segment, v, block)), segment.lanes)
  }

  #panelPlace(turn: Index, segment: Segment, v: number, block?: Block): Index {
    const { depth, summed } = this.#tiling
    const before = block
      ? scaleIndex(variableIndex(block.from, summed[0].size), -depth / summed[0].size)
      : constantIndex(0)
    return plus(scaleIndex(addIndex(turn, before), widthOf(segment)), this.#tileScratch + v * segment.lanes)
  }
}

const widthOf = ({ lanes, vectors }: Segment): number => lanes * vectors

/** The number of the turn of loops over `axes`. */
const turnOf = (axes: readonly ProductAxis[], at: (name: string) => Index): Index =>
  axes.reduce((sum, axis) => addIndex(scaleIndex(sum, axis.size), at(axis.name)), constantIndex(0))

/** The ends of a loop of `size` turns, or of the part of it in `block`. */
function ends(size: number, block: Block | undefined): [from: Expr, to: Expr] {
  if (!block) return [index(0), index(size)]
  const from = variable(block.from, 'index')
  const to = add(from, index(block.turns))
  return [from, size % block.turns === 0 ? to : min(to, index(size))]
}

/** The place `offset` further on. */
export const plus = (at: Index, offset: number): Index => addIndex(at, constantIndex(offset))
