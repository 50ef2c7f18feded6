/** Samples themselves, as many as asked for. */
import type { Answerer } from './index.ts'

export const samples: Answerer<'samples'> = async ({ run }, { part, from, count }) => {
  const { inputs, inputShape, targets, targetShape, trainCount, testCount } = run.data
  const [first, all] = part === 'train' ? [0, trainCount] : [trainCount, testCount]
  const begin = Math.max(0, Math.min(from, all))
  const taken = Math.max(0, Math.min(count, all - begin))
  const cut = (
    values: ArrayLike<number> & { slice(a: number, b: number): ArrayLike<number> },
    shape: readonly number[],
  ) => {
    const size = shape.reduce((product, n) => product * n, 1)
    const at = (first + begin) * size
    return { shape: [taken, ...shape], values: Float32Array.from(values.slice(at, at + taken * size)) }
  }
  return { inputs: cut(inputs, inputShape), targets: cut(targets, targetShape) }
}
