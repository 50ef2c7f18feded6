/**
 * What every derived function needs: constants, positions, and how two sides come to agree on a type and a shape.
 *
 * Numbers in arithmetic take the tensor's type: `x.mul(2)` with an int32 tensor stays int32, `x.mul(0.5)` becomes
 * float32. Two tensors of different types meet in the stronger one (dtype.ts). Primitives always see equal shapes
 * and types; the casts and expansions made here are nodes like any other. Next: elementwise.ts.
 */
import { type DType, isFloat, promote } from '../../dtype.ts'
import { fail } from '../../errors.ts'
import { broadcastShapes, type Shape, sameShape } from '../../shape.ts'
import { makeNode, Tensor, type TensorLike } from '../../tensor.ts'
import * as leaves from '../leaf.ts'
import { castTo } from '../map.ts'
import * as moves from '../move.ts'
import { customGradient } from '../wrap.ts'

/** The same number at every place of `shape`. */
export function constant(value: number, shape: Shape, dtype: DType): Tensor {
  const stored = isFloat(dtype) ? value : dtype === 'bool' ? Number(value !== 0) : value | 0
  return makeNode(leaves.constant, [], { shape, dtype, value: stored })
}

/** int32: the position along `axis`, at every place of `shape`. */
export function iota(shape: Shape, axis: number): Tensor {
  return makeNode(leaves.iota, [], { shape, axis })
}

export function cast(x: Tensor, dtype: DType): Tensor {
  return x.dtype === dtype ? x.current() : makeNode(castTo(dtype), [x])
}

/** `x` itself, or as float32 where it is int32 or bool. */
export function toFloat(x: Tensor): Tensor {
  return isFloat(x.dtype) ? x.current() : cast(x, 'float32')
}

/** `x` itself, or as int32 where it is bool. */
export function toNumber(x: Tensor): Tensor {
  return x.dtype === 'bool' ? cast(x, 'int32') : x.current()
}

/** `x: [...s] → [...shape]`: axes of size 1 repeated, new axes in front. The caller has checked that it fits. */
export function expandTo(x: Tensor, shape: Shape): Tensor {
  const aligned = [...new Array<number>(shape.length - x.rank).fill(1), ...x.shape]
  const y = sameShape(aligned, x.shape) ? x.current() : makeNode(moves.reshape, [x], { shape: aligned })
  return sameShape(aligned, shape) ? y : makeNode(moves.expand, [y], { shape })
}

/** Adds and takes away axes of size 1. */
export function reshapeTo(x: Tensor, shape: Shape): Tensor {
  return sameShape(x.shape, shape) ? x.current() : makeNode(moves.reshape, [x], { shape })
}

const int32Numbers = { least: -(2 ** 31), most: 2 ** 32 - 1 }

/** The weakest type that holds a JavaScript value. Whole numbers up to 2^32 - 1 count as int32, for bit masks. */
function typeOfNumber(value: number | boolean): DType {
  if (typeof value === 'boolean') return 'bool'
  const whole = Number.isInteger(value) && value >= int32Numbers.least && value <= int32Numbers.most
  return whole && !Object.is(value, -0) ? 'int32' : 'float32'
}

/** The type in which the values meet: the strongest tensor's, raised where a number does not fit into it. */
export function commonType(values: readonly TensorLike[]): DType {
  const tensors = values.filter((value) => value instanceof Tensor)
  const numbers = values.filter((value) => !(value instanceof Tensor)) as (number | boolean)[]
  if (tensors.length === 0) return numbers.every((value) => typeof value === 'boolean') ? 'bool' : 'float32'
  const dtype = tensors.map((tensor) => tensor.dtype).reduce(promote)
  return isFloat(dtype) ? dtype : numbers.map(typeOfNumber).reduce(promote, dtype)
}

/** The shape in which the values meet. */
export function commonShape(op: string, values: readonly TensorLike[]): Shape {
  const shapes = values.map((value) => (value instanceof Tensor ? value.shape : []))
  return shapes.reduce((a, b) => broadcastShapes(op, a, b))
}

/** The values as tensors of one shape, and of type `dtype`. */
export function agree(
  op: string,
  values: readonly TensorLike[],
  dtype: DType = commonType(values),
  shape: Shape = commonShape(op, values),
): Tensor[] {
  return values.map((value) =>
    value instanceof Tensor ? expandTo(cast(value, dtype), shape) : constant(Number(value), shape, dtype),
  )
}

/**
 * `value`, whose gradient is not found by walking through it but given by `rule`: one tensor for each of `inputs`.
 * `label` is what people know the function by.
 */
export function withGradient(
  value: Tensor,
  inputs: readonly Tensor[],
  rule: (g: Tensor) => readonly (Tensor | undefined)[],
  label?: string,
): Tensor {
  return makeNode(customGradient, [value, ...inputs], { rule, ...(label && { label }) })
}

/** Refuses what is not a whole number of at least `least`. */
export function checkWhole(what: string, value: number, least: number): number {
  if (!Number.isInteger(value) || value < least) {
    fail('value-invalid', {
      what,
      received: String(value),
      expected: `a whole number of at least ${least}`,
      fix: 'Check the argument.',
    })
  }
  return value
}
