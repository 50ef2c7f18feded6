/** Using a model: how good it is on a data set, and what it says of inputs. Training: fit.ts. */
import type { Columns } from '../data/dataset.ts'
import { allocate, type TypedArray } from '../dtype.ts'
import { fail } from '../errors.ts'
import { inEvaluation } from '../nn/keep-modes.ts'
import { type Module, outputOf } from '../nn/module.ts'
import { checkWhole } from '../ops/derived/common.ts'
import { compile } from '../run/compile.ts'
import { sameShape } from '../shape.ts'
import { fromArray, Tensor } from '../tensor.ts'
import { checkBatch } from './data-check.ts'
import type { Score } from './events.ts'
import {
  type BatchScores,
  batchLength,
  type LossFunction,
  readScores,
  ScoreSum,
  type StepFunction,
  type StreamingMetric,
  scoresOf,
  stepOf,
} from './scoring.ts'
import { type BatchSource, planBatches } from './source.ts'

export interface EvaluateOptions<M extends Module = Module, C extends Columns = Columns> {
  /** The loss of predictions for targets y. */
  readonly loss?: LossFunction
  /** In place of `loss`, as for `fit`. */
  readonly step?: StepFunction<M, C>
  /** The column that says how much each sample counts. */
  readonly sampleWeight?: string
  /** Fed with all predictions and targets, such as { f1: metrics.f1() }. */
  readonly metrics?: Readonly<Record<string, StreamingMetric>>
  /** Default 250. It decides about speed and memory, not about the result. */
  readonly batchSize?: number
  /** Stops at the next batch; what comes back is then of the samples so far. */
  readonly signal?: AbortSignal
  /** NaN in the data is meant so; default false: it is an error. */
  readonly allowNaN?: boolean
}

export interface Evaluation extends Score {
  readonly samples: number
}

const defaultBatch = 250

type Scored = (batch: Columns) => Promise<BatchScores>
/** Compiled functions by model and loss or step, so that evaluating again compiles nothing. */
const scorers = new WeakMap<Module, WeakMap<object, Map<string, Scored>>>()
const predictors = new WeakMap<Module, WeakMap<object, (batch: Columns) => Promise<Tensor>>>()

/**
 * The mean loss (and accuracy, for class targets; and metrics) of `model` on `samples`, in evaluation mode. A last batch
 * that is not full is compiled for itself. Errors: `not-finite` for NaN in the data; those of the model and the loss.
 */
export async function evaluate<M extends Module, C extends Columns>(
  model: M,
  samples: BatchSource<C>,
  options: EvaluateOptions<M, C>,
): Promise<Evaluation> {
  const step = stepOf('evaluate', options)
  return evaluateWith(model, samples, step, options, options.loss ?? step)
}

/** `evaluate` with a step; programs are kept by `key`. */
export async function evaluateWith<M extends Module, C extends Columns>(
  model: M,
  samples: BatchSource<C>,
  step: StepFunction<M, C>,
  options: Omit<EvaluateOptions<M, C>, 'loss' | 'step'>,
  key: object = step,
): Promise<Evaluation> {
  const { metrics = {}, batchSize = defaultBatch, signal, allowNaN = false, sampleWeight } = options
  checkWhole('evaluate: batchSize', batchSize, 1)
  const measured = Object.values(metrics)
  const byKey = scorers.get(model) ?? new WeakMap<object, Map<string, Scored>>()
  scorers.set(model, byKey)
  const byKind = byKey.get(key) ?? new Map<string, Scored>()
  byKey.set(key, byKind)
  const kind = `${sampleWeight ?? ''}|${measured.length > 0}`
  let score = byKind.get(kind)
  if (!score) {
    score = compile((batch: Columns) => {
      const { prediction, target, ...rest } = scoresOf(step(model, batch as C), batch)
      // Nobody else reads predictions, and what nobody reads is not computed.
      return measured.length === 0 ? rest : { ...rest, ...(prediction && { prediction }), ...(target && { target }) }
    }) as Scored
    byKind.set(kind, score)
  }
  const run = score
  for (const metric of measured) metric.reset()
  return inEvaluation(model, async () => {
    const sum = new ScoreSum()
    const plan = planBatches(samples, { batchSize, shuffle: false, seed: 0 })
    let number = 0
    for await (const batch of plan.batches(0)) {
      if (signal?.aborted) break
      number++
      if (!allowNaN) await checkBatch('evaluate', batch, `batch ${number}`)
      const scores = await run(batch)
      sum.add(await readScores(scores, batchLength(batch)), batchLength(batch))
      if (measured.length === 0) continue
      const { prediction, target } = scores
      if (!prediction || !target) return refuseMetrics(scores)
      for (const metric of measured) await metric.update(prediction, target)
    }
    const computed = sum.samples === 0 ? [] : Object.entries(metrics).map(([name, metric]) => [name, metric.compute()])
    return {
      ...sum.mean(),
      ...(computed.length > 0 && { metrics: Object.fromEntries(computed) as Record<string, unknown> }),
      samples: sum.samples,
    }
  })
}

