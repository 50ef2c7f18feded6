/**
 * compile: a function of tensors becomes one program: traced once per shapes, then replayed.
 *
 * Forward pass, gradients and optimizer update run in one piece, variables are updated in place, and nothing is
 * allocated per call but the results. Not here: the compiler itself (compile/lower.ts).
 */
import type { Argument, Backend } from '../backends/backend.ts'
import { evaluate } from '../backends/reference/reference.ts'
import { fail } from '../errors.ts'
import { buildGraph } from '../graph/graph.ts'
import { type Requirement, runTrace, Trace, traceKeys, traceStarts } from '../graph/trace.ts'
import { leaf } from '../ops/leaf.ts'
import { Storage } from '../storage.ts'
import { dirtyVariables, fromStorage, Tensor, type Variable } from '../tensor.ts'
import { getBackend, isReference } from './backend.ts'
import { inTurn, type Profile, Program } from './program.ts'
import { realize, storageOf } from './realize.ts'

/** What may go in and come out: tensors, alone or in arrays and plain objects, with numbers and texts between. */
export type Structure =
  | Tensor
  | number
  | string
  | boolean
  | null
  | undefined
  | readonly Structure[]
  | { readonly [name: string]: Structure }

export interface CompiledFunction<A extends readonly unknown[], R> {
  (...args: A): Promise<R>
  /** The program for arguments of these shapes, compiled if need be. */
  program(...args: A): Promise<Program>
  /** Runs the function once (variables change), timing each kernel. */
  profile(...args: A): Promise<Profile>
  /** Gives the compiled programs back. */
  release(): void
}

interface Compiled {
  readonly trace: Trace
  readonly program: Program
  readonly result: unknown
  readonly outputs: readonly Tensor[]
  readonly variables: readonly Variable[]
  /** The variables' new values, as traced. */
  readonly assigned: readonly Tensor[]
  /** The traced tensors that stand for the given ones, and for all arguments of the program. */
  readonly placeholders: readonly Tensor[]
  readonly leaves: readonly Tensor[]
  /** For each argument of the program where its storage comes from, in order; outputs follow. */
  readonly sources: readonly Source[]
}

type Source =
  | { readonly kind: 'given'; readonly place: number }
  | { readonly kind: 'variable'; readonly variable: Variable }
  | { readonly kind: 'supplied'; readonly storage: Storage; readonly supply: (storage: Storage) => void }
  | { readonly kind: 'captured'; readonly tensor: Tensor }

/**
 * Compiles `fn`, which must be synchronous and made of tensor operations. It is traced at the first call and again
 * for arguments of other shapes or types, other numbers or texts among them, or when a module's mode changes.
 */
export function compile<A extends readonly unknown[], R>(fn: (...args: A) => R): CompiledFunction<A, R> {
  const known = new Map<string, Promise<Compiled>>()
  let backend: Backend | undefined

  const prepare = async (args: A): Promise<{ compiled: Compiled; given: readonly Tensor[] }> => {
    const given: Tensor[] = []
    const key = `${describeArguments(args, given)}|${traceKeys.map((text) => text()).join()}`
    const unknown = given.filter((tensor) => !tensor.storage)
    if (unknown.length > 0 || dirtyVariables.size > 0) await realize(...unknown)
    const present = await getBackend()
    if (present !== backend) {
      known.clear()
      backend = present
    }
    let compiled = known.get(key)
    if (!compiled) {
      compiled = build(fn, args, present)
      known.set(key, compiled)
      compiled.catch(() => known.delete(key))
    }
    return { compiled: await compiled, given }
  }

  const call = async (...args: A): Promise<R> => {
    const { compiled, given } = await prepare(args)
    return execute(compiled, given, (storages) => compiled.program.run(storages)) as Promise<R>
  }
  return Object.assign(call, {
    program: async (...args: A) => (await prepare(args)).compiled.program,
    profile: async (...args: A) => {
      const { compiled, given } = await prepare(args)
      let profile: Profile | undefined
      await execute(compiled, given, async (storages) => {
        profile = await compiled.program.profile(storages)
      })
      return profile as unknown as Profile
    },
    release: () => {
      for (const compiled of known.values()) compiled.then(({ program }) => program.release())
      known.clear()
    },
  })
}

