/**
 * Choosing the sample that all views look at, and what the network says of it.
 *
 * Points of the plane are also chosen in the output's view; an input of one's own comes from there or is drawn.
 */
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { useLab } from '../../state/ask.ts'
import { useText } from '../../state/ask-many.ts'
import { largestSize } from '../../ui/colour.ts'
import { IconButton, Panel, Select, StampText } from '../../ui/controls.tsx'
import { count, number } from '../../ui/format.ts'
import { Picture } from '../../ui/picture.tsx'
import type { Part, Questions, RunInfo } from '../../worker/protocol.ts'
import type { View, ViewProps } from '../view.ts'
import { Prediction } from './prediction.tsx'
import './sample.css'
import { Thumbnails } from './thumbnails.tsx'

type Answered = Questions['prediction']['answer']

function SampleView({ run, info }: ViewProps): JSX.Element {
  const { selection } = useLab()
  const input = selection.input.value
  const answer = useText('prediction', { run, input })
  const own = 'values' in input
  const part: Part = own ? 'train' : input.part
  const [last, setLast] = useState(0)
  const index = own ? last : input.index
  const all = part === 'train' ? info.trainCount : info.testCount
  useEffect(() => {
    if (!own) setLast(index)
  }, [own, index])
  const choose = (wanted: Part, at: number): void => {
    const of = wanted === 'train' ? info.trainCount : info.testCount
    selection.input.value = { part: wanted, index: ((at % of) + of) % of }
  }
  return (
    <Panel title="Sample" class="sample">
      <div class="row">
        <Select
          label="From"
          value={part}
          options={[
            { value: 'train', text: 'training' },
            { value: 'test', text: 'test' },
          ]}
          onChange={(wanted) => choose(wanted, 0)}
        />
        <IconButton glyph="back" name="Previous sample" onClick={() => choose(part, index - 1)} />
        <IconButton glyph="next" name="Next sample" onClick={() => choose(part, index + 1)} />
        <IconButton
          glyph="dice"
          name="A sample at random"
          onClick={() => choose(part, Math.floor(Math.random() * all))}
        />
        <span class="figures">{own ? 'your own' : `${count(index + 1)} of ${count(all)}`}</span>
      </div>
      {info.inputShape.length >= 2 && <Thumbnails run={run} info={info} part={part} index={own ? -1 : index} />}
      {answer.problem && <p class="muted">{answer.problem}</p>}
      {answer.value && (
        <>
          <Given answer={answer.value} info={info} />
          <h3>
            What the network says · forward, <StampText stamp={answer.value.stamp} />
          </h3>
          <Prediction answer={answer.value} info={info} />
        </>
      )}
    </Panel>
  )
}

/** The sample itself: a picture, letters, or numbers with their names. */
function Given({ answer, info }: { readonly answer: Answered; readonly info: RunInfo }): JSX.Element {
  const { values, shape } = answer.input
  if (info.spec.data.kind === 'text') return <Letters tokens={values} info={info} />
  if (shape.length >= 2) {
    return (
      <Picture label="The sample" shape={shape} values={() => values} scale={() => largestSize(values)} height={150} />
    )
  }
  return (
    <dl class="facts figures given">
      {Array.from(values, (value, i) => (
        <div key={info.features[i] ?? i}>
          <dt>{info.features[i] ?? `input ${i + 1}`}</dt>
          <dd>{number(value)}</dd>
        </div>
      ))}
    </dl>
  )
}

/** Letters in a line; the one that is chosen is the place that other views look at. */
function Letters({ tokens, info }: { readonly tokens: Float32Array; readonly info: RunInfo }): JSX.Element {
  const { selection } = useLab()
  const time = Math.min(selection.time.value, tokens.length - 1)
  const move = (event: KeyboardEvent, to: number): void => {
    event.preventDefault()
    event.stopPropagation()
    if (to < 0 || to >= tokens.length) return
    selection.time.value = to
    const row = (event.currentTarget as HTMLElement).parentElement
    ;(row?.children[to] as HTMLElement | undefined)?.focus()
  }
  return (
    <div class="letters" role="radiogroup" aria-label="Place in the text">
      {Array.from(tokens, (token, i) => (
        // biome-ignore lint/a11y/useSemanticElements: radio inputs could not show letters as a line of text
        <button
          key={i}
          type="button"
          role="radio"
          aria-checked={i === time}
          aria-label={`place ${i + 1}: ${info.labels[token] ?? token}`}
          tabIndex={i === time ? 0 : -1}
          onClick={() => {
            selection.time.value = i
          }}
          onKeyDown={(event) => {
            if (event.key === 'ArrowRight') move(event, i + 1)
            if (event.key === 'ArrowLeft') move(event, i - 1)
          }}
        >
          {info.labels[token] === ' ' ? '␣' : (info.labels[token] ?? token)}
        </button>
      ))}
    </div>
  )
}

export const sample: View = {
  id: 'sample',
  title: 'Sample',
  about: 'Which sample all views look at, and what the network says of it.',
  fits: () => true,
  Component: SampleView,
}
