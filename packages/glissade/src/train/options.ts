/** The options of training, and what follows from them. What is done with them: fit.ts. */
import type { Columns } from '../data/dataset.ts'
import { fail } from '../errors.ts'
import type { Json } from '../io/checkpoint.ts'
import type { Module } from '../nn/module.ts'
import { checkWhole } from '../ops/derived/common.ts'
import type { Optimizer, OptimizerFactory } from '../optim/index.ts'
import type { Callback, FitHandlers } from './events.ts'
import type { MonitorOptions } from './monitor.ts'
import type { LossFunction, StepFunction, StreamingMetric } from './scoring.ts'
import type { BatchSource } from './source.ts'

export interface EarlyStoppingOptions extends MonitorOptions {
  /** Evaluations without a better one before training ends; default 3. */
  readonly patience?: number
}

export interface KeepBestOptions extends MonitorOptions {
  /** Leave the model as it was when it was best, not as the last step left it; default true. */
  readonly restore?: boolean
}

export interface CheckpointOptions {
  /** Default: after each epoch, if nothing else is said. Always at the end, and when the signal stops training. */
  readonly everySteps?: number
  readonly everyMinutes?: number
  readonly everyEpochs?: number
  /** How many are kept; default 3. */
  readonly keep?: number
  /**
   * When the disk is full or refuses: `stop` raises the error (the default), `continue` tells it in an event and trains
   * on. What was written before stays whole either way.
   */
  readonly onError?: 'stop' | 'continue'
}

export interface RunOptions {
  /** The folder, such as `runs/first`. */
  readonly path: string
  /** Kept in config.json beside the options of training. */
  readonly config?: Json
  /** Also write TensorBoard's event files; default true. */
  readonly tensorBoard?: boolean
  /** With them, histograms of all weights at the end of each epoch; default false. */
  readonly histograms?: boolean
}

export interface ResumeOptions {
  /** A checkpoint's path; default the newest of the run. */
  readonly from?: string
  /** Take the one before where the newest is damaged; default false. */
  readonly fallback?: boolean
}

export interface WatchOptions {
  /** Leave out steps that are not finite and train on, rather than stop; default false. */
  readonly skip?: boolean
}

/** Something with a memory of its own that training goes on with, such as a random.Generator. */
export interface Stateful {
  /** As JSON can say it. */
  state(): unknown
  restore(state: never): void
}

export interface FitOptions<M extends Module = Module, C extends Columns = Columns> {
  /** The loss of predictions for targets y, such as loss.crossEntropy. */
  readonly loss?: LossFunction
  /** In place of `loss`: one batch through the model, for models with other inputs than x or other targets than y. */
  readonly step?: StepFunction<M, C>
  /** The column that says how much each sample counts, float [B]: the loss is then sum(w l) / sum(w). */
  readonly sampleWeight?: string
  /** Such as optim.adamW({ lr: 1e-3 }); or a bound optimizer, to go on with its state. */
  readonly optimizer: OptimizerFactory | Optimizer
  /** Passes over the samples; default 1. */
  readonly epochs?: number
  /** Default 64; also of validation. */
  readonly batchSize?: number
  /** Evaluated after each epoch, or as `validateEvery` says. */
  readonly validate?: BatchSource<C>
  /** How often it is validated; default after each epoch. */
  readonly validateEvery?: { readonly epochs?: number; readonly steps?: number }
  /** Computed at each validation, such as { f1: metrics.f1() }. */
  readonly metrics?: Readonly<Record<string, StreamingMetric>>
  /** Ends training when it gets no better; true for the defaults. */
  readonly earlyStopping?: boolean | EarlyStoppingOptions
  /** Keeps the best model; true for the defaults. */
  readonly keepBest?: boolean | KeepBestOptions
  /** A folder for config, metrics, checkpoints and the model. */
  readonly run?: string | RunOptions
  /** When checkpoints are written; needs `run`. */
  readonly checkpoint?: CheckpointOptions
  /**
   * Goes on from the newest checkpoint of `run` (from the start, if there is none yet) or of a path, with the same bits as
   * if it had never stopped. Give the same model, data and options; more epochs are welcome.
   */
  readonly resume?: boolean | string | ResumeOptions
  /** More that has a memory, by name: checkpoints keep it. The default random generator is kept anyway. */
  readonly state?: Readonly<Record<string, Stateful>>
  /**
   * Watches for NaN and infinities: the first bad step changes nothing, and the error names the module and operation
   * where it began. Events tell the norms of gradients. Costs some time; nothing where it is off (the default).
   */
  readonly watch?: boolean | WatchOptions
  /** NaN in the data is meant so; default false: it is an error. */
  readonly allowNaN?: boolean
  /** Of the order of samples; default 0. */
  readonly seed?: number
  /** A new order each epoch; default true. */
  readonly shuffle?: boolean
  /** Stops at the next step. */
  readonly signal?: AbortSignal
  /** Functions by the names of events: `{ epochEnd: ({ epoch, train }) => … }`. */
  readonly on?: FitHandlers
  /** More of them, called after `on` in their order. */
  readonly callbacks?: readonly Callback[]
}

