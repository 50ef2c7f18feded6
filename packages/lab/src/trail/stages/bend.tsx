/** The activation as a curve: sum against what comes out, drawn from what the network says over the plane. */
import type { JSX } from 'preact'
import type { Answer } from '../../state/ask.ts'
import { colours } from '../../ui/colour.ts'
import { useCanvas } from '../../ui/frame.ts'
import type { Responses } from './plane.tsx'

const pad = 18

export function Bend({
  responses,
  sum,
  out,
  sums = '0',
  outs = '1',
}: {
  readonly responses: Answer<Responses>
  /** The point on the curve. */
  readonly sum: number | undefined
  readonly out: number | undefined
  /** The modules before and after the bend. */
  readonly sums?: string
  readonly outs?: string
}): JSX.Element {
  const canvas = useCanvas((context, width, height) => {
    const { ink, muted, line, accent } = colours()
    const maps = responses.value?.modules
    const [from, to] = [sums, outs].map((name) => maps?.find(({ path }) => path === name)?.maps.values)
    const span = 5
    const x = (value: number): number => pad + ((value / span + 1) / 2) * (width - 2 * pad)
    const y = (value: number): number => height / 2 - value * (height / 2 - pad)
    context.strokeStyle = line
    context.beginPath()
    context.moveTo(pad, y(0))
    context.lineTo(width - pad, y(0))
    context.moveTo(x(0), pad / 2)
    context.lineTo(x(0), height - pad / 2)
    context.stroke()
    context.fillStyle = muted
    context.font = '11px system-ui'
    context.textAlign = 'right'
    context.fillText('sum', width - 2, y(0) - 4)
    context.textAlign = 'left'
    context.fillText('out', x(0) + 5, 11)
    context.fillText('1', x(0) - 12, y(1) + 4)
    context.fillText('−1', x(0) - 17, y(-1) + 4)
    if (from && to) {
      const order = Array.from(from.keys()).sort((a, b) => from[a] - from[b])
      context.strokeStyle = ink
      context.lineWidth = 2
      context.beginPath()
      for (const i of order) if (Math.abs(from[i]) <= span) context.lineTo(x(from[i]), y(to[i]))
      context.stroke()
    }
    if (sum !== undefined && out !== undefined) {
      const at = Math.max(-span, Math.min(span, sum))
      context.strokeStyle = accent
      context.setLineDash([3, 3])
      context.beginPath()
      context.moveTo(x(at), y(0))
      context.lineTo(x(at), y(out))
      context.stroke()
      context.setLineDash([])
      context.beginPath()
      context.arc(x(at), y(out), 5, 0, 2 * Math.PI)
      context.fillStyle = accent
      context.fill()
    }
  })
  return (
    <div class="bend">
      <canvas ref={canvas} role="img" aria-label="The activation: what comes out for each sum" />
    </div>
  )
}
