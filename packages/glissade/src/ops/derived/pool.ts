/**
 * Max and average over windows in one, two and three dimensions, with PyTorch's meaning.
 *
 * x: [...s, I] (1d), [...s, H, W] (2d), [...s, D, H, W] (3d): any axes may stand in front. Windows that do not
 * overlap are a reshape, others a `window` movement; neither stores a patch. The gradient of a maximum goes to the
 * first place that holds it; what is kept for it is one int32 per window. NaN counts as the largest. Windows whose
 * number, not size, is given: adaptive.ts.
 */
import { isFloat } from '../../dtype.ts'
import { fail } from '../../errors.ts'
import { sizeOf } from '../../shape.ts'
import type { Tensor } from '../../tensor.ts'
import { makeNode } from '../../tensor.ts'
import * as moves from '../move.ts'
import { cast, constant, expandTo, iota, reshapeTo, toFloat, withGradient } from './common.ts'
import { type PerAxis, perAxis } from './conv.ts'
import {
  add,
  and,
  div,
  eq,
  le,
  maximum,
  minimum,
  mul,
  not,
  isNaN as notANumber,
  or,
  stopGradient,
  sub,
  where,
} from './elementwise.ts'
import { pad, permute, slice } from './movement.ts'
import { max, min, sum } from './reduce.ts'

export interface PoolOptions {
  /** Default: the size of the window. */
  readonly stride?: PerAxis
  /** At most half of the window's size, on both sides: -inf for the maximum, 0 for the average. */
  readonly padding?: PerAxis
  /** Whether a last window that reaches beyond the end, but begins before it, counts; default false. */
  readonly ceilMode?: boolean
}
export interface MaxPoolOptions extends PoolOptions {
  /** The distance of a window's elements; default 1. */
  readonly dilation?: PerAxis
}
export interface AvgPoolOptions extends PoolOptions {
  /** Whether the padding counts as elements of the average; default true. What ceilMode adds never does. */
  readonly countIncludePad?: boolean
  /** What sums are divided by, in place of the number of elements. */
  readonly divisorOverride?: number
}

/** Windows over the last axes: how they are laid out, and how `[.., O1, .., On, K1, .., Kn]` goes there and back. */
interface Windows {
  /** `[...s, ...I] → [...s, ...O, ...K]` */
  spread(x: Tensor): Tensor
  /** The adjoint: each element back at its place, those that meet added up. */
  gather(patches: Tensor): Tensor
}

interface Layout {
  readonly size: readonly number[]
  readonly stride: readonly number[]
  readonly dilation: readonly number[]
  /** How many windows there are. */
  readonly counts: readonly number[]
  readonly margins: readonly (readonly [before: number, after: number])[]
}

function layoutOf(op: string, rank: number, x: Tensor, size: PerAxis, options: MaxPoolOptions): Layout {
  const sizes = perAxis(`${op}: size`, size, rank, 1)
  const stride = perAxis(`${op}: stride`, options.stride ?? sizes, rank, 1)
  const dilation = perAxis(`${op}: dilation`, options.dilation ?? 1, rank, 1)
  const padding = perAxis(`${op}: padding`, options.padding ?? 0, rank, 0)
  const reach = sizes.map((n, i) => (n - 1) * dilation[i] + 1)
  padding.forEach((n, i) => {
    if (2 * n > sizes[i]) {
      fail('value-invalid', {
        what: `${op}: padding`,
        received: String(n),
        expected: `at most half of the window's ${sizes[i]}`,
        fix: 'Use a larger window or less padding.',
      })
    }
  })
  const inner = x.shape.slice(Math.max(0, x.rank - rank))
  const counts = inner.map((n, i) => {
    const steps = (n + 2 * padding[i] - reach[i]) / stride[i]
    if (!options.ceilMode) return Math.floor(steps) + 1
    const count = Math.ceil(steps) + 1
    return (count - 1) * stride[i] >= n + padding[i] ? count - 1 : count
  })
  if (counts.length < rank || counts.some((count) => count < 1)) {
    fail('shape-mismatch', {
      op,
      received: `an input of shape [${x.shape.join(', ')}]`,
      expected: `${rank} last axes of at least [${reach.map((n, i) => n - 2 * padding[i]).join(', ')}]`,
      fix: 'Use a smaller window, or check the layer before.',
    })
  }
  const margins = inner.map((n, i) => {
    const missing = (counts[i] - 1) * stride[i] + reach[i] - n - padding[i]
    return [padding[i], Math.max(padding[i], missing)] as const
  })
  return { size: sizes, stride, dilation, counts, margins }
}

