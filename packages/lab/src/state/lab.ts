/**
 * The state of a lab: what is set up, which runs there are, where training stands, and what is selected.
 *
 * Settings, positions and selections are signals, which the page's text and controls follow. Arrays of numbers are not:
 * views ask for them (useQuestion in ask.ts) and draw them on animation frames (ui/frame.ts).
 */
import { batch, computed, effect, signal } from '@preact/signals'
import type { LabSpec } from '../spec/spec.ts'
import type { Adjustment, BranchChange, Progress, Remedy, RunId, RunInfo, Trial } from '../worker/protocol.ts'
import { Client, RefusedError } from './client.ts'
import { Curves } from './curves.ts'
import { Editor } from './editor.ts'
import { Selection } from './selection.ts'

/** What a run looks like from the page. */
export interface RunState {
  readonly info: RunInfo
  readonly progress: Progress
  readonly curves: Curves
}

/** Something that a person should know; shown until it is put away. */
export interface Notice {
  readonly kind: 'error' | 'note'
  readonly text: string
}

export class Lab {
  readonly client = new Client()
  readonly selection = new Selection()
  /** Every change of what is set up goes through it, and can be undone. */
  readonly editor = new Editor(this)
  /** As it is set up; the network that trains may be of an earlier one until it is opened. */
  readonly spec = signal<LabSpec | undefined>(undefined)
  readonly runs = signal<ReadonlyMap<RunId, RunState>>(new Map())
  /** The run that is shown. */
  readonly current = signal<RunId>(0)
  readonly opening = signal(false)
  readonly notice = signal<Notice | undefined>(undefined)
  /** The run that is shown beside it, if any. */
  readonly beside = signal<RunId | undefined>(undefined)
  /** Steps a second at most; 0: as fast as it goes. */
  readonly speed = signal(0)

  readonly run = computed(() => this.runs.value.get(this.current.value))
  readonly info = computed(() => this.run.value?.info)
  readonly progress = computed(() => this.run.value?.progress)
  readonly running = computed(() => this.run.value?.progress.running ?? false)

  constructor() {
    this.client.onProgress = (progress) => this.#progressed(progress)
    this.client.onFailure = (text) => {
      this.notice.value = { kind: 'error', text }
    }
  }

