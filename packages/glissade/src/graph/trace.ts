/**
 * What happens while a function is traced: which variables it reads and assigns, which random draws it makes,
 * which tensors someone wants to see, what its arguments must satisfy.
 *
 * There is at most one trace at a time (tracing is synchronous). Outside a trace all of this is plain: variables
 * hold their own value, and draws count up at once. Who starts a trace: run/compile.ts.
 */
import type { Storage } from '../storage.ts'
import type { Tensor, Variable } from '../tensor.ts'

/** A number that the host supplies anew at each run, such as the learning rate or the random key. */
export interface Supplied {
  readonly tensor: Tensor
  readonly supply: (storage: Storage) => void
}

/** A promise about the numbers of an argument, checked on the host before a run changes anything. */
export interface Requirement {
  readonly tensor: Tensor
  readonly what: string
  /** Values must be 0 to size - 1. `except` is one more that is allowed. */
  readonly size: number
  readonly except?: number
}

/** Where a tensor that watchers are shown comes from; the parts of its name stand in this order. */
export interface Seen {
  readonly module: object | undefined
  /** Of an output that is a list or an object its place in it; of a tap its name; else empty. */
  readonly key: string
  /** The step, in a loop that is written out, as `t3`; else empty. */
  readonly step: string
  /** Whether it was named within the module, and is not what the module gave back. */
  readonly tap: boolean
}

/** A tensor that someone wants to see after each run, though the traced function does not return it. */
export interface ExtraOutput {
  readonly tensor: Tensor
  readonly deliver: (realized: Tensor) => void
}

/**
 * What a compiled program depends on besides its arguments, such as whether modules are in training mode: a change
 * in any of these texts means another program.
 */
export const traceKeys: (() => string)[] = []

/** Called at the start of each trace, before the traced function. */
export const traceStarts: ((trace: Trace) => void)[] = []

export class Trace {
  /** The leaf that stands for the variable's value at the start of the run. */
  readonly states = new Map<Variable, Tensor>()
  /** The value after the run, of those that were assigned. */
  readonly assigned = new Map<Variable, Tensor>()
  readonly supplied: Supplied[] = []
  readonly requirements: Requirement[] = []
  /** Called with the tensor that a module gave back, or that was named within it by `tap`, under its full name. */
  readonly watchers: ((path: string, output: Tensor, from: Seen) => void)[] = []
  /** Called with the tensors that a module is given, by their places, before it runs; not in the body of a loop. */
  readonly inputWatchers: ((module: object, inputs: readonly { key: string; tensor: Tensor }[]) => void)[] = []
  /** Called with a tensor and its gradient, as reverse walks find them. */
  readonly gradientWatchers: ((tensor: Tensor, gradient: Tensor) => void)[] = []
  readonly extraOutputs: ExtraOutput[] = []
  /** Work to do when a run has ended, before its outputs are handed over. */
  readonly afterRun: (() => void)[] = []

  /** The variable's value at this point of the trace. */
  read(variable: Variable): Tensor {
    const assigned = this.assigned.get(variable)
    if (assigned) return assigned
    let state = this.states.get(variable)
    if (!state) {
      state = variable.placeholder()
      this.states.set(variable, state)
    }
    return state
  }

  assign(variable: Variable, value: Tensor): void {
    this.read(variable)
    this.assigned.set(variable, value)
  }
}

let loopBodies = 0

/** Runs `body`, which says one step of a loop: it may compute, but not act. */
export function inLoopBody<T>(body: () => T): T {
  loopBodies++
  try {
    return body()
  } finally {
    loopBodies--
  }
}

/** Whether the body of a loop is being traced. */
export function isInLoopBody(): boolean {
  return loopBodies > 0
}

let active: Trace | undefined

/** The running trace, if any. */
export function activeTrace(): Trace | undefined {
  return active
}

export function runTrace<T>(trace: Trace, body: () => T): T {
  const before = active
  active = trace
  try {
    return body()
  } finally {
    active = before
  }
}
