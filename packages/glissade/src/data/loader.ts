/**
 * Batches from samples: order, size, padding, and preparing ahead.
 *
 * What comes is a function of the seed and the epoch, whatever is prepared ahead and by how many workers; `state()`
 * says how far it has come, and `restore` goes on from there with the same batches. Samples: samples.ts. How they
 * become a batch: collate.ts. Threads: worker-source.ts.
 */
import { fail } from '../errors.ts'
import { checkWhole } from '../ops/derived/common.ts'
import { type BatchOf, type CollateOptions, collate, type FieldTypes, fieldTypes } from './collate.ts'
import { checkSeed } from './draws.ts'
import { permutation } from './order.ts'
import { positionsOf, type Sampler } from './samplers.ts'
import type { SampleSource } from './samples.ts'

export interface LoaderOptions<T, B> extends CollateOptions {
  /** Default 1. */
  readonly batchSize?: number
  /** A new order each epoch; default false. */
  readonly shuffle?: boolean
  readonly seed?: number
  /** Leave out the last batch if it is not full; default false. */
  readonly dropLast?: boolean
  /** Which samples come, and their order, in place of `shuffle`. */
  readonly sampler?: Sampler
  /**
   * The length of each sample: batches are made of samples of about the same length, so that little is padded. Order
   * within is that of the sampler; batches come in a random order if shuffled.
   */
  readonly bucketBy?: ArrayLike<number>
  /** How many batches are prepared ahead; default 1. */
  readonly prefetch?: number
  /** Puts samples together, in place of stacking and padding. */
  collate?(samples: T[]): B | Promise<B>
}

/** Where a loader stands: `batch` batches of `epoch` have been given out. Plain JSON. */
export interface LoaderState {
  readonly epoch: number
  readonly batch: number
  readonly seed: number
}

/** So many batches' worth of samples are sorted by length at a time. */
const bucketBatches = 50

export class Loader<T, B = BatchOf<T>> {
  readonly #source: SampleSource<T>
  readonly #options: LoaderOptions<T, B>
  readonly #batchSize: number
  #seed: number
  #epoch = 0
  #batch = 0
  #types: Promise<FieldTypes> | undefined

  constructor(source: SampleSource<T>, options: LoaderOptions<T, B> = {}) {
    const { batchSize = 1, seed = 0, shuffle, sampler, bucketBy, prefetch = 1 } = options
    this.#source = source
    this.#options = options
    this.#batchSize = checkWhole('loader: batchSize', batchSize, 1)
    this.#seed = checkSeed('loader', seed)
    checkWhole('loader: prefetch', prefetch, 0)
    if (shuffle && sampler) {
      refuse('shuffle together with a sampler', 'one of them', 'Leave shuffle out: the sampler gives the order.')
    }
    if (bucketBy && bucketBy.length !== source.length) {
      refuse(`bucketBy of ${bucketBy.length} lengths`, `${source.length}, one for each sample`, 'Check the lengths.')
    }
  }

  /** How many samples an epoch has. */
  get samples(): number {
    return this.#options.sampler?.length ?? this.#source.length
  }

  /** How many batches an epoch has. */
  get length(): number {
    const share = this.samples / this.#batchSize
    return this.#options.dropLast ? Math.floor(share) : Math.ceil(share)
  }

