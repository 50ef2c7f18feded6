/** One map of numbers, larger: with frames around cells, and a pointer that says which cell it is on. */
import type { JSX } from 'preact'
import { useCanvas } from '../../ui/frame.ts'
import { cellAt, drawMap, fitted, frameCells, type Tint } from '../../ui/map.ts'

export interface Picture {
  readonly values: ArrayLike<number>
  /** Where the map begins among the values. */
  readonly from?: number
  readonly size: readonly [rows: number, columns: number]
  readonly scale: number
  readonly tint?: Tint
  /** Row, column, rows, columns. */
  readonly frame?: readonly [number, number, number, number] | undefined
}

export function MapPicture({
  picture,
  name,
  size,
  onCell,
}: {
  /** Read when it is drawn. */
  readonly picture: () => Picture | undefined
  readonly name: string
  readonly size: readonly [rows: number, columns: number]
  readonly onCell?: (row: number, column: number) => void
}): JSX.Element {
  const canvas = useCanvas((context, width, height) => {
    const shown = picture()
    if (!shown) return
    const place = fitted(shown.size, width, height)
    drawMap(context, shown.values, shown.size, place, shown)
    if (shown.frame) frameCells(context, shown.size, place, shown.frame)
  })
  const point = (event: PointerEvent): void => {
    const box = canvas.current?.getBoundingClientRect()
    if (!box || !onCell) return
    const cell = cellAt(size, fitted(size, box.width, box.height), event.clientX - box.left, event.clientY - box.top)
    if (cell) onCell(...cell)
  }
  return (
    <div class={onCell ? 'map-picture points' : 'map-picture'} style={{ aspectRatio: `${size[1]} / ${size[0]}` }}>
      <canvas ref={canvas} role="img" aria-label={name} onPointerMove={point} onPointerDown={point} />
    </div>
  )
}
