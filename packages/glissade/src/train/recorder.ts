/** Writes a training run down: events, checkpoints and models into its folder (io/run-folder.ts). */
import type { Json } from '../io/checkpoint.ts'
import { RunFolder } from '../io/run-folder.ts'
import type { FitEvent, FitResult } from './events.ts'
import type { CheckpointOptions, RunOptions } from './options.ts'
import type { Session } from './session.ts'

/** Where the best model so far is, and the last one. */
const bestFile = 'best.safetensors'
const modelFile = 'model.safetensors'

const keepDefault = 3

export class Recorder {
  readonly #folder: RunFolder
  readonly #options: CheckpointOptions
  readonly #histograms: boolean
  #lastSteps = -1
  #lastTime = performance.now()
  #asked = false

  private constructor(folder: RunFolder, options: CheckpointOptions, histograms: boolean) {
    this.#folder = folder
    this.#options = options
    this.#histograms = histograms
  }

  /** Errors: `run-locked`, `value-invalid`, `file-format`. */
  static async open(
    run: string | RunOptions,
    checkpoint: CheckpointOptions = {},
    resume: boolean,
    config: Json,
  ): Promise<Recorder> {
    const {
      path,
      config: own,
      tensorBoard,
      histograms = false,
    } = typeof run === 'string' ? { path: run } : (run as RunOptions)
    const folder = await RunFolder.open(path, {
      resume,
      config: { training: config, ...(own !== undefined && { own }) },
      ...(tensorBoard !== undefined && { tensorBoard }),
    })
    return new Recorder(folder, checkpoint, histograms)
  }

  get folder(): RunFolder {
    return this.#folder
  }

  get goesOn(): boolean {
    return this.#options.onError === 'continue'
  }

  /** Begins the records after the steps that are done. */
  async begin(session: Session): Promise<void> {
    this.#lastSteps = session.steps
    await this.#folder.begin(session.steps)
  }

  /** A line for an event that has numbers to tell. */
  async record(event: FitEvent, session: Session): Promise<void> {
    switch (event.type) {
      case 'step': {
        const { epoch, loss, accuracy, lr, samplesPerSecond, norms, skipped } = event
        const values = { epoch, loss, accuracy, lr, samplesPerSecond, norms, skipped }
        return this.#folder.record('step', event.steps, values)
      }
      case 'validation': {
        const { epoch, score, best } = event
        const { loss, accuracy, metrics } = score
        return this.#folder.record('validation', event.steps, { epoch, loss, accuracy, ...asJson(metrics), best })
      }
      case 'epochEnd': {
        const { epoch, train, seconds } = event
        const { loss, accuracy } = train
        await this.#folder.record('epoch', session.steps, { epoch, loss, accuracy, seconds })
        if (this.#histograms) await this.#folder.histograms(session.steps, await weightsOf(session))
        return this.#folder.sync()
      }
      case 'start': {
        const { steps, resumedFrom } = event
        return this.#folder.record('start', steps, { samples: event.samples, epochs: event.epochs, resumedFrom })
      }
      default:
        return undefined
    }
  }

  /** Whether the newest checkpoint is of this state; there is nothing to write at the very start. */
  hasWritten({ steps }: Session): boolean {
    return steps === this.#lastSteps
  }

  /** A callback wants one. */
  ask(): void {
    this.#asked = true
  }

  /** Whether a checkpoint is due after this step, or with `epochEnd` after this epoch. */
  due(session: Session, epochEnd: boolean): boolean {
    const { everySteps, everyMinutes } = this.#options
    const natural = everySteps === undefined && everyMinutes === undefined ? 1 : undefined
    const { everyEpochs = natural } = this.#options
    if (session.steps === this.#lastSteps && !epochEnd) return false
    if (this.#asked) return true
    if (everySteps !== undefined && session.steps % everySteps === 0) return true
    if (everyMinutes !== undefined && performance.now() - this.#lastTime >= everyMinutes * 60_000) return true
    return epochEnd && everyEpochs !== undefined && (session.epoch - 1) % everyEpochs === 0
  }

  /** Writes a checkpoint; returns its path. */
  async checkpoint(session: Session): Promise<string> {
    const path = await this.#folder.saveCheckpoint(
      session.steps,
      session.checkpoint(),
      this.#options.keep ?? keepDefault,
    )
    this.#lastSteps = session.steps
    this.#lastTime = performance.now()
    this.#asked = false
    return path
  }

  /** The model is the best so far. */
  async best(session: Session): Promise<void> {
    await this.#folder.saveModel(bestFile, session.model)
  }

  /** The model as training leaves it, and how it went. */
  async end(session: Session, result: FitResult): Promise<void> {
    await this.#folder.saveModel(modelFile, session.model)
    const { history, ...rest } = result
    const last = history.at(-1)
    await this.#folder.summarize({ ...rest, epochs: history.length, last: asJson(last) } as unknown as Json)
  }

  close(): Promise<void> {
    return this.#folder.close()
  }
}

async function weightsOf({ model }: Session): Promise<Record<string, ArrayLike<number>>> {
  const all = [...model.namedParameters()].map(async ([name, parameter]) => [`weights/${name}`, await parameter.data()])
  return Object.fromEntries(await Promise.all(all))
}

/** What JSON can say of a value: scores may be objects of any kind. */
function asJson(value: unknown): { readonly [name: string]: Json | undefined } {
  if (typeof value !== 'object' || value === null) return {}
  const pick = (each: unknown): Json | undefined => {
    if (typeof each === 'number' || typeof each === 'string' || typeof each === 'boolean') return each
    if (ArrayBuffer.isView(each)) return Array.from(each as unknown as ArrayLike<number>)
    if (Array.isArray(each)) return each.map((one) => pick(one) ?? null)
    const plain = typeof each === 'object' && each !== null && Object.getPrototypeOf(each) === Object.prototype
    return plain ? asJson(each) : undefined
  }
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, pick(each)]))
}
