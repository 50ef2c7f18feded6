/**
 * The elementwise primitives: one record each. Users call the functions in derived/elementwise.ts, which
 * broadcast and promote; here all shapes and types already agree.
 *
 * Kinks: abs'(0) = 0, sign' = floor' = round' = 0, sqrt'(0) = +inf, ties of maximum and minimum give
 * half of the gradient to each side, pow(0, 0) = 1 with gradient 0 by the base.
 */
import { type DType, isFloat } from '../dtype.ts'
import { fail } from '../errors.ts'
import type { Shape } from '../shape.ts'
import type { Tensor } from '../tensor.ts'
import type { MapOp } from './op.ts'

type Gradient = MapOp['gradient']

const sameAsFirst = (shapes: readonly Shape[]): Shape => shapes[0]

/** Which types an op takes, and the fix to offer for the others. */
const domains = {
  any: ['float32', 'float64', 'int32', 'bool'],
  number: ['float32', 'float64', 'int32'],
  float: ['float32', 'float64'],
  integral: ['int32', 'bool'],
  bool: ['bool'],
} as const satisfies Record<string, readonly DType[]>

function record(
  name: string,
  arity: number,
  domain: keyof typeof domains,
  doc: string,
  scalar: MapOp['scalar'],
  more: { gradient?: Gradient; cost?: number; result?: DType; neutral?: MapOp['neutral']; absorbing?: MapOp['absorbing'] } = {},
): MapOp {
  const accepted: readonly DType[] = domains[domain]
  return {
    kind: 'map',
    name,
    doc,
    arity,
    scalar,
    ...(more.cost !== undefined && { cost: more.cost }),
    ...(more.neutral && { neutral: more.neutral }),
    ...(more.absorbing && { absorbing: more.absorbing }),
    ...(more.gradient && { gradient: more.gradient }),
    shape: sameAsFirst,
    dtype: (inputs) => {
      for (const received of inputs) {
        if (!accepted.includes(received)) {
          fail('dtype-mismatch', { op: name, received, expected: accepted.join(' or '), fix: `Cast with .cast('${accepted[0]}').` })
        }
      }
      return more.result ?? inputs[0]
    },
  }
}

const wrap = (value: number, dtype: DType): number => (isFloat(dtype) ? value : value | 0)

// ---- one input ----

export const neg = record('neg', 1, 'number', 'The number with the other sign.', ([x], d) => wrap(-x, d), { gradient: (g) => [g.neg()] })
export const abs = record('abs', 1, 'number', 'The distance from 0.', ([x], d) => wrap(Math.abs(x), d), {
  gradient: (g, { inputs: [x] }) => [g.mul(x.sign())],
})
export const sign = record('sign', 1, 'number', '-1, 0 or 1; NaN stays NaN.', ([x]) => (Number.isNaN(x) ? x : x > 0 ? 1 : x < 0 ? -1 : 0), {
  cost: 3,
  gradient: () => [undefined],
})
export const floor = record('floor', 1, 'float', 'The largest whole number not above x.', ([x]) => Math.floor(x), { gradient: () => [undefined] })
export const round = record('round', 1, 'float', 'The nearest whole number; halves go to the even one.', ([x]) => roundHalfEven(x), { gradient: () => [undefined] })
export const sqrt = record('sqrt', 1, 'float', 'The square root; NaN below 0.', ([x]) => Math.sqrt(x), {
  cost: 4,
  gradient: (g, y) => [g.div(y.mul(2))],
})
export const exp = record('exp', 1, 'float', 'e to the power of x.', ([x]) => Math.exp(x), { cost: 12, gradient: (g, y) => [g.mul(y)] })
export const log = record('log', 1, 'float', 'The natural logarithm; -inf at 0, NaN below.', ([x]) => Math.log(x), {
  cost: 14,
  gradient: (g, { inputs: [x] }) => [g.div(x)],
})
export const sin = record('sin', 1, 'float', 'The sine of an angle in radians.', ([x]) => Math.sin(x), {
  cost: 16,
  gradient: (g, { inputs: [x] }) => [g.mul(x.cos())],
})
export const cos = record('cos', 1, 'float', 'The cosine of an angle in radians.', ([x]) => Math.cos(x), {
  cost: 16,
  gradient: (g, { inputs: [x] }) => [g.mul(x.sin()).neg()],
})
export const atan = record('atan', 1, 'float', 'The angle, in radians, whose tangent is x.', ([x]) => Math.atan(x), {
  cost: 14,
  gradient: (g, { inputs: [x] }) => [g.div(x.mul(x).add(1))],
})
export const tanh = record('tanh', 1, 'float', 'The hyperbolic tangent.', ([x]) => Math.tanh(x), {
  cost: 14,
  gradient: (g, y) => [g.mul(y.mul(y).neg().add(1))],
})
export const erf = record('erf', 1, 'float', 'The error function, 2/sqrt(pi) times the integral of exp(-t^2) from 0 to x.', ([x]) => erfReference(x), {
  cost: 18,
  // d erf(x) = 2/sqrt(pi) exp(-x^2)
  gradient: (g, { inputs: [x] }) => [g.mul(x.mul(x).neg().exp()).mul(2 / Math.sqrt(Math.PI))],
})
export const not = record('not', 1, 'bool', 'True where x is false.', ([x]) => (x === 0 ? 1 : 0))

