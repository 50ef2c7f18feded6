/**
 * Images decoded by packages, for Node: jpeg-js, fast-png, @jsquash/webp (Google's libwebp as WebAssembly).
 *
 * Each is kept from what would make it slow or hungry on purpose-made files: PNG data is unpacked here under a limit,
 * JPEGs may have so many scans, and cut files are noticed. Who calls: image.ts.
 */
import { refuse } from './bytes.ts'
import { crc32 } from './checksum.ts'
import { packageFolder, readFile } from './files.ts'
import { inflate } from './gzip.ts'
import type { Pixels } from './image.ts'
import type { ImageHeader } from './image-header.ts'
import { optionalPackage } from './packages.ts'

/** Errors: `file-format`, `package-missing`. */
export async function decodeWithPackages(bytes: Uint8Array, header: ImageHeader, file: string): Promise<Pixels> {
  if (header.kind === 'png') return decodePng(bytes, header, file)
  return header.kind === 'jpeg' ? decodeJpeg(bytes, header, file) : decodeWebp(bytes, file)
}

const damaged = (file: string, received: string, cause?: unknown): never =>
  refuse(file, 'content', received, 'a whole image', 'It is damaged or cut short; get it again.', cause)

/** Encoders write up to about 12; each is a walk over the whole image. */
const scanLimit = 100
const startOfScan = 0xda
const endOfImage = 0xd9

async function decodeJpeg(bytes: Uint8Array, { width, height }: ImageHeader, file: string): Promise<Pixels> {
  let scans = 0
  let last = 0
  for (let at = bytes.indexOf(0xff); at >= 0; at = bytes.indexOf(0xff, at + 1)) {
    const marker = bytes[at + 1]
    if (marker === startOfScan) scans++
    if (marker === startOfScan || marker === endOfImage) last = marker
  }
  if (scans > scanLimit) refuse(file, 'scans', String(scans), `at most ${scanLimit}`, 'Save the image again.')
  // jpeg-js fills what is missing with grey; a cut file has no end marker.
  if (last !== endOfImage) damaged(file, 'no end of the image')
  const { decode } = (await optionalPackage('jpeg-js', 'Reading JPEG')).default
  try {
    const megapixels = Math.ceil((width * height) / 1e6) + 1
    const image = decode(bytes, {
      useTArray: true,
      formatAsRGBA: true,
      tolerantDecoding: false,
      maxResolutionInMP: megapixels,
      // Coefficients of four bytes and pixels in four channels, padded to whole blocks; and some room for tables.
      maxMemoryUsageInMB: 32 * megapixels + 64,
    })
    return { width: image.width, height: image.height, data: image.data, channels: 4, most: 255 }
  } catch (cause) {
    return damaged(file, (cause as Error).message, cause)
  }
}

const pngStart = 8
const samplesOf: Record<number, number> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }
/** The largest stored block of deflate. */
const storedLimit = 0xffff

async function decodePng(bytes: Uint8Array, header: ImageHeader, file: string): Promise<Pixels> {
  const { decode, convertIndexedToRgb } = await optionalPackage('fast-png', 'Reading PNG')
  const clean = await cleanPng(bytes, header, file)
  try {
    const image = decode(clean)
    const { width, height } = image
    if (image.palette) {
      const colours = convertIndexedToRgb(image)
      return { width, height, data: colours, channels: colours.length / (width * height), most: 255 }
    }
    if (image.depth >= 8) {
      return { width, height, data: image.data, channels: image.channels, most: image.depth === 16 ? 0xffff : 255 }
    }
    return { width, height, data: unpackBits(image), channels: 1, most: 2 ** image.depth - 1 }
  } catch (cause) {
    return damaged(file, (cause as Error).message, cause)
  }
}

/** Pixels of 1, 2 or 4 bits, rows beginning at whole bytes, as one byte each. */
function unpackBits(image: { width: number; height: number; depth: number; data: ArrayLike<number> }): Uint8Array {
  const { width, height, depth, data } = image
  const row = Math.ceil((width * depth) / 8)
  const out = new Uint8Array(width * height)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const bit = x * depth
      out[y * width + x] = (data[y * row + (bit >> 3)] >> (8 - depth - (bit & 7))) & (2 ** depth - 1)
    }
  }
  return out
}

