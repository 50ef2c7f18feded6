/** Means over samples, batch by batch; and whether there is an accuracy to speak of. */
import { isFloat } from '../dtype.ts'
import { accuracy } from '../metrics/classification.ts'
import type { Tensor } from '../tensor.ts'
import type { Score } from './events.ts'

/** Samples with inputs x and targets y. */
export type Samples = { readonly x: Tensor; readonly y: Tensor }
export type LossFunction = (prediction: Tensor, target: Tensor) => Tensor

/** The loss, and the accuracy where the target is a class for each score vector. */
export function scoresOf(prediction: Tensor, target: Tensor, loss: LossFunction): { loss: Tensor; accuracy?: Tensor } {
  const value = loss(prediction, target)
  const classes = target.dtype === 'int32' && isFloat(prediction.dtype) && prediction.rank === target.rank + 1
  return classes ? { loss: value, accuracy: accuracy(prediction.stopGradient(), target) } : { loss: value }
}

/** The numbers of one batch. */
export async function readScores(scores: { loss: Tensor; accuracy?: Tensor }): Promise<Score> {
  const [loss, share] = await Promise.all([scores.loss.item(), scores.accuracy?.item()])
  return { loss, accuracy: share }
}

/** A mean over samples, from the means of batches of different sizes. */
export class ScoreSum {
  #loss = 0
  #accuracy: number | undefined
  #samples = 0

  add({ loss, accuracy: share }: Score, samples: number): void {
    this.#loss += loss * samples
    if (share !== undefined) this.#accuracy = (this.#accuracy ?? 0) + share * samples
    this.#samples += samples
  }

  get samples(): number {
    return this.#samples
  }

  mean(): Score {
    return {
      loss: this.#loss / this.#samples,
      accuracy: this.#accuracy === undefined ? undefined : this.#accuracy / this.#samples,
    }
  }
}
