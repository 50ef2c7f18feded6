/** Losses for numbers: how far a prediction is from its target. For classes: classification.ts. */
import type { Tensor } from '../tensor.ts'
import { checkSameShape, type Reduction, reduceLoss } from './reduction.ts'

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
