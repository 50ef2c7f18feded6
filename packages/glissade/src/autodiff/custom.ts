/**
 * Gradients of one's own: values that let none pass, values with a rule, values that are computed twice.
 *
 * The ops behind them stand in ops/wrap.ts; the walk in gradients.ts needs to know only `recompute`.
 */
import { fail } from '../errors.ts'
import { activeTrace, runTrace, Trace } from '../graph/trace.ts'
import { withGradient } from '../ops/derived/common.ts'
import { isUnrolled } from '../ops/derived/scan.ts'
import { barrier, checkpoint as checkpointOp } from '../ops/wrap.ts'
import { recordDraws, replayDraws } from '../random.ts'
import { dirtyVariables, makeNode, Tensor, type Variable } from '../tensor.ts'

export { stopGradient } from '../ops/derived/elementwise.ts'

/** A value and its gradient rule: given the gradient of the value, the gradient of each input (or undefined). */
export interface CustomGradient {
  readonly value: Tensor
  readonly gradient: (g: Tensor) => readonly (Tensor | undefined)[]
}

/**
 * A function with a gradient rule of its own, in place of the walk through its formula.
 *
 * The rule is written in ops, so it can be differentiated too. Gradients flow to the arguments only, not to tensors
 * that the function uses otherwise.
 */
export function customGradient<A extends readonly Tensor[]>(
  fn: (...inputs: A) => CustomGradient,
): (...inputs: A) => Tensor {
  return (...inputs) => {
    const { value, gradient } = fn(...inputs)
    return withGradient(value, inputs, (g) => {
      const parts = gradient(g)
      if (parts.length !== inputs.length) {
        fail('shape-mismatch', {
          op: 'customGradient',
          received: `${parts.length} gradients`,
          expected: `${inputs.length}, one for each input`,
          fix: 'Return undefined where there is none.',
        })
      }
      return parts
    })
  }
}

/**
 * `fn(...inputs)`, of which nothing but the inputs is kept for the gradient: the rest is computed again when the
 * gradient is (Chen et al. 2016, "Training deep nets with sublinear memory cost").
 *
 * `fn` is called a second time, with the same random draws and with variables as they were at the first call; it must
 * build the same tensor each time. What it assigns to variables (running statistics) counts once. Outside of compiled
 * functions nothing is computed again if it assigns any.
 */
export function checkpoint<A extends readonly Tensor[]>(fn: (...inputs: A) => Tensor, ...inputs: A): Tensor {
  // Nothing is forgotten of what someone looks at in every part.
  if (isUnrolled()) return fn(...inputs)
  const values = inputs.map((input) => input.current())
  const trace = activeTrace()
  const before = new Map(trace?.assigned)
  const call = (): Tensor => fn(...(values as unknown as A))
  const { result, keys } = recordDraws(() => (trace ? call() : refuseToForget(call)))
  if (!(result instanceof Tensor)) return result.kept
  return makeNode(checkpointOp, [result, ...values], {
    // Behind the barriers nothing is equal to what the forward pass made, and nothing starts before g is there.
    recompute: (g: Tensor) => {
      const held = (tensors: readonly Tensor[]): Tensor[] => tensors.map((tensor) => makeNode(barrier, [tensor, g]))
      const again = (): Tensor => replayDraws(held(keys), () => fn(...(held(values) as unknown as A)))
      return trace ? runTrace(replayOf(trace, before), again) : again()
    },
  })
}

/** The trace as it was when `assigned` was all that was assigned; what is assigned to variables in it is lost. */
function replayOf(trace: Trace, assigned: ReadonlyMap<Variable, Tensor>): Trace {
  return Object.assign(new Trace(), trace, { assigned: new Map(assigned) })
}

/**
 * Outside of a trace a variable that was assigned does not know its former value, so a function that assigns any
 * cannot be called again: its result comes back as one that is kept.
 */
function refuseToForget(call: () => Tensor): Tensor | { readonly kept: Tensor } {
  const dirtyBefore = [...dirtyVariables]
  dirtyVariables.clear()
  try {
    const result = call()
    return dirtyVariables.size > 0 ? { kept: result } : result
  } finally {
    for (const variable of dirtyBefore) dirtyVariables.add(variable)
  }
}
