/** What colours mean: a strip from the lowest to the highest number. */
import type { JSX } from 'preact'
import { css, drawCells, type Rgb, signed } from '../../ui/colour.ts'
import { number } from '../../ui/format.ts'
import { useCanvas } from '../../ui/frame.ts'

const steps = 48

export function ScaleBar({
  low,
  high,
  colour = signed,
  scale = Math.max(Math.abs(low), Math.abs(high)),
}: {
  readonly low: number
  readonly high: number
  /** Of a number over `scale`. */
  readonly colour?: (value: number) => Rgb
  readonly scale?: number
}): JSX.Element {
  const canvas = useCanvas((context, width, height) => {
    const values = Float32Array.from({ length: steps }, (_, i) => low + ((high - low) * (i + 0.5)) / steps)
    drawCells(context, values, [1, steps], { x: 0, y: 0, width, height }, { scale, colour, smooth: true })
  })
  return (
    <span class="scale-bar figures" role="img" aria-label={`Colours from ${number(low, 2)} to ${number(high, 2)}`}>
      <span>{number(low, 2)}</span>
      <span class="scale-strip" style={{ background: css(colour(0)) }}>
        <canvas ref={canvas} />
      </span>
      <span>{number(high, 2)}</span>
    </span>
  )
}
