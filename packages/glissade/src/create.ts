/**
 * Where tensors come from: numbers of the host's, or a rule.
 *
 * What follows a rule (zeros, arange, eye) costs no memory until someone needs it as numbers. Random tensors:
 * random.ts.
 */
import { allocate, type DType, type TypedArray } from './dtype.ts'
import { fail } from './errors.ts'
import { cast, checkWhole, constant, iota } from './ops/derived/common.ts'
import { checkShape, type Shape, sizeOf } from './shape.ts'
import { fromArray, type NestedArray, type Tensor } from './tensor.ts'

export { triangle, tril, triu } from './ops/derived/indexing.ts'

/** Typed arrays of small whole numbers, which become int32. */
type SmallArray = Int8Array | Uint8Array | Uint8ClampedArray | Int16Array | Uint16Array | Uint32Array
export type TensorData = NestedArray | TypedArray | SmallArray

export interface TensorOptions {
  /** Default: as the data is nested; for a typed array, one axis. */
  readonly shape?: Shape
  /** Default: float32 for numbers, bool for booleans, int32 for arrays of whole numbers, float64 for a Float64Array. */
  readonly dtype?: DType
}

/**
 * A tensor of the numbers in `data`, which are copied: `tensor([[1, 2], [3, 4]])`, `tensor(3)`,
 * `tensor(new Float32Array(6), { shape: [2, 3] })`.
 *
 * Plain numbers become float32, also whole ones; say `{ dtype: 'int32' }` for labels. Errors: shape-mismatch if rows
 * differ in length, value-invalid for what is no number, or no whole number for int32.
 */
export function tensor(data: TensorData, options: TensorOptions = {}): Tensor {
  const flat: (number | boolean)[] = []
  const found = ArrayBuffer.isView(data) ? [data.length] : measure(data, flat)
  const shape = checkShape('tensor', options.shape ?? found)
  const source: ArrayLike<number | boolean> = ArrayBuffer.isView(data) ? data : flat
  const dtype = options.dtype ?? naturalType(data, flat)
  if (source.length !== sizeOf(shape)) {
    fail('shape-mismatch', {
      op: 'tensor',
      received: `${source.length} numbers for shape [${shape.join(', ')}]`,
      expected: `${sizeOf(shape)}`,
      fix: 'Check the shape.',
    })
  }
  const host = allocate(dtype, source.length)
  for (let i = 0; i < source.length; i++) {
    const value = Number(source[i])
    if (dtype === 'int32' && (value | 0) !== value) {
      fail('value-invalid', {
        what: `tensor: element ${i}`,
        received: String(value),
        expected: 'a whole number of 32 bits, for int32',
        fix: 'Round it, or use float32.',
      })
    }
    host[i] = dtype === 'bool' ? Number(value !== 0) : value
  }
  return fromArray(host, shape, dtype)
}

function naturalType(data: TensorData, flat: readonly (number | boolean)[]): DType {
  if (data instanceof Float64Array) return 'float64'
  if (data instanceof Float32Array) return 'float32'
  if (ArrayBuffer.isView(data)) return 'int32'
  return flat.length > 0 && flat.every((value) => typeof value === 'boolean') ? 'bool' : 'float32'
}

/** The shape of nested arrays; their numbers go to `flat`. */
function measure(data: NestedArray, flat: (number | boolean)[]): number[] {
  if (typeof data === 'number' || typeof data === 'boolean') {
    flat.push(data)
    return []
  }
  if (!Array.isArray(data)) {
    fail('value-invalid', {
      what: 'tensor',
      received: data === null ? 'null' : `a ${typeof data}`,
      expected: 'numbers, booleans, arrays of them, or a typed array',
      fix: 'Check the data.',
    })
  }
  const list = data as readonly NestedArray[]
  let inner: number[] = []
  list.forEach((item, i) => {
    const shape = measure(item, flat)
    if (i > 0 && (shape.length !== inner.length || shape.some((n, axis) => n !== inner[axis]))) {
      fail('shape-mismatch', {
        op: 'tensor',
        received: `rows of shapes [${inner.join(', ')}] and [${shape.join(', ')}]`,
        expected: 'rows of one shape',
        fix: 'Pad the shorter rows, or make several tensors.',
      })
    }
    inner = shape
  })
  return [list.length, ...inner]
}

/** `value` everywhere. */
export function full(
  shape: Shape,
  value: number | boolean,
  dtype: DType = typeof value === 'boolean' ? 'bool' : 'float32',
): Tensor {
  return constant(Number(value), checkShape('full', shape), dtype)
}
export function zeros(shape: Shape, dtype: DType = 'float32'): Tensor {
  return full(shape, 0, dtype)
}
export function ones(shape: Shape, dtype: DType = 'float32'): Tensor {
  return full(shape, 1, dtype)
}
/** Zeros of the shape and type of `x`. */
export function zerosLike(x: Tensor): Tensor {
  return constant(0, x.shape, x.dtype)
}
/** Ones of the shape and type of `x`. */
export function onesLike(x: Tensor): Tensor {
  return constant(1, x.shape, x.dtype)
}

/** start, start + step, … below `stop` (above it for a negative step); int32 if all three are whole, else float32. */
export function arange(start: number, stop?: number, step = 1, dtype?: DType): Tensor {
  const [from, to] = stop === undefined ? [0, start] : [start, stop]
  if (step === 0 || ![from, to, step].every(Number.isFinite)) {
    fail('value-invalid', {
      what: 'arange',
      received: `${from} to ${to} by ${step}`,
      expected: 'finite numbers, and a step that is not 0',
      fix: 'Check the arguments.',
    })
  }
  const length = Math.max(0, Math.ceil((to - from) / step))
  const type = dtype ?? ([from, to, step].every(Number.isInteger) ? 'int32' : 'float32')
  const places = iota([length], 0)
  return type === 'int32' ? places.mul(step).add(from) : cast(places, type).mul(step).add(from)
}

/** `count` numbers at equal distances, from `start` to `stop`, both included. */
export function linspace(start: number, stop: number, count: number): Tensor {
  checkWhole('linspace: count', count, 0)
  const host = Float32Array.from({ length: count }, (_, i) =>
    count === 1 ? start : start + ((stop - start) * i) / (count - 1),
  )
  return fromArray(host, [count])
}

/** [rows, columns]: 1 where row and column are equal, else 0. */
export function eye(rows: number, columns = rows, dtype: DType = 'float32'): Tensor {
  const shape: Shape = [checkWhole('eye: rows', rows, 0), checkWhole('eye: columns', columns, 0)]
  return cast(iota(shape, 0).eq(iota(shape, 1)), dtype)
}
