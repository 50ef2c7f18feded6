/**
 * What people asked of a trace while the body of a loop was traced: tensors to see after a run, numbers to check before
 * it. Both speak of tensors of the body, which have no single value, and are made to speak of all steps.
 */
import { activeTrace } from '../../graph/trace.ts'
import type { Tensor } from '../../tensor.ts'
import { checkIndices } from './indexing.ts'

export interface Noted {
  /** What someone wants to see. */
  tensors(): Tensor[]
  /** Shows `all(tensor)` in its place. */
  stack(all: (tensor: Tensor) => Tensor): void
  /** Checks the numbers of a slice on what it is a slice of. */
  checkSlices(slices: readonly Tensor[], sliced: readonly Tensor[]): void
}

/** What is asked of the running trace from now on. */
export function notedSince(): Noted {
  const trace = activeTrace()
  const shown = trace?.extraOutputs.length ?? 0
  const required = trace?.requirements.length ?? 0
  return {
    tensors: () => (trace?.extraOutputs.slice(shown) ?? []).map(({ tensor }) => tensor.current()),
    stack: (all) => {
      const outputs = trace?.extraOutputs.slice(shown) ?? []
      outputs.forEach((output, i) => {
        trace?.extraOutputs.splice(shown + i, 1, { ...output, tensor: all(output.tensor.current()) })
      })
    },
    checkSlices: (slices, sliced) => {
      for (const requirement of trace?.requirements.splice(required) ?? []) {
        const slice = slices.indexOf(requirement.tensor)
        if (slice < 0) trace?.requirements.push(requirement)
        else checkIndices(requirement.what, sliced[slice], requirement.size, requirement.except)
      }
    },
  }
}
