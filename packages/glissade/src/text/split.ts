/**
 * The second step of a tokenizer: the text is cut into words, within which tokens are then found. Before it:
 * normalize.ts; after it: models.ts.
 */
import { toByteCharacters } from './bytes.ts'
import type { Fields } from './spec.ts'

/** A piece of text, and whether it stands at the very start of the input. */
export interface Piece {
  readonly text: string
  readonly first: boolean
}

export type Splitter = (piece: Piece) => Piece[]

/** What becomes of the matches of a pattern that splits. */
export const behaviours = ['Removed', 'Isolated', 'MergedWithPrevious', 'MergedWithNext', 'Contiguous'] as const
export type Behaviour = (typeof behaviours)[number]

/** GPT-2's words: endings such as 's, letters, digits, other signs, each with a space before it. */
const gpt2 = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu
const word = /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]+/gu
const space = /\p{White_Space}+/gu
/** ASCII's signs, of which Unicode calls some symbols, and Unicode's punctuation. */
const punctuation = /[!-/:-@[-`{-~\p{P}]/gu

/** The parts of `text` between and at the matches of `pattern`. */
export function splitAt(text: string, pattern: RegExp, behaviour: Behaviour, invert = false): string[] {
  let parts: { text: string; match: boolean }[] = []
  let end = 0
  const add = (from: number, to: number, match: boolean): void => {
    if (to > from) parts.push({ text: text.slice(from, to), match: match !== invert })
  }
  for (const { 0: found, index } of text.matchAll(pattern)) {
    if (found === '') continue
    add(end, index, false)
    end = index + found.length
    add(index, end, true)
  }
  add(end, text.length, false)
  if (behaviour === 'Removed') parts = parts.filter(({ match }) => !match)
  if (behaviour === 'Removed' || behaviour === 'Isolated') return parts.map((part) => part.text)
  const joined: string[] = []
  let before: boolean | undefined
  if (behaviour === 'MergedWithNext') {
    for (const part of parts.toReversed()) {
      if (part.match && before === false) joined[joined.length - 1] = part.text + joined[joined.length - 1]
      else joined.push(part.text)
      before = part.match
    }
    return joined.reverse()
  }
  for (const part of parts) {
    const joins = behaviour === 'Contiguous' ? part.match === before : part.match && before === false
    if (joins) joined[joined.length - 1] += part.text
    else joined.push(part.text)
    before = part.match
  }
  return joined
}

const by =
  (pattern: RegExp, behaviour: Behaviour, invert = false): Splitter =>
  (piece) =>
    pieces(piece, splitAt(piece.text, pattern, behaviour, invert))

/** The texts as pieces; the first of them is at the start of the input if the whole was, and nothing was cut off. */
function pieces(whole: Piece, texts: readonly string[]): Piece[] {
  return texts.map((text, i) => ({ text, first: i === 0 && whole.first && whole.text.startsWith(text) }))
}

const chain =
  (...steps: readonly Splitter[]): Splitter =>
  (piece) =>
    steps.reduce<Piece[]>((found, step) => found.flatMap(step), [piece])

export function splitterOf(spec: Fields): Splitter {
  switch (spec.type) {
    case 'Sequence':
      return chain(...spec.parts('pretokenizers').map(splitterOf))
    case 'Whitespace':
      return by(new RegExp(`${word.source}|[^${word.source.slice(1, -2)}\\p{White_Space}]+`, 'gu'), 'Removed', true)
    case 'WhitespaceSplit':
      return by(space, 'Removed')
    case 'BertPreTokenizer':
      return chain(by(space, 'Removed'), by(punctuation, 'Isolated'))
    case 'Punctuation':
      return by(punctuation, spec.choice('behavior', behaviours, 'Isolated'))
    case 'Digits':
      return by(/\p{N}/gu, spec.flag('individual_digits', false) ? 'Isolated' : 'Contiguous')
    case 'CharDelimiterSplit': {
      const delimiter = spec.text('delimiter')
      return (piece) =>
        pieces(
          piece,
          piece.text.split(delimiter).filter((text) => text !== ''),
        )
    }
    case 'Split':
      return by(spec.pattern(), spec.choice('behavior', behaviours), spec.flag('invert', false))
    case 'FixedLength': {
      const length = spec.whole('length')
      if (length === 0) spec.wrong({ length }, 'a length of at least 1')
      return by(new RegExp(`[^]{1,${length}}`, 'gu'), 'Isolated')
    }
    case 'ByteLevel':
      return byteLevel(spec.flag('add_prefix_space', true), spec.flag('use_regex', true))
    case 'Metaspace':
      return metaspace(spec)
    default:
      return spec.wrong(
        spec.type,
        'a pre-tokenizer of the kinds Sequence, Whitespace, WhitespaceSplit, BertPreTokenizer, Punctuation, Digits, CharDelimiterSplit, Split, FixedLength, ByteLevel, Metaspace',
      )
  }
}

function byteLevel(prefixSpace: boolean, words: boolean): Splitter {
  return (piece) => {
    const text = prefixSpace && !piece.text.startsWith(' ') ? ` ${piece.text}` : piece.text
    const texts = words ? splitAt(text, gpt2, 'Isolated') : [text]
    return pieces({ text, first: piece.first }, texts).map((each) => ({ ...each, text: toByteCharacters(each.text) }))
  }
}

/** Spaces become a visible sign that begins each word, as in SentencePiece (Kudo and Richardson 2018). */
function metaspace(spec: Fields): Splitter {
  const sign = spec.text('replacement', '▁')
  const old = spec.raw('add_prefix_space')
  const scheme = spec.choice('prepend_scheme', ['always', 'first', 'never'], old === false ? 'never' : 'always')
  const pattern = new RegExp(sign.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'), 'gu')
  const split = spec.flag('split', true)
  return (piece) => {
    let text = piece.text.replaceAll(' ', sign)
    if ((scheme === 'always' || (scheme === 'first' && piece.first)) && !text.startsWith(sign)) text = sign + text
    return pieces({ text, first: piece.first }, split ? splitAt(text, pattern, 'MergedWithNext') : [text])
  }
}
