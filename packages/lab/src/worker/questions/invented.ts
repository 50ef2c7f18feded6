/** New texts from a network that says what comes next, by the library's `generate`; and which of them it was taught. */
import { generate, type nn } from 'glissade'
import type { Part } from '../protocol.ts'
import type { Run } from '../run.ts'
import { checkGoesOn } from '../words.ts'
import type { Answerer } from './index.ts'

/** The most texts that are made at once. */
const most = 64

type Model = Parameters<typeof generate>[0] & nn.Module

export const invented: Answerer<'invented'> = async ({ run }, { beginning, count, letters, seed, choosing }) => {
  checkGoesOn(run)
  const { data, spec, model } = run
  const [context] = data.inputShape
  if (beginning.length === 0 || beginning.length > context)
    throw new Error(`A beginning has 1 to ${context} letters here; ${beginning.length} were given.`)
  // Names, and lines of a text of one's own, end; a novel goes on.
  const lines = spec.data.kind === 'text' && spec.data.corpus !== 'moby-dick'
  const prompts = Array.from({ length: Math.max(1, Math.min(most, count)) }, () => Array.from(beginning))
  const made = await generate(model as unknown as Model, prompts, {
    ...choosing,
    seed,
    context,
    maxTokens: letters || Math.max(1, context - beginning.length + 1),
    overflow: letters ? 'slide' : 'stop',
    ...(lines && { stopTokens: [0] }),
  })
  const known = lines ? partsOf(run) : new Map<string, Part>()
  return {
    stamp: run.stamp,
    texts: made.map(({ tokens, finish, logProbability }) => {
      const all = Int32Array.from([...beginning, ...tokens])
      const text = Array.from(all, (token) => (token !== 0 ? data.labels[token] : lines ? '' : '\n')).join('')
      const part = finish === 'stop' ? known.get(text) : undefined
      return { tokens: all, text, logProbability, ended: finish === 'stop', ...(part && { known: part }) }
    }),
  }
}

const texts = new WeakMap<Run['data'], ReadonlyMap<string, Part>>()

/** Every line of the data that stands whole in a sample, with the part that it is in. */
function partsOf({ data }: Run): ReadonlyMap<string, Part> {
  const before = texts.get(data)
  if (before) return before
  const [context] = data.inputShape
  const found = new Map<string, Part>()
  // Lines of both parts count as learned.
  for (let row = data.trainCount + data.testCount - 1; row >= 0; row--) {
    let line: string | undefined
    for (let i = 0; i <= context; i++) {
      const token = i < context ? data.inputs[row * context + i] : data.targets[(row + 1) * context - 1]
      if (token > 0) line = line === undefined ? line : line + data.labels[token]
      else {
        if (line) found.set(line, row < data.trainCount ? 'train' : 'test')
        line = token === 0 ? '' : undefined
      }
    }
  }
  texts.set(data, found)
  return found
}
