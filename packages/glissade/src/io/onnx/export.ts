/**
 * Models written as ONNX (opset 18), to run elsewhere: onnxruntime gives the same numbers.
 *
 * The model is traced in evaluation mode, and the traced graph of primitives is said in ONNX (exporters.ts). Weights
 * keep their names of the state dict, nodes begin with the path of their module. To leave the batch open the model is
 * traced for two batch sizes: what differs between the traces follows the batch.
 */
import type { DType, TypedArray } from '../../dtype.ts'
import { fail } from '../../errors.ts'
import { bodyOf, buildGraph, type Graph, type Node } from '../../graph/graph.ts'
import { runTrace, Trace, traceStarts } from '../../graph/trace.ts'
import type { Module } from '../../nn/module.ts'
import { leaf } from '../../ops/leaf.ts'
import type { Shape } from '../../shape.ts'
import { Tensor, type Variable } from '../../tensor.ts'
import { replaceFile } from '../files.ts'
import { Emitter, type Traced } from './emitter.ts'
import { exporters, notExported } from './exporters.ts'
import { type Dim, type OnnxValue, writeModel } from './write.ts'

/** An input: a tensor like those that will come, or its shape (float32), or both shape and type. */
export type OnnxExample = Tensor | Shape | { readonly shape: Shape; readonly dtype?: DType }

export interface ToOnnxOptions {
  /**
   * Leaves the size of the first axis open, of every input in which it is the same as in the first input. Default true.
   */
  readonly dynamicBatch?: boolean
  /** Default `input`, or `input_0`, `input_1` … */
  readonly inputNames?: readonly string[]
  /** Default `output`; for results in objects and lists, their keys. */
  readonly outputNames?: readonly string[]
  /** Texts to be kept in the file. */
  readonly metadata?: Readonly<Record<string, string>>
}

const opset = 18
/** The version of the file format that opset 18 came with. */
const irVersion = 8
/** Two batch sizes that tell a multiple of the batch from everything else. */
const batches = [5, 7] as const
/** Protocol buffers end here. */
const largestFile = 2 ** 31

interface Example {
  readonly shape: Shape
  readonly dtype: DType
}

/** A model traced for inputs of certain shapes. */
interface Traces {
  readonly graph: Graph
  readonly leaves: readonly Tensor[]
  readonly placeholders: readonly Tensor[]
  readonly variables: ReadonlyMap<Tensor, Variable>
  readonly supplied: ReadonlySet<Tensor>
  readonly outputs: readonly (readonly [name: string, place: number])[]
}

/**
 * The bytes of an ONNX model that computes `model.eval().forward(...inputs)`. Errors: `value-invalid` for what ONNX
 * cannot say, or not with an open batch; `package-missing` for pbf; those of forward.
 */
