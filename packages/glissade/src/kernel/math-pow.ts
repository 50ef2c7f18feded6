/**
 * float32 pow in the loop-nest language: 2^(y log2 |x|), the product in two floats, then C's rules.
 *
 * A relative error of 1e-6 at a result of e^80 needs log2 |x| to some 2^-29, more than one float holds.
 * So logarithm and product are pairs: a float cut to 12 bits, whose product with another such is exact
 * whether or not `fma` is fused, and a small rest. What it shares with log: math-parts.ts.
 */
import {
  add,
  and,
  compare,
  convert,
  div,
  eq,
  f32,
  fma,
  i32,
  lt,
  max,
  min,
  mul,
  not,
  or,
  select,
  sub,
  unary,
  xor,
} from './build.ts'
import type { Expr } from './ir.ts'
import { abs, bits, fromBits, like, likeI32, polynomial, shl, shr, splitExponent } from './math-parts.ts'

const headMask = ~0xfff
/** `x` cut to its 12 leading bits. */
const head = (x: Expr): Expr => fromBits(and(bits(x), likeI32(x, headMask)))

/** log2(e) in two parts, the first of 12 bits. */
const log2eHigh = 2954 / 2 ** 11
const log2eLow = 0.0003122284
/** (log((1 + s) / (1 - s)) - 2s) / s³ in s² for |s| up to 0.1716: a relative error of the logarithm of 2^-35. */
const logCoefficients = [0.6666666, 0.40000972, 0.28498793, 0.24278857]
/** (2^r - 1) / r on [-1/2, 1/2]: 2^r has a relative error of at most 2^-27.5. */
const exp2Coefficients = [0.69314724, 0.24022655, 0.055502728, 0.009617065, 0.0013417855, 0.00015822283]

/** log2 of the positive finite `x` as high + low, where high has 12 bits. */
function log2Pair(x: Expr): { high: Expr; low: Expr } {
  const { mantissa, exponent } = splitExponent(x)
  const one = like(x, 1)
  // s = (m - 1) / (m + 1) as a head and the quotient of what the head leaves.
  const f = sub(mantissa, one)
  const sum = add(mantissa, one)
  const s = div(f, sum)
  const sHead = head(s)
  const sumHead = head(sum)
  const sumRest = sub(mantissa, sub(sumHead, one))
  const left = sub(sub(f, mul(sHead, sumHead)), mul(sHead, sumRest))
  const sRest = div(left, sum)
  const square = mul(s, s)
  const small = fma(mul(square, s), polynomial(square, logCoefficients), add(sRest, sRest))
  const twice = add(sHead, sHead)
  const high = mul(twice, like(x, log2eHigh))
  const low = fma(small, like(x, Math.LOG2E), mul(twice, like(x, log2eLow)))
  const total = add(exponent, high)
  const lost = add(sub(high, sub(total, exponent)), low)
  const cut = head(add(total, lost))
  return { high: cut, low: sub(lost, sub(cut, total)) }
}

/** Past this size of y every power of a float other than 1 is 0, infinite, or 1 to the last bit. */
const largest = 2 ** 64
/** 2^z is infinite above the second and 0 below the first. */
const exponentRange = [-160, 160] as const

/** x^y for positive x that is neither 0 nor infinite. */
function positivePower(x: Expr, y: Expr): Expr {
  const { high, low } = log2Pair(x)
  const exponent = min(max(y, like(y, -largest)), like(y, largest))
  const exponentHead = head(exponent)
  const product = mul(exponentHead, high)
  const rest = fma(sub(exponent, exponentHead), high, mul(exponent, low))
  const [least, greatest] = exponentRange
  const whole = min(max(add(product, rest), like(x, least)), like(x, greatest))
  const n = unary('round', whole)
  const inside = and(lt(like(x, least), whole), lt(whole, like(x, greatest)))
  const r = select(inside, add(sub(product, n), rest), like(x, 0))
  // Two factors, so that neither overflows before the result does, and small results lose bits gradually.
  const k = convert('toI32', n)
  const half = shr(k, 1)
  const scale = (by: Expr): Expr => fromBits(shl(add(by, likeI32(by, 127)), 23))
  return mul(mul(polynomial(r, [1, ...exp2Coefficients]), scale(half)), scale(sub(k, half)))
}

/**
 * x to the power y, with the rules of C: pow(x, 0) = pow(1, y) = 1 even for NaN; a negative x needs an
 * integer y, else NaN; zeros and infinities keep the sign of an odd power.
 */
export function pow(x: Expr, y: Expr): Expr {
  const lanes = x.lanes
  const zero = f32(0, lanes)
  const one = f32(1, lanes)
  const infinity = f32(Number.POSITIVE_INFINITY, lanes)
  const size = abs(x)
  const isInteger = eq(unary('floor', y), y)
  const halved = mul(y, f32(0.5, lanes))
  const isOdd = and(isInteger, not(eq(unary('floor', halved), halved)))

  const isZero = eq(size, zero)
  const extreme = or(isZero, eq(size, infinity))
  const grows = or(and(isZero, lt(y, zero)), and(not(isZero), lt(zero, y)))
  const magnitude = select(extreme, select(grows, infinity, zero), positivePower(size, y))
  const sign = select(isOdd, and(bits(x), i32(-(2 ** 31), lanes)), i32(0, lanes))
  const signed = fromBits(xor(bits(magnitude), sign))

  const undefinedRoot = and(and(lt(x, zero), not(extreme)), not(isInteger))
  const isNumber = and(and(compare('eq', x, x), compare('eq', y, y)), not(undefinedRoot))
  const general = select(isNumber, signed, f32(Number.NaN, lanes))
  return select(or(eq(y, zero), eq(x, one)), one, general)
}
