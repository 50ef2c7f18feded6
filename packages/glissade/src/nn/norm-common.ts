/** What the norms share: checks of their options and inputs, and numbers laid along the channels. */
import { fail } from '../errors.ts'
import type { Tensor } from '../tensor.ts'

/** Refuses an eps that is not a small number of at least 0. */
export function checkEps(kind: string, eps: number): number {
  if (Number.isFinite(eps) && eps >= 0) return eps
  return fail('value-invalid', {
    what: `${kind}: eps`,
    received: String(eps),
    expected: 'a finite number of at least 0',
    fix: 'Check the option.',
  })
}

/** Refuses an input that does not have `channels` on axis 1, or whose number of axes is not among `ranks`. */
export function checkChannels(kind: string, x: Tensor, channels: number, ranks?: readonly number[]): void {
  const fits = ranks ? ranks.includes(x.rank) : x.rank >= 2
  if (fits && x.shape[1] === channels) return
  fail('shape-mismatch', {
    op: kind,
    received: `[${x.shape.join(', ')}]`,
    expected: `[B, ${channels}, …] with ${ranks ? ranks.join(' or ') : '2 or more'} axes`,
    fix: 'Check the channels of the layer before, and the number of axes.',
  })
}

/** v: [C] → [C, ...1], which broadcasts over x: [B, C, ...s]. */
export function overChannels(v: Tensor, x: Tensor): Tensor {
  return v.reshape([v.size, ...x.shape.slice(2).map(() => 1)])
}

/** Mean 0 and variance 1 over the given axes. */
export function standardize(x: Tensor, axes: readonly number[], eps: number): Tensor {
  const distance = x.sub(x.mean(axes, { keepDims: true }))
  return distance.mul(distance.square().mean(axes, { keepDims: true }).add(eps).rsqrt())
}
