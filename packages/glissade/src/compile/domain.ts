/**
 * What a cluster is, where its members' elements stand in its loops, and what a node reads.
 *
 * Next: cluster.ts, which forms clusters; stored.ts, which decides what of them goes through memory.
 */
import type { Node } from '../graph/graph.ts'
import { flatten, unflatten } from '../ops/move.ts'
import { type Shape, sameShape, sizeOf } from '../shape.ts'
import { type Condition, type Index, symbols, variableIndex } from './symbolic.ts'

export interface Cluster {
  readonly id: number
  /** The product, scatter, running sum, sort or loop over time that makes the first value; undefined for maps and reductions. */
  readonly anchor: Node | undefined
  domain: Shape
  /** The axes of the domain that reductions fold away. */
  reduced: readonly number[] | undefined
  readonly members: Node[]
  /** Members that are stored. */
  roots: Node[]
  /** Clusters whose values this one reads. */
  readonly before: Set<Cluster>
}

export interface Clustering {
  readonly clusters: readonly Cluster[]
  /** Nodes that are in memory: arguments and roots. */
  readonly stored: ReadonlySet<Node>
}

/** Something read from a computing node or argument, at a position that is known or not. */
export interface Read {
  readonly node: Node
  readonly index: readonly Index[] | undefined
}

/** Nodes that have no kernel of their own: they only say where or how to read. */
export function isInline(node: Node): boolean {
  const { kind } = node.op
  return kind === 'move' || kind === 'generate' || kind === 'gather' || kind === 'wrap'
}

/** What `node` at `index` reads, looked at through inline nodes. */
export function readsOf(
  node: Node,
  index: readonly Index[] | undefined,
  stop: (node: Node) => boolean,
  into: Read[] = [],
): Read[] {
  if (!isInline(node) || stop(node)) {
    into.push({ node, index })
    return into
  }
  const { op } = node
  if (op.kind === 'move') {
    const sources = index ? op.sources<Index, Condition>(symbols, index, node) : undefined
    node.inputs.forEach((input, i) => {
      const own = sources?.filter((source) => source.input === i && !source.valid.includes(false))
      const plain =
        own?.length === 1 && own[0].valid.every((condition) => condition === true) ? own[0].index : undefined
      readsOf(input, plain, stop, into)
    })
  } else if (op.kind === 'gather') {
    readsOf(node.inputs[0], undefined, stop, into)
    readsOf(node.inputs[1], index, stop, into)
  } else if (op.kind === 'wrap') {
    readsOf(node.inputs[0], index, stop, into)
  } else {
    for (const input of node.inputs) readsOf(input, undefined, stop, into)
  }
  return into
}

export const domainVariable = (axis: number): string => `d${axis}`
export const domainVariables = (domain: Shape): Index[] =>
  domain.map((size, axis) => variableIndex(domainVariable(axis), size))

/** The position of each element of `shape` when a loop over `domain` (or its kept axes) stands at `variables`. */
export function positionIn(shape: Shape, domain: Shape, variables: readonly Index[]): readonly Index[] {
  if (sameShape(shape, domain)) return variables
  return unflatten(symbols, flatten<Index, Condition>(symbols, variables, domain), shape)
}

export const samePosition = (a: readonly Index[], b: readonly Index[]): boolean =>
  a.every((index, i) => index.key === b[i].key)

/** Whether `node` is computed once per element of the domain, or once per row. */
export function levelIn(cluster: Cluster, node: Node): 'full' | 'row' {
  if (!cluster.reduced) return 'full'
  if (node.op.kind === 'reduce') return 'row'
  const rows = sizeOf(cluster.domain.filter((_, axis) => !cluster.reduced?.includes(axis)))
  return sizeOf(node.shape) === rows && rows !== sizeOf(cluster.domain) ? 'row' : 'full'
}

export function positionOf(cluster: Cluster, node: Node): readonly Index[] {
  const variables = domainVariables(cluster.domain)
  if (levelIn(cluster, node) === 'full') return positionIn(node.shape, cluster.domain, variables)
  const kept = (_: unknown, axis: number): boolean => !cluster.reduced?.includes(axis)
  return positionIn(node.shape, cluster.domain.filter(kept), variables.filter(kept))
}

export const isProduct = (node: Node): boolean => node.op.kind === 'contract' || node.op.kind === 'conv'

/** Whether an element may be computed from any element of the inputs. */
export const readsAnywhere = (node: Node): boolean =>
  isProduct(node) || node.op.kind === 'scatter' || node.op.kind === 'scan' || node.op.kind === 'output'

/** All that a node reads, wherever; for joining and for dependencies. */
export function allReads(node: Node, stop: (node: Node) => boolean, index?: readonly Index[]): Read[] {
  const reads: Read[] = []
  if (isInline(node)) {
    // A stored movement: look through itself, then stop at the next stored node.
    return readsOf(node, index, (each) => each !== node && stop(each), reads)
  }
  for (const input of node.inputs) readsOf(input, index, stop, reads)
  return reads
}
