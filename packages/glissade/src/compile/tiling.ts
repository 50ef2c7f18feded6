/**
 * How a product is cut: which axes are rows and columns, the register tile, and the tasks.
 *
 * All of it follows from shapes, addresses and the target, never from the number of threads. Next: contraction.ts,
 * which writes the loops.
 */
import type { Target } from '../kernel/ir.ts'
import { sizeOf } from '../shape.ts'
import type { ProductAxis } from './product.ts'

/** Multiply-adds that make a task worth a thread's attention: some microseconds, a few times what sharing out costs. */
const workPerTask = 1 << 17
/** With fewer rows than this a right operand takes longer to read than to multiply: as long as that of so many rows. */
const rowsWorthReading = 4
const mostTasks = 64
/** So many tasks keep the threads of usual machines busy … */
const tasksEnough = 16
/** … and beyond them a task has at least this many row tiles. */
const tilesForPanel = 32
/** Tiles of fewer columns than this are narrow … */
const narrowTile = 16
/** … and a panel that a task copies should serve so many of them at least. */
const tilesWorthPanel = 16
/** A summed axis that is longer by no more than this stays in one block. */
const blockExcess = 1.5
/** Columns of several axes are taken together up to this number. */
const mostColumnsTogether = 32
/** Fewer contiguous columns than this leave vectors along the columns too empty. */
const fewColumns = 8
/**
 * A right operand whose columns are not contiguous is copied into order when at least this many rows use it; fewer are
 * enough where sums are short, since a sum over lanes at the end of each costs as much as many turns.
 */
const rowsWorthTransposing = 96
const rowsForShortSums = 16
const shortSum = 512

/** Part of the columns that is worked on with the same vectors. */
export interface Segment {
  readonly start: number
  readonly end: number
  readonly lanes: number
  readonly vectors: number
}

export interface Tiling {
  /** The summed axis that vectors lie along; undefined where they lie along the columns. */
  readonly along: ProductAxis | undefined
  readonly row: ProductAxis | undefined
  /** The axes that are columns together, the last one innermost. */
  readonly columns: readonly ProductAxis[]
  /**
   * Where the two column axes are rows and places of a picture that lie `pitch` apart in the right operand: columns
   * are counted along the operand's memory, past the end of each row, and what is beyond it is not used.
   */
  readonly pitch: number | undefined
  readonly outer: readonly ProductAxis[]
  readonly summed: readonly ProductAxis[]
  readonly segments: readonly Segment[]
  readonly rowCount: number
  readonly tileRows: number
  /** Turns of the summed loops. */
  readonly depth: number
  /** Turns of the outermost summed loop that are done for all rows before the next ones; undefined where all are. */
  readonly blockTurns: number | undefined
  readonly outersPerTask: number
  readonly columnsPerTask: number
  readonly rowsPerTask: number
  /** Tasks over outer positions, column blocks and row blocks. */
  readonly grid: readonly [outer: number, column: number, row: number]
  /** Multiply-adds in all. */
  readonly work: number
}

/** The steps that the operands take along an axis. */
export type StepsOf = (axis: ProductAxis) => { readonly left: number | undefined; readonly right: number | undefined }

