/**
 * The table of values for place-values.ts: one value for equal operators on equal operands in equal state.
 *
 * It knows no names and no statements. Sums of indices are brought into one order first (place-index.ts).
 */
import type { BinaryFn, Expr, Type } from './ir.ts'
import { simplify } from './place-fold.ts'
import { type IndexMaker, linearOf, sumInOrder } from './place-index.ts'
import { type Block, type Linear, onGuard, onMemory, type Value } from './place-model.ts'

/** The state of a buffer between two stores. */
export interface Memory {
  /** Whether the kernel may write it. */
  readonly changes: boolean
  /** A number of its own for each content. */
  state: number
  /** The block of the last change. */
  limit: Block
}

const opNumbers: Record<Expr['op'], number> = {
  const: 0,
  var: 1,
  unary: 2,
  binary: 3,
  fma: 4,
  compare: 5,
  select: 6,
  convert: 7,
  splat: 8,
  ramp: 9,
  load: 10,
  gather: 11,
  reduceLanes: 12,
  pick: 13,
}
const typeNumbers: Record<Type, number> = { f32: 0, i32: 1, mask: 2, index: 3 }
const fnNumbers: Record<string, number> = {}
const fns =
  'neg abs sqrt floor round not add sub mul div mod min max and or xor shl shr ushr ' +
  'lt le eq toF32 toI32 asF32 asI32 maskToI32 i32ToMask indexToI32 i32ToIndex'
for (const fn of fns.split(' ')) fnNumbers[fn] = Object.keys(fnNumbers).length + 1

/** Functions whose operands may change places without changing a bit of the result (but a NaN's payload). */
const commutative = new Set(['add', 'mul', 'and', 'or', 'xor', 'eq'])

/** No operand. */
const none = -1

/** A value by operator, operands and state; the next has the same hash. */
interface Entry {
  readonly shape: number
  readonly a: number
  readonly b: number
  readonly c: number
  readonly d: number
  readonly value: Value
  readonly next: Entry | undefined
}

export class ValueTable implements IndexMaker {
  readonly values: Value[] = []
  #root: Block
  #constants = new Map<number, Map<number, Value>>()
  #table = new Map<number, Entry>()
  #orders = new Map<string, number>()

  readonly #make = (constant: Expr & { op: 'const' }): Value => this.constant(constant)

  constructor(root: Block) {
    this.#root = root
  }

  /** Index arithmetic: sums are brought into one order, the rest is as any operator. */
  index(fn: BinaryFn, a: Value, b: Value): Value {
    const linear = linearOf(fn, a, b)
    return linear ? sumInOrder(linear, this) : this.indexNode(fn, a, b, undefined)
  }

  indexConstant(value: number): Value {
    return this.constant({ op: 'const', type: 'index', lanes: 1, value: value + 0 })
  }

  indexNode(fn: BinaryFn, a: Value, b: Value, linear: Linear | undefined): Value {
    const shape: Expr = { op: 'binary', type: 'index', lanes: 1, fn, a: nothing, b: nothing }
    return this.node(shape, [a, b], linear)
  }

