/** The way back: from tokens to text. The way there: tokenizer.ts. */
import { bytesOf, fromUtf8, ifUtf8 } from './bytes.ts'
import type { Fields } from './spec.ts'

/** The parts of the text, one after the other, for the tokens of a text. */
export type Decoder = (tokens: string[]) => string[]

const kinds = 'Sequence, ByteLevel, Metaspace, WordPiece, BPEDecoder, ByteFallback, Fuse, Strip, Replace, CTC'

export function decoderOf(spec: Fields): Decoder {
  switch (spec.type) {
    case 'Sequence': {
      const steps = spec.parts('decoders').map(decoderOf)
      return (tokens) => steps.reduce((value, step) => step(value), tokens)
    }
    case 'ByteLevel':
      return (tokens) => [fromUtf8(tokens.flatMap((token) => [...bytesOf(token)]))]
    case 'Metaspace': {
      const sign = spec.text('replacement', '▁')
      const old = spec.raw('add_prefix_space')
      const scheme = spec.choice('prepend_scheme', ['always', 'first', 'never'], old === false ? 'never' : 'always')
      return (tokens) => tokens.map((token, i) => token.replaceAll(sign, i === 0 && scheme !== 'never' ? '' : ' '))
    }
    case 'WordPiece':
      return wordPiece(spec.text('prefix', '##'), spec.flag('cleanup', true))
    case 'BPEDecoder': {
      const suffix = spec.text('suffix', '</w>')
      return (tokens) => tokens.map((token, i) => token.replaceAll(suffix, i === tokens.length - 1 ? '' : ' '))
    }
    case 'ByteFallback':
      return byteFallback
    case 'Fuse':
      return (tokens) => [tokens.join('')]
    case 'Strip': {
      const [content, start, stop] = [spec.text('content', ' '), spec.whole('start', 0), spec.whole('stop', 0)]
      return (tokens) => tokens.map((token) => stripped(token, content, start, stop))
    }
    case 'Replace': {
      const [pattern, content] = [spec.pattern(), spec.text('content')]
      return (tokens) => tokens.map((token) => token.replace(pattern, () => content))
    }
    case 'CTC':
      return ctc(spec)
    default:
      return spec.wrong(spec.type, `a decoder of the kinds ${kinds}`)
  }
}

/** Spaces that English does not write. */
const tidied: readonly [string, string][] = [
  [' .', '.'], [' ?', '?'], [' !', '!'], [' ,', ','], [" ' ", "'"], [" n't", "n't"], [" 'm", "'m"],
  [' do not', " don't"], [" 's", "'s"], [" 've", "'ve"], [" 're", "'re"],
] // biome-ignore format: a table

const tidy = (text: string): string => tidied.reduce((value, [from, to]) => value.replaceAll(from, to), text)

function wordPiece(prefix: string, cleanup: boolean): Decoder {
  return (tokens) =>
    tokens.map((token, i) => {
      const text = i === 0 ? token : token.startsWith(prefix) ? token.slice(prefix.length) : ` ${token}`
      return cleanup ? tidy(text) : text
    })
}

/** Runs of <0x..> tokens become the text of their bytes, or U+FFFD for each where they are no UTF-8. */
function byteFallback(tokens: string[]): string[] {
  const result: string[] = []
  let bytes: number[] = []
  const flush = (): void => {
    if (bytes.length === 0) return
    const text = ifUtf8(bytes)
    result.push(...(text === undefined ? bytes.map(() => '\ufffd') : [text]))
    bytes = []
  }
  for (const token of tokens) {
    const byte = /^<0x([0-9A-Fa-f]{2})>$/.exec(token)
    if (byte) bytes.push(Number.parseInt(byte[1], 16))
    else {
      flush()
      result.push(token)
    }
  }
  flush()
  return result
}

function stripped(token: string, content: string, start: number, stop: number): string {
  const characters = Array.from(token)
  let from = 0
  while (from < start && characters[from] === content) from++
  let to = characters.length
  while (to > from && characters.length - to < stop && characters[to - 1] === content) to--
  return characters.slice(from, to).join('')
}

/** The output of a network trained with CTC: repetitions are one, and the blank is nothing. */
function ctc(spec: Fields): Decoder {
  const [blank, delimiter] = [spec.text('pad_token', '<pad>'), spec.text('word_delimiter_token', '|')]
  const cleanup = spec.flag('cleanup', true)
  return (tokens) =>
    tokens
      .filter((token, i) => i === 0 || token !== tokens[i - 1])
      .map((token) => {
        const text = token.replaceAll(blank, '')
        return cleanup ? tidy(text).replaceAll(delimiter, ' ') : text
      })
      .filter((text) => text !== '')
}
