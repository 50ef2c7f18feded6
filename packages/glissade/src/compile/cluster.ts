/**
 * Pass: fuse. Which nodes are computed together in one kernel, and which values go through memory.
 *
 * Assumes a simplified graph. Guarantees: every node that must be in memory is a root of exactly one cluster; the
 * clusters have no cycles; inside a cluster, what one member reads of another is at the same position (of the full
 * domain, or of the row when the domain is reduced). It stands after the rewrites, since each of them changes
 * what fits together, and before scheduling.
 *
 * A cluster is a loop domain with an optional reduction of some of its axes, or an anchor (a product, a scan …)
 * with the maps that follow it. Members join the cluster of what they read if positions agree; a value read
 * elsewhere is stored, unless computing it again is cheaper than reading it.
 */
import type { Graph, Node } from '../graph/graph.ts'
import { flatten, unflatten } from '../ops/move.ts'
import { type Shape, sameShape, sizeOf } from '../shape.ts'
import { type Condition, type Index, isAffine, symbols, variableIndex } from './symbolic.ts'

export interface Cluster {
  readonly id: number
  /** The product, scatter, scan or sort that makes the first value; undefined for maps and reductions. */
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

/** Recomputing a value costs at most this many simple operations … */
const cheapOperations = 3
/** … and reads at most this many stored values, single numbers not counted. */
const cheapReads = 1
/** A value that one other cluster reads, element by element, moves there up to this cost, and with this many reads. */
const movableOperations = 16
const movableReads = 4
/** A domain of fewer rows than this is not fused across its reductions, unless it is small as a whole. */
const fewRows = 4
const smallDomain = 16384

/** Something read from a computing node or argument, at a position that is known or not. */
interface Read {
  readonly node: Node
  readonly index: readonly Index[] | undefined
}

/** Nodes that have no kernel of their own: they only say where or how to read. */
function isInline(node: Node): boolean {
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

const samePosition = (a: readonly Index[], b: readonly Index[]): boolean =>
  a.every((index, i) => index.key === b[i].key)

/** Whether `node` is computed once per element of the domain, or once per row. */
export function levelIn(cluster: Cluster, node: Node): 'full' | 'row' {
  if (!cluster.reduced) return 'full'
  if (node.op.kind === 'reduce') return 'row'
  const rows = sizeOf(cluster.domain.filter((_, axis) => !cluster.reduced?.includes(axis)))
  return sizeOf(node.shape) === rows && rows !== sizeOf(cluster.domain) ? 'row' : 'full'
}

function positionOf(cluster: Cluster, node: Node): readonly Index[] {
  const variables = domainVariables(cluster.domain)
  if (levelIn(cluster, node) === 'full') return positionIn(node.shape, cluster.domain, variables)
  const kept = (_: unknown, axis: number): boolean => !cluster.reduced?.includes(axis)
  return positionIn(node.shape, cluster.domain.filter(kept), variables.filter(kept))
}

/** Groups the nodes of `graph` into clusters and decides what is stored. */
export function cluster(graph: Graph): Clustering {
  const stored = new Set<Node>(graph.nodes.filter((node) => node.op.kind === 'leaf'))
  const outputs = new Set(graph.outputs)
  const mustStore = new Set<Node>([...outputs].filter((node) => node.op.kind !== 'leaf'))
  for (const node of graph.nodes) {
    if (isProduct(node)) for (const input of node.inputs) mustStore.add(operandBase(input, mustStore))
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
    if (kind === 'leaf' || (isInline(node) && !mustStore.has(node))) continue
    if (isProduct(node) || kind === 'scatter' || kind === 'scan' || kind === 'sort') {
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

const isProduct = (node: Node): boolean => node.op.kind === 'contract' || node.op.kind === 'conv'

/** Whether an element may be computed from any element of the inputs. */
const readsAnywhere = (node: Node): boolean => isProduct(node) || node.op.kind === 'scatter'

/** The node that must be in memory so that a product can walk over `operand` in straight lines. */
function operandBase(operand: Node, mustStore: ReadonlySet<Node>): Node {
  let node = operand
  let index: readonly Index[] = domainVariables(operand.shape)
  while (node.op.kind !== 'leaf' && isInline(node) && !mustStore.has(node)) {
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

/** All that a node reads, wherever; for joining and for dependencies. */
function allReads(node: Node, stop: (node: Node) => boolean, index?: readonly Index[]): Read[] {
  const reads: Read[] = []
  if (isInline(node)) {
    // A stored movement: look through itself, then stop at the next stored node.
    return readsOf(node, index, (each) => each !== node && stop(each), reads)
  }
  for (const input of node.inputs) readsOf(input, index, stop, reads)
  return reads
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

function decideStored(
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

/** Whether a value is read by one other cluster only, about once per element. */
function movesTo(node: Node, elsewhere: ReadonlySet<Cluster>): boolean {
  const [reader, ...others] = elsewhere
  return others.length === 0 && !reader.anchor && sizeOf(reader.domain) <= 2 * sizeOf(node.shape)
}

/** Whether computing the value anew from what is stored is cheaper than storing it too. */
function isCheap(node: Node, stored: ReadonlySet<Node>, moves: boolean): boolean {
  const mostOperations = moves ? movableOperations : cheapOperations
  const mostReads = moves ? movableReads : cheapReads
  let operations = 0
  const reads = new Set<Node>()
  const seen = new Set<Node>()
  const visit = (each: Node): boolean => {
    if (seen.has(each)) return true
    seen.add(each)
    if (stored.has(each)) {
      if (sizeOf(each.shape) > 1) reads.add(each)
      return reads.size <= mostReads
    }
    if (each.op.kind === 'map') operations += each.op.cost ?? 1
    else if (!isInline(each)) return false
    else if (each.op.kind === 'generate' && each.inputs.length > 0) operations += mostOperations + 1
    return operations <= mostOperations && each.inputs.every(visit)
  }
  return visit(node)
}

/** Sets `before` to what the roots really read, now that it is known what is stored. */
function connect(clusters: readonly Cluster[], stored: ReadonlySet<Node>, home: ReadonlyMap<Node, Cluster>): void {
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
