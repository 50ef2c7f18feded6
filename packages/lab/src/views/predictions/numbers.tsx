/** Of networks that say numbers: what was said against what is true, and how far off it was. */
import type { JSX } from 'preact'
import { colours, css } from '../../ui/colour.ts'
import { number } from '../../ui/format.ts'
import { useCanvas } from '../../ui/frame.ts'
import type { Questions } from '../../worker/protocol.ts'

const bins = 21

export function Numbers({ found }: { readonly found: Questions['predictions']['answer'] }): JSX.Element {
  const wanted = found.wanted.values
  const said = found.found.values
  const rest = said.map((value, i) => value - wanted[i])
  const mean = wanted.reduce((sum, each) => sum + each, 0) / Math.max(1, wanted.length)
  const squares = rest.reduce((sum, each) => sum + each * each, 0)
  const spread = wanted.reduce((sum, each) => sum + (each - mean) ** 2, 0)
  const typical = Math.sqrt(squares / Math.max(1, rest.length))
  const explained = 1 - squares / spread
  const scatter = useCanvas((context, width, height) => {
    const { line, muted, positive } = colours()
    const all = [...wanted, ...said].filter(Number.isFinite)
    const [low, high] = [Math.min(...all), Math.max(...all)]
    const inset = 34
    const x = (value: number): number => inset + ((value - low) / (high - low || 1)) * (width - inset - 8)
    const y = (value: number): number => height - inset - ((value - low) / (high - low || 1)) * (height - inset - 8)
    context.strokeStyle = line
    context.beginPath()
    context.moveTo(x(low), y(low))
    context.lineTo(x(high), y(high))
    context.stroke()
    context.fillStyle = css(positive, 0.55)
    wanted.forEach((value, i) => {
      context.beginPath()
      context.arc(x(value), y(said[i]), 2.4, 0, 2 * Math.PI)
      context.fill()
    })
    context.fillStyle = muted
    context.font = '11px system-ui'
    context.fillText(`true: ${number(low)} to ${number(high)}`, inset, height - 10)
    context.save()
    context.translate(14, height - inset)
    context.rotate(-Math.PI / 2)
    context.fillText('said', 0, 0)
    context.restore()
  })
  const histogram = useCanvas((context, width, height) => {
    const { muted, positive, negative, line } = colours()
    const reach = Math.max(...rest.map(Math.abs).filter(Number.isFinite), 1e-9)
    const counts = new Array<number>(bins).fill(0)
    for (const each of rest)
      if (Number.isFinite(each)) counts[Math.min(bins - 1, Math.floor(((each / reach + 1) / 2) * bins))]++
    const highest = Math.max(...counts)
    const wide = width / bins
    counts.forEach((times, k) => {
      const tall = (times / highest) * (height - 24)
      const middle = (bins - 1) / 2
      context.fillStyle = k === middle ? line : css(k < middle ? negative : positive)
      context.fillRect(k * wide + 1, height - 20 - tall, wide - 2, tall)
    })
    context.fillStyle = muted
    context.font = '11px system-ui'
    context.fillText(`−${number(reach)}`, 2, height - 5)
    context.textAlign = 'right'
    context.fillText(`+${number(reach)}`, width - 2, height - 5)
    context.textAlign = 'center'
    context.fillText('said − true', width / 2, height - 5)
  })
  return (
    <>
      <p>
        Typically off by <strong class="figures">{number(typical)}</strong>; it explains{' '}
        <strong class="figures">{number(100 * explained)} %</strong> of the spread (R²).
      </p>
      <div class="predictions-row">
        <div class="scatter">
          <canvas
            ref={scatter}
            role="img"
            aria-label="What was said against what is true; on the line they are equal"
          />
        </div>
        <div class="residuals">
          <canvas ref={histogram} role="img" aria-label="How far off, and how often: too low left, too high right" />
        </div>
      </div>
    </>
  )
}
