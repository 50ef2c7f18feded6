/** Training and using models: fit, evaluate, predict. */
export { type EvaluateOptions, type Evaluation, evaluate, predict } from './evaluate.ts'
export type { EpochEnd, EpochStart, FitHandlers, FitResult, Score, StepDone } from './events.ts'
export { type FitOptions, fit } from './fit.ts'
export type { LossFunction, Samples } from './scoring.ts'
