/**
 * The next letter: what the network expects after each letter of a text, how one is chosen (choosing.tsx, chances.tsx),
 * and new texts (names.tsx).
 */
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { useLab, useQuestion } from '../../state/ask.ts'
import { Panel } from '../../ui/controls.tsx'
import { number, percent } from '../../ui/format.ts'
import type { Choosing, Invented, Questions } from '../../worker/protocol.ts'
import { LetterRow } from '../sequence/letter-row.tsx'
import { isText, letterOf, lettersOf, textOf, typed } from '../sequence/letters.ts'
import { TextBar } from '../sequence/text-bar.tsx'
import type { View, ViewProps } from '../view.ts'
import { Chances } from './chances.tsx'
import { ChoosingControls, plainly } from './choosing.tsx'
import { Names } from './names.tsx'
import './tokens.css'

export interface TokensOptions {
  /** The text, its letters, and what comes next. */
  readonly next?: boolean
  /** Top k and top p beside the temperature. */
  readonly filters?: boolean
  readonly names?: boolean
  readonly onNames?: (texts: readonly Invented[], choosing: Choosing) => void
  readonly onChoosing?: (choosing: Choosing) => void
}

const everything: TokensOptions = { next: true, filters: true, names: true }

export function Tokens({ run, info, show = everything }: ViewProps & { readonly show?: TokensOptions }): JSX.Element {
  const lab = useLab()
  const { selection, client } = lab
  const input = selection.input.value
  const [choosing, setChoosing] = useState<Choosing>(plainly)
  const [draws, setDraws] = useState(1)
  const text = useQuestion('letters', { run, input }, { render: true })
  const seen = text.value
  const letters = lettersOf(info, seen?.tokens ?? [])
  const time = Math.max(0, Math.min(selection.shownTime.value, letters.length - 1))
  const next = useQuestion('next', seen && show.next ? { run, input, time, choosing } : undefined, { render: true })
  const change = (value: Choosing): void => {
    setChoosing(value)
    show.onChoosing?.(value)
  }
  /** The text up to the chosen letter, which is gone on from. */
  const begun = Int32Array.from(seen?.tokens.slice(0, time + 1) ?? [])
  const read = (tokens: ArrayLike<number>): void => {
    const { input, length } = typed(info, textOf(info, tokens))
    selection.input.value = input
    selection.time.value = length - 1
  }
  const goOn = async (letters: number): Promise<void> => {
    setDraws(draws + 1)
    const ask = { run, beginning: begun, count: 1, letters, seed: draws, choosing }
    const { texts } = await client.ask('invented', ask)
    read(texts[0].tokens)
  }
  const full = begun.length >= info.inputShape[0]
  return (
    <Panel title="Next letter" stamp={seen?.stamp} class="sequence">
      {show.next && (
        <>
          <TextBar info={info} tokens={seen?.tokens} />
          {text.problem && <p class="sequence-note">{text.problem}</p>}
          {seen && (
            <>
              <LetterRow
                letters={letters}
                label="Letter after which the next is shown"
                below={(place) => <Expected seen={seen} place={place} />}
              />
              <p class="sequence-note">
                Under each letter: how likely the network thought it, from the letters before. The whole text costs{' '}
                <span class="figures">{number(lossOf(seen))}</span> a letter.
              </p>
              <h3>
                After <span class="figures">{letters.slice(0, time + 1).join('')}</span>
                {seen.targets[time] >= 0 && (
                  <>
                    {' '}
                    comes <span class="figures">{letterOf(info, seen.targets[time])}</span>, loss{' '}
                    <span class="figures" data-loss={time}>
                      {number(seen.losses[time])}
                    </span>
                  </>
                )}
              </h3>
            </>
          )}
          {next.problem && <p class="sequence-note">{next.problem}</p>}
          {next.value && (
            <Chances info={info} next={next.value} onChoose={(token) => read(Int32Array.of(...begun, token))} />
          )}
        </>
      )}
      <ChoosingControls value={choosing} labels={info.labels.length} all={show.filters ?? false} onChange={change} />
      {show.next && (
        <div class="row">
          <button type="button" disabled={full} onClick={() => goOn(1)}>
            Draw one letter
          </button>
          <button type="button" disabled={full} onClick={() => goOn(0)}>
            Finish it
          </button>
          <button
            type="button"
            class="quiet"
            disabled={begun.length < 2}
            onClick={() => read(begun.slice(0, begun.length - 1))}
          >
            Take one back
          </button>
        </div>
      )}
      {show.names && <Names info={info} choosing={choosing} onMade={(texts) => show.onNames?.(texts, choosing)} />}
    </Panel>
  )
}

type Letters = Questions['letters']['answer']

/** How likely the letter at a place was thought: a bar, and its size in words. */
function Expected({ seen, place }: { readonly seen: Letters; readonly place: number }): JSX.Element {
  const loss = place > 0 ? seen.losses[place - 1] : Number.NaN
  const share = Number.isNaN(loss) ? 0 : Math.exp(-loss)
  return (
    <span class="expected" title={Number.isNaN(loss) ? '' : `thought ${percent(share)} likely, loss ${number(loss)}`}>
      <span style={{ width: `${100 * share}%` }} />
    </span>
  )
}

function lossOf({ losses }: Letters): number {
  const known = Array.from(losses).filter((loss) => !Number.isNaN(loss))
  return known.reduce((sum, loss) => sum + loss, 0) / known.length
}

export const tokens: View = {
  id: 'tokens',
  title: 'Next letter',
  about: 'What the network expects to come next, how a letter is chosen, and new texts.',
  fits: isText,
  Component: (props) => <Tokens {...props} />,
}
