/**
 * The reductions: each folds some axes away with one combining op.
 *
 * An empty sum is 0, an empty product 1, an empty max -inf, an empty min +inf (for int32 the smallest and
 * largest number). A NaN anywhere makes the result NaN. Ties of max and min share the gradient evenly.
 * keepDims, mean, arg-max and the like are derived: derived/reduce.ts.
 */
import { type DType, isFloat } from '../dtype.ts'
import { fail } from '../errors.ts'
import type { Tensor } from '../tensor.ts'
import type { ReduceOp } from './op.ts'

function record(
  name: string,
  doc: string,
  combine: ReduceOp['combine'],
  identity: ReduceOp['identity'],
  gradient: ReduceOp['gradient'],
): ReduceOp {
  return {
    kind: 'reduce',
    name,
    doc,
    combine,
    identity,
    ...(gradient && { gradient }),
    dtype: ([dtype]) => {
      if (dtype === 'bool') {
        fail('dtype-mismatch', {
          op: name,
          received: 'bool',
          expected: 'float32 or int32',
          fix: "Cast with .cast('int32'), or use any() or all().",
        })
      }
      return dtype
    },
    shape: ([shape], { axes }) => shape.filter((_, axis) => !(axes as number[]).includes(axis)),
  }
}

const infinity =
  (sign: 1 | -1) =>
  (dtype: DType): number =>
    isFloat(dtype) ? sign * Infinity : sign > 0 ? 2147483647 : -2147483648

export const sum = record(
  'sum',
  'The sum over the axes.',
  'add',
  () => 0,
  (g, node) => [spread(g, node)],
)

export const prod = record(
  'prod',
  'The product over the axes.',
  'mul',
  () => 1,
  (g, node) => {
    // The product of all the others: y / x where nothing is 0, and where one alone is 0, the product of the rest.
    const x = node.inputs[0]
    const { axes } = node.attrs as { axes: number[] }
    const zero = x.eq(0)
    const zeros = spread(zero.cast('int32').sum(axes), node)
    const rest = zero.where(1, x)
    const others = spread(rest.prod(axes), node).div(rest)
    const only = zeros.eq(zero.cast('int32'))
    return [spread(g, node).mul(only.where(others, 0))]
  },
)

export const max = record('max', 'The largest over the axes.', 'maximum', infinity(-1), extremeGradient)
export const min = record('min', 'The smallest over the axes.', 'minimum', infinity(1), extremeGradient)

function extremeGradient(g: Tensor, node: Tensor): Tensor[] {
  const x = node.inputs[0]
  const { axes } = node.attrs as { axes: number[] }
  const chosen = x.eq(spread(node, node)).cast(x.dtype)
  return [chosen.mul(spread(g.div(chosen.sum(axes)), node))]
}

/** `t: [kept axes] → [shape of the reduced input]`: the reduced axes come back as copies. */
function spread(t: Tensor, node: Tensor): Tensor {
  const { shape } = node.inputs[0]
  const { axes } = node.attrs as { axes: number[] }
  return t.reshape(shape.map((n, axis) => (axes.includes(axis) ? 1 : n))).expand(shape)
}
