/** Layers, as `nn.*`: classes by the field's names, and for each a function that makes one. Their base: module.ts. */
export * from './activation.ts'
export * from './adaptive-pool.ts'
export * from './attention.ts'
export * from './batch-norm.ts'
export * from './bilinear.ts'
export * from './bounded.ts'
export * from './combinators.ts'
export * from './container.ts'
export * from './conv.ts'
export * from './dropout.ts'
export * from './embedding.ts'
export * from './flatten.ts'
export * as functional from './functional.ts'
export * from './glu.ts'
export * as init from './init.ts'
export * from './instance-norm.ts'
export { type Intervention, intervene } from './intervene.ts'
export { type CacheSizes, type KeysValues, KeyValueCache, LayerCache } from './kv-cache.ts'
export { type ContinueOptions, LanguageModel, type LanguageModelOptions, languageModel } from './language-model.ts'
export * from './linear.ts'
export { type Layer, type LayerConfig, Module, Parameter, type Stage } from './module.ts'
export * from './norm.ts'
export * from './padding.ts'
export { removeParametrization } from './parametrize.ts'
export * from './pool.ts'
export {
  LearnedPositions,
  learnedPositions,
  type PositionOptions,
  SinusoidalPositions,
  sinusoidalPositions,
} from './positions.ts'
export * from './recurrent.ts'
export {
  type CellOptions,
  GRUCell,
  gruCell,
  LSTMCell,
  type LSTMState,
  lstmCell,
  RNNCell,
  type RnnCellOptions,
  type RnnNonlinearity,
  rnnCell,
} from './recurrent-cells.ts'
export { type SpectralNormOptions, spectralNorm } from './spectral-norm.ts'
export * from './transformer.ts'
export {
  type DecodeOptions,
  type EncodeOptions,
  type FeedForwardActivation,
  TransformerDecoderLayer,
  TransformerEncoderLayer,
  type TransformerLayerOptions,
  transformerDecoderLayer,
  transformerEncoderLayer,
} from './transformer-layers.ts'
export { TranslationModel, type TranslationModelOptions, translationModel } from './translation-model.ts'
export * from './upsample.ts'
export { type WeightNormOptions, weightNorm } from './weight-norm.ts'
