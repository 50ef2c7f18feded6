/**
 * A tokenizer: text to numbers and back, in the steps of the tokenizer.json format.
 *
 *   special tokens   here         are found first, and never cut
 *   normalize        normalize.ts
 *   split            split.ts     into words
 *   model            models.ts    words into tokens
 *   frame            special.ts   [CLS] … [SEP]
 *   decode           decode.ts    and back
 *
 * Tokenizers are made by make.ts (characters, words), learned by bpe-training.ts, or loaded here.
 */
import { fail } from '../errors.ts'
import { checkWhole } from '../ops/derived/common.ts'
import { type Decoder, decoderOf } from './decode.ts'
import { modelOf, type TokenModel } from './models.ts'
import { type Normalizer, normalizerOf } from './normalize.ts'
import { Fields } from './spec.ts'
import { type Framed, type Framer, framerOf, join, plain, unframed } from './special.ts'
import { type Splitter, splitterOf } from './split.ts'

/** A text as tokens. All lists are of one length. */
export interface Encoding {
  readonly ids: Int32Array
  readonly tokens: readonly string[]
  /** Which of the two texts each token is of. */
  readonly typeIds: Int32Array
  /** 1 for tokens that were put in, such as [CLS]; 0 for those of the text. */
  readonly special: Uint8Array
}

export interface EncodeOptions {
  /** A second text, for models that read two. */
  readonly pair?: string
  /** Whether the tokens that frame the text are put in; default true. */
  readonly addSpecialTokens?: boolean
  /** No more tokens than this: the longer text loses its last. */
  readonly maxLength?: number
}

/** A token that is found in the text as it stands. */
interface Added {
  readonly id: number
  readonly content: string
  readonly special: boolean
  /** Whether it is looked for in the text as normalized. */
  readonly normalized: boolean
  readonly alone: boolean
  readonly left: boolean
  readonly right: boolean
}

export class Tokenizer {
  readonly #json: Record<string, unknown>
  readonly #normalize: Normalizer
  readonly #split: Splitter
  readonly #model: TokenModel
  readonly #frame: Framer
  readonly #decode: Decoder | undefined
  readonly #ids: ReadonlyMap<string, number>
  readonly #tokens: readonly (string | undefined)[]
  readonly #added: readonly Added[]
  readonly #special: ReadonlySet<number>
  readonly #finders: { readonly raw: RegExp | undefined; readonly normalized: RegExp | undefined }

