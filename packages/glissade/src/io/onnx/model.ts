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
import { filesBeside, readSource, shorten, type Wrong, wrongIn } from '../source.ts'
import { type Body, Call, isMade, toValue, type Value } from './call.ts'
import { operators } from './operators.ts'
import { checkModel, type PreparedGraph, type PreparedNode, prepareGraph, shapingNames } from './prepared.ts'
import { type GraphProto, readModel } from './proto.ts'
import { dtypeOf } from './tensors.ts'

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
  readonly #nodes: readonly PreparedNode[]
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

interface Parts {
  readonly inputs: readonly OnnxPort[]
  readonly outputs: readonly OnnxPort[]
  readonly opset: number
  readonly producer: string
  readonly metadata: Readonly<Record<string, string>>
  readonly nodes: readonly PreparedNode[]
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

function runNode(prepared: PreparedNode, opset: number, values: Map<string, Value>): void {
  const { node, constants, bodies, path } = prepared
  const inputs = node.inputs.map((name) => (name === '' ? undefined : values.get(name)))
  const graphs = new Map([...bodies].map(([name, body]) => [name, bodyFor(body, opset, values)]))
  const call = new Call(node, opset, inputs, constants, graphs)
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
  // What a graph inside names from outside is no input: such a node is never known.
  const known = bodies.size === 0 && inputs.every((input) => input === undefined || input.host !== undefined)
  node.outputs.forEach((name, i) => {
    if (name === '') return
    const result = results[i] ?? call.fail(`output ${i}`, `'${shorten(name)}'`, `at most ${results.length} outputs`)
    if (!(sizeOf(result.shape) <= largest))
      call.fail('output', `[${result.shape.join(', ')}]`, `at most ${largest} elements`)
    values.set(name, toValue(result, known || isMade(result, inputs)))
  })
}

/** A graph inside a node, which sees the values around it. */
function bodyFor({ nodes, inputs, outputs, given }: PreparedGraph, opset: number, around: Map<string, Value>): Body {
  return {
    inputs: inputs.length,
    run: (tensors) => {
      const values = new Map(around)
      for (const [name, tensor] of given) values.set(name, toValue(tensor, true))
      inputs.forEach((name, i) => {
        values.set(name, { tensor: tensors[i] })
      })
      for (const prepared of nodes) runNode(prepared, opset, values)
      return outputs.map((name) => (values.get(name) as Value).tensor)
    },
  }
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
  const files = filesBeside(source, options.files, wrong)
  const prepared = await prepareGraph(graph, new Set(), files, wrong)
  const { nodes, given } = prepared
  const statistics = new Set(
    nodes.filter(({ node }) => node.op === 'BatchNormalization').flatMap(({ node }) => node.inputs.slice(3, 5)),
  )
  const shaping = shapingNames(nodes)
  const known = new Map([...given].map(([name, tensor]) => [name, roleOf(name, tensor, statistics, shaping)]))
  const model = new OnnxModel({
    inputs: graph.inputs.filter(({ name }) => !given.has(name)).map((each) => portOf(each, wrong)),
    outputs: graph.outputs.map((each) => portOf(each, wrong)),
    opset,
    producer: [proto.producer, proto.producerVersion].filter((text) => text !== '').join(' '),
    metadata: Object.fromEntries(proto.metadata),
    nodes,
    known,
  })
  return model.eval()
}

/** Weights are trained, statistics kept; whole numbers, single numbers and what shapes the graph are constants. */
function roleOf(name: string, tensor: Tensor, statistics: ReadonlySet<string>, shaping: ReadonlySet<string>): Tensor {
  if (tensor.dtype !== 'float32' || tensor.rank === 0 || shaping.has(name)) return tensor
  return statistics.has(name) ? new Variable(tensor) : new Parameter(tensor)
}

function portOf({ name, type, shape }: GraphProto['inputs'][number], wrong: Wrong): OnnxPort {
  const dtype =
    dtypeOf(type === 0 ? 1 : type) ??
    wrong(`'${name}'`, `type ${type}`, 'numbers of at most 64 bits', 'Convert the model to 32-bit types.')
  return { name, dtype, shape: shape?.map((n) => (typeof n === 'number' && n <= 0 ? undefined : n)) }
}
