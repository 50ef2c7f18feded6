/** How well scores put positives before negatives, whatever the threshold: ROC AUC and average precision. */
import { isFloat } from '../dtype.ts'
import { fail } from '../errors.ts'
import type { Tensor } from '../tensor.ts'
import type { Metric, ScoreOptions } from './metric.ts'
import { checkLabel, hasClassAxis, probabilities, readPair, readScored } from './read.ts'

export interface RankingOptions extends ScoreOptions {
  /** Over classes, each against the rest: the plain mean (the default), or weighed by how often each is true. */
  readonly average?: 'macro' | 'weighted'
}

/** A score, and whether it is of a positive. */
type Ranked = readonly [score: number, positive: boolean]

/**
 * Keeps all scores, since no smaller state is exact. With two classes only the second counts; with more each is held
 * against the rest, and those of which there are no positives or no negatives are left out.
 */
abstract class RankingMetric implements Metric {
  readonly #name: string
  readonly #options: RankingOptions
  /** For each class; one list where there are two. */
  #scores: number[][] = []
  #labels: number[] = []

  constructor(name: string, options: RankingOptions) {
    this.#name = name
    this.#options = options
    const { average = 'macro' } = options
    if (average !== 'macro' && average !== 'weighted') {
      fail('value-invalid', {
        what: `${name}: average`,
        received: String(average),
        expected: 'macro or weighted',
        fix: 'Change the option.',
      })
    }
  }

  async update(prediction: Tensor, target: Tensor): Promise<void> {
    const { scores, labels } = await this.#read(prediction, target)
    if (this.#scores.length > 0 && this.#scores.length !== scores.length) {
      fail('shape-mismatch', {
        op: this.#name,
        received: `scores for ${scores.length} classes`,
        expected: `${this.#scores.length}, as in the batches before`,
        fix: 'Call reset() before another kind of prediction.',
      })
    }
    if (this.#scores.length === 0) this.#scores = scores.map(() => [])
    for (const [c, list] of this.#scores.entries()) for (const score of scores[c]) list.push(score)
    for (const label of labels) this.#labels.push(label)
  }

  async #read(prediction: Tensor, target: Tensor): Promise<{ scores: number[][]; labels: readonly number[] }> {
    const { ignoreIndex, fromLogits = true } = this.#options
    if (!hasClassAxis(prediction, target)) {
      if (!isFloat(prediction.dtype)) {
        fail('dtype-mismatch', {
          op: this.#name,
          received: `predictions of ${prediction.dtype}`,
          expected: 'scores of floats',
          fix: 'Give what the model says before classes are chosen.',
        })
      }
      const [p, t] = await readPair(this.#name, prediction, target)
      const counted = Array.from(t, (_, i) => i).filter((i) => t[i] !== ignoreIndex)
      for (const i of counted) checkLabel(`${this.#name}: target`, t[i], i, 2)
      const scores = counted.map((i) => p[i])
      this.#refuseNaN(scores)
      return { scores: [scores], labels: counted.map((i) => t[i]) }
    }
    const scored = await readScored(this.#name, prediction, target, this.#options)
    const { classes, labels, score } = scored
    if (classes === 2) {
      // The order by p(1) is that by the difference, which rounds nothing to 1.
      const scores = labels.map((_, i) => score(i, 1) - score(i, 0))
      this.#refuseNaN(scores)
      return { scores: [scores], labels }
    }
    const rows = labels.map((_, i) => probabilities(scored, i, fromLogits))
    const scores = Array.from({ length: classes }, (_, c) => rows.map((row) => row[c]))
    for (const list of scores) this.#refuseNaN(list)
    return { scores, labels }
  }

  #refuseNaN(scores: readonly number[]): void {
    const at = scores.findIndex((score) => Number.isNaN(score))
    if (at < 0) return
    fail('value-invalid', {
      what: `${this.#name}: prediction ${at}`,
      received: 'NaN',
      expected: 'scores that have an order',
      fix: 'Look for where the NaN begins.',
    })
  }

  compute(): number {
    const values = this.perClass()
    if (values.length === 1) return values[0]
    const positives = values.map((_, c) => this.#labels.filter((label) => label === c).length)
    const known = values.flatMap((value, c) => {
      return Number.isNaN(value) ? [] : [{ value, weight: this.#options.average === 'weighted' ? positives[c] : 1 }]
    })
    const total = known.reduce((sum, { weight }) => sum + weight, 0)
    return known.reduce((sum, { value, weight }) => sum + value * weight, 0) / total
  }

  /** The value of each class against the rest; with two classes the one of class 1. */
  perClass(): number[] {
    const positive = this.#scores.length === 1 ? () => 1 : (c: number) => c
    return this.#scores.map((scores, c) => {
      const ranked = scores.map((score, i): Ranked => [score, this.#labels[i] === positive(c)])
      return this.value(steps(ranked))
    })
  }

  reset(): void {
    this.#scores = []
    this.#labels = []
  }

  protected abstract value(steps: readonly Step[]): number
}

/** How many positives and negatives have a score at least as high as some score. */
interface Step {
  readonly positives: number
  readonly negatives: number
}

/** From the highest score to the lowest, equal scores in one step; the first is before all. */
function steps(ranked: readonly Ranked[]): Step[] {
  const sorted = [...ranked].sort(([a], [b]) => (a === b ? 0 : b - a))
  const found: Step[] = [{ positives: 0, negatives: 0 }]
  let [positives, negatives] = [0, 0]
  sorted.forEach(([score, positive], i) => {
    if (positive) positives++
    else negatives++
    if (i + 1 === sorted.length || sorted[i + 1][0] !== score) found.push({ positives, negatives })
  })
  return found
}

/**
 * The area under the curve of true over false positives: the chance that a positive has a higher score than a
 * negative, equal scores counting half.
 *
 * prediction: scores for yes [B, ...s] with target 0 or 1, or scores [B, C, ...s] with class indices.
 */
export class RocAuc extends RankingMetric {
  constructor(options: RankingOptions = {}) {
    super('RocAuc', options)
  }
  protected value(steps: readonly Step[]): number {
    const { positives, negatives } = steps[steps.length - 1]
    let area = 0
    for (let i = 1; i < steps.length; i++) {
      area += ((steps[i].negatives - steps[i - 1].negatives) * (steps[i].positives + steps[i - 1].positives)) / 2
    }
    return area / (positives * negatives)
  }
}

/** The mean precision over all recalls: the sum of (R_n - R_n-1) P_n, without interpolation, as in scikit-learn. */
export class AveragePrecision extends RankingMetric {
  constructor(options: RankingOptions = {}) {
    super('AveragePrecision', options)
  }
  protected value(steps: readonly Step[]): number {
    const all = steps[steps.length - 1].positives
    let sum = 0
    for (let i = 1; i < steps.length; i++) {
      const { positives, negatives } = steps[i]
      sum += ((positives - steps[i - 1].positives) * positives) / (positives + negatives)
    }
    return sum / all
  }
}

/** The chance that a positive has a higher score than a negative, over batches. */
export function rocAuc(options: RankingOptions = {}): RocAuc {
  return new RocAuc(options)
}
/** The mean precision over all recalls, over batches. */
export function averagePrecision(options: RankingOptions = {}): AveragePrecision {
  return new AveragePrecision(options)
}
