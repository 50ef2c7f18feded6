/**
 * How many floating-point operations the nodes of a graph are, from what their ops declare: a multiplication and the
 * addition that takes it in count as two.
 *
 * This counts arithmetic as written, not what a machine runs: fusion, padding of tiles and skipped zeros are left out.
 */
import { isFloat } from '../dtype.ts'
import type { Graph, Node } from '../graph/graph.ts'
import type { ContractAttrs } from '../ops/contract.ts'
import { sizeOf } from '../shape.ts'

/** The operations of one node: 0 for what only moves numbers or works on whole ones. */
export function flopsOf(node: Node): number {
  if (!isFloat(node.dtype)) return 0
  const size = sizeOf(node.shape)
  const { op } = node
  switch (op.kind) {
    case 'contract': {
      const { a, b } = node.attrs as ContractAttrs
      const [x, y] = node.inputs
      const sizes = new Map([...a].map((letter, axis) => [letter, x.shape[axis]]))
      for (const [axis, letter] of [...b].entries()) sizes.set(letter, y.shape[axis])
      return 2 * sizeOf([...sizes.values()])
    }
    case 'conv': {
      const [x, weight] = node.inputs
      const kernel = sizeOf(weight.shape.slice(2))
      const groups = x.shape[1] / weight.shape[1]
      // Each output takes in a kernel of inputs, and each input goes into a kernel of outputs. Where strides or zeros
      // between the inputs make one of them an overcount, the other is the number of products there are.
      const intoOutputs = size * weight.shape[1] * kernel
      const fromInputs = sizeOf(x.shape) * (weight.shape[0] / groups) * kernel
      return 2 * Math.min(intoOutputs, fromInputs)
    }
    case 'map':
      return size
    case 'reduce':
      return sizeOf(node.inputs[0].shape)
    case 'scatter':
      return sizeOf(node.inputs[0].shape)
    case 'scan':
      return size
    default:
      return 0
  }
}

/** The operations of a graph's forward pass by the path of the module that they belong to. */
export function flopsByPath(graph: Graph): Map<string, number> {
  const found = new Map<string, number>()
  for (const node of graph.nodes) {
    if (node.pass !== 'forward') continue
    const flops = flopsOf(node)
    if (flops > 0) found.set(node.path, (found.get(node.path) ?? 0) + flops)
  }
  return found
}