/** The windows of an input whose last axes are `inner` (padding included). */
function windowsOf(
  { size, stride, dilation, counts }: Layout,
  lead: readonly number[],
  inner: readonly number[],
): Windows {
  const rank = size.length
  const axes = size.map((_, i) => i)
  const first = lead.map((_, axis) => axis)
  // Between [...s, O1, K1, O2, K2, ..], where windows are made, and [...s, O1, O2, .., K1, K2, ..].
  const together = [...first, ...axes.map((i) => lead.length + 2 * i), ...axes.map((i) => lead.length + 2 * i + 1)]
  const apart = [...first, ...axes.flatMap((i) => [lead.length + i, lead.length + rank + i])]
  if (axes.every((i) => stride[i] === size[i] && dilation[i] === 1)) {
    const used = axes.map((i) => counts[i] * size[i])
    return {
      spread: (x) => {
        const whole = slice(x, [...lead.map(() => undefined), ...used.map((n) => [0, n] as const)])
        return permute(reshapeTo(whole, [...lead, ...axes.flatMap((i) => [counts[i], size[i]])]), together)
      },
      gather: (patches) =>
        pad(reshapeTo(permute(patches, apart), [...lead, ...used]), [
          ...lead.map(() => [0, 0] as const),
          ...axes.map((i) => [0, inner[i] - used[i]] as const),
        ]),
    }
  }
  const attrs = axes.map((i) => ({
    axis: lead.length + 2 * i,
    size: size[i],
    stride: stride[i],
    dilation: dilation[i],
  }))
  return {
    spread: (x) => {
      let y = x
      for (const each of attrs) y = makeNode(moves.window, [y], each)
      return permute(y, together)
    },
    gather: (patches) => {
      let y = permute(patches, apart)
      for (const i of axes) y = makeNode(moves.unwindow, [y], { ...attrs[i], length: inner[i] })
      return sum(
        y,
        attrs.map(({ axis }) => axis + 1),
      )
    },
  }
}

/** Padded with `value`, as windows `[...s, ...O, ...K]`, and the way back without the padding. */
function prepare(
  x: Tensor,
  layout: Layout,
  value: number,
): { padded: Tensor; patches: Tensor; restore: (patches: Tensor) => Tensor } {
  const rank = layout.size.length
  const lead = x.shape.slice(0, x.rank - rank)
  const margins = [...lead.map(() => [0, 0] as const), ...layout.margins]
  const padded = pad(x, margins, value)
  const windows = windowsOf(layout, lead, padded.shape.slice(lead.length))
  return {
    padded,
    patches: windows.spread(padded),
    restore: (patches) =>
      pad(
        windows.gather(patches),
        margins.map(([before, after]) => [-before, -after] as const),
      ),
  }
}

function maxPool(op: string, rank: number, x: Tensor, size: PerAxis, options: MaxPoolOptions): Tensor {
  const layout = layoutOf(op, rank, x, size, options)
  const lowest = isFloat(x.dtype) ? Number.NEGATIVE_INFINITY : -(2 ** 31)
  const { padded, patches, restore } = prepare(stopGradient(x), layout, lowest)
  const places = layout.size.map((_, i) => patches.rank - rank + i)
  const { value, place } =
    sizeOf(layout.size) <= mostPlacesCompared ? largestByPlace(padded, layout) : largestOf(patches, places, layout)
  if (!isFloat(x.dtype)) return value
  const along = (t: Tensor): Tensor => expandTo(reshapeTo(t, [...t.shape, ...places.map(() => 1)]), patches.shape)
  return withGradient(
    value,
    [x],
    (g) => [restore(where(eq(orderOf(patches, places, layout), along(place)), along(g), 0))],
    op,
  )
}

/** Windows of at most this many places are compared place by place, larger ones by a reduction. */
const mostPlacesCompared = 16

