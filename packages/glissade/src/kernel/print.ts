/**
 * Kernels as text, for people: `program.describe()`, `DEBUG`, snapshots. Nothing parses it.
 *
 * Types show where they cannot be guessed: at names (`let a: f32x8 = …`), loads and splats. Constants
 * tell their type: `1.0` is f32, `1i` is i32, a bare `1` is an index. A subexpression that one
 * statement uses twice is printed once, above it, as `%0 = …`.
 */
import type { BinaryFn, CompareFn, Expr, Kernel, Stmt, Type } from './ir.ts'

/** The text of a kernel: its buffers, then its body. */
export function printKernel(kernel: Kernel): string {
  const lines = [`${kernel.kind} kernel, ${count(kernel.tasks, 'task')}, ${kernel.flops} flops, ${kernel.bytes} bytes`]
  for (const { access, name, type, length } of kernel.buffers) lines.push(`  ${access} ${name}: ${type}[${length}]`)
  if (kernel.scratch > 0) lines.push(`  scratch: [${kernel.scratch}]`)
  printBody(kernel.body, '  ', lines)
  return `${lines.join('\n')}\n`
}

/** The text of statements, a line each. */
export function printStatements(body: readonly Stmt[]): string {
  const lines: string[] = []
  printBody(body, '', lines)
  return lines.join('\n')
}

