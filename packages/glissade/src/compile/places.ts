/**
 * Template: convolutions with a kernel as large as a picture and few results, the gradients of weights.
 *
 * Such a product sums over the places of all pictures, with a row for each output channel and columns for the channels
 * and the few results ("taps") of each. A block of a picture is copied into scratch with its channels innermost
 * (places-copy.ts), so that vectors lie along channels, and along neighbouring taps and channels together where places
 * are read one by one: any picture width, stride and distance of taps goes in whole vectors. A tile of rows and columns
 * stays in registers while the loops run over the places of a block, and is then added to sums in scratch. What follows
 * is done at the end (places-finish.ts).
 *
 * When, and in which sizes: places-tiling.ts. All else that is a product: contraction.ts.
 */
import type { Node } from '../graph/graph.ts'
import { add, f32, fma, index, load, loop, lt, min, mut, set, splat, store, variable } from '../kernel/build.ts'
import type { Stmt } from '../kernel/ir.ts'
import { sizeOf } from '../shape.ts'
import { indexScalar } from './address.ts'
import type { Cluster } from './domain.ts'
import { countOperations, type Lowering, labelOf, type Step } from './lowering.ts'
import { plus } from './operands.ts'
import { copyPictures } from './places-copy.ts'
import { finishRows } from './places-finish.ts'
import { type Block, PlacesKernel } from './places-kernel.ts'
import { addIndex, constantIndex, type Index, scaleIndex, variableIndex } from './symbolic.ts'

/** Taps that have a run of columns together: their number among such, and what it is along each axis. */
interface Taps {
  readonly number: Index
  readonly along: readonly Index[]
}

/** A tile of sums in registers, from a row and a vector of columns on. */
interface Tile {
  readonly rows: number
  readonly vectors: number
  readonly row: Index
  readonly vector: Index
}

export function lowerPlaces(cluster: Cluster, lowering: Lowering): Step[] {
  const kernel = new PlacesKernel(cluster, cluster.anchor as Node, lowering)
  const { channels, rows, samples, groups, taps, places } = kernel.sizes
  const { grid, columns, panel } = kernel.tiling
  const left = channels % columns.block
  const body: Stmt[] =
    left === 0
      ? channelBlock(kernel, columns.block)
      : [
          {
            op: 'if',
            condition: lt(indexScalar(kernel.channelBlock), index(grid[1] - 1)),
            then: channelBlock(kernel, columns.block),
            else: channelBlock(kernel, left),
          },
        ]
  const work = groups * rows * channels * samples * sizeOf(taps) * sizeOf(places)
  const finished = kernel.buffers.finish('contract', sizeOf(grid), body, {
    scratch: kernel.panelStart + Math.max(panel + kernel.lanes, columns.block * sizeOf(taps)),
    flops: 2 * work + countOperations(cluster.members),
  })
  return [{ ...finished, ...labelOf(cluster.members) }]
}

/** All that a task does for a block of `channels`. */
function channelBlock(kernel: PlacesKernel, channels: number): Stmt[] {
  const { names, lanes, panelStart, tiling } = kernel
  const { samples, places } = kernel.sizes
  const zero = names.fresh('z')
  const body: Stmt[] = [
    loop(zero, index(0), index(panelStart), lanes, [store('scratch', variable(zero, 'index'), f32(0, lanes))]),
    // What vectors read behind the panel is of no use, but has to be a plain number.
    store('scratch', index(panelStart + tiling.panel), f32(0, lanes)),
  ]
  const block: Block = { sample: names.fresh('n'), line: names.fresh('y') }
  const inside = [
    ...copyPictures(kernel, channels, block),
    ...overTaps(kernel, (taps) => overTiles(kernel, (tile) => addPlaces(kernel, block, taps, tile))),
  ]
  const overLines = loop(block.line, index(0), index(places[0]), tiling.linesPerBlock, inside)
  body.push(loop(block.sample, index(0), index(samples), tiling.samplesPerBlock, [overLines]))
  body.push(...finishRows(kernel, channels))
  return body
}

function overTaps({ names, tiling }: PlacesKernel, body: (taps: Taps) => Stmt[]): Stmt[] {
  const { tapLoops } = tiling.columns
  const loops = tapLoops.map(() => names.fresh('t'))
  const along = loops.map((name, i) => variableIndex(name, tapLoops[i]))
  const number = along.reduce((sum, each, i) => addIndex(scaleIndex(sum, tapLoops[i]), each), constantIndex(0))
  let stmts = body({ number, along })
  for (let i = loops.length - 1; i >= 0; i--)
    if (tapLoops[i] > 1) stmts = [loop(loops[i], index(0), index(tapLoops[i]), 1, stmts)]
  return stmts
}

