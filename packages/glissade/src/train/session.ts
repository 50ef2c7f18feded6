/**
 * Where a training run stands: all that decides how it goes on, into a checkpoint and back.
 *
 * Parameters, buffers, the optimizer's state, the position in the order of samples, random generators, the means of the
 * epoch so far, early stopping and the best model. What is not here follows from the options. Format of the file:
 * io/checkpoint.ts.
 */
import type { TypedArray } from '../dtype.ts'
import { fail } from '../errors.ts'
import type { Checkpoint, Json } from '../io/checkpoint.ts'
import type { Module } from '../nn/module.ts'
import type { Optimizer } from '../optim/index.ts'
import { defaultGenerator, type GeneratorState } from '../random.ts'
import { fromArray, type Tensor, type Variable } from '../tensor.ts'
import type { EpochEnd } from './events.ts'
import type { Monitor, MonitorState } from './monitor.ts'
import type { Stateful } from './options.ts'
import { ScoreSum, type SumState } from './scoring.ts'

/** What must be the same when a run goes on, or the order of samples would be another. */
export interface SessionSettings {
  readonly samples: number
  readonly batchSize: number
  readonly seed: number
  readonly shuffle: boolean
}

/** Copies of a model's numbers. */
export type Snapshot = ReadonlyMap<string, TypedArray>

export async function snapshot(model: Module): Promise<Snapshot> {
  const copies = [...model.namedVariables()].map(async ([name, variable]) => [name, await variable.data()] as const)
  return new Map(await Promise.all(copies))
}

/** Puts the numbers back. */
export function putBack(model: Module, numbers: Snapshot): void {
  const variables = model.namedVariables()
  for (const [name, values] of numbers) variables.get(name)?.write(values)
}

type OptimizerState = Parameters<Optimizer['loadStateDict']>[0]

/** Everything of an optimizer's state but its tensors. */
export function restOf(optimizer: Optimizer): Omit<OptimizerState, 'tensors'> {
  const { tensors: _, ...rest } = optimizer.stateDict()
  return rest
}

/** What the host counts on its own: random draws and steps. Taken before a step, it can undo a step without effect. */
export interface Counters {
  readonly random: GeneratorState
  readonly optimizer: Omit<OptimizerState, 'tensors'>
  readonly extras: Readonly<Record<string, unknown>>
}

interface State {
  readonly version: 1
  readonly settings: SessionSettings
  readonly epoch: number
  readonly step: number
  readonly steps: number
  readonly sum: SumState
  readonly seconds: number
  readonly waitsForValidation: boolean
  readonly history: readonly EpochEnd[]
  readonly random: GeneratorState
  readonly optimizer: Omit<OptimizerState, 'tensors'>
  readonly extras: Readonly<Record<string, unknown>>
  readonly early: MonitorState | null
  readonly best: MonitorState | null
}

export class Session {
  readonly model: Module
  readonly optimizer: Optimizer
  readonly settings: SessionSettings
  readonly #extras: Readonly<Record<string, Stateful>>
  readonly early: Monitor | undefined
  readonly best: Monitor | undefined
  /** The epoch that is under way; 1 is the first. */
  epoch = 1
  /** Steps of it that are done. */
  step = 0
  /** Steps in all. */
  steps = 0
  sum = new ScoreSum()
  /** Seconds that the epoch has taken. */
  seconds = 0
  /** A validation between two steps was interrupted and is to be done again. */
  waitsForValidation = false
  history: EpochEnd[] = []
  bestNumbers: Snapshot | undefined

  constructor(
    model: Module,
    optimizer: Optimizer,
    settings: SessionSettings,
    extras: Readonly<Record<string, Stateful>>,
    monitors: { early: Monitor | undefined; best: Monitor | undefined },
  ) {
    this.model = model
    this.optimizer = optimizer
    this.settings = settings
    this.#extras = extras
    this.early = monitors.early
    this.best = monitors.best
  }

  nextEpoch(): void {
    this.epoch++
    this.step = 0
    this.sum = new ScoreSum()
    this.seconds = 0
  }

