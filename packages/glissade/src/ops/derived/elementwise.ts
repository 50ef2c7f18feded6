/**
 * The elementwise functions: `[...s] → [...s]`, and for two sides `[...s], [...t] → [...broadcast]`.
 *
 * Each body reads like its formula over the primitives of ops/map.ts. Kinks, beside those of the primitives:
 * relu'(0) = 0; clip passes the gradient at its bounds. Functions of real numbers (exp, sqrt, div …) take int32
 * and bool as float32. A gradient is written by hand (`withGradient`) only where the walk through the formula would
 * lose digits or give NaN.
 */
import { isFloat } from '../../dtype.ts'
import type { Tensor, TensorLike } from '../../tensor.ts'
import { makeNode } from '../../tensor.ts'
import * as maps from '../map.ts'
import type { MapOp } from '../op.ts'
import * as wraps from '../wrap.ts'
import { agree, commonShape, commonType, constant, expandTo, toFloat, toNumber, withGradient } from './common.ts'

export { cast } from './common.ts'

const unary =
  (op: MapOp) =>
  (x: Tensor): Tensor =>
    makeNode(op, [toFloat(x)])
const binary =
  (op: MapOp) =>
  (a: TensorLike, b: TensorLike): Tensor =>
    makeNode(op, agree(op.name, [a, b]))

// ---- two sides ----

export const add = binary(maps.add)
export const sub = binary(maps.sub)
export const mul = binary(maps.mul)
export const floorDiv = binary(maps.floorDiv)
export const mod = binary(maps.mod)
export const maximum = binary(maps.maximum)
export const minimum = binary(maps.minimum)

/** The quotient; whole numbers are divided as float32. */
export function div(a: TensorLike, b: TensorLike): Tensor {
  const dtype = commonType([a, b])
  return makeNode(maps.div, agree('div', [a, b], isFloat(dtype) ? dtype : 'float32'))
}

/** The largest whole exponent that is worth multiplying out: three squarings. */
const longestProduct = 8

/**
 * a to the power of b. An exponent that is a small whole number or ±0.5 becomes products and roots, so that
 * pow(-inf, 0.5) is NaN and not inf; whole numbers stay int32 for exponents 0 to 8, else are taken as float32.
 */
export function pow(a: TensorLike, b: TensorLike): Tensor {
  if (typeof a === 'object' && typeof b === 'number') {
    if (Number.isInteger(b) && Math.abs(b) <= longestProduct) return b < 0 ? reciprocal(product(a, -b)) : product(a, b)
    if (b === 0.5) return sqrt(a)
    if (b === -0.5) return rsqrt(a)
  }
  const dtype = commonType([a, b])
  return makeNode(maps.pow, agree('pow', [a, b], isFloat(dtype) ? dtype : 'float32'))
}

/** x multiplied by itself, n factors in all. */
function product(x: Tensor, n: number): Tensor {
  if (n === 0) return constant(1, x.shape, toNumber(x).dtype)
  if (n === 1) return toNumber(x)
  const half = product(x, Math.floor(n / 2))
  return n % 2 === 0 ? mul(half, half) : mul(mul(half, half), x)
}

/** Into the range from low to high. NaN stays; at a bound the gradient passes. */
export function clip(x: Tensor, low: TensorLike, high: TensorLike): Tensor {
  let y = x
  if (low !== Number.NEGATIVE_INFINITY) y = where(lt(x, low), low, y)
  if (high !== Number.POSITIVE_INFINITY) y = where(lt(high, x), high, y)
  return y.current()
}

// ---- one side ----

export function neg(x: Tensor): Tensor {
  return makeNode(maps.neg, [x])
}
export function abs(x: Tensor): Tensor {
  return makeNode(maps.abs, [x])
}
export function sign(x: Tensor): Tensor {
  return makeNode(maps.sign, [x])
}
export function square(x: Tensor): Tensor {
  return mul(x, x)
}

export const sqrt = unary(maps.sqrt)
export const exp = unary(maps.exp)
export const log = unary(maps.log)
export const sin = unary(maps.sin)
export const cos = unary(maps.cos)
export const atan = unary(maps.atan)
export const tanh = unary(maps.tanh)
export const erf = unary(maps.erf)

export function reciprocal(x: Tensor): Tensor {
  return div(1, x)
}
export function rsqrt(x: Tensor): Tensor {
  return div(1, sqrt(x))
}

/** 2^x. */
export function exp2(x: Tensor): Tensor {
  return exp(mul(toFloat(x), Math.LN2))
}
export function log2(x: Tensor): Tensor {
  return mul(log(x), Math.LOG2E)
}

/** Below this, e^x - 1 loses more than one bit to the subtraction. */
const nearOne = 1

/** e^x - 1, with all digits near 0: there 2t / (1 - t) with t = tanh(x / 2). */
export function expm1(value: Tensor): Tensor {
  const x = toFloat(value)
  const t = tanh(mul(x, 0.5))
  const y = where(lt(abs(x), nearOne), div(mul(t, 2), sub(1, t)), sub(exp(x), 1))
  return withGradient(y, [x], (g) => [mul(g, exp(x))], 'expm1')
}

/**
 * The logarithm of 1 + x, with all digits near 0: the rounding error of u = 1 + x is divided out again
 * (Kahan; Goldberg 1991, "What every computer scientist should know about floating-point arithmetic", theorem 4).
 */
export function log1p(value: Tensor): Tensor {
  const x = toFloat(value)
  const u = add(x, 1)
  const y = where(or(eq(u, 1), eq(x, Number.POSITIVE_INFINITY)), x, mul(log(u), div(x, sub(u, 1))))
  return withGradient(y, [x], (g) => [div(g, add(x, 1))], 'log1p')
}

