/** Metrics, as `metrics.*`: how good predictions are, in numbers for people. */
export { accuracy, confusionMatrix } from './classification.ts'
