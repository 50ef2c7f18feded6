/** New texts, and which of them stand in the data: invented, or known by heart? */
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { useLab } from '../../state/ask.ts'
import { RefusedError } from '../../state/client.ts'
import { NumberField, StampText } from '../../ui/controls.tsx'
import type { Choosing, Questions, RunInfo } from '../../worker/protocol.ts'
import { areLines, typed } from '../sequence/letters.ts'

type Answer = Questions['invented']['answer']

/** How many are made at once. */
export const many = 20

export function Names({
  info,
  choosing,
  onMade,
}: {
  readonly info: RunInfo
  readonly choosing: Choosing
  readonly onMade?: ((texts: Answer['texts']) => void) | undefined
}): JSX.Element {
  const lab = useLab()
  const [made, setMade] = useState<Answer | undefined>(undefined)
  const [problem, setProblem] = useState<string | undefined>(undefined)
  const [seed, setSeed] = useState(1)
  const [busy, setBusy] = useState(false)
  const lines = areLines(info)
  const make = async (with_: number): Promise<void> => {
    setBusy(true)
    setSeed(with_)
    try {
      const answer = await lab.client.ask('invented', {
        run: info.run,
        // A novel has no beginning of its own; it goes on after a space.
        beginning: lines ? Int32Array.of(0) : Int32Array.of(Math.max(0, info.labels.indexOf(' '))),
        count: lines ? many : 3,
        letters: lines ? 0 : 120,
        seed: with_,
        choosing,
      })
      setMade(answer)
      setProblem(undefined)
      onMade?.(answer.texts)
    } catch (refused) {
      if (!(refused instanceof RefusedError)) throw refused
      setProblem(refused.message)
    }
    setBusy(false)
  }
  const read = (text: string): void => {
    const { input, length } = typed(info, text)
    lab.selection.input.value = input
    lab.selection.time.value = length - 1
  }
  const counts = made && {
    train: made.texts.filter(({ known }) => known === 'train').length,
    test: made.texts.filter(({ known }) => known === 'test').length,
    all: made.texts.length,
  }
  return (
    <div class="names">
      <div class="row">
        <button type="button" disabled={busy} onClick={() => make(made ? seed + 1 : seed)}>
          {lines ? `Invent ${many} names` : 'Write on'}
        </button>
        <NumberField label="Seed" value={seed} min={0} max={1e9} whole onChange={make} />
        {made && <StampText stamp={made.stamp} />}
      </div>
      {problem && <p class="sequence-note">{problem}</p>}
      {made && lines && (
        <>
          <ul class="name-list">
            {made.texts.map(({ text, known, ended }, i) => (
              <li key={i}>
                <button type="button" class={known ? 'quiet known' : 'quiet'} onClick={() => read(text)}>
                  {text || '(empty)'}
                  {!ended && '…'}
                  {known && <span class="tag">{known === 'train' ? 'learned' : 'real'}</span>}
                </button>
              </li>
            ))}
          </ul>
          <p class="sequence-note" role="status">
            {counts && (
              <>
                <strong>{counts.all - counts.train - counts.test}</strong> of {counts.all} are in neither part of the
                data; {counts.train} stand in the training data (learned), {counts.test} only in the test data (real,
                and never shown).
              </>
            )}
          </p>
        </>
      )}
      {made && !lines && made.texts.map(({ text }) => <p key={text}>{text}</p>)}
    </div>
  )
}
