/** How well classes are predicted. As tensors, so that they can be part of a compiled step. */
import { isFloat } from '../dtype.ts'
import { fail } from '../errors.ts'
import { checkWhole } from '../ops/derived/common.ts'
import { oneHot } from '../ops/derived/indexing.ts'
import { sameShape } from '../shape.ts'
import type { Tensor } from '../tensor.ts'

/** The class with the highest score: scores as float [B, C, ...s], or classes as int32 [B, ...s] → int32 [B, ...s] */
function predicted(op: string, scores: Tensor, target: Tensor): Tensor {
  const classes = isFloat(scores.dtype) ? scores.argMax(scores.rank > 1 ? 1 : 0) : scores
  if (target.dtype !== 'int32' || !sameShape(classes.shape, target.shape)) {
    fail('shape-mismatch', {
      op,
      received: `scores ${scores.dtype} [${scores.shape.join(', ')}] and a target ${target.dtype} [${target.shape.join(', ')}]`,
      expected: `a target int32 [${classes.shape.join(', ')}]`,
      fix: 'Give one class index for each sample.',
    })
  }
  return classes
}

/** The share of samples whose class is right. scores: [B, C, ...s] or int32 [B, ...s], target: int32 [B, ...s] → [] */
export function accuracy(scores: Tensor, target: Tensor): Tensor {
  return predicted('accuracy', scores, target).eq(target).cast('float32').mean()
}

/**
 * How often the true class (row) was predicted as which (column).
 * scores: [B, C, ...s] or int32 [B, ...s], target: int32 [B, ...s] → int32 [classes, classes]. Errors: `index-range`.
 */
export function confusionMatrix(scores: Tensor, target: Tensor, classes: number = scores.shape[1]): Tensor {
  checkWhole('confusionMatrix: classes', classes, 1)
  const rows = oneHot(target.flatten(), classes)
  const columns = oneHot(predicted('confusionMatrix', scores, target).flatten(), classes)
  return rows.transpose().matmul(columns).cast('int32')
}
