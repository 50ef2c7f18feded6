/** Text to learn letter by letter: names, a novel, or a person's own. */
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { most } from '../../spec/check.ts'
import type { DataSpec, TextData } from '../../spec/spec.ts'
import { useLab } from '../../state/ask.ts'
import { Select, Slider } from '../../ui/controls.tsx'
import { count } from '../../ui/format.ts'

const corpora = [
  { value: 'names', text: 'First names' },
  { value: 'moby-dick', text: 'Moby-Dick' },
  { value: 'own', text: 'Your own text' },
] as const

export function TextDataFields({
  data,
  change,
}: {
  readonly data: DataSpec & TextData
  readonly change: (part: object, key?: string) => Promise<boolean>
}): JSX.Element {
  const lab = useLab()
  const [wanted, want] = useState(data.corpus)
  const [typed, setTyped] = useState(data.text ?? '')
  useEffect(() => {
    want(data.corpus)
    if (data.text !== undefined) setTyped(data.text)
  }, [data.corpus, data.text])
  const corpus = wanted === 'own' ? 'own' : data.corpus
  const letters = lab.editor.facts.value?.letters
  return (
    <div class="stack">
      <Select
        label="Text"
        value={corpus}
        options={corpora}
        onChange={(next) => {
          want(next)
          if (next !== 'own') void lab.editor.change({ data: { ...without(data), corpus: next } })
          else if (data.text) void change({ corpus: next })
        }}
      />
      {corpus === 'own' && (
        <>
          <label class="field">
            <span>Write or paste it, or drop a .txt file on the page</span>
            <textarea
              rows={5}
              maxLength={most.letters}
              value={typed}
              onInput={(event) => setTyped(event.currentTarget.value)}
            />
          </label>
          <div class="row">
            <button
              type="button"
              disabled={typed.length < 64 || typed === data.text}
              onClick={() => change({ corpus: 'own', text: typed })}
            >
              Use this text
            </button>
            <span class="muted small counted">{count(typed.length)} letters; 64 at least</span>
          </div>
        </>
      )}
      <Slider
        label="Letters it sees at once"
        value={data.context}
        min={4}
        max={64}
        step={1}
        onInput={(context) => change({ context }, 'context')}
      />
      <Slider
        label="Samples"
        value={data.samples}
        min={200}
        max={8000}
        step={200}
        show={count}
        onInput={(samples) => change({ samples }, 'samples')}
      />
      {letters !== undefined && letters > 0 && (
        <p class="muted small">{count(letters)} different letters, the end of a text among them.</p>
      )}
    </div>
  )
}

function without({ text: _, ...rest }: DataSpec & TextData): DataSpec & TextData {
  return rest
}
