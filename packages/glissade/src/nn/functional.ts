/**
 * Activations as functions, each written like its formula and safe for numbers of any size. The layers that apply
 * them: activation.ts. relu, sigmoid, tanh and softmax are methods of every tensor.
 *
 * All are x: [...s] → [...s].
 */
import type { Tensor } from '../tensor.ts'

/** x where it is above 0, else `slope` times x. The gradient at 0 is `slope`. */
export function leakyRelu(x: Tensor, slope = 0.01): Tensor {
  return x.gt(0).where(x, x.mul(slope))
}

/** x where it is above 0, else alpha (e^x - 1) (Clevert et al. 2016, arXiv 1511.07289). */
export function elu(x: Tensor, alpha = 1): Tensor {
  const positive = x.gt(0)
  // The branch that is not taken must stay finite: 0 times an infinite slope would be a NaN in the gradient.
  return positive.where(x, positive.where(0, x).expm1().mul(alpha))
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

/** ln(1 + e^(beta x)) / beta: a relu with a round corner. */
export function softplus(x: Tensor, beta = 1): Tensor {
  const scaled = beta === 1 ? x : x.mul(beta)
  // ln(1 + e^z) = max(z, 0) + ln(1 + e^-|z|), in which no exponential overflows.
  const result = scaled.maximum(0).add(scaled.abs().neg().exp().log1p())
  return beta === 1 ? result : result.div(beta)
}
