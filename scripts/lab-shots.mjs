/**
 * `npm run lab:shots`: pictures of the lab, from the real page: the first card of every chapter and the studio with four
 * networks, trained some seconds, at three widths. All go to .glissade/shots; those that README shows to docs/lab too.
 *
 * `npm run lab:shots -- studio-circle` makes only those whose names contain the word. Needs a Chromium (chromium.mjs).
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findChromium } from './chromium.mjs'
import { buildLab, root, setUp } from './setup.mjs'

setUp()
if (!buildLab()) process.exit(1)
// Only now are the packages and the command there.
const { chromium } = await import('playwright-core')
const { serveLab } = await import('../packages/cli/dist/lab/server.js')
const found = findChromium()
if (!found.path) {
  console.error(`No pictures: ${found.reason}.`)
  process.exit(1)
}

const [only = ''] = process.argv.slice(2)
const widths = [1280, 768, 360]
/** Of these the wide, light one is kept in the repository. */
const best = [
  'contents',
  'studio-circle',
  'studio-spiral-dark',
  'studio-digits',
  'studio-names-transformer',
  'chapter-7',
]
const everything = join(root, '.glissade/shots')
const kept = join(root, 'docs/lab')
for (const folder of [everything, kept]) mkdirSync(folder, { recursive: true })

const studio = (preset, seconds, dark = false) => ({
  name: `studio-${preset}${dark ? '-dark' : ''}`,
  place: '#/studio',
  preset,
  seconds,
  dark,
})
const shots = [
  { name: 'contents', place: '#/' },
  ...Array.from({ length: 11 }, (_, i) => ({ name: `chapter-${i + 1}`, place: `#/trail/${i + 1}/1` })),
  studio('circle', 2),
  studio('spiral', 5, true),
  studio('digits', 8),
  studio('names-lstm', 8),
  studio('names-transformer', 8),
]

const server = await serveLab({ page: join(root, 'packages/lab/dist'), port: 0 })
const browser = await chromium.launch({ executablePath: found.path, args: ['--no-sandbox', '--disable-gpu'] })
try {
  for (const shot of shots.filter(({ name }) => name.includes(only)))
    for (const width of widths) await take(shot, width)
} finally {
  await browser.close()
  await server.close()
}

async function take({ name, place, preset, seconds = 0, dark = false }, width) {
  const context = await browser.newContext({
    viewport: { width, height: width < 600 ? 780 : 900 },
    colorScheme: dark ? 'dark' : 'light',
    reducedMotion: 'reduce',
  })
  const page = await context.newPage()
  await page.goto(server.address + place)
  await page.locator('h1').first().waitFor({ state: 'attached' })
  if (preset) await train(page, preset, seconds)
  await page.waitForTimeout(800)
  const picture = await packed(context, await page.screenshot())
  const file = `${name}-${width}.webp`
  writeFileSync(join(everything, file), picture)
  const isBest = width === widths[0] && best.includes(name)
  if (isBest) writeFileSync(join(kept, `${name}.webp`), picture)
  console.log(`${file}  ${(picture.length / 1000).toFixed(0)} KB${isBest ? ', kept in docs/lab' : ''}`)
  await context.close()
}

/** Trains one of the ready networks for some seconds, as a person does, and pauses. */
async function train(page, preset, seconds) {
  await page.getByLabel('Begin with').selectOption(preset)
  await page.waitForFunction(() => globalThis.glissadeLab?.opening.value === false)
  await page.waitForTimeout(1000)
  await page.getByLabel('Speed').selectOption('0')
  await page.getByRole('button', { name: 'Train', exact: true }).click()
  await page.waitForTimeout(1000 * seconds)
  await page.getByRole('button', { name: 'Pause' }).click()
}

/** A PNG as WebP, which is a third as large. The browser makes it. */
async function packed(context, png) {
  const page = await context.newPage()
  const address = `data:image/png;base64,${png.toString('base64')}`
  const base64 = await page.evaluate(async (address) => {
    const image = new Image()
    image.src = address
    await image.decode()
    const canvas = document.createElement('canvas')
    canvas.width = image.width
    canvas.height = image.height
    canvas.getContext('2d').drawImage(image, 0, 0)
    return canvas.toDataURL('image/webp', 0.8).split(',')[1]
  }, address)
  await page.close()
  return Buffer.from(base64, 'base64')
}
