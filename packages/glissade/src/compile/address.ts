/**
 * Symbols into words: indices and conditions of symbolic.ts as expressions of the loop-nest language, for a scalar
 * or for a vector of neighbours along one variable.
 *
 * In a vector the variable stands for its first lane; a load is one vector load where the address takes steps of
 * 1 with the variable, one scalar for all lanes where it does not change, else lane by lane.
 */
import {
  add,
  and,
  binary,
  convert,
  div,
  eq,
  f32,
  gather,
  i32,
  index,
  le,
  load,
  lt,
  mask,
  mul,
  pick,
  ramp,
  splat,
  sub,
  variable,
} from '../kernel/build.ts'
import type { Expr } from '../kernel/ir.ts'
import type { Atom, Condition, Index } from './symbolic.ts'
import { constantIndex, stepOf, substitute, variablesOf, varies } from './symbolic.ts'

/** The lanes that an expression is built for: neighbours along `variable`, or 1. */
export interface Lanes {
  readonly count: number
  readonly variable: string
  /** Whether the variable is a multiple of `count` in the first lane. */
  readonly aligned?: boolean
}

/** The variable that counts lanes themselves: 0 in the first. */
export const lane = 'lane'

export const scalar: Lanes = { count: 1, variable: '' }

/** The index of the first lane, as an `index` scalar. */
export function indexScalar(at: Pick<Index, 'terms' | 'constant'>): Expr {
  let total: Expr | undefined
  for (const { atom, factor } of at.terms) {
    const term = mul(atomScalar(atom), index(factor))
    total = total ? add(total, term) : term
  }
  return total ? add(total, index(at.constant)) : index(at.constant)
}

function atomScalar(atom: Atom): Expr {
  if (atom.kind === 'variable') return atom.key === lane ? index(0) : variable(atom.key, 'index')
  if (atom.kind === 'dynamic') return convert('i32ToIndex', atom.value)
  return binary(atom.kind, indexScalar(atom.of), index(atom.by))
}

/** The index of each lane, as i32. */
export function indexI32(at: Index, lanes: Lanes): Expr {
  if (lanes.count === 1) return convert('indexToI32', indexScalar(at))
  if (!varies(at, lanes.variable)) return splat(convert('indexToI32', indexScalar(at)), lanes.count)
  const fixed = at.terms.filter(({ atom }) => !atomVaries(atom, lanes))
  let total = splat(convert('indexToI32', indexScalar({ terms: fixed, constant: at.constant })), lanes.count)
  for (const { atom, factor } of at.terms) {
    if (!atomVaries(atom, lanes)) continue
    const value = atomLanes(atom, lanes)
    total = add(total, factor === 1 ? value : mul(value, i32(factor, lanes.count)))
  }
  return total
}

function atomVaries(atom: Atom, lanes: Lanes): boolean {
  if (atom.kind === 'variable') return atom.key === lanes.variable
  return atom.kind === 'dynamic' ? atom.value.lanes > 1 : varies(atom.of, lanes.variable)
}

function atomLanes(atom: Atom, lanes: Lanes): Expr {
  if (atom.kind === 'variable')
    return add(ramp(lanes.count), splat(convert('indexToI32', atomScalar(atom)), lanes.count))
  if (atom.kind === 'dynamic') return atom.value
  const of = indexI32(atom.of, lanes)
  const quotient = quotientLanes(of, atom.of.high, atom.by)
  return atom.kind === 'div' ? quotient : sub(of, mul(quotient, i32(atom.by, lanes.count)))
}

/**
 * x div by, for x from 0 to `high`. Vectors have no integer division: a power of two is a shift, and below 2^22 the
 * quotient of x + 1/2 by a constant is at least 1/(2 by) away from a whole number, more than float32 rounds it by.
 */
function quotientLanes(x: Expr, high: number, by: number): Expr {
  if (Number.isInteger(Math.log2(by))) return binary('shr', x, i32(Math.log2(by), x.lanes))
  if (high >= 2 ** 22) return div(x, i32(by, x.lanes))
  return convert('toI32', mul(add(convert('toF32', x), f32(0.5, x.lanes)), f32(1 / by, x.lanes)))
}

