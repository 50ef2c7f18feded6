/** The losses, as `loss.*`: functions of a prediction and a target that give a single number. */
export {
  type BceOptions,
  type BinaryLossOptions,
  bce,
  bceWithLogits,
  multilabelSoftMargin,
  type SigmoidFocalOptions,
  sigmoidFocal,
  softMargin,
} from './binary.ts'
export {
  type CrossEntropyOptions,
  crossEntropy,
  type FocalOptions,
  focal,
  type KlDivergenceOptions,
  klDivergence,
  nll,
} from './classification.ts'
export { type CtcOptions, ctc } from './ctc.ts'
export { type DiceOptions, dice } from './dice.ts'
export type { ClassLossOptions } from './labels.ts'
export {
  hinge,
  hingeEmbedding,
  type MarginOptions,
  type MultiMarginOptions,
  marginRanking,
  multiMargin,
  squaredHinge,
} from './margin.ts'
export type { Reduction } from './reduction.ts'
export {
  gaussianNll,
  huber,
  type LossOptions,
  l1,
  mse,
  type PoissonOptions,
  poissonNll,
  quantile,
  smoothL1,
} from './regression.ts'
export {
  contrastive,
  cosineEmbedding,
  type InfoNceOptions,
  infoNce,
  ntXent,
  type TripletOptions,
  tripletMargin,
} from './similarity.ts'
