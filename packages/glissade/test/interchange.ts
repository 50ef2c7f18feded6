/** What the tests of file formats share: fixtures, data for checking, and how a parser is put to the test. */
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { expect } from 'vitest'
import { evaluate } from '../src/backends/reference/reference.ts'
import { GlissadeError } from '../src/errors.ts'
import type { Tensor } from '../src/tensor.ts'

export const fixture = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(new URL(`./fixtures/interchange/${name}`, import.meta.url)))

/** The folder of data for checking, beside the repository; or undefined, which is said once. */
export function sharedData(): string | undefined {
  const folder = fileURLToPath(new URL('../../../../shared/data/', import.meta.url))
  if (existsSync(folder)) return folder
  console.log(`skipped: no data for checking at ${folder}`)
  return undefined
}

/** The numbers of a tensor at once, by the reference. */
export const numbers = (t: Tensor): number[] => [...evaluate([t])[0].data]

/** Digits of the test set of MNIST, 0 to 1, and their labels. */
export function mnistTest(folder: string, count: number): { images: Float32Array; labels: Uint8Array } {
  const read = (name: string): Uint8Array => gunzipSync(readFileSync(`${folder}/mnist/${name}-ubyte.gz`))
  const pixels = read('t10k-images-idx3').subarray(16, 16 + count * 784)
  return { images: Float32Array.from(pixels, (v) => v / 255), labels: read('t10k-labels-idx1').subarray(8, 8 + count) }
}

/**
 * Every way of cutting `bytes`, and `flips` changes of one to three bytes: `parse` must give a result, or an error of
 * the catalogue; and no prototype may gain anything.
 */
export async function fuzz(
  bytes: Uint8Array,
  parse: (bytes: Uint8Array) => unknown,
  { flips = 2000, cuts = Number.POSITIVE_INFINITY }: { flips?: number; cuts?: number } = {},
): Promise<{ refused: number; read: number }> {
  let [refused, read] = [0, 0]
  const attempt = async (changed: Uint8Array, what: string): Promise<void> => {
    try {
      await parse(changed)
      read++
    } catch (error) {
      if (!(error instanceof GlissadeError)) throw new Error(`${what}: ${(error as Error).stack}`)
      refused++
    }
  }
  const step = Math.max(1, Math.ceil(bytes.length / cuts))
  for (let end = 0; end < bytes.length; end += step) await attempt(bytes.slice(0, end), `cut at ${end}`)
  // A small generator with a fixed seed (Park and Miller 1988), so that a failure comes again.
  let state = 20240917
  const draw = (below: number): number => {
    state = (state * 48271) % 0x7fffffff
    return state % below
  }
  for (let i = 0; i < flips; i++) {
    const changed = bytes.slice()
    const places = Array.from({ length: 1 + draw(3) }, () => draw(bytes.length))
    for (const place of places) changed[place] = draw(4) === 0 ? [0, 1, 0x7f, 0x80, 0xff][draw(5)] : draw(256)
    await attempt(changed, `bytes ${places} changed to ${places.map((place) => changed[place])}`)
  }
  expect(Object.keys(Object.prototype)).toEqual([])
  expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  return { refused, read }
}