// ---- two inputs ----

export const add = record('add', 2, 'number', 'The sum.', ([a, b], d) => wrap(a + b, d), {
  neutral: [0, 0],
  absorbing: [-Infinity, -Infinity],
  gradient: (g) => [g, g],
})
export const sub = record('sub', 2, 'number', 'The difference.', ([a, b], d) => wrap(a - b, d), {
  neutral: [0, undefined],
  absorbing: [-Infinity, undefined],
  gradient: (g) => [g, g.neg()],
})
export const mul = record('mul', 2, 'number', 'The product; whole numbers wrap around at 32 bits.', ([a, b], d) => (isFloat(d) ? a * b : Math.imul(a, b)), {
  neutral: [1, 1],
  absorbing: [0, 0],
  gradient: (g, { inputs: [a, b] }) => [g.mul(b), g.mul(a)],
})
export const div = record('div', 2, 'float', 'The quotient.', ([a, b]) => a / b, {
  neutral: [1, undefined],
  absorbing: [0, undefined],
  cost: 4,
  gradient: (g, y) => [g.div(y.inputs[1]), g.mul(y).div(y.inputs[1]).neg()],
})
export const floorDiv = record(
  'floorDiv', 2, 'number', 'The quotient rounded down; whole numbers by 0 give 0.',
  ([a, b], d) => (isFloat(d) ? Math.floor(a / b) : b === 0 ? 0 : Math.floor(a / b) | 0),
  { cost: 5, gradient: () => [undefined, undefined] },
)
export const mod = record(
  'mod', 2, 'number', 'What is left of a after floorDiv(a, b) times b: it has the sign of b.',
  ([a, b], d) => {
    if (isFloat(d)) return a - b * Math.floor(a / b)
    return b === 0 ? 0 : (a - Math.imul(Math.floor(a / b), b)) | 0
  },
  // d mod / db = -floorDiv(a, b)
  { cost: 7, gradient: (g, { inputs: [a, b] }) => [g, g.mul(a.floorDiv(b)).neg()] },
)
export const pow = record('pow', 2, 'float', 'The base a to the power of b, with the special cases of C.', ([a, b]) => powReference(a, b), {
  cost: 40,
  gradient: (g, y) => {
    const [a, b] = y.inputs
    // By the base: b a^(b-1), and 0 where b = 0. By the exponent: a^b ln a, and 0 where a = 0 <= b.
    const byBase = b.eq(0).where(0, b.mul(a.pow(b.sub(1))))
    const zero = a.eq(0).and(b.ge(0))
    const byExponent = zero.where(0, y.mul(zero.where(1, a).log()))
    return [g.mul(byBase), g.mul(byExponent)]
  },
})
export const maximum = record('maximum', 2, 'number', 'The larger; NaN if either is NaN.', ([a, b]) => Math.max(a, b), {
  cost: 2,
  gradient: (g, { inputs: [a, b] }) => pick(g, a, b, a.gt(b)),
})
export const minimum = record('minimum', 2, 'number', 'The smaller; NaN if either is NaN.', ([a, b]) => Math.min(a, b), {
  cost: 2,
  gradient: (g, { inputs: [a, b] }) => pick(g, a, b, a.lt(b)),
})
export const and = record('and', 2, 'integral', 'Both (of bools), or bit by bit.', ([a, b]) => a & b)
export const or = record('or', 2, 'integral', 'Either (of bools), or bit by bit.', ([a, b]) => a | b)
export const xor = record('xor', 2, 'integral', 'One but not both, or bit by bit.', ([a, b]) => a ^ b)
export const shiftLeft = record('shiftLeft', 2, 'integral', 'The bits of a moved up by b (0 to 31).', ([a, b]) => a << b)
export const shiftRight = record('shiftRight', 2, 'integral', 'The bits of a moved down by b (0 to 31), zeros coming in.', ([a, b]) => (a >>> b) | 0)
export const lt = record('lt', 2, 'any', 'Whether a < b.', ([a, b]) => Number(a < b), { result: 'bool' })
export const le = record('le', 2, 'any', 'Whether a <= b.', ([a, b]) => Number(a <= b), { result: 'bool' })
export const eq = record('eq', 2, 'any', 'Whether a = b; NaN equals nothing.', ([a, b]) => Number(a === b), { result: 'bool' })

