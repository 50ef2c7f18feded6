/**
 * Images on other grids: resizing, and any affine map. Numbers as in PyTorch's interpolate and grid_sample (corners not
 * aligned). Crops and flips, and random ones: image-geometry.ts.
 */
import { fail } from '../errors.ts'
import type { NdArray } from '../io/nd-array.ts'
import { type ImageSize, type ImageTransform, imageShape, sameType, sizeOfImage } from './image-transform.ts'

export type Interpolation = 'nearest' | 'bilinear'

export interface ResizeOptions {
  /** Default 'bilinear'. */
  readonly interpolation?: Interpolation
  /** When making smaller, average over all pixels that go into one; default true, as in torchvision. */
  readonly antialias?: boolean
}

/**
 * To a size. A number is that of the shorter side, and the shape is kept; [height, width] are both given.
 * image: [C, H, W] → [C, height, width].
 */
export function resize(size: ImageSize, options: ResizeOptions = {}): ImageTransform {
  sizeOfImage('resize', size)
  const { interpolation = 'bilinear', antialias = true } = options
  return (image) => {
    const [, height, width] = imageShape('resize', image)
    const [toHeight, toWidth] = typeof size === 'number' ? shorterSide(size, height, width) : size
    return resizeTo(image, toHeight, toWidth, interpolation, antialias)
  }
}

function shorterSide(size: number, height: number, width: number): readonly [number, number] {
  return height <= width
    ? [size, Math.max(1, Math.trunc((size * width) / height))]
    : [Math.max(1, Math.trunc((size * height) / width)), size]
}

/** Rows first, then columns: both are sums of a few neighbours with fixed weights. */
export function resizeTo(
  image: NdArray,
  toHeight: number,
  toWidth: number,
  interpolation: Interpolation = 'bilinear',
  antialias = true,
): NdArray {
  const [channels, height, width] = imageShape('resize', image)
  const across = interpolation === 'nearest' ? nearestTaps(width, toWidth) : bilinearTaps(width, toWidth, antialias)
  const down = interpolation === 'nearest' ? nearestTaps(height, toHeight) : bilinearTaps(height, toHeight, antialias)
  const rows = new Float64Array(channels * height * toWidth)
  for (let line = 0; line < channels * height; line++) {
    for (let x = 0; x < toWidth; x++) {
      const { first, weights } = across[x]
      let sum = 0
      for (let i = 0; i < weights.length; i++) sum += weights[i] * image.data[line * width + first + i]
      rows[line * toWidth + x] = sum
    }
  }
  const out = sameType(image, channels * toHeight * toWidth)
  const whole = out instanceof Int32Array
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < toHeight; y++) {
      const { first, weights } = down[y]
      for (let x = 0; x < toWidth; x++) {
        let sum = 0
        for (let i = 0; i < weights.length; i++) sum += weights[i] * rows[(c * height + first + i) * toWidth + x]
        out[(c * toHeight + y) * toWidth + x] = whole ? Math.round(sum) : sum
      }
    }
  }
  return { data: out, shape: [channels, toHeight, toWidth] }
}

interface Taps {
  readonly first: number
  readonly weights: readonly number[]
}

function nearestTaps(from: number, to: number): Taps[] {
  return Array.from({ length: to }, (_, i) => ({
    first: Math.min(Math.floor((i * from) / to), from - 1),
    weights: [1],
  }))
}

/** A triangle over the source around each target pixel's middle; as wide as the step where it is made smaller. */
function bilinearTaps(from: number, to: number, antialias: boolean): Taps[] {
  const scale = from / to
  if (!antialias || scale <= 1) {
    return Array.from({ length: to }, (_, i) => {
      const at = Math.max(0, (i + 0.5) * scale - 0.5)
      const first = Math.min(Math.floor(at), from - 1)
      const part = at - first
      return first === from - 1 ? { first, weights: [1] } : { first, weights: [1 - part, part] }
    })
  }
  return Array.from({ length: to }, (_, i) => {
    const middle = (i + 0.5) * scale
    const first = Math.max(0, Math.trunc(middle - scale + 0.5))
    const last = Math.min(from, Math.trunc(middle + scale + 0.5))
    const weights: number[] = []
    for (let at = first; at < last; at++) weights.push(Math.max(0, 1 - Math.abs((at + 0.5 - middle) / scale)))
    const total = weights.reduce((a, b) => a + b, 0)
    return { first, weights: weights.map((weight) => weight / total) }
  })
}

