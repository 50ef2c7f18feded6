/** Image files of every kind come out as the same grey picture, and any picture of a digit as MNIST would hold it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encode } from 'fast-png'
import jpeg from 'jpeg-js'
import { afterAll, describe, expect, test } from 'vitest'
import { readImage } from '../src/image/decode.ts'
import { fitDigit } from '../src/image/fit.ts'
import type { Picture } from '../src/terminal/pixels.ts'

const folder = mkdtempSync(join(tmpdir(), 'glissade-image-'))
afterAll(() => rmSync(folder, { recursive: true }))

function file(name: string, data: Uint8Array | string): string {
  writeFileSync(join(folder, name), data)
  return join(folder, name)
}

// 3 by 2: black, middle grey, white / white, black, middle grey
const greys = [0, 128, 255, 255, 0, 128]
const expected = greys.map((g) => g / 255)
const near = (picture: Picture, values: readonly number[], tolerance: number): void => {
  expect(picture.pixels.length).toBe(values.length)
  for (const [i, value] of values.entries()) expect(Math.abs(picture.pixels[i] - value)).toBeLessThan(tolerance)
}

describe('readImage', () => {
  test('PNG in grey, grey with alpha, RGB and RGBA', async () => {
    const png = (channels: number, data: number[]): Uint8Array =>
      encode({ width: 3, height: 2, channels, depth: 8, data: Uint8Array.from(data) })
    near(await readImage(file('grey.png', png(1, greys))), expected, 1e-6)
    near(
      await readImage(
        file(
          'rgb.png',
          png(
            3,
            greys.flatMap((g) => [g, g, g]),
          ),
        ),
      ),
      expected,
      1e-6,
    )
    near(
      await readImage(
        file(
          'rgba.png',
          png(
            4,
            greys.flatMap((g) => [g, g, g, 255]),
          ),
        ),
      ),
      expected,
      1e-6,
    )
    // ink drawn on nothing: transparent is white paper
    near(
      await readImage(
        file(
          'alpha.png',
          png(
            2,
            greys.flatMap((g) => [0, 255 - g]),
          ),
        ),
      ),
      expected,
      1e-6,
    )
  })

  test('PNG with one bit a pixel, whose rows end within a byte', async () => {
    // written by hand: 3 by 2, depth 1, colour type 0; rows 101 and 010, each after a filter byte 0
    const bits = encode({ width: 3, height: 2, channels: 1, depth: 1, data: Uint8Array.of(0b10100000, 0b01000000) })
    near(await readImage(file('bits.png', bits)), [1, 0, 1, 0, 1, 0], 1e-6)
  })

  test('PNG with 16 bits a sample', async () => {
    const data = Uint16Array.from(greys, (g) => g * 257)
    near(
      await readImage(file('deep.png', encode({ width: 3, height: 2, channels: 1, depth: 16, data }))),
      expected,
      1e-6,
    )
  })

  test('JPEG', async () => {
    const [width, height] = [16, 16]
    const rgba = Uint8Array.from({ length: width * height * 4 }, (_, i) =>
      i % 4 === 3 ? 255 : (i >> 2) % 16 < 8 ? 0 : 255,
    )
    const { data } = jpeg.encode({ data: rgba, width, height }, 95)
    const picture = await readImage(file('half.jpg', data))
    near(
      picture,
      Array.from({ length: width * height }, (_, i) => (i % 16 < 8 ? 0 : 1)),
      0.06,
    )
  })

  test('PGM in decimal and in bytes, with comments', async () => {
    near(await readImage(file('p2.pgm', `P2\n# made by hand\n3 2\n255\n${greys.join(' ')}\n`)), expected, 1e-6)
    const head = new TextEncoder().encode('P5 3 2 255\n')
    near(await readImage(file('p5.pgm', Uint8Array.of(...head, ...greys))), expected, 1e-6)
  })

  test('says what is wrong with what is no image', async () => {
    await expect(readImage(join(folder, 'none.png'))).rejects.toMatchObject({ code: 'data-missing' })
    await expect(readImage(file('text.png', 'hello'))).rejects.toThrow(
      /text\.png.*begins with 68 65 6c 6c.*PNG, JPEG or PGM/,
    )
    await expect(readImage(file('cut.pgm', 'P5 30 20 255\nabc'))).rejects.toThrow(/cut short/)
    const whole = encode({ width: 3, height: 2, channels: 1, depth: 8, data: Uint8Array.from(greys) })
    await expect(readImage(file('cut.png', whole.subarray(0, whole.length - 20)))).rejects.toMatchObject({
      code: 'file-format',
    })
  })
})

describe('fitDigit', () => {
  /** A vertical stroke in a large picture, drawn with `ink` on `paper`, off the middle. */
  function stroke(ink: number, paper: number): Picture {
    const [width, height] = [200, 150]
    const inside = (i: number): boolean =>
      i % width >= 30 && i % width < 42 && Math.floor(i / width) >= 20 && Math.floor(i / width) < 120
    return { width, height, pixels: Float32Array.from({ length: width * height }, (_, i) => (inside(i) ? ink : paper)) }
  }
  const rowsWithInk = (p: Picture): number[] =>
    Array.from({ length: 28 }, (_, y) => y).filter((y) =>
      Array.from({ length: 28 }, (_, x) => p.pixels[y * 28 + x]).some((v) => v > 0.5),
    )
  const columnsWithInk = (p: Picture): number[] =>
    Array.from({ length: 28 }, (_, x) => x).filter((x) =>
      Array.from({ length: 28 }, (_, y) => p.pixels[y * 28 + x]).some((v) => v > 0.5),
    )

  test('fits the ink into 20 rows and puts it in the middle', () => {
    const fitted = fitDigit(stroke(1, 0))
    expect([fitted.width, fitted.height]).toEqual([28, 28])
    expect(rowsWithInk(fitted)).toEqual(Array.from({ length: 20 }, (_, i) => i + 4))
    expect(columnsWithInk(fitted)).toEqual([13, 14])
  })

  test('dark ink on light paper gives the same', () => {
    expect(fitDigit(stroke(0.1, 0.9)).pixels).toEqual(fitDigit(stroke(0.9, 0.1)).pixels)
  })

  test('leaves a picture that is in this form already', () => {
    const mnist = {
      width: 28,
      height: 28,
      pixels: Float32Array.from({ length: 784 }, (_, i) => (i % 28 > 12 && i % 28 < 16 ? 1 : 0)),
    }
    expect(fitDigit(mnist).pixels).toEqual(mnist.pixels)
  })

  test('an empty sheet stays empty', () => {
    const sheet = { width: 40, height: 40, pixels: new Float32Array(1600).fill(0.9) }
    expect(Math.max(...Array.from(fitDigit(sheet).pixels))).toBe(0)
  })
})
