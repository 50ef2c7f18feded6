/** Text out of models: sampling, greedy and beam search, all at once or as it comes. */
export type { CachedModel, CachedTranslator, GenerativeModel, StepModel, WholeModel } from './decoding.ts'
export { type Generated, type GeneratedToken, generate, generateStream } from './generate.ts'
export type { GenerateOptions, Prompt, TextCoder } from './request.ts'
export { type SamplingOptions, samplingProbabilities } from './sampling.ts'
