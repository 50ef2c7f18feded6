/** How the losses of single elements become the loss: shared by all files here. */
import { fail } from '../errors.ts'
import { sameShape } from '../shape.ts'
import type { Tensor } from '../tensor.ts'

/** 'none' keeps one loss for each element (or sample). */
export type Reduction = 'mean' | 'sum' | 'none'

export function reduceLoss(losses: Tensor, reduction: Reduction): Tensor {
  if (reduction === 'none') return losses
  return reduction === 'mean' ? losses.mean() : losses.sum()
}

/** Refuses shapes that would broadcast: between a prediction and its target that is a mistake nearly always. */
export function checkSameShape(op: string, prediction: Tensor, target: Tensor): void {
  if (sameShape(prediction.shape, target.shape)) return
  fail('shape-mismatch', {
    op,
    received: `a prediction [${prediction.shape.join(', ')}] and a target [${target.shape.join(', ')}]`,
    expected: 'equal shapes',
    fix: 'Reshape one of them.',
  })
}
