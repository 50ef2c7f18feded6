/** Training and evaluation modes of all parts of a model, taken down and put back. */
import type { Module } from '../nn/module.ts'

type Modes = readonly (readonly [module: Module, training: boolean])[]

export function modesOf(model: Module): Modes {
  return [...model.namedModules().values()].map((module) => [module, module.training] as const)
}

export function restoreModes(modes: Modes): void {
  // Outer modules come first, so that what is inside them is set last.
  for (const [module, mode] of modes) if (module.training !== mode) module.train(mode)
}

/** Runs `body` with the model in evaluation, and puts each module back into the mode it was in. */
export async function inEvaluation<T>(model: Module, body: () => Promise<T>): Promise<T> {
  const before = modesOf(model)
  model.eval()
  try {
    return await body()
  } finally {
    restoreModes(before)
  }
}
