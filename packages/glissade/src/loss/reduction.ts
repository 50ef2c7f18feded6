/** How the losses of single elements become the loss, and the checks that all losses share. */
import { fail } from '../errors.ts'
import { sameShape } from '../shape.ts'
import type { Tensor } from '../tensor.ts'

/** 'none' keeps one loss for each element (or sample). */
export type Reduction = 'mean' | 'sum' | 'none'

export function reduceLoss(losses: Tensor, reduction: Reduction): Tensor {
  if (reduction === 'none') return losses
  if (reduction === 'mean') return losses.mean()
  if (reduction === 'sum') return losses.sum()
  return fail('value-invalid', {
    what: 'loss: reduction',
    received: String(reduction),
    expected: "'mean', 'sum' or 'none'",
    fix: 'Change the option.',
  })
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

export function checkNumber(what: string, received: number, good: boolean, expected: string): void {
  if (!good) fail('value-invalid', { what, received: String(received), expected, fix: 'Change the option.' })
}
