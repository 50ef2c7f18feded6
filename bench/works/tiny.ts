/** How many training steps a second does the smallest network make, where every overhead shows? */
import { drawWeights, layer, parameterCount, uniform } from './inputs.ts'
import { judgeLosses } from './judge.ts'
import { productFlops, sgdBytes, trainingFlops, type Work } from './work.ts'

const widths = [2, 8, 8, 1] as const
const points = 32
const tolerance = 1e-3
const losses = 20

const starts = {
  ...layer('0', [widths[1], widths[0]]),
  ...layer('2', [widths[2], widths[1]]),
  ...layer('4', [widths[3], widths[2]]),
}

export function tiny(): Work {
  const [first, ...rest] = widths.slice(1).map((width, i) => productFlops(points, width, widths[i]))
  return {
    name: 'tiny',
    kind: 'tiny',
    title: `training step of a ${widths.join('-')} tanh network on ${points} points (SGD)`,
    flops: trainingFlops(first, ...rest),
    bytes: sgdBytes(parameterCount(starts)),
    per: 'steps/s',
    settings: { losses, lr: 0.1 },
    inputs: async () => ({
      ...drawWeights(starts),
      x: { shape: [1, points, widths[0]], data: uniform(7, points * widths[0], -1, 1) },
      y: { shape: [1, points, widths[3]], data: uniform(8, points * widths[3], -1, 1) },
    }),
    judge: (answers) => judgeLosses(answers, tolerance, losses),
  }
}
