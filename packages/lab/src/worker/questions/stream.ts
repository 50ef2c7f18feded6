/**
 * The way of one letter through a transformer: its embedding, what each block adds to it, and the sums; and what the
 * network would say if it ended there (the logit lens, nostalgebraist 2020), of language models.
 */
import { compile, nn, type Tensor } from 'glissade'
import { softmax } from '../numbers.ts'
import type { StreamPlace } from '../protocol.ts'
import { tapped } from '../taps.ts'
import type { Answerer } from './index.ts'

/** What a name stands for, by its last part; others are left out. */
const kinds: readonly (readonly [RegExp, StreamPlace['what']])[] = [
  [/(^|\.)embedding$/, 'embedding'],
  [/(^|\.)positions$/, 'positions'],
  [/(^|\.)norm\d?$/, 'norm'],
  [/(^|\.)self_attn\.output$/, 'attention'],
  [/(^|\.)linear2$/, 'feed-forward'],
  [/(^|\.)residual(#\d+)?$/, 'sum'],
]

export const stream: Answerer<'stream'> = async (live, { input, time }) => {
  const seen = await tapped(live, input)
  const { model, stamp } = live.run
  const places: StreamPlace[] = []
  for (const path of seen.order) {
    const what = kinds.find(([pattern]) => pattern.test(path))?.[1]
    const tensor = seen.values.get(path)
    if (!what || tensor?.rank !== 3) continue
    const [, steps, width] = tensor.shape
    if (!(time >= 0 && time < steps)) throw new Error(`There is no letter ${time}.`)
    const values = Float32Array.from(await tensor.data()).slice(time * width, (time + 1) * width)
    const ends = what === 'sum' || what === 'positions' || (what === 'embedding' && !seen.values.has('positions'))
    if (ends && model instanceof nn.LanguageModel) {
      const scores = await live.program('lens', () => compile((x: Tensor) => lens(model, x)))(tensor)
      const labels = scores.shape[2]
      const row = Float32Array.from(await scores.data()).slice(time * labels, (time + 1) * labels)
      places.push({ path, what, values, lens: softmax(row, labels) })
    } else places.push({ path, what, values })
  }
  return { stamp, time, places }
}

/** The model's last norm and its scores, on what stands in the stream at some place. */
function lens(model: nn.LanguageModel, x: Tensor): Tensor {
  const last = model.transformer.norm?.forward(x) ?? x
  return model.head ? model.head.forward(last) : last.matmul(model.embedding.weight.transpose())
}
