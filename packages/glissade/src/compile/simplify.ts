/**
 * Pass: fold. Constants are computed, and nodes that change nothing disappear.
 *
 * Assumes any graph. Guarantees the same values, NaN and infinities included. It stands first, since what it
 * removes would keep others from fitting together.
 */
import { isFloat } from '../dtype.ts'
import type { Graph, Node } from '../graph/graph.ts'
import { constant } from '../ops/leaf.ts'
import { sameShape, sizeOf } from '../shape.ts'
import { rewrite } from './rewrite.ts'

const isConstant = (node: Node): boolean => node.op === constant
const numberOf = (node: Node): number => node.attrs.value as number

export function simplify(graph: Graph): Graph {
  return rewrite(graph, (node, inputs, { generate, loop }) => {
    const { op } = node
    if (op.kind === 'scan') return loop(simplify)
    // Nothing to add up: the reduction's identity, or 0 for a product of matrices.
    const empty = sizeOf(node.shape) > 0 && inputs.some((input) => sizeOf(input.shape) === 0)
    if (empty && (op.kind === 'reduce' || op.kind === 'contract' || op.kind === 'conv' || op.kind === 'scatter')) {
      const value = op.kind === 'reduce' ? op.identity(node.dtype) : 0
      return generate(constant, { value, shape: node.shape, dtype: node.dtype }, node.shape, node.dtype)
    }
    if (op.kind === 'map') {
      if (inputs.every(isConstant)) {
        const value = op.scalar(inputs.map(numberOf), node.dtype, inputs[0].dtype)
        return generate(
          constant,
          { value: node.dtype === 'float32' ? Math.fround(value) : value, shape: node.shape, dtype: node.dtype },
          node.shape,
          node.dtype,
        )
      }
      const kept =
        op.neutral?.findIndex(
          (neutral, i) => neutral !== undefined && isConstant(inputs[1 - i]) && numberOf(inputs[1 - i]) === neutral,
        ) ?? -1
      if (kept >= 0 && (isFloat(node.dtype) || node.dtype === 'int32')) return inputs[kept]
    }
    if (op.kind === 'move') {
      const fills =
        op.fill !== undefined && op.fill(node.attrs) !== (isConstant(inputs[0]) ? numberOf(inputs[0]) : undefined)
      if (inputs.length === 1 && isConstant(inputs[0]) && !fills) {
        return generate(
          constant,
          { value: numberOf(inputs[0]), shape: node.shape, dtype: node.dtype },
          node.shape,
          node.dtype,
        )
      }
      if (inputs.length === 1 && sameShape(inputs[0].shape, node.shape) && op.isIdentity?.(node.attrs, node.shape))
        return inputs[0]
    }
    return undefined
  })
}
