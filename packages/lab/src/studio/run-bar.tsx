/** Run, pause, step, reset, seed, speed, undo: the bar above every network, and at the foot of a phone. */
import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import { presets } from '../spec/presets.ts'
import { useLab } from '../state/ask.ts'
import { IconButton, Select } from '../ui/controls.tsx'
import { count, number } from '../ui/format.ts'
import { newSeed } from './training-panel.tsx'

export const speeds = [
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
      <span class="play">
        <IconButton glyph="reset" name="Reset to the first weights" keys="R" onClick={() => lab.reset()} />
        <IconButton
          glyph={running ? 'pause' : 'play'}
          name={running ? 'Pause' : 'Train'}
          keys="Space"
          class="round primary"
          onClick={() => lab.toggle()}
        />
        <IconButton glyph="step" name="One step" keys="→" disabled={running} onClick={() => lab.advance(1)} />
        <button
          type="button"
          disabled={running}
          title="To the end of the epoch (E)"
          onClick={() => lab.advance('epoch')}
        >
          epoch
        </button>
      </span>
      <dl class="readout figures">
        <div>
          <dt>epoch</dt>
          <dd>{count(progress?.stamp.epoch ?? 0)}</dd>
        </div>
        <div>
          <dt>step</dt>
          <dd>{count(progress?.stamp.step ?? 0)}</dd>
        </div>
        <div class="extra">
          <dt>steps/s</dt>
          <dd>{running ? count(progress?.rate ?? 0) : '–'}</dd>
        </div>
        <div class="extra">
          <dt>learning rate</dt>
          <dd>{progress ? number(progress.lr) : '–'}</dd>
        </div>
        <div class="extra">
          <dt>seed</dt>
          <dd>
            {lab.spec.value?.seed ?? '–'}
            <IconButton glyph="dice" class="icon quiet small" name="New seed" keys="S" onClick={() => newSeed(lab)} />
          </dd>
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

/** Ready networks by what they teach, and the way back from every edit. */
export function SessionBar({ onHelp }: { readonly onHelp: () => void }): JSX.Element {
  const lab = useLab()
  const { history } = lab.editor
  const spec = lab.spec.value
  const chosen = useMemo(() => {
    const text = JSON.stringify(spec)
    return presets.find((preset) => JSON.stringify(preset.spec) === text)
  }, [spec])
  return (
    <div class="session-bar">
      <Select
        label="Begin with"
        value={chosen?.id ?? ''}
        options={[
          ...(chosen ? [] : [{ value: '', text: 'Your own' }]),
          ...presets.map(({ id, title }) => ({ value: id, text: title })),
        ]}
        onChange={(id) => {
          const preset = presets.find((each) => each.id === id)
          if (preset) void lab.editor.edit(preset.spec)
        }}
      />
      <p class="about muted">{chosen?.about ?? ''}</p>
      <span class="play">
        <IconButton
          glyph="undo"
          name="Undo"
          keys="Ctrl+Z"
          disabled={!history.canUndo.value}
          onClick={() => lab.editor.undo()}
        />
        <IconButton
          glyph="redo"
          name="Redo"
          keys="Ctrl+Shift+Z"
          disabled={!history.canRedo.value}
          onClick={() => lab.editor.redo()}
        />
        <IconButton glyph="help" name="Keys" keys="?" onClick={onHelp} />
      </span>
    </div>
  )
}
