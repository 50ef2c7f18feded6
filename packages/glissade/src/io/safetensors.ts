/**
 * The safetensors format: named tensors in one file, read without executing anything.
 *
 * A file is the length of the header as 8 bytes (little-endian), the header as JSON, and the data. The header says for
 * each name the type, the shape, and which bytes of the data are its own; together they must cover the data without
 * gap or overlap (https://github.com/huggingface/safetensors, "Format"). Nothing of a file is believed before it
 * is checked. Models in such files: model-file.ts.
 */
import { fail } from '../errors.ts'
import { sizeOf } from '../shape.ts'
import { fromArray, type Tensor } from '../tensor.ts'
import { type FileType, fileTypes, isFileType } from './file-types.ts'

/** What the header says of one tensor. */
export interface TensorEntry {
  readonly dtype: FileType
  readonly shape: readonly number[]
  /** First byte of the data, and the first after. */
  readonly from: number
  readonly to: number
}

export interface SafetensorsHeader {
  readonly entries: ReadonlyMap<string, TensorEntry>
  readonly metadata: Readonly<Record<string, string>>
  /** Where the data begins in the file. */
  readonly dataStart: number
}

const lengthBytes = 8
/** The limit of the format's own implementation. */
const longestHeader = 100_000_000
const metadataKey = '__metadata__'

/** Reads and checks the header of `bytes`. `file` is named in errors. Errors: `file-format`. */
export function readHeader(bytes: Uint8Array, file = 'safetensors data'): SafetensorsHeader {
  const wrong = (
    what: string,
    received: string,
    expected: string,
    fix = 'The file is damaged or not in this format; get it again.',
  ): never => fail('file-format', { file, what, received, expected, fix })
  if (bytes.length < lengthBytes) wrong('length', `${bytes.length} bytes`, `at least ${lengthBytes}: it is cut short`)
  const headerLength = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true)
  if (headerLength > longestHeader) wrong('length of the header', String(headerLength), `at most ${longestHeader}`)
  const dataStart = lengthBytes + Number(headerLength)
  if (dataStart > bytes.length)
    wrong('length', `${bytes.length} bytes`, `at least ${dataStart} for the header alone: it is cut short`)
  const text = bytes.subarray(lengthBytes, dataStart)
  const header = parseObject(text) ?? wrong('header', 'something else', 'a JSON object')
  const repeated = repeatedKey(new TextDecoder().decode(text))
  if (repeated !== undefined) wrong('header', `'${repeated}' twice`, 'each name once')
  const entries = new Map<string, TensorEntry>()
  let metadata: Record<string, string> = {}
  for (const [name, value] of Object.entries(header)) {
    if (name === metadataKey) {
      metadata = isTexts(value) ? value : wrong(metadataKey, JSON.stringify(value), 'an object of texts')
    } else entries.set(name, checkEntry(name, value, bytes.length - dataStart, wrong))
  }
  // In the order of their bytes each must begin where the one before ended, and the last end with the file.
  let end = 0
  for (const [name, { from, to }] of [...entries].sort(([, a], [, b]) => a.from - b.from || a.to - b.to)) {
    if (from !== end)
      wrong(`tensor ${name}: offsets`, `bytes ${from} to ${to}`, `to begin at ${end}: no gap and no overlap`)
    end = to
  }
  if (end !== bytes.length - dataStart)
    wrong('data', `${bytes.length - dataStart} bytes`, `${end}, as the tensors add up to`)
  return { entries, metadata, dataStart }
}

type Wrong = (what: string, received: string, expected: string, fix?: string) => never

function checkEntry(name: string, value: unknown, dataLength: number, wrong: Wrong): TensorEntry {
  const what = `tensor ${name}`
  const { dtype, shape, data_offsets: offsets } = (value ?? {}) as Record<string, unknown>
  if (!isFileType(dtype)) {
    return wrong(
      `${what}: dtype`,
      String(JSON.stringify(dtype)),
      Object.keys(fileTypes).join(', '),
      'Convert it to one of these types.',
    )
  }
  if (!isWholes(shape))
    return wrong(`${what}: shape`, String(JSON.stringify(shape)), 'a list of whole numbers, none negative')
  if (!isWholes(offsets) || offsets.length !== 2)
    return wrong(`${what}: offsets`, String(JSON.stringify(offsets)), 'two whole numbers')
  const [from, to] = offsets
  if (from > to || to > dataLength) {
    const cut = to > dataLength ? ': the file is cut short' : ''
    return wrong(`${what}: offsets`, `bytes ${from} to ${to} of ${dataLength}`, `a range inside the data${cut}`)
  }
  const size = sizeOf(shape) * fileTypes[dtype].bytes
  if (size !== to - from) wrong(`${what}: size`, `${to - from} bytes`, `${size} for ${dtype} [${shape.join(', ')}]`)
  return { dtype, shape, from, to }
}

