/**
 * Colours of images: normalizing, grey, jitter, and erasing of parts. Numbers from 0 to 1; formulas and defaults as in
 * torchvision (for tensors). Geometry: image-geometry.ts.
 */
import { fail } from '../errors.ts'
import type { NdArray } from '../io/nd-array.ts'
import type { Draws, Range } from './draws.ts'
import { checkRange } from './image-geometry.ts'
import { checkChance, type ImageTransform, imageShape, sameType, unitShape } from './image-transform.ts'

/** (x - mean) / std for each channel; one number stands for all. Errors: `shape-mismatch`, `value-invalid`. */
export function normalize(mean: number | readonly number[], std: number | readonly number[]): ImageTransform {
  const stds = typeof std === 'number' ? [std] : std
  if (stds.some((value) => !(value > 0))) {
    const received = stds.join(', ')
    fail('value-invalid', { what: 'normalize: std', received, expected: 'numbers above 0', fix: 'Check them.' })
  }
  const at = (list: number | readonly number[], channel: number): number =>
    typeof list === 'number' ? list : list[channel]
  return (image) => {
    const [channels, height, width] = imageShape('normalize', image)
    for (const list of [mean, std]) {
      if (typeof list === 'number' || list.length === channels) continue
      const received = `${list.length} numbers for ${channels} channels`
      fail('shape-mismatch', {
        op: 'normalize',
        received,
        expected: 'one for each, or one for all',
        fix: 'Check them.',
      })
    }
    const out =
      image.data instanceof Float64Array ? new Float64Array(image.data.length) : new Float32Array(image.data.length)
    const plane = height * width
    for (let c = 0; c < channels; c++) {
      for (let i = c * plane; i < (c + 1) * plane; i++) out[i] = (image.data[i] - at(mean, c)) / at(std, c)
    }
    return { data: out, shape: image.shape }
  }
}

/** The weights of red, green and blue in grey (ITU-R BT.601), as torchvision rounds them. */
const greyWeights = [0.2989, 0.587, 0.114] as const

/** How bright each pixel of [3, H, W] is, or the only channel of [1, H, W]. */
function greyOf(image: NdArray, channels: number, plane: number): Float64Array {
  const out = new Float64Array(plane)
  for (let i = 0; i < plane; i++) {
    out[i] =
      channels < 3
        ? image.data[i]
        : greyWeights[0] * image.data[i] +
          greyWeights[1] * image.data[plane + i] +
          greyWeights[2] * image.data[2 * plane + i]
  }
  return out
}

/** Without colour, in one channel, or the same in three. image: [3, H, W] → [channels, H, W]. */
export function grayscale(channels: 1 | 3 = 1): ImageTransform {
  return (image) => {
    const [has, height, width] = imageShape('grayscale', image)
    const plane = height * width
    const grey = greyOf(image, has, plane)
    const out = sameType(image, channels * plane)
    for (let c = 0; c < channels; c++) for (let i = 0; i < plane; i++) out[c * plane + i] = grey[i]
    return { data: out, shape: [channels, height, width] }
  }
}

/** Without colour, in as many channels, with probability p. */
export function randomGrayscale(p = 0.1): ImageTransform {
  checkChance('randomGrayscale', p)
  return (image, draws) => {
    const [channels] = imageShape('randomGrayscale', image)
    return draws.chance(p) ? grayscale(channels === 1 ? 1 : 3)(image, draws) : image
  }
}

const clamp = (value: number): number => (value < 0 ? 0 : value > 1 ? 1 : value)

/** factor · image + (1 - factor) · other, from 0 to 1. */
function blend(image: NdArray, other: (i: number) => number, factor: number): NdArray {
  const out = sameType(image, image.data.length)
  for (let i = 0; i < out.length; i++) out[i] = clamp(factor * image.data[i] + (1 - factor) * other(i))
  return { data: out, shape: image.shape }
}

