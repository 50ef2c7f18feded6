/**
 * Templates write a loop body once for vectors and once for what is left, with the same names in both; here each
 * declaration gets a name of its own, as the loop language asks for.
 */
import type { Expr, Stmt } from '../kernel/ir.ts'

/** Gives variables that are declared twice (in the vector loop and in the one for what is left) names of their own. */
export function uniqueNames(body: readonly Stmt[]): Stmt[] {
  const used = new Set<string>()
  const fresh = (name: string): string => {
    let candidate = name
    for (let i = 1; used.has(candidate); i++) candidate = `${name}_${i}`
    used.add(candidate)
    return candidate
  }
  const walk = (list: readonly Stmt[], names: Map<string, string>): Stmt[] => {
    const scope = new Map(names)
    return list.map((stmt): Stmt => {
      switch (stmt.op) {
        case 'let':
        case 'mut': {
          const value = rename(stmt.value, scope)
          const name = fresh(stmt.name)
          scope.set(stmt.name, name)
          return { ...stmt, name, value }
        }
        case 'set':
          return { ...stmt, name: scope.get(stmt.name) ?? stmt.name, value: rename(stmt.value, scope) }
        case 'for': {
          const name = fresh(stmt.name)
          const inner = new Map(scope).set(stmt.name, name)
          return {
            ...stmt,
            name,
            from: rename(stmt.from, scope),
            to: rename(stmt.to, scope),
            body: walk(stmt.body, inner),
          }
        }
        case 'store':
        case 'scatter':
          return { ...stmt, index: rename(stmt.index, scope), value: rename(stmt.value, scope) }
        default:
          throw new Error(`compile: no ${stmt.op} in a nest`)
      }
    })
  }
  return walk(body, new Map())
}

function rename(expr: Expr, names: ReadonlyMap<string, string>, known = new Map<Expr, Expr>()): Expr {
  const done = known.get(expr)
  if (done) return done
  const go = (e: Expr): Expr => rename(e, names, known)
  const renamed = ((): Expr => {
    switch (expr.op) {
      case 'const':
      case 'ramp':
        return expr
      case 'var': {
        const name = names.get(expr.name)
        return name === undefined || name === expr.name ? expr : { ...expr, name }
      }
      case 'unary':
      case 'convert':
      case 'splat':
      case 'reduceLanes':
        return { ...expr, a: go(expr.a) }
      case 'binary':
      case 'compare':
      case 'pick':
        return { ...expr, a: go(expr.a), b: go(expr.b) }
      case 'fma':
        return { ...expr, a: go(expr.a), b: go(expr.b), c: go(expr.c) }
      case 'select':
        return { ...expr, mask: go(expr.mask), a: go(expr.a), b: go(expr.b) }
      case 'load':
      case 'gather':
        return { ...expr, index: go(expr.index), ...(expr.valid && { valid: go(expr.valid) }) }
    }
  })()
  known.set(expr, renamed)
  return renamed
}
