/**
 * The loop over time: one step as a graph, done again and again, with a state that goes from step to step.
 *
 * The graph's nodes have one output each, so a loop is a node without a value (`scan`), and each value that someone
 * wants of it is a node that names it (`scanOutput`): the last state, or any tensor of the body, stacked over all
 * steps. Whoever needs one more value, such as the gradient, asks for one more output of the same loop.
 * The function users call: derived/scan.ts. The gradient: autodiff/scan.ts. Why so: docs/notes/005-scan.md.
 */
import type { DType } from '../dtype.ts'
import type { Shape } from '../shape.ts'
import type { Tensor } from '../tensor.ts'
import type { OutputOp, ScanOp } from './op.ts'

/**
 * What a `scan` does, in tensors. Its inputs are the first state (one for each of `carries`), what is sliced (one for
 * each of `slices`), and `captured`.
 */
export interface Steps {
  readonly length: number
  /** From the last slice to the first; stacks keep the order of the slices. */
  readonly reverse: boolean
  /** What stands in the body for the state before the step. */
  readonly carries: readonly Tensor[]
  /** What stands in the body for the slice of each sliced input. */
  readonly slices: readonly Tensor[]
  /** Tensors from outside that the body uses: the same in each step. */
  readonly captured: readonly Tensor[]
  /** The state after the step. */
  readonly next: readonly Tensor[]
}

export interface ScanAttrs extends Record<string, unknown> {
  readonly steps: Steps
  /** The strongest type of its outputs. */
  readonly dtype: DType
}

/** What an output is: the last state number `carry`, or `stacked`, a tensor of the body, with all steps on axis 0. */
export type Wanted = { readonly carry: number } | { readonly stacked: Tensor }

export interface OutputAttrs extends Record<string, unknown> {
  readonly wanted: Wanted
  readonly shape: Shape
  readonly dtype: DType
}

export const scan: ScanOp = {
  kind: 'scan',
  name: 'scan',
  doc: 'A loop over time, which carries a state from step to step; its values are its outputs.',
  dtype: (_, { dtype }) => dtype as DType,
  shape: () => [],
}

export const scanOutput: OutputOp = {
  kind: 'output',
  name: 'scanOutput',
  doc: 'One value of a loop over time: the last state, or a value of each step, stacked.',
  dtype: (_, { dtype }) => dtype as DType,
  shape: (_, { shape }) => shape as Shape,
}

/** The three parts of a loop's inputs. */
export function inputsOf(loop: Tensor): { steps: Steps; inits: Tensor[]; sliced: Tensor[]; captured: Tensor[] } {
  const { steps } = loop.attrs as ScanAttrs
  const first = steps.carries.length
  const second = first + steps.slices.length
  return {
    steps,
    inits: loop.inputs.slice(0, first),
    sliced: loop.inputs.slice(first, second),
    captured: loop.inputs.slice(second),
  }
}