  counters(): Counters {
    const extras = Object.entries(this.#extras).map(([name, extra]) => [name, extra.state()])
    return {
      random: defaultGenerator().state(),
      optimizer: restOf(this.optimizer),
      extras: Object.fromEntries(extras),
    }
  }

  /** Sets back what the host counts; the tensors stay as they are. */
  async recount({ random, optimizer, extras }: Counters): Promise<void> {
    const { tensors } = this.optimizer.stateDict()
    await this.optimizer.loadStateDict({ ...optimizer, tensors } as OptimizerState)
    defaultGenerator().restore(random)
    for (const [name, extra] of Object.entries(this.#extras)) extra.restore(extras[name] as never)
  }

  /** All of it, as it is now. The tensors are the living ones: write it before the next step. */
  checkpoint(): Checkpoint {
    const variables = this.model.namedVariables()
    const best = [...(this.bestNumbers ?? [])].map(([name, values]): [string, Tensor] => {
      const { shape, dtype } = variables.get(name) as Variable
      return [name, fromArray(values, shape, dtype)]
    })
    const state: State = {
      version: 1,
      settings: this.settings,
      epoch: this.epoch,
      step: this.step,
      steps: this.steps,
      sum: this.sum.state(),
      seconds: this.seconds,
      waitsForValidation: this.waitsForValidation,
      history: this.history,
      ...this.counters(),
      early: this.early?.state() ?? null,
      best: this.best?.state() ?? null,
    }
    return {
      tensors: {
        ...withPrefix('model.', Object.fromEntries(variables)),
        ...withPrefix('optimizer.', this.optimizer.stateDict().tensors),
        ...withPrefix('best.', Object.fromEntries(best)),
      },
      state: state as unknown as Json,
    }
  }

  /** Goes on from a checkpoint, or changes nothing. Errors: `weights-mismatch`, `value-invalid`, `file-format`. */
  async restore({ tensors, state: json }: Checkpoint, file: string): Promise<void> {
    const state = this.#check(json, file)
    const before = await snapshot(this.model)
    await this.model.loadStateDict(withoutPrefix('model.', tensors), { source: file })
    try {
      const slots = withoutPrefix('optimizer.', tensors)
      await this.optimizer.loadStateDict({ ...state.optimizer, tensors: slots } as OptimizerState)
    } catch (error) {
      putBack(this.model, before)
      throw error
    }
    const best = Object.entries(withoutPrefix('best.', tensors)).map(
      async ([name, tensor]) => [name, await tensor.data()] as const,
    )
    this.bestNumbers = best.length > 0 ? new Map(await Promise.all(best)) : undefined
    this.epoch = state.epoch
    this.step = state.step
    this.steps = state.steps
    this.sum = new ScoreSum(state.sum)
    this.seconds = state.seconds
    this.waitsForValidation = state.waitsForValidation
    this.history = [...state.history]
    if (state.early) this.early?.restore(state.early)
    if (state.best) this.best?.restore(state.best)
    defaultGenerator().restore(state.random)
    for (const [name, extra] of Object.entries(this.#extras)) extra.restore(state.extras[name] as never)
  }

  #check(json: Json, file: string): State {
    const state = json as unknown as State
    if (state?.version !== 1 || typeof state.settings !== 'object' || !Array.isArray(state.history)) {
      fail('file-format', {
        file,
        what: 'state',
        received: String(JSON.stringify(json)).slice(0, 60),
        expected: 'the state of a run, version 1',
        fix: 'It was made by another version or for another purpose; begin a new run.',
      })
    }
    for (const [name, now] of Object.entries(this.settings)) {
      const then = state.settings[name as keyof SessionSettings]
      if (then === now) continue
      fail('value-invalid', {
        what: `fit: resume: ${name}`,
        received: String(now),
        expected: `${then}, as the run in ${file} began with`,
        fix: 'Give the same data and options, or begin a new run.',
      })
    }
    const missing = Object.keys(this.#extras).find((name) => !Object.hasOwn(state.extras, name))
    if (missing !== undefined) {
      fail('value-invalid', {
        what: 'fit: resume: state',
        received: `'${missing}'`,
        expected: `${Object.keys(state.extras).join(', ') || 'nothing'}, as in ${file}`,
        fix: 'Give the same `state` as the run began with.',
      })
    }
    return state
  }
}

type Tensors = Readonly<Record<string, Tensor>>

function withPrefix(prefix: string, tensors: Tensors): Record<string, Tensor> {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [prefix + name, tensor]))
}

function withoutPrefix(prefix: string, tensors: Tensors): Record<string, Tensor> {
  const own = Object.entries(tensors).filter(([name]) => name.startsWith(prefix))
  return Object.fromEntries(own.map(([name, tensor]) => [name.slice(prefix.length), tensor]))
}
