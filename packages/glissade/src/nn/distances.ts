/**
 * Lengths of vectors, and what is measured with them: normalized vectors, distances, cosines. As functions, part of
 * functional.ts. The losses between embeddings: loss/similarity.ts.
 */
import { fail } from '../errors.ts'
import { normalizeAxis } from '../shape.ts'
import type { Tensor } from '../tensor.ts'

/** The p-norm along an axis, which stays with size 1; its gradient is 0 where it is 0. x: [..., N, ...] → [..., 1, ...] */
export function lengths(x: Tensor, p: number, axis: number): Tensor {
  const size = x.abs()
  if (p === Number.POSITIVE_INFINITY) return size.max(axis, { keepDims: true })
  if (p === 1) return size.sum(axis, { keepDims: true })
  const total = (p === 2 ? x.square() : size.pow(p)).sum(axis, { keepDims: true })
  const none = total.eq(0)
  const known = none.where(1, total)
  return none.where(0, p === 2 ? known.sqrt() : known.pow(1 / p))
}

export interface NormalizeOptions {
  /** Of the norm; may be Infinity. Default 2. */
  readonly p?: number
  /** The axis of the vectors' elements; default 1, as in PyTorch. */
  readonly axis?: number
  /** The least length that is divided by; default 1e-12. */
  readonly eps?: number
}

/** Vectors of length 1, which have the direction of those of x; of zeros it is zeros. x: [..., N, ...] → the same */
export function normalize(x: Tensor, { p = 2, axis = 1, eps = 1e-12 }: NormalizeOptions = {}): Tensor {
  checkAbove0('normalize: p', p)
  return x.div(lengths(x, p, normalizeAxis('normalize', axis, x.rank)).maximum(eps))
}

export interface CosineOptions {
  /** The axis of the vectors' elements, which goes away; default 1, as in PyTorch. */
  readonly axis?: number
  /** The least length that is divided by; default 1e-8. */
  readonly eps?: number
}

/** a · b / (|a| |b|): how far two vectors point the same way, -1 to 1. a, b: [..., N, ...] (or broadcast) → [..., ...] */
export function cosineSimilarity(a: Tensor, b: Tensor, { axis = 1, eps = 1e-8 }: CosineOptions = {}): Tensor {
  const { shape, rank } = a.mul(b)
  const at = normalizeAxis('cosineSimilarity', axis, rank)
  // The least length has the gradient that the length itself has, as in PyTorch.
  const unit = (x: Tensor): Tensor => {
    const length = lengths(x, 2, at)
    return x.div(length.add(length.maximum(eps).sub(length).stopGradient()))
  }
  return unit(a.expand(shape))
    .mul(unit(b.expand(shape)))
    .sum(at)
}

export interface DistanceOptions {
  /** Of the norm; may be Infinity. Default 2. */
  readonly p?: number
  /** Added to each difference; default 1e-6. */
  readonly eps?: number
  /** Whether the last axis stays, with size 1; default false. */
  readonly keepDims?: boolean
}

/** |a - b + eps| along the last axis. a, b: [...s, N] (or broadcast) → [...s] */
export function pairwiseDistance(
  a: Tensor,
  b: Tensor,
  { p = 2, eps = 1e-6, keepDims = false }: DistanceOptions = {},
): Tensor {
  checkAbove0('pairwiseDistance: p', p)
  const difference = a.sub(b).add(eps)
  const last = normalizeAxis('pairwiseDistance', -1, difference.rank)
  const distance = lengths(difference, p, last)
  return keepDims ? distance : distance.squeeze(last)
}

function checkAbove0(what: string, p: number): void {
  if (p > 0) return
  fail('value-invalid', {
    what,
    received: String(p),
    expected: 'a number above 0, or Infinity',
    fix: 'Change the option.',
  })
}
