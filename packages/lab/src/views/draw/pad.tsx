/**
 * A field to draw on: with pointer or finger, or with the keyboard, where arrows move the pen and Enter puts it down.
 *
 * What becomes of the lines: prepare.ts.
 */
import type { JSX, TargetedKeyboardEvent, TargetedPointerEvent } from 'preact'
import { useRef, useState } from 'preact/hooks'
import { colours } from '../../ui/colour.ts'
import { invalidate, useCanvas } from '../../ui/frame.ts'
import type { Point, Stroke } from './prepare.ts'

/** The side of the field, in its own unit. */
export const field = 280
/** How far an arrow key moves the pen; with Shift, three times as far. */
const stride = 10
const moves: Readonly<Record<string, Point>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
}

export function Pad({
  strokes,
  onStrokes,
}: {
  readonly strokes: readonly Stroke[]
  readonly onStrokes: (strokes: readonly Stroke[]) => void
}): JSX.Element {
  const drawing = useRef(false)
  // Several events may come before the next rendering.
  const latest = useRef(strokes)
  latest.current = strokes
  const put = (next: readonly Stroke[]): void => {
    latest.current = next
    onStrokes(next)
  }
  const pen = useRef<Point>([field / 2, field / 4])
  const [byKeys, setByKeys] = useState(false)
  const [isDown, setDown] = useState(false)
  const canvas = useCanvas((context, width) => {
    const scale = width / field
    const { ink, line, accent } = colours()
    context.scale(scale, scale)
    context.strokeStyle = line
    context.lineWidth = 1
    context.strokeRect(field / 7, field / 7, (5 * field) / 7, (5 * field) / 7)
    context.strokeStyle = ink
    context.lineWidth = 24
    context.lineCap = 'round'
    context.lineJoin = 'round'
    for (const stroke of strokes) {
      context.beginPath()
      context.moveTo(...stroke[0])
      for (const point of stroke.length > 1 ? stroke.slice(1) : stroke) context.lineTo(...point)
      context.stroke()
    }
    if (!byKeys) return
    context.beginPath()
    context.arc(...pen.current, 12, 0, 2 * Math.PI)
    context.strokeStyle = accent
    context.lineWidth = isDown ? 6 : 2
    context.stroke()
  })
  const extend = (point: Point): void => {
    const last = latest.current.at(-1) ?? []
    put([...latest.current.slice(0, -1), [...last, point]])
  }
  const pointOf = (event: TargetedPointerEvent<HTMLCanvasElement>): Point => {
    const box = event.currentTarget.getBoundingClientRect()
    return [((event.clientX - box.left) / box.width) * field, ((event.clientY - box.top) / box.height) * field]
  }
  const onKeyDown = (event: TargetedKeyboardEvent<HTMLCanvasElement>): void => {
    const move = moves[event.key]
    const isPen = event.key === 'Enter' || event.key === ' '
    if (!move && !isPen && event.key !== 'Backspace') return
    // These keys also mean something to the whole page.
    event.preventDefault()
    event.stopPropagation()
    setByKeys(true)
    if (event.key === 'Backspace') {
      setDown(false)
      put(latest.current.slice(0, -1))
    } else if (isPen) {
      if (!isDown) put([...latest.current, [pen.current]])
      setDown(!isDown)
    } else {
      const by = event.shiftKey ? 3 * stride : stride
      const to = [0, 1].map((axis) => Math.max(0, Math.min(field, pen.current[axis] + by * move[axis])))
      pen.current = [to[0], to[1]]
      if (isDown) extend(pen.current)
      invalidate(canvas.current)
    }
  }
  return (
    // biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: drawing needs its own keys, so a screen reader must pass them on
    <canvas
      ref={canvas}
      class="pad"
      tabIndex={0}
      role="application"
      aria-label="Field to draw a digit: arrow keys move the pen, Enter puts it down and lifts it, Backspace takes the last line back"
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId)
        drawing.current = true
        setByKeys(false)
        setDown(false)
        put([...latest.current, [pointOf(event)]])
      }}
      onPointerMove={(event) => {
        if (!drawing.current) return
        const point = pointOf(event)
        const last = latest.current.at(-1)?.at(-1)
        if (last && Math.hypot(point[0] - last[0], point[1] - last[1]) >= 2) extend(point)
      }}
      onPointerUp={() => {
        drawing.current = false
      }}
      onPointerCancel={() => {
        drawing.current = false
      }}
      onKeyDown={onKeyDown}
    />
  )
}
