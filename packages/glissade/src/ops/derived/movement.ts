/**
 * The movements as users call them: negative axes, -1 sizes, ranges counted from the end. Nothing is copied unless
 * someone needs the copy (ops/move.ts says where each element comes from).
 */
import { promote } from '../../dtype.ts'
import { fail } from '../../errors.ts'
import {
  broadcastShapes,
  checkShape,
  normalizeAxes,
  normalizeAxis,
  type Shape,
  sameShape,
  sizeOf,
} from '../../shape.ts'
import type { Tensor } from '../../tensor.ts'
import { makeNode } from '../../tensor.ts'
import * as moves from '../move.ts'
import { cast, checkWhole, expandTo, reshapeTo } from './common.ts'

/** [start, stop, step] along an axis; `undefined` takes the axis whole. Negative places count from the end. */
export type SliceRange = readonly [start?: number, stop?: number, step?: number] | undefined

const text = (shape: Shape): string => `[${shape.join(', ')}]`

/** The same elements in the same order under another shape, of which one size may be -1. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  const open = shape.indexOf(-1)
  if (open < 0) return reshapeTo(x, checkShape('reshape', shape))
  const known = checkShape('reshape', [...shape.slice(0, open), ...shape.slice(open + 1)])
  const rest = x.size / sizeOf(known)
  if (!Number.isInteger(rest)) {
    fail('shape-mismatch', {
      op: 'reshape',
      received: `${text(x.shape)} (${x.size} elements) to ${text(shape)}`,
      expected: `a number of elements that ${sizeOf(known)} divides`,
      fix: 'Check the sizes beside -1.',
    })
  }
  return reshapeTo(x, [...shape.slice(0, open), rest, ...shape.slice(open + 1)])
}

/** Axis i of the result is axis order[i] of x. */
export function permute(x: Tensor, order: readonly number[]): Tensor {
  const axes = order.map((axis) => normalizeAxis('permute', axis, x.rank))
  if (axes.length !== x.rank) {
    fail('shape-mismatch', {
      op: 'permute',
      received: `${axes.length} axes`,
      expected: `all ${x.rank}`,
      fix: 'Name every axis once.',
    })
  }
  if (new Set(axes).size !== axes.length) fail('axis-repeated', { op: 'permute', axes })
  return axes.every((axis, i) => axis === i) ? x.current() : makeNode(moves.permute, [x], { order: axes })
}

/** Two axes change places. */
export function transpose(x: Tensor, a = -2, b = -1): Tensor {
  const [i, j] = [a, b].map((axis) => normalizeAxis('transpose', axis, x.rank))
  const order = x.shape.map((_, axis) => axis)
  order[i] = j
  order[j] = i
  return permute(x, order)
}

/** Axes of size 1 are repeated, new axes come in front. */
export function expand(x: Tensor, shape: Shape): Tensor {
  checkShape('expand', shape)
  if (shape.length < x.rank || !sameShape(broadcastShapes('expand', x.shape, shape), shape)) {
    fail('shape-broadcast', { op: 'expand', a: x.shape, b: shape })
  }
  return expandTo(x, shape)
}

/** Axes of size 1 taken away: those named, or all. */
export function squeeze(x: Tensor, axes?: number | readonly number[]): Tensor {
  const gone =
    axes === undefined ? x.shape.flatMap((n, axis) => (n === 1 ? [axis] : [])) : normalizeAxes('squeeze', axes, x.rank)
  for (const axis of gone) {
    if (x.shape[axis] !== 1) {
      fail('shape-mismatch', {
        op: 'squeeze',
        received: `axis ${axis} of ${text(x.shape)}`,
        expected: 'an axis of size 1',
        fix: 'Slice or reduce it first.',
      })
    }
  }
  return reshapeTo(
    x,
    x.shape.filter((_, axis) => !gone.includes(axis)),
  )
}

/** A new axis of size 1, at place `axis` of the result. */
export function unsqueeze(x: Tensor, axis: number): Tensor {
  const at = normalizeAxis('unsqueeze', axis, x.rank + 1)
  return reshapeTo(x, [...x.shape.slice(0, at), 1, ...x.shape.slice(at)])
}

