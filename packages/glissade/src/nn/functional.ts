/**
 * Activations as functions, each written like its formula and safe for numbers of any size. The layers that apply
 * them: activation.ts, bounded.ts, glu.ts. relu, sigmoid, tanh and softmax are also methods
 * of every tensor.
 *
 * All are x: [...s] → [...s]. Their gradients at kinks are PyTorch's.
 */
import { customGradient } from '../autodiff/custom.ts'
import { zerosLike } from '../create.ts'
import { fail } from '../errors.ts'
import type { Tensor } from '../tensor.ts'

export {
  type CosineOptions,
  cosineSimilarity,
  type DistanceOptions,
  type NormalizeOptions,
  normalize,
  pairwiseDistance,
} from './distances.ts'
export { type DotProductAttentionOptions, scaledDotProductAttention } from './dot-product-attention.ts'
export { sinusoids } from './positions.ts'
export { alibiBias, alibiSlopes, type RotaryOptions, rotary } from './relative-positions.ts'

/** x where it is above 0, else 0; the gradient at 0 is 0. */
export function relu(x: Tensor): Tensor {
  return x.relu()
}

/** x brought into 0 to 6; the gradient at both is 0 (Howard et al. 2017, arXiv 1704.04861). */
export function relu6(x: Tensor): Tensor {
  return hardtanh(x, 0, 6)
}

/** x where it is above 0, else `slope` times x. The gradient at 0 is `slope`. */
export function leakyRelu(x: Tensor, slope = 0.01): Tensor {
  return x.gt(0).where(x, x.mul(slope))
}

/**
 * x where it is above 0, else `weight` times x, where the weight is learned (He et al. 2015, arXiv 1502.01852).
 * x: [B, C, ...s], weight: [C] or [1] → [B, C, ...s]
 */
export function prelu(x: Tensor, weight: Tensor): Tensor {
  const channels = x.rank > 1 ? x.shape[1] : 1
  if (weight.rank > 1 || (weight.size !== 1 && weight.size !== channels)) {
    fail('shape-mismatch', {
      op: 'prelu',
      received: `a weight [${weight.shape.join(', ')}] for [${x.shape.join(', ')}]`,
      expected: `1 number, or ${channels}, one for each channel`,
      fix: 'Check the number of channels.',
    })
  }
  const slopes = weight.reshape(x.rank > 1 ? [weight.size, ...x.shape.slice(2).map(() => 1)] : x.shape.map(() => 1))
  return x.gt(0).where(x, x.mul(slopes))
}

/** x where it is above 0, else alpha (e^x - 1) (Clevert et al. 2016, arXiv 1511.07289). */
export function elu(x: Tensor, alpha = 1): Tensor {
  const positive = x.gt(0)
  // The branch that is not taken must stay finite: 0 times an infinite slope would be a NaN in the gradient.
  return positive.where(x, positive.where(0, x).expm1().mul(alpha))
}

/** The constants for which mean 0 and variance 1 are a fixed point (Klambauer et al. 2017, arXiv 1706.02515). */
const selfNormalizing = { alpha: 1.6732632423543772, scale: 1.0507009873554805 }

/** scale elu(x, alpha) with the two constants that keep mean 0 and variance 1. */
export function selu(x: Tensor): Tensor {
  return elu(x, selfNormalizing.alpha).mul(selfNormalizing.scale)
}

/** x where it is above 0, else alpha (e^(x / alpha) - 1), smooth for every alpha (Barron 2017, arXiv 1704.07483). */
export function celu(x: Tensor, alpha = 1): Tensor {
  if (alpha === 0 || !Number.isFinite(alpha)) {
    fail('value-invalid', {
      what: 'celu: alpha',
      received: String(alpha),
      expected: 'a number other than 0',
      fix: 'Use relu for alpha 0.',
    })
  }
  const positive = x.gt(0)
  return positive.where(x, positive.where(0, x).div(alpha).expm1().mul(alpha))
}

