/**
 * What the page shows of the inside of networks, against the numbers of the worker: a perceptron, a convolutional network,
 * an LSTM, a transformer. Sums are read from the page and added up again.
 */
import type { Locator, Page } from 'playwright-core'
import { afterAll, describe, expect, test } from 'vitest'
import { presets } from '../src/spec/presets.ts'
import { number } from '../src/ui/format.ts'
import type { QuestionName, Questions } from '../src/worker/protocol.ts'
import { closeLab, type LabPage, missing, openLab } from './page.ts'

afterAll(closeLab)

/** The studio with a preset, some steps trained, paused. */
async function studio(id: string, steps = 3): Promise<LabPage> {
  const lab = await openLab('#/studio', { viewport: { width: 1280, height: 5000 } })
  // Views that a person has chosen to see.
  await lab.page.evaluate(() => localStorage.setItem('glissade-views', '["unit","sample","tensors"]'))
  await lab.page.reload()
  await lab.page.waitForFunction(() => globalThis.glissadeLab?.progress.value !== undefined)
  const spec = presets.find((preset) => preset.id === id)?.spec
  await lab.page.evaluate(
    async ([given, count]) => {
      await globalThis.glissadeLab?.open(given as never)
      await globalThis.glissadeLab?.advance(count as number)
    },
    [spec, steps] as const,
  )
  await lab.page.waitForFunction(
    (count) => {
      const now = globalThis.glissadeLab?.progress.value
      return now?.stamp.step === count && !now.running
    },
    steps,
    { timeout: 40_000 },
  )
  return lab
}

/** What the worker answers; arrays as plain lists. */
async function ask<Q extends QuestionName>(
  page: Page,
  name: Q,
  question: Questions[Q]['ask'],
): Promise<Questions[Q]['answer']> {
  const text = await page.evaluate(
    async ([of, given]) =>
      JSON.stringify(await globalThis.glissadeLab?.client.ask(of as never, given as never), (_, value) =>
        ArrayBuffer.isView(value) ? Array.from(value as Float32Array) : value,
      ),
    [name, question] as const,
  )
  return JSON.parse(text) as Questions[Q]['answer']
}

const pin = (page: Page, chosen: unknown): Promise<void> =>
  page.evaluate((given) => {
    if (globalThis.glissadeLab) globalThis.glissadeLab.selection.pinned.value = given as never
  }, chosen)

const worths = (locator: Locator, name: string): Promise<number[]> =>
  locator.evaluateAll((all, attribute) => all.map((each) => Number(each.getAttribute(attribute))), name)

const input = { part: 'train', index: 0 } as const

/** Answers may wait for a program to be compiled. */
const patient = { timeout: 15_000 }

describe.skipIf(missing)('the sum behind a unit, in the page', () => {
  test.each([
    { id: 'circle', unit: { module: '3', unit: 1 }, main: '2', index: [1], terms: 4 },
    { id: 'digits', unit: { module: '4', unit: 3 }, main: '3', index: [3, 7, 7], terms: 72 },
    { id: 'names-lstm', unit: { module: '2', unit: 5 }, main: '2', index: [2, 5], terms: 48 },
    {
      id: 'names-transformer',
      unit: { module: 'transformer.layers.1.linear1', unit: 9 },
      main: 'transformer.layers.1.linear1',
      index: [2, 9],
      terms: 32,
    },
  ])('of $id adds up to what the network computed', async ({ id, unit, main, index, terms }) => {
    const { page, problems, close } = await studio(id)
    await page.evaluate(() => {
      if (globalThis.glissadeLab) globalThis.glissadeLab.selection.time.value = 2
    })
    await pin(page, { kind: 'unit', ...unit })
    const view = page.getByRole('region', { name: 'Unit', exact: true })
    const rows = view.locator('.terms tbody tr')
    await rows.first().waitFor()
    const more = view.getByRole('button', { name: 'show all' })
    if ((await more.count()) > 0) await more.click()
    await expect.poll(() => rows.count(), patient).toBe(terms)
    const inputs = await worths(rows.locator('td:nth-child(2)'), 'data-worth')
    const weights = await worths(rows.locator('button.weight'), 'data-worth')
    const products = await worths(rows.locator('td:last-child'), 'data-product')
    const [bias] = await worths(view.locator('.sum button.weight'), 'data-worth')
    const [sum, ...after] = await worths(view.locator('.sum strong'), 'data-worth')
    products.forEach((product, i) => expect(product).toBe(Math.fround(inputs[i] * weights[i]) + 0))
    // The library adds in another order, in float32.
    expect(products.reduce((total, product) => total + product, bias)).toBeCloseTo(sum, 4)
    const { numbers } = await ask(page, 'activation', { run: 0, module: main, input, aspect: 'value' })
    const at = index.reduce((place, i, axis) => place * numbers.shape[axis] + i, 0)
    expect(sum).toBe(numbers.values[at])
    if (after.length > 0) {
      const then = await ask(page, 'activation', { run: 0, module: unit.module, input, aspect: 'value' })
      expect(after[after.length - 1]).toBe(then.numbers.values[at])
    }
    const weight = await ask(page, 'parameter', { run: 0, name: `${main}.weight`, aspect: 'value' })
    const places = await rows
      .locator('button.weight')
      .evaluateAll((all) => all.map((each) => each.getAttribute('data-weight')))
    places.forEach((place, i) => expect(weights[i]).toBe(weight.numbers.values[Number(place?.split(' ')[1])]))
    expect(problems).toEqual([])
    await close()
  })
})

