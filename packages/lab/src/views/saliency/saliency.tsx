/**
 * What of a picture spoke for a class: the gradient of its score, and how the score falls when a square is covered; and
 * beside it the same gradient for a network that never learned, as a check of the picture itself.
 */
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { useLab, useQuestion } from '../../state/ask.ts'
import { largestSize } from '../../ui/colour.ts'
import { Panel, Select } from '../../ui/controls.tsx'
import { useCanvas } from '../../ui/frame.ts'
import { drawMap, fitted, type Tint } from '../../ui/map.ts'
import type { Numbers } from '../../worker/protocol.ts'
import { pictureOf, seesPictures } from '../layer-maps.tsx'
import { SamplePicker } from '../sample-picker.tsx'
import { useTextQuestion } from '../slow.ts'
import type { View, ViewProps } from '../view.ts'
import './saliency.css'

/** The side of the square that is covered, in parts of the picture. */
const coveredShare = 1 / 6

function SaliencyView({ run, info }: ViewProps): JSX.Element {
  const input = useLab().selection.input.value
  const [chosen, choose] = useState('said')
  const said = useTextQuestion('prediction', { run, input })
  const scores = said.value?.output.values
  const best = scores ? scores.indexOf(Math.max(...scores)) : 0
  const unit = chosen === 'said' ? best : Number(chosen)
  const { size, tint } = pictureOf(info)
  const side = Math.max(2, Math.round(size[0] * coveredShare))
  const own = useTextQuestion('saliency', { run, input, unit, weights: 'own' }, 120)
  const drawn = useTextQuestion('saliency', { run, input, unit, weights: 'drawn' }, 120)
  const covered = useQuestion('occlusion', { run, input, unit, size: side })
  const likeness = own.value && drawn.value && correlation(own.value.gradient.values, drawn.value.gradient.values)
  const names = info.labels.length > 0 ? info.labels : Array.from(scores ?? [], (_, k) => `output ${k + 1}`)
  return (
    <Panel
      title="What it looked at"
      stamp={own.value?.stamp}
      actions={
        <Select
          label="Score of"
          value={chosen}
          options={[
            { value: 'said', text: `its answer (${names[best] ?? '…'})` },
            ...names.map((text, k) => ({ value: String(k), text })),
          ]}
          onChange={choose}
        />
      }
      class="saliency"
    >
      <SamplePicker info={info} />
      <div class="saliency-row">
        <Figure
          name="picture"
          about="what it is given"
          numbers={() => said.value?.input}
          tint={tint}
          {...(tint === 'ink' && { scale: 1 })}
        />
        <Figure
          name="gradient"
          about="blue: more ink here raises the score; orange: lowers it"
          numbers={() => own.value?.gradient}
        />
        <Figure
          name="the same, never trained"
          about="weights newly drawn: a check of the picture"
          numbers={() => drawn.value?.gradient}
        />
        <Figure
          name="covered"
          about={`blue: the score falls when a square of ${side} × ${side} here is covered`}
          numbers={() => covered.value && { ...covered.value.falls, shape: [1, ...covered.value.falls.shape] }}
        />
      </div>
      {likeness !== undefined && (
        <p class="muted small">
          Likeness of both gradients: <span class="figures">{likeness.toFixed(2).replace('-', '−')}</span>, where 1 is
          the same picture and 0 nothing in common. The more alike they are, the less the picture says of what was
          learned.
        </p>
      )}
      {own.problem && <p>{own.problem}</p>}
    </Panel>
  )
}

/** Pearson's, between −1 and 1. */
function correlation(a: Float32Array, b: Float32Array): number {
  const mean = (values: Float32Array): number => values.reduce((sum, each) => sum + each, 0) / values.length
  const [ma, mb] = [mean(a), mean(b)]
  let [both, sa, sb] = [0, 0, 0]
  a.forEach((value, i) => {
    both += (value - ma) * (b[i] - mb)
    sa += (value - ma) ** 2
    sb += (b[i] - mb) ** 2
  })
  return sa > 0 && sb > 0 ? both / Math.sqrt(sa * sb) : 0
}

function Figure({
  name,
  about,
  numbers,
  tint = 'signed',
  scale,
}: {
  readonly name: string
  readonly about: string
  readonly numbers: () => Numbers | undefined
  readonly tint?: Tint
  readonly scale?: number
}): JSX.Element {
  const canvas = useCanvas((context, width, height) => {
    const found = numbers()
    if (!found) return
    // Of several channels, one below the other.
    const [channels, rows, columns] = found.shape
    const full = scale ?? largestSize(found.values)
    const size = [channels * rows, columns] as const
    drawMap(context, found.values, size, fitted(size, width, height), { scale: full, tint })
  })
  return (
    <figure>
      <div class="saliency-picture">
        <canvas ref={canvas} role="img" aria-label={`${name}: ${about}`} />
      </div>
      <figcaption>
        <b>{name}</b>
        <span class="muted">{about}</span>
      </figcaption>
    </figure>
  )
}

export const saliency: View = {
  id: 'saliency',
  title: 'What it looked at',
  about: 'Which pixels speak for a class: by gradient, by covering, and checked against a network that never learned.',
  fits: (info) => seesPictures(info) && info.task !== 'token',
  Component: SaliencyView,
}
