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

/** The step of the written-out loops around, as `t3`, or `t3.t0` in a loop within one; empty outside. */
let step = ''

export function currentStep(): string {
  return step
}

/** Runs `body` as step `t` of a loop that is written out: tensors born in it carry `t3` behind the module's path. */
export function withStep<T>(t: number, body: () => T): T {
  const before = step
  step = before === '' ? `t${t}` : `${before}.t${t}`
  try {
    return withPath(`t${t}`, body)
  } finally {
    step = before
  }
}

/** The path of the module that runs, without the step. */
export function modulePath(): string {
  return step !== '' && current.path.endsWith(step)
    ? current.path.slice(0, -step.length).replace(/\.$/, '')
    : current.path
}

/** Runs `body` inside the module `name` of the present one. */
export function withPath<T>(name: string, body: () => T): T {
  return withScope({ path: current.path === '' ? name : `${current.path}.${name}`, pass: current.pass }, body)
}
