/**
 * The tensor: a lazy n-dimensional value, and at once a node of the graph that computes it.
 *
 * Nothing is computed or allocated until someone awaits `data()`, `item()`, `realize(...)`, or runs a compiled
 * step. Methods are one-line calls into ops/derived; what an operation means stands there. A `Variable` is a
 * tensor whose value can be assigned: parameters, optimizer moments, running statistics.
 *
 * tensor.ts and ops/ import each other: methods call ops, ops build tensors. It is the only such pair.
 */
import { allocate, type DType, type TypedArray } from './dtype.ts'
import { fail } from './errors.ts'
import { requestRealize, runsEnded } from './graph/realizer.ts'
import { activeTrace, isInLoopBody } from './graph/trace.ts'
import * as contracting from './ops/derived/contract.ts'
import * as elementwise from './ops/derived/elementwise.ts'
import * as indexing from './ops/derived/indexing.ts'
import * as movement from './ops/derived/movement.ts'
import * as reducing from './ops/derived/reduce.ts'
import { leaf } from './ops/leaf.ts'
import type { Attrs, Op } from './ops/op.ts'
import { barrier } from './ops/wrap.ts'
import { currentScope, type Pass } from './scope.ts'
import { type Shape, sizeOf } from './shape.ts'
import { Storage } from './storage.ts'

/** Whatever stands for a tensor in arithmetic: numbers and booleans take the other side's type. */
export type TensorLike = Tensor | number | boolean

/** Numbers nested as deep as the tensor has axes. */
export type NestedArray = number | boolean | readonly NestedArray[]

export interface ReduceOptions {
  /** Keep the reduced axes, with size 1. */
  readonly keepDims?: boolean
}
export type Axes = number | readonly number[]

let born = 0

export class Tensor {
  /** Rises with birth: every tensor's inputs have smaller ids than its own. */
  readonly id = born++
  readonly op: Op
  readonly inputs: readonly Tensor[]
  readonly attrs: Attrs
  readonly shape: Shape
  readonly dtype: DType
  /** The module it was made in, as `blocks.0.attn`; empty outside modules. */
  readonly path: string
  /** Whether it belongs to the output, to a gradient, or to an update. */
  readonly pass: Pass
  /** Its numbers, once they are known. */
  storage: Storage | undefined
  /** The storage's version that this tensor means. */
  version = 0

  constructor(op: Op, inputs: readonly Tensor[], attrs: Attrs, shape: Shape, dtype: DType) {
    const scope = currentScope()
    this.op = op
    this.inputs = inputs
    this.attrs = attrs
    this.shape = shape
    this.dtype = dtype
    this.path = scope.path
    this.pass = scope.pass
  }

  /** The number of axes. */
  get rank(): number {
    return this.shape.length
  }
  /** The number of elements. */
  get size(): number {
    return sizeOf(this.shape)
  }

  /** The tensor to compute with: itself, or a variable's present value. */
  current(): Tensor {
    return this
  }

  // ---- out of the graph ----

  /** The numbers, row-major: a Float32Array (float32), Int32Array (int32, and 0 or 1 for bool) or Float64Array. */
  async data(): Promise<TypedArray> {
    return (await this.realized()).read().slice()
  }
  /** The number of a tensor with one element. */
  async item(): Promise<number> {
    if (this.size !== 1) {
      fail('shape-mismatch', {
        op: 'item',
        received: `a tensor of shape [${this.shape.join(', ')}]`,
        expected: 'one element',
        fix: 'Reduce or slice it first, or use data().',
      })
    }
    return (await this.realized()).read()[0]
  }
  /** The numbers as nested arrays; bools as true and false. */
  async array(): Promise<NestedArray> {
    const flat = await this.data()
    const nest = (axis: number, from: number, length: number): NestedArray => {
      if (axis === this.rank) return this.dtype === 'bool' ? flat[from] !== 0 : flat[from]
      const step = this.shape[axis] === 0 ? 0 : length / this.shape[axis]
      return Array.from({ length: this.shape[axis] }, (_, i) => nest(axis + 1, from + i * step, step))
    }
    return nest(0, 0, this.size)
  }
  /** The storage with this tensor's numbers; computes them if need be. */
  async realized(): Promise<Storage> {
    // A step that was not awaited may be writing at this moment.
    await runsEnded()
    const tensor = this.current()
    if (!tensor.storage) {
      if (activeTrace()) fail('trace-read', { what: tensor.path || 'A tensor' })
      await requestRealize([tensor])
    }
    const storage = tensor.storage as Storage
    if (storage.version !== tensor.version) fail('stale-value', { path: tensor.path })
    return storage
  }

