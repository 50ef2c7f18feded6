/** Run, pause, step, reset, seed, speed: the bar above every network. */
import type { JSX } from 'preact'
import { useLab } from '../state/ask.ts'
import { IconButton, Select } from '../ui/controls.tsx'
import { count, number } from '../ui/format.ts'

const speeds = [
  { value: '1', text: '1 step/s' },
  { value: '10', text: '10 steps/s' },
  { value: '60', text: '60 steps/s' },
  { value: '600', text: '600 steps/s' },
  { value: '0', text: 'full speed' },
] as const

export function RunBar(): JSX.Element {
  const lab = useLab()
  const progress = lab.progress.value
  const running = lab.running.value
  return (
    <div class="run-bar" role="toolbar" aria-label="Training">
      <IconButton glyph="reset" name="Reset to the first weights" keys="R" onClick={() => lab.reset()} />
      <IconButton
        glyph={running ? 'pause' : 'play'}
        name={running ? 'Pause' : 'Train'}
        keys="Space"
        class="round primary"
        onClick={() => lab.toggle()}
      />
      <IconButton glyph="step" name="One step" keys="→" disabled={running} onClick={() => lab.advance(1)} />
      <button type="button" disabled={running} title="To the end of the epoch (E)" onClick={() => lab.advance('epoch')}>
        epoch
      </button>
      <dl class="readout figures">
        <div>
          <dt>epoch</dt>
          <dd>{count(progress?.stamp.epoch ?? 0)}</dd>
        </div>
        <div>
          <dt>step</dt>
          <dd>{count(progress?.stamp.step ?? 0)}</dd>
        </div>
        <div>
          <dt>steps/s</dt>
          <dd>{running ? count(progress?.rate ?? 0) : '–'}</dd>
        </div>
        <div>
          <dt>learning rate</dt>
          <dd>{progress ? number(progress.lr) : '–'}</dd>
        </div>
      </dl>
      <Select
        label="Speed"
        value={String(lab.speed.value) as (typeof speeds)[number]['value']}
        options={speeds}
        onChange={(value) => {
          lab.speed.value = Number(value)
        }}
      />
    </div>
  )
}
