/**
 * The learning-rate range test (Smith 2017, arXiv 1506.01186, section 3.3): the rate grows from step to step until the
 * loss breaks away; the best rates lie where it falls fastest. Nothing of it stays: the model is put back.
 */
import type { Columns } from '../data/dataset.ts'
import { fail } from '../errors.ts'
import { modesOf, restoreModes } from '../nn/keep-modes.ts'
import type { Module } from '../nn/module.ts'
import { checkWhole } from '../ops/derived/common.ts'
import { Optimizer, type OptimizerFactory } from '../optim/index.ts'
import { defaultGenerator } from '../random.ts'
import { fromArray, type Tensor } from '../tensor.ts'
import { checkBatch } from './data-check.ts'
import { defaultBatch } from './options.ts'
import { trainStep } from './program.ts'
import { type LossFunction, type StepFunction, stepOf } from './scoring.ts'
import { putBack, snapshot } from './session.ts'
import { type BatchSource, planBatches } from './source.ts'

export interface LrFindOptions<M extends Module = Module, C extends Columns = Columns> {
  /** The loss of predictions for targets y. */
  readonly loss?: LossFunction
  /** In place of `loss`, as for `fit`. */
  readonly step?: StepFunction<M, C>
  /** Its learning rate does not matter; a bound one keeps its state. */
  readonly optimizer: OptimizerFactory | Optimizer
  /** The first and the last learning rate; default 1e-7 to 10. */
  readonly from?: number
  readonly to?: number
  /** Default 100; fewer, if the loss breaks away before. */
  readonly steps?: number
  /** How much of the running mean of losses is kept from step to step; default 0.9. */
  readonly smoothing?: number
  /** It ends where the smoothed loss is this many times its least; default 4. */
  readonly divergence?: number
  /** Default 64. */
  readonly batchSize?: number
  /** Of the order of samples; default 0. */
  readonly seed?: number
  /** Ends it at the next step. */
  readonly signal?: AbortSignal
}

export interface LrPoint {
  readonly lr: number
  /** Of this batch, before its step. */
  readonly loss: number
  /** A running mean, corrected for its start. */
  readonly smoothed: number
}

export interface LrFindResult {
  readonly points: readonly LrPoint[]
  /** Where the smoothed loss falls fastest over the logarithm of the rate; undefined where it never falls. */
  readonly suggestion: number | undefined
}

/**
 * Looks for a learning rate for `model` on `samples`.
 *
 * The rate grows exponentially, one batch a step, over as many passes as it takes. Afterwards parameters, buffers, the
 * optimizer and random numbers are bit for bit as before.
 *
 * ```ts
 * const { suggestion } = await lrFind(model, train, { loss: loss.crossEntropy, optimizer: optim.adamW() })
 * ```
 */
export async function lrFind<M extends Module, C extends Columns>(
  model: M,
  samples: BatchSource<C>,
  options: LrFindOptions<M, C>,
): Promise<LrFindResult> {
  const { from = 1e-7, to = 10, steps = 100, smoothing = 0.9, divergence = 4, batchSize = defaultBatch } = options
  checkWhole('lrFind: steps', steps, 2)
  checkWhole('lrFind: batchSize', batchSize, 1)
  check('from and to', `${from} and ${to}`, from > 0 && to > from && Number.isFinite(to), 'numbers above 0, rising')
  check('smoothing', String(smoothing), smoothing >= 0 && smoothing < 1, 'a number of at least 0 and below 1')
  check('divergence', String(divergence), divergence > 1, 'a number above 1')
  check('samples', 'none', samples.length > 0, 'at least one')
  const step = stepOf('lrFind', options)
  const optimizer = options.optimizer instanceof Optimizer ? options.optimizer : options.optimizer.for(model)
  const plan = planBatches(samples, { batchSize, shuffle: true, seed: options.seed ?? 0 })

  const numbers = await snapshot(model)
  const { tensors, ...rest } = optimizer.stateDict()
  const copies = Object.entries(tensors).map(async ([name, tensor]) => [name, await copyOf(tensor)] as const)
  const slots = Object.fromEntries(await Promise.all(copies))
  const random = defaultGenerator().state()
  const modes = modesOf(model)
  const train = trainStep(model, optimizer, step, false)
  try {
    model.train()
    const points: LrPoint[] = []
    let [mean, least] = [0, Number.POSITIVE_INFINITY]
    for await (const batch of endless(plan.batches)) {
      await checkBatch('lrFind', batch, `step ${points.length + 1}`)
      const lr = from * (to / from) ** (points.length / (steps - 1))
      optimizer.lr = lr
      const { loss } = await train(batch)
      if (!Number.isFinite(loss)) break
      mean = smoothing * mean + (1 - smoothing) * loss
      const smoothed = mean / (1 - smoothing ** (points.length + 1))
      points.push({ lr, loss, smoothed })
      least = Math.min(least, smoothed)
      if (points.length === steps || smoothed > divergence * least || options.signal?.aborted) break
    }
    return { points, suggestion: steepest(points) }
  } finally {
    train.release()
    restoreModes(modes)
    putBack(model, numbers)
    await optimizer.loadStateDict({ ...rest, tensors: slots })
    defaultGenerator().restore(random)
  }
}

function check(what: string, received: string, good: boolean, expected: string): void {
  if (!good) fail('value-invalid', { what: `lrFind: ${what}`, received, expected, fix: 'Change the option.' })
}

async function copyOf(tensor: Tensor): Promise<Tensor> {
  return fromArray(await tensor.data(), tensor.shape, tensor.dtype)
}

async function* endless<C>(batches: (epoch: number) => AsyncIterable<C>): AsyncGenerator<C> {
  for (let epoch = 0; ; epoch++) {
    let any = false
    for await (const batch of batches(epoch)) {
      any = true
      yield batch
    }
    if (!any) return
  }
}

/**
 * The rate at the steepest fall: differences over a tenth of the points, so that one easy batch is not taken for a slope.
 * The end, where the loss breaks away, does not fall.
 */
function steepest(points: readonly LrPoint[]): number | undefined {
  const reach = Math.max(1, Math.floor(points.length / 20))
  let best: { slope: number; lr: number } | undefined
  for (let i = reach; i < points.length - reach; i++) {
    const [before, after] = [points[i - reach], points[i + reach]]
    const slope = (after.smoothed - before.smoothed) / Math.log(after.lr / before.lr)
    if (slope < (best?.slope ?? 0)) best = { slope, lr: points[i].lr }
  }
  return best?.lr
}
