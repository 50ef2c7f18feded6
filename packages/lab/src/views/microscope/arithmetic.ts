/**
 * The optimizer's arithmetic as formulas: once with names, once with numbers. It prints whatever operations the update is
 * made of, so it knows no optimizer.
 */
import type { Questions, UpdateNode } from '../../worker/protocol.ts'
import { tex } from './words.ts'

type Update = Questions['update']['answer']

/** What people call the numbers of a step. */
const symbols: Readonly<Record<string, string>> = {
  weight: 'w',
  gradient: 'g',
  lr: '\\eta',
  stepSize: '\\hat\\eta',
  correction: 'c',
  keep: 'k',
}

/** What a symbol that is no letter of its own stands for. */
export const meanings: Readonly<Record<string, string>> = {
  lr: 'the learning rate',
  stepSize: 'the learning rate, made larger in the first steps, since the averages began at 0',
  correction: 'makes up for an average of squares that began at 0',
  keep: 'what weight decay leaves of the weight, or how much is kept',
  share: 'how much of the gradient enters',
  b1: 'how much of the average is kept',
}

/** A name as a symbol; what it becomes with this step has a prime. */
export function symbolOf(name: string): string {
  const [plain, next] = name.split(' ')
  const symbol = symbols[plain] ?? (plain.length <= 2 ? plain : `\\mathit{${plain.replace(/[^A-Za-z0-9]/g, '')}}`)
  return next ? `${symbol}'` : symbol
}

/** How tightly an operation binds. */
const tightness: Readonly<Record<string, number>> = { add: 1, sub: 1, mul: 2, div: 3, neg: 1, sqrt: 4 }
const whole = 5

/** Numbers that are the same for all weights. */
const isFactor = ({ op, name = '' }: UpdateNode): boolean => op === 'constant' || (op === 'given' && name in meanings)

/** A node as TeX. `numbers`: values in place of names. */
function written(nodes: readonly UpdateNode[], at: number, numbers: boolean): { text: string; tight: number } {
  const { op, inputs, value, name } = nodes[at]
  if (op === 'constant') {
    // As it is written in programs: 0.1, not 0.09999999999999998.
    const [digits, power] = String(Number(value.toPrecision(6))).split('e')
    return power
      ? { text: `${digits === '1' ? '' : `${digits} \\cdot `}10^{${power}}`, tight: digits === '1' ? 3 : 2 }
      : { text: digits, tight: value < 0 ? 1 : whole }
  }
  if (op === 'given') {
    if (!numbers && name) return { text: symbolOf(name), tight: whole }
    return { text: tex(value, { digits: 4 }), tight: value < 0 ? 1 : value !== 0 && Math.abs(value) < 1e-3 ? 2 : whole }
  }
  const parts = inputs.map((input) => written(nodes, input, numbers))
  const inner = (i: number, least: number): string =>
    parts[i].tight < least ? `\\left(${parts[i].text}\\right)` : parts[i].text
  const tight = tightness[op] ?? whole
  switch (op) {
    case 'add':
      return { text: `${parts[0].text} + ${inner(1, 2)}`, tight }
    case 'sub':
      return { text: `${parts[0].text} - ${inner(1, 2)}`, tight }
    case 'mul':
      if (inputs[0] === inputs[1]) return { text: `${inner(0, 4)}^2`, tight: 3 }
      // 0.9 · m and η · g read better than m · 0.9 and g · η.
      return {
        text: isFactor(nodes[inputs[1]])
          ? `${inner(1, 2)} \\cdot ${inner(0, 2)}`
          : `${inner(0, 2)} \\cdot ${inner(1, 2)}`,
        tight,
      }
    case 'div':
      return { text: `\\frac{${parts[0].text}}{${parts[1].text}}`, tight }
    case 'sqrt':
      return { text: `\\sqrt{${parts[0].text}}`, tight }
    case 'neg':
      return { text: `-${inner(0, 2)}`, tight }
    case 'abs':
      return { text: `\\left|${parts[0].text}\\right|`, tight }
    default:
      return { text: `\\operatorname{${op}}\\left(${parts.map(({ text }) => text).join(',\\ ')}\\right)`, tight: whole }
  }
}

export interface Line {
  readonly name: string
  readonly symbolic: string
  readonly numeric: string
  readonly before: number
  readonly after: number
}

export function linesOf({ nodes, lines }: Update): readonly Line[] {
  return lines.map(({ name, before, after, root }) => {
    const left = symbolOf(`${name} next`)
    // The weight's new value stands below, beside the old one.
    const result = name === 'weight' ? '' : ` = \\mathbf{${tex(after, { digits: 4 })}}`
    return {
      name,
      before,
      after,
      symbolic: `${left} = ${written(nodes, root, false).text}`,
      numeric: `\\phantom{${left}} = ${written(nodes, root, true).text}${result}`,
    }
  })
}

/** The names of numbers that the formulas use and that need a word. */
export const usedNames = ({ nodes }: Update): readonly { name: string; value: number }[] => [
  ...new Map(
    nodes.flatMap(({ op, name, value }) => (op === 'given' && name && meanings[name] ? [[name, { name, value }]] : [])),
  ).values(),
]
