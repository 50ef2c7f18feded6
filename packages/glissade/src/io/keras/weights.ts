/**
 * Where a Keras model's weights are: the shards of a tfjs model, or an HDF5 file in either of Keras's two layouts.
 *
 * Older files list weights by name under their layer; files of Keras 3 have them by place (`layers/dense_1/vars/0`).
 */
import { sizeOf } from '../../shape.ts'
import { fromArray, type Tensor } from '../../tensor.ts'
import { fileTypes, type Reader } from '../file-types.ts'
import { optionalPackage } from '../packages.ts'
import { checkBeside, type FilesBeside, shorten, type Wrong } from '../source.ts'
import { joinBytes } from '../zip.ts'
import { field, isObject, type Json, type JsonObject } from './config.ts'
import type { WeightSpec } from './layer.ts'

/** A layer in a model: the names of the models around it and its own, and its place in files of Keras 3. */
export interface Trail {
  readonly names: readonly string[]
  readonly place: string
}

export interface WeightSource {
  /** The tensors for `specs`, in their order; undefined where there is none. */
  find(trail: Trail, specs: readonly WeightSpec[]): readonly (Tensor | undefined)[]
  /** Whether the layer may have weights of its own here; those of a shared one stand at its first place. */
  knows(trail: Trail): boolean
}

/** Weights by names such as `lstm/lstm_cell/kernel:0`. */
class NamedWeights implements WeightSource {
  readonly #entries: readonly { readonly parts: readonly string[]; readonly tensor: Tensor }[]
  constructor(entries: readonly (readonly [name: string, tensor: Tensor])[]) {
    this.#entries = entries.map(([name, tensor]) => ({ parts: name.replace(/:\d+$/, '').split('/'), tensor }))
  }

  knows(): boolean {
    return true
  }

  find({ names }: Trail, specs: readonly WeightSpec[]): readonly (Tensor | undefined)[] {
    const own = names[names.length - 1]
    const under = this.#entries.filter(({ parts }) => parts.slice(0, -1).includes(own))
    const within = under.filter(({ parts }) => names.every((name) => parts.includes(name)))
    const mine = within.length >= specs.length ? within : under
    const named = specs.map(({ name, owner }) => {
      // `forward_kernel` is the kernel of what is called forward_….
      const [, side, plain] = /^(forward|backward)_(.*)$/.exec(name) ?? [undefined, undefined, name]
      const fits = mine.filter(
        ({ parts }) =>
          parts[parts.length - 1] === plain &&
          (side === undefined || parts.some((part) => part.startsWith(`${side}_`))),
      )
      return fits.length === 1 || (fits.length > 0 && owner === undefined) ? fits[0].tensor : undefined
    })
    if (named.every((tensor) => tensor !== undefined)) return named
    return mine.length === specs.length ? mine.map(({ tensor }) => tensor) : named
  }
}

// ---- tfjs ----

/** Types of tfjs weights that are numbers. */
const tfjsTypes = { float32: 'F32', int32: 'I32', bool: 'BOOL' } as const
const quantized = { uint8: 'U8', uint16: 'U16', float16: 'F16' } as const

/** The weights of a tfjs model: groups of shards, which together hold the tensors one after the other. */
export async function tfjsWeights(manifest: Json | undefined, files: FilesBeside, wrong: Wrong): Promise<WeightSource> {
  if (!Array.isArray(manifest)) return wrong('weightsManifest', 'none', 'a list of groups')
  const entries: [string, Tensor][] = []
  for (const group of manifest as readonly Json[]) {
    const [paths, weights] = [field(group, 'paths'), field(group, 'weights')]
    if (!Array.isArray(paths) || !Array.isArray(weights))
      return wrong('weightsManifest', 'something else', 'paths and weights')
    const parts: Uint8Array[] = []
    for (const path of paths as readonly Json[]) {
      if (typeof path !== 'string') return wrong('weightsManifest: paths', JSON.stringify(path), 'names of files')
      checkBeside(path, 'weightsManifest: paths', wrong)
      parts.push(await files(path))
    }
    const bytes = joinBytes(parts)
    let at = 0
    for (const weight of weights as readonly Json[]) {
      const { name, tensor, length } = readWeight(weight, bytes.subarray(at), wrong)
      entries.push([name, tensor])
      at += length
    }
    if (at !== bytes.length) wrong('weights', `${bytes.length} bytes`, `${at}, as the manifest says`)
  }
  return new NamedWeights(entries)
}

