/**
 * A sum over places copies a block of pictures into scratch, channels innermost: in squares that are transposed where
 * a line's neighbours are neighbours in memory, one by one elsewhere.
 *
 * What is done with the copy: places.ts. How large it is: places-tiling.ts.
 */
import { add, index, load, loop, min, mul, store, transpose, variable } from '../kernel/build.ts'
import type { Stmt } from '../kernel/ir.ts'
import { indexScalar } from './address.ts'
import { plus } from './operands.ts'
import type { Block, PlacesKernel } from './places-kernel.ts'
import { addIndex, constantIndex, type Index, scaleIndex, stepOf, variableIndex } from './symbolic.ts'

/** Channels copied by one turn of a loop. */
const copiedTogether = 8

export function copyPictures(kernel: PlacesKernel, channels: number, { sample, line }: Block): Stmt[] {
  const { names, tiling } = kernel
  const { picture, placeSteps, samples, places: all } = kernel.sizes
  const [n, c] = [names.fresh('n'), names.fresh('c')]
  const ys = picture.map(() => names.fresh('y'))
  const firstLine = scaleIndex(variableIndex(line, all[0]), placeSteps[0])
  const buffer = kernel.buffers.of(kernel.pictures.base, 'read')
  const last = picture.length - 1
  const places = (at: Index): Index[] =>
    ys.map((y, axis) => (axis === last && axis > 0 ? at : variableIndex(y, picture[axis])))
  const source = (channel: Index, at: Index): Index => {
    const place = places(at)
    return kernel.pictures.address((name) => {
      if (name === 'g') return kernel.group
      if (name === 'n') return variableIndex(n, samples)
      return name === 'c'
        ? addIndex(scaleIndex(kernel.channelBlock, tiling.columns.block), channel)
        : place[Number(name.slice(1))]
    })
  }
  const target = (channel: Index, at: Index): Index => {
    const local = places(at).map((place, axis) => (axis === 0 ? addIndex(place, scaleIndex(firstLine, -1)) : place))
    return plus(addIndex(kernel.panelAt(kernel.fromFirst(n, sample), local), channel), kernel.panelStart)
  }
  const inLine = variableIndex(ys[last], picture[last])
  const one = (channel: Index, at: Index): Stmt =>
    store('scratch', indexScalar(target(channel, at)), load(buffer, 'f32', indexScalar(source(channel, at))))
  const step = stepOf(source(variableIndex(c, channels), inLine), ys[last])
  const side = last > 0 && step === 1 ? squareOf(kernel.lanes, Math.min(channels, picture[last])) : 1
  const square = (channel: Index, at: Index): Stmt[] =>
    transpose(
      Array.from({ length: side }, (_, i) => load(buffer, 'f32', indexScalar(source(plus(channel, i), at)), side)),
    ).map((value, i) => store('scratch', indexScalar(target(channel, plus(at, i))), value))
  let body: Stmt[]
  if (side > 1) {
    // The last square of a line, and of the channels, may copy some for the second time.
    body = inSteps(c, channels, side, (channel) =>
      inSteps(names.fresh('y'), picture[last], side, (at) => square(channel, at)),
    )
  } else {
    const together = Math.min(channels, copiedTogether)
    body = inSteps(c, channels, together, (channel) =>
      Array.from({ length: together }, (_, i) => one(plus(channel, i), inLine)),
    )
    if (last > 0) body = [loop(ys[last], index(0), index(picture[last]), 1, body)]
  }
  for (let axis = last - 1; axis > 0; axis--) body = [loop(ys[axis], index(0), index(picture[axis]), 1, body)]
  const start = mul(variable(line, 'index'), index(placeSteps[0]))
  const end = add(start, index(tiling.pictureLines))
  const exact = all[0] % tiling.linesPerBlock === 0
  const overLines = loop(ys[0], start, exact ? end : min(index(picture[0]), end), 1, body)
  return [kernel.within(n, sample, tiling.samplesPerBlock, samples, [overLines])]
}

/** `body` at every `step` of `size` places; the last steps back where fewer than `step` are left. */
function inSteps(name: string, size: number, step: number, body: (at: Index) => Stmt[]): Stmt[] {
  const whole = Math.floor(size / step) * step
  return [
    loop(name, index(0), index(whole), step, body(variableIndex(name, whole - step + 1))),
    ...(whole < size ? body(constantIndex(size - step)) : []),
  ]
}

/** The side of the squares that are transposed: the vectors' length, or the largest part of it that fits; or 1. */
function squareOf(lanes: number, size: number): number {
  let side = lanes
  while (side > size && side > 4) side /= 2
  return side <= size ? side : 1
}
