/** Playing the trail in a browser, as a person does: for the tests of its chapters. */
import type { Page } from 'playwright-core'
import { expect } from 'vitest'
import { type LabPage, openLab } from './page.ts'

/** The trail's networks reach what their chapter says within this time, from a cold start. */
export const patience = 20_000

export class Player {
  readonly page: Page
  readonly #opened: LabPage

  private constructor(opened: LabPage) {
    this.#opened = opened
    this.page = opened.page
    this.page.setDefaultTimeout(patience)
  }

  static async open(chapter: number, card = 1): Promise<Player> {
    return new Player(await openLab(`#/trail/${chapter}/${card}`))
  }

  /** Waits until the card with this title is open, its network too. */
  async at(title: string): Promise<void> {
    await this.page.getByRole('heading', { level: 1, name: title }).waitFor()
    await this.page.locator('.trail-stage > :first-child').waitFor()
  }

  choose(answer: string): Promise<void> {
    return this.page.getByRole('button', { name: answer }).first().click()
  }

  async guess(label: string, value: number): Promise<void> {
    await this.page.getByRole('textbox', { name: label, exact: true }).fill(String(value))
    await this.page.getByRole('button', { name: 'That is my guess' }).click()
  }

  async turn(knob: string, value: number): Promise<void> {
    const field = this.page.getByRole('textbox', { name: knob, exact: true })
    await field.fill(String(value))
    await field.press('Enter')
  }

  press(name: string): Promise<void> {
    return this.page.getByRole('button', { name, exact: true }).click()
  }

  /** The place of a plane, given from -6 to 6, is clicked. */
  async point(x: number, y: number): Promise<void> {
    const box = await this.page.locator('.plane.can-point').boundingBox()
    if (!box) throw new Error('There is no plane to point at.')
    await this.page.mouse.click(box.x + ((x + 6) / 12) * box.width, box.y + ((6 - y) / 12) * box.height)
  }

  /** The card has completed itself. */
  done(): Promise<void> {
    return this.page.locator('.goal.done').waitFor()
  }

  /** Its goal is not reached yet. */
  async open(): Promise<void> {
    await this.page.locator('.goal').waitFor()
    expect(await this.page.locator('.goal.done').count()).toBe(0)
  }

  next(): Promise<void> {
    return this.page.locator('a[rel="next"]').click()
  }

  scores() {
    return this.page.evaluate(() => globalThis.glissadeLab?.progress.value?.scores)
  }

  parameter(name: string): Promise<number[]> {
    return this.page.evaluate(async (name) => {
      const answer = await globalThis.glissadeLab?.client.ask('parameter', { run: 0, name, aspect: 'value' })
      return Array.from(answer?.numbers.values ?? [])
    }, name)
  }

  /** Nothing went wrong on the way. */
  async end(): Promise<void> {
    expect(this.#opened.problems).toEqual([])
    await this.#opened.close()
  }
}
