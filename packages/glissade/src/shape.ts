/**
 * Shapes: how many elements there are along each axis, and how shapes combine.
 *
 * Element order is row-major everywhere: the last axis is the innermost. Next: tensor.ts.
 */
import { fail } from './errors.ts'

export type Shape = readonly number[]

export function sizeOf(shape: Shape): number {
  let size = 1
  for (const n of shape) size *= n
  return size
}

/** How far apart in memory two neighbours along each axis are, in elements, row-major. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length)
  let stride = 1
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = stride
    stride *= shape[i]
  }
  return strides
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((n, i) => n === b[i])
}

/** The shape that `a` and `b` both expand to: aligned at the right, sizes equal or 1. */
export function broadcastShapes(op: string, a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length)
  const out = new Array<number>(rank)
  for (let i = 1; i <= rank; i++) {
    const m = i > a.length ? 1 : a[a.length - i]
    const n = i > b.length ? 1 : b[b.length - i]
    if (m !== n && m !== 1 && n !== 1) fail('shape-broadcast', { op, a, b })
    out[rank - i] = m === 1 ? n : m
  }
  return out
}

/** `axis` counted from the front: -1 is the last. */
export function normalizeAxis(op: string, axis: number, rank: number): number {
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank) fail('axis-range', { op, axis, rank })
  return axis < 0 ? axis + rank : axis
}

/** Distinct axes in ascending order; `undefined` is all of them. */
export function normalizeAxes(op: string, axes: number | readonly number[] | undefined, rank: number): number[] {
  if (axes === undefined) return Array.from({ length: rank }, (_, i) => i)
  const list = (typeof axes === 'number' ? [axes] : [...axes]).map((axis) => normalizeAxis(op, axis, rank))
  if (new Set(list).size !== list.length) fail('axis-repeated', { op, axes: list })
  return list.sort((a, b) => a - b)
}

/** Checks that every size is a whole number that is not negative. */
export function checkShape(op: string, shape: Shape): Shape {
  for (const n of shape) {
    if (!Number.isInteger(n) || n < 0) {
      fail('value-invalid', {
        what: `${op}: shape`,
        received: `[${shape.join(', ')}]`,
        expected: 'whole numbers, none negative',
        fix: 'Check the sizes.',
      })
    }
  }
  return shape
}