/** 0 is black, 1 the image, 2 twice as bright. */
export function adjustBrightness(factor: number): ImageTransform {
  checkFactor('adjustBrightness', factor)
  return (image) => {
    unitShape('adjustBrightness', image)
    return blend(image, () => 0, factor)
  }
}

/** 0 is its mean grey everywhere, 1 the image. */
export function adjustContrast(factor: number): ImageTransform {
  checkFactor('adjustContrast', factor)
  return (image) => {
    const [channels, height, width] = unitShape('adjustContrast', image)
    const grey = greyOf(image, channels, height * width)
    const mean = grey.reduce((a, b) => a + b, 0) / grey.length
    return blend(image, () => mean, factor)
  }
}

/** 0 is grey, 1 the image. Images of one channel stay as they are. */
export function adjustSaturation(factor: number): ImageTransform {
  checkFactor('adjustSaturation', factor)
  return (image) => {
    const [channels, height, width] = unitShape('adjustSaturation', image)
    if (channels < 3) return image
    const plane = height * width
    const grey = greyOf(image, channels, plane)
    return blend(image, (i) => grey[i % plane], factor)
  }
}

/** The colours turned round the colour circle, of which 1 is the whole; -0.5 to 0.5. */
export function adjustHue(shift: number): ImageTransform {
  if (!(Math.abs(shift) <= 0.5)) {
    const received = String(shift)
    fail('value-invalid', { what: 'adjustHue', received, expected: '-0.5 to 0.5', fix: 'Change it.' })
  }
  return (image) => {
    const [channels, height, width] = unitShape('adjustHue', image)
    if (channels < 3) return image
    const plane = height * width
    const out = sameType(image, image.data.length)
    out.set(image.data)
    for (let i = 0; i < plane; i++) {
      const [r, g, b] = turnHue(image.data[i], image.data[plane + i], image.data[2 * plane + i], shift)
      out[i] = r
      out[plane + i] = g
      out[2 * plane + i] = b
    }
    return { data: out, shape: image.shape }
  }
}

function checkFactor(what: string, factor: number): void {
  if (factor >= 0 && factor < Infinity) return
  fail('value-invalid', { what, received: String(factor), expected: 'a factor of at least 0', fix: 'Change it.' })
}

/** To hue, saturation and value, the hue shifted, and back (A. R. Smith 1978). */
function turnHue(r: number, g: number, b: number, shift: number): [number, number, number] {
  const most = Math.max(r, g, b)
  const least = Math.min(r, g, b)
  const range = most - least
  if (range === 0) return [r, g, b]
  const sixth = most === r ? (g - b) / range : most === g ? 2 + (b - r) / range : 4 + (r - g) / range
  const hue = (((sixth / 6 + shift) % 1) + 1) % 1
  const saturation = range / most
  const section = Math.floor(hue * 6)
  const part = hue * 6 - section
  const p = clamp(most * (1 - saturation))
  const q = clamp(most * (1 - saturation * part))
  const t = clamp(most * (1 - saturation * (1 - part)))
  const colours: [number, number, number][] = [
    [most, t, p],
    [q, most, p],
    [p, most, t],
    [p, q, most],
    [t, p, most],
    [most, p, q],
  ]
  return colours[section % 6]
}

export interface ColorJitterOptions {
  /** A factor from [max(0, 1 - x), 1 + x], or from [low, high]. Default 0: none. */
  readonly brightness?: Range
  readonly contrast?: Range
  readonly saturation?: Range
  /** A shift from [-x, x], or from [low, high], within -0.5 to 0.5. */
  readonly hue?: Range
}