/** Over the tiles of columns and rows. */
function overTiles(kernel: PlacesKernel, body: (tile: Tile) => Stmt[]): Stmt[] {
  const { vectors: all } = kernel.tiling.columns
  const { vectors } = kernel.tiling.tile
  const whole = Math.floor(all / vectors) * vectors
  const stmts: Stmt[] = []
  if (whole > 0) {
    const v = kernel.names.fresh('v')
    const vector = variableIndex(v, whole - vectors + 1)
    const inside = overRows(kernel, (row, rows) => body({ rows, vectors, row, vector }))
    stmts.push(loop(v, index(0), index(whole), vectors, inside))
  }
  if (whole < all) {
    const vector = constantIndex(whole)
    stmts.push(...overRows(kernel, (row, rows) => body({ rows, vectors: all - whole, row, vector })))
  }
  return stmts
}

function overRows(kernel: PlacesKernel, body: (row: Index, rows: number) => Stmt[]): Stmt[] {
  const { rows: all } = kernel.sizes
  const { rows } = kernel.tiling.tile
  const left = all % rows
  const m = kernel.names.fresh('m')
  const { from, to } = kernel.rows()
  const stmts: Stmt[] = []
  if (all > left) {
    const end = left === 0 ? to : min(index(all - left), to)
    stmts.push(loop(m, from, end, rows, body(variableIndex(m, all - rows + 1), rows)))
  }
  if (left > 0)
    stmts.push({ op: 'if', condition: lt(index(all - left), to), then: body(constantIndex(all - left), left) })
  return stmts
}

/** Adds what the places of a block give to a tile of the sums. */
function addPlaces(kernel: PlacesKernel, { sample, line }: Block, taps: Taps, tile: Tile): Stmt[] {
  const { names, lanes, tiling } = kernel
  const { samples, places, placeSteps, tapSteps } = kernel.sizes
  const { rows, vectors, row, vector } = tile
  const prefix = names.fresh('a')
  const sum = (r: number, v: number): string => `${prefix}_${r}_${v}`
  const each = (visit: (r: number, v: number) => void): void => {
    for (let r = 0; r < rows; r++) for (let v = 0; v < vectors; v++) visit(r, v)
  }
  const body: Stmt[] = []
  each((r, v) => body.push(mut(sum(r, v), f32(0, lanes))))

  const n = names.fresh('n')
  const ks = places.map(() => names.fresh('k'))
  const ki = (axis: number): Index => variableIndex(ks[axis], places[axis])
  const local = places.map((_, axis) => {
    const place = axis === 0 ? addIndex(ki(0), scaleIndex(variableIndex(line, places[0]), -1)) : ki(axis)
    const step = taps.along[axis] ? scaleIndex(taps.along[axis], tapSteps[axis]) : constantIndex(0)
    return addIndex(scaleIndex(place, placeSteps[axis]), step)
  })
  const panel = plus(
    addIndex(kernel.panelAt(kernel.fromFirst(n, sample), local), scaleIndex(vector, lanes)),
    kernel.panelStart,
  )
  const inner: Stmt[] = []
  const xs = Array.from({ length: vectors }, (_, v) =>
    names.bound(inner, 'x', load('scratch', 'f32', indexScalar(plus(panel, v * lanes)), lanes)),
  )
  const buffer = kernel.buffers.of(kernel.weights.base, 'read')
  for (let r = 0; r < rows; r++) {
    const at = kernel.weights.address((name) => {
      if (name === 'g') return kernel.group
      if (name === 'n') return variableIndex(n, samples)
      return name === 'o' ? plus(row, r) : ki(Number(name.slice(1)))
    })
    const w = names.bound(inner, 'w', splat(load(buffer, 'f32', indexScalar(at)), lanes))
    for (let v = 0; v < vectors; v++) inner.push(set(sum(r, v), fma(w, xs[v], variable(sum(r, v), 'f32', lanes))))
  }
  let stmts = inner
  for (let axis = places.length - 1; axis > 0; axis--) stmts = [loop(ks[axis], index(0), index(places[axis]), 1, stmts)]
  stmts = [kernel.within(ks[0], line, tiling.linesPerBlock, places[0], stmts)]
  body.push(kernel.within(n, sample, tiling.samplesPerBlock, samples, stmts))
  each((r, v) => {
    const at = indexScalar(
      plus(addIndex(kernel.sumAt(taps.number, plus(row, r)), scaleIndex(vector, lanes)), v * lanes),
    )
    body.push(store('scratch', at, add(load('scratch', 'f32', at, lanes), variable(sum(r, v), 'f32', lanes))))
  })
  return body
}
