/**
 * The stages of a nest: which reductions, stores and kept values belong to which run over a row.
 *
 * A stage is a run over the row after which the reductions that need no other are finished; the next one may read their
 * results. A costly value that two stages need is kept in scratch by the first of them. Only the graph is looked at
 * here: how loops are cut is in nest-tiling.ts, what is written in each stage in nest-values.ts.
 */
import type { Node } from '../graph/graph.ts'
import { sizeOf } from '../shape.ts'
import type { NestShape } from './axes.ts'
import { type Cluster, levelIn } from './domain.ts'

/** An op of at least this cost is not computed twice. */
const costly = 8
/** Scratch for kept values, in elements of a row. */
const longestKeptRow = 1 << 15

export interface Stage {
  /** How many reductions that depend on each other are finished before it. */
  readonly number: number
  /** The reductions that it finishes. */
  readonly reduces: readonly Node[]
  /** Roots of the full domain that can first be stored in it. */
  readonly roots: readonly Node[]
}

/** A value of the full domain in scratch. */
export interface Kept {
  /** The stage that computes it. */
  readonly stage: number
  /** The first of its elements. */
  readonly start: number
}

export interface Stages {
  /** In order; those in which nothing happens are left out. */
  readonly list: readonly Stage[]
  /** The number of the last one: 0 for maps, 1 for reductions that do not depend on each other. */
  readonly last: number
  readonly kept: ReadonlyMap<Node, Kept>
  /** Elements of scratch that kept values take. */
  readonly scratch: number
}

export function stagesOf(cluster: Cluster, stored: ReadonlySet<Node>, shape: NestShape): Stages {
  const depthOf = depths(cluster, stored)
  const needed = neededBy(cluster, stored)
  const reduces = cluster.members.filter((node) => node.op.kind === 'reduce' && needed.has(node))
  const full = cluster.roots.filter((root) => levelIn(cluster, root) === 'full')
  const last = Math.max(0, ...reduces.map(depthOf))
  const all: Stage[] = Array.from({ length: last + 1 }, (_, number) => ({
    number,
    reduces: reduces.filter((node) => depthOf(node) === number + 1),
    roots: full.filter((root) => Math.min(depthOf(root), last) === number),
  }))
  const kept = new Map<Node, Kept>()
  const rowLength = sizeOf(shape.inner) * (shape.across ? shape.lanes : shape.length)
  if (last > 0 && rowLength <= longestKeptRow)
    for (const node of neededTwice(all, cluster, stored))
      kept.set(node, { stage: depthOf(node), start: kept.size * rowLength })
  const list = all.filter((stage) => stage.reduces.length > 0 || storesIn(stage, kept))
  return { list, last, kept, scratch: kept.size * rowLength }
}

/** Whether anything of the full domain is stored or kept in `stage`. */
export function storesIn(stage: Stage, kept: ReadonlyMap<Node, Kept>): boolean {
  return stage.roots.length > 0 || [...kept.values()].some((each) => each.stage === stage.number)
}

/** How many reductions must be finished before a node can be computed; a reduction counts itself. */
function depths(cluster: Cluster, stored: ReadonlySet<Node>): (node: Node) => number {
  const known = new Map<Node, number>()
  const depthOf = (node: Node): number => {
    const before = known.get(node)
    if (before !== undefined) return before
    const member = cluster.members.includes(node)
    let depth = 0
    if (member || !stored.has(node)) for (const input of node.inputs) depth = Math.max(depth, depthOf(input))
    if (member && node.op.kind === 'reduce') depth++
    known.set(node, depth)
    return depth
  }
  return depthOf
}

/** What the cluster's roots are computed from, as far as it is not in memory. */
function neededBy(cluster: Cluster, stored: ReadonlySet<Node>): Set<Node> {
  const needed = new Set<Node>()
  const visit = (node: Node): void => {
    if (needed.has(node) || (stored.has(node) && !cluster.members.includes(node))) return
    needed.add(node)
    node.inputs.forEach(visit)
  }
  cluster.roots.forEach(visit)
  return needed
}

/** Costly values of the full domain that more than one stage needs. */
function neededTwice(stages: readonly Stage[], cluster: Cluster, stored: ReadonlySet<Node>): Node[] {
  const uses = new Map<Node, Set<Stage>>()
  for (const stage of stages) {
    const visit = (node: Node): void => {
      if (!cluster.members.includes(node)) {
        if (!stored.has(node)) node.inputs.forEach(visit)
        return
      }
      if (node.op.kind === 'reduce') return
      const known = uses.get(node)
      if (known?.has(stage)) return
      if (known) known.add(stage)
      else uses.set(node, new Set([stage]))
      node.inputs.forEach(visit)
    }
    for (const node of stage.reduces) visit(node.inputs[0])
    stage.roots.forEach(visit)
  }
  return [...uses]
    .filter(([node, at]) => at.size > 1 && isCostly(node) && levelIn(cluster, node) === 'full')
    .map(([node]) => node)
}

const isCostly = (node: Node): boolean => node.op.kind === 'map' && (node.op.cost ?? 1) >= costly
