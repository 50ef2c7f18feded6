/**
 * Crops, margins, flips, and random ones of each; names and defaults as in torchvision. Resizing and turning:
 * image-sampling.ts.
 */
import { fail } from '../errors.ts'
import type { NdArray } from '../io/nd-array.ts'
import type { Range } from './draws.ts'
import { type AffineOptions, affine, type Interpolation, resizeTo, rotate } from './image-sampling.ts'
import {
  checkChance,
  type ImageSize,
  type ImageTransform,
  imageShape,
  sameType,
  sizeOfImage,
} from './image-transform.ts'

/** One margin for all sides, [left and right, top and bottom], or [left, top, right, bottom]. */
export type Margins = number | readonly [number, number] | readonly [number, number, number, number]

export interface PadOptions {
  /** What stands in the margin; default 0. */
  readonly fill?: number
  /** 'constant': `fill`; 'edge': the outermost pixel; 'reflect': the image mirrored at it. Default 'constant'. */
  readonly mode?: 'constant' | 'edge' | 'reflect'
}

/** With a margin. image: [C, H, W] → [C, top + H + bottom, left + W + right]. Errors: `value-invalid`. */
export function pad(margins: Margins, { fill = 0, mode = 'constant' }: PadOptions = {}): ImageTransform {
  const [left, top, right, bottom] = sidesOf(margins)
  return (image) => {
    const [channels, height, width] = imageShape('pad', image)
    if (mode === 'reflect' && (Math.max(left, right) >= width || Math.max(top, bottom) >= height)) {
      const received = `margins of ${[left, top, right, bottom].join(', ')} for ${height} by ${width}`
      fail('value-invalid', { what: 'pad', received, expected: 'less than the image', fix: 'Use smaller ones.' })
    }
    const [toHeight, toWidth] = [top + height + bottom, left + width + right]
    const out = sameType(image, channels * toHeight * toWidth)
    for (let c = 0; c < channels; c++) {
      for (let y = 0; y < toHeight; y++) {
        const sy = sourceAt(y - top, height, mode)
        for (let x = 0; x < toWidth; x++) {
          const sx = sourceAt(x - left, width, mode)
          const inside = sx >= 0 && sy >= 0
          out[(c * toHeight + y) * toWidth + x] = inside ? image.data[(c * height + sy) * width + sx] : fill
        }
      }
    }
    return { data: out, shape: [channels, toHeight, toWidth] }
  }
}

function sidesOf(margins: Margins): readonly [left: number, top: number, right: number, bottom: number] {
  const list = typeof margins === 'number' ? [margins] : margins
  if (![1, 2, 4].includes(list.length) || !list.every((n) => Number.isInteger(n) && n >= 0)) {
    const received = JSON.stringify(margins)
    fail('value-invalid', { what: 'pad', received, expected: 'one, two or four whole margins', fix: 'Check them.' })
  }
  const [left, top = left, right = left, bottom = top] = list
  return [left, top, right, bottom]
}

/** Where a place of the padded image comes from; -1 for none. */
function sourceAt(at: number, size: number, mode: NonNullable<PadOptions['mode']>): number {
  if (at >= 0 && at < size) return at
  if (mode === 'constant') return -1
  if (mode === 'edge') return at < 0 ? 0 : size - 1
  return at < 0 ? -at : 2 * (size - 1) - at
}

/** The part from (top, left). Outside of the image stands `fill`. */
export function crop(image: NdArray, top: number, left: number, height: number, width: number, fill = 0): NdArray {
  const [channels, fromHeight, fromWidth] = imageShape('crop', image)
  const out = sameType(image, channels * height * width)
  if (fill !== 0) out.fill(fill)
  const [x0, x1] = [Math.max(0, left), Math.min(fromWidth, left + width)]
  for (let c = 0; c < channels && x1 > x0; c++) {
    for (let y = Math.max(0, top); y < Math.min(fromHeight, top + height); y++) {
      const row = (c * fromHeight + y) * fromWidth
      out.set(image.data.subarray(row + x0, row + x1), (c * height + y - top) * width + x0 - left)
    }
  }
  return { data: out, shape: [channels, height, width] }
}

/** The middle; smaller images get a margin of `fill`. image: [C, H, W] → [C, ...size]. */
export function centerCrop(size: ImageSize, { fill = 0 }: { fill?: number } = {}): ImageTransform {
  const [height, width] = sizeOfImage('centerCrop', size)
  return (image) => {
    const [, fromHeight, fromWidth] = imageShape('centerCrop', image)
    const [top, left] = [Math.round((fromHeight - height) / 2), Math.round((fromWidth - width) / 2)]
    return crop(image, top, left, height, width, fill)
  }
}

export interface RandomCropOptions extends PadOptions {
  /** A margin that is put around the image first. */
  readonly padding?: Margins
}

/** A part anywhere. Errors: `shape-mismatch` where the image, with its margin, is smaller. */
export function randomCrop(size: ImageSize, { padding, ...options }: RandomCropOptions = {}): ImageTransform {
  const [height, width] = sizeOfImage('randomCrop', size)
  const margin = padding === undefined ? undefined : pad(padding, options)
  return (image, draws) => {
    const padded = margin ? margin(image, draws) : image
    const [, fromHeight, fromWidth] = imageShape('randomCrop', padded)
    if (fromHeight < height || fromWidth < width) {
      fail('shape-mismatch', {
        op: 'randomCrop',
        received: `an image of ${fromHeight} by ${fromWidth}`,
        expected: `at least ${height} by ${width}`,
        fix: 'Resize it first, or pass { padding }.',
      })
    }
    const [top, left] = [draws.int(fromHeight - height + 1), draws.int(fromWidth - width + 1)]
    return crop(padded, top, left, height, width)
  }
}

