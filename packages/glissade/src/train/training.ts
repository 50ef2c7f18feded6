/**
 * The course of a training run: epochs, steps, validation, checkpoints, and the events that tell of them.
 *
 * Its parts are generators, so that every event reaches whoever listens at once, and so that leaving the loop over the
 * events ends it cleanly. How it is set up: fit.ts. Where it stands: session.ts.
 */
import type { Columns } from '../data/dataset.ts'
import { fail } from '../errors.ts'
import { findNonFinite } from '../explain/non-finite.ts'
import { modesOf, restoreModes } from '../nn/keep-modes.ts'
import type { Module } from '../nn/module.ts'
import { Clock } from './clock.ts'
import { checkBatch } from './data-check.ts'
import { evaluateWith } from './evaluate.ts'
import type { EpochEnd, FitControl, FitEvent, FitResult, Score } from './events.ts'
import type { Monitor } from './monitor.ts'
import { defaultBatch, type FitOptions, optionsOf } from './options.ts'
import { type StepDoneScores, type TrainStep, trainStep } from './program.ts'
import type { Recorder } from './recorder.ts'
import { batchLength, type StepFunction } from './scoring.ts'
import { type Counters, putBack, type Session, snapshot } from './session.ts'
import type { BatchPlan, BatchSource } from './source.ts'

const defaultPatience = 3
/** More bad steps than this one after the other are no accident, even where bad steps are left out. */
const mostSkipped = 20

/** The checkpoint that a run goes on from. */
export interface From {
  readonly resumedFrom?: string
  readonly refused?: readonly string[]
}

export class Training<M extends Module, C extends Columns> {
  readonly #model: M
  readonly #step: StepFunction<M, C>
  readonly #plan: BatchPlan<C>
  readonly #session: Session
  readonly #recorder: Recorder | undefined
  readonly #options: FitOptions<M, C>
  readonly #epochs: number
  readonly #watch: { readonly skip?: boolean } | undefined
  readonly #train: TrainStep<C>
  readonly #clock: Clock
  readonly #control: FitControl
  #stop: FitResult['reason'] | undefined
  #skipped = 0

