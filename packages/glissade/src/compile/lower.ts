/**
 * The compiler's contents page: from a graph to a plan that a backend runs.
 *
 *   fold        simplify.ts     constants are computed, nodes that change nothing go
 *   decompose   decompose.ts    what no template does directly becomes simpler ops
 *   fuse        cluster.ts      which nodes share a kernel; stored.ts: which values are stored
 *   schedule    schedule.ts     the order, and what is overwritten in place (fuse to lower: items.ts)
 *   lower       nest.ts, contraction.ts, places.ts, loops.ts, scan.ts   loops, tiles and tasks, one template per kind,
 *               once for equal clusters (equal-clusters.ts); what a template is made of has its name: nest-….ts
 *   place       kernel/place.ts what is used twice gets a name, what does not change leaves the loop
 *   share       here            equal kernels become one
 *   memory      memory.ts       where temporaries lie
 *
 * (Equal nodes became one when the graph was built: graph/graph.ts. Movements become index arithmetic as the templates
 * build their expressions: emit.ts, symbolic.ts.) Each pass prints its result under
 * DEBUG=passes, and is verified while tests run.
 */
import type { Argument, Launch, Plan, Repeat, Slot } from '../backends/backend.ts'
import { exactText, type Graph, printGraph, verifyGraph } from '../graph/graph.ts'
import type { Kernel, Target } from '../kernel/ir.ts'
import { place } from '../kernel/place.ts'
import { printKernel } from '../kernel/print.ts'
import { verifyKernel } from '../kernel/verify.ts'
import { decompose } from './decompose.ts'
import { EqualClusters } from './equal-clusters.ts'
import { itemsOf, separateOutputs } from './items.ts'
import { type Item, type Location, type Step, type Turns, type Whole, wholeOf } from './lowering.ts'
import { planMemory } from './memory.ts'
import { simplify } from './simplify.ts'

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

  const places = new Map<number, Location>()
  const placeOf = (argument: number): Location => {
    const known = places.get(argument) ?? { kind: 'argument', argument, length: signature.arguments[argument].length }
    places.set(argument, known)
    return known
  }
  const stateOf = new Map(
    current.nodes
      .filter((node) => node.op.kind === 'leaf')
      .map((node) => [node.attrs.argument as number, node] as const)
      .filter(([argument]) => signature.arguments[argument].role === 'state'),
  )
  const outputs = signature.outputs.map((argument) => ({ place: placeOf(argument), state: stateOf.get(argument) }))
  const show = compilerOptions.show
  const items = itemsOf(current, {
    target,
    leaf: placeOf,
    outputs,
    equal: new EqualClusters(compilerOptions.verify),
    show: show && ((name, text) => show(name, text())),
  })
  return finish(items, signature)
}

function finish(items: readonly Item[], signature: Signature): Plan {
  const memory = planMemory(items)
  const tape = new Tape(memory.offsets)
  tape.lay(items, 1)
  const { kernels, launches, repeats, work } = tape
  if (compilerOptions.show) compilerOptions.show('kernels', kernels.map(printKernel).join('\n\n'))
  return {
    kernels,
    launches,
    ...(repeats.length > 0 && { repeats }),
    arguments: signature.arguments,
    arenaBytes: memory.bytes,
    ...work,
  }
}

/** Kernels, launches and loops, in order. */
class Tape {
  readonly kernels: Kernel[] = []
  readonly launches: Launch[] = []
  readonly repeats: Repeat[] = []
  readonly work = { flops: 0, bytes: 0 }
  readonly #lowered = new Map<Kernel, number>()
  readonly #known = new Map<string, { number: number; text?: string }[]>()
  readonly #offsets: ReadonlyMap<Whole, number>
  readonly #numbers = new Map<Turns, number>()

  constructor(offsets: ReadonlyMap<Whole, number>) {
    this.#offsets = offsets
  }

  /** Adds items that are done `times` times in a run. */
  lay(items: readonly Item[], times: number): void {
    for (const item of items) {
      if (item.kind === 'turns') this.#layTurns(item, times)
      else this.#layStep(item, times)
    }
  }

  #layTurns(turns: Turns, times: number): void {
    const number = this.repeats.length
    const first = this.launches.length
    this.#numbers.set(turns, number)
    // Its place is taken before those of the loops in it.
    this.repeats.push({ first, end: first, count: turns.count })
    this.lay(turns.items, times * turns.count)
    this.repeats[number] = { first, end: this.launches.length, count: turns.count }
  }

  #layStep(step: Step, times: number): void {
    const number = this.#numberOf(step.kernel)
    const { flops, bytes } = this.kernels[number]
    this.work.flops += times * flops
    this.work.bytes += times * bytes
    this.launches.push({
      kernel: number,
      slots: step.locations.map((location) => this.#slotOf(location)),
      label: step.label,
      path: step.path,
    })
  }

  /** Equal clusters have the same object for a kernel; what else is equal is found when it has been placed. */
  #numberOf(lowered: Kernel): number {
    const known = this.#lowered.get(lowered)
    if (known !== undefined) return known
    const kernel: Kernel = { ...lowered, body: place(lowered.body, lowered.buffers) }
    if (compilerOptions.verify) verifyKernel(kernel)
    const number = shared(kernel, this.kernels, this.#known)
    this.#lowered.set(lowered, number)
    return number
  }

  #slotOf(location: Location): Slot {
    const whole = wholeOf(location)
    const start = location.kind === 'part' ? location.start : 0
    const moves =
      location.kind === 'part'
        ? location.moves.map(({ loop, ...move }) => ({ ...move, repeat: this.#numbers.get(loop) as number }))
        : []
    const moving = moves.length > 0 && { moves }
    if (whole.kind === 'argument')
      return { kind: 'argument', argument: whole.argument, ...(start !== 0 && { start }), ...moving }
    const offset = (this.#offsets.get(whole) as number) + 4 * start
    return { kind: 'arena', offset, length: location.length, ...moving }
  }
}

/** The number of an equal kernel, or of this one, added. Only kernels that look alike at first sight are compared whole. */
function shared(kernel: Kernel, kernels: Kernel[], known: Map<string, { number: number; text?: string }[]>): number {
  const sight = `${kernel.kind} ${kernel.tasks} ${kernel.flops} ${kernel.body.length} ${kernel.buffers.map(({ length, access }) => `${length}${access}`).join()}`
  const alike = known.get(sight) ?? []
  known.set(sight, alike)
  if (alike.length > 0) {
    const text = exactText(kernel)
    const same = alike.find((each) => (each.text ??= exactText(kernels[each.number])) === text)
    if (same) return same.number
    alike.push({ number: kernels.length, text })
  } else alike.push({ number: kernels.length })
  return kernels.push(kernel) - 1
}
