/**
 * How a network without an order of its own learns where each token stands: sinusoidal and learned vectors, which are
 * added to the embeddings. What turns or shifts the attention itself: relative-positions.ts.
 *
 * Places are counted from 0. Where a sequence does not begin at 0 (the next token of one that is being generated),
 * `start`, int32 [B], says for each row at which place it begins.
 */
import { allocate } from '../dtype.ts'
import { fail } from '../errors.ts'
import { checkWhole, iota } from '../ops/derived/common.ts'
import { fromArray, type Tensor } from '../tensor.ts'
import * as init from './init.ts'
import { type LayerConfig, Module, Parameter } from './module.ts'

export interface PositionOptions {
  /** int32 [B]: the place of each row's first token; default 0. */
  readonly start?: Tensor
}

/** The places of T tokens: int32 [T], or [B, T] where rows begin at different ones. */
export function placesOf(length: number, start?: Tensor): Tensor {
  const steps = iota([length], 0)
  return start ? start.reshape([start.size, 1]).add(steps) : steps
}

/**
 * Rows 0 to `length - 1` of the sinusoidal table, as float32 [length, width]: at place p, column 2i is
 * sin(p / base^(2i / width)) and column 2i + 1 the cosine (Vaswani et al. 2017, section 3.5).
 */
export function sinusoids(length: number, width: number, base = 10_000): Tensor {
  checkWhole('sinusoids: length', length, 0)
  checkWhole('sinusoids: width', width, 1)
  return fromArray(Float32Array.from(sinusoidNumbers(length, width, base)), [length, width])
}

function sinusoidNumbers(length: number, width: number, base: number): Float64Array {
  return Float64Array.from({ length: length * width }, (_, at) => {
    const [place, column] = [Math.floor(at / width), at % width]
    const angle = place / base ** ((column - (column % 2)) / width)
    return column % 2 === 0 ? Math.sin(angle) : Math.cos(angle)
  })
}

/** Adds a row of a table for each place. x: [B, T, width] → [B, T, width], T at most `length` */
abstract class Positions extends Module {
  readonly length: number
  readonly width: number

  constructor(kind: string, length: number, width: number) {
    super()
    this.length = checkWhole(`${kind}: length`, length, 1)
    this.width = checkWhole(`${kind}: width`, width, 1)
  }

  /** The table in the type of `x`: [length, width]. */
  protected abstract table(x: Tensor): Tensor

  forward(x: Tensor, { start }: PositionOptions = {}): Tensor {
    const steps = x.shape[x.rank - 2] ?? 0
    if (x.rank < 2 || steps > this.length || x.shape[x.rank - 1] !== this.width) {
      fail('shape-mismatch', {
        op: 'positions',
        received: `[${x.shape.join(', ')}]`,
        expected: `[B, T, ${this.width}] with at most ${this.length} places`,
        fix: 'Shorten the sequences, or build the model for a longer context.',
      })
    }
    const table = this.table(x)
    return x.add(start ? table.take(placesOf(steps, start)) : table.slice([[0, steps]]))
  }
}

/** Positions as sines and cosines, which have no parameters: x + sinusoids. x: [B, T, width] → [B, T, width] */
export class SinusoidalPositions extends Positions {
  readonly base: number
  readonly #tables = new Map<string, Tensor>()

  constructor(length: number, width: number, { base = 10_000 }: { base?: number } = {}) {
    super('sinusoidalPositions', length, width)
    this.base = base
  }

  protected table({ dtype }: Tensor): Tensor {
    let table = this.#tables.get(dtype)
    if (!table) {
      const host = allocate(dtype, this.length * this.width)
      host.set(sinusoidNumbers(this.length, this.width, this.base))
      table = fromArray(host, [this.length, this.width], dtype)
      this.#tables.set(dtype, table)
    }
    return table
  }

  override config(): LayerConfig {
    return { kind: 'sinusoidalPositions', length: this.length, width: this.width, base: this.base }
  }
}

/** The deviation of the first values of embeddings in GPT-2 and BERT. */
const embeddingDeviation = 0.02

/** A learned vector for each place: x + weight[place]. weight: [length, width]; x: [B, T, width] → [B, T, width] */
export class LearnedPositions extends Positions {
  readonly weight: Parameter

  constructor(length: number, width: number) {
    super('learnedPositions', length, width)
    this.weight = new Parameter(init.normal([length, width], { std: embeddingDeviation }))
  }

  protected table(): Tensor {
    return this.weight
  }

  override config(): LayerConfig {
    return { kind: 'learnedPositions', length: this.length, width: this.width }
  }
}

export const sinusoidalPositions = (
  length: number,
  width: number,
  options?: { readonly base?: number },
): SinusoidalPositions => new SinusoidalPositions(length, width, options)
export const learnedPositions = (length: number, width: number): LearnedPositions => new LearnedPositions(length, width)