  #progressed(progress: Progress): void {
    const state = this.runs.peek().get(progress.stamp.run)
    if (!state) return
    state.curves.cutAt(progress.end)
    state.curves.addLosses(progress.from, progress.losses)
    if (progress.scores) state.curves.addScores(progress.scores)
    this.#set(progress.stamp.run, { ...state, progress })
    if (progress.stopped === 'not-finite') {
      const text = `Training stopped at step ${progress.stamp.step}: the loss is no longer a number. The learning rate is probably too large; take a third of it, and reset.`
      this.notice.value = { kind: 'error', text }
    }
  }

  #set(run: RunId, state: RunState): void {
    this.runs.value = new Map(this.runs.peek()).set(run, state)
  }

  /** Carries out an order that makes a run; its first reports come before the answer does. */
  async #making(order: () => Promise<RunInfo>, take: (info: RunInfo, progress: Progress) => void): Promise<void> {
    const early: Progress[] = []
    const listening = this.client.onProgress
    this.client.onProgress = (progress) => early.push(progress)
    try {
      const info = await order()
      const progress = early.findLast(({ stamp }) => stamp.run === info.run) as Progress
      batch(() => take(info, progress))
      for (const other of early) if (other.stamp.run !== info.run) this.#progressed(other)
      this.#progressed(progress)
    } finally {
      this.client.onProgress = listening
    }
  }

  /** Sets up a spec and builds its network. What was open is given up only if that works. */
  async open(spec: LabSpec, weights?: Uint8Array): Promise<boolean> {
    this.opening.value = true
    try {
      return await this.#obeyed(async () => {
        await this.#making(
          () => this.client.order('open', { spec, ...(weights && { weights }) }),
          (info, progress) => {
            this.spec.value = spec
            this.current.value = info.run
            this.beside.value = undefined
            this.runs.value = new Map([[info.run, { info, progress, curves: new Curves() }]])
            this.notice.value = undefined
            this.selection.fit(info)
            this.editor.opened(info)
          },
        )
      })
    } finally {
      this.opening.value = false
    }
  }

  train(run = this.current.peek()): Promise<boolean> {
    return this.#obeyed(() => this.client.order('train', { run, rate: this.speed.peek() }))
  }

  pause(run = this.current.peek()): Promise<boolean> {
    return this.#obeyed(() => this.client.order('pause', { run }))
  }

  toggle(): Promise<boolean> {
    return this.running.peek() ? this.pause() : this.train()
  }

  /** So many steps, or to the end of the epoch. */
  advance(by: number | 'epoch'): Promise<boolean> {
    const state = this.run.peek()
    if (!state) return Promise.resolve(false)
    const perEpoch = state.info.stepsPerEpoch
    const steps = by === 'epoch' ? perEpoch - (state.progress.stamp.step % perEpoch) : by
    return this.#obeyed(() => this.client.order('advance', { run: this.current.peek(), steps }))
  }

  /** The run that is shown as it was at a step; training pauses. */
  seek(step: number): Promise<boolean> {
    return this.#obeyed(() => this.client.order('seek', { run: this.current.peek(), step }))
  }

  /** A new run from where the one that is shown stands, with something changed; it is shown, and the old one beside it. */
  branch(change: BranchChange): Promise<boolean> {
    const parent = this.current.peek()
    const step = this.progress.peek()?.stamp.step ?? 0
    return this.#obeyed(() =>
      this.#making(
        () => this.client.order('branch', { run: parent, step, change }),
        (info, progress) => {
          this.#set(info.run, { info, progress, curves: new Curves() })
          this.show(info.run)
          this.beside.value = parent
        },
      ),
    )
  }

  /** Tries something on the run that is shown; what follows is among its experiments. */
  experiment(trial: Trial): Promise<boolean> {
    return this.#obeyed(() => this.client.order('experiment', { run: this.current.peek(), trial }))
  }

  undoExperiment(id: number): Promise<boolean> {
    return this.#obeyed(() => this.client.order('undoExperiment', { run: this.current.peek(), id }))
  }

  /** Another number at one place of a parameter. */
  overwrite(name: string, element: number, value: number): Promise<boolean> {
    return this.experiment({ kind: 'overwrite', name, element, value })
  }

  /** Does what the doctor advises: from here on, or again from the first weights. */
  async remedy({ change, from }: Remedy): Promise<boolean> {
    if (from === 'here' && change.optimizer && this.current.peek() !== 0)
      return this.adjust({ optimizer: change.optimizer })
    if (!(await this.editor.change(change))) return false
    if (from === 'start') await this.reset()
    return this.train()
  }

  /** Shows another of the runs. */
  show(run: RunId): void {
    const state = this.runs.peek().get(run)
    if (!state || run === this.current.peek()) return
    batch(() => {
      if (this.beside.peek() === run) this.beside.value = this.current.peek()
      this.current.value = run
      // What is edited is what is shown.
      this.spec.value = state.info.spec
      this.selection.fit(state.info)
      this.editor.opened(state.info)
    })
  }

  /** Sets a run beside the one that is shown; undefined: none. */
  compare(run: RunId | undefined): void {
    this.beside.value = run === this.current.peek() ? undefined : run
  }

  close(run: RunId): Promise<boolean> {
    return this.#obeyed(async () => {
      await this.client.order('close', { run })
      const left = new Map(this.runs.peek())
      left.delete(run)
      batch(() => {
        if (this.current.peek() === run) this.show([...left.keys()][left.size - 1])
        if (this.beside.peek() === run) this.beside.value = undefined
        this.runs.value = left
      })
    })
  }

  /** Back to the same first weights. */
  reset(): Promise<boolean> {
    const run = this.current.peek()
    this.run.peek()?.curves.clear()
    return this.#obeyed(() => this.client.order('reset', { run }))
  }

  /** Other numbers for a parameter of the run that is shown. */
  setParameter(name: string, values: Float32Array): Promise<boolean> {
    return this.#obeyed(() => this.client.order('setParameter', { run: this.current.peek(), name, values }))
  }

  /** Changes how the run that is shown trains, from its next step on. */
  adjust(change: Adjustment): Promise<boolean> {
    const run = this.current.peek()
    return this.#obeyed(async () => {
      await this.client.order('adjust', { run, change })
      const state = this.runs.peek().get(run)
      if (state) this.#set(run, { ...state, info: { ...state.info, spec: { ...state.info.spec, ...change } } })
    })
  }

  /** Does what the worker may refuse; says so, and loses nothing. */
  async #obeyed(work: () => Promise<unknown>): Promise<boolean> {
    try {
      await work()
      return true
    } catch (problem) {
      if (!(problem instanceof RefusedError)) throw problem
      this.notice.value = { kind: 'error', text: problem.message }
      return false
    }
  }
}

/** Training goes on at another pace when the dial is turned. */
export function followSpeed(lab: Lab): () => void {
  let before = lab.speed.peek()
  return effect(() => {
    const now = lab.speed.value
    if (now === before) return
    before = now
    if (lab.running.peek()) void lab.train()
  })
}
