/**
 * What an optimizer is made of: the mathematics for one parameter, and the options that all of them share.
 *
 * A rule (sgd.ts, adam.ts …) says how a parameter and its state change with a gradient; the learning rate comes from a
 * number or a schedule (schedule.ts); which parameters follow which rule is said by groups (groups.ts). What binds
 * them to a model: optimizer.ts.
 */
import { fail } from '../errors.ts'
import type { Parameter } from '../nn/module.ts'
import type { Tensor } from '../tensor.ts'
import type { ParameterGroup } from './groups.ts'
import type { Schedule } from './schedule.ts'

/** The host's numbers of one step. */
export interface Rates {
  readonly lr: number
  /** Set by schedules that change the momentum too; otherwise the optimizer's own option counts. */
  readonly momentum?: number
}

/** The mathematics of one optimizer, for one parameter. */
export interface Rule<Slot extends string = string, Scalar extends string = string> {
  /** The tensors that it keeps for each parameter, of the parameter's shape. */
  readonly slots: readonly Slot[]
  /** What the slots hold at first; 0 where nothing is said. */
  readonly initial?: Partial<Record<Slot, number>>
  /** The host's numbers for step number `step` (1 is the first). */
  scalars(step: number, rates: Rates): Record<Scalar, number>
  /** The new value of the parameter `p` with the gradient `g`, and of each slot. */
  update(
    p: Tensor,
    g: Tensor,
    state: Record<Slot, Tensor>,
    scalars: Record<Scalar, Tensor>,
  ): { value: Tensor; state: Record<Slot, Tensor> }
  /** Raises an error for a parameter that the rule is not for. */
  check?(name: string, parameter: Parameter): void
}

/** What makes a rule of options. */
export interface Method<O> {
  readonly name: string
  /** The rule for checked options; `cycled` if a schedule changes the momentum from step to step. */
  rule(options: O, cycled: boolean): Rule
  /** The learning rate where none is given. */
  readonly lr: number
  /** Whether a schedule may change its momentum (the first of the betas in Adam's family). */
  readonly momentum: boolean
}

/** The options that every optimizer takes beside its own; they hold for all groups. */
export interface SharedOptions<O> {
  /** Parameters with options of their own; the first group that a parameter belongs to counts. */
  readonly groups?: readonly ParameterGroup<O>[]
  /** Gradients are scaled down together, so that their norm over all parameters is at most this (Pascanu 2013). */
  readonly clipNorm?: number
  /** Each element of a gradient is brought into the range from -clipValue to clipValue; before clipNorm. */
  readonly clipValue?: number
  /** Gradients are averaged over this many calls of `minimize`, and the last of them makes the step. Default 1. */
  readonly accumulate?: number
  /** Steps whose gradients are not all finite change nothing, and count in `skipped`. Default false. */
  readonly skipNonFinite?: boolean
  /** Keeps an exponential moving average of the weights with this decay, such as 0.999: see `optimizer.ema`. */
  readonly ema?: number
}

/** What every rule's options begin with. */
export interface RateOptions {
  /** Learning rate: a number, or a schedule such as optim.schedule.cosine(1e-3, 10_000, { warmUp: 500 }). */
  readonly lr?: number | Schedule
}

export function checkOption(what: string, received: unknown, good: boolean, expected: string): void {
  if (!good) {
    const text = Array.isArray(received) ? `[${received.join(', ')}]` : String(received)
    fail('value-invalid', { what, received: text, expected, fix: 'Change the option.' })
  }
}

export function checkDecay(name: string, weightDecay: number): void {
  checkOption(`${name}: weightDecay`, weightDecay, weightDecay >= 0, 'a number of at least 0')
}

export function checkEps(name: string, eps: number): void {
  checkOption(`${name}: eps`, eps, eps >= 0, 'a number of at least 0')
}

/** A share that is kept from step to step: at least 0, below 1. */
export function checkShare(what: string, share: number): void {
  checkOption(what, share, share >= 0 && share < 1, 'a number of at least 0 and below 1')
}

export function checkBetas(name: string, betas: readonly number[]): void {
  for (const beta of betas) {
    checkOption(`${name}: betas`, beta, beta >= 0 && beta < 1, 'numbers of at least 0 and below 1')
  }
}

export function checkMomentum(name: string, momentum: number): void {
  checkOption(`${name}: momentum`, momentum, momentum >= 0, 'a number of at least 0')
}
