/**
 * PyTorch's files: what `torch.save` writes (.pt, .pth, .bin), in the zip format of 1.6 and after and in the legacy
 * one before, and plain pickles of tensors and NumPy arrays.
 *
 * Read only, and read safely: the pickle inside runs on a machine that knows a closed list of names (pickle/), nothing
 * of the file is executed, and what a file promises is checked before anything is allocated. Models that were saved
 * whole (`torch.save(model)`) or as TorchScript name their classes, and are refused; their state dicts are not.
 */
import { fail } from '../errors.ts'
import { sizeOf } from '../shape.ts'
import { Tensor } from '../tensor.ts'
import { type FileType, fileTypes } from './file-types.ts'
import type { Source } from './model-file.ts'
import {
  NumpyArray,
  Opaque,
  PickledStorage,
  PickledTensor,
  TypeName,
  tensorOf,
  torchLibrary,
} from './pickle/globals.ts'
import { Callable, runPickle } from './pickle/machine.ts'
import { readSource, type Wrong, wrongIn } from './source.ts'
import { isZip, readZip, type ZipEntry } from './zip.ts'

/** What a file holds: tensors, numbers and texts, in lists and plain objects. */
export type PtValue =
  | Tensor
  | number
  | bigint
  | string
  | boolean
  | null
  | Uint8Array
  | readonly PtValue[]
  | { readonly [key: string]: PtValue }

const format = 'PyTorch file'
/** The first number of a legacy file, and its version. */
const legacyMagic = 0x1950a86a20f9469cfc6cn
const legacyVersion = 1001
/** How deep lists and dicts may be nested. */
const deepest = 100
/** Elements that views may have beyond those in the file, before it is taken for a bomb. */
const spareElements = 2 ** 24

/** Reads a file of PyTorch. Errors: `data-missing`, `file-format`; `package-missing` if it is compressed. */
export async function loadPt(source: Source): Promise<PtValue> {
  const { bytes, file } = await readSource(source, 'PyTorch data')
  return parsePt(bytes, file)
}

/** What the bytes of a file hold. Errors: as loadPt. */
export async function parsePt(bytes: Uint8Array, file = 'PyTorch data'): Promise<PtValue> {
  const wrong = wrongIn(file, format)
  if (isZip(bytes)) return readArchive(bytes, file, wrong)
  // PyTorch before 0.1.10 wrote tar archives: their first header ends with this word.
  if (bytes.length > 262 && String.fromCharCode(...bytes.subarray(257, 262)) === 'ustar')
    wrong('format', 'a tar archive', 'a file of PyTorch 0.1.10 or later', 'Load and save it with a newer PyTorch.')
  return toPlain(readLegacy(bytes, wrong), bytes.length, wrong)
}

/** The zip format: `name/data.pkl`, and the storages as `name/data/0`, `name/data/1` … */
async function readArchive(bytes: Uint8Array, file: string, wrong: Wrong): Promise<PtValue> {
  const entries = readZip(bytes, file, format)
  const pickle = [...entries.keys()].find((name) => name === 'data.pkl' || name.endsWith('/data.pkl'))
  if (pickle === undefined) return wrong('archive', [...entries.keys()].slice(0, 5).join(', '), 'a file data.pkl')
  const folder = pickle.slice(0, -'data.pkl'.length)
  const order = entries.get(`${folder}byteorder`)
  const bigEndian = order !== undefined && new TextDecoder().decode(await order.read()).trim() === 'big'
  if (bigEndian) wrong('byte order', 'big', 'little', 'Load and save it on a machine of today.')
  const storages = new Map<string, { storage: PickledStorage; entry: ZipEntry }>()
  const library = torchLibrary(storageFromBytes, (id, refuse) => {
    const { key, type, length } = persistentId(id, refuse)
    const known = storages.get(key)
    if (known) return sameStorage(known.storage, type, length, refuse)
    const entry = entries.get(`${folder}data/${key}`)
    if (!entry) return refuse(`storage '${key}'`, 'no such file', `data/${key} in the archive`)
    if (entry.size !== length * fileTypes[type].bytes)
      refuse(`storage '${key}'`, `${entry.size} bytes`, `${length} of ${type}`)
    const storage = new PickledStorage(type, length)
    storages.set(key, { storage, entry })
    return storage
  })
  const data = await (entries.get(pickle) as ZipEntry).read()
  const { value } = runPickle(data, 0, library, wrong)
  for (const { storage, entry } of storages.values()) storage.bytes = await entry.read()
  return toPlain(value, bytes.length, wrong)
}