function readWeight(weight: Json, bytes: Uint8Array, wrong: Wrong): { name: string; tensor: Tensor; length: number } {
  const [name, shape, dtype] = [field(weight, 'name'), field(weight, 'shape'), field(weight, 'dtype')]
  const sizes =
    Array.isArray(shape) && shape.every((n) => Number.isSafeInteger(n) && (n as number) >= 0)
      ? (shape as number[])
      : undefined
  if (typeof name !== 'string' || !sizes)
    return wrong('weightsManifest', JSON.stringify(weight) ?? 'nothing', 'a name and a shape')
  const what = `weight '${shorten(name)}'`
  const quantization = field(weight, 'quantization')
  const stored = isObject(quantization) ? quantizedType(quantization, what, wrong) : undefined
  const plain =
    typeof dtype === 'string' && Object.hasOwn(tfjsTypes, dtype)
      ? tfjsTypes[dtype as keyof typeof tfjsTypes]
      : undefined
  if (!plain) return wrong(`${what}: dtype`, JSON.stringify(dtype) ?? 'nothing', Object.keys(tfjsTypes).join(', '))
  const type: Reader = fileTypes[stored?.type ?? plain]
  const length = sizeOf(sizes) * type.bytes
  if (!(length <= bytes.length))
    wrong(what, `${bytes.length} bytes`, `${length} for [${sizes.join(', ')}]: the shards are cut short`)
  const data = type.read(new Uint8Array(bytes.subarray(0, length)), (value) =>
    wrong(what, `the number ${value}`, 'numbers of 32 bits'),
  )
  if (!stored) return { name, tensor: fromArray(data, sizes, type.dtype), length }
  const numbers = Float32Array.from(data, (value) => value * stored.scale + stored.min)
  return {
    name,
    tensor:
      plain === 'F32' ? fromArray(numbers, sizes) : fromArray(Int32Array.from(numbers, Math.round), sizes, type.dtype),
    length,
  }
}

function quantizedType(
  quantization: JsonObject,
  what: string,
  wrong: Wrong,
): { type: 'U8' | 'U16' | 'F16'; scale: number; min: number } {
  const [dtype, scale = 1, min = 0] = [
    field(quantization, 'dtype'),
    field(quantization, 'scale'),
    field(quantization, 'min'),
  ]
  if (typeof dtype !== 'string' || !Object.hasOwn(quantized, dtype))
    return wrong(`${what}: quantization`, JSON.stringify(dtype) ?? 'nothing', Object.keys(quantized).join(', '))
  if (typeof scale !== 'number' || typeof min !== 'number')
    return wrong(`${what}: quantization`, 'no numbers', 'scale and min')
  return { type: quantized[dtype as keyof typeof quantized], scale, min }
}

// ---- HDF5 ----

type H5 = Awaited<ReturnType<typeof optionalPackage<'h5wasm'>>>
type H5File = InstanceType<H5['File']>

/** What an HDF5 file of Keras says: older ones the architecture too. */
export interface H5Model {
  readonly architecture: string | undefined
  readonly version: string
  readonly weights: WeightSource
}

let opened = 0

/** Reads a file in memory: it is put into the package's own file system, and taken out again. */
export async function readH5(bytes: Uint8Array, wrong: Wrong): Promise<H5Model> {
  const h5 = await optionalPackage('h5wasm', 'Reading HDF5')
  const { FS, activate_throwing_error_handler: throwErrors } = await h5.ready
  // Else the library prints what is wrong with a file, and goes on.
  throwErrors()
  const name = `glissade-${opened++}.h5`
  FS.writeFile(name, bytes)
  try {
    const file = new h5.File(name, 'r')
    try {
      return readKeras(file, wrong)
    } finally {
      file.close()
    }
  } catch (cause) {
    if ((cause as Error).name === 'GlissadeError') throw cause
    return wrong(
      'HDF5',
      shorten(String((cause as Error).message ?? cause)),
      'a file of Keras: it is damaged or cut short',
    )
  } finally {
    FS.unlink(name)
  }
}

