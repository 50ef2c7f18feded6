/**
 * A loop over time being made from a body that has been traced: what it captures, what is better done before or after
 * it for all steps at once, and its outputs.
 *
 * Products that depend on the slices only, not on the state, leave the loop at the front: the loop is handed their
 * slices. What only a stacked result needs leaves at the back if there is a product in it. Who uses it: scan.ts, and
 * autodiff/scan.ts, whose loops run the other way.
 */
import { type DType, promote } from '../../dtype.ts'
import type { Tensor } from '../../tensor.ts'
import { makeNode } from '../../tensor.ts'
import { leaf } from '../leaf.ts'
import { type OutputAttrs, type ScanAttrs, type Steps, scan, scanOutput, type Wanted } from '../scan.ts'
import { Batch } from './batch.ts'

export interface LoopParts {
  readonly length: number
  readonly reverse: boolean
  readonly carries: readonly Tensor[]
  readonly inits: readonly Tensor[]
  readonly next: readonly Tensor[]
  readonly slices: readonly Tensor[]
  /** What the slices are slices of, `[T, ...s]`. */
  readonly sliced: readonly Tensor[]
  /** Further tensors of the body that may be wanted of the loop. */
  readonly results: readonly Tensor[]
}

/** What stands in a body for a value of each step. */
export function placeholder(like: { shape: readonly number[]; dtype: DType }): Tensor {
  return makeNode(leaf, [], { shape: like.shape, dtype: like.dtype })
}

/** A function that says whether a tensor depends on one of `roots`. Asked again, it remembers. */
export function dependsOn(roots: readonly Tensor[]): (tensor: Tensor) => boolean {
  const known = new Map<Tensor, boolean>(roots.map((root) => [root, true]))
  const oldest = Math.min(...roots.map((root) => root.id))
  return (asked) => {
    const open = [asked]
    while (open.length > 0) {
      const tensor = open[open.length - 1]
      if (known.has(tensor)) open.pop()
      else if (tensor.id < oldest) known.set(tensor, false)
      else {
        const waiting = tensor.inputs.filter((input) => !known.has(input))
        if (waiting.length > 0) open.push(...waiting)
        else
          known.set(
            tensor,
            tensor.inputs.some((input) => known.get(input) === true),
          )
      }
    }
    return known.get(asked) === true
  }
}

/** Calls `visit` with each tensor that `results` need, each once, the results first; its answer says whether to go on. */
export function walkBack(results: Iterable<Tensor>, visit: (tensor: Tensor) => boolean): void {
  const seen = new Set<Tensor>(results)
  const open = [...seen]
  for (let tensor = open.pop(); tensor; tensor = open.pop()) {
    if (!visit(tensor)) continue
    for (const input of tensor.inputs) {
      if (seen.has(input)) continue
      seen.add(input)
      open.push(input)
    }
  }
}

const isProduct = (tensor: Tensor): boolean => tensor.op.kind === 'contract' || tensor.op.kind === 'conv'

/** What a body needs of outside only to say where or how to read: it comes into the body, so that nothing is copied. */
const comesAlong = (tensor: Tensor): boolean =>
  tensor.op.kind === 'move' || (tensor.op.kind === 'generate' && tensor.inputs.length === 0)

export class Loop {
  readonly tensor: Tensor
  readonly #steps: Steps
  readonly #sliced: readonly Tensor[]
  readonly #inside: (tensor: Tensor) => boolean
  /** What the state needs, directly or not. */
  readonly #state = new Set<Tensor>()
  readonly #outputs = new Map<Tensor, Tensor>()
  readonly #after: Batch

