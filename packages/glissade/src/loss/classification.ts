/**
 * Losses for classes: how little probability a prediction gives to the truth. For numbers: regression.ts. How class
 * indices are checked and looked up: labels.ts.
 */
import { isFloat } from '../dtype.ts'
import { fail } from '../errors.ts'
import { softplus } from '../nn/functional.ts'
import type { Tensor } from '../tensor.ts'
import { type ClassLossOptions, classAxis, labelsOf, perClass } from './labels.ts'
import { checkSameShape, type Reduction, reduceLoss } from './reduction.ts'

export interface CrossEntropyOptions extends ClassLossOptions {
  /** This much of the truth is spread evenly over all classes (Szegedy et al. 2016, arXiv 1512.00567). */
  readonly labelSmoothing?: number
}

/**
 * The cross-entropy of softmax(logits) with the truth.
 *
 * logits: [B, C, ...s] (or [C]), target: class indices as int32 [B, ...s], or probabilities as float [B, C, ...s] → []
 *
 * Errors: `index-range` for labels outside 0 to C - 1.
 */
export function crossEntropy(logits: Tensor, target: Tensor, options: CrossEntropyOptions = {}): Tensor {
  const { labelSmoothing = 0, weight, ignoreIndex } = options
  const op = 'crossEntropy'
  if (!(labelSmoothing >= 0 && labelSmoothing <= 1)) {
    fail('value-invalid', {
      what: `${op}: labelSmoothing`,
      received: String(labelSmoothing),
      expected: '0 to 1',
      fix: 'Change the option.',
    })
  }
  const axis = classAxis(op, logits)
  const classes = logits.shape[axis]
  const weighted = (terms: Tensor): Tensor => (weight ? terms.mul(perClass(op, weight, logits, axis)) : terms).sum(axis)
  if (isFloat(target.dtype)) {
    if (ignoreIndex !== undefined) {
      const fix = 'Leave ignoreIndex out, or give class indices of int32.'
      fail('value-invalid', {
        what: `${op}: ignoreIndex`,
        received: 'a target of probabilities',
        expected: 'class indices',
        fix,
      })
    }
    checkSameShape(op, logits, target)
    const truth = labelSmoothing === 0 ? target : target.mul(1 - labelSmoothing).add(labelSmoothing / classes)
    const losses = weighted(truth.mul(logits.logSoftmax(axis))).neg()
    // PyTorch's mean here is over samples, whatever their weights.
    return reduceLoss(losses, options.reduction ?? 'mean')
  }
  const labels = labelsOf(op, logits, target, options)
  // -ln softmax(x)[y] = logSumExp(x) - x[y], in which no exponential overflows.
  const normalizer = logits.logSumExp(axis)
  const surprise = normalizer.sub(labels.pick(logits))
  const losses = labels.weights ? surprise.mul(labels.weights) : surprise
  if (labelSmoothing === 0) return labels.reduce(losses)
  const spread = weighted(normalizer.unsqueeze(axis).sub(logits)).mul(labelSmoothing / classes)
  return labels.reduce(losses.mul(1 - labelSmoothing).add(spread))
}

/**
 * The negative log-likelihood, of log-probabilities such as logSoftmax gives.
 *
 * logProbabilities: [B, C, ...s] (or [C]), target: int32 [B, ...s] → []. Errors: `index-range`.
 */
export function nll(logProbabilities: Tensor, target: Tensor, options: ClassLossOptions = {}): Tensor {
  const labels = labelsOf('nll', logProbabilities, target, options)
  const losses = labels.pick(logProbabilities).neg()
  return labels.reduce(labels.weights ? losses.mul(labels.weights) : losses)
}

export interface BinaryLossOptions {
  readonly reduction?: Reduction
  /** Multiplies each element's loss; broadcasts. */
  readonly weight?: Tensor
  /** Multiplies the loss of positive truths, to balance rare ones; broadcasts. */
  readonly posWeight?: Tensor
}

/** The cross-entropy of sigmoid(logits) with the probabilities `target`. logits, target: [...s] → [] */
export function bceWithLogits(logits: Tensor, target: Tensor, options: BinaryLossOptions = {}): Tensor {
  const { reduction = 'mean', weight, posWeight } = options
  checkSameShape('bceWithLogits', logits, target)
  // -z ln σ(x) - (1 - z) ln(1 - σ(x)) = (1 - z) x + softplus(-x), where positive truths count posWeight times.
  const soft = softplus(logits.neg())
  const scaled = posWeight ? soft.mul(posWeight.sub(1).mul(target).add(1)) : soft
  const losses = target.neg().add(1).mul(logits).add(scaled)
  return reduceLoss(weight ? losses.mul(weight) : losses, reduction)
}
