/**
 * Gives names to what is used more than once and moves what does not change out of loops.
 *
 * Templates write statements over large expression graphs: shared objects, equal subexpressions, the same
 * index arithmetic again and again. Afterwards every expression is a small tree that a backend prints as it
 * stands. Three steps: number the values (place-values.ts), choose a place for each (here), write the
 * statements anew (here). On the way constants are computed (place-fold.ts), loops of one turn dissolve, and
 * branches that are never taken go. Results are the same to the last bit: only sums of indices, which are exact, are
 * put in another order (place-index.ts).
 */
import type { Expr, KernelBuffer, Stmt } from './ir.ts'
import { type Block, use, type Value, writeValue } from './place-model.ts'
import { numberValues } from './place-values.ts'

/**
 * The same statements with shared values named and invariant ones hoisted.
 *
 * A value is computed once, before the first statement that needs it, in the block of least loop depth
 * where its variables exist. Loads leave an `if`, a `while` or a loop that may not turn only where the same
 * load runs anyway, and never cross a store to their buffer. Names given by `let` are kept (of two for one
 * value, the first; none for a constant, a loop variable or what nothing uses); new ones are t0, t1 …
 */
export function place(body: readonly Stmt[], buffers: readonly KernelBuffer[]): Stmt[] {
  const { root, values, taken } = numberValues(body, buffers)
  // Operands have lower numbers, so that all users of a value have been placed before it is.
  for (let i = values.length - 1; i >= 0; i--) settle(values[i])
  return new Writer(taken).statements(root)
}

/** Chooses where `value` is computed: under a name, or inside the expressions that use it. */
function settle(value: Value): void {
  if (value.uses === 0 || !value.site) return
  let { block, position } = value.site
  if (value.name !== undefined || !value.cheap) {
    const hoisted = climb(value)
    if (hoisted.block.insertable && (value.name !== undefined || value.uses > 1 || hoisted.block.loops < block.loops)) {
      value.named = true
      ;({ block, position } = hoisted)
      let here = block.inserted.get(position)
      if (!here) block.inserted.set(position, (here = []))
      here.push(value)
    }
  }
  const times = value.named ? 1 : value.uses
  for (const operand of value.operands) use(operand, block, position, times)
}

/** The place of least loop depth between the uses of `value` and its limit; of several, the innermost. */
function climb(value: Value): { block: Block; position: number } {
  let { block, position } = value.site as { block: Block; position: number }
  let best = { block, position }
  while (block !== value.limit && block.parent) {
    position = block.at
    block = block.parent
    if (block.loops < best.block.loops) best = { block, position }
  }
  return best
}

/** Writes blocks as statements, with the names chosen on the way: a definition comes before its uses. */
class Writer {
  #taken: ReadonlySet<string>
  #count = 0
  readonly #reader = (value: Value): Expr => this.#read(value)

  constructor(taken: ReadonlySet<string>) {
    this.#taken = taken
  }

  statements(block: Block): Stmt[] {
    const out: Stmt[] = []
    block.statements.forEach((statement, i) => {
      const inserted = block.inserted.get(i)
      if (inserted) {
        inserted.sort((a, b) => a.number - b.number)
        for (const value of inserted) this.#define(value, out)
      }
      out.push(...this.#statement(statement, block.roots[i], block.inner[i]))
    })
    return out
  }

  #define(value: Value, out: Stmt[]): void {
    const written = writeValue(value, this.#reader)
    const name = value.name ?? this.#fresh()
    out.push({ op: 'let', name, value: written })
    value.written = { op: 'var', type: written.type, lanes: written.lanes, name }
  }

  #fresh(): string {
    let name: string
    do name = `t${this.#count++}`
    while (this.#taken.has(name))
    return name
  }

  #read(value: Value): Expr {
    value.written ??= writeValue(value, this.#reader)
    return value.written
  }

  /** None for a `let`: its value is defined where it was placed, if anything needs it. */
  #statement(statement: Stmt, roots: readonly Value[], inner: readonly Block[]): readonly Stmt[] {
    switch (statement.op) {
      case 'let':
        return []
      case 'mut':
      case 'set':
        return [{ ...statement, value: this.#read(roots[0]) }]
      case 'store':
      case 'scatter':
        return [{ ...statement, index: this.#read(roots[0]), value: this.#read(roots[1]) }]
      case 'for': {
        const [from, to] = [this.#read(roots[0]), this.#read(roots[1])]
        return [{ ...statement, from, to, body: this.statements(inner[0]) }]
      }
      case 'while':
        return [{ ...statement, condition: this.#read(roots[0]), body: this.statements(inner[0]) }]
      case 'if': {
        const condition = this.#read(roots[0])
        const branches = inner.map((branch) => this.statements(branch))
        if (condition.op === 'const') return branches.flat()
        return [{ op: 'if', condition, then: branches[0], ...(branches[1] && { else: branches[1] }) }]
      }
    }
  }
}
