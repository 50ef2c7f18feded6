/**
 * What the network said of each sample while a part of the data was scored: kept, so that whoever shows predictions shows
 * those of the score beside it, and nothing is computed twice.
 *
 * Scores themselves: scores.ts; who answers with this: questions/predictions.ts.
 */
import type { Tensor } from 'glissade'
import type { Task } from '../spec/spec.ts'

export class Tally {
  readonly step: number
  /** Samples that were looked at: the first of the part. */
  count = 0
  /** Of each truth (row) how often each label was said: [labels, labels]. */
  readonly confusion: Float32Array
  /** Of each sample, where it has one class: the truth, what was said, and the probabilities of both. */
  readonly truth: number[] = []
  readonly said: number[] = []
  readonly sure: number[] = []
  readonly given: number[] = []
  /** Where numbers are asked for: the true ones and those that the network gave, sample by sample. */
  readonly wanted: number[] = []
  readonly found: number[] = []
  /** Numbers of one sample's output. */
  width = 0
  readonly #task: Task
  readonly #labels: number

  constructor(step: number, task: Task, labels: number) {
    this.step = step
    this.#task = task
    this.#labels = labels
    this.confusion = new Float32Array(task === 'number' ? 0 : labels * labels)
  }

  /** A piece of the samples. output: [n, …, width], truth: as the data has it. */
  add(output: ArrayLike<number>, { shape }: Pick<Tensor, 'shape'>, truth: ArrayLike<number>): void {
    const width = shape[shape.length - 1]
    this.width = width
    this.count += shape[0]
    if (this.#task === 'number') {
      for (let i = 0; i < truth.length; i++) {
        this.wanted.push(truth[i])
        this.found.push(output[i])
      }
      return
    }
    for (let i = 0; i < truth.length; i++) {
      if (truth[i] < 0) continue
      const said = largest(output, i * width, width)
      if (said < this.#labels) this.confusion[truth[i] * this.#labels + said]++
      if (this.#task !== 'class') continue
      const sum = expSum(output, i * width, width, output[i * width + said])
      this.truth.push(truth[i])
      this.said.push(said)
      this.sure.push(1 / sum)
      this.given.push(Math.exp(output[i * width + truth[i]] - output[i * width + said]) / sum)
    }
  }
}

function expSum(values: ArrayLike<number>, from: number, width: number, highest: number): number {
  let sum = 0
  for (let k = 0; k < width; k++) sum += Math.exp(values[from + k] - highest)
  return sum
}

/** The place of the largest of `width` numbers from `from` on; the first of several. */
export function largest(values: ArrayLike<number>, from: number, width: number): number {
  let best = 0
  for (let k = 1; k < width; k++) if (values[from + k] > values[from + best]) best = k
  return best
}
