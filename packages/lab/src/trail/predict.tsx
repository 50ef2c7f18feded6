/** Something to predict before it is revealed. There are no points to lose: every answer gets a reply that helps. */
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { number } from '../ui/format.ts'
import type { ChoicePrediction, NumberPrediction, Prediction, Scene } from './chapter.ts'
import { PredictCurve } from './predict-curve.tsx'
import { PredictPlace } from './predict-place.tsx'
import { predicted, progressOf } from './progress.ts'
import { Inline } from './text.tsx'

/** What each kind of question is given. */
export interface Asking<P extends Prediction> {
  readonly asked: P
  readonly scene: Scene
  /** What was answered, in the form of the kind; undefined before. */
  readonly given: unknown
  answer(given: unknown): void
}

export function Predict({
  chapter,
  card,
  asked,
  scene,
  ready,
}: {
  readonly chapter: string
  readonly card: string
  readonly asked: Prediction
  readonly scene: Scene
  readonly ready: boolean
}): JSX.Element {
  const { given: all } = progressOf(chapter)
  const given = all[card]
  const asking = { scene, given, answer: (value: unknown) => predicted(chapter, card, value) }
  return (
    <fieldset class="predict" disabled={!ready}>
      <legend>
        <strong>Before you look: </strong>
        <Inline text={asked.question} />
      </legend>
      {asked.kind === 'choice' && <PredictChoice asked={asked} {...asking} />}
      {asked.kind === 'number' && ready && <PredictNumber asked={asked} {...asking} />}
      {asked.kind === 'curve' && ready && <PredictCurve asked={asked} {...asking} />}
      {asked.kind === 'place' && ready && <PredictPlace asked={asked} {...asking} />}
    </fieldset>
  )
}

function PredictChoice({ asked, given, answer }: Asking<ChoicePrediction>): JSX.Element {
  const chosen = asked.options.find((_, i) => i === given)
  return (
    <>
      <div class="choices">
        {asked.options.map((option, i) => (
          <button
            type="button"
            key={option.text}
            class={given !== undefined && option.right ? 'choice right' : 'choice'}
            aria-pressed={given === i}
            disabled={given !== undefined}
            onClick={() => answer(i)}
          >
            <span>
              <Inline text={option.text} />
              {given !== undefined && option.right && <span class="muted"> – so it is</span>}
            </span>
          </button>
        ))}
      </div>
      <p role="status">{chosen && <Inline text={chosen.reply} />}</p>
    </>
  )
}

function PredictNumber({ asked, scene, given, answer }: Asking<NumberPrediction>): JSX.Element {
  const [typed, setTyped] = useState('')
  const value = Number(typed.replace('−', '-').replace(',', '.'))
  const fits = typed.trim() !== '' && Number.isFinite(value)
  const truth = asked.truth(scene)
  if (typeof given === 'number')
    return (
      <p role="status">
        You said <span class="figures">{number(given)}</span>
        {truth !== undefined && (
          <>
            ; it is <span class="figures">{number(truth)}</span>.{' '}
            {Math.abs(given - truth) <= asked.near && 'Well guessed. '}
            <Inline text={asked.reply(given, truth)} />
          </>
        )}
      </p>
    )
  return (
    <form
      class="row"
      onSubmit={(event) => {
        event.preventDefault()
        if (fits) answer(value)
      }}
    >
      <label class="field">
        <span>{asked.label}</span>
        <input
          type="text"
          inputMode="decimal"
          size={8}
          value={typed}
          aria-invalid={typed !== '' && !fits}
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
      </label>
      <button type="submit" disabled={!fits}>
        That is my guess
      </button>
    </form>
  )
}
