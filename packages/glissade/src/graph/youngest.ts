/**
 * Nodes by falling id, which is: each after all that use it. For walks from results back to what they depend on.
 */
import { Heap } from '../heap.ts'

/** A heap that gives out the node that was made last. */
export function youngestFirst<N extends { readonly id: number }>(): Heap<N> {
  return new Heap((a, b) => b.id - a.id)
}
