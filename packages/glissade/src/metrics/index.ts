/**
 * Metrics, as `metrics.*`: how good predictions are, in numbers for people, over batches and exactly. Called with
 * tensors, accuracy and confusionMatrix are tensors too: of one batch, inside a compiled step.
 */
export { BLEU, type BleuDetails, type BleuOptions, bleu, type Token } from './bleu.ts'
export { CalibrationError, type CalibrationOptions, calibrationError } from './calibration.ts'
export {
  Accuracy,
  accuracy,
  ConfusionMatrix,
  type ConfusionOptions,
  confusionMatrix,
  TopK,
  topK,
} from './counting.ts'
export type { ClassOptions, Metric, ScoreOptions } from './metric.ts'
export { MeanLoss, meanLoss, Perplexity, perplexity } from './perplexity.ts'
export {
  type Average,
  F1,
  type F1Options,
  f1,
  Precision,
  type PrecisionOptions,
  precision,
  Recall,
  recall,
} from './precision.ts'
export { AveragePrecision, averagePrecision, type RankingOptions, RocAuc, rocAuc } from './ranking.ts'
export { MAE, MSE, mae, mse, R2, RMSE, r2, rmse } from './regression.ts'
