/**
 * When steps are made, and when the page is told.
 *
 * Steps come in short bursts, between which the worker hears what the page has to say. What is shown is computed again
 * after a burst, at most thirty times a second, and never for more than a tenth of the time: watching must not slow
 * training down.
 */
import { findBreakdown } from './breakdown.ts'
import type { Desk, Live } from './desk.ts'
import type { Progress } from './protocol.ts'
import { scoreOf } from './scores.ts'
import { Tally } from './tally.ts'

/** Milliseconds of a burst. */
const burst = 12
/** The shortest time between two reports. */
const reportEvery = 33
/** The part of the time that may go into showing things. */
const shareForShowing = 0.08
/** Scores of large sets take long; they are measured when this many milliseconds have passed, times their cost. */
const scoreEvery = 100

export interface Audience {
  /** Sends progress to the page. */
  tell(progress: Progress): void
  /** Answers the questions that are asked again and again, for a run. */
  refresh(live: Live): Promise<void>
}

export class Trainer {
  readonly #desk: Desk
  readonly #audience: Audience
  readonly #wake = new MessageChannel()

  constructor(desk: Desk, audience: Audience) {
    this.#desk = desk
    this.#audience = audience
  }

  /** Begins to make steps, if it does not already. */
  start(live: Live): void {
    if (live.running) return
    live.running = true
    void this.#train(live)
  }

  async #train(live: Live): Promise<void> {
    const pace = new Pace()
    let [nextShow, nextScore] = [0, 0]
    let due = performance.now()
    let stopped: Progress['stopped']
    while (live.running) {
      await this.#desk.inTurn(async () => {
        const until = performance.now() + burst
        while (live.running && performance.now() < until) {
          if (live.limit > 0 && performance.now() < due) break
          if (live.limit > 0) due = Math.max(due, performance.now() - 1000 / live.limit) + 1000 / live.limit
          stopped = await this.#step(live)
          pace.count()
          if (stopped || live.left <= 0) live.running = false
        }
      })
      const now = performance.now()
      if (live.running && now >= nextShow) {
        const cost = await this.#show(live, pace, now >= nextScore)
        if (now >= nextScore) nextScore = now + Math.max(scoreEvery, (2 * cost.score) / shareForShowing)
        nextShow = now + Math.max(reportEvery, (2 * cost.refresh) / shareForShowing)
      }
      await this.#breathe(live.limit > 0 ? Math.min(reportEvery, Math.max(0, due - performance.now())) : 0)
    }
    if (stopped === 'not-finite') await this.#desk.inTurn(() => findBreakdown(live))
    await this.#show(live, pace, true, stopped)
  }

  /** Tells the page where the run stands, and answers what is watched; gives the milliseconds that it took. */
  #show(
    live: Live,
    pace: Pace,
    withScores: boolean,
    stopped?: Progress['stopped'],
  ): Promise<{ score: number; refresh: number }> {
    return this.#desk.inTurn(async () => {
      // Another run may have taken its place meanwhile; what is said then would be taken for the new one's.
      if (this.#desk.runs.get(live.run.id) !== live) return { score: 0, refresh: 0 }
      const from = performance.now()
      if (withScores) await measure(live)
      const scored = performance.now()
      this.report(live, pace.rate(), stopped)
      await this.#audience.refresh(live)
      return { score: scored - from, refresh: performance.now() - scored }
    })
  }

  async #step(live: Live): Promise<Progress['stopped']> {
    const { run } = live
    if (live.path.isDue(run.step)) await live.path.keep(run)
    const isNew = run.step === live.history.end
    if (isNew && live.losses.length === 0) live.lossesFrom = run.step
    const loss = await live.history.advance()
    // What is only done again is known already.
    if (isNew) live.losses.push(loss)
    live.record.addLoss(run.step - 1, loss)
    live.left--
    live.version++
    if (!Number.isFinite(loss)) return 'not-finite'
    const { stopAtEpoch } = run.spec
    return stopAtEpoch > 0 && run.step === stopAtEpoch * run.stepsPerEpoch ? 'epoch' : undefined
  }

  /** Tells the page where a run stands. */
  report(live: Live, rate = 0, stopped?: Progress['stopped']): void {
    const losses = Float32Array.from(live.losses)
    live.losses = []
    const scores = live.scores && { scores: live.scores }
    this.#audience.tell({
      stamp: live.run.stamp,
      running: live.running,
      rate,
      lr: live.run.optimizer.lr,
      from: live.lossesFrom,
      losses,
      begin: live.history.begin,
      end: live.history.end,
      ...scores,
      ...(stopped && { stopped }),
    })
  }

  /** Lets messages in; `wait` milliseconds, or as short as it goes. */
  #breathe(wait: number): Promise<void> {
    if (wait > 1) return new Promise((resolve) => setTimeout(resolve, wait))
    return new Promise((resolve) => {
      this.#wake.port1.onmessage = () => resolve()
      this.#wake.port2.postMessage(undefined)
    })
  }
}

/** Scores of both parts, unless nothing has changed since. */
export async function measure(live: Live): Promise<void> {
  if (live.scored === live.version) return
  const { run, probe } = live
  const step = run.step
  const tally = (): Tally => new Tally(step, run.data.task, run.data.labels.length)
  const tallies = { train: tally(), test: tally() }
  const train = await scoreOf(run, probe, 'train', tallies.train)
  const test = await scoreOf(run, probe, 'test', tallies.test)
  live.scores = { step, train, test }
  live.tallies = tallies
  // Who shows what was said of the samples is to be told, though no step was made.
  live.scored = ++live.version
  live.record.addScores({ step, train, test })
}

/** Steps a second, over the last half second. */
class Pace {
  #times: number[] = []
  #counts: number[] = []
  #steps = 0
  #began = performance.now()

  count(): void {
    this.#steps++
  }

  rate(): number {
    const now = performance.now()
    this.#times.push(now)
    this.#counts.push(this.#steps)
    while (this.#times.length > 2 && now - this.#times[0] > 500) {
      this.#times.shift()
      this.#counts.shift()
    }
    const [from, count] = this.#times.length > 1 ? [this.#times[0], this.#counts[0]] : [this.#began, 0]
    return now > from ? ((this.#steps - count) * 1000) / (now - from) : 0
  }
}
