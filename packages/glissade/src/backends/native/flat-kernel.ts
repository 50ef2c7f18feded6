/**
 * A kernel as plain data: its expressions in one list, each after its parts, which it names by their numbers.
 *
 * Expressions that are one object stay one, since a printer names what occurs twice. What is read back is no kernel
 * before verify.ts has seen it. Used by plans.ts.
 */
import type { Expr, Kernel, Stmt } from '../../kernel/ir.ts'

/** An expression or a statement with numbers for its expressions. */
type Flat = Readonly<Record<string, unknown>>

export interface FlatKernel extends Omit<Kernel, 'body'> {
  readonly expressions: readonly Flat[]
  readonly body: readonly Flat[]
}

/** Where expressions and statements have expressions (a constant has its number in `value`), and statements a body. */
const parts = ['a', 'b', 'c', 'mask', 'index', 'valid', 'value', 'from', 'to', 'condition'] as const
const bodies = ['body', 'then', 'else'] as const

/** All texts in a kernel are words and names: nothing else comes into a program. */
const word = /^[A-Za-z_]\w*$/

export function flattened(kernel: Kernel): FlatKernel {
  const expressions: Flat[] = []
  const numbers = new Map<Expr, number>()
  const numberOf = (expr: Expr): number => {
    let number = numbers.get(expr)
    if (number === undefined) {
      const own = flat(expr)
      number = expressions.push(own) - 1
      numbers.set(expr, number)
    }
    return number
  }
  const flat = (of: Expr | Stmt): Flat => {
    const result: Record<string, unknown> = { ...of }
    for (const part of parts) if (typeof result[part] === 'object') result[part] = numberOf(result[part] as Expr)
    for (const body of bodies) if (result[body]) result[body] = (result[body] as Stmt[]).map(flat)
    return result
  }
  const body = kernel.body.map(flat)
  return { ...kernel, expressions, body }
}

/** The kernel again; throws where a number or a text is none that `flattened` writes. */
export function unfolded({ expressions, body, ...rest }: FlatKernel): Kernel {
  const made: Expr[] = []
  const unfold = (of: Flat): Flat => {
    const result: Record<string, unknown> = { ...of }
    for (const [name, value] of Object.entries(of)) {
      if (name === 'value' && of.op === 'const') result.value = Number(value)
      else if (typeof value === 'string' && !word.test(value)) throw new Error(`kernel: ${name} is no word`)
    }
    if (of.op === 'const') return result
    for (const part of parts) {
      if (!(part in of)) continue
      result[part] = made[of[part] as number]
      if (result[part] === undefined) throw new Error(`kernel: ${part} names no expression`)
    }
    for (const list of bodies) if (of[list]) result[list] = (of[list] as Flat[]).map(unfold)
    return result
  }
  for (const expression of expressions) made.push(unfold(expression) as unknown as Expr)
  return { ...rest, body: body.map(unfold) as unknown as Stmt[] }
}