  // ---- arithmetic: both sides broadcast, numbers take the tensor's type ----

  add(other: TensorLike): Tensor { return elementwise.add(this, other) }
  sub(other: TensorLike): Tensor { return elementwise.sub(this, other) }
  mul(other: TensorLike): Tensor { return elementwise.mul(this, other) }
  /** Whole numbers are divided as float32; see floorDiv. */
  div(other: TensorLike): Tensor { return elementwise.div(this, other) }
  floorDiv(other: TensorLike): Tensor { return elementwise.floorDiv(this, other) }
  mod(other: TensorLike): Tensor { return elementwise.mod(this, other) }
  pow(other: TensorLike): Tensor { return elementwise.pow(this, other) }
  maximum(other: TensorLike): Tensor { return elementwise.maximum(this, other) }
  minimum(other: TensorLike): Tensor { return elementwise.minimum(this, other) }
  /** Into the range from low to high; either may be left out with ±Infinity. */
  clip(low: TensorLike, high: TensorLike): Tensor { return elementwise.clip(this, low, high) }

  neg(): Tensor { return elementwise.neg(this) }
  abs(): Tensor { return elementwise.abs(this) }
  sign(): Tensor { return elementwise.sign(this) }
  square(): Tensor { return elementwise.square(this) }
  sqrt(): Tensor { return elementwise.sqrt(this) }
  rsqrt(): Tensor { return elementwise.rsqrt(this) }
  reciprocal(): Tensor { return elementwise.reciprocal(this) }
  exp(): Tensor { return elementwise.exp(this) }
  expm1(): Tensor { return elementwise.expm1(this) }
  log(): Tensor { return elementwise.log(this) }
  log1p(): Tensor { return elementwise.log1p(this) }
  sin(): Tensor { return elementwise.sin(this) }
  cos(): Tensor { return elementwise.cos(this) }
  tan(): Tensor { return elementwise.tan(this) }
  asin(): Tensor { return elementwise.asin(this) }
  acos(): Tensor { return elementwise.acos(this) }
  atan(): Tensor { return elementwise.atan(this) }
  sinh(): Tensor { return elementwise.sinh(this) }
  cosh(): Tensor { return elementwise.cosh(this) }
  tanh(): Tensor { return elementwise.tanh(this) }
  erf(): Tensor { return elementwise.erf(this) }
  floor(): Tensor { return elementwise.floor(this) }
  ceil(): Tensor { return elementwise.ceil(this) }
  round(): Tensor { return elementwise.round(this) }
  trunc(): Tensor { return elementwise.trunc(this) }
  relu(): Tensor { return elementwise.relu(this) }
  sigmoid(): Tensor { return elementwise.sigmoid(this) }

  lt(other: TensorLike): Tensor { return elementwise.lt(this, other) }
  le(other: TensorLike): Tensor { return elementwise.le(this, other) }
  gt(other: TensorLike): Tensor { return elementwise.gt(this, other) }
  ge(other: TensorLike): Tensor { return elementwise.ge(this, other) }
  eq(other: TensorLike): Tensor { return elementwise.eq(this, other) }
  ne(other: TensorLike): Tensor { return elementwise.ne(this, other) }
  isNaN(): Tensor { return elementwise.isNaN(this) }
  isFinite(): Tensor { return elementwise.isFinite(this) }
  and(other: TensorLike): Tensor { return elementwise.and(this, other) }
  or(other: TensorLike): Tensor { return elementwise.or(this, other) }
  xor(other: TensorLike): Tensor { return elementwise.xor(this, other) }
  not(): Tensor { return elementwise.not(this) }
  shiftLeft(bits: TensorLike): Tensor { return elementwise.shiftLeft(this, bits) }
  shiftRight(bits: TensorLike): Tensor { return elementwise.shiftRight(this, bits) }
  /** Where this (a bool) is true `a`, else `b`. */
  where(a: TensorLike, b: TensorLike): Tensor { return elementwise.where(this, a, b) }
  cast(dtype: DType): Tensor { return elementwise.cast(this, dtype) }

