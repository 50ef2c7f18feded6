/** Training and evaluation modes of all parts of a model, taken down and put back. What the modes are: module.ts. */
import type { Module } from './module.ts'

type Modes = readonly (readonly [module: Module, training: boolean])[]

export function modesOf(model: Module): Modes {
  return model.modules().map((module) => [module, module.training] as const)
}

export function restoreModes(modes: Modes): void {
  // Outer modules come first, so that what is inside them is set last.
  for (const [module, mode] of modes) if (module.training !== mode) module.train(mode)
}

/**
 * Calls `body` with the model in one mode, and puts each module back into its own as soon as the call returns. Of a call
 * that only starts something that is enough, if it traces at once.
 */
export function inMode<T>(model: Module, training: boolean, body: () => T): T {
  const before = modesOf(model)
  model.train(training)
  try {
    return body()
  } finally {
    restoreModes(before)
  }
}

/** Runs `body` to its end with the model in evaluation, and puts each module back into its own mode. */
export async function inEvaluation<T>(model: Module, body: () => Promise<T>): Promise<T> {
  const before = modesOf(model)
  model.eval()
  try {
    return await body()
  } finally {
    restoreModes(before)
  }
}
