/**
 * NumPy's .npy and .npz files, both ways.
 *
 * An .npy file is a magic, a version, the length of the header, the header (a Python dict of three keys, read by a
 * small closed grammar and never evaluated), and the elements (NEP 1, and numpy.lib.format). An .npz file is a zip
 * archive of them. Both byte orders, Fortran order and versions 1 to 3 are read. What becomes what: f2, f4 and f8
 * float32; whole numbers int32 (an error where one does not fit); bool bool.
 */
import { fail } from '../errors.ts'
import { type Shape, sizeOf } from '../shape.ts'
import { fromArray, type Tensor } from '../tensor.ts'
import { type FileType, fileTypes } from './file-types.ts'
import { replaceFile } from './files.ts'
import type { Source } from './model-file.ts'
import { readSource, type Wrong, wrongIn } from './source.ts'
import { formatZip, readZip } from './zip.ts'

const magic = Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59) // \x93NUMPY
/** The most that a header of plain elements could need; NumPy's own limit is 10,000. */
const longestHeader = 100_000
/** NumPy's limit. */
const mostAxes = 64

/** NumPy's kind and size of an element, and ours. */
const elements: Readonly<Record<string, FileType>> = {
  f2: 'F16',
  f4: 'F32',
  f8: 'F64',
  i1: 'I8',
  i2: 'I16',
  i4: 'I32',
  i8: 'I64',
  u1: 'U8',
  u2: 'U16',
  u4: 'U32',
  u8: 'U64',
  b1: 'BOOL',
}

/** The element type that a NumPy description such as '<f4' means. */
export function elementOf(descr: unknown, wrong: Wrong): { type: FileType; bigEndian: boolean } {
  const parts = typeof descr === 'string' ? /^([<>|=]?)([a-zA-Z?])(\d*)$/.exec(descr) : null
  const name = parts ? (parts[2] === '?' ? 'b1' : parts[2] + parts[3]) : ''
  if (!Object.hasOwn(elements, name)) {
    const objects = parts?.[2] === 'O' ? ', which are pickles' : ''
    return wrong(
      'dtype',
      `${JSON.stringify(descr)}${objects}`,
      `one of ${Object.keys(elements).join(', ')}`,
      'Save it as plain numbers: array.astype("float32").',
    )
  }
  return { type: elements[name], bigEndian: parts?.[1] === '>' }
}

/** The elements of `bytes` as a tensor. `fortran`: the first axis is the innermost. */
export function elementsToTensor(
  bytes: Uint8Array,
  { type, bigEndian }: { type: FileType; bigEndian: boolean },
  shape: Shape,
  fortran: boolean,
  wrong: Wrong,
): Tensor {
  const reader = fileTypes[type]
  const own = new Uint8Array(bytes) // a copy: aligned, and free to be turned round
  if (bigEndian && reader.bytes > 1) swap(own, reader.bytes)
  const data = reader.read(own, (value) =>
    wrong('elements', `the number ${value}`, 'whole numbers of 32 bits', 'Save it as floats.'),
  )
  if (!fortran || shape.length < 2) return fromArray(data, shape, reader.dtype)
  return fromArray(data, [...shape].reverse(), reader.dtype).permute(...shape.map((_, axis) => shape.length - 1 - axis))
}

function swap(bytes: Uint8Array, width: number): void {
  for (let at = 0; at < bytes.length; at += width) bytes.subarray(at, at + width).reverse()
}

/** The tensor of an .npy file. Errors: `file-format`. */
export function parseNpy(bytes: Uint8Array, file = 'npy data'): Tensor {
  const wrong = wrongIn(file, '.npy file')
  const start = magic.length + 4
  if (bytes.length < start || !magic.every((byte, i) => bytes[i] === byte))
    wrong('first bytes', 'something else', '\\x93NUMPY')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const version = bytes[magic.length]
  if (version < 1 || version > 3) wrong('version', String(version), '1, 2 or 3')
  const wide = version > 1
  if (wide && bytes.length < start + 2) wrong('length', `${bytes.length} bytes`, 'a header: it is cut short')
  const length = wide ? view.getUint32(start - 2, true) : view.getUint16(start - 2, true)
  if (length > longestHeader) wrong('length of the header', String(length), `at most ${longestHeader}`)
  const from = start + (wide ? 2 : 0)
  if (from + length > bytes.length)
    wrong('length', `${bytes.length} bytes`, `at least ${from + length} for the header alone: it is cut short`)
  const text = new TextDecoder(version === 3 ? 'utf-8' : 'latin1').decode(bytes.subarray(from, from + length))
  const { descr, fortran, shape } = readHeader(text, wrong)
  const element = elementOf(descr, wrong)
  const needed = sizeOf(shape) * fileTypes[element.type].bytes
  const data = bytes.subarray(from + length)
  if (data.length !== needed) {
    const cut = data.length < needed ? ': the file is cut short' : ': there is more than one array in it'
    wrong('data', `${data.length} bytes`, `${needed} for ${String(descr)} [${shape.join(', ')}]${cut}`)
  }
  return elementsToTensor(data, element, shape, fortran, wrong)
}

