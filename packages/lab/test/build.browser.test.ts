/** Building in the studio, in a real browser: by pointer, by keyboard, as code; data of one's own; undo; wrong code. */
import { readFileSync } from 'node:fs'
import type { Page } from 'playwright-core'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { closeLab, type LabPage, missing, openLab } from './page.ts'

// Machines that do much else at the same time are slow.
vi.setConfig({ testTimeout: 180_000 })
afterAll(closeLab)

type Spec = {
  data: Record<string, unknown>
  model: { layers: Record<string, unknown>[] }
  optimizer: { lr: number }
  seed: number
}
const specOf = (page: Page): Promise<Spec> => page.evaluate(() => globalThis.glissadeLab?.spec.value as unknown as Spec)
/** The spec of the network that trains, when it is that which is set up. */
const trained = async (page: Page): Promise<Spec> => {
  await page.waitForFunction(() => {
    const lab = globalThis.glissadeLab
    return lab && !lab.opening.value && JSON.stringify(lab.info.value?.spec) === JSON.stringify(lab.spec.value)
  })
  return specOf(page)
}
const kindsOf = (spec: Spec): unknown[] => spec.model.layers.map(({ kind }) => kind)
const sizesOf = (spec: Spec): unknown[] =>
  spec.model.layers.filter(({ out }) => out).map((layer) => [layer.in, layer.out])

async function studio(): Promise<LabPage> {
  const opened = await openLab('#/studio')
  await opened.page.getByRole('button', { name: 'Train', exact: true }).waitFor()
  await opened.page.waitForFunction(() => globalThis.glissadeLab?.progress.value !== undefined)
  await opened.page.getByRole('tab', { name: 'Layers' }).click()
  return opened
}