/** x times the part of a normal distribution below x (Hendrycks and Gimpel 2016, arXiv 1606.08415). */
export function gelu(x: Tensor, approximate: 'none' | 'tanh' = 'none'): Tensor {
  if (approximate === 'none') return x.mul(x.mul(Math.SQRT1_2).erf().add(1)).mul(0.5)
  const inner = x.add(x.square().mul(x).mul(0.044715)).mul(Math.sqrt(2 / Math.PI))
  return x.mul(inner.tanh().add(1)).mul(0.5)
}

/** x sigmoid(x), also called swish. */
export function silu(x: Tensor): Tensor {
  return x.mul(x.sigmoid())
}

/** x tanh(softplus(x)) (Misra 2019, arXiv 1908.08681). */
export function mish(x: Tensor): Tensor {
  return x.mul(softplus(x).tanh())
}

/** 1 / (1 + e^-x): into 0 to 1. */
export function sigmoid(x: Tensor): Tensor {
  return x.sigmoid()
}

/** ln sigmoid(x), which no large number takes to -inf. */
export function logSigmoid(x: Tensor): Tensor {
  return x.minimum(0).sub(x.abs().neg().exp().log1p())
}

/** The hyperbolic tangent: into -1 to 1. */
export function tanh(x: Tensor): Tensor {
  return x.tanh()
}

/** ln(1 + e^(beta x)) / beta: a relu with a round corner. Where beta x is above `threshold` it is x itself. */
export function softplus(x: Tensor, beta = 1, threshold = 20): Tensor {
  const scaled = beta === 1 ? x : x.mul(beta)
  // ln(1 + e^z) = max(z, 0) + ln(1 + e^-|z|), in which no exponential overflows.
  const result = scaled.maximum(0).add(scaled.abs().neg().exp().log1p())
  return scaled.gt(threshold).where(x, beta === 1 ? result : result.div(beta))
}

/** x / (1 + |x|): into -1 to 1. */
export function softsign(x: Tensor): Tensor {
  return withSlope(x)
}
const withSlope = customGradient((x: Tensor) => {
  const below = x.abs().add(1)
  // By the quotient rule nearly equal numbers would be subtracted: 1 / (1 + |x|) - |x| / (1 + |x|)².
  return { value: x.div(below), gradient: (g) => [g.div(below.square())] }
})

/** x - tanh(x). */
export function tanhshrink(x: Tensor): Tensor {
  return x.sub(x.tanh())
}

/** x brought nearer to 0 by `lambda`, and 0 where it would pass it; the gradient at both ends is 0. */
export function softshrink(x: Tensor, lambda = 0.5): Tensor {
  checkAtLeastZero('softshrink: lambda', lambda)
  return x
    .abs()
    .le(lambda)
    .where(0, x.sub(x.sign().mul(lambda)))
}

/** x, but 0 where it is within ±lambda. */
export function hardshrink(x: Tensor, lambda = 0.5): Tensor {
  checkAtLeastZero('hardshrink: lambda', lambda)
  return x.abs().le(lambda).where(0, x)
}

/** x brought into `low` to `high`; the gradient at both is 0 (clip passes it there). */
export function hardtanh(x: Tensor, low = -1, high = 1): Tensor {
  if (!(low < high)) {
    fail('value-invalid', {
      what: 'hardtanh',
      received: `${low} to ${high}`,
      expected: 'the lower bound first',
      fix: 'Swap them.',
    })
  }
  return x.le(low).where(low, x.ge(high).where(high, x))
}

/** relu6(x + 3) / 6: a sigmoid of straight lines (Howard et al. 2019, arXiv 1905.02244). */
export function hardsigmoid(x: Tensor): Tensor {
  return x.le(-3).where(0, x.ge(3).where(1, x.div(6).add(0.5)))
}

/** x hardsigmoid(x) (Howard et al. 2019, arXiv 1905.02244). */
export function hardswish(x: Tensor): Tensor {
  // Not as a product: at 3, where hardsigmoid's slope is 0 and the product's is not, the gradient is 1 as above it.
  // Clipped, so that what is not taken has a finite slope.
  const middle = x.clip(-3, 3)
  return x.le(-3).where(0, x.ge(3).where(x, middle.mul(middle.add(3)).div(6)))
}

