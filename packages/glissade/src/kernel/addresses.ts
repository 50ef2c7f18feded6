/**
 * Addresses whose extremes are certain: sums of loop variables times constants.
 *
 * Each variable takes its first and last value independently of the others, so the least and the
 * greatest sum are both reached. Anything else (division, minimum, a value read from memory) has no
 * certain extremes here. Used by verify.ts.
 */
import type { Expr } from './ir.ts'

export interface Addresses {
  /** First and last value of each loop variable with constant bounds, and of `task`. */
  readonly ranges: Map<string, readonly [first: number, last: number]>
  /** What the named indices stand for. */
  readonly names: Map<string, Expr>
}

/** The least and greatest value of `index`, both reached; undefined where that is not certain. */
export function addressRange(index: Expr, addresses: Addresses): readonly [number, number] | undefined {
  const terms = new Map<string, number>()
  const constant = collect(index, 1, terms, addresses.names)
  if (Number.isNaN(constant)) return undefined
  let [least, greatest] = [constant, constant]
  for (const [name, factor] of terms) {
    const range = addresses.ranges.get(name)
    if (!range) return undefined
    least += Math.min(factor * range[0], factor * range[1])
    greatest += Math.max(factor * range[0], factor * range[1])
  }
  return [least, greatest]
}

/** Adds `factor` times `expr` to `terms` and returns its constant part; NaN where it is not such a sum. */
function collect(expr: Expr, factor: number, terms: Map<string, number>, names: ReadonlyMap<string, Expr>): number {
  if (expr.op === 'const') return factor * expr.value
  if (expr.op === 'var') {
    const value = names.get(expr.name)
    if (value) return collect(value, factor, terms, names)
    terms.set(expr.name, (terms.get(expr.name) ?? 0) + factor)
    return 0
  }
  if (expr.op !== 'binary') return Number.NaN
  if (expr.fn === 'add' || expr.fn === 'sub') {
    return collect(expr.a, factor, terms, names) + collect(expr.b, expr.fn === 'add' ? factor : -factor, terms, names)
  }
  if (expr.fn !== 'mul') return Number.NaN
  if (expr.b.op === 'const') return collect(expr.a, factor * expr.b.value, terms, names)
  return expr.a.op === 'const' ? collect(expr.b, factor * expr.a.value, terms, names) : Number.NaN
}
