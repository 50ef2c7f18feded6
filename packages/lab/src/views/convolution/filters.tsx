/**
 * The filters of a convolution: each kernel as it is now, and what it came to detect: the parts of the samples that it
 * answers most strongly.
 */
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { useLab, useQuestion } from '../../state/ask.ts'
import { largestSize } from '../../ui/colour.ts'
import { Panel, Select } from '../../ui/controls.tsx'
import { count, number, words } from '../../ui/format.ts'
import { useCanvas } from '../../ui/frame.ts'
import { drawMap, fitted } from '../../ui/map.ts'
import type { ModuleInfo, Numbers, Questions, RunInfo } from '../../worker/protocol.ts'
import { fieldOf } from '../field.ts'
import { layersOf, seesPictures } from '../layer-maps.tsx'
import { SamplePicture } from '../sample-picture.tsx'
import { useTextQuestion } from '../slow.ts'
import type { View, ViewProps } from '../view.ts'
import './filters.css'

/** Samples for each filter. */
const top = 6
/** Filters that are shown at once; kernels of so many channels. */
const most = 16
const mostChannels = 6

const convolutions = (info: RunInfo): readonly ModuleInfo[] => layersOf(info).filter(({ kind }) => kind === 'conv2d')

function FiltersView({ run, info }: ViewProps): JSX.Element {
  const layers = convolutions(info)
  const [path, setPath] = useState(layers[0]?.path ?? '')
  const module = layers.find((layer) => layer.path === path) ?? layers[0]
  const found = useTextQuestion('strongest', { run, module: module.path, part: 'test', top }, 250)
  return (
    <Panel
      title="Filters and what they detect"
      stamp={found.value?.stamp}
      actions={
        <Select
          label="Layer"
          value={module.path}
          options={layers.map((layer) => ({ value: layer.path, text: `${words(layer.kind)} ${layer.path}` }))}
          onChange={setPath}
        />
      }
      class="filters"
    >
      <Filters key={module.path} run={run} info={info} module={module} found={found.value} />
    </Panel>
  )
}

function Filters({
  run,
  info,
  module,
  found,
}: ViewProps & {
  readonly module: ModuleInfo
  readonly found: Questions['strongest']['answer'] | undefined
}): JSX.Element {
  const { selection } = useLab()
  const [all, setAll] = useState(false)
  const weight = useQuestion('parameter', { run, name: module.parameters[0].name, aspect: 'value' })
  const units = module.outputShape[0]
  const shown = all ? units : Math.min(units, most)
  const pinned = selection.pinned.value
  return (
    <>
      <p class="muted small">
        Each kernel, and beside it the parts of test samples to which it gives its largest numbers
        {found && `, among ${count(found.among)} samples`}.
      </p>
      <ul class="filter-list">
        {Array.from({ length: shown }, (_, unit) => {
          const isPinned = pinned?.kind === 'unit' && pinned.module === module.path && pinned.unit === unit
          return (
            <li key={unit} class={isPinned ? 'chosen' : ''}>
              <button
                type="button"
                class="filter-kernel"
                aria-pressed={isPinned}
                aria-label={`Filter ${unit + 1}`}
                title="Choose this filter"
                onClick={() => selection.pin({ kind: 'unit', module: module.path, unit })}
              >
                <Kernel unit={unit} weight={() => weight.value?.numbers} />
              </button>
              <Strongest info={info} module={module} found={found?.units[unit]} />
            </li>
          )
        })}
      </ul>
      {units > most && (
        <button type="button" class="quiet" onClick={() => setAll(!all)}>
          {all ? `first ${most}` : `all ${units} filters`}
        </button>
      )}
    </>
  )
}

/** The kernels of a filter, one for each channel that it sees, on one scale for the layer. */
function Kernel({ unit, weight }: { readonly unit: number; readonly weight: () => Numbers | undefined }): JSX.Element {
  const canvas = useCanvas((context, width, height) => {
    const numbers = weight()
    if (!numbers) return
    const [, channels, rows, columns] = numbers.shape
    const scale = largestSize(numbers.values)
    const count = Math.min(channels, mostChannels)
    const across = count > 1 ? 3 : 1
    const down = Math.ceil(count / across)
    const [w, h] = [width / across, height / down]
    for (let channel = 0; channel < count; channel++) {
      const place = fitted([rows, columns], w - 2, h - 2)
      drawMap(
        context,
        numbers.values,
        [rows, columns],
        { ...place, x: place.x + (channel % across) * w + 1, y: place.y + Math.floor(channel / across) * h + 1 },
        { from: (unit * channels + channel) * rows * columns, scale },
      )
    }
  })
  return <canvas ref={canvas} />
}

function Strongest({
  info,
  module,
  found,
}: {
  readonly info: RunInfo
  readonly module: ModuleInfo
  readonly found: Questions['strongest']['answer']['units'][number] | undefined
}): JSX.Element {
  const { selection } = useLab()
  const columns = module.outputShape[2]
  return (
    <ol>
      {found &&
        Array.from(found.sample, (index, k) => {
          const place = [Math.floor(found.place[k] / columns), found.place[k] % columns] as const
          return (
            <li key={index}>
              <button
                type="button"
                class="patch"
                aria-label={`Test sample ${index + 1}: ${number(found.value[k])}`}
                title={`${number(found.value[k])}, in test sample ${index + 1}`}
                onClick={() => {
                  selection.input.value = { part: 'test', index }
                  selection.place.value = place
                }}
              >
                <SamplePicture info={info} sample={{ part: 'test', index }} box={fieldOf(info, module.path, place)} />
              </button>
            </li>
          )
        })}
    </ol>
  )
}

export const filters: View = {
  id: 'filters',
  title: 'Filters and what they detect',
  about: 'The kernels of a convolution while they learn, and the parts of samples that each answers most strongly.',
  fits: (info) => seesPictures(info) && convolutions(info).length > 0,
  Component: FiltersView,
}
