/** The way of one letter through a transformer: what each block adds, and what would be said if it ended there. */
import type { JSX } from 'preact'
import { useQuestion } from '../../state/ask.ts'
import { drawCells, largestSize } from '../../ui/colour.ts'
import { percent } from '../../ui/format.ts'
import { useCanvas } from '../../ui/frame.ts'
import type { Input, RunInfo, StreamPlace } from '../../worker/protocol.ts'
import { letterOf } from '../sequence/letters.ts'

const says: Readonly<Record<StreamPlace['what'], string>> = {
  embedding: 'the letter',
  positions: '+ its place',
  norm: 'norm',
  attention: 'attention adds',
  'feed-forward': 'neurons add',
  sum: 'sum',
}

export function Stream({
  run,
  info,
  input,
  time,
}: {
  readonly run: number
  readonly info: RunInfo
  readonly input: Input
  readonly time: number
}): JSX.Element | null {
  const { value: seen, problem } = useQuestion('stream', { run, input, time }, { render: true })
  if (problem) return <p class="sequence-note">{problem}</p>
  if (!seen || seen.places.length === 0) return null
  const scale = largestSize(Float32Array.from(seen.places.filter(isMain).flatMap(({ values }) => Array.from(values))))
  let layer = 0
  return (
    <ol class="stream">
      {seen.places.map((place) => {
        const { path, what, lens } = place
        const number = Number(/layers\.(\d+)\./.exec(path)?.[1] ?? -1) + 1
        const begins = number > layer
        layer = Math.max(layer, number)
        const isLast = what === 'norm' && number === 0
        return (
          <li key={path} class={isMain(place) ? '' : 'block'}>
            <span>
              {begins && <span class="hidden-text">Layer {number}: </span>}
              {isLast ? 'last norm' : what === 'sum' ? `sum, layer ${number}` : says[what]}
            </span>
            <Strip values={place.values} scale={isMain(place) ? scale : largestSize(place.values)} name={path} />
            {lens ? <Lens info={info} shares={lens} /> : <span />}
          </li>
        )
      })}
    </ol>
  )
}

const isMain = ({ what }: StreamPlace): boolean => what === 'sum' || what === 'positions' || what === 'embedding'

function Strip({
  values,
  scale,
  name,
}: {
  readonly values: Float32Array
  readonly scale: number
  readonly name: string
}): JSX.Element {
  const canvas = useCanvas((context, width, height) =>
    drawCells(context, values, [1, values.length], { x: 0, y: 0, width, height }, { scale }),
  )
  return (
    <span class="strip">
      <canvas ref={canvas} role="img" aria-label={`${values.length} numbers of ${name}`} />
    </span>
  )
}

/** The three likeliest letters, if the network ended here. */
function Lens({ info, shares }: { readonly info: RunInfo; readonly shares: Float32Array }): JSX.Element {
  const best = Array.from(shares, (_, token) => token)
    .sort((a, b) => shares[b] - shares[a])
    .slice(0, 3)
  return (
    <span class="lens figures">
      {best.map((token) => (
        <span key={token}>
          {letterOf(info, token)} {percent(shares[token])}
        </span>
      ))}
    </span>
  )
}
