/**
 * Gradients of functions: a function of tensors in, a function that computes its gradient out.
 *
 * `grad(grad(f))` is the second derivative: gradients are graphs like any other. For a model's parameters see
 * optim/ (an optimizer's `minimize`); for tensors already at hand, `gradients` in gradients.ts.
 */
import { fail } from '../errors.ts'
import { constant, withGradient } from '../ops/derived/common.ts'
import type { Tensor } from '../tensor.ts'
import { Tensor as TensorClass } from '../tensor.ts'
import { gradients } from './gradients.ts'

/** A single number to differentiate, and whatever else the function has to say. */
export type Differentiable<X> = Tensor | { readonly value: Tensor; readonly aux: X }

export interface GradOptions {
  /** What an input that the result does not depend on gives: an error (the default), or zeros. */
  readonly unused?: 'error' | 'zero'
}

export interface ValueAndGrad<G, X> {
  readonly value: Tensor
  /** The gradient of the input, or of each of the inputs, that `argnums` names. */
  readonly grad: G
  readonly aux: X
}

/**
 * `fn`, giving its value and its gradient with respect to input `argnums` (the first by default).
 *
 * `fn` returns a single number, or `{ value, aux }`. Errors: grad-scalar, grad-unreachable.
 */
export function valueAndGrad<A extends readonly Tensor[], X = undefined>(
  fn: (...inputs: A) => Differentiable<X>,
  argnums?: number,
  options?: GradOptions,
): (...inputs: A) => ValueAndGrad<Tensor, X>
export function valueAndGrad<A extends readonly Tensor[], X = undefined>(
  fn: (...inputs: A) => Differentiable<X>,
  argnums: readonly number[],
  options?: GradOptions,
): (...inputs: A) => ValueAndGrad<Tensor[], X>
export function valueAndGrad<A extends readonly Tensor[], X>(
  fn: (...inputs: A) => Differentiable<X>,
  argnums: number | readonly number[] = 0,
  options: GradOptions = {},
): (...inputs: A) => ValueAndGrad<Tensor | Tensor[], X | undefined> {
  const chosen = typeof argnums === 'number' ? [argnums] : argnums
  return (...inputs) => {
    for (const argnum of chosen) {
      if (!Number.isInteger(argnum) || argnum < 0 || argnum >= inputs.length) {
        fail('value-invalid', {
          what: 'grad: argnums',
          received: String(argnum),
          expected: `0 to ${inputs.length - 1}`,
          fix: 'Name the place of an input.',
        })
      }
    }
    // Tensors of their own: the function may use the same tensor otherwise, which is not differentiated.
    const own = inputs.map((input, i) => (chosen.includes(i) ? withGradient(input, [input], (g) => [g]) : input))
    const output = fn(...(own as unknown as A))
    const { value, aux } = output instanceof TensorClass ? { value: output, aux: undefined } : output
    const found = gradients(
      value,
      chosen.map((argnum) => own[argnum]),
    ).map((gradient, i) => {
      if (gradient) return gradient
      const input = own[chosen[i]]
      if (options.unused === 'zero') return constant(0, input.shape, input.dtype)
      return fail('grad-unreachable', { index: chosen[i], path: inputs[chosen[i]].path })
    })
    return { value, grad: typeof argnums === 'number' ? found[0] : found, aux }
  }
}

/** `fn`'s gradient with respect to input `argnums` (the first by default); as valueAndGrad, without the value. */
export function grad<A extends readonly Tensor[]>(
  fn: (...inputs: A) => Differentiable<unknown>,
  argnums?: number,
  options?: GradOptions,
): (...inputs: A) => Tensor
export function grad<A extends readonly Tensor[]>(
  fn: (...inputs: A) => Differentiable<unknown>,
  argnums: readonly number[],
  options?: GradOptions,
): (...inputs: A) => Tensor[]
export function grad<A extends readonly Tensor[]>(
  fn: (...inputs: A) => Differentiable<unknown>,
  argnums: number | readonly number[] = 0,
  options: GradOptions = {},
): (...inputs: A) => Tensor | Tensor[] {
  const both: (...inputs: A) => ValueAndGrad<Tensor | Tensor[], unknown> =
    typeof argnums === 'number' ? valueAndGrad(fn, argnums, options) : valueAndGrad(fn, argnums, options)
  return (...inputs) => both(...inputs).grad
}
