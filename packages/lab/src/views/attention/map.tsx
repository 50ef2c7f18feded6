/** One head, large: each row a letter that looks, each column a letter that is looked at; and one row as ribbons. */
import type { JSX } from 'preact'
import { useLab } from '../../state/ask.ts'
import { colours, drawCells } from '../../ui/colour.ts'
import { percent } from '../../ui/format.ts'
import { useCanvas } from '../../ui/frame.ts'
import { type Attention, type Head, weightsOf } from './heads.tsx'

/** Room for letters. */
const margin = 22

export function HeadMap({
  answer,
  chosen: { layer, head },
  letters,
  onKey,
}: {
  readonly answer: () => Attention | undefined
  readonly chosen: Head
  readonly letters: readonly string[]
  /** A letter that is looked at was clicked. */
  readonly onKey: (key: number) => void
}): JSX.Element {
  const { selection } = useLab()
  const shown = Math.min(selection.shownTime.value, letters.length - 1)
  const canvas = useCanvas((context, width, height) => {
    const module = answer()?.modules[layer]
    if (!module) return
    const [, rows, columns] = module.weights.shape
    const place = { x: margin, y: margin, width: width - margin, height: height - margin }
    drawCells(context, weightsOf(module, Math.min(head, module.weights.shape[0] - 1)), [rows, columns], place)
    const { accent, ink, muted } = colours()
    const [w, h] = [place.width / columns, place.height / rows]
    context.font = '12px ui-monospace, monospace'
    context.textAlign = 'center'
    context.textBaseline = 'middle'
    letters.forEach((letter, i) => {
      context.fillStyle = muted
      if (i < columns) context.fillText(letter, margin + (i + 0.5) * w, margin / 2)
      context.fillStyle = i === shown ? ink : muted
      if (i < rows) context.fillText(letter, margin / 2, margin + (i + 0.5) * h)
    })
    context.strokeStyle = accent
    context.lineWidth = 2
    context.strokeRect(margin + 1, margin + shown * h + 1, place.width - 2, h - 2)
  })
  const placeOf = (event: MouseEvent): [number, number] => {
    const box = (event.currentTarget as Element).getBoundingClientRect()
    const at = (offset: number, size: number): number =>
      Math.max(0, Math.min(letters.length - 1, Math.floor(((offset - margin) / (size - margin)) * letters.length)))
    return [at(event.clientY - box.top, box.height), at(event.clientX - box.left, box.width)]
  }
  return (
    <div class="attention-map">
      <canvas
        ref={canvas}
        role="img"
        aria-label={`Attention of ${letters.length} letters to one another; rows look, columns are looked at`}
        onPointerMove={(event) => {
          selection.hoveredTime.value = placeOf(event)[0]
        }}
        onPointerLeave={() => {
          selection.hoveredTime.value = undefined
        }}
        onClick={(event) => {
          const [query, key] = placeOf(event)
          selection.time.value = query
          onKey(key)
        }}
      />
    </div>
  )
}

/** From the letter that looks (below) to those it looks at (above): the wider, the more. */
export function Ribbons({
  row,
  query,
  letters,
}: {
  /** The weights of one query. */
  readonly row: Float32Array
  readonly query: number
  readonly letters: readonly string[]
}): JSX.Element {
  const [width, height] = [400, 150]
  const x = (place: number): number => ((place + 0.5) * width) / letters.length
  const said = Array.from(row, (weight, key) => ({ weight, key }))
    .filter(({ weight }) => weight > 0.01)
    .sort((a, b) => b.weight - a.weight)
  return (
    <svg
      class="ribbons"
      viewBox={`0 0 ${width} ${height}`}
      role="img"
      aria-label={`${letters[query]} looks at ${said.map(({ weight, key }) => `${letters[key]} ${percent(weight)}`).join(', ')}`}
    >
      {letters.map((letter, place) => (
        <text key={place} x={x(place)} y="16" text-anchor="middle" class="ribbon-letter">
          {letter}
        </text>
      ))}
      {said.map(({ weight, key }) => (
        <path
          key={key}
          d={`M${x(query)} ${height - 24} C${x(query)} ${height / 2}, ${x(key)} ${height / 2}, ${x(key)} 24`}
          fill="none"
          stroke="var(--positive)"
          stroke-opacity={0.25 + 0.6 * weight}
          stroke-width={Math.max(0.75, 22 * weight)}
          stroke-linecap="round"
        />
      ))}
      <text x={x(query)} y={height - 6} text-anchor="middle" class="ribbon-letter chosen">
        {letters[query]}
      </text>
      {said.slice(0, 3).map(({ weight, key }) => (
        <text key={key} x={x(key)} y="34" text-anchor="middle" class="ribbon-share">
          {Math.round(100 * weight)} %
        </text>
      ))}
    </svg>
  )
}