export async function toOnnx(
  model: Module,
  inputs: OnnxExample | readonly OnnxExample[],
  options: ToOnnxOptions = {},
): Promise<Uint8Array> {
  const { dynamicBatch = true, metadata = {} } = options
  const examples = examplesOf(inputs)
  const names = namesOf('inputNames', options.inputNames, examples.length, 'input')
  const open = dynamicBatch && examples.some(({ shape }) => shape.length > 0)
  if (dynamicBatch && !open) {
    fail('value-invalid', {
      what: 'toOnnx: dynamicBatch',
      received: 'inputs without axes',
      expected: 'an input with a batch',
      fix: 'Pass { dynamicBatch: false }.',
    })
  }
  const size = examples[0].shape[0]
  const follows = examples.map(({ shape }) => open && shape.length > 0 && shape[0] === size)
  const withBatch = (batch: number): Example[] =>
    examples.map((each, i) => (follows[i] ? { ...each, shape: [batch, ...each.shape.slice(1)] } : each))
  const first = traceModel(model, open ? withBatch(batches[0]) : examples)
  const second = open ? traceModel(model, withBatch(batches[1])) : undefined
  if (second) checkAlike(first.graph, second.graph)

  const emitter = new Emitter(open ? batches : undefined)
  const ports = first.placeholders.map((placeholder, i): OnnxValue => {
    const shape = placeholder.shape.map((n, axis): Dim => (follows[i] && axis === 0 ? { times: 1 } : n))
    return { name: emitter.unique(names[i]), dtype: placeholder.dtype, shape }
  })
  const traced = new Map<Node, Traced>(
    first.graph.nodes.map((node, i) => [node, { node, other: second?.graph.nodes[i] }]),
  )
  const results = first.graph.outputs.map((node) => traced.get(node) as Traced)
  const outputNames = options.outputNames
    ? namesOf('outputNames', options.outputNames, results.length, 'output')
    : first.outputs.map(([name]) => name)
  // Taken before the nodes' own names.
  const reserved = outputNames.map((name) => emitter.unique(name))
  emitter.batchSource = ports[follows.indexOf(true)]?.name ?? ''
  emitter.emit = (each, sources) => emitNode(emitter, each, sources)
  emitter.noteUsers(first.graph)
  const variableNames = new Map([...model.namedVariables()].map(([name, variable]) => [variable, name]))
  for (const node of first.graph.nodes) {
    if (node.op.kind === 'leaf') await emitLeaf(emitter, node, first, ports, variableNames)
    else
      emitNode(
        emitter,
        traced.get(node) as Traced,
        node.inputs.map((input) => traced.get(input) as Traced),
      )
  }
  emitter.path = ''
  const outputs = results.map((each, i): OnnxValue => {
    const name = reserved[i]
    emitter.nodes.push({
      op: 'Identity',
      name: emitter.unique('Identity'),
      inputs: [emitter.whole(each)],
      outputs: [name],
      attributes: {},
    })
    return { name, dtype: each.node.dtype, shape: emitter.shapeOf(each) }
  })
  const bytes = emitter.initializers.reduce((sum, { data }) => sum + data.byteLength, 0)
  if (bytes >= largestFile)
    fail('value-invalid', {
      what: 'toOnnx',
      received: `${bytes} bytes of weights`,
      expected: `less than ${largestFile}`,
      fix: 'Export parts of the model.',
    })
  return writeModel({
    opset,
    irVersion,
    producer: 'glissade',
    graphName: model.constructor.name,
    nodes: emitter.nodes,
    initializers: emitter.initializers,
    inputs: ports,
    outputs,
    metadata,
  })
}

/** Writes a model as an ONNX file: whole, or not at all. Errors: as toOnnx, and `file-format`. */
export async function saveOnnx(
  path: string,
  model: Module,
  inputs: OnnxExample | readonly OnnxExample[],
  options: ToOnnxOptions = {},
): Promise<void> {
  await replaceFile(path, await toOnnx(model, inputs, options))
}

function examplesOf(inputs: OnnxExample | readonly OnnxExample[]): Example[] {
  const isShape = (value: unknown): value is Shape => Array.isArray(value) && value.every((n) => typeof n === 'number')
  const list = Array.isArray(inputs) && !isShape(inputs) ? (inputs as readonly OnnxExample[]) : [inputs as OnnxExample]
  const examples = list.map((each): Example => {
    const example = isShape(each)
      ? { shape: each, dtype: 'float32' as const }
      : { shape: each?.shape, dtype: each?.dtype ?? 'float32' }
    const fine =
      isShape(example.shape) &&
      example.shape.every((n) => Number.isInteger(n) && n > 0) &&
      ['float32', 'int32', 'bool'].includes(example.dtype)
    return fine
      ? example
      : fail('value-invalid', {
          what: 'toOnnx: inputs',
          received: String(JSON.stringify(example)),
          expected: 'tensors or shapes of float32, int32 or bool, without axes of size 0',
          fix: 'Pass an example of each input.',
        })
  })
  if (examples.length > 0) return examples
  return fail('value-invalid', {
    what: 'toOnnx: inputs',
    received: 'none',
    expected: 'at least one',
    fix: 'Pass an example of each input.',
  })
}

function namesOf(what: string, given: readonly string[] | undefined, count: number, usual: string): readonly string[] {
  const names = given ?? (count === 1 ? [usual] : Array.from({ length: count }, (_, i) => `${usual}_${i}`))
  if (names.length === count && new Set(names).size === count && !names.includes('')) return names
  return fail('value-invalid', {
    what: `toOnnx: ${what}`,
    received: names.join(', '),
    expected: `${count} distinct names`,
    fix: 'Name each once.',
  })
}

