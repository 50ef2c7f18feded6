/**
 * From a graph that the passes have rewritten to the items that a program does, in order: fused, scheduled, lowered.
 *
 * It serves the whole program and, called again by scan.ts, the body of each loop: what differs is where the leaves
 * are and where the outputs go. Next: lower.ts, which plans their memory.
 */
import { bodyOf, type Graph, GraphBuilder, type Node } from '../graph/graph.ts'
import { index, loop, store, variable } from '../kernel/build.ts'
import type { Target } from '../kernel/ir.ts'
import { barrier } from '../ops/wrap.ts'
import { loadLanes, scalar } from './address.ts'
import { cluster } from './cluster.ts'
import { lowerContraction } from './contraction.ts'
import type { Cluster } from './domain.ts'
import type { EqualClusters } from './equal-clusters.ts'
import { lowerCumulate, lowerScatter, lowerSort } from './loops.ts'
import { type Item, KernelBuffers, type Location, type Lowering, type Step } from './lowering.ts'
import { lowerNest } from './nest.ts'
import { lowerLoop } from './scan.ts'
import { type OutputPlace, schedule } from './schedule.ts'
import { variableIndex } from './symbolic.ts'
import { trianglesOf } from './triangles.ts'

/** Receives each stage as text. */
export type Show = ((stage: string, text: () => string) => void) | undefined

export interface Surroundings {
  readonly target: Target
  /** Where each leaf is, by the number that it names as its argument. */
  readonly leaf: (argument: number) => Location
  readonly outputs: readonly OutputPlace[]
  readonly equal: EqualClusters
  readonly show: Show
}

/** What computes the outputs of `graph`, whose outputs are nodes of their own (`separateOutputs`). */
export function itemsOf(graph: Graph, { target, leaf, outputs, equal, show }: Surroundings): Item[] {
  const clustering = cluster(graph)
  show?.('fused', () => clustering.clusters.map(printCluster).join('\n'))
  const leaves = new Map(
    graph.nodes
      .filter((node) => node.op.kind === 'leaf')
      .map((node) => [node, leaf(node.attrs.argument as number)] as const),
  )
  const { order, locations, copies } = schedule(graph, clustering, outputs, leaves)
  const lowering: Lowering = {
    target,
    stored: clustering.stored,
    triangles: trianglesOf(graph),
    locationOf: (node) => locations.get(node) as Location,
  }
  const items = order
    .filter((each) => each.roots.some((root) => root.shape.every((n) => n > 0)))
    .flatMap((each) =>
      each.anchor?.op.kind === 'scan'
        ? lowerScan(each, lowering, { equal, show })
        : equal.steps(each, lowering, () => lowerCluster(each, lowering)),
    )
  for (const { from, to } of copies) items.push(copyStep(from, to, lowering))
  return items
}

function lowerCluster(each: Cluster, lowering: Lowering): Step | Step[] {
  switch (each.anchor?.op.kind) {
    case undefined:
      return lowerNest(each, lowering)
    case 'scatter':
      return lowerScatter(each, lowering)
    case 'cumulate':
      return lowerCumulate(each, lowering)
    case 'sort':
      return lowerSort(each, lowering)
    default:
      return lowerContraction(each, lowering)
  }
}

function lowerScan(each: Cluster, lowering: Lowering, { equal, show }: Pick<Surroundings, 'equal' | 'show'>): Item[] {
  const { target } = lowering
  return lowerLoop(each, lowering, (graph, leaf, outputs) => {
    const places = outputs.map((place) => ({ place, state: undefined }))
    return itemsOf(graph, { target, leaf, outputs: places, equal, show })
  })
}

/**
 * Every output becomes a node of its own: not an argument, not an output twice, not a row of a loop's states. So does
 * the first state of each loop, which is written where the loop's states are.
 */
export function separateOutputs(graph: Graph): Graph {
  const taken = new Set<Node>()
  const isOwn = (node: Node): boolean =>
    node.op.kind !== 'leaf' && !isState(node) && !taken.has(node) && taken.add(node) !== undefined
  const loops = graph.nodes.some(bodyOf)
  if (!loops && graph.outputs.every(isOwn)) return graph
  const builder = new GraphBuilder()
  const moved = new Map<Node, Node>()
  const apart = (node: Node): Node => builder.add(barrier, [node], {}, node.shape, node.dtype, node)
  for (const node of graph.nodes) {
    let inputs = node.inputs.map((input) => moved.get(input) as Node)
    let { attrs } = node
    const body = bodyOf(node)
    if (body) {
      inputs = inputs.map((input, i) => (i < body.carries ? apart(input) : input))
      attrs = { ...attrs, body: body.around(separateOutputs(body.graph)) }
    }
    moved.set(node, builder.add(node.op, inputs, attrs, node.shape, node.dtype, node))
  }
  taken.clear()
  return builder.finish(
    graph.outputs.map((node) => {
      const own = moved.get(node) as Node
      return isOwn(own) ? own : apart(own)
    }),
  )
}

/** Whether a node is an output of a loop that is one of its states, or some of them. */
function isState(node: Node): boolean {
  return node.op.kind === 'output' && (node.attrs.output as number) < (bodyOf(node.inputs[0])?.carries ?? 0)
}

function copyStep(from: Node, to: Location, lowering: Lowering): Step {
  const buffers = new KernelBuffers(lowering)
  const source = buffers.of(from, 'read')
  const target = buffers.at(to, from.dtype, 'write')
  const { lanes } = lowering.target
  const whole = Math.floor(to.length / lanes) * lanes
  const type = from.dtype === 'float32' ? 'f32' : 'i32'
  const turn = (name: string, count: number) => [
    store(
      target,
      variable(name, 'index'),
      loadLanes(source, type, variableIndex(name, to.length + 1), count === 1 ? scalar : { count, variable: name }),
    ),
  ]
  const body = [
    loop('i', index(0), index(whole), lanes, turn('i', lanes)),
    loop('j', index(whole), index(to.length), 1, turn('j', 1)),
  ]
  const { kernel, locations } = buffers.finish('map', 1, body, { flops: 0 })
  return { kernel, locations, label: 'copy', path: from.path }
}

function printCluster(each: Cluster): string {
  const axes = each.domain.map((size, axis) => (each.reduced?.includes(axis) ? `(${size})` : `${size}`)).join(' x ')
  return `${each.id}: ${each.anchor ? `${each.anchor.op.name} ` : ''}${axes || 'scalar'}: ${each.members.map((node) => `%${node.id} ${node.op.name}${each.roots.includes(node) ? '*' : ''}`).join(', ')}`
}
