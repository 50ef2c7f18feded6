/**
 * What one element of a value is made of: the elements that it depends on, each with its value and how much it counts.
 *
 * Of a sum of products, as in a linear layer or a convolution, the products of value and weight add up to the element.
 * Of anything else `local` is the derivative at this point. Both come from the operations' own gradient rules, with a
 * gradient of 1 at the element and 0 elsewhere. The other direction, towards the loss: chain-rule.ts.
 */
import { gradientsUpTo } from '../autodiff/gradients.ts'
import { evaluate } from '../backends/reference/reference.ts'
import { isFloat } from '../dtype.ts'
import { placeholder, walkBack } from '../ops/derived/loop.ts'
import type { Storage } from '../storage.ts'
import type { Tensor } from '../tensor.ts'
import { positionOf } from './elements.ts'
import { largest, type Rest } from './level.ts'
import type { OperationKind } from './operation.ts'

/** An element that another one is made of. */
export interface Ingredient {
  readonly element: number
  readonly position: readonly number[]
  readonly value: number
  /** How the element that is made changes with this one; in a linear layer, the weight. */
  readonly local: number
  /** value times local */
  readonly product: number
}

/** All that comes from one operation. */
export interface Source {
  readonly id: number
  readonly op: string
  readonly kind: OperationKind
  readonly name: string
  /** The largest products first; those that do not count (`local` 0) are left out. */
  readonly terms: readonly Ingredient[]
  readonly rest: Rest
  /** The sum of all products. */
  readonly sum: number
}

/** What an element is made of, by source. */
export interface Made {
  readonly id: number
  readonly element: number
  readonly position: readonly number[]
  readonly value: number
  readonly sources: readonly Source[]
}

/** The tensors that `tensor` is made of when one stops at `isEnd`, and of each its ingredients of element `at`. */
export function ingredientsOf(
  tensor: Tensor,
  at: number,
  isEnd: (tensor: Tensor) => boolean,
  limit: number,
): (Pick<Source, 'terms' | 'rest' | 'sum'> & { readonly tensor: Tensor })[] {
  const ends: Tensor[] = []
  walkBack(new Set(tensor.inputs), (input) => {
    const goOn = !isEnd(input) && input.inputs.length > 0
    if (!goOn && isFloat(input.dtype)) ends.push(input)
    return goOn
  })
  ends.sort((a, b) => a.id - b.id)
  const one = new Float64Array(tensor.size)
  one[at] = 1
  const seed = placeholder(tensor)
  const found = gradientsUpTo(tensor, ends, seed)
  const parts = ends.flatMap((end, i) => (found[i] ? [{ end, local: found[i] as Tensor }] : []))
  const locals = evaluate(
    parts.map(({ local }) => local),
    new Map([[seed, one]]),
    { useComputed: true },
  )
  return parts.map(({ end }, i) => {
    const values = (end.storage as Storage).read()
    const all: Ingredient[] = []
    locals[i].data.forEach((local, element) => {
      if (local === 0) return
      const value = values[element]
      all.push({ element, position: positionOf(element, end.shape), value, local, product: value * local })
    })
    return { tensor: end, ...largest(all, limit) }
  })
}
