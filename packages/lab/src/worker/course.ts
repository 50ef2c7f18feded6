/** What the worker remembers of a run's course, for the doctor: the newest losses, scores, how far a step goes. Bounded. */
import type { Score } from './protocol.ts'

export interface ScoreAt {
  readonly step: number
  readonly train: Score
  readonly test: Score
}

/** Where numbers stopped being numbers. */
export interface Breakdown {
  /** Steps that were made before it. */
  readonly step: number
  readonly lr: number
  /** The module whose gradient broke first, walking back from the loss; undefined if it was the loss itself. */
  readonly module: string | undefined
  /** The norm of all gradients at the steps before, and at this one. */
  readonly norms: readonly { readonly step: number; readonly norm: number }[]
}

const newest = 256
const mostScores = 512

export class Course {
  readonly #losses = new Float32Array(newest)
  readonly #steps = new Float64Array(newest).fill(-1)
  #scores: ScoreAt[] = []
  /** How much of a module's weights a step changes, as norms: of the last step that was measured. */
  changes: { readonly step: number; readonly ratios: ReadonlyMap<string, number> } | undefined
  breakdown: Breakdown | undefined

  addLoss(step: number, loss: number): void {
    const at = step % newest
    this.#losses[at] = loss
    this.#steps[at] = step
  }

  addScores(score: ScoreAt): void {
    while (this.#scores.length > 0 && this.#scores[this.#scores.length - 1].step >= score.step) this.#scores.pop()
    this.#scores.push(score)
    if (this.#scores.length >= mostScores) this.#scores = this.#scores.filter((_, i) => i % 2 === 0)
  }

  /** Of the last steps before `step`, the oldest first. */
  lossesBefore(step: number): { readonly step: number; readonly loss: number }[] {
    const found: { step: number; loss: number }[] = []
    for (let i = Math.max(0, step - newest); i < step; i++)
      if (this.#steps[i % newest] === i) found.push({ step: i, loss: this.#losses[i % newest] })
    return found
  }

  scoresUntil(step: number): readonly ScoreAt[] {
    return this.#scores.filter((score) => score.step <= step)
  }
}
