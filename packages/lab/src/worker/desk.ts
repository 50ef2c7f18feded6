/**
 * What lies on the worker's desk: the runs, each with its probe and how its training is driven.
 *
 * One thing happens at a time: steps, questions and orders wait for one another, so that nobody reads weights while they
 * change. When steps are made: trainer.ts.
 */
import { Probe } from './probe.ts'
import type { Part, RunId, Score } from './protocol.ts'
import type { Run } from './run.ts'
import type { Tally } from './tally.ts'

/** A run with what belongs to it while it is open. */
export class Live {
  readonly run: Run
  readonly probe: Probe
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
  /** What answers keep for this run; called when it is closed. */
  readonly releases: (() => void)[] = []
  /** What was said of each sample when it was last scored. */
  tallies: Readonly<Record<Part, Tally>> | undefined
  scores: { readonly step: number; readonly train: Score; readonly test: Score } | undefined

  constructor(run: Run) {
    this.run = run
    this.probe = new Probe(run)
  }

  /** Something else than a step has changed the numbers. */
  changed(): void {
    this.probe.forget()
    this.version++
    this.scored = -1
  }

  release(): void {
    this.running = false
    this.probe.release()
    for (const release of this.releases) release()
    this.run.release()
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

  close(id: RunId): void {
    this.runs.get(id)?.release()
    this.runs.delete(id)
  }
}