export function chooseTiling(
  axes: readonly ProductAxis[],
  stepsOf: StepsOf,
  isFloat: boolean,
  { tile, lanes, l2 }: Target,
): Tiling {
  const summed = axes.filter((axis) => axis.role === 'summed')
  const allColumns = axes.filter((axis) => axis.role === 'column')
  const row = axes
    .filter((axis) => axis.role === 'row')
    .reduce<ProductAxis | undefined>((best, axis) => (!best || axis.size >= best.size ? axis : best), undefined)
  const rowCount = row?.size ?? 1
  const contiguous = summed.findLast((axis) => stepsOf(axis).left === 1 && stepsOf(axis).right === 1)
  const along =
    isFloat && contiguous && dotWins(contiguous, allColumns[allColumns.length - 1], rowCount, stepsOf)
      ? contiguous
      : undefined
  // Few places of several axes, such as those of a kernel, are columns together: each has its own constant address.
  const together = along && sizeOf(allColumns.map((axis) => axis.size)) <= mostColumnsTogether
  const pitch = isFloat && !along ? pitchOf(allColumns.slice(-2), stepsOf, lanes) : undefined
  const columns = together ? allColumns : pitch ? allColumns.slice(-2) : allColumns.slice(-1)
  const outer = axes.filter((axis) => axis.role !== 'summed' && !columns.includes(axis) && axis !== row)
  const columnCount = pitch ? (columns[0].size - 1) * pitch + columns[1].size : sizeOf(columns.map((axis) => axis.size))
  const outerCount = sizeOf(outer.map((axis) => axis.size))
  const depth = sizeOf(summed.map((axis) => axis.size))
  const work = outerCount * rowCount * columnCount * depth

  // The register tile: as many rows as leave its sums in registers, in tiles of nearly equal size.
  const budget = tile.rows * tile.vectors
  const dot = dotTile(rowCount, columnCount, budget)
  const segments = along
    ? dotSegments(columnCount, dot.columns)
    : pitch
      ? overlappingSegments(columnCount, lanes, tile.vectors)
      : broadcastSegments(columnCount, lanes, tile.vectors)
  const widest = Math.max(...segments.map((segment) => segment.vectors))
  const mostRows = along ? dot.rows : Math.max(1, Math.min(rowCount, Math.floor(budget / widest)))
  const rowTiles = evenly(Math.ceil(rowCount / mostRows), rowCount)
  const tileRows = Math.ceil(rowCount / rowTiles)

  // The tasks: outer positions first, then blocks of columns, then blocks of rows.
  const effort = (work / rowCount) * Math.max(rowCount, rowsWorthReading)
  const wanted = Math.max(1, Math.min(mostTasks, Math.floor(effort / workPerTask)))
  const main = segments[0]
  const width = main.lanes * main.vectors
  const columnTiles = Math.max(1, Math.floor((main.end - main.start) / width))
  const outerTasks = Math.min(outerCount, wanted)
  // Narrow tiles read the left operand so often that a task's part of it should stay in the cache, in half of it.
  const narrow = !along && !pitch && width < narrowTile
  const fitting = Math.max(tilesWorthPanel, Math.floor(l2 / 8 / (depth * tileRows)))
  const rowBlocks = narrow ? Math.ceil(rowTiles / fitting) : 1
  // A picture's columns are put in order when all are there, so one task has them all.
  const columnTasks = pitch ? 1 : Math.min(columnTiles, Math.ceil(wanted / outerTasks / rowBlocks))
  const least = pitch ? Math.ceil((rowCount * columnCount) / mostKept) : 1
  const others = outerTasks * columnTasks
  // Each task copies its column panels, which should serve many row tiles, once there are tasks enough.
  const shared = Math.max(Math.ceil(tasksEnough / others), Math.floor(rowTiles / tilesForPanel))
  const rowTasks = Math.min(rowTiles, Math.max(least, rowBlocks, Math.min(shared, Math.ceil(wanted / others))))
  const outersPerTask = Math.ceil(outerCount / outerTasks)
  const columnsPerTask = Math.ceil(columnTiles / columnTasks) * width
  const rowsPerTask = Math.ceil(rowTiles / rowTasks) * tileRows
  return {
    along,
    row,
    columns,
    pitch,
    outer,
    summed,
    segments,
    rowCount,
    tileRows,
    depth,
    blockTurns: along || pitch ? undefined : blockTurns(summed, lanes, Math.floor(l2 / 16 / (lanes * widest))),
    work,
    outersPerTask,
    columnsPerTask,
    rowsPerTask,
    grid: [
      Math.ceil(outerCount / outersPerTask),
      Math.ceil((columnTiles * width) / columnsPerTask),
      Math.ceil(rowCount / rowsPerTask),
    ],
  }
}

/** Fewer row tiles than this are shared out evenly. */
const fewTiles = 8

/** Few row tiles are an even number, which two threads and four can share. */
function evenly(tiles: number, rows: number): number {
  return tiles % 2 === 1 && tiles > 1 && tiles < fewTiles && rows > tiles ? tiles + 1 : tiles
}

/**
 * How many turns of the outermost summed loop make a block of at most about `most` turns in all, so that what a block
 * reads stays in the cache from row tile to row tile; undefined where one block is enough. Whole vectors of turns.
 */
