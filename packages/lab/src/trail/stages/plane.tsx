/**
 * A plane as cards show it: what a network, or one of its units, says at each place; the points of the data; the line
 * where the answer changes; and a point that can be dragged. The stage asks, this draws.
 */
import { contours } from 'd3-contour'
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { type Answer, useLab } from '../../state/ask.ts'
import { classColour, colours, css, drawCells, drawMark, largestSize, signed } from '../../ui/colour.ts'
import { useCanvas } from '../../ui/frame.ts'
import type { Part, Questions, RunInfo } from '../../worker/protocol.ts'

/** Half the side of the plane. */
export const reach = 6
export type Place = readonly [x: number, y: number]
export type Responses = Questions['responses']['answer']
export type Points = Questions['points']['answer']

/** One picture of the plane: numbers, rows from the top, and the size that has the full colour. */
export interface PlaneMap {
  readonly values: ArrayLike<number>
  readonly size: number
  readonly scale: number
  /** Numbers with the same signs that change evenly, for a smooth boundary where `values` have ends. */
  readonly edge?: ArrayLike<number>
}

/** What unit `unit` of a module says; the size of its layer's largest number has the full colour. */
export function unitMap(
  { modules, size }: Responses,
  path: string,
  unit: number,
  scale?: number,
): PlaneMap | undefined {
  const maps = modules.find((each) => each.path === path)?.maps
  if (!maps) return undefined
  const values = maps.values.subarray(unit * size * size, (unit + 1) * size * size)
  return { values, size, scale: scale ?? largestSize(values) }
}

/** What the network says: its number, or how much surer it is of the second of two classes than of the first. */
export function outputMap({ output, size }: Responses, task: RunInfo['task']): PlaneMap {
  const places = size * size
  const [first, second] = [output.values.subarray(0, places), output.values.subarray(places, 2 * places)]
  if (task !== 'class') return { values: first, size, scale: largestSize(first) }
  const tiny = 1e-30
  return {
    values: Float32Array.from(first, (value, i) => second[i] - value),
    size,
    scale: 1,
    // The difference of the logits, which softmax squeezes to ends that jump from cell to cell.
    edge: Float32Array.from(first, (value, i) => Math.log((second[i] + tiny) / (value + tiny))),
  }
}

/** The points of a part of the data; undefined until they are there. */
export function usePoints(info: RunInfo, part: Part = 'train'): Points | undefined {
  const { client } = useLab()
  const [points, setPoints] = useState<Points | undefined>(undefined)
  useEffect(() => {
    let left = false
    void client.ask('points', { run: info.run, part }).then((answer) => !left && setPoints(answer))
    return () => {
      left = true
    }
  }, [client, info, part])
  return points
}

export interface PlaneProps {
  readonly info: RunInfo
  readonly label: string
  readonly responses?: Answer<Responses>
  /** Which map of the responses; undefined draws none. */
  map?(responses: Responses): PlaneMap | undefined
  /** Where the map is 0. */
  readonly boundary?: boolean
  readonly points?: Points | undefined
  /** Drawn beside the points for training, hollow. */
  readonly tests?: Points | undefined
  /** A ring around one of the points. */
  readonly ringed?: number | undefined
  readonly probe?: Place | undefined
  onProbe?(place: Place): void
}

export function Plane(props: PlaneProps): JSX.Element {
  const { label, onProbe } = props
  const canvas = useCanvas((context, width, height) => drawPlane(context, width, height, props))
  const pointed = (event: PointerEvent & { readonly currentTarget: HTMLElement }): void => {
    const box = event.currentTarget.getBoundingClientRect()
    const within = (part: number): number => Math.round(Math.max(-1, Math.min(1, part)) * reach * 20) / 20
    onProbe?.([
      within((2 * (event.clientX - box.left)) / box.width - 1),
      within(1 - (2 * (event.clientY - box.top)) / box.height),
    ])
  }
  return (
    <div
      class={onProbe ? 'plane can-point' : 'plane'}
      onPointerDown={(event) => {
        if (!onProbe) return
        event.currentTarget.setPointerCapture(event.pointerId)
        pointed(event)
      }}
      onPointerMove={(event) => event.buttons > 0 && pointed(event)}
    >
      <canvas ref={canvas} role="img" aria-label={label} />
    </div>
  )
}

