/** The script of the page of data-browser.test.ts: readers, downloads and workers where there are no files. */
import * as data from '../../src/data/index.ts'
import * as io from '../../src/io/index.ts'

export interface Decoded {
  readonly shape: readonly number[]
  readonly data: readonly number[]
}

export interface PageReport {
  readonly images: Readonly<Record<string, Decoded>>
  readonly refused: readonly string[]
  readonly unpacked: number
  readonly names: readonly string[]
  readonly downloaded: { readonly bytes: number; readonly progress: number; readonly again: number }
  readonly batches: readonly unknown[]
  readonly missing: string
}

const messageOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'nothing was refused',
    (error: Error) => error.message,
  )

/** `files` in base64. */
async function readEverything(files: Readonly<Record<string, string>>, origin: string): Promise<PageReport> {
  const bytes = (name: string): Uint8Array => Uint8Array.from(atob(files[name]), (c) => c.charCodeAt(0))
  const images: Record<string, Decoded> = {}
  for (const name of ['rgb.png', 'rgb.jpg', 'lossless.webp']) {
    const image = await io.decodeImage(bytes(name), { range: 'bytes' })
    images[name] = { shape: image.shape, data: [...image.data] }
  }
  const packed = await io.gzip(new Uint8Array(100_000))
  const refused = [
    await messageOf(io.decodeImage(bytes('rgb.jpg').subarray(0, 200))),
    await messageOf(io.decodeImage(bytes('image.gif'))),
    await messageOf(io.gunzip(packed, { limit: 99_999 })),
    await messageOf(io.gunzip(packed.subarray(0, 30))),
    await messageOf(io.download(`${origin}/some.bin`)),
    await messageOf(io.downloadBytes(`${origin}/some.bin`, { sha256: '00' })),
    await messageOf(io.loadCsv('people.csv')),
  ]
  let progress = 0
  const first = await io.downloadBytes(`${origin}/some.bin`, { onProgress: () => progress++ })
  const seen = progress
  await io.downloadBytes(`${origin}/some.bin`, { onProgress: () => progress++ })
  const source = data.inWorkers<{ x: Float32Array }>(`${origin}/prepare.js`, { length: 6, threads: 2, options: 10 })
  const batches: unknown[] = []
  for await (const { x } of data.loader(source, { batchSize: 4, shuffle: true, seed: 1 })) batches.push(await x.array())
  await source.stop()
  return {
    images,
    refused,
    unpacked: (await io.gunzip(packed)).length,
    names: (await io.parseCsv('a,b\n1,2\n')).names,
    downloaded: { bytes: first.length, progress: seen, again: progress - seen },
    batches,
    missing: await messageOf(data.houses()),
  }
}

Object.assign(globalThis, { readEverything })
