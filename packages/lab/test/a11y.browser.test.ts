/** Every page for everyone: no violation by axe-core, no sideways scrolling on a phone or at 200 %, keyboard only. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'
import { afterAll, describe, expect, test } from 'vitest'
import { chapters } from '../src/trail/chapters/index.ts'
import { closeLab, missing, openLab } from './page.ts'

afterAll(closeLab)

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** What axe-core finds, in a line each. */
async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe)
  return page.evaluate(async () => {
    const { violations } = await (globalThis as unknown as { axe: typeof import('axe-core') }).axe.run(document, {
      resultTypes: ['violations'],
    })
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')} – ${failureSummary?.replace(/\s+/g, ' ')}`),
    )
  })
}

const sideways = (page: Page): Promise<number> =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)

interface Place {
  readonly name: string
  readonly place: string
  readonly act?: (page: Page) => Promise<unknown>
}
const places: readonly Place[] = [
  { name: 'the contents', place: '#/' },
  ...chapters.map(({ number }) => ({ name: `chapter ${number}`, place: `#/trail/${number}` })),
  { name: 'the studio', place: '#/studio' },
  {
    name: 'the studio, sharing',
    place: '#/studio',
    act: (page) => page.getByRole('button', { name: 'Share' }).click(),
  },
  {
    name: 'the studio, taking away',
    place: '#/studio',
    act: (page) => page.getByRole('button', { name: 'Take away' }).click(),
  },
  {
    name: 'the studio, opening',
    place: '#/studio',
    act: (page) => page.getByRole('button', { name: 'Open and keep' }).click(),
  },
  { name: 'the studio, keys', place: '#/studio', act: (page) => page.getByRole('button', { name: 'Keys' }).click() },
  { name: 'five classes', place: '#/studio?v=1&data=pinwheel&net=8-5' },
  { name: 'runs', place: '#/runs' },
]

async function opened(place: string, width: number, colorScheme: 'dark' | 'light', scale = 1) {
  const lab = await openLab(place, {
    viewport: { width, height: 900 },
    deviceScaleFactor: scale,
    colorScheme,
    reducedMotion: 'reduce',
  })
  await lab.page.getByRole('heading', { level: 1 }).first().waitFor({ state: 'attached' })
  if (place.startsWith('#/studio'))
    await lab.page.waitForFunction(() => globalThis.glissadeLab?.progress.value !== undefined)
  await lab.page.waitForTimeout(600)
  return lab
}

describe.skipIf(missing)('every page for everyone', () => {
  describe.each(places)('$name', ({ place, act }) => {
    test.each([
      ['wide, light', 1280, 'light'],
      ['a phone, dark', 360, 'dark'],
    ] as const)('%s', async (_, width, colours) => {
      const { page, close } = await opened(place, width, colours)
      await act?.(page)
      await page.waitForTimeout(300)
      expect(await sideways(page), 'pixels to scroll sideways').toBe(0)
      expect(await violations(page)).toEqual([])
      await close()
    })
  })

  test.each(['#/', '#/trail/1', '#/studio', '#/runs'])('%s at 200 % does not scroll sideways', async (place) => {
    const { page, close } = await opened(place, 640, 'light', 2)
    expect(await sideways(page)).toBe(0)
    await close()
  })

  test('the studio is used with the keyboard alone', async () => {
    const { page, problems, close } = await opened('#/studio', 1280, 'light')
    const focused = () =>
      page.evaluate(() => {
        const { activeElement: at } = document
        return at?.getAttribute('aria-label') ?? at?.textContent?.trim() ?? ''
      })
    const tabTo = async (name: string): Promise<void> => {
      for (let i = 0; i < 120; i++) {
        await page.keyboard.press('Tab')
        if ((await focused()) === name) return
      }
      throw new Error(`Tab never came to ${name}.`)
    }
    await tabTo('Share')
    await page.keyboard.press('Enter')
    await page.getByRole('dialog', { name: 'Share' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog', { name: 'Share' }).waitFor({ state: 'hidden' })
    expect(await focused()).toBe('Share')
    await tabTo('Train')
    await page.keyboard.press('Enter')
    await page.waitForFunction(() => (globalThis.glissadeLab?.progress.value?.stamp.step ?? 0) > 5)
    await page.keyboard.press('Enter')
    await page.waitForFunction(() => globalThis.glissadeLab?.running.value === false)
    await tabTo('Output as a picture')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'PNG', exact: true }).waitFor()
    await page.keyboard.press('Escape')
    expect(await page.getByRole('button', { name: 'PNG', exact: true }).count()).toBe(0)
    expect(problems).toEqual([])
    await close()
  })
})