/** The text of one expression, written out as a tree. */
export function printExpr(expr: Expr): string {
  return spell(expr, new Map()).text
}

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`

export function typeName(type: Type, lanes: number): string {
  return lanes === 1 ? type : `${type}x${lanes}`
}

function printBody(body: readonly Stmt[], indent: string, lines: string[]): void {
  for (const statement of body) printStatement(statement, indent, lines)
}

function printStatement(statement: Stmt, indent: string, lines: string[]): void {
  const text = sharing(expressionsOf(statement), indent, lines)
  switch (statement.op) {
    case 'let':
    case 'mut':
      lines.push(
        `${indent}${statement.op} ${statement.name}: ${typeName(statement.value.type, statement.value.lanes)} = ${text(statement.value)}`,
      )
      return
    case 'set':
      lines.push(`${indent}${statement.name} = ${text(statement.value)}`)
      return
    case 'store':
      lines.push(`${indent}${statement.buffer}[${text(statement.index)}] = ${text(statement.value)}`)
      return
    case 'scatter':
      lines.push(`${indent}scatter ${statement.buffer}[${text(statement.index)}] = ${text(statement.value)}`)
      return
    case 'for': {
      const step = statement.step === 1 ? '' : ` step ${statement.step}`
      lines.push(`${indent}for ${statement.name} in ${text(statement.from)}..${text(statement.to)}${step} {`)
      break
    }
    case 'while':
      lines.push(`${indent}while ${text(statement.condition)} {`)
      break
    case 'if':
      lines.push(`${indent}if ${text(statement.condition)} {`)
      printBody(statement.then, `${indent}  `, lines)
      if (statement.else) {
        lines.push(`${indent}} else {`)
        printBody(statement.else, `${indent}  `, lines)
      }
      lines.push(`${indent}}`)
      return
  }
  printBody(statement.body, `${indent}  `, lines)
  lines.push(`${indent}}`)
}

/** The expressions that a statement itself evaluates (not those of its body). */
export function expressionsOf(statement: Stmt): readonly Expr[] {
  switch (statement.op) {
    case 'let':
    case 'mut':
    case 'set':
      return [statement.value]
    case 'store':
    case 'scatter':
      return [statement.index, statement.value]
    case 'for':
      return [statement.from, statement.to]
    case 'while':
    case 'if':
      return [statement.condition]
  }
}

/** The operands of an expression, in order. */
export function operandsOf(expr: Expr): readonly Expr[] {
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

/** Puts what `roots` use more than once on lines of its own, and spells the rest. */
function sharing(roots: readonly Expr[], indent: string, lines: string[]): (expr: Expr) => string {
  const uses = new Map<Expr, number>()
  const order: Expr[] = []
  const visit = (expr: Expr): void => {
    const seen = uses.get(expr) ?? 0
    uses.set(expr, seen + 1)
    if (seen > 0) return
    for (const operand of operandsOf(expr)) visit(operand)
    order.push(expr)
  }
  for (const root of roots) visit(root)
  const names = new Map<Expr, string>()
  for (const expr of order) {
    if ((uses.get(expr) as number) < 2 || operandsOf(expr).length === 0) continue
    const { text } = spell(expr, names)
    names.set(expr, `%${names.size}`)
    lines.push(`${indent}${names.get(expr)} = ${text}`)
  }
  return (expr) => spell(expr, names).text
}

/** Binding strength, as in C; what is not an operator binds tightest. */
const tight = 9
const infix: Partial<Record<BinaryFn | CompareFn, readonly [sign: string, strength: number]>> = {
  mul: ['*', 7],
  div: ['/', 7],
  mod: ['%', 7],
  add: ['+', 6],
  sub: ['-', 6],
  shl: ['<<', 5],
  shr: ['>>', 5],
  ushr: ['>>>', 5],
  lt: ['<', 4],
  le: ['<=', 4],
  eq: ['==', 4],
  and: ['&', 3],
  xor: ['^', 2],
  or: ['|', 1],
}

interface Spelled {
  readonly text: string
  readonly strength: number
}

function spell(expr: Expr, names: ReadonlyMap<Expr, string>): Spelled {
  const name = names.get(expr)
  if (name) return { text: name, strength: tight }
  const inner = (e: Expr): string => spell(e, names).text
  const call = (fn: string, ...args: Expr[]): Spelled => ({
    text: `${fn}(${args.map(inner).join(', ')})`,
    strength: tight,
  })
  const type = typeName(expr.type, expr.lanes)
  switch (expr.op) {
    case 'const':
      return { text: constant(expr), strength: expr.value < 0 && expr.lanes === 1 ? 8 : tight }
    case 'var':
      return { text: expr.name, strength: tight }
    case 'ramp':
      return { text: `ramp${expr.lanes}`, strength: tight }
    case 'unary': {
      if (expr.fn !== 'neg' && expr.fn !== 'not') return call(expr.fn, expr.a)
      return { text: (expr.fn === 'neg' ? '-' : '!') + bracket(spell(expr.a, names), tight), strength: 8 }
    }
    case 'binary':
    case 'compare': {
      const sign = infix[expr.fn]
      if (!sign) return call(expr.fn, expr.a, expr.b)
      const [left, right] = [bracket(spell(expr.a, names), sign[1]), bracket(spell(expr.b, names), sign[1] + 1)]
      return { text: `${left} ${sign[0]} ${right}`, strength: sign[1] }
    }
    case 'fma':
      return call('fma', expr.a, expr.b, expr.c)
    case 'select':
      return call('select', expr.mask, expr.a, expr.b)
    case 'convert':
      return call(expr.fn, expr.a)
    case 'splat':
      return call(type, expr.a)
    case 'load':
    case 'gather': {
      const lanes = expr.op === 'gather' ? `.gather${expr.lanes}` : expr.lanes === 1 ? '' : `.x${expr.lanes}`
      const valid = expr.valid ? ` if ${inner(expr.valid)}` : ''
      return { text: `${expr.buffer}[${inner(expr.index)}${valid}]${lanes}`, strength: tight }
    }
    case 'pick':
      return call(`pick.${expr.order.join('.')}`, expr.a, expr.b)
    case 'reduceLanes':
      return call(`lanes.${expr.fn}`, expr.a)
  }
}

const bracket = (e: Spelled, least: number): string => (e.strength < least ? `(${e.text})` : e.text)

function constant(expr: Expr & { op: 'const' }): string {
  const plain =
    expr.type === 'f32'
      ? float32Text(expr.value)
      : expr.type === 'i32'
        ? `${expr.value}i`
        : expr.type === 'mask'
          ? `${expr.value === 1}`
          : `${expr.value}`
  return expr.lanes === 1 ? plain : `${typeName(expr.type, expr.lanes)}(${plain})`
}

/** The shortest decimal that reads back as the same float32, always recognizable as a float. */
export function float32Text(value: number): string {
  if (!Number.isFinite(value)) return `${value}`
  if (Object.is(value, -0)) return '-0.0'
  for (let digits = 1; digits < 9; digits++) {
    const text = `${Number(value.toPrecision(digits))}`
    if (Math.fround(Number(text)) === value) return /[.e]/.test(text) ? text : `${text}.0`
  }
  const text = `${Number(value.toPrecision(9))}`
  return /[.e]/.test(text) ? text : `${text}.0`
}
