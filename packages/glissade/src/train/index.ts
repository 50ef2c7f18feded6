/** Training and using models: fit, evaluate, predict, and finding a learning rate. */
export { type EvaluateOptions, type Evaluation, evaluate, type PredictOptions, predict } from './evaluate.ts'
export type {
  BestModel,
  Callback,
  CheckpointDone,
  EpochEnd,
  EpochStart,
  FitControl,
  FitEnd,
  FitEvent,
  FitHandlers,
  FitResult,
  FitStart,
  Score,
  StepDone,
  ValidationDone,
  WriteFailed,
} from './events.ts'
export { fit, fitSteps } from './fit.ts'
export { type LrFindOptions, type LrFindResult, type LrPoint, lrFind } from './lr-find.ts'
export type { MonitorOptions } from './monitor.ts'
export type {
  CheckpointOptions,
  EarlyStoppingOptions,
  FitOptions,
  KeepBestOptions,
  ResumeOptions,
  RunOptions,
  Stateful,
  WatchOptions,
} from './options.ts'
export type { LossFunction, Samples, StepFunction, StepResult, StreamingMetric } from './scoring.ts'
export type { BatchSource, LoaderSource, SizedSource } from './source.ts'
