/**
 * Keras's files: tfjs layers models (model.json and its shards), .keras archives, and .h5 files with an architecture.
 *
 * What it makes of them: model.ts. HDF5 is read by h5wasm where it is installed; .keras archives that are compressed
 * need fflate too.
 */
import type { Source } from '../model-file.ts'
import { filesBeside, readSource, type Wrong, wrongIn } from '../source.ts'
import { isZip, readZip } from '../zip.ts'
import { field, isObject, type JsonObject, parseJson } from './config.ts'
import { Builder, KerasModel } from './model.ts'
import { readH5, tfjsWeights, type WeightSource } from './weights.ts'

export interface LoadKerasOptions {
  /** The shards of a tfjs model by name. Default: those in the folder of model.json. */
  readonly files?: Readonly<Record<string, Uint8Array>>
}

const h5Magic = [0x89, 0x48, 0x44, 0x46] // \x89HDF
const format = 'Keras model'

/**
 * Reads a model of Keras or tfjs, for use (not training). Errors: `data-missing`; `file-format` for what is damaged, and
 * for layers that are not on the list or carry code; `package-missing`.
 */
export async function loadKeras(source: Source, options: LoadKerasOptions = {}): Promise<KerasModel> {
  const { bytes, file } = await readSource(source, 'Keras data')
  const wrong = wrongIn(file, format)
  if (isZip(bytes)) return readArchive(bytes, file, wrong)
  if (h5Magic.every((byte, i) => bytes[i] === byte)) return readOld(bytes, wrong)
  return readTfjs(bytes, source, options, wrong)
}

/** `{ class_name, config }` with the weights of `source`. `version` is Keras's. */
function build(architecture: unknown, source: WeightSource, version: string, wrong: Wrong): KerasModel {
  const [kind, config] = [field(architecture, 'class_name'), field(architecture, 'config')]
  // Before Keras 2.2 a Sequential's options were the list of its layers.
  const options = Array.isArray(config) ? { layers: config } : config
  if (typeof kind !== 'string' || !isObject(options) || !['Sequential', 'Functional', 'Model'].includes(kind))
    return wrong(
      'architecture',
      typeof kind === 'string' ? kind : 'none',
      'a Sequential or Functional model',
      'Models that are classes of their own carry code; build them here in code.',
    )
  const builder = new Builder(source, Number.parseInt(version, 10) || 2, wrong)
  const part = builder.model(kind, options, { names: [], place: '' })
  return new KerasModel(part, builder.variables).eval()
}

async function readTfjs(
  bytes: Uint8Array,
  source: Source,
  { files }: LoadKerasOptions,
  wrong: Wrong,
): Promise<KerasModel> {
  const model = parseJson(new TextDecoder().decode(bytes), 'model.json', wrong)
  const topology = field(model, 'modelTopology')
  if (!isObject(topology))
    return wrong(
      'modelTopology',
      field(model, 'format') === 'graph-model' ? 'a graph model' : 'none',
      'a layers model',
      'Convert the Keras model with tensorflowjs_converter --output_format=tfjs_layers_model.',
    )
  const weights = await tfjsWeights(field(model, 'weightsManifest'), filesBeside(source, files, wrong), wrong)
  const version = field(topology, 'keras_version')
  return build(field(topology, 'model_config') ?? topology, weights, typeof version === 'string' ? version : '2', wrong)
}

async function readOld(bytes: Uint8Array, wrong: Wrong): Promise<KerasModel> {
  const { architecture, version, weights } = await readH5(bytes, wrong)
  if (architecture === undefined)
    return wrong('architecture', 'weights alone', 'a whole model', 'Save it with model.save(path).')
  return build(parseJson(architecture, 'model_config', wrong), weights, version, wrong)
}

async function readArchive(bytes: Uint8Array, file: string, wrong: Wrong): Promise<KerasModel> {
  const entries = readZip(bytes, file, format)
  const text = async (name: string): Promise<JsonObject> => {
    const entry = entries.get(name) ?? wrong('archive', [...entries.keys()].slice(0, 5).join(', '), `a file ${name}`)
    return parseJson(new TextDecoder().decode(await entry.read()), name, wrong)
  }
  const [config, metadata] = [await text('config.json'), await text('metadata.json')]
  const stored =
    entries.get('model.weights.h5') ??
    wrong('archive', [...entries.keys()].slice(0, 5).join(', '), 'a file model.weights.h5')
  const { weights } = await readH5(await stored.read(), wrong)
  const version = field(metadata, 'keras_version')
  return build(config, weights, typeof version === 'string' ? version : '3', wrong)
}
