/**
 * The reference: walks a graph and computes every node in float64. Slow, and the definition of correct.
 *
 * It takes each op's meaning from its record alone. Float types keep all of float64 (no rounding to float32), int32
 * wraps at 32 bits, bool is 0 or 1. Movements run over whole columns of indices at once (`columns`), so one call of a
 * record's `sources` serves all elements. Not here: any kernel.
 */
import { isFloat } from '../../dtype.ts'
import { fail } from '../../errors.ts'
import { inputsNeeded, type LoopNeeds, neededFor, standInsOf, valueInputs } from '../../graph/needed.ts'
import type { GenerateOp, IndexAlgebra, MapOp, MoveOp, ReduceOp, Values } from '../../ops/op.ts'
import type { Wanted } from '../../ops/scan.ts'
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
  const numbers = new Map<Tensor, Float64Array | undefined>(bindings)
  const numbersOf = (node: Tensor): Float64Array | undefined => {
    if (!numbers.has(node)) numbers.set(node, stored(node, options))
    return numbers.get(node)
  }
  const walk = new Walk(wanted, (node) => numbersOf(node) !== undefined)
  return walk.run((node) => ({ shape: node.shape, data: numbersOf(node) as Float64Array }))
}

/** The way through a graph, found once and walked as often as its loops turn. */
class Walk {
  readonly #outputs: readonly Tensor[]
  readonly #isGiven: (node: Tensor) => boolean
  readonly #order: readonly Tensor[]
  readonly #loops: ReadonlyMap<Tensor, Turning>
  /** How often each value is read. */
  readonly #uses = new Map<Tensor, number>()

  constructor(outputs: readonly Tensor[], isGiven: (node: Tensor) => boolean) {
    this.#outputs = outputs
    this.#isGiven = isGiven
    const { order, loops } = neededFor(outputs, isGiven)
    this.#order = order
    this.#loops = new Map([...loops].map(([loop, needs]) => [loop, new Turning(loop, needs)]))
    for (const node of [...outputs, ...order.flatMap((each) => this.#inputsOf(each))])
      this.#uses.set(node, (this.#uses.get(node) ?? 0) + 1)
  }

  #inputsOf(node: Tensor): readonly Tensor[] {
    if (this.#isGiven(node)) return []
    return this.#loops.get(node)?.inputs ?? valueInputs(node)
  }

  /** The values of the outputs; `given` gives those of what is given. */
  run(given: (node: Tensor) => Values): Values[] {
    const known = new Map<Tensor, Values>()
    const turned = new Map<Tensor, Turned>()
    const left = new Map(this.#uses)
    for (const node of this.#order) {
      if (this.#isGiven(node)) {
        known.set(node, given(node))
        continue
      }
      const read = this.#inputsOf(node)
      const inputs = read.map((input) => known.get(input) as Values)
      const loop = this.#loops.get(node)
      if (loop) turned.set(node, loop.run(inputs))
      else if (node.op.kind === 'output') known.set(node, outputOf(node, turned.get(node.inputs[0]) as Turned))
      else known.set(node, { shape: node.shape, data: compute(node, inputs) })
      for (const input of read) {
        const still = (left.get(input) as number) - 1
        left.set(input, still)
        if (still > 0) continue
        known.delete(input)
        turned.delete(input)
      }
    }
    return this.#outputs.map((output) => known.get(output) as Values)
  }
}

/** What a loop has given: the last states by number, and the stacks by the tensor of the body. */
interface Turned {
  readonly last: ReadonlyMap<number, Values>
  readonly stacks: ReadonlyMap<Tensor, Values>
}

/** A loop over time: its body's graph, walked once a step. */
class Turning {
  readonly inputs: readonly Tensor[]
  readonly #needs: LoopNeeds
  readonly #stacks: readonly Tensor[]
  readonly #body: Walk

  constructor(loop: Tensor, needs: LoopNeeds) {
    const { steps, carries, histories, stacks } = needs
    this.inputs = inputsNeeded(loop, needs)
    this.#needs = needs
    this.#stacks = [...stacks, ...[...histories].flatMap((i) => [steps.carries[i], steps.next[i]])]
    const standIns = standInsOf(steps)
    this.#body = new Walk([...carries.map((i) => steps.next[i]), ...this.#stacks], (node) => standIns.has(node))
  }

  run(inputs: readonly Values[]): Turned {
    const { steps, carries, slices, captured } = this.#needs
    let states = inputs.slice(0, carries.length)
    const sliced = inputs.slice(carries.length, carries.length + slices.length)
    const values = new Map(captured.map((i, k) => [steps.captured[i], inputs[carries.length + slices.length + k]]))
    const stacks = this.#stacks.map((tensor) => ({
      shape: [steps.length, ...tensor.shape],
      data: new Float64Array(steps.length * tensor.size),
    }))
    for (let turn = 0; turn < steps.length; turn++) {
      const t = steps.reverse ? steps.length - 1 - turn : turn
      carries.forEach((i, k) => values.set(steps.carries[i], states[k]))
      slices.forEach((i, k) => {
        const { size, shape } = steps.slices[i]
        values.set(steps.slices[i], { shape, data: sliced[k].data.subarray(t * size, (t + 1) * size) })
      })
      const results = this.#body.run((node) => values.get(node) as Values)
      states = results.slice(0, carries.length)
      results.slice(carries.length).forEach(({ data }, k) => stacks[k].data.set(data, t * data.length))
    }
    return {
      last: new Map(carries.map((i, k) => [i, states[k]])),
      stacks: new Map(this.#stacks.map((tensor, k) => [tensor, stacks[k]])),
    }
  }
}

function outputOf(node: Tensor, { last, stacks }: Turned): Values {
  const wanted = node.attrs.wanted as Wanted
  return ('carry' in wanted ? last.get(wanted.carry) : stacks.get(wanted.stacked)) as Values
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
    case 'scan':
    case 'output':
      // A placeholder, or an output of a loop that is not computed here: it has no numbers of its own.
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
