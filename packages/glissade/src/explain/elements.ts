/**
 * Elements of tensors by place: row-major, and by axes. Used by chain-rule.ts and check-gradient.ts.
 */
import { fail } from '../errors.ts'
import { type Shape, sizeOf, stridesOf } from '../shape.ts'

/** An element: its row-major place, or its place on each axis. */
export type Element = number | readonly number[]

/** The row-major place of an element. Errors: index-range. */
export function flatElement(element: Element, shape: Shape): number {
  const size = sizeOf(shape)
  const isInside = (at: number, length: number): boolean => Number.isInteger(at) && at >= 0 && at < length
  if (typeof element === 'number') {
    return isInside(element, size)
      ? element
      : fail('index-range', { what: 'element', value: element, position: 0, size })
  }
  const wrong = shape.findIndex((length, axis) => !isInside(element[axis], length))
  if (wrong >= 0 || element.length !== shape.length) {
    const axis = Math.max(0, wrong)
    const what = `element [${element.join(', ')}] of [${shape.join(', ')}]`
    fail('index-range', { what, value: element[axis], position: axis, size: shape[axis] })
  }
  const strides = stridesOf(shape)
  return element.reduce((sum, at, axis) => sum + at * strides[axis], 0)
}

/** The place on each axis of the element at a row-major place. */
export function positionOf(flat: number, shape: Shape): number[] {
  const strides = stridesOf(shape)
  return shape.map((length, axis) => Math.floor(flat / strides[axis]) % length)
}
