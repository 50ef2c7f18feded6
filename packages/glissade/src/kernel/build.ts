/**
 * Constructors for the loop-nest language: they check types, fold constants and drop what does nothing.
 *
 * Everything that writes kernels goes through here, so no other file repeats the typing rules of ir.ts.
 * Next: math.ts (exp, log … in this language), place.ts (naming and hoisting).
 */
import type { BinaryFn, CompareFn, ConvertFn, Expr, Stmt, Type, UnaryFn } from './ir.ts'

function check(condition: boolean, what: string): void {
  if (!condition) throw new Error(`kernel: ${what}`)
}

const isConst = (e: Expr, value?: number): e is Expr & { op: 'const' } =>
  e.op === 'const' && (value === undefined || Object.is(e.value, value))

export const f32 = (value: number, lanes = 1): Expr => ({ op: 'const', type: 'f32', lanes, value: Math.fround(value) })
export const i32 = (value: number, lanes = 1): Expr => ({ op: 'const', type: 'i32', lanes, value: value | 0 })
export const index = (value: number): Expr => ({ op: 'const', type: 'index', lanes: 1, value })
export const mask = (value: boolean, lanes = 1): Expr => ({ op: 'const', type: 'mask', lanes, value: value ? 1 : 0 })
export const variable = (name: string, type: Type, lanes = 1): Expr => ({ op: 'var', type, lanes, name })
/** The number of the running task. */
export const task: Expr = variable('task', 'index')

export function unary(fn: UnaryFn, a: Expr): Expr {
  check(
    fn === 'not' ? a.type === 'mask' : a.type === 'f32' || (a.type === 'i32' && (fn === 'neg' || fn === 'abs')),
    `${fn} of ${a.type}`,
  )
  return { op: 'unary', type: a.type, lanes: a.lanes, fn, a }
}

export function binary(fn: BinaryFn, a: Expr, b: Expr): Expr {
  check(a.type === b.type && a.lanes === b.lanes, `${fn} of ${a.type}x${a.lanes} and ${b.type}x${b.lanes}`)
  if (a.type === 'index') return indexArithmetic(fn, a, b)
  if (a.type === 'mask') {
    check(fn === 'and' || fn === 'or', `${fn} of masks`)
    if (isConst(a)) return (fn === 'and') === (a.value === 1) ? b : a
    if (isConst(b)) return (fn === 'and') === (b.value === 1) ? a : b
  }
  if (a.type === 'f32') {
    check(fn === 'add' || fn === 'sub' || fn === 'mul' || fn === 'div' || fn === 'min' || fn === 'max', `${fn} of f32`)
    if ((fn === 'mul' || fn === 'div') && isConst(b, 1)) return a
    if (fn === 'mul' && isConst(a, 1)) return b
  }
  if (
    a.type === 'i32' &&
    (fn === 'add' || fn === 'sub' || fn === 'xor' || fn === 'or' || fn === 'shl') &&
    isConst(b, 0)
  )
    return a
  return { op: 'binary', type: a.type, lanes: a.lanes, fn, a, b }
}

function indexArithmetic(fn: BinaryFn, a: Expr, b: Expr): Expr {
  if (isConst(a) && isConst(b)) return index(foldIndex(fn, a.value, b.value))
  if ((fn === 'add' || fn === 'sub') && isConst(b, 0)) return a
  if (fn === 'add' && isConst(a, 0)) return b
  if ((fn === 'mul' || fn === 'div') && isConst(b, 1)) return a
  if (fn === 'mul' && isConst(a, 1)) return b
  if (fn === 'mul' && (isConst(a, 0) || isConst(b, 0))) return index(0)
  if (fn === 'mod' && isConst(b, 1)) return index(0)
  return { op: 'binary', type: 'index', lanes: 1, fn, a, b }
}

function foldIndex(fn: BinaryFn, a: number, b: number): number {
  switch (fn) {
    case 'add':
      return a + b
    case 'sub':
      return a - b
    case 'mul':
      return a * b
    case 'div':
      return Math.trunc(a / b)
    case 'mod':
      return a % b
    case 'min':
      return Math.min(a, b)
    case 'max':
      return Math.max(a, b)
    default:
      throw new Error(`kernel: ${fn} of index`)
  }
}