/** Probabilities along an axis, by default the last. */
export function softmax(x: Tensor, axis = -1): Tensor {
  return x.softmax(axis)
}

/** ln softmax(x), in which no probability is rounded to 0. */
export function logSoftmax(x: Tensor, axis = -1): Tensor {
  return x.logSoftmax(axis)
}

/** softmax(-x): the smallest is the most probable. */
export function softmin(x: Tensor, axis = -1): Tensor {
  return x.neg().softmax(axis)
}

/** x where it is above `limit`, else `value`. */
export function threshold(x: Tensor, limit: number, value: number): Tensor {
  // Not x > limit: a NaN stays.
  return x.le(limit).where(value, x)
}

/**
 * The perceptron's step: 1 where x is above 0, else 0 (Rosenblatt 1958).
 *
 * Its gradient is 0 everywhere, so that nothing below it learns. With `straightThrough` the gradient passes as if
 * the step were the identity (Bengio et al. 2013, arXiv 1308.3432).
 */
export function step(x: Tensor, { straightThrough = false }: { readonly straightThrough?: boolean } = {}): Tensor {
  return straightThrough ? passingStep(x) : stoppingStep(x)
}
const fired = (x: Tensor): Tensor => x.gt(0).cast(x.dtype === 'float64' ? 'float64' : 'float32')
const passingStep = customGradient((x: Tensor) => ({ value: fired(x), gradient: (g) => [g] }))
// Zeros, not none: what stands below a step is still reached, and optimizers do not refuse it.
const stoppingStep = customGradient((x: Tensor) => ({ value: fired(x), gradient: (g) => [zerosLike(g)] }))

/** The two halves of an axis. */
function halves(op: string, x: Tensor, axis: number): [value: Tensor, gate: Tensor] {
  const at = axis < 0 ? axis + x.rank : axis
  if (!(Number.isInteger(at) && at >= 0 && at < x.rank)) fail('axis-range', { op, axis, rank: x.rank })
  if (x.shape[at] % 2 !== 0) {
    fail('shape-mismatch', {
      op,
      received: `${x.shape[at]} elements on axis ${axis} of [${x.shape.join(', ')}]`,
      expected: 'an even number: values, and as many gates',
      fix: 'Make the layer before twice as wide as the result.',
    })
  }
  const [value, gate] = x.split(x.shape[at] / 2, at)
  return [value, gate]
}

/**
 * a sigmoid(b), a and b being the halves of the axis (Dauphin et al. 2017, arXiv 1612.08083).
 * x: [..., 2N, ...] → [..., N, ...]
 */
export function glu(x: Tensor, axis = -1): Tensor {
  const [value, gate] = halves('glu', x, axis)
  return value.mul(gate.sigmoid())
}

/**
 * a relu(b), a and b being the halves of the axis (Shazeer 2020, arXiv 2002.05202).
 * x: [..., 2N, ...] → [..., N, ...]
 */
export function reglu(x: Tensor, axis = -1): Tensor {
  const [value, gate] = halves('reglu', x, axis)
  return value.mul(gate.relu())
}

/**
 * a gelu(b), a and b being the halves of the axis (Shazeer 2020, arXiv 2002.05202).
 * x: [..., 2N, ...] → [..., N, ...]
 */
export function geglu(x: Tensor, axis = -1, approximate: 'none' | 'tanh' = 'none'): Tensor {
  const [value, gate] = halves('geglu', x, axis)
  return value.mul(gelu(gate, approximate))
}

/**
 * a silu(b), a and b being the halves of the axis (Shazeer 2020, arXiv 2002.05202).
 * x: [..., 2N, ...] → [..., N, ...]
 */
export function swiglu(x: Tensor, axis = -1): Tensor {
  const [value, gate] = halves('swiglu', x, axis)
  return value.mul(silu(gate))
}

function checkAtLeastZero(what: string, value: number): void {
  if (value >= 0) return
  fail('value-invalid', { what, received: String(value), expected: 'at least 0', fix: 'Change the argument.' })
}
