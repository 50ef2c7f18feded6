/**
 * Ops that pass their first input on unchanged and differ in how gradients flow, or in when things are
 * computed. They cost nothing in a compiled program.
 */
import type { Tensor } from '../tensor.ts'
import type { WrapOp } from './op.ts'

const first: Pick<WrapOp, 'dtype' | 'shape'> = { dtype: ([dtype]) => dtype, shape: ([shape]) => shape }

export const stopGradient: WrapOp = {
  ...first,
  kind: 'wrap',
  name: 'stopGradient',
  doc: 'The same value, which no gradient passes.',
  gradient: () => [undefined],
}

/** `attrs.rule(g)` gives the gradients of the inputs after the first. */
export const customGradient: WrapOp = {
  ...first,
  kind: 'wrap',
  name: 'customGradient',
  doc: 'The same value, with a gradient rule of the user’s own.',
  gradient: (g, { attrs }) => [undefined, ...(attrs.rule as (g: Tensor) => readonly (Tensor | undefined)[])(g)],
}

export const barrier: WrapOp = {
  ...first,
  kind: 'wrap',
  name: 'barrier',
  doc: 'The same value, not to be computed before the other inputs are there.',
  barrier: true,
  gradient: (g) => [g],
}

/** `attrs.recompute(g)` builds the first input once more; the reverse walk goes on from there. */
export const checkpoint: WrapOp = {
  ...first,
  kind: 'wrap',
  name: 'checkpoint',
  doc: 'The same value, whose way of coming about is forgotten and computed again for the gradient.',
}
