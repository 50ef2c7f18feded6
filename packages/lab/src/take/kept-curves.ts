/** Curves as plain data for the store, and back; and as a table for other programs. */
import type { Curves } from '../state/curves.ts'
import type { KeptCurves } from './store.ts'

export function keptOf({ stride, count, steps, mean, low, high, scores }: Curves): KeptCurves {
  return {
    stride,
    steps: steps.slice(0, count),
    mean: mean.slice(0, count),
    low: low.slice(0, count),
    high: high.slice(0, count),
    scores: [...scores],
  }
}

export function restoreCurves(curves: Curves, { stride, steps, mean, low, high, scores }: KeptCurves): void {
  curves.clear()
  curves.stride = stride
  curves.count = steps.length
  curves.steps.set(steps)
  curves.mean.set(mean)
  curves.low.set(low)
  curves.high.set(high)
  curves.scores = [...scores]
}

/** CSV (RFC 4180): a row for each point of the curves; what was not measured there is empty. */
export function csvOf({ steps, mean, scores }: KeptCurves): string {
  const rows = new Map<number, (number | undefined)[]>()
  steps.forEach((step, i) => {
    rows.set(step, [mean[i]])
  })
  for (const { step, train, test } of scores)
    rows.set(step, [rows.get(step)?.[0], train.loss, test.loss, train.accuracy, test.accuracy])
  const names = 'step,batch loss,training loss,test loss,training accuracy,test accuracy'
  const lines = [...rows]
    .sort(([a], [b]) => a - b)
    .map(([step, values]) => [step, ...Array.from({ length: 5 }, (_, i) => values[i] ?? '')].join(','))
  return `${[names, ...lines].join('\r\n')}\r\n`
}
