/** A loss surface seen from above, with the way of the run; read with the pointer or with the arrow keys. */
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { colours } from '../../ui/colour.ts'
import { number } from '../../ui/format.ts'
import { invalidate, useCanvas } from '../../ui/frame.ts'
import { drawArrow, drawSurface, drawWay, scales, wayPoints } from './draw.ts'
import './landscape.css'
import type { Surface, Survey, Way } from './survey.ts'

export interface LossMapProps {
  readonly survey: Survey
  /** What the two coordinates are. */
  readonly names: readonly [x: string, y: string]
  /** Ways to compare with, drawn faintly: [n, 2] coordinates each. */
  readonly others?: readonly Float32Array[]
  readonly showDown?: boolean
  readonly showNext?: boolean
  /** Called with a place that was clicked, or entered on. */
  onPlace?(x: number, y: number): void
}

/** The loss at a place, between those of the grid around it. */
export function lossAt({ losses, size, windows }: Surface, x: number, y: number): number {
  const [[x0, x1], [y0, y1]] = windows
  const [fx, fy] = [((x - x0) / (x1 - x0)) * (size - 1), ((y - y0) / (y1 - y0)) * (size - 1)]
  const [c, r] = [Math.max(0, Math.min(size - 2, Math.floor(fx))), Math.max(0, Math.min(size - 2, Math.floor(fy)))]
  const [tx, ty] = [fx - c, fy - r]
  const at = (row: number, column: number): number => losses[row * size + column]
  return (at(r, c) * (1 - tx) + at(r, c + 1) * tx) * (1 - ty) + (at(r + 1, c) * (1 - tx) + at(r + 1, c + 1) * tx) * ty
}

export function LossMap({
  survey,
  names,
  others = [],
  showDown = true,
  showNext = true,
  onPlace,
}: LossMapProps): JSX.Element {
  // In coordinates of the surface.
  const [cross, setCross] = useState<readonly [number, number] | undefined>(undefined)
  const canvas = useCanvas((context, width, height) => {
    const { surface, way } = survey
    if (!surface) return
    const place = { width, height }
    drawSurface(context, surface, place)
    for (const points of others)
      drawWay(
        context,
        wayPoints(
          { points: points.subarray(0, -2), now: [...points.slice(-2)] } as unknown as Way,
          surface.windows,
          place,
        ),
        true,
      )
    if (way) {
      const points = wayPoints(way, surface.windows, place)
      drawWay(context, points)
      const now = points[points.length - 1]
      const { x, y } = scales(surface.windows, place)
      if (showDown) {
        // Downhill on the picture; its length says nothing.
        const [dx, dy] = [-way.slope[0] * (x(1) - x(0)), -way.slope[1] * (y(1) - y(0))]
        const length = Math.hypot(dx, dy)
        if (length > 0) drawArrow(context, now, [(44 * dx) / length, (44 * dy) / length], [3, 3])
      }
      if (showNext && way.next) drawArrow(context, now, [x(way.next[0]) - now[0], y(way.next[1]) - now[1]])
    }
    if (cross) drawCross(context, scales(surface.windows, place), cross, place)
  })
  const { surface, way } = survey
  const move = (to: readonly [number, number] | undefined): void => {
    setCross(to)
    invalidate(canvas.current)
  }
  const placeOf = (event: {
    readonly offsetX: number
    readonly offsetY: number
  }): readonly [number, number] | undefined => {
    const box = canvas.current
    if (!surface || !box) return undefined
    const [[x0, x1], [y0, y1]] = surface.windows
    return [x0 + (event.offsetX / box.clientWidth) * (x1 - x0), y1 - (event.offsetY / box.clientHeight) * (y1 - y0)]
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    if (!surface || event.ctrlKey || event.metaKey || event.altKey) return
    const [[x0, x1], [y0, y1]] = surface.windows
    const [sx, sy] = [(x1 - x0) / 40, (y1 - y0) / 40]
    const [x, y] = cross ?? [way?.now[0] ?? (x0 + x1) / 2, way?.now[1] ?? (y0 + y1) / 2]
    const moves: Record<string, readonly [number, number]> = {
      ArrowLeft: [x - sx, y],
      ArrowRight: [x + sx, y],
      ArrowUp: [x, y + sy],
      ArrowDown: [x, y - sy],
    }
    const to = moves[event.key]
    if (to) move([Math.max(x0, Math.min(x1, to[0])), Math.max(y0, Math.min(y1, to[1]))])
    else if (event.key === 'Enter' && cross) onPlace?.(cross[0], cross[1])
    else if (event.key === 'Escape' && cross) move(undefined)
    else return
    event.preventDefault()
    event.stopPropagation()
  }
  const read = surface && cross ? lossAt(surface, cross[0], cross[1]) : undefined
  return (
    <figure class="loss-map">
      <div
        class="loss-field"
        role="application"
        aria-roledescription="map of the loss"
        aria-label={`The loss over ${names[0]} (to the right) and ${names[1]} (up). Arrow keys read it${onPlace ? ', Enter puts the weights there' : ''}.`}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: an application is interactive: arrow keys read the map
        tabIndex={0}
        onKeyDown={onKeyDown}
        onBlur={() => move(undefined)}
        onPointerMove={(event) => event.pointerType === 'mouse' && move(placeOf(event))}
        onPointerLeave={() => move(undefined)}
        onClick={(event) => {
          const place = placeOf(event)
          if (place && onPlace) onPlace(place[0], place[1])
          else move(place)
        }}
      >
        <canvas ref={canvas} />
      </div>
      <figcaption class="loss-axes figures">
        {surface && <Axes windows={surface.windows} names={names} />}
        <span role="status">
          {cross && read !== undefined && surface ? (
            <>
              {names[0]} {number(cross[0])}, {names[1]} {number(cross[1])}: loss <strong>{number(read)}</strong>
            </>
          ) : (
            <span class="hidden-text" />
          )}
        </span>
      </figcaption>
    </figure>
  )
}

function Axes({
  windows,
  names,
}: {
  readonly windows: Surface['windows']
  readonly names: readonly [string, string]
}): JSX.Element {
  const text = ([from, to]: readonly [number, number]): string => `${number(from, 2)} to ${number(to, 2)}`
  return (
    <span class="muted">
      → {names[0]}, {text(windows[0])} · ↑ {names[1]}, {text(windows[1])}
    </span>
  )
}

function drawCross(
  context: CanvasRenderingContext2D,
  { x, y }: ReturnType<typeof scales>,
  [cx, cy]: readonly [number, number],
  { width, height }: { readonly width: number; readonly height: number },
): void {
  context.strokeStyle = colours().accent
  context.lineWidth = 1
  context.beginPath()
  context.moveTo(x(cx), 0)
  context.lineTo(x(cx), height)
  context.moveTo(0, y(cy))
  context.lineTo(width, y(cy))
  context.stroke()
}
