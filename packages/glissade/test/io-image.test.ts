/** Images from bytes: JPEG, PNG, WebP against what Pillow wrote; sizes that lie, and damage. */
import { readFileSync } from 'node:fs'
import { deflateSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { crc32 } from '../src/io/checksum.ts'
import * as io from '../src/io/index.ts'
import { readDamaged } from './damage.ts'

const { pixels, files } = JSON.parse(readFileSync(new URL('./fixtures/files.json', import.meta.url), 'utf8')) as {
  pixels: number[]
  files: Record<string, string>
}
const bytesOf = (name: string): Uint8Array => new Uint8Array(Buffer.from(files[name], 'base64'))
const [height, width] = [8, 12]
const greyOf = (i: number): number => {
  const [r, g, b] = [0, 1, 2].map((c) => pixels[c * height * width + i])
  return Math.floor((r * 19595 + g * 38470 + b * 7471 + 0x8000) / 65536)
}

/** The largest difference from the picture that all files show. */
function error(image: io.NdArray): number {
  return Math.max(...Array.from(image.data, (value, i) => Math.abs(value - pixels[i])))
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const body = Uint8Array.from([...Buffer.from(type), ...data])
  const number = (n: number): number[] => [n >>> 24, (n >> 16) & 255, (n >> 8) & 255, n & 255]
  return Uint8Array.from([...number(data.length), ...body, ...number(crc32(body))])
}

/** A PNG whose header says a size and whose data may be something else. */
function png(w: number, h: number, data: Uint8Array): Uint8Array {
  const header = new Uint8Array(13)
  const view = new DataView(header.buffer)
  view.setUint32(0, w)
  view.setUint32(4, h)
  header.set([8, 0, 0, 0, 0], 8)
  const parts = [
    Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(data)),
    chunk('IEND', new Uint8Array(0)),
  ]
  return Uint8Array.from(parts.flatMap((part) => [...part]))
}

describe('images', () => {
  it.each([
    ['rgb.png', 0],
    ['lossless.webp', 0],
    // Pillow chose sixteen colours for a picture of 96.
    ['palette.png', 45],
    ['rgb.jpg', 8],
    ['progressive.jpg', 8],
    ['lossy.webp', 40],
  ] as const)('%s has the colours of the picture', async (name, most) => {
    const image = await io.decodeImage(bytesOf(name), { range: 'bytes' })
    expect([image.shape, image.data instanceof Int32Array]).toEqual([[3, height, width], true])
    expect(error(image)).toBeLessThanOrEqual(most)
    const unit = await io.decodeImage(bytesOf(name))
    expect(unit.data[5]).toBeCloseTo(image.data[5] / 255, 6)
  })

  it('become grey as Pillow makes them, and grey ones become colour', async () => {
    const grey = await io.decodeImage(bytesOf('rgb.png'), { channels: 1, range: 'bytes' })
    expect(grey.shape).toEqual([1, height, width])
    expect([...grey.data]).toEqual(Array.from({ length: 96 }, (_, i) => greyOf(i)))
    expect(await io.decodeImage(bytesOf('grey.png'), { channels: 1, range: 'bytes' })).toEqual(grey)
    const colour = await io.decodeImage(bytesOf('grey.png'), { range: 'bytes' })
    expect([...colour.data]).toEqual([...grey.data, ...grey.data, ...grey.data])
  })

  it('have opacity, 16 bits, or single bits', async () => {
    const alpha = await io.decodeImage(bytesOf('alpha.png'), { channels: 4, range: 'bytes' })
    expect([...alpha.data.subarray(3 * 96)]).toEqual(Array.from({ length: 96 }, (_, i) => i * 2))
    expect(error({ data: alpha.data.subarray(0, 3 * 96), shape: [3, 8, 12] })).toBe(0)
    const deep = await io.decodeImage(bytesOf('deep.png'), { channels: 1 })
    expect(deep.data[95]).toBeCloseTo((95 * 600) / 65535, 6)
    const bits = await io.decodeImage(bytesOf('bits.png'), { channels: 1 })
    expect([...bits.data]).toEqual(Array.from({ length: 96 }, (_, i) => Number(greyOf(i) > 60)))
    const opaque = await io.decodeImage(bytesOf('rgb.png'), { channels: 4 })
    expect(opaque.data.subarray(3 * 96).every((value) => value === 1)).toBe(true)
  })

  it('are written as PNG and read again', async () => {
    for (const channels of [1, 3, 4] as const) {
      const image = io.ndArray(
        Int32Array.from({ length: channels * 6 }, (_, i) => i * 10),
        [channels, 2, 3],
      )
      const again = await io.decodeImage(await io.encodePng(image), { channels, range: 'bytes' })
      expect(again).toEqual(image)
    }
    const clipped = await io.encodePng(io.ndArray(Float32Array.of(-1, 0.5, 2), [1, 1, 3]))
    expect([...(await io.decodeImage(clipped, { channels: 1, range: 'bytes' })).data]).toEqual([0, 128, 255])
    await expect(io.encodePng(io.ndArray(new Float32Array(6), [2, 3]))).rejects.toThrow(/expected \[1, 3 or 4/)
  })
})

describe('what is no image', () => {
  it.each([
    ['text', new TextEncoder().encode('this is not an image, but text'), /30 bytes that begin with 116, 104/],
    ['a GIF', bytesOf('image.gif'), /expected a JPEG, PNG or WebP/],
    ['nothing', new Uint8Array(0), /0 bytes that begin with nothing/],
    [
      'a PNG larger than the limit',
      png(100_000, 100_000, new Uint8Array(10)),
      /100000 by 100000; expected at most 67108864 pixels/,
    ],
    ['a PNG without pixels', png(0, 5, new Uint8Array(1)), /0 by 5/],
    ['a PNG with too few', png(10, 10, new Uint8Array(50)), /50 bytes of pixels for 110/],
    ['a PNG that unpacks without end', png(10, 10, new Uint8Array(50_000_000)), /more than 120 bytes/],
    [
      'a PNG with another checksum',
      bytesOf('rgb.png').map((byte, i) => (i === 25 ? byte ^ 1 : byte)),
      /another checksum/,
    ],
    ['a JPEG cut short', bytesOf('rgb.jpg').subarray(0, -10), /no end of the image/],
  ])('is refused: %s', async (_, bytes, message) => {
    await expect(io.decodeImage(bytes)).rejects.toThrow(message)
  })

  it('is refused: options', async () => {
    await expect(io.decodeImage(bytesOf('rgb.png'), { pixelLimit: 95 })).rejects.toThrow(/at most 95 pixels/)
    await expect(io.decodeImage(bytesOf('rgb.png'), { channels: 2 as 1 })).rejects.toThrow(/expected 1, 3 or 4/)
    await expect(io.loadImage('/nowhere.png')).rejects.toThrow(/nowhere\.png/)
  })

  it('or is damaged is refused or read, and nothing else', async () => {
    const read = (damaged: Uint8Array): Promise<unknown> => io.decodeImage(damaged, { pixelLimit: 1e5 })
    await readDamaged(bytesOf('rgb.png'), read, { changes: 300 })
    await readDamaged(bytesOf('palette.png'), read, { changes: 100 })
    await readDamaged(bytesOf('rgb.jpg'), read, { changes: 400, cuts: 100 })
    await readDamaged(bytesOf('progressive.jpg'), read, { changes: 400, cuts: 100 })
    await readDamaged(bytesOf('lossy.webp'), read, { changes: 200, refuseCut: false })
    await readDamaged(bytesOf('lossless.webp'), read, { changes: 200, refuseCut: false })
  })
})
