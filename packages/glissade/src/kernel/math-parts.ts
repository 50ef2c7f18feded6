/**
 * What the functions of math.ts and math-pow.ts are made of: constants of matching lanes, bit patterns,
 * polynomials, and a float taken apart.
 */
import { binary, convert, f32, fma, i32, lt, mul, select, sub, unary } from './build.ts'
import type { Expr } from './ir.ts'

/** The f32 constant `value` in as many lanes as `x` has. */
export const like = (x: Expr, value: number): Expr => f32(value, x.lanes)
/** The i32 constant `value` in as many lanes as `x` has. */
export const likeI32 = (x: Expr, value: number): Expr => i32(value, x.lanes)

export const bits = (x: Expr): Expr => convert('asI32', x)
export const fromBits = (x: Expr): Expr => convert('asF32', x)
export const abs = (x: Expr): Expr => unary('abs', x)
export const shl = (x: Expr, by: number): Expr => binary('shl', x, likeI32(x, by))
export const shr = (x: Expr, by: number): Expr => binary('shr', x, likeI32(x, by))

/** c[0] + x (c[1] + x (c[2] + …)). */
export function polynomial(x: Expr, coefficients: readonly number[]): Expr {
  let sum = like(x, coefficients[coefficients.length - 1])
  for (let i = coefficients.length - 2; i >= 0; i--) sum = fma(sum, x, like(x, coefficients[i]))
  return sum
}

export const exponentBias = 127
export const mantissaBits = 23

/** The bits of sqrt(1/2): mantissas are brought between it and its double. */
const rootHalfBits = 0x3f3504f3
const leastNormal = 2 ** -126

/** x = m · 2^exponent with m in [sqrt(1/2), sqrt(2)), for positive finite x, denormals too. */
export function splitExponent(x: Expr): { mantissa: Expr; exponent: Expr } {
  const tiny = lt(x, like(x, leastNormal))
  const pattern = bits(select(tiny, mul(x, like(x, 2 ** mantissaBits)), x))
  const k = shr(sub(pattern, likeI32(x, rootHalfBits)), mantissaBits)
  const exponent = convert('toF32', k)
  return {
    mantissa: fromBits(sub(pattern, shl(k, mantissaBits))),
    exponent: select(tiny, sub(exponent, like(x, mantissaBits)), exponent),
  }
}
