/**
 * The unigram model (Kudo 2018, arXiv 1804.10959): each piece has a log probability, and a word is cut where the sum
 * over its pieces is the largest (Viterbi's algorithm).
 */
import { byteTokens } from './bpe.ts'
import type { TokenModel } from './models.ts'
import type { Fields } from './spec.ts'

/** How much less probable than the least probable piece an unknown character is (SentencePiece's number). */
const unknownPenalty = 10

export class Unigram implements TokenModel {
  readonly vocabulary: ReadonlyMap<string, number>
  readonly #scores: Float64Array
  readonly #unknown: number | undefined
  readonly #unknownScore: number
  readonly #byteFallback: boolean
  readonly #longest: number

  constructor(spec: Fields) {
    const pieces = spec.list('vocab').map((entry) => {
      const good = Array.isArray(entry) && typeof entry[0] === 'string' && typeof entry[1] === 'number'
      return good ? (entry as [string, number]) : spec.wrong(entry, 'a piece and its log probability')
    })
    this.vocabulary = new Map(pieces.map(([piece], id) => [piece, id]))
    this.#scores = Float64Array.from(pieces, ([, score]) => score)
    const unknown = spec.raw('unk_id')
    this.#unknown = unknown === null || unknown === undefined ? undefined : spec.whole('unk_id')
    this.#unknownScore = this.#scores.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY) - unknownPenalty
    this.#byteFallback = spec.flag('byte_fallback', false)
    this.#longest = pieces.reduce((longest, [piece]) => Math.max(longest, piece.length), 1)
  }

  tokensOf(word: string): number[] {
    // best[i]: the largest sum for the first i code units, and where the last piece begins.
    const best = new Float64Array(word.length + 1).fill(Number.NEGATIVE_INFINITY)
    const start = new Int32Array(word.length + 1)
    const piece = new Int32Array(word.length + 1).fill(-1)
    best[0] = 0
    const offer = (from: number, to: number, id: number, score: number): void => {
      if (best[from] + score <= best[to]) return
      best[to] = best[from] + score
      start[to] = from
      piece[to] = id
    }
    for (let from = 0; from < word.length; ) {
      const character = from + ((word.codePointAt(from) as number) > 0xffff ? 2 : 1)
      let single = false
      for (let to = from + 1; to <= Math.min(word.length, from + this.#longest); to++) {
        const id = this.vocabulary.get(word.slice(from, to))
        if (id === undefined) continue
        single ||= to === character
        offer(from, to, id, this.#scores[id])
      }
      if (!single) offer(from, character, -1, this.#unknownScore)
      from = character
    }
    const ids: number[] = []
    let unknownEnd = -1
    const flush = (from: number): void => {
      if (unknownEnd >= 0) ids.push(...this.#unknownTokens(word.slice(from, unknownEnd)).reverse())
      unknownEnd = -1
    }
    for (let to = word.length; to > 0; to = start[to]) {
      if (piece[to] < 0 || piece[to] === this.#unknown) {
        // Neighbours that are unknown are one unknown token.
        if (unknownEnd < 0) unknownEnd = to
      } else {
        flush(to)
        ids.push(piece[to])
      }
    }
    flush(0)
    return ids.reverse()
  }

  #unknownTokens(text: string): number[] {
    const bytes = this.#byteFallback ? byteTokens(text, this.vocabulary) : undefined
    return bytes ?? (this.#unknown === undefined ? [] : [this.#unknown])
  }
}
