/**
 * Template: maps, reductions, and rows (several reductions and maps over one row in one pass).
 *
 * The domain of a cluster is cut into rows; a task takes some rows, and runs over each in as many stages as
 * reductions depend on each other: softmax is a stage for the maximum, one for the exponentials and their sum, and
 * one for the quotients. Vectors run along the axis in which memory is contiguous: inside the row, or, where the
 * reduced axes are outer ones, across rows. Costly values needed by two stages are kept in scratch.
 *
 * Here is only the order of the loops. What they are made of: axes.ts (axes and vectors), nest-stages.ts, nest-tiling.ts
 * (tasks and parts), nest-cursor.ts (the loops one by one), nest-values.ts (the statements in them).
 */
import type { Node } from '../graph/graph.ts'
import { add, bind, div, index, loop, max, min, mod, mul, task } from '../kernel/build.ts'
import type { Expr, KernelKind, Stmt } from '../kernel/ir.ts'
import { sizeOf } from '../shape.ts'
import { bordersOf, type NestShape, nestShapeOf } from './axes.ts'
import { type Cluster, levelIn } from './domain.ts'
import { countOperations, type Lowering, labelOf, type Step } from './lowering.ts'
import { Cursor } from './nest-cursor.ts'
import { type Stage, type Stages, stagesOf, storesIn } from './nest-stages.ts'
import { type Part, partsOf, rowsAbreast, type Tasks, tasksOf, vectorsAbreast } from './nest-tiling.ts'
import { combineTotals, NestValues, startTotal, totalOf } from './nest-values.ts'
import { uniqueNames } from './unique-names.ts'

export function lowerNest(cluster: Cluster, lowering: Lowering): Step {
  return new Nest(cluster, lowering).build()
}

class Nest {
  readonly #cluster: Cluster
  readonly #lowering: Lowering
  readonly #shape: NestShape
  readonly #stages: Stages
  readonly #cursor: Cursor
  readonly #values: NestValues

  constructor(cluster: Cluster, lowering: Lowering) {
    this.#cluster = cluster
    this.#lowering = lowering
    this.#shape = nestShapeOf(cluster, lowering)
    this.#stages = stagesOf(cluster, lowering.stored, this.#shape)
    this.#cursor = new Cursor(this.#shape)
    this.#values = new NestValues(cluster, lowering, this.#shape, this.#stages, this.#cursor)
  }

  build(): Step {
    const { across } = this.#shape
    const { members } = this.#cluster
    const abreast = across ? rowsAbreast(this.#stages, this.#lowering.stored, this.#shape) : 1
    const tasks = tasksOf(this.#cluster, this.#shape, abreast)
    const body = this.#overRows(tasks, across ? this.#acrossRows(tasks, abreast) : this.#alongRow())
    const { kernel, locations } = this.#values.buffers.finish(this.#kind(), tasks.rowTasks * tasks.pieceTasks, body, {
      scratch: this.#stages.scratch,
      flops: countOperations(members),
    })
    return { kernel, locations, ...labelOf(members) }
  }

