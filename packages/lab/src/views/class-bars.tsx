/** What the network says of an input: a bar for each class, with its probability; the right one is marked. */
import type { JSX } from 'preact'
import { percent } from '../ui/format.ts'
import './class-bars.css'

export function ClassBars({
  labels,
  probabilities,
  target,
}: {
  readonly labels: readonly string[]
  readonly probabilities: ArrayLike<number> | undefined
  readonly target?: number | undefined
}): JSX.Element {
  const said = probabilities && labels.reduce((best, _, k) => (probabilities[k] > probabilities[best] ? k : best), 0)
  return (
    <ol class="class-bars" aria-label="Probability of each class">
      {labels.map((label, k) => {
        const share = probabilities?.[k] ?? 0
        return (
          <li key={label} class={k === said ? 'said' : ''}>
            <span class="name">{label}</span>
            <span class="bar" aria-hidden="true">
              <span style={{ width: `${100 * share}%` }} />
            </span>
            <span class="figures">{probabilities ? percent(share) : '–'}</span>
            {k === target && <span class="truth">true</span>}
          </li>
        )
      })}
    </ol>
  )
}
