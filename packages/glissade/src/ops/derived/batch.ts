/**
 * The same computation for all steps of a loop at once: what a tensor of the loop's body would be with the steps on a
 * new first axis.
 *
 * What does not depend on the state can be computed before or after the loop in one piece: a product of each slice
 * with a weight becomes one large product, in which the weight is packed once. Who uses it: loop.ts.
 */
import { fail } from '../../errors.ts'
import type { Tensor } from '../../tensor.ts'
import { makeNode } from '../../tensor.ts'
import type { ContractAttrs, ConvAttrs } from '../contract.ts'
import { stopGradient } from '../wrap.ts'
import { expandTo, reshapeTo } from './common.ts'

/** A letter that a contraction does not use yet. */
export function freshLetter({ a, b, out }: ContractAttrs): string {
  for (let code = 'A'.charCodeAt(0); code <= 'z'.charCodeAt(0); code++) {
    const letter = String.fromCharCode(code)
    if (!`${a}${b}${out}`.includes(letter)) return letter
  }
  return fail('value-invalid', {
    what: 'scan: a product in the body',
    received: `${a},${b}->${out}`,
    expected: 'a letter that is free',
    fix: 'Use a product of fewer axes.',
  })
}

export class Batch {
  readonly #length: number
  readonly #known: (tensor: Tensor) => Tensor | undefined
  readonly #inside: (tensor: Tensor) => boolean
  readonly #made = new Map<Tensor, Tensor | undefined>()

  /**
   * `inside` tells what differs from step to step; `known` gives those of it that are there for all steps, `[T, ...s]`.
   */
  constructor(length: number, inside: (tensor: Tensor) => boolean, known: (tensor: Tensor) => Tensor | undefined) {
    this.#length = length
    this.#inside = inside
    this.#known = known
  }

  /** `[...s]` → `[T, ...s]`: the value at all steps; undefined where it cannot be computed for all at once. */
  of(tensor: Tensor): Tensor | undefined {
    if (this.#made.has(tensor)) return this.#made.get(tensor)
    const made = this.#inside(tensor) ? (this.#known(tensor) ?? this.#compute(tensor)) : this.#repeated(tensor)
    this.#made.set(tensor, made)
    return made
  }

  #repeated(tensor: Tensor): Tensor {
    return expandTo(reshapeTo(tensor, [1, ...tensor.shape]), [this.#length, ...tensor.shape])
  }

  #compute(tensor: Tensor): Tensor | undefined {
    const { op, attrs } = tensor
    if (op.kind === 'contract') return this.#product(tensor)
    if (op.kind === 'conv') return this.#convolution(tensor)
    const batched = (): Tensor[] | undefined => {
      const inputs = tensor.inputs.map((input) => this.of(input))
      return inputs.every((input) => input !== undefined) ? inputs : undefined
    }
    const make = (changed: Tensor['attrs']): Tensor | undefined => {
      const inputs = batched()
      return inputs && makeNode(op, inputs, changed)
    }
    switch (op.kind) {
      case 'map':
        return make(attrs)
      case 'move':
        return make(op.batch(attrs, this.#length))
      case 'reduce':
        return make({ ...attrs, axes: (attrs.axes as number[]).map((axis) => axis + 1) })
      case 'gather':
      case 'scatter':
      case 'cumulate':
        return make({ ...attrs, axis: (attrs.axis as number) + 1 })
      case 'sort':
        return make(attrs)
      case 'wrap':
        return op === stopGradient ? make(attrs) : undefined
      default:
        return undefined
    }
  }

  #product(tensor: Tensor): Tensor | undefined {
    const { a, b, out } = tensor.attrs as ContractAttrs
    const letter = freshLetter(tensor.attrs as ContractAttrs)
    const [x, y] = tensor.inputs.map((input) => (this.#inside(input) ? this.of(input) : input))
    if (!x || !y) return undefined
    const named = (letters: string, i: number): string => (this.#inside(tensor.inputs[i]) ? letter + letters : letters)
    return makeNode(tensor.op, [x, y], { a: named(a, 0), b: named(b, 1), out: letter + out })
  }

  /** The steps become part of the batch; the weight must be the same at all. */
  #convolution(tensor: Tensor): Tensor | undefined {
    const [x, weight] = tensor.inputs
    const all = this.#inside(weight) ? undefined : this.of(x)
    if (!all) return undefined
    const y = makeNode(
      tensor.op,
      [reshapeTo(all, [this.#length * x.shape[0], ...x.shape.slice(1)]), weight],
      tensor.attrs as ConvAttrs,
    )
    return reshapeTo(y, [this.#length, ...tensor.shape])
  }
}
