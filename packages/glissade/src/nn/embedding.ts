/** The table that turns indices (tokens, categories) into vectors which are learned. */
import { arange, ones, zeros } from '../create.ts'
import { fail } from '../errors.ts'
import { checkWhole } from '../ops/derived/common.ts'
import { normal } from '../random.ts'
import type { Tensor } from '../tensor.ts'
import { type LayerConfig, Module, Parameter } from './module.ts'

export interface EmbeddingOptions {
  /** The row that stands for padding: zeros at first, and no gradient changes it. Negative counts from the end. */
  readonly paddingIndex?: number
  /**
   * Rows that are looked up are shortened to this length first. In training that changes the weight, as in PyTorch;
   * in evaluation it changes the result alone.
   */
  readonly maxNorm?: number
  /** The p of the norm that maxNorm limits; default 2. */
  readonly normType?: number
}
export interface PretrainedOptions extends EmbeddingOptions {
  /** Whether training leaves the rows as they are; default true. */
  readonly freeze?: boolean
}

/** Keeps a row whose norm is 0 from being divided by it; PyTorch's number. */
const tiny = 1e-7

/**
 * The rows of `weight` at the indices. x: int32 [...s] → [...s, D], weight: [V, D], drawn from a normal distribution.
 *
 * Errors: `index-range` for indices outside 0 to V - 1, before anything is computed.
 */
export class Embedding extends Module {
  readonly count: number
  readonly size: number
  readonly options: EmbeddingOptions
  readonly weight: Parameter
  readonly #padding: number | undefined

  constructor(count: number, size: number, options: EmbeddingOptions = {}) {
    super()
    this.count = checkWhole('embedding: count', count, 1)
    this.size = checkWhole('embedding: size', size, 1)
    this.options = options
    this.#padding = placeOf(options.paddingIndex, count)
    checkNorm(options)
    const drawn = normal([count, size])
    const kept = this.#isPadding()
    this.weight = new Parameter(kept ? kept.where(0, drawn) : drawn)
  }

  /** A layer that starts from these rows, and keeps them unless `freeze` is false. weights: [V, D] */
  static fromPretrained(weights: Tensor, { freeze = true, ...options }: PretrainedOptions = {}): Embedding {
    if (weights.rank !== 2) {
      fail('shape-mismatch', {
        op: 'Embedding.fromPretrained',
        received: `weights of shape [${weights.shape.join(', ')}]`,
        expected: '[rows, size]',
        fix: 'Reshape them.',
      })
    }
    const layer = new Embedding(weights.shape[0], weights.shape[1], options)
    layer.weight.assign(weights.cast('float32'))
    return freeze ? layer.freeze() : layer
  }

  forward(x: Tensor): Tensor {
    if (x.dtype !== 'int32') {
      fail('dtype-mismatch', {
        op: 'embedding',
        received: `indices of ${x.dtype}`,
        expected: 'int32',
        fix: "Cast with .cast('int32'), or make the tensor with { dtype: 'int32' }.",
      })
    }
    const { maxNorm } = this.options
    if (maxNorm !== undefined && this.training) this.#shorten(x, maxNorm)
    const rows = this.weight.take(x)
    const y = maxNorm !== undefined && !this.training ? rows.mul(this.#scales(rows, maxNorm)) : rows
    if (this.#padding === undefined) return y
    return x.eq(this.#padding).unsqueeze(-1).where(y.stopGradient(), y)
  }

  /** Shortens the rows of the weight that are about to be looked up. */
  #shorten(x: Tensor, maxNorm: number): void {
    const { weight, count } = this
    const at = x.flatten()
    const times = zeros([count]).scatterAdd(at, ones(at.shape), 0)
    const scales = times.gt(0).unsqueeze(-1).where(this.#scales(weight, maxNorm), 1)
    weight.assign(weight.mul(scales).stopGradient())
  }

  /** What brings rows that are longer than maxNorm back to it. rows: [...s, D] → [...s, 1] */
  #scales(rows: Tensor, maxNorm: number): Tensor {
    const p = this.options.normType ?? 2
    const values = rows.stopGradient()
    const norm = values
      .abs()
      .pow(p)
      .sum(-1, { keepDims: true })
      .pow(1 / p)
    return norm.gt(maxNorm).where(norm.add(tiny).reciprocal().mul(maxNorm), 1)
  }

  /** bool [V, 1]: which row is the padding. */
  #isPadding(): Tensor | undefined {
    if (this.#padding === undefined) return undefined
    return arange(this.count).eq(this.#padding).unsqueeze(-1)
  }

  override config(): LayerConfig {
    return { kind: 'embedding', count: this.count, size: this.size, ...this.options }
  }
}

/** The row that stands for padding, counted from the front. */
function placeOf(paddingIndex: number | undefined, count: number): number | undefined {
  if (paddingIndex === undefined) return undefined
  if (!Number.isInteger(paddingIndex) || paddingIndex < -count || paddingIndex >= count) {
    fail('value-invalid', {
      what: 'embedding: paddingIndex',
      received: String(paddingIndex),
      expected: `${-count} to ${count - 1}`,
      fix: 'Name one of the rows.',
    })
  }
  return paddingIndex < 0 ? paddingIndex + count : paddingIndex
}

function checkNorm(options: EmbeddingOptions): void {
  for (const option of ['maxNorm', 'normType'] as const) {
    const value = options[option]
    if (value === undefined || (value > 0 && Number.isFinite(value))) continue
    fail('value-invalid', {
      what: `embedding: ${option}`,
      received: String(value),
      expected: 'a number above 0',
      fix: 'Leave it out for none.',
    })
  }
}

export const embedding = (count: number, size: number, options?: EmbeddingOptions): Embedding =>
  new Embedding(count, size, options)