export interface AffineOptions {
  /** Degrees, clockwise. */
  readonly angle?: number
  /** Pixels to the right and down. */
  readonly translate?: readonly [x: number, y: number]
  readonly scale?: number
  /** Degrees along x and y. */
  readonly shear?: readonly [x: number, y: number]
  /** Default 'nearest', as in torchvision. */
  readonly interpolation?: Interpolation
  /** What stands where nothing of the image is; default 0. */
  readonly fill?: number
}

/** Turned, moved, scaled and sheared about its middle; the size stays. As torchvision's affine. Errors: `value-invalid`. */
export function affine(options: AffineOptions): ImageTransform {
  const map = inverseMap(options)
  const { interpolation = 'nearest', fill = 0 } = options
  return (image) => mapAffine(image, map, interpolation, fill)
}

/** Turned about its middle, counter-clockwise, by `degrees`; the size stays. */
export function rotate(
  degrees: number,
  { interpolation = 'nearest', fill = 0 }: Pick<AffineOptions, 'interpolation' | 'fill'> = {},
): ImageTransform {
  return affine({ angle: -degrees, interpolation, fill })
}

type Map2 = readonly [number, number, number, number, number, number]

/** From places in the result, seen from its middle, to places in the source. */
function inverseMap({ angle = 0, translate = [0, 0], scale = 1, shear = [0, 0] }: AffineOptions): Map2 {
  const numbers = [angle, ...translate, scale, ...shear]
  if (!(scale > 0) || !numbers.every(Number.isFinite)) {
    const received = JSON.stringify({ angle, translate, scale, shear })
    fail('value-invalid', {
      what: 'affine',
      received,
      expected: 'finite numbers, and scale above 0',
      fix: 'Check them.',
    })
  }
  const [turn, sx, sy] = [angle, ...shear].map((degrees) => (degrees * Math.PI) / 180)
  // The map is turn · shear along y · shear along x · scale; its inverse is taken by the adjugate, of determinant 1.
  const a = Math.cos(turn - sy) / Math.cos(sy)
  const b = (-Math.cos(turn - sy) * Math.tan(sx)) / Math.cos(sy) - Math.sin(turn)
  const c = Math.sin(turn - sy) / Math.cos(sy)
  const d = (-Math.sin(turn - sy) * Math.tan(sx)) / Math.cos(sy) + Math.cos(turn)
  const [m0, m1, m3, m4] = [d / scale, -b / scale, -c / scale, a / scale]
  const [tx, ty] = translate
  return [m0, m1, -m0 * tx - m1 * ty, m3, m4, -m3 * tx - m4 * ty]
}

function mapAffine(image: NdArray, map: Map2, interpolation: Interpolation, fill: number): NdArray {
  const [channels, height, width] = imageShape('affine', image)
  const out = sameType(image, image.data.length)
  const plane = height * width
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [right, down] = [x + 0.5 - width / 2, y + 0.5 - height / 2]
      const sx = map[0] * right + map[1] * down + map[2] + width / 2 - 0.5
      const sy = map[3] * right + map[4] * down + map[5] + height / 2 - 0.5
      for (let c = 0; c < channels; c++) {
        const value =
          interpolation === 'nearest'
            ? nearest(image.data, c * plane, width, height, sx, sy, fill)
            : bilinear(image.data, c * plane, width, height, sx, sy, fill)
        out[c * plane + y * width + x] = out instanceof Int32Array ? Math.round(value) : value
      }
    }
  }
  return { data: out, shape: image.shape }
}

type Values = ArrayLike<number>

/** To the nearest whole number, halves to the even one. */
function roundEven(value: number): number {
  const rounded = Math.round(value)
  return Math.abs(value % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded
}

function nearest(
  data: Values,
  at: number,
  width: number,
  height: number,
  sx: number,
  sy: number,
  fill: number,
): number {
  const [x, y] = [roundEven(sx), roundEven(sy)]
  return x >= 0 && x < width && y >= 0 && y < height ? data[at + y * width + x] : fill
}

function bilinear(
  data: Values,
  at: number,
  width: number,
  height: number,
  sx: number,
  sy: number,
  fill: number,
): number {
  const [x0, y0] = [Math.floor(sx), Math.floor(sy)]
  const [px, py] = [sx - x0, sy - y0]
  const value = (x: number, y: number): number =>
    x >= 0 && x < width && y >= 0 && y < height ? data[at + y * width + x] : fill
  const top = (1 - px) * value(x0, y0) + px * value(x0 + 1, y0)
  const bottom = (1 - px) * value(x0, y0 + 1) + px * value(x0 + 1, y0 + 1)
  return (1 - py) * top + py * bottom
}
