/**
 * Sums of indices for place.ts: outer variables first, constants last.
 *
 * Index arithmetic is exact, so a sum may be put in any order. In this one the part that does not change in
 * an inner loop is a value of its own, which moves out, and addresses that differ by a constant share all
 * but that constant, which backends fold into the access. Products by a constant are multiplied out.
 */
import type { BinaryFn } from './ir.ts'
import { dependsOnState, type Linear, type Value } from './place-model.ts'

/** Makes index values. */
export interface IndexMaker {
  indexConstant(value: number): Value
  indexNode(fn: BinaryFn, a: Value, b: Value, linear: Linear | undefined): Value
}

/** A named value that reads changing state stays whole: its variables may have changed since it was named. */
function sumOf(value: Value): Linear {
  const whole = value.name !== undefined && dependsOnState(value)
  return value.linear && !whole ? value.linear : { terms: [{ value, factor: 1 }], constant: 0 }
}

/** `fn` of two indices as a sum; undefined where it is none. */
export function linearOf(fn: BinaryFn, a: Value, b: Value): Linear | undefined {
  const left = sumOf(a)
  const right = sumOf(b)
  if (fn === 'add') return combine(left, right, 1)
  if (fn === 'sub') return combine(left, right, -1)
  if (fn !== 'mul') return undefined
  if (right.terms.length === 0) return scale(left, right.constant)
  return left.terms.length === 0 ? scale(right, left.constant) : undefined
}

/** a - b, where that is a constant. */
export function differenceOf(a: Value, b: Value): number | undefined {
  if (a === b) return 0
  const { terms, constant } = combine(sumOf(a), sumOf(b), -1)
  return terms.length === 0 ? constant : undefined
}

function scale(sum: Linear, by: number): Linear {
  if (by === 0) return { terms: [], constant: 0 }
  return { terms: sum.terms.map(({ value, factor }) => ({ value, factor: factor * by })), constant: sum.constant * by }
}

/** a + sign · b, terms merged in the order of `before`. */
function combine(a: Linear, b: Linear, sign: number): Linear {
  const terms: { value: Value; factor: number }[] = []
  let i = 0
  let j = 0
  while (i < a.terms.length || j < b.terms.length) {
    const left = a.terms[i]
    const right = b.terms[j]
    if (left && right && left.value === right.value) {
      const factor = left.factor + sign * right.factor
      if (factor !== 0) terms.push({ value: left.value, factor })
      i++
      j++
    } else if (!right || (left && before(left.value, right.value))) {
      terms.push(left)
      i++
    } else {
      terms.push({ value: right.value, factor: sign * right.factor })
      j++
    }
  }
  return { terms, constant: a.constant + sign * b.constant }
}

/** Values that exist further out come first. */
function before(a: Value, b: Value): boolean {
  return a.limit.depth !== b.limit.depth ? a.limit.depth < b.limit.depth : a.number < b.number
}

/** The value of a sum, built term by term. */
export function sumInOrder({ terms, constant }: Linear, make: IndexMaker): Value {
  if (terms.length === 0) return make.indexConstant(constant)
  let sum: Value | undefined
  for (let i = 0; i < terms.length; i++) {
    const { value, factor } = terms[i]
    const soFar: Linear = { terms: terms.slice(0, i + 1), constant: 0 }
    if (sum && factor === -1) {
      sum = make.indexNode('sub', sum, value, soFar)
      continue
    }
    const single: Linear = { terms: [terms[i]], constant: 0 }
    const term = factor === 1 ? value : make.indexNode('mul', value, make.indexConstant(factor), single)
    sum = sum ? make.indexNode('add', sum, term, soFar) : term
  }
  return constant === 0
    ? (sum as Value)
    : make.indexNode('add', sum as Value, make.indexConstant(constant), { terms, constant })
}
