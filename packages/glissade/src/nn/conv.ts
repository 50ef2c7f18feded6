/**
 * Convolution layers, with PyTorch's defaults, names and layouts. The operation itself: ops/derived/conv.ts.
 *
 * As everywhere in the field the kernel is not mirrored (a cross-correlation).
 */
import { fail } from '../errors.ts'
import { checkWhole } from '../ops/derived/common.ts'
import * as convs from '../ops/derived/conv.ts'
import { type ConvOptions, type ConvTransposeOptions, type PerAxis, perAxis } from '../ops/derived/conv.ts'
import type { Tensor } from '../tensor.ts'
import { fanInUniform } from './init.ts'
import { type LayerConfig, Module, Parameter } from './module.ts'

export interface ConvLayerOptions extends ConvOptions {
  /** Whether a number is added to each output channel; default true. */
  readonly bias?: boolean
}
export interface ConvTransposeLayerOptions extends ConvTransposeOptions {
  /** Whether a number is added to each output channel; default true. */
  readonly bias?: boolean
}

/** What all convolutions share: channels, kernel, weight and bias. */
abstract class ConvLayer<Options extends { readonly groups?: number; readonly bias?: boolean }> extends Module {
  readonly in: number
  readonly out: number
  readonly size: readonly number[]
  readonly options: Options
  readonly weight: Parameter
  readonly bias: Parameter | undefined

  constructor(
    kind: string,
    rank: number,
    transposed: boolean,
    inChannels: number,
    outChannels: number,
    size: PerAxis,
    options: Options,
  ) {
    super()
    const { groups = 1, bias = true } = options
    checkWhole(`${kind}: groups`, groups, 1)
    this.in = inChannels
    this.out = outChannels
    this.size = perAxis(`${kind}: size`, size, rank, 1)
    this.options = options
    for (const [what, channels] of [
      ['in', inChannels],
      ['out', outChannels],
    ] as const) {
      if (Number.isInteger(channels) && channels > 0 && channels % groups === 0) continue
      fail('value-invalid', {
        what: `${kind}: ${what}`,
        received: String(channels),
        expected: `a whole number of channels above 0${groups === 1 ? '' : ` that ${groups} groups divide`}`,
        fix: 'Check the channels and groups.',
      })
    }
    const shape = transposed
      ? [inChannels, outChannels / groups, ...this.size]
      : [outChannels, inChannels / groups, ...this.size]
    // PyTorch counts as inputs what stands on axis 1 and after, for transposed kernels too.
    const fanIn = shape.slice(1).reduce((a, b) => a * b)
    this.weight = new Parameter(fanInUniform(shape, fanIn))
    this.bias = bias ? new Parameter(fanInUniform([outChannels], fanIn)) : undefined
  }

  protected abstract readonly kind: string

  /** The convolution `op` of x with the weight, and the bias. */
  protected convolved(x: Tensor, op: (x: Tensor, weight: Tensor, options: Options) => Tensor): Tensor {
    const space = this.size.length
    const refuse = (expected: string, fix: string): never =>
      fail('shape-mismatch', { op: this.kind, received: `[${x.shape.join(', ')}]`, expected, fix })
    const axes = this.size.map((_, i) => (space === 1 ? 'L' : ['D', 'H', 'W'][i + 3 - space])).join(', ')
    const [at, known] = [x.rank - space - 1, x.rank === space + 1 || x.rank === space + 2]
    if (!known || x.shape[at] !== this.in) {
      refuse(`[B, ${this.in}, ${axes}], or the same without B`, 'Check the channels, and the number of axes.')
    }
    const y = op(x, this.weight, this.options)
    return this.bias ? y.add(this.bias.reshape([this.out, ...this.size.map(() => 1)])) : y
  }

  override config(): LayerConfig {
    return { kind: this.kind, in: this.in, out: this.out, size: this.size, ...this.options }
  }
}

/**
 * x: [B, in, I] → [B, out, I'], weight: [out, in / groups, size],
 * I' = floor((I + 2 padding - dilation (size - 1) - 1) / stride) + 1
 */
export class Conv1d extends ConvLayer<ConvLayerOptions> {
  protected readonly kind = 'conv1d'
  constructor(inChannels: number, outChannels: number, size: PerAxis, options: ConvLayerOptions = {}) {
    super('conv1d', 1, false, inChannels, outChannels, size, options)
  }
  forward(x: Tensor): Tensor {
    return this.convolved(x, convs.conv1d)
  }
}

/** x: [B, in, H, W] → [B, out, H', W'], weight: [out, in / groups, ...size]; sizes as of Conv1d on each axis. */
export class Conv2d extends ConvLayer<ConvLayerOptions> {
  protected readonly kind = 'conv2d'
  constructor(inChannels: number, outChannels: number, size: PerAxis, options: ConvLayerOptions = {}) {
    super('conv2d', 2, false, inChannels, outChannels, size, options)
  }
  forward(x: Tensor): Tensor {
    return this.convolved(x, convs.conv2d)
  }
}

