/**
 * Images made larger and smaller, with PyTorch's meaning: interpolation, and pixels out of channels.
 *
 * x: [B, C, ...I] → [B, C, ...O]. Each axis is resized by itself: an element of the result is a weighted sum of one
 * (nearest), two (linear) or four (cubic) of the input's. Without `alignCorners` elements are areas: element o of O
 * has its centre at (o + 1/2) I / O - 1/2 of the input. With it they are points, and the first and the last stand on
 * those of the input.
 */
import { allocate } from '../../dtype.ts'
import { fail } from '../../errors.ts'
import { fromArray, type Tensor } from '../../tensor.ts'
import { adaptiveAvgPool1d, adaptiveAvgPool2d, adaptiveAvgPool3d } from './adaptive.ts'
import { checkWhole, expandTo, reshapeTo, toFloat } from './common.ts'
import { type PerAxis, perAxis } from './conv.ts'
import { add, mul } from './elementwise.ts'
import { take } from './indexing.ts'
import { permute } from './movement.ts'

export type InterpolationMode = 'nearest' | 'nearest-exact' | 'linear' | 'bilinear' | 'trilinear' | 'bicubic' | 'area'

export interface InterpolateOptions {
  /** The new sizes; this or scaleFactor. */
  readonly size?: PerAxis
  /** By how much sizes are multiplied, rounded down. */
  readonly scaleFactor?: number | readonly number[]
  /** Default 'nearest'. Linear, bilinear and trilinear are the same for one, two and three axes in space. */
  readonly mode?: InterpolationMode
  /** Whether the first and last elements of input and result stand on each other; default false. */
  readonly alignCorners?: boolean
}

/** How many axes in space a mode is for; the others take any number. */
const ranks: Partial<Record<InterpolationMode, number>> = { linear: 1, bilinear: 2, trilinear: 3, bicubic: 2 }
const modes: readonly InterpolationMode[] = [
  'nearest',
  'nearest-exact',
  'linear',
  'bilinear',
  'trilinear',
  'bicubic',
  'area',
]

/** One element of the sum: for each place of the result, which element of the input, and how much of it. */
interface Tap {
  readonly index: Int32Array
  readonly weight?: Float64Array
}

/** The new size of an axis, and how far apart in the input neighbours of the result are. */
interface Axis {
  readonly length: number
  readonly size: number
  readonly step: number
}

/** x: [B, C, ...I] → [B, C, ...O] of the given `size`, or of the sizes times `scaleFactor`. */
export function interpolate(x: Tensor, options: InterpolateOptions): Tensor {
  const rank = x.rank - 2
  const { mode = 'nearest', alignCorners = false } = options
  checkMode(x, mode, alignCorners)
  const axes = sizesOf(x, rank, options)
  if (mode === 'area') {
    const sizes = axes.map(({ size }) => size)
    return [adaptiveAvgPool1d, adaptiveAvgPool2d, adaptiveAvgPool3d][rank - 1](x, sizes)
  }
  const value = mode.startsWith('nearest') ? x.current() : toFloat(x)
  return axes.reduce((y, axis, i) => {
    if (axis.size === axis.length && axis.step === 1) return y
    const times = axis.size / axis.length
    if (mode.startsWith('nearest') && Number.isInteger(times) && axis.step * times === 1)
      return repeated(y, i + 2, times)
    return weighed(y, i + 2, tapsOf(mode, alignCorners, axis))
  }, value)
}

