/**
 * Points that a person puts on the plane: with the pointer (click, drag; the right button takes away) or with the keys
 * (arrows move a cross, Enter puts a point there, Delete takes the nearest away, 1 to 9 choose the class).
 */
import type { JSX } from 'preact'
import { useRef, useState } from 'preact/hooks'
import { most } from '../../spec/check.ts'
import type { DataSpec, PointsData } from '../../spec/spec.ts'
import { useLab } from '../../state/ask.ts'
import { classColour, colours, css, drawMark } from '../../ui/colour.ts'
import { count } from '../../ui/format.ts'
import { useCanvas } from '../../ui/frame.ts'
import { Features } from './plane-data.tsx'

type Point = PointsData['points'][number]

const reach = 6
/** A dragged brush puts points so far apart. */
const apart = 0.4
/** So near must a point be to be taken away. */
const near = 0.6
const classes = 6
const step = 0.5

const round = (value: number): number => Math.max(-reach, Math.min(reach, Math.round(value * 100) / 100))

function nearest(points: readonly Point[], x: number, y: number): number {
  let best = -1
  let distance = near
  points.forEach(([px, py], i) => {
    const away = Math.hypot(px - x, py - y)
    if (away < distance) [best, distance] = [i, away]
  })
  return best
}

export function PaintData({
  data,
  change,
}: {
  readonly data: DataSpec & PointsData
  readonly change: (part: object, key?: string) => Promise<boolean>
}): JSX.Element {
  const lab = useLab()
  const [tool, choose] = useState<number | 'erase'>(0)
  const [cross, setCross] = useState<readonly [number, number] | undefined>(undefined)
  /** The points while a stroke is drawn. */
  const [stroke, setStroke] = useState<readonly Point[] | undefined>(undefined)
  const last = useRef<readonly [number, number] | undefined>(undefined)
  const points = stroke ?? data.points

  const put = (list: readonly Point[], x: number, y: number, erase: boolean): readonly Point[] => {
    if (erase || tool === 'erase') {
      const at = nearest(list, x, y)
      return at < 0 ? list : list.filter((_, i) => i !== at)
    }
    return list.length >= most.points ? list : [...list, [round(x), round(y), tool]]
  }
  const keep = (list: readonly Point[]): void => {
    if (list.length >= 2) void change({ points: list }, 'paint')
    else lab.notice.value = { kind: 'note', text: 'Two points are the least: one to learn from, one to test with.' }
  }
  const placeOf = (event: PointerEvent | MouseEvent): readonly [number, number] => {
    const box = (event.currentTarget as Element).getBoundingClientRect()
    return [
      ((event.clientX - box.left) / box.width) * 2 * reach - reach,
      reach - ((event.clientY - box.top) / box.height) * 2 * reach,
    ]
  }

  const canvas = useCanvas((context, width, height) => {
    const { line, surface, ink } = colours()
    const at = (x: number, y: number): readonly [number, number] => [
      ((x / reach + 1) / 2) * width,
      ((1 - y / reach) / 2) * height,
    ]
    context.strokeStyle = line
    context.beginPath()
    context.moveTo(width / 2, 0)
    context.lineTo(width / 2, height)
    context.moveTo(0, height / 2)
    context.lineTo(width, height / 2)
    context.stroke()
    for (const [x, y, label] of points) {
      drawMark(context, label, ...at(x, y), 3.6)
      context.fillStyle = css(classColour(label))
      context.strokeStyle = surface
      context.fill()
      context.stroke()
    }
    if (!cross) return
    const [cx, cy] = at(...cross)
    context.strokeStyle = ink
    context.beginPath()
    context.moveTo(cx - 9, cy)
    context.lineTo(cx + 9, cy)
    context.moveTo(cx, cy - 9)
    context.lineTo(cx, cy + 9)
    context.stroke()
  })

  const keys = (event: KeyboardEvent): void => {
    const [x, y] = cross ?? [0, 0]
    const moves: Readonly<Record<string, readonly [number, number]>> = {
      ArrowLeft: [-step, 0],
      ArrowRight: [step, 0],
      ArrowUp: [0, step],
      ArrowDown: [0, -step],
    }
    const move = moves[event.key]
    if (move) setCross([round(x + move[0]), round(y + move[1])])
    else if (event.key === 'Enter' || event.key === ' ') keep(put(data.points, x, y, false))
    else if (event.key === 'Delete' || event.key === 'Backspace') keep(put(data.points, x, y, true))
    else if (/^[1-9]$/.test(event.key) && Number(event.key) <= classes) choose(Number(event.key) - 1)
    else return
    event.preventDefault()
  }

  return (
    <div class="stack">
      <fieldset class="brushes">
        <legend>What you paint</legend>
        {Array.from({ length: classes }, (_, label) => (
          <button
            key={label}
            type="button"
            aria-pressed={tool === label}
            aria-label={`Class ${String.fromCharCode(65 + label)}`}
            title={`Class ${String.fromCharCode(65 + label)} (${label + 1})`}
            onClick={() => choose(label)}
          >
            <Mark label={label} />
          </button>
        ))}
        <button type="button" aria-pressed={tool === 'erase'} onClick={() => choose('erase')}>
          erase
        </button>
      </fieldset>
      <div
        class="paint"
        role="application"
        // The keys work where the cross is.
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it is painted on
        tabIndex={0}
        data-keys
        aria-label={`The plane, with ${points.length} points. Arrows move the cross${cross ? `, now at ${cross[0]}, ${cross[1]}` : ''}; Enter puts a point, Delete takes the nearest away.`}
        onKeyDown={keys}
        onContextMenu={(event) => event.preventDefault()}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId)
          const place = placeOf(event)
          last.current = place
          setCross(undefined)
          setStroke(put(data.points, ...place, event.button === 2))
        }}
        onPointerMove={(event) => {
          if (!stroke || !last.current) return
          const place = placeOf(event)
          const erases = (event.buttons & 2) !== 0 || tool === 'erase'
          if (!erases && Math.hypot(place[0] - last.current[0], place[1] - last.current[1]) < apart) return
          last.current = place
          setStroke(put(stroke, ...place, (event.buttons & 2) !== 0))
        }}
        onPointerUp={() => {
          if (stroke) keep(stroke)
          setStroke(undefined)
        }}
        onPointerCancel={() => setStroke(undefined)}
      >
        <canvas ref={canvas} />
      </div>
      <p class="muted small">{count(points.length)} points. Click or drag; the right button takes away.</p>
      <Features chosen={data.features} change={change} />
    </div>
  )
}

/** The mark of a class in its colour. */
function Mark({ label }: { readonly label: number }): JSX.Element {
  const canvas = useCanvas((context, width, height) => {
    drawMark(context, label, width / 2, height / 2, 6)
    context.fillStyle = css(classColour(label))
    context.fill()
  })
  return <canvas ref={canvas} style={{ width: '18px', height: '18px' }} />
}
