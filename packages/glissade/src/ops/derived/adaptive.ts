/**
 * Pooling into a given number of windows, with PyTorch's meaning: window o of O over I elements goes from
 * floor(o I / O) to ceil((o + 1) I / O), so that windows may overlap and differ in size by one.
 *
 * x: [...s, I] (1d), [...s, H, W] (2d), [...s, D, H, W] (3d). Where the number of windows divides the size they are
 * those of pool.ts; else the axis is reduced once for each window under a mask, in one pass and without copies.
 */
import { isFloat } from '../../dtype.ts'
import { fail } from '../../errors.ts'
import type { Tensor } from '../../tensor.ts'
import { cast, checkWhole, iota, reshapeTo, toFloat, withGradient } from './common.ts'
import {
  add,
  and,
  div,
  eq,
  floorDiv,
  le,
  lt,
  mul,
  isNaN as notANumber,
  or,
  stopGradient,
  sub,
  where,
} from './elementwise.ts'
import { unsqueeze } from './movement.ts'
import { avgPool1d, avgPool2d, avgPool3d, maxPool1d, maxPool2d, maxPool3d } from './pool.ts'
import { max, min, sum } from './reduce.ts'

/** How many windows: for all axes, or for each; null keeps the size of an axis. */
export type AdaptiveSize = number | null | readonly (number | null)[]

/** How one axis is pooled under masks: x: [..., I, ...] → [..., windows, ...] */
type Masked = (x: Tensor, axis: number, windows: number) => Tensor
type Pools = readonly ((x: Tensor, size: readonly number[]) => Tensor)[]

const averages: Pools = [avgPool1d, avgPool2d, avgPool3d]
const maxima: Pools = [maxPool1d, maxPool2d, maxPool3d]

function adaptive(op: string, rank: number, x: Tensor, size: AdaptiveSize, pools: Pools, masked: Masked): Tensor {
  const lead = x.rank - rank
  const sizes = typeof size === 'object' && size !== null ? size : new Array<number | null>(rank).fill(size)
  if (sizes.length !== rank) {
    fail('value-invalid', {
      what: `${op}: size`,
      received: `[${sizes.join(', ')}]`,
      expected: `one number, or ${rank}`,
      fix: 'Give one for each axis in space, null to keep its size.',
    })
  }
  if (lead < 0 || x.shape.slice(lead).includes(0)) {
    fail('shape-mismatch', {
      op,
      received: `an input of shape [${x.shape.join(', ')}]`,
      expected: `${rank} last axes with at least one element`,
      fix: 'Check the layer before.',
    })
  }
  const windows = sizes.map((n, i) => (n === null ? x.shape[lead + i] : checkWhole(`${op}: size`, n, 1)))
  const ratios = windows.map((n, i) => x.shape[lead + i] / n)
  if (ratios.every(Number.isInteger)) return pools[rank - 1](x, ratios)
  // The last axis first: so the first of equal maxima is the first row-major, as in one pass over the window.
  return windows.reduceRight((y, n, i) => {
    if (!Number.isInteger(ratios[i])) return masked(y, lead + i, n)
    const only = ratios.map((ratio, other) => (other === i ? ratio : 1))
    return pools[rank - 1](y, only)
  }, x)
}

/** Where each element stands, and which windows it is in; all broadcast against [..., windows, I, ...]. */
function windowsOn(x: Tensor, axis: number, windows: number): { place: Tensor; inside: Tensor; count: Tensor } {
  const length = x.shape[axis]
  const after = x.shape.slice(axis + 1).map(() => 1)
  const window = iota([windows, 1, ...after], 0)
  const place = iota([1, length, ...after], 1)
  const start = floorDiv(mul(window, length), windows)
  const end = floorDiv(add(mul(window, length), length + windows - 1), windows)
  return { place, inside: and(le(start, place), lt(place, end)), count: sub(end, start) }
}

/** The mean under masks. */
function maskedMean(x: Tensor, axis: number, windows: number): Tensor {
  const { inside, count } = windowsOn(x, axis, windows)
  const total = sum(where(inside, unsqueeze(x, axis), 0), axis + 1)
  return div(
    total,
    cast(
      reshapeTo(
        count,
        count.shape.filter((_, i) => i !== 1),
      ),
      x.dtype,
    ),
  )
}

/** The maximum under masks; the gradient goes to the first place that holds it. */
function maskedMax(x: Tensor, axis: number, windows: number): Tensor {
  const { place, inside } = windowsOn(x, axis, windows)
  const values = unsqueeze(stopGradient(x), axis)
  const lowest = isFloat(x.dtype) ? Number.NEGATIVE_INFINITY : -(2 ** 31)
  const value = max(where(inside, values, lowest), axis + 1)
  if (!isFloat(x.dtype)) return value
  const largest = and(inside, or(eq(values, unsqueeze(value, axis + 1)), notANumber(values)))
  const first = min(where(largest, place, x.shape[axis]), axis + 1)
  return withGradient(
    value,
    [x],
    (g) => [sum(where(eq(place, unsqueeze(first, axis + 1)), unsqueeze(g, axis + 1), 0), axis)],
    'adaptiveMaxPool',
  )
}

/** The mean of each of `size` windows. x: [...s, I] → [...s, size] */
export function adaptiveAvgPool1d(x: Tensor, size: AdaptiveSize): Tensor {
  return adaptive('adaptiveAvgPool1d', 1, toFloat(x), size, averages, maskedMean)
}
/** The mean of each of `size` windows. x: [...s, H, W] → [...s, ...size] */
export function adaptiveAvgPool2d(x: Tensor, size: AdaptiveSize): Tensor {
  return adaptive('adaptiveAvgPool2d', 2, toFloat(x), size, averages, maskedMean)
}
/** The mean of each of `size` windows. x: [...s, D, H, W] → [...s, ...size] */
export function adaptiveAvgPool3d(x: Tensor, size: AdaptiveSize): Tensor {
  return adaptive('adaptiveAvgPool3d', 3, toFloat(x), size, averages, maskedMean)
}
/** The largest element of each of `size` windows; NaN counts as the largest. x: [...s, I] → [...s, size] */
export function adaptiveMaxPool1d(x: Tensor, size: AdaptiveSize): Tensor {
  return adaptive('adaptiveMaxPool1d', 1, x, size, maxima, maskedMax)
}
/** The largest element of each of `size` windows; NaN counts as the largest. x: [...s, H, W] → [...s, ...size] */
export function adaptiveMaxPool2d(x: Tensor, size: AdaptiveSize): Tensor {
  return adaptive('adaptiveMaxPool2d', 2, x, size, maxima, maskedMax)
}
/** The largest element of each of `size` windows; NaN counts as the largest. x: [...s, D, H, W] → [...s, ...size] */
export function adaptiveMaxPool3d(x: Tensor, size: AdaptiveSize): Tensor {
  return adaptive('adaptiveMaxPool3d', 3, x, size, maxima, maskedMax)
}
