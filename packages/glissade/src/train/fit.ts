/**
 * Training: epochs over a data set, one compiled step for each batch, with events on the way.
 *
 * It does nothing that a loop of one's own could not: compile, minimize, evaluate. Here it is set up. What it can be
 * asked for: options.ts; what it tells: events.ts; its course: training.ts, with the step itself in program.ts; where it
 * stands: session.ts; what is written down: recorder.ts.
 */
import type { Columns } from '../data/dataset.ts'
import { type Json, loadCheckpoint } from '../io/checkpoint.ts'
import type { Module } from '../nn/module.ts'
import { Optimizer } from '../optim/index.ts'
import type { FitEvent, FitResult } from './events.ts'
import { Monitor } from './monitor.ts'
import { checkFitOptions, defaultBatch, type FitOptions, optionsOf, type ResumeOptions } from './options.ts'
import { Recorder } from './recorder.ts'
import { stepOf } from './scoring.ts'
import { Session } from './session.ts'
import { type BatchSource, planBatches } from './source.ts'
import { type From, Training } from './training.ts'

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
 * With `run: 'runs/first'` everything is written down, and `resume: true` goes on where a run was stopped or killed.
 *
 * Errors: those of the model and the loss, such as `index-range` for a label, and `not-finite` for NaN in the data,
 * before the step changes anything; `run-locked`, `file-format` of the run folder.
 */
export async function fit<M extends Module, C extends Columns>(
  model: M,
  samples: BatchSource<C>,
  options: FitOptions<M, C>,
): Promise<FitResult> {
  let result: FitResult | undefined
  for await (const event of fitSteps(model, samples, options)) if (event.type === 'end') result = event
  const { type: _, ...rest } = result as FitResult & { type: 'end' }
  return rest
}

/**
 * `fit`, event by event: `for await (const event of fitSteps(model, train, { … }))`. Leaving the loop ends training as
 * a signal would.
 */
export async function* fitSteps<M extends Module, C extends Columns>(
  model: M,
  samples: BatchSource<C>,
  options: FitOptions<M, C>,
): AsyncGenerator<FitEvent, void> {
  checkFitOptions(samples, options)
  const step = stepOf('fit', options)
  const { batchSize = defaultBatch, seed = 0, shuffle = true, epochs = 1, run, state = {} } = options
  const plan = planBatches(samples, { batchSize, shuffle, seed })
  const optimizer = options.optimizer instanceof Optimizer ? options.optimizer : options.optimizer.for(model)
  const metrics = Object.keys(options.metrics ?? {})
  const monitorOf = (name: string, option: FitOptions['keepBest']): Monitor | undefined => {
    const asked = optionsOf(option)
    return asked && new Monitor(`fit: ${name}`, asked, options.validate !== undefined, metrics)
  }
  const monitors = {
    early: monitorOf('earlyStopping', options.earlyStopping),
    best: monitorOf('keepBest', options.keepBest),
  }
  const settings = { samples: plan.samples, batchSize, seed, shuffle }
  const session = new Session(model, optimizer, settings, state, monitors)
  const resume = resumeOf(options.resume)
  const config: Json = { ...settings, epochs, optimizer: optimizer.name, parameters: sizeOf(model) }
  const recorder =
    run === undefined ? undefined : await Recorder.open(run, options.checkpoint, resume !== undefined, config)
  try {
    const from = resume && (await goOn(session, recorder, resume))
    await recorder?.begin(session)
    yield* new Training(model, step, plan, session, recorder, options).all(from)
  } finally {
    await recorder?.close()
  }
}

const sizeOf = (model: Module): number => model.parameters().reduce((sum, { size }) => sum + size, 0)

function resumeOf(option: FitOptions['resume']): ResumeOptions | undefined {
  if (option === undefined || option === false) return undefined
  return option === true ? {} : typeof option === 'string' ? { from: option } : option
}

/** Brings the session to where the checkpoint is; stays at the start if the run has none yet. */
async function goOn(
  session: Session,
  recorder: Recorder | undefined,
  { from, fallback }: ResumeOptions,
): Promise<From> {
  if (from !== undefined) {
    await session.restore(await loadCheckpoint(from), from)
    return { resumedFrom: from }
  }
  const newest = await recorder?.folder.newest({ fallback: fallback ?? false })
  if (!newest) return {}
  await session.restore(newest, newest.path)
  return { resumedFrom: newest.path, ...(newest.refused.length > 0 && { refused: newest.refused }) }
}
