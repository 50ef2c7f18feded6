/** What one batch amounts to: loss, accuracy where there is one to speak of, and means over samples, batch by batch. */
import type { Columns } from '../data/dataset.ts'
import { isFloat } from '../dtype.ts'
import { fail } from '../errors.ts'
import { accuracy } from '../metrics/classification.ts'
import { type Module, outputOf } from '../nn/module.ts'
import { sameShape } from '../shape.ts'
import { Tensor } from '../tensor.ts'
import type { Score } from './events.ts'

/** Samples with inputs x and targets y. */
export type Samples = { readonly x: Tensor; readonly y: Tensor }
export type LossFunction = (prediction: Tensor, target: Tensor) => Tensor

/** What a step of the user's own gives back. */
export interface StepResult {
  /** A single number, which training makes small. */
  readonly loss: Tensor
  /** For metrics, and the accuracy where the target is a class for each sample; without it there are none. */
  readonly prediction?: Tensor
  /** What metrics compare it with; default the batch's y. */
  readonly target?: Tensor
  /** Over how many the loss is a mean, as []; default the samples. Means over batches follow it. */
  readonly weight?: Tensor
}

/** One batch through the model. It is traced: tensor operations only. */
export type StepFunction<M extends Module = Module, C extends Columns = Columns> = (model: M, batch: C) => StepResult

/** A metric that is fed batch by batch: those of `metrics.*` and others like them. */
export interface StreamingMetric {
  update(prediction: Tensor, target: Tensor): Promise<void>
  compute(): unknown
  reset(): void
}

/** What a batch gives, as tensors of a program. */
export interface BatchScores {
  readonly loss: Tensor
  readonly accuracy?: Tensor
  readonly weight?: Tensor
  readonly prediction?: Tensor
  readonly target?: Tensor
}

/** A step of x, y and a loss; or the user's own. */
export function stepOf<M extends Module, C extends Columns>(
  op: string,
  options: { readonly loss?: LossFunction; readonly step?: StepFunction<M, C>; readonly sampleWeight?: string },
): StepFunction<M, C> {
  const { loss, step, sampleWeight } = options
  if (step && !loss && sampleWeight === undefined) return step
  if (!loss || step) {
    fail('value-invalid', {
      what: op,
      received: step ? 'a step and a loss or sample weights' : 'neither a loss nor a step',
      expected: 'a loss, or a step that computes one',
      fix: 'Pass { loss } for columns x and y, or { step: (model, batch) => ({ loss, prediction }) } for others.',
    })
  }
  return (model, batch) => {
    const { x, y, [sampleWeight ?? '']: weights } = batch as Readonly<Record<string, Tensor | undefined>>
    if (!x || !y || (sampleWeight !== undefined && !weights)) {
      return fail('value-invalid', {
        what: `${op}: samples`,
        received: `the columns ${Object.keys(batch).join(', ')}`,
        expected: `x, y${sampleWeight === undefined ? '' : ` and ${sampleWeight}`}`,
        fix: 'Name the columns so, or pass { step: (model, batch) => ({ loss, prediction }) }.',
      })
    }
    const prediction = outputOf((model as unknown as { forward(x: Tensor): unknown }).forward(x))
    if (!weights) return { loss: loss(prediction, y), prediction, target: y }
    return { ...weighted(loss, prediction, y, weights), prediction, target: y }
  }
}

