/**
 * From scores to a token: which tokens are left in, with what probability, and which of them is drawn. All in float64
 * on the host, one row at a time. Who calls it for text: generate.ts; search instead of chance: beam-search.ts.
 */
import { fail } from '../errors.ts'
import { threefry } from '../ops/leaf.ts'

export interface SamplingOptions {
  /** Scores are divided by it: below 1 likely tokens become likelier. 0 always takes the likeliest. Default 1. */
  readonly temperature?: number
  /** Only this many likeliest tokens are left in, and those that tie with the last; default 0, all. */
  readonly topK?: number
  /** Only the fewest likeliest tokens whose probabilities add up to this are left in; default 1, all. */
  readonly topP?: number
  /** Only tokens of at least this share of the likeliest one's probability are left in; default 0, all. */
  readonly minP?: number
  /** Above 1, tokens that the text already has are made less likely; default 1. */
  readonly repetitionPenalty?: number
  /** Changes scores in place before anything else, given the tokens so far, prompt included. */
  readonly adjust?: (scores: Float64Array, tokens: readonly number[]) => void
}

/** Refuses options that make no sense. */
export function checkSampling(options: SamplingOptions): void {
  const { temperature = 1, topK = 0, topP = 1, minP = 0, repetitionPenalty = 1 } = options
  const check = (what: string, value: number, fits: boolean, expected: string): void => {
    if (fits) return
    fail('value-invalid', { what: `generate: ${what}`, received: String(value), expected, fix: 'Change the option.' })
  }
  check('temperature', temperature, temperature >= 0 && temperature < Number.POSITIVE_INFINITY, 'a number from 0')
  check('topK', topK, Number.isInteger(topK) && topK >= 0, 'a whole number, 0 for all tokens')
  check('topP', topP, topP >= 0 && topP <= 1, '0 to 1')
  check('minP', minP, minP >= 0 && minP <= 1, '0 to 1')
  check('repetitionPenalty', repetitionPenalty, repetitionPenalty > 0, 'a number above 0, 1 for none')
}

/** The logarithms of the probabilities that scores stand for. */
export function logSoftmaxOf(scores: ArrayLike<number>): Float64Array {
  let largest = Number.NEGATIVE_INFINITY
  for (let i = 0; i < scores.length; i++) if (scores[i] > largest) largest = scores[i]
  let sum = 0
  for (let i = 0; i < scores.length; i++) sum += Math.exp(scores[i] - largest)
  const shift = largest + Math.log(sum)
  return Float64Array.from(scores, (score) => score - shift)
}

/**
 * Divides positive scores of tokens that were used by `penalty`, and multiplies negative ones (Keskar et al. 2019, CTRL,
 * arXiv 1909.05858, section 4.1, as Hugging Face mends it for negative scores). In place, once for each token.
 */
export function penalizeRepetition(scores: Float64Array, tokens: readonly number[], penalty: number): void {
  if (penalty === 1) return
  for (const token of new Set(tokens)) {
    if (token < scores.length) scores[token] = scores[token] < 0 ? scores[token] * penalty : scores[token] / penalty
  }
}

/**
 * The probabilities that a token is drawn with, adding up to 1. The order is that of Hugging Face: `adjust`, repetition,
 * temperature, topK, topP, minP; each filter sees what the one before left in. `tokens` are those so far.
 */
export function samplingProbabilities(
  scores: ArrayLike<number>,
  options: SamplingOptions = {},
  tokens: readonly number[] = [],
): Float64Array {
  const { temperature = 1, topK = 0, topP = 1, minP = 0, repetitionPenalty = 1, adjust } = options
  const changed = Float64Array.from(scores)
  adjust?.(changed, tokens)
  penalizeRepetition(changed, tokens, repetitionPenalty)
  if (temperature === 0) {
    const greedy = new Float64Array(changed.length)
    greedy[likeliest(changed)] = 1
    return greedy
  }
  const scaled = changed.map((score) => score / temperature)
  if (topK > 0 && topK < scaled.length) {
    const least = Float64Array.from(scaled).sort()[scaled.length - topK]
    for (let i = 0; i < scaled.length; i++) if (scaled[i] < least) scaled[i] = Number.NEGATIVE_INFINITY
  }
  let probabilities: Float64Array = logSoftmaxOf(scaled).map(Math.exp)
  if (topP < 1) probabilities = normalized(keepTop(probabilities, topP))
  if (minP > 0) {
    const least = minP * probabilities.reduce((a, b) => Math.max(a, b), 0)
    probabilities = normalized(probabilities.map((p) => (p < least ? 0 : p)))
  }
  return probabilities
}

/** Tokens in falling order are kept as long as those before them add up to less than `topP`; the first always. */
function keepTop(probabilities: Float64Array, topP: number): Float64Array {
  const order = Uint32Array.from(probabilities, (_, i) => i).sort(
    (a, b) => probabilities[b] - probabilities[a] || a - b,
  )
  const kept = new Float64Array(probabilities.length)
  let before = 0
  for (const [i, token] of order.entries()) {
    if (i > 0 && before >= topP) break
    kept[token] = probabilities[token]
    before += probabilities[token]
  }
  return kept
}

function normalized(weights: Float64Array): Float64Array {
  const sum = weights.reduce((a, b) => a + b, 0)
  return weights.map((weight) => weight / sum)
}

/** The first place of the largest number. */
export function likeliest(scores: ArrayLike<number>): number {
  let best = 0
  for (let i = 1; i < scores.length; i++) if (scores[i] > scores[best]) best = i
  return best
}

/** The token at which the running sum of probabilities first exceeds `at`, a number from 0 to below 1. */
export function tokenAt(probabilities: ArrayLike<number>, at: number): number {
  let sum = 0
  let last = 0
  for (let token = 0; token < probabilities.length; token++) {
    if (probabilities[token] === 0) continue
    sum += probabilities[token]
    last = token
    if (sum > at) return token
  }
  // The sum may fall short of 1 by rounding.
  return last
}

/** A number from 0 to below 1 for each seed, row and step, the same on every machine. 53 bits of Threefry. */
export function drawFor(seed: number, row: number, step: number): number {
  const [high, low] = threefry(seed, row, step, 0)
  return ((high >>> 5) * 2 ** 26 + (low >>> 6)) / 2 ** 53
}
