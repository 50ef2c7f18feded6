/**
 * ONNX models as modules: the initializers are parameters, and forward walks the graph with our operations.
 *
 * Such a model predicts, trains, compiles and is saved like any other. Numbers that shape the graph (shapes, axes,
 * scales) are worked out while it is walked. The operators: operators.ts; what is written: export.ts.
 */
import { fail, GlissadeError } from '../../errors.ts'
import { Module, Parameter } from '../../nn/module.ts'
import { withPath } from '../../scope.ts'
import { sizeOf } from '../../shape.ts'
import { type Tensor, Variable } from '../../tensor.ts'
import type { Source } from '../model-file.ts'
import { readSource, shorten, type Wrong, wrongIn } from '../source.ts'
import { Call, isMade, toValue, type Value } from './call.ts'
import { operators } from './operators.ts'
import { type GraphProto, type ModelProto, type NodeProto, readModel } from './proto.ts'
import { dtypeOf, type ExternalFiles, filesIn, toTensor } from './tensors.ts'

/** The opsets whose meaning is known. */
export const opsets = { least: 7, most: 25 }
/** A tensor of more elements is the work of a damaged file. */
const largest = 2 ** 32

/** An input or output: axes of unknown size have a name or none. */
export interface OnnxPort {
  readonly name: string
  readonly dtype: 'float32' | 'int32' | 'bool' | 'float64'
  readonly shape: readonly (number | string | undefined)[] | undefined
}

export interface LoadOnnxOptions {
  /** Where data outside the model's file is: files by name. Default: the folder of the model. */
  readonly files?: Readonly<Record<string, Uint8Array>>
}

/**
 * A network read from ONNX. Floating-point initializers are parameters under their own names, normalization
 * statistics buffers. Dropout and batch normalization are as in evaluation, also in training.
 */
export class OnnxModel extends Module {
  readonly inputs: readonly OnnxPort[]
  readonly outputs: readonly OnnxPort[]
  readonly opset: number
  readonly producer: string
  readonly metadata: Readonly<Record<string, string>>
  readonly #nodes: readonly Prepared[]
  readonly #known: ReadonlyMap<string, Tensor>

  constructor(parts: Parts) {
    super()
    this.inputs = parts.inputs
    this.outputs = parts.outputs
    this.opset = parts.opset
    this.producer = parts.producer
    this.metadata = parts.metadata
    this.#nodes = parts.nodes
    this.#known = parts.known
    for (const [name, tensor] of parts.known) {
      if (!(tensor instanceof Variable)) continue
      // Under its own name, as in the state dict of the model that was exported; not over what every module has.
      const own = name in this || name === '' ? `initializer.${name}` : name
      Object.defineProperty(this, own, { value: tensor, enumerable: true, configurable: true })
    }
  }

  /** The first output, for the inputs in their order. */
  forward(...inputs: readonly Tensor[]): Tensor {
    if (inputs.length !== this.inputs.length) {
      fail('value-invalid', {
        what: 'OnnxModel',
        received: `${inputs.length} inputs`,
        expected: `${this.inputs.length}: ${this.inputs.map(({ name }) => name).join(', ')}`,
        fix: 'Pass one tensor for each.',
      })
    }
    const named = Object.fromEntries(this.inputs.map(({ name }, i) => [name, inputs[i]]))
    return this.run(named)[this.outputs[0].name]
  }

