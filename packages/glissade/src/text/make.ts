/** Tokenizers that need no learning beyond a list: of characters, and of whole words. Byte pairs: bpe-training.ts. */
import { fail } from '../errors.ts'
import { specialSpecs } from './spec.ts'
import { Tokenizer } from './tokenizer.ts'

export interface CharacterOptions {
  /** Tokens that stand for no text; they get the first numbers, in this order. */
  readonly specialTokens?: readonly string[]
  /** Which of the special tokens stands for characters that were not seen; without one they are left out. */
  readonly unknown?: string
}

export interface WordOptions extends CharacterOptions {
  /** At most this many tokens, the most frequent words; default all. */
  readonly size?: number
  /** Words that are rarer are unknown; default 1. */
  readonly minFrequency?: number
  /** Whether upper and lower case are one; default true. */
  readonly lowercase?: boolean
}

/** One token for each character in `texts`, in the order of Unicode. */
export function characterTokenizer(texts: Iterable<string>, options: CharacterOptions = {}): Tokenizer {
  const { specialTokens = [], unknown } = options
  const characters = new Set<string>()
  for (const text of texts) for (const character of text) characters.add(character)
  const isolated = { type: 'Split', pattern: { Regex: '[\\s\\S]' }, behavior: 'Isolated', invert: false }
  return build([...characters].sort(byCodePoint), specialTokens, unknown, null, isolated, { type: 'Fuse' })
}

/** One token for each word and sign in `texts`, the most frequent first; decoding puts a space between them. */
export function wordTokenizer(texts: Iterable<string>, options: WordOptions = {}): Tokenizer {
  const { specialTokens = [], unknown, size, minFrequency = 1, lowercase = true } = options
  const counts = new Map<string, number>()
  for (const text of texts) {
    const given = lowercase ? text.toLowerCase() : text
    for (const [word] of given.matchAll(
      /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]+|[^\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}\p{White_Space}]+/gu,
    ))
      counts.set(word, (counts.get(word) ?? 0) + 1)
  }
  const frequent = [...counts].filter(([, count]) => count >= minFrequency)
  const words = frequent.sort(([a, m], [b, n]) => n - m || byCodePoint(a, b)).map(([word]) => word)
  const room = size === undefined ? words.length : Math.max(0, size - specialTokens.length)
  const normalizer = lowercase ? { type: 'Lowercase' } : null
  return build(words.slice(0, room), specialTokens, unknown, normalizer, { type: 'Whitespace' }, null)
}

function byCodePoint(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function build(
  words: readonly string[],
  specialTokens: readonly string[],
  unknown: string | undefined,
  normalizer: object | null,
  splitter: object,
  decoder: object | null,
): Tokenizer {
  if (unknown !== undefined && !specialTokens.includes(unknown)) {
    fail('value-invalid', {
      what: 'unknown',
      received: unknown,
      expected: 'one of the special tokens',
      fix: 'Add it to specialTokens.',
    })
  }
  const tokens = [...specialTokens, ...words.filter((word) => !specialTokens.includes(word))]
  if (tokens.length === 0 || new Set(tokens).size !== tokens.length) {
    fail('value-invalid', {
      what: 'tokenizer',
      received: tokens.length === 0 ? 'texts without a character' : JSON.stringify(specialTokens),
      expected: 'at least one text, and special tokens that differ',
      fix: 'Check the texts and the special tokens.',
    })
  }
  return new Tokenizer({
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: specialSpecs(specialTokens),
    normalizer,
    pre_tokenizer: splitter,
    post_processor: null,
    decoder,
    model: {
      type: 'WordLevel',
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      // The format asks for a text; one that is no token means that unknown words are left out.
      unk_token: unknown ?? '',
    },
  })
}