/** A group of more weights, or nested deeper, is the work of a damaged file. */
const [mostEntries, deepest] = [20_000, 20]

function readKeras(file: H5File, wrong: Wrong): H5Model {
  const text = (key: string): string | undefined => {
    const value = file.attrs[key]?.value
    return typeof value === 'string' ? value : undefined
  }
  const tensors = new Map<string, Tensor>()
  const visit = (path: string, depth: number): void => {
    if (depth > deepest || tensors.size > mostEntries)
      wrong('HDF5', 'more groups than any model', `at most ${mostEntries}`)
    const entity = file.get(path === '' ? '/' : path)
    if (entity && 'keys' in entity && typeof entity.keys === 'function') {
      for (const key of entity.keys()) visit(path === '' ? key : `${path}/${key}`, depth + 1)
    } else if (entity && 'shape' in entity) {
      tensors.set(path, tensorOf(path, entity as unknown as Dataset, wrong))
    }
  }
  visit('', 0)
  const version = text('keras_version') ?? ''
  const root = file.get('model_weights') ? 'model_weights' : ''
  const layerNames = attributeOf(file.get(root === '' ? '/' : root), 'layer_names')
  if (!Array.isArray(layerNames))
    return { architecture: text('model_config'), version, weights: new PlacedWeights(tensors) }
  const entries: [string, Tensor][] = []
  for (const layer of layerNames.map(String)) {
    const group = root === '' ? layer : `${root}/${layer}`
    const names = attributeOf(file.get(group), 'weight_names')
    if (!Array.isArray(names)) continue
    for (const each of names.map(String)) {
      const tensor = tensors.get(`${group}/${each}`) ?? wrong(`weight '${shorten(each)}'`, 'nothing', 'its numbers')
      entries.push([`${layer}/${each}`, tensor])
    }
  }
  return { architecture: text('model_config'), version, weights: new NamedWeights(entries) }
}

/** An attribute of a group. */
function attributeOf(entity: unknown, name: string): unknown {
  const { attrs } = (entity ?? {}) as { attrs?: Readonly<Record<string, { readonly value: unknown } | undefined>> }
  return attrs?.[name]?.value
}

interface Dataset {
  readonly shape: readonly number[] | null
  readonly dtype: unknown
  readonly value: unknown
}

function tensorOf(path: string, { shape, dtype, value }: Dataset, wrong: Wrong): Tensor {
  const what = `'${shorten(path)}'`
  const numbers = typeof value === 'number' || typeof value === 'bigint' ? [value] : value
  const fine = Array.isArray(numbers) || (ArrayBuffer.isView(numbers) && !(numbers instanceof DataView))
  if (!fine || typeof dtype !== 'string' || !/^[<>|]?[fiub]/.test(dtype))
    return wrong(`${what}: type`, JSON.stringify(dtype) ?? 'nothing', 'numbers')
  const list = Array.from(numbers as ArrayLike<number | bigint>, Number)
  const sizes = [...(shape ?? [])]
  if (list.length !== sizeOf(sizes)) wrong(what, `${list.length} numbers`, `${sizeOf(sizes)} for [${sizes.join(', ')}]`)
  if (/f/.test(dtype)) return fromArray(Float32Array.from(list), sizes)
  return fromArray(Int32Array.from(list), sizes, 'int32')
}

/** Weights by place, as Keras 3 has them. */
class PlacedWeights implements WeightSource {
  readonly #tensors: ReadonlyMap<string, Tensor>
  constructor(tensors: ReadonlyMap<string, Tensor>) {
    this.#tensors = tensors
  }

  knows({ place }: Trail): boolean {
    return [...this.#tensors.keys()].some((path) => path.startsWith(`${place}/`))
  }

  find({ place }: Trail, specs: readonly WeightSpec[]): readonly (Tensor | undefined)[] {
    const used = new Map<string, number>()
    return specs.map(({ owner = '' }) => {
      const folder = [place, owner, 'vars'].filter((part) => part !== '').join('/')
      const i = used.get(folder) ?? 0
      used.set(folder, i + 1)
      return this.#tensors.get(`${folder}/${i}`)
    })
  }
}
