/** How fast is a product of two square float32 matrices? */
import { uniform } from './inputs.ts'
import { judgeByTruth } from './judge.ts'
import { productFlops, type Work } from './work.ts'

export const defaultSizes: readonly number[] = [64, 128, 256, 512, 1024, 2048]

/** How many elements of the product are compared with float64. */
const compared = 256
/** The error allowed for each of the n terms of an element: some ten times what float32 sums show. */
const tolerancePerTerm = 1e-6

export function matmul(n: number): Work {
  const a = uniform(1, n * n, -1, 1)
  const b = uniform(2, n * n, -1, 1)
  // every so many, with an odd stride so that all rows and columns are met
  const stride = Math.floor((n * n) / compared) | 1
  const positions = Int32Array.from({ length: compared }, (_, i) => (i * stride) % (n * n))
  return {
    name: `matmul-${n}`,
    kind: 'matmul',
    title: `product of two ${n} × ${n} matrices`,
    flops: productFlops(n, n, n),
    // two are read, one is written
    bytes: 3 * 4 * n * n,
    settings: {},
    inputs: async () => ({
      a: { shape: [n, n], data: a },
      b: { shape: [n, n], data: b },
      positions: { shape: [compared], data: positions },
    }),
    judge(answers) {
      const truth = Array.from(positions, (position) => {
        const row = Math.floor(position / n)
        const column = position % n
        let sum = 0
        for (let k = 0; k < n; k++) sum += a[row * n + k] * b[k * n + column]
        return sum
      })
      return judgeByTruth(answers, truth, tolerancePerTerm * n)
    },
  }
}
