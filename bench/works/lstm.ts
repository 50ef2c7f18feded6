/** How fast does an LSTM train on texts? Each step of time waits for the one before. */
import { layer, recurrentLayer, texts } from './inputs.ts'
import { batches, trainingWork } from './training.ts'
import { productFlops, trainingFlops, type Work } from './work.ts'

const [batch, vocab, width, hidden] = [32, 64, 64, 128] as const
const gates = 4

export function lstm(steps = 64): Work {
  const tokens = batch * steps
  return trainingWork({
    name: steps === 64 ? 'lstm' : `lstm-${steps}`,
    kind: 'lstm',
    title: `embedding ${vocab}-${width}, LSTM ${hidden}, linear ${vocab}, batch ${batch}, ${steps} steps of time`,
    flops: trainingFlops(
      0,
      productFlops(tokens, gates * hidden, width),
      productFlops(tokens, gates * hidden, hidden),
      productFlops(tokens, vocab, hidden),
    ),
    starts: {
      'embedding.weight': { shape: [vocab, width], bound: 1 },
      ...recurrentLayer('lstm', gates, hidden, width, 'l0'),
      ...layer('linear', [vocab, hidden]),
    },
    data: () => texts(batches, batch, steps, vocab),
  })
}
