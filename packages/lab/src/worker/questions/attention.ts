/** Inside attention: who looks at whom, and the queries, keys, scores and values that it follows from. */
import { nn, type Tensor } from 'glissade'
import type { Live } from '../desk.ts'
import type { Input, Numbers } from '../protocol.ts'
import { type Tapped, tapped } from '../taps.ts'
import { wordsOf } from '../words.ts'
import type { Answerer } from './index.ts'

/** [1, heads, T, …] → [heads, T, …], cut to `rows` places, and to as many keys where the last axis counts keys. */
async function cut(x: Tensor, rows: number, keys = false): Promise<Numbers> {
  const [, heads, places, width] = x.shape
  const [t, s] = [Math.min(rows, places), keys ? Math.min(rows, width) : width]
  const all = await x.data()
  const values = new Float32Array(heads * t * s)
  for (let head = 0; head < heads; head++)
    for (let row = 0; row < t; row++)
      for (let k = 0; k < s; k++) values[(head * t + row) * s + k] = all[(head * places + row) * width + k]
  return { shape: [heads, t, s], values }
}

async function seenBy(live: Live, input: Input): Promise<{ seen: Tapped; tokens: Int32Array; rows: number }> {
  const [seen, { tokens }] = [await tapped(live, input), await wordsOf(live.run, input)]
  return { seen, tokens, rows: tokens.length || Number.POSITIVE_INFINITY }
}

const partOf = ({ values }: Tapped, path: string, part: string): Tensor => {
  const found = values.get(path === '' ? part : `${path}.${part}`)
  if (!found) throw new Error(`${path || 'The model'} has no ${part}: it is no attention, or it did not run.`)
  return found
}

export const attention: Answerer<'attention'> = async (live, { input }) => {
  const { seen, tokens, rows } = await seenBy(live, input)
  const modules = []
  for (const [path, module] of live.run.model.namedModules())
    if (module instanceof nn.MultiHeadAttention)
      modules.push({ path, weights: await cut(partOf(seen, path, 'softmax'), rows, true) })
  return { stamp: live.run.stamp, tokens, modules }
}

export const attentionInside: Answerer<'attentionInside'> = async (live, { module: path, input }) => {
  const { seen, tokens, rows } = await seenBy(live, input)
  const module = live.run.model.namedModules().get(path)
  if (!(module instanceof nn.MultiHeadAttention)) throw new Error(`${path || 'The model'} is no attention.`)
  const part = (name: string, keys = false): Promise<Numbers> => cut(partOf(seen, path, name), rows, keys)
  return {
    stamp: live.run.stamp,
    tokens,
    scale: 1 / Math.sqrt(module.headSize),
    group: module.heads / module.kvHeads,
    q: await part('q'),
    keys: await part('keys'),
    values: await part('values'),
    scores: await part('scores', true),
    weights: await part('softmax', true),
    mixed: await part('mixed'),
  }
}
