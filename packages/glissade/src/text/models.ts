/**
 * The third step of a tokenizer: the tokens of one word. Whole words, word pieces, merged pairs (bpe.ts), or the most
 * probable pieces (unigram.ts). Before it: split.ts; after it: special.ts.
 */
import { Bpe } from './bpe.ts'
import type { Fields } from './spec.ts'
import { Unigram } from './unigram.ts'

export interface TokenModel {
  /** Tokens and their numbers. */
  readonly vocabulary: ReadonlyMap<string, number>
  /** The numbers of the tokens of one word. */
  tokensOf(word: string): number[]
}

export function modelOf(spec: Fields): TokenModel {
  switch (spec.type) {
    case 'WordLevel':
      return wordLevel(spec)
    case 'WordPiece':
      return wordPiece(spec)
    case 'Unigram':
      return new Unigram(spec)
    case 'BPE':
      return new Bpe(spec)
    default:
      // Old files leave the type out of a model that is told by its fields.
      if (spec.type === '' && spec.raw('merges') !== undefined) return new Bpe(spec)
      return spec.wrong(spec.type, 'a model of the kinds BPE, Unigram, WordPiece, WordLevel')
  }
}

function wordLevel(spec: Fields): TokenModel {
  const vocabulary = spec.vocabulary('vocab')
  const unknown = vocabulary.get(spec.text('unk_token'))
  return {
    vocabulary,
    tokensOf(word) {
      const id = vocabulary.get(word) ?? unknown
      return id === undefined ? [] : [id]
    },
  }
}

/** The longest piece of the vocabulary first, then the longest continuation (Wu et al. 2016, arXiv 1609.08144). */
function wordPiece(spec: Fields): TokenModel {
  const vocabulary = spec.vocabulary('vocab')
  const unknownToken = spec.text('unk_token')
  const unknown = vocabulary.get(unknownToken) ?? spec.wrong(unknownToken, 'an unk_token of the vocabulary')
  const continuing = spec.text('continuing_subword_prefix', '##')
  const longest = spec.whole('max_input_chars_per_word', 100)
  return {
    vocabulary,
    tokensOf(word) {
      const characters = Array.from(word)
      if (characters.length > longest) return [unknown]
      const ids: number[] = []
      for (let from = 0; from < characters.length; ) {
        let to = characters.length
        let id: number | undefined
        for (; to > from; to--) {
          id = vocabulary.get((from > 0 ? continuing : '') + characters.slice(from, to).join(''))
          if (id !== undefined) break
        }
        if (id === undefined) return [unknown]
        ids.push(id)
        from = to
      }
      return ids
    },
  }
}
