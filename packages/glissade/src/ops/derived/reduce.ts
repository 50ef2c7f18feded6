/**
 * The reductions as users call them, and what is made of them: means, softmax, arg-max, running sums.
 *
 * `x: [...s] → [...s without the axes]`, or with size 1 there if `keepDims`. Without axes all are reduced. What an
 * empty reduction gives stands in ops/reduce.ts; a mean of nothing is NaN. Reductions of bool count in int32.
 */
import { isFloat } from '../../dtype.ts'
import { fail } from '../../errors.ts'
import { normalizeAxes, normalizeAxis, sizeOf } from '../../shape.ts'
import type { Axes, ReduceOptions, Tensor } from '../../tensor.ts'
import { makeNode } from '../../tensor.ts'
import { cumsum as cumsumOp } from '../loop.ts'
import type { ReduceOp } from '../op.ts'
import * as reductions from '../reduce.ts'
import { cast, expandTo, iota, reshapeTo, toFloat, toNumber, withGradient } from './common.ts'
import {
  add,
  div,
  eq,
  exp,
  isFinite as finite,
  gt,
  log,
  mul,
  ne,
  isNaN as notANumber,
  or,
  sqrt,
  stopGradient,
  sub,
  where,
} from './elementwise.ts'

/** Axes of size 1 need no reduction; the others are folded, and come back with size 1 if they are kept. */
const reduction =
  (op: ReduceOp) =>
  (input: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor => {
    const x = toNumber(input)
    const all = normalizeAxes(op.name, axes, x.rank)
    const folded = all.filter((axis) => x.shape[axis] !== 1)
    const y = folded.length === 0 ? x : makeNode(op, [x], { axes: folded })
    return reshapeTo(
      y,
      options.keepDims
        ? x.shape.map((n, axis) => (all.includes(axis) ? 1 : n))
        : x.shape.filter((_, axis) => !all.includes(axis)),
    )
  }

export const sum = reduction(reductions.sum)
export const prod = reduction(reductions.prod)
export const max = reduction(reductions.max)
export const min = reduction(reductions.min)

/** How many elements are folded into one. */
function count(op: string, x: Tensor, axes?: Axes): number {
  return sizeOf(normalizeAxes(op, axes, x.rank).map((axis) => x.shape[axis]))
}

export function mean(x: Tensor, axes?: Axes, options?: ReduceOptions): Tensor {
  return div(sum(toFloat(x), axes, options), count('mean', x, axes))
}

/** Whether any element is not 0; false for none. */
export function any(x: Tensor, axes?: Axes, options?: ReduceOptions): Tensor {
  return gt(max(cast(ne(x, 0), 'int32'), axes, options), 0)
}

/** Whether no element is 0; true for none. */
export function all(x: Tensor, axes?: Axes, options?: ReduceOptions): Tensor {
  return gt(min(cast(ne(x, 0), 'int32'), axes, options), 0)
}

/** The mean squared distance from the mean, over count - correction; NaN where that is not above 0. */
export function variance(input: Tensor, axes?: Axes, options: ReduceOptions & { correction?: number } = {}): Tensor {
  const x = toFloat(input)
  const distance = sub(x, mean(x, axes, { keepDims: true }))
  const freedom = Math.max(0, count('variance', x, axes) - (options.correction ?? 1))
  return div(sum(mul(distance, distance), axes, options), freedom)
}

/** The square root of the variance; its gradient is not finite where all elements are equal. */
export function std(x: Tensor, axes?: Axes, options?: ReduceOptions & { correction?: number }): Tensor {
  return sqrt(variance(x, axes, options))
}

/** The largest element, with the axes kept, as a shift for exp: 0 where it is not finite. No gradient passes. */
function shiftOf(x: Tensor, axes?: Axes): Tensor {
  const largest = max(stopGradient(x), axes, { keepDims: true })
  return where(finite(largest), largest, 0)
}

/** The logarithm of the sum of e^x; -inf where all are -inf, with gradient 0. */
export function logSumExp(input: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor {
  const x = toFloat(input)
  const shift = shiftOf(x, axes)
  const total = sum(exp(sub(x, shift)), axes, { keepDims: true })
  const none = eq(total, 0)
  const y = add(where(none, Number.NEGATIVE_INFINITY, log(where(none, 1, total))), shift)
  return options.keepDims
    ? y
    : reshapeTo(
        y,
        x.shape.filter((_, axis) => !normalizeAxes('logSumExp', axes, x.rank).includes(axis)),
      )
}

/**
 * e^x over its sum along the axis: positive, adding up to 1. A row of nothing but -inf gives zeros. The gradient
 * y (g - Σ g y) needs nothing but the result, where the way through the formula would keep e^x and the sums too.
 */
export function softmax(input: Tensor, axis = -1): Tensor {
  const x = toFloat(input)
  const at = normalizeAxis('softmax', axis, x.rank)
  const e = exp(sub(x, shiftOf(x, at)))
  const total = sum(e, at, { keepDims: true })
  const y: Tensor = withGradient(
    div(e, where(eq(total, 0), 1, total)),
    [x],
    (g) => [mul(y, sub(g, sum(mul(g, y), at, { keepDims: true })))],
    'softmax',
  )
  return y
}

/** The logarithm of softmax, finite where x is. A row of nothing but -inf stays so. */
export function logSoftmax(input: Tensor, axis = -1): Tensor {
  const x = toFloat(input)
  const at = normalizeAxis('logSoftmax', axis, x.rank)
  const shifted = sub(x, shiftOf(x, at))
  const total = sum(exp(shifted), at, { keepDims: true })
  return sub(shifted, log(where(eq(total, 0), 1, total)))
}

/** int32: the first place of the largest element along the axis. NaN counts as the largest. */
export function argMax(x: Tensor, axis = -1, options?: ReduceOptions): Tensor {
  return firstPlace('argMax', x, axis, max, options)
}

/** int32: the first place of the smallest element along the axis. NaN counts as the smallest. */
export function argMin(x: Tensor, axis = -1, options?: ReduceOptions): Tensor {
  return firstPlace('argMin', x, axis, min, options)
}

function firstPlace(op: string, input: Tensor, axis: number, extreme: typeof max, options?: ReduceOptions): Tensor {
  const x = stopGradient(toNumber(input))
  const at = normalizeAxis(op, axis, x.rank)
  const length = x.shape[at]
  if (length === 0) {
    fail('value-invalid', {
      what: op,
      received: `axis ${at} of [${x.shape.join(', ')}], which is empty`,
      expected: 'at least one element',
      fix: 'Check the input.',
    })
  }
  const found = eq(x, expandTo(extreme(x, at, { keepDims: true }), x.shape))
  const here = isFloat(x.dtype) ? or(found, notANumber(x)) : found
  return min(where(here, iota(x.shape, at), length), at, options)
}

/** Running sums: each element is the sum of those up to and with it along the axis. */
export function cumsum(x: Tensor, axis = -1): Tensor {
  return makeNode(cumsumOp, [toNumber(x)], { axis: normalizeAxis('cumsum', axis, x.rank) })
}
