/**
 * The closed list of what a pickle may name: PyTorch's tensors and storages, NumPy's arrays, Python's containers.
 *
 * Each entry is a function of ours that checks its arguments and makes a value. Names that are not here are refused
 * by the machine (machine.ts), which says them. How a file holds the bytes of storages: ../pt.ts.
 */
import { type Shape, sizeOf, stridesOf } from '../../shape.ts'
import { fromArray, type Tensor } from '../../tensor.ts'
import { type FileType, fileTypes } from '../file-types.ts'
import { elementOf, elementsToTensor } from '../npy.ts'
import type { Wrong } from '../source.ts'
import { Callable, type Library } from './machine.ts'

/** A run of elements that tensors are views of. `bytes` may come after the pickle (legacy files). */
export class PickledStorage {
  readonly type: FileType | undefined
  readonly length: number
  bytes: Uint8Array | undefined
  constructor(type: FileType | undefined, length: number, bytes?: Uint8Array) {
    this.type = type
    this.length = length
    this.bytes = bytes
  }
}

/** A tensor as pickled: a view of a storage. It gets its numbers when the whole file has been read. */
export class PickledTensor {
  readonly storage: PickledStorage
  readonly offset: number
  readonly shape: Shape
  readonly strides: readonly number[]
  constructor(storage: PickledStorage, offset: number, shape: Shape, strides: readonly number[]) {
    this.storage = storage
    this.offset = offset
    this.shape = shape
    this.strides = strides
  }
}

/** The name of a type (`torch.float32`, `torch.FloatStorage`), which is a value only inside the pickle. */
export class TypeName {
  readonly name: string
  readonly type: FileType | undefined
  constructor(name: string, type?: FileType) {
    this.name = name
    this.type = type
  }
}

/** Something of the file that is known and has no numbers: a device, say. */
export class Opaque {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

const storageTypes: Readonly<Record<string, FileType | undefined>> = {
  FloatStorage: 'F32',
  DoubleStorage: 'F64',
  HalfStorage: 'F16',
  BFloat16Storage: 'BF16',
  LongStorage: 'I64',
  IntStorage: 'I32',
  ShortStorage: 'I16',
  CharStorage: 'I8',
  ByteStorage: 'U8',
  BoolStorage: 'BOOL',
  UntypedStorage: 'U8',
}

const dtypes: Readonly<Record<string, FileType | undefined>> = {
  float32: 'F32',
  float: 'F32',
  float64: 'F64',
  double: 'F64',
  float16: 'F16',
  half: 'F16',
  bfloat16: 'BF16',
  int64: 'I64',
  long: 'I64',
  int32: 'I32',
  int: 'I32',
  int16: 'I16',
  short: 'I16',
  int8: 'I8',
  uint8: 'U8',
  uint16: 'U16',
  uint32: 'U32',
  uint64: 'U64',
  bool: 'BOOL',
}

const mostAxes = 64

function wholes(value: unknown, what: string, wrong: Wrong): number[] {
  if (!Array.isArray(value) || value.length > mostAxes || !value.every((n) => Number.isSafeInteger(n) && n >= 0))
    return wrong(what, 'something else', `at most ${mostAxes} whole numbers, none negative`)
  return [...(value as number[])]
}

/** `_rebuild_tensor_v2(storage, storage_offset, size, stride, requires_grad, backward_hooks, metadata)` */
function rebuildTensor(args: readonly unknown[], wrong: Wrong): PickledTensor {
  const [storage, offset, size, stride] = args
  if (!(storage instanceof PickledStorage)) return wrong('tensor', 'no storage', 'a storage')
  return viewOf(storage, offset, size, stride, wrong)
}

/** Checks that the view lies inside its storage. */
function viewOf(storage: PickledStorage, offset: unknown, size: unknown, stride: unknown, wrong: Wrong): PickledTensor {
  const shape = wholes(size, 'tensor: size', wrong)
  const strides = wholes(stride, 'tensor: stride', wrong)
  const [start] = wholes([offset], 'tensor: offset', wrong)
  if (shape.length !== strides.length) wrong('tensor', `${shape.length} sizes and ${strides.length} strides`, 'as many')
  const last = start + shape.reduce((sum, n, axis) => sum + (n - 1) * strides[axis], 0)
  if (!shape.includes(0) && !(last < storage.length)) {
    wrong(
      'tensor',
      `[${shape.join(', ')}] with strides [${strides.join(', ')}] from ${start}`,
      `a view inside its storage of ${storage.length} elements`,
    )
  }
  return new PickledTensor(storage, start, shape, strides)
}

/** A NumPy dtype under construction: its state brings the byte order. */
class NumpyType {
  descr: string
  constructor(descr: string) {
    this.descr = descr
  }
  build(state: unknown): void {
    // (version, byte order, subtype, names, fields, …): only the order matters for plain types.
    const order = Array.isArray(state) ? state[1] : undefined
    if (typeof order === 'string' && /^[<>|=]$/.test(order)) this.descr = order + this.descr
  }
}

/** A NumPy array under construction. */
export class NumpyArray {
  tensor: Tensor | undefined
  build(state: unknown, wrong: Wrong): void {
    const [, shape, type, fortran, data] = Array.isArray(state) ? state : []
    this.tensor = arrayOf(data, type, shape, fortran === true, wrong)
  }
}

function arrayOf(data: unknown, type: unknown, shape: unknown, fortran: boolean, wrong: Wrong): Tensor {
  if (!(type instanceof NumpyType)) return wrong('array', 'no dtype', 'a NumPy dtype')
  const bytes = typeof data === 'string' ? fromLatin1(data, wrong) : data
  if (!(bytes instanceof Uint8Array))
    return wrong('array', 'elements that are objects', 'plain numbers', 'Save it as plain numbers.')
  const element = elementOf(type.descr, wrong)
  const sizes = wholes(shape, 'array: shape', wrong)
  const needed = sizeOf(sizes) * fileTypes[element.type].bytes
  if (bytes.length !== needed) wrong('array', `${bytes.length} bytes`, `${needed} for [${sizes.join(', ')}]`)
  return elementsToTensor(bytes, element, sizes, fortran, wrong)
}

function fromLatin1(text: string, wrong: Wrong): Uint8Array {
  const bytes = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    bytes[i] = code < 256 ? code : wrong('bytes', `the character U+${code.toString(16)}`, 'bytes written as latin-1')
  }
  return bytes
}

