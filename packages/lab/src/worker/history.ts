/**
 * Time travel: a run as it was at any step, bit by bit.
 *
 * Now and then everything that decides how a run goes on is copied (weights, buffers, the optimizer's state, random
 * draws, settings). A step in between comes back by doing the steps from the nearest copy once more: they give the same
 * bits. What a person changed on the way is recorded with its step, and is done again too.
 *
 * Copies have a bound in bytes and number: when it is reached every second one goes, and from then on they are made
 * half as often. Who says what is changed: holds.ts and orders-history.ts.
 */
import { type TypedArray, tensor } from 'glissade'
import type { Hold } from './holds.ts'
import type { Adjustment } from './protocol.ts'
import type { Run } from './run.ts'

/** What a person changed. */
export type Change =
  | { readonly kind: 'adjust'; readonly change: Adjustment }
  | { readonly kind: 'write'; readonly name: string; readonly values: Float32Array }
  | { readonly kind: 'overwrite'; readonly name: string; readonly element: number; readonly value: number }
  | { readonly kind: 'hold'; readonly holds: readonly Hold[] }

/** A change between two steps: `step` steps were made before it. */
export interface RunEvent {
  readonly step: number
  readonly change: Change
}

/** All that decides how a run goes on. */
export interface Moment {
  readonly step: number
  /** How many of the recorded changes were done before it. */
  readonly events: number
  readonly variables: ReadonlyMap<string, TypedArray>
  readonly slots: ReadonlyMap<string, TypedArray>
  readonly optimizer: Omit<ReturnType<Run['optimizer']['stateDict']>, 'tensors'>
  readonly draws: Run['draws']
  readonly settings: Required<Adjustment>
  readonly holds: readonly Hold[]
  readonly bytes: number
}

export interface HistoryOptions {
  /** Bytes that copies may take; default 64 MiB. */
  readonly bytes?: number
  /** How many there may be; default 1024. */
  readonly most?: number
  /** Milliseconds of training between two copies, at first; default 100. */
  readonly interval?: number
}

/** What else than a run's own numbers can be changed: outputs that are held, layers that are frozen. */
export interface Holder {
  readonly holds: readonly Hold[]
  set(holds: readonly Hold[]): void
}

/** The time from one copy to the next, in times of what a copy takes: not more than a hundredth goes into them. */
const timesItsCost = 100

/** Milliseconds after which a long way back lets messages in. */
const patience = 25

export class History {
  readonly #run: Run
  readonly #holder: Holder
  readonly #most: number
  readonly #bytes: number
  #interval: number
  #keptAt = Number.NEGATIVE_INFINITY
  /** Milliseconds that the last copy took. */
  #cost = 0
  #moments: Moment[] = []
  /** Moments close to where the person looks, so that going back a little is quick. */
  #near: Moment[] = []
  #events: RunEvent[] = []
  /** How many of the events are done in the run as it is now. */
  #done = 0
  /** The first step that can be seen, and the last that was made. */
  readonly begin: number
  #end: number
  /** Called around a step, by who wants to know what it changes; once. */
  onStep: ((step: () => Promise<number>) => Promise<number>) | undefined

  constructor(run: Run, holder: Holder, { bytes = 64 * 2 ** 20, most = 1024, interval = 100 }: HistoryOptions = {}) {
    this.#run = run
    this.#holder = holder
    this.#bytes = bytes
    this.#most = most
    this.#interval = interval
    this.begin = run.step
    this.#end = run.step
  }

  get end(): number {
    return this.#end
  }

  get events(): readonly RunEvent[] {
    return this.#events
  }

  /** Steps of which there are copies. */
  get steps(): readonly number[] {
    return this.#moments.map(({ step }) => step)
  }

