/**
 * The reference: walks a graph and computes every node in float64. Slow, and the definition of correct.
 *
 * It takes each op's meaning from its record alone. Float types keep all of float64 (no rounding to float32), int32
 * wraps at 32 bits, bool is 0 or 1. Movements run over whole columns of indices at once (`columns`), so one call of a
 * record's `sources` serves all elements. Not here: any kernel.
 */
import { isFloat } from '../../dtype.ts'
import { fail } from '../../errors.ts'
import type { GenerateOp, IndexAlgebra, MapOp, MoveOp, ReduceOp, Values } from '../../ops/op.ts'
import { mapOps } from '../../ops/table.ts'
import { type Shape, sizeOf, stridesOf } from '../../shape.ts'
import type { Tensor } from '../../tensor.ts'

export interface EvaluateOptions {
  /**
   * Take the numbers of nodes that were computed before, instead of computing them again. Off by default: a
   * comparison with another backend would else compare its numbers with themselves.
   */
  readonly useComputed?: boolean
}

/**
 * The numbers of `outputs`. `bindings` gives numbers to tensors (leaves without numbers, or any other); other leaves
 * have their own. Errors: trace-read for a leaf without numbers, stale-value for one that was changed since.
 */
export function evaluate(
  outputs: readonly Tensor[],
  bindings: ReadonlyMap<Tensor, Float64Array> = new Map(),
  options: EvaluateOptions = {},
): Values[] {
  const wanted = outputs.map((output) => output.current())
  const known = new Map<Tensor, Values>()
  const uses = new Map<Tensor, number>()
  const order: Tensor[] = []
  const open = [...wanted]
  for (const output of wanted) uses.set(output, (uses.get(output) ?? 0) + 1)
  const seen = new Set<Tensor>()
  for (let node = open.pop(); node; node = open.pop()) {
    if (seen.has(node)) continue
    seen.add(node)
    const given = bindings.get(node) ?? stored(node, options)
    if (given) known.set(node, { shape: node.shape, data: given })
    else {
      order.push(node)
      for (const input of node.inputs) {
        uses.set(input, (uses.get(input) ?? 0) + 1)
        open.push(input)
      }
    }
  }
  // Every input is older than what it goes into.
  order.sort((a, b) => a.id - b.id)
  for (const node of order) {
    const inputs = node.inputs.map((input) => known.get(input) as Values)
    known.set(node, { shape: node.shape, data: compute(node, inputs) })
    for (const input of node.inputs) {
      const left = (uses.get(input) as number) - 1
      uses.set(input, left)
      if (left === 0) known.delete(input)
    }
  }
  return wanted.map((output) => known.get(output) as Values)
}

function stored(node: Tensor, options: EvaluateOptions): Float64Array | undefined {
  if (node.op.kind !== 'leaf' && !options.useComputed) return undefined
  if (!node.storage) return node.op.kind === 'leaf' ? fail('trace-read', { what: node.path || 'A tensor' }) : undefined
  if (node.storage.version !== node.version) {
    if (node.op.kind !== 'leaf') return undefined
    fail('stale-value', { path: node.path })
  }
  return Float64Array.from(node.storage.read())
}

/** The numbers of one node, given those of its inputs. */
export function compute(node: Tensor, inputs: readonly Values[]): Float64Array {
  const { op, attrs, shape, dtype } = node
  switch (op.kind) {
    case 'leaf':
      return fail('trace-read', { what: node.path || 'A tensor' })
    case 'generate':
      return generate(op, node, inputs)
    case 'map':
      return map(op, node, inputs)
    case 'reduce':
      return reduce(op, node, inputs[0])
    case 'move':
      return move(op, node, inputs)
    case 'wrap':
      return inputs[0].data
    default: {
      const data = op.reference(inputs, attrs, shape)
      // Whole numbers wrap around, and a place outside is 0.
      return isFloat(dtype) ? data : data.map((value) => value | 0)
    }
  }
}

/** Moves `position` on to the next place of `shape`, row-major. */
function advance(position: number[], shape: Shape): void {
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (++position[axis] < shape[axis]) return
    position[axis] = 0
  }
}

function generate(op: GenerateOp, { shape, attrs }: Tensor, inputs: readonly Values[]): Float64Array {
  const result = new Float64Array(sizeOf(shape))
  const position = new Array<number>(shape.length).fill(0)
  for (let flat = 0; flat < result.length; flat++) {
    result[flat] = op.element(position, flat, attrs, inputs)
    advance(position, shape)
  }
  return result
}

