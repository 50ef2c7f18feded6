/**
 * An exponential moving average of the weights: steadier than the weights themselves, and often better on new data
 * (Polyak and Juditsky 1992; Tarvainen and Valpola 2017, arXiv 1703.01780).
 *
 * Optimizers keep one with the option `ema`; on its own it is updated inside a step, after the weights have changed.
 */
import { fail } from '../errors.ts'
import { activeTrace } from '../graph/trace.ts'
import type { Parameter } from '../nn/module.ts'
import { checkWhole } from '../ops/derived/common.ts'
import { withScope } from '../scope.ts'
import type { Tensor, Variable } from '../tensor.ts'
import type { Trainable } from './groups.ts'
import { checkOption } from './rule.ts'
import { freshState, loadVariables, parametersOf, suppliedNumber } from './state.ts'

export interface EmaOptions {
  /** Less at first: at update n at most (1 + n) / (10 + n), so that the first weights are forgotten. Default false. */
  readonly warmUp?: boolean
}

export interface EmaState {
  readonly updates: number
  /** The averages by parameter, as `fc1.weight.ema`. */
  readonly tensors: Readonly<Record<string, Tensor>>
}

/** The average of the weights of `target`: begins as a copy at the first update. */
export function ema(target: Trainable, decay = 0.999, options: EmaOptions = {}): Ema {
  return new Ema(target, decay, options)
}

export class Ema {
  /** How many updates were made. */
  updates = 0
  readonly decay: number
  readonly #warmUp: boolean
  readonly #averages: ReadonlyMap<string, { readonly parameter: Parameter; readonly average: Variable }>
  #swapped = false

  constructor(target: Trainable, decay: number, { warmUp = false }: EmaOptions = {}) {
    checkOption('ema: decay', decay, decay >= 0 && decay < 1, 'a number of at least 0 and below 1')
    this.decay = decay
    this.#warmUp = warmUp
    this.#averages = new Map(
      [...parametersOf(target)].map(([name, parameter]) => {
        return [`${name}.ema`, { parameter, average: freshState(parameter, `${name}.ema`, parameter.value) }]
      }),
    )
  }

  /** Whether the averages stand in the model at present. */
  get swapped(): boolean {
    return this.#swapped
  }

  /** Moves the averages towards the present weights: inside a compiled step, after the optimizer's minimize. */
  update(): void {
    const share = suppliedNumber(() => this.share(this.updates + 1))
    this.blend(share)
    const trace = activeTrace()
    if (trace) trace.afterRun.push(() => void this.updates++)
    else this.updates++
  }

  /** How much of the present weights enters at update `n`, of which 1 is the first and takes all. */
  share(n: number): number {
    this.refuseSwapped()
    if (n <= 1) return 1
    return 1 - (this.#warmUp ? Math.min(this.decay, (1 + n) / (10 + n)) : this.decay)
  }

  /** average + share (weight - average), where `when` is true. */
  blend(share: Tensor, when?: Tensor): void {
    for (const [name, { parameter, average }] of this.#averages) {
      withScope({ path: name, pass: 'update' }, () => {
        const before = average.current()
        // As a sum of two parts, so that a share of 1 gives the weight itself.
        const after = before.mul(share.neg().add(1)).add(parameter.current().mul(share)).cast(average.dtype)
        average.assign(when ? when.where(after, before) : after)
      })
    }
  }

  /** The averages, by parameter name and `.ema`. */
  namedState(): Map<string, Variable> {
    return new Map([...this.#averages].map(([name, { average }]) => [name, average]))
  }

  /**
   * Weights and averages change places: the model now computes with the averages, until the next swap. Training in
   * between is refused. Buffers, such as running statistics, stay as they are.
   */
  async swap(): Promise<void> {
    const pairs = [...this.#averages.values()]
    const numbers = await Promise.all(
      pairs.map(async ({ parameter, average }) => [
        (await parameter.realized()).read().slice(),
        (await average.realized()).read().slice(),
      ]),
    )
    pairs.forEach(({ parameter, average }, i) => {
      average.write(numbers[i][0])
      parameter.write(numbers[i][1])
    })
    this.#swapped = !this.#swapped
  }

  /** Runs `body` with the averages in the model, such as an evaluation, and puts the weights back. */
  async during<T>(body: () => T | Promise<T>): Promise<T> {
    this.refuseSwapped()
    await this.swap()
    try {
      return await body()
    } finally {
      await this.swap()
    }
  }

  /** All that a later run needs. The tensors are the living ones, not copies. Errors: value-invalid while swapped. */
  stateDict(): EmaState {
    this.refuseSwapped()
    return { updates: this.updates, tensors: Object.fromEntries(this.namedState()) }
  }

  /** Goes on from a state that `stateDict` gave. Errors: weights-mismatch, and nothing is changed. */
  async loadStateDict({ updates, tensors }: EmaState): Promise<void> {
    checkWhole('The state of the average: updates', updates, 0)
    await loadVariables('The state of the average', this.namedState(), tensors)
    this.updates = updates
    this.#swapped = false
  }

  /** Raises an error while the averages stand in the model. */
  refuseSwapped(): void {
    if (!this.#swapped) return
    fail('value-invalid', {
      what: 'ema',
      received: 'a model whose weights are the averages at present',
      expected: 'the weights of training',
      fix: 'Call swap() once more before going on, or use during().',
    })
  }
}
