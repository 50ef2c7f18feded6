/**
 * Where the nodes of an ONNX graph are put together while a traced graph is walked.
 *
 * Our graph says every repetition (`expand`), ONNX's elementwise operators repeat by themselves. So a value here may
 * have fewer elements than its node, if it repeats to its shape (`Emitted.shape`); it is spread out only where an
 * operator needs it whole. Sizes that follow the batch are worked out in the exported graph. Who walks: export.ts.
 */
import type { DType, TypedArray } from '../../dtype.ts'
import { fail } from '../../errors.ts'
import type { Graph, Node } from '../../graph/graph.ts'
import type { AttributeValue, Dim, OnnxInitializer, OnnxNode } from './write.ts'

export interface Emitted {
  readonly name: string
  /** Repeats to the node's shape; may have fewer axes. */
  readonly shape: readonly Dim[]
}

/** A node of the traced graph, and the same node for another batch size, where the batch is to stay open. */
export interface Traced {
  readonly node: Node
  readonly other: Node | undefined
}

export const isFixed = (dims: readonly Dim[]): dims is readonly number[] => dims.every((n) => typeof n === 'number')
export const sameDim = (a: Dim, b: Dim): boolean =>
  typeof a === 'number' || typeof b === 'number' ? a === b : a.times === b.times

/** The end of an axis, for slices. */
export const atEnd = 2 ** 31 - 1

export class Emitter {
  nodes: OnnxNode[] = []
  readonly initializers: OnnxInitializer[] = []
  readonly #names = new Set<string>()
  readonly #constants = new Map<string, string>()
  readonly #values = new Map<Node, Emitted>()
  readonly #whole = new Map<Node, string>()
  #dims = new Map<string, string>()
  readonly #batches: readonly [number, number] | undefined
  #path = ''
  /** An input whose first axis is the batch. */
  #batchSource = ''

  constructor(batches: readonly [number, number] | undefined) {
    this.#batches = batches
  }

  /** Emits a node of a graph inside; set by who walks the graph. */
  emit: (traced: Traced, inputs: readonly Traced[]) => void = () => {}
  /** The outputs of a loop that someone wants. */
  readonly #users = new Map<Node, Node[]>()

  usersOf(loop: Node): readonly Node[] {
    return this.#users.get(loop) ?? []
  }

  /** Notes who uses the loops of `graph`. */
  noteUsers(graph: Graph): void {
    for (const node of graph.nodes) {
      if (node.op.kind === 'output') this.#users.set(node.inputs[0], [...this.usersOf(node.inputs[0]), node])
    }
  }

  set batchSource(name: string) {
    this.#batchSource = name
  }

  /** Where in the model the nodes that follow belong. */
  set path(path: string) {
    this.#path = path
  }

  /** `wanted`, or with a number after it. */
  unique(wanted: string): string {
    let name = wanted
    for (let n = 1; this.#names.has(name); n++) name = `${wanted}_${n}`
    this.#names.add(name)
    return name
  }

  // ---- nodes and constants ----

  /** A node of several outputs, whose names it returns. */
  multiple(
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, AttributeValue>>,
    outputs: number,
  ): string[] {
    const name = this.unique(`${this.#path === '' ? '' : `${this.#path}/`}${op}`)
    const made = Array.from({ length: outputs }, (_, i) => this.unique(`${name}_output${i === 0 ? '' : `_${i}`}`))
    this.nodes.push({ op, name, inputs, outputs: made, attributes })
    return made
  }

  /** The nodes that `work` adds, which go into a graph of their own; sizes worked out there stay there. */
  inside(work: () => void): OnnxNode[] {
    const [nodes, dims] = [this.nodes, this.#dims]
    this.nodes = []
    this.#dims = new Map(dims)
    try {
      work()
      return this.nodes
    } finally {
      this.nodes = nodes
      this.#dims = dims
    }
  }

  /** A node of one output, whose name it returns. */
  op(op: string, inputs: readonly string[], attributes: Readonly<Record<string, AttributeValue>> = {}): string {
    return this.multiple(op, inputs, attributes, 1)[0]
  }

  initializer(
    wanted: string,
    dtype: DType | 'int64',
    shape: readonly number[],
    data: TypedArray | BigInt64Array,
  ): string {
    const name = this.unique(wanted)
    this.initializers.push({ name, dtype, shape, data })
    return name
  }

  #constant(key: string, make: () => string): string {
    const known = this.#constants.get(key)
    if (known !== undefined) return known
    const name = make()
    this.#constants.set(key, name)
    return name
  }

  /** int64 [n]: shapes, axes and the like. */
  ints(list: readonly number[]): string {
    return this.#constant(`ints ${list.join()}`, () =>
      this.initializer('sizes', 'int64', [list.length], BigInt64Array.from(list, BigInt)),
    )
  }

  /** int32, for looking up. */
  indices(list: readonly number[], shape: readonly number[]): string {
    return this.#constant(`indices ${list.join()} ${shape.join()}`, () =>
      this.initializer('indices', 'int32', shape, Int32Array.from(list)),
    )
  }

  scalar(value: number, dtype: DType): string {
    const text = Object.is(value, -0) ? '-0' : String(value)
    return this.#constant(`${dtype} ${text}`, () =>
      this.initializer('constant', dtype, [], dtype === 'float32' ? Float32Array.of(value) : Int32Array.of(value)),
    )
  }