/** The header: `{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }` and spaces. */
function readHeader(text: string, wrong: Wrong): { descr: unknown; fortran: boolean; shape: number[] } {
  const value = readLiteral(text, wrong)
  if (!(value instanceof Map)) return wrong('header', text, 'a Python dict')
  const [descr, fortran, shape] = ['descr', 'fortran_order', 'shape'].map((key) => value.get(key))
  if (value.size !== 3 || typeof fortran !== 'boolean' || !Array.isArray(shape))
    return wrong('header', text, "the keys 'descr', 'fortran_order' and 'shape'")
  const sizes = shape.filter((n): n is number => typeof n === 'number' && Number.isSafeInteger(n))
  if (shape.length > mostAxes || sizes.length < shape.length)
    return wrong('shape', text, `at most ${mostAxes} whole numbers`)
  return { descr, fortran, shape: sizes }
}

type Literal = string | number | boolean | Literal[] | Map<string, Literal>

/** One Python literal of dicts, tuples, lists, texts, whole numbers and booleans, and nothing after it. */
function readLiteral(text: string, wrong: Wrong): Literal {
  const tokens = text.match(/'[^'\\\n]*'|"[^"\\\n]*"|\d+L?|True|False|[{}()[\],:]|\S/g) ?? []
  let at = 0
  const refuse = (): never => wrong('header', text, 'a Python dict of texts, numbers, booleans and tuples')
  const expect = (token: string): void => void (tokens[at++] === token || refuse())
  const list = (close: string, depth: number): Literal[] => {
    const items: Literal[] = []
    while (tokens[at] !== close) {
      items.push(read(depth + 1))
      if (tokens[at] !== close) expect(',')
    }
    at++
    return items
  }
  const read = (depth: number): Literal => {
    const token = tokens[at++]
    if (token === undefined || depth > 8) return refuse()
    if (token === '(') return list(')', depth)
    if (token === '[') return list(']', depth)
    if (token === '{') {
      const map = new Map<string, Literal>()
      while (tokens[at] !== '}') {
        const key = read(depth + 1)
        if (typeof key !== 'string' || map.has(key)) return refuse()
        expect(':')
        map.set(key, read(depth + 1))
        if (tokens[at] !== '}') expect(',')
      }
      at++
      return map
    }
    if (token === 'True' || token === 'False') return token === 'True'
    if (/^\d/.test(token)) return Number.parseInt(token, 10)
    return token.length > 1 ? token.slice(1, -1) : refuse()
  }
  const value = read(0)
  return at === tokens.length ? value : refuse()
}

const descrOf = { float32: '<f4', float64: '<f8', int32: '<i4', bool: '|b1' } as const
/** NumPy wants the data at a multiple of this. */
const alignment = 64

/** The bytes of an .npy file with this tensor, in version 1. */
export async function formatNpy(tensor: Tensor): Promise<Uint8Array> {
  const data = await tensor.data()
  const sizes = tensor.shape.length === 1 ? `${tensor.shape[0]},` : tensor.shape.join(', ')
  const dict = `{'descr': '${descrOf[tensor.dtype]}', 'fortran_order': False, 'shape': (${sizes}), }`
  const start = magic.length + 4
  const length = Math.ceil((start + dict.length + 1) / alignment) * alignment - start
  const content =
    tensor.dtype === 'bool' ? Uint8Array.from(data) : new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  const bytes = new Uint8Array(start + length + content.length)
  bytes.set(magic)
  bytes[magic.length] = 1
  new DataView(bytes.buffer).setUint16(magic.length + 2, length, true)
  bytes.set(new TextEncoder().encode(`${dict.padEnd(length - 1)}\n`), start)
  bytes.set(content, start + length)
  return bytes
}

/** Reads an .npy file. Errors: `data-missing`, `file-format`. */
export async function loadNpy(source: Source): Promise<Tensor> {
  const { bytes, file } = await readSource(source, 'npy data')
  return parseNpy(bytes, file)
}

/** Writes an .npy file: whole, or not at all. */
export async function saveNpy(path: string, tensor: Tensor): Promise<void> {
  await replaceFile(path, await formatNpy(tensor))
}

/** The tensors of an .npz file by name. Errors: `file-format`; `package-missing` if compressed and fflate is absent. */
export async function parseNpz(bytes: Uint8Array, file = 'npz data'): Promise<Record<string, Tensor>> {
  const tensors: [string, Tensor][] = []
  for (const [path, entry] of readZip(bytes, file, '.npz file')) {
    const name = path.replace(/\.npy$/, '')
    tensors.push([name, parseNpy(await entry.read(), `${file}: ${name}`)])
  }
  return Object.fromEntries(tensors)
}

export interface NpzOptions {
  /** Deflate, by fflate; default false, as numpy.savez. */
  readonly compress?: boolean
}

/** The bytes of an .npz file with these tensors. */
export async function formatNpz(
  tensors: Readonly<Record<string, Tensor>>,
  { compress = false }: NpzOptions = {},
): Promise<Uint8Array> {
  const files = new Map<string, Uint8Array>()
  for (const [name, tensor] of Object.entries(tensors)) {
    if (name === '')
      fail('value-invalid', {
        what: 'name of a tensor',
        received: 'an empty text',
        expected: 'a name',
        fix: 'Rename it.',
      })
    files.set(`${name}.npy`, await formatNpy(tensor))
  }
  return formatZip(files, compress)
}

/** Reads an .npz file. Errors: `data-missing`, `file-format`, `package-missing`. */
export async function loadNpz(source: Source): Promise<Record<string, Tensor>> {
  const { bytes, file } = await readSource(source, 'npz data')
  return parseNpz(bytes, file)
}

/** Writes an .npz file: whole, or not at all. */
export async function saveNpz(
  path: string,
  tensors: Readonly<Record<string, Tensor>>,
  options?: NpzOptions,
): Promise<void> {
  await replaceFile(path, await formatNpz(tensors, options))
}
