/** What the network says of a sample: the probability of each class or token as a bar, or a number, beside what is right. */
import type { JSX } from 'preact'
import { useLab } from '../../state/ask.ts'
import { classColour, css } from '../../ui/colour.ts'
import { number, percent } from '../../ui/format.ts'
import type { Questions, RunInfo } from '../../worker/protocol.ts'

/** Bars that are shown of many. */
const few = 10

export function Prediction({
  answer,
  info,
}: {
  readonly answer: Questions['prediction']['answer']
  readonly info: RunInfo
}): JSX.Element {
  const { selection } = useLab()
  const { output, probabilities, target } = answer
  if (!probabilities) {
    return (
      <dl class="facts figures">
        {Array.from(output.values, (value, i) => (
          <div key={i}>
            <dt>says</dt>
            <dd data-worth={value}>{number(value, 4)}</dd>
            {target && (
              <>
                <dt>right is</dt>
                <dd>{number(target[i], 4)}</dd>
                <dt>off by</dt>
                <dd>{number(Math.abs(value - target[i]))}</dd>
              </>
            )}
          </div>
        ))}
      </dl>
    )
  }
  const { shape, values } = probabilities
  const width = shape[shape.length - 1]
  const isSequence = shape.length > 1
  const time = isSequence ? Math.min(selection.time.value, shape[0] - 1) : 0
  const row = values.subarray(time * width, (time + 1) * width)
  const truth = target?.[time]
  const known = truth !== undefined && truth >= 0
  const order = Array.from(row, (_, i) => i)
  const ranked = order.toSorted((a, b) => row[b] - row[a])
  const best = ranked[0]
  const shown = width <= few ? order : ranked.slice(0, few)
  if (known && !shown.includes(truth)) shown.push(truth)
  const name = (i: number): string => (info.labels[i] === ' ' ? '␣' : (info.labels[i] ?? String(i)))
  return (
    <>
      <p class="verdict">
        {isSequence ? 'After this letter comes ' : 'It says '}
        <strong>{name(best)}</strong>, {percent(row[best])} sure
        {known && (
          <>
            {' '}
            –{' '}
            <span class={best === truth ? 'right' : 'wrong'}>
              {best === truth ? '✓ right' : `✗ wrong: it is ${name(truth)}`}
            </span>
          </>
        )}
        .
      </p>
      <ul class="chances">
        {shown.map((i) => (
          <li key={i} class={i === truth ? 'truth' : ''}>
            <span class="chance-name">{name(i)}</span>
            <span class="chance-track">
              <span
                class="chance-bar"
                style={{
                  width: `${100 * row[i]}%`,
                  background: info.task === 'class' ? css(classColour(i)) : 'var(--positive)',
                }}
              />
            </span>
            <span class="figures" data-worth={row[i]}>
              {percent(row[i])}
            </span>
            <span>{i === truth ? '✓' : ''}</span>
          </li>
        ))}
      </ul>
    </>
  )
}
