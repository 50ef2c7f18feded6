/** The chances of every letter to come next: as the network has them (outlined) and as one is chosen (filled). */
import type { JSX } from 'preact'
import { colours, css, signed } from '../../ui/colour.ts'
import { percent } from '../../ui/format.ts'
import { useCanvas } from '../../ui/frame.ts'
import type { Questions, RunInfo } from '../../worker/protocol.ts'
import { letterOf } from '../sequence/letters.ts'

/** How many of the likeliest have a button. */
const listed = 8
const foot = 18

type Next = Questions['next']['answer']

export function Chances({
  info,
  next,
  onChoose,
}: {
  readonly info: RunInfo
  readonly next: Next
  readonly onChoose: (token: number) => void
}): JSX.Element {
  const canvas = useCanvas((context, width, height) => {
    const { probabilities, chances } = next
    const count = probabilities.length
    const cell = width / count
    const top = Math.max(...probabilities, ...chances)
    const { ink, muted, line } = colours()
    const room = height - foot - 16
    context.strokeStyle = line
    context.beginPath()
    context.moveTo(0, height - foot + 0.5)
    context.lineTo(width, height - foot + 0.5)
    context.stroke()
    context.font = `${Math.min(12, cell * 1.3)}px ui-monospace, monospace`
    context.textAlign = 'center'
    for (let token = 0; token < count; token++) {
      const [chosen, own] = [chances[token], probabilities[token]].map((share) => (room * share) / top)
      context.fillStyle = css(signed(0.85))
      context.fillRect(token * cell + 1, height - foot - chosen, cell - 2, chosen)
      context.strokeStyle = ink
      context.strokeRect(token * cell + 1.5, height - foot - own + 0.5, Math.max(1, cell - 3), own)
      context.fillStyle = chances[token] > 0 ? ink : muted
      if (cell > 5) context.fillText(letterOf(info, token), (token + 0.5) * cell, height - 5)
    }
    context.textAlign = 'start'
    context.fillStyle = muted
    context.font = '11px system-ui'
    context.fillText(percent(top), 2, 11)
  })
  const order = Array.from(next.chances, (_, token) => token)
    .filter((token) => next.chances[token] > 0)
    .sort((a, b) => next.chances[b] - next.chances[a])
    .slice(0, listed)
  return (
    <div class="part">
      <div style={{ height: '150px' }}>
        <canvas
          ref={canvas}
          role="img"
          aria-label={`Chances of the next letter: ${order.map((token) => `${letterOf(info, token)} ${percent(next.chances[token])}`).join(', ')}`}
        />
      </div>
      <p class="sequence-note">Outlined: what the network says. Filled: the chances that a letter is drawn with.</p>
      <div class="row likeliest">
        {order.map((token) => (
          <button
            key={token}
            type="button"
            title={token === 0 ? 'The text ends here' : 'Go on with this letter'}
            disabled={token === 0}
            onClick={() => onChoose(token)}
          >
            <span class="figures">{letterOf(info, token)}</span>
            <span class="figures muted" data-chance={token}>
              {percent(next.chances[token])}
            </span>
          </button>
        ))}
      </div>
    </div>
  )
}
