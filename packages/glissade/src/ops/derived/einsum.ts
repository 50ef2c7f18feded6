/**
 * einsum: sums of products, said with letters, as NumPy writes them.
 *
 * `einsum('bthd,bshd->bhts', q, k)`: a letter names an axis; letters not in the result are summed over. `...` stands
 * for the axes that have no letter, which broadcast. Without `->` the result has the axes of `...`, then the letters
 * that occur once, in the order of the alphabet. A letter twice in one operand takes its diagonal. Operands are
 * multiplied from left to right.
 */
import { fail } from '../../errors.ts'
import type { Tensor } from '../../tensor.ts'
import { makeNode } from '../../tensor.ts'
import { contract } from '../contract.ts'
import { cast, commonType, reshapeTo, toNumber } from './common.ts'
import { diagonal, permute } from './movement.ts'
import { sum } from './reduce.ts'

/** An operand and the names of its axes: letters, or for the axes of `...` numbers counted from the right. */
interface Operand {
  readonly x: Tensor
  readonly names: readonly string[]
}

export function einsum(equation: string, ...tensors: readonly Tensor[]): Tensor {
  const wrong = (received: string, expected: string): never =>
    fail('value-invalid', { what: `einsum '${equation}'`, received, expected, fix: "Write it as 'ij,jk->ik'." })
  const [left, right, ...more] = equation.replaceAll(' ', '').split('->')
  const terms = left.split(',')
  if (more.length > 0) wrong('several arrows', 'at most one ->')
  if (terms.length !== tensors.length || tensors.length === 0)
    wrong(`${tensors.length} tensors`, `one for each of the ${terms.length} terms`)

  const parse = (term: string, rank: number | undefined): string[] => {
    const [before, after, ...rest] = term.split('...')
    const letters = before + (after ?? '')
    if (rest.length > 0 || !/^[a-zA-Z]*$/.test(letters)) wrong(`'${term}'`, 'letters, and at most one ...')
    const open = rank === undefined ? spread : rank - letters.length
    if (rank !== undefined && (after === undefined ? open !== 0 : open < 0)) {
      wrong(`a tensor of ${rank} axes for '${term}'`, `${letters.length}${after === undefined ? '' : ' or more'} axes`)
    }
    const unnamed = after === undefined ? [] : Array.from({ length: open }, (_, i) => String(open - i))
    if (rank !== undefined) spread = Math.max(spread, unnamed.length)
    return [...before, ...unnamed, ...(after ?? '')]
  }
  /** How many axes the longest `...` stands for. */
  let spread = 0
  const dtype = commonType(tensors.map(toNumber))
  let operands = tensors.map((x, i): Operand => ({ x: cast(x, dtype), names: parse(terms[i], x.rank) }))
  const out = right === undefined ? implicitOutput(operands, spread) : parse(right, undefined)
  if (new Set(out).size !== out.length) wrong(`a result '${right}'`, 'each letter once')

  const sizes = new Map<string, number>()
  for (const { x, names } of operands) {
    names.forEach((name, axis) => {
      const [known, size] = [sizes.get(name) ?? 1, x.shape[axis]]
      if (known !== size && known !== 1 && size !== 1)
        wrong(`axis '${name}' of sizes ${known} and ${size}`, 'one size for one letter (or 1)')
      sizes.set(name, known === 1 ? size : known)
    })
  }
  for (const name of out) if (!sizes.has(name)) wrong(`the letter '${name}' in the result`, 'letters of the operands')

  operands = operands.map((operand) => withoutRepeats(operand, sizes))
  let product = operands[0]
  for (let i = 1; i < operands.length; i++) {
    product = multiply(product, operands[i], new Set([...out, ...operands.slice(i + 1).flatMap(({ names }) => names)]))
  }
  const summed = sumOut(product, new Set(out))
  const ordered = permute(
    summed.x,
    out.filter((name) => summed.names.includes(name)).map((name) => summed.names.indexOf(name)),
  )
  return reshapeTo(
    ordered,
    out.map((name) => sizes.get(name) as number),
  )
}

/** The axes of `...`, then the letters that occur once, in the order of the alphabet. */
function implicitOutput(operands: readonly Operand[], spread: number): string[] {
  const letters = operands.flatMap(({ names }) => names.filter((name) => /[a-zA-Z]/.test(name)))
  const once = letters.filter((letter) => letters.indexOf(letter) === letters.lastIndexOf(letter))
  return [...Array.from({ length: spread }, (_, i) => String(spread - i)), ...once.sort()]
}

/** The diagonal where a letter stands twice; no axes where one element is repeated (size 1, while others have more). */
function withoutRepeats({ x, names }: Operand, sizes: ReadonlyMap<string, number>): Operand {
  let [y, rest] = [x, [...names]]
  for (let axis = 0; axis < rest.length; axis++) {
    const twin = rest.indexOf(rest[axis], axis + 1)
    if (twin < 0) continue
    const name = rest[axis]
    y = diagonal(y, axis, twin)
    rest = [...rest.filter((_, i) => i !== axis && i !== twin), name]
    axis = -1
  }
  const kept = rest.map((name, axis) => y.shape[axis] === sizes.get(name) && y.shape[axis] !== 1)
  return {
    x: reshapeTo(
      y,
      y.shape.filter((_, axis) => kept[axis]),
    ),
    names: rest.filter((_, axis) => kept[axis]),
  }
}

function sumOut({ x, names }: Operand, needed: ReadonlySet<string>): Operand {
  const axes = names.flatMap((name, axis) => (needed.has(name) ? [] : [axis]))
  return { x: axes.length === 0 ? x : sum(x, axes), names: names.filter((name) => needed.has(name)) }
}

function multiply(a: Operand, b: Operand, needed: ReadonlySet<string>): Operand {
  const x = sumOut(a, new Set([...needed, ...b.names]))
  const y = sumOut(b, new Set([...needed, ...a.names]))
  const all = [...new Set([...x.names, ...y.names])]
  const names = all.filter((name) => needed.has(name))
  const letter = new Map(all.map((name, i) => [name, String.fromCharCode('a'.charCodeAt(0) + i)]))
  const spell = (list: readonly string[]): string => list.map((name) => letter.get(name)).join('')
  return { x: makeNode(contract, [x.x, y.x], { a: spell(x.names), b: spell(y.names), out: spell(names) }), names }
}