/** x: [B, in, D, H, W] → [B, out, D', H', W'], weight: [out, in / groups, ...size]; sizes as of Conv1d on each axis. */
export class Conv3d extends ConvLayer<ConvLayerOptions> {
  protected readonly kind = 'conv3d'
  constructor(inChannels: number, outChannels: number, size: PerAxis, options: ConvLayerOptions = {}) {
    super('conv3d', 3, false, inChannels, outChannels, size, options)
  }
  forward(x: Tensor): Tensor {
    return this.convolved(x, convs.conv3d)
  }
}

/**
 * The convolution that goes from output sizes back to input sizes, to make series longer.
 *
 * x: [B, in, I] → [B, out, I'], weight: [in, out / groups, size],
 * I' = (I - 1) stride - 2 padding + dilation (size - 1) + outputPadding + 1
 */
export class ConvTranspose1d extends ConvLayer<ConvTransposeLayerOptions> {
  protected readonly kind = 'convTranspose1d'
  constructor(inChannels: number, outChannels: number, size: PerAxis, options: ConvTransposeLayerOptions = {}) {
    super('convTranspose1d', 1, true, inChannels, outChannels, size, options)
  }
  forward(x: Tensor): Tensor {
    return this.convolved(x, convs.convTranspose1d)
  }
}

/**
 * The convolution that goes from output sizes back to input sizes, to enlarge images.
 *
 * x: [B, in, H, W] → [B, out, H', W'], weight: [in, out / groups, ...size],
 * H' = (H - 1) stride - 2 padding + dilation (size - 1) + outputPadding + 1
 */
export class ConvTranspose2d extends ConvLayer<ConvTransposeLayerOptions> {
  protected readonly kind = 'convTranspose2d'
  constructor(inChannels: number, outChannels: number, size: PerAxis, options: ConvTransposeLayerOptions = {}) {
    super('convTranspose2d', 2, true, inChannels, outChannels, size, options)
  }
  forward(x: Tensor): Tensor {
    return this.convolved(x, convs.convTranspose2d)
  }
}

/**
 * The convolution that goes from output sizes back to input sizes, to enlarge volumes.
 *
 * x: [B, in, D, H, W] → [B, out, D', H', W'], weight: [in, out / groups, ...size]; sizes as of ConvTranspose1d.
 */
export class ConvTranspose3d extends ConvLayer<ConvTransposeLayerOptions> {
  protected readonly kind = 'convTranspose3d'
  constructor(inChannels: number, outChannels: number, size: PerAxis, options: ConvTransposeLayerOptions = {}) {
    super('convTranspose3d', 3, true, inChannels, outChannels, size, options)
  }
  forward(x: Tensor): Tensor {
    return this.convolved(x, convs.convTranspose3d)
  }
}

export interface DepthwiseOptions extends Omit<ConvLayerOptions, 'groups'> {
  /** How many output channels each input channel has of its own; default 1. */
  readonly multiplier?: number
}

/** A Conv1d in which every channel has a kernel of its own. x: [B, C, I] → [B, C multiplier, I'] */
export const depthwiseConv1d = (
  channels: number,
  size: PerAxis,
  { multiplier = 1, ...options }: DepthwiseOptions = {},
): Conv1d => new Conv1d(channels, channels * multiplier, size, { ...options, groups: channels })
/** A Conv2d in which every channel has a kernel of its own. x: [B, C, H, W] → [B, C multiplier, H', W'] */
export const depthwiseConv2d = (
  channels: number,
  size: PerAxis,
  { multiplier = 1, ...options }: DepthwiseOptions = {},
): Conv2d => new Conv2d(channels, channels * multiplier, size, { ...options, groups: channels })

export const conv1d = (inChannels: number, outChannels: number, size: PerAxis, options?: ConvLayerOptions): Conv1d =>
  new Conv1d(inChannels, outChannels, size, options)
export const conv2d = (inChannels: number, outChannels: number, size: PerAxis, options?: ConvLayerOptions): Conv2d =>
  new Conv2d(inChannels, outChannels, size, options)
export const conv3d = (inChannels: number, outChannels: number, size: PerAxis, options?: ConvLayerOptions): Conv3d =>
  new Conv3d(inChannels, outChannels, size, options)
export const convTranspose1d = (
  inChannels: number,
  outChannels: number,
  size: PerAxis,
  options?: ConvTransposeLayerOptions,
): ConvTranspose1d => new ConvTranspose1d(inChannels, outChannels, size, options)
export const convTranspose2d = (
  inChannels: number,
  outChannels: number,
  size: PerAxis,
  options?: ConvTransposeLayerOptions,
): ConvTranspose2d => new ConvTranspose2d(inChannels, outChannels, size, options)
export const convTranspose3d = (
  inChannels: number,
  outChannels: number,
  size: PerAxis,
  options?: ConvTransposeLayerOptions,
): ConvTranspose3d => new ConvTranspose3d(inChannels, outChannels, size, options)
