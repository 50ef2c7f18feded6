/**
 * Pass: fuse. Which nodes are computed together in one kernel, and which values go through memory.
 *
 * Assumes a simplified graph. Guarantees: every node that must be in memory is a root of exactly one cluster; the
 * clusters have no cycles; inside a cluster, what one member reads of another is at the same position (of the full
 * domain, or of the row when the domain is reduced). It stands after the rewrites, since each of them changes
 * what fits together, and before scheduling.
 *
 * A cluster is a loop domain with an optional reduction of some of its axes, or an anchor (a product, a sort …)
 * with the maps that follow it. Members join the cluster of what they read if positions agree; a value read
 * elsewhere is stored, unless computing it again is cheaper than reading it.
 */
import { bodyOf, type Graph, type Node } from '../graph/graph.ts'
import { flatten } from '../ops/move.ts'
import type { Op } from '../ops/op.ts'
import { type Shape, sameShape, sizeOf } from '../shape.ts'
import {
  allReads,
  type Cluster,
  type Clustering,
  domainVariables,
  isInline,
  isProduct,
  levelIn,
  positionOf,
  samePosition,
} from './domain.ts'
import { slicesOf } from './slices.ts'
import { connect, decideStored } from './stored.ts'
import { type Condition, type Index, isAffine, symbols } from './symbolic.ts'

/** A domain of fewer rows than this is not fused across its reductions, unless it is small as a whole. */
const fewRows = 4
const smallDomain = 16384

/** Ops with a loop that nothing else joins. */
const standsAlone = (kind: Op['kind']): boolean =>
  kind === 'scatter' || kind === 'cumulate' || kind === 'sort' || kind === 'scan'

/** Groups the nodes of `graph` into clusters and decides what is stored. */
export function cluster(graph: Graph): Clustering {
  const stored = new Set<Node>(graph.nodes.filter((node) => node.op.kind === 'leaf'))
  const outputs = new Set(graph.outputs)
  const mustStore = new Set<Node>([...outputs].filter((node) => node.op.kind !== 'leaf'))
  for (const node of graph.nodes) {
    if (isProduct(node)) for (const input of node.inputs) mustStore.add(operandBase(input, mustStore))
    if (node.op.kind === 'output') mustStore.add(node)
    const body = bodyOf(node)
    if (body)
      node.inputs.forEach((input, i) => mustStore.add(loopBase(input, i - body.carries, body.slices, mustStore)))
  }
  const clusters: Cluster[] = []
  const home = new Map<Node, Cluster>()
  const stop = (node: Node): boolean => mustStore.has(node)

  const open = (
    node: Node,
    anchor: Node | undefined,
    domain: Shape,
    reduced: readonly number[] | undefined,
  ): Cluster => {
    const fresh: Cluster = { id: clusters.length, anchor, domain, reduced, members: [], roots: [], before: new Set() }
    clusters.push(fresh)
    enter(node, fresh)
    return fresh
  }
  const enter = (node: Node, into: Cluster): void => {
    into.members.push(node)
    home.set(node, into)
    for (const read of allReads(node, stop)) {
      const from = home.get(read.node)
      if (from && from !== into) into.before.add(from)
    }
  }

  for (const node of graph.nodes) {
    const { kind } = node.op
    if (kind === 'output') {
      enter(node, home.get(node.inputs[0]) as Cluster)
      continue
    }
    if (kind === 'leaf' || (isInline(node) && !mustStore.has(node))) continue
    if (isProduct(node) || standsAlone(kind)) {
      open(node, node, node.shape, undefined)
      continue
    }
    const domain = node.op.kind === 'reduce' ? node.inputs[0].shape : node.shape
    const reduced = node.op.kind === 'reduce' ? (node.attrs.axes as number[]) : undefined
    const candidates = [...new Set(allReads(node, stop).flatMap((read) => home.get(read.node) ?? []))].sort(byWeight)
    const fit = candidates.find((candidate) => fits(node, candidate, candidates, home, stop))
    if (!fit) {
      open(node, undefined, domain, reduced)
      continue
    }
    if (reduced) {
      fit.domain = domain
      fit.reduced = reduced
    }
    for (const other of candidates)
      if (isPartner(node, fit, other, candidates, home, stop)) absorb(fit, other, clusters, home)
    enter(node, fit)
  }

  decideStored(graph, home, mustStore, stored, stop)
  for (const each of clusters) each.roots = each.members.filter((node) => stored.has(node))
  connect(clusters, stored, home)
  return { clusters: clusters.filter((each) => each.roots.length > 0), stored }
}

/**
 * Whether `other`, which `node` reads too, can become one with `into`: both only maps, of one shape, neither needing
 * the other, and nothing else that the node reads needing it.
 */
