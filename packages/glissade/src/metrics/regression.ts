/** Streaming metrics for numbers: mean errors, and the share of the variance that is explained. */
import type { Tensor } from '../tensor.ts'
import type { Metric } from './metric.ts'
import { readPair } from './read.ts'

/** The mean of a number for each element. */
abstract class MeanError implements Metric {
  readonly #name: string
  #sum = 0
  #count = 0

  constructor(name: string) {
    this.#name = name
  }

  async update(prediction: Tensor, target: Tensor): Promise<void> {
    const [p, t] = await readPair(this.#name, prediction, target)
    for (let i = 0; i < p.length; i++) this.#sum += this.error(p[i] - t[i])
    this.#count += p.length
  }

  compute(): number {
    return this.#sum / this.#count
  }

  reset(): void {
    this.#sum = 0
    this.#count = 0
  }

  protected abstract error(difference: number): number
}

/** The mean absolute error, over all elements. prediction, target: [...s] */
export class MAE extends MeanError {
  constructor() {
    super('MAE')
  }
  protected error(difference: number): number {
    return Math.abs(difference)
  }
}

/** The mean squared error, over all elements. prediction, target: [...s] */
export class MSE extends MeanError {
  constructor(name = 'MSE') {
    super(name)
  }
  protected error(difference: number): number {
    return difference * difference
  }
}

/** The root of the mean squared error. prediction, target: [...s] */
export class RMSE extends MSE {
  constructor() {
    super('RMSE')
  }
  override compute(): number {
    return Math.sqrt(super.compute())
  }
}

/** What is known of one column of targets. */
interface Column {
  mean: number
  /** The sum of squared distances from the mean. */
  spread: number
  /** The sum of squared errors. */
  residual: number
}

/**
 * R^2, the share of the targets' variance that predictions explain: 1 - sum (t - p)^2 / sum (t - mean t)^2.
 *
 * prediction, target: [B] or [B, ...s]; of several columns it is the mean. A column that is always the same counts 1
 * if it is met exactly, else 0, as in scikit-learn. NaN for fewer than two samples.
 */
export class R2 implements Metric {
  #columns: Column[] = []
  #samples = 0

  async update(prediction: Tensor, target: Tensor): Promise<void> {
    const [p, t] = await readPair('R2', prediction, target)
    const width = target.shape.slice(1).reduce((a, b) => a * b, 1)
    if (this.#samples === 0) this.#columns = Array.from({ length: width }, () => ({ mean: 0, spread: 0, residual: 0 }))
    const samples = width === 0 ? 0 : t.length / width
    for (let row = 0; row < samples; row++) {
      this.#samples++
      for (let i = 0; i < width; i++) {
        const column = this.#columns[i]
        const [value, error] = [t[row * width + i], t[row * width + i] - p[row * width + i]]
        // Welford 1962: no large sums are subtracted, and batches make no difference.
        const before = value - column.mean
        column.mean += before / this.#samples
        column.spread += before * (value - column.mean)
        column.residual += error * error
      }
    }
  }

  compute(): number {
    const values = this.perColumn()
    return values.reduce((a, b) => a + b, 0) / values.length
  }

  /** The value of each column. */
  perColumn(): number[] {
    if (this.#samples < 2) return this.#columns.map(() => Number.NaN)
    return this.#columns.map(({ spread, residual }) => {
      if (spread === 0) return residual === 0 ? 1 : 0
      return 1 - residual / spread
    })
  }

  reset(): void {
    this.#columns = []
    this.#samples = 0
  }
}

/** The mean absolute error, over batches. */
export function mae(): MAE {
  return new MAE()
}
/** The mean squared error, over batches. */
export function mse(): MSE {
  return new MSE()
}
/** The root of the mean squared error, over batches. */
export function rmse(): RMSE {
  return new RMSE()
}
/** The share of the targets' variance that predictions explain, over batches. */
export function r2(): R2 {
  return new R2()
}
