/** The first step of a tokenizer: the text is made uniform (Unicode forms, case, accents). Next: split.ts. */
import { toByteCharacters } from './bytes.ts'
import type { Fields } from './spec.ts'

export type Normalizer = (text: string) => string

/** White space and invisible characters that BERT's normalizer takes for a space, or drops. */
const blank = /[\t\n\r\p{Zs}]/gu
const invisible = /[\0\ufffd]|(?![\t\n\r])[\p{Cc}\p{Cf}\p{Co}\p{Cn}]/gu
const ideograph =
  /[\u4e00-\u9fff\u3400-\u4dbf\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b920}-\u{2ceaf}\uf900-\ufaff\u{2f800}-\u{2fa1f}]/gu

const strip = (text: string, left: boolean, right: boolean): string => {
  const cut = left ? text.replace(/^\p{White_Space}+/u, '') : text
  return right ? cut.replace(/\p{White_Space}+$/u, '') : cut
}

/** Character by character, so that a sigma at the end of a word stays as it is elsewhere, as in the reference. */
const lower = (text: string): string =>
  text.includes('Σ') ? Array.from(text, (c) => c.toLowerCase()).join('') : text.toLowerCase()

/** The function for a part of a file, or the error that it is not known. */
export function normalizerOf(spec: Fields): Normalizer {
  switch (spec.type) {
    case 'Sequence': {
      const steps = spec.parts('normalizers').map(normalizerOf)
      return (text) => steps.reduce((value, step) => step(value), text)
    }
    case 'NFC':
    case 'NFD':
    case 'NFKC':
    case 'NFKD': {
      const form = spec.type
      return (text) => text.normalize(form)
    }
    case 'Lowercase':
      return lower
    case 'Strip': {
      const [left, right] = [spec.flag('strip_left', true), spec.flag('strip_right', true)]
      return (text) => strip(text, left, right)
    }
    case 'StripAccents':
      return (text) => text.replace(/\p{M}/gu, '')
    case 'Replace': {
      const [pattern, content] = [spec.pattern(), spec.text('content')]
      return (text) => text.replace(pattern, () => content)
    }
    case 'Prepend': {
      const before = spec.text('prepend')
      return (text) => (text === '' ? text : before + text)
    }
    case 'ByteLevel':
      return toByteCharacters
    case 'BertNormalizer':
      return bertNormalizer(spec)
    default:
      return spec.wrong(
        spec.type,
        'a normalizer of the kinds Sequence, NFC, NFD, NFKC, NFKD, Lowercase, Strip, StripAccents, Replace, Prepend, ByteLevel, BertNormalizer',
      )
  }
}

function bertNormalizer(spec: Fields): Normalizer {
  const lowers = spec.flag('lowercase', true)
  const accents = spec.raw('strip_accents') === null || spec.raw('strip_accents') === undefined
  const stripAccents = accents ? lowers : spec.flag('strip_accents')
  const [clean, ideographs] = [spec.flag('clean_text', true), spec.flag('handle_chinese_chars', true)]
  return (text) => {
    let value = text
    if (clean) value = value.replace(invisible, '').replace(blank, ' ')
    if (ideographs) value = value.replace(ideograph, ' $& ')
    if (stripAccents) value = value.normalize('NFD').replace(/\p{Mn}/gu, '')
    return lowers ? lower(value) : value
  }
}