function checkMode(x: Tensor, mode: InterpolationMode, alignCorners: boolean): void {
  const rank = x.rank - 2
  const only = ranks[mode]
  if (!modes.includes(mode)) {
    fail('value-invalid', {
      what: 'interpolate: mode',
      received: `'${String(mode)}'`,
      expected: `one of ${modes.map((name) => `'${name}'`).join(', ')}`,
      fix: 'Change the option.',
    })
  }
  if (only === undefined ? rank < 1 || rank > 3 : rank !== only) {
    fail('shape-mismatch', {
      op: 'interpolate',
      received: `an input of shape [${x.shape.join(', ')}]`,
      expected: `[batch, channels, ${only ?? '1 to 3'} in space] for '${mode}'`,
      fix: "Reshape it, or use 'linear' for one axis in space, 'bilinear' for two, 'trilinear' for three.",
    })
  }
  if (alignCorners && (mode === 'area' || mode.startsWith('nearest'))) {
    fail('value-invalid', {
      what: 'interpolate: alignCorners',
      received: `true with '${mode}'`,
      expected: 'a linear or cubic mode',
      fix: 'Leave it out.',
    })
  }
}

function sizesOf(x: Tensor, rank: number, options: InterpolateOptions): Axis[] {
  const { size, scaleFactor, alignCorners = false } = options
  if ((size === undefined) === (scaleFactor === undefined)) {
    fail('value-invalid', {
      what: 'interpolate',
      received: size === undefined ? 'neither size nor scaleFactor' : 'size and scaleFactor',
      expected: 'one of them',
      fix: 'Give the new size, or how many times larger it is.',
    })
  }
  const inner = x.shape.slice(2)
  if (inner.includes(0)) {
    fail('shape-mismatch', {
      op: 'interpolate',
      received: `an input of shape [${x.shape.join(', ')}]`,
      expected: 'at least one element on each axis in space',
      fix: 'Check the layer before.',
    })
  }
  const factors = typeof scaleFactor === 'number' ? inner.map(() => scaleFactor) : scaleFactor
  if (factors && (factors.length !== rank || factors.some((f, i) => !(Math.floor(inner[i] * f) >= 1 && f < 2 ** 31)))) {
    fail('value-invalid', {
      what: 'interpolate: scaleFactor',
      received: `[${factors.join(', ')}] for [${inner.join(', ')}]`,
      expected: `one number, or ${rank}, that leave at least one element`,
      fix: 'Use larger factors.',
    })
  }
  const sizes = factors
    ? inner.map((n, i) => Math.floor(n * factors[i]))
    : perAxis('interpolate: size', size as PerAxis, rank, 1)
  return inner.map((length, i) => {
    const apart = alignCorners ? (sizes[i] > 1 ? (length - 1) / (sizes[i] - 1) : 0) : length / sizes[i]
    return { length, size: sizes[i], step: factors && !alignCorners ? 1 / factors[i] : apart }
  })
}

/** Each element of the axis `times` times: movements alone, so that nothing is stored. */
function repeated(x: Tensor, axis: number, times: number): Tensor {
  const [before, after] = [x.shape.slice(0, axis + 1), x.shape.slice(axis + 1)]
  return reshapeTo(expandTo(reshapeTo(x, [...before, 1, ...after]), [...before, times, ...after]), [
    ...before.slice(0, -1),
    x.shape[axis] * times,
    ...after,
  ])
}

/** The sum of what the taps take. */
function weighed(x: Tensor, axis: number, taps: readonly Tap[]): Tensor {
  const column = [taps[0].index.length, ...x.shape.slice(axis + 1).map(() => 1)]
  const parts = taps.map(({ index, weight }) => {
    const taken = take(x, fromArray(index, [index.length], 'int32'), axis)
    if (!weight) return taken
    const numbers = allocate(x.dtype, weight.length)
    numbers.set(weight)
    return mul(taken, fromArray(numbers, column, x.dtype))
  })
  return parts.reduce(add)
}

