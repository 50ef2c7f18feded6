/**
 * A graph of a file, checked and in order: which nodes run, what they read, and which numbers are known before.
 *
 * Graphs inside nodes (the step of a Scan) are prepared in the same way; they may name values of the graph around them.
 * Who runs them: model.ts.
 */
import type { Tensor } from '../../tensor.ts'
import { type FilesBeside, shorten, type Wrong } from '../source.ts'
import { operators } from './operators.ts'
import type { GraphProto, ModelProto, NodeProto } from './proto.ts'
import { toTensor } from './tensors.ts'

/** The opsets whose meaning is known. */
export const opsets = { least: 7, most: 25 }
/** The only operators that may hold graphs, and where. */
const bodyOf: Readonly<Record<string, string>> = { Scan: 'body' }

export interface PreparedNode {
  readonly node: NodeProto
  /** Attributes that are tensors. */
  readonly constants: ReadonlyMap<string, Tensor>
  /** Attributes that are graphs. */
  readonly bodies: ReadonlyMap<string, PreparedGraph>
  /** Its inputs, and what its graphs name from outside. */
  readonly reads: readonly string[]
  readonly path: string
}

export interface PreparedGraph {
  readonly nodes: readonly PreparedNode[]
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly given: ReadonlyMap<string, Tensor>
  /** What it names from outside. */
  readonly captured: readonly string[]
}

/** The graph and the opset of a model whose operators are all known. All that are not are named at once. */
export function checkModel(proto: ModelProto, wrong: Wrong): { graph: GraphProto; opset: number } {
  const { graph } = proto
  if (!graph) return wrong('graph', 'none', 'a graph')
  const opset =
    proto.opsets.get('') ??
    wrong('opset', [...proto.opsets.keys()].join(', ') || 'none', "operators of ONNX's own domain")
  if (opset < opsets.least || opset > opsets.most)
    wrong(
      'opset',
      String(opset),
      `${opsets.least} to ${opsets.most}`,
      'Export the model with another opset, or convert it with onnx.version_converter.',
    )
  const unknown = new Set<string>()
  noteUnknown(graph, unknown, wrong)
  if (unknown.size > 0) {
    const names = [...unknown].sort().map(shorten)
    wrong(
      'operators',
      names.slice(0, 20).join(', '),
      'operators that are supported',
      `Export the model without them. Supported are: ${Object.keys(operators).join(', ')}.`,
    )
  }
  return { graph, opset }
}

function noteUnknown(graph: GraphProto, unknown: Set<string>, wrong: Wrong): void {
  if (graph.sparse) wrong('initializers', 'sparse tensors', 'dense ones')
  if (graph.outputs.length === 0 || graph.outputs.some(({ name }) => name === ''))
    wrong('outputs', graph.outputs.length === 0 ? 'none' : 'one without a name', 'at least one, each with a name')
  for (const { op, domain, attributes } of graph.nodes) {
    const all = [...attributes.values()]
    const graphs = all.some(({ name, g, graphs: list }) => list || (g && bodyOf[op] !== name))
    if (domain !== '' || graphs || !Object.hasOwn(operators, op)) unknown.add(domain === '' ? op : `${domain}.${op}`)
    else for (const { g } of all) if (g) noteUnknown(g, unknown, wrong)
  }
}

