/** Stages of the chapter on convolution: views of the studio, and what the cards want to know of them. */
import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { useLab } from '../../state/ask.ts'
import { Panel } from '../../ui/controls.tsx'
import { count } from '../../ui/format.ts'
import { ConvDetail } from '../../views/convolution/conv-detail.tsx'
import { convolution, useShownUnit } from '../../views/convolution/convolution.tsx'
import { filters } from '../../views/convolution/filters.tsx'
import { usePlace } from '../../views/convolution/place-control.tsx'
import { curves } from '../../views/curves/curves.tsx'
import { draw } from '../../views/draw/draw.tsx'
import { fieldOf } from '../../views/field.ts'
import { predictions } from '../../views/predictions/predictions.tsx'
import { SamplePicker } from '../../views/sample-picker.tsx'
import { useTextQuestion } from '../../views/slow.ts'
import type { StageProps } from '../chapter.ts'
import './pictures.css'

/** How near the number under the window comes to the largest of its map, and how many pixels wide it looks. */
function Watched({ run, info, scene }: StageProps): null {
  const { selection } = useLab()
  const chosen = useShownUnit(info)
  const [, rows = 1, columns = 1] = chosen?.module.outputShape ?? []
  const place = usePlace([rows, columns])
  const module = chosen?.module.path ?? ''
  const answer = useTextQuestion('activation', { run, module, input: selection.input.value, aspect: 'value' })
  const seen = useRef(new Set<string>())
  seen.current.add(place.join())
  useEffect(() => {
    scene.notice('places', seen.current.size)
    if (chosen?.module.outputShape.length !== 3) return
    const field = fieldOf(info, module, place)
    scene.notice('wide', field.right - field.left + 1)
    const values = answer.value?.numbers.values
    const from = chosen.unit * rows * columns
    if (!values || values.length < from + rows * columns) return
    const map = values.subarray(from, from + rows * columns)
    scene.notice('share', map[place[0] * columns + place[1]] / map.reduce((most, value) => Math.max(most, value)))
  })
  return null
}

/** One map of the first convolution, and nothing else. */
export function OneMap(props: StageProps): JSX.Element {
  const { run, info, revealed } = props
  const chosen = useShownUnit(info)
  const module = chosen?.module.kind === 'conv2d' ? chosen.module : info.modules.find(({ kind }) => kind === 'conv2d')
  if (!module) return <p>This network has no convolution.</p>
  return (
    <Panel title="One map" stamp={useLab().runs.value.get(run)?.progress.stamp}>
      <SamplePicker info={info} />
      <ConvDetail key={module.path} run={run} info={info} module={module} unit={chosen?.unit ?? 0} />
      {revealed && <Watched {...props} />}
    </Panel>
  )
}

/** The first convolution's parameters, and what a layer without shared weights would need. */
export function Shared(props: StageProps): JSX.Element {
  const { info, revealed } = props
  const module = info.modules.find(({ kind }) => kind === 'conv2d')
  const size = (shape: readonly number[]): number => shape.reduce((product, n) => product * n, 1)
  const own = module?.parameters.reduce((sum, { shape }) => sum + size(shape), 0) ?? 0
  const [given, gives] = [size(module?.inputShape ?? []), size(module?.outputShape ?? [])]
  return (
    <>
      <OneMap {...props} />
      {revealed && (
        <Panel title="What has to be learned">
          <table class="counts">
            <thead>
              <tr>
                <td />
                <th scope="col">parameters</th>
              </tr>
            </thead>
            <tbody>
              <tr>
                <th scope="row">this convolution</th>
                <td class="figures" data-figure="convolution">
                  {count(own)}
                </td>
              </tr>
              <tr>
                <th scope="row">
                  a layer in which each of {count(gives)} numbers has its own weight for each of {count(given)} pixels
                </th>
                <td class="figures" data-figure="dense">
                  {count(given * gives + gives)}
                </td>
              </tr>
            </tbody>
          </table>
        </Panel>
      )}
    </>
  )
}

/** Training: the filters as they change, the curves, and the rate. */
export function Learning({ run, info }: StageProps): JSX.Element {
  const progress = useLab().runs.value.get(run)?.progress
  return (
    <>
      <filters.Component run={run} info={info} />
      <curves.Component run={run} info={info} />
      {progress?.running && (
        <p class="muted small figures">
          {count(progress.rate)} steps a second, {count(progress.rate * info.spec.batchSize)} digits a second
        </p>
      )}
    </>
  )
}

/** Filters, and the picture with the patch that was chosen. */
export function Detectors({ run, info, scene }: StageProps): JSX.Element {
  const { selection } = useLab()
  const pinned = selection.pinned.value
  const looked = useRef(new Set<number>())
  useEffect(() => {
    if (pinned?.kind === 'unit') looked.current.add(pinned.unit)
    scene.notice('filters', looked.current.size)
  }, [pinned, scene])
  return (
    <>
      <filters.Component run={run} info={info} />
      <convolution.Component run={run} info={info} />
    </>
  )
}

/** All layers; one number of any of them. */
export function AllLayers(props: StageProps): JSX.Element {
  const { run, info } = props
  const pinned = useLab().selection.pinned.value
  const isPinned = pinned?.kind === 'unit'
  return (
    <>
      <convolution.Component run={run} info={info} />
      {isPinned && <Watched {...props} />}
    </>
  )
}

/** What is taken for what; the sample that was chosen, through all layers. */
export function Mistakes({ run, info, scene }: StageProps): JSX.Element {
  const { selection } = useLab()
  const input = selection.input.value
  const answer = useTextQuestion('prediction', { run, input })
  useEffect(() => {
    const found = answer.value
    const target = found?.target?.[0]
    if (!found?.probabilities || target === undefined) return
    const { values } = found.probabilities
    scene.notice('wrong', values.indexOf(Math.max(...values)) === target ? 0 : 1)
  })
  return (
    <>
      <predictions.Component run={run} info={info} />
      <convolution.Component run={run} info={info} />
    </>
  )
}

/** How sure is sure enough. */
const sure = 0.9

export function Drawing({ run, info, scene }: StageProps): JSX.Element {
  const { selection } = useLab()
  const input = selection.input.value
  const answer = useTextQuestion('prediction', { run, input })
  const read = useRef(new Set<number>())
  useEffect(() => {
    const shares = answer.value?.probabilities?.values
    if (!shares || !('values' in input)) return
    // The answer may still be that to what was there before.
    const isOwn = answer.value?.target === undefined
    const best = shares.indexOf(Math.max(...shares))
    if (isOwn && shares[best] >= sure) read.current.add(best)
    scene.notice('read', read.current.size)
  })
  return <draw.Component run={run} info={info} />
}