/** The axes `from` to `to`, both included, become one; a scalar becomes [1]. */
export function flatten(x: Tensor, from = 0, to = -1): Tensor {
  if (x.rank === 0) return reshapeTo(x, [1])
  const [a, b] = [from, to].map((axis) => normalizeAxis('flatten', axis, x.rank))
  if (a > b) {
    fail('value-invalid', {
      what: 'flatten',
      received: `axes ${from} to ${to}`,
      expected: 'the first not after the last',
      fix: 'Swap them.',
    })
  }
  return reshapeTo(x, [...x.shape.slice(0, a), sizeOf(x.shape.slice(a, b + 1)), ...x.shape.slice(b + 1)])
}

/** A margin of `value` before and after each axis; negative margins cut off. */
export function pad(x: Tensor, margins: readonly (readonly [before: number, after: number])[], value = 0): Tensor {
  if (margins.length !== x.rank) {
    fail('shape-mismatch', {
      op: 'pad',
      received: `margins for ${margins.length} axes`,
      expected: `${x.rank}`,
      fix: 'Give [before, after] for each axis, [0, 0] where there is none.',
    })
  }
  for (const margin of margins.flat()) {
    if (!Number.isInteger(margin)) {
      fail('value-invalid', {
        what: 'pad',
        received: `a margin of ${margin}`,
        expected: 'whole numbers',
        fix: 'Check the margins.',
      })
    }
  }
  const cut = margins.some(([before, after]) => before < 0 || after < 0)
  const y = cut
    ? slice(
        x,
        x.shape.map((n, axis) => [
          Math.min(n, Math.max(0, -margins[axis][0])),
          Math.max(0, n + Math.min(0, margins[axis][1])),
        ]),
      )
    : x.current()
  const added = margins.map(([before, after]) => [Math.max(0, before), Math.max(0, after)] as const)
  return added.every(([before, after]) => before === 0 && after === 0)
    ? y
    : makeNode(moves.pad, [y], { margins: added, value })
}

/** Every step-th element from start to stop along each axis. Places beyond the end are brought to the end. */
export function slice(x: Tensor, ranges: readonly SliceRange[]): Tensor {
  if (ranges.length > x.rank) {
    fail('shape-mismatch', {
      op: 'slice',
      received: `${ranges.length} ranges for ${text(x.shape)}`,
      expected: `at most ${x.rank}`,
      fix: 'Give one range for each axis.',
    })
  }
  const whole = x.shape.map((n, axis) => {
    const [start = 0, stop = n, step = 1] = ranges[axis] ?? []
    if (!Number.isInteger(start) || !Number.isInteger(stop) || !Number.isInteger(step) || step < 1) {
      fail('value-invalid', {
        what: `slice: axis ${axis}`,
        received: `[${start}, ${stop}, ${step}]`,
        expected: 'whole numbers, and a step of at least 1',
        fix: 'Use flip() to go backwards.',
      })
    }
    const place = (at: number): number => Math.min(n, Math.max(0, at < 0 ? at + n : at))
    const from = place(start)
    return [from, Math.max(from, place(stop)), step] as const
  })
  const all = whole.every(([start, stop, step], axis) => start === 0 && stop === x.shape[axis] && step === 1)
  return all ? x.current() : makeNode(moves.slice, [x], { ranges: whole })
}

/** The elements from start to stop along one axis. */
export function narrow(x: Tensor, axis: number, start: number, stop: number): Tensor {
  const at = normalizeAxis('narrow', axis, x.rank)
  return slice(
    x,
    x.shape.map((_, i) => (i === at ? [start, stop] : undefined)),
  )
}

/** The named axes backwards. */
export function flip(x: Tensor, axes: number | readonly number[]): Tensor {
  const turned = normalizeAxes('flip', axes, x.rank)
  return turned.length === 0 ? x.current() : makeNode(moves.flip, [x], { axes: turned })
}

