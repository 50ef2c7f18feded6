/**
 * The function of one kernel while it is written: variables, scopes, shared values, addresses.
 *
 * V8 keeps WebAssembly much as it is written, so every `let` and `mut` is a local, constants go into
 * the access, and an address is computed before the loop in which it does not change (address.ts).
 * Not here: how an expression is spelled (emit.ts).
 */
import type { Expr, Kernel, Type } from '../../kernel/ir.ts'
import { type Facts, groupsByDepth, type LinearForm, linearForm, type Term, type VariableFacts } from './address.ts'
import { type Code, FunctionBody, opcode as op, type ValueType, valueType } from './encode.ts'

/** Lanes of a vector register: 128 bits of four-byte elements. */
export const LANES = 4
/** Buffers lie above this address, so a constant below it can be split off any index without wrapping. */
export const LOWEST_BUFFER = 1 << 18
/** The parameters of every kernel function. */
const SLOTS = 0
const TASK = 1
const SCRATCH = 2
const PARAMETERS = 3
/** log2 of the bytes of an element. */
export const ELEMENT_SHIFT = 2

interface Variable extends VariableFacts {
  readonly local: number
}

interface Scope {
  /** Where code goes that must run once before this loop; absent in a branch. */
  readonly before?: Code
  readonly addresses: Map<string, number>
  /** Values of expressions that a statement uses more than once. */
  readonly values: Map<Expr, number>
}

const isTrivial = (expr: Expr): boolean => expr.op === 'const' || expr.op === 'var' || expr.op === 'ramp'

export function localType(type: Type, lanes: number): ValueType {
  if (lanes === LANES) return valueType.v128
  return type === 'f32' ? valueType.f32 : valueType.i32
}

/** The function of one kernel as it is written: its names, and where its code stands. */
export abstract class FunctionWriter {
  readonly body = new FunctionBody(PARAMETERS)
  code: Code = this.body.code
  readonly #variables = new Map<string, Variable>()
  readonly #buffers = new Map<string, number>()
  readonly #scopes: Scope[] = [{ addresses: new Map(), values: new Map() }]
  #shared: ReadonlySet<Expr> = new Set()
  readonly #facts: Facts = (name) => this.variable(name)

  constructor(kernel: Kernel) {
    this.#variables.set('task', { local: TASK, depth: 0, mutable: false })
    for (const [i, buffer] of kernel.buffers.entries()) {
      const local = this.body.local(valueType.i32)
      this.code
        .get(SLOTS)
        .memory(op.i32Load, i * 4)
        .set(local)
      this.#buffers.set(buffer.name, local)
    }
    this.#buffers.set('scratch', SCRATCH)
    this.#buffers.set('scratchI', SCRATCH)
  }

  /** Make `name` known; its value must then be stored in the local returned. */
  declare(name: string, type: Type, lanes: number, mutable: boolean, form?: LinearForm): number {
    const local = this.body.local(localType(type, lanes))
    this.#variables.set(name, { local, depth: this.#scopes.length - 1, mutable, form })
    return local
  }

  variable(name: string): Variable {
    const found = this.#variables.get(name)
    if (!found) throw new Error(`wasm: kernel uses ${name} before it is defined`)
    return found
  }

  /** The local that holds the address of a buffer. */
  bufferBase(buffer: string): number {
    const base = this.#buffers.get(buffer)
    if (base === undefined) throw new Error(`wasm: kernel uses ${buffer}, which is no buffer of it`)
    return base
  }

