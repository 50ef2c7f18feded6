/**
 * Models in files: weights as safetensors under PyTorch's names, with the architecture beside them where it can be
 * described, so that a file alone is enough to predict.
 */
import { fail } from '../errors.ts'
import type { Layer, Module } from '../nn/module.ts'
import type { Tensor } from '../tensor.ts'
import { buildModel, describeModel } from './architecture.ts'
import { readFile, replaceFile } from './files.ts'
import { formatSafetensors, parseSafetensors } from './safetensors.ts'

/** A path (where there are files), or the bytes of a file. */
export type Source = string | Uint8Array

/** Under this key the metadata of a file holds the architecture, as JSON. */
export const architectureKey = 'glissade.architecture'

const nameOf = (source: Source): string => (typeof source === 'string' ? source : 'model file')
const bytesOf = async (source: Source): Promise<Uint8Array> => (typeof source === 'string' ? readFile(source) : source)

/** Reads all tensors of a safetensors file. Errors: `data-missing`, `file-format`. */
export async function loadTensors(
  source: Source,
): Promise<{ tensors: Record<string, Tensor>; metadata: Readonly<Record<string, string>> }> {
  return parseSafetensors(await bytesOf(source), nameOf(source))
}

/** Writes tensors as a safetensors file: whole, or not at all. */
export async function saveTensors(
  path: string,
  tensors: Readonly<Record<string, Tensor>>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  await replaceFile(path, await formatSafetensors(tensors, metadata))
}

/** The bytes of a model's file: its parameters and buffers, its architecture, and `metadata` of the caller's own. */
export async function formatModel(model: Module, metadata: Readonly<Record<string, string>> = {}): Promise<Uint8Array> {
  const description = describeModel(model)
  return formatSafetensors(model.stateDict(), {
    // Names and layouts are PyTorch's; its tools ask for this.
    format: 'pt',
    ...(description && { [architectureKey]: JSON.stringify(description) }),
    ...metadata,
  })
}

/** Writes a model's file: whole, or not at all. */
export async function saveModel(
  path: string,
  model: Module,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  await replaceFile(path, await formatModel(model, metadata))
}

/** Sets the weights of `model` from a file. Errors: `data-missing`, `file-format`, `weights-mismatch`. */
export async function loadWeights(
  model: Module,
  source: Source,
  { strict = true }: { strict?: boolean } = {},
): Promise<{ missing: string[]; unexpected: string[]; metadata: Readonly<Record<string, string>> }> {
  const { tensors, metadata } = await loadTensors(source)
  return { ...(await model.loadStateDict(tensors, { strict, source: nameOf(source) })), metadata }
}

/** Builds the model that a file describes, with its weights, for use (not training). Errors: as loadWeights. */
export async function loadModel<M extends Module = Layer>(
  source: Source,
): Promise<{ model: M; metadata: Readonly<Record<string, string>> }> {
  const { tensors, metadata } = await loadTensors(source)
  const file = nameOf(source)
  const text = metadata[architectureKey]
  if (text === undefined) {
    fail('file-format', {
      file,
      what: 'architecture',
      received: 'weights alone',
      expected: `a description under '${architectureKey}'`,
      fix: 'Build the model in code and use loadWeights.',
    })
  }
  const model = buildModel<M>(parseJson(text, file), file)
  await model.loadStateDict(tensors, { source: file })
  return { model: model.eval(), metadata }
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    const received = `${text.slice(0, 40)}…`
    return fail(
      'file-format',
      { file, what: 'architecture', received, expected: 'JSON', fix: 'Save the model again.' },
      cause,
    )
  }
}
