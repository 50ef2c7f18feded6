/**
 * The public surface of Glissade, written by hand: what stands here is what users may build on.
 *
 * Most operations are methods of Tensor; those on several tensors, and those that read better as functions, stand
 * here too. Layers, losses and the like are grouped: `nn.linear`, `loss.crossEntropy`, `optim.adamW`, `data.digits`.
 */

// ---- gradients ----
export { type CustomGradient, checkpoint, customGradient } from './autodiff/custom.ts'
export { type Differentiable, type GradOptions, grad, type ValueAndGrad, valueAndGrad } from './autodiff/grad.ts'
export { type GradCheckOptions, gradCheck } from './autodiff/grad-check.ts'
export { gradients } from './autodiff/gradients.ts'
// ---- running ----
export type { Backend, BackendOptions, BackendProbe } from './backends/backend.ts'
export {
  arange,
  eye,
  full,
  linspace,
  ones,
  onesLike,
  type TensorData,
  type TensorOptions,
  tensor,
  triangle,
  tril,
  triu,
  zeros,
  zerosLike,
} from './create.ts'
// ---- networks and their training ----
export * as data from './data/index.ts'
// ---- tensors ----
export type { DType, TypedArray } from './dtype.ts'
export { type ErrorCode, GlissadeError } from './errors.ts'
export { type Capture, type Captured, type CaptureOptions, capture } from './explain/capture.ts'
export { ChainRule, chainRule, type Term, type Terms } from './explain/chain-rule.ts'
export { checkGradient, type GradientCheck, type GradientCheckOptions } from './explain/check-gradient.ts'
export type { Element } from './explain/elements.ts'
export type { Level, Rest, Station } from './explain/level.ts'
export type { Ingredient, Made, Source } from './explain/made-of.ts'
export { findNonFinite, type Origin } from './explain/non-finite.ts'
export { type Observed, type ObserveOptions, observe } from './explain/observe.ts'
export type { Operation, OperationKind } from './explain/operation.ts'
export { Recording, type RecordingData, record, type TermsOptions, type Update, type Which } from './explain/record.ts'
export {
  type InputMaker,
  type Summary,
  type SummaryInput,
  type SummaryOptions,
  type SummaryRow,
  type SummaryTextOptions,
  type SummaryTotals,
  summary,
} from './explain/summary.ts'
export { type Watch, watch } from './explain/watch.ts'
export {
  type CachedModel,
  type CachedTranslator,
  type Generated,
  type GeneratedToken,
  type GenerateOptions,
  type GenerativeModel,
  generate,
  generateStream,
  type Prompt,
  type SamplingOptions,
  type StepModel,
  samplingProbabilities,
  type TextCoder,
  type WholeModel,
} from './generate/index.ts'
export * as io from './io/index.ts'
export * as loss from './loss/index.ts'
export * as metrics from './metrics/index.ts'
export * as nn from './nn/index.ts'
export { tap } from './nn/module.ts'
// ---- operations as functions ----
export {
  type AdaptiveSize,
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  adaptiveAvgPool3d,
  adaptiveMaxPool1d,
  adaptiveMaxPool2d,
  adaptiveMaxPool3d,
} from './ops/derived/adaptive.ts'
export { dot, einsum, matmul, outer } from './ops/derived/contract.ts'
export {
  type ConvOptions,
  type ConvTransposeOptions,
  conv1d,
  conv2d,
  conv3d,
  convTranspose1d,
  convTranspose2d,
  convTranspose3d,
  type PerAxis,
} from './ops/derived/conv.ts'
export { clip, exp2, log2, maximum, minimum, stopGradient, where } from './ops/derived/elementwise.ts'
export { gather, oneHot, type SortOptions, scatterAdd, take, topK } from './ops/derived/indexing.ts'
export { circularPad, type Margin, type PaddingMode, reflectionPad, replicationPad } from './ops/derived/margins.ts'
export { concat, diagonal, type SliceRange, stack, windows } from './ops/derived/movement.ts'
export {
  type AvgPoolOptions,
  avgPool1d,
  avgPool2d,
  avgPool3d,
  type MaxPoolOptions,
  maxPool1d,
  maxPool2d,
  maxPool3d,
  type PoolOptions,
} from './ops/derived/pool.ts'
export {
  type InterpolateOptions,
  type InterpolationMode,
  interpolate,
  pixelShuffle,
  pixelUnshuffle,
} from './ops/derived/resize.ts'
export { type ScanOptions, type ScanResult, type ScanStep, scan, unrolled } from './ops/derived/scan.ts'
export * as optim from './optim/index.ts'
export { formatTensor, print } from './print.ts'
export * as random from './random.ts'
export { manualSeed } from './random.ts'
export { type BackendName, backendNames, getBackend, probeBackend, setBackend } from './run/backend.ts'
export { type CompiledFunction, compile } from './run/compile.ts'
export type { KernelTime, Profile, Program } from './run/program.ts'
export { realize } from './run/realize.ts'
export type { Shape } from './shape.ts'
export { type Axes, type NestedArray, type ReduceOptions, Tensor, type TensorLike, Variable } from './tensor.ts'
export * as text from './text/index.ts'
export {
  type BatchSource,
  type BestModel,
  type Callback,
  type CheckpointDone,
  type CheckpointOptions,
  type EarlyStoppingOptions,
  type EpochEnd,
  type EpochStart,
  type EvaluateOptions,
  type Evaluation,
  evaluate,
  type FitControl,
  type FitEnd,
  type FitEvent,
  type FitHandlers,
  type FitOptions,
  type FitResult,
  type FitStart,
  fit,
  fitSteps,
  type KeepBestOptions,
  type LoaderSource,
  type LossFunction,
  type LrFindOptions,
  type LrFindResult,
  type LrPoint,
  lrFind,
  type MonitorOptions,
  type PredictOptions,
  predict,
  type ResumeOptions,
  type RunOptions,
  type Samples,
  type Score,
  type SizedSource,
  type Stateful,
  type StepDone,
  type StepFunction,
  type StepResult,
  type StreamingMetric,
  type ValidationDone,
  type WatchOptions,
  type WriteFailed,
} from './train/index.ts'
