/** Changes of a model as data: put in, take out, move, set an option. Nothing is changed in place. */

import type { Entry, OptionEntry } from './catalogue/entry.ts'
import { entryOf, layerEntry, newLayer } from './catalogue.ts'
import { outputPlace } from './shapes.ts'
import type { Choice, LayerSpec } from './spec.ts'

/** Where something stands in a model: names and places from the outside in. */
export type Place = readonly (string | number)[]

export function getIn(value: unknown, place: Place): unknown {
  return place.reduce<unknown>((at, step) => (at as Readonly<Record<string | number, unknown>>)[step], value)
}

export function setIn<T>(value: T, place: Place, next: unknown): T {
  if (place.length === 0) return next as T
  const [step, ...rest] = place
  const inner = setIn((value as Readonly<Record<string | number, unknown>>)[step], rest, next)
  if (Array.isArray(value)) return value.map((each, i) => (i === step ? inner : each)) as T
  return { ...value, [step]: inner } as T
}

const listAt = (model: LayerSpec, list: Place): readonly LayerSpec[] => getIn(model, list) as readonly LayerSpec[]

export function insertLayer(model: LayerSpec, list: Place, at: number, layer: LayerSpec): LayerSpec {
  const layers = listAt(model, list)
  return setIn(model, list, [...layers.slice(0, at), layer, ...layers.slice(at)])
}

/** A list keeps at least one: the last that goes leaves the identity. */
export function removeLayer(model: LayerSpec, list: Place, at: number): LayerSpec {
  const rest = listAt(model, list).filter((_, i) => i !== at)
  return setIn(model, list, rest.length > 0 ? rest : [{ kind: 'identity' }])
}

export function moveLayer(model: LayerSpec, list: Place, from: number, to: number): LayerSpec {
  const layers = [...listAt(model, list)]
  const [layer] = layers.splice(from, 1)
  layers.splice(to, 0, layer)
  return setIn(model, list, layers)
}

/** The option that says how many units a layer has; undefined if it has none of its own. */
export function unitsOption(kind: string): string | undefined {
  if (kind === 'linear' || /^conv/.test(kind)) return 'out'
  if (kind === 'rnn' || kind === 'lstm' || kind === 'gru') return 'hidden'
  if (kind === 'embedding') return 'size'
  return kind === 'languageModel' ? 'width' : undefined
}

/** With another value of an option; what has its first value anyway is not written down. */
export function withOption<T extends LayerSpec | Choice>(
  of: T,
  entry: Entry | undefined,
  name: string,
  value: OptionEntry['initial'],
): T {
  const option = entry?.options.find((each) => each.name === name)
  const { [name]: _, ...rest } = of as Readonly<Record<string, unknown>>
  const silent = option && !option.needed && JSON.stringify(option.initial) === JSON.stringify(value)
  return (silent ? rest : { ...rest, [name]: value }) as unknown as T
}

export const setLayerOption = (
  model: LayerSpec,
  place: Place,
  name: string,
  value: OptionEntry['initial'],
): LayerSpec => {
  const layer = getIn(model, place) as LayerSpec
  return setIn(model, place, withOption(layer, layerEntry(layer.kind), name, value))
}

/** Another kind that keeps the options which both have. */
export function switched(entries: readonly Entry[], from: Choice, to: Choice): Choice {
  const [old, next] = [entryOf(entries, from.kind), entryOf(entries, to.kind)]
  const shared = (next?.options ?? []).filter(
    ({ name, type }) =>
      from[name] !== undefined && old?.options.some((each) => each.name === name && each.type === type),
  )
  return { ...to, ...Object.fromEntries(shared.map(({ name }) => [name, from[name]])) }
}

const layersOf = (model: LayerSpec): readonly LayerSpec[] =>
  model.kind === 'sequential' ? (model.layers as readonly LayerSpec[]) : []
const isActivation = ({ kind }: LayerSpec): boolean => layerEntry(kind)?.group === 'Activations'

/** The hidden linear layers, by their place in the list; those before the layer that gives the output. */
export function hiddenPlaces(model: LayerSpec): readonly number[] {
  const output = outputPlace(model)
  return layersOf(model).flatMap(({ kind }, i) => (kind === 'linear' && i < output ? [i] : []))
}

/** The activation between the layers: that of the first one. */
export const activationOf = (model: LayerSpec): string | undefined => layersOf(model).find(isActivation)?.kind

/** One more hidden layer before the output, as wide as the one before it. */
export function addHidden(model: LayerSpec): LayerSpec {
  const places = hiddenPlaces(model)
  const before = layersOf(model)[places[places.length - 1]]
  const activation = newLayer(activationOf(model) ?? 'tanh')
  const linear = { ...newLayer('linear'), out: before?.out ?? 4 }
  const at = outputPlace(model)
  return insertLayer(insertLayer(model, ['layers'], at, activation), ['layers'], at, linear)
}

/** Without the last hidden layer and the activation behind it. */
export function removeHidden(model: LayerSpec): LayerSpec {
  const at = hiddenPlaces(model).at(-1)
  if (at === undefined) return model
  const rest = layersOf(model).filter((layer, i) => i !== at && !(i === at + 1 && isActivation(layer)))
  return { ...model, layers: rest }
}

/** The same activation everywhere in the list, but behind the output. */
export function withActivation(model: LayerSpec, kind: string): LayerSpec {
  const output = outputPlace(model)
  return {
    ...model,
    layers: layersOf(model).map((layer, i) => (isActivation(layer) && i < output ? newLayer(kind) : layer)),
  }
}
