/**
 * ONNX's messages, as far as they are needed, read from protocol buffers (onnx.proto of ONNX 1.23, IR version 3 on).
 *
 * Each message has its own small reader, and each length is checked against the message around it, which the package
 * pbf does not do. Numbers of tensors: tensors.ts.
 */
import { optionalPackage } from '../packages.ts'
import { shorten, type Wrong } from '../source.ts'

type PbfReader = InstanceType<Awaited<ReturnType<typeof optionalPackage<'pbf'>>>['PbfReader']>

export interface TensorProto {
  dims: number[]
  type: number
  name: string
  floats: number[]
  int32s: number[]
  int64s: number[]
  doubles: number[]
  raw: Uint8Array | undefined
  /** location, offset and length of data in another file. */
  external: Map<string, string>
}

export interface Attribute {
  name: string
  f: number | undefined
  i: number | undefined
  s: string | undefined
  t: TensorProto | undefined
  floats: number[]
  ints: number[]
  strings: string[]
  g: GraphProto | undefined
  /** Whether it holds a list of graphs, which is not read. */
  graphs: boolean
}

export interface NodeProto {
  inputs: string[]
  outputs: string[]
  name: string
  op: string
  domain: string
  attributes: Map<string, Attribute>
}

/** An input or output: a tensor of an element type, each axis a size, a name, or unknown. */
export interface ValueInfo {
  name: string
  type: number
  shape: (number | string | undefined)[] | undefined
}

export interface GraphProto {
  name: string
  nodes: NodeProto[]
  initializers: TensorProto[]
  inputs: ValueInfo[]
  outputs: ValueInfo[]
  sparse: boolean
}

export interface ModelProto {
  irVersion: number
  producer: string
  producerVersion: string
  opsets: Map<string, number>
  graph: GraphProto | undefined
  metadata: Map<string, string>
  functions: number
}

/** Reads the message that `bytes` are. Errors: `file-format`, `package-missing`. */
export async function readModel(bytes: Uint8Array, wrong: Wrong): Promise<ModelProto> {
  const { PbfReader } = await optionalPackage('pbf', 'Reading ONNX')
  try {
    return readModelProto(new PbfReader(bytes), bytes.length, wrong)
  } catch (cause) {
    if ((cause as Error).name === 'GlissadeError') throw cause
    return wrong('message', shorten((cause as Error).message), 'protocol buffers: it is cut short or damaged')
  }
}

/** One field at a time; `end` is the first byte after the message. */
function fields(pbf: PbfReader, end: number, wrong: Wrong, read: (tag: number) => void): void {
  while (pbf.pos < end) {
    const tag = pbf.nextField(end)
    if (tag === 0) break
    read(tag)
  }
  // A field that was passed over may end outside too: the next turn moves past it.
  if (pbf.pos !== end)
    wrong('message', `a field that ends at byte ${pbf.pos}`, `at most ${end}: it is cut short or damaged`)
}

/** The end of the length-delimited field that begins here. */
function endOf(pbf: PbfReader, end: number, wrong: Wrong): number {
  const length = pbf.readVarint()
  if (pbf.pos + length > end)
    wrong('message', `a field of ${length} bytes`, `at most ${end - pbf.pos}: it is cut short or damaged`)
  return pbf.pos + length
}

function bytesOf(pbf: PbfReader, end: number, wrong: Wrong): Uint8Array {
  const stop = endOf(pbf, end, wrong)
  const bytes = pbf.buf.subarray(pbf.pos, stop)
  pbf.pos = stop
  return bytes
}

const textOf = (pbf: PbfReader, end: number, wrong: Wrong): string => new TextDecoder().decode(bytesOf(pbf, end, wrong))

/** Numbers one to a field, or packed into one. */
function numbersOf(pbf: PbfReader, end: number, wrong: Wrong, into: number[], one: () => number): void {
  const packed = 2
  if (pbf.type !== packed) {
    into.push(one())
    return
  }
  const stop = endOf(pbf, end, wrong)
  while (pbf.pos < stop) into.push(one())
  if (pbf.pos !== stop) wrong('message', 'a number cut in two', 'whole numbers')
}

