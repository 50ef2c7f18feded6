/** What training tells while it works: as events of `fitSteps`, and to the handlers of `fit`. */
import type { Module } from '../nn/module.ts'
import type { Optimizer } from '../optim/optimizer.ts'

export interface Score {
  /** The mean over samples. */
  readonly loss: number
  /** Where the target is a class for each sample. */
  readonly accuracy: number | undefined
  /** What `metrics` computed, by name. */
  readonly metrics?: Readonly<Record<string, unknown>>
}

export interface FitStart {
  readonly type: 'start'
  readonly epochs: number
  readonly stepsPerEpoch: number
  readonly samples: number
  /** Steps taken before, if this goes on with a run. */
  readonly steps: number
  /** The checkpoint that it goes on from, and damaged ones that were passed over for it. */
  readonly resumedFrom?: string
  readonly refused?: readonly string[]
}

export interface EpochStart {
  readonly type: 'epochStart'
  /** 1 is the first. */
  readonly epoch: number
  readonly epochs: number
}

export interface StepDone {
  readonly type: 'step'
  readonly epoch: number
  readonly epochs: number
  /** 1 is the first of the epoch. */
  readonly step: number
  readonly stepsPerEpoch: number
  /** Steps in all. */
  readonly steps: number
  /** Of this batch. */
  readonly loss: number
  /** Of this batch, where the target is a class for each sample. */
  readonly accuracy: number | undefined
  /** Of the epoch so far. */
  readonly epochLoss: number
  readonly epochAccuracy: number | undefined
  /** The learning rate of this step. */
  readonly lr: number
  readonly samplesPerSecond: number
  /** Seconds until the last epoch ends, validation not counted; undefined as long as there is nothing to go by. */
  readonly eta: number | undefined
  /** With `watch`: norms of gradients by parameter and by module. */
  readonly norms?: Readonly<Record<string, number>>
  /** With `watch: { skip: true }`: the step changed nothing, and why. */
  readonly skipped?: string
}

export interface ValidationDone {
  readonly type: 'validation'
  readonly epoch: number
  readonly epochs: number
  /** Steps in all. */
  readonly steps: number
  readonly score: Score
  /** Whether it is the best so far, where the best model is kept. */
  readonly best: boolean
}

export interface CheckpointDone {
  readonly type: 'checkpoint'
  readonly epoch: number
  readonly steps: number
  readonly path: string
}

export interface WriteFailed {
  readonly type: 'writeFailed'
  readonly epoch: number
  readonly steps: number
  /** What could not be written, and why. What was written before is whole. */
  readonly error: Error
}

export interface EpochEnd {
  readonly type: 'epochEnd'
  readonly epoch: number
  readonly epochs: number
  readonly train: Score
  readonly validation: Score | undefined
  readonly seconds: number
}

export interface BestModel {
  readonly epoch: number
  readonly steps: number
  /** Of the monitored number. */
  readonly value: number
}

export interface FitResult {
  readonly history: readonly EpochEnd[]
  /** Steps taken in all. */
  readonly steps: number
  /** Whether something ended it before its epochs were over. The model is then as the last whole step left it. */
  readonly stopped: boolean
  /** What ended it: its epochs, the signal, early stopping, or a callback. */
  readonly reason: 'finished' | 'signal' | 'early' | 'callback'
  /** Where the best model was kept: when it was. */
  readonly best?: BestModel
}

export interface FitEnd extends FitResult {
  readonly type: 'end'
}

export type FitEvent =
  | FitStart
  | EpochStart
  | StepDone
  | ValidationDone
  | CheckpointDone
  | WriteFailed
  | EpochEnd
  | FitEnd

/** What callbacks may do. */
export interface FitControl {
  readonly model: Module
  readonly optimizer: Optimizer
  /** Ends training after this event. */
  stop(): void
  /** Writes a checkpoint when this step is done. Needs `run`. */
  checkpoint(): void
}

/** Hooks by the names of events; each is waited for. */
export type FitHandlers = {
  readonly [T in FitEvent['type']]?: (event: Extract<FitEvent, { type: T }>, control: FitControl) => unknown
}

/** One function for all events, or hooks; with a memory that checkpoints keep, if it has `state` and `restore`. */
export type Callback = ((event: FitEvent, control: FitControl) => unknown) | FitHandlers
