/** Which text is looked at: one of the data, or one that a person types. */
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { useLab } from '../../state/ask.ts'
import { IconButton } from '../../ui/controls.tsx'
import { count } from '../../ui/format.ts'
import type { RunInfo } from '../../worker/protocol.ts'
import { textOf, typed } from './letters.ts'
import './sequence.css'

export function TextBar({
  info,
  tokens,
}: {
  readonly info: RunInfo
  /** Of the text that is shown now; undefined while it is not known. */
  readonly tokens: Int32Array | undefined
}): JSX.Element {
  const { selection } = useLab()
  const input = selection.input.value
  const shown = tokens ? textOf(info, tokens) : ''
  const [draft, setDraft] = useState<string | undefined>(undefined)
  // Somebody else has chosen another text.
  useEffect(() => {
    if (draft !== undefined && JSON.stringify(typed(info, draft).input) !== JSON.stringify(input)) setDraft(undefined)
  }, [input])
  const { unknown, tooLong } = typed(info, draft ?? '')
  const take = (text: string): void => {
    const { input, length } = typed(info, text)
    setDraft(text)
    selection.input.value = input
    selection.time.value = length - 1
  }
  const isOwn = 'values' in input
  const [part, index] = isOwn ? (['test', -1] as const) : [input.part, input.index]
  const all = part === 'train' ? info.trainCount : info.testCount
  const go = (by: number): void => {
    setDraft(undefined)
    selection.input.value = { part, index: (index + by + all) % all }
    selection.time.value = 0
  }
  return (
    <div class="text-bar">
      <label class="field">
        <span>Text</span>
        <input
          type="text"
          class="figures"
          value={draft ?? shown}
          spellcheck={false}
          autocapitalize="off"
          autocomplete="off"
          onInput={(event) => take(event.currentTarget.value)}
        />
      </label>
      <span class="row">
        <IconButton glyph="back" name="The sample before" class="icon quiet" onClick={() => go(-1)} />
        <span class="muted sample-name">
          {isOwn ? 'your own' : `${part === 'train' ? 'training' : 'test'} ${count(index + 1)}`}
        </span>
        <IconButton glyph="next" name="The next sample" class="icon quiet" onClick={() => go(1)} />
      </span>
      {(unknown.length > 0 || tooLong) && (
        <p class="muted" role="status">
          {unknown.length > 0 && `Never seen in training, so left out: ${unknown.join(' ')}. `}
          {tooLong && `At most ${info.inputShape[0]} places are read; the rest is left out.`}
        </p>
      )}
    </div>
  )
}
