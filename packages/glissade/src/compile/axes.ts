/**
 * The loops of a nest: which axes of a cluster's domain are one, and along which one vectors run.
 *
 * Both follow from the addresses that the cluster's expressions use, found by building them once for a scalar.
 * Nothing is cut here (nest-tiling.ts). Next: nest.ts, which writes the loops.
 */
import type { Node } from '../graph/graph.ts'
import { variable } from '../kernel/build.ts'
import { type Shape, sizeOf } from '../shape.ts'
import { lane, picksOf, scalar } from './address.ts'
import { type Cluster, domainVariable, domainVariables, levelIn, positionIn } from './domain.ts'
import { Emitter } from './emit.ts'
import { addressOf, elementType, KernelBuffers, type Lowering, lanesFor } from './lowering.ts'
import { addIndex, type Condition, type Index, scaleIndex, stepOf, substitute, variableIndex } from './symbolic.ts'

/** A loop of at most this many turns inside the vectors is written out turn by turn. */
export const mostTurnsWrittenOut = 16

export interface Axis {
  readonly size: number
  readonly reduced: boolean
}

/** The loops of a nest. */
export interface NestShape {
  readonly axes: readonly Axis[]
  /** The axis that vectors run along; -1 where there is none. */
  readonly vector: number
  /** Whether vectors run across rows, each lane having a row of its own, and not along a row. */
  readonly across: boolean
  /** Elements along the vector axis. */
  readonly length: number
  readonly lanes: number
  /** Whether the vector axis is counted in whole vectors and lanes, since some address divides it. */
  readonly blocked: boolean
  /** The kept axes other than the vectors'. */
  readonly rows: Shape
  /** The reduced axes other than the vectors'. */
  readonly inner: Shape
}

/** The loops over a cluster's domain, whose neighbouring axes are merged where all accesses allow it. */
export function nestShapeOf(cluster: Cluster, lowering: Lowering): NestShape {
  const axes = mergedAxes(cluster, lowering)
  const vector = chooseVector(cluster, lowering, axes)
  const length = vector < 0 ? 1 : axes[vector].size
  const lanes = lanesFor(lowering.target, length)
  const others = (reduced: boolean): Shape =>
    axes.filter((axis, i) => axis.reduced === reduced && i !== vector).map((axis) => axis.size)
  return {
    axes,
    vector,
    across: vector >= 0 && !axes[vector].reduced,
    length,
    lanes,
    blocked: lanes > 1 && dividesLanes(cluster, lowering, axes, vector, lanes),
    rows: others(false),
    inner: others(true),
  }
}

/** Records the addresses that a scalar run of the cluster's expressions uses, in terms of the domain's variables. */
function observe(
  cluster: Cluster,
  lowering: Lowering,
  domain: Shape,
  reduced: readonly boolean[],
): { addresses: Index[]; others: Index[]; conditions: Condition[] } {
  const addresses: Index[] = []
  const others: Index[] = []
  const conditions: Condition[] = []
  const names = domainVariables(domain)
  const position = (node: Node): readonly Index[] => {
    if (levelIn(cluster, node) === 'full') return positionIn(node.shape, domain, names)
    return positionIn(
      node.shape,
      domain.filter((_, i) => !reduced[i]),
      names.filter((_, i) => !reduced[i]),
    )
  }
  const emitter = new Emitter(
    scalar,
    (node, at, valid) => {
      if (cluster.members.includes(node))
        return node.op.kind === 'reduce' ? variable(`r${node.id}`, elementType(node.dtype)) : undefined
      if (!lowering.stored.has(node)) return undefined
      addresses.push(addressOf(node, at))
      return new KernelBuffers(lowering).load(node, at, scalar, valid)
    },
    (index, condition) => {
      others.push(index)
      if (condition !== undefined) conditions.push(condition)
    },
  )
  for (const node of cluster.members) {
    if (node.op.kind === 'reduce') emitter.value(node.inputs[0], positionIn(node.inputs[0].shape, domain, names))
  }
  for (const root of cluster.roots) {
    emitter.value(root, position(root))
    addresses.push(addressOf(root, position(root)))
  }
  return { addresses, others, conditions }
}

/** The domain with neighbouring axes merged where every access steps through both as through one. */
function mergedAxes(cluster: Cluster, lowering: Lowering): Axis[] {
  const { domain } = cluster
  const reduced = domain.map((_, axis) => cluster.reduced?.includes(axis) ?? false)
  if (domain.filter((size) => size !== 1).length <= 1)
    return domain.flatMap((size, i) => (size === 1 ? [] : [{ size, reduced: reduced[i] }]))
  const { addresses, others } = observe(cluster, lowering, domain, reduced)
  const used = [...addresses, ...others]
  const axes: Axis[] = []
  for (let i = 0; i < domain.length; i++) {
    if (domain[i] === 1) continue
    const last = axes[axes.length - 1]
    const before = domain.findLastIndex((size, axis) => axis < i && size !== 1)
    const merges =
      last !== undefined &&
      last.reduced === reduced[i] &&
      used.every((index) => {
        const outer = stepOf(index, domainVariable(before))
        const inner = stepOf(index, domainVariable(i))
        return outer !== undefined && inner !== undefined && outer === inner * domain[i]
      })
    if (merges && last) axes[axes.length - 1] = { size: last.size * domain[i], reduced: last.reduced }
    else axes.push({ size: domain[i], reduced: reduced[i] })
  }
  return axes
}

