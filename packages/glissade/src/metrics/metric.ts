/**
 * What all streaming metrics share: they are fed batch by batch, count on the host in float64, and say the same as if
 * all batches had been one. A single batch inside a compiled step: accuracy and confusionMatrix (classification.ts).
 */
import type { Tensor } from '../tensor.ts'

/** A number, or whatever else, that is computed from predictions and targets batch by batch. */
export interface Metric<Result = number> {
  /** Takes a batch in. Errors change nothing. */
  update(prediction: Tensor, target: Tensor): Promise<void>
  /** The value over all batches since the last reset; NaN where there is nothing to say. */
  compute(): Result
  /** Forgets all batches. */
  reset(): void
}

/** Which predictions are probabilities already, and which scores of a model that it does not yet say as such. */
export interface ScoreOptions {
  /** Whether predictions are logits (the default), or probabilities. */
  readonly fromLogits?: boolean
  /** The axis of classes in predictions of several: 1 (the default) as in the losses, or -1. */
  readonly classAxis?: 1 | -1
  /** Samples with this label count nothing; by default there are none. */
  readonly ignoreIndex?: number
}

/** What predictions of classes are read with. */
export interface ClassOptions extends ScoreOptions {
  /** Where each element is a score of its own (yes or no): above this probability it means yes. Default 0.5. */
  readonly threshold?: number
}
