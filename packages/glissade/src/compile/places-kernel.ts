/**
 * What every part of a sum over places is written with: the operands, the task's share of the work, and where sums and
 * copies stand in scratch.
 *
 * The loops are in places-copy.ts, places.ts and places-finish.ts, in this order; the sizes come from places-tiling.ts.
 */
import type { Node } from '../graph/graph.ts'
import { add, index, loop, min, mul, variable } from '../kernel/build.ts'
import type { Expr, Stmt } from '../kernel/ir.ts'
import { sizeOf } from '../shape.ts'
import { indexScalar } from './address.ts'
import type { Cluster } from './domain.ts'
import { Epilogue } from './epilogue.ts'
import { KernelBuffers, type Lowering, Names } from './lowering.ts'
import { type PlacesTiling, type Sizes, tilePlaces } from './places-tiling.ts'
import { type Operand, viewed } from './product.ts'
import { addIndex, type Index, scaleIndex, splitIndex, variableIndex } from './symbolic.ts'

/** The loop variables of what is copied at once: its first sample, and its first line of places. */
export interface Block {
  readonly sample: string
  readonly line: string
}

export class PlacesKernel {
  readonly cluster: Cluster
  readonly anchor: Node
  readonly epilogue: Epilogue
  readonly buffers: KernelBuffers
  readonly names = new Names()
  readonly tiling: PlacesTiling
  readonly sizes: Sizes
  readonly lanes: number
  /** The pictures that are copied, in terms of group g, channel c, sample n and lines y0, y1 …. */
  readonly pictures: Operand
  /** What is read place by place, in terms of group g, row o, sample n and places k0, k1 …. */
  readonly weights: Operand
  /** The group, the block of channels, and the block of rows that a task works on. */
  readonly group: Index
  readonly channelBlock: Index
  readonly rowBlock: Index
  /** Scratch holds the sums, then the panel of copies, which begins here. */
  readonly panelStart: number

  constructor(cluster: Cluster, anchor: Node, lowering: Lowering) {
    const { target, stored } = lowering
    this.cluster = cluster
    this.anchor = anchor
    this.epilogue = new Epilogue(cluster, anchor, lowering)
    this.buffers = new KernelBuffers(lowering)
    this.tiling = tilePlaces(anchor, target)
    this.sizes = this.tiling.sizes
    this.lanes = target.lanes
    const { samples, rows, taps } = this.sizes
    const inGroup = (at: (name: string) => Index, size: number, name: string): Index =>
      addIndex(scaleIndex(at('g'), size), at(name))
    this.pictures = viewed(
      anchor.inputs[0],
      (at) => [at('c'), inGroup(at, samples, 'n'), ...taps.map((_, i) => at(`y${i}`))],
      stored,
    )
    this.weights = viewed(
      anchor.inputs[1],
      (at) => [inGroup(at, rows, 'o'), at('n'), ...taps.map((_, i) => at(`k${i}`))],
      stored,
    )
    const [group, channelBlock, rowBlock] = splitIndex('task', this.tiling.grid)
    this.group = group
    this.channelBlock = channelBlock
    this.rowBlock = rowBlock
    const { tapLoops, vectors } = this.tiling.columns
    this.panelStart = sizeOf(tapLoops) * this.tiling.rowsPerTask * vectors * this.lanes
  }

  /** The task's rows. */
  rows(): { from: Expr; to: Expr } {
    const { rowsPerTask } = this.tiling
    const from = mul(indexScalar(this.rowBlock), index(rowsPerTask))
    return { from, to: min(index(this.sizes.rows), add(from, index(rowsPerTask))) }
  }

  /** The first of the sums of a row at a tap. */
  sumAt(tap: Index, row: Index): Index {
    const { rowsPerTask, columns } = this.tiling
    const inTask = addIndex(row, scaleIndex(this.rowBlock, -rowsPerTask))
    return scaleIndex(addIndex(scaleIndex(tap, rowsPerTask), inTask), columns.vectors * this.lanes)
  }

  /** The panel's element of a sample and place of the block, channel 0. */
  panelAt(sample: Index, place: readonly Index[]): Index {
    const sizes = [this.tiling.pictureLines, ...this.sizes.picture.slice(1)]
    const flat = place.reduce((sum, at, axis) => addIndex(scaleIndex(sum, sizes[axis]), at), sample)
    return scaleIndex(flat, this.tiling.columns.block)
  }

  /** Sample `n`, counted from the block's first. */
  fromFirst(n: string, sample: string): Index {
    const { samples } = this.sizes
    return addIndex(variableIndex(n, samples), scaleIndex(variableIndex(sample, samples), -1))
  }

  /** From the block's first to its end: the last block may be shorter. */
  within(name: string, first: string, count: number, all: number, body: readonly Stmt[]): Stmt {
    const from = variable(first, 'index')
    const to = add(from, index(count))
    return loop(name, from, all % count === 0 ? to : min(index(all), to), 1, body)
  }
}
