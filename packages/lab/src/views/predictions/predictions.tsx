/**
 * What the network says of all samples of a part: how often it takes what for what, how well it knows each class, and
 * where it was most sure and wrong. For numbers: what it said against what is true.
 *
 * Numbers are those of the last score, as the curves show it. The table: confusion.tsx; numbers: numbers.tsx.
 */
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { useLab } from '../../state/ask.ts'
import { Panel, Select } from '../../ui/controls.tsx'
import { count, percent } from '../../ui/format.ts'
import type { Part, Questions, RunInfo } from '../../worker/protocol.ts'
import { SamplePicture } from '../sample-picture.tsx'
import { useTextQuestion } from '../slow.ts'
import type { View, ViewProps } from '../view.ts'
import { Confusion } from './confusion.tsx'
import { PerClass } from './per-class.tsx'
import './predictions.css'
import { Numbers } from './numbers.tsx'

type Predictions = Questions['predictions']['answer']

const parts = [
  { value: 'test', text: 'test' },
  { value: 'train', text: 'training' },
] as const

/** Larger tables are lists of what is mixed up most. */
const largestTable = 12
/** Samples that are shown at once. */
const most = 24

function PredictionsView({ run, info }: ViewProps): JSX.Element {
  const [part, setPart] = useState<Part>('test')
  const answer = useTextQuestion('predictions', { run, part }, 250)
  const found = answer.value
  const all = part === 'test' ? info.testCount : info.trainCount
  return (
    <Panel
      title="Predictions"
      stamp={found?.stamp}
      actions={<Select label="Samples" value={part} options={parts} onChange={setPart} />}
      class="predictions"
    >
      {found && <Shown run={run} info={info} part={part} found={found} all={all} />}
      {answer.problem && <p>{answer.problem}</p>}
    </Panel>
  )
}

function Shown({
  info,
  part,
  found,
  all,
}: ViewProps & { readonly part: Part; readonly found: Predictions; readonly all: number }): JSX.Element {
  if (info.task === 'number') return <Numbers found={found} />
  const { values } = found.confusion
  const labels = info.labels.length
  const asked = values.reduce((sum, each) => sum + each, 0)
  const right = info.labels.reduce((sum, _, k) => sum + values[k * labels + k], 0)
  return (
    <>
      <p>
        <strong class="figures" data-figure="accuracy">
          {percent(right / Math.max(1, asked))}
        </strong>{' '}
        right: {count(right)} of {count(asked)} {info.task === 'token' ? 'letters' : 'samples'}
        {found.count < all && ` (the first ${count(found.count)} of ${count(all)} samples)`}.
      </p>
      <div class="predictions-row">
        {labels <= largestTable && <Confusion info={info} values={values} />}
        <PerClass info={info} values={values} withMixed={labels > largestTable} />
      </div>
      {info.task === 'class' && <Samples info={info} part={part} found={found} />}
    </>
  )
}

/** The samples of the chosen cell, or those that the network was most sure of and wrong. */
function Samples({
  info,
  part,
  found,
}: {
  readonly info: RunInfo
  readonly part: Part
  readonly found: Predictions
}): JSX.Element {
  const { selection } = useLab()
  const cell = selection.cell.value
  const input = selection.input.value
  const { truth, said, sure } = found
  const chosen = Array.from(truth.keys())
    .filter((i) => (cell ? truth[i] === cell.truth && said[i] === cell.said : truth[i] !== said[i]))
    .sort((a, b) => sure[b] - sure[a])
  return (
    <section class="mistakes">
      <h3>
        {cell
          ? `“${info.labels[cell.truth]}” taken for “${info.labels[cell.said]}”: ${count(chosen.length)}`
          : `The surest of ${count(chosen.length)} mistakes`}
      </h3>
      {cell && (
        <button
          type="button"
          class="quiet"
          onClick={() => {
            selection.cell.value = undefined
          }}
        >
          Show all mistakes
        </button>
      )}
      {chosen.length === 0 && <p class="muted">None.</p>}
      <ul>
        {chosen.slice(0, most).map((i) => (
          <li key={i}>
            <button
              type="button"
              class="mistake"
              aria-pressed={'part' in input && input.part === part && input.index === i}
              onClick={() => {
                selection.input.value = { part, index: i }
              }}
            >
              <span class="hidden-text">Sample {i + 1}:</span>
              <SamplePicture info={info} sample={{ part, index: i }} />
              <span>
                {info.labels[truth[i]]} <span aria-hidden="true">→</span> <span class="hidden-text">taken for</span>{' '}
                {info.labels[said[i]]}
              </span>
              <span class="figures muted">{percent(sure[i])}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  )
}

export const predictions: View = {
  id: 'predictions',
  title: 'Predictions',
  about:
    'What is taken for what, how well each class is known, and the surest mistakes; for numbers, said against true.',
  fits: () => true,
  Component: PredictionsView,
}