function refuseMetrics(scores: BatchScores): never {
  return fail('value-invalid', {
    what: 'metrics',
    received: `a step that gave ${Object.keys(scores).join(', ')}`,
    expected: 'prediction, and target or a column y',
    fix: 'Return { loss, prediction, target } from the step.',
  })
}

export interface PredictOptions<M extends Module = Module, C extends Columns = Columns> {
  /** Default 250. */
  readonly batchSize?: number
  /** What the model is given of a batch, for other columns than x; default `model.forward(x)`. */
  readonly forward?: (model: M, batch: C) => Tensor
}

/**
 * The outputs of `model` for inputs x: [N, ...s], or for all samples of a set, in evaluation mode, computed in batches.
 * Of several results the first, `output`, counts.
 */
export async function predict<M extends Module, C extends Columns>(
  model: M,
  inputs: Tensor | BatchSource<C>,
  options: PredictOptions<M, C> = {},
): Promise<Tensor> {
  const { batchSize = defaultBatch, forward } = options
  checkWhole('predict: batchSize', batchSize, 1)
  const byForward = predictors.get(model) ?? new WeakMap<object, (batch: Columns) => Promise<Tensor>>()
  predictors.set(model, byForward)
  const key = forward ?? model
  const run =
    byForward.get(key) ??
    compile((batch: Columns) =>
      outputOf(forward ? forward(model, batch as C) : (model as unknown as OneInput).forward(inputColumn(batch))),
    )
  byForward.set(key, run)
  return inEvaluation(model, async () => {
    if (inputs instanceof Tensor && inputs.shape[0] <= batchSize) return run({ x: inputs })
    const batches =
      inputs instanceof Tensor
        ? cut(inputs, batchSize)
        : planBatches(inputs, { batchSize, shuffle: false, seed: 0 }).batches(0)
    const parts: Tensor[] = []
    for await (const batch of batches) parts.push(await run(batch))
    return joined(parts)
  })
}

interface OneInput {
  forward(x: Tensor): unknown
}

function inputColumn(batch: Columns): Tensor {
  const { x } = batch as Readonly<Record<string, Tensor | undefined>>
  if (x) return x
  return fail('value-invalid', {
    what: 'predict: samples',
    received: `the columns ${Object.keys(batch).join(', ')}`,
    expected: 'x',
    fix: 'Name the column so, or pass { forward: (model, batch) => … }.',
  })
}

/** Parts of `size` samples. */
async function* cut(x: Tensor, size: number): AsyncGenerator<Columns> {
  const source = (await x.realized()).read()
  const perSample = x.size / x.shape[0]
  for (let from = 0; from < x.shape[0]; from += size) {
    const to = Math.min(from + size, x.shape[0])
    const data = allocate(x.dtype, (to - from) * perSample)
    data.set(source.subarray(from * perSample, to * perSample))
    yield { x: fromArray(data, [to - from, ...x.shape.slice(1)], x.dtype) }
  }
}

/** The parts one after the other along axis 0. Errors: `shape-mismatch` where they differ beyond it. */
async function joined(parts: readonly Tensor[]): Promise<Tensor> {
  if (parts.length === 0) {
    fail('value-invalid', {
      what: 'predict: samples',
      received: 'none',
      expected: 'at least one',
      fix: 'Check the data set.',
    })
  }
  const [first] = parts
  const inner = first.shape.slice(1)
  const odd = parts.find((part) => !sameShape(part.shape.slice(1), inner))
  if (odd) {
    fail('shape-mismatch', {
      op: 'predict',
      received: `outputs of [${first.shape.join(', ')}] and [${odd.shape.join(', ')}]`,
      expected: 'outputs that differ along axis 0 only',
      fix: 'Pad all samples to one length, or predict batch by batch.',
    })
  }
  const shape = [parts.reduce((sum, part) => sum + part.shape[0], 0), ...inner]
  const all: TypedArray = allocate(
    first.dtype,
    parts.reduce((sum, { size }) => sum + size, 0),
  )
  let at = 0
  for (const part of parts) {
    all.set(await part.data(), at)
    at += part.size
  }
  return fromArray(all, shape, first.dtype)
}
