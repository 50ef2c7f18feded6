/**
 * Scaled dot-product attention as a function: each query looks at all keys and takes a weighted mean of their values
 * (Vaswani et al. 2017, arXiv 1706.03762, equation 1). The layer with its projections: attention.ts.
 *
 * Masks are bool, and true means: takes part. A query that may attend to nothing gives zeros, not NaN.
 */
import { triangle } from '../create.ts'
import { fail } from '../errors.ts'
import { bernoulli } from '../random.ts'
import { broadcastShapes, type Shape, sameShape } from '../shape.ts'
import type { Tensor } from '../tensor.ts'

export interface DotProductAttentionOptions {
  /** bool, broadcasts to [...b, H, T, S]: which keys each query may attend to. */
  readonly mask?: Tensor
  /** Broadcasts to [...b, H, T, S]: is added to the scaled scores, such as relative positions. */
  readonly bias?: Tensor
  /** Query t attends to keys 0 to t only, counted from the first of each; default false. */
  readonly causal?: boolean
  /** Weights are set to 0 with this probability, and the others scaled up; default 0. Pass 0 outside training. */
  readonly dropout?: number
  /** What scores are multiplied by; default 1 / sqrt(D). */
  readonly scale?: number
}

const text = (shape: Shape): string => `[${shape.join(', ')}]`

/**
 * softmax(scale q kᵀ + bias, over the keys that take part) v.
 * q: [...b, H, T, D], k: [...b, G, S, D], v: [...b, G, S, E] → [...b, H, T, E]
 *
 * G is H, or divides it: then each H / G neighbouring heads share one of keys and values (grouped queries, Ainslie et
 * al. 2023, arXiv 2305.13245). `causal` is aligned at the first query and key, as in PyTorch. A query that may attend
 * to nothing gives zeros. Errors: shape-mismatch, shape-broadcast, dtype-mismatch, value-invalid.
 */
export function scaledDotProductAttention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  options: DotProductAttentionOptions = {},
): Tensor {
  const { dropout = 0 } = options
  if (!(dropout >= 0 && dropout < 1)) {
    fail('value-invalid', {
      what: 'scaledDotProductAttention: dropout',
      received: String(dropout),
      expected: 'at least 0, and below 1',
      fix: 'Change the option.',
    })
  }
  const weights = attentionScores(q, k, v, options).softmax(-1)
  if (dropout === 0) return weighValues(weights, v)
  return weighValues(bernoulli(weights.shape, 1 - dropout).where(weights.mul(1 / (1 - dropout)), 0), v)
}

/** The scores before softmax, -inf where a key takes no part: [...b, H, T, S]. */
export function attentionScores(q: Tensor, k: Tensor, v: Tensor, options: DotProductAttentionOptions = {}): Tensor {
  const op = 'scaledDotProductAttention'
  checkSizes(op, q, k, v)
  const { mask, bias, causal = false, scale = 1 / Math.sqrt(q.shape[q.rank - 1]) } = options
  const shape = [...q.shape.slice(0, -1), k.shape[k.rank - 2]]
  let scores = foldGroups(q.mul(scale), k).matmul(k.transpose()).reshape(shape)
  if (bias) scores = scores.add(fits(op, 'bias', bias, shape))
  if (mask && mask.dtype !== 'bool') {
    fail('dtype-mismatch', {
      op,
      received: `a mask of ${mask.dtype}`,
      expected: 'bool, true where a key takes part',
      fix: 'Compare (mask.ne(0)), or pass numbers to be added as `bias`.',
    })
  }
  if (mask) scores = fits(op, 'mask', mask, shape).where(scores, Number.NEGATIVE_INFINITY)
  if (causal) scores = triangle(q.shape[q.rank - 2], shape[shape.length - 1]).where(scores, Number.NEGATIVE_INFINITY)
  return scores
}

/** The values' mean under the weights: weights: [...b, H, T, S], v: [...b, G, S, E] → [...b, H, T, E]. */
export function weighValues(weights: Tensor, v: Tensor): Tensor {
  return foldGroups(weights, v)
    .matmul(v)
    .reshape([...weights.shape.slice(0, -1), v.shape[v.rank - 1]])
}

/** The heads that share keys become rows of one product: x: [...b, H, T, N] → [...b, G, H / G T, N]. */
function foldGroups(x: Tensor, keys: Tensor): Tensor {
  if (x.rank < 3 || x.shape[x.rank - 3] === keys.shape[x.rank - 3]) return x
  const groups = keys.shape[x.rank - 3]
  return x.reshape([
    ...x.shape.slice(0, -3),
    groups,
    (x.shape[x.rank - 3] / groups) * x.shape[x.rank - 2],
    x.shape[x.rank - 1],
  ])
}

function fits(op: string, what: string, x: Tensor, shape: Shape): Tensor {
  if (!sameShape(broadcastShapes(`${op}: ${what}`, x.shape, shape), shape)) {
    fail('shape-mismatch', {
      op,
      received: `a ${what} of ${text(x.shape)}`,
      expected: `what broadcasts to ${text(shape)}, [...b, heads, queries, keys]`,
      fix: 'Check the lengths.',
    })
  }
  return x
}

function checkSizes(op: string, q: Tensor, k: Tensor, v: Tensor): void {
  const same = q.rank >= 2 && q.rank === k.rank && q.rank === v.rank
  const last = q.rank - 1
  const fit =
    same &&
    q.shape[last] === k.shape[last] &&
    k.shape[last - 1] === v.shape[last - 1] &&
    sameShape(k.shape.slice(0, -2), v.shape.slice(0, -2)) &&
    sameShape(q.shape.slice(0, -3), k.shape.slice(0, -3)) &&
    (q.rank === 2 || (k.shape[last - 2] > 0 && q.shape[last - 2] % k.shape[last - 2] === 0))
  if (fit) return
  fail('shape-mismatch', {
    op,
    received: `queries ${text(q.shape)}, keys ${text(k.shape)} and values ${text(v.shape)}`,
    expected: '[...b, H, T, D], [...b, G, S, D] and [...b, G, S, E], G dividing H',
    fix: 'Check the heads and lengths.',
  })
}
