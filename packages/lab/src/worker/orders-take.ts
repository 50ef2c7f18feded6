/** Orders that take a run away as a file, or look into a file that was brought. The page's side: take/. */
import { io, manualSeed } from 'glissade'
import type { ModelSpec } from '../spec/spec.ts'
import { buildModel } from './build.ts'
import { sessionOf, specKey } from './keeping.ts'
import type { Obeyer } from './orders.ts'
import type { ExportFormat, ModelFile } from './protocol.ts'
import type { Run } from './run.ts'

/** Under it a model file of the library holds its architecture. */
const architectureKey = 'glissade.architecture'
/** Checkpoints of the library have the model's tensors under this prefix. */
const checkpointPrefix = 'model.'

const exporters: { readonly [F in ExportFormat]: (run: Run) => Promise<Uint8Array> } = {
  weights: ({ model }) => io.formatModel(model),
  first: (run) =>
    run.withDraws(async () => {
      manualSeed(run.spec.seed)
      return io.formatModel(buildModel(run.spec))
    }),
  session: (run) => sessionOf(run),
  file: (run) => sessionOf(run, true),
  onnx: ({ model, inputs, spec }) =>
    io.toOnnx(
      model,
      { shape: [1, ...inputs.shape.slice(1)], dtype: inputs.dtype },
      {
        metadata: { spec: JSON.stringify({ model: spec.model, seed: spec.seed }) },
      },
    ),
}

export const takeObeyers: { readonly export: Obeyer<'export'>; readonly inspect: Obeyer<'inspect'> } = {
  export: async ({ desk }, { run, format }) => exporters[format](desk.live(run).run),
  inspect: async (_, { bytes, name }) => inspect(bytes, name),
}

async function inspect(bytes: Uint8Array, name: string): Promise<ModelFile> {
  const { tensors, metadata } = io.parseSafetensors(bytes, name)
  const text = metadata[architectureKey]
  const isCheckpoint = 'glissade.checkpoint' in metadata
  const own = Object.entries(tensors).flatMap(([path, tensor]) =>
    !isCheckpoint
      ? [[path, tensor] as const]
      : path.startsWith(checkpointPrefix)
        ? [[path.slice(checkpointPrefix.length), tensor] as const]
        : [],
  )
  const spec = metadata[specKey]
  return {
    ...(spec !== undefined && { spec: parsed(spec, name) }),
    ...(text !== undefined && { model: parsed(text, name) as ModelSpec }),
    tensors: own.map(([path, { shape }]) => ({ name: path, shape })),
    weights: spec === undefined ? await io.formatSafetensors(Object.fromEntries(own)) : bytes,
  }
}

function parsed(text: string, name: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Error(`${name}: what it says of itself is no JSON. The file is damaged; save it again.`)
  }
}
