/**
 * Memory, attention and next letters in a real browser: what is written there are the worker's numbers, and chapters 10
 * and 11 can be played through from a cold start.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'
import { afterAll, describe, expect, test } from 'vitest'
import { presets } from '../src/spec/presets.ts'
import type { LabSpec } from '../src/spec/spec.ts'
import { number, percent } from '../src/ui/format.ts'
import { closeLab, missing, openLab } from './page.ts'

afterAll(closeLab)

const specOf = (id: string): LabSpec => presets.find((preset) => preset.id === id)?.spec as LabSpec
/** A name as an input of one's own. */
const tokensOf = (name: string): number[] => [0, ...Array.from(name, (letter) => letter.charCodeAt(0) - 96)]

/** Opens a network in the studio, makes some steps, and looks at a name, at one of its letters. */
async function look(page: Page, spec: LabSpec, name: string, time: number, steps = 40): Promise<void> {
  await page.evaluate(() => localStorage.setItem('glissade-views', JSON.stringify(['gates', 'attention'])))
  await page.reload()
  await page.waitForFunction(() => globalThis.glissadeLab?.progress.value !== undefined)
  await page.evaluate(
    async ({ spec, tokens, time, steps }) => {
      const lab = globalThis.glissadeLab
      if (!lab) throw new Error('no lab')
      await lab.open(spec)
      await lab.advance(steps)
      while (lab.running.value || lab.progress.value?.stamp.step !== steps) await new Promise((r) => setTimeout(r, 20))
      const values = new Float32Array(12)
      values.set(tokens)
      lab.selection.input.value = { values }
      lab.selection.time.value = time
    },
    { spec, tokens: tokensOf(name), time, steps },
  )
}

