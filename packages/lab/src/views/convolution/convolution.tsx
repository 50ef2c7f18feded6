/**
 * From the picture to the maps of every layer, and on to the one sum of products under the pointer, for any network that
 * looks at pictures.
 *
 * The layers as maps: ../layer-maps.tsx. One number of a convolution: conv-detail.tsx; of a pool or an activation:
 * window-detail.tsx; of a linear layer: linear-detail.tsx.
 */
import type { JSX } from 'preact'
import { useMemo, useState } from 'preact/hooks'
import { useLab, useQuestion } from '../../state/ask.ts'
import { Panel, Select } from '../../ui/controls.tsx'
import { words } from '../../ui/format.ts'
import type { ModuleInfo, RunInfo } from '../../worker/protocol.ts'
import { LayerMaps, layersOf, type Scope, scaleOf, seesPictures } from '../layer-maps.tsx'
import { SamplePicker } from '../sample-picker.tsx'
import type { View, ViewProps } from '../view.ts'
import { ConvDetail } from './conv-detail.tsx'
import './convolution.css'
import { LinearDetail } from './linear-detail.tsx'
import { Scale } from './scale.tsx'
import { WindowDetail } from './window-detail.tsx'

const scopes = [
  { value: 'map', text: 'each map' },
  { value: 'layer', text: 'the layer' },
  { value: 'all', text: 'all layers' },
] as const

/** The unit that is looked at: what is pointed at or pinned, or else the first of the first convolution. */
export function useShownUnit(info: RunInfo): { readonly module: ModuleInfo; readonly unit: number } | undefined {
  const shown = useLab().selection.shown.value
  const layers = useMemo(() => layersOf(info), [info])
  const module = shown?.kind === 'unit' ? layers.find(({ path }) => path === shown.module) : undefined
  if (module && shown?.kind === 'unit') return { module, unit: shown.unit }
  const first = layers.find(({ kind }) => kind === 'conv2d') ?? layers[0]
  return first && { module: first, unit: 0 }
}

function ConvolutionView({ run, info }: ViewProps): JSX.Element {
  const { selection } = useLab()
  const [scope, setScope] = useState<Scope>('map')
  const input = selection.input.value
  const layers = useMemo(() => layersOf(info), [info])
  const activations = useQuestion('activations', {
    run,
    modules: layers.map(({ path }) => path),
    input,
    aspect: 'value',
  })
  const said = useQuestion('prediction', { run, input })
  const chosen = useShownUnit(info)
  const stamp = useLab().runs.value.get(run)?.progress.stamp
  return (
    <Panel
      title="From picture to number"
      stamp={stamp}
      actions={<Select label="One colour scale for" value={scope} options={scopes} onChange={setScope} />}
      class="convolution"
    >
      <SamplePicker info={info} />
      <LayerMaps info={info} activations={activations} picture={() => said.value?.input} scope={scope} />
      {chosen && (
        <Scale
          value={() => scaleOf(activations, chosen.module.path, chosen.unit, scope)}
          what={`${words(chosen.module.kind)}, map ${chosen.unit + 1}`}
        />
      )}
      {chosen && <Detail key={chosen.module.path} run={run} info={info} {...chosen} />}
    </Panel>
  )
}

/** One number of a unit, and what it is made of. */
export function Detail({
  run,
  info,
  module,
  unit,
}: ViewProps & { readonly module: ModuleInfo; readonly unit: number }): JSX.Element {
  if (module.kind === 'conv2d') return <ConvDetail run={run} info={info} module={module} unit={unit} />
  if (module.outputShape.length === 3) return <WindowDetail run={run} info={info} module={module} unit={unit} />
  return <LinearDetail run={run} info={info} module={module} unit={unit} />
}

export const convolution: View = {
  id: 'convolution',
  title: 'From picture to number',
  about: 'Every layer as maps, and each number of them as the sum of products that it is.',
  fits: seesPictures,
  Component: ConvolutionView,
}
