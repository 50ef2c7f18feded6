/**
 * The compiler's contents page: from a graph to a plan that a backend runs.
 *
 *   fold        simplify.ts     constants are computed, nodes that change nothing go
 *   decompose   decompose.ts    what no template does directly becomes simpler ops
 *   fuse        cluster.ts      which nodes share a kernel; stored.ts: which values are stored
 *   schedule    schedule.ts     the order, and what is overwritten in place
 *   lower       nest.ts, contraction.ts, loops.ts     loops, tiles and tasks, one template per kind
 *   place       kernel/place.ts what is used twice gets a name, what does not change leaves the loop
 *   share       here            equal kernels become one
 *   memory      memory.ts       where temporaries lie
 *
 * (Equal nodes became one when the graph was built: graph/graph.ts. Movements become index arithmetic as the templates
 * build their expressions: emit.ts, symbolic.ts.) Each pass prints its result under
 * DEBUG=passes, and is verified while tests run.
 */
import type { Argument, Launch, Plan, Slot } from '../backends/backend.ts'
import { type Graph, GraphBuilder, type Node, printGraph, verifyGraph } from '../graph/graph.ts'
import { index, loop, store, variable } from '../kernel/build.ts'
import type { Kernel, Target } from '../kernel/ir.ts'
import { place } from '../kernel/place.ts'
import { printKernel } from '../kernel/print.ts'
import { verifyKernel } from '../kernel/verify.ts'
import { barrier } from '../ops/wrap.ts'
import { loadLanes, scalar } from './address.ts'
import { cluster } from './cluster.ts'
import { lowerContraction } from './contraction.ts'
import { decompose } from './decompose.ts'
import type { Cluster } from './domain.ts'
import { lowerScan, lowerScatter, lowerSort } from './loops.ts'
import { KernelBuffers, type Location, type Lowering, type Step } from './lowering.ts'
import { planMemory } from './memory.ts'
import { lowerNest } from './nest.ts'
import { type OutputPlace, schedule } from './schedule.ts'
import { simplify } from './simplify.ts'
import { variableIndex } from './symbolic.ts'

/** Switches for people who look inside, and for tests. */
export const compilerOptions = {
  /** Checks every stage's output. */
  verify: false,
  /** Receives each stage as text. */
  show: undefined as ((stage: string, text: string) => void) | undefined,
}

/** What the program's arguments are: one for each leaf, then one for each output that is no variable's new value. */
export interface Signature {
  readonly arguments: readonly Argument[]
  /** For each output of the graph, the argument that it goes to. */
  readonly outputs: readonly number[]
}

/** Compiles `graph`, whose leaves name their argument, for `target`. */
export function lower(graph: Graph, signature: Signature, target: Target): Plan {
  const stage = (name: string, next: Graph): Graph => {
    if (compilerOptions.verify) verifyGraph(next)
    compilerOptions.show?.(name, printGraph(next))
    return next
  }
  stage('traced', graph)
  let current = stage('folded', simplify(graph))
  current = stage('decomposed', decompose(current))
  current = stage('outputs apart', separateOutputs(current))

  const clustering = cluster(current)
  compilerOptions.show?.('fused', clustering.clusters.map(printCluster).join('\n'))

  const argumentsOf = new Map(
    current.nodes.filter((node) => node.op.kind === 'leaf').map((node) => [node, node.attrs.argument as number]),
  )
  const stateOf = new Map(
    [...argumentsOf]
      .filter(([, argument]) => signature.arguments[argument].role === 'state')
      .map(([node, argument]) => [argument, node]),
  )
  const places: OutputPlace[] = signature.outputs.map((argument) => ({ argument, state: stateOf.get(argument) }))
  const { order, locations, copies } = schedule(current, clustering, places, argumentsOf)

  const lowering: Lowering = {
    target,
    stored: clustering.stored,
    locationOf: (node) => locations.get(node) as Location,
  }
  const steps = order
    .filter((each) => each.roots.some((root) => root.shape.every((n) => n > 0)))
    .flatMap((each) => lowerCluster(each, lowering))
  for (const { from, to } of copies) steps.push(copyStep(from, to, lowering))
  return finish(steps, signature)
}

