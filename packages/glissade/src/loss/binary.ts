/**
 * Losses for yes and no: one probability or score for each element. One class of several: classification.ts; scores
 * with a margin: margin.ts.
 */

import { fail } from '../errors.ts'
import { softplus } from '../nn/functional.ts'
import { withGradient } from '../ops/derived/common.ts'
import type { Tensor } from '../tensor.ts'
import { checkNumber, checkSameShape, type Reduction, reduceLoss } from './reduction.ts'
import type { LossOptions } from './regression.ts'

export interface BceOptions {
  /** Default 'mean', over all elements. */
  readonly reduction?: Reduction
  /** Multiplies each element's loss; broadcasts. */
  readonly weight?: Tensor
}

export interface BinaryLossOptions extends BceOptions {
  /** Multiplies the loss of positive truths, to balance rare ones; broadcasts. */
  readonly posWeight?: Tensor
}

/** Logarithms are no lower than this, so that a sure mistake costs much but not everything (PyTorch's number). */
const leastLog = -100
/** The least p (1 - p) that the gradient is divided by (PyTorch's number). */
const leastVariance = 1e-12

/**
 * The cross-entropy of probabilities with the probabilities `target`. probabilities, target: [...s] → []
 *
 * At 0 and 1 logarithms count as -100. From scores bceWithLogits is more exact.
 */
export function bce(probabilities: Tensor, target: Tensor, { reduction = 'mean', weight }: BceOptions = {}): Tensor {
  checkSameShape('bce', probabilities, target)
  const [p, t] = [probabilities.current(), target.cast(probabilities.dtype)]
  const rest = p.neg().add(1)
  const [yes, no] = [p.log().maximum(leastLog), rest.log().maximum(leastLog)]
  const losses = t.mul(yes).add(t.neg().add(1).mul(no)).neg()
  // By the formula the gradient at 0 and 1 would be 0, for the logarithms are cut off there.
  const bounded = withGradient(
    losses,
    [p, t],
    (g) => [g.mul(p.sub(t)).div(rest.mul(p).maximum(leastVariance)), g.mul(no.sub(yes))],
    'bce',
  )
  return reduceLoss(weight ? bounded.mul(weight) : bounded, reduction)
}

/** The cross-entropy of sigmoid(logits) with the probabilities `target`. logits, target: [...s] → [] */
export function bceWithLogits(logits: Tensor, target: Tensor, options: BinaryLossOptions = {}): Tensor {
  const { reduction = 'mean', weight, posWeight } = options
  checkSameShape('bceWithLogits', logits, target)
  const losses = binaryLosses(logits, asNumbers(target), posWeight)
  return reduceLoss(weight ? losses.mul(weight) : losses, reduction)
}

/** Truths of yes and no as 1 and 0. */
const asNumbers = (target: Tensor): Tensor => (target.dtype === 'bool' ? target.cast('float32') : target)

/** -z ln σ(x) - (1 - z) ln(1 - σ(x)) = (1 - z) x + softplus(-x), where positive truths count posWeight times. */
function binaryLosses(logits: Tensor, target: Tensor, posWeight?: Tensor): Tensor {
  const soft = softplus(logits.neg())
  const scaled = posWeight ? soft.mul(posWeight.sub(1).mul(target).add(1)) : soft
  return target.neg().add(1).mul(logits).add(scaled)
}

/**
 * Several labels for each sample: the mean over classes of bceWithLogits. logits, target: [...s, C] → []
 *
 * With 'none' one loss for each sample, [...s]. `weight` is one number for each class.
 */
export function multilabelSoftMargin(
  logits: Tensor,
  target: Tensor,
  { reduction = 'mean', weight }: BceOptions = {},
): Tensor {
  checkSameShape('multilabelSoftMargin', logits, target)
  if (logits.rank === 0) {
    fail('shape-mismatch', {
      op: 'multilabelSoftMargin',
      received: 'a single number',
      expected: 'scores for classes, [...s, C]',
      fix: 'Reshape it.',
    })
  }
  const losses = binaryLosses(logits, asNumbers(target))
  return reduceLoss((weight ? losses.mul(weight) : losses).mean(-1), reduction)
}

/** ln(1 + e^(-t x)), for targets of -1 and 1: bceWithLogits of those. prediction, target: [...s] → [] */
export function softMargin(prediction: Tensor, target: Tensor, { reduction = 'mean' }: LossOptions = {}): Tensor {
  checkSameShape('softMargin', prediction, target)
  return reduceLoss(softplus(prediction.mul(target).neg()), reduction)
}

export interface SigmoidFocalOptions extends LossOptions {
  /** The weight of positive truths; negative ones have 1 - alpha. -1 for no weights. Default 0.25. */
  readonly alpha?: number
  /** How much less is said of what is right already. Default 2. */
  readonly gamma?: number
}

/**
 * The focal loss of sigmoids: (1 - p)^gamma times the cross-entropy, p being the probability of the truth (Lin et al.
 * 2017, arXiv 1708.02002, eq. 5). logits, target: [...s] → []. With gamma 0 and alpha -1 it is bceWithLogits.
 */
export function sigmoidFocal(logits: Tensor, target: Tensor, options: SigmoidFocalOptions = {}): Tensor {
  const { reduction = 'mean', alpha = 0.25, gamma = 2 } = options
  checkSameShape('sigmoidFocal', logits, target)
  checkNumber('sigmoidFocal: alpha', alpha, alpha === -1 || (alpha >= 0 && alpha <= 1), '0 to 1, or -1 for no weights')
  checkNumber('sigmoidFocal: gamma', gamma, gamma >= 0, 'a number of at least 0')
  const [p, t] = [logits.sigmoid(), asNumbers(target)]
  const wrong = p.mul(t.neg().add(1)).add(logits.neg().sigmoid().mul(t))
  const losses = binaryLosses(logits, t).mul(focus(wrong, gamma))
  const weighted = alpha < 0 ? losses : losses.mul(t.mul(2 * alpha - 1).add(1 - alpha))
  return reduceLoss(weighted, reduction)
}

/** Below this a probability of being wrong counts as this, where a root of it is taken: its slope stays finite. */
const leastWrong = 1e-12

/** wrong^gamma, with a finite gradient at 0. */
export function focus(wrong: Tensor, gamma: number): Tensor {
  return (gamma > 0 && gamma < 1 ? wrong.maximum(leastWrong) : wrong).pow(gamma)
}
