/**
 * The key-value cache: keys and values of the tokens so far, kept so that each new token costs one step, not a whole
 * pass over the text.
 *
 * Its sizes are fixed when it is made, so one compiled program serves every step: new keys are written at each row's
 * place, and what stands behind that place is masked. Nothing needs to be cleared: going back to an earlier place, or
 * starting a new text at 0, is only a matter of the `start` that is passed. Who uses it: attention.ts; who makes it:
 * a model's `makeCache`.
 */
import { zeros } from '../create.ts'
import type { DType } from '../dtype.ts'
import { fail } from '../errors.ts'
import { checkWhole, iota } from '../ops/derived/common.ts'
import { type Tensor, Variable } from '../tensor.ts'

export interface KeysValues {
  /** [B, G, S, D] */
  readonly keys: Tensor
  /** [B, G, S, D] */
  readonly values: Tensor
}

/** The keys and values of one attention layer. */
export class LayerCache implements KeysValues {
  readonly keys: Variable
  readonly values: Variable

  constructor(rows: number, heads: number, length: number, size: number, dtype: DType) {
    this.keys = new Variable(zeros([rows, heads, length, size], dtype))
    this.values = new Variable(zeros([rows, heads, length, size], dtype))
  }

  /** The number of places. */
  get length(): number {
    return this.keys.shape[2]
  }

  /**
   * Writes keys and values of T tokens, [B, G, T, D], at each row's place `start` (int32 [B]) and after; what would
   * fall behind the end is dropped. Returns all that the cache then holds.
   */
  write({ keys, values }: KeysValues, start: Tensor): KeysValues {
    const [rows, heads, steps] = keys.shape
    const [ownRows, ownHeads, length] = this.keys.shape
    if (rows !== ownRows || heads !== ownHeads || steps > length || start.size !== rows) {
      fail('shape-mismatch', {
        op: 'key-value cache',
        received: `keys [${keys.shape.join(', ')}] and ${start.size} places`,
        expected: `[${ownRows}, ${ownHeads}, at most ${length}, D] and a place for each row`,
        fix: 'Make a cache for as many rows, and for as long a text.',
      })
    }
    // Which of the new tokens belongs to each place; outside 0 to T - 1 none does.
    const source = iota([rows, length], 1).sub(start.reshape([rows, 1]))
    const fresh = source.ge(0).and(source.lt(steps)).reshape([rows, 1, length, 1])
    const index = source.clip(0, steps - 1).reshape([rows, 1, length, 1])
    for (const [own, given] of [
      [this.keys, keys],
      [this.values, values],
    ] as const) {
      const spread = steps === 1 ? given : given.gather(index.expand(own.shape), 2)
      own.assign(fresh.where(spread, own.current()))
    }
    return { keys: this.keys.current(), values: this.values.current() }
  }
}

export interface CacheSizes {
  /** How many texts at once. */
  readonly rows: number
  /** The most tokens of a text. */
  readonly length: number
  readonly layers: number
  /** Heads of keys and values. */
  readonly heads: number
  readonly headSize: number
  /** Also keep the keys and values of a memory of this length, for cross-attention. */
  readonly memoryLength?: number
  readonly dtype?: DType
}

/** The caches of all layers of a model. */
export class KeyValueCache {
  readonly rows: number
  readonly length: number
  readonly layers: readonly LayerCache[]
  /** Keys and values of an encoder's output, one for each layer; none for a model without one. */
  readonly memory: readonly LayerCache[]
  /** bool [B, S]: which places of the memory take part. */
  readonly memoryMask: Variable | undefined

  constructor({ rows, length, layers, heads, headSize, memoryLength, dtype = 'float32' }: CacheSizes) {
    this.rows = checkWhole('KeyValueCache: rows', rows, 1)
    this.length = checkWhole('KeyValueCache: length', length, 1)
    const make = (size: number): LayerCache[] =>
      Array.from({ length: layers }, () => new LayerCache(rows, heads, size, headSize, dtype))
    this.layers = make(length)
    this.memory = memoryLength === undefined ? [] : make(memoryLength)
    this.memoryMask = memoryLength === undefined ? undefined : new Variable(zeros([rows, memoryLength], 'bool'))
  }

  /** All that is kept. */
  variables(): Variable[] {
    const caches = [...this.layers, ...this.memory].flatMap(({ keys, values }) => [keys, values])
    return this.memoryMask ? [...caches, this.memoryMask] : caches
  }

  /** Row i becomes what row `from[i]` was, for beam search. The memory stays: from: int32 [B], within each text's rows. */
  reorder(from: Tensor): void {
    for (const { keys, values } of this.layers) {
      for (const own of [keys, values]) own.assign(own.current().take(from, 0))
    }
  }
}
