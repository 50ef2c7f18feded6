/**
 * Byte-pair encoding (Sennrich et al. 2016, arXiv 1508.07909): a word's characters are merged, pair by pair, in the
 * order in which the merges were learned. How they are learned: bpe-training.ts.
 */

import { Heap } from '../heap.ts'
import { utf8 } from './bytes.ts'
import type { TokenModel } from './models.ts'
import type { Fields } from './spec.ts'

/** Words that are remembered with their tokens; texts repeat most of their words. */
const remembered = 10_000
/** Longer words are rare, and would fill the memory with their tokens. */
const longestRemembered = 64

interface Merge {
  readonly rank: number
  readonly id: number
}

export class Bpe implements TokenModel {
  readonly vocabulary: ReadonlyMap<string, number>
  /** By the numbers of both tokens. */
  readonly #merges = new Map<number, Map<number, Merge>>()
  readonly #unknown: number | undefined
  readonly #fuseUnknown: boolean
  readonly #byteFallback: boolean
  readonly #wholeWords: boolean
  readonly #prefix: string
  readonly #suffix: string
  readonly #known = new Map<string, number[]>()

  constructor(spec: Fields) {
    this.vocabulary = spec.vocabulary('vocab')
    this.#prefix = spec.maybeText('continuing_subword_prefix') ?? ''
    this.#suffix = spec.maybeText('end_of_word_suffix') ?? ''
    const unknown = spec.maybeText('unk_token')
    this.#unknown = unknown === undefined ? undefined : this.vocabulary.get(unknown)
    this.#fuseUnknown = spec.flag('fuse_unk', false)
    this.#byteFallback = spec.flag('byte_fallback', false)
    this.#wholeWords = spec.flag('ignore_merges', false)
    spec.list('merges').forEach((merge, rank) => {
      const pair = typeof merge === 'string' ? merge.split(' ') : merge
      if (!Array.isArray(pair) || pair.length !== 2 || pair.some((token) => typeof token !== 'string'))
        spec.wrong(merge, 'two tokens in each merge')
      const [left, right] = pair as [string, string]
      const joined = left + (right.startsWith(this.#prefix) ? right.slice(this.#prefix.length) : right)
      const [a, b, id] = [left, right, joined].map(
        (token) => this.vocabulary.get(token) ?? spec.wrong(token, 'merges of tokens that are in the vocabulary'),
      )
      const row = this.#merges.get(a) ?? new Map<number, Merge>()
      this.#merges.set(a, row)
      row.set(b, { rank, id })
    })
  }

  tokensOf(word: string): number[] {
    if (word === '') return []
    let ids = this.#known.get(word)
    if (ids) return ids
    const whole = this.#wholeWords ? this.vocabulary.get(word) : undefined
    ids = whole === undefined ? this.#merge(this.#start(word)) : [whole]
    if (word.length <= longestRemembered) {
      if (this.#known.size >= remembered) this.#known.clear()
      this.#known.set(word, ids)
    }
    return ids
  }

  /** The tokens of single characters. */
  #start(word: string): number[] {
    const characters = Array.from(word)
    const ids: number[] = []
    let unknownBefore = false
    characters.forEach((character, i) => {
      const token = (i > 0 ? this.#prefix : '') + character + (i === characters.length - 1 ? this.#suffix : '')
      const id = this.vocabulary.get(token)
      if (id !== undefined) {
        ids.push(id)
        unknownBefore = false
        return
      }
      const bytes = this.#byteFallback ? byteTokens(token, this.vocabulary) : undefined
      if (bytes) {
        ids.push(...bytes)
        unknownBefore = false
      } else if (this.#unknown !== undefined) {
        if (!(this.#fuseUnknown && unknownBefore)) ids.push(this.#unknown)
        unknownBefore = true
      }
    })
    return ids
  }

  /** Always the merge that was learned first, and of equal ones the leftmost. */
  #merge(ids: number[]): number[] {
    // A linked list of the tokens; a token that was merged into its left neighbour is marked by -1.
    const next = ids.map((_, i) => i + 1)
    const before = ids.map((_, i) => i - 1)
    const open = new Heap<{ rank: number; at: number; id: number }>((a, b) => a.rank - b.rank || a.at - b.at)
    const offer = (at: number): void => {
      if (at < 0 || next[at] >= ids.length) return
      const merge = this.#merges.get(ids[at])?.get(ids[next[at]])
      if (merge) open.push({ ...merge, at })
    }
    for (let at = 0; at + 1 < ids.length; at++) offer(at)
    for (let best = open.pop(); best; best = open.pop()) {
      const { at, id } = best
      const right = next[at]
      // The pair may have changed since it was offered.
      if (ids[at] < 0 || right >= ids.length || this.#merges.get(ids[at])?.get(ids[right])?.id !== id) continue
      ids[at] = id
      ids[right] = -1
      next[at] = next[right]
      if (next[at] < ids.length) before[next[at]] = at
      offer(before[at])
      offer(at)
    }
    return ids.filter((id) => id >= 0)
  }
}

/** The tokens <0x00> to <0xFF> of a text's bytes, if the vocabulary has them all. */
export function byteTokens(text: string, vocabulary: ReadonlyMap<string, number>): number[] | undefined {
  const ids = Array.from(utf8(text), (byte) =>
    vocabulary.get(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`),
  )
  return ids.every((id) => id !== undefined) ? (ids as number[]) : undefined
}
