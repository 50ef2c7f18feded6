/** What the next step does to the weight: the optimizer's formula, its numbers, and the weight before and after. */
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { usePaced } from '../../state/paced.ts'
import type { WeightRef } from '../../state/selection.ts'
import { number } from '../../ui/format.ts'
import { Formula } from '../../ui/formula.tsx'
import type { RunId } from '../../worker/protocol.ts'
import { linesOf, meanings, symbolOf, usedNames } from './arithmetic.ts'
import { tex } from './words.ts'

export function UpdatePart({
  run,
  weight,
  ofBatch,
  onUpdate,
}: {
  readonly run: RunId
  readonly weight: WeightRef
  readonly ofBatch: boolean
  onUpdate?(next: number): void
}): JSX.Element {
  const { value, problem } = usePaced('update', { run, ...weight })
  const next = value?.lines.at(-1)?.after
  useEffect(() => {
    if (next !== undefined) onUpdate?.(next)
  }, [next])
  return (
    <section class="micro-part" aria-labelledby="micro-update">
      <h3 id="micro-update">What the next step makes of it{value && `: ${value.optimizer}`}</h3>
      {problem && <p class="muted">{problem}</p>}
      {!ofBatch && (
        <p class="muted">The step always looks at its whole batch: here g is the gradient of all its samples.</p>
      )}
      {value && (
        <>
          {linesOf(value).map(({ name, symbolic, numeric, before, after }) => (
            <div class="micro-line" key={name}>
              <Formula display tex={symbolic} />
              <Formula
                display
                tex={numeric}
                words={`${name === 'weight' ? 'The weight' : `What is remembered as ${name}`} goes from ${number(before, 6)} to ${number(after, 6)}`}
              />
            </div>
          ))}
          <p class="was-is figures">
            w: {number(value.lines[value.lines.length - 1].before, 6)} →{' '}
            <strong>{number(value.lines[value.lines.length - 1].after, 6)}</strong>
          </p>
          <ul class="symbols muted">
            {usedNames(value).map(({ name, value: worth }) => (
              <li key={name}>
                <Formula tex={`${symbolOf(name)} = ${tex(worth, { digits: 4 })}`} />, {meanings[name]}
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  )
}
