/** Whether a model is right as often as it says: the calibration error, over batches. */
import { fail } from '../errors.ts'
import { checkWhole } from '../ops/derived/common.ts'
import type { Tensor } from '../tensor.ts'
import type { Metric, ScoreOptions } from './metric.ts'
import { checkLabel, hasClassAxis, probabilities, readPair, readScored, sigmoid } from './read.ts'

export interface CalibrationOptions extends ScoreOptions {
  /** Into so many equal parts confidences are sorted. Default 15. */
  readonly bins?: number
  /** The mean distance ('l1', the default), the root of the mean square, or the largest. */
  readonly norm?: 'l1' | 'l2' | 'max'
}

interface Bin {
  count: number
  confidence: number
  right: number
}

/**
 * The expected calibration error: how far confidence and accuracy are apart, on average over bins of confidence
 * (Guo et al. 2017, arXiv 1706.04599). A confidence of 1 has a bin of its own, as in torchmetrics.
 *
 * prediction: [B, C, ...s] with class indices (the confidence is that of the predicted class), or scores for yes
 * [B, ...s] with 0 and 1 (there it is the probability of yes).
 */
export class CalibrationError implements Metric {
  readonly #options: CalibrationOptions
  readonly #bins: number
  #sums: Bin[] = []

  constructor(options: CalibrationOptions = {}) {
    const { bins = 15, norm = 'l1' } = options
    this.#options = options
    this.#bins = checkWhole('CalibrationError: bins', bins, 1)
    if (!['l1', 'l2', 'max'].includes(norm)) {
      fail('value-invalid', {
        what: 'CalibrationError: norm',
        received: String(norm),
        expected: 'l1, l2 or max',
        fix: 'Change the option.',
      })
    }
    this.reset()
  }

  async update(prediction: Tensor, target: Tensor): Promise<void> {
    for (const [confidence, right] of await this.#read(prediction, target)) {
      const bin = this.#sums[this.#place(confidence)]
      bin.count++
      bin.confidence += confidence
      bin.right += right
    }
  }

  async #read(prediction: Tensor, target: Tensor): Promise<[confidence: number, right: number][]> {
    const op = 'CalibrationError'
    const { fromLogits = true, ignoreIndex } = this.#options
    const found: [number, number][] = []
    if (hasClassAxis(prediction, target)) {
      const scored = await readScored(op, prediction, target, this.#options)
      scored.labels.forEach((label, i) => {
        const row = probabilities(scored, i, fromLogits)
        const confidence = row.reduce((a, b) => Math.max(a, b))
        found.push([confidence, Number(row.indexOf(confidence) === label)])
      })
    } else {
      const [p, t] = await readPair(op, prediction, target)
      t.forEach((label: number, i: number) => {
        if (label === ignoreIndex) return
        checkLabel(`${op}: target`, label, i, 2)
        found.push([fromLogits ? sigmoid(p[i]) : p[i], label])
      })
    }
    for (const [confidence] of found) {
      // Sums of rounded exponentials may pass 1 by a rounding.
      if (confidence >= 0 && confidence <= 1 + 1e-6) continue
      fail('value-invalid', {
        what: `${op}: prediction`,
        received: String(confidence),
        expected: 'probabilities, 0 to 1',
        fix: 'Leave fromLogits out for what a model says before softmax or sigmoid.',
      })
    }
    return found
  }

  /** The last bin whose lower bound is not above the confidence; the bounds are those of linspace(0, 1, bins + 1). */
  #place(confidence: number): number {
    const near = Math.min(this.#bins, Math.floor(confidence * this.#bins))
    if (near < this.#bins && (near + 1) / this.#bins <= confidence) return near + 1
    return near / this.#bins > confidence ? near - 1 : near
  }

  compute(): number {
    const total = this.#sums.reduce((sum, { count }) => sum + count, 0)
    if (total === 0) return Number.NaN
    const parts = this.#sums.flatMap(({ count, confidence, right }) =>
      count === 0 ? [] : [{ share: count / total, distance: Math.abs(right - confidence) / count }],
    )
    const { norm = 'l1' } = this.#options
    if (norm === 'max') return Math.max(...parts.map(({ distance }) => distance))
    if (norm === 'l1') return parts.reduce((sum, { share, distance }) => sum + share * distance, 0)
    return Math.sqrt(parts.reduce((sum, { share, distance }) => sum + share * distance * distance, 0))
  }

  reset(): void {
    this.#sums = Array.from({ length: this.#bins + 1 }, () => ({ count: 0, confidence: 0, right: 0 }))
  }
}

/** How far confidence and accuracy are apart, over batches. */
export function calibrationError(options: CalibrationOptions = {}): CalibrationError {
  return new CalibrationError(options)
}
