/**
 * The element types that files hold, and how each becomes one of ours. Files are little-endian, and so is every
 * machine that JavaScript runs on.
 */
import type { DType, TypedArray } from '../dtype.ts'

export interface Reader {
  readonly bytes: number
  readonly dtype: DType
  /** The numbers in `bytes`, which begin at the start of their buffer. `refuse` is told a number that does not fit. */
  read(bytes: Uint8Array, refuse: (value: bigint | number) => never): TypedArray
}

const isByte = { bytes: 1, dtype: 'int32' } as const
const isShort = { bytes: 2, dtype: 'int32' } as const

export const fileTypes = {
  F32: { bytes: 4, dtype: 'float32', read: ({ buffer }) => new Float32Array(buffer) },
  F64: { bytes: 8, dtype: 'float32', read: ({ buffer }) => Float32Array.from(new Float64Array(buffer)) },
  F16: { bytes: 2, dtype: 'float32', read: ({ buffer }) => Float32Array.from(new Uint16Array(buffer), halfToNumber) },
  BF16: {
    bytes: 2,
    dtype: 'float32',
    read: ({ buffer }) => new Float32Array(Uint32Array.from(new Uint16Array(buffer), (bits) => bits << 16).buffer),
  },
  I64: {
    bytes: 8,
    dtype: 'int32',
    read: ({ buffer }, refuse) => Int32Array.from(new BigInt64Array(buffer), (value) => narrow(value, refuse)),
  },
  U64: {
    bytes: 8,
    dtype: 'int32',
    read: ({ buffer }, refuse) => Int32Array.from(new BigUint64Array(buffer), (value) => narrow(value, refuse)),
  },
  I32: { bytes: 4, dtype: 'int32', read: ({ buffer }) => new Int32Array(buffer) },
  U32: {
    bytes: 4,
    dtype: 'int32',
    read: ({ buffer }, refuse) =>
      Int32Array.from(new Uint32Array(buffer), (value) => (value < 2 ** 31 ? value : refuse(value))),
  },
  I16: { ...isShort, read: ({ buffer }) => Int32Array.from(new Int16Array(buffer)) },
  U16: { ...isShort, read: ({ buffer }) => Int32Array.from(new Uint16Array(buffer)) },
  I8: { ...isByte, read: ({ buffer }) => Int32Array.from(new Int8Array(buffer)) },
  U8: { ...isByte, read: (bytes) => Int32Array.from(bytes) },
  BOOL: { bytes: 1, dtype: 'bool', read: (bytes) => Int32Array.from(bytes, (value) => Number(value !== 0)) },
} as const satisfies Record<string, Reader>

export type FileType = keyof typeof fileTypes

export function isFileType(name: unknown): name is FileType {
  return typeof name === 'string' && Object.hasOwn(fileTypes, name)
}

function narrow(value: bigint, refuse: (value: bigint) => never): number {
  return value >= -(2n ** 31n) && value < 2n ** 31n ? Number(value) : refuse(value)
}

/** IEEE 754 half precision: 1 bit of sign, 5 of exponent (bias 15), 10 of fraction. */
export function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 0x1f
  const fraction = bits & 0x3ff
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  if (exponent === 0) return sign * fraction * 2 ** -24
  return sign * (1024 + fraction) * 2 ** (exponent - 25)
}
