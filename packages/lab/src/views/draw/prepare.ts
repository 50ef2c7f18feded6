/**
 * A drawing as the digits of the data are: its longer side 20 pixels, its centre of mass in the middle of 28 by 28, with
 * a line as thick as theirs (LeCun, Bottou, Bengio, Haffner 1998 describe how MNIST was made).
 *
 * Lines are kept as points, not as pixels, so that small and large drawings get the same thickness.
 */

export type Point = readonly [x: number, y: number]
/** Points from pen down to pen up; any unit, y downwards. */
export type Stroke = readonly Point[]

/** The side of the box that a digit fills. */
const box = 20
/** The thickness of a line in pixels, and over how many its edge fades: those of the data. */
const thickness = 2.8
const edge = 1.5
/** A dot is not blown up to fill the box: the smallest extent, in parts of the field that is drawn on. */
const least = 0.25

/** How dark each of side × side pixels is, from 0 to 1. `field`: the side of the field that the points are in. */
export function prepare(strokes: readonly Stroke[], field: number, side = 28): Float32Array {
  const points = strokes.flat()
  if (points.length === 0) return new Float32Array(side * side)
  const [left, right] = range(points.map(([x]) => x))
  const [top, bottom] = range(points.map(([, y]) => y))
  const scale = ((box - thickness - 0.8 * edge) * (side / 28)) / Math.max(right - left, bottom - top, least * field)
  const place = (dx: number, dy: number): Stroke[] =>
    strokes.map((stroke) => stroke.map(([x, y]) => [(x - left) * scale + dx, (y - top) * scale + dy] as const))
  const middle = side / 2
  const [dx, dy] = [middle - ((right - left) * scale) / 2, middle - ((bottom - top) * scale) / 2]
  // First in the middle of its box, then its centre of mass in the middle: in the middle of pixel 14, as the data has it.
  const { x, y } = statistics(ink(place(dx, dy), side), side)
  return ink(place(dx + middle + 0.5 - x, dy + middle + 0.5 - y), side)
}

function range(values: readonly number[]): readonly [number, number] {
  return [Math.min(...values), Math.max(...values)]
}

function ink(strokes: readonly Stroke[], side: number): Float32Array {
  const values = new Float32Array(side * side)
  const reach = (thickness + edge) / 2 + 1
  for (const stroke of strokes) {
    stroke.forEach((to, i) => {
      const from = stroke[Math.max(0, i - 1)]
      const columns = [Math.min(from[0], to[0]) - reach, Math.max(from[0], to[0]) + reach]
      const rows = [Math.min(from[1], to[1]) - reach, Math.max(from[1], to[1]) + reach]
      for (let row = Math.max(0, Math.floor(rows[0])); row < Math.min(side, rows[1]); row++) {
        for (let column = Math.max(0, Math.floor(columns[0])); column < Math.min(side, columns[1]); column++) {
          const away = distance([column + 0.5, row + 0.5], from, to)
          const dark = Math.max(0, Math.min(1, 0.5 + (thickness / 2 - away) / edge))
          const at = row * side + column
          values[at] = Math.max(values[at], dark)
        }
      }
    })
  }
  return values
}

/** From a point to a line between two others. */
function distance([x, y]: Point, [x1, y1]: Point, [x2, y2]: Point): number {
  const [dx, dy] = [x2 - x1, y2 - y1]
  const long = dx * dx + dy * dy
  const t = long === 0 ? 0 : Math.max(0, Math.min(1, ((x - x1) * dx + (y - y1) * dy) / long))
  return Math.hypot(x - x1 - t * dx, y - y1 - t * dy)
}

export interface Statistics {
  /** The mean darkness of all pixels. */
  readonly ink: number
  /** The centre of mass. */
  readonly x: number
  readonly y: number
  /** The longer side of the box around what is darker than a tenth. */
  readonly extent: number
  /** The mean darkness of what is not paper. */
  readonly darkness: number
}

export function statistics(values: ArrayLike<number>, side: number, from = 0): Statistics {
  let [sum, x, y, dark] = [0, 0, 0, 0]
  let [left, right, top, bottom] = [side, -1, side, -1]
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      const value = values[from + row * side + column]
      sum += value
      x += value * (column + 0.5)
      y += value * (row + 0.5)
      if (value <= 0.1) continue
      dark++
      left = Math.min(left, column)
      right = Math.max(right, column)
      top = Math.min(top, row)
      bottom = Math.max(bottom, row)
    }
  }
  const whole = sum || 1
  return {
    ink: sum / side / side,
    x: sum ? x / whole : side / 2,
    y: sum ? y / whole : side / 2,
    extent: dark ? Math.max(right - left, bottom - top) + 1 : 0,
    darkness: sum / Math.max(1, dark),
  }
}
