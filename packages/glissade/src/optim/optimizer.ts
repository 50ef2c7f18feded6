/**
 * What all optimizers share: they are bound to parameters, take gradients, and assign parameters and their own state.
 *
 * A rule (sgd.ts, adam.ts) is the mathematics for one parameter. Numbers that change from step to step without
 * depending on tensors, such as the learning rate and bias corrections, are worked out by the host in float64 and
 * supplied to compiled programs at each run, so changing `lr` never compiles again.
 */
import { gradients } from '../autodiff/gradients.ts'
import { fail } from '../errors.ts'
import { activeTrace, type Trace } from '../graph/trace.ts'
import type { Module, Parameter } from '../nn/module.ts'
import { leaf } from '../ops/leaf.ts'
import { withScope } from '../scope.ts'
import type { Storage } from '../storage.ts'
import { fromArray, makeNode, type Tensor, Variable } from '../tensor.ts'

/** The mathematics of one optimizer, for one parameter. */
export interface Rule<Slot extends string = string, Scalar extends string = string> {
  /** The tensors that it keeps for each parameter, of the parameter's shape, zero at first. */
  readonly slots: readonly Slot[]
  /** The host's numbers for step number `step` (1 is the first). */
  scalars(step: number, lr: number): Record<Scalar, number>
  /** The new value of the parameter `p` with the gradient `g`, and of each slot. */
  update(
    p: Tensor,
    g: Tensor,
    state: Record<Slot, Tensor>,
    scalars: Record<Scalar, Tensor>,
  ): { value: Tensor; state: Record<Slot, Tensor> }
}

/** What an optimizer works on: a model, or parameters. */
export type Trainable = Module | readonly Parameter[]

/** Options for an optimizer, not yet bound to a model. */
export interface OptimizerFactory {
  /** The optimizer for the parameters of `target`, with fresh state. */
  for(target: Trainable): Optimizer
}

export interface OptimizerState {
  readonly steps: number
  readonly lr: number
  /** The slots by parameter and slot name, as `fc1.weight.m`. */
  readonly tensors: Readonly<Record<string, Tensor>>
}

export class Optimizer {
  /** The learning rate; may be changed between steps. */
  lr: number
  /** How many steps were taken. */
  steps = 0
  readonly parameters: ReadonlyMap<string, Parameter>
  readonly #rule: Rule
  readonly #traced = new WeakMap<Trace, number>()
  readonly #slots = new Map<Parameter, Record<string, Variable>>()

  constructor(rule: Rule, lr: number, target: Trainable) {
    this.#rule = rule
    this.lr = lr
    this.parameters = Array.isArray(target)
      ? new Map((target as readonly Parameter[]).map((parameter, i) => [String(i), parameter]))
      : (target as Module).namedParameters()
    for (const [name, parameter] of this.parameters) {
      const slots = rule.slots.map((slot) => [slot, zeroState(parameter, `${name}.${slot}`)] as const)
      this.#slots.set(parameter, Object.fromEntries(slots))
    }
  }

  /** One step down the gradient of `loss` (a single number), for all parameters that are not frozen. */
  minimize(loss: Tensor): void {
    const trained = [...this.parameters.values()].filter((parameter) => parameter.trainable)
    this.apply(new Map(gradients(loss, trained).map((gradient, i) => [trained[i], gradient])))
  }

  /** One step with given gradients; parameters without one stay as they are. */
  apply(given: ReadonlyMap<Parameter, Tensor | undefined>): void {
    const scalars = this.#supply()
    for (const [name, parameter] of this.parameters) {
      const gradient = given.get(parameter)
      if (!gradient || !parameter.trainable) continue
      withScope({ path: name, pass: 'update' }, () => {
        const slots = this.#slots.get(parameter) as Record<string, Variable>
        const before = mapValues(slots, (slot) => slot.current())
        const { value, state } = this.#rule.update(parameter.current(), gradient, before, scalars)
        parameter.assign(value)
        for (const [slot, variable] of Object.entries(slots)) variable.assign(state[slot])
      })
    }
  }

  /** All that a later run needs to go on from here. The tensors are the living ones, not copies. */
  stateDict(): OptimizerState {
    return { steps: this.steps, lr: this.lr, tensors: Object.fromEntries(this.namedState()) }
  }

  /** The slots of all parameters, by parameter and slot name. */
  namedState(): Map<string, Variable> {
    const named = [...this.parameters].flatMap(([name, parameter]) =>
      Object.entries(this.#slots.get(parameter) ?? {}).map(
        ([slot, variable]) => [`${name}.${slot}`, variable] as const,
      ),
    )
    return new Map(named)
  }

  /** Goes on from a state that `stateDict` gave. Errors: `weights-mismatch`. */
  async loadStateDict({ steps, lr, tensors }: OptimizerState): Promise<void> {
    const own = this.namedState()
    const problems = [...own].flatMap(([name, { shape }]) => {
      if (!Object.hasOwn(tensors, name)) return [`${name}: missing; expected [${shape.join(', ')}]`]
      const received = tensors[name].shape
      return received.join() === shape.join()
        ? []
        : [`${name}: received [${received.join(', ')}], expected [${shape.join(', ')}]`]
    })
    problems.push(...Object.keys(tensors).flatMap((name) => (own.has(name) ? [] : [`${name}: not in the optimizer`])))
    if (problems.length > 0) {
      fail('weights-mismatch', {
        file: 'The optimizer state',
        problems,
        fix: 'Use the same optimizer and the same model as when it was saved.',
      })
    }
    for (const [name, variable] of own) variable.write((await tensors[name].realized()).read())
    this.steps = steps
    this.lr = lr
  }

  /** The step's numbers as tensors: anew at each run of a compiled program, at once outside one. */
  #supply(): Record<string, Tensor> {
    const trace = activeTrace()
    if (!trace)
      return mapValues(this.#rule.scalars(++this.steps, this.lr), (value) => fromArray(Float32Array.of(value), []))
    // A program may take several steps; each counts on from those before it.
    const before = this.#traced.get(trace) ?? 0
    this.#traced.set(trace, before + 1)
    trace.afterRun.push(() => {
      this.steps++
    })
    return mapValues(this.#rule.scalars(1, this.lr), (_, name) => {
      const tensor = makeNode(leaf, [], { shape: [], dtype: 'float32' })
      const supply = (storage: Storage): void =>
        storage.write(Float32Array.of(this.#rule.scalars(this.steps + before + 1, this.lr)[name]))
      trace.supplied.push({ tensor, supply })
      return tensor
    })
  }
}

/** `rule` bound later. Checks the learning rate. */
export function optimizerFactory(name: string, rule: Rule, lr: number): OptimizerFactory {
  checkOption(`${name}: lr`, lr, lr >= 0, 'a number of at least 0')
  return { for: (target) => new Optimizer(rule, lr, target) }
}

export function checkOption(what: string, received: unknown, good: boolean, expected: string): void {
  if (!good) fail('value-invalid', { what, received: String(received), expected, fix: 'Change the option.' })
}

function zeroState(parameter: Parameter, path: string): Variable {
  const zeros = parameter.dtype === 'float64' ? new Float64Array(parameter.size) : new Float32Array(parameter.size)
  return withScope({ path, pass: 'update' }, () => new Variable(fromArray(zeros, parameter.shape)))
}

function mapValues<K extends string, A, B>(record: Record<K, A>, change: (value: A, key: K) => B): Record<K, B> {
  const entries = Object.entries(record) as [K, A][]
  return Object.fromEntries(entries.map(([key, value]) => [key, change(value, key)])) as Record<K, B>
}
