/** Where batches come from: sets that make batches of any size, and loaders that have their own. */
import type { Columns } from '../data/dataset.ts'

/** A data.Dataset, data.Samples, or anything that gives the same batches for the same epoch. */
export interface SizedSource<C extends Columns = Columns> {
  /** The number of samples. */
  readonly length: number
  batches(
    size: number,
    options?: { readonly shuffle?: boolean; readonly seed?: number; readonly epoch?: number },
  ): AsyncIterable<C>
}

/** A data.Loader: size, order and seed of its batches are its own. */
export interface LoaderSource<C extends Columns = Columns> {
  readonly samples: number
  /** The number of batches. */
  readonly length: number
  batches(options?: { readonly epoch?: number }): AsyncIterable<C>
}

export type BatchSource<C extends Columns = Columns> = SizedSource<C> | LoaderSource<C>

export interface BatchPlan<C extends Columns> {
  readonly samples: number
  readonly stepsPerEpoch: number
  /** The batches of an epoch, of which 0 is the first. */
  batches(epoch: number): AsyncIterable<C>
}

/** The batches of a source, all by the same rule. */
export function planBatches<C extends Columns>(
  source: BatchSource<C>,
  options: { readonly batchSize: number; readonly shuffle: boolean; readonly seed: number },
): BatchPlan<C> {
  if ('samples' in source) {
    const { samples, length } = source
    return { samples, stepsPerEpoch: length, batches: (epoch) => source.batches({ epoch }) }
  }
  const { batchSize, shuffle, seed } = options
  return {
    samples: source.length,
    stepsPerEpoch: Math.ceil(source.length / batchSize),
    batches: (epoch) => source.batches(batchSize, { shuffle, seed, epoch }),
  }
}
