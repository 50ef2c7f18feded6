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
import type { Wanted } from '../ops/scan.ts'
import type { Pass } from '../scope.ts'
import type { Shape } from '../shape.ts'
import type { Tensor } from '../tensor.ts'
import { LoopBody } from './loop-body.ts'
import { inputsNeeded, type LoopNeeds, neededFor, standInsOf, stateOf } from './needed.ts'

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

/** Attributes are the same objects from the tensor through every pass: their text is worked out once. */
const attrsKeys = new WeakMap<Attrs, string>()

/** Attributes as text; -0, NaN and infinities (which JSON does not tell apart) included. */
export function attrsKey(attrs: Attrs): string {
  let key = attrsKeys.get(attrs)
  if (key === undefined) attrsKeys.set(attrs, (key = exactText(attrs)))
  return key
}

/** A value as JSON, in which the numbers that JSON lacks are texts. */
export function exactText(value: unknown): string {
  return JSON.stringify(value, (_, each) => {
    if (each instanceof LoopBody) return bodyKey(each)
    if (typeof each !== 'number') return each
    return Object.is(each, -0) ? '-0' : Number.isFinite(each) ? each : String(each)
  })
}

function bodyKey({ length, reverse, histories, slices, graph }: LoopBody): string {
  return `${length}${reverse ? '-' : ''}|${histories.map(Number).join('')}|${slices}{${graphKey(graph)}}`
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
  const leaves: Tensor[] = []
  const isLeaf = (tensor: Tensor): boolean => tensor.storage !== undefined || tensor.op.kind === 'leaf'
  const graph = build(outputs, isLeaf, (tensor) => leaves.push(tensor) - 1)
  return { graph, leaves }
}

/** The graph of `outputs`; `place` numbers the tensors that are given. */
function build(
  outputs: readonly Tensor[],
  isGiven: (tensor: Tensor) => boolean,
  place: (tensor: Tensor) => number,
): Graph {
  const builder = new GraphBuilder()
  const nodeOf = new Map<Tensor, Node>()
  const nodesOf = (tensors: readonly Tensor[]): Node[] => tensors.map((tensor) => nodeOf.get(tensor) as Node)
  const { order, loops } = neededFor(outputs, isGiven)
  for (const tensor of order) {
    const { op, attrs, shape, dtype } = tensor
    const add = (inputs: readonly Node[], own: Attrs): Node => builder.add(op, inputs, own, shape, dtype, tensor)
    if (isGiven(tensor)) {
      nodeOf.set(tensor, builder.add(given, [], { argument: place(tensor) }, shape, dtype, tensor))
    } else if (op.kind === 'scan') {
      const needs = loops.get(tensor) as LoopNeeds
      nodeOf.set(tensor, add(nodesOf(inputsNeeded(tensor, needs)), { dtype, body: stepGraph(needs) }))
    } else if (op.kind === 'output') {
      const wanted = attrs.wanted as Wanted
      const from = placeOf(wanted, loops.get(tensor.inputs[0]) as LoopNeeds)
      nodeOf.set(tensor, add(nodesOf(tensor.inputs), { ...from, shape, dtype }))
    } else {
      const passesThrough = op.kind === 'wrap' && !op.barrier
      nodeOf.set(tensor, passesThrough ? (nodeOf.get(tensor.inputs[0]) as Node) : add(nodesOf(tensor.inputs), attrs))
    }
  }
  return builder.finish(nodesOf(outputs))
}

/** One step of a loop as a graph, of that what is needed. */
function stepGraph({ steps, carries, slices, captured, stacks, histories }: LoopNeeds): LoopBody {
  const leaves = [
    ...carries.map((i) => steps.carries[i]),
    ...slices.map((i) => steps.slices[i]),
    ...captured.map((i) => steps.captured[i]),
  ]
  const places = new Map(leaves.map((leaf, i) => [leaf, i]))
  const standIns = standInsOf(steps)
  const graph = build(
    [...carries.map((i) => steps.next[i]), ...stacks],
    (tensor) => standIns.has(tensor),
    (tensor) => places.get(tensor) as number,
  )
  const { length, reverse } = steps
  return new LoopBody(graph, {
    length,
    reverse,
    histories: carries.map((i) => histories.has(i)),
    slices: slices.length,
  })
}

/** Which output of the loop a wanted value is, and in which row of it the value begins. */
function placeOf(wanted: Wanted, { steps, carries, stacks, histories }: LoopNeeds): { output: number; row: number } {
  const { length, reverse } = steps
  if ('carry' in wanted) {
    const row = histories.has(wanted.carry) ? (reverse ? 0 : length) : length % 2
    return { output: carries.indexOf(wanted.carry), row }
  }
  const state = stateOf(steps, wanted.stacked)
  if (state === undefined) return { output: carries.length + stacks.indexOf(wanted.stacked), row: 0 }
  // The history begins with the first state: those before each step come first, or, backwards, last.
  const before = steps.carries[state] === wanted.stacked
  return { output: carries.indexOf(state), row: before === reverse ? 1 : 0 }
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

/** One line a node: `%3 = add(%1, %2) float32 [2, 3]  fc1`; below a loop, its body. */
export function printGraph(graph: Graph): string {
  const lines = graph.nodes.map((node) => {
    const body = bodyOf(node)
    const attrs = Object.keys(node.attrs).length === 0 || body ? '' : ` ${attrsKey(node.attrs)}`
    const place = node.path === '' ? '' : `  # ${node.path}${node.pass === 'forward' ? '' : ` (${node.pass})`}`
    const inner = body ? printBody(body) : ''
    return `%${node.id} = ${node.op.name}(${node.inputs.map((input) => `%${input.id}`).join(', ')})${attrs} ${node.dtype} [${node.shape.join(', ')}]${place}${inner}`
  })
  return `${lines.join('\n')}\nreturn ${graph.outputs.map((node) => `%${node.id}`).join(', ')}`
}

function printBody(body: LoopBody): string {
  const kinds = `${body.carries} states, ${body.slices} slices`
  const text = printGraph(body.graph).replaceAll('\n', '\n    ')
  return `\n  ${body.length} times${body.reverse ? ', backwards' : ''} (${kinds}):\n    ${text}`
}

/** One step of the loop that a node is, if it is one. */
export function bodyOf(node: Node): LoopBody | undefined {
  return node.op.kind === 'scan' ? (node.attrs.body as LoopBody) : undefined
}

/** Throws unless inputs come first and every node's shape and type are what its op says. */
export function verifyGraph(graph: Graph): void {
  const seen = new Set<Node>()
  for (const node of graph.nodes) {
    for (const input of node.inputs) {
      if (!seen.has(input)) throw new Error(`graph: %${node.id} ${node.op.name} comes before its input %${input.id}`)
    }
    const body = bodyOf(node)
    if (body) verifyGraph(body.graph)
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
