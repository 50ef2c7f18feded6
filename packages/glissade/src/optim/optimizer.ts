/**
 * What all optimizers share: they are bound to parameters, take gradients, and assign parameters and their own state.
 *
 * Numbers that change from step to step without depending on tensors, such as the learning rate and bias corrections,
 * are worked out by the host in float64 and supplied to compiled programs at each run, so changing `lr` never compiles
 * again. The mathematics of one parameter: rule.ts, sgd.ts, adam.ts …; options before they are bound: recipe.ts.
 */
import { gradients } from '../autodiff/gradients.ts'
import { fail } from '../errors.ts'
import { activeTrace, type Trace } from '../graph/trace.ts'
import { type Parameter, tap } from '../nn/module.ts'
import { checkWhole } from '../ops/derived/common.ts'
import { withScope } from '../scope.ts'
import type { Tensor, Variable } from '../tensor.ts'
import { clipGradNorm, clipGradValue, gradNorm } from './clip.ts'
import { Ema } from './ema.ts'
import { assignGroups, type Trainable } from './groups.ts'
import { Rate, type RateState } from './rate.ts'
import type { Part, Plan } from './recipe.ts'
import type { Rule } from './rule.ts'
import { freshState, loadVariables, suppliedNumber } from './state.ts'

/** Options for an optimizer, not yet bound to a model. */
export interface OptimizerFactory {
  /** The optimizer for the parameters of `target`, with fresh state. */
  for(target: Trainable): Optimizer
}

export interface OptimizerState {
  /** Steps taken. */
  readonly steps: number
  /** The learning rate of the next step, of parameters without a group. */
  readonly lr: number
  /** Calls of minimize since the last step, where gradients are accumulated. */
  readonly accumulated?: number
  /** Steps that were left out because their gradients were not finite. */
  readonly skipped?: number
  /** The learning rates and what schedules remember: the optimizer's, and those of groups that have their own. */
  readonly rates?: readonly RateState[]
  /** The slots by parameter and slot name, as `fc1.weight.m`. */
  readonly tensors: Readonly<Record<string, Tensor>>
}

/** What a step has to say; what nobody returns from a compiled step is not computed. */
export interface StepReport {
  /** The norm of all gradients together (of the mean, where they are accumulated), before clipping; [] */
  readonly gradNorm: Tensor
}

/** A group that is bound to its parameters. */
interface Group {
  readonly rule: Rule
  readonly rate: Rate
  readonly lrScale: number
}

/** Whether the step is to be taken, as a bool [] that the host or the gradients decide; undefined for always. */
type Condition = Tensor | undefined

export class Optimizer {
  /** Its kind, such as 'adamW'. */
  readonly name: string
  /** How many steps were taken. */
  steps = 0
  /** How many steps were left out because their gradients were not finite; see the option skipNonFinite. */
  skipped = 0
  readonly parameters: ReadonlyMap<string, Parameter>
  /** The moving average of the weights, with the option `ema`. */
  readonly ema: Ema | undefined
  readonly #plan: Plan
  /** Those of the options in their order; last, the group of all other parameters. */
  readonly #groups: readonly Group[]
  readonly #groupOf: ReadonlyMap<Parameter, number>
  readonly #slots = new Map<Parameter, Record<string, Variable>>()
  readonly #sums = new Map<Parameter, Variable>()
  readonly #traced = new WeakMap<Trace, { calls: number }>()
  /** Calls of minimize since the last step. */
  #accumulated = 0

  constructor(plan: Plan, target: Trainable) {
    this.name = plan.name
    this.#plan = plan
    const shared = new Rate(plan.rest.lr ?? 0)
    const bind = ({ rule, lr, lrScale }: Part): Group => ({
      rule,
      lrScale,
      rate: lr === undefined ? shared : new Rate(lr),
    })
    this.#groups = [...plan.groups.map(bind), { ...bind(plan.rest), rate: shared }]
    const selections = plan.groups.map(({ parameters }) => parameters)
    const { parameters, groupOf } = assignGroups(plan.name, target, selections)
    if (parameters.size === 0) {
      fail('value-invalid', {
        what: plan.name,
        received: 'a model without parameters',
        expected: 'at least one to train',
        fix: 'Keep layers and parameters in fields of the module, where they are found.',
      })
    }
    this.parameters = parameters
    this.#groupOf = groupOf
    for (const [name, parameter] of parameters) {
      const { rule } = this.#group(parameter)
      rule.check?.(name, parameter)
      const slots = rule.slots.map((slot) => {
        return [slot, freshState(parameter, `${name}.${slot}`, rule.initial?.[slot] ?? 0)] as const
      })
      this.#slots.set(parameter, Object.fromEntries(slots))
      if (plan.accumulate > 1) this.#sums.set(parameter, freshState(parameter, `${name}.accumulated`, 0))
    }
    this.ema = plan.ema === undefined ? undefined : new Ema(target, plan.ema)
  }

