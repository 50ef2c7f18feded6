/**
 * Where the writing of a nest stands: in which part of the vector axis, at which of the vectors side by side, in which
 * turn of the reduced axes. It opens the loops, and says where a node's element is inside them.
 *
 * A loop's body is a function that is called when the loop is open, once for each copy that is written. Which loops
 * there are, and in what order: nest.ts.
 */
import type { Node } from '../graph/graph.ts'
import { bind, div, index, loop, variable } from '../kernel/build.ts'
import type { Expr, Stmt } from '../kernel/ir.ts'
import { unflatten } from '../ops/move.ts'
import { sizeOf } from '../shape.ts'
import { indexScalar, type Lanes, lane, scalar } from './address.ts'
import { type Axis, mostTurnsWrittenOut, type NestShape } from './axes.ts'
import { positionIn } from './domain.ts'
import type { Part } from './nest-tiling.ts'
import {
  addIndex,
  type Condition,
  constantIndex,
  type Index,
  scaleIndex,
  splitIndex,
  symbols,
  variableIndex,
} from './symbolic.ts'

export class Cursor {
  readonly #shape: NestShape
  #lanes: Lanes = scalar
  /** Where the axis is counted in vectors: how many there are before the last turn's first, and that one. */
  #blocks = 1
  /** Which of the vectors side by side. */
  #nth = 0
  /** The turn that is being written out, in place of the loop variable `q`. */
  #turn: number | undefined
  /** What lies between two borders of the vector axis and is counted from its start; all of it where undefined. */
  #between: { readonly start: number; readonly size: number } | undefined

  constructor(shape: NestShape) {
    this.#shape = shape
  }

  /** The lanes that are being written. */
  get lanes(): Lanes {
    return this.#lanes
  }

  /** What tells the values of vectors side by side apart, in names. */
  get copy(): string {
    return this.#nth === 0 ? '' : `u${this.#nth}`
  }

  // ---- loops ----

  /** A loop of `v` over a part, or the piece of it from `from` to `to`. */
  overPart({ end, count, abreast }: Part, from: Expr, to: Expr, body: () => Stmt[]): Stmt {
    const blocks = count > 1 && this.#shape.blocked
    this.#lanes = count === 1 ? scalar : { count, variable: blocks ? lane : 'v', aligned: true }
    this.#blocks = end / count - abreast + 1
    const inside = body()
    this.#lanes = scalar
    const block = (): Stmt => bind('w', div(variable('v', 'index'), index(count)))
    return loop('v', from, to, count * abreast, blocks ? [block(), ...inside] : inside)
  }

  /** Writes `body` once for each of `count` vectors side by side. */
  abreast<T>(count: number, body: () => readonly T[]): T[] {
    const result: T[] = []
    for (this.#nth = 0; this.#nth < count; this.#nth++) result.push(...body())
    this.#nth = 0
    return result
  }

  /** Over the reduced axes other than the vectors': a loop, or, where there are few turns, each turn written out. */
  overInner(body: () => Stmt[]): Stmt[] {
    const turns = sizeOf(this.#shape.inner)
    if (turns === 1) return body()
    if (turns > mostTurnsWrittenOut) return [loop('q', index(0), index(turns), 1, body())]
    const result: Stmt[] = []
    for (let turn = 0; turn < turns; turn++) {
      this.#turn = turn
      result.push(...body())
    }
    this.#turn = undefined
    return result
  }

  /** Writes what lies between two borders; `v` counts from `start` in it. */
  between(start: number, size: number, body: () => Stmt[]): Stmt[] {
    this.#between = { start, size }
    const result = body()
    this.#between = undefined
    return result
  }

  // ---- positions ----

  /** Where the element of a node stands that belongs to what is being written. */
  positionOf(node: Node, level: 'full' | 'row'): readonly Index[] {
    const { axes } = this.#shape
    const chosen = (axis: Axis): boolean => level === 'full' || !axis.reduced
    const variables = this.#variables().filter((_, i) => chosen(axes[i]))
    return positionIn(
      node.shape,
      axes.filter(chosen).map((axis) => axis.size),
      variables,
    )
  }

  #variables(): Index[] {
    const { axes, vector, rows, inner } = this.#shape
    const row = splitIndex('r', rows)
    const turn =
      this.#turn === undefined
        ? splitIndex('q', inner)
        : unflatten<Index, Condition>(symbols, constantIndex(this.#turn), inner)
    return axes.map((axis, i) => {
      if (i === vector) return this.#alongVector(axis.size)
      return (axis.reduced ? turn.shift() : row.shift()) as Index
    })
  }

  /** The place of the vector being written, on its axis. */
  #alongVector(size: number): Index {
    if (this.#between) return addIndex(constantIndex(this.#between.start), variableIndex('v', this.#between.size))
    const { count, variable } = this.#lanes
    const offset = this.#nth * count
    if (variable !== lane) return addIndex(variableIndex('v', size - offset), constantIndex(offset))
    const block = variableIndex('w', this.#blocks)
    return addIndex(addIndex(scaleIndex(block, count), variableIndex(lane, count)), constantIndex(offset))
  }

  /** The address, in scratch, of the element of a kept value that begins at `start`. */
  inScratch(start: number): Expr {
    const { across, length, inner } = this.#shape
    const turn = this.#turn === undefined ? variableIndex('q', sizeOf(inner)) : constantIndex(this.#turn)
    const { count } = this.#lanes
    const at = across
      ? scaleIndex(turn, count)
      : addIndex(addIndex(scaleIndex(turn, length), variableIndex('v', length)), constantIndex(this.#nth * count))
    return indexScalar(addIndex(at, constantIndex(start)))
  }
}
