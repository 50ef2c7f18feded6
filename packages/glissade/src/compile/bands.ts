/**
 * The part of a contraction on one side of a diagonal: which turns of the summed loops a tile needs.
 *
 * Where an operand is 0 and the result not needed is known from triangles.ts; here it becomes limits of loops. The sums
 * that are left are added in the same order as before.
 */
import type { Node } from '../graph/graph.ts'
import { index, le, select } from '../kernel/build.ts'
import type { ContractAttrs } from '../ops/contract.ts'
import { indexScalar } from './address.ts'
import type { Lowering } from './lowering.ts'
import { type Limit, plus } from './operands.ts'
import type { ProductAxis } from './product.ts'
import { type Index, variableIndex } from './symbolic.ts'
import type { Tiling } from './tiling.ts'
import type { Triangle } from './triangles.ts'

/** Only what lies where the place on axis `low` is at most the one on `high` plus `offset` matters. */
interface Band {
  readonly low: ProductAxis
  readonly high: ProductAxis
  readonly offset: number
}

/** A tile of the result: its first row and column, and their numbers. */
interface Tile {
  readonly row: Index
  readonly rows: number
  readonly column: Index
  readonly width: number
}

export class Bands {
  readonly #bands: readonly Band[]

  /** `axes` are those of the loops, in terms of which `at` gives the original ones. */
  constructor(node: Node, lowering: Lowering, axes: readonly ProductAxis[], at: (name: string) => Index) {
    const axisOf = (letter: string): ProductAxis | undefined =>
      axes.find(({ name, size }) => at(letter).key === variableIndex(name, size).key)
    this.#bands = bandsOf(node, lowering).flatMap(([letters, triangle]) => {
      const [low, high] = [axisOf(letters[triangle.low]), axisOf(letters[triangle.high])]
      return low && high ? [{ low, high, offset: triangle.offset }] : []
    })
  }

  /** The part of all multiply-adds that matters. */
  part(): number {
    const parts = this.#bands.map(({ low, high, offset }) => {
      let count = 0
      for (let i = 0; i < high.size; i++) count += Math.min(Math.max(i + offset + 1, 0), low.size)
      return count / (low.size * high.size)
    })
    return Math.min(1, ...parts)
  }

  /** The turns that the sums of a tile need. A tile that nobody needs has none. */
  limits({ row: rowAxis, columns, pitch, summed }: Tiling, { row, rows, column, width }: Tile): Limit[] {
    if (pitch || columns.length > 1 || summed.length === 0) return []
    const span = ({ name }: ProductAxis): readonly [first: Index, last: Index] | undefined => {
      if (name === rowAxis?.name) return [row, plus(row, rows - 1)]
      return name === columns[0]?.name ? [column, plus(column, width - 1)] : undefined
    }
    return this.#bands.flatMap(({ low, high, offset }): Limit[] => {
      const [lows, highs] = [span(low), span(high)]
      if (lows && highs) {
        const isNeeded = le(indexScalar(lows[0]), indexScalar(plus(highs[1], offset)))
        return [{ axis: summed[0].name, to: select(isNeeded, index(summed[0].size), index(0)) }]
      }
      if (highs && low.role === 'summed') return [{ axis: low.name, to: indexScalar(plus(highs[1], offset + 1)) }]
      if (lows && high.role === 'summed') return [{ axis: high.name, from: indexScalar(plus(lows[0], -offset)) }]
      return []
    })
  }
}

/** The triangles of the operands and of the result, with the letters of their axes. */
function bandsOf(node: Node, { stored, triangles }: Lowering): (readonly [letters: string, triangle: Triangle])[] {
  if (node.op.kind !== 'contract') return []
  const { a, b, out } = node.attrs as unknown as ContractAttrs
  const zeros = node.inputs.map((input) => (stored.has(input) ? triangles.zeroBeyond(input) : undefined))
  const all = [[a, zeros[0]] as const, [b, zeros[1]] as const, [out, triangles.neededWithin(node)] as const]
  return all.flatMap(([letters, triangle]) => (triangle ? [[letters, triangle] as const] : []))
}