  /** Bytes that copies take. */
  get bytes(): number {
    return [...this.#moments, ...this.#near].reduce((sum, { bytes }) => sum + bytes, 0)
  }

  /** One step: a new one, or one that was made before and is made again. Gives the loss before it. */
  async advance(): Promise<number> {
    const run = this.#run
    if (this.#isDue()) await this.#keep()
    const { onStep } = this
    this.onStep = undefined
    const loss = await (onStep ? onStep(() => run.advance()) : run.advance())
    if (run.step > this.#end) this.#end = run.step
    if (this.#done < this.#events.length) await this.#redo()
    return loss
  }

  /** What came after the present step is gone. */
  forget(): void {
    const { step } = this.#run
    const stays = (moment: Moment): boolean => moment.events <= this.#done && moment.step <= step
    this.#events.length = this.#done
    this.#moments = this.#moments.filter(stays)
    this.#near = this.#near.filter(stays)
    this.#end = step
  }

  /** Makes a change and records it. What came after this step before is forgotten: it would come otherwise now. */
  async record(change: Change): Promise<void> {
    if (this.#moments.length === 0) await this.#keep()
    await this.#make(change)
    this.forget()
    const { step } = this.#run
    const last = this.#events[this.#events.length - 1]
    if (last?.step === step && replaces(change, last.change)) {
      // A slider that is dragged: only where it stops counts.
      this.#events[this.#done - 1] = { step, change }
      this.#moments = this.#moments.filter(({ events }) => events < this.#done)
      this.#near = this.#near.filter(({ events }) => events < this.#done)
    } else {
      this.#events.push({ step, change })
      this.#done++
    }
  }

  /**
   * Brings the run to a step, as it was. `overtaken`: whether something newer is wanted; then it stops on the way, and
   * gives false.
   */
  async seek(step: number, overtaken: () => boolean = () => false): Promise<boolean> {
    const run = this.#run
    const goal = Math.min(this.#end, Math.max(this.begin, Math.round(step)))
    if (goal === run.step) return true
    const known = [...this.#moments, ...this.#near]
    // So that the way back to where one comes from is short.
    if (!known.some((moment) => moment.step === run.step && moment.events === this.#done))
      this.#addNear(await this.moment())
    const from = known.reduce<Moment | undefined>(
      (best, moment) => (moment.step <= goal && (!best || isBefore(best, moment)) ? moment : best),
      undefined,
    )
    if (run.step > goal || (from && from.step > run.step)) {
      if (!from) throw new Error(`Step ${goal} can no longer be reached.`)
      await this.restore(from)
      await this.#redo()
    }
    let until = performance.now() + patience
    while (run.step < goal) {
      // Half the way, a quarter, … and the step before: whoever looks back goes on looking nearby.
      if (Number.isInteger(Math.log2(goal - run.step)) && goal - run.step <= 4096) this.#addNear(await this.moment())
      await run.advance()
      await this.#redo()
      if (performance.now() > until) {
        await breathe()
        if (overtaken()) return false
        until = performance.now() + patience
      }
    }
    return true
  }

  /** The run as it is now. */
  async moment(): Promise<Moment> {
    const run = this.#run
    const { tensors: _, ...optimizer } = run.optimizer.stateDict()
    const { optimizer: own, schedule, stopAtEpoch } = run.spec
    const [variables, slots] = await Promise.all([
      copies(run.model.namedVariables()),
      copies(run.optimizer.namedState()),
    ])
    const bytes = [...variables.values(), ...slots.values()].reduce(
      (sum, { byteLength }) => sum + byteLength + 200,
      500,
    )
    return {
      step: run.step,
      events: this.#done,
      variables,
      slots,
      optimizer,
      draws: run.draws,
      settings: { optimizer: own, schedule, stopAtEpoch },
      holds: this.#holder.holds,
      bytes,
    }
  }

  /** Makes the run what it was at a moment of this history. */
  async restore(moment: Moment): Promise<void> {
    const run = this.#run
    const { optimizer, schedule, stopAtEpoch } = run.spec
    const now = { optimizer, schedule, stopAtEpoch }
    if (JSON.stringify(now) !== JSON.stringify(moment.settings)) await run.adjust(moment.settings)
    if (this.#holder.holds !== moment.holds) this.#holder.set(moment.holds)
    for (const [name, variable] of run.model.namedVariables()) variable.write(moment.variables.get(name) as TypedArray)
    const tensors = [...run.optimizer.namedState()].map(([name, { shape, dtype }]) => {
      return [name, tensor(moment.slots.get(name) as Float32Array, { shape, dtype })] as const
    })
    await run.optimizer.loadStateDict({ ...moment.optimizer, tensors: Object.fromEntries(tensors) })
    run.draws = moment.draws
    run.step = moment.step
    this.#done = moment.events
  }

  async #make(change: Change): Promise<void> {
    const run = this.#run
    if (change.kind === 'adjust') return run.adjust(change.change)
    if (change.kind === 'hold') return this.#holder.set(change.holds)
    const variable = run.model.namedVariables().get(change.name)
    if (!variable) throw new Error(`The model has no parameter ${change.name}.`)
    if (change.kind === 'write') {
      if (change.values.length !== variable.size)
        throw new Error(`${change.name} has ${variable.size} numbers; ${change.values.length} were given.`)
      variable.write(change.values)
      return
    }
    const { element, value } = change
    if (!(Number.isInteger(element) && element >= 0 && element < variable.size))
      throw new Error(`${change.name} has ${variable.size} numbers; there is none at place ${element}.`)
    const values = await variable.data()
    values[element] = value
    variable.write(values)
  }

  /** Makes the recorded changes of the present step that are not made yet. */
  async #redo(): Promise<void> {
    while (this.#done < this.#events.length && this.#events[this.#done].step <= this.#run.step) {
      await this.#make(this.#events[this.#done].change)
      this.#done++
    }
  }

  /** Whether it is time for a copy. Large ones come more seldom: watching must not slow training down. */
  #isDue(): boolean {
    if (this.#moments.length === 0) return true
    if (this.#run.step <= this.#moments[this.#moments.length - 1].step) return false
    return performance.now() - this.#keptAt >= Math.max(this.#interval, timesItsCost * this.#cost)
  }

  async #keep(): Promise<void> {
    const from = performance.now()
    const moment = await this.moment()
    this.#moments.push(moment)
    this.#cost = performance.now() - from
    const most = Math.max(2, Math.min(this.#most, Math.floor((0.75 * this.#bytes) / moment.bytes)))
    if (this.#moments.length > most) {
      // The first stays, or there would be no way back to it.
      this.#moments = this.#moments.filter((_, i) => i % 2 === 0)
      this.#interval *= 2
    }
    this.#keptAt = performance.now()
  }

  #addNear(moment: Moment): void {
    const most = Math.max(1, Math.min(24, Math.floor((0.25 * this.#bytes) / moment.bytes)))
    this.#near = [...this.#near.filter(({ step }) => step !== moment.step), moment].slice(-most)
  }
}

const isBefore = (a: Moment, b: Moment): boolean => a.step < b.step || (a.step === b.step && a.events < b.events)

/** Whether a change makes an earlier one at the same step needless. */
function replaces(change: Change, before: Change): boolean {
  if (change.kind === 'write' && before.kind === 'write') return change.name === before.name
  if (change.kind === 'overwrite' && before.kind === 'overwrite')
    return change.name === before.name && change.element === before.element
  if (change.kind === 'adjust' && before.kind === 'adjust')
    return Object.keys(before.change).every((key) => Object.hasOwn(change.change, key))
  return change.kind === 'hold' && before.kind === 'hold'
}

async function copies(
  variables: ReadonlyMap<string, { data(): Promise<TypedArray> }>,
): Promise<ReadonlyMap<string, TypedArray>> {
  const read = [...variables].map(async ([name, variable]) => [name, await variable.data()] as const)
  return new Map(await Promise.all(read))
}

/** Lets messages in. */
function breathe(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(undefined)
  })
}
