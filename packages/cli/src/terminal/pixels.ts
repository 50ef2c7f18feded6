/**
 * Small grey pictures in the terminal: two rows of pixels to a line of half blocks, in greys where there is colour,
 * in black and white where not, as ASCII shades where there is no Unicode.
 */
import type { Terminal } from './style.ts'

/** Brightness 0 to 1, row-major. */
export interface Picture {
  readonly width: number
  readonly height: number
  readonly pixels: ArrayLike<number>
}

const shades = ' .:-=+*#%@'

/** The lines of the picture, each `width` columns wide. */
export function drawPicture({ width, height, pixels }: Picture, terminal: Terminal): string[] {
  const lines: string[] = []
  const at = (x: number, y: number): number => (y < height ? Math.min(1, Math.max(0, pixels[y * width + x])) : 0)
  for (let y = 0; y < height; y += 2) {
    let line = ''
    for (let x = 0; x < width; x++) line += cell(at(x, y), at(x, y + 1), terminal)
    lines.push(terminal.color && terminal.unicode ? `${line}\x1b[0m` : line)
  }
  return lines
}

function cell(top: number, bottom: number, { color, unicode }: Terminal): string {
  if (!unicode) return shades[Math.min(shades.length - 1, Math.floor(((top + bottom) / 2) * shades.length))]
  if (color) return `\x1b[38;5;${grey(top)};48;5;${grey(bottom)}m▀`
  if (top >= 0.5) return bottom >= 0.5 ? '█' : '▀'
  return bottom >= 0.5 ? '▄' : ' '
}

/** The greys of the 256-colour palette: 232 (nearly black) to 255 (nearly white). */
const grey = (brightness: number): number => 232 + Math.round(brightness * 23)

/** The picture without `margin` pixels at each side. */
export function crop({ width, height, pixels }: Picture, margin: number): Picture {
  const [w, h] = [width - 2 * margin, height - 2 * margin]
  const inner = Float32Array.from(
    { length: w * h },
    (_, i) => pixels[(Math.floor(i / w) + margin) * width + (i % w) + margin],
  )
  return { width: w, height: h, pixels: inner }
}

/** Blocks of lines next to each other, as many as fit; the rest below. Each block's lines are `width` columns wide. */
export function sideBySide(
  blocks: readonly (readonly string[])[],
  width: number,
  columns: number,
  gap: number,
): string[] {
  const perRow = Math.max(1, Math.floor((columns + gap) / (width + gap)))
  const lines: string[] = []
  for (let from = 0; from < blocks.length; from += perRow) {
    const row = blocks.slice(from, from + perRow)
    if (from > 0) lines.push('')
    const tallest = Math.max(...row.map((block) => block.length))
    for (let i = 0; i < tallest; i++)
      lines.push(row.map((block) => block[i] ?? ' '.repeat(width)).join(' '.repeat(gap)))
  }
  return lines
}