/** Shapes and types of the tensors, and everything else as text; collects the tensors' present values. */
function describeArguments(value: unknown, given: Tensor[]): string {
  if (value instanceof Tensor) {
    const tensor = value.current()
    given.push(tensor)
    return `${tensor.dtype}[${tensor.shape.join()}]`
  }
  if (Array.isArray(value)) return `(${value.map((each) => describeArguments(each, given)).join(';')})`
  if (value !== null && typeof value === 'object') {
    return `{${Object.keys(value)
      .map((name) => `${name}:${describeArguments((value as Record<string, unknown>)[name], given)}`)
      .join(';')}}`
  }
  return `${typeof value} ${String(value)}`
}

/** The same structure with every tensor replaced. */
function mapTensors(value: unknown, change: (tensor: Tensor) => Tensor): unknown {
  if (value instanceof Tensor) return change(value)
  if (Array.isArray(value)) return value.map((each) => mapTensors(each, change))
  if (value !== null && typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype) {
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, mapTensors(each, change)]))
  }
  return value
}

async function build<A extends readonly unknown[], R>(
  fn: (...args: A) => R,
  args: A,
  backend: Backend,
): Promise<Compiled> {
  const trace = new Trace()
  const placeholders: Tensor[] = []
  const outputs: Tensor[] = []
  const result = runTrace(trace, () => {
    for (const start of traceStarts) start(trace)
    const inside = mapTensors(args, (tensor) => {
      const placeholder = new Tensor(leaf, [], {}, tensor.shape, tensor.dtype)
      placeholders.push(placeholder)
      return placeholder
    }) as A
    const returned = fn(...inside)
    if (returned instanceof Promise) fail('trace-async')
    const kept = mapTensors(returned, (tensor) => {
      outputs.push(tensor.current())
      return tensor
    })
    for (const { tensor } of trace.extraOutputs) outputs.push(tensor.current())
    return kept
  })
  const assigned = [...trace.assigned]
  const variables = assigned.map(([variable]) => variable)
  const { graph, leaves } = buildGraph([...outputs, ...assigned.map(([, value]) => value)])
  const stateOf = new Map([...trace.states].map(([variable, state]) => [state, variable]))
  const suppliedOf = new Map(trace.supplied.map((supplied) => [supplied.tensor, supplied]))
  const sources = leaves.map((each): Source => {
    const place = placeholders.indexOf(each)
    if (place >= 0) return { kind: 'given', place }
    const variable = stateOf.get(each)
    if (variable) return { kind: 'variable', variable }
    const supplied = suppliedOf.get(each)
    if (supplied) return { kind: 'supplied', storage: new Storage(each.dtype, each.size), supply: supplied.supply }
    return { kind: 'captured', tensor: each }
  })
  // A variable that is assigned but not read has no leaf yet; its place is needed all the same.
  for (const variable of variables) {
    if (!sources.some((source) => source.kind === 'variable' && source.variable === variable))
      sources.push({ kind: 'variable', variable })
  }
  const roles: Argument[] = sources.map((source, i): Argument => {
    const like = source.kind === 'variable' ? source.variable : leaves[i]
    return {
      role: source.kind === 'variable' || source.kind === 'captured' ? 'state' : 'input',
      dtype: like.dtype,
      length: like.size,
    }
  })
  const fresh = outputs.map((tensor): Argument => ({ role: 'output', dtype: tensor.dtype, length: tensor.size }))
  const places = [
    ...outputs.map((_, i) => sources.length + i),
    ...variables.map((variable) =>
      sources.findIndex((source) => source.kind === 'variable' && source.variable === variable),
    ),
  ]
  const program = await Program.create(graph, [...roles, ...fresh], places, backend)
  return {
    trace,
    program,
    result,
    outputs,
    variables,
    assigned: assigned.map(([, value]) => value),
    placeholders,
    leaves,
    sources,
  }
}

