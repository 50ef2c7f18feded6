/** The buttons under a stage: only those that the card needs. */
import type { JSX } from 'preact'
import { useLab } from '../state/ask.ts'
import { IconButton, Select } from '../ui/controls.tsx'
import { count, number, percent } from '../ui/format.ts'
import type { BarPart } from './chapter.ts'

const speeds = [
  { value: '1', text: '1 step a second' },
  { value: '10', text: '10 steps a second' },
  { value: '60', text: '60 steps a second' },
  { value: '600', text: '600 steps a second' },
  { value: '0', text: 'full speed' },
] as const

export function Bar({
  parts,
  locked,
  onReset,
}: {
  readonly parts: readonly BarPart[]
  /** Nothing is run before the prediction is made. */
  readonly locked: boolean
  readonly onReset: () => void
}): JSX.Element {
  const lab = useLab()
  const running = lab.running.value
  const progress = lab.progress.value
  const scores = progress?.scores
  const has = (part: BarPart): boolean => parts.includes(part)
  return (
    <div class="trail-bar" role="toolbar" aria-label="Training">
      {has('train') && (
        <IconButton
          glyph={running ? 'pause' : 'play'}
          name={running ? 'Pause' : 'Train'}
          class="round primary"
          disabled={locked}
          onClick={() => lab.toggle()}
        />
      )}
      {has('step') && (
        <IconButton glyph="step" name="One step" disabled={locked || running} onClick={() => lab.advance(1)} />
      )}
      {has('epoch') && (
        <button type="button" disabled={locked || running} onClick={() => lab.advance('epoch')}>
          One epoch
        </button>
      )}
      {has('reset') && <IconButton glyph="reset" name="Back to the start" disabled={locked} onClick={onReset} />}
      <dl class="trail-readout figures">
        {(has('train') || has('step')) && (
          <div>
            <dt>step</dt>
            <dd>{count(progress?.stamp.step ?? 0)}</dd>
          </div>
        )}
        {(has('train') || has('epoch')) && (
          <div>
            <dt>epoch</dt>
            <dd>{count(progress?.stamp.epoch ?? 0)}</dd>
          </div>
        )}
        {scores && (
          <div>
            <dt>training loss</dt>
            <dd>{number(scores.train.loss)}</dd>
          </div>
        )}
        {scores?.train.accuracy !== undefined && (
          <div>
            <dt>accuracy</dt>
            <dd>{percent(scores.train.accuracy)}</dd>
          </div>
        )}
      </dl>
      {has('speed') && (
        <Select
          label="Speed"
          value={String(lab.speed.value) as (typeof speeds)[number]['value']}
          options={speeds}
          onChange={(value) => {
            lab.speed.value = Number(value)
          }}
        />
      )}
    </div>
  )
}
