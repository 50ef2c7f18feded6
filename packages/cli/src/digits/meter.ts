/** What the steps of a training run add up to, and the lines that show it. */
import { drawProgress } from '../terminal/charts.ts'
import { duration, grouped, percent, type Terminal } from '../terminal/style.ts'
import type { Settings } from './network.ts'
import type { Position, StepReport } from './training.ts'

/** An epoch that is over. */
export interface EpochRecord {
  readonly epoch: number
  /** The means over the epoch's batches, each before its step. */
  readonly loss: number
  readonly accuracy: number
  readonly seconds: number
}

/** The sums over an epoch's samples so far. */
export interface EpochSums {
  readonly loss: number
  readonly correct: number
  readonly count: number
  /** Seconds that its steps took. */
  readonly seconds: number
}

const nothing: EpochSums = { loss: 0, correct: 0, count: 0, seconds: 0 }

/** Loss and accuracy of the present epoch, speed, and the time left. */
export class Meter {
  readonly steps: number
  readonly history: EpochRecord[] = []
  readonly #settings: Settings
  #position: Position = { epoch: 0, step: 0 }
  #sums: EpochSums
  #last = performance.now()
  /** Steps and pictures since the clock was started, which is after the first step: that one compiles. */
  #timed = { steps: 0, count: 0, from: 0 }

  /** `sums`: of an epoch that was begun in an earlier run. */
  constructor(steps: number, settings: Settings, sums: EpochSums = nothing) {
    this.steps = steps
    this.#settings = settings
    this.#sums = sums
  }

  /** What the steps of the epoch that is not over add up to. */
  get present(): EpochSums {
    return this.#position.step === this.steps ? nothing : this.#sums
  }

  add({ epoch, step, loss, correct, count }: StepReport): void {
    const now = performance.now()
    const before = this.present
    this.#sums = {
      loss: before.loss + loss * count,
      correct: before.correct + correct,
      count: before.count + count,
      seconds: before.seconds + (now - this.#last) / 1000,
    }
    this.#position = { epoch, step }
    this.#last = now
    const timed = this.#timed
    this.#timed =
      timed.from === 0 ? { ...timed, from: now } : { ...timed, steps: timed.steps + 1, count: timed.count + count }
    if (step === this.steps) this.history.push({ epoch: epoch + 1, ...this.#means(), seconds: this.#sums.seconds })
  }

  #means(): { loss: number; accuracy: number } {
    const { loss, correct, count } = this.#sums
    return { loss: loss / count, accuracy: correct / count }
  }

  #words({ colors }: Terminal): string {
    const { epochs } = this.#settings
    const { loss, accuracy } = this.#means()
    const epoch = `epoch ${String(this.#position.epoch + 1).padStart(String(epochs).length)}/${epochs}`
    const { steps, count, from } = this.#timed
    const speed = steps === 0 ? '' : `${grouped((1000 * count) / (performance.now() - from)).padStart(6)} images/s`
    return `${colors.bold(epoch)}  loss ${loss.toFixed(4)}  accuracy ${percent(accuracy, 2).padStart(7)}  ${speed}`
  }

  /** The line while an epoch runs: with a bar on a terminal, with a percentage in a log. */
  liveLine(terminal: Terminal): string {
    const { epoch, step } = this.#position
    const left = this.#settings.epochs * this.steps - (epoch * this.steps + step)
    const { steps, from } = this.#timed
    const time = steps === 0 ? '' : `${duration((left * (performance.now() - from)) / 1000 / steps)} left`
    const words = `${this.#words(terminal)}  ${time}`
    const share = step / this.steps
    if (!terminal.live) return `${percent(share, 0).padStart(5)}  ${words}`
    return `${drawProgress(share, terminal.columns >= 100 ? 24 : 10, terminal)} ${words}`
  }

  /** The line that stays when an epoch is over. */
  epochLine(terminal: Terminal): string {
    return `${this.#words(terminal)}  ${duration(this.#sums.seconds)}`
  }
}
