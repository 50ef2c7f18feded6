/**
 * Many small pictures of numbers at once: all are painted into one canvas from one field of pixels, from which each is
 * then drawn to its place. One large picture: drawCells in ui/colour.ts.
 */
import { colours, signed } from './colour.ts'

export interface Picture {
  readonly values: ArrayLike<number>
  readonly from: number
  readonly rows: number
  readonly columns: number
  /** The size that has the full colour. */
  readonly scale: number
  readonly place: { readonly x: number; readonly y: number; readonly width: number; readonly height: number }
  readonly smooth: boolean
}

/** So many shades on each side of zero. */
const shades = 255

let table: { readonly of: object; readonly pixels: Uint32Array; readonly missing: number } | undefined

/** Pixels for -shades to shades, in the colours of the theme. */
function pixelTable(): { readonly pixels: Uint32Array; readonly missing: number } {
  const of = colours()
  if (table?.of !== of) {
    const bytes = new Uint8ClampedArray(4 * (2 * shades + 2))
    for (let i = -shades; i <= shades; i++) bytes.set([...signed(i / shades), 255], 4 * (i + shades))
    bytes.set([120, 120, 120, 255], 4 * (2 * shades + 1))
    const pixels = new Uint32Array(bytes.buffer)
    table = { of, pixels, missing: pixels[2 * shades + 1] }
  }
  return table
}

const across = 16

export class Atlas {
  readonly #canvas = document.createElement('canvas')
  #image: ImageData | undefined

  draw(context: CanvasRenderingContext2D, pictures: readonly Picture[]): void {
    if (pictures.length === 0) return
    const cell = [0, 0]
    for (const { rows, columns } of pictures) {
      cell[0] = Math.max(cell[0], rows)
      cell[1] = Math.max(cell[1], columns)
    }
    const [width, height] = [across * cell[1], Math.ceil(pictures.length / across) * cell[0]]
    const own = this.#canvas.getContext('2d', { willReadFrequently: true })
    if (!own) return
    if (this.#image?.width !== width || this.#image.height !== height) {
      this.#canvas.width = width
      this.#canvas.height = height
      this.#image = own.createImageData(width, height)
    }
    const pixels = new Uint32Array(this.#image.data.buffer)
    const { pixels: colour, missing } = pixelTable()
    const broken: Picture[] = []
    pictures.forEach((picture, i) => {
      const { values, from, rows, columns, scale } = picture
      const begin = Math.floor(i / across) * cell[0] * width + (i % across) * cell[1]
      const factor = shades / scale
      let finite = true
      for (let row = 0; row < rows; row++) {
        for (let column = 0; column < columns; column++) {
          const value = values[from + row * columns + column]
          const shade = Math.round(value * factor)
          const known = Number.isFinite(value)
          finite &&= known
          pixels[begin + row * width + column] = known
            ? colour[Math.max(-shades, Math.min(shades, shade)) + shades]
            : missing
        }
      }
      if (!finite) broken.push(picture)
    })
    own.putImageData(this.#image, 0, 0)
    pictures.forEach(({ rows, columns, place, smooth }, i) => {
      context.imageSmoothingEnabled = smooth
      const [x, y] = [(i % across) * cell[1], Math.floor(i / across) * cell[0]]
      context.drawImage(this.#canvas, x, y, columns, rows, place.x, place.y, place.width, place.height)
    })
    for (const { place } of broken) cross(context, place)
  }
}

/** What is not a number is crossed out, besides being grey. */
function cross(context: CanvasRenderingContext2D, { x, y, width, height }: Picture['place']): void {
  context.strokeStyle = colours().ink
  context.lineWidth = 1
  context.setLineDash([])
  context.beginPath()
  context.moveTo(x, y)
  context.lineTo(x + width, y + height)
  context.moveTo(x + width, y)
  context.lineTo(x, y + height)
  context.stroke()
}
