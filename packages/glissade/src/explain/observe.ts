/**
 * Looking inside while a function is traced: what modules gave back, as further results of the function itself.
 *
 * `capture` (capture.ts) watches programs from outside, for as long as it is on. Here the function that is compiled says
 * what it wants to see, so that another function of the same model is not touched.
 */
import { fail } from '../errors.ts'
import { activeTrace } from '../graph/trace.ts'
import type { Module } from '../nn/module.ts'
import type { Tensor } from '../tensor.ts'
import { matchesPattern } from './capture.ts'

export interface ObserveOptions {
  /** Which modules; default '**', all. See `capture`. */
  readonly pattern?: string
}

export interface Observed<R> {
  readonly result: R
  /** The outputs of modules by name, without what is named within them (`tap`). A second call stands under `name#2`. */
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
export function observe<R>(model: Module, body: () => R, { pattern = '**' }: ObserveOptions = {}): Observed<R> {
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
  const values: Record<string, Tensor> = {}
  const gradients: Record<string, Tensor> = {}
  const inputs: Record<string, Tensor> = {}
  const order: string[] = []
  const watched = new Map<Tensor, string[]>()
  const watch: (typeof trace.watchers)[number] = (_, output, { module, key, step, tap }) => {
    const name = module && nameOf.get(module)
    if (tap || name === undefined || !matchesPattern(name, pattern)) return
    const place = freshName(dotted(name, key, step), values)
    const tensor = output.current()
    values[place] = tensor
    order.push(place)
    watched.set(tensor, [...(watched.get(tensor) ?? []), place])
  }
  const watchInputs: (typeof trace.inputWatchers)[number] = (module, [first]) => {
    const name = nameOf.get(module)
    if (name === undefined || !first || !matchesPattern(name, pattern)) return
    inputs[freshName(name, inputs)] = first.tensor
  }
  const watchGradient: (typeof trace.gradientWatchers)[number] = (tensor, gradient) => {
    for (const name of watched.get(tensor) ?? []) gradients[name] = gradient
  }
  trace.watchers.push(watch)
  trace.inputWatchers.push(watchInputs)
  trace.gradientWatchers.push(watchGradient)
  try {
    return { result: body(), values, order, inputs, gradients }
  } finally {
    trace.watchers.splice(trace.watchers.indexOf(watch), 1)
    trace.inputWatchers.splice(trace.inputWatchers.indexOf(watchInputs), 1)
    trace.gradientWatchers.splice(trace.gradientWatchers.indexOf(watchGradient), 1)
  }
}

const dotted = (...parts: readonly string[]): string => parts.filter((part) => part !== '').join('.')

/** `name`, or where it is taken `name#2`, `name#3` … */
function freshName(name: string, taken: Readonly<Record<string, Tensor>>): string {
  let place = name
  for (let call = 2; Object.hasOwn(taken, place); call++) place = `${name}#${call}`
  return place
}
