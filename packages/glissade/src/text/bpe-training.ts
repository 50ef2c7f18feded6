/**
 * Learning byte-pair encoding from texts (Sennrich et al. 2016, arXiv 1508.07909): the pair of neighbours that is the
 * most frequent becomes a token, over and over. Of equally frequent pairs the one with the smaller numbers is taken,
 * as in the Hugging Face library, which therefore learns the same from the same words. Using it: bpe.ts.
 */
import { fail } from '../errors.ts'
import { Heap } from '../heap.ts'
import { checkWhole } from '../ops/derived/common.ts'
import { byteAlphabet } from './bytes.ts'
import { Fields, specialSpecs } from './spec.ts'
import { splitterOf } from './split.ts'
import { Tokenizer } from './tokenizer.ts'

export interface BpeOptions {
  /** How many tokens to have in the end, special ones and the 256 of single bytes among them. */
  readonly size: number
  /** Pairs that are less frequent are not merged; default 2. */
  readonly minFrequency?: number
  /** Tokens that stand for no text, such as `<|endoftext|>`; they get the first numbers. */
  readonly specialTokens?: readonly string[]
  /** Whether a text is encoded as if a space stood before it; default false. */
  readonly addPrefixSpace?: boolean
  /** Called with the number of tokens so far and that aimed at. */
  readonly progress?: (done: number, total: number) => void
}

/**
 * A tokenizer that knows every text (its smallest tokens are bytes, as in GPT-2) and writes what is frequent in
 * `texts` with few tokens. Errors: `value-invalid`.
 */
export function trainBpe(texts: Iterable<string>, options: BpeOptions): Tokenizer {
  const { minFrequency = 2, specialTokens = [], addPrefixSpace = false, progress } = options
  const least = specialTokens.length + byteAlphabet.length
  const size = checkWhole('trainBpe: size', options.size, least)
  if (new Set(specialTokens).size !== specialTokens.length || specialTokens.includes('')) {
    fail('value-invalid', {
      what: 'trainBpe: specialTokens',
      received: JSON.stringify(specialTokens),
      expected: 'different texts, none of them empty',
      fix: 'Name each token once.',
    })
  }
  const splitter = { type: 'ByteLevel', add_prefix_space: addPrefixSpace, trim_offsets: true, use_regex: true }
  const tokens = [...specialTokens, ...byteAlphabet]
  const numbers = new Map(tokens.map((token, id) => [token, id]))
  const words = countWords(texts, splitterOf(new Fields(splitter, 'splitter', 'trainBpe')), numbers)
  const merges = learn(words, tokens, numbers, size, checkWhole('trainBpe: minFrequency', minFrequency, 0), progress)
  return new Tokenizer({
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: specialSpecs(specialTokens),
    normalizer: null,
    pre_tokenizer: splitter,
    post_processor: null,
    decoder: splitter,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(numbers),
      merges,
    },
  })
}

interface Word {
  ids: number[]
  readonly count: number
}

function countWords(
  texts: Iterable<string>,
  split: ReturnType<typeof splitterOf>,
  numbers: ReadonlyMap<string, number>,
): Word[] {
  const counts = new Map<string, number>()
  for (const text of texts)
    for (const piece of split({ text, first: true })) counts.set(piece.text, (counts.get(piece.text) ?? 0) + 1)
  return [...counts].map(([word, count]) => ({
    ids: Array.from(word, (character) => numbers.get(character) as number),
    count,
  }))
}

/** Numbers of tokens stay below this, so that two of them fit into one exact number. */
const shift = 2 ** 24
const pairOf = (a: number, b: number): number => a * shift + b

/** Merges until there are `size` tokens or no pair is frequent; adds to `tokens` and `numbers`. */
function learn(
  words: Word[],
  tokens: string[],
  numbers: Map<string, number>,
  size: number,
  minFrequency: number,
  progress: BpeOptions['progress'],
): [string, string][] {
  const counts = new Map<number, number>()
  const places = new Map<number, Set<Word>>()
  const note = (word: Word, sign: 1 | -1, touched?: Set<number>): void => {
    for (let i = 0; i + 1 < word.ids.length; i++) {
      const pair = pairOf(word.ids[i], word.ids[i + 1])
      counts.set(pair, (counts.get(pair) ?? 0) + sign * word.count)
      if (sign < 0) continue
      touched?.add(pair)
      const where = places.get(pair)
      if (where) where.add(word)
      else places.set(pair, new Set([word]))
    }
  }
  for (const word of words) note(word, 1)
  const open = new Heap<{ pair: number; count: number }>((a, b) => b.count - a.count || a.pair - b.pair)
  for (const [pair, count] of counts) open.push({ pair, count })
  const merges: [string, string][] = []
  while (tokens.length < size) {
    const best = open.pop()
    if (!best) break
    const count = counts.get(best.pair) ?? 0
    if (count !== best.count) {
      // It has become rarer since it was noted.
      if (count > 0) open.push({ pair: best.pair, count })
      continue
    }
    if (count < Math.max(1, minFrequency)) break
    const [a, b] = [Math.floor(best.pair / shift), best.pair % shift]
    const token = tokens[a] + tokens[b]
    let id = numbers.get(token)
    if (id === undefined) {
      id = tokens.push(token) - 1
      numbers.set(token, id)
    }
    merges.push([tokens[a], tokens[b]])
    const touched = new Set<number>()
    for (const word of places.get(best.pair) ?? []) {
      note(word, -1)
      word.ids = merged(word.ids, a, b, id)
      note(word, 1, touched)
    }
    places.delete(best.pair)
    counts.delete(best.pair)
    for (const pair of touched)
      if (pair % shift === id || Math.floor(pair / shift) === id) open.push({ pair, count: counts.get(pair) as number })
    progress?.(tokens.length, size)
  }
  return merges
}

function merged(ids: readonly number[], a: number, b: number, to: number): number[] {
  const result: number[] = []
  for (let i = 0; i < ids.length; i++) {
    if (ids[i] === a && ids[i + 1] === b) {
      result.push(to)
      i++
    } else result.push(ids[i])
  }
  return result
}
