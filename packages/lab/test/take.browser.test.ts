/** What can be taken away, and found again, in a real browser. */
import { readFileSync } from 'node:fs'
import { unzipSync } from 'fflate'
import { io } from 'glissade'
import type { Download, Page } from 'playwright-core'
import { afterAll, describe, expect, test } from 'vitest'
import { type Preset, presets } from '../src/spec/presets.ts'
import { linkOf } from '../src/take/link.ts'
import { closeLab, missing, openLab } from './page.ts'

afterAll(closeLab)

const ready = (page: Page) => page.waitForFunction(() => globalThis.glissadeLab?.progress.value !== undefined)
const place = (page: Page) =>
  page.evaluate(() => {
    const progress = globalThis.glissadeLab?.progress.value
    return { step: progress?.stamp.step, scores: progress?.scores, running: progress?.running }
  })
const advance = (page: Page, steps: number) =>
  page.evaluate(async (steps) => {
    const lab = globalThis.glissadeLab
    const step = (): number => lab?.progress.value?.stamp.step ?? 0
    const until = step() + steps
    await lab?.advance(steps)
    while (step() < until || lab?.running.value) await new Promise((resolve) => setTimeout(resolve, 20))
  }, steps)

async function bytesOf(download: Download): Promise<Uint8Array> {
  return readFileSync(await download.path())
}
async function saved(page: Page, press: () => Promise<void>): Promise<{ name: string; bytes: Uint8Array }> {
  const [download] = await Promise.all([page.waitForEvent('download'), press()])
  return { name: download.suggestedFilename(), bytes: await bytesOf(download) }
}

