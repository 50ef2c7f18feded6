/**
 * The end of a sum over places: row by row, the sums are put in the order of channels and taps, and what follows the
 * product is computed from them and stored.
 *
 * The sums themselves: places.ts.
 */
import { index, load, loop, store } from '../kernel/build.ts'
import type { Stmt } from '../kernel/ir.ts'
import { sizeOf } from '../shape.ts'
import { indexScalar, type Lanes, scalar } from './address.ts'
import { plus } from './operands.ts'
import type { PlacesKernel } from './places-kernel.ts'
import {
  addIndex,
  constantIndex,
  divIndex,
  type Index,
  modIndex,
  scaleIndex,
  splitIndex,
  variableIndex,
} from './symbolic.ts'

export function finishRows(kernel: PlacesKernel, channels: number): Stmt[] {
  const { names, sizes } = kernel
  const m = names.fresh('m')
  const row = variableIndex(m, sizes.rows)
  const body = [inOrder(kernel, channels, row)]
  const all = channels * sizeOf(sizes.taps)
  let start = 0
  for (let lanes = kernel.lanes; lanes >= 1; lanes = lanes > 4 ? lanes / 2 : lanes > 1 ? 1 : 0) {
    const end = start + Math.floor((all - start) / lanes) * lanes
    if (end > start) {
      const q = names.fresh('q')
      body.push(loop(q, index(start), index(end), lanes, epilogue(kernel, channels, row, q, lanes)))
    }
    start = end
  }
  const { from, to } = kernel.rows()
  return [loop(m, from, to, 1, body)]
}

/** Copies the sums of a row to where the panel was, taps innermost. */
function inOrder(kernel: PlacesKernel, channels: number, row: Index): Stmt {
  const { names } = kernel
  const { taps } = kernel.sizes
  const { block, merged, tapLoops } = kernel.tiling.columns
  const count = sizeOf(taps)
  const last = merged ? taps[taps.length - 1] : 1
  const [tap, c] = [names.fresh('t'), names.fresh('c')]
  const tapAt = variableIndex(tap, count)
  const [tapLoop, inRun] = [divIndex(tapAt, last), modIndex(tapAt, last)]
  const from = addIndex(
    kernel.sumAt(sizeOf(tapLoops) === 1 ? constantIndex(0) : tapLoop, row),
    addIndex(scaleIndex(inRun, block), variableIndex(c, channels)),
  )
  const to = plus(addIndex(scaleIndex(variableIndex(c, channels), count), tapAt), kernel.panelStart)
  return loop(c, index(0), index(channels), 1, [
    loop(tap, index(0), index(count), 1, [
      store('scratch', indexScalar(to), load('scratch', 'f32', indexScalar(from))),
    ]),
  ])
}

/** What follows the sums of a row, at `count` neighbours of its channels and taps. */
function epilogue(kernel: PlacesKernel, channels: number, row: Index, q: string, count: number): Stmt[] {
  const { names, buffers } = kernel
  const { taps, order, rows } = kernel.sizes
  const body: Stmt[] = []
  const at = plus(variableIndex(q, channels * sizeOf(taps)), kernel.panelStart)
  const value = names.bound(body, 's', load('scratch', 'f32', indexScalar(at), count))
  const lanes: Lanes = count === 1 ? scalar : { count, variable: q }
  const [channelAt, ...tapAt] = splitIndex(q, [channels, ...taps])
  const channel = addIndex(scaleIndex(kernel.channelBlock, kernel.tiling.columns.block), channelAt)
  const output = addIndex(scaleIndex(kernel.group, rows), row)
  const position = order.map((axis) => (axis === 0 ? channel : axis === 1 ? output : tapAt[axis - 2]))
  return [...body, ...kernel.epilogue.write(value, position, lanes, buffers, names)]
}
