/**
 * Named sets of images: MNIST and Fashion-MNIST in idx files, CIFAR-10 in its own binary format or as JPEGs, Omniglot's
 * small sets, and Quick, Draw! in files of NumPy. Facts: catalogue.ts.
 */
import { fail } from '../../errors.ts'
import { parseArchive } from '../../io/archive.ts'
import { refuse } from '../../io/bytes.ts'
import { environment, listFolder, pathKind, readFile } from '../../io/files.ts'
import { gunzip } from '../../io/gzip.ts'
import { parseIdx } from '../../io/idx.ts'
import { decodeImage } from '../../io/image.ts'
import { parseNpy } from '../../io/npy.ts'
import { checkWhole } from '../../ops/derived/common.ts'
import { fromArray, type Tensor } from '../../tensor.ts'
import { type Dataset, dataset } from '../dataset.ts'
import { facts, type SetFacts } from './catalogue.ts'
import { findFile, infoOf, type SetInfo, type SetOptions, setFile } from './locate.ts'
import { quickdrawFile, type SetFile } from './origins.ts'

/** x: float32 [N, channels, height, width] from 0 to 1, y: int32 [N]. */
export type ImageSet = Dataset<{ x: Tensor; y: Tensor }>

export interface ImageSets extends SetInfo {
  readonly train: ImageSet
  readonly test: ImageSet
  readonly classes: readonly string[]
}

/** Bytes as numbers from 0 to 1. A loop: `from` with a function takes twenty times as long on millions. */
function fromBytes(bytes: ArrayLike<number>): Float32Array {
  const out = new Float32Array(bytes.length)
  for (let i = 0; i < bytes.length; i++) out[i] = bytes[i] / 255
  return out
}

const digitNames = Array.from({ length: 10 }, (_, digit) => String(digit))
const clothes = [
  'T-shirt',
  'trouser',
  'pullover',
  'dress',
  'coat',
  'sandal',
  'shirt',
  'sneaker',
  'bag',
  'ankle boot',
] as const
const cifarNames = ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'] as const

/**
 * MNIST, complete: 60,000 and 10,000 handwritten digits. x: [N, 1, 28, 28] from 0 (paper) to 1 (ink). Errors:
 * `data-missing`, `file-format`, `download-failed`.
 */
export function mnist(options: SetOptions = {}): Promise<ImageSets> {
  return idxSets(facts.mnist, digitNames, options)
}

/** Fashion-MNIST: ten kinds of clothes in the format of MNIST. x: [N, 1, 28, 28]. Errors: as mnist. */
export function fashionMnist(options: SetOptions = {}): Promise<ImageSets> {
  return idxSets(facts.fashionMnist, clothes, options)
}

async function idxSets(about: SetFacts, classes: readonly string[], options: SetOptions): Promise<ImageSets> {
  const read = async (file: SetFile) => {
    const { bytes, path } = await setFile(about, file, options)
    return { path, ...parseIdx(bytes[0] === 0x1f ? await gunzip(bytes, { file: path }) : bytes, path) }
  }
  const part = async (images: SetFile, labels: SetFile): Promise<ImageSet> => {
    const [x, y] = [await read(images), await read(labels)]
    if (x.shape.length !== 3 || y.shape.length !== 1 || x.shape[0] !== y.shape[0]) {
      const received = `[${x.shape.join(', ')}] and [${y.shape.join(', ')}]`
      refuse(x.path, 'images and labels', received, '[N, height, width] and [N]', 'Get the files again.')
    }
    const odd = y.data.findIndex((label: number) => !(label >= 0 && label < classes.length))
    if (odd >= 0)
      refuse(y.path, `label ${odd}`, String(y.data[odd]), `0 to ${classes.length - 1}`, 'Get the file again.')
    const [count, height, width] = x.shape
    const pixels = fromBytes(x.data)
    return dataset({
      x: fromArray(pixels, [count, 1, height, width]),
      y: fromArray(Int32Array.from(y.data), [count]),
    })
  }
  const [trainImages, trainLabels, testImages, testLabels] = about.files
  const train = await part(trainImages, trainLabels)
  return { train, test: await part(testImages, testLabels), classes, ...infoOf(about) }
}

export interface CifarOptions extends SetOptions {
  /** At most so many images of each class in the training part, and a fifth of that in the test part. */
  readonly perClass?: number
}

/**
 * CIFAR-10. x: [N, 3, 32, 32] from 0 to 1. From a folder also as a copy in JPEG, which is lossy and takes half a minute
 * to decode; `notes` tell, and `lossy` is true then. Errors: as mnist.
 */
