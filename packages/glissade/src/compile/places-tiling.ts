/**
 * How a sum over places is cut (places.ts): blocks of channels, the register tile, what is copied at once, the tasks.
 *
 * All of it follows from shapes and the target, never from the number of threads.
 */
import type { Node } from '../graph/graph.ts'
import type { Target } from '../kernel/ir.ts'
import type { ConvAttrs } from '../ops/contract.ts'
import { sizeOf } from '../shape.ts'

/** Channels that a task copies at once, about. */
const channelsTogether = 32
/** Rows of a tile: each reads a line of its own, and a cache set holds eight. */
const mostRows = 8
const mostVectors = 4
/** Fewer rows than this do not repay the copy. */
const fewestRows = 4
/** Summed places of one sample from which sums need no more company. */
const manyPlaces = 256
/** The least part of the vectors that has to be of use. */
const leastUse = 0.45

/** The sizes of a convolution seen as a sum over places. */
export interface Sizes {
  readonly groups: number
  /** Output channels of a group: rows. */
  readonly rows: number
  /** The result's batch axis, here the channels that are columns. */
  readonly channels: number
  /** The summed channels, here the batch. */
  readonly samples: number
  readonly taps: readonly number[]
  readonly places: readonly number[]
  readonly tapSteps: readonly number[]
  readonly placeSteps: readonly number[]
  /** The part of the picture that is read. */
  readonly picture: readonly number[]
  readonly order: readonly number[]
}

function sizesOf(node: Node): Sizes {
  const { stride, dilation, groups } = node.attrs as unknown as ConvAttrs
  const order = (node.attrs.order as readonly number[] | undefined) ?? node.shape.map((_, axis) => axis)
  const [x, w] = node.inputs
  const taps = stride.map((_, i) => node.shape[order.indexOf(i + 2)])
  const places = w.shape.slice(2)
  return {
    groups,
    rows: w.shape[0] / groups,
    channels: x.shape[0],
    samples: w.shape[1],
    taps,
    places,
    tapSteps: stride,
    placeSteps: dilation,
    picture: taps.map((count, i) => (count - 1) * stride[i] + (places[i] - 1) * dilation[i] + 1),
    order,
  }
}

/** How columns lie: blocks of channels, and runs of neighbouring taps and channels. */
function columnsOf({ channels, taps, tapSteps }: Sizes, lanes: number) {
  const block = Math.ceil(channels / Math.ceil(channels / channelsTogether))
  const last = taps.length - 1
  const merged = tapSteps[last] === 1
  const run = merged ? taps[last] * block : block
  return { block, run, vectors: Math.ceil(run / lanes), tapLoops: merged ? taps.slice(0, last) : taps, merged }
}

/** Whether a product is better done here than in contraction.ts. */
export function sumsOverPlaces(node: Node, { lanes }: Target): boolean {
  if (node.op.kind !== 'conv' || node.dtype !== 'float32') return false
  const sizes = sizesOf(node)
  const { run, vectors } = columnsOf(sizes, lanes)
  return (
    sizeOf(sizes.places) > sizeOf(sizes.taps) &&
    sizes.rows >= fewestRows &&
    sizeOf(sizes.taps) > 0 &&
    sizes.channels > 0 &&
    run / (vectors * lanes) >= leastUse
  )
}

export interface PlacesTiling {
  readonly sizes: Sizes
  readonly columns: ReturnType<typeof columnsOf>
  /** The register tile. */
  readonly tile: { readonly rows: number; readonly vectors: number }
  readonly rowsPerTask: number
  /** Pictures, and lines of the first axis of places, that are copied at once. */
  readonly samplesPerBlock: number
  readonly linesPerBlock: number
  /** Lines of a picture, along its first axis, that a block has. */
  readonly pictureLines: number
  /** Elements that are copied at once. */
  readonly panel: number
  readonly grid: readonly [group: number, block: number, row: number]
}

export function tilePlaces(node: Node, { lanes, tile: registers, l2 }: Target): PlacesTiling {
  const sizes = sizesOf(node)
  const columns = columnsOf(sizes, lanes)
  const tile = chooseTile(sizes.rows, columns.vectors, registers.rows * registers.vectors)

  // A block of pictures takes about a quarter of the second cache, the sums as much.
  const budget = l2 / 16
  const line = sizeOf(sizes.picture.slice(1)) * columns.block
  const whole = sizes.picture[0] * line
  const samplesPerBlock = Math.max(
    1,
    Math.min(sizes.samples, Math.floor(budget / whole), Math.ceil(manyPlaces / sizeOf(sizes.places))),
  )
  const span = (sizes.taps[0] - 1) * sizes.tapSteps[0] + 1
  const fits = Math.max(1, Math.floor((budget / line - span) / sizes.placeSteps[0]) + 1)
  const blocks = Math.ceil(sizes.places[0] / fits)
  const linesPerBlock = Math.ceil(sizes.places[0] / blocks)
  const pictureLines = span + (linesPerBlock - 1) * sizes.placeSteps[0]

  const perRow = sizeOf(columns.tapLoops) * columns.vectors * lanes
  const rowTiles = Math.ceil(sizes.rows / tile.rows)
  const tilesPerTask = Math.max(1, Math.min(rowTiles, Math.floor(budget / (perRow * tile.rows))))
  const rowTasks = Math.ceil(rowTiles / tilesPerTask)
  const rowsPerTask = Math.ceil(rowTiles / rowTasks) * tile.rows
  return {
    sizes,
    columns,
    tile,
    rowsPerTask,
    samplesPerBlock,
    linesPerBlock,
    pictureLines,
    panel: samplesPerBlock * pictureLines * line,
    grid: [sizes.groups, Math.ceil(sizes.channels / columns.block), Math.ceil(sizes.rows / rowsPerTask)],
  }
}

/** The tile that takes the fewest steps: one for each multiply-add of vectors, but no fewer than there are loads. */
function chooseTile(rows: number, vectors: number, budget: number): { rows: number; vectors: number } {
  let best = { rows: 1, vectors: 1 }
  let least = Infinity
  for (let most = 1; most <= Math.min(vectors, mostVectors); most++) {
    const columnTiles = Math.ceil(vectors / most)
    const width = Math.ceil(vectors / columnTiles)
    const rowTiles = Math.ceil(rows / Math.max(1, Math.min(rows, mostRows, Math.floor(budget / width))))
    const height = Math.ceil(rows / rowTiles)
    const steps = rowTiles * columnTiles * (height * width + (height + width) / 2)
    if (steps < least) {
      least = steps
      best = { rows: height, vectors: width }
    }
  }
  return best
}
