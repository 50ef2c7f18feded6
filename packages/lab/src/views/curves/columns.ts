/** What the chart of a run's training is drawn from: columns over the epochs. Pure; the chart is curves.tsx. */
import type { Curves } from '../../state/curves.ts'

export type Column = (number | null)[]

export interface ColumnOptions {
  readonly quantity: 'loss' | 'accuracy'
  readonly stepsPerEpoch: number
  /** Values that a logarithm has no place for are left out. */
  readonly log: boolean
  /** 0: none; below 1: the share of the mean before that goes into the mean after. */
  readonly smoothing: number
}

export interface Columns {
  readonly epochs: number[]
  /** Of the batches' losses: smallest and largest of the steps that a point stands for, and their mean. */
  readonly low: Column
  readonly high: Column
  readonly batch: Column
  /** The same, smoothed. */
  readonly smooth: Column
  readonly train: Column
  readonly test: Column
}

/**
 * The moving mean, weighted so that its first values are not drawn to 0 (the correction of Adam, Kingma and Ba 2014).
 * Where there is no value the mean stays as it was.
 */
export function smoothed(values: Column, share: number): Column {
  let [mean, weight] = [0, 0]
  return values.map((value) => {
    if (value === null) return null
    mean = share * mean + (1 - share) * value
    weight = share * weight + (1 - share)
    return mean / weight
  })
}

export function columnsOf(curves: Curves, { quantity, stepsPerEpoch, log, smoothing }: ColumnOptions): Columns {
  type Row = [low: number | null, high: number | null, batch: number | null, train: number | null, test: number | null]
  const rows = new Map<number, Row>()
  const fit = (value: number | undefined): number | null =>
    value !== undefined && Number.isFinite(value) && (!log || value > 0) ? value : null
  if (quantity === 'loss') {
    for (let i = 0; i < curves.count; i++)
      rows.set(curves.steps[i], [fit(curves.low[i]), fit(curves.high[i]), fit(curves.mean[i]), null, null])
  }
  for (const { step, train, test } of curves.scores) {
    const row = rows.get(step) ?? [null, null, null, null, null]
    row[3] = fit(train[quantity])
    row[4] = fit(test[quantity])
    rows.set(step, row)
  }
  const sorted = [...rows].sort(([a], [b]) => a - b)
  const column = (k: number): Column => sorted.map(([, row]) => row[k])
  const batch = column(2)
  return {
    epochs: sorted.map(([step]) => step / stepsPerEpoch),
    low: column(0),
    high: column(1),
    batch,
    smooth: smoothing > 0 ? smoothed(batch, smoothing) : batch.map(() => null),
    train: column(3),
    test: column(4),
  }
}

/** The last value of a column at or before place `at`. */
export function valueAt(column: Column, at: number): number | null {
  for (let i = Math.min(at, column.length - 1); i >= 0; i--) if (column[i] !== null) return column[i]
  return null
}
