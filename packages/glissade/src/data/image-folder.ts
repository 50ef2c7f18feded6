/**
 * Images in folders, one for each class: `photos/cat/1.jpg`, `photos/dog/7.png`. They are read when they are asked for,
 * so that the set may be larger than the memory. What changes them: image-transform.ts.
 */
import { fail } from '../errors.ts'
import { listFolder } from '../io/files.ts'
import { type ImageOptions, loadImage } from '../io/image.ts'
import type { NdArray } from '../io/nd-array.ts'
import { from, type Samples } from './samples.ts'

export interface ImageFolderOptions extends ImageOptions {
  /** The classes and their order; default: the names of the folders, sorted. */
  readonly classes?: readonly string[]
  /** Which files are images; default .jpg, .jpeg, .png and .webp. */
  readonly extensions?: readonly string[]
}

export interface FolderImage {
  /** [channels, height, width] */
  readonly x: NdArray
  /** The number of its class. */
  readonly y: number
}

export interface ImageFolder {
  readonly samples: Samples<FolderImage>
  readonly classes: readonly string[]
  /** The path of each sample, in the order of the samples. */
  readonly paths: readonly string[]
  /** The class of each sample: for weights, folds and splits, which need not read images. */
  readonly labels: Int32Array
}

const usualExtensions = ['.jpg', '.jpeg', '.png', '.webp']

/**
 * The images in the folders of a folder, and in folders within those; the outermost folder is the class.
 *
 * ```ts sketch
 * const { samples, classes } = await data.imageFolder('photos')
 * const ready = samples.map(({ x, y }, draws) => ({ x: augment(x, draws), y }))
 * for await (const { x, y } of ready.loader({ batchSize: 32, shuffle: true })) await step(x, y)
 * ```
 *
 * Errors: `data-missing`; and, when a sample is asked for, `file-format` and `package-missing`.
 */
export async function imageFolder(folder: string, options: ImageFolderOptions = {}): Promise<ImageFolder> {
  const { classes: named, extensions = usualExtensions, ...reading } = options
  const folders = (await listFolder(folder)).filter((entry) => entry.folder).map((entry) => entry.name)
  const classes = named ?? folders
  const absent = classes.filter((name) => !folders.includes(name))
  if (classes.length === 0 || absent.length > 0) {
    const looked = absent.length > 0 ? absent.map((name) => `${folder}/${name}`) : [folder]
    fail('data-missing', { what: 'A folder for each class', looked, fix: 'Put the images of each class into one.' })
  }
  const paths: string[] = []
  const labels: number[] = []
  for (const [label, name] of classes.entries()) {
    for (const path of await filesUnder(`${folder}/${name}`, extensions)) {
      paths.push(path)
      labels.push(label)
    }
  }
  if (paths.length === 0) {
    const fix = `Files that end in ${extensions.join(', ')} are read.`
    fail('data-missing', { what: 'Images', looked: [folder], fix })
  }
  const samples = from({
    length: paths.length,
    at: async (position: number): Promise<FolderImage> => ({
      x: await loadImage(paths[position], reading),
      y: labels[position],
    }),
  })
  return { samples, classes, paths, labels: Int32Array.from(labels) }
}

async function filesUnder(folder: string, extensions: readonly string[]): Promise<string[]> {
  const found: string[] = []
  for (const { name, folder: isFolder } of await listFolder(folder)) {
    const path = `${folder}/${name}`
    if (isFolder) found.push(...(await filesUnder(path, extensions)))
    else if (extensions.some((extension) => name.toLowerCase().endsWith(extension))) found.push(path)
  }
  return found
}
