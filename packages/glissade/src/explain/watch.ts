/**
 * The norms of gradients, step by step, by parameter and by module. Part of compiled steps only while watched.
 *
 * A norm that is not finite says that something broke; what it was says non-finite.ts. Activations: capture.ts.
 */
import { isInLoopBody, type Trace, traceKeys, traceStarts } from '../graph/trace.ts'
import type { Module, Parameter } from '../nn/module.ts'
import type { Tensor } from '../tensor.ts'

export interface Watch {
  /**
   * The norms of the last run's gradients: of each parameter under its name, and of all parameters of each module
   * under the module's (the whole model under '').
   */
  norms(): Map<string, number>
  /** The parameters whose gradients were not finite in the last run, or so large that their squares were not. */
  broken(): string[]
  /** Ends it. Programs compiled from now on are without it. */
  stop(): void
}

let made = 0
const active = new Map<number, (trace: Trace) => void>()
traceKeys.push(() => [...active.keys()].join())
traceStarts.push((trace) => {
  for (const begin of active.values()) begin(trace)
})

/**
 * Watches the gradients of the parameters of `model` in all compiled functions, from now on.
 *
 * ```ts
 * const probe = watch(model)
 * await step(x, y)
 * console.log(probe.norms().get('conv1'))
 * probe.stop()
 * ```
 */
export function watch(model: Module): Watch {
  const id = ++made
  let last = new Map<string, number>()
  active.set(id, (trace) => {
    const found = new Map<string, number>()
    watchGradients(trace, model, (name, squares) => {
      trace.extraOutputs.push({
        tensor: squares,
        deliver: (realized) => {
          found.set(name, realized.storage?.read()[0] ?? Number.NaN)
          last = found
        },
      })
    })
  })
  return {
    norms: () => normsOf(model, last),
    broken: () => [...last].flatMap(([name, squares]) => (Number.isFinite(squares) ? [] : [name])),
    stop: () => {
      active.delete(id)
    },
  }
}

/** Calls `see` with the sum of squares of each parameter's gradient, as reverse walks of this trace find them. */
export function watchGradients(trace: Trace, model: Module, see: (name: string, squares: Tensor) => void): void {
  const names = new Map<object, string>([...model.namedParameters()].map(([name, parameter]) => [parameter, name]))
  trace.gradientWatchers.push((tensor, gradient) => {
    // In the body of a loop it is the gradient of one step only; the sum follows.
    if (isInLoopBody()) return
    const variable = tensor.attrs.variable as Parameter | undefined
    const name = variable && names.get(variable)
    if (name !== undefined) see(name, gradient.square().sum())
  })
}

/** Norms by parameter and by module, from sums of squares by parameter. */
export function normsOf(model: Module, squares: ReadonlyMap<string, number>): Map<string, number> {
  const norms = new Map<string, number>()
  if (squares.size === 0) return norms
  const within = (module: string, name: string): boolean => module === '' || name.startsWith(`${module}.`)
  for (const module of model.namedModules().keys()) {
    const parts = [...squares].filter(([name]) => within(module, name))
    if (parts.length > 0) norms.set(module, Math.sqrt(parts.reduce((sum, [, value]) => sum + value, 0)))
  }
  for (const [name, value] of squares) norms.set(name, Math.sqrt(value))
  return norms
}
