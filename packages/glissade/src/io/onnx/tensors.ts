/** ONNX's tensors: element types, and the numbers of a TensorProto wherever the file keeps them. */

import type { DType, TypedArray } from '../../dtype.ts'
import { type Shape, sizeOf } from '../../shape.ts'
import { fromArray, type Tensor } from '../../tensor.ts'
import { type FileType, fileTypes } from '../file-types.ts'
import { checkBeside, type FilesBeside, shorten, type Wrong } from '../source.ts'
import type { TensorProto } from './proto.ts'

/** TensorProto.DataType by number. */
export const onnxTypes: Readonly<Record<number, FileType>> = {
  1: 'F32',
  2: 'U8',
  3: 'I8',
  4: 'U16',
  5: 'I16',
  6: 'I32',
  7: 'I64',
  9: 'BOOL',
  10: 'F16',
  11: 'F64',
  12: 'U32',
  13: 'U64',
  16: 'BF16',
}

/** Our type of an ONNX one, or undefined. */
export function dtypeOf(type: number): DType | undefined {
  return Object.hasOwn(onnxTypes, type) ? fileTypes[onnxTypes[type]].dtype : undefined
}

/** The number of our types in ONNX; a float64 exists on the reference only. */
export const onnxNumber: Readonly<Record<DType, number>> = { float32: 1, int32: 6, bool: 9, float64: 11 }

/** Whole numbers of 64 bits at least as large mean "as far as it goes", as the end of a slice. */
const endless = 2 ** 62
const [least, most] = [-(2 ** 31), 2 ** 31 - 1]

/** The tensor of a proto. Errors: `file-format`. */
export async function toTensor(proto: TensorProto, files: FilesBeside, wrong: Wrong): Promise<Tensor> {
  const what = `tensor '${shorten(proto.name)}'`
  const shape = proto.dims
  if (!shape.every((n) => Number.isSafeInteger(n) && n >= 0))
    wrong(`${what}: shape`, `[${shape.join(', ')}]`, 'whole numbers, none negative')
  const type = Object.hasOwn(onnxTypes, proto.type) ? onnxTypes[proto.type] : undefined
  if (!type)
    return wrong(
      `${what}: type`,
      String(proto.type),
      `one of ${Object.keys(onnxTypes).join(', ')} (numbers of TensorProto.DataType)`,
      'Convert the model to 32-bit types.',
    )
  const bytes = proto.external.size > 0 ? await externalBytes(proto, files, what, wrong) : proto.raw
  if (bytes) return fromBytes(bytes, type, shape, what, wrong)
  return fromFields(proto, type, shape, what, wrong)
}

function fromBytes(bytes: Uint8Array, type: FileType, shape: Shape, what: string, wrong: Wrong): Tensor {
  const needed = sizeOf(shape) * fileTypes[type].bytes
  if (bytes.length !== needed) wrong(what, `${bytes.length} bytes`, `${needed} for ${type} [${shape.join(', ')}]`)
  const own = new Uint8Array(bytes)
  if (type === 'I64') {
    const wide = new BigInt64Array(own.buffer)
    return fromArray(
      Int32Array.from(wide, (value) => narrow(Number(value), what, wrong)),
      shape,
    )
  }
  const data = fileTypes[type].read(own, (value) => narrow(Number(value), what, wrong) as never)
  return fromArray(data, shape, fileTypes[type].dtype)
}

function narrow(value: number, what: string, wrong: Wrong): number {
  if (value >= least && value <= most) return value
  if (Math.abs(value) >= endless) return value < 0 ? least : most
  return wrong(what, `the number ${value}`, 'whole numbers of 32 bits', 'Convert the model to 32-bit types.')
}

/** Numbers in fields of the message, which newer files use for small tensors. */
function fromFields(proto: TensorProto, type: FileType, shape: Shape, what: string, wrong: Wrong): Tensor {
  const size = sizeOf(shape)
  const check = (list: readonly number[]): readonly number[] =>
    list.length === size ? list : wrong(what, `${list.length} numbers`, `${size} for [${shape.join(', ')}]`)
  const { dtype } = fileTypes[type]
  const make = (data: TypedArray): Tensor => fromArray(data, shape, dtype)
  if (type === 'F32') return make(Float32Array.from(check(proto.floats)))
  if (type === 'F64') return make(Float32Array.from(check(proto.doubles)))
  if (type === 'F16' || type === 'BF16') {
    const bits = Uint16Array.from(check(proto.int32s))
    return make(fileTypes[type].read(new Uint8Array(bits.buffer)))
  }
  const wide = type === 'I64' || type === 'U64' || type === 'U32'
  const list = check(wide ? proto.int64s : proto.int32s)
  if (type === 'BOOL') return make(Int32Array.from(list, (value) => Number(value !== 0)))
  return make(Int32Array.from(list, (value) => narrow(value, what, wrong)))
}

async function externalBytes(
  { external }: TensorProto,
  files: FilesBeside,
  what: string,
  wrong: Wrong,
): Promise<Uint8Array> {
  const location = external.get('location') ?? ''
  checkBeside(location, `${what}: location`, wrong)
  const bytes = await files(location)
  const whole = (key: string, otherwise: number): number => {
    const text = external.get(key)
    return text === undefined
      ? otherwise
      : /^\d{1,15}$/.test(text)
        ? Number(text)
        : wrong(`${what}: ${key}`, text, 'a whole number')
  }
  const offset = whole('offset', 0)
  const length = whole('length', bytes.length - offset)
  if (length < 0 || offset + length > bytes.length)
    wrong(what, `bytes ${offset} to ${offset + length} of ${location}`, `at most its ${bytes.length}: it is cut short`)
  return bytes.subarray(offset, offset + length)
}