/** Brightness, contrast, saturation and hue changed by random amounts, in a random order. Errors: `value-invalid`. */
export function colorJitter(options: ColorJitterOptions): ImageTransform {
  const { brightness = 0, contrast = 0, saturation = 0, hue = 0 } = options
  const factor = (range: Range): readonly [number, number] =>
    typeof range === 'number' ? [Math.max(0, 1 - range), 1 + range] : range
  const shifts = typeof hue === 'number' ? ([-hue, hue] as const) : hue
  const parts: { make: (amount: number) => ImageTransform; range: readonly [number, number]; none: number }[] = [
    { make: adjustBrightness, range: factor(brightness), none: 1 },
    { make: adjustContrast, range: factor(contrast), none: 1 },
    { make: adjustSaturation, range: factor(saturation), none: 1 },
    { make: adjustHue, range: shifts, none: 0 },
  ]
  // Made once at both ends, so that a range that is out of bounds is refused now.
  for (const { make, range } of parts) for (const end of range) make(end)
  const used = parts.filter(({ range, none }) => range[0] !== none || range[1] !== none)
  return (image, draws) =>
    shuffled(used, draws).reduce((so, { make, range }) => make(draws.from(range))(so, draws), image)
}

function shuffled<T>(items: readonly T[], draws: Draws): T[] {
  const out = [...items]
  for (let i = out.length - 1; i > 0; i--) {
    const j = draws.int(i + 1)
    const moved = out[i]
    out[i] = out[j]
    out[j] = moved
  }
  return out
}

export interface RandomErasingOptions {
  /** How often; default 0.5. */
  readonly p?: number
  /** The share of the area; default [0.02, 0.33]. */
  readonly scale?: readonly [number, number]
  /** Width by height; default [0.3, 3.3]. */
  readonly ratio?: readonly [number, number]
  /** What stands there then: a number, or 'random' for noise. Default 0. */
  readonly value?: number | 'random'
}

const erasingAttempts = 10

/** A rectangle erased (Zhong et al. 2017); with one size and p = 1 it is cut-out (DeVries and Taylor 2017). */
export function randomErasing(options: RandomErasingOptions = {}): ImageTransform {
  const { p = 0.5, scale = [0.02, 0.33], ratio = [0.3, 3.3], value = 0 } = options
  checkChance('randomErasing', p)
  checkRange('randomErasing: scale', scale)
  checkRange('randomErasing: ratio', ratio)
  return (image, draws) => {
    const [, height, width] = imageShape('randomErasing', image)
    if (!draws.chance(p)) return image
    for (let attempt = 0; attempt < erasingAttempts; attempt++) {
      const area = height * width * draws.uniform(scale[0], scale[1])
      const shape = Math.exp(draws.uniform(Math.log(ratio[0]), Math.log(ratio[1])))
      const [h, w] = [Math.round(Math.sqrt(area / shape)), Math.round(Math.sqrt(area * shape))]
      if (h < 1 || w < 1 || h >= height || w >= width) continue
      return erase(image, draws.int(height - h + 1), draws.int(width - w + 1), h, w, value, draws)
    }
    return image
  }
}

/** A square of this side erased at a random place, of which a part may lie outside the image. */
export function cutout(side: number, { value = 0 }: { value?: number | 'random' } = {}): ImageTransform {
  if (!Number.isInteger(side) || side < 1) {
    fail('value-invalid', {
      what: 'cutout',
      received: String(side),
      expected: 'a whole number of pixels',
      fix: 'Change it.',
    })
  }
  return (image, draws) => {
    const [, height, width] = imageShape('cutout', image)
    const [top, left] = [draws.int(height) - (side >> 1), draws.int(width) - (side >> 1)]
    return erase(image, top, left, side, side, value, draws)
  }
}

function erase(
  image: NdArray,
  top: number,
  left: number,
  h: number,
  w: number,
  value: number | 'random',
  draws: Draws,
): NdArray {
  const [channels, height, width] = imageShape('randomErasing', image)
  const out = sameType(image, image.data.length)
  out.set(image.data)
  for (let c = 0; c < channels; c++) {
    for (let y = Math.max(0, top); y < Math.min(height, top + h); y++) {
      for (let x = Math.max(0, left); x < Math.min(width, left + w); x++) {
        out[(c * height + y) * width + x] = value === 'random' ? draws.normal() : value
      }
    }
  }
  return { data: out, shape: image.shape }
}