describe.skipIf(missing)('building in the studio', () => {
  test('by pointer: units, layers, options, data; every edit can be undone and done again', async () => {
    const { page, problems, close } = await studio()
    const begun = await trained(page)
    await page.getByRole('button', { name: 'More units in Linear, layer 1' }).click()
    expect(sizesOf(await trained(page))).toEqual([
      [2, 5],
      [5, 3],
      [3, 2],
    ])
    await page.getByRole('button', { name: 'Remove Tanh, layer 4' }).click()
    await page.getByRole('button', { name: 'Move Tanh, layer 2 up' }).click()
    expect(kindsOf(await trained(page))).toEqual(['tanh', 'linear', 'linear', 'linear'])
    await page.locator('.grip').nth(3).dragTo(page.locator('.layer').nth(0))
    expect(sizesOf(await trained(page))).toEqual([
      [2, 2],
      [2, 5],
      [5, 2],
    ])
    await page.getByRole('button', { name: 'Undo' }).click()
    await page.getByRole('checkbox', { name: 'x²' }).click()
    await page.getByRole('button', { name: 'Pinwheel (5)' }).click()
    await page.waitForFunction(() => globalThis.glissadeLab?.info.value?.labels.length === 5)
    expect(sizesOf(await trained(page))).toEqual([
      [3, 5],
      [5, 3],
      [3, 5],
    ])
    // Two edits at once, of which the first waits for its data: both hold.
    await page.evaluate(() => {
      const { editor, spec } = globalThis.glissadeLab as NonNullable<typeof globalThis.glissadeLab>
      const data = spec.value?.data as never as object
      void editor.change({ data: { ...data, samples: 220 } as never })
      void editor.change({ seed: 5 })
    })
    await page.waitForFunction(() => globalThis.glissadeLab?.info.value?.spec.seed === 5)
    expect((await trained(page)).data.samples).toBe(220)
    await page.getByRole('button', { name: 'Undo' }).click()
    await page.waitForFunction(() => globalThis.glissadeLab?.info.value?.spec.seed === 1)
    const changed = await trained(page)
    for (let i = 0; i < 5; i++) {
      await page.getByRole('button', { name: 'Undo' }).click()
      await trained(page)
    }
    expect(await trained(page)).toEqual(begun)
    for (let i = 0; i < 5; i++) {
      await page.getByRole('button', { name: 'Redo' }).click()
      await trained(page)
    }
    expect(await trained(page)).toEqual(changed)
    expect(problems).toEqual([])
    await close()
  })

  test('hidden layers, their units and the activation, beside the picture', async () => {
    const { page, problems, close } = await studio()
    await page.getByRole('button', { name: 'One more hidden layer' }).click()
    await page.getByRole('button', { name: 'One more unit in hidden layer 3' }).click()
    await page.getByRole('combobox', { name: 'Activation' }).selectOption('relu')
    await expect.poll(async () => kindsOf(await specOf(page))[5]).toBe('relu')
    const spec = await trained(page)
    expect(sizesOf(spec)).toEqual([
      [2, 4],
      [4, 3],
      [3, 4],
      [4, 2],
    ])
    expect(kindsOf(spec)).toEqual(['linear', 'relu', 'linear', 'relu', 'linear', 'relu', 'linear'])
    for (let i = 0; i < 3; i++) await page.getByRole('button', { name: 'One hidden layer less' }).click()
    await expect.poll(async () => kindsOf(await specOf(page))).toEqual(['linear'])
    await trained(page)
    expect(problems).toEqual([])
    await close()
  })

  test('by keyboard alone: a layer is searched and added, the net trained, stepped, reset, and given a new seed', async () => {
    const { page, problems, close } = await studio()
    await page.getByRole('button', { name: 'Add a layer after Tanh, layer 2' }).focus()
    await page.keyboard.press('Enter')
    await page.keyboard.type('batch norm')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    expect(kindsOf(await trained(page))[2]).toBe('batchNorm1d')
    // The keyboard goes on at what was added.
    const focused = (): Promise<string | null | undefined> =>
      page.evaluate(() => document.activeElement?.getAttribute('aria-label'))
    await expect.poll(focused).toBe('Add a layer after Batch norm 1d, layer 3')
    await page.getByRole('button', { name: 'Move Batch norm 1d, layer 3 up' }).focus()
    await page.keyboard.press('Enter')
    await expect.poll(focused).toBe('Move Batch norm 1d, layer 2 up')
    expect(kindsOf(await trained(page))[1]).toBe('batchNorm1d')
    const step = (): Promise<number> => page.evaluate(() => globalThis.glissadeLab?.progress.value?.stamp.step ?? -1)
    await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur())
    await page.keyboard.press('ArrowRight')
    await expect.poll(step).toBe(1)
    await page.keyboard.press('e')
    await expect.poll(step).toBe(7)
    await page.keyboard.press('Space')
    await expect.poll(step).toBeGreaterThan(20)
    await page.keyboard.press('Space')
    await page.waitForFunction(() => globalThis.glissadeLab?.running.value === false)
    await page.keyboard.press('r')
    await expect.poll(step).toBe(0)
    await page.keyboard.press('s')
    await expect.poll(async () => (await specOf(page)).seed).toBe(2)
    await page.keyboard.press('Control+z')
    await expect.poll(async () => (await specOf(page)).seed).toBe(1)
    await page.keyboard.press('?')
    await page.getByRole('dialog', { name: 'Keys' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog', { name: 'Keys' }).waitFor({ state: 'hidden' })
    expect(problems).toEqual([])
    await close()
  })

  test('what a running network can take, it takes while it runs', async () => {
    const { page, problems, close } = await studio()
    await page.getByRole('button', { name: 'Train', exact: true }).click()
    await page.waitForFunction(() => (globalThis.glissadeLab?.progress.value?.stamp.step ?? 0) > 20)
    await page.getByRole('button', { name: 'Larger learning rate' }).click()
    await page.waitForFunction(() => globalThis.glissadeLab?.progress.value?.lr === 0.1)
    expect(await page.evaluate(() => globalThis.glissadeLab?.running.value)).toBe(true)
    await page.getByRole('textbox', { name: 'Batch size' }).fill('7')
    await page.keyboard.press('Tab')
    const spec = await trained(page)
    expect(spec.optimizer.lr).toBe(0.1)
    expect(await page.evaluate(() => globalThis.glissadeLab?.info.value?.stepsPerEpoch)).toBe(30)
    expect(problems).toEqual([])
    await close()
  })

  test('as code: text becomes the network, the list becomes text, and wrong code is told where', async () => {
    const { page, problems, close } = await studio()
    await page.getByRole('tab', { name: 'Code' }).click()
    const editor = page.getByRole('textbox', { name: 'The session as a TypeScript program' })
    await editor.waitFor()
    const text = (): Promise<string> => editor.evaluate((element) => (element as HTMLElement).innerText)
    await expect.poll(text).toContain('nn.linear(2, 4)')
    // The pointer puts the cursor behind the 4 of the first layer.
    const type = async (line: string, replaced: string): Promise<void> => {
      await page.locator('.cm-line', { hasText: line }).first().click()
      await page.keyboard.press('Home')
      await page.keyboard.press('Shift+End')
      await page.keyboard.type(replaced)
    }
    await type('nn.linear(2, 4)', 'nn.linear(2, 6), nn.dropout(0.1),')
    await page.waitForFunction(() => globalThis.glissadeLab?.info.value?.modules.some(({ kind }) => kind === 'dropout'))
    // The next layer's size has followed, in the network and in the text.
    expect(sizesOf(await trained(page))).toEqual([
      [2, 6],
      [6, 3],
      [3, 2],
    ])
    await expect.poll(text).toContain('nn.linear(6, 3)')
    await type('nn.linear(6, 3)', 'nn.liner(6, 3),')
    await expect
      .poll(() =>
        page
          .getByRole('status')
          .allInnerTexts()
          .then((all) => all.join()),
      )
      .toMatch(/Line \d+: nn\.liner is not a layer/)
    await page.locator('.cm-lintRange-error').waitFor()
    expect(sizesOf(await trained(page))).toEqual([
      [2, 6],
      [6, 3],
      [3, 2],
    ])
    await type('nn.liner(6, 3)', 'nn.conv2d(6, 3, 3),')
    await page.getByText(/Line \d+: Convolution 2d takes a picture/).waitFor()
    await page.locator('.cm-lintRange-error', { hasText: 'nn.conv2d(6, 3, 3)' }).waitFor()
    await type('nn.conv2d(6, 3, 3)', 'nn.linear(6, 8),')
    await expect
      .poll(async () => sizesOf(await specOf(page)))
      .toEqual([
        [2, 6],
        [6, 8],
        [8, 2],
      ])
    await page.getByRole('tab', { name: 'Layers' }).click()
    await page.getByRole('button', { name: 'Fewer units in Linear, layer 1' }).click()
    await trained(page)
    await page.getByRole('tab', { name: 'Code' }).click()
    await expect.poll(text).toContain('nn.linear(2, 5)')
    expect(problems).toEqual([])
    await close()
  })

  test('a layer that does not fit is explained at its place, and the last network stays', async () => {
    const { page, problems, close } = await studio()
    const before = await page.evaluate(() => globalThis.glissadeLab?.info.value?.spec)
    await page.getByRole('button', { name: 'Add a layer after Linear, layer 1' }).click()
    await page.getByRole('textbox', { name: 'Search a layer' }).fill('convolution 2d')
    await page.keyboard.press('Enter')
    await page.getByText(/Convolution 2d takes a picture with channels; here comes a row of numbers \(4\)/).waitFor()
    expect(await page.evaluate(() => globalThis.glissadeLab?.info.value?.spec)).toEqual(before)
    await page.getByRole('button', { name: 'Undo' }).click()
    expect(await trained(page)).toEqual(before)
    expect(problems).toEqual([])
    await close()
  })

  test('a CSV file dropped on the page becomes data; a bad one is refused with the reason', async () => {
    const { page, problems, close } = await studio()
    const drop = (name: string, text: string): Promise<void> =>
      page.evaluate(
        ([name, text]) => {
          const dataTransfer = new DataTransfer()
          dataTransfer.items.add(new File([text], name, { type: 'text/csv' }))
          document
            .querySelector('.studio')
            ?.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }))
        },
        [name, text] as const,
      )
    await drop('bad.csv', 'only one column\n1\n2\n3\n4\n5\n')
    await page
      .getByRole('alert')
      .getByText(/bad\.csv has 1 named column/)
      .waitFor()
    const rows = Array.from(
      { length: 60 },
      (_, i) => `${i},${Math.sin(i).toFixed(3)},${i % 2 ? 'red' : 'blue'},${['a', 'b', 'c'][i % 3]}`,
    )
    await drop('iris.csv', ['size,angle,colour,kind', ...rows].join('\n'))
    await page.waitForFunction(() => globalThis.glissadeLab?.info.value?.labels.join() === 'a,b,c')
    expect(await page.evaluate(() => globalThis.glissadeLab?.info.value?.features)).toEqual([
      'size',
      'angle',
      'colour = blue',
      'colour = red',
    ])
    const spec = await trained(page)
    expect(sizesOf(spec)[0]).toEqual([4, 4])
    expect(sizesOf(spec).at(-1)).toEqual([3, 3])
    await page.getByRole('checkbox', { name: 'colour' }).click()
    await page.waitForFunction(() => globalThis.glissadeLab?.info.value?.features.length === 2)
    await page.getByRole('combobox', { name: 'What is asked for' }).selectOption('angle')
    await page.waitForFunction(() => globalThis.glissadeLab?.info.value?.task === 'number')
    expect(((await trained(page)) as unknown as { loss: { kind: string } }).loss.kind).toBe('mse')
    expect(problems).toEqual([])
    await close()
  })

  test('points are painted with the pointer and with the keys', async () => {
    const { page, problems, close } = await studio()
    await page.getByRole('combobox', { name: 'What it learns from' }).selectOption('points')
    const plane = page.getByRole('application', { name: /The plane/ })
    await plane.waitFor()
    const points = async (): Promise<unknown[][]> => (await specOf(page)).data.points as unknown[][]
    const before = (await points()).length
    await page.getByRole('button', { name: 'Class C' }).click()
    await plane.click({ position: { x: 20, y: 20 } })
    await expect.poll(async () => (await points()).length).toBe(before + 1)
    expect((await points()).at(-1)?.[2]).toBe(2)
    await page.waitForFunction(() => globalThis.glissadeLab?.info.value?.labels.length === 3)
    await plane.focus()
    await page.keyboard.press('2')
    await page.keyboard.press('ArrowUp')
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('Enter')
    await expect.poll(async () => (await points()).at(-1)).toEqual([0.5, 0.5, 1])
    await page.keyboard.press('Delete')
    await expect.poll(async () => (await points()).length).toBe(before + 1)
    await plane.click({ position: { x: 20, y: 20 }, button: 'right' })
    await expect.poll(async () => (await points()).length).toBe(before)
    expect(problems).toEqual([])
    await close()
  })

  test('digits and text bring a network that fits them', async () => {
    const { page, problems, close } = await studio()
    await page.getByRole('combobox', { name: 'What it learns from' }).selectOption('text')
    await page.waitForFunction(() => globalThis.glissadeLab?.info.value?.task === 'token', undefined, {
      timeout: 20_000,
    })
    expect(kindsOf(await trained(page))).toContain('lstm')
    await page.getByRole('combobox', { name: 'Text' }).selectOption('own')
    await page.getByRole('textbox', { name: /Write or paste it/ }).fill('abcabcabcd '.repeat(40))
    await page.getByRole('button', { name: 'Use this text' }).click()
    await page.waitForFunction(() => globalThis.glissadeLab?.info.value?.labels.length === 6)
    expect((await trained(page)).model.layers[0].count).toBe(6)
    await page.getByRole('combobox', { name: 'What it learns from' }).selectOption('digits')
    await page.waitForFunction(() => globalThis.glissadeLab?.info.value?.inputShape.length === 3, undefined, {
      timeout: 20_000,
    })
    expect(kindsOf(await trained(page))).toContain('conv2d')
    expect(problems).toEqual([])
    await close()
  })

  test('fits a phone and twice the size, and has no violation by axe-core', async () => {
    for (const viewport of [
      { width: 360, height: 740 },
      { width: 640, height: 450 },
      { width: 1280, height: 900 },
    ]) {
      const { page, close } = await openLab('#/studio', { viewport })
      await page.getByRole('tab', { name: 'Layers' }).click()
      const width = (): Promise<number> => page.evaluate(() => document.documentElement.scrollWidth)
      expect(await width()).toBeLessThanOrEqual(viewport.width)
      await page.getByRole('button', { name: 'Add a layer after Tanh, layer 2' }).click()
      expect(await width()).toBeLessThanOrEqual(viewport.width)
      await page.getByRole('tab', { name: 'Code' }).click()
      await page.getByRole('textbox', { name: 'The session as a TypeScript program' }).waitFor()
      expect(await width()).toBeLessThanOrEqual(viewport.width)
      // Not as a script tag, which the page's policy forbids.
      await page.evaluate(readFileSync(new URL('../../../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8'))
      const violations = await page.evaluate(async () => {
        const { axe } = globalThis as unknown as {
          axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> }
        }
        return (await axe.run()).violations.map(
          ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`,
        )
      })
      expect(violations).toEqual([])
      await close()
    }
  })
})
