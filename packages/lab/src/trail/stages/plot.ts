/** A small frame with two axes, for curves that cards draw themselves. */
import { colours } from '../../ui/colour.ts'

export interface Frame {
  x(value: number): number
  y(value: number): number
  readonly bottom: number
  readonly right: number
}

interface Span {
  readonly label: string
  readonly from: number
  readonly to: number
  readonly ticks: readonly number[]
}

const plain = (tick: number): string => String(tick).replace('-', '−')

const pad = { left: 40, right: 12, top: 12, bottom: 30 }

/** Draws axes with ticks and names; gives where values lie. */
export function drawFrame(
  context: CanvasRenderingContext2D,
  width: number,
  height: number,
  across: Span,
  up: Span,
): Frame {
  const { muted, line } = colours()
  const [right, bottom] = [width - pad.right, height - pad.bottom]
  const x = (value: number): number =>
    pad.left + ((value - across.from) / (across.to - across.from)) * (right - pad.left)
  const y = (value: number): number => bottom - ((value - up.from) / (up.to - up.from)) * (bottom - pad.top)
  context.font = '11px system-ui'
  context.fillStyle = muted
  context.strokeStyle = line
  context.lineWidth = 1
  context.beginPath()
  context.textAlign = 'right'
  for (const tick of up.ticks) {
    context.moveTo(pad.left, y(tick))
    context.lineTo(right, y(tick))
    context.fillText(plain(tick), pad.left - 6, y(tick) + 4)
  }
  context.textAlign = 'center'
  for (const tick of across.ticks) {
    context.moveTo(x(tick), bottom)
    context.lineTo(x(tick), bottom + 4)
    context.fillText(plain(tick), x(tick), bottom + 15)
  }
  context.stroke()
  context.textAlign = 'left'
  context.fillText(up.label, pad.left + 4, pad.top + 2)
  context.textAlign = 'right'
  context.fillText(across.label, right, bottom + 27)
  return { x, y, bottom, right }
}
