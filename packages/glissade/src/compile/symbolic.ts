/**
 * Index arithmetic over symbols: sums of loop variables times constants, with division and remainder.
 *
 * Movements are followed with it (IndexAlgebra), so that a chain of reshapes, slices and flips ends as one
 * address. It knows the range of every variable and drops divisions that do nothing; what stays affine in a
 * variable can be loaded as a vector. Not here: words of the loop language (address.ts turns symbols into them).
 */
import type { Expr } from '../kernel/ir.ts'
import type { IndexAlgebra } from '../ops/op.ts'

/** Something that a sum counts multiples of. */
export type Atom =
  | { readonly kind: 'variable'; readonly key: string; readonly size: number }
  | { readonly kind: 'div' | 'mod'; readonly key: string; readonly of: Index; readonly by: number }
  /** A number read at run time (an i32 expression); `varies` names the variables that it depends on. */
  | {
      readonly kind: 'dynamic'
      readonly key: string
      readonly value: Expr
      readonly varies: ReadonlySet<string>
      readonly size: number
    }

interface Term {
  readonly atom: Atom
  readonly factor: number
}

/** A sum of terms (distinct atoms, in the order of their keys) and a constant. */
export interface Index {
  readonly terms: readonly Term[]
  readonly constant: number
  /** The smallest and largest value it can have. */
  readonly low: number
  readonly high: number
  readonly key: string
}

function rangeOf(atom: Atom): [low: number, high: number] {
  if (atom.kind === 'variable' || atom.kind === 'dynamic') return [0, Math.max(0, atom.size - 1)]
  const { of, by } = atom
  return atom.kind === 'div' ? [Math.floor(of.low / by), Math.floor(of.high / by)] : [0, by - 1]
}

/** Ranges and keys are worked out when asked for: most sums are but steps on the way to another. */
class Sum implements Index {
  readonly terms: readonly Term[]
  readonly constant: number
  #range: readonly [low: number, high: number] | undefined
  #key: string | undefined

  constructor(terms: readonly Term[], constant: number) {
    this.terms = terms
    this.constant = constant
  }

  get low(): number {
    this.#range ??= this.#findRange()
    return this.#range[0]
  }

  get high(): number {
    this.#range ??= this.#findRange()
    return this.#range[1]
  }

  get key(): string {
    if (this.#key === undefined) {
      let key = ''
      for (const { atom, factor } of this.terms) key += `${factor}*${atom.key}+`
      this.#key = key + this.constant
    }
    return this.#key
  }

  #findRange(): readonly [number, number] {
    let low = this.constant
    let high = this.constant
    for (const { atom, factor } of this.terms) {
      const [from, to] = rangeOf(atom)
      low += factor > 0 ? factor * from : factor * to
      high += factor > 0 ? factor * to : factor * from
    }
    return [low, high]
  }
}

const sum = (terms: readonly Term[], constant: number): Index => new Sum(terms, constant)

/** Both lists, which are in the order of keys, as one; equal atoms become one term, or none. */
function mergeTerms(a: readonly Term[], b: readonly Term[]): Term[] {
  const terms: Term[] = []
  let i = 0
  let j = 0
  while (i < a.length && j < b.length) {
    const [x, y] = [a[i], b[j]]
    if (x.atom === y.atom || x.atom.key === y.atom.key) {
      if (x.factor + y.factor !== 0) terms.push({ atom: x.atom, factor: x.factor + y.factor })
      i++
      j++
    } else if (x.atom.key < y.atom.key) {
      terms.push(x)
      i++
    } else {
      terms.push(y)
      j++
    }
  }
  while (i < a.length) terms.push(a[i++])
  while (j < b.length) terms.push(b[j++])
  return terms
}

/** The sum of terms, in which k·(x div k) + (x mod k) becomes x. */
function recombine(terms: readonly Term[], constant: number): Index {
  for (const remainder of terms) {
    const { atom, factor } = remainder
    if (atom.kind !== 'mod') continue
    const quotient = terms.find((term) => term.factor === factor * atom.by && isQuotient(term.atom, atom.of, atom.by))
    if (!quotient) continue
    const others = terms.filter((term) => term !== remainder && term !== quotient)
    const whole = scaleIndex(atom.of, factor)
    return recombine(mergeTerms(others, whole.terms), constant + whole.constant)
  }
  return sum(terms, constant)
}

