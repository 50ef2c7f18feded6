/**
 * Pooling layers by the number of windows: adaptive (so many windows, whatever the size) and global (one for all).
 * What the windows are: ops/derived/adaptive.ts.
 *
 * Adaptive: x: [B, C, ...in] → [B, C, ...size]. Global: x: [B, C, ...in] → [B, C], or with size 1 for each axis in
 * space where `keepDims`.
 */
import { fail } from '../errors.ts'
import type { AdaptiveSize } from '../ops/derived/adaptive.ts'
import * as adaptive from '../ops/derived/adaptive.ts'
import type { Tensor } from '../tensor.ts'
import { type LayerConfig, Module } from './module.ts'

abstract class Adaptive extends Module {
  readonly size: AdaptiveSize

  constructor(size: AdaptiveSize) {
    super()
    this.size = size
  }

  protected abstract readonly kind: string

  override config(): LayerConfig {
    return { kind: this.kind, size: this.size }
  }
}

/** The mean of each of `size` windows, over one axis in space; null keeps the size of an axis. */
export class AdaptiveAvgPool1d extends Adaptive {
  protected readonly kind = 'adaptiveAvgPool1d'
  forward(x: Tensor): Tensor {
    return adaptive.adaptiveAvgPool1d(x, this.size)
  }
}
/** The mean of each of `size` windows, over two axes in space; null keeps the size of an axis. */
export class AdaptiveAvgPool2d extends Adaptive {
  protected readonly kind = 'adaptiveAvgPool2d'
  forward(x: Tensor): Tensor {
    return adaptive.adaptiveAvgPool2d(x, this.size)
  }
}
/** The mean of each of `size` windows, over three axes in space; null keeps the size of an axis. */
export class AdaptiveAvgPool3d extends Adaptive {
  protected readonly kind = 'adaptiveAvgPool3d'
  forward(x: Tensor): Tensor {
    return adaptive.adaptiveAvgPool3d(x, this.size)
  }
}
/** The largest element of each of `size` windows, over one axis in space; null keeps the size of an axis. */
export class AdaptiveMaxPool1d extends Adaptive {
  protected readonly kind = 'adaptiveMaxPool1d'
  forward(x: Tensor): Tensor {
    return adaptive.adaptiveMaxPool1d(x, this.size)
  }
}
/** The largest element of each of `size` windows, over two axes in space; null keeps the size of an axis. */
export class AdaptiveMaxPool2d extends Adaptive {
  protected readonly kind = 'adaptiveMaxPool2d'
  forward(x: Tensor): Tensor {
    return adaptive.adaptiveMaxPool2d(x, this.size)
  }
}
/** The largest element of each of `size` windows, over three axes in space; null keeps the size of an axis. */
export class AdaptiveMaxPool3d extends Adaptive {
  protected readonly kind = 'adaptiveMaxPool3d'
  forward(x: Tensor): Tensor {
    return adaptive.adaptiveMaxPool3d(x, this.size)
  }
}

export interface GlobalPoolOptions {
  /** Keep the axes in space, with size 1; default false, as in Keras. */
  readonly keepDims?: boolean
}

abstract class GlobalPool extends Module {
  readonly keepDims: boolean

  constructor({ keepDims = false }: GlobalPoolOptions = {}) {
    super()
    this.keepDims = keepDims
  }

  protected abstract readonly kind: string

  /** What one window over the last `rank` axes gives, which keeps them with size 1. */
  protected pool(x: Tensor, rank: number, one: (x: Tensor, size: number) => Tensor): Tensor {
    if (x.rank !== rank + 2) {
      fail('shape-mismatch', {
        op: this.kind,
        received: `an input of shape [${x.shape.join(', ')}]`,
        expected: `[batch, channels, ${rank} in space]`,
        fix: 'Add the missing axes with reshape.',
      })
    }
    const y = one(x, 1)
    return this.keepDims ? y : y.flatten(1)
  }

  override config(): LayerConfig {
    return { kind: this.kind, keepDims: this.keepDims }
  }
}

/** The mean of each channel, over one axis in space. */
export class GlobalAvgPool1d extends GlobalPool {
  protected readonly kind = 'globalAvgPool1d'
  forward(x: Tensor): Tensor {
    return this.pool(x, 1, adaptive.adaptiveAvgPool1d)
  }
}
/** The mean of each channel, over two axes in space. */
export class GlobalAvgPool2d extends GlobalPool {
  protected readonly kind = 'globalAvgPool2d'
  forward(x: Tensor): Tensor {
    return this.pool(x, 2, adaptive.adaptiveAvgPool2d)
  }
}
/** The mean of each channel, over three axes in space. */
export class GlobalAvgPool3d extends GlobalPool {
  protected readonly kind = 'globalAvgPool3d'
  forward(x: Tensor): Tensor {
    return this.pool(x, 3, adaptive.adaptiveAvgPool3d)
  }
}
/** The largest element of each channel, over one axis in space. */
export class GlobalMaxPool1d extends GlobalPool {
  protected readonly kind = 'globalMaxPool1d'
  forward(x: Tensor): Tensor {
    return this.pool(x, 1, adaptive.adaptiveMaxPool1d)
  }
}
/** The largest element of each channel, over two axes in space. */
export class GlobalMaxPool2d extends GlobalPool {
  protected readonly kind = 'globalMaxPool2d'
  forward(x: Tensor): Tensor {
    return this.pool(x, 2, adaptive.adaptiveMaxPool2d)
  }
}
/** The largest element of each channel, over three axes in space. */
export class GlobalMaxPool3d extends GlobalPool {
  protected readonly kind = 'globalMaxPool3d'
  forward(x: Tensor): Tensor {
    return this.pool(x, 3, adaptive.adaptiveMaxPool3d)
  }
}

export const adaptiveAvgPool1d = (size: AdaptiveSize): AdaptiveAvgPool1d => new AdaptiveAvgPool1d(size)
export const adaptiveAvgPool2d = (size: AdaptiveSize): AdaptiveAvgPool2d => new AdaptiveAvgPool2d(size)
export const adaptiveAvgPool3d = (size: AdaptiveSize): AdaptiveAvgPool3d => new AdaptiveAvgPool3d(size)
export const adaptiveMaxPool1d = (size: AdaptiveSize): AdaptiveMaxPool1d => new AdaptiveMaxPool1d(size)
export const adaptiveMaxPool2d = (size: AdaptiveSize): AdaptiveMaxPool2d => new AdaptiveMaxPool2d(size)
export const adaptiveMaxPool3d = (size: AdaptiveSize): AdaptiveMaxPool3d => new AdaptiveMaxPool3d(size)
export const globalAvgPool1d = (options?: GlobalPoolOptions): GlobalAvgPool1d => new GlobalAvgPool1d(options)
export const globalAvgPool2d = (options?: GlobalPoolOptions): GlobalAvgPool2d => new GlobalAvgPool2d(options)
export const globalAvgPool3d = (options?: GlobalPoolOptions): GlobalAvgPool3d => new GlobalAvgPool3d(options)
export const globalMaxPool1d = (options?: GlobalPoolOptions): GlobalMaxPool1d => new GlobalMaxPool1d(options)
export const globalMaxPool2d = (options?: GlobalPoolOptions): GlobalMaxPool2d => new GlobalMaxPool2d(options)
export const globalMaxPool3d = (options?: GlobalPoolOptions): GlobalMaxPool3d => new GlobalMaxPool3d(options)
