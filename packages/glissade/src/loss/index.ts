/** The losses, as `loss.*`: functions of a prediction and a target that give a single number. */
export { type BinaryLossOptions, bceWithLogits, type CrossEntropyOptions, crossEntropy, nll } from './classification.ts'
export type { ClassLossOptions } from './labels.ts'
export type { Reduction } from './reduction.ts'
export { type LossOptions, l1, mse } from './regression.ts'
