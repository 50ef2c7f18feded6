/**
 * A run as bytes, and back: a safetensors file with the weights, the optimizer's moments, the step and where random draws
 * stand. A run that goes on from it makes the same steps as if it had never been put away.
 *
 * Weights alone (a model file of the library) are taken too; the run then begins at step 0 with them.
 */
import { io, type optim, type random, type Tensor } from 'glissade'
import type { Run } from './run.ts'

/** In the file's metadata: everything that is no tensor, as JSON. */
const key = 'glissade.lab'
/** There too, on request: what was set up. */
export const specKey = 'glissade.lab.spec'
const modelPrefix = 'model.'
const optimizerPrefix = 'optimizer.'
/** Beyond it a count of steps is no count any more. */
const mostSteps = 1e12

interface Kept {
  readonly step: number
  readonly draws: random.GeneratorState
  readonly optimizer: Omit<optim.OptimizerState, 'tensors'>
}

export async function sessionOf({ model, optimizer, step, draws, spec }: Run, withSpec = false): Promise<Uint8Array> {
  const { tensors, ...state } = optimizer.stateDict()
  const kept: Kept = { step, draws, optimizer: state }
  return io.formatSafetensors(
    { ...prefixed(modelPrefix, model.stateDict()), ...prefixed(optimizerPrefix, tensors) },
    { [key]: JSON.stringify(kept), ...(withSpec && { [specKey]: JSON.stringify(spec) }) },
  )
}

/** Brings a new run to what was kept. Errors: those of the library, for what is damaged or of another network. */
export async function restore(run: Run, bytes: Uint8Array): Promise<void> {
  const { tensors, metadata } = io.parseSafetensors(bytes, 'The weights')
  const text = metadata[key]
  if (text === undefined) {
    await run.model.loadStateDict(tensors, { source: 'the weights' })
    return
  }
  const { step, draws, optimizer } = keptIn(text)
  await run.model.loadStateDict(within(modelPrefix, tensors), { source: 'the session' })
  await run.optimizer.loadStateDict({ ...optimizer, tensors: within(optimizerPrefix, tensors) })
  run.step = step
  run.draws = draws
}

function keptIn(text: string): Kept {
  const kept = parsed(text) as Partial<Kept> | undefined
  const isCount = (value: unknown, most: number): boolean =>
    Number.isInteger(value) && Number(value) >= 0 && Number(value) <= most
  const { step, draws, optimizer } = kept ?? {}
  if (
    !isCount(step, mostSteps) ||
    !isCount(draws?.counter, 2 ** 31 - 1) ||
    !Number.isInteger(draws?.seed) ||
    !optimizer
  )
    throw new Error(
      'The session does not say where training stood: it is damaged, or made by another version of the lab.',
    )
  return kept as Kept
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const prefixed = (prefix: string, tensors: Readonly<Record<string, Tensor>>): Record<string, Tensor> =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [prefix + name, tensor]))

const within = (prefix: string, tensors: Readonly<Record<string, Tensor>>): Record<string, Tensor> =>
  Object.fromEntries(
    Object.entries(tensors)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, tensor]) => [name.slice(prefix.length), tensor]),
  )
