/**
 * Image files as grey pictures: PNG, JPEG and PGM, told apart by their first bytes, not by their names.
 * Transparent parts become white paper. Next: fit.ts, which makes a digit of it.
 */
import { readFile } from 'node:fs/promises'
import { decode as decodePng } from 'fast-png'
import { GlissadeError } from 'glissade'
import jpeg from 'jpeg-js'
import type { Picture } from '../terminal/pixels.ts'

/** The file as a grey picture. Errors: `data-missing`, `file-format`. */
export async function readImage(file: string): Promise<Picture> {
  const data = await readFile(file).catch((cause: unknown) => {
    throw new GlissadeError('data-missing', { what: 'The image', looked: [file], fix: 'Check the path.' }, { cause })
  })
  try {
    if (startsWith(data, [0x89, 0x50, 0x4e, 0x47])) return fromPng(data)
    if (startsWith(data, [0xff, 0xd8, 0xff])) return fromJpeg(data)
    if (startsWith(data, [0x50, 0x32]) || startsWith(data, [0x50, 0x35])) return fromPgm(data)
  } catch (cause) {
    throw wrongFormat(file, `a damaged image (${cause instanceof Error ? cause.message : String(cause)})`, cause)
  }
  throw wrongFormat(
    file,
    `a file that begins with ${[...data.subarray(0, 4)].map((b) => b.toString(16).padStart(2, '0')).join(' ')}`,
  )
}

function wrongFormat(file: string, received: string, cause?: unknown): GlissadeError {
  const fields = { file, what: 'image', received, expected: 'a PNG, JPEG or PGM file', fix: 'Save the picture as PNG.' }
  return new GlissadeError('file-format', fields, cause === undefined ? undefined : { cause })
}

const startsWith = (data: Uint8Array, bytes: readonly number[]): boolean => bytes.every((b, i) => data[i] === b)

function fromPng(data: Uint8Array): Picture {
  const { width, height, channels, depth, data: samples, palette } = decodePng(data)
  const full = 2 ** depth - 1
  // below eight bits a sample, several of them share a byte, and each row begins a new one
  const perRow = depth < 8 ? Math.ceil((width * channels * depth) / 8) : width * channels
  const sample = (x: number, y: number, channel: number): number => {
    const i = x * channels + channel
    if (depth >= 8) return samples[y * perRow + i]
    const bit = i * depth
    return (samples[y * perRow + (bit >> 3)] >> (8 - depth - (bit & 7))) & full
  }
  return picture(width, height, (x, y) => {
    if (palette) {
      const [r, g, b, a = 255] = palette[sample(x, y, 0)]
      return onPaper(luminance(r / 255, g / 255, b / 255), a / 255)
    }
    const s = (channel: number): number => sample(x, y, channel) / full
    if (channels <= 2) return onPaper(s(0), channels === 2 ? s(1) : 1)
    return onPaper(luminance(s(0), s(1), s(2)), channels === 4 ? s(3) : 1)
  })
}

function fromJpeg(data: Uint8Array): Picture {
  const { width, height, data: rgba } = jpeg.decode(data, { useTArray: true, formatAsRGBA: true })
  return picture(width, height, (x, y) => {
    const i = 4 * (y * width + x)
    return luminance(rgba[i] / 255, rgba[i + 1] / 255, rgba[i + 2] / 255)
  })
}

/** Portable grey map: `P5` (bytes) or `P2` (decimal), width, height, greatest value, `#` comments in between. */
function fromPgm(data: Uint8Array): Picture {
  let at = 2
  const number = (): number => {
    while (at < data.length && (isSpace(data[at]) || data[at] === 0x23)) {
      if (data[at] === 0x23) while (at < data.length && data[at] !== 0x0a) at++
      else at++
    }
    let value = 0
    const from = at
    while (at < data.length && data[at] >= 0x30 && data[at] <= 0x39) value = 10 * value + data[at++] - 0x30
    if (at === from) throw new Error('a number is missing')
    return value
  }
  const [width, height, greatest] = [number(), number(), number()]
  if (greatest < 1 || greatest > 65535) throw new Error(`greatest value ${greatest}`)
  const values = new Float32Array(width * height)
  if (data[1] === 0x32) {
    for (let i = 0; i < values.length; i++) values[i] = number() / greatest
  } else {
    const each = greatest > 255 ? 2 : 1
    at++
    if (data.length - at < values.length * each) throw new Error('it is cut short')
    for (let i = 0; i < values.length; i++) {
      const value = each === 1 ? data[at + i] : 256 * data[at + 2 * i] + data[at + 2 * i + 1]
      values[i] = value / greatest
    }
  }
  return { width, height, pixels: values }
}

const isSpace = (byte: number): boolean => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d)

function picture(width: number, height: number, brightness: (x: number, y: number) => number): Picture {
  return {
    width,
    height,
    pixels: Float32Array.from({ length: width * height }, (_, i) => brightness(i % width, Math.floor(i / width))),
  }
}

/** ITU-R BT.601. */
const luminance = (r: number, g: number, b: number): number => 0.299 * r + 0.587 * g + 0.114 * b
const onPaper = (brightness: number, alpha: number): number => brightness * alpha + 1 - alpha