/** Reads tensors, and puts nodes in order. `outside`: names of the graph around. */
export async function prepareGraph(
  graph: GraphProto,
  outside: ReadonlySet<string>,
  files: FilesBeside,
  wrong: Wrong,
): Promise<PreparedGraph> {
  const given = new Map<string, Tensor>()
  for (const each of graph.initializers) {
    if (given.has(each.name)) wrong('initializers', `'${each.name}' twice`, 'each name once')
    given.set(each.name, await toTensor(each, files, wrong))
  }
  const inputs = graph.inputs.map(({ name }) => name).filter((name) => !given.has(name))
  const own = new Set([...given.keys(), ...inputs, ...graph.nodes.flatMap(({ outputs }) => outputs)])
  const visible = new Set([...outside, ...own])
  const nodes: PreparedNode[] = []
  for (const node of graph.nodes) {
    const constants = new Map<string, Tensor>()
    const bodies = new Map<string, PreparedGraph>()
    for (const [name, { t, g }] of node.attributes) {
      if (t) constants.set(name, await toTensor(t, files, wrong))
      if (g) bodies.set(name, await prepareGraph(g, visible, files, wrong))
    }
    const reads = [...node.inputs, ...[...bodies.values()].flatMap(({ captured }) => captured)]
    nodes.push({ node, constants, bodies, reads, path: node.name === '' ? node.op : node.name })
  }
  const outputs = graph.outputs.map(({ name }) => name)
  const captured = new Set(
    [...nodes.flatMap(({ reads }) => reads), ...outputs].filter(
      (name) => name !== '' && !own.has(name) && outside.has(name),
    ),
  )
  const ordered = inOrder(nodes, [...given.keys(), ...inputs], captured, outputs, wrong)
  return { nodes: ordered, inputs, outputs, given, captured: [...captured] }
}

/** The inputs of operators whose numbers must be known when the graph is walked, by place. */
const shapingInputs: Readonly<Record<string, readonly number[]>> = {
  Reshape: [1],
  Expand: [1],
  Tile: [1],
  Slice: [1, 2, 3, 4],
  Pad: [1, 2, 3],
  ConstantOfShape: [0],
  Range: [0, 1, 2],
  OneHot: [1],
  TopK: [1],
  Resize: [1, 2, 3],
  Upsample: [1],
}

/** The values from which such numbers are worked out; what has a shape is not part of it. */
export function shapingNames(nodes: readonly PreparedNode[]): Set<string> {
  const names = new Set<string>()
  for (const { node, bodies } of [...nodes].reverse()) {
    for (const body of bodies.values()) for (const name of shapingNames(body.nodes)) names.add(name)
    const all = node.op !== 'Shape' && node.op !== 'Size' && node.outputs.some((name) => names.has(name))
    const places = Object.hasOwn(shapingInputs, node.op) ? shapingInputs[node.op] : []
    node.inputs.forEach((name, i) => {
      if (name !== '' && (all || places.includes(i))) names.add(name)
    })
  }
  return names
}

/** Nodes so that inputs come first, each value made once, and only those that the outputs need. */
function inOrder(
  nodes: readonly PreparedNode[],
  start: readonly string[],
  captured: ReadonlySet<string>,
  outputs: readonly string[],
  wrong: Wrong,
): PreparedNode[] {
  const maker = new Map<string, PreparedNode>()
  const given = new Set(start)
  for (const prepared of nodes) {
    for (const name of prepared.node.outputs) {
      if (name === '') continue
      if (maker.has(name) || given.has(name)) wrong('graph', `'${name}' made twice`, 'each value once')
      maker.set(name, prepared)
    }
  }
  const done = new Set<PreparedNode>()
  const open = new Set<PreparedNode>()
  const ordered: PreparedNode[] = []
  // Without recursion: a chain of nodes may be longer than the stack.
  const pending: { prepared: PreparedNode; leaving: boolean }[] = []
  const want = (name: string): void => {
    if (name === '' || given.has(name) || captured.has(name)) return
    const prepared =
      maker.get(name) ?? wrong('graph', `'${name}', which nothing makes`, 'values of nodes, inputs or initializers')
    if (open.has(prepared)) wrong('graph', `'${name}' made from itself`, 'a graph without circles')
    if (!done.has(prepared)) pending.push({ prepared, leaving: false })
  }
  for (const name of outputs) {
    want(name)
    for (let next = pending.pop(); next; next = pending.pop()) {
      const { prepared, leaving } = next
      if (leaving) {
        open.delete(prepared)
        done.add(prepared)
        ordered.push(prepared)
      } else if (!done.has(prepared) && !open.has(prepared)) {
        open.add(prepared)
        pending.push({ prepared, leaving: true })
        for (const name of prepared.reads) want(name)
      }
    }
  }
  return ordered
}
