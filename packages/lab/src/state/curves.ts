/**
 * What a run's training looked like, step by step: losses of batches, scores of both parts.
 *
 * Runs may make millions of steps, so what is kept has a bound: when it is reached, neighbours become one, with their
 * smallest, largest and mean value, and from then on each kept point stands for twice as many steps.
 */
import type { Score } from '../worker/protocol.ts'

/** The most points that are kept. */
const most = 4096

export interface ScorePoint {
  readonly step: number
  readonly train: Score
  readonly test: Score
}

export class Curves {
  /** How many steps a point of the losses stands for. */
  stride = 1
  /** How many points there are. */
  count = 0
  /** The first step of each point, and the losses of its steps. */
  readonly steps = new Float64Array(most)
  readonly mean = new Float32Array(most)
  readonly low = new Float32Array(most)
  readonly high = new Float32Array(most)
  scores: ScorePoint[] = []
  #sum = 0
  #summed = 0

  /** The losses of steps `from`, `from` + 1 … Steps that were there already (time was turned back) are replaced. */
  addLosses(from: number, losses: Float32Array): void {
    if (losses.length > 0) this.cutAt(from)
    losses.forEach((loss, i) => this.#add(from + i, loss))
  }

  #add(step: number, loss: number): void {
    if (this.#summed === 0 || this.count === 0) {
      if (this.count === most) this.#thin()
      const at = this.count++
      this.steps[at] = step
      this.mean[at] = this.low[at] = this.high[at] = loss
      this.#sum = loss
      this.#summed = 1
    } else {
      const at = this.count - 1
      this.#sum += loss
      this.#summed++
      this.mean[at] = this.#sum / this.#summed
      // NaN stays visible.
      this.low[at] = loss >= this.low[at] ? this.low[at] : loss
      this.high[at] = loss <= this.high[at] ? this.high[at] : loss
    }
    if (this.#summed >= this.stride) this.#summed = 0
  }

  /** Two neighbours become one. */
  #thin(): void {
    for (let i = 0; i < most / 2; i++) {
      this.steps[i] = this.steps[2 * i]
      this.mean[i] = (this.mean[2 * i] + this.mean[2 * i + 1]) / 2
      this.low[i] = Math.min(this.low[2 * i], this.low[2 * i + 1])
      this.high[i] = Math.max(this.high[2 * i], this.high[2 * i + 1])
    }
    this.count = most / 2
    this.stride *= 2
  }

  addScores(point: ScorePoint): void {
    // Who looks back measures again what may have been left out; what comes later stays.
    let at = this.scores.length
    while (at > 0 && this.scores[at - 1].step >= point.step) at--
    this.scores.splice(at, this.scores[at]?.step === point.step ? 1 : 0, point)
    if (this.scores.length >= most) this.scores = this.scores.filter((_, i) => i % 2 === 0)
  }

  /** Forgets what came at `step` and after it. */
  cutAt(step: number): void {
    let cut = false
    while (this.count > 0 && this.steps[this.count - 1] >= step) {
      this.count--
      cut = true
    }
    if (cut) this.#summed = 0
    while (this.scores.length > 0 && this.scores[this.scores.length - 1].step > step) this.scores.pop()
  }

  clear(): void {
    this.stride = 1
    this.count = 0
    this.#summed = 0
    this.scores = []
  }
}
