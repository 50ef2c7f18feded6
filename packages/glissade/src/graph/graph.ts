/**
 * The graph: what a program is asked to compute, as a list of nodes in an order in which each comes after its
 * inputs.
 *
 * It is built from tensors: equal nodes become one, wrappers that change nothing disappear, and tensors that
 * already have numbers become arguments. Nodes keep the order in which the tensors were made, which is the order
 * in which the program's author would compute them. Next: compile/lower.ts.
 */
import type { DType } from '../dtype.ts'
import type { Attrs, LeafOp, Op } from '../ops/op.ts'
import type { Pass } from '../scope.ts'
import type { Shape } from '../shape.ts'
import type { Tensor } from '../tensor.ts'

export interface Node {
  /** Its place in the order. */
  readonly id: number
  readonly op: Op
  readonly inputs: readonly Node[]
  readonly attrs: Attrs
  readonly shape: Shape
  readonly dtype: DType
  readonly path: string
  readonly pass: Pass
}

export interface Graph {
  readonly nodes: readonly Node[]
  /** What to compute; a node may stand here more than once. */
  readonly outputs: readonly Node[]
}

/** Adds nodes to a graph, each distinct one once. */
export class GraphBuilder {
  readonly nodes: Node[] = []
  readonly #known = new Map<string, Node>()

  /** The node for `op` of `inputs`: a new one, or the one that is there. */
  add(
    op: Op,
    inputs: readonly Node[],
    attrs: Attrs,
    shape: Shape,
    dtype: DType,
    from: { path: string; pass: Pass },
  ): Node {
    const unique = op.kind === 'leaf' || (op.kind === 'wrap' && op.barrier)
    const key = unique ? '' : nodeKey(op, inputs, attrs, shape, dtype)
    const known = unique ? undefined : this.#known.get(key)
    if (known) return known
    const node: Node = { id: this.nodes.length, op, inputs, attrs, shape, dtype, path: from.path, pass: from.pass }
    this.nodes.push(node)
    if (!unique) this.#known.set(key, node)
    return node
  }

  finish(outputs: readonly Node[]): Graph {
    const needed = new Set<Node>(outputs)
    for (let i = this.nodes.length - 1; i >= 0; i--) {
      if (needed.has(this.nodes[i])) for (const input of this.nodes[i].inputs) needed.add(input)
    }
    return { nodes: this.nodes.filter((node) => needed.has(node)), outputs }
  }
}

function nodeKey(op: Op, inputs: readonly Node[], attrs: Attrs, shape: Shape, dtype: DType): string {
  return `${op.name}(${inputs.map((input) => input.id).join(',')})${attrsKey(attrs)}${dtype}[${shape.join(',')}]`
}

/** Attributes as text; -0, NaN and infinities (which JSON does not tell apart) included. */
export function attrsKey(attrs: Attrs): string {
  return JSON.stringify(attrs, (_, value) =>
    typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0))
      ? Object.is(value, -0)
        ? '-0'
        : String(value)
      : value,
  )
}

/** What a tensor is to a graph if its numbers are there already, whatever made them. */
const given: LeafOp = {
  kind: 'leaf',
  name: 'leaf',
  doc: 'Numbers from outside the graph.',
  dtype: (_, { dtype }) => dtype as DType,
  shape: (_, { shape }) => shape as Shape,
}

/** Builds the graph of `outputs`; also returns the tensors that its arguments stand for, in order. */
export function buildGraph(outputs: readonly Tensor[]): { graph: Graph; leaves: Tensor[] } {
  const builder = new GraphBuilder()
  const nodeOf = new Map<Tensor, Node>()
  const leaves: Tensor[] = []
  for (const tensor of inOrder(outputs)) {
    if (tensor.storage || tensor.op.kind === 'leaf') {
      const node = builder.add(given, [], { argument: leaves.length }, tensor.shape, tensor.dtype, tensor)
      leaves.push(tensor)
      nodeOf.set(tensor, node)
      continue
    }
    const inputs = tensor.inputs.map((input) => nodeOf.get(input) as Node)
    const passesThrough = tensor.op.kind === 'wrap' && !tensor.op.barrier
    nodeOf.set(
      tensor,
      passesThrough ? inputs[0] : builder.add(tensor.op, inputs, tensor.attrs, tensor.shape, tensor.dtype, tensor),
    )
  }
  return { graph: builder.finish(outputs.map((tensor) => nodeOf.get(tensor) as Node)), leaves }
}

/** The tensors that `outputs` need, inputs first, by birth. */
function inOrder(outputs: readonly Tensor[]): Tensor[] {
  const seen = new Set<Tensor>(outputs)
  const pending = [...seen]
  while (pending.length > 0) {
    const tensor = pending.pop() as Tensor
    if (tensor.storage) continue
    // A wrapper passes its first input on; the others matter to gradients only.
    const inputs = tensor.op.kind === 'wrap' && !tensor.op.barrier ? tensor.inputs.slice(0, 1) : tensor.inputs
    for (const input of inputs) {
      if (!seen.has(input)) {
        seen.add(input)
        pending.push(input)
      }
    }
  }
  return [...seen].sort((a, b) => a.id - b.id)
}

/** Text that is equal for graphs that compute the same from their arguments. */
export function graphKey(graph: Graph): string {
  const place = new Map(graph.nodes.map((node, i) => [node, i]))
  const lines = graph.nodes.map(
    (node) =>
      `${node.op.name}(${node.inputs.map((input) => place.get(input)).join(',')})${attrsKey(node.attrs)}${node.dtype}[${node.shape.join(',')}]`,
  )
  return `${lines.join(';')}>${graph.outputs.map((node) => place.get(node)).join(',')}`
}

/** One line a node: `%3 = add(%1, %2) float32 [2, 3]  fc1`. */
export function printGraph(graph: Graph): string {
  const lines = graph.nodes.map((node) => {
    const attrs = Object.keys(node.attrs).length === 0 ? '' : ` ${attrsKey(node.attrs)}`
    const place = node.path === '' ? '' : `  # ${node.path}${node.pass === 'forward' ? '' : ` (${node.pass})`}`
    return `%${node.id} = ${node.op.name}(${node.inputs.map((input) => `%${input.id}`).join(', ')})${attrs} ${node.dtype} [${node.shape.join(', ')}]${place}`
  })
  return `${lines.join('\n')}\nreturn ${graph.outputs.map((node) => `%${node.id}`).join(', ')}`
}

/** Throws unless inputs come first and every node's shape and type are what its op says. */
export function verifyGraph(graph: Graph): void {
  const seen = new Set<Node>()
  for (const node of graph.nodes) {
    for (const input of node.inputs) {
      if (!seen.has(input)) throw new Error(`graph: %${node.id} ${node.op.name} comes before its input %${input.id}`)
    }
    if (node.op.kind !== 'leaf') {
      const shape = node.op.shape(
        node.inputs.map((input) => input.shape),
        node.attrs,
      )
      const dtype = node.op.dtype(
        node.inputs.map((input) => input.dtype),
        node.attrs,
      )
      if (dtype !== node.dtype || shape.join() !== node.shape.join()) {
        throw new Error(
          `graph: %${node.id} ${node.op.name} is ${node.dtype} [${node.shape.join(', ')}], its op says ${dtype} [${shape.join(', ')}]`,
        )
      }
    }
    seen.add(node)
  }
  for (const output of graph.outputs) if (!seen.has(output)) throw new Error(`graph: output %${output.id} is not in it`)
}
