/**
 * Numbers as colours.
 *
 * Signed numbers: orange below zero, blue above, as people know it from TensorFlow Playground, and as everyone can tell
 * apart. Classes: eight colours by Okabe and Ito (2008), and a shape for each. Colours come from theme.css, so dark and
 * light differ; what is not a number is hatched.
 */

export type Rgb = readonly [red: number, green: number, blue: number]

interface Palette {
  readonly negative: Rgb
  readonly zero: Rgb
  readonly positive: Rgb
  readonly ink: string
  readonly muted: string
  readonly line: string
  readonly surface: string
  readonly accent: string
}

let palette: Palette | undefined

/** The colours of the theme, as they are now. */
export function colours(): Palette {
  if (!palette) {
    const style = getComputedStyle(document.documentElement)
    const text = (name: string): string => style.getPropertyValue(name).trim()
    palette = {
      negative: parse(text('--negative')),
      zero: parse(text('--zero')),
      positive: parse(text('--positive')),
      ink: text('--ink'),
      muted: text('--muted'),
      line: text('--line'),
      surface: text('--surface'),
      accent: text('--accent'),
    }
  }
  return palette
}

/** To be called when the theme has changed. */
export function forgetColours(): void {
  palette = undefined
}
globalThis.matchMedia?.('(prefers-color-scheme: dark)').addEventListener('change', forgetColours)

function parse(text: string): Rgb {
  const value = Number.parseInt(text.slice(1), 16)
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255]
}

const mix = (a: Rgb, b: Rgb, t: number): Rgb => [
  a[0] + (b[0] - a[0]) * t,
  a[1] + (b[1] - a[1]) * t,
  a[2] + (b[2] - a[2]) * t,
]

/** The colour of a number between -1 and 1; what lies beyond has the colour of the end. */
export function signed(value: number): Rgb {
  const { negative, zero, positive } = colours()
  return mix(zero, value < 0 ? negative : positive, Math.min(1, Math.abs(value)))
}

export const css = ([r, g, b]: Rgb, alpha = 1): string =>
  `rgb(${Math.round(r)} ${Math.round(g)} ${Math.round(b)} / ${alpha})`

/** Of classes, in order; they begin again after the last. */
const classes: readonly Rgb[] = [
  [213, 94, 0],
  [0, 114, 178],
  [0, 158, 115],
  [204, 121, 167],
  [86, 180, 233],
  [230, 159, 0],
  [130, 110, 60],
  [110, 110, 120],
  [90, 60, 160],
  [180, 200, 60],
]
export const classColour = (index: number): Rgb => classes[((index % classes.length) + classes.length) % classes.length]

/** The largest size of finite numbers, for a scale around zero; 1 where there is none. */
export function largestSize(values: ArrayLike<number>): number {
  let largest = 0
  for (let i = 0; i < values.length; i++) {
    const size = Math.abs(values[i])
    if (size > largest && size < Number.POSITIVE_INFINITY) largest = size
  }
  return largest || 1
}

const pictures: HTMLCanvasElement[] = []

/** A canvas of the given size to be drawn from at once; the same one may come back at the next call. */
function scratch(width: number, height: number): HTMLCanvasElement {
  const canvas = (pictures[0] ??= document.createElement('canvas'))
  if (canvas.width !== width) canvas.width = width
  if (canvas.height !== height) canvas.height = height
  return canvas
}

/**
 * Draws rows × columns numbers as coloured cells. `scale`: the size that has the full colour. Smooth: colours between
 * the middles of cells are mixed, as fits a surface; cells of weights stay cells.
 */
export function drawCells(
  context: CanvasRenderingContext2D,
  values: ArrayLike<number>,
  [rows, columns]: readonly [number, number],
  place: { readonly x: number; readonly y: number; readonly width: number; readonly height: number },
  {
    scale = 1,
    smooth = false,
    from = 0,
    colour = signed,
  }: { scale?: number; smooth?: boolean; from?: number; colour?: (value: number) => Rgb } = {},
): void {
  const canvas = scratch(columns, rows)
  const own = canvas.getContext('2d', { willReadFrequently: true })
  if (!own) return
  const image = own.createImageData(columns, rows)
  let broken = false
  for (let i = 0; i < rows * columns; i++) {
    const value = values[from + i]
    const finite = Number.isFinite(value)
    broken ||= !finite
    const rgb = finite ? colour(value / scale) : ([120, 120, 120] as const)
    image.data.set([rgb[0], rgb[1], rgb[2], 255], 4 * i)
  }
  own.putImageData(image, 0, 0)
  context.imageSmoothingEnabled = smooth
  context.drawImage(canvas, 0, 0, columns, rows, place.x, place.y, place.width, place.height)
  if (broken) hatch(context, place)
}

/** Lines over a place in which numbers are not finite. */
function hatch(
  context: CanvasRenderingContext2D,
  { x, y, width, height }: { readonly x: number; readonly y: number; readonly width: number; readonly height: number },
): void {
  context.save()
  context.beginPath()
  context.rect(x, y, width, height)
  context.clip()
  context.strokeStyle = colours().ink
  context.lineWidth = 1
  context.beginPath()
  for (let at = -height; at < width; at += 6) {
    context.moveTo(x + at, y + height)
    context.lineTo(x + at + height, y)
  }
  context.stroke()
  context.restore()
}

/** The mark of a class: a shape of its own, so that colour is not needed. */
export function drawMark(context: CanvasRenderingContext2D, label: number, x: number, y: number, size: number): void {
  context.beginPath()
  const r = size
  switch (((label % 6) + 6) % 6) {
    case 0:
      context.arc(x, y, r, 0, 2 * Math.PI)
      break
    case 1:
      context.rect(x - 0.88 * r, y - 0.88 * r, 1.76 * r, 1.76 * r)
      break
    case 2:
      polygon(context, x, y + 0.15 * r, 1.2 * r, 3)
      break
    case 3:
      polygon(context, x, y, 1.2 * r, 4)
      break
    case 4:
      polygon(context, x, y, 1.1 * r, 5)
      break
    default:
      polygon(context, x, y - 0.15 * r, -1.2 * r, 3)
  }
  context.closePath()
}

function polygon(context: CanvasRenderingContext2D, x: number, y: number, radius: number, corners: number): void {
  for (let i = 0; i < corners; i++) {
    const angle = (i / corners) * 2 * Math.PI - Math.PI / 2
    context.lineTo(x + radius * Math.cos(angle), y + radius * Math.sin(angle))
  }
}