/** Violations of axe-core, each in a line. */
async function violations(page: Page): Promise<string[]> {
  const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
  await page.evaluate(source)
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> }
    }
    return (await axe.run()).violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}`)
  })
}

const texts = (page: Page, selector: string, attribute: string): Promise<Record<string, string>> =>
  page.evaluate(
    ([selector, attribute]) =>
      Object.fromEntries(
        [...document.querySelectorAll(selector)].map((each) => [each.getAttribute(attribute), each.textContent]),
      ),
    [selector, attribute] as const,
  )

describe.skipIf(missing)('texts in a browser', () => {
  test('gates and memory of an LSTM are shown with the layer’s numbers', { timeout: 120_000 }, async () => {
    const { page, problems, close } = await openLab('#/studio')
    await look(page, specOf('names-lstm'), 'hannah', 4)
    const panel = page.getByRole('region', { name: 'Memory' })
    await panel.getByText('Unit 1 at letter 5').waitFor()
    await page.evaluate(() => {
      const lab = globalThis.glissadeLab
      if (lab) lab.selection.pinned.value = { kind: 'unit', module: '1', unit: 7 }
    })
    await panel.getByText('Unit 8 at letter 5').waitFor()
    const tensors = await page.evaluate(async () => {
      const lab = globalThis.glissadeLab
      if (!lab) throw new Error('no lab')
      const input = lab.selection.input.value
      const { tracks } = await lab.client.ask('gates', { run: 0, module: '1', input })
      return tracks[0].parts.map(({ name, numbers }) => [name, numbers.values[4 * 48 + 7]] as const)
    })
    const expected = Object.fromEntries(tensors.map(([name, value]) => [name, number(value)]))
    expect(Object.keys(expected)).toEqual(['i', 'f', 'g', 'o', 'cell', 'hidden'])
    await expect.poll(() => texts(page, '.sum [data-gate]', 'data-gate')).toEqual(expected)
    await expect.poll(() => texts(page, '[data-value]', 'data-value')).toEqual(expected)
    expect(problems).toEqual([])
    await close()
  })

  test('attention, its sums and the next letter are shown with the network’s numbers', {
    timeout: 120_000,
  }, async () => {
    const { page, problems, close } = await openLab('#/studio')
    await look(page, specOf('names-transformer'), 'hannah', 4)
    const panel = page.getByRole('region', { name: 'Attention' })
    await panel.getByRole('button', { name: 'layer 2, head 2' }).click()
    await panel.getByText('in layer 2, head 2').waitFor()
    await panel.getByRole('button', { name: 'Key 3, a' }).click()
    const seen = await page.evaluate(async () => {
      const lab = globalThis.glissadeLab
      if (!lab) throw new Error('no lab')
      const input = lab.selection.input.value
      const module = 'transformer.layers.1.self_attn'
      const inside = await lab.client.ask('attentionInside', { run: 0, module, input })
      const choosing = { temperature: 1, topK: 0, topP: 1 }
      const { chances } = await lab.client.ask('next', { run: 0, input, time: 4, choosing })
      const row = ({ values, shape }: { values: Float32Array; shape: readonly number[] }, place: number): number[] =>
        Array.from(values.slice((shape[1] + place) * shape[2], (shape[1] + place + 1) * shape[2]))
      const [q, k] = [row(inside.q, 4), row(inside.keys, 2)]
      return {
        weights: row(inside.weights, 4),
        mixed: row(inside.mixed, 4)[0],
        dot: q.reduce((sum, each, i) => sum + each * k[i], 0),
        chances: Array.from(chances),
      }
    })
    const weights = Object.fromEntries(seen.weights.map((weight, place) => [String(place), number(weight)]))
    await expect.poll(() => texts(page, '[data-weight]', 'data-weight')).toEqual(weights)
    await expect.poll(() => panel.locator('[data-dot]').textContent()).toBe(`= ${number(seen.dot)}`)
    expect(await panel.locator('[data-mixed]').textContent()).toBe(number(seen.mixed))
    for (const [token, text] of Object.entries(await texts(page, '[data-chance]', 'data-chance')))
      expect(text).toBe(percent(seen.chances[Number(token)]))
    expect(problems).toEqual([])
    await close()
  })
})

/** Cards of a chapter, played one after the other. */
class Player {
  readonly page: Page
  constructor(page: Page) {
    this.page = page
  }

  async guess(value: string): Promise<void> {
    await this.page.locator('.predict input').fill(value)
    await this.page.getByRole('button', { name: 'That is my guess' }).click()
  }

  async choose(text: string): Promise<void> {
    await this.page.locator('.choice', { hasText: text }).click()
  }

  /** Does `moves` until the goal is reached. */
  async achieve(...moves: (() => Promise<unknown>)[]): Promise<void> {
    const done = this.page.locator('.goal.done')
    for (const move of moves) {
      await move()
      await this.page.waitForTimeout(moves.length > 3 ? 250 : 0)
      if ((await done.count()) > 0) return
    }
    await done.waitFor({ timeout: 60_000 })
  }

  press(name: string | RegExp): () => Promise<void> {
    return () =>
      this.page
        .getByRole('button', { name, exact: typeof name === 'string' })
        .first()
        .click()
  }

  /** On to the next card, when this one was looked at by axe-core too. */
  async next(title: string): Promise<void> {
    expect(await violations(this.page)).toEqual([])
    await this.page.locator('.ways a[rel=next]').click()
    await this.page.getByRole('heading', { level: 1, name: title }).waitFor()
    await this.page.locator('.trail-stage .panel, .trail-stage .covered').first().waitFor({ timeout: 60_000 })
  }

  /** Milliseconds that training to the goal takes. */
  async train(): Promise<number> {
    const from = Date.now()
    await this.achieve(this.press('Show me'))
    return Date.now() - from
  }
}

describe.skipIf(missing)('the trail in a browser', () => {
  test('chapter 10: memory', { timeout: 400_000 }, async () => {
    const { page, problems, close } = await openLab('#/trail/10/1')
    const player = new Player(page)
    await page.locator('.trail-stage .covered').waitFor()
    await player.guess('3.7')
    const times = [await player.train()]
    await player.next('A state that goes along')
    await player.choose('No: what came before is different')
    await player.achieve(player.press('3: n'), player.press('4: n'))
    await player.next('Errors fade on the way back')
    await player.choose('Less than a thousandth')
    await player.achieve(player.press('14: .'))
    await player.next('Gates: keep, let in, show')
    await player.choose('It stays as it is')
    times.push(await player.train())
    await player.next('Where is it stored?')
    const pin = (unit: number) => () =>
      page.evaluate((unit) => {
        const lab = globalThis.glissadeLab
        if (lab) lab.selection.pinned.value = { kind: 'unit', module: '1', unit }
      }, unit)
    await player.achieve(player.press('7: .'), ...Array.from({ length: 32 }, (_, unit) => pin(unit)))
    await player.next('Two gates do it too')
    await player.guess('4416')
    await page.getByText('it is 4416').waitFor()
    times.push(await player.train())
    await player.next('Names that nobody wrote')
    await player.choose('One')
    await player.achieve(player.press('Invent 20 names'))
    expect(await violations(page)).toEqual([])
    console.log(`chapter 10 learned in ${times.map((time) => `${(time / 1000).toFixed(1)} s`).join(', ')}`)
    expect(problems).toEqual([])
    await close()
  })

  test('chapter 11: attention', { timeout: 400_000 }, async () => {
    const { page, problems, close } = await openLab('#/trail/11/1')
    const player = new Player(page)
    await page.locator('.trail-stage .covered').waitFor()
    await player.choose('No, that would be cheating')
    const time = await player.train()
    await player.next('A question and an offer')
    await player.guess('1')
    const keys = await page.getByRole('button', { name: /^Key / }).count()
    await player.achieve(...Array.from({ length: keys }, (_, key) => player.press(new RegExp(`^Key ${key + 1},`))))
    await player.next('From scores to shares')
    await player.guess('0.25')
    const heads = [1, 2].flatMap((layer) => [1, 2, 3, 4].map((head) => `layer ${layer}, head ${head}`))
    const letters = [4, 5, 6, 7, 8, 9].map((place) => player.press(new RegExp(`^${place}: `)))
    await player.achieve(...heads.flatMap((head) => [player.press(head), ...letters]))
    await player.next('What is taken along')
    await player.choose('That letter’s value, as it is')
    await player.achieve(...heads.map((head) => player.press(head)))
    await player.next('Layer upon layer')
    await player.choose('On this letter and its place alone')
    const type = (text: string) => () => page.getByRole('textbox', { name: 'Text' }).fill(text)
    await player.achieve(...['mich', 'chri', 'eliz', 'jenn', 'mary', 'aliss', 'kath', 'barbar', 'marcel'].map(type))
    await player.next('Choosing the next letter')
    await player.choose('Never')
    const heat = (value: string) => () => page.getByRole('slider', { name: /Temperature/ }).fill(value)
    await player.achieve(heat('0.2'), heat('1.8'))
    await player.press('Finish it')()
    await player.next('Invented, or remembered?')
    await player.guess('3')
    await player.achieve(player.press('Invent 20 names'))
    expect(await violations(page)).toEqual([])
    console.log(`chapter 11 learned in ${(time / 1000).toFixed(1)} s`)
    expect(problems).toEqual([])
    await close()
  })
})
