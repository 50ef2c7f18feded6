/**
 * Images from bytes: JPEG, PNG and WebP as [channels, height, width]; and PNG written.
 *
 * In Node the packages jpeg-js, fast-png and @jsquash/webp decode (image-decode.ts), in a page the browser itself. Sizes
 * are read and held against a limit first (image-header.ts). A page keeps colours less exactly the less opaque they are,
 * and JPEGs differ by a few 255ths between decoders. The orientation that cameras note is not applied, as in
 * torchvision. Whole folders: data.imageFolder; changes: data's image transforms.
 */
import { fail } from '../errors.ts'
import { refuse, sourceBytes, sourceName } from './bytes.ts'
import { hasFiles } from './files.ts'
import { decodeWithPackages } from './image-decode.ts'
import { imageHeader } from './image-header.ts'
import type { Source } from './model-file.ts'
import { isNdArray, type NdArray } from './nd-array.ts'
import { optionalPackage } from './packages.ts'

export interface ImageOptions {
  /** 1: grey; 3: red, green, blue; 4: with how opaque it is. Default 3, whatever the file has. */
  readonly channels?: 1 | 3 | 4
  /** 'unit': float32 from 0 to 1; 'bytes': int32 from 0 to 255. Default 'unit'. */
  readonly range?: 'unit' | 'bytes'
  /** The most pixels; default 2^26, 67 million. A small file can hold many, and fill the memory. */
  readonly pixelLimit?: number
}

/** Pixels as decoders give them: red, green, blue, opacity, row by row. */
export interface Pixels {
  readonly width: number
  readonly height: number
  readonly data: Uint8Array | Uint8ClampedArray | Uint16Array
  readonly channels: number
  /** The number that stands for full. */
  readonly most: number
}

const defaultPixelLimit = 2 ** 26

/** Reads an image. Errors: `data-missing`, `file-format`, `package-missing`. */
export async function loadImage(source: Source, options: ImageOptions = {}): Promise<NdArray> {
  return decodeImage(await sourceBytes(source), options, sourceName(source, 'image'))
}

/** The image in the bytes of a JPEG, PNG or WebP file: [channels, height, width]. Errors: as loadImage. */
export async function decodeImage(bytes: Uint8Array, options: ImageOptions = {}, file = 'image'): Promise<NdArray> {
  const { channels = 3, range = 'unit', pixelLimit = defaultPixelLimit } = options
  if (![1, 3, 4].includes(channels)) {
    const received = String(channels)
    fail('value-invalid', { what: 'decodeImage: channels', received, expected: '1, 3 or 4', fix: 'Change it.' })
  }
  const header = imageHeader(bytes, file)
  if (header.width * header.height > pixelLimit) {
    const received = `${header.width} by ${header.height}`
    refuse(file, 'size', received, `at most ${pixelLimit} pixels`, 'Raise pixelLimit if it is meant.')
  }
  const pixels = hasFiles() ? await decodeWithPackages(bytes, header, file) : await decodeInPage(bytes, file)
  if (pixels.width !== header.width || pixels.height !== header.height) {
    const received = `${pixels.width} by ${pixels.height} decoded`
    refuse(file, 'size', received, `${header.width} by ${header.height}`, 'Get the file again.')
  }
  return toPlanes(pixels, channels, range)
}

async function decodeInPage(bytes: Uint8Array, file: string): Promise<Pixels> {
  try {
    const bitmap = await createImageBitmap(new Blob([bytes as Uint8Array<ArrayBuffer>]), {
      imageOrientation: 'none',
      premultiplyAlpha: 'none',
      colorSpaceConversion: 'none',
    })
    const { width, height } = bitmap
    const context = new OffscreenCanvas(width, height).getContext('2d') as OffscreenCanvasRenderingContext2D
    context.drawImage(bitmap, 0, 0)
    bitmap.close()
    return { width, height, data: context.getImageData(0, 0, width, height).data, channels: 4, most: 255 }
  } catch (cause) {
    return refuse(file, 'content', (cause as Error).message, 'a whole image', 'It is damaged; get it again.', cause)
  }
}

/** How bright eyes find red, green and blue (ITU-R BT.601), in 65536ths, as Pillow rounds them. */
const weights = [19595, 38470, 7471] as const

/** Channels one after the other, each row by row. */
function toPlanes(pixels: Pixels, channels: 1 | 3 | 4, range: 'unit' | 'bytes'): NdArray {
  const { width, height, data, most, channels: has } = pixels
  const size = width * height
  const out = range === 'unit' ? new Float32Array(channels * size) : new Int32Array(channels * size)
  const scale = range === 'unit' ? (value: number) => value / most : (value: number) => Math.floor((value * 255) / most)
  const grey = has < 3
  for (let i = 0; i < size; i++) {
    const at = i * has
    if (channels === 1) {
      const value = grey
        ? data[at]
        : (data[at] * weights[0] + data[at + 1] * weights[1] + data[at + 2] * weights[2] + 0x8000) / 65536
      out[i] = scale(grey ? value : Math.floor(value))
      continue
    }
    for (let c = 0; c < 3; c++) out[c * size + i] = scale(data[grey ? at : at + c])
    if (channels === 4) out[3 * size + i] = scale(has % 2 === 0 ? data[at + has - 1] : most)
  }
  return { data: out, shape: [channels, height, width] }
}

/**
 * The bytes of a PNG. image: [1, 3 or 4, height, width], float32 from 0 to 1 or int32 from 0 to 255, beyond which it is
 * clipped. Errors: `shape-mismatch`, `package-missing`.
 */
export async function encodePng(image: NdArray): Promise<Uint8Array> {
  const fits = isNdArray(image) && image.shape.length === 3 && [1, 3, 4].includes(image.shape[0])
  if (!fits || image.data.length === 0) {
    const received = isNdArray(image) ? `[${image.shape.join(', ')}]` : typeof image
    fail('shape-mismatch', { op: 'encodePng', received, expected: '[1, 3 or 4, height, width]', fix: 'Reshape it.' })
  }
  const { encode } = await optionalPackage('fast-png', 'Writing PNG')
  const [channels, height, width] = image.shape
  const size = width * height
  const full = image.data instanceof Int32Array ? 1 : 255
  const data = new Uint8ClampedArray(channels * size)
  for (let c = 0; c < channels; c++) {
    // Clamped arrays round, and cut at 0 and 255.
    for (let i = 0; i < size; i++) data[i * channels + c] = image.data[c * size + i] * full
  }
  return encode({ width, height, channels, data, depth: 8 })
}
