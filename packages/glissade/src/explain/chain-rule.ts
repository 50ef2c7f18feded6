/**
 * The microscope: the gradient of any element of any tensor as the sum of the chain rule's products, each of which can
 * be unfolded again, down to the loss.
 *
 * An element x of a tensor goes into some operations. Of each element y that it changes there, ∂y/∂x is known, and
 * ∂loss/∂y is a gradient like any other: their products add up to ∂loss/∂x. The derivatives of one operation come
 * from its own gradient rule, which is linear in what flows into it: the derivative of ⟨rule(u), direction⟩ by u says
 * how the output changes with the input. No op is known by name. Rules: ops/; the walk itself: autodiff/gradients.ts.
 */
import { gradients } from '../autodiff/gradients.ts'
import { evaluate } from '../backends/reference/reference.ts'
import type { TypedArray } from '../dtype.ts'
import { isFloat } from '../dtype.ts'
import { placeholder, walkBack } from '../ops/derived/loop.ts'
import type { Storage } from '../storage.ts'
import type { Tensor } from '../tensor.ts'
import { checkElement, type GradientCheck, type GradientCheckOptions } from './check-gradient.ts'
import { type Element, flatElement, positionOf } from './elements.ts'
import { defaultLimit, endsAt, largest, nameOf, passesOn, type Rest } from './level.ts'
import { type Content, Recording, type RecordingData, recorded, type TermsOptions, type Which } from './record.ts'

/** One product of the chain rule: the way of the gradient through one element of one operation's output. */
export interface Term {
  /** The operation y, to be unfolded in its turn. */
  readonly id: number
  readonly op: string
  /** What a person calls it: the module or tap, or else the operation in its module; `loss` for the loss. */
  readonly name: string
  /** The element of y, row-major and by axes. */
  readonly element: number
  readonly position: readonly number[]
  /** The value of y there. */
  readonly value: number
  /** ∂y/∂x */
  readonly local: number
  /** ∂loss/∂y; of the loss itself 1. */
  readonly upstream: number
  /** local times upstream */
  readonly product: number
}

/** The terms of one element's gradient. */
export interface Terms {
  readonly id: number
  readonly element: number
  readonly position: readonly number[]
  readonly value: number
  /** The library's gradient of the element, which `sum` agrees with but for rounding. */
  readonly gradient: number
  /** The sum of all products. */
  readonly sum: number
  readonly terms: readonly Term[]
  readonly rest: Rest
}

/**
 * Records what `body` computes and the gradients of its loss by every tensor on the way. `body` returns the loss, a
 * single number; it may also call an optimizer's `minimize`, whose operations are then recorded too. Variables keep
 * their values. Loops are written out. Errors: grad-scalar.
 *
 * ```ts
 * const story = await chainRule(() => loss.crossEntropy(model.forward(x), y))
 * const { gradient, terms, rest } = story.terms('fc1.weight', [3, 0])
 * story.terms(terms[0].id, terms[0].element)            // one step nearer to the loss
 * story.terms('fc1.weight', [3, 0], { level: 'modules' })  // a layer at a time
 * story.check('fc1.weight', [3, 0])                     // beside finite differences
 * ```
 */
export async function chainRule(body: () => Tensor): Promise<ChainRule> {
  let wanted: ReadonlyMap<Tensor, Tensor> = new Map()
  const story = await recorded(
    () => {
      const loss = body().current()
      const tensors = floatsBefore(loss)
      const found = gradients(loss, tensors)
      wanted = new Map(
        tensors.flatMap((tensor, i) => {
          const gradient = found[i]
          return gradient ? [[tensor, gradient] as const] : []
        }),
      )
      return loss
    },
    (content) => new ChainRule(content, wanted),
  )
  await story.compute()
  return story
}

/** All that can have a gradient, in the order in which it came about. */
function floatsBefore(loss: Tensor): Tensor[] {
  const found: Tensor[] = []
  walkBack([loss], (tensor) => {
    if (isFloat(tensor.dtype)) found.push(tensor)
    return true
  })
  return found.sort((a, b) => a.id - b.id)
}

export class ChainRule extends Recording {
  /** The operation that makes the loss; if the loss was reshaped after it, it has one element too. */
  readonly loss: number
  /** By birth. */
  readonly #gradients: ReadonlyMap<Tensor, Tensor>

  constructor(content: Content, gradientOf: ReadonlyMap<Tensor, Tensor>) {
    super(content)
    this.#gradients = new Map([...gradientOf].filter(([tensor]) => this.holds(tensor)))
    let made = content.outputs[0]
    while (passesOn(made) && made.inputs[0].size === 1 && this.holds(made.inputs[0])) made = made.inputs[0]
    this.loss = this.find(made)
  }

