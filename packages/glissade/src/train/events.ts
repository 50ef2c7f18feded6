/** What `fit` tells while it works. */

export interface EpochStart {
  /** 1 is the first. */
  readonly epoch: number
  readonly epochs: number
}

export interface StepDone extends EpochStart {
  /** 1 is the first of the epoch. */
  readonly step: number
  readonly stepsPerEpoch: number
  /** Of this batch. */
  readonly loss: number
  /** Of this batch, where the target is a class for each sample. */
  readonly accuracy: number | undefined
  /** Of the epoch so far. */
  readonly epochLoss: number
  readonly epochAccuracy: number | undefined
  readonly samplesPerSecond: number
  /** Seconds until the last epoch ends, validation not counted; undefined as long as there is nothing to go by. */
  readonly eta: number | undefined
}

export interface Score {
  /** The mean over samples. */
  readonly loss: number
  readonly accuracy: number | undefined
}

export interface EpochEnd extends EpochStart {
  readonly train: Score
  readonly validation: Score | undefined
  readonly seconds: number
}

export interface FitHandlers {
  epochStart?(event: EpochStart): void
  step?(event: StepDone): void
  epochEnd?(event: EpochEnd): void | Promise<void>
  end?(event: FitResult): void
}

export interface FitResult {
  readonly history: readonly EpochEnd[]
  /** Steps taken in all. */
  readonly steps: number
  /** Whether the signal ended it early. The model is then as the last whole step left it. */
  readonly stopped: boolean
}