function drawPlane(context: CanvasRenderingContext2D, width: number, height: number, props: PlaneProps): void {
  const { info, responses, map, boundary, points, tests, ringed, probe } = props
  const { ink, surface, accent } = colours()
  const x = (value: number): number => ((value / reach + 1) / 2) * width
  const y = (value: number): number => ((1 - value / reach) / 2) * height
  const shown = responses?.value && map?.(responses.value)
  if (shown) {
    // Points have the full colours; what lies under them is paler.
    const paler = (value: number): ReturnType<typeof signed> => signed(Math.max(-1, Math.min(1, value)) * 0.62)
    const colour = info.task === 'class' ? twoClasses : points ? paler : signed
    const square = [shown.size, shown.size] as const
    drawCells(
      context,
      shown.values,
      square,
      { x: 0, y: 0, width, height },
      { scale: shown.scale, smooth: true, colour },
    )
    if (boundary) drawBoundary(context, shown, width, height)
  }
  drawAxes(context, width, height)
  const draw = ({ points: places, targets }: Points, hollow: boolean): void => {
    targets.forEach((target, i) => {
      drawMark(
        context,
        info.task === 'class' ? target : Number(target > 0),
        x(places[2 * i]),
        y(places[2 * i + 1]),
        3.6,
      )
      const full = css(info.task === 'class' ? classColour(target) : signed(target))
      context.fillStyle = hollow ? surface : full
      context.fill()
      context.strokeStyle = hollow ? full : surface
      context.lineWidth = hollow ? 1.6 : 1
      context.stroke()
    })
  }
  if (tests) draw(tests, true)
  if (points) draw(points, false)
  if (points && ringed !== undefined) {
    context.beginPath()
    context.arc(x(points.points[2 * ringed]), y(points.points[2 * ringed + 1]), 9, 0, 2 * Math.PI)
    context.lineWidth = 2.5
    context.strokeStyle = accent
    context.stroke()
  }
  if (probe) {
    context.beginPath()
    context.arc(x(probe[0]), y(probe[1]), 8, 0, 2 * Math.PI)
    context.fillStyle = surface
    context.globalAlpha = 0.6
    context.fill()
    context.globalAlpha = 1
    context.lineWidth = 2.5
    context.strokeStyle = ink
    context.stroke()
    context.beginPath()
    context.arc(x(probe[0]), y(probe[1]), 1.5, 0, 2 * Math.PI)
    context.fillStyle = ink
    context.fill()
  }
}

/** -1: surely the first class, 1: surely the second; pale where the network is not sure. */
function twoClasses(value: number): readonly [number, number, number] {
  const ground = colours().zero
  const full = classColour(value < 0 ? 0 : 1)
  const sure = Math.min(1, Math.abs(value)) * 0.62
  const part = (c: 0 | 1 | 2): number => ground[c] + (full[c] - ground[c]) * sure
  return [part(0), part(1), part(2)]
}

/** The line at which the numbers of a map change their sign. */
function drawBoundary(
  context: CanvasRenderingContext2D,
  { values, edge, size }: PlaneMap,
  width: number,
  height: number,
): void {
  const [zero] = contours().size([size, size]).thresholds([0])(Array.from(edge ?? values))
  context.beginPath()
  // Rings are closed along the border of the plane, where nothing changes.
  const isEdge = (point: readonly number[] | undefined): boolean =>
    (point ?? []).some((at) => at < 0.6 || at > size - 0.6)
  for (const polygon of zero?.coordinates ?? []) {
    for (const ring of polygon) {
      ring.forEach((point, i) => {
        const [px, py] = [(point[0] / size) * width, (point[1] / size) * height]
        if (i === 0 || (isEdge(point) && isEdge(ring[i - 1]))) context.moveTo(px, py)
        else context.lineTo(px, py)
      })
    }
  }
  context.lineWidth = 2
  context.strokeStyle = colours().ink
  context.stroke()
}

function drawAxes(context: CanvasRenderingContext2D, width: number, height: number): void {
  context.strokeStyle = colours().muted
  context.globalAlpha = 0.35
  context.lineWidth = 1
  context.beginPath()
  context.moveTo(Math.round(width / 2) + 0.5, 0)
  context.lineTo(Math.round(width / 2) + 0.5, height)
  context.moveTo(0, Math.round(height / 2) + 0.5)
  context.lineTo(width, Math.round(height / 2) + 0.5)
  context.stroke()
  context.globalAlpha = 1
  context.font = 'italic 13px Georgia, serif'
  context.lineJoin = 'round'
  const write = (text: string, x: number, y: number): void => {
    context.strokeStyle = colours().surface
    context.lineWidth = 3
    context.strokeText(text, x, y)
    context.fillStyle = colours().ink
    context.fillText(text, x, y)
  }
  context.textAlign = 'right'
  write('x₁', width - 4, height / 2 - 5)
  context.textAlign = 'left'
  write('x₂', width / 2 + 5, 14)
}
