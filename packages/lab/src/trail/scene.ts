/** The scene that cards look at and act on: the lab, and what stages noticed. */
import { effect, signal } from '@preact/signals'
import type { Lab } from '../state/lab.ts'
import type { Card, Scene } from './chapter.ts'

/** What of a card its network is made of. */
export type Network = Pick<Card, 'spec' | 'start' | 'trained'>

export class LabScene implements Scene {
  readonly lab: Lab
  readonly #waiting = new Map<string, { next: ArrayLike<number> | undefined; done: Promise<boolean> }>()
  readonly #facts = signal<Readonly<Record<string, number>>>({})

  constructor(lab: Lab) {
    this.lab = lab
  }

  fact(name: string): number | undefined {
    return this.#facts.value[name]
  }

  notice(name: string, value = 1): void {
    if (this.#facts.peek()[name] !== value) this.#facts.value = { ...this.#facts.peek(), [name]: value }
  }

  /** While one change is on its way only the newest of those that follow is sent after it: sliders move fast. */
  async set(parameter: string, values: ArrayLike<number>): Promise<boolean> {
    const waiting = this.#waiting.get(parameter)
    if (waiting) {
      waiting.next = values
      return waiting.done
    }
    const sending: { next: ArrayLike<number> | undefined; done: Promise<boolean> } = {
      next: undefined,
      done: Promise.resolve(true),
    }
    const send = async (now: ArrayLike<number>): Promise<boolean> => {
      const fine = await this.lab.setParameter(parameter, Float32Array.from(now))
      const { next } = sending
      sending.next = undefined
      return next ? send(next) : fine
    }
    this.#waiting.set(parameter, sending)
    sending.done = send(values).finally(() => this.#waiting.delete(parameter))
    return sending.done
  }

  /** What was noticed belongs to the card that was open. */
  forget(): void {
    this.#facts.value = {}
  }

  /** Opens a card's network, unless it is there already: then it lives on as it is, or begins anew if told. */
  async open(network: Network, anew: boolean): Promise<boolean> {
    const { lab } = this
    const { spec, start, trained } = network
    if (!spec) return true
    if (JSON.stringify(lab.spec.peek()) === JSON.stringify(spec)) {
      if (anew) await this.reset(network)
      return true
    }
    return (await lab.open(spec)) && (await this.#begin(start, trained))
  }

  /** Back to the start of the card. */
  async reset({ start, trained }: Network): Promise<void> {
    if (await this.lab.reset()) await this.#begin(start, trained)
  }

  async #begin(start: Card['start'] = {}, trained = 0): Promise<boolean> {
    for (const [name, values] of Object.entries(start)) if (!(await this.set(name, values))) return false
    if (trained > 0) await this.train(trained)
    return true
  }

  /** So many steps; done when they are made. */
  async train(steps: number): Promise<void> {
    const { lab } = this
    const until = (lab.progress.peek()?.stamp.step ?? 0) + steps
    if (!(await lab.advance(steps))) return
    await new Promise<void>((resolve) => {
      const stop = effect(() => {
        const progress = lab.progress.value
        if (progress && !progress.running && (progress.stamp.step >= until || progress.stopped)) {
          resolve()
          queueMicrotask(() => stop())
        }
      })
    })
  }
}

/** For conditions: a score of the network that is open. */
export const scoreOf = ({ lab }: Scene, part: 'train' | 'test') => lab.progress.value?.scores?.[part]

/** The accuracy of the network that is open, from 0 to 1; 0 where there is none. */
export const accuracyOf = (scene: Scene, part: 'train' | 'test' = 'train'): number =>
  scoreOf(scene, part)?.accuracy ?? 0

/** The mean loss of about the last `steps` batches; large before there are as many. Scores of all samples come later. */
export function recentLoss({ lab }: Scene, steps = 30): number {
  const curves = lab.run.value?.curves
  const points = Math.max(1, Math.ceil(steps / (curves?.stride ?? 1)))
  if (!curves || curves.count < points) return Number.POSITIVE_INFINITY
  const last = curves.mean.subarray(curves.count - points, curves.count)
  return last.reduce((sum, loss) => sum + loss, 0) / points
}
