/**
 * Numbers with a shape, on the host: what readers give, transforms change, and batches are made of.
 *
 * Not a tensor: nothing here is lazy, and everything can be sent to a worker. `toTensor` makes one of it.
 */
import type { TypedArray } from '../dtype.ts'
import { fail } from '../errors.ts'
import { type Shape, sizeOf } from '../shape.ts'
import { fromArray, type Tensor } from '../tensor.ts'

export interface NdArray {
  /** Row-major: Float32Array, Int32Array, or Float64Array. */
  readonly data: TypedArray
  readonly shape: Shape
}

/** Errors: `shape-mismatch`. */
export function ndArray(data: TypedArray, shape: Shape): NdArray {
  if (data.length !== sizeOf(shape)) {
    fail('shape-mismatch', {
      op: 'ndArray',
      received: `${data.length} numbers for shape [${shape.join(', ')}]`,
      expected: `${sizeOf(shape)}`,
      fix: 'Check the shape.',
    })
  }
  return { data, shape }
}

export function isNdArray(value: unknown): value is NdArray {
  return typeof value === 'object' && value !== null && isTyped((value as NdArray).data) && hasShape(value)
}

const hasShape = (value: object): boolean => Array.isArray((value as NdArray).shape)

export function isTyped(value: unknown): value is TypedArray {
  return value instanceof Float32Array || value instanceof Int32Array || value instanceof Float64Array
}

/** A tensor over the same numbers, which must not be changed afterwards; float64 becomes float32. */
export function toTensor({ data, shape }: NdArray): Tensor {
  return fromArray(data instanceof Float64Array ? Float32Array.from(data) : data, shape)
}