  #kind(): KernelKind {
    const { last } = this.#stages
    if (last === 0) return 'map'
    return last === 1 && !this.#cluster.roots.some((root) => levelIn(this.#cluster, root) === 'full') ? 'reduce' : 'row'
  }

  /** `inside` for each row `r` of a task. */
  #overRows({ rows, rowTasks, pieceTasks }: Tasks, inside: readonly Stmt[]): Stmt[] {
    const all = sizeOf(this.#shape.rows)
    const rowTask = div(task, index(pieceTasks))
    if (all === 1) return [...inside]
    if (rowTasks === all) return [bind('r', rowTask), ...inside]
    if (rowTasks === 1) return [loop('r', index(0), index(all), 1, inside)]
    const first = mul(rowTask, index(rows))
    return [loop('r', first, min(index(all), add(first, index(rows))), 1, inside)]
  }

  // ---- vectors along a row ----

  /** Each stage runs over the row and ends in one scalar per reduction. */
  #alongRow(): Stmt[] {
    return uniqueNames([
      ...this.#stages.list.flatMap((stage) => this.#stageAlongRow(stage)),
      ...this.#values.rowStores(),
    ])
  }

  #stageAlongRow(stage: Stage): Stmt[] {
    const { length, lanes } = this.#shape
    const { reduces } = stage
    const storing = storesIn(stage, this.#stages.kept)
    const parts = partsOf(
      length,
      lanes,
      storing ? 1 : vectorsAbreast(stage, this.#stages, this.#lowering.stored, this.#shape),
    )
    // Parts of equally many lanes share their totals.
    const totals = new Map<number, number>()
    for (const { count, abreast } of parts) totals.set(count, Math.max(abreast, totals.get(count) ?? 0))
    const total = (node: Node, count: number): string => {
      const prefix = count === 1 ? 's' : count === lanes ? 'v' : `v${count}_`
      return `${prefix}${this.#values.numberOf(node)}${this.#cursor.copy}`
    }
    const overTotals = <T>(node: Node, write: (name: string, count: number) => T): T[][] =>
      [...totals].map(([count, abreast]) => this.#cursor.abreast(abreast, () => [write(total(node, count), count)]))
    const turn = (): Stmt[] => this.#values.turn(stage, (node) => total(node, this.#cursor.lanes.count))
    return [
      ...reduces.flatMap((node) => overTotals(node, (name, count) => startTotal(name, node, count)).flat()),
      ...this.#cursor.overInner(() =>
        parts.map((part) =>
          this.#cursor.overPart(part, index(part.start), index(part.end), () =>
            this.#cursor.abreast(part.abreast, turn),
          ),
        ),
      ),
      ...reduces.map((node) =>
        bind(
          this.#values.resultOf(node),
          combineTotals(
            node,
            overTotals(node, (name, count) => totalOf(name, node, count)),
          ),
        ),
      ),
    ]
  }

  // ---- vectors across rows: each lane has a row of its own ----

  #acrossRows({ piece, pieceTasks }: Tasks, abreast: number): Stmt[] {
    const { length, lanes, blocked } = this.#shape
    const whole = pieceTasks === 1
    // Maps go from border to border, so that what lies between two needs no masks and is read in whole vectors.
    if (this.#stages.last === 0 && whole && lanes > 1 && !blocked) {
      const borders = bordersOf(this.#cluster, this.#lowering, this.#shape)
      if (borders.length > 0) return this.#fromBorderToBorder([0, ...borders, length])
    }
    const from = mul(mod(task, index(pieceTasks)), index(piece))
    const to = min(index(length), add(from, index(piece)))
    return uniqueNames(
      partsOf(length, lanes, abreast).map((part) => {
        if (whole) return this.#partAcrossRows(part, index(part.start), index(part.end))
        const start = part.start === 0 ? from : max(from, index(part.start))
        return this.#partAcrossRows(part, start, part.end === length ? to : min(to, index(part.end)))
      }),
    )
  }

  #fromBorderToBorder(borders: readonly number[]): Stmt[] {
    const loops = borders.slice(1).flatMap((end, i) => {
      const start = borders[i]
      const parts = partsOf(end - start, this.#shape.lanes, 1)
      return this.#cursor.between(start, end - start, () =>
        parts.map((part) => this.#partAcrossRows(part, index(part.start), index(part.end))),
      )
    })
    return uniqueNames(loops)
  }

  /** All stages for the rows of a turn, which are as many as the lanes of the vectors side by side. */
  #partAcrossRows(part: Part, from: Expr, to: Expr): Stmt {
    const each = (write: () => Stmt[]): Stmt[] => this.#cursor.abreast(part.abreast, write)
    return this.#cursor.overPart(part, from, to, () => [
      ...this.#stages.list.flatMap((stage) => this.#stageAcrossRows(stage, each)),
      ...(this.#stages.last > 0 ? each(() => this.#values.rowStores()) : []),
    ])
  }

  #stageAcrossRows(stage: Stage, each: (write: () => Stmt[]) => Stmt[]): Stmt[] {
    const { count } = this.#cursor.lanes
    const total = (node: Node): string => `s${this.#values.numberOf(node)}${this.#cursor.copy}`
    return [
      ...each(() => stage.reduces.map((node) => startTotal(total(node), node, count))),
      ...this.#cursor.overInner(() => each(() => this.#values.turn(stage, total))),
      ...each(() => stage.reduces.map((node) => bind(this.#values.resultOf(node), totalOf(total(node), node, count)))),
    ]
  }
}
