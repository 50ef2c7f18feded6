/**
 * The sum over all steps of a value of a loop's body, at the least cost: what the gradient of a weight is.
 *
 * The sum is drawn through what is linear (sums, movements, factors that are the same at each step) until it meets a
 * product of two values of the step: the sum over steps of products is one product over the stacked values, with the
 * step as one more axis that is summed. What is neither is added up step by step in a state of the loop.
 */

import type { ContractAttrs } from '../ops/contract.ts'
import { freshLetter } from '../ops/derived/batch.ts'
import type { Loop } from '../ops/derived/loop.ts'
import * as maps from '../ops/map.ts'
import { makeNode, type Tensor } from '../tensor.ts'

export interface SumOverSteps {
  /** What the loop must add up in a state of its own. */
  readonly accumulated: readonly Tensor[]
  /** The sum, once the loop is there; `last` gives what it added up. */
  total(loop: Loop, last: (accumulated: Tensor) => Tensor): Tensor
}

/** How `part` is summed; `inside` tells what differs from step to step. */
export function sumOverSteps(part: Tensor, inside: (tensor: Tensor) => boolean): SumOverSteps {
  const accumulated: Tensor[] = []
  type Total = (loop: Loop, last: (accumulated: Tensor) => Tensor) => Tensor
  const plan = (tensor: Tensor): Total => {
    const { op, attrs, inputs } = tensor
    const addUp = (): Total => {
      if (!accumulated.includes(tensor)) accumulated.push(tensor)
      return (_, last) => last(tensor)
    }
    if (!inside(tensor)) return addUp()
    const linear = (places: readonly number[]): Total => {
      const parts = inputs.map((input, i) => (places.includes(i) ? plan(input) : () => input))
      return (loop, last) =>
        makeNode(
          op,
          parts.map((each) => each(loop, last)),
          attrs,
        )
    }
    const varying = inputs.flatMap((input, i) => (inside(input) ? [i] : []))
    const all = varying.length === inputs.length
    switch (op.kind) {
      case 'map':
        if (op === maps.neg || ((op === maps.add || op === maps.sub) && all)) return linear(varying)
        if ((op === maps.mul && !all) || (op === maps.div && varying.length === 1 && varying[0] === 0))
          return linear(varying)
        return addUp()
      case 'move':
        return all && (op.fill?.(attrs) ?? 0) === 0 ? linear(varying) : addUp()
      case 'reduce': {
        if (op.combine !== 'add') return addUp()
        const axes = attrs.axes as readonly number[]
        return (loop) => makeNode(op, [loop.stack(inputs[0])], { axes: [0, ...axes.map((axis) => axis + 1)] })
      }
      case 'contract': {
        if (!all) return linear(varying)
        const { a, b, out } = attrs as ContractAttrs
        const letter = freshLetter(attrs as ContractAttrs)
        return (loop) =>
          makeNode(
            op,
            inputs.map((input) => loop.stack(input)),
            { a: letter + a, b: letter + b, out },
          )
      }
      default:
        return addUp()
    }
  }
  const total = plan(part)
  return { accumulated, total }
}
