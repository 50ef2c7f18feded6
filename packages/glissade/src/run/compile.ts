/**
 * compile: a function of tensors becomes one program: traced once per shapes, then replayed.
 *
 * Forward pass, gradients and optimizer update run in one piece, variables are updated in place, and nothing is
 * allocated per call but the results. Not here: the compiler itself (compile/lower.ts).
 */
import type { Argument, Backend } from '../backends/backend.ts'
import { evaluate } from '../backends/reference/reference.ts'
import { fail } from '../errors.ts'
import { buildGraph, type Graph } from '../graph/graph.ts'
import { setPending } from '../graph/realizer.ts'
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

/** A function as it was traced for arguments of certain shapes. */
interface Traced {
  readonly trace: Trace
  readonly graph: Graph
  readonly arguments: readonly Argument[]
  /** The arguments that the graph's outputs go to. */
  readonly places: readonly number[]
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
  /** The program, on the backend in use. */
  readonly programs: Map<Backend, Promise<Program>>
}

/** What a call asked for, taken down when it was made. */
interface Asked {
  readonly traced: Traced
  readonly given: readonly Tensor[]
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
  const known = new Map<string, Traced>()

  // Traced when called, not when its turn comes: modes and numbers are those that the caller sees.
  const ask = (args: A): Asked => {
    const given: Tensor[] = []
    const key = `${describeArguments(args, given)}|${traceKeys.map((text) => text()).join()}`
    let traced = known.get(key)
    if (!traced) {
      traced = traceFunction(fn, args)
      known.set(key, traced)
    }
    return { traced, given }
  }
  const call = async (...args: A): Promise<R> => {
    const asked = ask(args)
    return inCallOrder(async () => {
      const { program, given } = await prepare(asked)
      return execute(asked.traced, program, given, (storages) => program.run(storages)) as Promise<R>
    })
  }
  return Object.assign(call, {
    program: async (...args: A) => {
      const asked = ask(args)
      return inCallOrder(async () => (await prepare(asked)).program)
    },
    profile: async (...args: A) => {
      const asked = ask(args)
      return inCallOrder(async () => {
        const { program, given } = await prepare(asked)
        let profile: Profile | undefined
        await execute(asked.traced, program, given, async (storages) => {
          profile = await program.profile(storages)
        })
        return profile as unknown as Profile
      })
    },
    release: () => {
      for (const { programs } of known.values()) {
        for (const program of programs.values()) program.then((made) => made.release())
        programs.clear()
      }
      known.clear()
    },
  })
}

/** The last call of any compiled function; the next one waits for it, since they share variables. */
let lastCall: Promise<void> | undefined

setPending(() => lastCall)

/** Does `work` when all calls made before have ended, well or not; at once, if there are none. */
function inCallOrder<T>(work: () => Promise<T>): Promise<T> {
  const done = lastCall ? lastCall.then(work) : work()
  const settled: Promise<void> = done.then(
    () => {},
    () => {},
  )
  lastCall = settled
  settled.then(() => {
    if (lastCall === settled) lastCall = undefined
  })
  return done
}

/** The program on the present backend, and the arguments' numbers as they are now. */
async function prepare({ traced, given }: Asked): Promise<{ program: Program; given: readonly Tensor[] }> {
  const values = given.map((tensor) => tensor.current())
  const unknown = values.filter((tensor) => !tensor.storage)
  if (unknown.length > 0 || dirtyVariables.size > 0) await realize(...unknown)
  const backend = await getBackend()
  let program = traced.programs.get(backend)
  if (!program) {
    // Those of a former backend are of no use any more.
    traced.programs.clear()
    program = Program.create(traced.graph, traced.arguments, traced.places, backend)
    traced.programs.set(backend, program)
    program.catch(() => traced.programs.delete(backend))
  }
  return { program: await program, given: values }
}

/** Shapes and types of the tensors, and everything else as text; collects the tensors. */
function describeArguments(value: unknown, given: Tensor[]): string {
  if (value instanceof Tensor) {
    given.push(value)
    return `${value.dtype}[${value.shape.join()}]`
  }
  if (Array.isArray(value)) return `(${value.map((each) => describeArguments(each, given)).join(';')})`
  if (isPlainObject(value)) {
    const entries = Object.entries(value).map(
      ([name, each]) => `${JSON.stringify(name)}:${describeArguments(each, given)}`,
    )
    return `{${entries.join(';')}}`
  }
  if (typeof value === 'string') return JSON.stringify(value)
  // A module, say, or a function: another one means another trace.
  if ((typeof value === 'object' && value !== null) || typeof value === 'function') return `#${numberOf(value)}`
  return Object.is(value, -0) ? '-0' : String(value)
}

const isPlainObject = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype

const numbers = new WeakMap<object, number>()
let numbered = 0

/** A number for each object, always the same. */
function numberOf(value: object): number {
  const known = numbers.get(value) ?? ++numbered
  numbers.set(value, known)
  return known
}

/** The same structure with every tensor replaced. */
function mapTensors(value: unknown, change: (tensor: Tensor) => Tensor): unknown {
  if (value instanceof Tensor) return change(value)
  if (Array.isArray(value)) return value.map((each) => mapTensors(each, change))
  if (isPlainObject(value)) {
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, mapTensors(each, change)]))
  }
  return value
}

function traceFunction<A extends readonly unknown[], R>(fn: (...args: A) => R, args: A): Traced {
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
  return {
    trace,
    graph,
    arguments: [...roles, ...fresh],
    places,
    result,
    outputs,
    variables,
    assigned: assigned.map(([, value]) => value),
    placeholders,
    leaves,
    sources,
    programs: new Map(),
  }
}

async function execute(traced: Traced, program: Program, given: readonly Tensor[], run: Run): Promise<unknown> {
  for (const requirement of traced.trace.requirements) check(requirement, traced, given)
  const unknown = traced.sources.flatMap((source) =>
    source.kind === 'variable' && !source.variable.value.storage ? [source.variable.value] : [],
  )
  if (unknown.length > 0) await realize(...unknown)
  return inTurn(program.backend, () => replay(traced, program, given, run))
}

type Run = (storages: readonly Storage[]) => undefined | Promise<void>

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
async function replay(traced: Traced, program: Program, given: readonly Tensor[], run: Run): Promise<unknown> {
  const { trace, sources, outputs, variables } = traced
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
  if (isReference(program.backend)) runReference(traced, storages, fresh)
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
  return mapTensors(traced.result, () => realized[next++])
}

/** On the reference there is no program: the traced graph is walked with the present numbers. */
function runReference(
  { leaves, outputs, assigned, sources, variables }: Traced,
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
function check({ tensor, what, size, except }: Requirement, { placeholders }: Traced, given: readonly Tensor[]): void {
  const place = placeholders.indexOf(tensor)
  if (place < 0) return
  const data = storageOf(given[place]).read()
  for (let position = 0; position < data.length; position++) {
    const value = data[position]
    if ((value < 0 || value >= size) && value !== except) fail('index-range', { what, value, position, size })
  }
}
