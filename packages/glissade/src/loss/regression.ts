/** Losses for numbers: how far a prediction is from its target. For classes: classification.ts, binary.ts. */
import { fail } from '../errors.ts'
import { sameShape } from '../shape.ts'
import type { Tensor } from '../tensor.ts'
import { checkNumber, checkSameShape, type Reduction, reduceLoss } from './reduction.ts'

export interface LossOptions {
  /** Default 'mean', over all elements. */
  readonly reduction?: Reduction
}

/** The mean squared error. prediction, target: [...s] → [] */
export function mse(prediction: Tensor, target: Tensor, { reduction = 'mean' }: LossOptions = {}): Tensor {
  checkSameShape('mse', prediction, target)
  return reduceLoss(prediction.sub(target).square(), reduction)
}

/** The mean absolute error; its gradient is 0 where both are equal. prediction, target: [...s] → [] */
export function l1(prediction: Tensor, target: Tensor, { reduction = 'mean' }: LossOptions = {}): Tensor {
  checkSameShape('l1', prediction, target)
  return reduceLoss(prediction.sub(target).abs(), reduction)
}

/**
 * Squared where the error d is small, absolute where it is large: d^2 / (2 beta) below beta, |d| - beta / 2 above
 * (Girshick 2015, arXiv 1504.08083). prediction, target: [...s] → []
 */
export function smoothL1(
  prediction: Tensor,
  target: Tensor,
  { reduction = 'mean', beta = 1 }: LossOptions & { readonly beta?: number } = {},
): Tensor {
  checkSameShape('smoothL1', prediction, target)
  checkNumber('smoothL1: beta', beta, beta >= 0, 'a number of at least 0')
  if (beta === 0) return l1(prediction, target, { reduction })
  return reduceLoss(rounded(prediction.sub(target), beta).div(beta), reduction)
}

/**
 * The same scaled by delta: d^2 / 2 below delta, delta (|d| - delta / 2) above (Huber 1964).
 * prediction, target: [...s] → []
 */
export function huber(
  prediction: Tensor,
  target: Tensor,
  { reduction = 'mean', delta = 1 }: LossOptions & { readonly delta?: number } = {},
): Tensor {
  checkSameShape('huber', prediction, target)
  checkNumber('huber: delta', delta, delta > 0, 'a number above 0')
  return reduceLoss(rounded(prediction.sub(target), delta), reduction)
}

/** d^2 / 2 up to `bound`, in a straight line from there: z (|d| - z / 2) with z = min(|d|, bound), which squares nothing large. */
function rounded(difference: Tensor, bound: number): Tensor {
  const size = difference.abs()
  const z = size.minimum(bound)
  return z.mul(size.sub(z.mul(0.5)))
}

/**
 * The pinball loss: its least is where the share q of targets lies below the prediction (Koenker and Bassett 1978).
 *
 * q e where the target is higher by e, (1 - q) |e| where it is lower. With several quantiles the prediction has one
 * more axis for them. prediction: [...s] or [...s, Q], target: [...s] → []
 */
export function quantile(
  prediction: Tensor,
  target: Tensor,
  { reduction = 'mean', q = 0.5 }: LossOptions & { readonly q?: number | readonly number[] } = {},
): Tensor {
  const list = typeof q === 'number' ? [q] : q
  for (const each of list) checkNumber('quantile: q', each, each >= 0 && each <= 1, '0 to 1')
  const expected = typeof q === 'number' ? target.shape : [...target.shape, q.length]
  if (!sameShape(prediction.shape, expected)) {
    fail('shape-mismatch', {
      op: 'quantile',
      received: `a prediction [${prediction.shape.join(', ')}] and a target [${target.shape.join(', ')}]`,
      expected: `a prediction [${expected.join(', ')}]`,
      fix: 'Give one prediction for each target, and for each quantile on the last axis.',
    })
  }
  if (typeof q === 'number') return reduceLoss(pinball(target.sub(prediction), q), reduction)
  const at = target.rank
  const parts = prediction.split(1, at).map((part, i) => pinball(target.unsqueeze(at).sub(part), list[i]))
  if (reduction !== 'none') {
    const total = parts.map((part) => part.sum()).reduce((a, b) => a.add(b))
    return reduction === 'sum' ? total : total.div(prediction.size)
  }
  return parts
    .map((part, i) => part.pad(part.shape.map((_, axis) => (axis === at ? [i, list.length - 1 - i] : [0, 0]))))
    .reduce((a, b) => a.add(b))
}

const pinball = (error: Tensor, q: number): Tensor =>
  error
    .relu()
    .mul(q)
    .add(
      error
        .neg()
        .relu()
        .mul(1 - q),
    )

/**
 * The negative log-likelihood of targets under normal distributions with the predicted means and variances
 * (Nix and Weigend 1994): (ln v + (x - t)^2 / v) / 2, with 1/2 ln 2 pi more for `full`.
 *
 * prediction, target: [...s], variance: [...s], or with one axis less or of size 1 → []. Variances below eps count as
 * eps, but have the gradient that eps would have.
 */
export function gaussianNll(
  prediction: Tensor,
  target: Tensor,
  variance: Tensor,
  {
    reduction = 'mean',
    full = false,
    eps = 1e-6,
  }: LossOptions & { readonly full?: boolean; readonly eps?: number } = {},
): Tensor {
  checkSameShape('gaussianNll', prediction, target)
  checkNumber('gaussianNll: eps', eps, eps > 0, 'a number above 0')
  const { shape } = prediction
  const apart = sameShape(variance.shape, shape.slice(0, -1)) && variance.rank === shape.length - 1
  const v = apart ? variance.unsqueeze(-1) : variance
  if (v.rank !== shape.length || !v.shape.every((n, i) => n === shape[i] || n === 1)) {
    fail('shape-mismatch', {
      op: 'gaussianNll',
      received: `variances [${variance.shape.join(', ')}] for a prediction [${shape.join(', ')}]`,
      expected: 'the same shape, or an axis less or of size 1',
      fix: 'Reshape the variances.',
    })
  }
  const least = v.add(v.maximum(eps).sub(v).stopGradient())
  const losses = least.log().add(prediction.sub(target).square().div(least)).mul(0.5)
  return reduceLoss(full ? losses.add(0.5 * Math.log(2 * Math.PI)) : losses, reduction)
}

export interface PoissonOptions extends LossOptions {
  /** Whether the prediction is the logarithm of the expected count. Default true. */
  readonly logInput?: boolean
  /** Adds Stirling's approximation of ln t! for targets above 1. Default false. */
  readonly full?: boolean
  /** Added to the prediction before its logarithm is taken, without logInput. Default 1e-8. */
  readonly eps?: number
}

/** The negative log-likelihood of counts: e^x - t x, or x - t ln(x + eps). prediction, target: [...s] → [] */
export function poissonNll(prediction: Tensor, target: Tensor, options: PoissonOptions = {}): Tensor {
  const { reduction = 'mean', logInput = true, full = false, eps = 1e-8 } = options
  checkSameShape('poissonNll', prediction, target)
  const losses = logInput
    ? prediction.exp().sub(target.mul(prediction))
    : prediction.sub(target.mul(prediction.add(eps).log()))
  if (!full) return reduceLoss(losses, reduction)
  const many = target.gt(1)
  const t = many.where(target, 1)
  const stirling = t
    .mul(t.log())
    .sub(t)
    .add(
      t
        .mul(2 * Math.PI)
        .log()
        .mul(0.5),
    )
  return reduceLoss(losses.add(many.where(stirling, 0)), reduction)
}