// ---- three inputs ----

export const where: MapOp = {
  ...record('where', 3, 'any', 'The second input where the first is true, else the third.', ([c, a, b]) => (c !== 0 ? a : b), {
    gradient: (g, { inputs: [c] }) => [undefined, c.where(g, 0), c.where(0, g)],
  }),
  dtype: ([condition, a, b]) => {
    if (condition !== 'bool' || a !== b) {
      fail('dtype-mismatch', {
        op: 'where',
        received: `a ${condition} condition, values of ${a} and ${b}`,
        expected: 'a bool condition and two values of one type',
        fix: 'Compare to get a bool, cast the values.',
      })
    }
    return a
  },
}

// ---- between types ----

const casts = Object.fromEntries(
  domains.any.map((to): [DType, MapOp] => [
    to,
    record(`castTo${to[0].toUpperCase()}${to.slice(1)}`, 1, 'any', `The value as ${to}: towards zero to int32, 0 is false and all else true to bool.`, ([x]) => convert(x, to), {
      result: to,
      gradient: (g, { inputs: [x] }) => [isFloat(x.dtype) && isFloat(to) ? g.cast(x.dtype) : undefined],
    }),
  ]),
) as Record<DType, MapOp>
export const { float32: castToFloat32, int32: castToInt32, bool: castToBool, float64: castToFloat64 } = casts

/** The op that casts to `dtype`. */
export function castTo(dtype: DType): MapOp {
  return casts[dtype]
}

/** The gradient of maximum and minimum: to `a` where `chosen`, to `b` where not, half each where equal. */
function pick(g: Tensor, a: Tensor, b: Tensor, chosen: Tensor): Tensor[] {
  const half = g.mul(0.5)
  const tie = a.eq(b)
  return [tie.where(half, chosen.where(g, 0)), tie.where(half, chosen.where(0, g))]
}

function convert(x: number, to: DType): number {
  if (isFloat(to)) return x // the reference computes every float type in float64
  if (to === 'bool') return x === 0 ? 0 : 1
  return Number.isNaN(x) ? 0 : Math.max(-2147483648, Math.min(2147483647, Math.trunc(x)))
}

function roundHalfEven(x: number): number {
  const below = Math.floor(x)
  if (x - below !== 0.5) return Math.round(x)
  return below % 2 === 0 ? below : below + 1
}

/** C's pow: JavaScript's differs only where the base is 1 or -1. */
function powReference(a: number, b: number): number {
  if (a === 1 || (a === -1 && !Number.isFinite(b) && !Number.isNaN(b))) return 1
  return a ** b
}

/** erf by its Taylor series near 0 and the continued fraction of erfc beyond (Abramowitz and Stegun 7.1.5, 7.1.14). */
export function erfReference(x: number): number {
  const z = Math.abs(x)
  if (Number.isNaN(x)) return x
  if (z > 6) return Math.sign(x)
  if (z < 2.5) {
    let term = z
    let sum = z
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum) && n < 200; n++) {
      term *= (-z * z) / n
      sum += term / (2 * n + 1)
    }
    return Math.sign(x) * (2 / Math.sqrt(Math.PI)) * sum
  }
  let fraction = 0
  for (let n = 60; n >= 1; n--) fraction = n / 2 / (z + fraction)
  return Math.sign(x) * (1 - Math.exp(-z * z) / (Math.sqrt(Math.PI) * (z + fraction)))
}
