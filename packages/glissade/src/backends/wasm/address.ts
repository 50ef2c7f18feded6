/**
 * Index expressions as sums, so that addresses can be computed where they stop changing.
 *
 * V8 neither moves invariant code out of WebAssembly loops nor folds constants into an access, so an
 * index such as `(i + 3) * N + k` is split into a constant (which goes into the instruction), terms
 * of outer loops (computed once before the inner loop) and terms of the innermost one. Nothing is
 * emitted here: emit.ts does that.
 */
import type { Expr } from '../../kernel/ir.ts'

/** `factor` times an expression that is no sum itself. */
export interface Term {
  readonly expr: Expr
  readonly key: string
  readonly factor: number
  /** The scope in which its value is settled, or Infinity where it may change at any statement. */
  readonly depth: number
}

export interface LinearForm {
  readonly terms: ReadonlyMap<string, Term>
  readonly constant: number
}

/** What must be known of a variable to move code that uses it. */
export interface VariableFacts {
  readonly depth: number
  readonly mutable: boolean
  /** The value of an index `let` as a sum, where using it is no more work than reading the variable. */
  readonly form?: LinearForm | undefined
}
export type Facts = (name: string) => VariableFacts

interface Sum {
  readonly terms: Map<string, Term>
  constant: number
}

export function linearForm(expr: Expr, facts: Facts): LinearForm {
  const sum: Sum = { terms: new Map(), constant: 0 }
  add(sum, expr, 1, facts)
  return sum
}

/** sum ← sum + factor · expr */
function add(sum: Sum, expr: Expr, factor: number, facts: Facts): void {
  if (expr.op === 'const') {
    sum.constant += factor * expr.value
    return
  }
  if (expr.op === 'var') {
    const { form } = facts(expr.name)
    if (form) addForm(sum, form, factor)
    else addTerm(sum, termOf(expr, facts), factor)
    return
  }
  if (expr.op === 'binary' && expr.type === 'index') {
    const { fn, a, b } = expr
    if (fn === 'add' || fn === 'sub') {
      add(sum, a, factor, facts)
      add(sum, b, fn === 'add' ? factor : -factor, facts)
      return
    }
    if (fn === 'mul' && b.op === 'const') return add(sum, a, factor * b.value, facts)
    if (fn === 'mul' && a.op === 'const') return add(sum, b, factor * a.value, facts)
  }
  addTerm(sum, termOf(expr, facts), factor)
}

function addForm(sum: Sum, form: LinearForm, factor: number): void {
  for (const term of form.terms.values()) addTerm(sum, term, factor * term.factor)
  sum.constant += factor * form.constant
}

function addTerm(sum: Sum, term: Term, factor: number): void {
  const total = (sum.terms.get(term.key)?.factor ?? 0) + factor
  if (total === 0) sum.terms.delete(term.key)
  else sum.terms.set(term.key, total === term.factor ? term : { ...term, factor: total })
}

let changing = 0

/** Once `expr`, which is no sum. */
function termOf(expr: Expr, facts: Facts): Term {
  const depth = depthOf(expr, facts)
  return { expr, key: depth === Infinity ? `~${++changing}` : keyOf(expr), factor: 1, depth }
}

/** The scope in which `expr` gets its final value; Infinity for what reads memory or a `mut`. */
function depthOf(expr: Expr, facts: Facts): number {
  switch (expr.op) {
    case 'const':
    case 'ramp':
      return 0
    case 'var': {
      const { depth, mutable } = facts(expr.name)
      return mutable ? Infinity : depth
    }
    case 'load':
    case 'gather':
      return Infinity
    case 'unary':
    case 'convert':
    case 'splat':
    case 'reduceLanes':
      return depthOf(expr.a, facts)
    case 'binary':
    case 'compare':
    case 'pick':
      return Math.max(depthOf(expr.a, facts), depthOf(expr.b, facts))
    case 'fma':
      return Math.max(depthOf(expr.a, facts), depthOf(expr.b, facts), depthOf(expr.c, facts))
    case 'select':
      return Math.max(depthOf(expr.mask, facts), depthOf(expr.a, facts), depthOf(expr.b, facts))
  }
}

const keys = new WeakMap<Expr, string>()

/** A text that is the same for equal expressions that read no memory. */
function keyOf(expr: Expr): string {
  if (expr.op === 'var') return expr.name
  let key = keys.get(expr)
  if (key === undefined) {
    key = describe(expr)
    keys.set(expr, key)
  }
  return key
}

function describe(expr: Expr): string {
  const head = `${expr.type}${expr.lanes}`
  switch (expr.op) {
    case 'const':
      return `${head}:${expr.value}`
    case 'var':
      return expr.name
    case 'ramp':
      return `${head}:ramp`
    case 'unary':
    case 'convert':
    case 'reduceLanes':
      return `${head}:${expr.op}.${expr.fn}(${keyOf(expr.a)})`
    case 'splat':
      return `${head}:splat(${keyOf(expr.a)})`
    case 'binary':
    case 'compare':
      return `${head}:${expr.op}.${expr.fn}(${keyOf(expr.a)},${keyOf(expr.b)})`
    case 'pick':
      return `${head}:pick.${expr.order.join('.')}(${keyOf(expr.a)},${keyOf(expr.b)})`
    case 'fma':
      return `${head}:fma(${keyOf(expr.a)},${keyOf(expr.b)},${keyOf(expr.c)})`
    case 'select':
      return `${head}:select(${keyOf(expr.mask)},${keyOf(expr.a)},${keyOf(expr.b)})`
    case 'load':
    case 'gather':
      throw new Error(`wasm: ${expr.op} has no key`)
  }
}

/** The terms of a sum by the scope in which they are settled, outermost first. */
export function groupsByDepth(form: LinearForm): { readonly depth: number; readonly terms: readonly Term[] }[] {
  const groups = new Map<number, Term[]>()
  for (const term of form.terms.values()) {
    const group = groups.get(term.depth)
    if (group) group.push(term)
    else groups.set(term.depth, [term])
  }
  return [...groups]
    .sort(([a], [b]) => a - b)
    .map(([depth, terms]) => ({ depth, terms: terms.sort((a, b) => (a.key < b.key ? -1 : 1)) }))
}
