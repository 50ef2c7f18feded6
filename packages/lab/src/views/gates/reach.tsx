/** How far an error reaches back: the size of the gradient of one letter's loss, at the state of each step before. */
import type { JSX } from 'preact'
import { useQuestion } from '../../state/ask.ts'
import { number } from '../../ui/format.ts'
import type { Input, RunId } from '../../worker/protocol.ts'

/** How many powers of ten bars span, below the largest. */
const decades = 5

export function Reach({
  run,
  module,
  track,
  time,
  input,
  letters,
}: {
  readonly run: RunId
  readonly module: string
  readonly track: string
  readonly time: number
  readonly input: Input
  readonly letters: readonly string[]
}): JSX.Element | null {
  const { value: seen, problem } = useQuestion('reach', { run, module, input, time }, { render: true })
  if (problem) return <p class="sequence-note">{problem}</p>
  const found = seen?.tracks.find(({ name }) => name === track)
  if (!seen || !found) return null
  const { hidden } = found
  const largest = Math.max(...hidden)
  const share = (size: number): number => (size > 0 ? Math.max(0, 1 + Math.log10(size / largest) / decades) : 0)
  const last = Number.isNaN(seen.time) ? hidden.length - 1 : seen.time
  return (
    <div class="reach">
      <ul class="reach-bars" aria-label="The size of the gradient at each letter">
        {letters.map((letter, t) => (
          <li
            key={t}
            class={t > last ? 'reach-bar after' : 'reach-bar'}
            title={`${letter}: ${t > last ? 'comes after' : number(hidden[t])}`}
          >
            <span class="hidden-text">
              {letter}: {t > last ? 'comes after' : number(hidden[t])}
            </span>
            <span class="reach-fill" aria-hidden="true">
              <span style={{ height: `${100 * share(hidden[t] ?? 0)}%` }} />
            </span>
            <span class="figures" aria-hidden="true" data-reach={t}>
              {t > last ? '' : number(hidden[t] ?? 0, 2)}
            </span>
            <span class="figures letter-name" aria-hidden="true">
              {letter}
            </span>
          </li>
        ))}
      </ul>
      <p class="sequence-note">
        The loss of the letter after <strong>{letters[last]}</strong> is{' '}
        <span class="figures">{number(seen.loss)}</span>. Bars show how strongly the state at each letter would change
        it, and each fifth of the height is a power of ten
        {hidden.length > 1 && last > 0 && hidden[last] > 0 && (
          <>
            : at the beginning <span class="figures">{number(hidden[0] / hidden[last], 2)}</span> times what it is at
            the end
          </>
        )}
        .
      </p>
    </div>
  )
}