/** The image's own chunks, checked, with its data unpacked: text and profiles, which may be bombs, are left out. */
async function cleanPng(bytes: Uint8Array, { width, height }: ImageHeader, file: string): Promise<Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const kept: Uint8Array[] = []
  const packed: Uint8Array[] = []
  let ended = false
  for (let at = pngStart; at + 12 <= bytes.length && !ended; ) {
    const length = view.getUint32(at)
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8))
    const end = at + 12 + length
    if (end > bytes.length) damaged(file, `a chunk ${JSON.stringify(type)} beyond the end`)
    if (crc32(bytes.subarray(at + 4, end - 4)) !== view.getUint32(end - 4)) {
      damaged(file, `another checksum of ${JSON.stringify(type)}`)
    }
    if (type === 'IDAT') packed.push(bytes.subarray(at + 8, end - 4))
    else if (['IHDR', 'PLTE', 'tRNS'].includes(type)) kept.push(bytes.subarray(at, end))
    ended = type === 'IEND'
    at = end
  }
  if (!ended) damaged(file, 'no end of the image')
  const [depth, colour, interlace] = [bytes[24], bytes[25], bytes[28]]
  const bits = depth * (samplesOf[colour] ?? 0)
  if (bits === 0 || bits > 64) damaged(file, `depth ${depth} with colour type ${colour}`)
  // One byte of filter for each row; seven smaller images, where it is interlaced.
  const rows = interlace === 0 ? height : 2 * height + 8
  const limit = rows + Math.ceil((width * height * bits) / 8) + rows
  const raw = await inflate(concat(packed), 'deflate', { limit, file })
  const expected = height * (1 + Math.ceil((width * bits) / 8))
  if (interlace === 0 && raw.length !== expected) damaged(file, `${raw.length} bytes of pixels for ${expected}`)
  return concat([bytes.subarray(0, pngStart), ...kept, chunk('IDAT', stored(raw)), chunk('IEND', new Uint8Array(0))])
}

/** Bytes as a zlib stream of stored blocks, which costs the decoder nothing to unpack. */
function stored(raw: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [Uint8Array.of(0x78, 0x01)]
  for (let at = 0; at === 0 || at < raw.length; at += storedLimit) {
    const part = raw.subarray(at, at + storedLimit)
    const { length } = part
    const last = at + storedLimit >= raw.length ? 1 : 0
    parts.push(Uint8Array.of(last, length & 255, length >> 8, ~length & 255, (~length >> 8) & 255), part)
  }
  let [a, b] = [1, 0]
  for (let i = 0; i < raw.length; i++) {
    a = (a + raw[i]) % 65521
    b = (b + a) % 65521
  }
  parts.push(Uint8Array.of(b >> 8, b & 255, a >> 8, a & 255))
  return concat(parts)
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(12 + data.length)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, data.length)
  for (let i = 0; i < 4; i++) bytes[4 + i] = type.charCodeAt(i)
  bytes.set(data, 8)
  view.setUint32(8 + data.length, crc32(bytes.subarray(4, 8 + data.length)))
  return bytes
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

type Webp = Awaited<ReturnType<typeof optionalPackage<'@jsquash/webp'>>>
let webp: Promise<Webp> | undefined

/** The package fetches its WebAssembly, which Node's fetch cannot do from a file: it is handed over compiled. */
async function startWebp(): Promise<Webp> {
  const loaded = await optionalPackage('@jsquash/webp', 'Reading WebP')
  const { folder } = await packageFolder('@jsquash/webp')
  const code = await readFile(`${folder}/codec/dec/webp_dec.wasm`)
  await loaded.init(await WebAssembly.compile(code as Uint8Array<ArrayBuffer>))
  return loaded
}

async function decodeWebp(bytes: Uint8Array, file: string): Promise<Pixels> {
  webp ??= startWebp()
  const { default: decode } = await webp
  try {
    const { width, height, data } = await decode(bytes.slice().buffer as ArrayBuffer)
    return { width, height, data: data as Uint8ClampedArray, channels: 4, most: 255 }
  } catch (cause) {
    return damaged(file, (cause as Error).message, cause)
  }
}