export const add = (a: Expr, b: Expr): Expr => binary('add', a, b)
export const sub = (a: Expr, b: Expr): Expr => binary('sub', a, b)
export const mul = (a: Expr, b: Expr): Expr => binary('mul', a, b)
export const div = (a: Expr, b: Expr): Expr => binary('div', a, b)
export const mod = (a: Expr, b: Expr): Expr => binary('mod', a, b)
export const min = (a: Expr, b: Expr): Expr => binary('min', a, b)
export const max = (a: Expr, b: Expr): Expr => binary('max', a, b)
export const and = (a: Expr, b: Expr): Expr => binary('and', a, b)
export const or = (a: Expr, b: Expr): Expr => binary('or', a, b)
export const xor = (a: Expr, b: Expr): Expr => binary('xor', a, b)
export const neg = (a: Expr): Expr => unary('neg', a)
export const not = (a: Expr): Expr => unary('not', a)

export function fma(a: Expr, b: Expr, c: Expr): Expr {
  check(
    a.type === 'f32' && b.type === 'f32' && c.type === 'f32' && a.lanes === b.lanes && b.lanes === c.lanes,
    'fma wants three f32 of equal lanes',
  )
  return { op: 'fma', type: 'f32', lanes: a.lanes, a, b, c }
}

export function compare(fn: CompareFn, a: Expr, b: Expr): Expr {
  check(
    a.type === b.type && a.lanes === b.lanes && a.type !== 'mask',
    `${fn} of ${a.type}x${a.lanes} and ${b.type}x${b.lanes}`,
  )
  if (isConst(a) && isConst(b))
    return mask(fn === 'lt' ? a.value < b.value : fn === 'le' ? a.value <= b.value : a.value === b.value, a.lanes)
  return { op: 'compare', type: 'mask', lanes: a.lanes, fn, a, b }
}
export const lt = (a: Expr, b: Expr): Expr => compare('lt', a, b)
export const le = (a: Expr, b: Expr): Expr => compare('le', a, b)
export const eq = (a: Expr, b: Expr): Expr => compare('eq', a, b)

export function select(condition: Expr, a: Expr, b: Expr): Expr {
  check(
    condition.type === 'mask' && a.type === b.type && a.lanes === b.lanes && condition.lanes === a.lanes,
    `select of ${a.type}x${a.lanes} and ${b.type}x${b.lanes} by ${condition.type}x${condition.lanes}`,
  )
  if (isConst(condition)) return condition.value === 1 ? a : b
  return { op: 'select', type: a.type, lanes: a.lanes, mask: condition, a, b }
}

const conversions: Record<ConvertFn, readonly [from: Type, to: Type]> = {
  toF32: ['i32', 'f32'],
  toI32: ['f32', 'i32'],
  asF32: ['i32', 'f32'],
  asI32: ['f32', 'i32'],
  maskToI32: ['mask', 'i32'],
  i32ToMask: ['i32', 'mask'],
  indexToI32: ['index', 'i32'],
  i32ToIndex: ['i32', 'index'],
}

export function convert(fn: ConvertFn, a: Expr): Expr {
  const [from, to] = conversions[fn]
  check(a.type === from && (to !== 'index' || a.lanes === 1), `${fn} of ${a.type}x${a.lanes}`)
  if (isConst(a) && fn === 'indexToI32') return i32(a.value)
  if (isConst(a) && fn === 'toF32') return f32(a.value, a.lanes)
  return { op: 'convert', type: to, lanes: a.lanes, fn, a }
}

export function splat(a: Expr, lanes: number): Expr {
  if (lanes === a.lanes) return a
  check(a.lanes === 1 && a.type !== 'index', `splat of ${a.type}x${a.lanes}`)
  if (isConst(a)) return { ...a, lanes }
  return { op: 'splat', type: a.type, lanes, a }
}

