/** The trail in a real browser: each chapter is played through as a person does, and shows what it says. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { closeLab, missing, openLab } from './page.ts'
import { Player } from './trail.ts'

afterAll(closeLab)
// A chapter is many cards; each of them keeps to the player's patience.
vi.setConfig({ testTimeout: 180_000 })

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const places = [
  '#/',
  '#/trail/1/1',
  '#/trail/1/5',
  '#/trail/2/2',
  '#/trail/3/3',
  '#/trail/4/1',
  '#/trail/5/1',
  '#/trail/5/3',
  '#/trail/8/2',
  '#/trail/8/4',
]

describe.skipIf(missing)('the trail in a browser', () => {
  test('1: a neuron’s numbers are set by hand, then it finds them', async () => {
    const player = await Player.open(1)
    const { page } = player
    await player.at('A neuron is a small sum')
    expect(await page.locator('.school tfoot .worth-cell').textContent()).toBe('?')
    await player.guess('The sum', 1.5)
    await page.getByText('You have just done what a neuron does').waitFor()
    expect(await page.locator('.school tfoot .worth-cell').textContent()).toBe('1.50')
    await player.open()
    await player.turn('weight of input 1', 1.5)
    await player.turn('weight of input 2', 0.5)
    await player.done()
    // What the table says is what the network has: 1.5 · 2 + 0.5 · 1 + 1.5.
    expect(await player.parameter('0.weight')).toEqual([1.5, 0.5])
    expect(await page.locator('.school tfoot .worth-cell').textContent()).toBe('5.00')
    await player.next()
    await player.at('On a plane, it draws a line')
    await player.choose('It slides, and keeps its direction')
    await player.turn('weight of input 2', 0)
    await player.done()
    await player.next()
    await player.at('And then it bends')
    await player.choose('Almost exactly 1')
    await player.open()
    await player.point(-4, 4)
    await player.done()
    await player.next()
    await player.at('Tell two groups apart, by hand')
    await player.open()
    await player.turn('weight of input 2', 0.6)
    await player.turn('bias', 0)
    await player.done()
    await player.next()
    await player.at('Now it finds them itself')
    await player.choose('the lower one')
    expect((await player.parameter('0.weight'))[1]).toBeLessThan(0)
    await player.press('Train')
    await player.done()
    expect((await player.parameter('0.weight'))[1]).toBeGreaterThan(0)
    await player.end()
  })

  test('2: eight neurons without a bend fail; with one they draw a ring, and three are enough', async () => {
    const player = await Player.open(2)
    await player.at('Eight neurons, and no bend')
    await player.choose('One straight line')
    await player.press('Train')
    await player.done()
    expect((await player.scores())?.train.accuracy).toBeLessThan(0.8)
    await player.next()
    await player.at('Two layers are one layer')
    await player.choose('Exactly the same, everywhere')
    for (const [x, y] of [
      [-3, 2],
      [4, -4],
      [0, 5],
    ])
      await player.point(x, y)
    await player.done()
    const rows = await player.page.locator('table.plain tbody tr').allTextContents()
    expect(rows[1].replace('one layer', '')).toBe(rows[0].replace('two layers', ''))
    await player.next()
    await player.at('A bend between them')
    await player.choose('relu')
    await player.press('Train')
    await player.done()
    expect((await player.scores())?.train.accuracy).toBeGreaterThanOrEqual(0.98)
    await player.next()
    await player.at('How many bends for a ring?')
    await player.choose('3')
    await player.press('Show me')
    await player.done()
    expect((await player.scores())?.train.accuracy).toBeGreaterThanOrEqual(0.97)
    await player.end()
  })

  test('3: units are looked at, trained, and missed when they are switched off', async () => {
    const player = await Player.open(3)
    const { page } = player
    await player.at('Input, hidden, output')
    await player.open()
    for (let unit = 1; unit <= 4; unit++)
      await page.getByRole('button', { name: `hidden layer, unit ${unit}`, exact: true }).hover()
    await player.done()
    await player.next()
    await player.at('The output adds them up')
    await player.choose('Still a straight line')
    await page.getByLabel('Speed').selectOption('0')
    await player.press('Train')
    await page.waitForFunction(() => (globalThis.glissadeLab?.progress.value?.scores?.train.accuracy ?? 0) >= 0.98)
    await page.getByRole('button', { name: 'hidden layer, unit 2', exact: true }).click()
    await player.done()
    await player.press('Pause')
    await player.next()
    await player.at('Who does what? Switch one off')
    const before = await player.parameter('2.weight')
    for (let unit = 1; unit <= 4 && (await page.locator('.goal.done').count()) === 0; unit++) {
      await player.press(String(unit))
      await page.waitForTimeout(300)
      expect((await player.parameter('2.weight'))[unit - 1]).toBe(0)
      await player.press(String(unit))
      await page.waitForTimeout(300)
    }
    await player.done()
    expect(await player.parameter('2.weight')).toEqual(before)
    await player.next()
    await player.at('A second hidden layer')
    await player.choose('Bent and broken shapes')
    await player.press('Train')
    await player.done()
    await player.end()
  })

  test('4: a forward pass, operation by operation, with the library’s numbers', async () => {
    const player = await Player.open(4)
    const { page } = player
    await player.at('From a point to an answer')
    for (let i = 0; i < 7; i++) await player.press('Next operation')
    await player.done()
    const shown = await page.locator('.forward-picture circle + text').allTextContents()
    const passage = await page.evaluate(() =>
      globalThis.glissadeLab?.client
        .ask('passage', { run: 0, input: { values: Float32Array.of(1, -1) } })
        .then(({ input, layers, probabilities }) =>
          [input, ...layers.map(({ values }) => values), probabilities ?? []].flatMap((each) => Array.from(each)),
        ),
    )
    expect(shown.map((text) => Number(text.replace('−', '-')))).toEqual(
      passage?.map((value) => Number(value.toFixed(2))),
    )
    await player.next()
    await player.at('Compute one yourself')
    await player.guess('The sum, roughly', 1)
    await page.getByText('On the stage you see it term by term').waitFor()
    await player.next()
    await player.at('From scores to probabilities')
    await player.choose('Nothing')
    await player.open()
    // Along a line from one class to the other there is a place without an idea.
    const [from, to] = [
      [3, 3],
      [3, -4],
    ]
    let [low, high] = [0, 1]
    const first = async (): Promise<number> =>
      Number((await page.locator('.forward-picture circle + text').allTextContents()).at(-2))
    for (let i = 0; i < 12 && (await page.locator('.goal.done').count()) === 0; i++) {
      const part = (low + high) / 2
      await player.point(from[0] + (to[0] - from[0]) * part, from[1] + (to[1] - from[1]) * part)
      await page.waitForTimeout(150)
      if ((await first()) > 0.5) low = part
      else high = part
    }
    await player.done()
    await player.next()
    await player.at('How much work was that?')
    await player.guess('Multiplications', 12)
    await page.getByText('Well guessed').waitFor()
    await player.end()
  })

  test('5: losses by hand, and the mean of all', async () => {
    const player = await Player.open(5)
    const { page } = player
    await player.at('How wrong is one answer?')
    await player.guess('Squared error', 2.25)
    await page.getByText('Well guessed').waitFor()
    await player.turn('the answer', -0.95)
    await player.done()
    await player.next()
    await player.at('When the answer is a class')
    await player.choose('About 0.69')
    await player.turn('probability of the right class', 0.01)
    await player.done()
    await player.next()
    await player.at('Which point hurts most?')
    await player.open()
    await page.locator('.plane-picker').press('ArrowUp')
    await page.locator('.plane-picker').press('Enter')
    await page.getByText('It lies at').waitFor()
    const worst = await page.evaluate(async () => {
      const answer = await globalThis.glissadeLab?.client.ask('outcomes', { run: 0, part: 'train' })
      const losses = Array.from(answer?.losses ?? [])
      return losses.indexOf(Math.max(...losses))
    })
    await page.getByRole('slider', { name: 'sample' }).fill(String(worst + 1))
    await player.done()
    await player.next()
    await player.at('All of them in one number')
    await player.choose('It may rise, if others gain more')
    await player.press('Train')
    await player.done()
    expect((await player.scores())?.train.loss).toBeLessThan(0.1)
    await player.end()
  })

  test('8: learned by heart, and what helps', async () => {
    const player = await Player.open(8)
    const { page } = player
    await player.at('Once through all the points')
    await player.guess('Steps', 7)
    await page.getByText('Well guessed').waitFor()
    for (let i = 1; i <= 5; i++) {
      await player.press('One epoch')
      await page.waitForFunction((i) => globalThis.glissadeLab?.progress.value?.stamp.epoch === i, i)
    }
    await player.done()
    await player.next()
    await player.at('Twenty points, by heart')
    const field = await page.locator('.curve-field').boundingBox()
    if (!field) throw new Error('There is nothing to draw on.')
    await page.mouse.move(field.x + 45, field.y + 60)
    await page.mouse.down()
    await page.mouse.move(field.x + field.width - 20, field.y + 140, { steps: 20 })
    await page.mouse.up()
    await player.press('That is my curve')
    await page.getByLabel('Speed').selectOption('0')
    await player.press('Train')
    await player.done()
    const scores = await player.scores()
    expect(scores?.train.accuracy).toBe(1)
    expect(scores?.test.loss).toBeGreaterThan(3 * (scores?.train.loss ?? 1))
    await player.next()
    await player.at('The best cure: more data')
    await player.choose('It stays clearly above 0')
    await player.press('600')
    await player.press('Train')
    await player.done()
    await player.next()
    await player.at('Or keep the weights small')
    await player.choose('It makes it larger')
    await player.press('3')
    await player.press('Train')
    await player.done()
    await player.end()
  })

  test('what is done is kept, can be forgotten, and the studio goes on with the same network', async () => {
    const { page, problems, close } = await openLab('#/trail/1/1')
    await page.getByRole('textbox', { name: 'The sum' }).fill('3')
    await page.getByRole('button', { name: 'That is my guess' }).click()
    await page.getByRole('button', { name: 'Show me' }).click()
    await page.locator('.goal.done').waitFor()
    await page.reload()
    await page.locator('.goal.done').waitFor()
    await page.getByText('You said').waitFor()
    const spec = await page.evaluate(() => globalThis.glissadeLab?.spec.value?.model)
    await page.getByRole('link', { name: 'Continue with this network in the studio' }).click()
    await page.getByRole('heading', { name: 'Studio' }).waitFor()
    expect(await page.evaluate(() => globalThis.glissadeLab?.spec.value?.model)).toEqual(spec)
    await page.goto(page.url().replace(/#.*/, '#/'))
    await page.getByText('1 of 5 cards').waitFor()
    await page.getByRole('button', { name: 'Begin the trail again' }).click()
    await page.getByRole('button', { name: 'Forget it' }).click()
    expect(await page.getByText('1 of 5 cards').count()).toBe(0)
    expect(problems).toEqual([])
    await close()
  })

  test.each(['light', 'dark'] as const)(
    'its pages are for everyone, and as wide as a phone: %s',
    async (colorScheme) => {
      const { page, problems, close } = await openLab('', { colorScheme, viewport: { width: 360, height: 740 } })
      await page.evaluate(axe)
      for (const place of places) {
        await page.goto(page.url().replace(/#.*|$/, place))
        await page.locator('.trail-stage > :first-child, .chapters').waitFor()
        await page
          .locator('.choice')
          .first()
          .click({ timeout: 500 })
          .catch(() => {})
        await page.waitForTimeout(400)
        const found = await page.evaluate(async () => {
          const { violations } = await (
            globalThis as unknown as {
              axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> }
            }
          ).axe.run()
          return violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}`)
        })
        expect([place, ...found]).toEqual([place])
        const { scrollWidth, clientWidth } = await page.evaluate(() => document.documentElement)
        expect([place, scrollWidth]).toEqual([place, clientWidth])
      }
      expect(problems).toEqual([])
      await close()
    },
  )
})
