/**
 * Expressions of a program as values, read from the tree of @lezer/javascript; nothing is ever run.
 *
 * There are literals, lists, objects, calls of the library, names of constants, and a little arithmetic, also with the
 * number of steps of an epoch, which is not known here. What the values mean: parse-code.ts.
 */
import type { SyntaxNode } from '@lezer/common'

/** A place in the text, and what is wrong there. */
export class CodeProblem extends Error {
  readonly from: number
  readonly to: number
  constructor(node: { readonly from: number; readonly to: number }, message: string) {
    super(message)
    this.from = node.from
    this.to = node.to
  }
}

/** A call such as `nn.linear(2, 4)`, with its arguments not yet looked at. */
export class Call {
  readonly name: string
  readonly args: readonly SyntaxNode[]
  readonly node: SyntaxNode
  constructor(name: string, args: readonly SyntaxNode[], node: SyntaxNode) {
    this.name = name
    this.args = args
    this.node = node
  }
}

/** So many epochs, in steps; `inverse`: one over it. */
export class Steps {
  readonly epochs: number
  readonly inverse: boolean
  constructor(epochs: number, inverse = false) {
    this.epochs = epochs
    this.inverse = inverse
  }
}

export type Value = number | string | boolean | null | undefined | readonly Value[] | Fields | Call | Steps
export interface Fields {
  readonly [name: string]: Value
}
export const isFields = (value: Value): value is Fields =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  !(value instanceof Call || value instanceof Steps)

/** The most items of a list. */
const mostItems = 5000
const deepest = 60

export class Reader {
  readonly #text: string
  readonly #constants: ReadonlyMap<string, SyntaxNode>
  readonly #reading = new Set<string>()
  /** Where each layer stands in the text, by the library's name for it. */
  readonly places = new Map<string, { readonly from: number; readonly to: number }>()

  constructor(text: string, constants: ReadonlyMap<string, SyntaxNode>) {
    this.#text = text
    this.#constants = constants
  }

  text(node: SyntaxNode): string {
    return this.#text.slice(node.from, node.to)
  }

  /** What an expression says. */
  value(node: SyntaxNode, depth = 0): Value {
    if (depth > deepest) throw new CodeProblem(node, 'This is nested too deeply to be read.')
    const inner = (): SyntaxNode[] => childrenOf(node)
    switch (node.name) {
      case 'Number': {
        const number = Number(this.text(node).replaceAll('_', ''))
        if (Number.isNaN(number)) throw new CodeProblem(node, 'This is no number that can be read.')
        return number
      }
      case 'String':
        return stringOf(this.text(node))
      case 'BooleanLiteral':
        return this.text(node) === 'true'
      case 'null':
        return null
      case 'ParenthesizedExpression':
      case 'AwaitExpression':
        return this.value(inner().at(-1) ?? node, depth + 1)
      case 'ArrayExpression': {
        const items = inner()
        if (items.length > mostItems)
          throw new CodeProblem(node, `A list of ${items.length} is too long; at most ${mostItems} are read.`)
        return items.map((each) => this.value(each, depth + 1))
      }
      case 'ObjectExpression':
        return this.#fields(node, depth)
      case 'VariableName':
        return this.#constant(node, depth)
      case 'CallExpression':
        return this.#call(node, depth)
      case 'UnaryExpression':
        return this.#unary(node, depth)
      case 'BinaryExpression':
        return this.#binary(node, depth)
      case 'Spread':
        throw new CodeProblem(node, 'Lists cannot be spread here. Write the items one by one.')
      case 'TemplateString':
        throw new CodeProblem(node, "A text stands in single quotes here, as 'x'.")
      default:
        throw new CodeProblem(
          node,
          'The lab does not run code, it reads it: numbers, texts, lists, and calls of nn, loss and optim. Write it so.',
        )
    }
  }

