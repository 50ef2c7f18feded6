/**
 * Looking inside while a function is traced: what modules gave back, as further results of the function itself.
 *
 * `capture` (capture.ts) watches programs from outside, for as long as it is on. Here the function that is compiled says
 * what it wants to see, so that another function of the same model is not touched.
 */
import { fail } from '../errors.ts'
import { activeTrace, type ExtraOutput } from '../graph/trace.ts'
import type { Module } from '../nn/module.ts'
import type { Tensor } from '../tensor.ts'
import { freshKey, matchesPattern } from './capture.ts'

export interface ObserveOptions {
  /** Which modules; default '**', all. See `capture`. */
  readonly pattern?: string
  /** Also what is named within them by `tap`, as `attn.scores`; of a `scan` all steps stacked. Default false. */
  readonly taps?: boolean
}

export interface Observed<R> {
  readonly result: R
  /** The outputs of modules by name, and with `taps` what is named within them. A second call stands under `name#2`. */
  readonly values: Readonly<Record<string, Tensor>>
  /** Their names in the order in which they were given back (objects put names that are numbers first). */
  readonly order: readonly string[]
  /** What modules were given, by name: the first tensor among their inputs. A second call stands under `name#2`. */
  readonly inputs: Readonly<Record<string, Tensor>>
  /** The gradients that came to them, of those that `body` computed gradients for. */
  readonly gradients: Readonly<Record<string, Tensor>>
}

/**
 * Runs `body`, inside a function that is being compiled, and also gives what the modules of `model` were given and gave back.
 *
 * ```ts
 * const probe = compile((x: Tensor) => observe(model, () => model.forward(x)))
 * const { result, values } = await probe(x)
 * ```
 *
 * Errors: `value-invalid` outside a compiled function.
 */
export function observe<R>(
  model: Module,
  body: () => R,
  { pattern = '**', taps = false }: ObserveOptions = {},
): Observed<R> {
  const trace = activeTrace()
  if (!trace) {
    return fail('value-invalid', {
      what: 'observe',
      received: 'a call outside a compiled function',
      expected: 'a call inside one',
      fix: 'Write compile((x) => observe(model, () => model.forward(x))).',
    })
  }
  const nameOf = new Map([...model.namedModules()].map(([name, module]) => [module as object, name]))
  const taken = { values: new Map<string, Tensor>(), gradients: new Map<string, Tensor>() }
  const inputs = new Map<string, Tensor>()
  const order: string[] = []
  const watched = new Map<Tensor, string[]>()
  const shown = new Map<ExtraOutput['deliver'], (all: Tensor) => void>()
  // In the body of a loop a tensor has no single value; what the trace is asked to show becomes that of all steps.
  const take = (kind: keyof typeof taken, name: string, tensor: Tensor): void => {
    taken[kind].set(name, tensor)
    const deliver = (): void => {}
    shown.set(deliver, (all) => taken[kind].set(name, all))
    trace.extraOutputs.push({ tensor, deliver })
  }
  const watch: (typeof trace.watchers)[number] = (_, output, { module, key, step, tap }) => {
    const name = module && nameOf.get(module)
    if ((tap && !taps) || name === undefined || !matchesPattern(name, pattern)) return
    const place = freshKey(dotted(name, key, step), taken.values)
    const tensor = output.current()
    take('values', place, tensor)
    order.push(place)
    watched.set(tensor, [...(watched.get(tensor) ?? []), place])
  }
  const watchInputs: (typeof trace.inputWatchers)[number] = (module, [first]) => {
    const name = nameOf.get(module)
    if (name === undefined || !first || !matchesPattern(name, pattern)) return
    inputs.set(freshKey(name, inputs), first.tensor)
  }
  const watchGradient: (typeof trace.gradientWatchers)[number] = (tensor, gradient) => {
    for (const name of watched.get(tensor) ?? []) take('gradients', name, gradient)
  }
  trace.watchers.push(watch)
  trace.inputWatchers.push(watchInputs)
  trace.gradientWatchers.push(watchGradient)
  try {
    const result = body()
    for (const { tensor, deliver } of trace.extraOutputs) shown.get(deliver)?.(tensor)
    const { values, gradients } = taken
    const [named, given, slopes] = [values, inputs, gradients].map((map) => Object.fromEntries(map))
    return { result, values: named, order, inputs: given, gradients: slopes }
  } finally {
    const others = trace.extraOutputs.filter(({ deliver }) => !shown.has(deliver))
    trace.extraOutputs.splice(0, trace.extraOutputs.length, ...others)
    trace.watchers.splice(trace.watchers.indexOf(watch), 1)
    trace.inputWatchers.splice(trace.inputWatchers.indexOf(watchInputs), 1)
    trace.gradientWatchers.splice(trace.gradientWatchers.indexOf(watchGradient), 1)
  }
}

const dotted = (...parts: readonly string[]): string => parts.filter((part) => part !== '').join('.')
