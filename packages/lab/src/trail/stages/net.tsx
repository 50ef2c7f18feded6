/**
 * A small network over the plane: for each unit what it says at every place, links as wide as their weights. Units are
 * buttons: pointing previews one, choosing pins it (the lab's selection).
 */
import type { JSX } from 'preact'
import type { Answer } from '../../state/ask.ts'
import { useLab } from '../../state/ask.ts'
import { same } from '../../state/selection.ts'
import { classColour, colours, css, drawCells, largestSize, signed } from '../../ui/colour.ts'
import { useCanvas } from '../../ui/frame.ts'
import type { Questions, RunInfo } from '../../worker/protocol.ts'
import { outputMap, type Responses } from './plane.tsx'

/** A column of the picture: a layer as it is seen from the next one. */
export interface Column {
  /** The module whose numbers are shown: the activation where one follows; '' for the inputs. */
  readonly path: string
  /** The linear module that leads there. */
  readonly linear: string
  readonly units: number
  readonly title: string
}

/** The columns of a network of linear layers and activations. */
export function columnsOf({ modules, features, task }: RunInfo): Column[] {
  const own = modules.filter(({ composite, path }) => !composite && path !== '')
  const columns: Column[] = [{ path: '', linear: '', units: features.length, title: 'inputs' }]
  own.forEach(({ path, kind, outputShape }, i) => {
    if (kind !== 'linear') return
    const bend = own[i + 1]?.kind !== 'linear' ? own[i + 1] : undefined
    const isLast = i >= own.length - 2 && !own.slice(i + 1).some((other) => other.kind === 'linear')
    const title = isLast
      ? task === 'class'
        ? 'classes'
        : 'output'
      : `hidden layer${columns.length > 1 ? ` ${columns.length}` : ''}`
    columns.push({ path: bend?.path ?? path, linear: path, units: outputShape[0] ?? 1, title })
  })
  if (columns.length === 3) columns[1] = { ...columns[1], title: 'hidden layer' }
  else
    columns.forEach(
      (column, i) =>
        i === 1 && column.title === 'hidden layer' && (columns[i] = { ...column, title: 'hidden layer 1' }),
    )
  return columns
}

/** Where things stand, in parts of the width and height. */
const columnAt = (i: number, count: number): number => (i + 0.5) / count
const unitAt = (i: number, count: number): number => (i + 0.5) / count

export function Net({
  info,
  responses,
  passage,
  muted = [],
}: {
  readonly info: RunInfo
  readonly responses: Answer<Responses>
  /** For the weights of the links. */
  readonly passage: Questions['passage']['answer'] | undefined
  /** Units that are switched off, as `path unit`. */
  readonly muted?: readonly string[]
}): JSX.Element {
  const { selection } = useLab()
  const columns = columnsOf(info)
  const most = Math.max(...columns.map(({ units }) => units))
  const shown = selection.shown.value
  const canvas = useCanvas((context, width, height) => {
    const { line, accent, negative, positive } = colours()
    const tile = tileOf(width, height, columns.length, most)
    const at = (column: number, unit: number): readonly [number, number] => [
      columnAt(column, columns.length) * width,
      unitAt(unit, columns[column].units) * height,
    ]
    columns.forEach(({ linear, units }, k) => {
      const weight = passage?.layers.find(({ path }) => path === linear)?.weight
      if (!weight) return
      const scale = largestSize(weight.values)
      for (let to = 0; to < units; to++) {
        for (let from = 0; from < columns[k - 1].units; from++) {
          const value = weight.values[to * columns[k - 1].units + from]
          const [x1, y1] = at(k - 1, from)
          const [x2, y2] = at(k, to)
          context.beginPath()
          context.moveTo(x1 + tile / 2, y1)
          context.bezierCurveTo((x1 + x2) / 2, y1, (x1 + x2) / 2, y2, x2 - tile / 2, y2)
          context.lineWidth = Math.max(0.5, (5 * Math.abs(value)) / scale)
          context.strokeStyle = css(value < 0 ? negative : positive, 0.75)
          context.setLineDash(value < 0 ? [5, 4] : [])
          context.stroke()
        }
      }
    })
    context.setLineDash([])
    columns.forEach(({ path, units }, k) => {
      for (let unit = 0; unit < units; unit++) {
        const [x, y] = at(k, unit)
        const place = { x: x - tile / 2, y: y - tile / 2, width: tile, height: tile }
        const picture = coarse(pictureOf(info, responses.value, columns, k, unit))
        if (picture) {
          context.globalAlpha = muted.includes(`${path} ${unit}`) ? 0.15 : 1
          drawCells(context, picture.values, [picture.size, picture.size], place, {
            scale: picture.scale,
            smooth: true,
            colour: picture.colour,
          })
          context.globalAlpha = 1
        }
        const isShown = shown?.kind === 'unit' && shown.module === path && shown.unit === unit
        context.lineWidth = isShown ? 3 : 1
        context.strokeStyle = isShown ? accent : line
        context.strokeRect(place.x, place.y, tile, tile)
      }
    })
  })
  return (
    <div class="net" style={{ height: `${Math.max(180, most * (most > 5 ? 56 : 66))}px` }}>
      <canvas
        ref={canvas}
        role="img"
        aria-label={`A network: ${columns.map(({ units, title }) => `${units} ${title}`).join(', ')}`}
      />
      {columns.map(({ path, units, title }, k) =>
        k === 0
          ? null
          : Array.from({ length: units }, (_, unit) => {
              const chosen = { kind: 'unit', module: path, unit } as const
              return (
                <button
                  type="button"
                  // Units are known by their place.
                  key={`${path} ${unit}`}
                  class="net-unit"
                  style={{ left: `${100 * columnAt(k, columns.length)}%`, top: `${100 * unitAt(unit, units)}%` }}
                  aria-label={
                    k === columns.length - 1 && info.labels[unit]
                      ? `class ${info.labels[unit]}`
                      : `${title}, unit ${unit + 1}`
                  }
                  aria-pressed={same(selection.pinned.value, chosen)}
                  onPointerEnter={() => {
                    selection.hovered.value = chosen
                  }}
                  onPointerLeave={() => {
                    selection.hovered.value = undefined
                  }}
                  onFocus={() => {
                    selection.hovered.value = chosen
                  }}
                  onBlur={() => {
                    selection.hovered.value = undefined
                  }}
                  onClick={() => selection.pin(chosen)}
                />
              )
            }),
      )}
    </div>
  )
}