function map(op: MapOp, { inputs: tensors, dtype, shape }: Tensor, inputs: readonly Values[]): Float64Array {
  const result = new Float64Array(sizeOf(shape))
  const from = tensors[0].dtype
  const data = inputs.map((input) => input.data)
  const x = new Array<number>(data.length)
  for (let flat = 0; flat < result.length; flat++) {
    for (let i = 0; i < x.length; i++) x[i] = data[i][flat]
    result[flat] = op.scalar(x, dtype, from)
  }
  return result
}

function reduce(op: ReduceOp, { attrs, dtype, shape }: Tensor, input: Values): Float64Array {
  const axes = attrs.axes as readonly number[]
  const result = new Float64Array(sizeOf(shape)).fill(op.identity(dtype))
  const kept = stridesOf(shape)
  let next = 0
  const strides = input.shape.map((_, axis) => (axes.includes(axis) ? 0 : kept[next++]))
  const { scalar } = mapOps[op.combine]
  const pair = [0, 0]
  const position = new Array<number>(input.shape.length).fill(0)
  for (let flat = 0; flat < input.data.length; flat++) {
    let at = 0
    for (let axis = 0; axis < strides.length; axis++) at += position[axis] * strides[axis]
    pair[0] = result[at]
    pair[1] = input.data[flat]
    result[at] = scalar(pair, dtype, dtype)
    advance(position, input.shape)
  }
  return result
}

/** An index of every element at once, or one number where it is the same for all. */
type Column = number | Int32Array
/** Whether something holds, of every element at once. */
type Truth = boolean | Uint8Array

/** Index arithmetic on columns of `length`. */
function columns(length: number): IndexAlgebra<Column, Truth> {
  const each = (a: Column, fn: (value: number) => number): Column => (typeof a === 'number' ? fn(a) : a.map(fn))
  const test = (a: Column, fn: (value: number) => boolean): Truth => {
    if (typeof a === 'number') return fn(a)
    const result = new Uint8Array(length)
    for (let i = 0; i < length; i++) result[i] = fn(a[i]) ? 1 : 0
    return result
  }
  return {
    constant: (value) => value,
    add: (a, b) => {
      if (typeof b === 'number') return b === 0 ? a : each(a, (value) => value + b)
      if (typeof a === 'number') return a === 0 ? b : each(b, (value) => value + a)
      const result = new Int32Array(length)
      for (let i = 0; i < length; i++) result[i] = a[i] + b[i]
      return result
    },
    scale: (a, factor) => (factor === 1 ? a : factor === 0 ? 0 : each(a, (value) => value * factor)),
    floorDiv: (a, divisor) => (divisor === 1 ? a : each(a, (value) => Math.floor(value / divisor))),
    mod: (a, divisor) => (divisor === 1 ? 0 : each(a, (value) => value - divisor * Math.floor(value / divisor))),
    within: (a, from, to) => test(a, (value) => from <= value && value < to),
    divides: (divisor, a) => test(a, (value) => value % divisor === 0),
  }
}

function move(op: MoveOp, node: Tensor, inputs: readonly Values[]): Float64Array {
  const { shape, attrs } = node
  const length = sizeOf(shape)
  const result = new Float64Array(length)
  if (length === 0) return result
  const strides = stridesOf(shape)
  const index = shape.map((n, axis): Column => {
    if (n === 1) return 0
    const column = new Int32Array(length)
    for (let i = 0; i < length; i++) column[i] = Math.floor(i / strides[axis]) % n
    return column
  })
  const sources = op.sources(columns(length), index, node)
  result.fill(op.fill?.(attrs) ?? 0)
  // The first source that is valid counts, so it is written last.
  for (const { input, index: from, valid } of [...sources].reverse()) {
    if (valid.includes(false)) continue
    const conditions = valid.filter((truth) => typeof truth !== 'boolean')
    const { shape: of, data } = inputs[input]
    const steps = stridesOf(of)
    const base = from.reduce<number>(
      (sum, column, axis) => (typeof column === 'number' ? sum + column * steps[axis] : sum),
      0,
    )
    const moving = from.flatMap((column, axis) => (typeof column === 'number' ? [] : [{ column, step: steps[axis] }]))
    for (let i = 0; i < length; i++) {
      if (!conditions.every((truth) => truth[i] === 1)) continue
      let at = base
      for (const { column, step } of moving) at += column[i] * step
      result[i] = data[at]
    }
  }
  return result
}
