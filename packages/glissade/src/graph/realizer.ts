/**
 * How a tensor asks for its numbers without knowing who computes them: run/ puts its `realize` here when it
 * is loaded. This is the one place where a lower layer calls a higher one.
 */
import type { Tensor } from '../tensor.ts'

type Realize = (tensors: readonly Tensor[]) => Promise<void>

let realizer: Realize | undefined

export function setRealizer(realize: Realize): void {
  realizer = realize
}

export function requestRealize(tensors: readonly Tensor[]): Promise<void> {
  if (!realizer) throw new Error('No runtime is loaded; import tensors from the package’s index.')
  return realizer(tensors)
}

let pending: () => Promise<void> | undefined = () => undefined

/** `ask` tells what to wait for until every run that was asked for has ended; undefined if none is under way. */
export function setPending(ask: () => Promise<void> | undefined): void {
  pending = ask
}

/** When all runs that were asked for have ended. */
export async function runsEnded(): Promise<void> {
  const wait = pending()
  if (wait) await wait
}
