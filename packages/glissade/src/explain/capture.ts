/**
 * Looking inside a compiled step: what each module gave back or named with `tap`, and the gradient that came to it.
 *
 * While a capture is on, traces that begin hand matching outputs and taps, and their gradients, over as further
 * outputs of the program. Programs traced without it are kept for later, so turning it off costs nothing.
 */
import { fail } from '../errors.ts'
import { type Trace, traceKeys, traceStarts } from '../graph/trace.ts'
import { ModuleDict, ModuleList, Sequential } from '../nn/container.ts'
import type { Module } from '../nn/module.ts'
import type { Tensor } from '../tensor.ts'

export interface CaptureOptions {
  /** Also the gradients of the outputs, in programs that compute gradients; default false. */
  readonly gradient?: boolean
}

export interface Captured {
  readonly value: Tensor
  readonly gradient?: Tensor
}

export interface Capture {
  /**
   * The outputs of the last run by module name. A second call of a module in the same run stands under `name#2`;
   * tensors of an output that is a list or an object, under `name.key`; taps under `name.tap`. In the body of a `scan`
   * all steps are stacked, `[T, ...s]`; in a loop that is written out (`unrolled`) each has its own, `name.tap.t3`.
   * Errors: `module-name` if a run has shown that nothing is called so.
   */
  values(): Map<string, Captured>
  /** Ends it. Programs compiled from now on are without it. */
  stop(): void
}

type Entry = { -readonly [K in keyof Captured]?: Captured[K] }

let made = 0
const active = new Map<number, (trace: Trace) => void>()
traceKeys.push(() => [...active.keys()].join())
traceStarts.push((trace) => {
  for (const begin of active.values()) begin(trace)
})

/**
 * Watches the modules of `model`, and the tensors named in them with `tap`, whose names match `pattern`, in all compiled
 * functions, from now on.
 *
 * In a pattern `*` stands for any characters within a name and `**` for any number of names: `conv*`,
 * `blocks.*.attn`, `**.scores`, `**`. It may leave the step of a written-out loop out. Errors: `module-name` if nothing
 * can match.
 *
 * ```ts
 * const probe = capture(model, 'conv*', { gradient: true })
 * await step(x, y)
 * for (const [name, { value, gradient }] of probe.values()) …
 * probe.stop()
 * ```
 */
export function capture(model: Module, pattern: string, { gradient = false }: CaptureOptions = {}): Capture {
  const names = [...model.namedModules().keys()].filter((name) => name !== '')
  if (!canMatch(model, pattern)) fail('module-name', { name: pattern, known: names })
  const id = ++made
  let last = new Map<string, Entry>()
  const seen = new Set<string>()
  let matched = false
  active.set(id, (trace) => {
    const nameOf = new Map([...model.namedModules()].map(([name, module]) => [module as object, name]))
    const found = new Map<string, Entry>()
    const watched = new Map<Tensor, Entry[]>()
    trace.watchers.push((_, output, { module, key, step, tap }) => {
      const name = module && nameOf.get(module)
      if (name === undefined) return
      const own = tap ? dotted(name, key) : name
      seen.add(own)
      if (!matchesPattern(own, pattern) && !matchesPattern(dotted(own, step), pattern)) return
      matched = true
      const entry: Entry = {}
      const full = dotted(name, key, step)
      found.set(freshKey(full, found), entry)
      const tensor = output.current()
      watched.set(tensor, [...(watched.get(tensor) ?? []), entry])
      trace.extraOutputs.push({
        tensor,
        deliver: (realized) => {
          entry.value = realized
          last = found
        },
      })
    })
    if (!gradient) return
    trace.gradientWatchers.push((tensor, found) => {
      for (const entry of watched.get(tensor) ?? []) {
        const deliver = (realized: Tensor): void => {
          entry.gradient = realized
        }
        trace.extraOutputs.push({ tensor: found, deliver })
      }
    })
  })
  return {
    values: () => {
      if (!matched && seen.size > 0)
        fail('module-name', { name: pattern, known: [...seen].filter((each) => each !== '') })
      return new Map(
        [...last].flatMap(([name, { value, gradient: slope }]) =>
          value ? [[name, { value, ...(slope && { gradient: slope }) }]] : [],
        ),
      )
    },
    stop: () => {
      active.delete(id)
    },
  }
}

const dotted = (...parts: string[]): string => parts.filter((part) => part !== '').join('.')

/** Whether a module fits, or may have taps that do: which it has shows when it runs, and containers have none. */
function canMatch(model: Module, pattern: string): boolean {
  const parts = pattern.split('.')
  return [...model.namedModules()].some(([name, module]) => {
    if (matchesPattern(name, pattern)) return true
    if (module instanceof Sequential || module instanceof ModuleList || module instanceof ModuleDict) return false
    // A tap's name may have several parts, and a step.
    return parts.some((_, i) => i < parts.length && matchesPattern(name, parts.slice(0, i).join('.')))
  })
}

/** `name`, or where it is taken `name#2`, `name#3` … */
export function freshKey(name: string, taken: ReadonlyMap<string, unknown>): string {
  if (!taken.has(name)) return name
  let call = 2
  while (taken.has(`${name}#${call}`)) call++
  return `${name}#${call}`
}

/** Whether a dotted name fits a pattern of names, `*` and `**`. */
export function matchesPattern(name: string, pattern: string): boolean {
  const fit = (names: readonly string[], parts: readonly string[]): boolean => {
    if (parts.length === 0) return names.length === 0
    const [part, ...rest] = parts
    if (part === '**') return fit(names, rest) || (names.length > 0 && fit(names.slice(1), parts))
    if (names.length === 0) return false
    const expression = part
      .split('*')
      .map((text) => text.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'))
      .join('.*')
    return new RegExp(`^${expression}$`, 's').test(names[0]) && fit(names.slice(1), rest)
  }
  return fit(name === '' ? [] : name.split('.'), pattern === '' ? [] : pattern.split('.'))
}
