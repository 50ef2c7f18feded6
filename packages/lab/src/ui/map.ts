/**
 * Maps of numbers as small pictures, many of them on every frame: feature maps, kernels, digits.
 *
 * Colours are looked up in a table that is made once for a theme. Larger pictures with colours of their own: drawCells
 * in colour.ts.
 */
import { colours, signed } from './colour.ts'

/** Signed numbers around zero; or ink on paper, from 0 to 1. */
export type Tint = 'signed' | 'ink'

const steps = 255
/** Of each tint the colours from -1 to 1, as the bytes of a pixel. */
let tables: { readonly of: unknown; readonly signed: Uint32Array; readonly ink: Uint32Array } | undefined

function tableOf(tint: Tint): Uint32Array {
  const palette = colours()
  if (tables?.of !== palette) {
    const table = (colour: (value: number) => readonly number[]): Uint32Array =>
      Uint32Array.from({ length: 2 * steps + 1 }, (_, i) => {
        const [r, g, b] = colour(i / steps - 1)
        // Little-endian: the first byte is red.
        return (255 << 24) | (Math.round(b) << 16) | (Math.round(g) << 8) | Math.round(r)
      })
    const [paper, ink] = [palette.surface, palette.ink].map(channels)
    tables = {
      of: palette,
      signed: table(signed),
      ink: table((value) => paper.map((channel, i) => channel + (ink[i] - channel) * Math.max(0, value))),
    }
  }
  return tables[tint]
}

/** #rrggbb or #rgb */
function channels(text: string): number[] {
  const digits = text.slice(1)
  const whole = digits.length === 3 ? [...digits].map((digit) => digit + digit).join('') : digits
  const value = Number.parseInt(whole, 16)
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255]
}

const broken = 0xff787878
const images = new Map<string, { canvas: HTMLCanvasElement; image: ImageData; pixels: Uint32Array }>()

export interface Place {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/** Draws rows × columns numbers from `from` on as cells. `scale`: the size that has the full colour. */
export function drawMap(
  context: CanvasRenderingContext2D,
  values: ArrayLike<number>,
  [rows, columns]: readonly [number, number],
  { x, y, width, height }: Place,
  { scale = 1, from = 0, tint = 'signed' }: { scale?: number; from?: number; tint?: Tint } = {},
): void {
  if (rows * columns === 0) return
  const key = `${rows} ${columns}`
  let kept = images.get(key)
  if (!kept) {
    const canvas = document.createElement('canvas')
    canvas.width = columns
    canvas.height = rows
    const image = new ImageData(columns, rows)
    kept = { canvas, image, pixels: new Uint32Array(image.data.buffer) }
    images.set(key, kept)
  }
  const table = tableOf(tint)
  for (let i = 0; i < rows * columns; i++) {
    const value = values[from + i] / scale
    kept.pixels[i] = Number.isFinite(value) ? table[Math.round((Math.max(-1, Math.min(1, value)) + 1) * steps)] : broken
  }
  kept.canvas.getContext('2d')?.putImageData(kept.image, 0, 0)
  context.imageSmoothingEnabled = false
  context.drawImage(kept.canvas, 0, 0, columns, rows, x, y, width, height)
}

/** The largest place of these proportions within a width and a height, in the middle. */
export function fitted([rows, columns]: readonly [number, number], width: number, height: number): Place {
  const side = Math.min(width / columns, height / rows)
  const [w, h] = [side * columns, side * rows]
  return { x: (width - w) / 2, y: (height - h) / 2, width: w, height: h }
}

/** The row and column at a point of such a place; undefined outside. */
export function cellAt(
  [rows, columns]: readonly [number, number],
  place: Place,
  x: number,
  y: number,
): readonly [row: number, column: number] | undefined {
  const column = Math.floor(((x - place.x) / place.width) * columns)
  const row = Math.floor(((y - place.y) / place.height) * rows)
  return row >= 0 && column >= 0 && row < rows && column < columns ? [row, column] : undefined
}

/** A frame around cells: from row and column on, so many of each; parts beyond the picture are drawn too. */
export function frameCells(
  context: CanvasRenderingContext2D,
  [rows, columns]: readonly [number, number],
  place: Place,
  [row, column, height, width]: readonly [number, number, number, number],
): void {
  const [cw, ch] = [place.width / columns, place.height / rows]
  const { accent, surface } = colours()
  const box = [place.x + column * cw, place.y + row * ch, Math.max(2, width * cw), Math.max(2, height * ch)] as const
  context.lineWidth = 3.5
  context.strokeStyle = surface
  context.strokeRect(...box)
  context.lineWidth = 2
  context.strokeStyle = accent
  context.strokeRect(...box)
}
