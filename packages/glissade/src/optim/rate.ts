/** Where a learning rate comes from while training: a number that may be set, or a schedule with its memory. */
import { fail } from '../errors.ts'
import { checkOption, type Rates } from './rule.ts'
import type { Json, Schedule } from './schedule.ts'

/** What is saved of a learning rate. */
export interface RateState {
  /** The number, where it is no schedule; `replaced` if it took the place of one. */
  readonly lr?: number
  readonly replaced?: boolean
  /** What the schedule remembers, if anything. */
  readonly memory?: Json
}

export class Rate {
  readonly #schedule: Schedule | undefined
  #fixed: number | undefined
  #memory: Json | undefined

  constructor(source: number | Schedule) {
    if (typeof source === 'number') this.#fixed = source
    else {
      this.#schedule = source
      this.#memory = source.memory
    }
  }

  /** The rates at step `step`, of which 0 is the first. */
  at(step: number): Rates {
    if (this.#fixed !== undefined || !this.#schedule) return { lr: this.#fixed ?? 0 }
    return this.#schedule.at(step, this.#memory)
  }

  /** From now on this number, whatever the schedule says. */
  set(lr: number): void {
    checkOption('optimizer.lr', lr, isRate(lr), 'a number of at least 0')
    this.#fixed = lr
  }

  observe(value: number, step: number): void {
    if (this.#fixed !== undefined || !this.#schedule?.observe) return
    this.#memory = this.#schedule.observe(value, this.#memory as Json, step)
  }

  state(): RateState {
    if (this.#fixed !== undefined) return { lr: this.#fixed, ...(this.#schedule && { replaced: true }) }
    return this.#memory === undefined ? {} : { memory: this.#memory }
  }

  /** Refuses a saved state that does not fit. Errors: value-invalid. */
  check({ lr, memory }: RateState): void {
    if (lr !== undefined) checkOption('The optimizer state: lr', lr, isRate(lr), 'a number of at least 0')
    if (memory === undefined || !this.#schedule || this.#schedule.memory !== undefined) return
    fail('value-invalid', {
      what: 'The optimizer state: memory of the schedule',
      received: JSON.stringify(memory),
      expected: `none; ${this.#schedule.kind} remembers nothing`,
      fix: 'Use the same schedule as when it was saved.',
    })
  }

  /** Goes on from a saved state. A schedule keeps its place, unless a number had taken it. */
  restore({ lr, replaced, memory }: RateState): void {
    if (lr !== undefined && (!this.#schedule || replaced)) this.#fixed = lr
    else if (this.#schedule) this.#fixed = undefined
    if (this.#schedule && memory !== undefined) this.#memory = memory
  }
}

const isRate = (lr: number): boolean => lr >= 0 && lr < Number.POSITIVE_INFINITY
