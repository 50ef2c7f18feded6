/**
 * A recording: every operation of a computation in the order in which it is done, with its numbers.
 *
 * It is made of one trace; nothing the model keeps is changed by it. Loops are written out, so each step of a
 * recurrent network has operations of its own. Operations as data: operation.ts; gradients term by term: chain-rule.ts.
 */
import type { TypedArray } from '../dtype.ts'
import { fail } from '../errors.ts'
import { valueInputs } from '../graph/needed.ts'
import { runTrace, type Trace } from '../graph/trace.ts'
import { walkBack } from '../ops/derived/loop.ts'
import { unrolled } from '../ops/derived/scan.ts'
import { realize } from '../run/realize.ts'
import type { Storage } from '../storage.ts'
import { fromArray, Tensor } from '../tensor.ts'
import { freshKey } from './capture.ts'
import { type Element, flatElement, positionOf } from './elements.ts'
import { defaultLimit, endsAt, type Level, nameOf, type Station } from './level.ts'
import { ingredientsOf, type Made } from './made-of.ts'
import { traceOnce } from './once.ts'
import { type Operation, operationOf } from './operation.ts'

/** A variable that the computation assigns: the operations that are its values before and after. */
export interface Update {
  readonly name: string
  readonly before: number
  readonly after: number
}

/** How an operation is named: by its place, by a name that it has, or by the tensor, parameter or variable itself. */
export type Which = number | string | Tensor

export interface TermsOptions {
  /** Default 'operations'. */
  readonly level?: Level
  /** How many terms are listed, the largest products first; the others are added up. Default 20. */
  readonly limit?: number
}

/** The data of a recording, which can be sent between threads. */
export interface RecordingData {
  readonly operations: readonly Operation[]
  /** What the function returned. */
  readonly outputs: readonly number[]
  readonly updates: readonly Update[]
  /** What modules gave back and taps, in the order in which they came about. */
  readonly stations: readonly Station[]
}

/**
 * Records what `body` computes: the operations that lead to the tensors that it returns, and to what it assigns to
 * variables (an optimizer's `minimize`). `body` is called once; variables keep their values.
 *
 * ```ts
 * const recording = await record(() => {
 *   const value = loss.crossEntropy(model.forward(x), y)
 *   optimizer.minimize(value)
 *   return value
 * })
 * for (const { id, op, inputs, path, pass } of recording.operations) console.log(id, op, inputs, path, pass)
 * await recording.value('fc1')             // what the module fc1 gave back
 * postMessage(recording.toJSON())
 * ```
 */
export function record(body: () => Tensor | readonly Tensor[]): Promise<Recording> {
  return recorded(body, (content) => new Recording(content))
}

/** What a recording is made of. */
export interface Content {
  readonly outputs: readonly Tensor[]
  readonly named: readonly Named[]
  readonly trace: Trace
  /** The tensors with smaller ids were there before. */
  readonly first: number
}

interface Named {
  readonly name: string
  readonly tensor: Tensor
  readonly step: string
  readonly tap: boolean
}

/** Traces `body` with all names that come up, and makes something of it. */
export async function recorded<R>(body: () => Tensor | readonly Tensor[], make: (content: Content) => R): Promise<R> {
  const first = fromArray(new Float32Array(0), [0]).id
  const named = new Map<string, Named>()
  const { result, trace } = await traceOnce(
    () => unrolled(body),
    ({ watchers }) => {
      watchers.push((path, output, { step, tap }) => {
        const name = freshKey(path, named)
        named.set(name, { name, tensor: output.current(), step, tap })
      })
    },
  )
  const outputs = (result instanceof Tensor ? [result] : result).map((tensor) => tensor.current())
  return make({ outputs, named: [...named.values()], trace, first })
}

export class Recording implements RecordingData {
  readonly operations: readonly Operation[]
  readonly outputs: readonly number[]
  readonly updates: readonly Update[]
  readonly stations: readonly Station[]
  protected readonly tensors: readonly Tensor[]
  readonly #ids: ReadonlyMap<Tensor, number>
  readonly #trace: Trace