function readModelProto(pbf: PbfReader, end: number, wrong: Wrong): ModelProto {
  const model: ModelProto = {
    irVersion: 0,
    producer: '',
    producerVersion: '',
    opsets: new Map(),
    graph: undefined,
    metadata: new Map(),
    functions: 0,
  }
  fields(pbf, end, wrong, (tag) => {
    if (tag === 1) model.irVersion = pbf.readVarint(true)
    else if (tag === 2) model.producer = textOf(pbf, end, wrong)
    else if (tag === 3) model.producerVersion = textOf(pbf, end, wrong)
    else if (tag === 7) model.graph = readGraph(pbf, endOf(pbf, end, wrong), wrong)
    else if (tag === 8) {
      let domain = ''
      let version = 0
      const stop = endOf(pbf, end, wrong)
      fields(pbf, stop, wrong, (inner) => {
        if (inner === 1) domain = textOf(pbf, stop, wrong)
        else if (inner === 2) version = pbf.readVarint(true)
      })
      model.opsets.set(domain === 'ai.onnx' ? '' : domain, version)
    } else if (tag === 14) readPair(pbf, endOf(pbf, end, wrong), wrong, model.metadata)
    else if (tag === 25) model.functions++
  })
  return model
}

function readPair(pbf: PbfReader, end: number, wrong: Wrong, into: Map<string, string>): void {
  let [key, value] = ['', '']
  fields(pbf, end, wrong, (tag) => {
    if (tag === 1) key = textOf(pbf, end, wrong)
    else if (tag === 2) value = textOf(pbf, end, wrong)
  })
  into.set(key, value)
}

/** Graphs in graphs in graphs are the work of a damaged file. */
const deepest = 8

function readGraph(pbf: PbfReader, end: number, wrong: Wrong, depth = 0): GraphProto {
  if (depth > deepest) wrong('graph', `graphs ${depth} deep`, `at most ${deepest}`)
  const graph: GraphProto = { name: '', nodes: [], initializers: [], inputs: [], outputs: [], sparse: false }
  fields(pbf, end, wrong, (tag) => {
    if (tag === 1) graph.nodes.push(readNode(pbf, endOf(pbf, end, wrong), wrong, depth))
    else if (tag === 2) graph.name = textOf(pbf, end, wrong)
    else if (tag === 5) graph.initializers.push(readTensor(pbf, endOf(pbf, end, wrong), wrong))
    else if (tag === 11) graph.inputs.push(readValueInfo(pbf, endOf(pbf, end, wrong), wrong))
    else if (tag === 12) graph.outputs.push(readValueInfo(pbf, endOf(pbf, end, wrong), wrong))
    else if (tag === 15) graph.sparse = true
  })
  return graph
}

function readNode(pbf: PbfReader, end: number, wrong: Wrong, depth: number): NodeProto {
  const node: NodeProto = { inputs: [], outputs: [], name: '', op: '', domain: '', attributes: new Map() }
  fields(pbf, end, wrong, (tag) => {
    if (tag === 1) node.inputs.push(textOf(pbf, end, wrong))
    else if (tag === 2) node.outputs.push(textOf(pbf, end, wrong))
    else if (tag === 3) node.name = textOf(pbf, end, wrong)
    else if (tag === 4) node.op = textOf(pbf, end, wrong)
    else if (tag === 5) {
      const attribute = readAttribute(pbf, endOf(pbf, end, wrong), wrong, depth)
      node.attributes.set(attribute.name, attribute)
    } else if (tag === 7) node.domain = textOf(pbf, end, wrong)
  })
  if (node.domain === 'ai.onnx') node.domain = ''
  return node
}