  // ---- reductions: over all axes, or those named ----

  sum(axes?: Axes, options?: ReduceOptions): Tensor { return reducing.sum(this, axes, options) }
  mean(axes?: Axes, options?: ReduceOptions): Tensor { return reducing.mean(this, axes, options) }
  prod(axes?: Axes, options?: ReduceOptions): Tensor { return reducing.prod(this, axes, options) }
  max(axes?: Axes, options?: ReduceOptions): Tensor { return reducing.max(this, axes, options) }
  min(axes?: Axes, options?: ReduceOptions): Tensor { return reducing.min(this, axes, options) }
  any(axes?: Axes, options?: ReduceOptions): Tensor { return reducing.any(this, axes, options) }
  all(axes?: Axes, options?: ReduceOptions): Tensor { return reducing.all(this, axes, options) }
  /** `correction` is taken off the count: 1 for the sample variance (the default), 0 for the population's. */
  variance(axes?: Axes, options?: ReduceOptions & { correction?: number }): Tensor { return reducing.variance(this, axes, options) }
  std(axes?: Axes, options?: ReduceOptions & { correction?: number }): Tensor { return reducing.std(this, axes, options) }
  logSumExp(axes?: Axes, options?: ReduceOptions): Tensor { return reducing.logSumExp(this, axes, options) }
  softmax(axis = -1): Tensor { return reducing.softmax(this, axis) }
  logSoftmax(axis = -1): Tensor { return reducing.logSoftmax(this, axis) }
  argMax(axis = -1, options?: ReduceOptions): Tensor { return reducing.argMax(this, axis, options) }
  argMin(axis = -1, options?: ReduceOptions): Tensor { return reducing.argMin(this, axis, options) }
  cumsum(axis = -1): Tensor { return reducing.cumsum(this, axis) }

  // ---- movements ----

  /** One size may be -1: it is worked out from the others. */
  reshape(shape: Shape): Tensor { return movement.reshape(this, shape) }
  permute(...order: number[]): Tensor { return movement.permute(this, order) }
  /** Two axes change places; without arguments the last two. */
  transpose(a = -2, b = -1): Tensor { return movement.transpose(this, a, b) }
  /** Axes of size 1 are repeated, new axes come in front. */
  expand(shape: Shape): Tensor { return movement.expand(this, shape) }
  squeeze(axes?: Axes): Tensor { return movement.squeeze(this, axes) }
  unsqueeze(axis: number): Tensor { return movement.unsqueeze(this, axis) }
  /** The axes from `from` to `to` become one. */
  flatten(from = 0, to = -1): Tensor { return movement.flatten(this, from, to) }
  pad(margins: readonly (readonly [before: number, after: number])[], value = 0): Tensor { return movement.pad(this, margins, value) }
  /** For each axis [start, stop, step]; undefined or missing takes it whole, negative places count from the end. */
  slice(ranges: readonly movement.SliceRange[]): Tensor { return movement.slice(this, ranges) }
  flip(axes: Axes): Tensor { return movement.flip(this, axes) }
  split(sizes: number | readonly number[], axis = 0): Tensor[] { return movement.split(this, sizes, axis) }
  repeat(times: readonly number[]): Tensor { return movement.repeat(this, times) }

  // ---- products and indexing ----

  matmul(other: Tensor): Tensor { return contracting.matmul(this, other) }
  /** The elements at `indices` along `axis`, which the indices' axes replace. */
  take(indices: Tensor, axis = 0): Tensor { return indexing.take(this, indices, axis) }
  gather(indices: Tensor, axis: number): Tensor { return indexing.gather(this, indices, axis) }
  scatterAdd(indices: Tensor, updates: Tensor, axis: number): Tensor { return indexing.scatterAdd(this, indices, updates, axis) }
  oneHot(classes: number): Tensor { return indexing.oneHot(this, classes) }
  sort(axis = -1, options?: indexing.SortOptions): Tensor { return indexing.sort(this, axis, options) }
  argSort(axis = -1, options?: indexing.SortOptions): Tensor { return indexing.argSort(this, axis, options) }
  topK(k: number, axis = -1): { values: Tensor; indices: Tensor } { return indexing.topK(this, k, axis) }

