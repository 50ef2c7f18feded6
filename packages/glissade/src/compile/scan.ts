/**
 * Template: the loop over time. Its body is compiled once, like a program of its own, and becomes items that turn.
 *
 * From turn to turn only places move: the slices of the inputs and of the stacked results a row further, the states
 * between two rows (or along all of them, where their history is kept). Steps that do the same at each turn, such as
 * packing a weight for a product, are done once, before the loop.
 */
import { bodyOf, type Graph, type Node } from '../graph/graph.ts'
import type { LoopBody } from '../graph/loop-body.ts'
import { sizeOf } from '../shape.ts'
import type { Cluster } from './domain.ts'
import {
  type Item,
  type Location,
  type Lowering,
  type Part,
  partOf,
  type Turns,
  type Whole,
  wholeOf,
} from './lowering.ts'
import { slicesOf } from './slices.ts'
import { layWeights } from './weights.ts'

/** Compiles the graph of one turn, whose leaves and outputs have their places. */
export type LowerTurn = (graph: Graph, leaf: (argument: number) => Location, outputs: readonly Location[]) => Item[]

export function lowerLoop({ anchor, roots }: Cluster, lowering: Lowering, lowerTurn: LowerTurn): Item[] {
  const node = anchor as Node
  const body = bodyOf(node) as LoopBody
  const items: Item[] = []
  const turns: Turns = { kind: 'turns', count: body.length, items }
  const places = new Places(node, body, turns, lowering)
  const outputs = body.graph.outputs.map((output, i) =>
    i < body.carries
      ? places.state(i, body.rowStep(i))
      : places.stacked(
          roots.find((root) => root.attrs.output === i),
          sizeOf(output.shape),
        ),
  )
  const turn = layWeights(body.graph, (argument) => argument >= body.carries + body.slices)
  const before = split(
    lowerTurn(turn, (argument) => places.leaf(argument), outputs),
    turns,
    items,
  )
  return items.length === 0 ? before : [...before, turns]
}

/** Where a loop's values are at each turn. */
class Places {
  readonly #node: Node
  readonly #body: LoopBody
  readonly #turns: Turns
  readonly #lowering: Lowering
  /** The first slice, and from there to the next. */
  readonly #rows: { readonly first: number; readonly step: 1 | -1; readonly rows: number }

  constructor(node: Node, body: LoopBody, turns: Turns, lowering: Lowering) {
    this.#node = node
    this.#body = body
    this.#turns = turns
    this.#lowering = lowering
    const { length, reverse } = body
    this.#rows = reverse ? { first: length - 1, step: -1, rows: length } : { first: 0, step: 1, rows: length }
  }

  /** A state, `further` rows from where it is before the turn. */
  state(carry: number, further: number): Location {
    const first = this.#lowering.locationOf(this.#node.inputs[carry]) as Part
    const rows = this.#body.rows(carry)
    return partOf(first.of, 0, first.length, [
      {
        loop: this.#turns,
        first: this.#body.firstRow(carry) + further,
        step: this.#body.rowStep(carry),
        rows,
        stride: first.length,
      },
    ])
  }

  leaf(argument: number): Location {
    const { carries, slices } = this.#body
    if (argument < carries) return this.state(argument, 0)
    const input = this.#node.inputs[argument]
    if (argument >= carries + slices) return this.#lowering.locationOf(input)
    const { stored } = this.#lowering
    const found = slicesOf(input, (each) => stored.has(each))
    if (!found) throw new Error(`compile: a loop's input ends at ${input.op.name}, whose slices do not lie in a row`)
    const { base, start, stride } = found
    const moves = stride === 0 ? [] : [{ loop: this.#turns, ...this.#rows, stride }]
    return partOf(this.#lowering.locationOf(base), start, sizeOf(input.shape.slice(1)), moves)
  }

  /** The rows of a stack; of one that nobody reads any more, rows all the same. */
  stacked(output: Node | undefined, size: number): Location {
    const whole: Location = output
      ? this.#lowering.locationOf(output)
      : { kind: 'temporary', length: size * this.#body.length }
    return partOf(whole, 0, size, [{ loop: this.#turns, ...this.#rows, stride: size }])
  }
}

/** Shares out what one turn does: what changes from turn to turn goes to `inside`, the rest is returned. */
function split(list: readonly Item[], turns: Turns, inside: Item[]): Item[] {
  const before: Item[] = []
  const changing = new Set<Whole>()
  const moves = (location: Location): boolean =>
    location.kind === 'part' && location.moves.some(({ loop }) => loop === turns)
  for (const item of list) {
    const changes =
      item.kind === 'turns' ||
      item.locations.some((location, i) => {
        if (moves(location)) return true
        const { access } = item.kernel.buffers[i]
        return access !== 'write' ? changing.has(wholeOf(location)) : location.kind !== 'temporary'
      })
    if (!changes) before.push(item)
    else {
      for (const place of writtenBy(item)) changing.add(place)
      inside.push(item)
    }
  }
  return before
}

function writtenBy(item: Item): Whole[] {
  if (item.kind === 'turns') return item.items.flatMap(writtenBy)
  return item.locations.flatMap((location, i) => (item.kernel.buffers[i].access === 'read' ? [] : [wholeOf(location)]))
}
