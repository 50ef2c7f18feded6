/** Pictures in a real browser: chapter 9 played through, with its numbers held against the worker’s; digits that are drawn. */
import { readFileSync } from 'node:fs'
import { afterAll, describe, expect, test } from 'vitest'
import { closeLab, missing, openLab } from './page.ts'
import { Player } from './trail.ts'

afterAll(closeLab)

const axeSource = readFileSync(new URL('../../../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8')

/** The number that a sum line comes to. */
const shownSum = (player: Player): Promise<number> =>
  player.page
    .locator('.sum-line')
    .first()
    .getAttribute('data-value')
    .then((text) => Number(text))

/** What the network gave back at the place that is looked at. */
const numberAt = (player: Player, module: string, unit: number): Promise<number> =>
  player.page.evaluate(
    async ([module, unit]) => {
      const lab = globalThis.glissadeLab
      if (!lab) return Number.NaN
      const input = lab.selection.input.value
      const { numbers } = await lab.client.ask('activation', { run: 0, module, input, aspect: 'value' })
      const [, rows, columns] = numbers.shape
      const [row, column] = lab.selection.place.value
      return numbers.values[(unit * rows + Math.min(row, rows - 1)) * columns + Math.min(column, columns - 1)]
    },
    [module, unit] as const,
  )

async function violations(player: Player): Promise<string[]> {
  // As a script of the page it would not pass the content security policy.
  await player.page.evaluate(axeSource)
  return player.page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> }
    }
    return (await axe.run()).violations.map(
      ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`,
    )
  })
}

describe.skipIf(missing)('pictures in a browser', () => {
  test('9: digits are learned from a cold start, and followed to one sum of products', async () => {
    const player = await Player.open(9)
    const { page } = player
    await player.at('A small window slides over a picture')
    await player.choose('The window must lie wholly within the picture')
    await page.locator('.sum-line').waitFor()
    await player.open()
    expect(await shownSum(player)).toBe(await numberAt(player, '0', 0))
    // The sum of the products in the table, and the bias, is what the line says.
    const cells = await page
      .locator('table[aria-label="Products"] td')
      .evaluateAll((all) => all.map((td) => Number(td.getAttribute('title'))))
    const [bias] = await player.parameter('0.bias')
    expect(cells.length).toBe(25)
    expect(cells.reduce((sum, each) => sum + each, bias)).toBeCloseTo(await shownSum(player), 5)
    await player.press('Show me')
    await player.done()
    expect(await violations(player)).toEqual([])

    await player.next()
    await player.at('The same weights everywhere')
    await player.guess('parameters', 150)
    expect(await page.locator('[data-figure="convolution"]').textContent()).toBe('156')
    expect(await page.locator('[data-figure="dense"]').textContent()).toBe('2,712,960')
    await player.press('Slide')
    await player.done()

    await player.next()
    await player.at('Let it learn')
    await player.choose('More than 80')
    const before = await player.parameter('0.weight')
    await player.press('Train')
    await player.done()
    expect(await player.parameter('0.weight')).not.toEqual(before)
    expect(await violations(player)).toEqual([])

    await player.next()
    await player.at('What filters came to detect')
    await player.choose('Pieces of strokes')
    for (const filter of ['Filter 1', 'Filter 4', 'Filter 2']) await player.press(filter)
    await player.done()
    await page
      .locator('.filter-list')
      .getByRole('button', { name: /^Test sample/ })
      .first()
      .click()
    await page.waitForFunction(() => {
      const input = globalThis.glissadeLab?.selection.input.value
      return input && 'part' in input && input.part === 'test'
    })

    await player.next()
    await player.at('Smaller, and looking further')
    await player.guess('pixels', 16)
    await player.press('Show me')
    await player.done()
    expect(await shownSum(player)).toBe(await numberAt(player, '5', 0))

    await player.next()
    await player.at('Where it is wrong')
    await player.choose('Not always')
    const { test: score } = (await player.scores()) ?? { test: undefined }
    await page.locator('[data-figure="accuracy"]').waitFor()
    expect(await page.locator('[data-figure="accuracy"]').textContent()).toBe(
      `${(100 * (score?.accuracy ?? 0)).toFixed(1)} %`,
    )
    await page.locator('.mistake').first().click()
    await player.done()
    expect(await violations(player)).toEqual([])

    await player.next()
    await player.at('Your own digit')
    await player.choose('Some digit, perhaps with great confidence')
    await player.press('Show me')
    await player.done()
    // By hand: a seven, with the mouse.
    const pad = await page.locator('canvas.pad').boundingBox()
    if (!pad) throw new Error('There is nothing to draw on.')
    const to = (x: number, y: number) => page.mouse.move(pad.x + x * pad.width, pad.y + y * pad.height, { steps: 8 })
    await to(0.28, 0.22)
    await page.mouse.down()
    await to(0.7, 0.22)
    await to(0.42, 0.85)
    await page.mouse.up()
    await page.waitForFunction(() => document.querySelector('.class-bars .said .name')?.textContent === '7')
    await page.getByRole('button', { name: 'Clear' }).click()
    // With the keyboard: a one.
    await page.locator('canvas.pad').focus()
    await page.keyboard.press('Enter')
    for (let i = 0; i < 6; i++) await page.keyboard.press('Shift+ArrowDown')
    await page.keyboard.press('Enter')
    await page.waitForFunction(() => document.querySelector('.class-bars .said .name')?.textContent === '1')
    expect(await page.evaluate(() => globalThis.glissadeLab?.running.value)).toBe(false)
    expect(await violations(player)).toEqual([])
    await player.end()
  }, 120_000)

  test.each([
    ['circle', 'a cell chooses its samples'],
    ['hills', 'numbers, said against true'],
  ])('predictions of %s: %s', async (id) => {
    const { page, problems, close } = await openLab('#/studio')
    await page.waitForFunction(() => globalThis.glissadeLab?.progress.value !== undefined)
    await page.getByRole('button', { name: /^Predictions/ }).click()
    if (id === 'hills') {
      await page.evaluate(async () => {
        const lab = globalThis.glissadeLab
        const spec = lab?.spec.value
        if (!lab || spec?.data.kind !== 'plane') return
        await lab.open({
          ...spec,
          data: { ...spec.data, set: 'hills' },
          model: { kind: 'sequential', layers: [{ kind: 'linear', in: 2, out: 1 }] },
          loss: { kind: 'mse' },
        })
      })
      const off = await page.locator('.predictions p strong').first().textContent()
      const loss = await page.evaluate(() => globalThis.glissadeLab?.progress.value?.scores?.test.loss ?? 0)
      expect(Number(off)).toBeCloseTo(Math.sqrt(loss), 2)
    } else {
      // What is shown follows training to where it stops.
      await page.evaluate(() => globalThis.glissadeLab?.advance(70))
      await page.waitForFunction(() => {
        const progress = globalThis.glissadeLab?.progress.value
        const shown = document.querySelector('[data-figure="accuracy"]')?.textContent
        const accuracy = progress?.scores?.test.accuracy ?? 0
        return progress?.stamp.step === 70 && !progress.running && shown === `${(100 * accuracy).toFixed(1)} %`
      })
      const cell = page.locator('.confusion td button').nth(1)
      const times = Number((await cell.textContent())?.replace('·', '0'))
      await cell.click()
      await page.getByText(`: ${times}`, { exact: false }).first().waitFor()
      expect(await page.locator('.mistake').count()).toBe(Math.min(24, times))
    }
    expect(problems).toEqual([])
    await close()
  })
})
