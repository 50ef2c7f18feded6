/** Precision, recall and F1, over batches: of one class, or averaged over all. */
import { fail } from '../errors.ts'
import type { Tensor } from '../tensor.ts'
import type { ClassOptions, Metric } from './metric.ts'
import { readClasses } from './read.ts'

/**
 * Over classes: 'binary' is of the class 1 alone, 'macro' the plain mean of all classes that occur, 'weighted' weighs
 * each by how often it is true, 'micro' counts all classes together.
 */
export type Average = 'binary' | 'macro' | 'weighted' | 'micro'

export interface PrecisionOptions extends ClassOptions {
  /** Default 'binary', which refuses more than two classes, as in scikit-learn. */
  readonly average?: Average
  /** The value where nothing can be divided by, as for a class that is never predicted. Default 0. */
  readonly zeroDivision?: number
}

/** How often a class was predicted and true, predicted, and true. */
interface Counts {
  right: number
  predicted: number
  true: number
}

const averages: readonly Average[] = ['binary', 'macro', 'weighted', 'micro']

abstract class ClassMetric implements Metric {
  readonly #name: string
  readonly #options: PrecisionOptions
  readonly #average: Average
  #counts: Counts[] = []

  constructor(name: string, options: PrecisionOptions) {
    this.#name = name
    this.#options = options
    this.#average = options.average ?? 'binary'
    if (!averages.includes(this.#average)) {
      fail('value-invalid', {
        what: `${name}: average`,
        received: String(this.#average),
        expected: averages.join(', '),
        fix: 'Change the option.',
      })
    }
  }

  async update(prediction: Tensor, target: Tensor): Promise<void> {
    const found = await readClasses(this.#name, prediction, target, this.#options)
    const { predicted, labels } = found
    const classes = labels.reduce((most, label, i) => Math.max(most, label + 1, predicted[i] + 1), found.classes ?? 0)
    if (this.#average === 'binary' && classes > 2) {
      fail('value-invalid', {
        what: `${this.#name}: average`,
        received: `'binary' with ${classes} classes`,
        expected: 'two classes',
        fix: "Choose { average: 'macro' }, 'weighted' or 'micro'.",
      })
    }
    while (this.#counts.length < classes) this.#counts.push({ right: 0, predicted: 0, true: 0 })
    labels.forEach((label, i) => {
      this.#counts[label].true++
      this.#counts[predicted[i]].predicted++
      if (label === predicted[i]) this.#counts[label].right++
    })
  }

  compute(): number {
    const counts = this.#counts
    const total = counts.reduce((sum, { true: count }) => sum + count, 0)
    if (total === 0) return Number.NaN
    if (this.#average === 'binary') return this.#ratio(counts[1] ?? { right: 0, predicted: 0, true: 0 })
    if (this.#average === 'micro') {
      const right = counts.reduce((sum, count) => sum + count.right, 0)
      return this.#ratio({ right, predicted: total, true: total })
    }
    const occurring = counts.filter((count) => count.true > 0 || count.predicted > 0)
    const weights = occurring.map((count) => (this.#average === 'weighted' ? count.true / total : 1 / occurring.length))
    return occurring.reduce((sum, count, i) => sum + weights[i] * this.#ratio(count), 0)
  }

  /** The value of each class. */
  perClass(): number[] {
    return this.#counts.map((count) => this.#ratio(count))
  }

  reset(): void {
    this.#counts = []
  }

  #ratio(count: Counts): number {
    const [part, whole] = this.parts(count)
    return whole === 0 ? (this.#options.zeroDivision ?? 0) : part / whole
  }

  /** What is divided by what, for one class. */
  protected abstract parts(count: Counts): [part: number, whole: number]
}

/** Of what was predicted as a class, the share that is of it. */
export class Precision extends ClassMetric {
  constructor(options: PrecisionOptions = {}) {
    super('Precision', options)
  }
  protected parts({ right, predicted }: Counts): [number, number] {
    return [right, predicted]
  }
}

/** Of what is of a class, the share that was predicted as it. */
export class Recall extends ClassMetric {
  constructor(options: PrecisionOptions = {}) {
    super('Recall', options)
  }
  protected parts(count: Counts): [number, number] {
    return [count.right, count.true]
  }
}

export interface F1Options extends PrecisionOptions {
  /** How many times as much recall counts as precision. Default 1. */
  readonly beta?: number
}

/** The harmonic mean of precision and recall, (1 + b^2) tp / ((1 + b^2) tp + b^2 fn + fp). */
export class F1 extends ClassMetric {
  readonly #square: number

  constructor({ beta = 1, ...options }: F1Options = {}) {
    super('F1', options)
    if (!(beta > 0)) {
      fail('value-invalid', {
        what: 'F1: beta',
        received: String(beta),
        expected: 'a number above 0',
        fix: 'Change the option.',
      })
    }
    this.#square = beta * beta
  }
  protected parts(count: Counts): [number, number] {
    return [(1 + this.#square) * count.right, this.#square * count.true + count.predicted]
  }
}

/** Of what was predicted as a class, the share that is of it, over batches. */
export function precision(options: PrecisionOptions = {}): Precision {
  return new Precision(options)
}
/** Of what is of a class, the share that was predicted as it, over batches. */
export function recall(options: PrecisionOptions = {}): Recall {
  return new Recall(options)
}
/** The harmonic mean of precision and recall, over batches. */
export function f1(options: F1Options = {}): F1 {
  return new F1(options)
}