describe.skipIf(missing)('the network in the page', () => {
  test('names its units with their numbers, is walked with arrow keys, and shows and pins what is under the pointer', async () => {
    const { page, problems, close } = await studio('circle')
    const { modules } = await ask(page, 'activations', { run: 0, modules: ['1', '4'], input, aspect: 'value' })
    const bias = (await ask(page, 'parameter', { run: 0, name: '0.bias', aspect: 'value' })).numbers.values
    const name = `layer 1, unit 3, output ${number(modules[0].numbers.values[2])}, bias ${number(bias[2])}`
    const third = page.getByRole('button', { name, exact: true })
    await third.waitFor()
    // From the input to the last layer and down.
    await page.getByRole('button', { name: /^input, unit 1/ }).focus()
    for (const key of ['ArrowRight', 'ArrowRight', 'ArrowRight', 'ArrowDown']) await page.keyboard.press(key)
    const focused = () => page.evaluate(() => document.activeElement?.getAttribute('aria-label'))
    expect(await focused()).toContain(`output, unit 2, B, output ${number(modules[1].numbers.values[1])}`)
    expect(await page.evaluate(() => globalThis.glissadeLab?.progress.value?.stamp.step)).toBe(3)
    await page.keyboard.press('Enter')
    expect(await page.evaluate(() => globalThis.glissadeLab?.selection.pinned.value)).toEqual({
      kind: 'unit',
      module: '4',
      unit: 1,
    })
    // A link, half way between two units.
    const from = await page.getByRole('button', { name: /^input, unit 1/ }).boundingBox()
    const to = await page.getByRole('button', { name: /^layer 1, unit 1/ }).boundingBox()
    if (!from || !to) throw new Error('no units')
    const middle = [(from.x + from.width + to.x) / 2, (from.y + from.height / 2 + to.y + to.height / 2) / 2] as const
    await page.mouse.move(...middle)
    const detail = page.locator('.network .detail')
    await detail.getByText('0.weight[0, 0]').waitFor()
    await page.mouse.click(...middle)
    await page.mouse.move(0, 0)
    await page.waitForFunction(() =>
      Number.isFinite(Number(document.querySelector('.network [data-gradient]')?.getAttribute('data-gradient') ?? 'x')),
    )
    const weight = await ask(page, 'parameter', { run: 0, name: '0.weight', aspect: 'value' })
    const gradient = await ask(page, 'parameter', { run: 0, name: '0.weight', aspect: 'gradient' })
    expect(await worths(detail.locator('[data-value]'), 'data-value')).toEqual([weight.numbers.values[0]])
    expect(await worths(detail.locator('[data-gradient]'), 'data-gradient')).toEqual([gradient.numbers.values[0]])
    // What is pinned stays alive.
    await page.evaluate(() => globalThis.glissadeLab?.advance(20))
    await page.waitForFunction(() => globalThis.glissadeLab?.progress.value?.stamp.step === 23)
    const after = await ask(page, 'parameter', { run: 0, name: '0.weight', aspect: 'value' })
    await expect
      .poll(() => worths(detail.locator('[data-value]'), 'data-value'), patient)
      .toEqual([after.numbers.values[0]])
    expect(problems).toEqual([])
    await close()
  })

  test('opens a transformer block by block, and folds it again', async () => {
    const { page, problems, close } = await studio('names-transformer', 1)
    const network = page.getByRole('region', { name: 'Network' })
    await network.getByRole('button', { name: 'open transformer.layers.0' }).click()
    await network.getByRole('button', { name: /^open transformer.layers.0.self_attn/ }).click()
    await network
      .getByRole('button', { name: /softmax, .*units|softmax/ })
      .first()
      .waitFor()
    await network.getByRole('button', { name: 'transformer.layers.0: fold' }).click()
    await network.getByRole('button', { name: 'open transformer.layers.0' }).waitFor()
    expect(problems).toEqual([])
    await close()
  })

  test('a click near a point of the surface makes it the sample', async () => {
    const { page, problems, close } = await studio('circle', 1)
    const { points } = await ask(page, 'points', { run: 0, part: 'train' })
    const canvas = page.getByRole('img', { name: /What the network says over the plane/ })
    const box = await canvas.boundingBox()
    if (!box) throw new Error('no surface')
    await page.waitForTimeout(300)
    const at = 17
    await page.mouse.click(
      box.x + ((points[2 * at] / 6 + 1) / 2) * box.width,
      box.y + ((1 - points[2 * at + 1] / 6) / 2) * box.height,
    )
    expect(await page.evaluate(() => globalThis.glissadeLab?.selection.input.value)).toEqual({
      part: 'train',
      index: at,
    })
    expect(problems).toEqual([])
    await close()
  })
})

