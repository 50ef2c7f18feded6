/** Streaming metrics of what a model gives the truth: perplexity, and the mean of any loss. */
import { fail } from '../errors.ts'
import type { Tensor } from '../tensor.ts'
import type { Metric, ScoreOptions } from './metric.ts'
import { logSumExp, readScored } from './read.ts'

/**
 * e to the mean surprise of all tokens: among how many equally likely ones the model might as well choose.
 *
 * prediction: logits [B, V, ...s], or [B, ...s, V] with { classAxis: -1 }; target: int32 [B, ...s]. Give padding as
 * `ignoreIndex`.
 */
export class Perplexity implements Metric {
  readonly #options: ScoreOptions
  #surprise = 0
  #tokens = 0

  constructor(options: ScoreOptions = {}) {
    this.#options = options
  }

  async update(prediction: Tensor, target: Tensor): Promise<void> {
    const scored = await readScored('Perplexity', prediction, target, this.#options)
    const { fromLogits = true } = this.#options
    scored.labels.forEach((label, i) => {
      const score = scored.score(i, label)
      this.#surprise += fromLogits ? logSumExp(scored, i) - score : -Math.log(score)
    })
    this.#tokens += scored.labels.length
  }

  compute(): number {
    return Math.exp(this.#surprise / this.#tokens)
  }

  reset(): void {
    this.#surprise = 0
    this.#tokens = 0
  }
}

/** The mean over samples of a loss that is itself the mean over a batch, such as loss.crossEntropy. */
export class MeanLoss implements Metric {
  readonly #loss: (prediction: Tensor, target: Tensor) => Tensor
  #sum = 0
  #samples = 0

  constructor(loss: (prediction: Tensor, target: Tensor) => Tensor) {
    if (typeof loss !== 'function') {
      fail('value-invalid', {
        what: 'MeanLoss',
        received: typeof loss,
        expected: 'a loss, such as loss.crossEntropy',
        fix: 'Pass the function.',
      })
    }
    this.#loss = loss
  }

  async update(prediction: Tensor, target: Tensor): Promise<void> {
    this.add(await this.#loss(prediction, target).item(), target.rank === 0 ? 1 : target.shape[0])
  }

  /** Takes in the mean loss of a batch that was computed already. */
  add(loss: number, samples: number): void {
    this.#sum += loss * samples
    this.#samples += samples
  }

  compute(): number {
    return this.#sum / this.#samples
  }

  reset(): void {
    this.#sum = 0
    this.#samples = 0
  }
}

/** e to the mean surprise of all tokens, over batches. */
export function perplexity(options: ScoreOptions = {}): Perplexity {
  return new Perplexity(options)
}
/** The mean over samples of a loss, over batches. */
export function meanLoss(loss: (prediction: Tensor, target: Tensor) => Tensor): MeanLoss {
  return new MeanLoss(loss)
}
