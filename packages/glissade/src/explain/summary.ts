/**
 * What a model is made of and what one forward pass costs: a row for each module with the shapes of its outputs, its
 * parameters, operations and bytes.
 *
 * The model is traced, not run: nothing is computed or allocated, no variable changes and no random number is drawn.
 * Shapes come from what modules give back, operations from the nodes of the graph (flops.ts). As text: summary-text.ts.
 */
import type { DType } from '../dtype.ts'
import { fail } from '../errors.ts'
import { buildGraph } from '../graph/graph.ts'
import { runTrace, Trace } from '../graph/trace.ts'
import { inMode } from '../nn/keep-modes.ts'
import { Module, Parameter } from '../nn/module.ts'
import { leaf } from '../ops/leaf.ts'
import { withScope } from '../scope.ts'
import { checkShape, type Shape } from '../shape.ts'
import { makeNode, Tensor, type Variable } from '../tensor.ts'
import { flopsByPath } from './flops.ts'
import { summaryText } from './summary-text.ts'

/** One input: its shape (float32), its shape and type, or a tensor like it. */
export type SummaryInput = Shape | Tensor | { readonly shape: Shape; readonly dtype: DType }

/** Makes an input without numbers. */
export type InputMaker = (shape: Shape, dtype?: DType) => Tensor

export interface SummaryOptions {
  /** Whether the pass is one of training, with dropout and batch statistics; default false. */
  readonly training?: boolean
}

export interface SummaryTextOptions {
  /** The width of the text; default 80. */
  readonly columns?: number
  /** How deep modules are shown; default all. */
  readonly depth?: number
}

/** A module. All numbers but `outputs` and `activationBytes` take in the modules below it. */
export interface SummaryRow {
  /** Its name in the model; '' for the model itself. */
  readonly path: string
  /** Its class. */
  readonly kind: string
  /** How many of the modules with rows it is in. */
  readonly depth: number
  /** How often it was called. */
  readonly calls: number
  /** The shapes of what its first call gave back; empty if it was not called. */
  readonly outputs: readonly Shape[]
  /** How many numbers it has to train, or would have if they were not frozen. Shared ones count once in the model. */
  readonly parameters: number
  /** How many of them are not frozen. */
  readonly trainable: number
  /** How many numbers it keeps besides. */
  readonly buffers: number
  /** Floating-point operations of the forward pass; a multiplication with its addition is two. */
  readonly flops: number
  readonly parameterBytes: number
  /** What its own outputs take, over all calls. */
  readonly activationBytes: number
}

export interface SummaryTotals {
  readonly parameters: number
  readonly trainable: number
  readonly buffers: number
  readonly flops: number
  readonly parameterBytes: number
  readonly bufferBytes: number
  readonly inputBytes: number
  /**
   * What the outputs of all modules without modules inside take, each once: about what training keeps of a forward
   * pass. Outputs that are the same numbers under another shape take nothing.
   */
  readonly activationBytes: number
}

export interface Summary {
  readonly rows: readonly SummaryRow[]
  readonly totals: SummaryTotals
  /** A table for a terminal. */
  toString(options?: SummaryTextOptions): string
}

/** The calls of a module: for each the tensors it gave back, by their place in the output. */
type Calls = Map<string, Tensor>[]

const bytesOf = ({ size, dtype }: Tensor): number => size * (dtype === 'float64' ? 8 : 4)

/**
 * The summary of a model for an input, for several inputs, or for a function that calls it.
 *
 * `summary(model, [64, 1, 28, 28])`, `summary(model, { shape: [8, 16], dtype: 'int32' })`,
 * `summary(model, [[8, 16, 64], [8, 20, 64]])`, and for options that are no tensors
 * `summary(model, (input) => model.forward(input([8, 16, 64]), { lengths: input([8], 'int32') }))`.
 *
 * Errors: value-invalid for what is no input; what the model says to a wrong shape.
 */
export function summary(
  model: Module,
  input: SummaryInput | readonly SummaryInput[] | ((input: InputMaker) => unknown),
  { training = false }: SummaryOptions = {},
): Summary {
  if (!(model instanceof Module)) refuse('the model', typeof model, 'a module')
  const inputs: Tensor[] = []
  const make: InputMaker = (shape, dtype = 'float32') => {
    const made = makeNode(leaf, [], { shape: checkShape('summary', shape), dtype })
    inputs.push(made)
    return made
  }
  const call =
    typeof input === 'function'
      ? () => input(make)
      : () => (model.forward as (...inputs: Tensor[]) => unknown)(...inputsOf(input, make))
  const names = new Map([...model.namedModules()].map(([name, module]) => [module as object, name]))
  const calls = new Map<string, Calls>()
  const trace = new Trace()
  trace.watchers.push((_, output, { module, key, tap }) => {
    if (tap || module === undefined) return
    const name = names.get(module)
    if (name !== undefined) note(calls, name, key, output)
  })
  const outputs = inMode(model, training, () =>
    withScope({ path: '', pass: 'forward' }, () => runTrace(trace, () => [...tensorsIn(call())])),
  )
  const { graph } = buildGraph(outputs.map((output) => output.current()))
  const rows = rowsOf(model, calls, flopsByPath(graph))
  const totals = totalsOf(model, rows, inputs, calls)
  const result = { rows, totals }
  return { ...result, toString: (options) => summaryText(result, options) }
}