/** The axis along which most of the accesses are contiguous: the last kept one or the last reduced one. */
function chooseVector(cluster: Cluster, lowering: Lowering, axes: readonly Axis[]): number {
  const lastKept = axes.findLastIndex((axis) => !axis.reduced)
  const lastReduced = axes.findLastIndex((axis) => axis.reduced)
  const kept = lastKept >= 0 && storesInSteps(cluster, axes, lastKept)
  if (lastReduced < 0) return kept ? lastKept : -1
  // Rows of a few elements: vectors across them, even if that means loads in steps.
  const rowLength = sizeOf(axes.filter((axis) => axis.reduced).map((axis) => axis.size))
  if (kept && rowLength <= mostTurnsWrittenOut && axes[lastKept].size >= 4) return lastKept
  const domain = axes.map((axis) => axis.size)
  const { addresses } = observe(
    cluster,
    lowering,
    domain,
    axes.map((axis) => axis.reduced),
  )
  // Row values are stored once per row: only a kept axis can step through them, and only by 1.
  const score = (axis: number): number => {
    let total = 0
    for (const address of addresses) {
      const step = stepOf(address, domainVariable(axis))
      total += step === 1 ? 2 : step === 0 ? 1 : -6
    }
    return total * (axes[axis].size >= lowering.target.lanes ? 1 : 0.5)
  }
  return kept && score(lastKept) >= score(lastReduced) ? lastKept : lastReduced
}

/** An axis with more borders than this is not cut. */
const mostBorders = 6

/**
 * The places of the vector axis at which a condition on it alone changes: the borders of a picture within its margin.
 * Between two of them nothing needs a mask.
 */
export function bordersOf(cluster: Cluster, lowering: Lowering, { axes, vector }: NestShape): number[] {
  const { conditions } = observe(
    cluster,
    lowering,
    axes.map(({ size }) => size),
    axes.map(({ reduced }) => reduced),
  )
  const borders = new Set<number>()
  for (const condition of conditions) {
    if (typeof condition === 'boolean' || condition.kind !== 'within') continue
    const { terms, constant } = condition.index
    if (terms.length !== 1 || terms[0].atom.key !== domainVariable(vector) || terms[0].factor < 1) continue
    for (const bound of [condition.from, condition.to]) borders.add(Math.ceil((bound - constant) / terms[0].factor))
  }
  const inside = [...borders].filter((border) => border > 0 && border < axes[vector].size).sort((a, b) => a - b)
  return inside.length <= mostBorders ? inside : []
}

/**
 * Whether some index divides the vector axis in a way that whole vectors do not notice: with the axis counted as
 * vectors and lanes it takes equal steps from lane to lane, or others that are the same in each vector.
 */
function dividesLanes(
  cluster: Cluster,
  lowering: Lowering,
  axes: readonly Axis[],
  vector: number,
  lanes: number,
): boolean {
  const { addresses, others } = observe(
    cluster,
    lowering,
    axes.map((axis) => axis.size),
    axes.map((axis) => axis.reduced),
  )
  const name = domainVariable(vector)
  const blocks = variableIndex('block', Math.floor(axes[vector].size / lanes))
  const apart = addIndex(scaleIndex(blocks, lanes), variableIndex(lane, lanes))
  const sizes = new Map(axes.map((axis, i) => [domainVariable(i), axis.size]))
  const blocked = (index: Index): Index =>
    substitute(index, (key) => (key === name ? apart : variableIndex(key, sizes.get(key) ?? 1)))
  const divides = (index: Index): boolean => stepOf(index, name) === undefined
  return (
    [...addresses, ...others].some((index) => divides(index) && stepOf(blocked(index), lane) !== undefined) ||
    addresses.some((index) => divides(index) && picksOf(blocked(index), { count: lanes, variable: lane }) !== undefined)
  )
}

/** Whether all roots step by 1 with the kept axis, so that a vector of them can be stored. */
function storesInSteps(cluster: Cluster, axes: readonly Axis[], axis: number): boolean {
  const names = domainVariables(axes.map((each) => each.size))
  return cluster.roots.every((root) => {
    const chosen = (each: Axis): boolean => levelIn(cluster, root) === 'full' || !each.reduced
    const position = positionIn(
      root.shape,
      axes.filter(chosen).map((each) => each.size),
      names.filter((_, i) => chosen(axes[i])),
    )
    return stepOf(addressOf(root, position), domainVariable(axis)) === 1
  })
}
