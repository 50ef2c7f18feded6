/** The optimizers, as `optim.*`. What they share: optimizer.ts. */
export { type AdamOptions, adam, adamW } from './adam.ts'
export { Optimizer, type OptimizerFactory, type OptimizerState, type Rule, type Trainable } from './optimizer.ts'
export { type SgdOptions, sgd } from './sgd.ts'
