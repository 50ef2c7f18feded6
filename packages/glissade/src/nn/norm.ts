/**
 * Norms that treat each sample for itself: layer, root-mean-square, group and local response normalization, with
 * PyTorch's defaults and names. They do the same in training and evaluation. Over the batch: batch-norm.ts; over
 * each channel of each sample: instance-norm.ts. What comes before weight and bias can be captured as `normalized`.
 */
import { ones, zeros } from '../create.ts'
import { fail } from '../errors.ts'
import { checkWhole } from '../ops/derived/common.ts'
import { windows } from '../ops/derived/movement.ts'
import { sameShape } from '../shape.ts'
import type { Tensor } from '../tensor.ts'
import { type LayerConfig, Module, Parameter, tap } from './module.ts'
import { checkChannels, checkEps, overChannels, standardize } from './norm-common.ts'

/** A single size is that of the last axis. */
function lastSizes(kind: string, normalizedShape: number | readonly number[]): readonly number[] {
  const sizes = typeof normalizedShape === 'number' ? [normalizedShape] : [...normalizedShape]
  if (sizes.length === 0) {
    fail('value-invalid', {
      what: `${kind}: normalizedShape`,
      received: '[]',
      expected: 'at least one size',
      fix: 'Give the sizes of the last axes.',
    })
  }
  return sizes.map((size) => checkWhole(`${kind}: normalizedShape`, size, 1))
}

/** The axes that a norm over the last `sizes` folds. */
function lastAxes(kind: string, x: Tensor, sizes: readonly number[]): number[] {
  const first = x.rank - sizes.length
  if (first < 0 || !sameShape(x.shape.slice(first), sizes)) {
    fail('shape-mismatch', {
      op: kind,
      received: `[${x.shape.join(', ')}]`,
      expected: `[…, ${sizes.join(', ')}]`,
      fix: 'Give the layer the sizes of the last axes.',
    })
  }
  return sizes.map((_, i) => first + i)
}

export interface LayerNormOptions {
  /** Added to the variance; default 1e-5. */
  readonly eps?: number
  /** Whether each element has a weight (and a bias) of its own; default true. */
  readonly elementwiseAffine?: boolean
  /** Whether there is a bias beside the weight; default true. */
  readonly bias?: boolean
}

/**
 * Mean 0 and variance 1 over the last axes (Ba et al. 2016, arXiv 1607.06450).
 *
 * x: [...s, ...normalizedShape] → the same
 */
export class LayerNorm extends Module {
  readonly normalizedShape: readonly number[]
  readonly eps: number
  readonly weight: Parameter | undefined
  readonly bias: Parameter | undefined
  readonly #options: { readonly elementwiseAffine: boolean; readonly bias: boolean }

  constructor(
    normalizedShape: number | readonly number[],
    { eps = 1e-5, elementwiseAffine = true, bias = true }: LayerNormOptions = {},
  ) {
    super()
    this.normalizedShape = lastSizes('layerNorm', normalizedShape)
    this.eps = checkEps('layerNorm', eps)
    this.#options = { elementwiseAffine, bias }
    this.weight = elementwiseAffine ? new Parameter(ones(this.normalizedShape)) : undefined
    this.bias = elementwiseAffine && bias ? new Parameter(zeros(this.normalizedShape)) : undefined
  }

  forward(x: Tensor): Tensor {
    const y = tap('normalized', standardize(x, lastAxes('layerNorm', x, this.normalizedShape), this.eps))
    const weighted = this.weight ? y.mul(this.weight) : y
    return this.bias ? weighted.add(this.bias) : weighted
  }

  override config(): LayerConfig {
    return { kind: 'layerNorm', normalizedShape: this.normalizedShape, eps: this.eps, ...this.#options }
  }
}

export interface RMSNormOptions {
  /** Added to the mean square; null (the default) is the distance from 1 to the next number of x's type. */
  readonly eps?: number | null
  /** Whether each element has a weight of its own; default true. */
  readonly elementwiseAffine?: boolean
}

/** What PyTorch's torch.finfo(dtype).eps says. */
const machineEpsilon = { float32: 2 ** -23, float64: Number.EPSILON }

/**
 * x over the root of its mean square, over the last axes (Zhang and Sennrich 2019, arXiv 1910.07467).
 *
 * x: [...s, ...normalizedShape] → the same
 */
export class RMSNorm extends Module {
  readonly normalizedShape: readonly number[]
  readonly eps: number | null
  readonly weight: Parameter | undefined

  constructor(
    normalizedShape: number | readonly number[],
    { eps = null, elementwiseAffine = true }: RMSNormOptions = {},
  ) {
    super()
    this.normalizedShape = lastSizes('rmsNorm', normalizedShape)
    this.eps = eps === null ? null : checkEps('rmsNorm', eps)
    this.weight = elementwiseAffine ? new Parameter(ones(this.normalizedShape)) : undefined
  }