describe.skipIf(missing)('tensors in the page', () => {
  test.each([
    { id: 'circle', tensor: 'parameter 2.weight value', layer: '2' },
    { id: 'circle', tensor: 'parameter 2.weight gradient', layer: '2' },
    { id: 'digits', tensor: 'activation 0 value', layer: '0' },
    { id: 'digits', tensor: 'activation 3 gradient', layer: '3' },
    { id: 'names-lstm', tensor: 'activation 1 value', layer: '1' },
    {
      id: 'names-transformer',
      tensor: 'activation transformer.layers.0.self_attn.softmax value',
      layer: 'transformer.layers.0.self_attn.softmax',
    },
  ])('$id: $tensor reads its numbers under the pointer and with keys', async ({ id, tensor, layer }) => {
    const { page, problems, close } = await studio(id, 2)
    await pin(page, { kind: 'module', module: layer })
    const view = page.locator(`[data-tensor="${tensor}"]`)
    const cells = view.getByRole('application')
    await cells.waitFor()
    await cells.scrollIntoViewIfNeeded()
    const [kind, name, aspect] = tensor.split(' ') as ['parameter' | 'activation', string, 'value' | 'gradient']
    const { numbers } =
      kind === 'parameter'
        ? await ask(page, 'parameter', { run: 0, name, aspect })
        : await ask(page, 'activation', { run: 0, module: name, input, aspect })
    const read = view.locator('.read')
    const index = (element: number): string => {
      const found: number[] = []
      for (
        let axis = numbers.shape.length - 1, rest = element;
        axis >= 0;
        rest = Math.floor(rest / numbers.shape[axis--])
      )
        found.unshift(rest % numbers.shape[axis])
      return `[${found.join(', ')}]`
    }
    const text = (element: number): string => `${index(element)} ${number(numbers.values[element], 4)}`
    // What stands above may still grow.
    const underPointer = async (): Promise<string | null> => {
      await cells.hover({ position: { x: 3, y: 3 } })
      return read.textContent()
    }
    await expect.poll(underPointer, patient).toBe(text(0))
    await cells.focus()
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('ArrowDown')
    const columns = numbers.shape[numbers.shape.length - 1]
    await expect.poll(() => read.textContent(), patient).toBe(text(1 + columns))
    if (kind === 'parameter') {
      await page.keyboard.press('Enter')
      expect(await page.evaluate(() => globalThis.glissadeLab?.selection.pinned.value)).toEqual({
        kind: 'weight',
        name,
        element: 1 + columns,
      })
    }
    await expect.poll(() => view.locator('.stamp').textContent(), patient).toMatch(/step 2/)
    expect(problems).toEqual([])
    await close()
  })
})

describe.skipIf(missing)('the sample in the page', () => {
  test('is chosen with buttons and thumbnails, and its probabilities are the network’s', async () => {
    const { page, problems, close } = await studio('digits', 5)
    const view = page.getByRole('region', { name: 'Sample' })
    await view.getByRole('button', { name: 'Next sample' }).click()
    await view.getByText('2 of 3,200').waitFor()
    await view.getByRole('combobox', { name: 'From' }).selectOption('test')
    await view.getByText('1 of 800').waitFor()
    await view.getByRole('button', { name: /^sample 4:/ }).click()
    await view.getByText('4 of 800').waitFor()
    const { probabilities, target } = await ask(page, 'prediction', { run: 0, input: { part: 'test', index: 3 } })
    const shown = () => worths(view.locator('.chances [data-worth]'), 'data-worth')
    await expect.poll(shown, patient).toEqual(probabilities?.values)
    const best = probabilities ? Array.from(probabilities.values).indexOf(Math.max(...probabilities.values)) : -1
    const verdict = best === target?.[0] ? '✓ right' : `✗ wrong: it is ${target?.[0]}`
    expect(await view.locator('.verdict').textContent()).toContain(verdict)
    await view.getByRole('button', { name: 'Previous sample' }).click()
    await view.getByText('3 of 800').waitFor()
    expect(problems).toEqual([])
    await close()
  })

  test('letters are walked through, and each place has its own next one', async () => {
    const { page, problems, close } = await studio('names-lstm', 5)
    const view = page.getByRole('region', { name: 'Sample' })
    const first = view.getByRole('radio', { name: /^place 1:/ })
    await first.focus()
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('ArrowRight')
    expect(await view.getByRole('radio', { name: /^place 3:/ }).getAttribute('aria-checked')).toBe('true')
    const { probabilities } = await ask(page, 'prediction', { run: 0, input })
    const width = probabilities?.shape[1] ?? 0
    const row = [...(probabilities?.values.slice(2 * width, 3 * width) ?? [])].sort((a, b) => b - a)
    const shown = async () => (await worths(view.locator('.chances [data-worth]'), 'data-worth')).slice(0, 10)
    await expect.poll(shown, patient).toEqual(row.slice(0, 10))
    expect(await page.evaluate(() => globalThis.glissadeLab?.progress.value?.stamp.step)).toBe(5)
    expect(problems).toEqual([])
    await close()
  })
})
