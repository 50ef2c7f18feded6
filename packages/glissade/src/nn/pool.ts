/**
 * Pooling layers: one number for each window, its largest or its average. What they mean at ties and margins:
 * ops/derived/pool.ts. Windows whose number is given, and one window for all: adaptive-pool.ts.
 *
 * All are x: [B, C, ...in] → [B, C, ...out], out = floor((in + 2 padding - dilation (size - 1) - 1) / stride) + 1, or
 * with `ceilMode` rounded up.
 */
import type { PerAxis } from '../ops/derived/conv.ts'
import type { AvgPoolOptions, MaxPoolOptions, PoolOptions } from '../ops/derived/pool.ts'
import * as pool from '../ops/derived/pool.ts'
import type { Tensor } from '../tensor.ts'
import { type LayerConfig, Module } from './module.ts'

abstract class Pool<Options extends PoolOptions> extends Module {
  readonly size: PerAxis
  readonly options: Options

  constructor(size: PerAxis, options: Options) {
    super()
    this.size = size
    this.options = options
  }

  protected abstract readonly kind: string

  override config(): LayerConfig {
    const options: PoolOptions = this.options
    return { kind: this.kind, size: this.size, ...options }
  }
}

/** The largest of each window, over one axis in space. */
export class MaxPool1d extends Pool<MaxPoolOptions> {
  protected readonly kind = 'maxPool1d'
  forward(x: Tensor): Tensor {
    return pool.maxPool1d(x, this.size, this.options)
  }
}
/** The largest of each window, over two axes in space. */
export class MaxPool2d extends Pool<MaxPoolOptions> {
  protected readonly kind = 'maxPool2d'
  forward(x: Tensor): Tensor {
    return pool.maxPool2d(x, this.size, this.options)
  }
}
/** The largest of each window, over three axes in space. */
export class MaxPool3d extends Pool<MaxPoolOptions> {
  protected readonly kind = 'maxPool3d'
  forward(x: Tensor): Tensor {
    return pool.maxPool3d(x, this.size, this.options)
  }
}
/** The mean of each window, over one axis in space. */
export class AvgPool1d extends Pool<AvgPoolOptions> {
  protected readonly kind = 'avgPool1d'
  forward(x: Tensor): Tensor {
    return pool.avgPool1d(x, this.size, this.options)
  }
}
/** The mean of each window, over two axes in space. */
export class AvgPool2d extends Pool<AvgPoolOptions> {
  protected readonly kind = 'avgPool2d'
  forward(x: Tensor): Tensor {
    return pool.avgPool2d(x, this.size, this.options)
  }
}
/** The mean of each window, over three axes in space. */
export class AvgPool3d extends Pool<AvgPoolOptions> {
  protected readonly kind = 'avgPool3d'
  forward(x: Tensor): Tensor {
    return pool.avgPool3d(x, this.size, this.options)
  }
}

export const maxPool1d = (size: PerAxis, options: MaxPoolOptions = {}): MaxPool1d => new MaxPool1d(size, options)
export const maxPool2d = (size: PerAxis, options: MaxPoolOptions = {}): MaxPool2d => new MaxPool2d(size, options)
export const maxPool3d = (size: PerAxis, options: MaxPoolOptions = {}): MaxPool3d => new MaxPool3d(size, options)
export const avgPool1d = (size: PerAxis, options: AvgPoolOptions = {}): AvgPool1d => new AvgPool1d(size, options)
export const avgPool2d = (size: PerAxis, options: AvgPoolOptions = {}): AvgPool2d => new AvgPool2d(size, options)
export const avgPool3d = (size: PerAxis, options: AvgPoolOptions = {}): AvgPool3d => new AvgPool3d(size, options)