/** A NumPy scalar: a plain number. */
function scalar([type, data]: readonly unknown[], wrong: Wrong): number {
  const { storage } = arrayOf(data, type, [], false, wrong)
  return storage?.read()[0] ?? wrong('number', 'nothing', 'a number')
}

/** The list itself, not a copy: a file could else ask for a million copies of a long one. */
const sameList = ([list]: readonly unknown[]): unknown => (Array.isArray(list) ? list : [])

function pairsToMap([pairs]: readonly unknown[], wrong: Wrong): Map<unknown, unknown> {
  if (pairs instanceof Map) return pairs
  if (pairs === undefined) return new Map()
  if (!Array.isArray(pairs) || !pairs.every((pair) => Array.isArray(pair) && pair.length === 2))
    return wrong('dict', 'something else', 'pairs')
  return new Map(pairs as [unknown, unknown][])
}

const latin1Names = ['latin1', 'latin-1', 'iso-8859-1']

/** `loadBytes` reads a storage that was pickled as a file of its own (torch.storage._load_from_bytes). */
export function torchLibrary(
  loadBytes: (bytes: Uint8Array, wrong: Wrong) => unknown,
  persistent: Library['persistent'],
): Library {
  const functions: Record<string, (args: readonly unknown[], wrong: Wrong) => unknown> = {
    'collections.OrderedDict': pairsToMap,
    'collections.defaultdict': () => new Map(),
    'torch._utils._rebuild_tensor': rebuildTensor,
    'torch._utils._rebuild_tensor_v2': rebuildTensor,
    'torch._utils._rebuild_tensor_v3': ([storage, offset, size, stride, , , type], wrong) => {
      // Types without a storage class of their own (uint16 …) come as bytes and a dtype.
      if (!(storage instanceof PickledStorage) || !(type instanceof TypeName) || !type.type)
        return wrong('tensor', 'no storage', 'a storage and a dtype')
      const width = fileTypes[type.type].bytes
      const typed = new PickledStorage(type.type, Math.floor(storage.length / width))
      Object.defineProperty(typed, 'bytes', { get: () => storage.bytes })
      return viewOf(typed, offset, size, stride, wrong)
    },
    'torch._utils._rebuild_parameter': ([tensor], wrong) => tensorOnly(tensor, wrong),
    'torch._utils._rebuild_parameter_with_state': ([tensor], wrong) => tensorOnly(tensor, wrong),
    'torch._tensor._rebuild_from_type_v2': ([rebuild, , args], wrong) =>
      rebuild instanceof Callable && rebuild.name.startsWith('torch._utils._rebuild') && Array.isArray(args)
        ? rebuild.call(args, wrong)
        : wrong('tensor', 'a tensor of a type of its own', 'a plain tensor'),
    'torch.Size': sameList,
    'torch.device': (args) => new Opaque(args.filter((part) => typeof part !== 'object').join(':')),
    'torch.storage._load_from_bytes': ([bytes], wrong) =>
      bytes instanceof Uint8Array ? loadBytes(bytes, wrong) : wrong('storage', 'no bytes', 'bytes'),
    'numpy.core.multiarray._reconstruct': () => new NumpyArray(),
    'numpy.core.multiarray.scalar': scalar,
    'numpy.core.numeric._frombuffer': ([data, type, shape, order], wrong) => {
      const array = new NumpyArray()
      array.tensor = arrayOf(data, type, shape, order === 'F', wrong)
      return array
    },
    'numpy.dtype': ([descr], wrong) =>
      typeof descr === 'string' ? new NumpyType(descr) : wrong('dtype', 'no text', 'a text such as f4'),
    '_codecs.encode': ([text, encoding], wrong) =>
      typeof text === 'string' && typeof encoding === 'string' && latin1Names.includes(encoding)
        ? fromLatin1(text, wrong)
        : wrong('bytes', 'another encoding', 'latin-1'),
    'builtins.set': ([items]) => new Set(Array.isArray(items) ? items : []),
    'builtins.frozenset': ([items]) => new Set(Array.isArray(items) ? items : []),
    'builtins.list': sameList,
    'builtins.tuple': sameList,
    'builtins.dict': pairsToMap,
    'builtins.bytearray': ([data, encoding], wrong) => {
      if (data instanceof Uint8Array) return data
      if (data === undefined) return new Uint8Array()
      return typeof data === 'string' && typeof encoding === 'string' && latin1Names.includes(encoding)
        ? fromLatin1(data, wrong)
        : wrong('bytes', 'something else', 'bytes')
    },
  }
  const values = new Map<string, unknown>()
  for (const [name, call] of Object.entries(functions)) {
    const callable = new Callable(name, call)
    values.set(name, callable)
    // Python 2 and NumPy 2 have other names for the same.
    values.set(name.replace(/^builtins\./, '__builtin__.').replace(/^numpy\.core\./, 'numpy._core.'), callable)
  }
  for (const [name, type] of Object.entries(dtypes)) values.set(`torch.${name}`, new TypeName(`torch.${name}`, type))
  for (const [name, type] of Object.entries(storageTypes)) {
    values.set(`torch.${name}`, new TypeName(`torch.${name}`, type))
    values.set(`torch.storage.${name}`, new TypeName(`torch.${name}`, type))
  }
  for (const name of ['numpy.ndarray', 'torch.Tensor', 'torch.nn.parameter.Parameter', 'torch.nn.Parameter'])
    values.set(name, new TypeName(name))
  for (const name of ['int', 'float', 'bool', 'str', 'complex', 'object'])
    values.set(`builtins.${name}`, new TypeName(name))
  return { find: (module, name) => values.get(`${module}.${name}`), persistent }
}

