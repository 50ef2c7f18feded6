/**
 * Numbers as a picture that can be read: each cell says its index and number under the pointer, and with arrow keys.
 * It is painted on animation frames from the newest numbers; only the line below it is text.
 */
import type { JSX, TargetedKeyboardEvent, TargetedPointerEvent } from 'preact'
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'
import { Atlas } from './atlas.ts'
import { colours } from './colour.ts'
import { number } from './format.ts'
import { invalidate, useCanvas } from './frame.ts'
import './picture.css'
import { cellOf, elementAt, indexText, tileAt, tilesOf } from './tiles.ts'

export interface PictureProps {
  /** What it shows, in words. */
  readonly label: string
  readonly shape: readonly number[]
  /** The numbers as they are now. */
  values(): ArrayLike<number> | undefined
  /** The size that has the full colour. */
  scale(): number
  /** The highest it may be. */
  readonly height?: number
  /** Whether colours run into each other, as on a surface. */
  readonly smooth?: boolean
  /** Cells that are lit. */
  lit?(): readonly number[]
  onPoint?(element: number | undefined): void
  onPick?(element: number): void
  /** What is said of a cell, in place of its index and number. */
  say?(element: number, value: number): string
}

export function Picture(props: PictureProps): JSX.Element {
  const { label, shape, values, scale, height = 160, smooth = false, lit, onPoint, onPick, say } = props
  const holder = useRef<HTMLDivElement>(null)
  const [width, setWidth] = useState(240)
  useLayoutEffect(() => {
    const box = holder.current
    if (!box) return
    const measure = (): void => setWidth(Math.max(60, Math.floor(box.clientWidth)))
    measure()
    const watcher = new ResizeObserver(measure)
    watcher.observe(box)
    return () => watcher.disconnect()
  }, [])
  const tiles = useMemo(() => tilesOf(shape, width, height), [shape.join(), width, height])
  const pointed = useRef<number | undefined>(undefined)
  const byKeys = useRef(false)
  const line = useRef<HTMLParagraphElement>(null)
  const atlas = useRef<Atlas | undefined>(undefined)

  const canvas = useCanvas((context) => {
    const now = values()
    if (now) {
      atlas.current ??= new Atlas()
      const { rows, columns, cellWidth, cellHeight, count } = tiles
      const full = scale()
      const known = Math.min(count, Math.ceil(now.length / (rows * columns)))
      atlas.current.draw(
        context,
        Array.from({ length: known }, (_, tile) => {
          const [x, y] = tileAt(tiles, tile)
          const place = { x, y, width: columns * cellWidth, height: rows * cellHeight }
          return { values: now, from: tile * rows * columns, rows, columns, scale: full, place, smooth }
        }),
      )
    }
    const { accent } = colours()
    context.strokeStyle = accent
    context.lineWidth = 2
    const frames = [...(lit?.() ?? []), ...(pointed.current === undefined ? [] : [pointed.current])]
    for (const element of frames) {
      const [x, y] = cellOf(tiles, element)
      context.strokeRect(x, y, Math.max(3, tiles.cellWidth), Math.max(3, tiles.cellHeight))
    }
    const at = pointed.current
    if (!line.current) return
    const value = at === undefined ? undefined : now?.[at]
    line.current.textContent =
      at === undefined || value === undefined
        ? ''
        : say
          ? say(at, value)
          : `${indexText(shape, at)} ${number(value, 4)}`
  })
  const point = (element: number | undefined): void => {
    if (pointed.current === element) return
    pointed.current = element
    onPoint?.(element)
    invalidate(canvas.current)
  }
  useEffect(() => point(undefined), [shape.join()])
  const under = (event: TargetedPointerEvent<HTMLElement>): number | undefined => {
    const box = (canvas.current as HTMLCanvasElement).getBoundingClientRect()
    const element = elementAt(tiles, event.clientX - box.left, event.clientY - box.top)
    return element !== undefined && element < shape.reduce((product, n) => product * n, 1) ? element : undefined
  }
  const key = (event: TargetedKeyboardEvent<HTMLElement>): void => {
    const all = shape.reduce((product, n) => product * n, 1)
    const steps: Readonly<Record<string, number>> = {
      ArrowLeft: -1,
      ArrowRight: 1,
      ArrowUp: -tiles.columns,
      ArrowDown: tiles.columns,
    }
    const at = pointed.current
    if (event.key in steps) {
      event.preventDefault()
      event.stopPropagation()
      byKeys.current = true
      point(at === undefined ? 0 : Math.max(0, Math.min(all - 1, at + steps[event.key])))
    } else if ((event.key === 'Enter' || event.key === ' ') && at !== undefined && onPick) {
      event.preventDefault()
      event.stopPropagation()
      onPick(at)
    }
  }
  return (
    <div class="picture" ref={holder}>
      <div
        class="picture-cells"
        role="application"
        aria-roledescription="picture of numbers"
        aria-label={`${label}; arrow keys read its numbers`}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: keys read it
        tabIndex={0}
        style={{ cursor: onPick ? 'pointer' : 'default' }}
        onKeyDown={key}
        onPointerMove={(event) => {
          byKeys.current = false
          point(under(event))
        }}
        onPointerLeave={() => point(undefined)}
        onBlur={() => {
          if (byKeys.current) point(undefined)
        }}
        onClick={(event) => {
          const element = under(event as unknown as TargetedPointerEvent<HTMLElement>)
          if (element !== undefined) onPick?.(element)
        }}
      >
        <canvas ref={canvas} style={{ width: `${tiles.width}px`, height: `${tiles.height}px` }} />
      </div>
      <p ref={line} class="read figures" aria-live="polite" />
    </div>
  )
}
