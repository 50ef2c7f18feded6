/** How fast do two layers of GRUs in both directions train? Their mean over time is classified. */
import { classed, layer, recurrentLayer } from './inputs.ts'
import { batches, trainingWork } from './training.ts'
import { productFlops, trainingFlops, type Work } from './work.ts'

const [batch, steps, width, hidden, classes] = [32, 100, 128, 128, 10] as const
const gates = 3
const ways = 2

export function gru2(): Work {
  const product = (inputs: number): number => ways * productFlops(batch * steps, gates * hidden, inputs)
  return trainingWork({
    name: 'gru2',
    kind: 'gru2',
    title: `two layers of bidirectional GRU ${hidden}, batch ${batch}, ${steps} steps of time`,
    flops: trainingFlops(
      product(width),
      product(hidden),
      product(ways * hidden),
      product(hidden),
      productFlops(batch, classes, ways * hidden),
    ),
    starts: {
      ...recurrentLayer('gru', gates, hidden, width, 'l0'),
      ...recurrentLayer('gru', gates, hidden, width, 'l0_reverse'),
      ...recurrentLayer('gru', gates, hidden, ways * hidden, 'l1'),
      ...recurrentLayer('gru', gates, hidden, ways * hidden, 'l1_reverse'),
      ...layer('linear', [classes, ways * hidden]),
    },
    data: () => classed(batches, batch, [steps, width], classes),
  })
}