function isPartner(
  node: Node,
  into: Cluster,
  other: Cluster,
  producers: readonly Cluster[],
  home: ReadonlyMap<Node, Cluster>,
  stop: (node: Node) => boolean,
): boolean {
  if (other === into || into.anchor || into.reduced || other.anchor || other.reduced) return false
  if (!sameShape(into.domain, other.domain) || reaches(into, other)) return false
  if (producers.some((producer) => producer !== other && reaches(other, producer))) return false
  const position = positionOf(into, node)
  return allReads(node, stop, position).every(
    (read) =>
      home.get(read.node) !== other ||
      (read.index !== undefined && samePosition(read.index, positionOf(other, read.node))),
  )
}

function absorb(into: Cluster, other: Cluster, clusters: Cluster[], home: Map<Node, Cluster>): void {
  for (const node of other.members) home.set(node, into)
  into.members.push(...other.members)
  into.members.sort((a, b) => a.id - b.id)
  clusters.splice(clusters.indexOf(other), 1)
  for (const before of other.before) into.before.add(before)
  for (const each of clusters) if (each.before.delete(other)) each.before.add(into)
  into.before.delete(into)
}

/** The node that must be in memory so that a product can walk over `operand` in straight lines. */
function operandBase(operand: Node, mustStore: ReadonlySet<Node>): Node {
  let node = operand
  let index: readonly Index[] = domainVariables(operand.shape)
  while (node.op.kind !== 'leaf' && isInline(node) && !mustStore.has(node)) {
    if (node.attrs.copied) return node
    if (node.op.kind === 'wrap') {
      node = node.inputs[0]
      continue
    }
    if (node.op.kind !== 'move') return operand
    const [source, ...others] = node.op.sources<Index, Condition>(symbols, index, node)
    if (others.length > 0 || source.valid.some((condition) => condition !== true)) return operand
    node = node.inputs[source.input]
    index = source.index
  }
  return isAffine(flatten<Index, Condition>(symbols, index, node.shape)) ? node : operand
}

/** The node that must be in memory so that a loop finds an input there: number `slice` of those that are sliced. */
function loopBase(input: Node, slice: number, slices: number, mustStore: ReadonlySet<Node>): Node {
  if (slice < 0 || slice >= slices) return input
  const isStored = (node: Node): boolean => node.op.kind === 'leaf' || !isInline(node) || mustStore.has(node)
  return slicesOf(input, isStored)?.base ?? input
}

/** Products and reductions first: a light map that is left alone is computed again where it is needed. */
function byWeight(a: Cluster, b: Cluster): number {
  const weight = (each: Cluster): number => (each.anchor ? 2 : each.reduced ? 1 : 0)
  return weight(b) - weight(a) || b.id - a.id
}

/** Whether `node` can join `candidate` without reading another position of it and without making a cycle. */
function fits(
  node: Node,
  candidate: Cluster,
  producers: readonly Cluster[],
  home: ReadonlyMap<Node, Cluster>,
  stop: (node: Node) => boolean,
): boolean {
  const { anchor } = candidate
  if (anchor && !isProduct(anchor)) return false
  const isReduce = node.op.kind === 'reduce'
  const full = isReduce ? node.inputs[0].shape : node.shape
  const size = sizeOf(full)
  const domainSize = sizeOf(candidate.domain)
  const trial: Cluster = { ...candidate }
  if (isReduce) {
    if (anchor || size !== domainSize) return false
    const axes = node.attrs.axes as readonly number[]
    if (candidate.reduced && !(sameShape(candidate.domain, full) && sameShape(candidate.reduced, axes))) return false
    trial.domain = full
    trial.reduced = axes
    const rows = sizeOf(full.filter((_, axis) => !axes.includes(axis)))
    if (rows < fewRows && domainSize > smallDomain) return false
  } else {
    const rows = candidate.reduced
      ? sizeOf(candidate.domain.filter((_, axis) => !candidate.reduced?.includes(axis)))
      : -1
    if (size !== domainSize && size !== rows) return false
    if (size === domainSize && candidate.reduced && rows < fewRows && domainSize > smallDomain) return false
  }
  const variables = domainVariables(trial.domain)
  const level = isReduce ? 'full' : levelIn(trial, node)
  const position = isReduce ? variables : positionOf(trial, node)
  for (const read of allReads(node, stop, position)) {
    if (home.get(read.node) !== candidate) continue
    if (!read.index) return false
    if (level === 'row' && levelIn(trial, read.node) === 'full') return false
    if (!samePosition(read.index, positionOf(trial, read.node))) return false
  }
  return producers.every((producer) => producer === candidate || !reaches(candidate, producer))
}

/** Whether `to` needs a value of `from`, directly or not. */
function reaches(from: Cluster, to: Cluster, seen = new Set<Cluster>()): boolean {
  if (from === to) return true
  for (const before of to.before) {
    if (seen.has(before)) continue
    seen.add(before)
    if (reaches(from, before, seen)) return true
  }
  return false
}