/** Every output becomes a node of its own: not an argument, and not an output twice. */
function separateOutputs(graph: Graph): Graph {
  const taken = new Set<Node>()
  if (graph.outputs.every((node) => node.op.kind !== 'leaf' && !taken.has(node) && taken.add(node))) return graph
  const builder = new GraphBuilder()
  const moved = new Map<Node, Node>()
  for (const node of graph.nodes)
    moved.set(
      node,
      builder.add(
        node.op,
        node.inputs.map((input) => moved.get(input) as Node),
        node.attrs,
        node.shape,
        node.dtype,
        node,
      ),
    )
  taken.clear()
  return builder.finish(
    graph.outputs.map((node) => {
      const own = moved.get(node) as Node
      if (own.op.kind !== 'leaf' && !taken.has(own)) {
        taken.add(own)
        return own
      }
      return builder.add(barrier, [own], {}, own.shape, own.dtype, own)
    }),
  )
}

function lowerCluster(each: Cluster, lowering: Lowering): Step | Step[] {
  switch (each.anchor?.op.kind) {
    case undefined:
      return lowerNest(each, lowering)
    case 'scatter':
      return lowerScatter(each, lowering)
    case 'scan':
      return lowerScan(each, lowering)
    case 'sort':
      return lowerSort(each, lowering)
    default:
      return lowerContraction(each, lowering)
  }
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

function finish(steps: readonly Step[], signature: Signature): Plan {
  const kernels: Kernel[] = []
  const known = new Map<string, { number: number; text?: string }[]>()
  const memory = planMemory(steps)
  const launches = steps.map((step): Launch => {
    const kernel: Kernel = { ...step.kernel, body: place(step.kernel.body, step.kernel.buffers) }
    if (compilerOptions.verify) verifyKernel(kernel)
    const number = shared(kernel, kernels, known)
    return {
      kernel: number,
      slots: step.locations.map((location) => slotOf(location, memory.offsets)),
      label: step.label,
      path: step.path,
    }
  })
  if (compilerOptions.show) compilerOptions.show('kernels', kernels.map(printKernel).join('\n\n'))
  const total = (of: (kernel: Kernel) => number): number =>
    launches.reduce((sum, launch) => sum + of(kernels[launch.kernel]), 0)
  return {
    kernels,
    launches,
    arguments: signature.arguments,
    arenaBytes: memory.bytes,
    flops: total((kernel) => kernel.flops),
    bytes: total((kernel) => kernel.bytes),
  }
}

/** The number of an equal kernel, or of this one, added. Only kernels that look alike at first sight are compared whole. */
function shared(kernel: Kernel, kernels: Kernel[], known: Map<string, { number: number; text?: string }[]>): number {
  const sight = `${kernel.kind} ${kernel.tasks} ${kernel.flops} ${kernel.body.length} ${kernel.buffers.map(({ length, access }) => `${length}${access}`).join()}`
  const alike = known.get(sight) ?? []
  known.set(sight, alike)
  if (alike.length > 0) {
    const text = JSON.stringify(kernel)
    const same = alike.find((each) => (each.text ??= JSON.stringify(kernels[each.number])) === text)
    if (same) return same.number
    alike.push({ number: kernels.length, text })
  } else alike.push({ number: kernels.length })
  return kernels.push(kernel) - 1
}

function slotOf(location: Location, offsets: ReadonlyMap<Location, number>): Slot {
  if (location.kind === 'argument') return { kind: 'argument', argument: location.argument }
  return { kind: 'arena', offset: offsets.get(location) as number, length: location.length }
}

function printCluster(each: Cluster): string {
  const axes = each.domain.map((size, axis) => (each.reduced?.includes(axis) ? `(${size})` : `${size}`)).join(' x ')
  return `${each.id}: ${each.anchor ? `${each.anchor.op.name} ` : ''}${axes || 'scalar'}: ${each.members.map((node) => `%${node.id} ${node.op.name}${each.roots.includes(node) ? '*' : ''}`).join(', ')}`
}
