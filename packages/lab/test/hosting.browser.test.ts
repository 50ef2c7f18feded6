/**
 * The page as it is served: nothing breaks the content security policy, any static host will do, what is missing is said,
 * and little is loaded before a chapter is opened.
 */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Page } from 'playwright-core'
import { afterAll, describe, expect, test } from 'vitest'
import { builtPage, closeLab, missing, openAt, openLab } from './page.ts'

afterAll(closeLab)

const ready = (page: Page) => page.waitForFunction(() => globalThis.glissadeLab?.progress.value !== undefined)

/** A host that sends files and nothing else. */
async function plainHost(): Promise<{ address: string; close(): void }> {
  const folder = await builtPage()
  const types: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' }
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '', 'http://localhost').pathname.replace(/^\/some\/folder/, '')
    try {
      const file = join(folder, path === '/' ? 'index.html' : path)
      const bytes = readFileSync(file)
      response.writeHead(200, { 'Content-Type': types[extname(file)] ?? 'application/octet-stream' }).end(bytes)
    } catch {
      response.writeHead(404).end()
    }
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  return { address: `http://127.0.0.1:${port}/some/folder/`, close: () => server.close() }
}

describe.skipIf(missing)('the page as it is served', () => {
  test('breaks no rule of its content security policy', async () => {
    const { page, problems, close } = await openLab('#/studio')
    await page.evaluate(() => {
      addEventListener('securitypolicyviolation', (event) =>
        console.error(`${event.violatedDirective}: ${event.blockedURI}`),
      )
    })
    for (const place of ['#/', '#/trail/1', '#/runs', '#/studio']) {
      await page.evaluate((place) => {
        location.hash = place
      }, place)
      await page.waitForTimeout(400)
    }
    await ready(page)
    for (const name of ['Share', 'Take away', 'Open and keep']) {
      await page.getByRole('button', { name }).click()
      await page.getByRole('button', { name: 'Close' }).click()
    }
    await page.getByRole('button', { name: 'Train', exact: true }).click()
    await page.waitForFunction(() => (globalThis.glissadeLab?.progress.value?.stamp.step ?? 0) > 20)
    // A page without runs is answered 404, which the console tells; that is no breach.
    expect(problems.filter((each) => !each.includes('404'))).toEqual([])
    await close()
  })

  test('works from any folder of any host, on one thread, and says so', async () => {
    const host = await plainHost()
    const { page, problems, close } = await openAt(host.address, '#/studio')
    await ready(page)
    await page.getByText('Training runs on one thread here').waitFor()
    await page.getByRole('button', { name: 'Train', exact: true }).click()
    await page.waitForFunction(() => (globalThis.glissadeLab?.progress.value?.stamp.step ?? 0) > 50)
    expect(problems).toEqual([])
    await close()
    host.close()
  })

  test('says in words that the part that trains does not start', async () => {
    const host = await plainHost()
    const { page, close } = await openAt(host.address, '#/studio', {}, (page) =>
      page.route(/worker-.*\.js/, (route) => route.abort()),
    )
    await page.getByRole('alert').filter({ hasText: 'The part that trains could not be started' }).waitFor()
    await close()
    host.close()
  })

  test('loads at most 250 KB of script, compressed, before a chapter is opened, and answers soon', async () => {
    for (const place of ['#/', '#/studio']) {
      const { page, address, close } = await openLab('about:blank'.slice(0, 0))
      const folder = await builtPage()
      const scripts = new Map<string, number>()
      page.on('response', (response) => {
        const file = response.url().slice(address.length)
        if (response.url().startsWith(address) && file.endsWith('.js'))
          scripts.set(file, gzipSync(readFileSync(join(folder, file))).length)
      })
      await page.goto('about:blank')
      const from = performance.now()
      await page.goto(address + place)
      await page.getByRole('heading', { level: 1 }).first().waitFor({ state: 'attached' })
      if (place === '#/studio') await ready(page)
      const milliseconds = performance.now() - from
      await page.waitForTimeout(500)
      const bytes = [...scripts.values()].reduce((sum, size) => sum + size, 0)
      const library = [...scripts].reduce((sum, [file, size]) => sum + (/worker|wasm/.test(file) ? size : 0), 0)
      console.log(
        `${place}: ${(bytes / 1000).toFixed(1)} KB of script in ${scripts.size} files (${(library / 1000).toFixed(1)} of the worker), ready after ${milliseconds.toFixed(0)} ms`,
      )
      expect(bytes).toBeGreaterThan(10_000)
      // The first view is the contents page, with its worker; of the studio it is the page's own script that is bounded.
      expect(place === '#/' ? bytes : bytes - library).toBeLessThan(250_000)
      await close()
    }
  })
})
