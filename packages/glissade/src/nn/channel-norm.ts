/**
 * What batch and instance norms share: a weight, a bias and running statistics for each channel, under PyTorch's
 * names. Which statistics are taken, and how the running ones follow: batch-norm.ts, instance-norm.ts.
 */
import { ones, zeros } from '../create.ts'
import { checkWhole } from '../ops/derived/common.ts'
import { type Tensor, Variable } from '../tensor.ts'
import { type LayerConfig, Module, Parameter, tap } from './module.ts'
import { checkEps, overChannels } from './norm-common.ts'

export interface ChannelNormOptions {
  readonly eps: number
  readonly affine: boolean
  readonly trackRunningStats: boolean
}

export abstract class ChannelNorm extends Module {
  readonly features: number
  readonly eps: number
  abstract readonly momentum: number | null
  readonly weight: Parameter | undefined
  readonly bias: Parameter | undefined
  readonly running_mean: Variable | undefined
  readonly running_var: Variable | undefined
  readonly num_batches_tracked: Variable | undefined

  constructor(kind: string, features: number, { eps, affine, trackRunningStats }: ChannelNormOptions) {
    super()
    this.features = checkWhole(`${kind}: features`, features, 1)
    this.eps = checkEps(kind, eps)
    this.weight = affine ? new Parameter(ones([features])) : undefined
    this.bias = affine ? new Parameter(zeros([features])) : undefined
    this.running_mean = trackRunningStats ? new Variable(zeros([features])) : undefined
    this.running_var = trackRunningStats ? new Variable(ones([features])) : undefined
    this.num_batches_tracked = trackRunningStats ? new Variable(zeros([], 'int32')) : undefined
  }

  protected abstract readonly kind: string

  /** The mean and variance of x, which in training also go into the running ones. */
  protected abstract statistics(x: Tensor): [mean: Tensor, variance: Tensor]

  /** x: [B, C, ...s] → the same, by its own statistics or the running ones, with the weight and bias. */
  protected normalize(x: Tensor): Tensor {
    const { running_mean: runningMean, running_var: runningVar } = this
    const [mean, variance] =
      this.training || !runningMean || !runningVar
        ? this.statistics(x)
        : [overChannels(runningMean, x), overChannels(runningVar, x)]
    const y = tap('normalized', x.sub(mean).mul(variance.add(this.eps).rsqrt()))
    return this.weight && this.bias ? y.mul(overChannels(this.weight, x)).add(overChannels(this.bias, x)) : y
  }

  override config(): LayerConfig {
    return {
      kind: this.kind,
      features: this.features,
      eps: this.eps,
      momentum: this.momentum,
      affine: this.weight !== undefined,
      trackRunningStats: this.running_mean !== undefined,
    }
  }
}
