/**
 * Which values of a graph matter on one side of a diagonal only: those of causal attention.
 *
 * A mask that compares two positions (`triangle` of ops/derived/indexing.ts) leaves zeros, or -inf that an exponential
 * makes zeros, beyond its diagonal. A product neither needs to add what is multiplied by these zeros, nor to compute
 * what is masked afterwards. Only products ask (contraction.ts). What is beyond is taken to be multiplied by finite
 * numbers: a NaN there no longer reaches the sums that are masked anyhow.
 */
import type { Graph, Node } from '../graph/graph.ts'
import { constant, iota } from '../ops/leaf.ts'
import { add, le, lt, mul, sub, where } from '../ops/map.ts'
import type { MapOp } from '../ops/op.ts'
import { domainVariables } from './domain.ts'
import { addIndex, type Condition, constantIndex, type Index, scaleIndex, symbols } from './symbolic.ts'

/** The elements whose index on axis `low` is at most the one on axis `high` plus `offset`. */
export interface Triangle {
  readonly low: number
  readonly high: number
  readonly offset: number
}

export interface Triangles {
  /** Beyond which the value is 0. */
  zeroBeyond(node: Node): Triangle | undefined
  /** Beyond which nobody needs the value, as long as it is finite. */
  neededWithin(node: Node): Triangle | undefined
}

/** What makes finite numbers of finite numbers. */
const keepsFinite: ReadonlySet<MapOp> = new Set([add, sub, mul, where])

/** A value that is the same everywhere beyond the triangle. */
interface Beyond {
  readonly triangle: Triangle
  readonly value: number
}

export function trianglesOf(graph: Graph): Triangles {
  const beyond = new Map<Node, Beyond>()
  const masks = new Map<Node, Triangle | undefined>()
  const maskOf = (node: Node): Triangle | undefined => {
    if (!masks.has(node)) masks.set(node, comparison(node, domainVariables(node.shape)))
    return masks.get(node)
  }
  const users = new Map<Node, Node[]>()
  for (const node of graph.nodes) {
    for (const input of node.inputs) users.set(input, [...(users.get(input) ?? []), node])
    const known = beyondOf(node, beyond, maskOf)
    if (known) beyond.set(node, known)
  }
  const outputs = new Set(graph.outputs)
  const needed = (node: Node): Triangle | undefined => {
    if (outputs.has(node)) return undefined
    const all = (users.get(node) ?? []).map((user) => neededBy(user, node))
    const [first] = all
    return first && all.every((each) => each && same(each, first)) ? first : undefined
  }
  const neededBy = (user: Node, node: Node): Triangle | undefined => {
    const { op, inputs } = user
    if (op.kind !== 'map') return undefined
    if (op === where && inputs[0] !== node && inputs[2] !== node) {
      const mask = maskOf(inputs[0])
      if (mask) return mask
    }
    for (const [i, input] of inputs.entries()) {
      const known = input === node ? undefined : beyond.get(input)
      if (known && known.value === 0 && op.absorbing?.[i] === 0) return known.triangle
    }
    return keepsFinite.has(op) ? needed(user) : undefined
  }
  return {
    zeroBeyond: (node) => {
      const known = beyond.get(node)
      return known?.value === 0 ? known.triangle : undefined
    },
    neededWithin: needed,
  }
}

function beyondOf(
  node: Node,
  beyond: ReadonlyMap<Node, Beyond>,
  maskOf: (node: Node) => Triangle | undefined,
): Beyond | undefined {
  const { op, inputs, dtype } = node
  if (op.kind === 'wrap') return beyond.get(inputs[0])
  if (op.kind !== 'map' || dtype !== 'float32') return undefined
  const mask = op === where ? maskOf(inputs[0]) : undefined
  const triangle = mask ?? inputs.flatMap((input) => beyond.get(input)?.triangle ?? [])[0]
  if (!triangle) return undefined
  const values = inputs.map((input) => {
    if (input.op === constant) return input.attrs.value as number
    const known = beyond.get(input)
    return known && same(known.triangle, triangle) ? known.value : undefined
  })
  if (mask) values[0] = 0
  const value = resultOf(op, values, node)
  return value === undefined ? undefined : { triangle, value }
}

/** The result for values of which some are not known, but finite. */
function resultOf(op: MapOp, values: readonly (number | undefined)[], node: Node): number | undefined {
  if (op === where) {
    const [condition, a, b] = values
    return condition === undefined ? (a === b ? a : undefined) : condition !== 0 ? a : b
  }
  if (values.every((value) => value !== undefined)) return op.scalar(values, node.dtype, node.inputs[0].dtype)
  return values.find((value, i) => value !== undefined && value === op.absorbing?.[i])
}

/** The triangle where a mask at `at` (variables d0, d1 … of the axes, behind movements) is true. */
function comparison(node: Node, at: readonly Index[]): Triangle | undefined {
  const moved = behind(node, at)
  if (!moved) return undefined
  if (moved.node !== node) return comparison(moved.node, moved.at)
  if (node.op !== le && node.op !== lt) return undefined
  const [a, b] = node.inputs.map((input) => position(input, at))
  if (!a || !b) return undefined
  const { terms, constant: offset } = addIndex(b, scaleIndex(a, -1))
  const axis = (factor: number): number | undefined => {
    const found = terms.find((term) => term.factor === factor && term.atom.kind === 'variable')?.atom.key
    return found === undefined ? undefined : Number(found.slice(1))
  }
  const [high, low] = [axis(1), axis(-1)]
  if (terms.length !== 2 || high === undefined || low === undefined) return undefined
  return { low, high, offset: node.op === le ? offset : offset - 1 }
}

/** A number that is a sum of positions. */
function position(node: Node, at: readonly Index[]): Index | undefined {
  const moved = behind(node, at)
  if (!moved) return undefined
  if (moved.node !== node) return position(moved.node, moved.at)
  if (node.op === iota) return at[node.attrs.axis as number]
  if (node.op === constant) return constantIndex(node.attrs.value as number)
  if (node.op !== add && node.op !== sub) return undefined
  const [a, b] = node.inputs.map((input) => position(input, at))
  return a && b && addIndex(a, node.op === add ? b : scaleIndex(b, -1))
}

/** What a movement of all of its input reads at `at`; other nodes are what they are. */
function behind(node: Node, at: readonly Index[]): { node: Node; at: readonly Index[] } | undefined {
  const { op } = node
  if (op.kind === 'wrap') return { node: node.inputs[0], at }
  if (op.kind !== 'move') return { node, at }
  const [source, ...others] = op.sources<Index, Condition>(symbols, at, node)
  if (others.length > 0 || source.valid.some((condition) => condition !== true)) return undefined
  return { node: node.inputs[source.input], at: source.index }
}

const same = (a: Triangle, b: Triangle): boolean => a.low === b.low && a.high === b.high && a.offset === b.offset
