/** ONNX's messages written: what proto.ts reads, as far as export.ts makes it. */
import type { DType, TypedArray } from '../../dtype.ts'
import { optionalPackage } from '../packages.ts'
import { onnxNumber } from './tensors.ts'

type PbfWriter = InstanceType<Awaited<ReturnType<typeof optionalPackage<'pbf'>>>['PbfWriter']>

/** A size: a number, or so many times the batch. */
export type Dim = number | { readonly times: number }

/** A graph inside a node: the body of a loop, which may name values of the graph around it. */
export interface OnnxBody {
  readonly name: string
  readonly nodes: readonly OnnxNode[]
  readonly inputs: readonly OnnxValue[]
  readonly outputs: readonly OnnxValue[]
}

export type AttributeValue =
  | number
  | string
  | readonly number[]
  | { readonly float: number }
  | { readonly body: OnnxBody }

export interface OnnxNode {
  readonly op: string
  readonly name: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attributes: Readonly<Record<string, AttributeValue>>
}

export interface OnnxInitializer {
  readonly name: string
  readonly dtype: DType | 'int64'
  readonly shape: readonly number[]
  readonly data: TypedArray | BigInt64Array
}

export interface OnnxValue {
  readonly name: string
  readonly dtype: DType
  readonly shape: readonly Dim[]
}

export interface OnnxFile {
  readonly opset: number
  readonly irVersion: number
  readonly producer: string
  readonly graphName: string
  readonly nodes: readonly OnnxNode[]
  readonly initializers: readonly OnnxInitializer[]
  readonly inputs: readonly OnnxValue[]
  readonly outputs: readonly OnnxValue[]
  readonly metadata: Readonly<Record<string, string>>
}

/** The numbers of AttributeProto.AttributeType. */
const attributeTypes = { float: 1, int: 2, string: 3, graph: 5, ints: 7 }
const int64Type = 7
/** What the unknown batch is called. */
export const batchName = 'batch'

export async function writeModel(file: OnnxFile): Promise<Uint8Array> {
  const { PbfWriter } = await optionalPackage('pbf', 'Writing ONNX')
  const pbf = new PbfWriter()
  varint(pbf, 1, file.irVersion)
  text(pbf, 2, file.producer)
  message(pbf, 7, () => {
    for (const node of file.nodes) message(pbf, 1, () => writeNode(pbf, node))
    text(pbf, 2, file.graphName)
    for (const each of file.initializers) message(pbf, 5, () => writeTensor(pbf, each))
    for (const each of file.inputs) message(pbf, 11, () => writeValue(pbf, each))
    for (const each of file.outputs) message(pbf, 12, () => writeValue(pbf, each))
  })
  message(pbf, 8, () => {
    text(pbf, 1, '')
    varint(pbf, 2, file.opset)
  })
  for (const [key, value] of Object.entries(file.metadata)) {
    message(pbf, 14, () => {
      text(pbf, 1, key)
      text(pbf, 2, value)
    })
  }
  return pbf.finish().slice()
}

const kinds = { varint: 0, bytes: 2, fixed32: 5 }

function varint(pbf: PbfWriter, tag: number, value: number): void {
  pbf.writeTag(tag, kinds.varint)
  pbf.writeVarint(value)
}

function text(pbf: PbfWriter, tag: number, value: string): void {
  pbf.writeTag(tag, kinds.bytes)
  pbf.writeString(value)
}

function bytes(pbf: PbfWriter, tag: number, value: Uint8Array): void {
  pbf.writeTag(tag, kinds.bytes)
  pbf.writeBytes(value)
}

function message(pbf: PbfWriter, tag: number, body: () => void): void {
  pbf.writeMessage(tag, () => body(), undefined)
}

function writeNode(pbf: PbfWriter, { op, name, inputs, outputs, attributes }: OnnxNode): void {
  for (const each of inputs) text(pbf, 1, each)
  for (const each of outputs) text(pbf, 2, each)
  text(pbf, 3, name)
  text(pbf, 4, op)
  for (const [key, value] of Object.entries(attributes)) message(pbf, 5, () => writeAttribute(pbf, key, value))
}

function writeAttribute(pbf: PbfWriter, name: string, value: AttributeValue): void {
  text(pbf, 1, name)
  if (typeof value === 'number') {
    varint(pbf, 3, value)
    varint(pbf, 20, attributeTypes.int)
  } else if (typeof value === 'string') {
    text(pbf, 4, value)
    varint(pbf, 20, attributeTypes.string)
  } else if ('float' in value) {
    pbf.writeTag(2, kinds.fixed32)
    pbf.writeFloat(value.float)
    varint(pbf, 20, attributeTypes.float)
  } else if ('body' in value) {
    message(pbf, 6, () => {
      for (const node of value.body.nodes) message(pbf, 1, () => writeNode(pbf, node))
      text(pbf, 2, value.body.name)
      for (const each of value.body.inputs) message(pbf, 11, () => writeValue(pbf, each))
      for (const each of value.body.outputs) message(pbf, 12, () => writeValue(pbf, each))
    })
    varint(pbf, 20, attributeTypes.graph)
  } else {
    for (const each of value) varint(pbf, 8, each)
    varint(pbf, 20, attributeTypes.ints)
  }
}

function writeTensor(pbf: PbfWriter, { name, dtype, shape, data }: OnnxInitializer): void {
  for (const n of shape) varint(pbf, 1, n)
  varint(pbf, 2, dtype === 'int64' ? int64Type : onnxNumber[dtype])
  text(pbf, 8, name)
  const raw =
    dtype === 'bool'
      ? Uint8Array.from(data as TypedArray)
      : new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  bytes(pbf, 9, raw)
}

function writeValue(pbf: PbfWriter, { name, dtype, shape }: OnnxValue): void {
  text(pbf, 1, name)
  message(pbf, 2, () =>
    message(pbf, 1, () => {
      varint(pbf, 1, onnxNumber[dtype])
      message(pbf, 2, () => {
        for (const n of shape)
          message(pbf, 1, () =>
            typeof n === 'number'
              ? varint(pbf, 1, n)
              : text(pbf, 2, n.times === 1 ? batchName : `${n.times}*${batchName}`),
          )
      })
    }),
  )
}
