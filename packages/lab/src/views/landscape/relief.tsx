/**
 * The loss surface as mountains: the same grid and the same way, seen from the side, turned by dragging or by a slider.
 * It is for looking; what can be read and heard is the map (map.tsx).
 */
import type { JSX } from 'preact'
import { useRef, useState } from 'preact/hooks'
import { colours, css } from '../../ui/colour.ts'
import { Slider } from '../../ui/controls.tsx'
import { useCanvas } from '../../ui/frame.ts'
import { rangeOf } from './draw.ts'
import { lossAt } from './map.tsx'
import type { Survey } from './survey.ts'

/** How steeply one looks down. */
const tilt = 0.55

export function Relief({ survey }: { readonly survey: Survey }): JSX.Element {
  const [turn, setTurn] = useState(35)
  const dragged = useRef<number | undefined>(undefined)
  const canvas = useCanvas((context, width, height) => {
    const { surface, way } = survey
    if (!surface) return
    const { size, losses, windows } = surface
    const { low, high } = rangeOf(losses)
    const angle = (turn * Math.PI) / 180
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)]
    const unit = width / 1.55
    /** u and v from -0.5 to 0.5, the height from 0 to 1. */
    const project = (u: number, v: number, h: number): readonly [x: number, y: number, depth: number] => {
      const [a, b] = [u * cos - v * sin, u * sin + v * cos]
      return [width / 2 + a * unit, height * 0.7 - b * unit * tilt - h * height * 0.34, b]
    }
    const heightOf = (loss: number): number => {
      const share = Math.max(0, Math.min(1, (loss - low) / (high - low)))
      // Valleys are shown larger than peaks, as contours are closer there.
      return share ** (1 / 1.6)
    }
    const at = (row: number, column: number) =>
      project(column / (size - 1) - 0.5, row / (size - 1) - 0.5, heightOf(losses[row * size + column]))
    const stride = Math.max(1, Math.floor((size - 1) / 32))
    const tiles: { points: (readonly [number, number, number])[]; depth: number; height: number }[] = []
    for (let row = 0; row + stride < size; row += stride)
      for (let column = 0; column + stride < size; column += stride) {
        const points = [
          at(row, column),
          at(row, column + stride),
          at(row + stride, column + stride),
          at(row + stride, column),
        ]
        const depth = points.reduce((sum, [, , d]) => sum + d, 0)
        tiles.push({ points, depth, height: heightOf(losses[row * size + column]) })
      }
    // Far ones first.
    tiles.sort((a, b) => b.depth - a.depth)
    const { ink, surface: paper, zero } = colours()
    for (const { points, height: h } of tiles) {
      context.beginPath()
      points.forEach(([x, y], i) => (i === 0 ? context.moveTo(x, y) : context.lineTo(x, y)))
      context.closePath()
      context.fillStyle = css(zero)
      context.fill()
      context.globalAlpha = 0.5 * h
      context.fillStyle = ink
      context.fill()
      context.globalAlpha = 0.18
      context.strokeStyle = ink
      context.lineWidth = 0.5
      context.stroke()
      context.globalAlpha = 1
    }
    if (!way) return
    const [[x0, x1], [y0, y1]] = windows
    const onTop = (x: number, y: number): readonly [number, number, number] =>
      project(
        (x - x0) / (x1 - x0) - 0.5,
        (y - y0) / (y1 - y0) - 0.5,
        heightOf(lossAt(surface, Math.max(x0, Math.min(x1, x)), Math.max(y0, Math.min(y1, y)))) + 0.015,
      )
    const points: (readonly [number, number, number])[] = []
    for (let i = 0; i < way.points.length; i += 2) points.push(onTop(way.points[i], way.points[i + 1]))
    const now = onTop(way.now[0], way.now[1])
    for (const [style, thickness] of [
      [paper, 4],
      [ink, 1.75],
    ] as const) {
      context.beginPath()
      for (const [i, [x, y]] of [...points, now].entries()) i === 0 ? context.moveTo(x, y) : context.lineTo(x, y)
      context.strokeStyle = style
      context.lineWidth = thickness
      context.lineJoin = 'round'
      context.stroke()
    }
    context.beginPath()
    context.arc(now[0], now[1], 6, 0, 2 * Math.PI)
    context.fillStyle = ink
    context.fill()
    context.strokeStyle = paper
    context.lineWidth = 2
    context.stroke()
  })
  return (
    <>
      <div class="loss-field relief">
        <canvas
          ref={canvas}
          role="img"
          aria-label="The loss surface as mountains, with the way of the run"
          onPointerDown={(event) => {
            dragged.current = event.offsetX
            event.currentTarget.setPointerCapture(event.pointerId)
          }}
          onPointerMove={(event) => {
            if (dragged.current === undefined) return
            setTurn((((turn - (event.offsetX - dragged.current) * 0.5) % 360) + 360) % 360)
            dragged.current = event.offsetX
          }}
          onPointerUp={() => {
            dragged.current = undefined
          }}
        />
      </div>
      <Slider
        label="Turned by"
        value={Math.round(turn)}
        min={0}
        max={360}
        step={1}
        show={(value) => `${value}°`}
        onInput={setTurn}
      />
    </>
  )
}