export const defaultBatch = 64

/** Options with `true` written out. */
export function optionsOf<T extends object>(option: boolean | T | undefined): T | undefined {
  return option === true ? ({} as T) : option === false ? undefined : option
}

/** Refuses options that make no sense, before anything has changed. Errors: `value-invalid`. */
export function checkFitOptions<M extends Module, C extends Columns>(
  samples: BatchSource<C>,
  options: FitOptions<M, C>,
): void {
  const {
    epochs = 1,
    batchSize = defaultBatch,
    validate,
    validateEvery = {},
    earlyStopping,
    checkpoint,
    resume,
  } = options
  checkWhole('fit: epochs', epochs, 0)
  checkWhole('fit: batchSize', batchSize, 1)
  for (const [name, source] of Object.entries({ samples, ...(validate && { validate }) })) {
    if (!(source.length > 0)) refuse(name, 'none', 'at least one', 'Check the data set.')
  }
  for (const [name, every] of Object.entries(validateEvery)) checkWhole(`fit: validateEvery.${name}`, every, 1)
  if (options.validateEvery && !validate)
    refuse('validateEvery', 'no `validate`', 'samples to validate on', 'Pass them.')
  if (options.metrics && !validate) refuse('metrics', 'no `validate`', 'samples to compute them on', 'Pass them.')
  const { patience = 1 } = optionsOf(earlyStopping) ?? {}
  checkWhole('fit: earlyStopping.patience', patience, 0)
  if (checkpoint) {
    const { everySteps = 1, everyEpochs = 1, everyMinutes = 1, keep = 1, onError = 'stop' } = checkpoint
    checkWhole('fit: checkpoint.everySteps', everySteps, 1)
    checkWhole('fit: checkpoint.everyEpochs', everyEpochs, 1)
    checkWhole('fit: checkpoint.keep', keep, 1)
    if (!(everyMinutes > 0)) refuse('checkpoint.everyMinutes', String(everyMinutes), 'a number above 0', 'Change it.')
    if (onError !== 'stop' && onError !== 'continue')
      refuse('checkpoint.onError', String(onError), "'stop' or 'continue'", 'Change it.')
    if (!options.run) refuse('checkpoint', 'no `run`', 'a folder to write to', 'Pass { run: "runs/first" }.')
  }
  if (resume === true && !options.run) {
    refuse(
      'resume',
      'no `run`',
      'a folder to go on with',
      'Pass { run }, or the path of a checkpoint: { resume: path }.',
    )
  }
}

function refuse(option: string, received: string, expected: string, fix: string): never {
  return fail('value-invalid', { what: `fit: ${option}`, received, expected, fix })
}
