/**
 * Rewriting a graph: every node is built again, in order, with its inputs replaced; a pass says only what it does
 * differently.
 */
import type { DType } from '../dtype.ts'
import { bodyOf, type Graph, GraphBuilder, type Node } from '../graph/graph.ts'
import type { LoopBody } from '../graph/loop-body.ts'
import type { Attrs, Op } from '../ops/op.ts'
import type { Shape } from '../shape.ts'

/** Builds nodes at the place of the node that is being rewritten. */
export interface Rewriter {
  /** The node for `op` of `inputs`; shape and type follow from the op. */
  make(op: Op, inputs: readonly Node[], attrs?: Attrs): Node
  /** A node with the given shape and type: for ops without inputs. */
  generate(op: Op, attrs: Attrs, shape: Shape, dtype: DType): Node
  /** The loop that is being rewritten, of the new inputs, with its body rewritten by `pass`. */
  loop(pass: (graph: Graph) => Graph): Node
}

/** The graph in which each node is what `change` gives for it and its new inputs; undefined keeps it. */
export function rewrite(
  graph: Graph,
  change: (node: Node, inputs: readonly Node[], rewriter: Rewriter) => Node | undefined,
): Graph {
  const builder = new GraphBuilder()
  const replaced = new Map<Node, Node>()
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((input) => replaced.get(input) as Node)
    const generate: Rewriter['generate'] = (op, attrs, shape, dtype) => builder.add(op, [], attrs, shape, dtype, node)
    const make: Rewriter['make'] = (op, from, attrs = {}) => {
      const dtype = op.dtype(
        from.map((input) => input.dtype),
        attrs,
      )
      return builder.add(
        op,
        from,
        attrs,
        op.shape(
          from.map((input) => input.shape),
          attrs,
        ),
        dtype,
        node,
      )
    }
    const loop: Rewriter['loop'] = (pass) => {
      const body = bodyOf(node) as LoopBody
      return make(node.op, inputs, { ...node.attrs, body: body.around(pass(body.graph)) })
    }
    const changed = change(node, inputs, { make, generate, loop })
    replaced.set(node, changed ?? builder.add(node.op, inputs, node.attrs, node.shape, node.dtype, node))
  }
  return builder.finish(graph.outputs.map((node) => replaced.get(node) as Node))
}
