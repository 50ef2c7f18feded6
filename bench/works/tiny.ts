/** How many training steps a second does the smallest network make, where every overhead shows? */
import { judgeLosses } from './judge.ts'
import { layer, productFlops, uniform, type Work } from './work.ts'

const widths = [2, 4, 4, 1] as const
const points = 10
const tolerance = 1e-3

/** The layers' products only: forward, to the weights and, but for the first layer, to the inputs. */
function stepFlops(): number {
  return widths
    .slice(1)
    .map((width, i) => productFlops(points, width, widths[i]) * (i === 0 ? 2 : 3))
    .reduce((sum, flops) => sum + flops, 0)
}

export function tiny(): Work {
  return {
    name: 'tiny',
    kind: 'tiny',
    title: `training step of a ${widths.join('-')} tanh network on ${points} points (SGD)`,
    flops: stepFlops(),
    per: 'steps/s',
    settings: { losses: 20, lr: 0.1 },
    inputs: async () => ({
      ...layer('weights.0', [widths[1], widths[0]], 1),
      ...layer('weights.2', [widths[2], widths[1]], 3),
      ...layer('weights.4', [widths[3], widths[2]], 5),
      x: { shape: [1, points, widths[0]], data: uniform(7, points * widths[0], -1, 1) },
      y: { shape: [1, points, widths[3]], data: uniform(8, points * widths[3], -1, 1) },
    }),
    judge: (answers) => judgeLosses(answers, tolerance),
  }
}