  constructor(
    model: M,
    step: StepFunction<M, C>,
    plan: BatchPlan<C>,
    session: Session,
    recorder: Recorder | undefined,
    options: FitOptions<M, C>,
  ) {
    this.#model = model
    this.#step = step
    this.#plan = plan
    this.#session = session
    this.#recorder = recorder
    this.#options = options
    this.#epochs = options.epochs ?? 1
    this.#watch = optionsOf(options.watch)
    this.#train = trainStep(model, session.optimizer, step, this.#watch !== undefined)
    const { samples, stepsPerEpoch } = plan
    const done = (session.epoch - 1 + session.step / stepsPerEpoch) * samples
    this.#clock = new Clock(Math.max(0, samples * this.#epochs - done))
    this.#control = {
      model,
      optimizer: session.optimizer,
      stop: () => {
        this.#stop ??= 'callback'
      },
      checkpoint: () => recorder?.ask(),
    }
  }

  /** Whether to go no further, and why. */
  get #ended(): FitResult['reason'] | undefined {
    if (this.#options.signal?.aborted) this.#stop ??= 'signal'
    const { patience = defaultPatience } = optionsOf(this.#options.earlyStopping) ?? {}
    const { early } = this.#session
    if (early && early.waited > 0 && early.waited >= patience) this.#stop ??= 'early'
    return this.#stop
  }

  async *all(from: From = {}): AsyncGenerator<FitEvent, void> {
    const modes = modesOf(this.#model)
    const session = this.#session
    const { samples, stepsPerEpoch } = this.#plan
    let left = true
    try {
      this.#model.train()
      yield* this.#tell({ type: 'start', epochs: this.#epochs, stepsPerEpoch, samples, steps: session.steps, ...from })
      if (session.waitsForValidation) yield* this.#validateBetween()
      while (session.epoch <= this.#epochs && !this.#ended) {
        if (session.step === 0) yield* this.#tell({ type: 'epochStart', epoch: session.epoch, epochs: this.#epochs })
        // Stopped on the way, or in the last validation, which is then done again by who goes on.
        if (!(yield* this.#steps()) || !(yield* this.#endEpoch())) break
      }
      if (this.#recorder && !this.#recorder.hasWritten(session)) yield* this.#checkpoint()
      const result = this.#result()
      const { restore = true } = optionsOf(this.#options.keepBest) ?? {}
      if (session.bestNumbers && restore && result.reason !== 'signal') putBack(this.#model, session.bestNumbers)
      yield* this.#write((recorder) => recorder.end(session, result))
      left = false
      yield* this.#tell({ type: 'end', ...result })
    } catch (error) {
      left = false
      throw error
    } finally {
      // The loop over the events was left: as if a signal had come.
      if (left) await this.#recorder?.checkpoint(session)
      restoreModes(modes)
      this.#train.release()
    }
  }

  #result(): FitResult {
    const { history, steps, best } = this.#session
    const reason = this.#session.epoch > this.#epochs ? 'finished' : (this.#ended ?? 'finished')
    return {
      history: [...history],
      steps,
      stopped: reason !== 'finished',
      reason,
      ...(best?.best && { best: best.best }),
    }
  }

  /** Steps to the end of the epoch, or to where something ends them; whether it was the end of the epoch. */
  async *#steps(): AsyncGenerator<FitEvent, boolean> {
    const session = this.#session
    const batches = this.#plan.batches(session.epoch - 1)[Symbol.asyncIterator]()
    let start = performance.now()
    try {
      // The batches before the place where the run was stopped.
      for (let i = 0; i < session.step; i++) await batches.next()
      let next = await batches.next()
      if (next.done && session.step === 0) refuseNoBatches()
      while (!next.done && !this.#ended) {
        const batch = next.value
        const place = `epoch ${session.epoch}, step ${session.step + 1}`
        if (!this.#options.allowNaN) await checkBatch('fit', batch, place)
        const before = this.#watch && session.counters()
        const { lr } = session.optimizer
        // The next batch is put together while this one is being computed. If the step fails, so does this.
        const [scores, following] = await Promise.all([this.#train(batch), batches.next()])
        const skipped = scores.finite ? undefined : await this.#notFinite(scores, batch, place, before)
        this.#skipped = skipped === undefined ? 0 : this.#skipped + 1
        const size = batchLength(batch)
        if (skipped === undefined) session.sum.add(scores, size)
        session.step++
        session.steps++
        session.waitsForValidation = !following.done && this.#validatesNow()
        this.#clock.count(size)
        const now = performance.now()
        session.seconds += (now - start) / 1000
        yield* this.#tell(this.#stepDone(scores, lr, skipped))
        next = following
        if (!next.done) {
          if (session.waitsForValidation) yield* this.#validateBetween()
          if (this.#recorder?.due(session, false)) yield* this.#checkpoint()
        }
        start = performance.now()
      }
      return next.done === true
    } finally {
      await batches.return?.()
    }
  }

  /** Whether it is time to validate, by steps. */
  #validatesNow(): boolean {
    const { validate, validateEvery } = this.#options
    return (
      validate !== undefined && validateEvery?.steps !== undefined && this.#session.steps % validateEvery.steps === 0
    )
  }

  #stepDone(scores: StepDoneScores, lr: number, skipped: string | undefined): FitEvent {
    const { epoch, step, steps, sum } = this.#session
    const { loss: epochLoss, accuracy: epochAccuracy } = sum.mean()
    const { samplesPerSecond, eta } = this.#clock
    const { loss, accuracy, norms } = scores
    return {
      type: 'step',
      epoch,
      epochs: this.#epochs,
      step,
      stepsPerEpoch: this.#plan.stepsPerEpoch,
      steps,
      loss,
      accuracy,
      epochLoss,
      epochAccuracy,
      lr,
      samplesPerSecond,
      eta,
      ...(norms && { norms }),
      ...(skipped !== undefined && { skipped }),
    }
  }

  /** A step that was not finite: what it was, if such steps are left out; else the error. */
  async #notFinite(
    { loss }: StepDoneScores,
    batch: C,
    place: string,
    before: Counters | undefined,
  ): Promise<string | undefined> {
    const what = `fit: ${Number.isFinite(loss) ? 'a gradient' : 'the loss'} at ${place}`
    const received = Number.isFinite(loss) ? 'a number that is not finite' : String(loss)
    if (!before) {
      const fix =
        'Pass { watch: true } to learn in which module it begins; often a smaller learning rate or { clipNorm: 1 } mends it.'
      return fail('not-finite', { what, received, where: '', fix })
    }
    await this.#session.recount(before)
    const names = new Map(Object.entries(batch).map(([name, tensor]) => [tensor.current(), `column ${name}`]))
    const origin = await findNonFinite(
      () => {
        const result = this.#step(this.#model, batch)
        this.#session.optimizer.minimize(result.loss)
        return [result.loss]
      },
      { names },
    )
    const where = origin ? String(origin) : 'where it could not be found again operation by operation'
    if (this.#watch?.skip && this.#skipped < mostSkipped) return where
    const again = this.#watch?.skip ? `That was bad step number ${mostSkipped + 1} in a row. ` : ''
    const fix = `${again}The model is as it was before this step. Often a smaller learning rate or { clipNorm: 1 } mends it.`
    return fail('not-finite', { what, received, where, fix })
  }

  async *#validateBetween(): AsyncGenerator<FitEvent, void> {
    const score = await this.#validate()
    // Interrupted: it is done again by who goes on.
    if (!score) return
    const events = await this.#judge(score, undefined)
    this.#session.waitsForValidation = false
    for (const event of events) yield* this.#tell(event)
  }

  /** The scores of validation; undefined if it was interrupted. */
  async #validate(): Promise<Score | undefined> {
    const { validate, batchSize = defaultBatch, signal, metrics, allowNaN, sampleWeight } = this.#options
    const options = {
      batchSize,
      ...(signal && { signal }),
      ...(metrics && { metrics }),
      ...(allowNaN && { allowNaN }),
      ...(sampleWeight !== undefined && { sampleWeight }),
    }
    const key = this.#options.loss ?? this.#step
    const { samples, ...score } = await evaluateWith(this.#model, validate as BatchSource<C>, this.#step, options, key)
    this.#clock.pause()
    return signal?.aborted ? undefined : score
  }

  /**
   * What follows from new scores: whether the model is the best so far, and whether training is to end. Tells nothing
   * yet: whoever leaves the loop at an event must leave a state that has taken in all of the scores, or none.
   */
  async #judge(validation: Score | undefined, train: Score | undefined): Promise<FitEvent[]> {
    const { early, best, epoch, steps, optimizer } = this.#session
    const look = (monitor: Monitor | undefined): number | undefined => {
      const score = monitor?.ofTraining ? train : validation
      return score && monitor?.read(score)
    }
    const watched = look(early)
    if (watched !== undefined) early?.observe(watched, epoch, steps)
    const value = look(best)
    const isBest = value !== undefined && best?.observe(value, epoch, steps) === true
    const told = watched ?? (validation ?? train)?.loss
    if (told !== undefined) optimizer.observe(told)
    const events: FitEvent[] = []
    if (isBest) {
      this.#session.bestNumbers = await snapshot(this.#model)
      for await (const failed of this.#write((recorder) => recorder.best(this.#session))) events.push(failed)
    }
    if (validation)
      events.push({ type: 'validation', epoch, epochs: this.#epochs, steps, score: validation, best: isBest })
    return events
  }

  /** Validation and what follows; false if it was interrupted. */
  async *#endEpoch(): AsyncGenerator<FitEvent, boolean> {
    const { validate, validateEvery } = this.#options
    const session = this.#session
    const every = validateEvery?.epochs ?? (validateEvery?.steps === undefined ? 1 : Number.POSITIVE_INFINITY)
    const due = validate !== undefined && (session.epoch % every === 0 || this.#validatesNow())
    const validation = due ? await this.#validate() : undefined
    if (due && !validation) return false
    const train = session.sum.mean()
    const { epoch, seconds } = session
    const ended: EpochEnd = { type: 'epochEnd', epoch, epochs: this.#epochs, train, validation, seconds }
    const events = await this.#judge(validation, train)
    session.history.push(ended)
    session.nextEpoch()
    for (const event of [...events, ended]) yield* this.#tell(event)
    this.#clock.pause()
    if (this.#recorder?.due(session, true)) yield* this.#checkpoint()
    return true
  }

  async *#checkpoint(): AsyncGenerator<FitEvent, void> {
    let path = ''
    const failed = yield* this.#write(async (recorder) => {
      path = await recorder.checkpoint(this.#session)
    })
    this.#clock.pause()
    const { epoch, steps } = this.#session
    if (!failed) yield* this.#tell({ type: 'checkpoint', epoch, steps, path })
  }

  /** Tells an event: the folder first, then the handlers, then the loop over the events. */
  async *#tell(event: FitEvent): AsyncGenerator<FitEvent, void> {
    yield* this.#write((recorder) => recorder.record(event, this.#session))
    yield* this.#hand(event)
  }

  async *#hand(event: FitEvent): AsyncGenerator<FitEvent, void> {
    const { on, callbacks = [] } = this.#options
    for (const callback of on ? [on, ...callbacks] : callbacks) {
      const handler = typeof callback === 'function' ? callback : callback[event.type]?.bind(callback)
      await (handler as ((event: FitEvent, control: FitControl) => unknown) | undefined)?.(event, this.#control)
    }
    yield event
  }

  /** Writes something, if anything is written; if that fails, raises the error or tells it, as chosen. Whether it failed. */
  async *#write(write: (recorder: Recorder) => Promise<void>): AsyncGenerator<FitEvent, boolean> {
    if (!this.#recorder) return false
    try {
      await write(this.#recorder)
      return false
    } catch (error) {
      if (!this.#recorder.goesOn) throw error
      const { epoch, steps } = this.#session
      yield* this.#hand({ type: 'writeFailed', epoch, steps, error: error as Error })
      return true
    }
  }
}

function refuseNoBatches(): never {
  return fail('value-invalid', {
    what: 'fit: samples',
    received: 'an epoch without a batch',
    expected: 'at least one',
    fix: 'Check the batch size: where incomplete batches are left out, it must not be larger than the set.',
  })
}
