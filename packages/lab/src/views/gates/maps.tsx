/** Gates and memory of all units through a text: rows are units, columns letters. */
import type { JSX } from 'preact'
import { useLab } from '../../state/ask.ts'
import { colours, drawCells, largestSize } from '../../ui/colour.ts'
import { number } from '../../ui/format.ts'
import { useCanvas } from '../../ui/frame.ts'
import type { Questions, Track } from '../../worker/protocol.ts'
import { ScaleBar } from '../sequence/scale-bar.tsx'
import { numbersOf, orderOf, useUnit, wordsOf } from './parts.ts'

export type Gates = Questions['gates']['answer']

/** The room for letters under a map. */
const foot = 18

export function GateMaps({
  gates,
  track,
  module,
  letters,
  only,
}: {
  /** The newest answer. */
  readonly gates: () => Gates | undefined
  readonly track: string
  readonly module: string
  readonly letters: readonly string[]
  /** Which are shown; default all that the layer has. */
  readonly only?: readonly string[] | undefined
}): JSX.Element | null {
  const now = gates()
  if (!now) return null
  const parts = orderOf[now.kind].filter((part) => !only || only.includes(part))
  return (
    <div class="gate-maps">
      {parts.map((part) => (
        <GateMap key={part} {...{ gates, track, module, letters, part }} />
      ))}
    </div>
  )
}

function GateMap({
  gates,
  track: name,
  module,
  letters,
  part,
}: {
  readonly gates: () => Gates | undefined
  readonly track: string
  readonly module: string
  readonly letters: readonly string[]
  readonly part: string
}): JSX.Element | null {
  const { selection } = useLab()
  const now = gates()
  const trackOf = (answer: Gates | undefined): Track | undefined => answer?.tracks.find((each) => each.name === name)
  const values = numbersOf(trackOf(now), part)
  const [steps, units] = trackOf(now)?.parts[0].numbers.shape ?? [1, 1]
  const [unit, pin, hover] = useUnit(module, units)
  const time = Math.min(selection.shownTime.value, steps - 1)
  const scaleOf = (all: Float32Array): number => (part === 'cell' ? Math.max(1, largestSize(all)) : 1)
  const canvas = useCanvas((context, width, height) => {
    const answer = gates()
    const found = numbersOf(trackOf(answer), part)
    const [count, rows] = trackOf(answer)?.parts[0].numbers.shape ?? [0, 0]
    if (!found || count === 0) return
    const place = { x: 0, y: 0, width, height: height - foot }
    drawCells(context, transposed(found, count, rows), [rows, count], place, { scale: scaleOf(found) })
    const { accent, ink, muted } = colours()
    const [cell, line] = [width / count, place.height / rows]
    context.strokeStyle = accent
    context.lineWidth = 2
    context.strokeRect(time * cell + 1, 1, cell - 2, place.height - 2)
    context.strokeRect(1, unit * line, width - 2, Math.max(3, line))
    context.font = '12px ui-monospace, monospace'
    context.textAlign = 'center'
    letters.forEach((letter, t) => {
      context.fillStyle = t === time ? ink : muted
      if (t < count) context.fillText(letter, (t + 0.5) * cell, height - 4)
    })
  })
  const words = now && wordsOf(now.kind, part)
  if (!values || !words) return null
  const placeOf = (event: PointerEvent): [number, number] => {
    const box = (event.currentTarget as Element).getBoundingClientRect()
    const within = (share: number, count: number): number => Math.max(0, Math.min(count - 1, Math.floor(share * count)))
    return [
      within((event.clientX - box.left) / box.width, steps),
      within((event.clientY - box.top) / (box.height - foot), units),
    ]
  }
  return (
    <figure>
      <figcaption>
        <strong>{words.title}</strong> <span class="muted">{words.says}</span>
      </figcaption>
      <div style={{ height: `${Math.max(96, Math.min(200, units * 4)) + foot}px` }}>
        <canvas
          ref={canvas}
          role="img"
          aria-label={`${words.title}: ${units} units by ${steps} letters; unit ${unit + 1} at ${letters[time] ?? ''}: ${number(values[time * units + unit])}`}
          onPointerMove={(event) => {
            const [t, row] = placeOf(event)
            selection.hoveredTime.value = t
            hover(row)
          }}
          onPointerLeave={() => {
            selection.hoveredTime.value = undefined
            hover()
          }}
          onClick={(event) => {
            const [t, row] = placeOf(event as unknown as PointerEvent)
            selection.time.value = t
            pin(row)
          }}
        />
      </div>
      <div class="row gate-foot">
        <span class="figures" data-value={part}>
          {number(values[time * units + unit])}
        </span>
        <ScaleBar low={words.gate ? 0 : -scaleOf(values)} high={scaleOf(values)} />
      </div>
    </figure>
  )
}

/** [steps, units] → [units, steps] */
function transposed(values: Float32Array, steps: number, units: number): Float32Array {
  const turned = new Float32Array(values.length)
  for (let t = 0; t < steps; t++)
    for (let unit = 0; unit < units; unit++) turned[unit * steps + t] = values[t * units + unit]
  return turned
}
