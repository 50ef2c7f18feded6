/**
 * What place.ts computes on the way: integers and masks whose operands are known.
 *
 * Constants appear when a loop of one turn is dissolved or a name stands for one. Only exact arithmetic is
 * done here, never f32. Sums of indices: place-index.ts.
 */
import type { BinaryFn, CompareFn, Expr, Type } from './ir.ts'
import { differenceOf } from './place-index.ts'
import type { Value } from './place-model.ts'

type Constant = Expr & { op: 'const' }
/** The value of a constant expression. */
type Make = (constant: Constant) => Value

const constantOf = ({ expr }: Value): Constant | undefined => (expr.op === 'const' ? expr : undefined)
const isNumber = (constant: Constant | undefined, value: number): boolean => constant?.value === value

/** What `expr` on `operands` comes to, where that is a constant or one of the operands. */
export function simplify(expr: Expr, operands: readonly Value[], make: Make): Value | undefined {
  const { type, lanes } = expr
  // An integer has no negative zero.
  const constant = (value: number): Value => make({ op: 'const', type, lanes, value: value + 0 })
  switch (expr.op) {
    case 'splat': {
      const a = constantOf(operands[0])
      return a && make({ ...a, lanes })
    }
    case 'convert': {
      const a = constantOf(operands[0])
      if (!a || expr.fn === 'asF32' || expr.fn === 'asI32' || expr.fn === 'toI32') return undefined
      if (expr.fn === 'i32ToMask') return constant(a.value === 0 ? 0 : 1)
      return constant(type === 'i32' ? a.value | 0 : type === 'f32' ? Math.fround(a.value) : a.value)
    }
    case 'unary': {
      const a = constantOf(operands[0])
      return a && expr.fn === 'not' ? constant(1 - a.value) : undefined
    }
    case 'compare': {
      const order = orderOf(operands[0], operands[1])
      return order === undefined ? undefined : constant(holds(expr.fn, order) ? 1 : 0)
    }
    case 'select': {
      const mask = constantOf(operands[0])
      return mask && operands[mask.value === 1 ? 1 : 2]
    }
    case 'binary':
      return simplifyBinary(expr.fn, type, operands, constant)
    default:
      return undefined
  }
}

/** a - b, where both are integers and that is known. */
function orderOf(a: Value, b: Value): number | undefined {
  if (a.expr.type === 'index') return differenceOf(a, b)
  const [x, y] = [constantOf(a), constantOf(b)]
  return x && y && x.type === 'i32' ? x.value - y.value : undefined
}

function holds(fn: CompareFn, order: number): boolean {
  return fn === 'lt' ? order < 0 : fn === 'le' ? order <= 0 : order === 0
}

function simplifyBinary(
  fn: BinaryFn,
  type: Type,
  [a, b]: readonly Value[],
  constant: (value: number) => Value,
): Value | undefined {
  const [x, y] = [constantOf(a), constantOf(b)]
  if (type === 'mask') {
    const known = x ?? y
    if (!known) return undefined
    const other = x ? b : a
    return (fn === 'and') === (known.value === 1) ? other : x ? a : b
  }
  if (type === 'index') {
    if (isNumber(y, 1)) return fn === 'div' ? a : fn === 'mod' ? constant(0) : undefined
    if (x && y && fn === 'div') return constant(Math.trunc(x.value / y.value))
    if (x && y && fn === 'mod') return constant(x.value % y.value)
    if (fn !== 'min' && fn !== 'max') return undefined
    const order = differenceOf(a, b)
    return order === undefined ? undefined : (fn === 'min') === order <= 0 ? a : b
  }
  if (type !== 'i32') return undefined
  if (x && y) return constant(computeI32(fn, x.value, y.value))
  if (isNumber(y, 0) && keepsZeroRight.has(fn)) return a
  if (isNumber(x, 0) && keepsZeroLeft.has(fn)) return b
  if (fn === 'mul' && (isNumber(x, 0) || isNumber(y, 1))) return a
  if (fn === 'mul' && (isNumber(y, 0) || isNumber(x, 1))) return b
  return undefined
}

/** x fn 0 = x, and 0 fn x = x. */
const keepsZeroRight = new Set<BinaryFn>(['add', 'sub', 'or', 'xor', 'shl', 'shr', 'ushr'])
const keepsZeroLeft = new Set<BinaryFn>(['add', 'or', 'xor'])

function computeI32(fn: BinaryFn, x: number, y: number): number {
  switch (fn) {
    case 'add':
      return (x + y) | 0
    case 'sub':
      return (x - y) | 0
    case 'mul':
      return Math.imul(x, y)
    case 'div':
      return y === 0 ? 0 : Math.trunc(x / y) | 0
    case 'mod':
      throw new Error('place: mod of i32')
    case 'min':
      return Math.min(x, y)
    case 'max':
      return Math.max(x, y)
    case 'and':
      return x & y
    case 'or':
      return x | y
    case 'xor':
      return x ^ y
    case 'shl':
      return x << y
    case 'shr':
      return x >> y
    case 'ushr':
      return (x >>> y) | 0
  }
}
