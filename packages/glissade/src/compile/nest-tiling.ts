/**
 * How a nest is cut: into tasks, the vector axis into parts, and how many vectors stand side by side in a turn.
 *
 * All of it follows from shapes and the target, never from the number of threads. Which axis vectors run along: axes.ts.
 * Next: nest.ts, which writes the loops.
 */
import type { Node } from '../graph/graph.ts'
import { sizeOf } from '../shape.ts'
import { mostTurnsWrittenOut, type NestShape } from './axes.ts'
import type { Cluster } from './domain.ts'
import type { Stage, Stages } from './nest-stages.ts'

/** About this many simple operations make a task worth a thread's attention. */
const operationsPerTask = 1 << 15
/** More tasks than this only cost time. */
const mostTasks = 512

/** Totals side by side: an addition takes about four cycles, in which as many others can begin. */
const totalsAbreast = 4
/** A turn with more simple operations than this keeps the processor busy with one total. */
const mostWorkAbreast = 4

/** A task takes `rows` rows and, of the vector axis where that goes across rows, `piece` elements. */
export interface Tasks {
  readonly rows: number
  readonly piece: number
  /** How many tasks there are of either kind; as many as the product in all. */
  readonly rowTasks: number
  readonly pieceTasks: number
}

export function tasksOf(cluster: Cluster, shape: NestShape, abreast: number): Tasks {
  const { across, length, lanes } = shape
  const all = sizeOf(shape.rows)
  const operations = operationsOf(cluster, shape)
  const grain = Math.max(operationsPerTask, operations / mostTasks)
  const perRow = operations / all
  const rows = Math.max(1, Math.min(all, Math.round(grain / perRow)))
  const rowTasks = Math.ceil(all / rows)
  if (!across) return { rows, piece: length, rowTasks, pieceTasks: 1 }
  // Few long rows are cut across the vector axis as well.
  const width = lanes * abreast
  const pieces = Math.max(1, Math.min(Math.floor(perRow / grain), Math.floor(length / width)))
  const piece = Math.ceil(length / pieces / width) * width
  return { rows, piece, rowTasks, pieceTasks: Math.ceil(length / piece) }
}

function operationsOf({ members }: Cluster, { axes }: NestShape): number {
  const cost = members.reduce((sum, node) => sum + (node.op.kind === 'map' ? (node.op.cost ?? 1) : 1), 2)
  return cost * sizeOf(axes.map((axis) => axis.size))
}

/** A stretch of the vector axis: `abreast` vectors of `count` lanes in a turn. */
export interface Part {
  readonly start: number
  readonly end: number
  readonly count: number
  readonly abreast: number
}

/** `length` elements as parts, those of the widest vectors first, of which `abreast` stand side by side. */
export function partsOf(length: number, lanes: number, abreast: number): Part[] {
  const parts: Part[] = []
  let start = 0
  const take = (count: number, together: number): void => {
    const width = count * together
    const end = start + Math.floor((length - start) / width) * width
    if (end > start) parts.push({ start, end, count, abreast: together })
    start = end
  }
  if (lanes > 1 && abreast > 1) take(lanes, abreast)
  if (lanes > 1) for (let count = lanes; count >= 4; count /= 2) take(count, 1)
  take(1, 1)
  return parts
}

/** How many vectors of a row stand side by side: sums of little work would wait for the addition before. */
export function vectorsAbreast(
  { reduces }: Stage,
  { kept }: Stages,
  stored: ReadonlySet<Node>,
  { length, lanes }: NestShape,
): number {
  const seen = new Set<Node>()
  const cost = (node: Node): number => {
    if (seen.has(node) || stored.has(node) || kept.has(node)) return 0
    seen.add(node)
    if (node.op.kind === 'reduce') return 0
    return node.inputs.reduce((sum, input) => sum + cost(input), node.op.kind === 'map' ? (node.op.cost ?? 1) : 0)
  }
  const work = reduces.reduce((sum, node) => sum + cost(node.inputs[0]), 0)
  const light = reduces.length > 0 && work <= mostWorkAbreast * reduces.length
  return light && reduces.length <= 2 && length >= lanes * totalsAbreast ? totalsAbreast : 1
}

/** The same across rows, where neighbouring vectors are neighbours in memory too. */
export function rowsAbreast(stages: Stages, stored: ReadonlySet<Node>, shape: NestShape): number {
  const { lanes, length, inner } = shape
  if (lanes === 1 || stages.last !== 1 || stages.kept.size > 0 || sizeOf(inner) <= mostTurnsWrittenOut) return 1
  const vectors = Math.floor(length / lanes)
  const most = vectors >= totalsAbreast ** 2 ? totalsAbreast : vectors >= totalsAbreast ? totalsAbreast / 2 : 1
  return Math.min(most, vectorsAbreast(stages.list[0], stages, stored, shape))
}