/** Parts along an axis: of the sizes given, or each of one size (the last may be smaller). */
export function split(x: Tensor, sizes: number | readonly number[], axis = 0): Tensor[] {
  const at = normalizeAxis('split', axis, x.rank)
  const length = x.shape[at]
  const parts: readonly number[] =
    typeof sizes === 'number'
      ? Array.from({ length: Math.ceil(length / checkWhole('split: size', sizes, 1)) }, (_, i) =>
          Math.min(sizes, length - i * sizes),
        )
      : checkShape('split', sizes)
  const total = parts.reduce((sum, n) => sum + n, 0)
  if (total !== length) {
    fail('shape-mismatch', {
      op: 'split',
      received: `sizes ${text(parts)}, ${total} in all`,
      expected: `${length}, the size of axis ${at}`,
      fix: 'Check the sizes.',
    })
  }
  let start = 0
  return parts.map((size) => {
    const part = narrow(x, at, start, start + size)
    start += size
    return part
  })
}

/** The whole tensor times[i] times along axis i; with more times than axes, new axes come in front. */
export function repeat(x: Tensor, times: readonly number[]): Tensor {
  checkShape('repeat', times)
  if (times.length < x.rank) {
    fail('shape-mismatch', {
      op: 'repeat',
      received: `${times.length} numbers for ${text(x.shape)}`,
      expected: `at least ${x.rank}`,
      fix: 'Give one for each axis.',
    })
  }
  const aligned = [...new Array<number>(times.length - x.rank).fill(1), ...x.shape]
  const apart = reshapeTo(
    x,
    aligned.flatMap((n) => [1, n]),
  )
  return reshapeTo(
    expandTo(
      apart,
      aligned.flatMap((n, axis) => [times[axis], n]),
    ),
    aligned.map((n, axis) => n * times[axis]),
  )
}

/** The tensors one after the other along an axis; all other sizes must be equal. Types meet in the strongest. */
export function concat(tensors: readonly Tensor[], axis = 0): Tensor {
  if (tensors.length === 0) {
    fail('value-invalid', { what: 'concat', received: 'no tensors', expected: 'at least one', fix: 'Check the list.' })
  }
  const [first] = tensors
  const at = normalizeAxis('concat', axis, first.rank)
  for (const { shape } of tensors) {
    if (shape.length !== first.rank || !shape.every((n, i) => i === at || n === first.shape[i])) {
      fail('shape-mismatch', {
        op: 'concat',
        received: `${text(first.shape)} and ${text(shape)}`,
        expected: `equal sizes on all axes but ${at}`,
        fix: 'Reshape or slice them first.',
      })
    }
  }
  const dtype = tensors.map((tensor) => tensor.dtype).reduce(promote)
  const parts = tensors.map((tensor) => cast(tensor, dtype))
  return parts.length === 1 ? parts[0] : makeNode(moves.concat, parts, { axis: at })
}

/** n tensors of `[...s]` → `[...s]` with a new axis of size n at place `axis`. */
export function stack(tensors: readonly Tensor[], axis = 0): Tensor {
  return concat(
    tensors.map((tensor) => unsqueeze(tensor, axis)),
    axis,
  )
}

/** Sliding windows along an axis: `[.., I, ..] → [.., O, size, ..]`, element (o, k) being o·stride + k·dilation. */
export function windows(x: Tensor, axis: number, size: number, stride = 1, dilation = 1): Tensor {
  const at = normalizeAxis('windows', axis, x.rank)
  checkWhole('windows: size', size, 1)
  checkWhole('windows: stride', stride, 1)
  checkWhole('windows: dilation', dilation, 1)
  return makeNode(moves.window, [x], { axis: at, size, stride, dilation })
}

/** The elements whose indices along axes a and b are equal; their axis comes last. */
export function diagonal(x: Tensor, a = -2, b = -1): Tensor {
  const [i, j] = [a, b].map((axis) => normalizeAxis('diagonal', axis, x.rank))
  if (i === j) fail('axis-repeated', { op: 'diagonal', axes: [i, j] })
  const size = Math.min(x.shape[i], x.shape[j])
  const rest = x.shape.flatMap((_, axis) => (axis === i || axis === j ? [] : [axis]))
  const square = permute(
    slice(
      x,
      x.shape.map((_, axis) => (axis === i || axis === j ? [0, size] : undefined)),
    ),
    [...rest, i, j],
  )
  return makeNode(moves.diagonal, [square], { axis: rest.length })
}
