/**
 * Losses for classes: how little probability a prediction gives to the truth. For yes and no: binary.ts; for numbers:
 * regression.ts. How class indices are checked and looked up: labels.ts.
 */
import { isFloat } from '../dtype.ts'
import { fail } from '../errors.ts'
import { sameShape } from '../shape.ts'
import type { Tensor } from '../tensor.ts'
import { focus } from './binary.ts'
import { type ClassLossOptions, classAxis, labelsOf, perClass } from './labels.ts'
import { checkNumber, checkSameShape, type Reduction, reduceLoss } from './reduction.ts'

export interface CrossEntropyOptions extends ClassLossOptions {
  /** This much of the truth is spread evenly over all classes; default 0 (Szegedy et al. 2016, arXiv 1512.00567). */
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
    checkProbabilities(op, logits, target, axis)
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

/** Refuses targets of another shape; with a word of its own for class indices that are floats, as tensor([0, 1]) is. */
function checkProbabilities(op: string, logits: Tensor, target: Tensor, axis: number): void {
  const perSample = logits.shape.filter((_, i) => i !== axis)
  if (!sameShape(target.shape, perSample)) return checkSameShape(op, logits, target)
  fail('dtype-mismatch', {
    op,
    received: `a target of ${target.dtype} [${target.shape.join(', ')}]`,
    expected: `class indices of int32, or probabilities [${logits.shape.join(', ')}]`,
    fix: "Make class indices with { dtype: 'int32' }, or cast with .cast('int32').",
  })
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

export interface FocalOptions extends ClassLossOptions {
  /** How much less is said of what is right already. Default 2. */
  readonly gamma?: number
}

/**
 * The focal loss of softmax: (1 - p)^gamma times the cross-entropy, p being the probability of the truth (Lin et al.
 * 2017, arXiv 1708.02002). `weight` is the paper's alpha, for each class. With gamma 0 it is crossEntropy.
 *
 * logits: [B, C, ...s] (or [C]), target: int32 [B, ...s] → []. Errors: `index-range`.
 */
export function focal(logits: Tensor, target: Tensor, { gamma = 2, ...options }: FocalOptions = {}): Tensor {
  checkNumber('focal: gamma', gamma, gamma >= 0, 'a number of at least 0')
  const labels = labelsOf('focal', logits, target, options)
  const known = labels.pick(logits.logSoftmax(classAxis('focal', logits)))
  // 1 - e^x keeps its digits where the truth is all but sure.
  const losses = focus(known.expm1().neg(), gamma).mul(known.neg())
  return labels.reduce(labels.weights ? losses.mul(labels.weights) : losses)
}

export interface KlDivergenceOptions {
  /** Default 'mean', over all elements; 'batchMean' divides the sum by the number of samples, as in mathematics. */
  readonly reduction?: Reduction | 'batchMean'
  /** Whether the target is given as logarithms too. Default false. */
  readonly logTarget?: boolean
}

/**
 * Kullback and Leibler's divergence of a prediction, given as log-probabilities, from the truth: t (ln t - x).
 * logProbabilities, target: [B, ...s] → []. Where the target is 0 (or its logarithm -inf) it is 0.
 */
export function klDivergence(
  logProbabilities: Tensor,
  target: Tensor,
  { reduction = 'mean', logTarget = false }: KlDivergenceOptions = {},
): Tensor {
  checkSameShape('klDivergence', logProbabilities, target)
  const possible = logTarget ? target.gt(Number.NEGATIVE_INFINITY) : target.ne(0)
  const known = possible.where(target, logTarget ? 0 : 1)
  const [share, log] = logTarget ? [known.exp(), known] : [known, known.log()]
  const losses = possible.where(share.mul(log.sub(logProbabilities)), 0)
  if (reduction !== 'batchMean') return reduceLoss(losses, reduction)
  return losses.rank === 0 ? losses : losses.sum().div(losses.shape[0])
}
