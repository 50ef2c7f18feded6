/**
 * A computation traced once, to be looked at: variables have their present numbers and keep them, whatever the traced
 * function assigns, and random draws and learning rates are those of the next run.
 *
 * Who uses it: non-finite.ts, record.ts, check-gradient.ts.
 */
import type { TypedArray } from '../dtype.ts'
import { runTrace, Trace } from '../graph/trace.ts'
import { Storage } from '../storage.ts'
import type { Tensor } from '../tensor.ts'

/** What `body` returned, in tensors that can be realized, and the trace with what it read and assigned. */
export async function traceOnce<T>(
  body: () => T,
  begin: (trace: Trace) => void = () => {},
): Promise<{ readonly result: T; readonly trace: Trace }> {
  const trace = new Trace()
  begin(trace)
  const result = runTrace(trace, body)
  await Promise.all([...trace.states.keys()].map((variable) => variable.value.realized()))
  // Copies, taken all at once: a step that runs later changes variables in place.
  for (const [variable, state] of trace.states) bind(state, (variable.value.storage as Storage).read().slice())
  for (const { tensor, supply } of trace.supplied) {
    const storage = new Storage(tensor.dtype, tensor.size)
    supply(storage)
    tensor.storage = storage
    tensor.version = storage.version
  }
  return { result, trace }
}

function bind(leaf: Tensor, numbers: TypedArray): void {
  const storage = new Storage(leaf.dtype, leaf.size, numbers)
  leaf.storage = storage
  leaf.version = storage.version
}
