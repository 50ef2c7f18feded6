/** Layers that change the shape and no number. */
import { fail } from '../errors.ts'
import { type Shape, sizeOf } from '../shape.ts'
import type { Tensor } from '../tensor.ts'
import { type LayerConfig, Module } from './module.ts'

/** The axes from `from` to `to` become one; by default all but the first. x: [B, ...s] → [B, product of s] */
export class Flatten extends Module {
  readonly from: number
  readonly to: number
  constructor(from = 1, to = -1) {
    super()
    this.from = from
    this.to = to
  }
  forward(x: Tensor): Tensor {
    return x.flatten(this.from, this.to)
  }
  override config(): LayerConfig {
    return { kind: 'flatten', from: this.from, to: this.to }
  }
}

/** One axis becomes several, of which one size may be -1. x: [..., N, ...] → [..., ...sizes, ...] */
export class Unflatten extends Module {
  readonly axis: number
  readonly sizes: Shape
  constructor(axis: number, sizes: Shape) {
    super()
    this.axis = axis
    this.sizes = checkSizes('unflatten', sizes)
  }
  forward(x: Tensor): Tensor {
    const at = this.axis < 0 ? this.axis + x.rank : this.axis
    if (!(at >= 0 && at < x.rank)) fail('axis-range', { op: 'unflatten', axis: this.axis, rank: x.rank })
    const sizes = filled('unflatten', this.sizes, x.shape[at])
    return x.reshape([...x.shape.slice(0, at), ...sizes, ...x.shape.slice(at + 1)])
  }
  override config(): LayerConfig {
    return { kind: 'unflatten', axis: this.axis, sizes: this.sizes }
  }
}

/** Each sample under another shape, of which one size may be -1. x: [B, ...s] → [B, ...shape] */
export class Reshape extends Module {
  readonly shape: Shape
  constructor(shape: Shape) {
    super()
    this.shape = checkSizes('reshape', shape)
  }
  forward(x: Tensor): Tensor {
    if (x.rank === 0) fail('axis-range', { op: 'reshape', axis: 0, rank: 0 })
    return x.reshape([x.shape[0], ...filled('reshape', this.shape, sizeOf(x.shape.slice(1)))])
  }
  override config(): LayerConfig {
    return { kind: 'reshape', shape: this.shape }
  }
}

function checkSizes(op: string, sizes: Shape): Shape {
  if (!Array.isArray(sizes)) {
    fail('value-invalid', {
      what: `${op}: sizes`,
      received: String(sizes),
      expected: 'a list of whole numbers',
      fix: 'Write the sizes in brackets, as [8, -1].',
    })
  }
  const open = sizes.filter((n) => n === -1).length
  if (open > 1 || sizes.some((n) => !Number.isInteger(n) || n < -1)) {
    fail('value-invalid', {
      what: `${op}: sizes`,
      received: `[${sizes.join(', ')}]`,
      expected: 'whole numbers, of which one may be -1',
      fix: 'Check the sizes.',
    })
  }
  return [...sizes]
}

/** The sizes of `size` elements, with the number that -1 stands for. */
function filled(op: string, sizes: Shape, size: number): Shape {
  const known = sizeOf(sizes.filter((n) => n !== -1))
  const rest = known === 0 ? 0 : size / known
  const whole = sizes.map((n) => (n === -1 ? rest : n))
  if (!Number.isInteger(rest) || sizeOf(whole) !== size) {
    fail('shape-mismatch', {
      op,
      received: `${size} elements for [${sizes.join(', ')}]`,
      expected: sizes.includes(-1) ? `a multiple of ${known}` : String(known),
      fix: 'Check the sizes.',
    })
  }
  return whole
}

export const flatten = (from?: number, to?: number): Flatten => new Flatten(from, to)
export const unflatten = (axis: number, sizes: Shape): Unflatten => new Unflatten(axis, sizes)
export const reshape = (shape: Shape): Reshape => new Reshape(shape)