/** Traces forward in evaluation mode, and leaves the model as it was. */
function traceModel(model: Module, examples: readonly Example[]): Traces {
  const modes = [...model.namedModules().values()].map((module) => [module, module.training] as const)
  const trace = new Trace()
  const placeholders: Tensor[] = []
  model.eval()
  try {
    const outputs = runTrace(trace, () => {
      for (const start of traceStarts) start(trace)
      for (const { shape, dtype } of examples) placeholders.push(new Tensor(leaf, [], {}, shape, dtype))
      const result = model.forward(...(placeholders as never[]))
      return [...tensorsOf(result, '')].map(([name, tensor]) => [name, tensor.current()] as const)
    })
    if (outputs.length === 0)
      fail('value-invalid', {
        what: 'toOnnx',
        received: 'a forward that gives no tensor',
        expected: 'tensors',
        fix: 'Return them from forward.',
      })
    const { graph, leaves } = buildGraph(outputs.map(([, tensor]) => tensor))
    return {
      graph,
      leaves,
      placeholders,
      variables: new Map([...trace.states].map(([variable, state]) => [state, variable])),
      supplied: new Set(trace.supplied.map(({ tensor }) => tensor)),
      outputs: outputs.map(([name], place) => [name, place]),
    }
  } finally {
    // Parents first: each sets all below it, which then set themselves.
    for (const [module, training] of modes) module.train(training)
  }
}

function* tensorsOf(value: unknown, name: string): Generator<[name: string, tensor: Tensor]> {
  if (value instanceof Tensor) yield [name === '' ? 'output' : name, value]
  else if (typeof value === 'object' && value !== null)
    for (const [key, each] of Object.entries(value))
      yield* tensorsOf(each, name === '' ? (Array.isArray(value) ? `output_${key}` : key) : `${name}.${key}`)
}

/** Two traces must be the same but for sizes. */
function checkAlike(a: Graph, b: Graph): void {
  const place = new Map<Node, number>([...a.nodes, ...b.nodes].map((node, i) => [node, i]))
  const apart = a.nodes.length
  const differs = a.nodes.findIndex((node, i) => {
    const other = b.nodes[i]
    if (node.op.name !== other?.op.name || node.inputs.length !== other.inputs.length) return true
    return node.inputs.some((input, k) => (place.get(input) as number) + apart !== place.get(other.inputs[k]))
  })
  if (a.nodes.length !== b.nodes.length || differs >= 0) {
    const where = a.nodes[Math.max(0, differs)]?.path
    fail('value-invalid', {
      what: 'toOnnx: dynamicBatch',
      received: `a forward that does other things for another batch size${where ? ` (in ${where})` : ''}`,
      expected: 'the same operations for every batch size',
      fix: 'Pass { dynamicBatch: false } to export it for one batch size.',
    })
  }
  a.nodes.forEach((node, i) => {
    const [own, other] = [bodyOf(node), bodyOf(b.nodes[i])]
    if (own && other) checkAlike(own.graph, other.graph)
  })
}

async function emitLeaf(
  emitter: Emitter,
  node: Node,
  traces: Traces,
  ports: readonly OnnxValue[],
  names: ReadonlyMap<Variable, string>,
): Promise<void> {
  const tensor = traces.leaves[node.attrs.argument as number]
  const place = traces.placeholders.indexOf(tensor)
  if (place >= 0) {
    emitter.set(node, { name: ports[place].name, shape: ports[place].shape })
    return
  }
  if (traces.supplied.has(tensor)) refuse(node, notExported.randomBits)
  const variable = traces.variables.get(tensor)
  const data: TypedArray = await (variable ?? tensor).data()
  if (tensor.dtype === 'float64') refuse(node, notExported.castToFloat64)
  const name = emitter.initializer(
    variable ? (names.get(variable) ?? 'variable') : 'constant',
    tensor.dtype,
    tensor.shape,
    data,
  )
  emitter.set(node, { name, shape: tensor.shape })
}

function emitNode(emitter: Emitter, traced: Traced, inputs: readonly Traced[]): void {
  const { node } = traced
  const { name } = node.op
  if (!Object.hasOwn(exporters, name)) refuse(node, notExported[name] ?? 'ONNX has no such operation')
  emitter.path = node.path
  emitter.set(node, exporters[name](emitter, traced, inputs))
}

function refuse({ op, path }: Node, reason: string): never {
  return fail('value-invalid', {
    what: `toOnnx: ${path === '' ? 'the model' : path}`,
    received: op.name,
    expected: 'operations that ONNX can say',
    fix: `It cannot be exported: ${reason}.`,
  })
}