/** Pickles one after the other: magic, version, machine, the value, the keys of its storages; then their bytes. */
function readLegacy(
  bytes: Uint8Array,
  wrong: Wrong,
  loadBytes: (bytes: Uint8Array, wrong: Wrong) => PickledStorage = storageFromBytes,
): unknown {
  const storages = new Map<string, PickledStorage>()
  const library = torchLibrary(loadBytes, (id, refuse) => legacyStorage(id, storages, refuse))
  const first = runPickle(bytes, 0, library, wrong)
  if (first.value !== legacyMagic) {
    if (first.end !== bytes.length) wrong('length', `${bytes.length} bytes`, `${first.end}, where its pickle ends`)
    return first.value
  }
  let at = first.end
  const next = (): unknown => {
    const { value, end } = runPickle(bytes, at, library, wrong)
    at = end
    return value
  }
  const version = next()
  if (version !== legacyVersion)
    wrong('version', typeof version === 'number' ? String(version) : 'no number', String(legacyVersion))
  const machine = next()
  if (machine instanceof Map && machine.get('little_endian') === false)
    wrong('byte order', 'big', 'little', 'Load and save it on a machine of today.')
  const value = next()
  const keys = next()
  if (!Array.isArray(keys)) return wrong('storages', 'no list', 'their keys')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  for (const key of keys) {
    const storage = typeof key === 'string' ? storages.get(key) : undefined
    if (!storage?.type)
      return wrong('storages', typeof key === 'string' ? `'${key}'` : 'no text', 'a key that the pickle names')
    if (at + 8 > bytes.length) wrong('length', `${bytes.length} bytes`, `at least ${at + 8}: it is cut short`)
    const length = view.getBigInt64(at, true)
    if (length !== BigInt(storage.length)) wrong(`storage '${key}'`, `${length} elements`, `${storage.length}`)
    const size = storage.length * fileTypes[storage.type].bytes
    if (at + 8 + size > bytes.length)
      wrong('length', `${bytes.length} bytes`, `at least ${at + 8 + size}: it is cut short`)
    storage.bytes = bytes.subarray(at + 8, at + 8 + size)
    at += 8 + size
  }
  return value
}

/** `('storage', type, key, location, length)`, and in legacy files the view of another storage, or None. */
function persistentId(id: unknown, wrong: Wrong): { type: FileType; key: string; length: number; view: unknown } {
  if (!Array.isArray(id) || id[0] !== 'storage') return wrong('persistent id', 'something else', 'a storage')
  const [, kind, key, , length, view] = id
  if (!(kind instanceof TypeName) || !kind.type) return wrong('storage', 'an unknown type', 'a storage of PyTorch')
  if (typeof key !== 'string' || !Number.isSafeInteger(length) || length < 0)
    return wrong('storage', 'something else', 'a key and a length')
  return { type: kind.type, key, length, view }
}

function sameStorage(known: PickledStorage, type: FileType, length: number, wrong: Wrong): PickledStorage {
  if (known.type === type && known.length === length) return known
  return wrong('storage', `${length} of ${type}`, `${known.length} of ${known.type}, as before`)
}

function legacyStorage(id: unknown, storages: Map<string, PickledStorage>, wrong: Wrong): PickledStorage {
  const { type, key, length, view } = persistentId(id, wrong)
  let whole = storages.get(key)
  if (!whole) {
    whole = new PickledStorage(type, length)
    storages.set(key, whole)
  }
  if (view === null || view === undefined) return sameStorage(whole, type, length, wrong)
  const [, offset, size] = Array.isArray(view) ? view : []
  if (
    !Number.isSafeInteger(offset) ||
    !Number.isSafeInteger(size) ||
    offset < 0 ||
    size < 0 ||
    offset + size > whole.length
  )
    return wrong(`storage '${key}'`, 'a view outside it', `at most ${whole.length} elements`)
  const part = new PickledStorage(type, size)
  const width = fileTypes[type].bytes
  const from = whole
  Object.defineProperty(part, 'bytes', { get: () => from.bytes?.subarray(offset * width, (offset + size) * width) })
  return part
}

/** A storage that was pickled on its own, as a legacy file inside the pickle. */
function storageFromBytes(bytes: Uint8Array, wrong: Wrong): PickledStorage {
  if (isZip(bytes))
    return wrong('storage', 'a zip archive inside the pickle', 'a legacy file', 'Save it with torch.save.')
  // One level only: a file could else hold itself a thousand times over.
  const value = readLegacy(bytes, wrong, (_, refuse) =>
    refuse('storage', 'a file in a file in the pickle', 'one level'),
  )
  return value instanceof PickledStorage ? value : wrong('storage', 'something else', 'a storage')
}

