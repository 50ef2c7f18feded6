/**
 * First values for parameters: `parameter.assign(init.xavierUniform(parameter.shape))`.
 *
 * Fans are counted as in PyTorch: for a shape [out, in, ...kernel], fan in is in times the kernel's size, fan out is
 * out times it. What the layers use by default: `fanInUniform`.
 */
import { full } from '../create.ts'
import { fail } from '../errors.ts'
import type { RandomOptions } from '../random.ts'
import * as random from '../random.ts'
import { type Shape, sizeOf } from '../shape.ts'
import type { Tensor } from '../tensor.ts'

export { eye, ones, zeros } from '../create.ts'
export { uniform } from '../random.ts'
export { dirac, orthogonal, sparse } from './init-structured.ts'

/** `value` everywhere. */
export function constant(shape: Shape, value: number): Tensor {
  return full(shape, value)
}

/** A normal distribution with the given mean and deviation. */
export function normal(
  shape: Shape,
  { mean = 0, std = 1, ...options }: RandomOptions & { mean?: number; std?: number } = {},
): Tensor {
  return random.normal(shape, { mean, deviation: std, ...options })
}

/** A normal distribution, of which only numbers from `low` to `high` are drawn. */
export function truncNormal(
  shape: Shape,
  {
    mean = 0,
    std = 1,
    low = -2,
    high = 2,
    ...options
  }: RandomOptions & { mean?: number; std?: number; low?: number; high?: number } = {},
): Tensor {
  const [from, to] = [low, high].map((bound) => erf((bound - mean) / (std * Math.SQRT2)))
  if (!(from < to)) {
    const expected = 'bounds with some of the distribution between them'
    fail('value-invalid', {
      what: 'truncNormal',
      received: `${low} to ${high}`,
      expected,
      fix: 'Widen them, or move the mean.',
    })
  }
  // The inverse of the distribution function, at numbers spread evenly between its values at the bounds.
  const even = random.uniform(shape, { low: from, high: to, ...options })
  return inverseErf(even)
    .mul(std * Math.SQRT2)
    .add(mean)
    .clip(low, high)
}

/** Polynomials of Giles (2010), "Approximating the erfinv function": the middle, and the tails. */
const middle = [
  2.81022636e-8, 3.43273939e-7, -3.5233877e-6, -4.39150654e-6, 0.00021858087, -0.00125372503, -0.00417768164,
  0.246640727, 1.50140941,
]
const tails = [
  -0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613, 0.00943887047,
  1.00167406, 2.83297682,
]

/** The number whose error function is x, to about six digits. x: [...s] in (-1, 1) → [...s] */
export function inverseErf(x: Tensor): Tensor {
  const w = x.neg().add(1).mul(x.add(1)).log().neg()
  const horner = (coefficients: readonly number[], at: Tensor): Tensor =>
    coefficients.slice(1).reduce((sum: Tensor, c) => sum.mul(at).add(c), at.mul(0).add(coefficients[0]))
  return w
    .lt(5)
    .where(horner(middle, w.sub(2.5)), horner(tails, w.maximum(5).sqrt().sub(3)))
    .mul(x)
}

/** erf by its series, and by 1 where that is exact in float32; for host numbers. */
function erf(x: number): number {
  if (Math.abs(x) > 4) return Math.sign(x)
  let term = x
  let sum = x
  for (let n = 1; Math.abs(term) > Number.EPSILON * Math.abs(sum); n++) {
    term *= -(x * x) / n
    sum += term / (2 * n + 1)
  }
  return (2 / Math.sqrt(Math.PI)) * sum
}

export interface FanOptions extends RandomOptions {
  /** By how much numbers are larger; default 1. See `calculateGain`. */
  readonly gain?: number
}

/** Uniform within gain sqrt(6 / (fan in + fan out)) (Glorot and Bengio 2010). */
export function xavierUniform(shape: Shape, { gain = 1, ...options }: FanOptions = {}): Tensor {
  const bound = gain * Math.sqrt(6 / (fans(shape).in + fans(shape).out))
  return random.uniform(shape, { low: -bound, high: bound, ...options })
}

/** Normal with deviation gain sqrt(2 / (fan in + fan out)) (Glorot and Bengio 2010). */
export function xavierNormal(shape: Shape, { gain = 1, ...options }: FanOptions = {}): Tensor {
  return random.normal(shape, { deviation: gain * Math.sqrt(2 / (fans(shape).in + fans(shape).out)), ...options })
}

export type Nonlinearity = 'linear' | 'sigmoid' | 'tanh' | 'relu' | 'leakyRelu' | 'selu'

export interface KaimingOptions extends RandomOptions {
  /** Which fan keeps its variance: 'in' forward (the default), 'out' backward. */
  readonly mode?: 'in' | 'out'
  /** What comes after the layer; default 'leakyRelu', which with slope 0 is relu. */
  readonly nonlinearity?: Nonlinearity
  /** The slope of a leaky relu below 0; default 0. */
  readonly slope?: number
}

/** Uniform within gain sqrt(3 / fan) (He et al. 2015, arXiv 1502.01852). */
export function kaimingUniform(
  shape: Shape,
  { mode = 'in', nonlinearity = 'leakyRelu', slope = 0, ...options }: KaimingOptions = {},
): Tensor {
  const bound = calculateGain(nonlinearity, slope) * Math.sqrt(3 / fans(shape)[mode])
  return random.uniform(shape, { low: -bound, high: bound, ...options })
}

/** Normal with deviation gain / sqrt(fan) (He et al. 2015). */
export function kaimingNormal(
  shape: Shape,
  { mode = 'in', nonlinearity = 'leakyRelu', slope = 0, ...options }: KaimingOptions = {},
): Tensor {
  return random.normal(shape, {
    deviation: calculateGain(nonlinearity, slope) / Math.sqrt(fans(shape)[mode]),
    ...options,
  })
}

/**
 * Uniform within 1 / sqrt(fanIn): PyTorch's default for the weights and biases of linear and convolution layers,
 * which it writes as kaimingUniform with slope sqrt(5).
 */
export function fanInUniform(shape: Shape, fanIn: number): Tensor {
  const bound = 1 / Math.sqrt(fanIn)
  return random.uniform(shape, { low: -bound, high: bound })
}

/** By how much weights must be larger for the variance to survive the activation. */
export function calculateGain(nonlinearity: Nonlinearity, slope = 0.01): number {
  const gains: Readonly<Record<Nonlinearity, number>> = {
    linear: 1,
    sigmoid: 1,
    tanh: 5 / 3,
    relu: Math.SQRT2,
    leakyRelu: Math.sqrt(2 / (1 + slope ** 2)),
    selu: 3 / 4,
  }
  if (Object.hasOwn(gains, nonlinearity)) return gains[nonlinearity]
  const expected = `one of ${Object.keys(gains).join(', ')}`
  return fail('value-invalid', {
    what: 'init: nonlinearity',
    received: String(nonlinearity),
    expected,
    fix: 'Take the nearest of these, or draw with a gain of your own.',
  })
}

function fans(shape: Shape): { in: number; out: number } {
  if (shape.length < 2) {
    const received = `[${shape.join(', ')}]`
    fail('shape-mismatch', {
      op: 'init',
      received,
      expected: 'at least two axes, [out, in, ...kernel]',
      fix: 'Use uniform or normal for vectors.',
    })
  }
  const kernel = sizeOf(shape.slice(2))
  return { in: shape[1] * kernel, out: shape[0] * kernel }
}
