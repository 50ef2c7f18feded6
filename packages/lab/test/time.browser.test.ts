/** Time travel, branches, experiments and the doctor in a real browser; how fast training is, watched and not. */
import { afterAll, describe, expect, test } from 'vitest'
import type { Lab } from '../src/state/lab.ts'
import { closeLab, type LabPage, missing, openLab } from './page.ts'

afterAll(closeLab)

declare const glissadeLab: Lab

async function openStudio(): Promise<LabPage> {
  const opened = await openLab('#/studio')
  await opened.page.waitForFunction(() => globalThis.glissadeLab?.progress.value !== undefined)
  await opened.page.evaluate(() => {
    glissadeLab.speed.value = 0
  })
  return opened
}

const advance = (page: LabPage['page'], steps: number) =>
  page.evaluate(async (by) => {
    await glissadeLab.advance(by)
    await new Promise<void>((resolve) => {
      const look = () => (glissadeLab.running.value ? setTimeout(look, 10) : resolve())
      setTimeout(look, 30)
    })
  }, steps)

describe.skipIf(missing)('time in a browser', () => {
  test('the line goes to any step by keyboard, the page says where one is, and a branch stands beside its run', async () => {
    const { page, problems, close } = await openStudio()
    await advance(page, 300)
    const line = page.getByRole('slider', { name: 'Step of the run' })
    await line.focus()
    const stepIs = (step: number) =>
      page.waitForFunction((wanted) => globalThis.glissadeLab?.progress.value?.stamp.step === wanted, step)
    await page.keyboard.press('Home')
    await stepIs(0)
    await page.keyboard.press('ArrowRight')
    await stepIs(1)
    await page.getByText('You are looking at').waitFor()
    expect(await page.getByText(/step 1 of 300/).count()).toBeGreaterThan(0)
    await page.keyboard.press('End')
    await stepIs(300)
    // The curves still reach to the end, and losses are those of the run.
    const curve = await page.evaluate(() => {
      const curves = glissadeLab.run.value?.curves
      return curves && { last: curves.steps[curves.count - 1], scores: curves.scores.map(({ step }) => step) }
    })
    expect(curve?.last).toBe(299)
    expect(curve?.scores).toEqual([...(curve?.scores ?? [])].sort((a, b) => a - b))
    await page.evaluate(() => glissadeLab.seek(120))
    await page.getByRole('button', { name: 'Branch from here…' }).click()
    await page.getByRole('button', { name: 'Branch', exact: true }).click()
    await page.getByRole('region', { name: 'Two runs side by side' }).waitFor()
    await advance(page, 50)
    const table = await page.getByRole('row', { name: /^step / }).innerText()
    expect(table.replace(/\s+/g, ' ')).toBe('step 170 120 50')
    await page.getByRole('button', { name: 'Close run 0' }).click()
    await page.waitForFunction(() => globalThis.glissadeLab?.runs.value.size === 1)
    expect(problems).toEqual([])
    await close()
  })

  test('an experiment is made by its form, and taken back; the doctor says what is wrong and mends it', async () => {
    const { page, problems, close } = await openStudio()
    await advance(page, 200)
    for (const name of ['Experiments', 'Doctor'])
      await page.getByRole('button', { name: new RegExp(`^${name}`) }).click()
    const scores = () => page.evaluate(() => glissadeLab.progress.value?.scores)
    const before = await scores()
    await page.getByRole('button', { name: 'Try it' }).click()
    await page.getByText(/^Unit 0 of layer 0/i).waitFor()
    expect((await scores())?.test.loss).not.toBe(before?.test.loss)
    await page.getByRole('button', { name: 'Take back' }).click()
    await page.getByText('taken back').waitFor()
    expect((await scores())?.test).toEqual(before?.test)
    await page.evaluate(() => glissadeLab.editor.change({ optimizer: { kind: 'sgd', lr: 30 } }))
    await advance(page, 300)
    await page
      .getByRole('button', { name: /Begin again with learning rate 10/ })
      .first()
      .click()
    await page.waitForFunction(() => glissadeLab.progress.value?.lr === 10 && glissadeLab.progress.value.stamp.step > 0)
    expect(problems).toEqual([])
    await close()
  })

  test('how fast it trains, watched and not (printed, not judged)', async () => {
    const rate = async (isWatched: boolean): Promise<number> => {
      const { page, close } = await openStudio()
      if (!isWatched) {
        await page.evaluate(() => {
          location.hash = '#/'
        })
        await page.getByRole('slider', { name: 'Step of the run' }).waitFor({ state: 'detached' })
      }
      const found = await page.evaluate(async () => {
        const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
        const at = () => ({ step: glissadeLab.progress.value?.stamp.step ?? 0, ms: performance.now() })
        await glissadeLab.train()
        await wait(1500)
        const from = at()
        await wait(3000)
        const until = at()
        return ((until.step - from.step) * 1000) / (until.ms - from.ms)
      })
      await close()
      return found
    }
    const rates = { watched: await rate(true), unwatched: await rate(false) }
    for (const [kind, found] of Object.entries(rates))
      console.log(`default network, ${kind}: ${Math.round(found)} steps/s`)
    expect(rates.watched).toBeGreaterThan(0)
  })

  test('the worker answers while it trains a large network (printed, not judged)', async () => {
    const { page, close } = await openStudio()
    const { presets } = await import('../src/spec/presets.ts')
    const spec = presets.find(({ id }) => id === 'digits')?.spec
    await page.evaluate((given) => glissadeLab.open(given as never), spec as unknown)
    const waits = await page.evaluate(async () => {
      await glissadeLab.train()
      await new Promise((resolve) => setTimeout(resolve, 3000))
      const found: number[] = []
      for (let i = 0; i < 30; i++) {
        const from = performance.now()
        await glissadeLab.client.ask('timeline', { run: 0 })
        found.push(performance.now() - from)
        await new Promise((resolve) => setTimeout(resolve, 30))
      }
      return found.sort((a, b) => a - b)
    })
    console.log(`digits, an answer takes ${Math.round(waits[15])} ms, the slowest of 30 ${Math.round(waits[29])} ms`)
    expect(waits.length).toBe(30)
    await close()
  })
})
