/** Data of the lab that a model from elsewhere can read: found by its shapes, as a file of weights says nothing of them. */

import type { DataFacts } from '../spec/facts.ts'
import { planeSpec, presets } from '../spec/presets.ts'
import { fit } from '../spec/shapes.ts'
import type { DataSpec, LabSpec, ModelSpec, PlaneFeature, PlaneSet } from '../spec/spec.ts'
import { canonical } from './knobs.ts'

const features: readonly PlaneFeature[] = ['x', 'y', 'x²', 'y²', 'xy', 'sin x', 'sin y']
const sets: readonly PlaneSet[] = ['circle', 'rings', 'pinwheel', 'hills']

const presetOf = (id: string): LabSpec => presets.find((each) => each.id === id)?.spec as LabSpec

/** Specs with every kind of data that comes with the page, and of a network's own context. */
function candidates(model: ModelSpec): LabSpec[] {
  const [digits, names] = [presetOf('digits'), presetOf('names-transformer')]
  const context = Number(model.context)
  const long = Number.isInteger(context) && context >= 2 && context <= 256 ? { context } : {}
  const texts = (['names', 'moby-dick'] as const).map(
    (corpus): LabSpec => ({ ...names, data: { ...names.data, corpus, ...long } as DataSpec }),
  )
  const planes = features.slice(1).flatMap((_, i) =>
    sets.map((set) => ({
      ...planeSpec(set, [], { features: features.slice(0, i + 2) }),
      ...(set === 'hills' && { loss: { kind: 'mse' } }),
    })),
  )
  return [digits, ...texts, ...planes]
}

/**
 * A spec of data that fits the model's input and output; undefined if there is none. `describe` says what data are.
 */
export async function specFor(
  model: ModelSpec,
  describe: (data: DataSpec) => Promise<DataFacts>,
): Promise<LabSpec | undefined> {
  for (const spec of candidates(model)) {
    const fitted = fit(model, await describe(spec.data))
    // Sizes that had to be changed would not take the weights.
    if (fitted.problems.length === 0 && canonical(fitted.model) === canonical(model)) return { ...spec, model }
  }
  return undefined
}
