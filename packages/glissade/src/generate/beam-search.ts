/**
 * Beam search: of all texts it follows the likeliest few at once, and gives the best that it finds. Drawing tokens by
 * chance instead: generate.ts.
 *
 * At each step every beam is continued by every token; the best 2 beams (more with several stop tokens) are looked at in
 * order: those that end with a stop token among the first `beams` are ended texts, the others become the next beams, as
 * in Hugging Face's search. An ended text of n new tokens, its stop token counted, has the score
 *
 *   log-probability / n^lengthPenalty            ('mean')
 *   log-probability / ((5 + n) / 6)^lengthPenalty  ('gnmt')
 *
 * A search ends when no beam could still become better than the worst of `beams` ended texts.
 */
import { fail } from '../errors.ts'
import type { Scores } from './decoding.ts'
import type { Generated } from './generate.ts'
import type { GenerateOptions, Request } from './request.ts'
import { logSoftmaxOf, penalizeRepetition } from './sampling.ts'

interface Beam {
  /** The row that it goes on from. */
  readonly row: number
  readonly tokens: readonly number[]
  /** The sum of log-probabilities. */
  readonly sum: number
}

interface Ended extends Beam {
  readonly score: number
  readonly finish: 'stop' | 'length' | 'signal'
}

/** The search of one prompt. */
interface Search {
  readonly prompt: readonly number[]
  /** The most new tokens. */
  readonly most: number
  beams: Beam[]
  ended: Ended[]
  done: boolean
}

/** What the sum of log-probabilities of a text of `length` new tokens is divided by. */
function lengthPenaltyOf(length: number, options: GenerateOptions): number {
  const { lengthPenalty = 1, lengthFormula = 'mean' } = options
  return (lengthFormula === 'gnmt' ? (5 + length) / 6 : length) ** lengthPenalty
}

/** The best text of each prompt, with the others that were found. */
export async function searchBeams(request: Request): Promise<Generated[]> {
  const { texts, maxTokens, options } = request
  const { beams: width = 1, signal, tokenizer } = options
  const decoding = await request.open(width)
  try {
    const searches = texts.map(
      (prompt, i): Search => ({
        prompt,
        most: Math.min(maxTokens, decoding.limit - prompt.length + 1),
        beams: [{ row: i * width, tokens: [], sum: 0 }],
        ended: [],
        done: false,
      }),
    )
    let scores = await decoding.begin(texts.flatMap((text) => new Array<readonly number[]>(width).fill(text)))
    for (;;) {
      for (const search of searches) if (!search.done) advance(search, scores, request, width)
      if (signal?.aborted) for (const search of searches) if (!search.done) endAll(search, options, width, 'signal')
      if (searches.every(({ done }) => done)) break
      const from = Int32Array.from({ length: texts.length * width }, (_, row) => row)
      const tokens = new Int32Array(from.length)
      for (const [i, { beams, done }] of searches.entries()) {
        if (done) continue
        for (const [place, beam] of beams.entries()) {
          from[i * width + place] = beam.row
          tokens[i * width + place] = beam.tokens[beam.tokens.length - 1]
        }
        searches[i].beams = beams.map((beam, place) => ({ ...beam, row: i * width + place }))
      }
      await decoding.reorder(from)
      scores = await decoding.next(tokens)
    }
    return searches.map(({ ended }): Generated => {
      const [best, ...others] = ended.map(
        ({ tokens, sum, score, finish }): Generated => ({
          tokens,
          finish,
          logProbability: sum,
          score,
          ...(tokenizer && { text: tokenizer.decode(tokens) }),
        }),
      )
      return { ...best, alternatives: others }
    })
  } finally {
    decoding.end()
  }
}

/** One step of one search. */
function advance(search: Search, scores: Scores, { stops, options }: Request, width: number): void {
  const { prompt, most } = search
  const length = search.beams[0].tokens.length + 1
  const wanted = width * Math.max(2, 1 + stops.size)
  const candidates = bestOf(
    search.beams.map(({ row, tokens }) =>
      logProbabilitiesOf(scores, row, [...prompt, ...tokens], tokens, stops, options),
    ),
    search.beams.map(({ sum }) => sum),
    wanted,
  )
  const next: Beam[] = []
  for (const [rank, { beam, token, sum }] of candidates.entries()) {
    const { row, tokens } = search.beams[beam]
    if (!stops.has(token)) {
      if (next.length < width) next.push({ row, tokens: [...tokens, token], sum })
    } else if (rank < width) {
      search.ended.push({ row, tokens, sum, score: sum / lengthPenaltyOf(length, options), finish: 'stop' })
    }
  }
  search.beams = next
  keepBest(search, width)
  if (next.length === 0) search.done = true
  else if (length === most) endAll(search, options, width, 'length')
  else if (search.ended.length >= width) {
    // A longer text has a lower sum; which length divides it best depends on the sign of the power.
    const sum = next[0].sum
    const best = Math.max(sum / lengthPenaltyOf(length + 1, options), sum / lengthPenaltyOf(most, options))
    search.done = options.earlyStopping === true || best <= search.ended[width - 1].score
  }
}

function endAll(search: Search, options: GenerateOptions, width: number, finish: 'length' | 'signal'): void {
  for (const beam of search.beams) {
    search.ended.push({ ...beam, score: beam.sum / lengthPenaltyOf(beam.tokens.length, options), finish })
  }
  keepBest(search, width)
  search.done = true
}

function keepBest(search: Search, width: number): void {
  search.ended = search.ended.sort((a, b) => b.score - a.score).slice(0, width)
}

function logProbabilitiesOf(
  { data, vocab }: Scores,
  row: number,
  tokens: readonly number[],
  fresh: readonly number[],
  stops: ReadonlySet<number>,
  { adjust, repetitionPenalty = 1, minTokens = 0 }: GenerateOptions,
): Float64Array {
  const found = logSoftmaxOf(Float64Array.from({ length: vocab }, (_, i) => data[row * vocab + i]))
  if (Number.isNaN(found[0])) {
    fail('value-invalid', {
      what: 'generate: scores',
      received: 'NaN, or minus infinity for all tokens',
      expected: 'numbers',
      fix: 'Check the model’s weights; training may have diverged.',
    })
  }
  adjust?.(found, tokens)
  penalizeRepetition(found, tokens, repetitionPenalty)
  if (fresh.length < minTokens) for (const stop of stops) found[stop] = Number.NEGATIVE_INFINITY
  return found
}

interface Candidate {
  readonly beam: number
  readonly token: number
  readonly sum: number
}

/** The `count` likeliest continuations of all beams, best first; of equals the earlier beam, then the lower token. */
function bestOf(rows: readonly Float64Array[], sums: readonly number[], count: number): Candidate[] {
  const best: Candidate[] = []
  for (const [beam, row] of rows.entries()) {
    for (let token = 0; token < row.length; token++) {
      const sum = sums[beam] + row[token]
      if (sum === Number.NEGATIVE_INFINITY) continue
      if (best.length === count && sum <= best[count - 1].sum) continue
      let place = best.length
      while (place > 0 && best[place - 1].sum < sum) place--
      best.splice(place, 0, { beam, token, sum })
      if (best.length > count) best.pop()
    }
  }
  return best
}
