/**
 * What a row of the op table is made of: samples, tolerances, declared errors; and plain JavaScript arrays with which
 * expectations are written down without using the library.
 */
import type { DType } from '../../src/dtype.ts'
import type { ErrorCode } from '../../src/errors.ts'
import type { Shape } from '../../src/shape.ts'
import { fromArray, type Tensor } from '../../src/tensor.ts'

/** Numbers under a shape, row-major. */
export interface Nd {
  readonly shape: Shape
  readonly data: readonly number[]
}
export interface HostArray extends Nd {
  readonly dtype: DType
}

/** How far a float32 backend may be from the reference: `absolute + relative · |expected|`. */
export interface Tolerance {
  readonly relative: number
  readonly absolute: number
  readonly reason: string
}

export interface Sample {
  readonly name: string
  readonly inputs: readonly HostArray[]
  readonly build: (inputs: Tensor[]) => Tensor
  /** The result, worked out in plain JavaScript. */
  readonly expected: (inputs: readonly HostArray[]) => Nd
  readonly tolerance: Tolerance
  /** Up to which order the gradient is to be checked here; 0 at kinks and for whole numbers. */
  readonly order: 0 | 1 | 2
}

export interface BadCall {
  readonly name: string
  readonly code: ErrorCode
  readonly call: () => unknown
}

export interface Row {
  /** The primitive or the derived function. */
  readonly op: string
  readonly samples: readonly Sample[]
  readonly errors: readonly BadCall[]
}

// ---- tolerances ----

/** Results below the smallest normal float32 may be flushed to 0. */
const smallestNormal = 1.2e-38

export const exact: Tolerance = {
  relative: 0,
  absolute: 0,
  reason: 'elements are moved, compared or counted; nothing is rounded',
}
export const rounded: Tolerance = {
  relative: 2.5e-7,
  absolute: smallestNormal,
  reason: 'up to four float32 roundings of 2^-24 each',
}
export const approximated: Tolerance = {
  relative: 2e-6,
  absolute: 1e-6,
  reason: 'a polynomial in float32: some units in the last place, absolute near the zeros of the function',
}
export const summed: Tolerance = {
  relative: 1e-5,
  absolute: 1e-5,
  reason: 'up to some hundred terms near 1 added in float32, in another order',
}

// ---- arrays in plain JavaScript ----

export function count(shape: Shape): number {
  return shape.reduce((product, n) => product * n, 1)
}

/** All indices of a shape, row-major. */
export function* indices(shape: Shape): Generator<number[]> {
  if (count(shape) === 0) return
  const index = new Array<number>(shape.length).fill(0)
  for (;;) {
    yield [...index]
    let axis = shape.length - 1
    while (axis >= 0 && ++index[axis] === shape[axis]) index[axis--] = 0
    if (axis < 0) return
  }
}

/** The array whose elements `element` gives. */
export function nd(shape: Shape, element: (index: readonly number[]) => number): Nd {
  const data: number[] = []
  for (const index of indices(shape)) data.push(element(index))
  return { shape, data }
}

/** The element at `index`; axes of size 1 repeat, missing axes stand in front. */
export function at(x: Nd, index: readonly number[]): number {
  const offset = index.length - x.shape.length
  let flat = 0
  for (const [axis, n] of x.shape.entries()) flat = flat * n + (n === 1 ? 0 : index[axis + offset])
  return x.data[flat]
}

/** Two shapes aligned at the right, sizes of 1 giving way. */
export function broadcast(...shapes: readonly Shape[]): number[] {
  const rank = Math.max(...shapes.map((shape) => shape.length))
  return Array.from({ length: rank }, (_, i) => {
    const sizes = shapes.map((shape) => shape[shape.length - rank + i] ?? 1)
    return sizes.find((n) => n !== 1) ?? 1
  })
}

