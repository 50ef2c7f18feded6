/** Losses with a margin: what is right by enough costs nothing. Distances between embeddings: similarity.ts. */
import type { Tensor } from '../tensor.ts'
import { classAxis, labelsOf } from './labels.ts'
import { checkNumber, checkSameShape, type Reduction, reduceLoss } from './reduction.ts'
import type { LossOptions } from './regression.ts'

export interface MarginOptions extends LossOptions {
  /** From where on nothing is lost. Default 1. */
  readonly margin?: number
}

/** max(0, margin - t x), for targets of -1 and 1, as in support vector machines. prediction, target: [...s] → [] */
export function hinge(
  prediction: Tensor,
  target: Tensor,
  { reduction = 'mean', margin = 1 }: MarginOptions = {},
): Tensor {
  checkSameShape('hinge', prediction, target)
  return reduceLoss(missing(prediction, target, margin), reduction)
}

/** The square of hinge: max(0, margin - t x)^2, for targets of -1 and 1. prediction, target: [...s] → [] */
export function squaredHinge(
  prediction: Tensor,
  target: Tensor,
  { reduction = 'mean', margin = 1 }: MarginOptions = {},
): Tensor {
  checkSameShape('squaredHinge', prediction, target)
  return reduceLoss(missing(prediction, target, margin).square(), reduction)
}

const missing = (prediction: Tensor, target: Tensor, margin: number): Tensor =>
  prediction.mul(target).neg().add(margin).relu()

/** Distances: x itself where the target is 1, max(0, margin - x) where it is -1. prediction, target: [...s] → [] */
export function hingeEmbedding(
  prediction: Tensor,
  target: Tensor,
  { reduction = 'mean', margin = 1 }: MarginOptions = {},
): Tensor {
  checkSameShape('hingeEmbedding', prediction, target)
  const far = target.ne(1).where(prediction.neg().add(margin).relu(), 0)
  return reduceLoss(target.ne(-1).where(prediction, 0).add(far), reduction)
}

/**
 * Whether the first of two scores is higher, as the target 1 says, or lower, as -1: max(0, -t (a - b) + margin).
 * first, second, target: [...s] → []
 */
export function marginRanking(
  first: Tensor,
  second: Tensor,
  target: Tensor,
  { reduction = 'mean', margin = 0 }: MarginOptions = {},
): Tensor {
  checkSameShape('marginRanking', first, second)
  checkSameShape('marginRanking', first, target)
  return reduceLoss(missing(first.sub(second), target, margin), reduction)
}

export interface MultiMarginOptions {
  /** Default 'mean', over samples. */
  readonly reduction?: Reduction
  /** By how much the true class must be higher than every other. Default 1. */
  readonly margin?: number
  /** 1 (the default) or 2: what is missing is squared. */
  readonly p?: 1 | 2
  /** The weight of each class: [C]. */
  readonly weight?: Tensor
}

/**
 * The hinge of several classes (Weston and Watkins 1998): the mean over classes of what each other class lacks in
 * distance to the true one. logits: [B, C] (or [C]), target: int32 [B] → []. Errors: `index-range`.
 */
export function multiMargin(logits: Tensor, target: Tensor, options: MultiMarginOptions = {}): Tensor {
  const { reduction = 'mean', margin = 1, p = 1, weight } = options
  checkNumber('multiMargin: p', p, p === 1 || p === 2, '1 or 2')
  const labels = labelsOf('multiMargin', logits, target, weight ? { weight } : {})
  const axis = classAxis('multiMargin', logits)
  const lacking = logits.sub(labels.pick(logits).unsqueeze(axis)).add(margin).relu()
  const powers = p === 2 ? lacking.square() : lacking
  // The true class lacks exactly the margin, against itself.
  const own = Math.max(0, margin) ** p
  const losses = powers.sum(axis).sub(own).div(logits.shape[axis])
  return reduceLoss(labels.weights ? losses.mul(labels.weights) : losses, reduction)
}