function blockTurns(summed: readonly ProductAxis[], lanes: number, most: number): number | undefined {
  if (summed.length === 0) return undefined
  const [{ size }, ...inner] = summed
  const each = sizeOf(inner.map((axis) => axis.size))
  if (size * each <= most * blockExcess) return undefined
  const blocks = Math.ceil((size * each) / most)
  const turns = Math.ceil(size / blocks / lanes) * lanes
  return turns < size ? turns : undefined
}

/**
 * Whether vectors had better lie along the summed axis: the columns are too few for a vector while the summed axis is
 * long, or they are not contiguous and so few rows use them that copying them into order does not pay.
 */
function dotWins(summed: ProductAxis, column: ProductAxis | undefined, rows: number, stepsOf: StepsOf): boolean {
  const enough = summed.size <= shortSum ? rowsForShortSums : rowsWorthTransposing
  const orderly = column && (stepsOf(column).right === 1 || rows >= enough)
  const contiguous = orderly ? column.size : 1
  return summed.size >= 4 && contiguous < fewColumns && summed.size > contiguous
}

/** Columns, counted along memory, of the largest picture whose sums are kept until they are put in order … */
const largestPicture = 1 << 13
/** … and elements of all that one task keeps. */
const mostKept = 1 << 18
/** Rows of a picture at least this much shorter than they lie apart are left to a loop of their own. */
const mostUnused = 0.4

/**
 * How far apart in memory the rows of places are, if counting along memory pays: the rows are contiguous, no whole
 * vectors, and not much longer in memory than they are.
 */
function pitchOf(columns: readonly ProductAxis[], stepsOf: StepsOf, lanes: number): number | undefined {
  if (columns.length < 2) return undefined
  const [rows, places] = columns
  const pitch = stepsOf(rows).right
  if (stepsOf(places).right !== 1 || pitch === undefined || pitch <= places.size || places.size % lanes === 0)
    return undefined
  const count = (rows.size - 1) * pitch + places.size
  return count >= lanes && count <= largestPicture && (pitch - places.size) / pitch <= mostUnused ? pitch : undefined
}

/** Columns as tiles of whole vectors; the last tile ends with the last column, and does some for the second time. */
function overlappingSegments(columns: number, lanes: number, vectors: number): Segment[] {
  const width = lanes * vectors
  const whole = Math.floor(columns / width) * width
  const segments: Segment[] = whole > 0 ? [{ start: 0, end: whole, lanes, vectors }] : []
  if (whole < columns) {
    const left = Math.min(Math.ceil((columns - whole) / lanes), Math.floor(columns / lanes))
    const start = columns - left * lanes
    segments.push({ start, end: columns, lanes, vectors: left })
    // Fewer vectors than columns are left: those before the overlapping tile come first.
    if (start > whole) segments.splice(0, 0, { start: 0, end: lanes * left, lanes, vectors: left })
  }
  return segments
}

/** Columns as tiles of whole vectors, then narrower ones, then single columns. */
function broadcastSegments(columns: number, lanes: number, vectors: number): Segment[] {
  const segments: Segment[] = []
  let start = 0
  const take = (count: number, of: number, spared = 0): void => {
    const width = count * of
    const tiles = Math.floor((columns - start) / width) - spared
    if (tiles <= 0) return
    segments.push({ start, end: start + tiles * width, lanes: count, vectors: of })
    start += tiles * width
  }
  // A vector that is left alone is too few sums to fill the waiting for them: two and two are better than three and one.
  take(lanes, vectors, vectors === 3 && Math.floor(columns / lanes) % vectors === 1 ? 1 : 0)
  for (let v = vectors - 1; v >= 1; v--) take(lanes, v)
  for (let narrow = lanes / 2; narrow >= 4; narrow /= 2) take(narrow, 1)
  if (columns > start) segments.push({ start, end: columns, lanes: 1, vectors: columns - start })
  return segments
}

/** The tile with the fewest loads for each multiply-add that keeps its sums in registers. */
function dotTile(rows: number, columns: number, budget: number): { rows: number; columns: number } {
  // The tasks of a single row are tiles of columns, and should have equally much to do.
  for (let width = budget; rows === 1 && width > budget / 2; width--)
    if (columns % width === 0) return { rows, columns: width }
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
export function dotLanes(most: number, length: number): number {
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
