/**
 * One step of a loop, as a graph of its own: what the attributes of a `scan` node hold.
 *
 * Its leaves are numbered like the inputs of the node: states, slices, then what is the same at each step. Its outputs
 * are the next states, then what is stacked. Output i of the node is that of output i of the body: for a state the last
 * one, or, where the history is kept, all of them from the first; otherwise the stack.
 */
import type { Graph } from './graph.ts'

export class LoopBody {
  readonly graph: Graph
  readonly length: number
  readonly reverse: boolean
  /** For each state whether all its values are kept. */
  readonly histories: readonly boolean[]
  /** How many inputs are sliced. */
  readonly slices: number

  constructor(
    graph: Graph,
    { length, reverse, histories, slices }: Pick<LoopBody, 'length' | 'reverse' | 'histories' | 'slices'>,
  ) {
    this.graph = graph
    this.length = length
    this.reverse = reverse
    this.histories = histories
    this.slices = slices
  }

  get carries(): number {
    return this.histories.length
  }

  /** The same loop around another graph for the step. */
  around(graph: Graph): LoopBody {
    return graph === this.graph ? this : new LoopBody(graph, this)
  }

  /** The rows in which a state's values stand: all of them, or two by turns. */
  rows(carry: number): number {
    return this.histories[carry] ? this.length + 1 : 2
  }

  /** The row of the first state. */
  firstRow(carry: number): number {
    return this.histories[carry] && this.reverse ? this.length : 0
  }

  /** From the row before a step to the row after it. */
  rowStep(carry: number): 1 | -1 {
    return this.histories[carry] && this.reverse ? -1 : 1
  }

  /** The row of the last state. */
  lastRow(carry: number): number {
    return this.histories[carry] ? (this.reverse ? 0 : this.length) : this.length % 2
  }
}
