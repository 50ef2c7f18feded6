/**
 * Which values of the clusters are stored, and what each cluster then reads from memory.
 *
 * A value read by another cluster is stored, unless computing it again there is cheaper than reading it. Second half
 * of the pass in cluster.ts.
 */
import type { Graph, Node } from '../graph/graph.ts'
import { flatten } from '../ops/move.ts'
import { sizeOf } from '../shape.ts'
import { lane } from './address.ts'
import {
  allReads,
  type Cluster,
  domainVariable,
  domainVariables,
  isInline,
  isProduct,
  positionOf,
  type Read,
  readsAnywhere,
  readsOf,
} from './domain.ts'
import { addIndex, type Condition, type Index, scaleIndex, stepOf, symbols, variableIndex } from './symbolic.ts'

/** Recomputing a value costs at most this many simple operations … */
const cheapOperations = 3
/** … and reads at most this many stored values of about its own size: numbers, rows' means and such are in cache. */
const cheapReads = 1
/** A stored value counts as a read if it has at least this fraction of the elements of what is computed from it. */
const readFraction = 1 / 8
/** A value that one other cluster reads, element by element, moves there up to this cost, and with this many reads. */
const movableOperations = 16
const movableReads = 4
/**
 * A value of so many bytes has left the caches when it is read. Then a whole erf or exp (18 and 12 operations, many
 * elements at once) costs less than writing and reading it, even in the epilogue of a product.
 */
const largeBytes = 1 << 20
const largeOperations = 24

export function decideStored(
  graph: Graph,
  home: ReadonlyMap<Node, Cluster>,
  mustStore: ReadonlySet<Node>,
  stored: Set<Node>,
  stop: (node: Node) => boolean,
): void {
  const readers = new Map<Node, Set<Cluster>>()
  for (const node of graph.nodes) {
    const own = home.get(node)
    if (!own) continue
    for (const { node: read } of allReads(node, stop)) {
      if (home.get(read) === own) continue
      const known = readers.get(read)
      if (known) known.add(own)
      else readers.set(read, new Set([own]))
    }
  }
  for (const node of graph.nodes) {
    const own = home.get(node)
    if (!own) continue
    const elsewhere = readers.get(node)
    if (
      mustStore.has(node) ||
      (elsewhere && (node.op.kind !== 'map' || !isCheap(node, stored, movesTo(node, elsewhere))))
    )
      stored.add(node)
  }
}

const isLarge = (node: Node): boolean => 4 * sizeOf(node.shape) >= largeBytes

/** Whether a value is read by one other cluster only, about once per element. */
function movesTo(node: Node, elsewhere: ReadonlySet<Cluster>): boolean {
  const [reader, ...others] = elsewhere
  // What a product reads before its epilogue is stored anyhow.
  const once = !reader.anchor || (isProduct(reader.anchor) && isLarge(node))
  return others.length === 0 && once && sizeOf(reader.domain) <= 2 * sizeOf(node.shape)
}

/** Whether computing the value anew from what is stored is cheaper than storing it too. */
function isCheap(node: Node, stored: ReadonlySet<Node>, moves: boolean): boolean {
  const mostOperations = moves ? (isLarge(node) ? largeOperations : movableOperations) : cheapOperations
  const mostReads = moves ? movableReads : cheapReads
  let operations = 0
  const reads = new Set<Node>()
  const seen = new Set<Node>()
  const counts = Math.max(1, readFraction * sizeOf(node.shape))
  const visit = (each: Node): boolean => {
    if (seen.has(each)) return true
    seen.add(each)
    if (stored.has(each)) {
      if (sizeOf(each.shape) > counts) reads.add(each)
      return reads.size <= mostReads
    }
    if (each.op.kind === 'map') {
      operations += each.op.cost ?? 1
      if (!each.inputs.every((input) => goesStraight(input, stored))) return false
    } else if (!isInline(each)) return false
    else if (each.op.kind === 'generate' && each.inputs.length > 0) operations += mostOperations + 1
    return operations <= mostOperations && each.inputs.every(visit)
  }
  return visit(node)
}

/** A vector has at least so many elements. */
const fewestLanes = 4

/** Whether neighbours in a row are neighbours, or one element, in memory too: what is put in turn is not read in vectors. */
function goesStraight(node: Node, stored: ReadonlySet<Node>): boolean {
  if (node.op.kind !== 'move' || stored.has(node) || sizeOf(node.shape) === 0) return true
  const last = node.shape.length - 1
  const index = node.shape.map((size, axis) =>
    axis < last
      ? variableIndex(domainVariable(axis), size)
      : addIndex(
          scaleIndex(variableIndex('block', Math.ceil(size / fewestLanes)), fewestLanes),
          variableIndex(lane, Math.min(size, fewestLanes)),
        ),
  )
  return readsOf(node, index, (each) => stored.has(each)).every(
    (read) =>
      !read.index || stepOf(flatten<Index, Condition>(symbols, read.index, read.node.shape), lane) !== undefined,
  )
}

/** Sets `before` to what the roots really read, now that it is known what is stored. */
export function connect(
  clusters: readonly Cluster[],
  stored: ReadonlySet<Node>,
  home: ReadonlyMap<Node, Cluster>,
): void {
  for (const each of clusters) {
    each.before.clear()
    for (const read of storedReads(each, stored)) {
      const from = home.get(read.node)
      if (from && from !== each) each.before.add(from)
    }
  }
}

/** The stored nodes (arguments among them) that a cluster's roots read, with the position where it is known. */
export function storedReads(each: Cluster, stored: ReadonlySet<Node>): Read[] {
  const result: Read[] = []
  const seen = new Set<string>()
  const visit = (node: Node, index: readonly Index[] | undefined): void => {
    const key = `${node.id}@${index?.map((i) => i.key).join() ?? '?'}`
    if (seen.has(key)) return
    seen.add(key)
    const inside = each.members.includes(node)
    if (stored.has(node) && !inside) {
      result.push({ node, index })
      return
    }
    const position = inside
      ? node.op.kind === 'reduce'
        ? domainVariables(each.domain)
        : readsAnywhere(node)
          ? undefined
          : positionOf(each, node)
      : index
    if (isInline(node)) {
      for (const read of readsOf(node, position, (below) => below !== node && stored.has(below)))
        visit(read.node, read.index)
    } else for (const input of node.inputs) visit(input, position)
  }
  for (const root of each.roots) visit(root, undefined)
  return result
}