  #fields(node: SyntaxNode, depth: number): Fields {
    const found = Object.create(null) as Record<string, Value>
    for (const property of childrenOf(node)) {
      const [name, ...rest] = childrenOf(property)
      if (property.name !== 'Property' || !name || rest.length > 1)
        throw new CodeProblem(property, 'Options are written as name: value.')
      const key = name.name === 'String' ? stringOf(this.text(name)) : this.text(name)
      found[key] = rest[0] ? this.value(rest[0], depth + 1) : this.#constant(name, depth)
    }
    return found
  }

  #constant(node: SyntaxNode, depth: number): Value {
    const name = this.text(node)
    if (name === 'undefined') return undefined
    if (name === 'Infinity') return Number.POSITIVE_INFINITY
    if (name === 'stepsPerEpoch') return new Steps(1)
    const at = this.#constants.get(name)
    if (!at) throw new CodeProblem(node, `There is no const ${name}. Define it above, or write the value here.`)
    if (this.#reading.has(name)) throw new CodeProblem(node, `${name} is defined by itself. Give it a value.`)
    this.#reading.add(name)
    try {
      return this.value(at, depth + 1)
    } finally {
      this.#reading.delete(name)
    }
  }

  #call(node: SyntaxNode, depth: number): Value {
    const [callee, list] = childrenOf(node)
    if (list?.name !== 'ArgList' || (callee.name !== 'MemberExpression' && callee.name !== 'VariableName'))
      throw new CodeProblem(node, 'Only functions of nn, loss and optim are read here.')
    const name = this.text(callee).replaceAll(/\s/g, '')
    const args = childrenOf(list)
    if (name !== 'Math.round' && name !== 'Math.max') return new Call(name, args, node)
    const numbers = args.map((each) => this.value(each, depth + 1))
    // Of steps, rounding and a lowest bound are what is done with them anyway.
    const steps = numbers.find((each) => each instanceof Steps)
    if (steps) return steps
    if (!numbers.every((each): each is number => typeof each === 'number'))
      throw new CodeProblem(node, `${name} takes numbers.`)
    return name === 'Math.round' ? Math.round(numbers[0]) : Math.max(...numbers)
  }

  #unary(node: SyntaxNode, depth: number): Value {
    const of = childrenOf(node).at(-1) ?? node
    const given = this.value(of, depth + 1)
    const sign = this.#text.slice(node.from, of.from).trim()
    if (typeof given === 'number' && sign === '-') return -given
    if (typeof given === 'number' && sign === '+') return given
    throw new CodeProblem(node, 'Only the sign of a number can stand here.')
  }

  #binary(node: SyntaxNode, depth: number): Value {
    const [left, right] = [node.firstChild, node.lastChild]
    if (!left || !right) throw new CodeProblem(node, 'Something is missing here.')
    const sign = this.#text.slice(left.to, right.from).trim()
    const [a, b] = [this.value(left, depth + 1), this.value(right, depth + 1)]
    if (typeof a === 'number' && typeof b === 'number') {
      const result = { '+': a + b, '-': a - b, '*': a * b, '/': a / b, '**': a ** b, '||': a || b }[sign]
      if (result !== undefined) return result
    }
    if (sign === '*' && typeof a === 'number' && b instanceof Steps && !b.inverse) return new Steps(a * b.epochs)
    if (sign === '*' && typeof b === 'number' && a instanceof Steps && !a.inverse) return new Steps(b * a.epochs)
    if (sign === '/' && typeof a === 'number' && b instanceof Steps && !b.inverse) return new Steps(b.epochs / a, true)
    // A factor for each epoch, as one for each step.
    if (sign === '**' && typeof a === 'number' && b instanceof Steps && b.inverse) return a ** (1 / b.epochs)
    throw new CodeProblem(node, 'Only numbers, and numbers times stepsPerEpoch, can be reckoned with here.')
  }
}

/** The parts of a node that are not signs or comments. */
export function childrenOf(node: SyntaxNode): SyntaxNode[] {
  const found: SyntaxNode[] = []
  for (let child = node.firstChild; child; child = child.nextSibling)
    if (/^[A-Z]|^null$/.test(child.name) && !/Comment$|^Equals$|^Arrow$|Annotation$/.test(child.name)) found.push(child)
  return found
}

function stringOf(literal: string): string {
  return literal.slice(1, -1).replace(/\\(.)/g, (_, letter: string) => (letter === 'n' ? '\n' : letter))
}