export async function cifar10(options: CifarOptions = {}): Promise<ImageSets & { readonly lossy: boolean }> {
  const about = facts.cifar10
  const [binary, jpeg] = about.files
  const perClass = checkWhole('cifar10: perClass', options.perClass ?? 5000, 1)
  const useJpeg =
    (await findFile(binary.path, options)) === undefined && (await findFile(jpeg.path, options)) !== undefined
  const { bytes, path } = await setFile(about, useJpeg ? jpeg : binary, options)
  const parts = useJpeg ? await cifarJpeg(bytes, path, perClass) : await cifarBinary(bytes, path, perClass)
  return { ...parts, classes: cifarNames, lossy: useJpeg, ...infoOf(about) }
}

const cifarPixels = 3 * 32 * 32

/** Gathers images of one part, each class up to its limit. */
class Gathered {
  readonly #x: Float32Array[] = []
  readonly #y: number[] = []
  readonly #limit: number
  readonly #counts: number[]

  constructor(limit: number, classes: number) {
    this.#limit = limit
    this.#counts = new Array<number>(classes).fill(0)
  }

  wants(label: number): boolean {
    return this.#counts[label] < this.#limit
  }

  add(pixels: Float32Array, label: number): void {
    this.#counts[label]++
    this.#x.push(pixels)
    this.#y.push(label)
  }