  constructor(parts: LoopParts) {
    const { length, reverse, carries, next } = parts
    const { slices, sliced } = productsBefore(parts)
    this.#inside = dependsOn([...carries, ...slices])
    const standIns = new Set([...carries, ...slices])
    walkBack(next, (tensor) => {
      if (this.#inside(tensor)) this.#state.add(tensor)
      return this.#inside(tensor) && !standIns.has(tensor)
    })
    const captured: Tensor[] = []
    walkBack([...next, ...parts.results], (tensor) => {
      if (standIns.has(tensor)) return false
      if (this.#inside(tensor) || comesAlong(tensor)) return true
      captured.push(tensor)
      return false
    })
    this.#steps = { length, reverse, carries, slices, captured, next }
    this.#sliced = sliced
    const dtype = [...next, ...parts.results].map((tensor) => tensor.dtype).reduce(promote, 'bool')
    const attrs: ScanAttrs = { steps: this.#steps, dtype }
    this.tensor = makeNode(scan, [...parts.inits, ...sliced, ...captured], attrs)
    this.#after = new Batch(length, this.#inside, (tensor) => this.#there(tensor))
  }

  /** `[...s]`: state number `carry` after the last step. */
  last(carry: number): Tensor {
    const { shape, dtype } = this.#steps.carries[carry]
    return output(this.tensor, { carry }, shape, dtype)
  }

  /** `[...s]` → `[T, ...s]`: a tensor of the body, all steps of it. */
  stack(tensor: Tensor): Tensor {
    if (this.#inside(tensor) && !this.#leavesAtTheBack(tensor)) return this.#there(tensor) ?? this.#output(tensor)
    return this.#after.of(tensor) ?? this.#output(tensor)
  }

  /** Whether a tensor differs from step to step. */
  inside(tensor: Tensor): boolean {
    return this.#inside(tensor)
  }

  /** All steps of what the loop is handed in slices, and of what it computes for its state. */
  #there(tensor: Tensor): Tensor | undefined {
    const slice = this.#steps.slices.indexOf(tensor)
    if (slice >= 0) return this.#sliced[slice]
    const kept = this.#steps.carries.includes(tensor) || (this.#state.has(tensor) && tensor.op.kind !== 'move')
    return kept ? this.#output(tensor) : undefined
  }

  #output(tensor: Tensor): Tensor {
    let made = this.#outputs.get(tensor)
    if (!made) {
      made = stacked(this.tensor, tensor)
      this.#outputs.set(tensor, made)
    }
    return made
  }

  /** Whether a result is computed after the loop: a movement, or something with a product that the state does not need. */
  #leavesAtTheBack(result: Tensor): boolean {
    if (result.op.kind === 'move') return true
    let product = false
    walkBack([result], (tensor) => {
      if (product || !this.#inside(tensor) || this.#state.has(tensor)) return false
      product = isProduct(tensor)
      return true
    })
    return product
  }
}

/** All steps of a tensor of the body of `loop`, as an output of its own. */
export function stacked(loop: Tensor, tensor: Tensor): Tensor {
  const { steps } = loop.attrs as ScanAttrs
  return output(loop, { stacked: tensor }, [steps.length, ...tensor.shape], tensor.dtype)
}

function output(loop: Tensor, wanted: Wanted, shape: readonly number[], dtype: DType): Tensor {
  const attrs: OutputAttrs = { wanted, shape, dtype }
  return makeNode(scanOutput, [loop], attrs)
}

/** The slices, and what they are slices of, when the products that depend on slices only are done before the loop. */
function productsBefore({ length, carries, slices, sliced, next, results }: LoopParts): {
  slices: readonly Tensor[]
  sliced: readonly Tensor[]
} {
  if (slices.length === 0) return { slices, sliced }
  const inside = dependsOn([...carries, ...slices])
  const onState = carries.length === 0 ? () => false : dependsOn(carries)
  const before = new Batch(length, inside, (tensor) => {
    const slice = slices.indexOf(tensor)
    return slice < 0 ? undefined : sliced[slice]
  })
  const found: Tensor[] = []
  const all: Tensor[] = []
  const standIns = new Set([...carries, ...slices])
  walkBack([...next, ...results], (tensor) => {
    if (standIns.has(tensor) || !inside(tensor)) return false
    if (!isProduct(tensor) || onState(tensor)) return true
    const whole = before.of(tensor)
    if (!whole) return true
    found.push(tensor)
    all.push(whole)
    return false
  })
  return { slices: [...slices, ...found], sliced: [...sliced, ...all] }
}
