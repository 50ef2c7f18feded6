/** Files, as `io.*`: models and tensors as safetensors. */
export { buildModel, describeModel, type ModelDescription } from './architecture.ts'
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
export {
  formatSafetensors,
  parseSafetensors,
  readHeader,
  type SafetensorsHeader,
  type TensorEntry,
} from './safetensors.ts'
