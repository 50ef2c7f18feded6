/**
 * float32 exp, log, tanh, erf, sin, cos and atan in the loop-nest language, for any number of lanes.
 *
 * Range reduction and a minimax polynomial each, so that they vectorize wherever multiplication does.
 * Errors stay under 2 ulp with and without a fused `fma` (test/kernel-math.test.ts measures both); a NaN
 * gives a NaN. Coefficients are fits of our own: Remez exchange in float64 for the error named beside
 * them, then rounded to float32 one after the other, the later ones refitted.
 * Also here: pow (math-pow.ts) and threefry (threefry.ts).
 */
import { add, and, convert, div, fma, lt, max, min, mul, neg, or, select, sub, unary, xor } from './build.ts'
import type { Expr } from './ir.ts'
import {
  abs,
  bits,
  exponentBias,
  fromBits,
  like,
  likeI32,
  mantissaBits,
  polynomial,
  shl,
  splitExponent,
} from './math-parts.ts'

export { like } from './math-parts.ts'
export { pow } from './math-pow.ts'
export { threefry } from './threefry.ts'

const signBit = -(2 ** 31)
const signOf = (x: Expr): Expr => and(bits(x), likeI32(x, signBit))
/** `size`, which is not negative, with the sign of `x`. */
const withSignOf = (x: Expr, size: Expr): Expr => fromBits(or(bits(size), signOf(x)))

/**
 * Adding 1.5 · 2^23 to a small float rounds it to an integer, which then stands in the low bits of the
 * sum. `bias` is added to that integer on the way; `scaleFromBits` makes it an exponent.
 */
const roundingShift = 1.5 * 2 ** 23
/** 2^n, where `shifted` is n + bias + roundingShift. */
const scaleFromBits = (shifted: Expr): Expr => fromBits(shl(bits(shifted), mantissaBits))

/** ln 2 in two parts: the first has 10 bits, so that its product with an exponent is exact. */
const ln2High = 0.693359375
const ln2Low = -0.00021219444

/**
 * 2 (e^r - 1 - r) / r² on [-ln 2 / 2, ln 2 / 2]: e^r has a relative error of at most 2^-28.2. The factor
 * 2 lets the scale be half of 2^n, which is finite for every finite result.
 */
const expCoefficients = [0.49999994, 0.16666517, 0.041668106, 0.008369131, 0.0013836435].map((c) => 2 * c)

/**
 * e^x. Exact at 0; overflows to infinity; results below 2^-125.5 (about 1.7e-38) are 0.
 */
export function exp(x: Expr): Expr {
  // Beyond these ends the result is infinite or 0 and the exponent stays within its eight bits.
  const inRange = min(max(x, like(x, -87.6)), like(x, 88.9))
  const bias = roundingShift + exponentBias - 1
  const shifted = fma(inRange, like(x, Math.LOG2E), like(x, bias))
  const n = sub(shifted, like(x, bias))
  const r = fma(n, like(x, -ln2Low), fma(n, like(x, -ln2High), inRange))
  return mul(polynomial(r, [2, 2, ...expCoefficients]), scaleFromBits(shifted))
}

/** (log(1 + f) - f + f²/2) / f³ for 1 + f in [sqrt(1/2), sqrt(2)]: log has a relative error of at most 2^-27.3. */
const logCoefficients = [
  0.3333333, -0.25000823, 0.20001261, -0.16623335, 0.14200948, -0.13159521, 0.12767006, -0.07643168,
]

/** The natural logarithm: -infinity at 0, NaN below. */
export function log(x: Expr): Expr {
  const { mantissa, exponent } = splitExponent(x)
  const f = sub(mantissa, like(x, 1))
  const square = mul(f, f)
  const tail = fma(square, like(x, -0.5), mul(mul(square, f), polynomial(f, logCoefficients)))
  const small = add(f, fma(exponent, like(x, ln2Low), tail))
  const value = fma(exponent, like(x, ln2High), small)
  const positive = select(lt(x, like(x, Number.POSITIVE_INFINITY)), value, x)
  const zero = binaryEqual(x, 0)
  const rest = select(zero, like(x, Number.NEGATIVE_INFINITY), like(x, Number.NaN))
  return select(lt(like(x, 0), x), positive, rest)
}

const binaryEqual = (x: Expr, value: number): Expr => ({
  op: 'compare',
  type: 'mask',
  lanes: x.lanes,
  fn: 'eq',
  a: x,
  b: like(x, value),
})

/** (2^r - 1) / r on [-1/2, 1/2]: 2^r has a relative error of at most 2^-23.3. */
const exp2Coefficients = [0.6931470037, 0.24022225, 0.05550651, 0.009672605, 0.0013302672]

/** 2^y as power · scale, for y within ±126. For results where 2^y is a part of a larger sum. */
function exp2Parts(y: Expr): { power: Expr; scale: Expr } {
  const bias = roundingShift + exponentBias
  const shifted = add(y, like(y, bias))
  const r = sub(y, sub(shifted, like(y, bias)))
  return { power: polynomial(r, [1, ...exp2Coefficients]), scale: scaleFromBits(shifted) }
}

/** (tanh(x) - x) / x³ in x² on [0, 0.68]: tanh has a relative error of at most 2^-26.4. */
const tanhCoefficients = [-0.33333224, 0.1332991, -0.053616147, 0.020251866, -0.0052909418]
const tanhSwitch = 0.68
/** From here on tanh rounds to 1. */
const tanhEnd = 9.2