  /** The learning rate of the next step, of parameters without a group. Setting it takes the place of a schedule. */
  get lr(): number {
    return this.#shared.at(this.steps).lr
  }
  set lr(lr: number) {
    this.#shared.set(lr)
  }

  /** Tells schedules that look at results, such as schedule.reduceOnPlateau, how good the model is now. */
  observe(value: number): void {
    if (typeof value !== 'number') {
      fail('value-invalid', {
        what: 'optimizer.observe',
        received: typeof value,
        expected: 'a number, such as the validation loss',
        fix: 'Await item() of a tensor first.',
      })
    }
    for (const rate of this.#rates()) rate.observe(value, this.steps)
  }

  /** One step down the gradient of `loss` (a single number), for all parameters that are not frozen. */
  minimize(loss: Tensor): StepReport {
    const trained = [...this.parameters.values()].filter((parameter) => parameter.trainable)
    return this.apply(new Map(gradients(loss, trained).map((gradient, i) => [trained[i], gradient])))
  }

  /** One step with given gradients; parameters without one stay as they are. */
  apply(given: ReadonlyMap<Parameter, Tensor | undefined>): StepReport {
    const { accumulate, clipNorm, clipValue, skipNonFinite } = this.#plan
    const changed = [...this.parameters].flatMap(([name, parameter]) => {
      const gradient = parameter.trainable ? given.get(parameter) : undefined
      return gradient ? [{ name, parameter, gradient }] : []
    })
    if (changed.length === 0) {
      fail('value-invalid', {
        what: `${this.name}: minimize`,
        received: 'a loss that depends on no parameter that may change',
        expected: 'at least one',
        fix: 'Check that the loss is made from the model, and that not all of it is frozen.',
      })
    }
    const call = this.#countCall()
    let parts = changed.map(({ gradient }) => gradient)
    const due = accumulate > 1 ? suppliedNumber(() => Number(this.#isDue(call()))).gt(0) : undefined
    if (due) parts = changed.map(({ name, parameter }, i) => this.#accumulate(name, parameter, parts[i], due))
    const { norm, finite } = withScope({ path: '', pass: 'update' }, () => {
      const norm = gradNorm(parts)
      if (clipValue !== undefined) parts = clipGradValue(parts, clipValue)
      if (clipNorm !== undefined) parts = clipGradNorm(parts, clipNorm).gradients
      return { norm, finite: skipNonFinite ? norm.isFinite() : undefined }
    })
    const when: Condition = due && finite ? due.and(finite) : (due ?? finite)

    // Each step() is the number of the step that this call belongs to, in the run that is to come. Recordings show the
    // numbers by name.
    const step = (): number => this.steps + Math.floor(call() / accumulate) + 1
    const scalars = this.#groups.map(({ rule, rate, lrScale }) => {
      const at = (): Record<string, number> => {
        const rates = rate.at(step() - 1)
        return rule.scalars(step(), { ...rates, lr: rates.lr * lrScale })
      }
      return mapValues(rule.scalars(1, { lr: 0 }), (_, name) =>
        tap(
          name,
          suppliedNumber(() => at()[name]),
        ),
      )
    })
    changed.forEach(({ name, parameter }, i) => {
      withScope({ path: name, pass: 'update' }, () => {
        const group = this.#groupOf.get(parameter) as number
        this.#update(parameter, parts[i], this.#groups[group].rule, scalars[group], when)
      })
    })
    const average = this.ema
    if (average) {
      const share = suppliedNumber(() => average.share(step()))
      average.blend(share, when)
    }
    this.#countAfter(finite)
    return { gradNorm: norm }
  }

  /** All that a later run needs to go on from here. The tensors are the living ones, not copies. */
  stateDict(): OptimizerState {
    this.ema?.refuseSwapped()
    const rates = [...this.#rates()].map((rate) => rate.state())
    const { steps, lr, skipped } = this
    const tensors = Object.fromEntries(this.namedState())
    return { steps, lr, accumulated: this.#accumulated, skipped, rates, tensors }
  }

  /** The slots of all parameters, by parameter and slot name; with sums of gradients and averages, where they are. */
  namedState(): Map<string, Variable> {
    const named = [...this.parameters].flatMap(([name, parameter]) => {
      const sum = this.#sums.get(parameter)
      const slots = { ...this.#slots.get(parameter), ...(sum && { accumulated: sum }) }
      return Object.entries(slots).map(([slot, variable]) => [`${name}.${slot}`, variable] as const)
    })
    return new Map([...named, ...(this.ema?.namedState() ?? [])])
  }

  /** Goes on from a state that `stateDict` gave. Errors: `weights-mismatch`, `value-invalid`; then nothing changed. */
  async loadStateDict(state: OptimizerState): Promise<void> {
    const { steps, lr, accumulated = 0, skipped = 0, rates, tensors } = state
    const own = [...this.#rates()]
    checkWhole('The optimizer state: steps', steps, 0)
    checkWhole('The optimizer state: accumulated', accumulated, 0)
    checkWhole('The optimizer state: skipped', skipped, 0)
    if (rates && rates.length !== own.length) {
      fail('value-invalid', {
        what: 'The optimizer state: rates',
        received: `${rates.length} learning rates`,
        expected: `${own.length}, one for the optimizer and one for each group that has its own`,
        fix: 'Use the same groups as when it was saved.',
      })
    }
    const found = rates ?? [{ lr }]
    for (const [i, rate] of found.entries()) own[i].check(rate)
    await loadVariables('The optimizer state', this.namedState(), tensors)
    for (const [i, rate] of found.entries()) own[i].restore(rate)
    this.steps = steps
    this.skipped = skipped
    this.#accumulated = accumulated
  }

  get #shared(): Rate {
    return this.#groups[this.#groups.length - 1].rate
  }

  /** The optimizer's own first, then those of groups that have one. */
  #rates(): Set<Rate> {
    return new Set([this.#shared, ...this.#groups.map(({ rate }) => rate)])
  }

  #group(parameter: Parameter): Group {
    return this.#groups[this.#groupOf.get(parameter) as number]
  }

  /** The new values of one parameter and its slots, taken where `when` is true. */
  #update(parameter: Parameter, g: Tensor, rule: Rule, scalars: Record<string, Tensor>, when: Condition): void {
    const slots = this.#slots.get(parameter) as Record<string, Variable>
    const before = mapValues(slots, (slot) => slot.current())
    const p = parameter.current()
    const { value, state } = rule.update(p, g, before, scalars)
    parameter.assign(when ? when.where(value, p) : value)
    for (const [slot, variable] of Object.entries(slots)) {
      variable.assign(when ? when.where(state[slot], before[slot]) : state[slot])
    }
  }

  /** Adds a gradient to the sum, which starts anew when a step is due, and gives the mean. */
  #accumulate(name: string, parameter: Parameter, gradient: Tensor, due: Tensor): Tensor {
    return withScope({ path: name, pass: 'update' }, () => {
      const sum = this.#sums.get(parameter) as Variable
      const total = sum.current().add(gradient)
      sum.assign(due.where(0, total))
      return total.div(this.#plan.accumulate)
    })
  }

  /** Whether a step is due at call number `call` (0 is the first) since the last step before the run. */
  #isDue(call: number): boolean {
    return call % this.#plan.accumulate === this.#plan.accumulate - 1
  }

  /** The place of this call among those since the last step: to be asked when a program runs, or at once outside one. */
  #countCall(): () => number {
    const trace = activeTrace()
    if (!trace) {
      const now = this.#accumulated
      return () => now
    }
    // A program may take several steps; each counts on from those before it.
    const count = this.#traced.get(trace) ?? { calls: 0 }
    this.#traced.set(trace, count)
    const before = count.calls++
    return () => this.#accumulated + before
  }

  /** Counts the step when it is done: at the end of each run, or at once outside a program. */
  #countAfter(finite: Condition): void {
    const count = (taken: boolean): void => {
      const isDue = this.#isDue(this.#accumulated)
      this.#accumulated = (this.#accumulated + 1) % this.#plan.accumulate
      if (!isDue) return
      if (taken) this.steps++
      else this.skipped++
    }
    const trace = activeTrace()
    if (!trace) count(true)
    else if (!finite) trace.afterRun.push(() => count(true))
    else {
      const tensor = finite.cast('float32')
      trace.extraOutputs.push({ tensor, deliver: (found) => count(found.storage?.read()[0] !== 0) })
    }
  }
}

function mapValues<K extends string, A, B>(record: Record<K, A>, change: (value: A, key: K) => B): Record<K, B> {
  const entries = Object.entries(record) as [K, A][]
  return Object.fromEntries(entries.map(([key, value]) => [key, change(value, key)])) as Record<K, B>
}
