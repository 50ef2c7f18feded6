/**
 * The wasm backend in a real browser: with threads on a cross-origin isolated page, with one thread on
 * another. Needs the package playwright-core and a Chromium (scripts/chromium.mjs); skipped without.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundle } from './wasm/bundle.ts'
import { type TrainingReport, trainBars, trainRows } from './wasm/training.ts'
import type { WorkReport } from './wasm/work.ts'

// In variables, so that the types of this file depend neither on a script nor on a package being there.
const finder = '../../../scripts/chromium.mjs'
const { findChromium } = (await import(finder)) as { findChromium(): { path?: string; reason?: string } }
const chromium = findChromium()
const packageName = 'playwright-core'
const playwright = (await import(packageName).catch(() => undefined)) as typeof import('playwright-core') | undefined
const missing = playwright ? chromium.reason : 'the package playwright-core is not installed'
if (missing) console.log(`wasm in a browser: skipped, because ${missing}`)

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
const isolating = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' }

/** Serves a page with the bundle: isolated under /isolated/, not isolated elsewhere, and under /strict/ without blob workers. */
async function serve(folder: string): Promise<Server> {
  const server = createServer((request, response) => {
    const path = request.url ?? '/'
    const headers = {
      ...(path.startsWith('/isolated') || path.startsWith('/strict') ? isolating : {}),
      ...(path.startsWith('/strict') ? { 'Content-Security-Policy': "worker-src 'self'" } : {}),
    }
    if (path.endsWith('.mjs'))
      response
        .writeHead(200, { ...headers, 'Content-Type': 'text/javascript' })
        .end(readFileSync(join(folder, basename(path))))
    else
      response
        .writeHead(200, { ...headers, 'Content-Type': 'text/html' })
        .end('<!doctype html><title>test</title><script type="module" src="bundle.mjs"></script>')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}

describe.skipIf(missing)(`wasm in a browser${missing ? ` (skipped: ${missing})` : ''}`, () => {
  const profile = mkdtempSync(join(tmpdir(), 'glissade-chromium-'))
  let server: Server
  let context: import('playwright-core').BrowserContext

  beforeAll(async () => {
    server = await serve(dirname(await bundle('page.ts', 'browser')))
    context = await (playwright as typeof import('playwright-core')).chromium.launchPersistentContext(profile, {
      executablePath: chromium.path as string,
      headless: true,
      args: flags,
    })
  })
  afterAll(async () => {
    await context?.close()
    await new Promise((resolve) => server.close(resolve))
    rmSync(profile, { recursive: true, force: true })
  })

  async function inPage<T>(path: string, call: string): Promise<T> {
    const page = await context.newPage()
    const problems: string[] = []
    page.on('pageerror', (error) => problems.push(error.message))
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`)
    await page.waitForFunction('globalThis.doWork !== undefined')
    const result = await page.evaluate(`globalThis.${call}`)
    expect(problems).toEqual([])
    await page.close()
    return result as T
  }

  test('an isolated page has threads, and its timers beat while they work', async () => {
    const report = await inPage<WorkReport>('/isolated/', 'doWork({ threads: 2 })')
    expect(report.description).toMatch(/browser, 2 threads/)
    expect(report.largestError).toBeLessThan(1e-4)
    expect(report.beats).toBeGreaterThan(report.milliseconds / 5 / 4)
  })

  test('another page works with one thread, says why, and gets the same bits', async () => {
    const report = await inPage<WorkReport>('/', 'doWork({ threads: 2 })')
    expect(report).toMatchObject({ threads: 1, waited: true })
    expect(report.description).toMatch(/1 thread: this page is not cross-origin isolated .*Cross-Origin-Opener-Policy/)
    expect(report.beats).toBeGreaterThan(1)
    const isolated = await inPage<WorkReport>('/isolated/', 'doWork({ threads: 2 })')
    expect(report.checksum).toBe(isolated.checksum)
  })

  test('a page whose policy forbids such workers works with one thread', async () => {
    const report = await inPage<WorkReport>('/strict/', 'doWork({ threads: 2 })')
    expect(report.description).toMatch(/1 thread: workers cannot be started/)
    expect(report.largestError).toBeLessThan(1e-4)
  })

  test('the whole library trains a network in a page, as it does in Node', async () => {
    const here = await trainBars()
    expect(here.losses[19]).toBeLessThan(here.losses[0] / 2)
    for (const path of ['/isolated/', '/']) {
      const there = await inPage<TrainingReport>(path, 'trainBars()')
      expect(there.backend).toBe('wasm')
      // A multiply-add may be rounded once in one engine and twice in the other; twenty steps carry that on.
      there.losses.forEach((loss, i) => expect(Math.abs(loss - here.losses[i]), `step ${i}`).toBeLessThan(1e-4))
    }
  })

  test('a loop over time turns in a page, with threads and without, as it does in Node', async () => {
    const here = await trainRows()
    expect(here.losses[19]).toBeLessThan(here.losses[0] / 2)
    for (const path of ['/isolated/', '/']) {
      const there = await inPage<TrainingReport>(path, 'trainRows()')
      expect(there.backend).toBe('wasm')
      there.losses.forEach((loss, i) => expect(Math.abs(loss - here.losses[i]), `step ${i}`).toBeLessThan(1e-4))
    }
  })

  test('the backend can be disposed of', async () => {
    expect(await inPage<string>('/isolated/', 'stopWorking()')).toMatch(/was disposed of/)
  })
})