function refuse(what: string, received: string, expected: string): never {
  const fix = 'See the examples of summary.'
  return fail('value-invalid', { what: `summary: ${what}`, received, expected, fix })
}

function inputsOf(input: SummaryInput | readonly SummaryInput[], make: InputMaker): Tensor[] {
  const one = (given: unknown): Tensor => {
    if (given instanceof Tensor) return make(given.shape, given.dtype)
    if (isShape(given)) return make(given)
    const { shape, dtype } = (given ?? {}) as { shape?: unknown; dtype?: DType }
    return isShape(shape) && dtype ? make(shape, dtype) : refuse('the input', String(given), 'a shape or a tensor')
  }
  const list: readonly unknown[] = Array.isArray(input) && !isShape(input) ? input : [input]
  return list.map(one)
}

const isShape = (value: unknown): value is Shape =>
  Array.isArray(value) && value.every((size) => typeof size === 'number')

/** A tensor under a key that the present call has already belongs to the next call. */
function note(calls: Map<string, Calls>, name: string, key: string, output: Tensor): void {
  const known = calls.get(name) ?? []
  calls.set(name, known)
  if (known.length === 0 || known[known.length - 1].has(key)) known.push(new Map())
  known[known.length - 1].set(key, output.current())
}

function* tensorsIn(value: unknown): Generator<Tensor> {
  if (value instanceof Tensor) yield value
  else if (Array.isArray(value) || (typeof value === 'object' && value !== null && !(value instanceof Module)))
    for (const each of Object.values(value)) yield* tensorsIn(each)
}

/** Whether `path` is `base` or a module in it. */
const within = (path: string, base: string): boolean => base === '' || path === base || path.startsWith(`${base}.`)

const sum = (values: Iterable<number>): number => [...values].reduce((total, value) => total + value, 0)

function rowsOf(model: Module, calls: ReadonlyMap<string, Calls>, flops: ReadonlyMap<string, number>): SummaryRow[] {
  const variables = [...model.namedVariables()]
  const modules = [...model.namedModules()]
  return modules.map(([path, module]): SummaryRow => {
    const own = variables.flatMap(([name, variable]) => (within(name, path) ? [variable] : []))
    const parameters = own.filter((variable) => variable instanceof Parameter)
    const made = calls.get(path) ?? []
    return {
      path,
      kind: module.constructor.name,
      depth: modules.filter(([other]) => other !== path && within(path, other)).length,
      calls: made.length,
      outputs: made.length > 0 ? [...made[0].values()].map(({ shape }) => shape) : [],
      parameters: sum(parameters.map(({ size }) => size)),
      trainable: sum(parameters.map(({ size, trainable }) => (trainable ? size : 0))),
      buffers: sum(own.filter((variable) => !(variable instanceof Parameter)).map(({ size }) => size)),
      flops: sum([...flops].map(([at, count]) => (within(at, path) ? count : 0))),
      parameterBytes: sum(parameters.map(bytesOf)),
      activationBytes: sum(made.flatMap((outputs) => [...outputs.values()].map(bytesOf))),
    }
  })
}

/** The tensor whose numbers these are: what is only seen under another shape takes nothing of its own. */
function sourceOf(tensor: Tensor): Tensor {
  const [first] = tensor.inputs
  const sameNumbers = tensor.op.kind === 'move' && tensor.inputs.length === 1 && first.size === tensor.size
  return sameNumbers || tensor.op.kind === 'wrap' ? sourceOf(first) : tensor
}

function totalsOf(
  model: Module,
  rows: readonly SummaryRow[],
  inputs: readonly Tensor[],
  calls: ReadonlyMap<string, Calls>,
): SummaryTotals {
  const [{ parameters, trainable, buffers, flops, parameterBytes }] = rows
  const innermost = rows.filter(({ path }) => !rows.some((other) => other.path !== path && within(other.path, path)))
  const outputs = innermost.flatMap(({ path }) => (calls.get(path) ?? []).flatMap((call) => [...call.values()]))
  const kept = new Set(outputs.map(sourceOf).filter((tensor) => !inputs.includes(tensor)))
  return {
    parameters,
    trainable,
    buffers,
    flops,
    parameterBytes,
    bufferBytes: sum(model.buffers().map((buffer: Variable) => bytesOf(buffer))),
    inputBytes: sum(inputs.map(bytesOf)),
    activationBytes: sum([...kept].map(bytesOf)),
  }
}
