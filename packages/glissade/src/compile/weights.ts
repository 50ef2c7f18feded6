/**
 * Pass on the body of a loop: weights of products lie as the product reads them.
 *
 * Assumes a body in which outputs are nodes of their own. A weight that is the same at each turn, and whose columns are
 * not contiguous, is copied with its columns last; the copy does not change from turn to turn, so it is made once,
 * before the loop (scan.ts), and pays from the second turn on. Outside of loops such operands are read where they lie.
 */
import type { Graph, Node } from '../graph/graph.ts'
import type { ContractAttrs } from '../ops/contract.ts'
import { flatten, permute } from '../ops/move.ts'
import { barrier } from '../ops/wrap.ts'
import { domainVariable, domainVariables, isInline } from './domain.ts'
import { rewrite } from './rewrite.ts'
import { type Condition, type Index, stepOf, symbols } from './symbolic.ts'

/** Copies the weights that need it; `isFixed` tells which leaves are the same at each turn. */
export function layWeights(graph: Graph, isFixed: (argument: number) => boolean): Graph {
  const fixed = new Map<Node, boolean>()
  const isWeight = (node: Node): boolean => {
    const known = fixed.get(node)
    if (known !== undefined) return known
    const own =
      node.op.kind === 'leaf'
        ? isFixed(node.attrs.argument as number)
        : isInline(node) && node.inputs.length > 0 && node.inputs.every(isWeight)
    fixed.set(node, own)
    return own
  }
  return rewrite(graph, (node, inputs, { make }) => {
    if (node.op.kind !== 'contract') return undefined
    const attrs = node.attrs as ContractAttrs
    const place = rightOperand(attrs, node)
    if (place === undefined || !isWeight(inputs[place])) return undefined
    const letters = place === 0 ? attrs.a : attrs.b
    const other = place === 0 ? attrs.b : attrs.a
    // Outer axes, then those that are summed, then the columns in the order of the result.
    const outer = [...attrs.out].filter((letter) => letters.includes(letter) && other.includes(letter))
    const summed = [...letters].filter((letter) => !attrs.out.includes(letter))
    const columns = [...attrs.out].filter((letter) => letters.includes(letter) && !other.includes(letter))
    const wanted = [...outer, ...summed, ...columns]
    const order = wanted.map((letter) => letters.indexOf(letter))
    if (isContiguous(inputs[place], order[order.length - 1])) return undefined
    const ordered = make(permute, [inputs[place]], { order })
    const copied = make(barrier, [ordered], { copied: true })
    const operands = inputs.map((input, i) => (i === place ? copied : input))
    return make(node.op, operands, { ...attrs, [place === 0 ? 'a' : 'b']: wanted.join('') })
  })
}

/** Whether neighbours along an axis of `operand` are neighbours in memory. */
function isContiguous(operand: Node, axis: number): boolean {
  let node = operand
  let index: readonly Index[] = domainVariables(operand.shape)
  while (node.op.kind !== 'leaf') {
    if (node.op.kind === 'move') {
      const [source, ...others] = node.op.sources<Index, Condition>(symbols, index, node)
      if (others.length > 0 || source.valid.some((condition) => condition !== true)) return false
      index = source.index
      node = node.inputs[source.input]
    } else if (node.op.kind === 'wrap') node = node.inputs[0]
    else return false
  }
  return stepOf(flatten<Index, Condition>(symbols, index, node.shape), domainVariable(axis)) === 1
}

/** The operand that has the result's last axis of more than one element to itself: its columns become vectors. */
function rightOperand({ a, b, out }: ContractAttrs, node: Node): 0 | 1 | undefined {
  const last = [...out].findLast((letter, i) => node.shape[i] > 1 && a.includes(letter) !== b.includes(letter))
  if (last === undefined) return undefined
  return a.includes(last) ? 0 : 1
}
