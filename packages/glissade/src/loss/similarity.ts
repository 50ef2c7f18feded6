/** Losses between embeddings: what belongs together near, what does not far. Margins between scores: margin.ts. */
import { fail } from '../errors.ts'
import { lengths, pairwiseDistance } from '../nn/distances.ts'
import { iota } from '../ops/derived/common.ts'
import { concat } from '../ops/derived/movement.ts'
import { sameShape } from '../shape.ts'
import type { Tensor } from '../tensor.ts'
import { crossEntropy } from './classification.ts'
import { checkNumber, checkSameShape, reduceLoss } from './reduction.ts'
import type { LossOptions } from './regression.ts'

/** Added to squared lengths, so that a vector of zeros has a direction as well as any (PyTorch's number). */
const leastSquare = 1e-12

/**
 * 1 - cos(a, b) where the target is 1, max(0, cos(a, b) - margin) where it is -1.
 * first, second: [B, D] (or [D]), target: [B] (or []) → []. `margin` is 0 by default, up to 0.5 is usual.
 */
export function cosineEmbedding(
  first: Tensor,
  second: Tensor,
  target: Tensor,
  { reduction = 'mean', margin = 0 }: LossOptions & { readonly margin?: number } = {},
): Tensor {
  checkSameShape('cosineEmbedding', first, second)
  checkPerSample('cosineEmbedding', first, target)
  checkNumber('cosineEmbedding: margin', margin, margin >= -1 && margin <= 1, '-1 to 1')
  const lengths = lengthOf(first).mul(lengthOf(second))
  const cosine = first.mul(second).sum(-1).div(lengths)
  const near = target.eq(1).where(cosine.neg().add(1), 0)
  return reduceLoss(near.add(target.eq(-1).where(cosine.sub(margin).relu(), 0)), reduction)
}

/** The root of each apart: their product would overflow sooner. */
const lengthOf = (x: Tensor): Tensor => x.square().sum(-1).add(leastSquare).sqrt()

export interface TripletOptions extends LossOptions {
  /** By how much farther the negative must be than the positive. Default 1. */
  readonly margin?: number
  /** Of the norm that distances are measured in; may be Infinity. Default 2. */
  readonly p?: number
  /** Added to each difference. Default 1e-6. */
  readonly eps?: number
  /** Measure the negative from the positive where that is nearer (Balntas et al. 2016). Default false. */
  readonly swap?: boolean
}

/**
 * max(0, |a - p| - |a - n| + margin) (Schroff et al. 2015, arXiv 1503.03832, without their squares).
 * anchor, positive, negative: [...s, D] → []
 */
export function tripletMargin(
  anchor: Tensor,
  positive: Tensor,
  negative: Tensor,
  { reduction = 'mean', margin = 1, p = 2, eps = 1e-6, swap = false }: TripletOptions = {},
): Tensor {
  checkSameShape('tripletMargin', anchor, positive)
  checkSameShape('tripletMargin', anchor, negative)
  checkNumber('tripletMargin: p', p, p > 0, 'a number above 0, or Infinity')
  checkNumber('tripletMargin: margin', margin, margin > 0, 'a number above 0')
  const distance = (a: Tensor, b: Tensor): Tensor => pairwiseDistance(a, b, { p, eps })
  const toNegative = distance(anchor, negative)
  const nearest = swap ? toNegative.minimum(distance(positive, negative)) : toNegative
  return reduceLoss(distance(anchor, positive).sub(nearest).add(margin).relu(), reduction)
}

/**
 * Pairs: D^2 / 2 of those that belong together (target 1), max(0, margin - D)^2 / 2 of those that do not (target 0),
 * D being the distance (Hadsell et al. 2006, "Dimensionality reduction by learning an invariant mapping", eq. 4, whose
 * Y is 1 - target). first, second: [B, D] (or [D]), target: [B] (or []) → []
 */
export function contrastive(
  first: Tensor,
  second: Tensor,
  target: Tensor,
  { reduction = 'mean', margin = 1 }: LossOptions & { readonly margin?: number } = {},
): Tensor {
  checkSameShape('contrastive', first, second)
  checkPerSample('contrastive', first, target)
  const difference = first.sub(second)
  const near = difference.square().sum(-1)
  const far = lengths(difference, 2, -1).squeeze(-1).neg().add(margin).relu().square()
  return reduceLoss(target.mul(near).add(target.neg().add(1).mul(far)).mul(0.5), reduction)
}

export interface InfoNceOptions extends LossOptions {
  /** Similarities are divided by this: the smaller, the more the nearest counts. Defaults: see each loss. */
  readonly temperature?: number
}

/**
 * For each query its key among all keys, by cosine similarity (van den Oord et al. 2018, arXiv 1807.03748): the
 * cross-entropy of similarities / temperature (0.07 by default) with the diagonal. query, key: [B, D] → []
 *
 * `symmetric` is the mean of this and of each key's query among all queries, as in CLIP (Radford et al. 2021).
 */
export function infoNce(
  query: Tensor,
  key: Tensor,
  options: InfoNceOptions & { readonly symmetric?: boolean } = {},
): Tensor {
  const { reduction = 'mean', temperature = 0.07, symmetric = false } = options
  checkPairs('infoNce', query, key, temperature)
  const logits = unit(query).matmul(unit(key).transpose()).div(temperature)
  const own = iota([query.shape[0]], 0)
  const forth = crossEntropy(logits, own, { reduction })
  return symmetric ? forth.add(crossEntropy(logits.transpose(), own, { reduction })).div(2) : forth
}

/**
 * SimCLR's loss: for each of 2B views the other view of the same sample among all other views (Chen et al. 2020, arXiv
 * 2002.05709, eq. 1). first, second: [B, D], two views of each sample → []; with 'none' [2B]. The temperature is 0.5
 * by default.
 */
export function ntXent(
  first: Tensor,
  second: Tensor,
  { reduction = 'mean', temperature = 0.5 }: InfoNceOptions = {},
): Tensor {
  checkPairs('ntXent', first, second, temperature)
  const [samples] = first.shape
  const views = unit(concat([first, second]))
  const all = [2 * samples, 2 * samples]
  const self = iota(all, 0).eq(iota(all, 1))
  const logits = self.where(Number.NEGATIVE_INFINITY, views.matmul(views.transpose()).div(temperature))
  const other = iota([2 * samples], 0)
    .add(samples)
    .mod(2 * samples)
  return crossEntropy(logits, other, { reduction })
}

/** Vectors of length 1. */
const unit = (x: Tensor): Tensor => x.div(lengthOf(x).unsqueeze(-1))

function checkPairs(op: string, first: Tensor, second: Tensor, temperature: number): void {
  checkSameShape(op, first, second)
  checkNumber(`${op}: temperature`, temperature, temperature > 0, 'a number above 0')
  if (first.rank === 2) return
  fail('shape-mismatch', {
    op,
    received: `embeddings [${first.shape.join(', ')}]`,
    expected: '[B, D], one embedding for each sample',
    fix: 'Flatten them.',
  })
}

function checkPerSample(op: string, x: Tensor, target: Tensor): void {
  if (x.rank > 0 && sameShape(target.shape, x.shape.slice(0, -1))) return
  fail('shape-mismatch', {
    op,
    received: `embeddings [${x.shape.join(', ')}] and a target [${target.shape.join(', ')}]`,
    expected: x.rank > 0 ? `a target [${x.shape.slice(0, -1).join(', ')}]` : 'embeddings [B, D]',
    fix: 'Give one target for each pair.',
  })
}
