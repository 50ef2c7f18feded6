/**
 * Attention: all heads of all layers, one of them large, and the arithmetic of one query (sums.tsx); the way of one
 * letter through the whole network (stream.tsx).
 */
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { useLab, useQuestion } from '../../state/ask.ts'
import { Panel } from '../../ui/controls.tsx'
import type { RunInfo } from '../../worker/protocol.ts'
import { LetterRow } from '../sequence/letter-row.tsx'
import { isText, lettersOf } from '../sequence/letters.ts'
import { ScaleBar } from '../sequence/scale-bar.tsx'
import { TextBar } from '../sequence/text-bar.tsx'
import type { View, ViewProps } from '../view.ts'
import './attention.css'
import { type Head, Heads, weightsOf } from './heads.tsx'
import { HeadMap, Ribbons } from './map.tsx'
import { Stream } from './stream.tsx'
import { AttentionSums } from './sums.tsx'

export interface AttentionOptions {
  readonly heads?: boolean
  readonly map?: boolean
  readonly sums?: readonly ('scores' | 'product' | 'values')[]
  readonly stream?: boolean
  /** Called with what is looked at. */
  readonly onLook?: (head: Head, query: number, key: number) => void
}

const everything: AttentionOptions = { heads: true, map: true, sums: ['scores', 'product', 'values'], stream: true }

export const hasAttention = (info: RunInfo): boolean => info.modules.some(({ kind }) => kind === 'multiHeadAttention')

export function AttentionPanel({
  run,
  info,
  show = everything,
}: ViewProps & { readonly show?: AttentionOptions }): JSX.Element {
  const { selection } = useLab()
  const input = selection.input.value
  const [chosen, choose] = useState<Head>({ layer: 0, head: 0 })
  const [key, setKey] = useState(0)
  const answer = useQuestion('attention', { run, input }, { render: true })
  const seen = answer.value
  const layer = Math.min(chosen.layer, (seen?.modules.length ?? 1) - 1)
  const module = seen?.modules[layer]
  const head = Math.min(chosen.head, (module?.weights.shape[0] ?? 1) - 1)
  const inside = useQuestion('attentionInside', module && show.sums ? { run, module: module.path, input } : undefined, {
    render: true,
  })
  const [, places, keys] = module?.weights.shape ?? [1, 1, 1]
  const letters = lettersOf(info, seen?.tokens ?? [], places)
  const query = Math.max(0, Math.min(selection.shownTime.value, places - 1))
  const looked = (at: Head, of: number): void => {
    choose(at)
    setKey(of)
    show.onLook?.(at, selection.time.peek(), of)
  }
  // An answer of before may be of a shorter text.
  const fits =
    inside.value && inside.value.q.shape[1] === places && inside.value.weights.shape[0] > head
      ? inside.value
      : undefined
  return (
    <Panel title="Attention" stamp={seen?.stamp} class="sequence">
      {isText(info) && <TextBar info={info} tokens={seen?.tokens} />}
      {answer.problem && <p class="sequence-note">{answer.problem}</p>}
      {seen && module && (
        <>
          {show.heads && (
            <>
              <Heads answer={() => answer.value} chosen={{ layer, head }} onChoose={(at) => looked(at, key)} />
              <div class="row sequence-note">
                Rows look, columns are looked at. <ScaleBar low={0} high={1} />
              </div>
            </>
          )}
          {(show.map || show.sums) && <LetterRow letters={letters} label="The letter that looks" />}
          {show.map && (
            <div class="attention-now">
              <HeadMap
                answer={() => answer.value}
                chosen={{ layer, head }}
                letters={letters}
                onKey={(of) => looked({ layer, head }, of)}
              />
              <div class="part">
                <h3>
                  Whom <span class="figures">{letters[query]}</span> looks at
                </h3>
                <Ribbons
                  row={weightsOf(module, head).subarray(query * keys, (query + 1) * keys)}
                  query={query}
                  letters={letters}
                />
              </div>
            </div>
          )}
          {show.sums && fits && (
            <section>
              <h3>
                The sums behind it: <span class="figures">{letters[query]}</span> in layer {layer + 1}, head {head + 1}
              </h3>
              <AttentionSums
                inside={fits}
                head={head}
                query={query}
                chosenKey={key}
                letters={letters}
                onKey={(of) => looked({ layer, head }, of)}
                parts={show.sums}
              />
            </section>
          )}
          {show.stream && (
            <section>
              <h3>
                The way of <span class="figures">{letters[query]}</span> through the network, and what it would say at
                each place
              </h3>
              <Stream run={run} info={info} input={input} time={query} />
            </section>
          )}
        </>
      )}
    </Panel>
  )
}

export const attention: View = {
  id: 'attention',
  title: 'Attention',
  about: 'Who looks at whom in every head, the arithmetic behind it, and the way of one letter through the network.',
  fits: hasAttention,
  Component: (props) => <AttentionPanel {...props} />,
}
