/**
 * Where the slices of a loop's input lie: as whole rows of a value in memory, if all movements in between leave a
 * slice's elements together; nothing is then copied for the loop.
 */
import type { Node } from '../graph/graph.ts'
import { flatten } from '../ops/move.ts'
import { type Shape, stridesOf } from '../shape.ts'
import { domainVariable, domainVariables, isInline } from './domain.ts'
import { type Condition, type Index, isAffine, stepOf, symbols } from './symbolic.ts'

/** Slice t of the input begins at element `start + t * stride` of `base`. */
export interface Slices {
  readonly base: Node
  readonly start: number
  readonly stride: number
}

/** The slices of `input` along axis 0 in a node that `isStored`; undefined where they do not lie in a row. */
export function slicesOf(input: Node, isStored: (node: Node) => boolean): Slices | undefined {
  let node = input
  let index: readonly Index[] = domainVariables(input.shape)
  for (;;) {
    if (isStored(node)) {
      const found = inRows(flatten<Index, Condition>(symbols, index, node.shape), input.shape)
      if (found) return { base: node, ...found }
    }
    if (!isInline(node)) return undefined
    if (node.op.kind === 'wrap') {
      node = node.inputs[0]
      continue
    }
    if (node.op.kind !== 'move') return undefined
    const [source, ...others] = node.op.sources<Index, Condition>(symbols, index, node)
    if (others.length > 0 || source.valid.some((condition) => condition !== true)) return undefined
    node = node.inputs[source.input]
    index = source.index
  }
}

function inRows(address: Index, shape: Shape): Omit<Slices, 'base'> | undefined {
  if (!isAffine(address)) return undefined
  const strides = stridesOf(shape)
  const together = shape.every(
    (size, axis) => axis === 0 || size === 1 || stepOf(address, domainVariable(axis)) === strides[axis],
  )
  if (!together) return undefined
  return { start: address.constant, stride: shape[0] === 1 ? 0 : (stepOf(address, domainVariable(0)) ?? 0) }
}