  constructor({ outputs, named, trace, first }: Content) {
    const isGiven = (tensor: Tensor): boolean => tensor.op.kind === 'leaf' || tensor.id < first
    const found = new Set<Tensor>()
    walkBack([...outputs, ...[...trace.assigned.values()].map((value) => value.current())], (tensor) => {
      found.add(tensor)
      return !isGiven(tensor)
    })
    for (const variable of trace.assigned.keys()) found.add(trace.states.get(variable) as Tensor)
    this.tensors = [...found].sort((a, b) => a.id - b.id)
    this.#ids = new Map(this.tensors.map((tensor, id) => [tensor, id]))
    this.#trace = trace
    const names = new Map<Tensor, string[]>()
    const call = (tensor: Tensor, name: string): void => {
      names.set(tensor, [...(names.get(tensor) ?? []), name])
    }
    for (const [variable, state] of trace.states) call(state, variable.path)
    for (const { name, tensor } of named) call(tensor, name)
    this.operations = this.tensors.map((tensor, id) => {
      const given = isGiven(tensor)
      return operationOf(tensor, id, {
        inputs: given ? [] : valueInputs(tensor).map((input) => this.#ids.get(input) as number),
        names: names.get(tensor) ?? [],
        isGiven: given,
      })
    })
    const idOf = (tensor: Tensor): number => this.#ids.get(tensor) as number
    this.outputs = outputs.map(idOf)
    this.updates = [...trace.assigned].map(([variable, value]) => ({
      name: variable.path,
      before: idOf(trace.states.get(variable) as Tensor),
      after: idOf(value.current()),
    }))
    this.stations = named.flatMap(({ name, tensor, step, tap }) => {
      const id = this.#ids.get(tensor)
      return id === undefined ? [] : [{ name, id, step, tap }]
    })
  }

  /** The operation that `which` names. Errors: `module-name`. */
  find(which: Which): number {
    if (typeof which === 'number' && this.operations[which] !== undefined) return which
    if (which instanceof Tensor) {
      const known = [...this.#trace.states].find(([variable]) => variable === which)?.[1] ?? which.current()
      const id = this.#ids.get(known)
      if (id !== undefined) return id
    } else {
      const found = this.operations.find(({ names }) => names.includes(which as string))
      if (found) return found.id
    }
    const name = which instanceof Tensor ? which.path || 'a tensor' : String(which)
    return fail('module-name', { name, known: this.operations.flatMap(({ names }) => names) })
  }

  /** A copy of the numbers of one operation; the first call computes those of all, in one program. */
  async value(which: Which): Promise<TypedArray> {
    const id = this.find(which)
    await this.realize()
    return this.read(id)
  }

  /**
   * What one element is made of: at the level of operations of the inputs, else of the next named tensors, variables and
   * data. Where it is a sum of products (a linear layer, a convolution), the products of a source add up to its share.
   *
   * ```ts
   * const { value, sources } = await recording.madeOf('fc1', [0, 3], { level: 'modules' })
   * for (const { name, terms } of sources) console.log(name, terms)   // of x: value, weight, product; and the bias
   * ```
   */
  async madeOf(
    which: Which,
    element: Element,
    { level = 'operations', limit = defaultLimit }: TermsOptions = {},
  ): Promise<Made> {
    const id = this.find(which)
    const tensor = this.tensors[id]
    const at = flatElement(element, tensor.shape)
    await this.realize()
    const isGiven = (kind: string): boolean => kind === 'data' || kind === 'variable'
    const end = endsAt(level, this.stations, this.tensors)
    const isEnd = (each: Tensor): boolean =>
      end(each) !== undefined || isGiven(this.operations[this.#ids.get(each) as number].kind)
    const found = isGiven(this.operations[id].kind) ? [] : this.inTrace(() => ingredientsOf(tensor, at, isEnd, limit))
    const value = this.read(id)[at]
    const sources = found.map(({ tensor: source, ...terms }) => {
      const operation = this.operations[this.#ids.get(source) as number]
      return {
        id: operation.id,
        op: operation.op,
        kind: operation.kind,
        name: nameOf(operation, end(source)),
        ...terms,
      }
    })
    return { id, element: at, position: positionOf(at, tensor.shape), value, sources }
  }

  /** Whether a tensor is one of the operations. */
  protected holds(tensor: Tensor): boolean {
    return this.#ids.has(tensor)
  }

  /** Runs `body` with variables as they were when the recording was made. */
  protected inTrace<T>(body: () => T): T {
    return runTrace(this.#trace, body)
  }

  /** The numbers of what was there before, which must have been computed. */
  protected given(): Map<Tensor, Float64Array> {
    const isGiven = (id: number): boolean => ['data', 'variable'].includes(this.operations[id].kind)
    return new Map(
      this.tensors.flatMap((tensor, id) => (isGiven(id) ? [[tensor, Float64Array.from(this.read(id))] as const] : [])),
    )
  }

  /** Computes the numbers of what was there before. */
  protected async realizeGiven(): Promise<void> {
    await realize(...this.tensors.filter((_, id) => this.operations[id].kind === 'data'))
  }

  /** Computes the numbers of all operations. */
  protected async realize(more: readonly Tensor[] = []): Promise<void> {
    // What is given comes first, so that one program serves all recordings of a model.
    await this.realizeGiven()
    await realize(...this.tensors, ...more)
  }

  protected read(id: number): TypedArray {
    return (this.tensors[id].storage as Storage).read().slice()
  }

  /** The recording without its numbers, as plain data. */
  toJSON(): RecordingData {
    const { operations, outputs, updates, stations } = this
    return { operations, outputs, updates, stations }
  }
}