/** The largest of each window and its place, row-major: one place of all windows after the other, in one pass. */
function largestByPlace(padded: Tensor, { size, stride, dilation, counts }: Layout): { value: Tensor; place: Tensor } {
  const lead = padded.rank - size.length
  const at = (position: number): Tensor =>
    slice(padded, [
      ...padded.shape.slice(0, lead).map(() => undefined),
      ...size.map((_, i) => {
        const start = (Math.floor(position / sizeOf(size.slice(i + 1))) % size[i]) * dilation[i]
        return [start, start + (counts[i] - 1) * stride[i] + 1, stride[i]] as const
      }),
    ])
  let value = at(0)
  let place = constant(0, value.shape, 'int32')
  for (let position = 1; position < sizeOf(size); position++) {
    const next = at(position)
    // Larger, or the first NaN; what is NaN already stays.
    const takes = and(not(le(next, value)), not(notANumber(value)))
    value = where(takes, next, value)
    place = where(takes, position, place)
  }
  return { value, place }
}

/** The same by two reductions over the windows' places. */
function largestOf(patches: Tensor, places: readonly number[], layout: Layout): { value: Tensor; place: Tensor } {
  const value = max(patches, places)
  const whole = expandTo(reshapeTo(value, [...value.shape, ...places.map(() => 1)]), patches.shape)
  const largest = or(eq(patches, whole), notANumber(patches))
  return { value, place: min(where(largest, orderOf(patches, places, layout), sizeOf(layout.size)), places) }
}

/** Each element's place in its window, row-major. */
function orderOf(patches: Tensor, places: readonly number[], { size }: Layout): Tensor {
  return places.reduce(
    (sum, axis, i) => add(sum, mul(iota(patches.shape, axis), sizeOf(size.slice(i + 1)))),
    constant(0, patches.shape, 'int32'),
  )
}

function avgPool(op: string, rank: number, input: Tensor, size: PerAxis, options: AvgPoolOptions): Tensor {
  const x = toFloat(input)
  const layout = layoutOf(op, rank, x, size, options)
  const { patches } = prepare(x, layout, 0)
  const places = layout.size.map((_, i) => patches.rank - rank + i)
  const total = sum(patches, places)
  const { divisorOverride, countIncludePad = true } = options
  if (divisorOverride !== undefined) {
    if (!Number.isFinite(divisorOverride) || divisorOverride === 0) {
      fail('value-invalid', {
        what: `${op}: divisorOverride`,
        received: String(divisorOverride),
        expected: 'a number other than 0',
        fix: 'Leave it out to divide by the number of elements.',
      })
    }
    return div(total, divisorOverride)
  }
  if (countIncludePad && !options.ceilMode) return div(total, sizeOf(layout.size))
  const lead = x.rank - rank
  const counts = layout.size.map((length, i) => {
    const shape = total.shape.map((n, axis) => (axis === lead + i ? n : 1))
    const [before] = layout.margins[i]
    const start = sub(mul(iota(shape, lead + i), layout.stride[i]), before)
    // What counts ends where the padding does, or the input.
    const end = x.shape[lead + i] + (countIncludePad ? before : 0)
    return sub(minimum(add(start, length), end), countIncludePad ? start : maximum(start, 0))
  })
  return div(total, cast(counts.reduce(mul), x.dtype))
}

/** The largest element of each window of `size`. */
export function maxPool1d(x: Tensor, size: PerAxis, options: MaxPoolOptions = {}): Tensor {
  return maxPool('maxPool1d', 1, x, size, options)
}
/** The largest element of each window of `size`. */
export function maxPool2d(x: Tensor, size: PerAxis, options: MaxPoolOptions = {}): Tensor {
  return maxPool('maxPool2d', 2, x, size, options)
}
/** The largest element of each window of `size`. */
export function maxPool3d(x: Tensor, size: PerAxis, options: MaxPoolOptions = {}): Tensor {
  return maxPool('maxPool3d', 3, x, size, options)
}
/** The mean of each window of `size`. */
export function avgPool1d(x: Tensor, size: PerAxis, options: AvgPoolOptions = {}): Tensor {
  return avgPool('avgPool1d', 1, x, size, options)
}
/** The mean of each window of `size`. */
export function avgPool2d(x: Tensor, size: PerAxis, options: AvgPoolOptions = {}): Tensor {
  return avgPool('avgPool2d', 2, x, size, options)
}
/** The mean of each window of `size`. */
export function avgPool3d(x: Tensor, size: PerAxis, options: AvgPoolOptions = {}): Tensor {
  return avgPool('avgPool3d', 3, x, size, options)
}
