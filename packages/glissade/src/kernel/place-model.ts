/**
 * What place.ts knows of a kernel while it works: blocks of statements and the values computed in them.
 *
 * Every value knows its limit, the outermost block in which it can be computed, and gathers the site of
 * its uses. How values are found: place-values.ts. How places are chosen: place.ts.
 */
import type { Expr, Stmt } from './ir.ts'

/** A list of statements that runs in turn, with what place.ts finds out about it. */
export interface Block {
  readonly number: number
  readonly parent: Block | undefined
  /** The position in the parent of the statement that holds this block. */
  readonly at: number
  readonly depth: number
  /** How many loops it is in. */
  readonly loops: number
  /** The innermost block around it (or itself) that may be left out of a run. */
  readonly guard: Block
  /** Whether a `let` can stand in it: not in the condition of a `while`. */
  readonly insertable: boolean
  readonly statements: readonly Stmt[]
  /** For each statement: the values that it evaluates, and its blocks. */
  readonly roots: Value[][]
  readonly inner: Block[][]
  /** Values to define before the statement at a position. */
  readonly inserted: Map<number, Value[]>
}

export interface Value {
  readonly number: number
  /** Its operator; the operands are those of `operands`. */
  readonly expr: Expr
  readonly operands: readonly Value[]
  /** The outermost block in which it can be computed. */
  readonly limit: Block
  /** Computing it again costs no more than reading a variable. */
  readonly cheap: boolean
  /** What its expression depends on apart from its names: `onVariable`, `onMemory`, `onGuard`. */
  readonly depends: number
  /** As a sum of indices, where it is one. */
  readonly linear: Linear | undefined
  /** The user's name for it. */
  name: string | undefined
  uses: number
  /** The innermost block around all uses, and the position there of the first. */
  site: { block: Block; position: number } | undefined
  named: boolean
  /** As it reads where it is used. */
  written: Expr | undefined
}

/** The sum of `factor` times `value` over the terms, plus `constant`. */
export interface Linear {
  readonly terms: readonly { readonly value: Value; readonly factor: number }[]
  readonly constant: number
}

/** Count `times` uses of `value` by the statement at `position` of `block`. */
export function use(value: Value, block: Block, position: number, times = 1): void {
  value.uses += times
  if (!value.site) {
    value.site = { block, position }
    return
  }
  let { block: a, position: at } = value.site
  let b = block
  let to = position
  while (a !== b) {
    if (a.depth >= b.depth) {
      at = a.at
      a = a.parent as Block
    } else {
      to = b.at
      b = b.parent as Block
    }
  }
  value.site.block = a
  value.site.position = Math.min(at, to)
}

/** Bits of `Value.depends`: how long an expression object keeps its value. */
export const onVariable = 1
export const onMemory = 2
export const onGuard = 4

export const dependsOnState = (value: Value): boolean => (value.depends & (onVariable | onMemory)) !== 0

/** `value` as an expression over its operands, each as `read` gives it. */
export function writeValue({ expr, operands }: Value, read: (value: Value) => Expr): Expr {
  const { type, lanes } = expr
  const [a, b, c] = operands
  switch (expr.op) {
    case 'const':
    case 'var':
    case 'ramp':
      return expr
    case 'unary':
      return { op: 'unary', type, lanes, fn: expr.fn, a: read(a) }
    case 'convert':
      return { op: 'convert', type, lanes, fn: expr.fn, a: read(a) }
    case 'splat':
      return { op: 'splat', type, lanes, a: read(a) }
    case 'reduceLanes':
      return { op: 'reduceLanes', type, lanes, fn: expr.fn, a: read(a) }
    case 'binary':
      return { op: 'binary', type, lanes, fn: expr.fn, a: read(a), b: read(b) }
    case 'compare':
      return { op: 'compare', type, lanes, fn: expr.fn, a: read(a), b: read(b) }
    case 'pick':
      return { op: 'pick', type, lanes, order: expr.order, a: read(a), b: read(b) }
    case 'fma':
      return { op: 'fma', type, lanes, a: read(a), b: read(b), c: read(c) }
    case 'select':
      return { op: 'select', type, lanes, mask: read(a), a: read(b), b: read(c) }
    case 'load':
    case 'gather': {
      const place = { op: expr.op, type, lanes, buffer: expr.buffer, index: read(a) }
      return expr.valid ? { ...place, valid: read(b) } : place
    }
  }
}