/** The condition as a mask: of one lane where it is the same for all. */
export function conditionMask(condition: Condition, lanes: Lanes): Expr {
  if (typeof condition === 'boolean') return mask(condition)
  const vector = lanes.count > 1 && varies(condition.index, lanes.variable)
  if (vector && !holdsForAll(condition, lanes)) {
    const at = indexI32(condition.index, lanes)
    if (condition.kind === 'within') {
      return and(le(i32(condition.from, lanes.count), at), lt(at, i32(condition.to, lanes.count)))
    }
    return eq(mul(quotientLanes(at, condition.index.high, condition.by), i32(condition.by, lanes.count)), at)
  }
  const at = indexScalar(condition.index)
  if (condition.kind === 'divides') return eq(binary('mod', at, index(condition.by)), index(0))
  const parts: Expr[] = []
  if (condition.index.low < condition.from) parts.push(le(index(condition.from), at))
  if (condition.index.high >= condition.to) parts.push(lt(at, index(condition.to)))
  return parts.length === 0 ? mask(true) : parts.reduce(and)
}

/** Whether a condition holds for all lanes or for none: its bounds fall between the vectors. */
function holdsForAll(condition: Exclude<Condition, boolean>, { count, variable, aligned }: Lanes): boolean {
  if (!aligned || condition.kind !== 'within' || stepOf(condition.index, variable) !== 1) return false
  const { terms, constant } = condition.index
  const between = terms.every(({ atom, factor }) => atom.key === variable || factor % count === 0)
  return between && (condition.from - constant) % count === 0 && (condition.to - constant) % count === 0
}

/** Both masks; a mask of one lane is repeated for the other. */
export function bothMasks(a: Expr, b: Expr): Expr {
  const lanes = Math.max(a.lanes, b.lanes)
  return and(splat(a, lanes), splat(b, lanes))
}

/** Two loads of `count` lanes, from the first lane's address on, among which each lane finds its element. */
interface Picks {
  readonly count: number
  readonly starts: readonly [number, number]
  readonly order: readonly number[]
}

/** The narrowest vectors that elements are picked from: every target has them. */
const fewestPicked = 4

/**
 * Elements that lie near each other, in an order that is known (every second one, each twice, two lines in turn), as two
 * loads between the first and the last of them: what else these read lies between elements that are read anyway.
 */
export function picksOf(at: Index, lanes: Lanes): Picks | undefined {
  const offsets = offsetsOf(at, lanes)
  if (offsets === undefined) return undefined
  const [low, high] = [Math.min(...offsets), Math.max(...offsets)]
  for (const count of [lanes.count / 2, lanes.count]) {
    const second = high - count + 1
    if (count < fewestPicked || second < low) continue
    if (!offsets.every((offset) => offset < low + count || offset >= second)) continue
    const order = offsets.map((offset) => (offset < low + count ? offset - low : offset - second + count))
    return { count, starts: [low, second], order }
  }
  return undefined
}

/** How far each lane's element is from the first lane's, where that is the same in every turn. */
function offsetsOf(at: Index, lanes: Lanes): number[] | undefined {
  const offsets: number[] = new Array(lanes.count).fill(0)
  for (const { atom, factor } of at.terms) {
    if (!atomVaries(atom, lanes)) continue
    for (let k = 0; k < lanes.count; k++) {
      const place = placeOf(atom, lanes.variable, k)
      if (place === undefined) return undefined
      offsets[k] += factor * place
    }
  }
  return offsets.map((offset) => offset - offsets[0])
}

/** What an atom is in lane `k` beyond the first, where that depends on nothing else. */
function placeOf(atom: Atom, name: string, k: number): number | undefined {
  if (atom.kind === 'variable') return k
  if (atom.kind === 'dynamic' || name !== lane || [...variablesOf(atom.of)].some((each) => each !== lane))
    return undefined
  const place = substitute(atom.of, () => constantIndex(k)).constant
  return atom.kind === 'div' ? Math.floor(place / atom.by) : place % atom.by
}

/** The element at `at` of a buffer for each lane; 0 where `valid` does not hold. */
export function loadLanes(buffer: string, type: 'f32' | 'i32', at: Index, lanes: Lanes, valid?: Expr): Expr {
  if (lanes.count === 1) return load(buffer, type, indexScalar(at), 1, valid)
  const step = stepOf(at, lanes.variable)
  if (step === 0 && (!valid || valid.lanes === 1))
    return splat(load(buffer, type, indexScalar(at), 1, valid), lanes.count)
  if (step === 1) return load(buffer, type, indexScalar(at), lanes.count, valid)
  const picks = picksOf(at, lanes)
  const guard = valid?.op === 'splat' ? valid.a : valid
  if (picks && (guard === undefined || guard.lanes === 1)) {
    const { count, starts, order } = picks
    const first = indexScalar(at)
    const [a, b] = starts.map((start) => load(buffer, type, add(first, index(start)), count, guard))
    return pick(order, a, b)
  }
  return gather(buffer, type, indexI32(at, lanes), valid && splat(valid, lanes.count))
}
