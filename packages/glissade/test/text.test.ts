/** Tokenizers made and learned here, refusals, and damaged files. The reference's numbers: golden-tokenizers.test.ts. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { GlissadeError } from '../src/errors.ts'
import { characterTokenizer, fromJSON, trainBpe, wordTokenizer } from '../src/text/index.ts'
import { refusal } from './refusal.ts'

describe('characters', () => {
  const tokenizer = characterTokenizer(['emma', 'olivia', '雪 👩‍🚀'], {
    specialTokens: ['<end>', '<unknown>'],
    unknown: '<unknown>',
  })
  it('have numbers in the order of Unicode, after the special tokens', () => {
    expect(tokenizer.tokenOf(0)).toBe('<end>')
    expect(tokenizer.size).toBe(2 + new Set('emmaolivia雪 👩‍🚀').size)
    expect([...tokenizer.encode('a e').tokens]).toEqual(['a', ' ', 'e'])
    expect((tokenizer.idOf('e') as number) > (tokenizer.idOf('a') as number)).toBe(true)
  })
  it('come back as they were, line breaks and rare characters too', () => {
    for (const text of ['emma', 'via 👩‍🚀', '雪 雪', ''])
      expect(tokenizer.decode(tokenizer.encode(text).ids)).toBe(text)
    const lines = characterTokenizer(['a\nb\r\n'])
    expect(lines.decode(lines.encode('b\n\ra').ids)).toBe('b\n\ra')
  })
  it('that were not seen are unknown, or left out', () => {
    expect(tokenizer.encode('exa').tokens).toEqual(['e', '<unknown>', 'a'])
    expect(characterTokenizer(['ea']).encode('exa').tokens).toEqual(['e', 'a'])
  })
})

describe('words', () => {
  it('are numbered by how frequent they are', () => {
    const tokenizer = wordTokenizer(['The cat, the dog.', 'the END'], {
      specialTokens: ['<pad>', '<unk>'],
      unknown: '<unk>',
      size: 5,
    })
    expect(['<pad>', '<unk>', 'the', ',', '.'].map((token) => tokenizer.idOf(token))).toEqual([0, 1, 2, 3, 4])
    expect([...tokenizer.encode('THE bird.').ids]).toEqual([2, 1, 4])
    expect(tokenizer.decode([2, 4])).toBe('the .')
  })
  it('that are rare are unknown', () => {
    const tokenizer = wordTokenizer(['a a b'], { minFrequency: 2, specialTokens: ['<unk>'], unknown: '<unk>' })
    expect(tokenizer.encode('a b').tokens).toEqual(['a', '<unk>'])
  })
})

describe('byte pairs', () => {
  const tokenizer = trainBpe(['low lower lowest newest widest '.repeat(8)], { size: 270, specialTokens: ['<end>'] })
  it('write any text without a loss', () => {
    for (const text of ['lowest', 'ŝtrange 👩‍🚀\u0000', '  ', 'a\r\n\tb', '\ud800 alone']) {
      expect(tokenizer.decode(tokenizer.encode(text).ids)).toBe(text.toWellFormed?.() ?? text)
    }
  })
  it('need fewer tokens for what is frequent', () => {
    expect(tokenizer.encode(' lowest').ids.length).toBeLessThan(4)
    expect(tokenizer.encode(' xqzvjk').ids.length).toBe(7)
  })
  it('stop where nothing is frequent, and tell how far they are', () => {
    const seen: number[] = []
    expect(trainBpe(['abab'], { size: 1000, progress: (done) => seen.push(done) }).size).toBe(257)
    expect(seen).toEqual([257])
  })
  it('take a long word in a moment', () => {
    const ids = tokenizer.encode('low'.repeat(50_000)).ids
    expect(ids.length).toBeLessThan(150_000)
  })
  it('keep special tokens whole', () => {
    expect(tokenizer.encode('low<end>low').tokens).toContain('<end>')
    expect(tokenizer.decode(tokenizer.encode('low<end>').ids)).toBe('low')
  })
})

describe('what does not fit is refused', () => {
  it('in making', () => {
    expect(refusal(() => trainBpe(['a'], { size: 100 }))).toMatch(/at least 256/)
    expect(refusal(() => trainBpe(['a'], { size: 300, specialTokens: ['x', 'x'] }))).toMatch(/different texts/)
    expect(refusal(() => characterTokenizer([]))).toMatch(/texts without a character/)
    expect(refusal(() => wordTokenizer(['a'], { unknown: '<unk>' }))).toMatch(/specialTokens/)
    expect(refusal(() => characterTokenizer(['a']).decode([7]))).toMatch(/value 7/)
    expect(refusal(() => characterTokenizer(['a']).encode('a', { maxLength: -1 }))).toMatch(/maxLength/)
  })
  it.each([
    ['{', /not JSON/],
    ['[]', /expected an object/],
    ['{}', /tokenizer.model/],
    [{ model: { type: 'Python' } }, /a model of the kinds/],
    [{ model: { type: 'WordPiece', vocab: { a: -1 }, unk_token: 'a' } }, /whole number for each token/],
    [{ model: { type: 'WordPiece', vocab: { a: 0 }, unk_token: 'b' } }, /unk_token of the vocabulary/],
    [{ model: { type: 'BPE', vocab: { a: 0 }, merges: ['a b'] } }, /merges of tokens/],
    [{ model: { type: 'WordLevel', vocab: { a: 1e9 }, unk_token: 'a' } }, /without wide gaps/],
    [
      { model: { type: 'WordLevel', vocab: { a: 0 }, unk_token: 'a' }, normalizer: { type: 'Precompiled' } },
      /a normalizer of the kinds/,
    ],
    [
      {
        model: { type: 'WordLevel', vocab: { a: 0 }, unk_token: 'a' },
        pre_tokenizer: { type: 'Split', pattern: { Regex: '(' }, behavior: 'Isolated' },
      },
      /regular expression/,
    ],
  ] as const)('in loading: %j', (content, message) => {
    expect(refusal(() => fromJSON(content, 'tokenizer.json'))).toMatch(message)
  })
})

it('a file cut short or garbled is refused or read, never worse', () => {
  const { cases } = JSON.parse(readFileSync(new URL('./golden/tokenizers.json', import.meta.url), 'utf8')) as {
    cases: { file: Record<string, { vocab: object }> }[]
  }
  let state = 1
  const draw = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
  /** A copy in which one part, anywhere, is another thing. */
  const garbled = (value: unknown, things: readonly unknown[]): unknown => {
    if (typeof value !== 'object' || value === null || draw(6) === 0) return things[draw(things.length)]
    const entries = Object.entries(value)
    if (entries.length === 0) return things[draw(things.length)]
    const at = draw(entries.length)
    const changed = entries.map(([key, part], i) => [key, i === at ? garbled(part, things) : part] as const)
    return Array.isArray(value) ? changed.map(([, part]) => part) : Object.fromEntries(changed)
  }
  const things = [null, '', 'x', 0, -1, 1e300, [], {}, [[]], true, { type: 'Sequence' }, '__proto__']
  const outcomes = { read: 0, refused: 0 }
  const attempt = (content: unknown): void => {
    try {
      fromJSON(content).encode('The glacier couldn’t move 1987 👩‍🚀')
      outcomes.read++
    } catch (error) {
      expect(error).toBeInstanceOf(GlissadeError)
      outcomes.refused++
    }
  }
  for (const { file } of cases) {
    const text = JSON.stringify(file)
    for (let i = 0; i < 20; i++) attempt(text.slice(0, draw(text.length)))
    for (let i = 0; i < 150; i++) attempt(garbled(file, things))
  }
  expect(outcomes.read).toBeGreaterThan(100)
  expect(outcomes.refused).toBeGreaterThan(300)
})
