/** The studio in a real browser: it opens, trains, pauses, and begins again with the same numbers. */
import { afterAll, describe, expect, test } from 'vitest'
import { closeLab, missing, openLab } from './page.ts'

afterAll(closeLab)

describe.skipIf(missing)('the studio in a browser', () => {
  test('trains the first network, pauses when told, and comes back to the same start', async () => {
    const { page, problems, close } = await openLab('#/studio')
    await page.getByRole('button', { name: 'Train', exact: true }).waitFor()
    await page.waitForFunction(() => globalThis.glissadeLab?.progress.value !== undefined)
    const at = () => page.evaluate(() => globalThis.glissadeLab?.progress.value?.scores)
    const first = await at()
    await page.getByRole('button', { name: 'Train', exact: true }).click()
    await page.waitForFunction(() => (globalThis.glissadeLab?.progress.value?.stamp.step ?? 0) > 200)
    await page.getByRole('button', { name: 'Pause' }).click()
    await page.waitForFunction(() => globalThis.glissadeLab?.running.value === false)
    const trained = await at()
    expect(trained?.train.loss).toBeLessThan((first?.train.loss ?? 0) / 2)
    await page.getByRole('button', { name: 'Reset to the first weights' }).click()
    await page.waitForFunction(() => globalThis.glissadeLab?.progress.value?.stamp.step === 0)
    expect(await at()).toEqual(first)
    expect(problems).toEqual([])
    await close()
  })
})