function parseObject(bytes: Uint8Array): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
      ? (parsed as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}

/** A key that stands twice in one object of `json`, which is known to parse: JSON.parse would keep the last in silence. */
function repeatedKey(json: string): string | undefined {
  const open: Set<string>[] = []
  for (const [token, colon] of json.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?|[{}]/gs)) {
    if (token === '{') open.push(new Set())
    else if (token === '}') open.pop()
    else if (colon !== undefined) {
      const key = JSON.parse(token.slice(0, -colon.length)) as string
      const keys = open[open.length - 1]
      if (keys.has(key)) return key
      keys.add(key)
    }
  }
  return undefined
}

function isWholes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0)
}

function isTexts(value: unknown): value is Record<string, string> {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((text) => typeof text === 'string')
  )
}

/**
 * The tensors of a file's bytes. F16, BF16 and F64 become float32; I64 and the smaller whole numbers int32 (an error if
 * one does not fit). Errors: `file-format`.
 */
export function parseSafetensors(
  bytes: Uint8Array,
  file = 'safetensors data',
): { tensors: Record<string, Tensor>; metadata: Readonly<Record<string, string>> } {
  const { entries, metadata, dataStart } = readHeader(bytes, file)
  const tensors = [...entries].map(([name, { dtype, shape, from, to }]): [string, Tensor] => {
    const type = fileTypes[dtype]
    // A copy, as the place in the file may not suit a typed array. (Node's Buffer has a `slice` that makes none.)
    const data = type.read(new Uint8Array(bytes.subarray(dataStart + from, dataStart + to)), (value) =>
      fail('file-format', {
        file,
        what: `tensor ${name}`,
        received: `the number ${value}`,
        expected: 'whole numbers of 32 bits',
        fix: 'Save it as floats.',
      }),
    )
    return [name, fromArray(data, shape, type.dtype)]
  })
  return { tensors: Object.fromEntries(tensors), metadata }
}

/** The bytes of a file with these tensors. Names are free, but for '__metadata__'. */
export async function formatSafetensors(
  tensors: Readonly<Record<string, Tensor>>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<Uint8Array> {
  const header: [name: string, entry: unknown][] = Object.keys(metadata).length > 0 ? [[metadataKey, metadata]] : []
  const parts: Uint8Array[] = []
  let end = 0
  const written = Object.entries(tensors).map(([name, tensor]) => ({ name, tensor, type: typeOf(tensor) }))
  // Wide elements first: each tensor is then aligned to its own elements.
  written.sort((a, b) => fileTypes[b.type].bytes - fileTypes[a.type].bytes)
  for (const { name, tensor, type } of written) {
    if (name === metadataKey)
      fail('value-invalid', { what: 'name of a tensor', received: name, expected: 'another name', fix: 'Rename it.' })
    const data = await tensor.data()
    const bytes =
      tensor.dtype === 'bool' ? Uint8Array.from(data) : new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    header.push([name, { dtype: type, shape: tensor.shape, data_offsets: [end, end + bytes.length] }])
    parts.push(bytes)
    end += bytes.length
  }
  const text = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)))
  const padded = Math.ceil(text.length / lengthBytes) * lengthBytes
  const file = new Uint8Array(lengthBytes + padded + end)
  new DataView(file.buffer).setBigUint64(0, BigInt(padded), true)
  file.fill(0x20, lengthBytes, lengthBytes + padded) // spaces, which JSON ignores
  file.set(text, lengthBytes)
  let at = lengthBytes + padded
  for (const part of parts) {
    file.set(part, at)
    at += part.length
  }
  return file
}

function typeOf({ dtype }: Tensor): FileType {
  const types = { float32: 'F32', int32: 'I32', bool: 'BOOL', float64: 'F64' } as const
  return types[dtype]
}