function tapsOf(mode: InterpolationMode, alignCorners: boolean, { length, size, step }: Axis): Tap[] {
  const inside = (at: number): number => Math.min(length - 1, Math.max(0, at))
  const places = Array.from({ length: size }, (_, o) => o)
  if (mode.startsWith('nearest')) {
    // In float32, as PyTorch counts: another rounding would now and then choose the neighbour.
    const [scale, half] = [Math.fround(step), mode === 'nearest' ? 0 : 0.5]
    return [{ index: Int32Array.from(places, (o) => inside(Math.floor(Math.fround((o + half) * scale)))) }]
  }
  const centres = places.map((o) => (alignCorners ? o * step : (o + 0.5) * step - 0.5))
  // Beyond the border the first and the last element go on.
  const tap = (offset: number, weight: (distance: number) => number): Tap => ({
    index: Int32Array.from(centres, (at) => inside(Math.floor(at) + offset)),
    weight: Float64Array.from(centres, (at) => weight(Math.abs(at - Math.floor(at) - offset))),
  })
  return mode === 'bicubic' ? [-1, 0, 1, 2].map((n) => tap(n, cubic)) : [0, 1].map((n) => tap(n, (d) => 1 - d))
}

/** The steepness of PyTorch's cubic kernel. */
const steepness = -0.75

/** The cubic convolution kernel at a distance of 0 to 2 (Keys 1981, equation 15, with `steepness` as a). */
function cubic(d: number): number {
  const a = steepness
  return d <= 1 ? ((a + 2) * d - (a + 3)) * d * d + 1 : ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
}

function channelsOf(
  op: string,
  x: Tensor,
  factor: number,
): { lead: number[]; sizes: [c: number, h: number, w: number] } {
  checkWhole(`${op}: factor`, factor, 1)
  if (x.rank < 3) {
    fail('shape-mismatch', {
      op,
      received: `an input of shape [${x.shape.join(', ')}]`,
      expected: '[..., channels, height, width]',
      fix: 'Add the missing axes with reshape.',
    })
  }
  const [c, h, w] = x.shape.slice(-3)
  return { lead: x.shape.slice(0, -3), sizes: [c, h, w] }
}

/**
 * Channels become pixels: x: [...s, C r², H, W] → [...s, C, H r, W r] (Shi et al. 2016, arXiv 1609.05158). Errors:
 * `shape-mismatch` where r² does not divide the channels.
 */
export function pixelShuffle(x: Tensor, factor: number): Tensor {
  const { lead, sizes } = channelsOf('pixelShuffle', x, factor)
  const [c, h, w] = sizes
  const out = c / factor ** 2
  if (!Number.isInteger(out)) {
    fail('shape-mismatch', {
      op: 'pixelShuffle',
      received: `${c} channels`,
      expected: `a multiple of ${factor ** 2}, the factor squared`,
      fix: 'Change the channels of the layer before.',
    })
  }
  const front = lead.map((_, axis) => axis)
  const [i, j, k, l, m] = [0, 1, 2, 3, 4].map((n) => lead.length + n)
  const apart = permute(reshapeTo(x, [...lead, out, factor, factor, h, w]), [...front, i, l, j, m, k])
  return reshapeTo(apart, [...lead, out, h * factor, w * factor])
}

/** Pixels become channels, the way back: x: [...s, C, H r, W r] → [...s, C r², H, W]. Errors: `shape-mismatch`. */
export function pixelUnshuffle(x: Tensor, factor: number): Tensor {
  const { lead, sizes } = channelsOf('pixelUnshuffle', x, factor)
  const [c, height, width] = sizes
  const [h, w] = [height / factor, width / factor]
  if (!Number.isInteger(h) || !Number.isInteger(w)) {
    fail('shape-mismatch', {
      op: 'pixelUnshuffle',
      received: `an image of ${height} by ${width}`,
      expected: `multiples of ${factor}`,
      fix: 'Crop or pad the image.',
    })
  }
  const front = lead.map((_, axis) => axis)
  const [i, j, k, l, m] = [0, 1, 2, 3, 4].map((n) => lead.length + n)
  const apart = permute(reshapeTo(x, [...lead, c, h, factor, w, factor]), [...front, i, k, m, j, l])
  return reshapeTo(apart, [...lead, c * factor ** 2, h, w])
}
