/**
 * Gradients of one's own: values that let none pass, values with a rule, values that are computed twice.
 *
 * The ops behind them stand in ops/wrap.ts; the walk in gradients.ts needs to know only `recompute`.
 */
import { fail } from '../errors.ts'
import { withGradient } from '../ops/derived/common.ts'
import { barrier, checkpoint as checkpointOp } from '../ops/wrap.ts'
import { recordDraws, replayDraws } from '../random.ts'
import { makeNode, type Tensor } from '../tensor.ts'

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
 * `fn` is called a second time, with the same random draws; it must build the same tensor each time, and must not
 * assign variables.
 */
export function checkpoint<A extends readonly Tensor[]>(fn: (...inputs: A) => Tensor, ...inputs: A): Tensor {
  const values = inputs.map((input) => input.current())
  const { result, keys } = recordDraws(() => fn(...(values as unknown as A)))
  return makeNode(checkpointOp, [result, ...values], {
    // Behind the barriers nothing is equal to what the forward pass made, and nothing starts before g is there.
    recompute: (g: Tensor) => {
      const held = (tensors: readonly Tensor[]): Tensor[] => tensors.map((tensor) => makeNode(barrier, [tensor, g]))
      return replayDraws(held(keys), () => fn(...(held(values) as unknown as A)))
    },
  })
}
