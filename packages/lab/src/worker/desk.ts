/**
 * What lies on the worker's desk: the runs, each with its probe and how its training is driven.
 *
 * One thing happens at a time: steps, questions and orders wait for one another, so that nobody reads weights while they
 * change. When steps are made: trainer.ts.
 */

import { Course } from './course.ts'
import { History } from './history.ts'
import { Holds } from './holds.ts'

import { WeightPath } from './path.ts'
import { Probe } from './probe.ts'
import type { RunId, Score } from './protocol.ts'
import type { Run } from './run.ts'
import type { Tally } from './tally.ts'

/** A run with what belongs to it while it is open. */
export class Live {
  readonly run: Run
  readonly probe: Probe
  /** Units that keep a value, layers that do not learn. */
  readonly holds: Holds
  readonly history: History
  /** Losses and scores, for the doctor. */
  readonly record = new Course()
  readonly path = new WeightPath()
  /** What is to be given back with it. */
  readonly atEnd: (() => void)[] = []
  running = false
  /** Steps a second at most; 0: as fast as it goes. */
  limit = 0
  /** Steps to make before it pauses by itself. */
  left = Number.POSITIVE_INFINITY
  /** Counts up whenever something that is shown has changed. */
  version = 0
  /** Losses since the last report, and the step of the first. */
  losses: number[] = []
  lossesFrom = 0
  scored = -1
  /** What was said of each sample when it was last scored. */
  tallies: { readonly train: Tally; readonly test: Tally } | undefined
  scores: { readonly step: number; readonly train: Score; readonly test: Score } | undefined
  /** The step that was asked for last, while there may be a long way to it. */
  wanted: number | undefined
  /** Called when what is held has changed: programs of other runs are compiled anew too. */
  onHeld: () => void = () => {}
  readonly #programs = new Map<string, { release(): void }>()

  constructor(run: Run) {
    this.run = run
    this.probe = new Probe(run)
    this.holds = new Holds(run, () => {
      this.onHeld()
      this.recompile()
    })
    this.history = new History(run, this.holds)
  }

  /** Gives compiled programs back; those that are needed are compiled anew. */
  recompile(): void {
    this.run.release()
    this.probe.release()
    for (const program of this.#programs.values()) program.release()
    this.#programs.clear()
  }

  /** A program of this run that a question needs again and again: made once, given back with the run. */
  program<P extends { release(): void }>(name: string, make: () => P): P {
    const made = (this.#programs.get(name) as P | undefined) ?? make()
    this.#programs.set(name, made)
    return made
  }

  /** Something else than a step has changed the numbers. */
  changed(): void {
    this.probe.forget()
    this.path.clear()
    this.version++
    this.scored = -1
  }

  release(): void {
    this.running = false
    for (const release of this.atEnd) release()
    if (this.holds.holds.length > 0) {
      this.holds.release()
      this.onHeld()
    }
    this.recompile()
  }
}

export class Desk {
  readonly runs = new Map<RunId, Live>()
  #last: Promise<unknown> = Promise.resolve()

  /** Does `work` when everything before it is done. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work)
    this.#last = done.catch(() => {})
    return done
  }

  live(id: RunId): Live {
    const live = this.runs.get(id)
    if (!live) throw new Error(`There is no run ${id}. It may have been closed; choose another.`)
    return live
  }

  add(live: Live): void {
    this.runs.set(live.run.id, live)
    live.onHeld = () => {
      for (const other of this.runs.values()) if (other !== live) other.recompile()
    }
  }

  close(id: RunId): void {
    this.runs.get(id)?.release()
    this.runs.delete(id)
  }
}