  /** The same value, which no gradient passes. */
  stopGradient(): Tensor { return elementwise.stopGradient(this) }
}

/** A node of the graph: shape and type follow from the op's record, which refuses what does not fit. */
export function makeNode(op: Op, inputs: readonly Tensor[], attrs: Attrs = {}): Tensor {
  const values = inputs.map((input) => input.current())
  const dtype = op.dtype(values.map((value) => value.dtype), attrs)
  return new Tensor(op, values, attrs, op.shape(values.map((value) => value.shape), attrs), dtype)
}

/** A tensor whose numbers are in `storage`. */
export function fromStorage(storage: Storage, shape: Shape): Tensor {
  const tensor = makeNode(leaf, [], { shape, dtype: storage.dtype })
  tensor.storage = storage
  tensor.version = storage.version
  return tensor
}

/** A tensor over a host array, which is not copied and must not be changed afterwards. */
export function fromArray(data: TypedArray, shape: Shape, dtype: DType = data instanceof Float64Array ? 'float64' : data instanceof Int32Array ? 'int32' : 'float32'): Tensor {
  if (data.length !== sizeOf(shape)) {
    fail('shape-mismatch', { op: 'tensor', received: `${data.length} numbers for shape [${shape.join(', ')}]`, expected: `${sizeOf(shape)}`, fix: 'Check the shape.' })
  }
  return fromStorage(new Storage(dtype, data.length, data), shape)
}

/**
 * Variables assigned outside a trace since the last realize. Whatever is realized next computes these too, so that
 * a loop of assignments does not pile up a graph.
 */
export const dirtyVariables = new Set<Variable>()

/** A tensor whose value can be replaced. Expressions keep the value that it had when they were built. */
export class Variable extends Tensor {
  #value: Tensor

  constructor(value: Tensor) {
    super(leaf, [], {}, value.shape, value.dtype)
    this.#value = value.current()
  }

  override current(): Tensor {
    return activeTrace()?.read(this) ?? this.#value
  }

  /** Gives the variable a new value of the same shape and type. */
  assign(value: Tensor): void {
    const next = value.current()
    if (next.dtype !== this.dtype || next.shape.length !== this.shape.length || next.shape.some((n, i) => n !== this.shape[i])) {
      fail('shape-mismatch', {
        op: `assign to ${this.path || 'a variable'}`,
        received: `${next.dtype} [${next.shape.join(', ')}]`,
        expected: `${this.dtype} [${this.shape.join(', ')}]`,
        fix: 'A variable keeps its shape and type; reshape or cast the new value.',
      })
    }
    if (isInLoopBody()) {
      fail('value-invalid', {
        what: `assign to ${this.path || 'a variable'}`,
        received: 'an assignment in the body of a scan, which is traced once and run at every step',
        expected: 'a body that only computes',
        fix: 'Hand the value on in the carry, and assign the last one after the loop.',
      })
    }
    const trace = activeTrace()
    if (trace) trace.assign(this, next)
    else {
      // What another variable holds is copied: that one may be overwritten in place.
      const own = next.op.kind === 'leaf' && next !== this.#value ? makeNode(barrier, [next]) : next
      this.#value = own
      if (!own.storage) dirtyVariables.add(this)
    }
  }

  /** Replaces the numbers from the host, at once. */
  write(data: ArrayLike<number>): void {
    if (data.length !== this.size) {
      fail('shape-mismatch', {
        op: `write to ${this.path || 'a variable'}`,
        received: `${data.length} numbers`,
        expected: `${this.size} for [${this.shape.join(', ')}]`,
        fix: 'Check the shape of what you load.',
      })
    }
    const host = allocate(this.dtype, this.size)
    host.set(data)
    this.#value = fromArray(host, this.shape, this.dtype)
  }

  /** The leaf that stands for this variable in a traced program. */
  placeholder(): Tensor {
    return new Tensor(leaf, [], { variable: this }, this.shape, this.dtype)
  }

  /** The value outside any trace. */
  get value(): Tensor {
    return this.#value
  }

  /** The numbers were changed in place: from now on the variable means the new ones. */
  changedInPlace(storage: Storage): void {
    storage.version++
    this.#value = fromStorage(storage, this.shape)
  }
}