  forward(x: Tensor): Tensor {
    const axes = lastAxes('rmsNorm', x, this.normalizedShape)
    const eps = this.eps ?? machineEpsilon[x.dtype === 'float64' ? 'float64' : 'float32']
    const y = tap('normalized', x.mul(x.square().mean(axes, { keepDims: true }).add(eps).rsqrt()))
    return this.weight ? y.mul(this.weight) : y
  }

  override config(): LayerConfig {
    const elementwiseAffine = this.weight !== undefined
    return { kind: 'rmsNorm', normalizedShape: this.normalizedShape, eps: this.eps, elementwiseAffine }
  }
}

export interface GroupNormOptions {
  /** Added to the variance; default 1e-5. */
  readonly eps?: number
  /** Whether each channel has a weight and a bias of its own; default true. */
  readonly affine?: boolean
}

/**
 * Mean 0 and variance 1 over each group of channels of each sample (Wu and He 2018, arXiv 1803.08494).
 *
 * x: [B, C, ...s] → the same
 */
export class GroupNorm extends Module {
  readonly groups: number
  readonly channels: number
  readonly eps: number
  readonly weight: Parameter | undefined
  readonly bias: Parameter | undefined

  constructor(groups: number, channels: number, { eps = 1e-5, affine = true }: GroupNormOptions = {}) {
    super()
    this.groups = checkWhole('groupNorm: groups', groups, 1)
    this.channels = checkWhole('groupNorm: channels', channels, 1)
    if (channels % groups !== 0) {
      fail('value-invalid', {
        what: 'groupNorm: channels',
        received: String(channels),
        expected: `a number that ${groups} groups divide`,
        fix: 'Check the order: groups first, then channels.',
      })
    }
    this.eps = checkEps('groupNorm', eps)
    this.weight = affine ? new Parameter(ones([channels])) : undefined
    this.bias = affine ? new Parameter(zeros([channels])) : undefined
  }

  forward(x: Tensor): Tensor {
    checkChannels('groupNorm', x, this.channels)
    const grouped = x.reshape([x.shape[0], this.groups, x.size / (x.shape[0] * this.groups || 1)])
    const y = tap('normalized', standardize(grouped, [2], this.eps).reshape(x.shape))
    return this.weight && this.bias ? y.mul(overChannels(this.weight, x)).add(overChannels(this.bias, x)) : y
  }

  override config(): LayerConfig {
    const { groups, channels, eps } = this
    return { kind: 'groupNorm', groups, channels, eps, affine: this.weight !== undefined }
  }
}

export interface LocalResponseNormOptions {
  /** How strongly neighbours hold down; default 1e-4. It is divided by `size`. */
  readonly alpha?: number
  /** The power of the sum; default 0.75. */
  readonly beta?: number
  /** Added to the sum; default 1. */
  readonly k?: number
}

/**
 * x / (k + alpha / size · sum of the squares of `size` neighbouring channels)^beta (Krizhevsky et al. 2012, with the
 * division by `size` as in PyTorch).
 *
 * x: [B, C, ...s] → the same
 */
export class LocalResponseNorm extends Module {
  readonly size: number
  readonly options: Required<LocalResponseNormOptions>

  constructor(size: number, { alpha = 1e-4, beta = 0.75, k = 1 }: LocalResponseNormOptions = {}) {
    super()
    this.size = checkWhole('localResponseNorm: size', size, 1)
    this.options = { alpha, beta, k }
  }

  forward(x: Tensor): Tensor {
    if (x.rank < 3) {
      fail('shape-mismatch', {
        op: 'localResponseNorm',
        received: `[${x.shape.join(', ')}]`,
        expected: '[B, C, …] with at least 3 axes',
        fix: 'Add the missing axes with reshape.',
      })
    }
    const { alpha, beta, k } = this.options
    const before = Math.floor(this.size / 2)
    const margins = x.shape.map((_, axis) =>
      axis === 1 ? ([before, this.size - 1 - before] as const) : ([0, 0] as const),
    )
    const neighbours = windows(x.square().pad(margins), 1, this.size)
    return x.div(neighbours.mean(2).mul(alpha).add(k).pow(beta))
  }

  override config(): LayerConfig {
    return { kind: 'localResponseNorm', size: this.size, ...this.options }
  }
}

export const layerNorm = (normalizedShape: number | readonly number[], options?: LayerNormOptions): LayerNorm =>
  new LayerNorm(normalizedShape, options)
export const rmsNorm = (normalizedShape: number | readonly number[], options?: RMSNormOptions): RMSNorm =>
  new RMSNorm(normalizedShape, options)
export const groupNorm = (groups: number, channels: number, options?: GroupNormOptions): GroupNorm =>
  new GroupNorm(groups, channels, options)
export const localResponseNorm = (size: number, options?: LocalResponseNormOptions): LocalResponseNorm =>
  new LocalResponseNorm(size, options)
