/**
 * Batch normalization, with PyTorch's defaults, names and running statistics (Ioffe and Szegedy 2015, arXiv
 * 1502.03167). Norms that do not look at the batch: norm.ts, instance-norm.ts.
 *
 * In training each channel gets mean 0 and variance 1 over the batch and space, and the running statistics move
 * towards those of the batch; in evaluation the running statistics are used instead.
 */
import { fail } from '../errors.ts'
import type { Tensor } from '../tensor.ts'
import { ChannelNorm } from './channel-norm.ts'
import { checkChannels } from './norm-common.ts'

export interface BatchNormOptions {
  /** Added to the variance; default 1e-5. */
  readonly eps?: number
  /** How far the running statistics go towards a batch's, default 0.1; null: they are the mean over all batches. */
  readonly momentum?: number | null
  /** Whether each channel has a weight and a bias of its own; default true. */
  readonly affine?: boolean
  /** Whether running statistics are kept; default true. Without them evaluation too uses the batch's own. */
  readonly trackRunningStats?: boolean
}

/** What batch norms of all ranks share. */
abstract class BatchNorm extends ChannelNorm {
  readonly momentum: number | null

  constructor(
    kind: string,
    features: number,
    { eps = 1e-5, momentum = 0.1, affine = true, trackRunningStats = true }: BatchNormOptions,
  ) {
    super(kind, features, { eps, affine, trackRunningStats })
    this.momentum = checkMomentum(kind, momentum)
  }

  /** The numbers of axes that an input may have. */
  protected abstract readonly ranks: readonly number[]

  forward(x: Tensor): Tensor {
    checkChannels(this.kind, x, this.features, this.ranks)
    return this.normalize(x)
  }

  /** Mean and variance of each channel, [1, C, ...1]; in training the running statistics take them in. */
  protected statistics(x: Tensor): [mean: Tensor, variance: Tensor] {
    const count = x.size / this.features
    if (count < 2) {
      fail('value-invalid', {
        what: this.kind,
        received: `${count} value(s) for each channel, in [${x.shape.join(', ')}]`,
        expected: 'at least 2: one number has no variance',
        fix: 'Use larger batches, or eval() to use the running statistics.',
      })
    }
    const axes = x.shape.map((_, axis) => axis).filter((axis) => axis !== 1)
    const mean = x.mean(axes, { keepDims: true })
    const variance = x.variance(axes, { keepDims: true, correction: 0 })
    if (this.training) this.#take(mean, variance.mul(count / (count - 1)))
    return [mean, variance]
  }

  /** running ← (1 - momentum) running + momentum of the batch's, whose variance is the unbiased one. */
  #take(mean: Tensor, variance: Tensor): void {
    const batches = this.num_batches_tracked
    if (!batches) return
    const seen = batches.add(1)
    batches.assign(seen)
    const share = this.momentum ?? seen.cast('float32').reciprocal()
    const rest = typeof share === 'number' ? 1 - share : share.neg().add(1)
    for (const [running, found] of [
      [this.running_mean, mean],
      [this.running_var, variance],
    ] as const) {
      if (!running) continue
      const value = found.stopGradient().reshape([this.features]).cast(running.dtype)
      running.assign(running.mul(rest).add(value.mul(share)))
    }
  }
}

function checkMomentum(kind: string, momentum: number | null): number | null {
  if (momentum === null || (momentum >= 0 && momentum <= 1)) return momentum
  return fail('value-invalid', {
    what: `${kind}: momentum`,
    received: String(momentum),
    expected: '0 to 1, or null for the mean over all batches',
    fix: 'Check the option; it is the share of the new batch.',
  })
}

/** x: [B, C] or [B, C, L] → the same. Errors: value-invalid in training with one number for each channel. */
export class BatchNorm1d extends BatchNorm {
  protected readonly kind = 'batchNorm1d'
  protected readonly ranks = [2, 3]
  constructor(features: number, options: BatchNormOptions = {}) {
    super('batchNorm1d', features, options)
  }
}

/** x: [B, C, H, W] → the same. */
export class BatchNorm2d extends BatchNorm {
  protected readonly kind = 'batchNorm2d'
  protected readonly ranks = [4]
  constructor(features: number, options: BatchNormOptions = {}) {
    super('batchNorm2d', features, options)
  }
}

/** x: [B, C, D, H, W] → the same. */
export class BatchNorm3d extends BatchNorm {
  protected readonly kind = 'batchNorm3d'
  protected readonly ranks = [5]
  constructor(features: number, options: BatchNormOptions = {}) {
    super('batchNorm3d', features, options)
  }
}

export const batchNorm1d = (features: number, options?: BatchNormOptions): BatchNorm1d =>
  new BatchNorm1d(features, options)
export const batchNorm2d = (features: number, options?: BatchNormOptions): BatchNorm2d =>
  new BatchNorm2d(features, options)
export const batchNorm3d = (features: number, options?: BatchNormOptions): BatchNorm3d =>
  new BatchNorm3d(features, options)
