/**
 * Where in the model we are: the path of the running module and the pass it is in.
 *
 * Every tensor takes both down at birth, so that the profiler, the capture of activations, the lab and
 * error messages can say `blocks.0.attn.softmax` instead of a number. Tracing is synchronous, so one
 * variable is enough.
 */

/** What a tensor is computed for: the model's output, its gradients, or the optimizer's update. */
export type Pass = 'forward' | 'backward' | 'update'

export interface Scope {
  /** Module names joined by dots; empty outside any module. */
  readonly path: string
  readonly pass: Pass
}

let current: Scope = { path: '', pass: 'forward' }

export function currentScope(): Scope {
  return current
}

/** Runs `body` with every tensor born in it labelled `scope`. */
export function withScope<T>(scope: Scope, body: () => T): T {
  const before = current
  current = scope
  try {
    return body()
  } finally {
    current = before
  }
}

/** Runs `body` inside the module `name` of the present one. */
export function withPath<T>(name: string, body: () => T): T {
  return withScope({ path: current.path === '' ? name : `${current.path}.${name}`, pass: current.pass }, body)
}
