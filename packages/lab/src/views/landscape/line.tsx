/** The loss along one weight: a curve, the present point with its slope, and where the next step leads. */
import type { JSX } from 'preact'
import { colours } from '../../ui/colour.ts'
import { number } from '../../ui/format.ts'
import { useCanvas } from '../../ui/frame.ts'
import { drawArrow } from './draw.ts'
import './landscape.css'
import type { Surface, Survey } from './survey.ts'

/** The loss at a place of the line, between its neighbours. */
export function lossOn({ losses, size, windows: [[from, to]] }: Surface, value: number): number {
  const at = Math.max(0, Math.min(size - 1.001, ((value - from) / (to - from)) * (size - 1)))
  const left = Math.floor(at)
  return losses[left] + (losses[left + 1] - losses[left]) * (at - left)
}

export function LossLine({
  survey,
  name,
  showSlope = true,
  showNext = true,
  showCurve = true,
  onPlace,
}: {
  readonly survey: Survey
  readonly name: string
  readonly showSlope?: boolean
  readonly showNext?: boolean
  /** False: only the present point is drawn, as long as the curve is to be guessed. */
  readonly showCurve?: boolean
  onPlace?(value: number): void
}): JSX.Element {
  const margin = { left: 44, bottom: 22, top: 10, right: 10 }
  const canvas = useCanvas((context, width, height) => {
    const { surface, way } = survey
    if (!surface) return
    const { ink, muted, line, accent } = colours()
    const [[from, to]] = surface.windows
    const finite = surface.losses.filter(Number.isFinite)
    const high = Math.max(...finite) * 1.04 || 1
    const x = (value: number): number =>
      margin.left + ((value - from) / (to - from)) * (width - margin.left - margin.right)
    const y = (loss: number): number => height - margin.bottom - (loss / high) * (height - margin.bottom - margin.top)
    context.font = '11px system-ui'
    context.fillStyle = muted
    context.strokeStyle = line
    context.lineWidth = 1
    for (let i = 0; i <= 4; i++) {
      const [loss, weight] = [(high * i) / 4, from + ((to - from) * i) / 4]
      context.beginPath()
      context.moveTo(margin.left, y(loss))
      context.lineTo(width - margin.right, y(loss))
      context.stroke()
      context.textAlign = 'right'
      context.fillText(number(loss, 2), margin.left - 6, y(loss) + 4)
      context.textAlign = 'center'
      context.fillText(number(weight, 2), Math.min(x(weight), width - 16), height - 6)
    }
    if (showCurve) {
      context.beginPath()
      surface.losses.forEach((loss, i) => {
        const at = x(from + ((to - from) * i) / (surface.size - 1))
        if (i === 0) context.moveTo(at, y(loss))
        else context.lineTo(at, y(loss))
      })
      context.strokeStyle = ink
      context.lineWidth = 2
      context.stroke()
    }
    if (!way) return
    const now = [x(way.now[0]), y(lossOn(surface, way.now[0]))] as const
    if (showSlope) {
      // The tangent, as long as a third of the picture.
      const rise = (-way.slope[0] * (to - from) * (height - margin.bottom - margin.top)) / high
      const run = width - margin.left - margin.right
      const scale = width / 6 / Math.hypot(run, rise)
      context.beginPath()
      context.moveTo(now[0] - run * scale, now[1] - rise * scale)
      context.lineTo(now[0] + run * scale, now[1] + rise * scale)
      context.strokeStyle = accent
      context.lineWidth = 2
      context.stroke()
    }
    if (showNext && way.next) drawArrow(context, now, [x(way.next[0]) - now[0], 0])
    context.beginPath()
    context.arc(now[0], now[1], 7, 0, 2 * Math.PI)
    context.fillStyle = ink
    context.fill()
    context.strokeStyle = colours().surface
    context.stroke()
  })
  const { surface, way } = survey
  const label =
    surface && way
      ? `The loss along ${name}. At ${number(way.now[0])} it is ${number(lossOn(surface, way.now[0]))}, with slope ${number(way.slope[0])}.`
      : `The loss along ${name}`
  return (
    <div class="loss-line">
      <canvas
        ref={canvas}
        role="img"
        aria-label={label}
        onClick={(event) => {
          const box = canvas.current
          if (!surface || !onPlace || !box) return
          const [[from, to]] = surface.windows
          const share = (event.offsetX - margin.left) / (box.clientWidth - margin.left - margin.right)
          onPlace(Math.max(from, Math.min(to, from + share * (to - from))))
        }}
      />
    </div>
  )
}
