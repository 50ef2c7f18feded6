/** The most wanted changes of a network, beside its picture: how many hidden layers, how wide, which activation. */
import type { JSX } from 'preact'
import { allLayers } from '../../spec/catalogue.ts'
import { activationOf, addHidden, hiddenPlaces, removeHidden, setLayerOption, withActivation } from '../../spec/edit.ts'
import { outputPlace } from '../../spec/shapes.ts'
import type { LayerSpec } from '../../spec/spec.ts'
import { useLab } from '../../state/ask.ts'
import { IconButton, Select } from '../../ui/controls.tsx'

/** The widths of more than so many layers stand in the list of layers only. */
const mostShown = 6

const activations = allLayers
  .filter(({ group, kind }) => group === 'Activations' && !/glu$/.test(kind))
  .map(({ kind, title }) => ({ value: kind, text: title }))

export function QuickLayers({ model }: { readonly model: LayerSpec }): JSX.Element | null {
  const lab = useLab()
  if (outputPlace(model) < 0) return null
  const places = hiddenPlaces(model)
  const activation = activationOf(model)
  const layers = model.layers as readonly LayerSpec[]
  const set = (next: LayerSpec, key = ''): Promise<boolean> => lab.editor.change({ model: next }, key)
  return (
    <div class="quick">
      <fieldset>
        <legend>Hidden layers</legend>
        <span class="units">
          <IconButton
            glyph="minus"
            class="icon quiet"
            name="One hidden layer less"
            disabled={places.length === 0}
            onClick={() => set(removeHidden(model))}
          />
          <output class="figures">{places.length}</output>
          <IconButton
            glyph="plus"
            class="icon quiet"
            name="One more hidden layer"
            disabled={layers.length > 56}
            onClick={() => set(addHidden(model))}
          />
        </span>
      </fieldset>
      {places.length > 0 && (
        <fieldset>
          <legend>Units in each</legend>
          {places.slice(0, mostShown).map((at, i) => {
            const out = Number(layers[at].out)
            const change = (by: number): Promise<boolean> =>
              set(setLayerOption(model, ['layers', at], 'out', out + by), `units layers,${at}`)
            return (
              <span class="units" key={at}>
                <IconButton
                  glyph="minus"
                  class="icon quiet"
                  name={`One unit less in hidden layer ${i + 1}`}
                  disabled={out <= 1}
                  onClick={() => change(-1)}
                />
                <output class="figures">{out}</output>
                <IconButton
                  glyph="plus"
                  class="icon quiet"
                  name={`One more unit in hidden layer ${i + 1}`}
                  onClick={() => change(1)}
                />
              </span>
            )
          })}
        </fieldset>
      )}
      {activation && (
        <Select
          label="Activation"
          value={activation}
          options={activations}
          onChange={(kind) => set(withActivation(model, kind))}
          hint="The function that each hidden unit sends its sum through."
        />
      )}
    </div>
  )
}
