/**
 * Pass: schedule. The order of the clusters, and the places of their values.
 *
 * Assumes clusters without cycles. Guarantees: each cluster comes after those it reads; a variable that is assigned
 * is overwritten in place only after the last reader of its old value, else its new value waits in a temporary and
 * is copied at the end. It stands after fusion, which decides what has a place at all.
 */
import { bodyOf, type Graph, type Node } from '../graph/graph.ts'
import { Heap } from '../heap.ts'
import { flatten } from '../ops/move.ts'
import { sizeOf } from '../shape.ts'
import { type Cluster, type Clustering, domainVariables, levelIn } from './domain.ts'
import { type Location, partOf, type Whole } from './lowering.ts'
import { storedReads } from './stored.ts'
import { type Condition, type Index, symbols } from './symbolic.ts'

/** How an output of the graph leaves the program: as a fresh array, or as the new value of a variable. */
export interface OutputPlace {
  readonly place: Location
  /** The leaf that reads the same argument, if it is a variable's. */
  readonly state: Node | undefined
}

export interface Schedule {
  readonly order: readonly Cluster[]
  readonly locations: ReadonlyMap<Node, Location>
  /** Values to copy when all else is done. */
  readonly copies: readonly { readonly from: Node; readonly to: Location }[]
}

export function schedule(
  graph: Graph,
  clustering: Clustering,
  outputs: readonly OutputPlace[],
  leaves: ReadonlyMap<Node, Location>,
): Schedule {
  const { clusters, stored } = clustering
  const home = new Map<Node, Cluster>()
  for (const each of clusters) for (const root of each.roots) home.set(root, each)
  const reads = new Map(clusters.map((each) => [each, storedReads(each, stored)]))
  const locations = new Map<Node, Location>(leaves)
  for (const { anchor, roots } of clusters) if (anchor) placeStates(anchor, roots, locations)

  // Edges beyond data: a writer in place comes after the readers of what it overwrites.
  const after = new Map<Cluster, Set<Cluster>>(clusters.map((each) => [each, new Set(each.before)]))
  const copies: { from: Node; to: Location }[] = []
  graph.outputs.forEach((node, i) => {
    const { place, state } = outputs[i]
    const writer = home.get(node)
    if (!writer || locations.has(node)) throw new Error('schedule: every output must be a value of its own')
    if (state) {
      const readers = clusters.filter((each) => each !== writer && reads.get(each)?.some((read) => read.node === state))
      const blocked = readers.some((reader) => comesAfter(reader, writer, after))
      if (blocked || !readsItselfInPlace(writer, node, state, reads.get(writer) ?? [])) {
        copies.push({ from: node, to: place })
        return
      }
      for (const reader of readers) after.get(writer)?.add(reader)
    }
    locations.set(node, place)
  })
  for (const each of clusters)
    for (const root of each.roots)
      if (!locations.has(root)) locations.set(root, { kind: 'temporary', length: sizeOf(root.shape) })
  return { order: inOrder(clusters, after), locations, copies }
}

/** The states of a loop have rows of their own: the first state is written there, and its outputs are rows of them. */
function placeStates(anchor: Node, outputs: readonly Node[], locations: Map<Node, Location>): void {
  const body = bodyOf(anchor)
  if (!body) return
  for (let carry = 0; carry < body.carries; carry++) {
    const first = anchor.inputs[carry]
    const size = sizeOf(first.shape)
    const rows: Whole = { kind: 'temporary', length: body.rows(carry) * size }
    locations.set(first, partOf(rows, body.firstRow(carry) * size, size))
    for (const output of outputs) {
      if (output.attrs.output !== carry) continue
      locations.set(output, partOf(rows, (output.attrs.row as number) * size, sizeOf(output.shape)))
    }
  }
}

/** Whether `later` needs `earlier`, directly or not. */
function comesAfter(
  later: Cluster,
  earlier: Cluster,
  after: ReadonlyMap<Cluster, ReadonlySet<Cluster>>,
  seen = new Set<Cluster>(),
): boolean {
  if (later === earlier) return true
  for (const before of after.get(later) ?? []) {
    if (seen.has(before)) continue
    seen.add(before)
    if (comesAfter(before, earlier, after, seen)) return true
  }
  return false
}

/** Whether the writer reads the old value, if at all, only at the element that it is about to write. */
function readsItselfInPlace(
  writer: Cluster,
  node: Node,
  state: Node,
  reads: readonly { node: Node; index: readonly Index[] | undefined }[],
): boolean {
  const own = reads.filter((read) => read.node === state)
  if (own.length === 0) return true
  // After a reduction the row may be read again; only values of the row itself are written last.
  if (writer.reduced && levelIn(writer, node) === 'full') return false
  if (sizeOf(state.shape) !== sizeOf(node.shape)) return false
  const variables = domainVariables(writer.domain)
  const level = levelIn(writer, node)
  const kept = (_: unknown, axis: number): boolean => level === 'full' || !writer.reduced?.includes(axis)
  const names = variables.filter(kept)
  const shape = writer.domain.filter(kept)
  return own.every((read) => read.index !== undefined && flatKey(read.index, state.shape) === flatKey(names, shape))
}

function flatKey(index: readonly Index[], shape: readonly number[]): string {
  return flatten<Index, Condition>(symbols, index, shape).key
}

/**
 * Each cluster after those in `after`, otherwise in the order in which the program was written. One that must wait (the
 * update of a weight that is used twice) is passed by, and does not pull what it waits for to the front: that would
 * keep all that the passed ones were to read in memory.
 */
function inOrder(clusters: readonly Cluster[], after: ReadonlyMap<Cluster, ReadonlySet<Cluster>>): Cluster[] {
  const waiting = new Map<Cluster, number>()
  const followers = new Map<Cluster, Cluster[]>(clusters.map((each) => [each, []]))
  for (const each of clusters) {
    const before = [...(after.get(each) ?? [])]
    waiting.set(each, before.length)
    for (const one of before) followers.get(one)?.push(each)
  }
  const place = new Map(clusters.map((each, i) => [each, i] as const))
  const ready = new Heap<Cluster>((a, b) => (place.get(a) as number) - (place.get(b) as number))
  for (const each of clusters) if (waiting.get(each) === 0) ready.push(each)
  const order: Cluster[] = []
  for (let next = ready.pop(); next; next = ready.pop()) {
    order.push(next)
    for (const follower of followers.get(next) ?? []) {
      const left = (waiting.get(follower) as number) - 1
      waiting.set(follower, left)
      if (left === 0) ready.push(follower)
    }
  }
  if (order.length < clusters.length) throw new Error('schedule: a cluster needs itself')
  return order
}
