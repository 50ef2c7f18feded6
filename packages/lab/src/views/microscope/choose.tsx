/** Which weight is looked at: by name and place. Other views choose by pinning a weight. */
import type { JSX } from 'preact'
import { useLab } from '../../state/ask.ts'
import type { WeightRef } from '../../state/selection.ts'
import { NumberField, Select } from '../../ui/controls.tsx'
import { words } from '../../ui/format.ts'
import type { RunInfo } from '../../worker/protocol.ts'
import { elementAt, parametersOf, placeOf } from './words.ts'

export function ChooseWeight({
  info,
  weight,
  onChange,
}: {
  readonly info: RunInfo
  readonly weight: WeightRef
  onChange(weight: WeightRef): void
}): JSX.Element {
  const all = parametersOf(info)
  const shape = all.find(({ name }) => name === weight.name)?.shape ?? []
  const place = placeOf(weight.element, shape)
  return (
    <div class="choose row">
      <Select
        label="Parameter"
        value={weight.name}
        options={all.map(({ name }) => ({ value: name, text: name }))}
        onChange={(name) => onChange({ name, element: 0 })}
      />
      {place.map((at, axis) => (
        <NumberField
          // Axes have no names.
          key={`${weight.name} ${axis}`}
          label={axisName(axis, shape, weight.name)}
          value={at + 1}
          min={1}
          max={shape[axis]}
          whole
          hint={`1 to ${shape[axis]}`}
          onChange={(value) => onChange({ name: weight.name, element: elementAt(place.with(axis, value - 1), shape) })}
        />
      ))}
    </div>
  )
}

/** What an axis of a parameter counts, in the library's order: outputs first, then inputs, then the places of a kernel. */
function axisName(axis: number, shape: readonly number[], name: string): string {
  if (shape.length === 1 || /embed|pos/i.test(name)) return axis === 0 ? 'at' : 'feature'
  return ['to unit', 'from input', 'row', 'column', 'depth'][axis] ?? `axis ${axis}`
}

/** The weight that is looked at: the one that was pinned last. */
export function useWeight(info: RunInfo): [WeightRef | undefined, (weight: WeightRef) => void] {
  const { selection } = useLab()
  const pinned = selection.pinned.value
  const known = parametersOf(info)
  const fits = (weight: WeightRef | undefined): weight is WeightRef => {
    const found = known.find(({ name }) => name === weight?.name)
    return found !== undefined && (weight?.element ?? 0) < found.shape.reduce((product, n) => product * n, 1)
  }
  const last = pinned?.kind === 'weight' ? pinned : selection.weight.value
  const set = ({ name, element }: WeightRef): void => {
    selection.pinned.value = { kind: 'weight', name, element }
  }
  return [fits(last) ? { name: last.name, element: last.element } : undefined, set]
}

/** As programs call it, and its layer: `0.weight[3, 1] of linear 0`; programs count from 0. */
export function WeightName({ info, weight }: { readonly info: RunInfo; readonly weight: WeightRef }): JSX.Element {
  const shape = parametersOf(info).find(({ name }) => name === weight.name)?.shape ?? []
  const module = info.modules.find(({ parameters }) => parameters.some(({ name }) => name === weight.name))
  return (
    <>
      <strong class="figures">
        {weight.name}
        {shape.length > 0 && `[${placeOf(weight.element, shape).join(', ')}]`}
      </strong>
      {module && (
        <span class="muted">
          {' '}
          of {words(module.kind)} {module.path}
        </span>
      )}
    </>
  )
}