  cast(name: string, to: DType): string {
    return this.op('Cast', [name], { to: { float32: 1, int32: 6, bool: 9, float64: 11 }[to] })
  }

  // ---- sizes ----

  /** What `a` is for any batch, given what it is for the two that were traced. */
  dim({ node }: Traced, a: number, b: number | undefined): Dim {
    if (b === undefined || a === b) return a
    const [first, second] = this.#batches as readonly [number, number]
    const times = a / first
    if (Number.isInteger(times) && times * second === b) return { times }
    return fail('value-invalid', {
      what: `toOnnx: ${node.path === '' ? node.op.name : node.path}`,
      received: `a size of ${a} for batch ${first} and ${b} for batch ${second}`,
      expected: 'a size that does not depend on the batch, or is a multiple of it',
      fix: 'Pass { dynamicBatch: false } to export it for one batch size.',
    })
  }

  dims(traced: Traced, a: readonly number[], b: readonly number[] | undefined): Dim[] {
    return a.map((n, i) => this.dim(traced, n, b?.[i]))
  }

  shapeOf(traced: Traced): Dim[] {
    return this.dims(traced, traced.node.shape, traced.other?.shape)
  }

  /** A number of an attribute, which must not depend on the batch. */
  fixed(traced: Traced, a: number, b: number | undefined): number {
    const dim = this.dim(traced, a, b)
    if (typeof dim === 'number') return dim
    return fail('value-invalid', {
      what: `toOnnx: ${traced.node.path === '' ? traced.node.op.name : traced.node.path}`,
      received: `${traced.node.op.name} along the batch`,
      expected: 'an operation that takes the samples of a batch as they are',
      fix: 'Pass { dynamicBatch: false } to export it for one batch size.',
    })
  }

  /** int64 [n] with these sizes. */
  sizes(dims: readonly Dim[]): string {
    if (isFixed(dims)) return this.ints(dims)
    const key = JSON.stringify(dims)
    const known = this.#dims.get(key)
    if (known !== undefined) return known
    const parts = dims.map((n) => (typeof n === 'number' ? this.ints([n]) : this.#batch(n.times)))
    const name = parts.length === 1 ? parts[0] : this.op('Concat', parts, { axis: 0 })
    this.#dims.set(key, name)
    return name
  }

  #batch(times: number): string {
    const key = `batch ${times}`
    const known = this.#dims.get(key)
    if (known !== undefined) return known
    const name =
      times === 1
        ? this.op('Shape', [this.#batchSource], { start: 0, end: 1 })
        : this.op('Mul', [this.#batch(1), this.ints([times])])
    this.#dims.set(key, name)
    return name
  }

  // ---- values ----

  set(node: Node, value: Emitted): void {
    this.#values.set(node, value)
  }

  /** The value as it is: it may repeat. */
  loose(node: Node): Emitted {
    return this.#values.get(node) as Emitted
  }

  /** The value with all elements of its node. */
  whole(traced: Traced): string {
    const value = this.loose(traced.node)
    const shape = this.shapeOf(traced)
    if (value.shape.length === shape.length && value.shape.every((n, i) => sameDim(n, shape[i]))) return value.name
    const known = this.#whole.get(traced.node)
    if (known !== undefined) return known
    const name = this.op('Expand', [value.name, this.sizes(shape)])
    this.#whole.set(traced.node, name)
    return name
  }

  /** The same elements under another shape. */
  reshape(name: string, shape: readonly Dim[]): string {
    const open = shape.filter((n) => typeof n !== 'number').length
    if (open === 1 && !shape.includes(0))
      return this.op('Reshape', [name, this.ints(shape.map((n) => (typeof n === 'number' ? n : -1)))])
    return this.op('Reshape', [name, this.sizes(shape)], { allowzero: 1 })
  }
}