  constant(expr: Expr & { op: 'const' }): Value {
    const kind = shapeOf(expr, Object.is(expr.value, -0) ? 1 : 0)
    let constants = this.#constants.get(kind)
    if (!constants) this.#constants.set(kind, (constants = new Map()))
    let value = constants.get(expr.value)
    if (!value)
      constants.set(
        expr.value,
        (value = this.#create(
          expr,
          [],
          this.#root,
          0,
          true,
          expr.type === 'index' ? { terms: [], constant: expr.value } : undefined,
        )),
      )
    return value
  }

  /** A variable as it is from here on in `block`. */
  variable(expr: Expr & { op: 'var' }, block: Block, depends: number): Value {
    return this.#create(expr, [], block, depends, true, undefined)
  }

  /** `expr` on `operands`: the value that it is already, or a new one. */
  node(expr: Expr, operands: readonly Value[], linear?: Linear): Value {
    const simple = simplify(expr, operands, this.#make)
    if (simple) return simple
    const fn = 'fn' in expr ? expr.fn : ''
    let a = operands.length > 0 ? operands[0].number : none
    let b = operands.length > 1 ? operands[1].number : none
    const c = operands.length > 2 ? operands[2].number : expr.op === 'pick' ? this.#numberOfOrder(expr.order) : none
    if (b < a && (commutative.has(fn) || expr.op === 'fma')) [a, b] = [b, a]
    const shape = shapeOf(expr, fnNumbers[fn] ?? 0)
    const known = this.#find(shape, a, b, c, none)
    if (known) return known
    const value = this.#create(expr, operands, this.#root, 0, isCheap(expr, operands), linear)
    return this.#enlist(value, shape, a, b, c, none)
  }

  #numberOfOrder(order: readonly number[]): number {
    const text = order.join()
    let number = this.#orders.get(text)
    if (number === undefined) this.#orders.set(text, (number = this.#orders.size))
    return number
  }

  /** A load that runs under `guard`, from `memory` as it is now. */
  load(expr: Expr & { op: 'load' | 'gather' }, operands: readonly Value[], memory: Memory, guard: Block): Value {
    const valid = operands[1]?.expr
    if (valid?.op === 'const') {
      if (valid.value === 0) return this.constant({ op: 'const', type: expr.type, lanes: expr.lanes, value: 0 })
      const { valid: _, ...always } = expr
      return this.load(always, [operands[0]], memory, guard)
    }
    const shape = shapeOf(expr, 0)
    const a = operands[0].number
    const b = valid ? operands[1].number : none
    // The same load under an outer guard has run already; one under an inner guard may not have.
    for (let outer: Block | undefined = guard; outer; outer = outer.parent?.guard) {
      const earlier = this.#find(shape, a, b, memory.state, outer.number)
      if (earlier) return earlier
    }
    const limit = guard.depth > memory.limit.depth ? guard : memory.limit
    const value = this.#create(expr, operands, limit, memory.changes ? onGuard | onMemory : onGuard, false, undefined)
    return this.#enlist(value, shape, a, b, memory.state, guard.number)
  }

  #find(shape: number, a: number, b: number, c: number, d: number): Value | undefined {
    let entry = this.#table.get(hash(shape, a, b, c, d))
    while (entry && !(entry.shape === shape && entry.a === a && entry.b === b && entry.c === c && entry.d === d))
      entry = entry.next
    return entry?.value
  }

  #enlist(value: Value, shape: number, a: number, b: number, c: number, d: number): Value {
    const code = hash(shape, a, b, c, d)
    this.#table.set(code, { shape, a, b, c, d, value, next: this.#table.get(code) })
    return value
  }

  /** A new value; `limit` and `depends` are what it adds to those of its operands. */
  #create(
    expr: Expr,
    operands: readonly Value[],
    limit: Block,
    depends: number,
    cheap: boolean,
    linear: Linear | undefined,
  ): Value {
    for (const operand of operands) {
      if (operand.limit.depth > limit.depth) limit = operand.limit
      depends |= operand.depends
    }
    const value: Value = {
      number: this.values.length,
      expr,
      operands,
      limit,
      cheap,
      depends,
      linear,
      name: undefined,
      uses: 0,
      site: undefined,
      named: false,
      written: undefined,
    }
    this.values.push(value)
    return value
  }
}

/** Stands for operands that are given apart. */
const nothing: Expr = { op: 'const', type: 'index', lanes: 1, value: 0 }

/** Operator, type, lanes and function in one number. */
const shapeOf = (expr: Expr, fn: number): number =>
  ((opNumbers[expr.op] * 4 + typeNumbers[expr.type]) * 64 + fn) * 64 + expr.lanes

function hash(shape: number, a: number, b: number, c: number, d: number): number {
  let h = Math.imul(shape ^ Math.imul(a, 0x9e3779b1), 0x85ebca6b)
  h = Math.imul((h ^ (h >>> 15)) + Math.imul(b, 0xc2b2ae35), 0x27d4eb2f)
  return (h ^ (h >>> 13) ^ Math.imul(c, 0x165667b1) ^ Math.imul(d, 0x2545f491)) | 0
}

function isCheap(expr: Expr, operands: readonly Value[]): boolean {
  if (operands.length === 0) return true
  // Backends fold a constant offset into the address.
  if (expr.op === 'binary' && expr.type === 'index' && expr.fn === 'add') return operands[1].expr.op === 'const'
  return expr.op === 'convert' && (expr.fn === 'indexToI32' || expr.fn === 'i32ToIndex')
}
