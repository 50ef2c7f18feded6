/** Data, as `data.*`: sets of samples, their batches, orders and splits; tables; transforms; and named sets. */
export {
  type BatchOf,
  type CollateOptions,
  collate,
  type Field,
  type FieldTypes,
  fieldTypes,
} from './collate.ts'
export { type BatchOptions, type Columns, Dataset, dataset, type SplitOptions } from './dataset.ts'
export { type Digits, type DigitsOptions, digits } from './digits.ts'
export { Draws, type Range } from './draws.ts'
export { type Fold, type FoldOptions, groupKFold, kFold, type Labels, stratifiedKFold } from './folds.ts'
export {
  adjustBrightness,
  adjustContrast,
  adjustHue,
  adjustSaturation,
  type ColorJitterOptions,
  colorJitter,
  cutout,
  grayscale,
  normalize,
  type RandomErasingOptions,
  randomErasing,
  randomGrayscale,
} from './image-colour.ts'
export { type FolderImage, type ImageFolder, type ImageFolderOptions, imageFolder } from './image-folder.ts'
export {
  centerCrop,
  crop,
  horizontalFlip,
  type Margins,
  type PadOptions,
  pad,
  type RandomAffineOptions,
  type RandomCropOptions,
  type RandomResizedCropOptions,
  randomAffine,
  randomCrop,
  randomHorizontalFlip,
  randomResizedCrop,
  randomRotation,
  randomVerticalFlip,
  verticalFlip,
} from './image-geometry.ts'
export { type AffineOptions, affine, type Interpolation, type ResizeOptions, resize, rotate } from './image-sampling.ts'
export { compose, type ImageSize, type ImageTransform, randomApply, randomChoice } from './image-transform.ts'
export { Loader, type LoaderOptions, type LoaderState, loader } from './loader.ts'
export { cutmix, type Mixed, type MixOptions, mixup } from './mixing.ts'
export { permutation } from './order.ts'
export { type ResampleOptions, resample } from './resample.ts'
export {
  classWeights,
  randomSampler,
  type Sampler,
  sequentialSampler,
  stratifiedSampler,
  subsetSampler,
  weightedSampler,
} from './samplers.ts'
export {
  from,
  fromDataset,
  type SampleContext,
  type SampleMap,
  type SampleSource,
  type SampleSplitOptions,
  Samples,
} from './samples.ts'
export { catalogue, type SetFacts, type SetKind, type SetName } from './sets/catalogue.ts'
export {
  type CifarOptions,
  cifar10,
  fashionMnist,
  type ImageSet,
  type ImageSets,
  mnist,
  type OmniglotOptions,
  omniglot,
  type QuickdrawOptions,
  quickdraw,
} from './sets/images.ts'
export type { SetInfo, SetOptions } from './sets/locate.ts'
export type { SetFile } from './sets/origins.ts'
export {
  adult,
  airlinePassengers,
  diabetes,
  ettH1,
  houses,
  iris,
  minTemperatures,
  penguins,
  type SeriesSets,
  type TableSets,
} from './sets/tables.ts'
export {
  type Language,
  multi30k,
  names,
  type Pair,
  type SampleSets,
  type Sentence,
  type SpokenDigit,
  type SpokenDigits,
  shakespeare,
  spokenDigits,
  sst2,
  type TextParts,
  type TranslationOptions,
} from './sets/text.ts'
export {
  type DecibelOptions,
  logMelSpectrogram,
  type MelOptions,
  type MfccOptions,
  melBands,
  melSpectrogram,
  mfcc,
  mono,
  powerToDb,
  type SoundLike,
  type SpectrogramOptions,
  spectrogram,
} from './spectrogram.ts'
export {
  type ColumnValues,
  Table,
  type TableColumn,
  type TableDatasetOptions,
  type TableOrigin,
  type TableSplitOptions,
  table,
} from './table.ts'
export {
  type EncoderOptions,
  OneHotEncoder,
  type OneHotEncoderOptions,
  OrdinalEncoder,
  oneHotEncoder,
  ordinalEncoder,
} from './table-encoders.ts'
export { Imputer, type ImputerOptions, type ImputerStrategy, imputer } from './table-imputer.ts'
export { pipelineFromState, TablePipeline, tablePipeline } from './table-pipeline.ts'
export {
  type ColumnOptions,
  MinMaxScaler,
  type MinMaxScalerOptions,
  minMaxScaler,
  StandardScaler,
  type StandardScalerOptions,
  standardScaler,
  TableTransform,
  type TransformState,
} from './table-transforms.ts'
export {
  slidingWindows,
  type TokenWindow,
  type TokenWindowOptions,
  tokenWindows,
  type Window,
  type WindowOptions,
} from './windows.ts'
export {
  inWorkers,
  type WorkerContext,
  type WorkerFunction,
  type WorkerOptions,
  WorkerSource,
} from './worker-source.ts'