  /** The value of an index `let` as a sum, where adding it up again is at most one addition. */
  formOf(value: Expr): LinearForm | undefined {
    if (value.type !== 'index') return undefined
    const form = linearForm(value, this.#facts)
    const depths = [...form.terms.values()].map((term) => term.depth)
    if (depths.includes(Infinity)) return undefined
    const inner = this.#scopes.length - 1
    return depths.filter((depth) => depth === inner).length <= 1 ? form : undefined
  }

  openScope(before?: Code): void {
    this.#scopes.push({ ...(before && { before }), addresses: new Map(), values: new Map() })
  }
  closeScope(): void {
    this.#scopes.pop()
  }

  /** Find what `exprs`, the expressions of one statement, share; each such value is computed once. */
  beginStatement(exprs: readonly Expr[]): void {
    const seen = new Set<Expr>()
    const shared = new Set<Expr>()
    const visit = (expr: Expr): void => {
      if (isTrivial(expr)) return
      if (seen.has(expr)) {
        shared.add(expr)
        return
      }
      seen.add(expr)
      for (const child of children(expr)) visit(child)
    }
    for (const expr of exprs) visit(expr)
    this.#shared = shared
    for (const scope of this.#scopes) scope.values.clear()
  }

  /** Write the code that leaves the value of `expr` on the stack. */
  protected abstract compute(expr: Expr): void

  /** Whether a statement uses this very expression more than once. */
  protected isShared(expr: Expr): boolean {
    return this.#shared.has(expr)
  }

  /** Leave the value of `expr` on the stack. */
  value(expr: Expr): void {
    if (!this.#shared.has(expr)) return this.compute(expr)
    for (const scope of this.#scopes) {
      const known = scope.values.get(expr)
      if (known !== undefined) {
        this.code.get(known)
        return
      }
    }
    this.compute(expr)
    const local = this.body.local(localType(expr.type, expr.lanes))
    this.code.tee(local)
    this.#scopes.at(-1)?.values.set(expr, local)
  }

  /** Leave the address of an element on the stack, but for the constant that is returned. */
  address(buffer: string, index: Expr): number {
    const base = this.bufferBase(buffer)
    const form = linearForm(index, this.#facts)
    const bytes = form.constant * 4
    // What goes into the instruction is below LOWEST_BUFFER, the rest into the address: neither can wrap.
    let rest = Math.floor(bytes / LOWEST_BUFFER) * LOWEST_BUFFER
    const groups = groupsByDepth(form)
    if (rest !== 0 && groups.length === 0) groups.push({ depth: 0, terms: [] })
    let at = base
    let key = buffer
    for (const { depth, terms } of groups) {
      key = `${key}|${terms.map((term) => `${term.factor}*${term.key}`).join('+')}+${rest}`
      at = this.#addressStep(at, key, depth, terms, rest)
      rest = 0
    }
    this.code.get(at)
    return bytes - Math.floor(bytes / LOWEST_BUFFER) * LOWEST_BUFFER
  }

  /** A local with `at + terms + constant`, computed before the outermost loop that allows it. */
  #addressStep(at: number, key: string, depth: number, terms: readonly Term[], constant: number): number {
    for (const scope of this.#scopes) {
      const known = scope.addresses.get(key)
      if (known !== undefined) return known
    }
    const loop = depth === Infinity ? -1 : this.#scopes.findIndex((scope, i) => i > depth && scope.before)
    const before = this.#scopes[loop]?.before
    const local = this.body.local(valueType.i32)
    const present = this.code
    if (before) {
      // A shared value may be known only where the statement stands, not before the loop.
      const shared = this.#shared
      this.#shared = new Set()
      this.code = before
      this.#addTerms(at, terms, constant)
      this.code.set(local)
      this.code = present
      this.#shared = shared
      this.#scopes[loop - 1].addresses.set(key, local)
    } else {
      this.#addTerms(at, terms, constant)
      this.code.set(local)
      if (depth !== Infinity) this.#scopes.at(-1)?.addresses.set(key, local)
    }
    return local
  }

  #addTerms(at: number, terms: readonly Term[], constant: number): void {
    this.code.get(at)
    for (const term of terms) {
      this.value(term.expr)
      const shift = Math.log2(term.factor)
      if (Number.isInteger(shift)) this.code.i32(shift + ELEMENT_SHIFT).op(op.i32Shl)
      else this.code.i32(term.factor * 4).op(op.i32Mul)
      this.code.op(op.i32Add)
    }
    if (constant !== 0) this.code.i32(constant).op(op.i32Add)
  }
}

function children(expr: Expr): readonly Expr[] {
  switch (expr.op) {
    case 'const':
    case 'var':
    case 'ramp':
      return []
    case 'unary':
    case 'convert':
    case 'splat':
    case 'reduceLanes':
      return [expr.a]
    case 'binary':
    case 'compare':
    case 'pick':
      return [expr.a, expr.b]
    case 'fma':
      return [expr.a, expr.b, expr.c]
    case 'select':
      return [expr.mask, expr.a, expr.b]
    case 'load':
    case 'gather':
      return expr.valid ? [expr.index, expr.valid] : [expr.index]
  }
}