/** Tiles are as large as rows and columns leave room for. */
const tileOf = (width: number, height: number, columns: number, units: number): number =>
  Math.max(20, Math.min(56, height / units - 10, (0.52 * width) / columns))

interface Picture {
  readonly values: ArrayLike<number>
  readonly size: number
  readonly scale: number
  readonly colour: (value: number) => readonly [number, number, number]
}

/** Every second number across and down: enough for a tile, and drawn four times as fast. */
function coarse(picture: Picture | undefined): Picture | undefined {
  if (!picture || picture.size % 2 !== 0) return picture
  const { values, size } = picture
  const half = size / 2
  const from = (i: number): number => 2 * Math.floor(i / half) * size + 2 * (i % half)
  return { ...picture, values: Float32Array.from({ length: half * half }, (_, i) => values[from(i)]), size: half }
}

/** What a unit says over the plane: inputs are their own coordinate, the last layer the probability of its class. */
function pictureOf(
  info: RunInfo,
  responses: Responses | undefined,
  columns: readonly Column[],
  k: number,
  unit: number,
): Picture | undefined {
  if (!responses) return undefined
  const { size, modules, output } = responses
  if (k === 0) {
    const across = info.features[unit] === 'x'
    if (!across && info.features[unit] !== 'y') return undefined
    const at = (i: number): number => (2 * i + 1) / size - 1
    const values = Float32Array.from({ length: size * size }, (_, i) =>
      across ? at(i % size) : -at(Math.floor(i / size)),
    )
    return { values, size, scale: 1, colour: signed }
  }
  if (k === columns.length - 1) {
    if (info.task !== 'class') return { ...outputMap(responses, info.task), colour: signed }
    const values = output.values.subarray(unit * size * size, (unit + 1) * size * size)
    const [zero, full] = [colours().zero, classColour(unit)]
    const colour = (value: number): readonly [number, number, number] => {
      const mixed = (c: 0 | 1 | 2): number => zero[c] + (full[c] - zero[c]) * 0.8 * value
      return [mixed(0), mixed(1), mixed(2)]
    }
    return { values, size, scale: 1, colour }
  }
  const maps = modules.find(({ path }) => path === columns[k].path)?.maps
  if (!maps) return undefined
  const values = maps.values.subarray(unit * size * size, (unit + 1) * size * size)
  return { values, size, scale: largestSize(values), colour: signed }
}
