/**
 * Instance normalization, with PyTorch's defaults and names (Ulyanov et al. 2016, arXiv 1607.08022): each channel of
 * each sample gets mean 0 and variance 1 over space.
 *
 * With `trackRunningStats` evaluation uses running statistics instead. As in PyTorch num_batches_tracked is there
 * then, for the state dict, but does not count.
 */
import { fail } from '../errors.ts'
import type { Tensor, Variable } from '../tensor.ts'
import { ChannelNorm } from './channel-norm.ts'
import { checkChannels } from './norm-common.ts'

export interface InstanceNormOptions {
  /** Added to the variance; default 1e-5. */
  readonly eps?: number
  /** How far the running statistics go towards a batch's; default 0.1. */
  readonly momentum?: number
  /** Whether each channel has a weight and a bias of its own; default false. */
  readonly affine?: boolean
  /** Whether running statistics are kept, and used in evaluation; default false. */
  readonly trackRunningStats?: boolean
}

abstract class InstanceNorm extends ChannelNorm {
  readonly momentum: number

  constructor(
    kind: string,
    features: number,
    { eps = 1e-5, momentum = 0.1, affine = false, trackRunningStats = false }: InstanceNormOptions,
  ) {
    super(kind, features, { eps, affine, trackRunningStats })
    if (!(momentum >= 0 && momentum <= 1)) {
      fail('value-invalid', {
        what: `${kind}: momentum`,
        received: String(momentum),
        expected: '0 to 1',
        fix: 'Check the option; it is the share of the new batch.',
      })
    }
    this.momentum = momentum
  }

  /** The number of axes in space. */
  protected abstract readonly space: number

  /** x: [B, C, ...s] or [C, ...s] → the same */
  forward(x: Tensor): Tensor {
    const alone = x.rank === this.space + 1
    const batch = alone ? x.unsqueeze(0) : x
    checkChannels(this.kind, batch, this.features, [this.space + 2])
    const y = this.normalize(batch)
    return alone ? y.squeeze(0) : y
  }

  /** Mean and variance of each channel of each sample, [B, C, ...1]. */
  protected statistics(x: Tensor): [mean: Tensor, variance: Tensor] {
    const axes = x.shape.map((_, axis) => axis).slice(2)
    const count = axes.reduce((product, axis) => product * x.shape[axis], 1)
    if (count < 2) {
      fail('value-invalid', {
        what: this.kind,
        received: `${count} value(s) for each channel of a sample, in [${x.shape.join(', ')}]`,
        expected: 'at least 2: one number has no variance',
        fix: 'Leave the norm out where space has shrunk to one place, or use batch or layer norm there.',
      })
    }
    const mean = x.mean(axes, { keepDims: true })
    const variance = x.variance(axes, { keepDims: true, correction: 0 })
    if (this.training) {
      this.#take(this.running_mean, mean)
      this.#take(this.running_var, variance.mul(count / (count - 1)))
    }
    return [mean, variance]
  }

  /** running ← (1 - momentum) running + momentum times the mean over the samples. */
  #take(running: Variable | undefined, found: Tensor): void {
    if (!running) return
    const value = found.stopGradient().mean(0).reshape([this.features]).cast(running.dtype)
    running.assign(running.mul(1 - this.momentum).add(value.mul(this.momentum)))
  }
}

/** x: [B, C, L] or [C, L] → the same */
export class InstanceNorm1d extends InstanceNorm {
  protected readonly kind = 'instanceNorm1d'
  protected readonly space = 1
  constructor(features: number, options: InstanceNormOptions = {}) {
    super('instanceNorm1d', features, options)
  }
}

/** x: [B, C, H, W] or [C, H, W] → the same */
export class InstanceNorm2d extends InstanceNorm {
  protected readonly kind = 'instanceNorm2d'
  protected readonly space = 2
  constructor(features: number, options: InstanceNormOptions = {}) {
    super('instanceNorm2d', features, options)
  }
}

/** x: [B, C, D, H, W] or [C, D, H, W] → the same */
export class InstanceNorm3d extends InstanceNorm {
  protected readonly kind = 'instanceNorm3d'
  protected readonly space = 3
  constructor(features: number, options: InstanceNormOptions = {}) {
    super('instanceNorm3d', features, options)
  }
}

export const instanceNorm1d = (features: number, options?: InstanceNormOptions): InstanceNorm1d =>
  new InstanceNorm1d(features, options)
export const instanceNorm2d = (features: number, options?: InstanceNormOptions): InstanceNorm2d =>
  new InstanceNorm2d(features, options)
export const instanceNorm3d = (features: number, options?: InstanceNormOptions): InstanceNorm3d =>
  new InstanceNorm3d(features, options)
