/** The dice loss: how little a predicted region overlaps with the true one, for segmentation. */
import { isFloat } from '../dtype.ts'
import { iota } from '../ops/derived/common.ts'
import type { Tensor } from '../tensor.ts'
import { labelsOf } from './labels.ts'
import { checkNumber, checkSameShape, type Reduction, reduceLoss } from './reduction.ts'

export interface DiceOptions {
  /** Default 'mean', over samples and classes; 'none' gives [B, C] (or [C] with `batch`). */
  readonly reduction?: Reduction
  /** Whether probabilities are still to be made: by softmax for class indices, else by sigmoid. Default true. */
  readonly fromLogits?: boolean
  /** Added above and below, so that an empty region found empty costs nothing. Default 1e-5. */
  readonly smooth?: number
  /** Square below, as Milletari et al. do. Default false. */
  readonly squared?: boolean
  /** Take the whole batch as one picture: steadier for small regions. Default false. */
  readonly batch?: boolean
  /** Places with this label count nothing; for class indices. */
  readonly ignoreIndex?: number
}

/**
 * 1 - (2 sum(p t) + smooth) / (sum(p) + sum(t) + smooth), for each sample and class over all places (Milletari et al.
 * 2016, arXiv 1606.04797; with the sums of MONAI's DiceLoss).
 *
 * logits: [B, C, ...s], target: class indices as int32 [B, ...s], or masks as float or bool [B, C, ...s] → []
 *
 * Errors: `index-range` for labels outside 0 to C - 1.
 */
export function dice(logits: Tensor, target: Tensor, options: DiceOptions = {}): Tensor {
  const { reduction = 'mean', fromLogits = true, smooth = 1e-5, squared = false, batch = false, ignoreIndex } = options
  checkNumber('dice: smooth', smooth, smooth >= 0, 'a number of at least 0')
  const masks = isFloat(target.dtype) || target.dtype === 'bool'
  if (masks) checkSameShape('dice', logits, target)
  else labelsOf('dice', logits, target, ignoreIndex === undefined ? {} : { ignoreIndex })
  checkNumber('dice: the axes of the prediction', logits.rank, logits.rank >= 2, 'at least 2, [B, C, ...s]')
  const made = fromLogits ? (masks ? logits.sigmoid() : logits.softmax(1)) : logits
  const truth = masks ? target.cast(made.dtype) : iota(logits.shape, 1).eq(target.unsqueeze(1)).cast(made.dtype)
  const seen = masks || ignoreIndex === undefined ? undefined : target.ne(ignoreIndex).unsqueeze(1)
  const [p, t] = seen ? [seen.where(made, 0), seen.where(truth, 0)] : [made, truth]
  const axes = logits.shape.flatMap((_, axis) => (axis > 1 || (batch && axis === 0) ? [axis] : []))
  const total = (x: Tensor): Tensor => (axes.length === 0 ? x : x.sum(axes))
  const overlap = total(p.mul(t))
  const sizes = squared ? total(p.square()).add(total(t.square())) : total(p).add(total(t))
  return reduceLoss(overlap.mul(2).add(smooth).div(sizes.add(smooth)).neg().add(1), reduction)
}