async function execute(
  compiled: Compiled,
  given: readonly Tensor[],
  run: (storages: readonly Storage[]) => undefined | Promise<void>,
): Promise<unknown> {
  const { trace, program, sources } = compiled
  for (const requirement of trace.requirements) check(requirement, compiled, given)
  const unknown = sources.flatMap((source) =>
    source.kind === 'variable' && !source.variable.value.storage ? [source.variable.value] : [],
  )
  if (unknown.length > 0) await realize(...unknown)
  return inTurn(program.backend, () => replay(compiled, given, run))
}

/** The storages that a variable has for itself, and may therefore overwrite in place. */
const owners = new WeakMap<Storage, Variable>()

/** The variable's numbers in a storage of its own: those that a tensor or another variable may share are copied once. */
function ownStorage(variable: Variable): Storage {
  const storage = storageOf(variable.value)
  if (owners.get(storage) === variable) return storage
  const own = copyOf(storage)
  owners.set(own, variable)
  return own
}

const copyOf = (storage: Storage): Storage => new Storage(storage.dtype, storage.length, storage.read().slice())

/** One run, start to end: what the host supplies, the program, and what follows from it. */
async function replay(
  compiled: Compiled,
  given: readonly Tensor[],
  run: (storages: readonly Storage[]) => undefined | Promise<void>,
): Promise<unknown> {
  const { trace, program, sources, outputs, variables } = compiled
  const written = new Map(variables.map((variable) => [variable, ownStorage(variable)]))
  const overwritten = new Set(written.values())
  const storages = sources.map((source): Storage => {
    if (source.kind === 'variable') return written.get(source.variable) ?? storageOf(source.variable.value)
    if (source.kind === 'supplied') {
      source.supply(source.storage)
      return source.storage
    }
    // What a variable of the program overwrites must not be read under another name.
    const storage = storageOf(source.kind === 'given' ? given[source.place] : source.tensor)
    return overwritten.has(storage) ? copyOf(storage) : storage
  })
  const fresh = outputs.map((tensor) => new Storage(tensor.dtype, tensor.size))
  if (isReference(program.backend)) runReference(compiled, storages, fresh)
  else {
    // A small program is done when `run` returns; waiting for nothing would cost more than it does.
    const done = run([...storages, ...fresh])
    if (done) await done
  }
  for (const [variable, storage] of written) variable.changedInPlace(storage)
  for (const after of trace.afterRun) after()
  const realized = fresh.map((storage, i) => fromStorage(storage, outputs[i].shape))
  const own = outputs.length - trace.extraOutputs.length
  trace.extraOutputs.forEach((extra, i) => extra.deliver(realized[own + i]))
  let next = 0
  return mapTensors(compiled.result, () => realized[next++])
}

/** On the reference there is no program: the traced graph is walked with the present numbers. */
function runReference(
  { leaves, outputs, assigned, sources, variables }: Compiled,
  storages: readonly Storage[],
  fresh: readonly Storage[],
): void {
  const bindings = new Map(leaves.map((each, i) => [each, Float64Array.from(storages[i].read())]))
  const values = evaluate([...outputs, ...assigned], bindings)
  fresh.forEach((storage, i) => storage.host().set(values[i].data))
  variables.forEach((variable, i) => {
    const at = sources.findIndex((source) => source.kind === 'variable' && source.variable === variable)
    storages[at].host().set(values[outputs.length + i].data)
  })
}

/** Refuses arguments whose numbers break a promise of the program, before anything has changed. */
function check(
  { tensor, what, size, except }: Requirement,
  { placeholders }: Compiled,
  given: readonly Tensor[],
): void {
  const place = placeholders.indexOf(tensor)
  if (place < 0) return
  const data = storageOf(given[place]).read()
  for (let position = 0; position < data.length; position++) {
    const value = data[position]
    if ((value < 0 || value >= size) && value !== except) fail('index-range', { what, value, position, size })
  }
}
