/** What holds for every chapter of the trail: its words are explained, its networks can be built, nobody is left stuck. */
import { setBackend } from 'glissade'
import { beforeAll, describe, expect, test } from 'vitest'
import { chapters } from '../src/trail/chapters/index.ts'
import { glossary } from '../src/trail/glossary.ts'
import { loadData } from '../src/worker/data/index.ts'
import { Run } from '../src/worker/run.ts'

beforeAll(() => setBackend('wasm'))

/** The texts of a chapter, wherever they stand in it. */
const textsIn = (value: unknown): string[] =>
  typeof value === 'string'
    ? [value]
    : typeof value === 'object' && value !== null
      ? Object.values(value).flatMap(textsIn)
      : []

describe.each(chapters)('chapter $number, $title', (entry) => {
  test('is what the list says, each card with its own name', async () => {
    const chapter = await entry.load()
    expect([chapter.number, chapter.id, chapter.title]).toEqual([entry.number, entry.id, entry.title])
    expect(new Set(chapter.cards.map(({ id }) => id)).size).toBe(chapter.cards.length)
    expect(chapter.cards[0].spec).toBeDefined()
  })

  test('marks only words that the glossary has', async () => {
    const { cards } = await entry.load()
    const marked = textsIn(cards).flatMap((text) => Array.from(text.matchAll(/\[\[(.+?)\]\]/g), ([, term]) => term))
    expect(marked.map((term) => term.split('|').at(-1)).filter((word) => !Object.hasOwn(glossary, word ?? ''))).toEqual(
      [],
    )
  })

  test('asks what can be answered, and shows who is stuck', async () => {
    for (const { id, predict, achieve } of (await entry.load()).cards) {
      if (predict?.kind === 'choice') expect([id, predict.options.filter(({ right }) => right).length]).toEqual([id, 1])
      if (achieve) expect([id, typeof achieve.showMe]).toEqual([id, 'function'])
    }
  })

  test('sets numbers that its networks have', async () => {
    for (const { spec, start } of (await entry.load()).cards) {
      if (!spec || spec.data.kind === 'digits' || spec.data.kind === 'text') continue
      const run = new Run(0, spec, await loadData(spec.data))
      const sizes = new Map([...run.model.namedVariables()].map(([name, { size }]) => [name, size]))
      for (const [name, values] of Object.entries(start ?? {}))
        expect([name, values.length]).toEqual([name, sizes.get(name)])
      run.release()
    }
  })
})