/** The hyperbolic tangent: a polynomial near 0, 1 - 2 / (e^2x + 1) beyond. */
export function tanh(x: Expr): Expr {
  const size = min(abs(x), like(x, tanhEnd))
  const square = mul(size, size)
  const near = fma(polynomial(square, tanhCoefficients), mul(square, size), size)
  const { power, scale } = exp2Parts(mul(size, like(x, 2 * Math.LOG2E)))
  const far = sub(like(x, 1), div(like(x, 2), fma(power, scale, like(x, 1))))
  return withSignOf(x, select(lt(size, like(x, tanhSwitch)), near, far))
}

/** erf(x) / x - 1 in x² on [0, 1]: erf has a relative error of at most 2^-29.4. */
const erfCoefficients = [0.12837917, -0.37612626, 0.11283579, -0.026853347, 0.005187162, -0.0007997853, 7.806904e-5]
/** log2(1 - erf(x)) on [1, 3.95]: erf has a relative error of at most 2^-25.3. */
const erfcCoefficients = [-0.0037786644, -1.6123867, -0.94386876, -0.12811108, 0.021397915, -0.0016695327]
const erfSwitch = 1
/** From here on erf rounds to 1. */
const erfEnd = 3.95

/** The error function: a polynomial up to 1, 1 - 2^polynomial beyond. */
export function erf(x: Expr): Expr {
  const size = min(abs(x), like(x, erfEnd))
  const near = fma(polynomial(mul(size, size), erfCoefficients), size, size)
  const { power, scale } = exp2Parts(polynomial(size, erfcCoefficients))
  const far = fma(neg(power), scale, like(x, 1))
  return withSignOf(x, select(lt(size, like(x, erfSwitch)), near, far))
}

/**
 * π/2 in five parts of at most 11 bits (the last: 24). The product of each with a quadrant number of up
 * to 13 bits is exact, so the reduced angle keeps full precision up to |x| = 10^4 (Cody and Waite 1980).
 */
const halfPi = [1608 * 2 ** -10, 1014 * 2 ** -21, 1348 * 2 ** -32, 534 * 2 ** -43, 6.223372e-14]
/** (sin(r) - r) / r³ in r² on [0, π/4]: sin has a relative error of at most 2^-27.9. */
const sinCoefficients = [-0.16666655, 0.008332187, -0.00019517897]
/** (cos(r) - 1 + r²/2) / r⁴ in r² on [0, π/4]: cos has a relative error of at most 2^-33.0. */
const cosCoefficients = [0.041666646, -0.001388731, 2.4432327e-5]

/**
 * The sine. The error stays under 2 ulp for |x| up to 10^4; beyond, the angle loses precision as x grows,
 * and the result stays within [-1, 1] but means nothing from about 10^7. NaN at infinity.
 */
export function sin(x: Expr): Expr {
  const { quadrant, sine, cosine } = reduced(x)
  const value = select(oddLanes(quadrant), cosine, sine)
  return fromBits(xor(bits(value), xor(turned(quadrant), signOf(x))))
}

/** The cosine; precise as `sin` is. */
export function cos(x: Expr): Expr {
  const { quadrant, sine, cosine } = reduced(x)
  const value = select(oddLanes(quadrant), sine, cosine)
  return fromBits(xor(bits(value), turned(add(quadrant, likeI32(x, 1)))))
}

const oddLanes = (n: Expr): Expr => convert('i32ToMask', and(n, likeI32(n, 1)))
/** The sign bit where the second bit of `quadrant` is set. */
const turned = (quadrant: Expr): Expr => shl(and(quadrant, likeI32(quadrant, 2)), 30)

/** |x| = quadrant · π/2 + r, and the sine and cosine of r. */
function reduced(x: Expr): { quadrant: Expr; sine: Expr; cosine: Expr } {
  const size = abs(x)
  const n = unary('round', mul(size, like(x, 2 / Math.PI)))
  const part = (i: number): Expr => like(x, -halfPi[i])
  const coarse = fma(n, part(1), fma(n, part(0), size))
  // The first rounding is here; what it loses joins the smaller parts.
  const middle = fma(n, part(2), coarse)
  const lost = fma(n, part(2), sub(coarse, middle))
  const fine = fma(n, part(4), add(middle, fma(n, part(3), lost)))
  const r = min(max(fine, like(x, -1)), like(x, 1))
  const square = mul(r, r)
  return {
    quadrant: convert('toI32', n),
    sine: fma(mul(r, square), polynomial(square, sinCoefficients), r),
    cosine: fma(mul(square, square), polynomial(square, cosCoefficients), fma(square, like(x, -0.5), like(x, 1))),
  }
}

/** (atan(x) - x) / x³ in x² on [0, 1]: atan has a relative error of at most 2^-25.8. */
const atanCoefficients = [
  -0.33333153, 0.19993767, -0.14211008, 0.10665826, -0.07551856, 0.043207914, -0.016365655, 0.0029201568,
]

/** The arc tangent, in (-π/2, π/2); beyond 1 by way of 1 / x. */
export function atan(x: Expr): Expr {
  const size = abs(x)
  const steep = lt(like(x, 1), size)
  const t = select(steep, div(like(x, 1), size), size)
  const square = mul(t, t)
  const angle = fma(polynomial(square, atanCoefficients), mul(square, t), t)
  const complement = add(sub(like(x, Math.PI / 2), angle), like(x, Math.PI / 2 - Math.fround(Math.PI / 2)))
  return withSignOf(x, select(steep, complement, angle))
}
