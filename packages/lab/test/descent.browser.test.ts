/** Chapters 6 and 7 in a real browser, played through as a person does, and the microscope and the surface in the studio. */
import { afterAll, describe, expect, test } from 'vitest'
import { closeLab, missing, openLab } from './page.ts'
import { Player } from './trail.ts'

afterAll(closeLab)

const numberIn = (text: string | null): number => Number((text ?? '').replace('−', '-').replace('e−', 'e-').trim())

describe.skipIf(missing)('the way down, in a browser', () => {
  test('6: one weight by hand, by slope, with five rates; two weights, momentum, a network', async () => {
    const player = await Player.open(6)
    const { page } = player
    await player.at('One weight, one valley')
    await player.choose('A valley: it falls')
    await player.turn('weight', 0.4)
    await player.done()
    await player.next()
    await player.at('The slope says where to go')
    const slope = async (): Promise<number> => {
      const answer = await page.evaluate(() =>
        globalThis.glissadeLab?.client.ask('parameter', { run: 0, name: '0.weight', aspect: 'gradient' }),
      )
      return answer?.numbers.values[0] ?? Number.NaN
    }
    const guess = -1 - 0.02 * (await slope())
    await player.guess('The weight after one step', Number(guess.toFixed(3)))
    await page.getByText('Exactly. Minus times').waitFor()
    await player.press('One step')
    await page.waitForFunction(() => globalThis.glissadeLab?.progress.value?.stamp.step === 1)
    expect((await player.parameter('0.weight'))[0]).toBeCloseTo(guess, 5)
    for (let i = 0; i < 15; i++) await player.press('One step')
    await player.done()
    await player.next()
    await player.at('Too small, and too large')
    await player.choose('It climbs out of the valley')
    await player.press('0.22')
    await page.waitForFunction(() => globalThis.glissadeLab?.progress.value?.lr === 0.22)
    await page.evaluate(() => globalThis.glissadeLab?.advance(30))
    await page.waitForFunction(() => (globalThis.glissadeLab?.progress.value?.scores?.train.loss ?? 0) > 20)
    await page.waitForTimeout(300)
    await player.open()
    await player.press('0.09')
    await page.waitForFunction(() => globalThis.glissadeLab?.progress.value?.stamp.step === 0)
    for (let i = 0; i < 4; i++) await player.press('One step')
    await player.done()
    await player.next()
    await player.at('Two weights, a landscape')
    await player.choose('Across it, at a right angle')
    const box = await page.locator('.loss-field').boundingBox()
    if (!box) throw new Error('There is no map.')
    await page.mouse.click(box.x + 0.2 * box.width, box.y + 0.2 * box.height)
    await page.waitForTimeout(300)
    const [w1, w2] = await player.parameter('0.weight')
    expect(w1).toBeCloseTo(-0.8, 1)
    expect(w2).toBeCloseTo(1.3, 1)
    await page.evaluate(() => globalThis.glissadeLab?.advance(90))
    await player.done()
    await player.next()
    for (const [title, right] of [
      ['A narrow valley', 'A zigzag'],
      ['Momentum', 'It is faster, and rolls past'],
      ['The valley of a real network', 'No: plains'],
    ]) {
      await player.at(title)
      await player.choose(right)
      await player.press('Show me')
      await player.done()
      if (title !== 'The valley of a real network') await player.next()
    }
    expect((await player.scores())?.train.accuracy).toBeGreaterThanOrEqual(0.98)
    await player.end()
  }, 90_000)

  test('7: from a nudge to the chain rule, several ways, the microscope and its proof', async () => {
    const player = await Player.open(7)
    const { page } = player
    const gradient = async (): Promise<number> => {
      const answer = await page.evaluate(() =>
        globalThis.glissadeLab?.client.ask('unfolded', {
          ...{ run: 0, name: '0.weight', element: 0, of: { part: 'train', index: 0 } },
          ...{ stride: 'modules', limit: 4, open: [] },
        }),
      )
      return answer?.gradient ?? Number.NaN
    }
    await player.at('Nudge one weight')
    await player.choose('All of them, each by an amount')
    await page.locator('.chain-picture').waitFor()
    const slope = await gradient()
    await player.press('Weight + 0.01')
    await player.done()
    const ratio = numberIn(await page.locator('.trail-stage p strong').textContent())
    expect(Math.abs(ratio - slope)).toBeLessThan(0.1)
    await player.next()
    await player.at('One link at a time, backwards')
    await player.choose('Multiply them')
    for (let i = 0; i < 4; i++) await player.press('One link back')
    await player.done()
    const shown = await page.locator('.chain-picture g text:last-child').allTextContents()
    expect(numberIn(shown.find((_, i) => i === shown.length - 5) ?? null)).toBeCloseTo(await gradient(), 2)
    await player.next()
    await player.at('Do one product yourself')
    await player.choose('0, whatever the rest')
    for (let i = 0; i < 4; i++) await player.press('One link back')
    await player.done()
    await player.next()
    await player.at('Several ways: add them')
    await player.choose('They are added')
    await player.press('way 1')
    await player.press('way 2')
    await player.done()
    await player.next()
    await player.at('Under the microscope')
    const rows = page.locator('[role="treeitem"]')
    await rows.first().focus()
    // By keyboard: right opens, right again goes in.
    for (let i = 0; i < 14 && (await page.locator('.goal.done').count()) === 0; i++) {
      await page.keyboard.press('ArrowRight')
      await page.waitForTimeout(350)
    }
    await player.done()
    await player.next()
    await player.at('Is it true?')
    await player.press('Check by finite differences')
    await page.getByText('They agree').waitFor()
    const formula = numberIn(await page.locator('.was-is strong').textContent())
    await player.press('One step')
    await player.done()
    expect((await player.parameter('0.weight'))[3]).toBeCloseTo(formula, 5)
    await player.end()
  }, 90_000)

  test('the studio: a weight under the microscope while it trains, and the surface with its way', async () => {
    const { page, problems, close } = await openLab('#/studio')
    await page.waitForFunction(() => globalThis.glissadeLab?.progress.value !== undefined)
    await page.evaluate(() => globalThis.glissadeLab?.advance(60))
    await page.waitForFunction(() => globalThis.glissadeLab?.progress.value?.stamp.step === 60)
    await page.evaluate(() => {
      const lab = globalThis.glissadeLab
      if (lab) lab.selection.pinned.value = { kind: 'weight', name: '0.weight', element: 3 }
    })
    await page.getByRole('button', { name: /^Microscope/ }).click()
    // The list closes when there is something to see.
    await page.getByText('Views', { exact: true }).click()
    await page.getByRole('button', { name: /^Loss surface/ }).click()
    const panel = page.locator('.microscope-panel')
    await panel.locator('[role="treeitem"]').first().waitFor()
    const ask = () =>
      page.evaluate(async () => {
        const lab = globalThis.glissadeLab
        const { numbers } = (await lab?.client.ask('parameter', { run: 0, name: '0.weight', aspect: 'gradient' })) ?? {}
        return numbers?.values[3] ?? Number.NaN
      })
    await page.waitForFunction(() =>
      document.querySelector('.microscope-panel .stamp')?.textContent?.endsWith('step 60'),
    )
    for (const shown of await panel.locator('.micro-main .sums dd').allTextContents())
      expect(numberIn(shown)).toBeCloseTo(await ask(), 4)
    const after = numberIn(await panel.locator('.was-is strong').textContent())
    await page.getByRole('button', { name: 'One step', exact: true }).click()
    await page.waitForFunction(() =>
      document.querySelector('.microscope-panel .stamp')?.textContent?.endsWith('step 61'),
    )
    const now = await page.evaluate(async () =>
      globalThis.glissadeLab?.client.ask('parameter', { run: 0, name: '0.weight', aspect: 'value' }),
    )
    expect(now?.numbers.values[3]).toBeCloseTo(after, 5)
    const map = page.getByRole('application', { name: 'The loss over' })
    await map.waitFor()
    await page.waitForFunction(() => document.querySelector('.landscape')?.textContent?.includes('Present point: loss'))
    await map.focus()
    await page.keyboard.press('ArrowRight')
    await page
      .getByText(/: loss /)
      .first()
      .waitFor()
    await page.locator('.landscape').getByLabel('Along').selectOption('path')
    await page.waitForFunction(() => /holds \d+(\.\d)? %/.test(document.querySelector('.landscape')?.textContent ?? ''))
    expect(problems).toEqual([])
    await close()
  }, 60_000)
})
