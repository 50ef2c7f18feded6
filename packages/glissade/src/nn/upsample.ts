/**
 * Layers that enlarge images: by interpolation, and by taking pixels out of channels. What they compute:
 * ops/derived/resize.ts. Those that learn how: the transposed convolutions of conv.ts.
 */

import type { InterpolateOptions } from '../ops/derived/resize.ts'
import * as resize from '../ops/derived/resize.ts'
import type { Tensor } from '../tensor.ts'
import { type LayerConfig, Module } from './module.ts'

/**
 * Interpolation to a `size`, or by a `scaleFactor`: 'nearest' (the default), 'linear', 'bilinear', 'trilinear' or
 * 'bicubic'. x: [B, C, ...in] → [B, C, ...out]
 */
export class Upsample extends Module {
  readonly options: InterpolateOptions
  constructor(options: InterpolateOptions) {
    super()
    this.options = options
  }
  forward(x: Tensor): Tensor {
    return resize.interpolate(x, this.options)
  }
  override config(): LayerConfig {
    return { kind: 'upsample', ...this.options }
  }
}

/** Channels become pixels. x: [B, C r², H, W] → [B, C, H r, W r] (Shi et al. 2016, arXiv 1609.05158) */
export class PixelShuffle extends Module {
  readonly factor: number
  constructor(factor: number) {
    super()
    this.factor = factor
  }
  forward(x: Tensor): Tensor {
    return resize.pixelShuffle(x, this.factor)
  }
  override config(): LayerConfig {
    return { kind: 'pixelShuffle', factor: this.factor }
  }
}

/** Pixels become channels. x: [B, C, H r, W r] → [B, C r², H, W] */
export class PixelUnshuffle extends Module {
  readonly factor: number
  constructor(factor: number) {
    super()
    this.factor = factor
  }
  forward(x: Tensor): Tensor {
    return resize.pixelUnshuffle(x, this.factor)
  }
  override config(): LayerConfig {
    return { kind: 'pixelUnshuffle', factor: this.factor }
  }
}

export const upsample = (options: InterpolateOptions): Upsample => new Upsample(options)
export const pixelShuffle = (factor: number): PixelShuffle => new PixelShuffle(factor)
export const pixelUnshuffle = (factor: number): PixelUnshuffle => new PixelUnshuffle(factor)