/** Values of the machine as plain ones. A value that stands in two places stays one. */
function toPlain(root: unknown, fileSize: number, wrong: Wrong): PtValue {
  const made = new Map<unknown, PtValue>()
  const views = new Map<string, Tensor>()
  const numberOf = new Map<PickledStorage, number>()
  const open = new Set<unknown>()
  let elements = 0

  const tensor = (value: PickledTensor): Tensor => {
    const { storage, offset, shape, strides } = value
    if (!numberOf.has(storage)) numberOf.set(storage, numberOf.size)
    const key = [numberOf.get(storage), offset, `[${shape}]`, `[${strides}]`].join()
    const known = views.get(key)
    if (known) return known
    elements += sizeOf(shape)
    if (elements > fileSize + spareElements)
      wrong(
        'tensors',
        `${elements} elements in ${fileSize} bytes`,
        `at most ${fileSize + spareElements}`,
        'Save the tensors with .clone(), each with numbers of its own.',
      )
    const result = tensorOf(value, wrong)
    views.set(key, result)
    return result
  }
  const inside = (value: object, depth: number, body: () => PtValue): PtValue => {
    if (open.has(value)) wrong('pickle', 'a list or dict inside itself', 'a tree')
    if (depth > deepest) wrong('pickle', `a nesting of more than ${deepest}`, 'a shallower one')
    open.add(value)
    const result = body()
    open.delete(value)
    return result
  }
  const convert = (value: unknown, depth: number): PtValue => {
    if (value === null || ['number', 'bigint', 'string', 'boolean'].includes(typeof value)) return value as PtValue
    const known = made.get(value)
    if (known !== undefined) return known
    const result = convertObject(value as object, depth)
    made.set(value, result)
    return result
  }
  const convertObject = (value: object, depth: number): PtValue => {
    if (value instanceof PickledTensor) return tensor(value)
    if (value instanceof PickledStorage) return tensor(new PickledTensor(value, 0, [value.length], [1]))
    if (value instanceof NumpyArray) return value.tensor ?? wrong('array', 'no elements', 'elements')
    if (value instanceof Uint8Array) return value.slice()
    if (value instanceof TypeName) return value.name
    if (value instanceof Opaque) return value.text
    if (value instanceof Callable) return value.name
    if (Array.isArray(value)) return inside(value, depth, () => value.map((each) => convert(each, depth + 1)))
    if (value instanceof Set) return inside(value, depth, () => [...value].map((each) => convert(each, depth + 1)))
    if (value instanceof Map) {
      return inside(value, depth, () => {
        const entries = [...value].map(([key, each]) => [keyText(key, wrong), convert(each, depth + 1)] as const)
        if (new Set(entries.map(([key]) => key)).size !== entries.length)
          wrong('dict', 'two keys that are one text', 'distinct keys')
        return Object.fromEntries(entries)
      })
    }
    return wrong('pickle', 'a value without numbers', 'tensors, numbers, texts, lists and dicts')
  }
  return convert(root, 0)
}

function keyText(key: unknown, wrong: Wrong): string {
  if (typeof key === 'string') return key
  if (key === null || typeof key === 'number' || typeof key === 'bigint' || typeof key === 'boolean') return String(key)
  if (Array.isArray(key) && key.every((part) => typeof part === 'string' || typeof part === 'number'))
    return key.join(', ')
  return wrong('dict', 'a key that is no text and no number', 'texts')
}

/** Where checkpoints keep the weights, in the order in which they are looked for. */
const places = ['state_dict', 'model_state_dict', 'model', 'module', 'net', 'weights', 'params', 'generator', 'ema']
/** What wrappers put before every name: DataParallel, torch.compile. */
const wrappers = ['module.', '_orig_mod.']

const isObject = (value: PtValue | undefined): value is { readonly [key: string]: PtValue } =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  !(value instanceof Tensor) &&
  !(value instanceof Uint8Array)

/**
 * The tensors by name in what a file holds: the value itself if it is a dict of tensors, or what stands under
 * `state_dict`, `model_state_dict`, `model` and the like, or under `key`. What DataParallel and torch.compile put before
 * all names is taken off. Errors: `file-format`.
 */
export function stateDictOf(
  value: PtValue,
  { key, file = 'PyTorch data' }: { key?: string; file?: string } = {},
): Record<string, Tensor> {
  const wrong = wrongIn(file, format)
  if (!isObject(value))
    return wrong('state dict', Array.isArray(value) ? 'a list' : 'a single value', 'tensors by name')
  const names = key === undefined ? places : [key]
  if (key !== undefined && !Object.hasOwn(value, key)) fail('module-name', { name: key, known: Object.keys(value) })
  const inner = names.map((name) => (Object.hasOwn(value, name) ? value[name] : undefined)).find(isObject)
  if (inner) return stateDictOf(inner, { file })
  const own = Object.entries(value).filter((entry): entry is [string, Tensor] => entry[1] instanceof Tensor)
  if (key === undefined && own.length > 0) return unwrapped(own)
  return wrong(
    'state dict',
    `the keys ${Object.keys(value).slice(0, 12).join(', ')}`,
    'tensors by name',
    'Say under which key they are: stateDictOf(value, { key }).',
  )
}

function unwrapped(entries: readonly (readonly [string, Tensor])[]): Record<string, Tensor> {
  const wrapper = wrappers.find((each) => entries.every(([name]) => name.startsWith(each)))
  if (wrapper === undefined) return Object.fromEntries(entries)
  return unwrapped(entries.map(([name, tensor]) => [name.slice(wrapper.length), tensor]))
}

/** The state dict in a file of PyTorch: `loadPt` and `stateDictOf`. Errors: as those. */
export async function loadStateDict(source: Source, options: { key?: string } = {}): Promise<Record<string, Tensor>> {
  const file = typeof source === 'string' ? source : 'PyTorch data'
  return stateDictOf(await loadPt(source), { ...options, file })
}
