/**
 * Metrics, as `metrics.*`: how good predictions are, in numbers for people. Of one batch inside a compiled step:
 * accuracy, confusionMatrix; over batches, exactly: all others.
 */
export { BLEU, type BleuDetails, type BleuOptions, bleu, type Token } from './bleu.ts'
export { CalibrationError, type CalibrationOptions, calibrationError } from './calibration.ts'
export { accuracy, confusionMatrix } from './classification.ts'
export { Accuracy, ConfusionMatrix, type ConfusionOptions, TopK, topK } from './counting.ts'
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