  /** Where the loader stands, counting the batches that were given out. */
  state(): LoaderState {
    return { epoch: this.#epoch, batch: this.#batch, seed: this.#seed }
  }

  /** Goes on from a state: the next pass begins with that batch. Errors: `value-invalid`. */
  restore({ epoch, batch, seed }: LoaderState): void {
    checkWhole('restore: epoch', epoch, 0)
    checkWhole('restore: batch', batch, 0)
    checkSeed('restore', seed)
    if (batch > this.length)
      refuse(`state with batch ${batch}`, `at most ${this.length}`, 'Use the same data and options.')
    this.#epoch = epoch
    this.#batch = batch
    this.#seed = seed
  }

  /** The positions of each batch of an epoch. */
  plan(epoch: number): Int32Array<ArrayBuffer>[] {
    const { sampler, shuffle = false, dropLast = false, bucketBy } = this.#options
    const { length } = this.#source
    const order = sampler
      ? positionsOf(sampler, epoch, this.#seed, length)
      : shuffle
        ? permutation(length, this.#seed, epoch)
        : Int32Array.from({ length }, (_, i) => i)
    const sorted = bucketBy ? sortStretches(order, bucketBy, this.#batchSize * bucketBatches) : order
    const batches: Int32Array<ArrayBuffer>[] = []
    const end = dropLast ? sorted.length - (sorted.length % this.#batchSize) : sorted.length
    for (let at = 0; at < end; at += this.#batchSize) {
      batches.push(sorted.subarray(at, Math.min(at + this.#batchSize, end)))
    }
    if (!bucketBy || !(shuffle || sampler)) return batches
    // Short batches would come first in each stretch.
    return Array.from(permutation(batches.length, this.#seed ^ 1, epoch), (at) => batches[at])
  }

  /** The batches of one epoch: the given one from its start, or the loader's own from where it stands. */
  async *batches({ epoch }: { epoch?: number } = {}): AsyncGenerator<B> {
    const own = epoch === undefined
    if (own && this.#batch >= this.length && this.length > 0) this.#nextEpoch()
    const pass = epoch ?? this.#epoch
    const plan = this.plan(pass)
    const ahead = this.#options.prefetch ?? 1
    const coming: Promise<B>[] = []
    let next = own ? this.#batch : 0
    try {
      while (next < plan.length || coming.length > 0) {
        while (next < plan.length && coming.length <= ahead) {
          const batch = this.#prepare(plan[next++], pass)
          // Its error is raised when its turn comes; until then it must not count as unhandled.
          batch.catch(() => undefined)
          coming.push(batch)
        }
        const batch = await (coming.shift() as Promise<B>)
        if (own) this.#batch++
        yield batch
      }
      if (own) this.#nextEpoch()
    } finally {
      await Promise.allSettled(coming)
    }
  }

  /** One epoch, and the next one each time. */
  [Symbol.asyncIterator](): AsyncGenerator<B> {
    return this.batches()
  }

  #nextEpoch(): void {
    this.#epoch++
    this.#batch = 0
  }

  async #prepare(positions: Int32Array, epoch: number): Promise<B> {
    const context = { seed: this.#seed, epoch }
    const list = [...positions]
    const source = this.#source
    const samples = source.many
      ? await source.many(list, context)
      : await Promise.all(list.map((position) => source.at(position, context)))
    const { collate: own } = this.#options
    if (own) return own(samples)
    // The first sample of the set decides, not of the batch: types must not change from batch to batch.
    this.#types ??= Promise.resolve(source.at(0, { seed: this.#seed, epoch: 0 })).then((first) =>
      fieldTypes(first, this.#options),
    )
    return (await collate(samples, await this.#types, this.#options)) as B
  }
}

/** Each stretch of `size` positions, sorted by length; equal lengths keep their order. */
function sortStretches(order: Int32Array, lengths: ArrayLike<number>, size: number): Int32Array<ArrayBuffer> {
  const out: number[] = []
  for (let at = 0; at < order.length; at += size) {
    out.push(...[...order.subarray(at, at + size)].sort((a, b) => lengths[a] - lengths[b]))
  }
  return Int32Array.from(out)
}

function refuse(received: string, expected: string, fix: string): never {
  return fail('value-invalid', { what: 'loader', received, expected, fix })
}

/** A loader over samples: `data.loader(set, { batchSize: 32, shuffle: true })`. */
export function loader<T, B = BatchOf<T>>(source: SampleSource<T>, options: LoaderOptions<T, B> = {}): Loader<T, B> {
  return new Loader<T, B>(source, options)
}
