/**
 * Equal clusters are lowered once: a network of equal layers costs little more to compile than one of them.
 *
 * A cluster's key is the text of everything that a template may ask of it: its members and what they are computed
 * from down to the stored values, in the order of the graph; which of them are members, roots, stored, and in the same
 * place; where values matter (triangles.ts); module paths and passes as far as they are equal to each other. Equal keys give equal kernels, on other places and
 * for other modules. (With `verify` each one is lowered all the same and compared.) A template that asks for anything
 * else must have it in the key. Not here: templates (items.ts), equal kernels of unequal clusters (lower.ts).
 */
import { attrsKey, exactText, type Node } from '../graph/graph.ts'
import { printKernel } from '../kernel/print.ts'
import type { Cluster } from './domain.ts'
import { type Location, type Lowering, type Step, wholeOf } from './lowering.ts'

/** A cluster's key, and what differs between clusters of one key. */
interface Cut {
  readonly key: string
  /** The places of the stored values, and the module paths, in the order of first appearance. */
  readonly locations: readonly Location[]
  readonly paths: readonly string[]
}

interface Known {
  readonly cut: Cut
  readonly steps: readonly Step[]
}

export class EqualClusters {
  readonly #known = new Map<string, Known>()
  readonly #verify: boolean

  constructor(verify: boolean) {
    this.#verify = verify
  }

  /** The steps of a cluster: those that `lower` makes, or those of an equal one with this one's places and paths. */
  steps(cluster: Cluster, lowering: Lowering, lower: () => Step | Step[]): Step[] {
    const cut = cutOut(cluster, lowering)
    const known = this.#known.get(cut.key)
    const again = known && moved(known, cut)
    if (again && !this.#verify) return again
    const steps = [lower()].flat()
    if (again) mustEqual(again, steps, cut)
    else this.#known.set(cut.key, { cut, steps })
    return steps
  }
}

/** Follows the members down to what is stored elsewhere. */
function cutOut({ anchor, domain, reduced, members, roots }: Cluster, lowering: Lowering): Cut {
  const { zeroBeyond, neededWithin } = lowering.triangles
  const memberNumbers = new Map(members.map((node, i) => [node, i]))
  const nodes = new Set<Node>(members)
  const isRead = (node: Node): boolean => !memberNumbers.has(node) && lowering.stored.has(node)
  // A set gives what is added while it is walked over, too.
  for (const node of nodes) if (!isRead(node)) for (const input of node.inputs) nodes.add(input)
  const ordered = [...nodes].sort((a, b) => a.id - b.id)
  const places = new Map(ordered.map((node, i) => [node, i]))
  const locations = new Numbers<Location>()
  const paths = new Numbers<string>()
  const lines = ordered.map((node) => {
    const { op, dtype, shape, path, pass } = node
    const own = isRead(node)
      ? (op.kind === 'leaf' && 'leaf') || 'read'
      : `${op.name}(${node.inputs.map((input) => places.get(input)).join()})${attrsKey(node.attrs)}`
    const { low, high, offset } = (isRead(node) ? zeroBeyond(node) : node === anchor && neededWithin(node)) || {}
    const triangle = low === undefined ? '' : `~${low},${high},${offset}`
    const stored = lowering.stored.has(node) ? `@${locations.of(lowering.locationOf(node))}` : ''
    return `${own}${dtype}[${shape.join()}]${memberNumbers.get(node) ?? ''}${stored}${triangle}#${path && paths.of(path)}${pass}`
  })
  const sizes = locations.all.map((location) => `${location.kind}${location.length}`)
  const whole = `${anchor && places.get(anchor)}|${domain.join()}|${reduced?.join()}`
  const rest = `${sizes.join()}|${roots.map((root) => places.get(root)).join()}`
  return { key: `${lines.join(';')}|${whole}|${rest}`, locations: locations.all, paths: paths.all }
}

/** Numbers things in the order in which they are first asked for. */
class Numbers<T> {
  readonly all: T[] = []
  readonly #numbers = new Map<T, number>()

  of(thing: T): number {
    let number = this.#numbers.get(thing)
    if (number === undefined) this.#numbers.set(thing, (number = this.all.push(thing) - 1))
    return number
  }
}

/** The steps of an equal cluster, on the places of `cut`; undefined if they use a place that is not among its own. */
function moved({ cut: from, steps }: Known, cut: Cut): Step[] | undefined {
  const wholes = new Set(from.locations.map(wholeOf))
  const places = new Map<Location, Location>(from.locations.map((location, i) => [location, cut.locations[i]]))
  const paths = new Map(from.paths.map((path, i) => [path, cut.paths[i]]))
  for (const { locations, path } of steps) {
    if (path !== '' && !paths.has(path)) return undefined
    for (const location of locations) {
      if (places.has(location)) continue
      // A temporary of the template's own, such as a packed operand.
      if (location.kind !== 'temporary' || wholes.has(location)) return undefined
      places.set(location, { ...location })
    }
  }
  return steps.map((step) => ({
    ...step,
    locations: step.locations.map((location) => places.get(location) as Location),
    path: paths.get(step.path) ?? '',
  }))
}

/** Throws unless steps that were taken over are what lowering gives. */
function mustEqual(taken: readonly Step[], made: readonly Step[], { key, locations }: Cut): void {
  const text = (steps: readonly Step[]): string => {
    const places = new Numbers<Location>()
    locations.forEach((location) => {
      places.of(location)
    })
    // Printed, since a body that has not been placed names one expression very many times.
    return exactText(
      steps.map(({ kernel, locations: at, ...rest }) => ({
        ...rest,
        kernel: printKernel(kernel),
        at: at.map((each) => places.of(each)),
      })),
    )
  }
  if (text(taken) !== text(made)) throw new Error(`compile: equal clusters become different kernels: ${key}`)
}
