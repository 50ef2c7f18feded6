/**
 * Pass: decompose. What no template does directly becomes movements and simpler ops.
 *
 * Padding and input dilation of a convolution become movements of its input, so that the product walks over plain
 * memory; a large reduction with few results is done in parts, so that there are rows to share out. It stands after
 * folding and before fusion. Guarantees: every `conv` is without padding and input dilation.
 */
import type { Graph, Node } from '../graph/graph.ts'
import { permute, reshape } from '../ops/move.ts'
import type { LoopOp } from '../ops/op.ts'
import { sizeOf } from '../shape.ts'
import { plainConvolution, sumOverSamplesInParts } from './convolutions.ts'
import { type Rewriter, rewrite } from './rewrite.ts'

/** A reduction of at least this many elements … */
const largeReduction = 1 << 15
/** … to at most this many results is done in parts … */
const fewResults = 8
/** … of which there are about this many. */
const parts = 32

export function decompose(graph: Graph): Graph {
  const uses = new Map<Node, number>()
  for (const node of graph.nodes) for (const input of node.inputs) uses.set(input, (uses.get(input) ?? 0) + 1)
  for (const output of graph.outputs) uses.set(output, (uses.get(output) ?? 0) + 1)
  return rewrite(graph, (node, inputs, rewriter) => {
    if (node.op.kind === 'scan') return rewriter.loop(decompose)
    if (node.op.kind === 'conv')
      return sumOverSamplesInParts(node, inputs, rewriter) ?? plainConvolution(node, inputs, rewriter)
    if (node.op === permute) return uses.get(node.inputs[0]) === 1 ? permutedProduct(node, inputs, rewriter) : undefined
    if (node.op.kind === 'reduce') return reductionInParts(node, inputs, rewriter)
    return undefined
  })
}

/** A product whose only reader permutes it is computed in that order, so that what follows can be fused to it. */
function permutedProduct(node: Node, [product]: readonly Node[], { make }: Rewriter): Node | undefined {
  const order = node.attrs.order as readonly number[]
  if (product.op.kind === 'contract') {
    const out = product.attrs.out as string
    return make(product.op, product.inputs, { ...product.attrs, out: order.map((axis) => out[axis]).join('') })
  }
  if (product.op.kind !== 'conv' || product.attrs.order) return undefined
  const { shape } = product.op
  const permuted: LoopOp = { ...product.op, shape: (shapes, attrs) => order.map((axis) => shape(shapes, attrs)[axis]) }
  return make(permuted, product.inputs, { ...product.attrs, order })
}

function reductionInParts(node: Node, [x]: readonly Node[], { make }: Rewriter): Node | undefined {
  const axes = node.attrs.axes as readonly number[]
  if (sizeOf(node.shape) > fewResults || sizeOf(x.shape) < largeReduction) return undefined
  // The first reduced axis with a divisor near `parts` is cut into that many pieces.
  for (const axis of axes) {
    const count = divisorNear(x.shape[axis], parts)
    if (count === undefined) continue
    if (count === x.shape[axis]) {
      const inner = axes.filter((each) => each !== axis)
      if (inner.length === 0) continue
      const partial = make(node.op, [x], { axes: inner })
      return make(node.op, [partial], { axes: [axis - inner.filter((each) => each < axis).length] })
    }
    const cut = make(reshape, [x], {
      shape: [...x.shape.slice(0, axis), count, x.shape[axis] / count, ...x.shape.slice(axis + 1)],
    })
    const shifted = axes.map((each) => (each < axis ? each : each + 1))
    const partial = make(node.op, [cut], { axes: shifted })
    return make(node.op, [partial], { axes: [axis - axes.filter((each) => each < axis).length] })
  }
  return undefined
}

/** A divisor of `size` from 4 to 8 times `near`, as close to `near` as can be. */
function divisorNear(size: number, near: number): number | undefined {
  let best: number | undefined
  for (let count = 4; count <= Math.min(size, near * 8); count++) {
    if (
      size % count === 0 &&
      (best === undefined || Math.abs(Math.log(count / near)) < Math.abs(Math.log(best / near)))
    )
      best = count
  }
  return best
}
