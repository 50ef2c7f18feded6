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

/** Loss and accuracy of the present epoch, speed, and the time left. */
export class Meter {
  readonly steps: number
  readonly history: EpochRecord[] = []
  readonly #settings: Settings
  #epoch: number
  #step: number
  #loss = 0
  #correct = 0
  #count = 0
  /** Steps and pictures since the clock was started, which is after the first step: that one compiles. */
  #timedSteps = 0
  #timedCount = 0
  #clock = 0
  #epochStarted = performance.now()

  constructor(steps: number, settings: Settings, from: Position) {
    this.steps = steps
    this.#settings = settings
    this.#epoch = from.epoch
    this.#step = from.step
  }

  add({ epoch, step, loss, correct, count }: StepReport): void {
    if (epoch !== this.#epoch) this.#startEpoch()
    this.#epoch = epoch
    this.#step = step
    this.#loss += loss * count
    this.#correct += correct
    this.#count += count
    if (this.#clock === 0) this.#clock = performance.now()
    else {
      this.#timedSteps++
      this.#timedCount += count
    }
    if (step < this.steps) return
    const seconds = (performance.now() - this.#epochStarted) / 1000
    this.history.push({
      epoch: epoch + 1,
      loss: this.#loss / this.#count,
      accuracy: this.#correct / this.#count,
      seconds,
    })
  }

  #startEpoch(): void {
    this.#loss = this.#correct = this.#count = 0
    this.#epochStarted = performance.now()
  }

  #words({ colors }: Terminal): string {
    const width = String(this.#settings.epochs).length
    const epoch = `epoch ${String(this.#epoch + 1).padStart(width)}/${this.#settings.epochs}`
    const loss = `loss ${(this.#loss / this.#count).toFixed(4)}`
    const accuracy = `accuracy ${percent(this.#correct / this.#count, 2).padStart(7)}`
    const elapsed = (performance.now() - this.#clock) / 1000
    const speed = this.#timedSteps === 0 ? '' : `${grouped(this.#timedCount / elapsed).padStart(6)} images/s`
    return `${colors.bold(epoch)}  ${loss}  ${accuracy}  ${speed}`
  }

  liveLine(terminal: Terminal): string {
    const { columns } = terminal
    const share = this.#step / this.steps
    const left = this.#settings.epochs * this.steps - (this.#epoch * this.steps + this.#step)
    const elapsed = (performance.now() - this.#clock) / 1000
    const time = this.#timedSteps === 0 ? '' : `${duration((left * elapsed) / this.#timedSteps)} left`
    const words = `${this.#words(terminal)}  ${time}`
    const bar = columns >= 100 ? 24 : 10
    return terminal.live
      ? `${drawProgress(share, bar, terminal)} ${words}`
      : `${percent(share, 0).padStart(5)}  ${words}`
  }

  epochLine(terminal: Terminal): string {
    const { seconds } = this.history[this.history.length - 1]
    return `${this.#words(terminal)}  ${duration(seconds)}`
  }
}