describe.skipIf(missing)('what can be taken away', () => {
  test('a link brings back the same network with its weights, and does not run', async () => {
    const { page, problems, close } = await openLab('#/studio')
    await ready(page)
    await advance(page, 50)
    const there = await place(page)
    await page.getByRole('button', { name: 'Share' }).click()
    await page.getByRole('checkbox', { name: 'With the weights as they are now' }).check()
    const field = page.getByRole('textbox', { name: /^Link/ })
    await page.waitForFunction(() =>
      document.querySelector<HTMLTextAreaElement>('dialog textarea')?.value.includes('w='),
    )
    const link = await field.inputValue()
    const other = await openLab(link.slice(link.indexOf('#')))
    await ready(other.page)
    await other.page.waitForFunction(() => globalThis.glissadeLab?.progress.value?.stamp.step === 50)
    const here = await place(other.page)
    expect(here).toEqual(there)
    expect(here.running).toBe(false)
    await advance(page, 30)
    await advance(other.page, 30)
    expect(await place(other.page)).toEqual(await place(page))
    expect([...problems, ...other.problems]).toEqual([])
    await other.close()
    await close()
  })

  test('a hostile link ends in words, and the studio works', async () => {
    const { page, problems, close } = await openLab('#/studio?v=1&samples=99999999')
    await ready(page)
    await page.getByRole('alert').filter({ hasText: 'This link cannot be opened. data.samples' }).waitFor()
    await advance(page, 3)
    expect((await place(page)).step).toBe(3)
    expect(problems).toEqual([])
    await close()
  })

  test('a lesson may leave panels out', async () => {
    const { page, close } = await openLab('#/studio?v=1&hide=Loss,Data')
    await ready(page)
    await page.getByRole('heading', { name: 'Output' }).waitFor()
    expect(await page.getByRole('heading', { name: 'Loss', exact: true }).count()).toBe(0)
    expect(await page.getByRole('heading', { name: 'Data', exact: true }).count()).toBe(0)
    await close()
  })

  test('work is kept, offered again, and goes on where it was', async () => {
    const { page, problems, close } = await openLab('#/studio')
    await ready(page)
    await advance(page, 40)
    const there = await place(page)
    const kept = () =>
      page.evaluate(
        () =>
          new Promise<number>((resolve) => {
            const request = indexedDB.open('glissade-lab', 1)
            request.onsuccess = () => {
              const heads = request.result.transaction('heads').objectStore('heads').count()
              heads.onsuccess = () => resolve(heads.result)
            }
          }),
      )
    await expect.poll(kept, { timeout: 20_000 }).toBe(1)
    await page.reload()
    await ready(page)
    expect((await place(page)).step).toBe(0)
    await page.getByRole('button', { name: 'Go on', exact: true }).click()
    await page.waitForFunction(() => globalThis.glissadeLab?.progress.value?.stamp.step === 40)
    expect(await place(page)).toEqual(there)
    const points = await page.evaluate(() => globalThis.glissadeLab?.run.value?.curves.count)
    expect(points).toBe(40)
    // Under a name, and forgotten.
    await page.getByRole('button', { name: 'Open and keep' }).click()
    await page.getByRole('textbox', { name: 'Keep this work in the browser as' }).fill('My circle')
    await page.getByRole('button', { name: 'Keep', exact: true }).click()
    await page.getByRole('button', { name: /^Open My circle/ }).waitFor()
    await page.getByRole('button', { name: 'Forget all' }).click()
    await page.getByText('Nothing yet.').waitFor()
    expect(problems).toEqual([])
    await close()
  })

  test('programs, weights, ONNX, a session and figures are saved; the session opens again', async () => {
    const { page, problems, close } = await openLab('#/studio')
    await ready(page)
    await advance(page, 20)
    await page.getByRole('button', { name: 'Take away' }).click()
    const save = (title: string) => saved(page, () => page.getByRole('button', { name: `Save: ${title}` }).click())
    const program = await save('TypeScript program')
    expect(program.name).toBe('train.ts')
    expect(new TextDecoder().decode(program.bytes)).toContain("from 'glissade'")
    const python = await save('PyTorch program')
    const files = unzipSync(python.bytes)
    expect(Object.keys(files).sort()).toEqual(['first-weights.safetensors', 'train.py'])
    expect(new TextDecoder().decode(files['train.py'])).toContain('import torch')
    const { tensors, metadata } = io.parseSafetensors((await save('Weights')).bytes)
    expect(JSON.parse(metadata['glissade.architecture']).kind).toBe('sequential')
    const shownWeights = await page.evaluate(async () => {
      const lab = globalThis.glissadeLab
      const answer = await lab?.client.ask('parameter', { run: 0, name: '0.weight', aspect: 'value' })
      return [...(answer?.numbers.values ?? [])]
    })
    expect([...(await tensors['0.weight'].data())]).toEqual(shownWeights)
    expect((await save('ONNX')).bytes.length).toBeGreaterThan(300)
    const csv = new TextDecoder().decode((await save('Figures of training')).bytes)
    expect(csv.split('\r\n')).toHaveLength(23)
    const everything = await save('Everything')
    await page.keyboard.press('Escape')
    const there = await place(page)
    await advance(page, 5)
    await page.getByRole('button', { name: 'Open and keep' }).click()
    await page.setInputFiles('dialog input[type=file]', {
      name: everything.name,
      mimeType: 'application/octet-stream',
      buffer: Buffer.from(everything.bytes),
    })
    await page.waitForFunction(() => globalThis.glissadeLab?.progress.value?.stamp.step === 20)
    expect(await place(page)).toEqual(there)
    // What is no such file is refused in words.
    await page.getByRole('button', { name: 'Open and keep' }).click()
    await page.setInputFiles('dialog input[type=file]', {
      name: 'wrong.safetensors',
      mimeType: 'application/octet-stream',
      buffer: Buffer.from('no tensors'),
    })
    await page.getByRole('status').filter({ hasText: 'wrong.safetensors' }).waitFor()
    expect((await place(page)).step).toBe(20)
    expect(problems).toEqual([])
    await close()
  })

  test.each(['digits', 'names-lstm', 'names-transformer'])('so is a network on data from files: %s', async (id) => {
    const { spec } = presets.find((each) => each.id === id) as Preset
    const { page, problems, close } = await openLab(linkOf({ spec }))
    await ready(page)
    await page.getByRole('button', { name: 'Take away' }).click()
    const save = (title: string) => saved(page, () => page.getByRole('button', { name: `Save: ${title}` }).click())
    const python = unzipSync((await save('PyTorch program')).bytes)
    expect(Object.keys(python).sort()).toEqual(['first-weights.safetensors', 'samples.safetensors', 'train.py'])
    const node = unzipSync((await save('TypeScript program')).bytes)
    expect(Object.keys(node).sort()).toEqual(['samples.safetensors', 'train.ts'])
    const { tensors } = io.parseSafetensors(node['samples.safetensors'])
    expect(tensors.inputs.shape[0]).toBe(4000)
    const onnx = (await save('ONNX')).bytes
    expect(onnx.length).toBeGreaterThan(20_000)
    expect(problems).toEqual([])
    await close()
  })

  test('a panel is saved as a picture: shapes and letters, or pixels', async () => {
    const { page, problems, close } = await openLab('#/studio')
    await ready(page)
    await page.getByRole('heading', { name: 'Output' }).waitFor()
    const picture = (format: 'SVG' | 'PNG') =>
      saved(page, async () => {
        await page.getByRole('button', { name: 'Output as a picture' }).click({ force: true })
        await page.getByRole('button', { name: format, exact: true }).click()
      })
    const svg = new TextDecoder().decode((await picture('SVG')).bytes)
    expect(svg).toContain('>Output</text>')
    expect(svg).toMatch(/>epoch<\/text>|epoch 0/)
    // One mark for each training point at least.
    expect(svg.split('<path').length).toBeGreaterThan(210)
    const png = (await picture('PNG')).bytes
    expect([...png.subarray(1, 4)]).toEqual([...Buffer.from('PNG')])
    expect(png.length).toBeGreaterThan(10_000)
    expect(problems).toEqual([])
    await close()
  })
})