export const ramp = (lanes: number): Expr => ({ op: 'ramp', type: 'i32', lanes })

export function load(buffer: string, type: 'f32' | 'i32', at: Expr, lanes = 1, valid?: Expr): Expr {
  check(
    at.type === 'index' && (!valid || (valid.type === 'mask' && (valid.lanes === 1 || valid.lanes === lanes))),
    `load of ${buffer}`,
  )
  if (valid && isConst(valid))
    return valid.value === 1 ? load(buffer, type, at, lanes) : { op: 'const', type, lanes, value: 0 }
  return { op: 'load', type, lanes, buffer, index: at, ...(valid && { valid }) }
}

export function gather(buffer: string, type: 'f32' | 'i32', at: Expr, valid?: Expr): Expr {
  check(at.type === 'i32' && (!valid || (valid.type === 'mask' && valid.lanes === at.lanes)), `gather of ${buffer}`)
  return { op: 'gather', type, lanes: at.lanes, buffer, index: at, ...(valid && { valid }) }
}

/** `n` vectors of `n` lanes, rows of a square matrix, as its columns. */
export function transpose(rows: readonly Expr[]): Expr[] {
  const lanes = rows.length
  check(
    rows.every((row) => row.lanes === lanes && row.type === rows[0].type),
    `transpose of ${lanes} vectors`,
  )
  // In each round the squares of blocks off the diagonal change places (Eklundh 1972).
  let now = [...rows]
  for (let block = 1; block < lanes; block *= 2) {
    const order = (first: number): number[] =>
      Array.from({ length: lanes }, (_, k) => first + ((k & block) === 0 ? k : k - block + lanes))
    const [upper, lower] = [order(0), order(block)]
    now = now.map((vector, i) =>
      (i & block) === 0 ? pick(upper, vector, now[i + block]) : pick(lower, now[i - block], vector),
    )
  }
  return now
}

/** For each lane, one lane of `a` or, counted on, of `b`. */
export function pick(order: readonly number[], a: Expr, b: Expr): Expr {
  const lanes = order.length
  check(
    a.type === b.type && a.lanes === b.lanes && (a.lanes === lanes || a.lanes === lanes / 2),
    `pick of ${lanes} lanes from ${a.type}x${a.lanes} and ${b.type}x${b.lanes}`,
  )
  return { op: 'pick', type: a.type, lanes, order, a, b }
}

export function reduceLanes(fn: 'add' | 'mul' | 'min' | 'max', a: Expr): Expr {
  if (a.lanes === 1) return a
  return { op: 'reduceLanes', type: a.type, lanes: 1, fn, a }
}

/** The same value under its name: `let name = value`. */
export const bind = (name: string, value: Expr): Stmt => ({ op: 'let', name, value })
export const mut = (name: string, value: Expr): Stmt => ({ op: 'mut', name, value })
export const set = (name: string, value: Expr): Stmt => ({ op: 'set', name, value })

export function store(buffer: string, at: Expr, value: Expr): Stmt {
  check(at.type === 'index' && (value.type === 'f32' || value.type === 'i32'), `store of ${value.type} to ${buffer}`)
  return { op: 'store', buffer, index: at, value }
}

export function scatter(buffer: string, at: Expr, value: Expr): Stmt {
  check(
    at.type === 'i32' && at.lanes === value.lanes && (value.type === 'f32' || value.type === 'i32'),
    `scatter of ${value.type} to ${buffer}`,
  )
  return { op: 'scatter', buffer, index: at, value }
}

export function loop(name: string, from: Expr, to: Expr, step: number, body: readonly Stmt[]): Stmt {
  check(from.type === 'index' && to.type === 'index' && step > 0, `loop ${name}`)
  return { op: 'for', name, from, to, step, body }
}

/** A number as f32 or i32, converted where it is the other. */
export function asType(a: Expr, type: 'f32' | 'i32'): Expr {
  if (a.type === type) return a
  return convert(type === 'f32' ? 'toF32' : 'toI32', a)
}
