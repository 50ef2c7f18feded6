/**
 * Makes of any picture of one digit what the network was trained on: MNIST's way (LeCun et al. 1998). White ink on
 * black, the ink scaled to fit a box of 20 by 20, and placed in 28 by 28 so that its centre of mass is in the middle.
 */
import type { Picture } from '../terminal/pixels.ts'

const side = 28
const box = 20

/** Brightness below which a pixel is paper rather than ink, after stretching to 0 to 1. */
const inkFrom = 0.25

export function fitDigit(image: Picture): Picture {
  const white = stretch(isLight(image) ? invert(image) : image)
  // already in this form: fitting it again could only blur it
  if (image.width === side && image.height === side && !isLight(image)) return white
  const ink = inkBounds(white)
  if (!ink) return { width: side, height: side, pixels: new Float32Array(side * side) }
  const scale = box / Math.max(ink.right - ink.left, ink.bottom - ink.top)
  const [width, height] = [ink.right - ink.left, ink.bottom - ink.top].map((n) => Math.max(1, Math.round(n * scale)))
  const small = resample(white, ink, width, height)
  const [cx, cy] = centreOfMass(small)
  const clamp = (n: number, size: number): number => Math.min(side - size, Math.max(0, n))
  const [left, top] = [clamp(Math.round(side / 2 - cx), width), clamp(Math.round(side / 2 - cy), height)]
  const pixels = new Float32Array(side * side)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) pixels[(top + y) * side + left + x] = small.pixels[y * width + x]
  }
  return { width: side, height: side, pixels }
}

/** Whether the rim, where paper is, is bright. */
function isLight({ width, height, pixels }: Picture): boolean {
  const rim: number[] = []
  for (let x = 0; x < width; x++) rim.push(pixels[x], pixels[(height - 1) * width + x])
  for (let y = 0; y < height; y++) rim.push(pixels[y * width], pixels[y * width + width - 1])
  rim.sort((a, b) => a - b)
  return rim[rim.length >> 1] > 0.5
}

const invert = (image: Picture): Picture => ({ ...image, pixels: Float32Array.from(image.pixels, (p) => 1 - p) })

/** Paper to 0 and the strongest ink to 1; a picture without contrast to all 0. */
function stretch(image: Picture): Picture {
  const sorted = Float32Array.from(image.pixels).sort()
  // half of any picture of a digit is paper
  const [paper, ink] = [sorted[sorted.length >> 2], sorted[sorted.length - 1]]
  const range = ink - paper
  const pixels = Float32Array.from(image.pixels, (p) =>
    range < 0.05 ? 0 : Math.min(1, Math.max(0, (p - paper) / range)),
  )
  return { ...image, pixels }
}

interface Bounds {
  readonly left: number
  readonly top: number
  readonly right: number
  readonly bottom: number
}

function inkBounds({ width, height, pixels }: Picture): Bounds | undefined {
  let [left, top, right, bottom] = [width, height, 0, 0]
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (pixels[y * width + x] < inkFrom) continue
      left = Math.min(left, x)
      top = Math.min(top, y)
      right = Math.max(right, x + 1)
      bottom = Math.max(bottom, y + 1)
    }
  }
  return right > left ? { left, top, right, bottom } : undefined
}

/** The part within `bounds` at another size; each new pixel is the mean of the area it covers. */
function resample(image: Picture, { left, top, right, bottom }: Bounds, width: number, height: number): Picture {
  const [sx, sy] = [(right - left) / width, (bottom - top) / height]
  const pixels = new Float32Array(width * height)
  for (let y = 0; y < height; y++) {
    const rows = cover(top + y * sy, top + (y + 1) * sy)
    for (let x = 0; x < width; x++) {
      let sum = 0
      for (const [column, w] of cover(left + x * sx, left + (x + 1) * sx)) {
        for (const [row, h] of rows) sum += image.pixels[row * image.width + column] * w * h
      }
      pixels[y * width + x] = sum / (sx * sy)
    }
  }
  return { width, height, pixels }
}

/** The whole pixels between two places on an axis, and how much of each lies between them. */
function cover(from: number, to: number): (readonly [pixel: number, share: number])[] {
  const parts: (readonly [number, number])[] = []
  for (let pixel = Math.floor(from); pixel < to; pixel++) {
    const share = Math.min(to, pixel + 1) - Math.max(from, pixel)
    if (share > 1e-9) parts.push([pixel, share])
  }
  return parts
}

function centreOfMass({ width, height, pixels }: Picture): readonly [x: number, y: number] {
  let [mass, mx, my] = [0, 0, 0]
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const p = pixels[y * width + x]
      mass += p
      mx += p * (x + 0.5)
      my += p * (y + 0.5)
    }
  }
  return mass === 0 ? [width / 2, height / 2] : [mx / mass, my / mass]
}
