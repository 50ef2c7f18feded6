/**
 * Dropout: in training, elements, whole channels or whole branches are set to 0 at random (Srivastava et al. 2014).
 * In evaluation all of these do nothing.
 *
 * Draws come from the default generator (random.ts), in compiled steps anew at each run.
 */
import { fail } from '../errors.ts'
import { bernoulli } from '../random.ts'
import type { Shape } from '../shape.ts'
import type { Tensor } from '../tensor.ts'
import { type LayerConfig, Module } from './module.ts'

/** What all dropouts share: a probability, and which elements fall together. */
abstract class AnyDropout extends Module {
  readonly p: number

  constructor(kind: string, p: number) {
    super()
    if (!(p >= 0 && p <= 1))
      fail('value-invalid', { what: `${kind}: p`, received: String(p), expected: '0 to 1', fix: 'Change the option.' })
    this.p = p
  }

  protected abstract readonly kind: string
  /** The shape of the draws: elements that fall together have one draw, which broadcasts. */
  protected abstract drawn(x: Tensor): Shape

  forward(x: Tensor): Tensor {
    const shape = this.drawn(x)
    if (!this.training || this.p === 0) return x
    return this.drop(x, shape)
  }

  /** Sets to 0 with probability p and divides the rest by 1 - p, so that the mean stays. */
  protected drop(x: Tensor, shape: Shape): Tensor {
    if (this.p === 1) return x.mul(0)
    return bernoulli(shape, 1 - this.p).where(x.mul(1 / (1 - this.p)), 0)
  }

  override config(): LayerConfig {
    return { kind: this.kind, p: this.p }
  }
}

/**
 * In training, sets each element to 0 with probability `p` and divides the others by 1 - p, so that the mean stays;
 * in evaluation, does nothing. x: [...s] → [...s]
 */
export class Dropout extends AnyDropout {
  protected readonly kind: string = 'dropout'
  constructor(p = 0.5) {
    super('dropout', p)
  }
  protected drawn(x: Tensor): Shape {
    return x.shape
  }
}

/** Whole channels fall (Tompson et al. 2015, arXiv 1411.4280). */
abstract class ChannelDropout extends AnyDropout {
  /** The numbers of axes of an input; with the smallest of two there is no batch. */
  protected abstract readonly ranks: readonly number[]

  protected drawn(x: Tensor): Shape {
    const [most, withoutBatch] = this.ranks
    if (x.rank !== most && x.rank !== withoutBatch) {
      fail('shape-mismatch', {
        op: this.kind,
        received: `[${x.shape.join(', ')}]`,
        expected: `${this.ranks.join(' or ')} axes, [B, C, …]`,
        fix: 'Use the dropout for this number of axes, or dropout for single elements.',
      })
    }
    const kept = x.rank - (most - 2)
    return x.shape.map((n, axis) => (axis < kept ? n : 1))
  }
}

/** x: [B, C, L] or [C, L] → the same, whole channels set to 0. */
export class Dropout1d extends ChannelDropout {
  protected readonly kind = 'dropout1d'
  protected readonly ranks = [3, 2]
  constructor(p = 0.5) {
    super('dropout1d', p)
  }
}

/** x: [B, C, H, W] → the same, whole channels set to 0. PyTorch reads three axes as [B, C, L]: dropout1d does that. */
export class Dropout2d extends ChannelDropout {
  protected readonly kind = 'dropout2d'
  protected readonly ranks = [4]
  constructor(p = 0.5) {
    super('dropout2d', p)
  }
}

/** x: [B, C, D, H, W] or [C, D, H, W] → the same, whole channels set to 0. */
export class Dropout3d extends ChannelDropout {
  protected readonly kind = 'dropout3d'
  protected readonly ranks = [5, 4]
  constructor(p = 0.5) {
    super('dropout3d', p)
  }
}

/** What selu gives far below 0: -scale · alpha of Klambauer et al. 2017. */
const seluFloor = -1.0507009873554805 * 1.6732632423543772

/**
 * Dropout for networks of selu: elements are set to selu's lowest value, and the result is shifted and scaled so that
 * mean 0 and variance 1 stay (Klambauer et al. 2017, arXiv 1706.02515). x: [...s] → [...s]
 */
export class AlphaDropout extends Dropout {
  protected override readonly kind = 'alphaDropout'
  protected override drop(x: Tensor, shape: Shape): Tensor {
    const { p } = this
    if (p === 1) return x.mul(0)
    const scale = 1 / Math.sqrt((1 - p) * (1 + p * seluFloor ** 2))
    return bernoulli(shape, 1 - p)
      .where(x, seluFloor)
      .mul(scale)
      .sub(scale * p * seluFloor)
  }
}

export interface DropPathOptions {
  /** Whether what is kept is divided by 1 - p; default true. */
  readonly scale?: boolean
}

/**
 * Stochastic depth: in training, whole samples are set to 0 with probability `p`, so that a residual block is passed
 * by (Huang et al. 2016, arXiv 1603.09382). Put it at the end of the block's body. x: [B, ...s] → the same
 */
export class DropPath extends AnyDropout {
  protected readonly kind = 'dropPath'
  readonly scale: boolean
  constructor(p = 0, { scale = true }: DropPathOptions = {}) {
    super('dropPath', p)
    this.scale = scale
  }
  protected drawn(x: Tensor): Shape {
    return x.shape.map((n, axis) => (axis === 0 ? n : 1))
  }
  protected override drop(x: Tensor, shape: Shape): Tensor {
    return this.scale || this.p === 1 ? super.drop(x, shape) : bernoulli(shape, 1 - this.p).where(x, 0)
  }
  override config(): LayerConfig {
    return { ...super.config(), kind: this.kind, scale: this.scale }
  }
}

export const dropout = (p?: number): Dropout => new Dropout(p)
export const dropout1d = (p?: number): Dropout1d => new Dropout1d(p)
export const dropout2d = (p?: number): Dropout2d => new Dropout2d(p)
export const dropout3d = (p?: number): Dropout3d => new Dropout3d(p)
export const alphaDropout = (p?: number): AlphaDropout => new AlphaDropout(p)
export const dropPath = (p?: number, options?: DropPathOptions): DropPath => new DropPath(p, options)
