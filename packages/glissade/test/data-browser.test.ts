/**
 * Data in a real browser: images by the page's own decoder, gzip, downloads, workers. Needs the package playwright-core
 * and a Chromium (scripts/chromium.mjs); skipped without.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as io from '../src/io/index.ts'
import type { PageReport } from './data-page/page.ts'
import { bundle } from './wasm/bundle.ts'

// In variables, so that the types of this file depend neither on a script nor on a package being there.
const finder = '../../../scripts/chromium.mjs'
const { findChromium } = (await import(finder)) as { findChromium(): { path?: string; reason?: string } }
const chromium = findChromium()
const packageName = 'playwright-core'
const playwright = (await import(packageName).catch(() => undefined)) as typeof import('playwright-core') | undefined
const missing = playwright ? chromium.reason : 'the package playwright-core is not installed'
if (missing) console.log(`data in a browser: skipped, because ${missing}`)

const { files } = JSON.parse(readFileSync(new URL('./fixtures/files.json', import.meta.url), 'utf8')) as {
  files: Record<string, string>
}

const prepare = `export default (position, { options }) => ({ x: new Float32Array(2).fill(position * options) })`

describe.skipIf(missing)(`data in a browser${missing ? ` (skipped: ${missing})` : ''}`, () => {
  const profile = mkdtempSync(join(tmpdir(), 'glissade-chromium-'))
  let server: Server
  let context: import('playwright-core').BrowserContext
  let report: PageReport

  beforeAll(async () => {
    const folder = dirname(await bundle('../data-page/page.ts', 'browser'))
    server = createServer((request, response) => {
      const path = request.url ?? '/'
      const script = { 'Content-Type': 'text/javascript' }
      if (path.endsWith('.mjs')) response.writeHead(200, script).end(readFileSync(join(folder, basename(path))))
      else if (path === '/prepare.js') response.writeHead(200, script).end(prepare)
      else if (path === '/some.bin') response.writeHead(200).end(new Uint8Array(50_000))
      else
        response.writeHead(200, { 'Content-Type': 'text/html' }).end('<script type="module" src="bundle.mjs"></script>')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    context = await (playwright as typeof import('playwright-core')).chromium.launchPersistentContext(profile, {
      executablePath: chromium.path as string,
      headless: true,
      args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-sync'],
    })
    const page = await context.newPage()
    await page.goto(origin)
    await page.waitForFunction('globalThis.readEverything !== undefined')
    report = (await page.evaluate(`readEverything(${JSON.stringify(files)}, '${origin}')`)) as PageReport
  })
  afterAll(async () => {
    await context?.close()
    await new Promise((resolve) => server.close(resolve))
    rmSync(profile, { recursive: true, force: true })
  })

  test.each([
    ['rgb.png', 0],
    ['lossless.webp', 0],
    // Two decoders round differently, after the transform and in the colours.
    ['rgb.jpg', 4],
  ])('%s has the same pixels as in Node', async (name, most) => {
    const here = await io.decodeImage(new Uint8Array(Buffer.from(files[name], 'base64')), { range: 'bytes' })
    expect(report.images[name].shape).toEqual(here.shape)
    const differences = report.images[name].data.map((value, i) => Math.abs(value - here.data[i]))
    expect(Math.max(...differences)).toBeLessThanOrEqual(most)
  })

  test('what is damaged, too large or a path is refused', () => {
    const expected = [
      /content|no end|size/,
      /a JPEG, PNG or WebP/,
      /more than 99999 bytes/,
      /gzip: received/,
      /Use downloadBytes/,
      /received sha256 [0-9a-f]{64}; expected 00/,
      /where there are no files/,
    ]
    report.refused.forEach((message, i) => expect(message).toMatch(expected[i]))
  })

  test('gzip, CSV, downloads with a cache, and workers', () => {
    expect([report.unpacked, report.names]).toEqual([100_000, ['a', 'b']])
    expect(report.downloaded.bytes).toBe(50_000)
    expect(report.downloaded.progress).toBeGreaterThan(0)
    expect(report.downloaded.again).toBe(0)
    const rows = (report.batches as number[][][]).flat()
    expect(rows.map(([value]) => value).sort((a, b) => a - b)).toEqual([0, 10, 20, 30, 40, 50])
    expect(report.missing).toMatch(/no folder, for none was named/)
  })
})
