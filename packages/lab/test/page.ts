/**
 * The built lab in a real Chromium, for tests: built when its sources are newer, served by the server of
 * `glissade lab`. Needs the package playwright-core and a Chromium (scripts/chromium.mjs); tests skip without, and say so.
 */
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { build } from 'vite'
import { type LabServer, serveLab } from '../../cli/src/lab/server.ts'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const dist = here('../dist')

// In variables, so that the types of this file depend neither on a script nor on a package being there.
const finder = '../../../scripts/chromium.mjs'
const { findChromium } = (await import(finder)) as { findChromium(): { path?: string; reason?: string } }
const chromium = findChromium()
const packageName = 'playwright-core'
const playwright = (await import(packageName).catch(() => undefined)) as typeof import('playwright-core') | undefined

/** Why there is no browser to test in; undefined if there is one. */
export const missing = playwright ? chromium.reason : 'the package playwright-core is not installed'
if (missing) console.log(`the lab in a browser: skipped, because ${missing}`)

const newest = (folder: string): number =>
  Math.max(
    ...readdirSync(folder, { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile())
      .map((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs),
  )

/** Builds the lab if its sources, or the library's, are newer than what was built. One at a time. */
async function ensureBuilt(): Promise<void> {
  const lock = here('../.building')
  for (;;) {
    try {
      mkdirSync(lock)
      break
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
  }
  try {
    const sources = [here('../src'), here('../build'), here('../public'), here('../../glissade/src')]
    const built = (() => {
      try {
        return statSync(join(dist, 'index.html')).mtimeMs
      } catch {
        return 0
      }
    })()
    if (built < Math.max(...sources.map(newest), statSync(here('../index.html')).mtimeMs)) {
      await build({ configFile: here('../vite.config.ts'), logLevel: 'error' })
    }
  } finally {
    rmSync(lock, { recursive: true, force: true })
  }
}

export interface LabPage {
  readonly page: Page
  readonly address: string
  /** Errors of the page and of the console, refused requests: to be empty at the end. */
  readonly problems: string[]
  close(): Promise<void>
}

let browser: Browser | undefined
let server: LabServer | undefined

async function serve(): Promise<string> {
  await ensureBuilt()
  server ??= await serveLab({ page: dist, port: 0 })
  return server.address
}

/** The built page, for those who serve it in another way. */
export async function builtPage(): Promise<string> {
  await ensureBuilt()
  return dist
}

/** Opens the lab at a place such as `#/studio`. */
export async function openLab(place = '', options: BrowserContextOptions = {}): Promise<LabPage> {
  return openAt(await serve(), place, options)
}

/** The same where somebody else serves it. `before`: what is done to the page before it opens. */
export async function openAt(
  address: string,
  place = '',
  options: BrowserContextOptions = {},
  before: (page: Page) => Promise<unknown> = async () => {},
): Promise<LabPage> {
  browser ??= await (playwright as typeof import('playwright-core')).chromium.launch({
    executablePath: chromium.path as string,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking', '--disable-sync'],
  })
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options })
  const page = await context.newPage()
  const problems: string[] = []
  page.on('pageerror', (error) => problems.push(error.message))
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()))
  page.on('request', (request) => {
    if (!request.url().startsWith(address) && !/^(blob|data):/.test(request.url()))
      problems.push(`asked ${request.url()}`)
  })
  await before(page)
  await page.goto(address + place)
  return { page, address, problems, close: () => context.close() }
}

/** Ends the browser and the server; for afterAll. */
export async function closeLab(): Promise<void> {
  await browser?.close()
  browser = undefined
  await server?.close()
  server = undefined
}