/** `fn` element by element, with broadcasting. */
export function elementwise(fn: (...x: number[]) => number): (inputs: readonly Nd[]) => Nd {
  return (inputs) =>
    nd(broadcast(...inputs.map(({ shape }) => shape)), (index) => fn(...inputs.map((x) => at(x, index))))
}

/** The array `x` folded over `axes` by `fold`, which sees the elements in order. */
export function foldAxes(
  x: Nd,
  axes: readonly number[],
  keepDims: boolean,
  fold: (elements: readonly number[]) => number,
): Nd {
  const kept = x.shape.map((n, axis) => (axes.includes(axis) ? 1 : n))
  const inner = x.shape.map((n, axis) => (axes.includes(axis) ? n : 1))
  const result = nd(kept, (index) =>
    fold(
      [...indices(inner)].map((offset) =>
        at(
          x,
          index.map((i, axis) => i + offset[axis]),
        ),
      ),
    ),
  )
  return { data: result.data, shape: keepDims ? kept : x.shape.filter((_, axis) => !axes.includes(axis)) }
}

// ---- drawing ----

/** A small generator of its own (mulberry32), so that the samples do not depend on what they test. */
export function generator(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

export interface DrawOptions {
  readonly low?: number
  readonly high?: number
  readonly seed?: number
  /** Only these; used to stay away from kinks. */
  readonly keep?: (x: number) => boolean
  readonly dtype?: DType
}

/** Random numbers that float32 holds exactly. */
export function draw(
  shape: Shape,
  { low = -2, high = 2, seed = 1, keep = () => true, dtype = 'float32' }: DrawOptions = {},
): HostArray {
  const next = generator(seed * 7919 + shape.length)
  const one = (): number => {
    for (;;) {
      const x = low + (high - low) * next()
      const value = dtype === 'int32' ? Math.floor(x) : dtype === 'bool' ? Number(next() < 0.5) : Math.fround(x)
      if (keep(value)) return value
    }
  }
  return { shape, dtype, data: Array.from({ length: count(shape) }, one) }
}

/** Different numbers at equal distances, in random order: no ties. */
export function distinct(shape: Shape, seed = 1, dtype: DType = 'float32'): HostArray {
  const length = count(shape)
  const next = generator(seed)
  const data = Array.from({ length }, (_, i) =>
    dtype === 'int32' ? i - (length >> 1) : Math.fround((i - length / 2) / 8),
  )
  for (let i = length - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1))
    ;[data[i], data[j]] = [data[j], data[i]]
  }
  return { shape, dtype, data }
}

export function host(data: readonly number[], shape: Shape = [data.length], dtype: DType = 'float32'): HostArray {
  return { data: dtype === 'float32' ? data.map(Math.fround) : data, shape, dtype }
}

export function toTensor({ data, shape, dtype }: HostArray): Tensor {
  const array =
    dtype === 'float32'
      ? Float32Array.from(data)
      : dtype === 'float64'
        ? Float64Array.from(data)
        : Int32Array.from(data)
  return fromArray(array, shape, dtype)
}

/** A tensor of zeros to make bad calls with. */
export function dummy(shape: Shape, dtype: DType = 'float32'): Tensor {
  return toTensor({ shape, dtype, data: new Array<number>(count(shape)).fill(0) })
}

/**
 * What is wrong with `actual`, or undefined. NaN must meet NaN and infinity infinity. With a tolerance above 0 results
 * are float32, and what is beyond its range is expected to be infinite.
 */
export function mismatch(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  { relative, absolute }: Tolerance,
): string | undefined {
  if (actual.length !== expected.length) return `${actual.length} numbers instead of ${expected.length}`
  for (let i = 0; i < expected.length; i++) {
    const want = relative > 0 ? Math.fround(expected[i]) : expected[i]
    const same = actual[i] === want || (Number.isNaN(actual[i]) && Number.isNaN(want))
    const near = Number.isFinite(want) && Math.abs(actual[i] - want) <= absolute + relative * Math.abs(want)
    if (!same && !near) return `element ${i} is ${actual[i]} instead of ${want}`
  }
  return undefined
}
