/**
 * Margins that are filled from the tensor itself: mirrored, repeated from the edge, or from the other side.
 *
 * x: [...s, ...I] → [...s, ...I + before + after]: the margins are those of the last axes, one pair for each. Margins
 * of a number: `pad` in movement.ts. As layers: nn/padding.ts; in convolutions: `paddingMode` of conv.ts.
 */
import { fail } from '../../errors.ts'
import type { Tensor } from '../../tensor.ts'
import { checkWhole, expandTo } from './common.ts'
import { concat, flip, narrow } from './movement.ts'

export type Margin = readonly [before: number, after: number]

/** What stands in a margin: zeros, the inside mirrored at the edge, the edge repeated, or the other side's end. */
export type PaddingMode = 'zeros' | 'reflect' | 'replicate' | 'circular'

/** How one axis is filled, and how large its margins may be. */
interface Filling {
  readonly most: (length: number) => number
  readonly limit: string
  readonly before: (x: Tensor, axis: number, length: number, margin: number) => Tensor
  readonly after: (x: Tensor, axis: number, length: number, margin: number) => Tensor
}

const mirrored: Filling = {
  most: (length) => length - 1,
  limit: 'less than the size of the axis',
  before: (x, axis, _, margin) => flip(narrow(x, axis, 1, margin + 1), axis),
  after: (x, axis, length, margin) => flip(narrow(x, axis, length - 1 - margin, length - 1), axis),
}
const repeated: Filling = {
  most: (length) => (length > 0 ? Number.POSITIVE_INFINITY : 0),
  limit: 'none on an axis without elements',
  before: (x, axis, _, margin) => edge(x, axis, 0, margin),
  after: (x, axis, length, margin) => edge(x, axis, length - 1, margin),
}
const around: Filling = {
  most: (length) => length,
  limit: 'at most the size of the axis',
  before: (x, axis, length, margin) => narrow(x, axis, length - margin, length),
  after: (x, axis, _, margin) => narrow(x, axis, 0, margin),
}

/** The element at `place` of the axis, `times` times. */
function edge(x: Tensor, axis: number, place: number, times: number): Tensor {
  return expandTo(
    narrow(x, axis, place, place + 1),
    x.shape.map((n, i) => (i === axis ? times : n)),
  )
}

function fill(op: string, x: Tensor, margins: readonly Margin[], filling: Filling): Tensor {
  const lead = x.rank - margins.length
  if (lead < 0) {
    fail('shape-mismatch', {
      op,
      received: `${margins.length} margins for [${x.shape.join(', ')}]`,
      expected: `at most ${x.rank}`,
      fix: 'Give one pair [before, after] for each of the last axes.',
    })
  }
  return margins.reduce((y, margin, i) => {
    const axis = lead + i
    const length = x.shape[axis]
    for (const n of margin) {
      if (checkWhole(`${op}: margin`, n, 0) > filling.most(length)) {
        fail('value-invalid', {
          what: `${op}: margin`,
          received: `${n} on axis ${axis} of [${x.shape.join(', ')}]`,
          expected: filling.limit,
          fix: 'Use a smaller margin or a larger input.',
        })
      }
    }
    const [before, after] = margin
    return concat(
      [
        ...(before > 0 ? [filling.before(y, axis, length, before)] : []),
        y,
        ...(after > 0 ? [filling.after(y, axis, length, after)] : []),
      ],
      axis,
    )
  }, x.current())
}

/** Margins in which the inside is mirrored at the edge, itself not repeated: [1, 2, 3] by 2 → [3, 2, 1, 2, 3, 2, 1]. */
export function reflectionPad(x: Tensor, margins: readonly Margin[]): Tensor {
  return fill('reflectionPad', x, margins, mirrored)
}

/** Margins in which the edge is repeated: [1, 2, 3] by 2 → [1, 1, 1, 2, 3, 3, 3]. */
export function replicationPad(x: Tensor, margins: readonly Margin[]): Tensor {
  return fill('replicationPad', x, margins, repeated)
}

/** Margins in which the tensor goes on from its other side: [1, 2, 3] by 2 → [2, 3, 1, 2, 3, 1, 2]. */
export function circularPad(x: Tensor, margins: readonly Margin[]): Tensor {
  return fill('circularPad', x, margins, around)
}
