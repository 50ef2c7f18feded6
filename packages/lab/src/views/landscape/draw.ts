/** Draws a loss surface: contours and shades, the way of the run, where it stands, which way is down. */
import { contours } from 'd3-contour'
import { colours } from '../../ui/colour.ts'
import type { Surface, Way, Window } from './survey.ts'

/** Contours are closer where the surface is low, since there the valleys are. */
const levels = 14
const bend = 2.4

export interface Place {
  readonly width: number
  readonly height: number
}

/** From coordinates of the surface to pixels. */
export function scales(windows: readonly Window[], { width, height }: Place) {
  const [[x0, x1], [y0, y1] = [0, 1]] = windows
  return {
    x: (value: number): number => ((value - x0) / (x1 - x0)) * width,
    y: (value: number): number => height - ((value - y0) / (y1 - y0)) * height,
  }
}

/** The smallest and the largest loss that is drawn; what is far above all others would hide the valleys. */
export function rangeOf(losses: Float32Array): { low: number; high: number } {
  const finite = losses.filter(Number.isFinite).sort()
  const [low, top] = [finite[0] ?? 0, finite[Math.floor(0.97 * (finite.length - 1))] ?? 1]
  return { low, high: top > low ? top : low + 1 }
}

export const thresholds = ({ low, high }: { low: number; high: number }): number[] =>
  Array.from({ length: levels }, (_, i) => low + (high - low) * ((i + 0.5) / levels) ** bend)

/** Shades and lines of equal loss. Higher is darker (in the dark, lighter). */
export function drawSurface(context: CanvasRenderingContext2D, { losses, size }: Surface, place: Place): void {
  const { ink, surface } = colours()
  const range = rangeOf(losses)
  const all = Array.from(losses, (loss) => (Number.isFinite(loss) ? loss : range.high * 2))
  const [sx, sy] = [place.width / (size - 1), place.height / (size - 1)]
  context.fillStyle = surface
  context.fillRect(0, 0, place.width, place.height)
  const made = contours().size([size, size]).smooth(true).thresholds(thresholds(range))(all)
  for (const { coordinates } of made) {
    context.beginPath()
    for (const polygon of coordinates)
      for (const ring of polygon)
        ring.forEach(([x, y], i) => {
          // Places of the grid lie in the middle of the contours' cells.
          const [px, py] = [(x - 0.5) * sx, place.height - (y - 0.5) * sy]
          if (i === 0) context.moveTo(px, py)
          else context.lineTo(px, py)
        })
    context.globalAlpha = 0.055
    context.fillStyle = ink
    context.fill('evenodd')
    context.globalAlpha = 0.22
    context.strokeStyle = ink
    context.lineWidth = 0.75
    context.stroke()
  }
  context.globalAlpha = 1
}

/** A line through places, with a light edge so that it is seen on any ground. */
function drawLine(
  context: CanvasRenderingContext2D,
  points: readonly (readonly [number, number])[],
  dash: number[] = [],
): void {
  const { ink, surface } = colours()
  for (const [style, width] of [
    [surface, 4.5],
    [ink, 1.75],
  ] as const) {
    context.beginPath()
    points.forEach(([x, y], i) => (i === 0 ? context.moveTo(x, y) : context.lineTo(x, y)))
    context.strokeStyle = style
    context.lineWidth = width
    context.lineJoin = 'round'
    context.setLineDash(style === ink ? dash : [])
    context.stroke()
  }
  context.setLineDash([])
}

function drawDot(
  context: CanvasRenderingContext2D,
  [x, y]: readonly [number, number],
  radius: number,
  filled: boolean,
): void {
  const { ink, surface } = colours()
  context.beginPath()
  context.arc(x, y, radius, 0, 2 * Math.PI)
  context.fillStyle = filled ? ink : surface
  context.strokeStyle = filled ? surface : ink
  context.lineWidth = 2
  context.fill()
  context.stroke()
}

/** An arrow; a short one is drawn long enough to have a direction. */
export function drawArrow(
  context: CanvasRenderingContext2D,
  [x0, y0]: readonly [number, number],
  [dx, dy]: readonly [number, number],
  dash: number[] = [],
): void {
  const length = Math.hypot(dx, dy)
  if (!(length > 0) || !Number.isFinite(length)) return
  const scale = Math.max(length, 22) / length
  const end = [x0 + dx * scale, y0 + dy * scale] as const
  const angle = Math.atan2(dy, dx)
  drawLine(context, [[x0, y0], end], dash)
  for (const side of [-0.45, 0.45])
    drawLine(context, [end, [end[0] - 8 * Math.cos(angle + side), end[1] - 8 * Math.sin(angle + side)]])
}

/** The points of a way in pixels. */
export function wayPoints({ points, now }: Way, windows: readonly Window[], place: Place): [number, number][] {
  const { x, y } = scales(windows, place)
  const all: [number, number][] = []
  for (let i = 0; i < points.length; i += 2) all.push([x(points[i]), y(points[i + 1])])
  all.push([x(now[0]), y(now[1])])
  return all
}

/** The way with its beginning and its end; `dots`: each kept step is marked, where they are few. */
export function drawWay(context: CanvasRenderingContext2D, points: readonly [number, number][], faded = false): void {
  if (faded) context.globalAlpha = 0.45
  if (points.length > 1) drawLine(context, points, faded ? [4, 3] : [])
  const few = points.length <= 60
  for (const [i, point] of points.entries()) {
    if (i === 0 && points.length > 1) drawDot(context, point, 4, false)
    else if (i === points.length - 1 && !faded) drawDot(context, point, 6, true)
    else if (few) drawDot(context, point, 2.5, true)
  }
  context.globalAlpha = 1
}