export function tan(x: Tensor): Tensor {
  return div(sin(x), cos(x))
}

/** The angle from -π/2 to π/2 whose sine is x; NaN beyond ±1, where the gradient is infinite. */
export function asin(value: Tensor): Tensor {
  const x = toFloat(value)
  return withGradient(atan(div(x, oppositeSide(x))), [x], (g) => [div(g, oppositeSide(x))], 'asin')
}

/** The angle from 0 to π whose cosine is x; NaN beyond ±1, where the gradient is infinite. */
export function acos(value: Tensor): Tensor {
  const x = toFloat(value)
  const y = mul(atan(sqrt(div(sub(1, x), add(x, 1)))), 2)
  return withGradient(y, [x], (g) => [neg(div(g, oppositeSide(x)))], 'acos')
}

/** sqrt(1 - x²), with all digits near ±1. */
function oppositeSide(x: Tensor): Tensor {
  return sqrt(mul(sub(1, x), add(x, 1)))
}

/** The hyperbolic sine: near 0, 2t / (1 - t²) with t = tanh(x / 2). Overflows where exp does. */
export function sinh(value: Tensor): Tensor {
  const x = toFloat(value)
  const t = tanh(mul(x, 0.5))
  const y = where(lt(abs(x), nearOne), div(mul(t, 2), sub(1, mul(t, t))), mul(sub(exp(x), exp(neg(x))), 0.5))
  return withGradient(y, [x], (g) => [mul(g, cosh(x))], 'sinh')
}
/** The hyperbolic cosine. Overflows where exp does. */
export function cosh(value: Tensor): Tensor {
  const x = toFloat(value)
  return mul(add(exp(x), exp(neg(x))), 0.5)
}

export function floor(x: Tensor): Tensor {
  return isFloat(x.dtype) ? makeNode(maps.floor, [x]) : toNumber(x)
}
export function ceil(x: Tensor): Tensor {
  return isFloat(x.dtype) ? neg(floor(neg(x))) : toNumber(x)
}
/** The nearest whole number; halves go to the even one. */
export function round(x: Tensor): Tensor {
  return isFloat(x.dtype) ? makeNode(maps.round, [x]) : toNumber(x)
}
/** Towards zero. */
export function trunc(x: Tensor): Tensor {
  return isFloat(x.dtype) ? where(lt(x, 0), ceil(x), floor(x)) : toNumber(x)
}

/** x where it is above 0, else 0. NaN stays NaN, and relu'(0) = 0. */
export function relu(x: Tensor): Tensor {
  // y is above 0 where x is, and NaN where x is: the gradient needs y, which what follows keeps, and neither x nor a mask.
  const y: Tensor = withGradient(where(le(x, 0), 0, x), [x], (g) => [where(le(y, 0), 0, g)], 'relu')
  return y
}

/**
 * 1 / (1 + e^-x). Far below 0 the exponential overflows to inf and the quotient is 0, as it should be; the gradient
 * y (1 - y) is written down because the chain rule would meet 0 · inf there.
 */
export function sigmoid(value: Tensor): Tensor {
  const x = toFloat(value)
  const y: Tensor = withGradient(reciprocal(add(exp(neg(x)), 1)), [x], (g) => [mul(mul(g, y), sub(1, y))], 'sigmoid')
  return y
}

// ---- truth ----

export const lt = binary(maps.lt)
export const le = binary(maps.le)
export const eq = binary(maps.eq)
export function gt(a: TensorLike, b: TensorLike): Tensor {
  return lt(b, a)
}
export function ge(a: TensorLike, b: TensorLike): Tensor {
  return le(b, a)
}
export function ne(a: TensorLike, b: TensorLike): Tensor {
  return not(eq(a, b))
}

function notANumber(x: Tensor): Tensor {
  return isFloat(x.dtype) ? ne(x, x) : constant(0, x.shape, 'bool')
}
function finite(x: Tensor): Tensor {
  return isFloat(x.dtype) ? lt(abs(x), Number.POSITIVE_INFINITY) : constant(1, x.shape, 'bool')
}

export { finite as isFinite, notANumber as isNaN }

/** Both (of bools), or bit by bit (of int32). */
export const and = binary(maps.and)
/** Either (of bools), or bit by bit (of int32). */
export const or = binary(maps.or)
/** One but not both (of bools), or bit by bit (of int32). */
export const xor = binary(maps.xor)
export function not(x: Tensor): Tensor {
  return makeNode(maps.not, [x])
}
/** The bits of x moved up by 0 to 31 places. */
export function shiftLeft(x: Tensor, bits: TensorLike): Tensor {
  return makeNode(maps.shiftLeft, agree('shiftLeft', [toNumber(x), bits]))
}
/** The bits of x moved down by 0 to 31 places, zeros coming in. */
export function shiftRight(x: Tensor, bits: TensorLike): Tensor {
  return makeNode(maps.shiftRight, agree('shiftRight', [toNumber(x), bits]))
}

/** Where `condition` (a bool) is true `a`, else `b`; two numbers give float32. */
export function where(condition: Tensor, a: TensorLike, b: TensorLike): Tensor {
  const shape = commonShape('where', [condition, a, b])
  return makeNode(maps.where, [expandTo(condition, shape), ...agree('where', [a, b], commonType([a, b]), shape)])
}

/** The same value, which no gradient passes. */
export function stopGradient(x: Tensor): Tensor {
  return makeNode(wraps.stopGradient, [x])
}
