/**
 * Computing tensors that no compiled function covers: the graph of what is asked for becomes a program, and
 * graphs of equal structure share one.
 */
import type { Argument, Backend } from '../backends/backend.ts'
import { evaluate } from '../backends/reference/reference.ts'
import { allocate } from '../dtype.ts'
import { fail } from '../errors.ts'
import { buildGraph, graphKey } from '../graph/graph.ts'
import { setRealizer } from '../graph/realizer.ts'
import { activeTrace } from '../graph/trace.ts'
import { Storage } from '../storage.ts'
import { dirtyVariables, type Tensor } from '../tensor.ts'
import { getBackend, isReference } from './backend.ts'
import { inTurn, Program } from './program.ts'

/** Programs by structure, the most recently used last. */
const programs = new WeakMap<Backend, Map<string, Promise<Program>>>()
/** Programs kept for each backend; beyond that the one not used for the longest time goes. */
const mostPrograms = 256

/** Computes the tensors, together, so that `data()` and `item()` find their numbers. */
export async function realize(...tensors: readonly Tensor[]): Promise<void> {
  if (activeTrace()) fail('trace-read', { what: 'realize' })
  // Assigned variables come along, so that a loop of assignments does not pile up.
  const assigned = [...dirtyVariables].map((variable) => variable.value)
  dirtyVariables.clear()
  const wanted = [...new Set([...tensors.map((tensor) => tensor.current()), ...assigned])].filter(
    (tensor) => !tensor.storage,
  )
  if (wanted.length === 0) return
  const backend = await getBackend()
  if (isReference(backend)) {
    const values = evaluate(wanted, new Map(), { useComputed: true })
    wanted.forEach((tensor, i) => {
      const host = allocate(tensor.dtype, tensor.size)
      host.set(values[i].data)
      settle(tensor, new Storage(tensor.dtype, tensor.size, host))
    })
    return
  }
  const { graph, leaves } = buildGraph(wanted)
  const args: Argument[] = [
    ...leaves.map((leaf): Argument => ({ role: 'input', dtype: leaf.dtype, length: leaf.size })),
    ...wanted.map((tensor): Argument => ({ role: 'output', dtype: tensor.dtype, length: tensor.size })),
  ]
  const key = `${graphKey(graph)}|${args.map((arg) => `${arg.role}${arg.length}`).join()}`
  const program = await programFor(backend, key, () =>
    Program.create(
      graph,
      args,
      wanted.map((_, i) => leaves.length + i),
      backend,
    ),
  )
  const outputs = wanted.map((tensor) => new Storage(tensor.dtype, tensor.size))
  await inTurn(backend, () => {
    // Looked at when its turn comes: steps before it may have changed what the leaves mean.
    const inputs = leaves.map(storageOf)
    return program.run([...inputs, ...outputs])
  })
  wanted.forEach((tensor, i) => settle(tensor, outputs[i]))
}

function settle(tensor: Tensor, storage: Storage): void {
  tensor.storage = storage
  tensor.version = storage.version
}

/** The numbers of a leaf, refused if they have been overwritten since the leaf was made. */
export function storageOf(leaf: Tensor): Storage {
  const { storage } = leaf
  if (!storage) return fail('trace-read', { what: leaf.path || 'An argument of a compiled function' })
  if (storage.version !== leaf.version) fail('stale-value', { path: leaf.path })
  return storage
}

function programFor(backend: Backend, key: string, create: () => Promise<Program>): Promise<Program> {
  let known = programs.get(backend)
  if (!known) {
    known = new Map()
    programs.set(backend, known)
  }
  let program = known.get(key)
  if (program) known.delete(key)
  else program = create()
  known.set(key, program)
  program.catch(() => known.delete(key))
  if (known.size > mostPrograms) {
    const [oldest, dropped] = known.entries().next().value as [string, Promise<Program>]
    known.delete(oldest)
    // After the runs that wait for their turn, which may be its own. One that could not be compiled has nothing to give.
    dropped.then((p) => inTurn(backend, () => p.release())).catch(() => {})
  }
  return program
}

setRealizer((tensors) => realize(...tensors))