/** Whether `atom` is x div by; of an x that is (y div z) + c, that is (y + z · c) div (z · by). */
function isQuotient(atom: Atom, x: Index, by: number): boolean {
  if (atom.kind !== 'div') return false
  if (atom.by === by && atom.of.key === x.key) return true
  const inner = onlyAtom(x)
  if (inner?.kind !== 'div' || atom.by !== inner.by * by) return false
  return atom.of.key === addIndex(inner.of, constantIndex(x.constant * inner.by)).key
}

/** The atom of a sum of one, counted once, and a constant. */
const onlyAtom = ({ terms }: Index): Atom | undefined =>
  terms.length === 1 && terms[0].factor === 1 ? terms[0].atom : undefined

export const constantIndex = (value: number): Index => sum([], value)

/** A loop variable that runs from 0 to size - 1; one of size 1 is 0. */
export function variableIndex(name: string, size: number): Index {
  return size === 1 ? constantIndex(0) : sum([{ atom: { kind: 'variable', key: name, size }, factor: 1 }], 0)
}

export function dynamicIndex(key: string, value: Expr, varies: ReadonlySet<string>, size: number): Index {
  return sum([{ atom: { kind: 'dynamic', key, value, varies, size }, factor: 1 }], 0)
}

export function addIndex(a: Index, b: Index): Index {
  if (a.terms.length === 0)
    return b.terms.length === 0 ? constantIndex(a.constant + b.constant) : sum(b.terms, a.constant + b.constant)
  if (b.terms.length === 0) return b.constant === 0 ? a : sum(a.terms, a.constant + b.constant)
  return recombine(mergeTerms(a.terms, b.terms), a.constant + b.constant)
}

export function scaleIndex(a: Index, factor: number): Index {
  if (factor === 1) return a
  if (factor === 0) return constantIndex(0)
  return sum(
    a.terms.map((t) => ({ atom: t.atom, factor: t.factor * factor })),
    a.constant * factor,
  )
}

/**
 * The terms whose factor is a multiple of `by`, divided by it, and the rest. The rest is never below 0, since the
 * machine's division rounds towards 0 where this one rounds down.
 */
function divide(a: Index, by: number): { whole: Index; rest: Index } {
  const whole = a.terms.filter((t) => t.factor % by === 0).map((t) => ({ atom: t.atom, factor: t.factor / by }))
  const left = sum(
    a.terms.filter((t) => t.factor % by !== 0),
    0,
  )
  const quotient = Math.floor((left.low + a.constant) / by)
  return { whole: sum(whole, quotient), rest: sum(left.terms, a.constant - quotient * by) }
}

/** a = unit · multiples + left with 0 <= left < unit, for a unit above 1 that divides `by`. */
function coarsen(a: Index, by: number): { unit: number; multiples: Index; left: Index } | undefined {
  const units = [...new Set(a.terms.map(({ factor }) => gcd(Math.abs(factor), by)))]
    .filter((unit) => unit > 1)
    .sort((x, y) => y - x)
  for (const unit of units) {
    const { terms, low } = sum(
      a.terms.filter((t) => t.factor % unit !== 0),
      0,
    )
    const constant = Math.floor((low + a.constant) / unit)
    const left = sum(terms, a.constant - constant * unit)
    if (left.high >= unit) continue
    const multiples = sum(
      a.terms.filter((t) => t.factor % unit === 0).map((t) => ({ atom: t.atom, factor: t.factor / unit })),
      constant,
    )
    return { unit, multiples, left }
  }
  return undefined
}

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b))

/** a div by, rounded down. A `by` of 0 is the stride of an empty tensor, of which nothing is ever read. */
export function divIndex(a: Index, by: number): Index {
  if (by === 1) return a
  if (by === 0) return constantIndex(0)
  const { whole, rest } = divide(a, by)
  const [from, to] = [Math.floor(rest.low / by), Math.floor(rest.high / by)]
  if (from === to) return addIndex(whole, constantIndex(from))
  const coarse = coarsen(rest, by)
  if (coarse) return addIndex(whole, divIndex(coarse.multiples, by / coarse.unit))
  const inner = onlyAtom(rest)
  if (inner?.kind === 'div')
    return addIndex(whole, divIndex(addIndex(inner.of, constantIndex(rest.constant * inner.by)), inner.by * by))
  return addIndex(whole, sum([{ atom: { kind: 'div', key: `(${rest.key})/${by}`, of: rest, by }, factor: 1 }], 0))
}

