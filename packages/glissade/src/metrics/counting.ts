/** Streaming metrics that count which class was predicted as which: accuracy, top-k, the confusion matrix. */
import { fail } from '../errors.ts'
import { checkWhole } from '../ops/derived/common.ts'
import { Tensor } from '../tensor.ts'
import * as ofBatch from './classification.ts'
import type { ClassOptions, Metric, ScoreOptions } from './metric.ts'
import { checkLabel, readClasses, readScored } from './read.ts'

/**
 * The share of samples whose class is right.
 *
 * prediction: scores [B, C, ...s], classes int32 [B, ...s], or scores for yes [B, ...s]; target: int32 [B, ...s].
 */
export class Accuracy implements Metric {
  readonly #options: ClassOptions
  #right = 0
  #samples = 0

  constructor(options: ClassOptions = {}) {
    this.#options = options
  }

  async update(prediction: Tensor, target: Tensor): Promise<void> {
    const { predicted, labels } = await readClasses('Accuracy', prediction, target, this.#options)
    this.#right += labels.reduce((sum, label, i) => sum + Number(label === predicted[i]), 0)
    this.#samples += labels.length
  }

  compute(): number {
    return this.#right / this.#samples
  }

  reset(): void {
    this.#right = 0
    this.#samples = 0
  }
}

/** The share of samples whose class is among the `k` with the highest scores. prediction: [B, C, ...s]. */
export class TopK implements Metric {
  readonly k: number
  readonly #options: ScoreOptions
  #right = 0
  #samples = 0

  constructor(k = 5, options: ScoreOptions = {}) {
    this.k = checkWhole('TopK: k', k, 1)
    this.#options = options
  }

  async update(prediction: Tensor, target: Tensor): Promise<void> {
    const scored = await readScored('TopK', prediction, target, this.#options)
    const { classes, labels, score } = scored
    labels.forEach((label, i) => {
      const own = score(i, label)
      let before = 0
      // Equal scores stand in the order of their classes, as in topK.
      for (let c = 0; c < classes; c++) {
        if (score(i, c) > own || (score(i, c) === own && c < label) || Number.isNaN(own)) before++
      }
      this.#right += Number(before < this.k)
    })
    this.#samples += labels.length
  }

  compute(): number {
    return this.#right / this.#samples
  }

  reset(): void {
    this.#right = 0
    this.#samples = 0
  }
}

export interface ConfusionOptions extends ClassOptions {
  /** The number of classes, where predictions do not tell (they do as scores). */
  readonly classes?: number
  /** Shares of each row (the true class), of each column (the predicted one), or of all. Default: counts. */
  readonly normalize?: 'true' | 'predicted' | 'all'
}

/** How often the true class (row) was predicted as which (column), over all batches. */
export class ConfusionMatrix implements Metric<number[][]> {
  readonly #options: ConfusionOptions
  #counts: number[][] = []

  constructor(options: ConfusionOptions = {}) {
    const { classes, normalize } = options
    if (classes !== undefined) checkWhole('ConfusionMatrix: classes', classes, 1)
    if (normalize !== undefined && !['true', 'predicted', 'all'].includes(normalize)) {
      fail('value-invalid', {
        what: 'ConfusionMatrix: normalize',
        received: String(normalize),
        expected: 'true, predicted or all',
        fix: 'Change the option.',
      })
    }
    this.#options = options
    this.reset()
  }

  async update(prediction: Tensor, target: Tensor): Promise<void> {
    const found = await readClasses('ConfusionMatrix', prediction, target, this.#options)
    const { classes = found.classes } = this.#options
    const { predicted, labels } = found
    if (classes !== undefined) {
      labels.forEach((label, i) => {
        checkLabel('ConfusionMatrix: target', label, i, classes)
        checkLabel('ConfusionMatrix: prediction', predicted[i], i, classes)
      })
    }
    this.#grow(classes ?? labels.reduce((most, label, i) => Math.max(most, label + 1, predicted[i] + 1), 0))
    labels.forEach((label, i) => this.#counts[label][predicted[i]]++)
  }

  compute(): number[][] {
    const { normalize } = this.#options
    const counts = this.#counts
    const total = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)
    const all = total(counts.map(total))
    const columns = counts.map((_, c) => total(counts.map((row) => row[c])))
    return counts.map((row) => {
      const own = total(row)
      return row.map((count, c) => {
        if (!normalize) return count
        const whole = normalize === 'true' ? own : normalize === 'predicted' ? columns[c] : all
        return whole === 0 ? 0 : count / whole
      })
    })
  }

  reset(): void {
    this.#counts = []
    this.#grow(this.#options.classes ?? 0)
  }

  #grow(classes: number): void {
    for (const row of this.#counts) while (row.length < classes) row.push(0)
    while (this.#counts.length < classes) this.#counts.push(new Array<number>(classes).fill(0))
    for (const row of this.#counts) while (row.length < this.#counts.length) row.push(0)
  }
}

/** The share of samples whose class is among the `k` with the highest scores, over batches. */
export function topK(k = 5, options: ScoreOptions = {}): TopK {
  return new TopK(k, options)
}

/** The share of samples whose class is right, over batches. */
export function accuracy(options?: ClassOptions): Accuracy
/**
 * The same of one batch, as a tensor of a compiled step.
 * scores: [B, C, ...s] or int32 [B, ...s], target: int32 [B, ...s] → []
 */
export function accuracy(scores: Tensor, target: Tensor): Tensor
export function accuracy(first: Tensor | ClassOptions = {}, target?: Tensor): Tensor | Accuracy {
  return first instanceof Tensor ? ofBatch.accuracy(first, target as Tensor) : new Accuracy(first)
}

/** How often the true class (row) was predicted as which (column), over batches. */
export function confusionMatrix(options?: ConfusionOptions): ConfusionMatrix
/**
 * The same of one batch, as a tensor of a compiled step.
 * scores: [B, C, ...s] or int32 [B, ...s], target: int32 [B, ...s] → int32 [classes, classes]. Errors: `index-range`.
 */
export function confusionMatrix(scores: Tensor, target: Tensor, classes?: number): Tensor
export function confusionMatrix(
  first: Tensor | ConfusionOptions = {},
  target?: Tensor,
  classes?: number,
): Tensor | ConfusionMatrix {
  return first instanceof Tensor
    ? ofBatch.confusionMatrix(first, target as Tensor, classes)
    : new ConfusionMatrix(first)
}