export interface RandomResizedCropOptions {
  /** The share of the area; default [0.08, 1]. */
  readonly scale?: readonly [number, number]
  /** Width by height; default [3/4, 4/3]. */
  readonly ratio?: readonly [number, number]
  readonly interpolation?: Interpolation
}

/** A part of random size and shape, resized (Szegedy et al. 2014): the usual augmentation of photographs. */
export function randomResizedCrop(size: ImageSize, options: RandomResizedCropOptions = {}): ImageTransform {
  const [height, width] = sizeOfImage('randomResizedCrop', size)
  const { scale = [0.08, 1], ratio = [3 / 4, 4 / 3], interpolation = 'bilinear' } = options
  checkRange('randomResizedCrop: scale', scale)
  checkRange('randomResizedCrop: ratio', ratio)
  return (image, draws) => {
    const [, fromHeight, fromWidth] = imageShape('randomResizedCrop', image)
    const [w, h] = drawPart(fromHeight, fromWidth, scale, ratio, draws)
    const part = crop(image, draws.int(fromHeight - h + 1), draws.int(fromWidth - w + 1), h, w)
    return resizeTo(part, height, width, interpolation)
  }
}

const partAttempts = 10

/** Width and height of a part; where ten draws do not fit, the largest of an allowed shape. */
function drawPart(
  height: number,
  width: number,
  scale: readonly [number, number],
  ratio: readonly [number, number],
  draws: { uniform(low: number, high: number): number },
): [width: number, height: number] {
  for (let attempt = 0; attempt < partAttempts; attempt++) {
    const area = height * width * draws.uniform(scale[0], scale[1])
    const shape = Math.exp(draws.uniform(Math.log(ratio[0]), Math.log(ratio[1])))
    const [w, h] = [Math.round(Math.sqrt(area * shape)), Math.round(Math.sqrt(area / shape))]
    if (w >= 1 && h >= 1 && w <= width && h <= height) return [w, h]
  }
  const own = width / height
  if (own < ratio[0]) return [width, Math.min(height, Math.max(1, Math.round(width / ratio[0])))]
  if (own > ratio[1]) return [Math.min(width, Math.max(1, Math.round(height * ratio[1]))), height]
  return [width, height]
}

/** Errors: `value-invalid`. */
export function checkRange(what: string, [low, high]: readonly [number, number]): void {
  if (low > 0 && high >= low) return
  const received = `[${low}, ${high}]`
  fail('value-invalid', { what, received, expected: '[low, high] above 0', fix: 'Change it.' })
}

/** Left and right change places. */
export function horizontalFlip(): ImageTransform {
  return (image) => {
    const [channels, height, width] = imageShape('horizontalFlip', image)
    const out = sameType(image, image.data.length)
    for (let row = 0; row < channels * height * width; row += width) {
      for (let x = 0; x < width; x++) out[row + x] = image.data[row + width - 1 - x]
    }
    return { data: out, shape: image.shape }
  }
}

/** Top and bottom change places. */
export function verticalFlip(): ImageTransform {
  return (image) => {
    const [channels, height, width] = imageShape('verticalFlip', image)
    const out = sameType(image, image.data.length)
    for (let c = 0; c < channels; c++) {
      for (let y = 0; y < height; y++) {
        const from = (c * height + height - 1 - y) * width
        out.set(image.data.subarray(from, from + width), (c * height + y) * width)
      }
    }
    return { data: out, shape: image.shape }
  }
}

/** Flipped left to right with probability p. */
export function randomHorizontalFlip(p = 0.5): ImageTransform {
  checkChance('randomHorizontalFlip', p)
  const flip = horizontalFlip()
  return (image, draws) => (draws.chance(p) ? flip(image, draws) : image)
}

/** Flipped upside down with probability p. */
export function randomVerticalFlip(p = 0.5): ImageTransform {
  checkChance('randomVerticalFlip', p)
  const flip = verticalFlip()
  return (image, draws) => (draws.chance(p) ? flip(image, draws) : image)
}

/** Turned by an angle from `degrees`: [low, high], or a number for [-degrees, degrees]. */
export function randomRotation(
  degrees: Range,
  options: Pick<AffineOptions, 'interpolation' | 'fill'> = {},
): ImageTransform {
  const range = typeof degrees === 'number' ? ([-degrees, degrees] as const) : degrees
  return (image, draws) => rotate(draws.from(range), options)(image, draws)
}

export interface RandomAffineOptions extends Pick<AffineOptions, 'interpolation' | 'fill'> {
  /** A number stands for [-degrees, degrees]. */
  readonly degrees: Range
  /** The furthest move, as shares of width and height; default none. */
  readonly translate?: readonly [x: number, y: number]
  readonly scale?: readonly [number, number]
  /** Degrees along x; a number stands for [-shear, shear]. Default none. */
  readonly shear?: Range
}

/** Turned, moved, scaled and sheared by random amounts. */
export function randomAffine(options: RandomAffineOptions): ImageTransform {
  const { degrees, translate = [0, 0], scale = [1, 1], shear = 0, ...rest } = options
  checkRange('randomAffine: scale', scale)
  const both = (range: Range): readonly [number, number] => (typeof range === 'number' ? [-range, range] : range)
  return (image, draws) => {
    const [, height, width] = imageShape('randomAffine', image)
    const angle = draws.from(both(degrees))
    const move = (share: number, size: number): number => Math.round(draws.uniform(-share, share) * size)
    const moved = [move(translate[0], width), move(translate[1], height)] as const
    const size = draws.from(scale)
    const slant = [draws.from(both(shear)), 0] as const
    return affine({ angle, translate: moved, scale: size, shear: slant, ...rest })(image, draws)
  }
}
