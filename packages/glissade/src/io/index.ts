/** Files, as `io.*`: models and tensors as safetensors. */
export { buildModel, describeModel, type ModelDescription } from './architecture.ts'
// ---- data: tables, images, sound, archives, downloads ----
export { type ArchiveOptions, loadArchive, parseArchive } from './archive.ts'
export {
  type Checkpoint,
  formatCheckpoint,
  type Json,
  listCheckpoints,
  loadCheckpoint,
  loadNewest,
  parseCheckpoint,
  saveCheckpoint,
} from './checkpoint.ts'
export { type CsvOptions, type CsvType, loadCsv, parseCsv } from './csv.ts'
export { type DownloadOptions, type DownloadProgress, download, downloadBytes } from './download.ts'
export { gunzip, gzip, type InflateOptions } from './gzip.ts'
export { loadIdx, parseIdx } from './idx.ts'
export { decodeImage, encodePng, type ImageOptions, loadImage } from './image.ts'
export { formatJsonLines, loadJsonLines, loadJsonTable, parseJsonLines, tableOfRows } from './json-lines.ts'
export { type LoadKerasOptions, loadKeras } from './keras/load.ts'
export { KerasModel } from './keras/model.ts'
export {
  architectureKey,
  formatModel,
  loadModel,
  loadTensors,
  loadWeights,
  type Source,
  saveModel,
  saveTensors,
} from './model-file.ts'
export { type NdArray, ndArray, toTensor } from './nd-array.ts'
export {
  formatNpy,
  formatNpz,
  loadNpy,
  loadNpz,
  type NpzOptions,
  parseNpy,
  parseNpz,
  saveNpy,
  saveNpz,
} from './npy.ts'
export { type OnnxExample, saveOnnx, type ToOnnxOptions, toOnnx } from './onnx/export.ts'
export { type LoadOnnxOptions, loadOnnx, OnnxModel, type OnnxPort } from './onnx/model.ts'
export { loadParquet, type ParquetOptions } from './parquet.ts'
export { loadPt, loadStateDict, type PtValue, parsePt, stateDictOf } from './pt.ts'
export { type MetricLine, RunFolder, type RunFolderOptions, readMetrics } from './run-folder.ts'
export {
  formatSafetensors,
  parseSafetensors,
  readHeader,
  type SafetensorsHeader,
  type TensorEntry,
} from './safetensors.ts'
export {
  type BoardEvent,
  type BoardWriter,
  boardWriter,
  type EventValue,
  type Histogram,
  histogramOf,
} from './tensorboard.ts'
export { formatWav, loadWav, parseWav, type Sound } from './wav.ts'
