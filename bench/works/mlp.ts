/** How fast does a multilayer perceptron train? Products and little else. */
import { classed, layer } from './inputs.ts'
import { batches, trainingWork } from './training.ts'
import { productFlops, trainingFlops, type Work } from './work.ts'

const batch = 128
const widths = [784, 512, 256, 10] as const

export function mlp(): Work {
  const [first, ...rest] = widths.slice(1).map((width, i) => productFlops(batch, width, widths[i]))
  return trainingWork({
    name: 'mlp',
    kind: 'mlp',
    title: `a ${widths.join('-')} network with ReLU, batch ${batch}`,
    flops: trainingFlops(first, ...rest),
    starts: {
      ...layer('0', [widths[1], widths[0]]),
      ...layer('2', [widths[2], widths[1]]),
      ...layer('4', [widths[3], widths[2]]),
    },
    data: () => classed(batches, batch, [widths[0]], widths[3]),
  })
}
