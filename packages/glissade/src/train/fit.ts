/**
 * Training: epochs over a data set, one compiled step for each batch, with events on the way.
 *
 * It does nothing that a loop of one's own could not: compile, minimize, evaluate. Events: events.ts.
 */
import type { Dataset } from '../data/dataset.ts'
import { fail } from '../errors.ts'
import type { Layer } from '../nn/module.ts'
import { checkWhole } from '../ops/derived/common.ts'
import { Optimizer, type OptimizerFactory } from '../optim/optimizer.ts'
import { compile } from '../run/compile.ts'
import type { Tensor } from '../tensor.ts'
import { evaluate, inMode } from './evaluate.ts'
import type { EpochEnd, EpochStart, FitHandlers, FitResult, Score } from './events.ts'
import { type LossFunction, readScores, type Samples, ScoreSum, scoresOf } from './scoring.ts'

export interface FitOptions {
  /** The loss of predictions for targets, such as loss.crossEntropy. */
  readonly loss: LossFunction
  /** Such as optim.adamW({ lr: 1e-3 }); or a bound optimizer, to go on with its state. */
  readonly optimizer: OptimizerFactory | Optimizer
  readonly epochs?: number
  readonly batchSize?: number
  /** Evaluated after each epoch. */
  readonly validate?: Dataset<Samples>
  /** Of the order of samples; default 0. */
  readonly seed?: number
  /** A new order each epoch; default true. */
  readonly shuffle?: boolean
  /** Stops at the next step. */
  readonly signal?: AbortSignal
  readonly on?: FitHandlers
}

/**
 * Trains `model` on `samples` and returns the losses of each epoch.
 *
 * Every sample is used in every epoch: a last batch that is not full is a program of its own, compiled once. When
 * `signal` aborts, the running step ends, the model stays as that step left it, and what was done is returned.
 *
 * ```ts
 * const { train, test } = await data.digits()
 * await fit(model, train, { loss: loss.crossEntropy, optimizer: optim.adamW({ lr: 1e-3 }), epochs: 3, validate: test })
 * ```
 *
 * Errors: those of the model and the loss, such as `index-range` for a label, before the step changes anything.
 */
export async function fit(model: Layer, samples: Dataset<Samples>, options: FitOptions): Promise<FitResult> {
  const { loss, epochs = 1, batchSize = 64, validate, seed = 0, shuffle = true, signal, on = {} } = options
  checkWhole('fit: epochs', epochs, 0)
  checkWhole('fit: batchSize', batchSize, 1)
  if (samples.length === 0)
    fail('value-invalid', {
      what: 'fit: samples',
      received: 'none',
      expected: 'at least one',
      fix: 'Check the data set.',
    })
  const optimizer = options.optimizer instanceof Optimizer ? options.optimizer : options.optimizer.for(model)
  const step = compile((x: Tensor, y: Tensor) => {
    const scores = scoresOf(model.forward(x), y, loss)
    optimizer.minimize(scores.loss)
    return scores
  })
  const history: EpochEnd[] = []
  const stepsPerEpoch = Math.ceil(samples.length / batchSize)
  const clock = new Clock(samples.length * epochs)
  let steps = 0

  const trainEpoch = async (at: EpochStart): Promise<Score | undefined> => {
    const sum = new ScoreSum()
    const batches = samples.batches(batchSize, { shuffle, seed, epoch: at.epoch - 1 })
    let next = await batches.next()
    for (let number = 1; !next.done; number++) {
      if (signal?.aborted) return undefined
      const { x, y } = next.value
      const running = step(x, y)
      // The next batch is put together while this one is being computed. If the step fails, so does this.
      const [scores, following] = await Promise.all([running, batches.next()])
      const score = await readScores(scores)
      sum.add(score, x.shape[0])
      steps++
      clock.count(x.shape[0])
      const { loss: epochLoss, accuracy: epochAccuracy } = sum.mean()
      const { samplesPerSecond, eta } = clock
      on.step?.({ ...at, step: number, stepsPerEpoch, ...score, epochLoss, epochAccuracy, samplesPerSecond, eta })
      next = following
    }
    return sum.mean()
  }

  return inMode(model, true, async () => {
    for (let epoch = 1; epoch <= epochs && !signal?.aborted; epoch++) {
      const at: EpochStart = { epoch, epochs }
      const start = performance.now()
      on.epochStart?.(at)
      const train = await trainEpoch(at)
      if (!train) break
      const seconds = (performance.now() - start) / 1000
      const validation =
        validate && !signal?.aborted
          ? await evaluate(model, validate, { loss, batchSize, ...(signal && { signal }) })
          : undefined
      clock.pause()
      const whole =
        validation && validation.samples === validate?.length
          ? { loss: validation.loss, accuracy: validation.accuracy }
          : undefined
      const ended: EpochEnd = { ...at, train, validation: whole, seconds }
      history.push(ended)
      await on.epochEnd?.(ended)
    }
    const result: FitResult = { history, steps, stopped: signal?.aborted ?? false }
    on.end?.(result)
    return result
  })
}

/** How fast training goes. Steps in which a program is compiled, the first of each batch size, do not count. */
class Clock {
  #left: number
  #samples = 0
  #milliseconds = 0
  #last: number | undefined
  readonly #sizes = new Set<number>()

  constructor(samples: number) {
    this.#left = samples
  }

  /** A step with `size` samples has ended. */
  count(size: number): void {
    const now = performance.now()
    this.#left -= size
    if (this.#last !== undefined && this.#sizes.has(size)) {
      this.#samples += size
      this.#milliseconds += now - this.#last
    }
    this.#sizes.add(size)
    this.#last = now
  }

  /** Something else is done in between. */
  pause(): void {
    this.#last = undefined
  }

  get samplesPerSecond(): number {
    return this.#milliseconds === 0 ? 0 : (this.#samples / this.#milliseconds) * 1000
  }

  get eta(): number | undefined {
    return this.#milliseconds === 0 ? undefined : this.#left / this.samplesPerSecond
  }
}