  /** Computes all values and gradients. */
  async compute(): Promise<void> {
    await this.realize([...this.#gradients.values()])
  }

  /** A copy of the gradient of the loss by one tensor; zeros where the loss does not depend on it. */
  gradient(which: Which): TypedArray {
    const tensor = this.tensors[this.find(which)]
    const gradient = this.#gradients.get(tensor)
    return gradient ? numbersOf(gradient).slice() : new Float32Array(tensor.size)
  }

  /**
   * The terms of the gradient of one element, given row-major or by axes. Those whose local derivative is 0 are left
   * out: they hold nothing. Of the loss itself there are none.
   */
  terms(which: Which, element: Element, options: TermsOptions = {}): Terms {
    const { level = 'operations', limit = defaultLimit } = options
    const id = this.find(which)
    const start = this.tensors[id]
    const at = flatElement(element, start.shape)
    const end = endsAt(level, this.stations, this.tensors)
    const loss = this.tensors[this.loss]
    const tangents = new Map<Tensor, Float64Array>([[start, oneAt(at, start.size)]])
    const all: Product[] = []
    // What stands behind the loss is the loss in another shape.
    const isLoss = start.id >= loss.id && this.#gradients.has(start)
    if (!isLoss) {
      for (const tensor of this.#gradients.keys()) {
        if (tensor.id <= start.id || !tensor.inputs.some((input) => tangents.has(input))) continue
        const tangent = this.inTrace(() => changeOf(tensor, tangents))
        if (!tangent) continue
        const name = end(tensor)
        if (tensor === loss || name !== undefined) all.push(...this.#productsAt(tensor, tangent, name))
        else tangents.set(tensor, tangent)
      }
    }
    const { terms, sum, rest } = largest(all, limit)
    return {
      id,
      element: at,
      position: positionOf(at, start.shape),
      value: numbersOf(start)[at],
      gradient: this.gradient(id)[at],
      sum: isLoss ? 1 : sum,
      terms: terms.map((each) => this.#term(each)),
      rest,
    }
  }

  /** One element's gradient beside finite differences in float64. Without the story: `checkGradient`. */
  check(which: Which, element: Element, options?: GradientCheckOptions): GradientCheck {
    const target = this.tensors[this.find(which)]
    const at = flatElement(element, target.shape)
    const gradient = this.#gradients.get(target)
    const checked = { loss: this.tensors[this.loss], target, gradient, given: this.given() }
    return checkElement(checked, at, this.gradient(this.find(target))[at], options)
  }

  override toJSON(): RecordingData & { readonly loss: number } {
    return { ...super.toJSON(), loss: this.loss }
  }

  #productsAt(tensor: Tensor, tangent: Float64Array, given: string | undefined): Product[] {
    const upstream = numbersOf(this.#gradients.get(tensor) as Tensor)
    const found: Product[] = []
    tangent.forEach((local, element) => {
      if (local === 0) return
      found.push({ tensor, given, element, local, upstream: upstream[element], product: local * upstream[element] })
    })
    return found
  }

  #term({ tensor, given, element, local, upstream, product }: Product): Term {
    const operation = this.operations[this.find(tensor)]
    const { id, op } = operation
    const name = id === this.loss ? 'loss' : nameOf(operation, given)
    const position = positionOf(element, tensor.shape)
    return { id, op, name, element, position, value: numbersOf(tensor)[element], local, upstream, product }
  }
}

/** A term while there may be many. */
interface Product {
  readonly tensor: Tensor
  /** Its name at the level that was asked for. */
  readonly given: string | undefined
  readonly element: number
  readonly local: number
  readonly upstream: number
  readonly product: number
}

const numbersOf = (tensor: Tensor): TypedArray => (tensor.storage as Storage).read()

/**
 * How `tensor` changes when its inputs change as `tangents` say: J t, from the gradient rule g ↦ Jᵀ g alone, as the
 * derivative of ⟨Jᵀ u, t⟩ by u (J. Townsend 2017, "A new trick for calculating Jacobian vector products").
 */
function changeOf(tensor: Tensor, tangents: ReadonlyMap<Tensor, Float64Array>): Float64Array | undefined {
  const u = placeholder(tensor)
  const parts = tensor.op.gradient?.(u, tensor) ?? []
  const directions = new Map<Tensor, Float64Array>()
  const products: Tensor[] = []
  tensor.inputs.forEach((input, i) => {
    const [part, tangent] = [parts[i], tangents.get(input)]
    if (!part || !tangent) return
    const direction = placeholder(part)
    directions.set(direction, tangent)
    products.push(part.mul(direction).sum())
  })
  if (products.length === 0) return undefined
  const [change] = gradients(
    products.reduce((a, b) => a.add(b)),
    [u],
  )
  return change && evaluate([change], directions, { useComputed: true })[0].data
}

function oneAt(place: number, size: number): Float64Array {
  const numbers = new Float64Array(size)
  numbers[place] = 1
  return numbers
}
