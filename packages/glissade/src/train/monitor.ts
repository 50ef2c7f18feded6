/** One number watched over evaluations: whether it still gets better. For early stopping and for the best model. */
import { fail } from '../errors.ts'
import type { Score } from './events.ts'

export interface MonitorOptions {
  /**
   * Which number: `validation.loss`, `train.loss`, `validation.accuracy`, or the name of a metric, `validation.f1`.
   * Default: the loss of validation, where there is one, else of training.
   */
  readonly monitor?: string
  /** Whether smaller or larger is better. Known for losses and accuracies; must be said of metrics. */
  readonly mode?: 'min' | 'max'
  /** How much better counts as better; default 0: any. */
  readonly minDelta?: number
}

/** As JSON. */
export interface MonitorState {
  readonly best: number | null
  readonly epoch: number
  readonly steps: number
  readonly waited: number
}

export class Monitor {
  readonly name: string
  readonly #mode: 'min' | 'max'
  readonly #minDelta: number
  #state: MonitorState = { best: null, epoch: 0, steps: 0, waited: 0 }

  constructor(op: string, options: MonitorOptions, validated: boolean, metrics: readonly string[]) {
    const { monitor = validated ? 'validation.loss' : 'train.loss', minDelta = 0 } = options
    this.name = monitor
    const known = ['train.loss', 'train.accuracy']
    if (validated) known.push(...['loss', 'accuracy', ...metrics].map((name) => `validation.${name}`))
    if (!known.includes(monitor)) {
      fail('value-invalid', {
        what: `${op}: monitor`,
        received: `'${monitor}'`,
        expected: `one of ${known.join(', ')}`,
        fix: validated ? 'Name one of these.' : 'Pass `validate` to watch its scores.',
      })
    }
    const natural = monitor.endsWith('.loss') ? 'min' : monitor.endsWith('.accuracy') ? 'max' : undefined
    const mode = options.mode ?? natural
    if (mode !== 'min' && mode !== 'max') {
      fail('value-invalid', {
        what: `${op}: mode`,
        received: String(options.mode),
        expected: `'min' or 'max' for ${monitor}`,
        fix: 'Say whether smaller or larger is better.',
      })
    }
    this.#mode = mode
    this.#minDelta = minDelta
    if (!(minDelta >= 0))
      fail('value-invalid', {
        what: `${op}: minDelta`,
        received: String(minDelta),
        expected: 'a number of at least 0',
        fix: 'Change the option.',
      })
  }

  /** Whether it is a number of training, which is known at the end of epochs only. */
  get ofTraining(): boolean {
    return this.name.startsWith('train.')
  }

  /** The monitored number in a score. Errors: `value-invalid` if it is none. */
  read(score: Score): number {
    const name = this.name.slice(this.name.indexOf('.') + 1)
    const value = name === 'loss' ? score.loss : name === 'accuracy' ? score.accuracy : score.metrics?.[name]
    if (typeof value === 'number') return value
    return fail('value-invalid', {
      what: `monitor: ${this.name}`,
      received: value === undefined ? 'nothing' : typeof value,
      expected: 'a number',
      fix: 'Monitor a score that is one number.',
    })
  }

  /** Takes the next value in; whether it is the best so far. NaN never is. */
  observe(value: number, epoch: number, steps: number): boolean {
    const { best, waited } = this.#state
    const gain = this.#mode === 'min' ? (best ?? Number.POSITIVE_INFINITY) - value : value - (best ?? -Infinity)
    const better = best === null ? !Number.isNaN(value) : gain > this.#minDelta
    this.#state = better ? { best: value, epoch, steps, waited: 0 } : { ...this.#state, waited: waited + 1 }
    return better
  }

  /** Evaluations since the best. */
  get waited(): number {
    return this.#state.waited
  }

  get best(): { epoch: number; steps: number; value: number } | undefined {
    const { best, epoch, steps } = this.#state
    return best === null ? undefined : { epoch, steps, value: best }
  }

  state(): MonitorState {
    return this.#state
  }

  restore(state: MonitorState): void {
    this.#state = state
  }
}
