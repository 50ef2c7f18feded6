/** Few numbers in rows and columns, each with its colour behind it; what lies on the margin is said to be 0. */
import type { JSX } from 'preact'
import { css, signed } from '../../ui/colour.ts'

/** As many places after the point as tell the numbers of one scale apart; the whole number is in the tooltip. */
function short(value: number, scale: number): string {
  if (value === 0 || !Number.isFinite(value)) return String(value)
  const places = Math.max(0, Math.min(8, 1 - Math.floor(Math.log10(scale))))
  return value.toFixed(Math.min(places, 2 + Number(scale < 0.1) * places)).replace('-', '−')
}

export function NumberGrid({
  name,
  size: [rows, columns],
  at,
  scale,
  mark,
}: {
  readonly name: string
  readonly size: readonly [rows: number, columns: number]
  /** The number at a place, counted along rows; undefined on the margin. */
  readonly at: (place: number) => number | undefined
  readonly scale: number
  /** A place that is pointed out. */
  readonly mark?: number
}): JSX.Element {
  return (
    <table class="number-grid figures" aria-label={name}>
      <tbody>
        {Array.from({ length: rows }, (_, row) => (
          <tr key={row}>
            {Array.from({ length: columns }, (_, column) => {
              const place = row * columns + column
              const value = at(place)
              return (
                <td
                  key={column}
                  class={`${value === undefined ? 'margin' : ''} ${place === mark ? 'mark' : ''}`}
                  style={value === undefined ? {} : { background: css(signed(value / scale), 0.38) }}
                  title={value === undefined ? 'beyond the edge: counts as 0' : String(value)}
                >
                  {value === undefined ? '·' : short(value, scale)}
                </td>
              )
            })}
          </tr>
        ))}
      </tbody>
    </table>
  )
}