  /** All outputs by name, for inputs by name. Errors: `value-invalid`, `shape-mismatch` and those of operations. */
  run(inputs: Readonly<Record<string, Tensor>>): Record<string, Tensor> {
    const values = new Map<string, Value>()
    for (const [name, tensor] of this.#known)
      values.set(name, tensor instanceof Variable ? { tensor } : toValue(tensor, true))
    for (const port of this.inputs) {
      const given = Object.hasOwn(inputs, port.name) ? inputs[port.name] : undefined
      // An input is not known, even where its numbers are there: the next ones will be others.
      values.set(port.name, { tensor: checkInput(port, given) })
    }
    for (const prepared of this.#nodes) runNode(prepared, this.opset, values)
    return Object.fromEntries(this.outputs.map(({ name }) => [name, (values.get(name) as Value).tensor]))
  }
}

interface Prepared {
  readonly node: NodeProto
  /** Attributes that are tensors. */
  readonly constants: ReadonlyMap<string, Tensor>
  readonly path: string
}

interface Parts {
  readonly inputs: readonly OnnxPort[]
  readonly outputs: readonly OnnxPort[]
  readonly opset: number
  readonly producer: string
  readonly metadata: Readonly<Record<string, string>>
  readonly nodes: readonly Prepared[]
  readonly known: ReadonlyMap<string, Tensor>
}

function checkInput({ name, dtype, shape }: OnnxPort, tensor: Tensor | undefined): Tensor {
  const fits =
    tensor &&
    (shape === undefined ||
      (tensor.rank === shape.length && shape.every((n, axis) => typeof n !== 'number' || n === tensor.shape[axis])))
  if (!tensor || !fits) {
    const expected = shape ? `[${shape.map((n) => n ?? '?').join(', ')}]` : 'a tensor'
    return fail('shape-mismatch', {
      op: `input '${name}'`,
      received: tensor ? `[${tensor.shape.join(', ')}]` : 'nothing',
      expected,
      fix: 'Reshape the input; a model with a fixed batch takes no other.',
    })
  }
  return tensor.dtype === 'float64' || dtype === tensor.dtype ? tensor : tensor.cast(dtype)
}

function runNode({ node, constants, path }: Prepared, opset: number, values: Map<string, Value>): void {
  const inputs = node.inputs.map((name) => (name === '' ? undefined : values.get(name)))
  const call = new Call(node, opset, inputs, constants)
  const made = withPath(path, () => {
    try {
      return operators[node.op](call)
    } catch (cause) {
      if (cause instanceof GlissadeError) throw cause
      return call.fail(
        'attributes',
        shorten((cause as Error).message),
        'attributes that fit the inputs',
        'The file is damaged.',
      )
    }
  })
  const results = Array.isArray(made) ? (made as readonly Tensor[]) : [made as Tensor]
  const known = inputs.every((input) => input === undefined || input.host !== undefined)
  node.outputs.forEach((name, i) => {
    if (name === '') return
    const result = results[i] ?? call.fail(`output ${i}`, `'${shorten(name)}'`, `at most ${results.length} outputs`)
    if (!(sizeOf(result.shape) <= largest))
      call.fail('output', `[${result.shape.join(', ')}]`, `at most ${largest} elements`)
    values.set(name, toValue(result, known || isMade(result, inputs)))
  })
}

/**
 * Reads an ONNX model (opset 7 to 25). `source` is a path or bytes; data in other files is looked for in the model's
 * folder only. Errors: `data-missing`; `file-format` for what is damaged, or uses operators that are not supported (all
 * are named at once); `package-missing` for pbf.
 */
export async function loadOnnx(source: Source, options: LoadOnnxOptions = {}): Promise<OnnxModel> {
  const { bytes, file } = await readSource(source, 'ONNX data')
  const wrong = wrongIn(file, 'ONNX model')
  const proto = await readModel(bytes, wrong)
  const { graph, opset } = checkModel(proto, wrong)
  const files = externalFiles(source, options, wrong)
  const given = new Map<string, Tensor>()
  for (const each of graph.initializers) {
    if (given.has(each.name)) wrong('initializers', `'${each.name}' twice`, 'each name once')
    given.set(each.name, await toTensor(each, files, wrong))
  }
  const nodes: Prepared[] = []
  for (const node of graph.nodes) {
    const constants = new Map<string, Tensor>()
    for (const [name, { t }] of node.attributes) if (t) constants.set(name, await toTensor(t, files, wrong))
    nodes.push({ node, constants, path: node.name === '' ? node.op : node.name })
  }
  const inputs = graph.inputs.filter(({ name }) => !given.has(name)).map((each) => portOf(each, wrong))
  const ordered = inOrder(nodes, [...given.keys(), ...inputs.map(({ name }) => name)], graph, wrong)
  const statistics = new Set(
    graph.nodes.filter(({ op }) => op === 'BatchNormalization').flatMap((node) => node.inputs.slice(3, 5)),
  )
  const shaping = shapingNames(ordered)
  const known = new Map([...given].map(([name, tensor]) => [name, roleOf(name, tensor, statistics, shaping)]))
  const model = new OnnxModel({
    inputs,
    outputs: graph.outputs.map((each) => portOf(each, wrong)),
    opset,
    producer: [proto.producer, proto.producerVersion].filter((text) => text !== '').join(' '),
    metadata: Object.fromEntries(proto.metadata),
    nodes: ordered,
    known,
  })
  return model.eval()
}

/** Weights are trained, statistics kept; whole numbers, single numbers and what shapes the graph are constants. */
function roleOf(name: string, tensor: Tensor, statistics: ReadonlySet<string>, shaping: ReadonlySet<string>): Tensor {
  if (tensor.dtype !== 'float32' || tensor.rank === 0 || shaping.has(name)) return tensor
  return statistics.has(name) ? new Variable(tensor) : new Parameter(tensor)
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
function shapingNames(nodes: readonly Prepared[]): Set<string> {
  const names = new Set<string>()
  for (const { node } of [...nodes].reverse()) {
    const all = node.op !== 'Shape' && node.op !== 'Size' && node.outputs.some((name) => names.has(name))
    const places = Object.hasOwn(shapingInputs, node.op) ? shapingInputs[node.op] : []
    node.inputs.forEach((name, i) => {
      if (name !== '' && (all || places.includes(i))) names.add(name)
    })
  }
  return names
}

function checkModel(proto: ModelProto, wrong: Wrong): { graph: GraphProto; opset: number } {
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
  if (graph.sparse) wrong('initializers', 'sparse tensors', 'dense ones')
  const unknown = new Set<string>()
  for (const { op, domain, attributes } of graph.nodes) {
    const graphs = [...attributes.values()].some((attribute) => attribute.graph)
    if (domain !== '' || graphs || !Object.hasOwn(operators, op)) unknown.add(domain === '' ? op : `${domain}.${op}`)
  }
  if (unknown.size > 0) {
    const names = [...unknown].sort().map(shorten)
    wrong(
      'operators',
      names.slice(0, 20).join(', '),
      'operators that are supported',
      `Export the model without them. Supported are: ${Object.keys(operators).join(', ')}.`,
    )
  }
  if (graph.outputs.length === 0 || graph.outputs.some(({ name }) => name === ''))
    wrong('outputs', graph.outputs.length === 0 ? 'none' : 'one without a name', 'at least one, each with a name')
  return { graph, opset }
}

function portOf({ name, type, shape }: GraphProto['inputs'][number], wrong: Wrong): OnnxPort {
  const dtype =
    dtypeOf(type === 0 ? 1 : type) ??
    wrong(`'${name}'`, `type ${type}`, 'numbers of at most 64 bits', 'Convert the model to 32-bit types.')
  return { name, dtype, shape: shape?.map((n) => (typeof n === 'number' && n <= 0 ? undefined : n)) }
}

/** Nodes so that inputs come first, each value made once, and only those that the outputs need. */
function inOrder(nodes: readonly Prepared[], start: readonly string[], graph: GraphProto, wrong: Wrong): Prepared[] {
  const maker = new Map<string, Prepared>()
  const given = new Set(start)
  for (const prepared of nodes) {
    for (const name of prepared.node.outputs) {
      if (name === '') continue
      if (maker.has(name) || given.has(name)) wrong('graph', `'${name}' made twice`, 'each value once')
      maker.set(name, prepared)
    }
  }
  const done = new Set<Prepared>()
  const open = new Set<Prepared>()
  const ordered: Prepared[] = []
  // Without recursion: a chain of nodes may be longer than the stack.
  const pending: { prepared: Prepared; leaving: boolean }[] = []
  const want = (name: string): void => {
    if (name === '' || given.has(name)) return
    const prepared =
      maker.get(name) ?? wrong('graph', `'${name}', which nothing makes`, 'values of nodes, inputs or initializers')
    if (open.has(prepared)) wrong('graph', `'${name}' made from itself`, 'a graph without circles')
    if (!done.has(prepared)) pending.push({ prepared, leaving: false })
  }
  for (const { name } of graph.outputs) {
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
        for (const input of prepared.node.inputs) want(input)
      }
    }
  }
  return ordered
}

function externalFiles(source: Source, { files }: LoadOnnxOptions, wrong: Wrong): ExternalFiles {
  if (files) {
    return async (location) =>
      Object.hasOwn(files, location)
        ? files[location]
        : wrong(
            'data',
            `'${shorten(location)}'`,
            `one of ${Object.keys(files).join(', ')}`,
            'Pass the file in `files`.',
          )
  }
  if (typeof source === 'string') return filesIn(source.replace(/[^/\\]*$/, '').replace(/[/\\]$/, ''))
  return async (location) =>
    wrong(
      'data',
      `'${shorten(location)}', a file beside the model`,
      'its bytes',
      'Pass the path of the model, or { files }.',
    )
}
