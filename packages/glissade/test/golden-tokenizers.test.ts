/** Tokenizers against the reference library: each kind of tokenizer.json on awkward texts, and what is learned. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { fromJSON, trainBpe } from '../src/text/index.ts'

interface Encoded {
  readonly ids: number[]
  readonly typeIds: number[]
  readonly special: number[]
}
interface Case {
  readonly name: string
  readonly file: { model: { vocab: Record<string, number>; merges: [string, string][] } }
  readonly encoded: Encoded[]
  readonly plain: number[][]
  readonly pairs: Encoded[]
  readonly decoded: string[]
  readonly whole: string[]
}
interface File {
  readonly corpus: string[]
  readonly texts: string[]
  readonly pairs: [string, string][]
  readonly cases: Case[]
}

const { corpus, texts, pairs, cases } = JSON.parse(
  readFileSync(new URL('./golden/tokenizers.json', import.meta.url), 'utf8'),
) as File
const shown = (text: string): string => JSON.stringify(text)

describe.each(cases)('$name', ({ file, encoded, plain, pairs: framed, decoded, whole }) => {
  const tokenizer = fromJSON(JSON.stringify(file))
  it.each(texts.map((text, i) => [shown(text), i] as const))('encodes %s', (_, i) => {
    const { ids, typeIds, special } = tokenizer.encode(texts[i])
    expect({ ids: [...ids], typeIds: [...typeIds], special: [...special] }).toEqual(encoded[i])
    expect([...tokenizer.encode(texts[i], { addSpecialTokens: false }).ids]).toEqual(plain[i])
  })
  it.each(texts.map((text, i) => [shown(text), i] as const))('decodes %s', (_, i) => {
    expect(tokenizer.decode(encoded[i].ids)).toBe(decoded[i])
    expect(tokenizer.decode(encoded[i].ids, { skipSpecialTokens: false })).toBe(whole[i])
  })
  it('frames two texts', () => {
    const found = pairs.map(([a, b]) => tokenizer.encode(a, { pair: b }))
    expect(
      found.map(({ ids, typeIds, special }) => ({ ids: [...ids], typeIds: [...typeIds], special: [...special] })),
    ).toEqual(framed)
  })
  it('is written as it was read', () => {
    expect(fromJSON(tokenizer.toJSON()).toJSON()).toEqual(file)
  })
})

it('learns the byte pairs that the reference learns', () => {
  const { file } = cases.find(({ name }) => name === 'byte_level') as Case
  const { model } = trainBpe(corpus, { size: 400, specialTokens: ['<|end|>'] }).toJSON() as unknown as Case['file']
  expect(model.merges).toEqual(file.model.merges)
  expect(model.vocab).toEqual(file.model.vocab)
})
