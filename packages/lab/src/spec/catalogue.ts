/**
 * Everything a person can choose, in words: layers, activations, losses, optimizers, schedules, initializers.
 *
 * It is data. That it says nothing the library does not do, and leaves nothing out without a reason, is held by
 * test/catalogue.test.ts; what sizes come out of a layer: shapes.ts; what may stand in a spec: check.ts.
 */
import { activations } from './catalogue/activations.ts'
import type { Entry, LayerEntry, OptionEntry } from './catalogue/entry.ts'
import { layers } from './catalogue/layers.ts'
import { losses } from './catalogue/losses.ts'
import { initializers, optimizers, schedules } from './catalogue/training.ts'
import type { Choice, LayerSpec } from './spec.ts'

export type { Entry, Form, LayerEntry, OptionEntry } from './catalogue/entry.ts'
export { initializers, losses, optimizers, schedules }

/** Every layer, activations too. */
export const allLayers: readonly LayerEntry[] = [...layers, ...activations]

const byKind = new Map(allLayers.map((entry) => [entry.kind, entry]))
export const layerEntry = (kind: string): LayerEntry | undefined => byKind.get(kind)

export const entryOf = <E extends Entry>(entries: readonly E[], kind: string): E | undefined =>
  entries.find((entry) => entry.kind === kind)

const firstValues = (options: readonly OptionEntry[]): Record<string, OptionEntry['initial']> =>
  Object.fromEntries(options.filter(({ needed }) => needed).map(({ name, initial }) => [name, initial]))

/** A layer with first values; sizes that follow are mended by shapes.ts. */
export function newLayer(kind: string): LayerSpec {
  const entry = layerEntry(kind)
  if (!entry) throw new Error(`There is no layer ${kind} in the catalogue.`)
  const options = firstValues(entry.options)
  if (kind === 'sequential') return { kind, layers: [{ kind: 'identity' }], ...options }
  if (kind === 'residual') return { kind, body: { kind: 'sequential', layers: [{ kind: 'identity' }] } }
  if (kind === 'parallel') {
    const branch = { kind: 'sequential', layers: [{ kind: 'identity' }] }
    return { kind, branches: [branch, branch], ...options }
  }
  return { kind, ...options }
}

/** A choice with first values. */
export function newChoice(entries: readonly Entry[], kind: string): Choice {
  const entry = entryOf(entries, kind)
  if (!entry) throw new Error(`There is no ${kind} in the catalogue.`)
  return { kind, ...firstValues(entry.options), ...('lr' in entry && { lr: entry.lr as number }) }
}
