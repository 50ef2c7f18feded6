/** What is told of a list of times. */

export interface Summary {
  readonly median: number
  readonly min: number
  /** Half of all samples lie within this range, relative to the median: how noisy they are. */
  readonly spread: number
  readonly samples: number
}

export function summarize(times: readonly number[]): Summary {
  const sorted = [...times].sort((a, b) => a - b)
  const median = quantile(sorted, 0.5)
  return {
    median,
    min: sorted[0],
    spread: (quantile(sorted, 0.75) - quantile(sorted, 0.25)) / median,
    samples: sorted.length,
  }
}

/** Between neighbours in proportion, of sorted numbers. */
export function quantile(sorted: readonly number[], share: number): number {
  const at = share * (sorted.length - 1)
  const below = Math.floor(at)
  const above = Math.min(below + 1, sorted.length - 1)
  return sorted[below] + (at - below) * (sorted[above] - sorted[below])
}
