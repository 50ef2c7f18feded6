/**
 * The element types, and the typed arrays that hold them on the host.
 *
 * Every element is four bytes wide on every backend, `bool` too (0 or 1 as a 32-bit integer): all
 * vectors then have the same number of lanes (docs/notes/001-four-bytes.md). `float64` exists on
 * the reference backend only, for checking gradients. Next: shape.ts.
 */

export type DType = 'float32' | 'int32' | 'bool' | 'float64'

export type TypedArray = Float32Array<ArrayBufferLike> | Int32Array<ArrayBufferLike> | Float64Array<ArrayBufferLike>

/** The weakest type first: mixing two types gives the stronger one. */
const strength: Record<DType, number> = { bool: 0, int32: 1, float32: 2, float64: 3 }

/** The type that arithmetic between `a` and `b` has: bool < int32 < float32 < float64. */
export function promote(a: DType, b: DType): DType {
  return strength[a] >= strength[b] ? a : b
}

export function isFloat(dtype: DType): boolean {
  return dtype === 'float32' || dtype === 'float64'
}

/** A zero-filled host array for `length` elements. */
export function allocate(dtype: DType, length: number): TypedArray {
  if (dtype === 'float64') return new Float64Array(length)
  return dtype === 'float32' ? new Float32Array(length) : new Int32Array(length)
}

/** A view of `bytes` as elements of `dtype`. */
export function view(dtype: DType, buffer: ArrayBufferLike, byteOffset: number, length: number): TypedArray {
  if (dtype === 'float64') return new Float64Array(buffer, byteOffset, length)
  return dtype === 'float32' ? new Float32Array(buffer, byteOffset, length) : new Int32Array(buffer, byteOffset, length)
}
