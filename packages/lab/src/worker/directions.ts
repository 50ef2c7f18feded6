/**
 * Directions in the space of all weights, along which a loss surface is looked at: single weights, random ones, and
 * those in which the weights have moved most. Plain numbers; the losses: questions/landscape.ts.
 */
import type { Draw } from './data/plane.ts'

/** The weights of a network, one parameter after the other. */
export interface Layout {
  readonly shapes: readonly (readonly number[])[]
  readonly size: number
}

export const sizeOf = (shape: readonly number[]): number => shape.reduce((product, n) => product * n, 1)

/** 1 at one place and 0 elsewhere. */
export function alongWeight({ size }: Layout, place: number): Float32Array {
  const direction = new Float32Array(size)
  direction[place] = 1
  return direction
}

/**
 * Random, each filter with the norm of the weights it is added to, biases and norms left as they are (Li et al. 2018,
 * arXiv 1712.09913): so that a step of 1 means as much in every layer.
 */
export function filterNormalised({ shapes, size }: Layout, weights: Float32Array, draw: Draw): Float32Array {
  const direction = new Float32Array(size)
  let at = 0
  for (const shape of shapes) {
    const all = sizeOf(shape)
    const filter = shape.length < 2 ? 0 : all / shape[0]
    for (let from = at; filter > 0 && from < at + all; from += filter) {
      for (let i = from; i < from + filter; i++) direction[i] = draw.normal()
      const own = direction.subarray(from, from + filter)
      const scale = norm(weights.subarray(from, from + filter)) / (norm(own) || 1)
      for (let i = 0; i < filter; i++) own[i] *= scale
    }
    at += all
  }
  return direction
}

export interface Components {
  /** Of length 1 each, at right angles. */
  readonly directions: readonly [Float32Array, Float32Array]
  /** The share of the movement's variance that each of them holds. */
  readonly shares: readonly [number, number]
}

/** The two directions in which points are spread most (principal components), by power iteration on their products. */
export function principal(points: readonly Float32Array[], draw: Draw): Components {
  const [n, size] = [points.length, points[0].length]
  const mean = new Float64Array(size)
  for (const point of points) for (let i = 0; i < size; i++) mean[i] += point[i] / n
  const moved = points.map((point) => Float64Array.from(point, (value, i) => value - mean[i]))
  const products = moved.map((a) => Float64Array.from(moved, (b) => dot(a, b)))
  const total = products.reduce((sum, row, i) => sum + row[i], 0)
  const found = [0, 1].map(() => {
    const { vector, value } = strongest(products, draw)
    // What is found is taken out, and the next strongest comes up.
    for (let i = 0; i < n; i++) for (let k = 0; k < n; k++) products[i][k] -= value * vector[i] * vector[k]
    const direction = new Float64Array(size)
    for (let i = 0; i < n; i++) for (let k = 0; k < size; k++) direction[k] += vector[i] * moved[i][k]
    const length = norm(direction) || 1
    return {
      direction: Float32Array.from(direction, (each) => each / length),
      share: Math.max(0, value) / (total || 1),
    }
  })
  const [first, second] = found
  return { directions: [first.direction, second.direction], shares: [first.share, second.share] }
}

function strongest(matrix: readonly Float64Array[], draw: Draw): { vector: Float64Array; value: number } {
  let vector = Float64Array.from(matrix, () => draw.normal())
  let value = 0
  for (let turn = 0; turn < 200; turn++) {
    const next = Float64Array.from(matrix, (row) => dot(row, vector))
    const length = norm(next)
    if (length === 0) return { vector, value: 0 }
    const before = value
    value = length / norm(vector)
    vector = next.map((each) => each / length)
    if (Math.abs(value - before) <= 1e-9 * value) break
  }
  return { vector, value }
}

/** The coordinates of a movement along directions: where its shadow falls on their plane. */
export function coordinates(moved: ArrayLike<number>, directions: readonly Float32Array[]): number[] {
  const b = directions.map((direction) => dot(moved, direction))
  if (directions.length === 1) return [b[0] / dot(directions[0], directions[0])]
  const [u, v] = directions
  const [uu, uv, vv] = [dot(u, u), dot(u, v), dot(v, v)]
  const area = uu * vv - uv * uv
  return area === 0 ? [b[0] / (uu || 1), 0] : [(b[0] * vv - b[1] * uv) / area, (b[1] * uu - b[0] * uv) / area]
}

export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i]
  return sum
}

export const norm = (values: ArrayLike<number>): number => Math.sqrt(dot(values, values))