function tensorOnly(value: unknown, wrong: Wrong): PickledTensor {
  return value instanceof PickledTensor ? value : wrong('parameter', 'something else', 'a tensor')
}

/** The numbers of a view, contiguous. Errors: `file-format`. */
export function tensorOf({ storage, offset, shape, strides }: PickledTensor, wrong: Wrong): Tensor {
  const type = storage.type
  if (!type) return wrong('storage', 'an unknown type', Object.keys(fileTypes).join(', '))
  const reader = fileTypes[type]
  const size = sizeOf(shape)
  const bytes = size === 0 ? new Uint8Array() : storage.bytes
  if (!bytes || (size > 0 && bytes.length < storage.length * reader.bytes))
    return wrong('storage', bytes ? `${bytes.length} bytes` : 'no data', `${storage.length * reader.bytes} bytes`)
  const from = offset * reader.bytes
  const refuse = (value: bigint | number): never =>
    wrong('tensor', `the number ${value}`, 'whole numbers of 32 bits', 'Save it as floats.')
  const plain = stridesOf(shape).every((stride, axis) => shape[axis] <= 1 || stride === strides[axis])
  if (plain)
    return fromArray(
      reader.read(new Uint8Array(bytes.subarray(from, from + size * reader.bytes)), refuse),
      shape,
      reader.dtype,
    )
  const packed = new Uint8Array(size * reader.bytes)
  const index = new Array<number>(shape.length).fill(0)
  let place = from
  for (let i = 0; i < size; i++) {
    for (let b = 0; b < reader.bytes; b++) packed[i * reader.bytes + b] = bytes[place + b]
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      place += strides[axis] * reader.bytes
      if (++index[axis] < shape[axis]) break
      place -= strides[axis] * shape[axis] * reader.bytes
      index[axis] = 0
    }
  }
  return fromArray(reader.read(packed, refuse), shape, reader.dtype)
}