function readAttribute(pbf: PbfReader, end: number, wrong: Wrong, depth: number): Attribute {
  const attribute: Attribute = {
    name: '',
    f: undefined,
    i: undefined,
    s: undefined,
    t: undefined,
    floats: [],
    ints: [],
    strings: [],
    g: undefined,
    graphs: false,
  }
  fields(pbf, end, wrong, (tag) => {
    if (tag === 1) attribute.name = textOf(pbf, end, wrong)
    else if (tag === 2) attribute.f = pbf.readFloat()
    else if (tag === 3) attribute.i = pbf.readVarint(true)
    else if (tag === 4) attribute.s = textOf(pbf, end, wrong)
    else if (tag === 5) attribute.t = readTensor(pbf, endOf(pbf, end, wrong), wrong)
    else if (tag === 6) attribute.g = readGraph(pbf, endOf(pbf, end, wrong), wrong, depth + 1)
    else if (tag === 11) attribute.graphs = true
    else if (tag === 7) numbersOf(pbf, end, wrong, attribute.floats, () => pbf.readFloat())
    else if (tag === 8) numbersOf(pbf, end, wrong, attribute.ints, () => pbf.readVarint(true))
    else if (tag === 9) attribute.strings.push(textOf(pbf, end, wrong))
  })
  return attribute
}

function readTensor(pbf: PbfReader, end: number, wrong: Wrong): TensorProto {
  const tensor: TensorProto = {
    dims: [],
    type: 0,
    name: '',
    floats: [],
    int32s: [],
    int64s: [],
    doubles: [],
    raw: undefined,
    external: new Map(),
  }
  fields(pbf, end, wrong, (tag) => {
    if (tag === 1) numbersOf(pbf, end, wrong, tensor.dims, () => pbf.readVarint(true))
    else if (tag === 2) tensor.type = pbf.readVarint(true)
    else if (tag === 4) numbersOf(pbf, end, wrong, tensor.floats, () => pbf.readFloat())
    else if (tag === 5) numbersOf(pbf, end, wrong, tensor.int32s, () => pbf.readVarint(true))
    else if (tag === 7) numbersOf(pbf, end, wrong, tensor.int64s, () => pbf.readVarint(true))
    else if (tag === 8) tensor.name = textOf(pbf, end, wrong)
    else if (tag === 9) tensor.raw = bytesOf(pbf, end, wrong)
    else if (tag === 10) numbersOf(pbf, end, wrong, tensor.doubles, () => pbf.readDouble())
    else if (tag === 11) numbersOf(pbf, end, wrong, tensor.int64s, () => pbf.readVarint())
    else if (tag === 13) readPair(pbf, endOf(pbf, end, wrong), wrong, tensor.external)
  })
  return tensor
}

function readValueInfo(pbf: PbfReader, end: number, wrong: Wrong): ValueInfo {
  const info: ValueInfo = { name: '', type: 0, shape: undefined }
  fields(pbf, end, wrong, (tag) => {
    if (tag === 1) info.name = textOf(pbf, end, wrong)
    else if (tag === 2) {
      const type = endOf(pbf, end, wrong)
      fields(pbf, type, wrong, (kind) => {
        if (kind !== 1) return // sequences, maps and the like have no element type here
        const tensor = endOf(pbf, type, wrong)
        fields(pbf, tensor, wrong, (field) => {
          if (field === 1) info.type = pbf.readVarint(true)
          else if (field === 2) info.shape = readShape(pbf, endOf(pbf, tensor, wrong), wrong)
        })
      })
    }
  })
  return info
}

function readShape(pbf: PbfReader, end: number, wrong: Wrong): (number | string | undefined)[] {
  const shape: (number | string | undefined)[] = []
  fields(pbf, end, wrong, (tag) => {
    if (tag !== 1) return
    const stop = endOf(pbf, end, wrong)
    let size: number | string | undefined
    fields(pbf, stop, wrong, (inner) => {
      if (inner === 1) size = pbf.readVarint(true)
      else if (inner === 2) size = textOf(pbf, stop, wrong)
    })
    shape.push(size)
  })
  return shape
}
