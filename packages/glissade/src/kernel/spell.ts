/**
 * How each elementwise primitive is said in the loop-nest language: one line each.
 *
 * The table is typed by the names of ops/map.ts, so a primitive without a spelling does not compile. Backends need
 * no line per op: they spell the few words of ir.ts. float32 is f32, int32 is i32, bool is a mask.
 */
import type { MapName } from '../ops/table.ts'
import {
  add,
  and,
  asType,
  binary,
  compare,
  convert,
  div,
  eq,
  f32,
  fma,
  i32,
  le,
  lt,
  max,
  min,
  mul,
  neg,
  not,
  or,
  select,
  sub,
  unary,
  xor,
} from './build.ts'
import type { Expr } from './ir.ts'
import { atan, cos, erf, exp, log, pow, sin, tanh } from './math.ts'

type Spelling = (a: Expr, b: Expr, c: Expr) => Expr

const isFloat = (e: Expr): boolean => e.type === 'f32'
const zero = (e: Expr): Expr => (isFloat(e) ? f32(0, e.lanes) : i32(0, e.lanes))
const one = (e: Expr): Expr => (isFloat(e) ? f32(1, e.lanes) : i32(1, e.lanes))
/** Masks are compared and added up as 0 and 1. */
const number = (e: Expr): Expr => (e.type === 'mask' ? convert('maskToI32', e) : e)
const floor = (e: Expr): Expr => unary('floor', e)
const nan = (e: Expr): Expr => not(eq(e, e))

/** Rounds the truncated quotient down where the signs differ and something is left. */
function floorDivI32(a: Expr, b: Expr): Expr {
  const quotient = div(a, b)
  const left = sub(a, mul(quotient, b))
  const opposite = lt(xor(left, b), zero(a))
  return select(and(not(eq(b, zero(b))), and(not(eq(left, zero(a))), opposite)), sub(quotient, one(a)), quotient)
}

export const spellings = {
  neg: (a) => neg(a),
  abs: (a) => unary('abs', a),
  sign: (a) =>
    select(
      lt(zero(a), a),
      one(a),
      select(lt(a, zero(a)), neg(one(a)), isFloat(a) ? select(nan(a), a, zero(a)) : zero(a)),
    ),
  floor: (a) => floor(a),
  round: (a) => unary('round', a),
  sqrt: (a) => unary('sqrt', a),
  exp: (a) => exp(a),
  log: (a) => log(a),
  sin: (a) => sin(a),
  cos: (a) => cos(a),
  atan: (a) => atan(a),
  tanh: (a) => tanh(a),
  erf: (a) => erf(a),
  not: (a) => not(a),
  add: (a, b) => add(a, b),
  sub: (a, b) => sub(a, b),
  mul: (a, b) => mul(a, b),
  div: (a, b) => div(a, b),
  floorDiv: (a, b) => (isFloat(a) ? floor(div(a, b)) : floorDivI32(a, b)),
  mod: (a, b) =>
    isFloat(a) ? fma(neg(b), floor(div(a, b)), a) : select(eq(b, zero(b)), zero(a), sub(a, mul(floorDivI32(a, b), b))),
  pow: (a, b) => pow(a, b),
  maximum: (a, b) => max(a, b),
  minimum: (a, b) => min(a, b),
  and: (a, b) => and(a, b),
  or: (a, b) => or(a, b),
  xor: (a, b) => (a.type === 'mask' ? convert('i32ToMask', xor(number(a), number(b))) : xor(a, b)),
  shiftLeft: (a, b) => binary('shl', a, b),
  shiftRight: (a, b) => binary('ushr', a, b),
  lt: (a, b) => lt(number(a), number(b)),
  le: (a, b) => le(number(a), number(b)),
  eq: (a, b) => compare('eq', number(a), number(b)),
  where: (c, a, b) => (a.type === 'mask' ? or(and(c, a), and(not(c), b)) : select(c, a, b)),
  castToFloat32: (a) => asType(number(a), 'f32'),
  castToInt32: (a) => asType(number(a), 'i32'),
  castToBool: (a) => (a.type === 'mask' ? a : not(eq(a, zero(a)))),
  castToFloat64: (a) => asType(number(a), 'f32'),
} satisfies Record<MapName, Spelling>