/** The mean of the samples' losses, each counted as often as its weight says: sum(w l) / sum(w). weights: [B] */
function weighted(
  loss: LossFunction,
  prediction: Tensor,
  target: Tensor,
  weights: Tensor,
): { loss: Tensor; weight: Tensor } {
  const each = (loss as (p: Tensor, t: Tensor, options: { reduction: 'none' }) => Tensor)(prediction, target, {
    reduction: 'none',
  })
  const count = weights.shape[0]
  if (weights.rank !== 1 || each.rank === 0 || each.shape[0] !== count) {
    fail('shape-mismatch', {
      op: 'sample weights',
      received: `weights [${weights.shape.join(', ')}] and losses [${each.shape.join(', ')}]`,
      expected: 'weights [B], and a loss that gives one number for each sample with { reduction: "none" }',
      fix: 'Use a loss of the library, or a step of your own.',
    })
  }
  const perSample = each.rank > 1 ? each.reshape([count, -1]).mean(1) : each
  const total = weights.cast('float32').sum()
  const sum = perSample.mul(weights).sum()
  // A batch of weight 0 teaches nothing, rather than NaN.
  return { loss: total.gt(0).where(sum.div(total.gt(0).where(total, 1)), 0), weight: total }
}

/** The scores of a step; the accuracy where the target is a class for each score vector. */
export function scoresOf(result: StepResult, batch: Columns): BatchScores {
  const { loss, prediction, weight } = result
  const target = result.target ?? (batch as Readonly<Record<string, Tensor | undefined>>).y
  if (!(loss instanceof Tensor) || loss.size !== 1) {
    fail('value-invalid', {
      what: 'loss',
      received: loss instanceof Tensor ? `a tensor [${loss.shape.join(', ')}]` : `a ${typeof loss}`,
      expected: 'a single number',
      fix: 'Use .mean(), or the mean reduction of the loss.',
    })
  }
  const classes =
    prediction &&
    target?.dtype === 'int32' &&
    isFloat(prediction.dtype) &&
    prediction.rank === target.rank + 1 &&
    sameShape(
      prediction.shape.filter((_, axis) => axis !== (prediction.rank > 1 ? 1 : 0)),
      target.shape,
    )
  return {
    loss: loss.rank === 0 ? loss : loss.reshape([]),
    ...(classes && { accuracy: accuracy(prediction.stopGradient(), target) }),
    ...(weight && { weight: weight.cast('float32').reshape([]) }),
    ...(prediction && { prediction }),
    ...(target && { target }),
  }
}

/** The numbers of one batch, and how much it counts. */
export interface BatchScore extends Score {
  readonly weight: number
}

export async function readScores(scores: BatchScores, samples: number): Promise<BatchScore> {
  const [loss, share, weight] = await Promise.all([
    scores.loss.item(),
    scores.accuracy?.item(),
    scores.weight?.item() ?? samples,
  ])
  return { loss, accuracy: share, weight }
}

/** The samples of a batch. */
export function batchLength(batch: Columns): number {
  return Object.values(batch)[0].shape[0]
}

/** What a mean needs to go on, as JSON. */
export interface SumState {
  readonly loss: number
  readonly accuracy: number | null
  readonly samples: number
  readonly weight: number
}

/** A mean over samples, from the means of batches of different sizes. */
export class ScoreSum {
  #loss = 0
  #accuracy: number | undefined
  #samples = 0
  #weight = 0

  constructor(state?: SumState) {
    if (!state) return
    this.#loss = state.loss
    this.#accuracy = state.accuracy ?? undefined
    this.#samples = state.samples
    this.#weight = state.weight
  }

  add({ loss, accuracy: share, weight }: BatchScore, samples: number): void {
    // A batch of weight 0 must not make NaN of an infinite loss.
    if (weight !== 0) this.#loss += loss * weight
    if (share !== undefined) this.#accuracy = (this.#accuracy ?? 0) + share * samples
    this.#samples += samples
    this.#weight += weight
  }

  get samples(): number {
    return this.#samples
  }

  state(): SumState {
    return {
      loss: this.#loss,
      accuracy: this.#accuracy ?? null,
      samples: this.#samples,
      weight: this.#weight,
    }
  }

  mean(): Score {
    return {
      loss: this.#loss / this.#weight,
      accuracy: this.#accuracy === undefined ? undefined : this.#accuracy / this.#samples,
    }
  }
}
