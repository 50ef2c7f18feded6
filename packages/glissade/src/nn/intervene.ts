/**
 * Interventions: what a module is given or gives back is changed on its way, as when a unit is switched off.
 *
 * The change is part of the computation: what comes after it sees it, those who watch see it, and gradients flow through
 * it. Compiled functions follow, since the set of interventions is part of what they were traced under (modes.ts).
 * Who calls the changes: module.ts.
 */
import { fail } from '../errors.ts'
import { Tensor } from '../tensor.ts'
import { newMark, turn } from './modes.ts'
import type { Module } from './module.ts'

export interface Intervention {
  /** Of the first tensor that the module is given. */
  readonly input?: (x: Tensor) => Tensor
  /** Of the tensor that it gives back; of several results of the one called `output`. */
  readonly output?: (x: Tensor) => Tensor
}

const active = new WeakMap<object, readonly Intervention[]>()

/**
 * Changes what `module` is given or gives back, from now on, until the function that comes back is called. Of several,
 * the one that came first acts first. A change must keep the shape and be made of tensor operations.
 *
 * ```ts
 * const off = nn.intervene(hidden, { output: (x) => mask.where(x, 0) })
 * const without = await model.forward(x).data()
 * off()
 * ```
 */
export function intervene(module: Module, intervention: Intervention): () => void {
  const mark = newMark()
  active.set(module, [...(active.get(module) ?? []), intervention])
  turn(mark)
  let isActive = true
  return () => {
    if (!isActive) return
    isActive = false
    const left = (active.get(module) ?? []).filter((other) => other !== intervention)
    if (left.length > 0) active.set(module, left)
    else active.delete(module)
    turn(mark)
  }
}

/** The inputs of a module, as those who intervene want them. */
export function changedInputs<I extends readonly unknown[]>(module: object, inputs: I): I {
  const changes = active.get(module)
  if (!changes) return inputs
  const [first, ...rest] = inputs
  if (!(first instanceof Tensor)) return inputs
  return [changes.reduce((x, { input }) => (input ? kept(x, input(x)) : x), first), ...rest] as unknown as I
}

/** What a module gave back, as those who intervene want it. */
export function changedOutput(module: object, output: unknown): unknown {
  const changes = active.get(module)
  if (!changes) return output
  const change = (given: Tensor): Tensor => changes.reduce((x, { output }) => (output ? kept(x, output(x)) : x), given)
  if (output instanceof Tensor) return change(output)
  const { output: inner } = (output ?? {}) as { readonly output?: unknown }
  return inner instanceof Tensor ? { ...(output as object), output: change(inner) } : output
}

function kept(before: Tensor, after: Tensor): Tensor {
  if (after.dtype === before.dtype && after.shape.join() === before.shape.join()) return after
  return fail('shape-mismatch', {
    op: 'intervene',
    received: `${after.dtype} [${after.shape.join(', ')}]`,
    expected: `${before.dtype} [${before.shape.join(', ')}], as before the change`,
    fix: 'A change keeps the shape and the type.',
  })
}
