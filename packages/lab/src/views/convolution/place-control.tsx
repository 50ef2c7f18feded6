/** Where in a map one looks: a row and a column, by sliders or by letting the window slide, one place at a time. */
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { useLab } from '../../state/ask.ts'
import { Slider } from '../../ui/controls.tsx'

/** Milliseconds at each place. */
const pace = 90

/** The place that is looked at, within a map of this size. */
export function usePlace([rows, columns]: readonly [number, number]): readonly [number, number] {
  const [row, column] = useLab().selection.place.value
  return [Math.min(row, rows - 1), Math.min(column, columns - 1)]
}

export function PlaceControl({ size }: { readonly size: readonly [rows: number, columns: number] }): JSX.Element {
  const { selection } = useLab()
  const [rows, columns] = size
  const [row, column] = usePlace(size)
  const [sliding, slide] = useState(false)
  const still = matchMedia('(prefers-reduced-motion: reduce)').matches
  const next = (): void => {
    const at = (row * columns + column + 1) % (rows * columns)
    selection.place.value = [Math.floor(at / columns), at % columns]
  }
  useEffect(() => {
    if (!sliding) return
    const timer = setTimeout(() => {
      next()
      if (row === rows - 1 && column === columns - 2) slide(false)
    }, pace)
    return () => clearTimeout(timer)
  })
  const put = (place: readonly [number, number]): void => {
    slide(false)
    selection.place.value = place
  }
  return (
    <div class="row place-control">
      <Slider label="Row" value={row + 1} min={1} max={rows} step={1} onInput={(value) => put([value - 1, column])} />
      <Slider
        label="Column"
        value={column + 1}
        min={1}
        max={columns}
        step={1}
        onInput={(value) => put([row, value - 1])}
      />
      {still ? (
        <button type="button" onClick={next}>
          Next place
        </button>
      ) : (
        <button type="button" aria-pressed={sliding} onClick={() => slide(!sliding)}>
          {sliding ? 'Stop' : 'Slide'}
        </button>
      )}
    </div>
  )
}
