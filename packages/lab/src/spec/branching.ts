/** What a branch may have otherwise while its weights fit: optimizers, and activations without weights of their own. */
import { activations as entries } from './catalogue/activations.ts'
import { optimizers } from './catalogue/training.ts'
import { newChoice, newLayer } from './catalogue.ts'
import type { Choice, LayerSpec, ModelSpec } from './spec.ts'

export { optimizers }

/** An optimizer with its first settings. */
export const initialOf = (kind: string): Choice => newChoice(optimizers, kind)

const offered = ['relu', 'leakyRelu', 'tanh', 'sigmoid', 'elu', 'silu']
const kinds: ReadonlySet<string> = new Set(offered)

/** The layers in a description, wherever they stand. */
function* layersIn(value: unknown): Generator<LayerSpec> {
  if (Array.isArray(value)) for (const each of value) yield* layersIn(each)
  else if (typeof value === 'object' && value !== null) {
    if ('kind' in value) yield value as LayerSpec
    for (const each of Object.values(value)) yield* layersIn(each)
  }
}

const replacedIn = (value: unknown, layer: LayerSpec): unknown => {
  if (Array.isArray(value)) return value.map((each) => replacedIn(each, layer))
  if (typeof value !== 'object' || value === null) return value
  if (kinds.has(String((value as LayerSpec).kind))) return layer
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, replacedIn(each, layer)]))
}

export const activations = {
  all: entries.filter(({ kind }) => kinds.has(kind)),
  /** The first activation that a model has; undefined if it has none of these. */
  usedIn: (model: ModelSpec): string | undefined => [...layersIn(model)].find(({ kind }) => kinds.has(kind))?.kind,
  /** The model with another activation everywhere. */
  replaced: (model: ModelSpec, kind: string): ModelSpec => replacedIn(model, newLayer(kind)) as ModelSpec,
} as const