/** a - by · (a div by): never below 0. */
export function modIndex(a: Index, by: number): Index {
  if (by <= 1) return constantIndex(0)
  const { rest } = divide(a, by)
  const [from, to] = [Math.floor(rest.low / by), Math.floor(rest.high / by)]
  if (from === to) return addIndex(rest, constantIndex(-from * by))
  const coarse = coarsen(rest, by)
  if (coarse) return addIndex(scaleIndex(modIndex(coarse.multiples, by / coarse.unit), coarse.unit), coarse.left)
  const inner = onlyAtom(rest)
  if (inner?.kind === 'mod' && inner.by % by === 0)
    return modIndex(addIndex(inner.of, constantIndex(rest.constant)), by)
  return sum([{ atom: { kind: 'mod', key: `(${rest.key})%${by}`, of: rest, by }, factor: 1 }], 0)
}

/** A condition on an index; `true` and `false` where the ranges already decide. */
export type Condition =
  | boolean
  | { readonly kind: 'within'; readonly index: Index; readonly from: number; readonly to: number }
  | { readonly kind: 'divides'; readonly index: Index; readonly by: number }

export const symbols: IndexAlgebra<Index, Condition> = {
  constant: constantIndex,
  add: addIndex,
  scale: scaleIndex,
  floorDiv: divIndex,
  mod: modIndex,
  within: (index, from, to) => {
    if (index.high < from || index.low >= to || from >= to) return false
    if (index.low >= from && index.high < to) return true
    return { kind: 'within', index, from, to }
  },
  divides: (by, index) => {
    const left = modIndex(index, by)
    if (left.terms.length === 0) return left.constant === 0
    return { kind: 'divides', index, by }
  },
}

/** How an index depends on a variable: the step it takes with it, or undefined if it is no straight line. */
export function stepOf(index: Index, variable: string): number | undefined {
  let step = 0
  for (const { atom, factor } of index.terms) {
    if (atom.key === variable) step = factor
    else if (atomVaries(atom, variable)) return undefined
  }
  return step
}

function atomVaries(atom: Atom, variable: string): boolean {
  if (atom.kind === 'variable') return atom.key === variable
  return atom.kind === 'dynamic' ? atom.varies.has(variable) : varies(atom.of, variable)
}

/** Whether the index changes with the variable. */
export function varies(index: Index, variable: string): boolean {
  return index.terms.some(({ atom }) => atomVaries(atom, variable))
}

/** Whether the index is a plain sum of loop variables. */
export function isAffine(index: Index): boolean {
  return index.terms.every(({ atom }) => atom.kind === 'variable')
}

/** The variables that the index depends on. */
export function variablesOf(index: Index, into = new Set<string>()): Set<string> {
  for (const { atom } of index.terms) {
    if (atom.kind === 'variable') into.add(atom.key)
    else if (atom.kind === 'dynamic') for (const name of atom.varies) into.add(name)
    else variablesOf(atom.of, into)
  }
  return into
}

/** The index with every variable replaced. */
export function substitute(index: Index, by: (variable: string) => Index): Index {
  let result = constantIndex(index.constant)
  for (const { atom, factor } of index.terms) result = addIndex(result, scaleIndex(substituteAtom(atom, by), factor))
  return result
}

function substituteAtom(atom: Atom, by: (variable: string) => Index): Index {
  if (atom.kind === 'variable') return by(atom.key)
  if (atom.kind === 'dynamic') return sum([{ atom, factor: 1 }], 0)
  const of = substitute(atom.of, by)
  return atom.kind === 'div' ? divIndex(of, atom.by) : modIndex(of, atom.by)
}

/** One counter over several axes, as the index of each. */
export function splitIndex(name: string, sizes: readonly number[]): Index[] {
  let rest: Index = variableIndex(
    name,
    sizes.reduce((product, size) => product * size, 1),
  )
  const result: Index[] = []
  for (let i = sizes.length - 1; i >= 0; i--) {
    result.unshift(i === 0 ? rest : modIndex(rest, sizes[i]))
    rest = divIndex(rest, sizes[i])
  }
  return result
}
