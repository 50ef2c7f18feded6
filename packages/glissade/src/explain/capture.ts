/**
 * Looking inside a compiled step: what each module gave back, and the gradient that came to it.
 *
 * While a capture is on, traces that begin hand the outputs of matching modules, and their gradients, over as further
 * outputs of the program. Programs traced without it are kept for later, so turning it off costs nothing.
 */
import { fail } from '../errors.ts'
import { type Trace, traceKeys, traceStarts } from '../graph/trace.ts'
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
   * tensors of an output that is a list or an object, under `name.key`.
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
 * Watches the modules of `model` whose names match `pattern`, in all compiled functions, from now on.
 *
 * In a pattern `*` stands for any characters within a name and `**` for any number of names: `conv*`,
 * `blocks.*.attn`, `**`. Errors: `module-name` if nothing matches.
 *
 * ```ts
 * const probe = capture(model, 'conv*', { gradient: true })
 * await step(x, y)
 * for (const [name, { value, gradient }] of probe.values()) …
 * probe.stop()
 * ```
 */
export function capture(model: Module, pattern: string, { gradient = false }: CaptureOptions = {}): Capture {
  const names = [...model.namedModules().keys()]
  const matches = names.filter((name) => matchesPattern(name, pattern))
  if (matches.length === 0) fail('module-name', { name: pattern, known: names.filter((name) => name !== '') })
  const id = ++made
  let last = new Map<string, Entry>()
  active.set(id, (trace) => {
    const nameOf = new Map([...model.namedModules()].map(([name, module]) => [module as object, name]))
    const found = new Map<string, Entry>()
    const watched = new Map<Tensor, Entry[]>()
    trace.watchers.push((_, output, { module, key }) => {
      const name = nameOf.get(module)
      if (name === undefined || !matchesPattern(name, pattern)) return
      const entry: Entry = {}
      const full = [name, key].filter((part) => part !== '').join('.')
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
    values: () =>
      new Map(
        [...last].flatMap(([name, { value, gradient: slope }]) =>
          value ? [[name, { value, ...(slope && { gradient: slope }) }]] : [],
        ),
      ),
    stop: () => {
      active.delete(id)
    },
  }
}

function freshKey(name: string, taken: ReadonlyMap<string, unknown>): string {
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