  /**
   * From the content of a tokenizer.json, as an object or text. `file` is named in errors. Nothing in it is run; a
   * pattern that takes JavaScript's regular expressions very long is the file's own doing. Errors: `file-format`.
   */
  constructor(content: unknown, file = 'The tokenizer') {
    const json = typeof content === 'string' ? parse(content, file) : content
    const spec = new Fields(json, 'tokenizer', file)
    this.#json = json as Record<string, unknown>
    const given = (name: string): Fields | undefined =>
      spec.raw(name) === undefined || spec.raw(name) === null ? undefined : spec.part(name)
    const [normalizer, splitter, framer, decoder] = ['normalizer', 'pre_tokenizer', 'post_processor', 'decoder'].map(
      given,
    )
    this.#normalize = normalizer ? normalizerOf(normalizer) : (text) => text
    this.#split = splitter ? splitterOf(splitter) : (piece) => [piece]
    this.#model = modelOf(spec.part('model'))
    this.#frame = framer ? framerOf(framer) : unframed
    this.#decode = decoder && decoderOf(decoder)
    this.#added = spec.raw('added_tokens') === undefined ? [] : spec.parts('added_tokens').map(readAdded)
    const ids = new Map(this.#model.vocabulary)
    for (const { content: token, id } of this.#added) ids.set(token, id)
    this.#ids = ids
    const tokens: (string | undefined)[] = []
    for (const [token, id] of ids) {
      if (id > ids.size * 2 + 100_000) spec.wrong(id, 'numbers of tokens without wide gaps')
      tokens[id] = token
    }
    this.#tokens = tokens
    this.#special = new Set(this.#added.filter(({ special }) => special).map(({ id }) => id))
    this.#finders = {
      raw: finder(this.#added.filter(({ normalized }) => !normalized).map(({ content: token }) => token)),
      normalized: finder(
        this.#added.filter(({ normalized }) => normalized).map(({ content: token }) => this.#normalize(token)),
      ),
    }
  }

  /** How many numbers there are: the largest, and one. */
  get size(): number {
    return this.#tokens.length
  }

  /** The number of a token, if there is such a token. */
  idOf(token: string): number | undefined {
    return this.#ids.get(token)
  }

  /** The token with this number. Errors: `index-range`. */
  tokenOf(id: number): string {
    const token = this.#tokens[id]
    if (token === undefined) fail('index-range', { what: 'tokenOf', value: id, position: 0, size: this.size })
    return token
  }

  encode(text: string, options: EncodeOptions = {}): Encoding {
    const { pair, addSpecialTokens = true, maxLength } = options
    const frame = addSpecialTokens ? this.#frame : unframed
    let found = (pair === undefined ? [text] : [text, pair]).map((each) => plain(this.#idsOf(each)))
    if (maxLength !== undefined) {
      const inserted = join(frame(found.map(() => plain([])))).ids.length
      found = cut(found, checkWhole('encode: maxLength', maxLength, inserted) - inserted)
    }
    const framed = join(frame(found))
    return {
      ids: Int32Array.from(framed.ids),
      tokens: framed.ids.map((id) => this.tokenOf(id)),
      typeIds: Int32Array.from(framed.typeIds),
      special: Uint8Array.from(framed.special),
    }
  }

  /** The text of numbers, by default without special tokens. Errors: `index-range`. */
  decode(ids: ArrayLike<number>, { skipSpecialTokens = true }: { skipSpecialTokens?: boolean } = {}): string {
    const kept = Array.from(ids).filter((id) => !(skipSpecialTokens && this.#special.has(id)))
    const tokens = kept.map((id) => this.tokenOf(id))
    return this.#decode ? this.#decode(tokens).join('') : tokens.join(' ')
  }

  /** The content of a tokenizer.json that makes this tokenizer again, here and in other libraries. */
  toJSON(): Record<string, unknown> {
    return structuredClone(this.#json)
  }

  #idsOf(text: string): number[] {
    const { raw, normalized } = this.#finders
    const ids: number[] = []
    for (const part of this.#partsAt(text, raw, (token) => token)) {
      if (typeof part.content === 'number') {
        ids.push(part.content)
        continue
      }
      const whole = this.#normalize(part.content)
      for (const inner of this.#partsAt(whole, normalized, (token) => this.#normalize(token))) {
        if (typeof inner.content === 'number') ids.push(inner.content)
        else {
          const first = part.first && inner.first
          for (const piece of this.#split({ text: inner.content, first })) {
            // Not spread as arguments: a long word may have more tokens than a call takes.
            for (const id of this.#model.tokensOf(piece.text)) ids.push(id)
          }
        }
      }
    }
    return ids
  }

  /** The text between added tokens, and their numbers. */
  *#partsAt(
    text: string,
    pattern: RegExp | undefined,
    spelled: (token: string) => string,
  ): Generator<{ content: string | number; first: boolean }> {
    let end = 0
    for (const { 0: found, index } of pattern ? text.matchAll(pattern) : []) {
      const token = this.#added.find(({ content }) => spelled(content) === found) as Added
      if (index < end || (token.alone && !standsAlone(text, index, index + found.length))) continue
      let [from, to] = [index, index + found.length]
      if (token.left) while (from > end && /\p{White_Space}/u.test(text[from - 1])) from--
      if (token.right) while (to < text.length && /\p{White_Space}/u.test(text[to])) to++
      if (from > end) yield { content: text.slice(end, from), first: end === 0 }
      yield { content: token.id, first: false }
      end = to
    }
    if (end < text.length) yield { content: text.slice(end), first: end === 0 }
  }
}

/** A tokenizer from the text or object of a tokenizer.json. Errors: `file-format`. */
export function fromJSON(content: unknown, file?: string): Tokenizer {
  return new Tokenizer(content, file)
}

function parse(text: string, file: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    const received = `${text.length} characters that are not JSON`
    const fix = 'Check that the whole file was read.'
    return fail('file-format', { file, what: 'content', received, expected: 'a tokenizer.json', fix }, cause)
  }
}

function readAdded(spec: Fields): Added {
  const content = spec.text('content')
  if (content === '') spec.wrong(content, 'an added token of at least one character')
  return {
    id: spec.whole('id'),
    content,
    special: spec.flag('special', false),
    normalized: spec.flag('normalized', true),
    alone: spec.flag('single_word', false),
    left: spec.flag('lstrip', false),
    right: spec.flag('rstrip', false),
  }
}

/** Finds any of the tokens, the longest first where several begin at one place. */
function finder(tokens: readonly string[]): RegExp | undefined {
  if (tokens.length === 0) return undefined
  const longestFirst = [...tokens].sort((a, b) => b.length - a.length)
  return new RegExp(longestFirst.map((token) => token.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')).join('|'), 'gu')
}

const inWord = (character: string | undefined): boolean =>
  character !== undefined && /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}]/u.test(character)

const standsAlone = (text: string, from: number, to: number): boolean => !inWord(text[from - 1]) && !inWord(text[to])

/** Takes tokens off the end of the longer text until all have `room`. */
function cut(texts: readonly Framed[], room: number): Framed[] {
  const lengths = texts.map(({ ids }) => ids.length)
  while (lengths.reduce((a, b) => a + b, 0) > room) lengths[lengths.indexOf(Math.max(...lengths))]--
  return texts.map((text, i) => first(text, lengths[i]))
}

const first = ({ ids, typeIds, special }: Framed, count: number): Framed => ({
  ids: ids.slice(0, count),
  typeIds: typeIds.slice(0, count),
  special: special.slice(0, count),
})
