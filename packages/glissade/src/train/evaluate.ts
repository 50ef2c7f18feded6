/** Using a model: how good it is on a data set, and what it says of inputs. Training: fit.ts. */
import type { Dataset } from '../data/dataset.ts'
import { allocate } from '../dtype.ts'
import type { Layer, Module } from '../nn/module.ts'
import { checkWhole } from '../ops/derived/common.ts'
import { compile } from '../run/compile.ts'
import { fromArray, type Tensor } from '../tensor.ts'
import type { Score } from './events.ts'
import { type LossFunction, readScores, type Samples, ScoreSum, scoresOf } from './scoring.ts'

export interface EvaluateOptions {
  readonly loss: LossFunction
  readonly batchSize?: number
  /** Stops at the next batch; what comes back is then of the samples so far. */
  readonly signal?: AbortSignal
}

export interface Evaluation extends Score {
  readonly samples: number
}

const defaultBatch = 250

type Scored = (x: Tensor, y: Tensor) => Promise<{ loss: Tensor; accuracy?: Tensor }>
/** Compiled functions by model and loss, so that evaluating again compiles nothing. */
const scorers = new WeakMap<Module, WeakMap<LossFunction, Scored>>()
const predictors = new WeakMap<Module, (x: Tensor) => Promise<Tensor>>()

/**
 * The mean loss (and accuracy, for class targets) of `model` on `samples`, in evaluation mode. A last batch that is
 * not full is compiled for itself.
 */
export async function evaluate(
  model: Layer,
  samples: Dataset<Samples>,
  { loss, batchSize = defaultBatch, signal }: EvaluateOptions,
): Promise<Evaluation> {
  const byLoss = scorers.get(model) ?? new WeakMap<LossFunction, Scored>()
  scorers.set(model, byLoss)
  const score: Scored = byLoss.get(loss) ?? compile((x: Tensor, y: Tensor) => scoresOf(model.forward(x), y, loss))
  byLoss.set(loss, score)
  return inEvaluation(model, async () => {
    const sum = new ScoreSum()
    for await (const { x, y } of samples.batches(batchSize)) {
      if (signal?.aborted) break
      sum.add(await readScores(await score(x, y)), y.shape[0])
    }
    return { ...sum.mean(), samples: sum.samples }
  })
}

/** The outputs of `model` for inputs x: [N, ...s], in evaluation mode, computed in batches. */
export async function predict(
  model: Layer,
  x: Tensor,
  { batchSize = defaultBatch }: { batchSize?: number } = {},
): Promise<Tensor> {
  checkWhole('predict: batchSize', batchSize, 1)
  const run: (x: Tensor) => Promise<Tensor> = predictors.get(model) ?? compile((input: Tensor) => model.forward(input))
  predictors.set(model, run)
  return inEvaluation(model, async () => {
    if (x.shape[0] <= batchSize) return run(x)
    const source = (await x.realized()).read()
    const size = x.size / x.shape[0]
    const parts: Tensor[] = []
    for (let from = 0; from < x.shape[0]; from += batchSize) {
      const to = Math.min(from + batchSize, x.shape[0])
      const data = allocate(x.dtype, (to - from) * size)
      data.set(source.subarray(from * size, to * size))
      parts.push(await run(fromArray(data, [to - from, ...x.shape.slice(1)], x.dtype)))
    }
    const [first] = parts
    const shape = [x.shape[0], ...first.shape.slice(1)]
    const all = allocate(
      first.dtype,
      shape.reduce((a, b) => a * b, 1),
    )
    let at = 0
    for (const part of parts) {
      all.set(await part.data(), at)
      at += part.size
    }
    return fromArray(all, shape, first.dtype)
  })
}

/** Runs `body` with the model in evaluation, and puts each module back into the mode it was in. */
export async function inEvaluation<T>(model: Module, body: () => Promise<T>): Promise<T> {
  return inMode(model, false, body)
}

export async function inMode<T>(model: Module, training: boolean, body: () => Promise<T>): Promise<T> {
  const before = [...model.namedModules().values()].map((module) => [module, module.training] as const)
  model.train(training)
  try {
    return await body()
  } finally {
    // Outer modules come first, so that what is inside them is set last.
    for (const [module, mode] of before) if (module.training !== mode) module.train(mode)
  }
}
