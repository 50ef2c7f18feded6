/**
 * Editing what is set up: every edit can be undone, sizes follow, and the network that trains follows too.
 *
 * What a running network can take (learning rate and other numbers of the optimizer, the schedule, where to stop) it
 * takes while it runs; for anything else it is built anew from the same seed. A network that does not fit together is
 * shown with what is wrong, and the last one that did stays.
 */
import { batch, computed, signal } from '@preact/signals'
import { checkSpec } from '../spec/check.ts'
import type { DataFacts } from '../spec/facts.ts'
import { fitted } from '../spec/fitting.ts'
import { fit } from '../spec/shapes.ts'
import type { LabSpec } from '../spec/spec.ts'
import type { Adjustment, RunInfo } from '../worker/protocol.ts'
import { RefusedError } from './client.ts'
import { History } from './history.ts'
import type { Lab } from './lab.ts'

const equal = (a: unknown, b: unknown): boolean => a === b || JSON.stringify(a) === JSON.stringify(b)

/** What data say about a network, from a run that has them. */
export function factsOfRun({ task, inputShape, labels, features, trainCount, testCount }: RunInfo): DataFacts {
  const outputShape = task === 'number' ? [1] : task === 'token' ? [inputShape[0], labels.length] : [labels.length]
  const letters = task === 'token' ? labels.length : 0
  return { task, inputShape, outputShape, letters, labels, features, trainCount, testCount }
}

/** The changes that a run can take while it trains; undefined if it must be built anew. */
export function adjustmentOf(from: LabSpec, to: LabSpec): Adjustment | undefined {
  const { optimizer, schedule, stopAtEpoch, ...rest } = to
  const { optimizer: o, schedule: s, stopAtEpoch: e, ...old } = from
  if (optimizer.kind !== o.kind || !equal(rest, old)) return undefined
  return {
    ...(!equal(optimizer, o) && { optimizer }),
    ...(!equal(schedule, s) && { schedule }),
    ...(stopAtEpoch !== e && { stopAtEpoch }),
  }
}

export class Editor {
  readonly #lab: Lab
  readonly history = new History<LabSpec>()
  /** Of the data that are set up. */
  readonly facts = signal<DataFacts | undefined>(undefined)
  /** Sizes through the network that is set up, and what does not fit. */
  readonly fitted = computed(() => {
    const [spec, facts] = [this.#lab.spec.value, this.facts.value]
    return spec && facts ? fit(spec.model, facts) : undefined
  })
  /** Whether the network that trains is not the one that is set up, because that one does not fit together. */
  readonly behind = computed(() => (this.fitted.value?.problems.length ?? 0) > 0)
  #edits = 0
  /** What is asked for while data are looked at: the next edit builds on it. */
  #asked: LabSpec | undefined
  #wanted: LabSpec | undefined
  /** What is set up, whether it fits together or not. */
  #newest: LabSpec | undefined
  #bringing: Promise<void> | undefined

  constructor(lab: Lab) {
    this.#lab = lab
  }

  /** A run was opened: from here on, edits are of its spec. */
  opened(info: RunInfo): void {
    this.facts.value = factsOfRun(info)
    const spec = this.#lab.spec.peek()
    if (spec && !this.#bringing) this.history.push(spec)
  }

  /** Sets up another spec. `key` names the kind of edit: those that follow each other quickly are undone together. */
  async edit(next: LabSpec, key = ''): Promise<boolean> {
    return this.#set(next, (spec) => this.history.push(spec, key))
  }

  /** Changes a few entries. */
  change(change: Partial<LabSpec>, key = ''): Promise<boolean> {
    const spec = this.#asked ?? this.#lab.spec.peek()
    return spec ? this.edit({ ...spec, ...change }, key) : Promise.resolve(false)
  }

  async undo(): Promise<void> {
    const spec = this.history.undo()
    if (spec) await this.#set(spec, () => {})
  }

  async redo(): Promise<void> {
    const spec = this.history.redo()
    if (spec) await this.#set(spec, () => {})
  }

  async #set(asked: LabSpec, keep: (spec: LabSpec) => void): Promise<boolean> {
    const edit = ++this.#edits
    const checked = checkSpec(asked)
    if (checked.problem !== undefined) return this.#refuse(checked.problem)
    const before = this.#lab.spec.peek()
    let facts = this.facts.peek()
    const newData = !facts || !equal(asked.data, before?.data)
    if (newData) {
      try {
        this.#asked = asked
        facts = await this.#lab.client.order('describe', { data: asked.data })
      } catch (problem) {
        if (!(problem instanceof RefusedError)) throw problem
        return edit === this.#edits && this.#refuse(problem.message)
      } finally {
        if (edit === this.#edits) this.#asked = undefined
      }
    }
    // A newer edit has overtaken this one.
    if (edit !== this.#edits || !facts) return false
    const known = facts
    const { spec } = fitted(asked, known, newData && before !== undefined && equal(asked.model, before.model))
    batch(() => {
      this.facts.value = known
      this.#lab.spec.value = spec
    })
    keep(spec)
    this.#newest = spec
    if (this.behind.peek()) return false
    this.#wanted = spec
    this.#bringing ??= this.#bring().finally(() => {
      this.#bringing = undefined
    })
    await this.#bringing
    return true
  }

  /** Brings the network to what is wanted; of edits that come meanwhile, only the newest. */
  async #bring(): Promise<void> {
    while (this.#wanted) {
      const spec = this.#wanted
      this.#wanted = undefined
      const info = this.#lab.info.peek()
      const change = info && adjustmentOf(info.spec, spec)
      if (!change) await this.#lab.open(spec)
      else if (Object.keys(change).length > 0) await this.#lab.adjust(change)
      // What a newer edit has set up must not be covered by what was just opened.
      if (this.#newest) this.#lab.spec.value = this.#newest
    }
  }

  #refuse(text: string): false {
    this.#lab.notice.value = { kind: 'error', text }
    return false
  }
}