  dataset(shape: readonly number[]): ImageSet {
    const size = shape.reduce((a, b) => a * b, 1)
    const x = new Float32Array(this.#x.length * size)
    for (const [i, pixels] of this.#x.entries()) x.set(pixels, i * size)
    return dataset({
      x: fromArray(x, [this.#x.length, ...shape]),
      y: fromArray(Int32Array.from(this.#y), [this.#y.length]),
    })
  }
}

/** Files of 10,000 records: a label, then 1024 bytes each of red, green and blue. */
async function cifarBinary(bytes: Uint8Array, path: string, perClass: number): Promise<Parts> {
  const files = await parseArchive(bytes, { filter: (name) => name.endsWith('.bin') }, path)
  const train = new Gathered(perClass, cifarNames.length)
  const test = new Gathered(Math.ceil(perClass / 5), cifarNames.length)
  for (const name of [...files.keys()].sort()) {
    const data = files.get(name) as Uint8Array
    const into = name.includes('test') ? test : train
    const record = 1 + cifarPixels
    if (data.length % record !== 0)
      refuse(path, name, `${data.length} bytes`, `a multiple of ${record}`, 'Get it again.')
    for (let at = 0; at < data.length; at += record) {
      const label = data[at]
      if (label >= cifarNames.length) refuse(path, name, `label ${label}`, '0 to 9', 'Get the file again.')
      if (!into.wants(label)) continue
      into.add(fromBytes(data.subarray(at + 1, at + record)), label)
    }
  }
  return { train: train.dataset([3, 32, 32]), test: test.dataset([3, 32, 32]) }
}

interface Parts {
  readonly train: ImageSet
  readonly test: ImageSet
}

async function cifarJpeg(bytes: Uint8Array, path: string, perClass: number): Promise<Parts> {
  const files = await parseArchive(bytes, { filter: (name) => name.endsWith('.jpg') }, path)
  const train = new Gathered(perClass, cifarNames.length)
  const test = new Gathered(Math.ceil(perClass / 5), cifarNames.length)
  for (const name of [...files.keys()].sort()) {
    const [part, kind] = name.split('/').slice(-3)
    const label = cifarNames.indexOf(kind as (typeof cifarNames)[number])
    const into = part === 'test' ? test : train
    if (label < 0 || !into.wants(label)) continue
    const image = await decodeImage(files.get(name) as Uint8Array, {}, name)
    if (image.data.length !== cifarPixels)
      refuse(path, name, `[${image.shape.join(', ')}]`, '[3, 32, 32]', 'Get it again.')
    into.add(image.data as Float32Array, label)
  }
  return { train: train.dataset([3, 32, 32]), test: test.dataset([3, 32, 32]) }
}

export interface OmniglotOptions extends SetOptions {
  /** Which of the two small sets of five alphabets; default 1. */
  readonly part?: 1 | 2
}

/**
 * Omniglot's small sets, for learning from few examples. x: [N, 1, 105, 105] from 0 (paper) to 1 (ink); y: the
 * character. `alphabets[c]` is that of character c. `all` has every drawing: split by characters, not by drawings.
 */
export async function omniglot(
  options: OmniglotOptions = {},
): Promise<SetInfo & { all: ImageSet; classes: readonly string[]; alphabets: readonly string[] }> {
  const { part = 1 } = options
  const about = facts.omniglot
  const file = about.files[part - 1]
  if (!file)
    fail('value-invalid', { what: 'omniglot: part', received: String(part), expected: '1 or 2', fix: 'Change it.' })
  const { bytes, path } = await setFile(about, file, options)
  const files = await parseArchive(bytes, { filter: (name) => name.endsWith('.png') }, path)
  const classOf = (name: string): string => name.split('/').slice(-3, -1).join('/')
  const names = [...files.keys()].sort()
  const classes = [...new Set(names.map(classOf))]
  const gathered = new Gathered(Infinity, classes.length)
  for (const name of names) {
    const image = await decodeImage(files.get(name) as Uint8Array, { channels: 1 }, name)
    if (image.data.length !== 105 * 105)
      refuse(path, name, `[${image.shape.join(', ')}]`, '[1, 105, 105]', 'Get it again.')
    // White paper is 1 in the files.
    const ink = new Float32Array(image.data.length)
    for (let i = 0; i < ink.length; i++) ink[i] = 1 - image.data[i]
    gathered.add(ink, classes.indexOf(classOf(name)))
  }
  const alphabets = classes.map((name) => name.split('/')[0])
  return { all: gathered.dataset([1, 105, 105]), classes, alphabets, ...infoOf(about) }
}

export interface QuickdrawOptions extends SetOptions {
  /** The things drawn, such as ['cat', 'bowtie']: each a file of its own. */
  readonly classes: readonly string[]
  /** At most so many drawings of each; default 5,000. */
  readonly perClass?: number
}

const drawingPixels = 28 * 28
const testShare = 5

/**
 * Quick, Draw!: x: [N, 1, 28, 28] from 0 (paper) to 1 (ink). Files `cat.npy`, or pieces such as `cats1000.bin`, in the
 * folder or its folder `quickdraw`. Every fifth drawing is held out. Errors: as mnist.
 */
export async function quickdraw(options: QuickdrawOptions): Promise<ImageSets> {
  const { classes, perClass = 5000 } = options
  checkWhole('quickdraw: perClass', perClass, 1)
  if (!Array.isArray(classes) || classes.length === 0) {
    const received = classes === undefined ? 'no classes' : JSON.stringify(classes)
    fail('value-invalid', { what: 'quickdraw', received, expected: 'a list of things', fix: "{ classes: ['cat'] }." })
  }
  const train = new Gathered(Infinity, classes.length)
  const test = new Gathered(Infinity, classes.length)
  for (const [label, name] of classes.entries()) {
    const drawings = await drawingsOf(name, options)
    const count = Math.min(perClass, drawings.length / drawingPixels)
    for (let i = 0; i < count; i++) {
      const pixels = fromBytes(drawings.subarray(i * drawingPixels, (i + 1) * drawingPixels))
      const into = i % testShare === testShare - 1 ? test : train
      into.add(pixels, label)
    }
  }
  const shape = [1, 28, 28]
  return { train: train.dataset(shape), test: test.dataset(shape), classes, ...infoOf(facts.quickdraw) }
}

/** The bytes of all drawings of a class. */
async function drawingsOf(name: string, options: QuickdrawOptions): Promise<ArrayLike<number> & { subarray: Cut }> {
  const piece = await pieceOf(name, options)
  const { bytes, path } = piece ?? (await setFile(facts.quickdraw, quickdrawFile(name), options))
  const data = path.endsWith('.bin') ? bytes : await parseNpy(bytes, path).data()
  if (data.length === 0 || data.length % drawingPixels !== 0) {
    refuse(path, 'length', `${data.length} numbers`, `a multiple of ${drawingPixels}`, 'Get the file again.')
  }
  return data
}
type Cut = (from: number, to: number) => ArrayLike<number>

/** A file with a piece of a class: its name, perhaps an s, and a number. */
async function pieceOf(name: string, { folder }: SetOptions): Promise<{ bytes: Uint8Array; path: string } | undefined> {
  for (const root of [folder, environment('GLISSADE_DATA')]) {
    if (root === undefined) continue
    for (const place of [`${root}/quickdraw`, root]) {
      if ((await pathKind(place)) !== 'folder') continue
      const names = (await listFolder(place)).map((entry) => entry.name)
      const found = names.find((entry) => entry.startsWith(name) && /^s?\d+\.(npy|bin)$/.test(entry.slice(name.length)))
      if (found) return { bytes: await readFile(`${place}/${found}`), path: `${place}/${found}` }
    }
  }
  return undefined
}
