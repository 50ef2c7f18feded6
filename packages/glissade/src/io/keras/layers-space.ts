/** Keras's convolutions, pools and the like. Data is channels-last: axes are permuted around our own operations. */
import { full } from '../../create.ts'
import {
  type ConvOptions,
  conv1d,
  conv2d,
  conv3d,
  convTranspose1d,
  convTranspose2d,
  convTranspose3d,
} from '../../ops/derived/conv.ts'
import { windows } from '../../ops/derived/movement.ts'
import { interpolate } from '../../ops/derived/resize.ts'
import type { Tensor } from '../../tensor.ts'
import { activationOf } from './activations.ts'
import type { Config } from './config.ts'
import { type LayerKind, simple, type WeightSpec } from './layer.ts'

type Margin = readonly [before: number, after: number]
const convs = [conv1d, conv2d, conv3d]
const transposed = [convTranspose1d, convTranspose2d, convTranspose3d]

const lastOf = (config: Config): boolean =>
  config.word('data_format', ['channels_last', 'channels_first'], 'channels_last') === 'channels_last'

/** [B, ...s, C] → [B, C, ...s] */
export function toFirst(x: Tensor): Tensor {
  return x.permute(0, x.rank - 1, ...x.shape.slice(2).map((_, i) => i + 1))
}
/** [B, C, ...s] → [B, ...s, C] */
export function toLast(x: Tensor): Tensor {
  return x.permute(0, ...x.shape.slice(2).map((_, i) => i + 2), 1)
}

/** Runs `body` on data with channels first. */
function channelsFirst(config: Config, x: Tensor, rank: number, body: (x: Tensor) => Tensor): Tensor {
  if (x.rank !== rank + 2) config.fail('input', x.shape as number[], `a batch, channels, and ${rank} in space`)
  return lastOf(config) ? toLast(body(toFirst(x))) : body(x)
}

/** TensorFlow's 'same': as many places as strides begin in the input, the odd zero after. */
function samePadding(size: number, kernel: number, stride: number, dilation: number): Margin {
  const total = Math.max(0, (Math.ceil(size / stride) - 1) * stride + (kernel - 1) * dilation + 1 - size)
  return [Math.floor(total / 2), total - Math.floor(total / 2)]
}

function paddingOf(
  config: Config,
  space: readonly number[],
  kernel: readonly number[],
  stride: readonly number[],
  dilation: readonly number[],
): Margin[] {
  const padding = config.word('padding', ['valid', 'same', 'causal'], 'valid')
  return space.map((size, i): Margin => {
    if (padding === 'valid') return [0, 0]
    return padding === 'causal'
      ? [(kernel[i] - 1) * dilation[i], 0]
      : samePadding(size, kernel[i], stride[i], dilation[i])
  })
}

function optionsOf(config: Config, rank: number, space: readonly number[]): ConvOptions {
  const [kernel, stride, dilation] = [
    config.perAxis('kernel_size', rank),
    config.perAxis('strides', rank, 1),
    config.perAxis('dilation_rate', rank, 1),
  ]
  return { stride, dilation, padding: paddingOf(config, space, kernel, stride, dilation) }
}

function finish(config: Config, y: Tensor, bias: Tensor | undefined): Tensor {
  const sum = bias ? y.add(bias.reshape([bias.size, ...y.shape.slice(2).map(() => 1)])) : y
  // Activations such as softmax work over the channels, which stand last for Keras.
  return toFirst(activationOf(config)(toLast(sum)))
}

const biasOf = (config: Config, size: number | undefined): WeightSpec[] =>
  config.flag('use_bias', true) ? [{ name: 'bias', shape: [size] }] : []
const open = (rank: number): undefined[] => new Array<undefined>(rank).fill(undefined)

/** kernel: [...size, in / groups, out] */
const conv = (rank: number): LayerKind => ({
  weights: (config) => {
    const out = config.whole('filters')
    return [{ name: 'kernel', shape: [...config.perAxis('kernel_size', rank), undefined, out] }, ...biasOf(config, out)]
  },
  call: ([{ tensor }], { kernel, bias }, config) =>
    channelsFirst(config, tensor, rank, (x) => {
      const weight = kernel.permute(rank + 1, rank, ...open(rank).map((_, i) => i))
      const options = { ...optionsOf(config, rank, x.shape.slice(2)), groups: config.whole('groups', 1) }
      return finish(config, convs[rank - 1](x, weight, options), bias)
    }),
})

/** kernel: [...size, out, in] */
const convTranspose = (rank: number): LayerKind => ({
  weights: (config) => {
    const out = config.whole('filters')
    return [{ name: 'kernel', shape: [...config.perAxis('kernel_size', rank), out, undefined] }, ...biasOf(config, out)]
  },
  call: ([{ tensor }], { kernel, bias }, config) =>
    channelsFirst(config, tensor, rank, (x) => {
      const [size, stride, dilation] = [
        config.perAxis('kernel_size', rank),
        config.perAxis('strides', rank, 1),
        config.perAxis('dilation_rate', rank, 1),
      ]
      const same = config.word('padding', ['valid', 'same'], 'valid') === 'same'
      const added = config.has('output_padding') ? config.wholes('output_padding', 0) : undefined
      const weight = kernel.permute(rank + 1, rank, ...open(rank).map((_, i) => i))
      const whole = transposed[rank - 1](x, weight, { stride, dilation })
      const margins = stride.map((step, i): Margin => {
        const span = (size[i] - 1) * dilation[i] + 1
        const length = (x.shape[2 + i] - 1) * step + span
        if (added) {
          const cut = same ? Math.floor(span / 2) : 0
          return [-cut, (added[i] ?? added[0]) - cut]
        }
        const wanted = same ? x.shape[2 + i] * step : x.shape[2 + i] * step + Math.max(0, span - step)
        const cut = same ? Math.floor(Math.max(0, span - step) / 2) : 0
        return [-cut, wanted - length + cut]
      })
      return finish(config, whole.pad([[0, 0], [0, 0], ...margins]), bias)
    }),
})

/** Each channel by itself. kernel: [...size, in, multiplier], channels of the result in the order of the input's. */
function depthwise(config: Config, x: Tensor, kernel: Tensor, rank: number): Tensor {
  const channels = x.shape[1]
  const multiplier = kernel.shape[rank + 1]
  const size = kernel.shape.slice(0, rank)
  const weight = kernel.permute(rank, rank + 1, ...size.map((_, i) => i)).reshape([channels * multiplier, 1, ...size])
  return convs[rank - 1](x, weight, { ...optionsOf(config, rank, x.shape.slice(2)), groups: channels })
}

const depthwiseConv = (rank: number): LayerKind => ({
  weights: (config) => [
    {
      name: 'depthwise_kernel',
      shape: [...config.perAxis('kernel_size', rank), undefined, config.whole('depth_multiplier', 1)],
    },
    ...biasOf(config, undefined),
  ],
  call: ([{ tensor }], weights, config) =>
    channelsFirst(config, tensor, rank, (x) =>
      finish(config, depthwise(config, x, weights.depthwise_kernel ?? weights.kernel, rank), weights.bias),
    ),
})

const separableConv = (rank: number): LayerKind => ({
  weights: (config) => {
    const out = config.whole('filters')
    return [
      {
        name: 'depthwise_kernel',
        shape: [...config.perAxis('kernel_size', rank), undefined, config.whole('depth_multiplier', 1)],
      },
      { name: 'pointwise_kernel', shape: [...new Array<number>(rank).fill(1), undefined, out] },
      ...biasOf(config, out),
    ]
  },
  call: ([{ tensor }], { depthwise_kernel: each, pointwise_kernel: across, bias }, config) =>
    channelsFirst(config, tensor, rank, (x) => {
      const weight = across.permute(rank + 1, rank, ...open(rank).map((_, i) => i))
      return finish(config, convs[rank - 1](depthwise(config, x, each, rank), weight), bias)
    }),
})

/** Windows of every axis in space: [B, C, ...O, ...K]. */
function patches(x: Tensor, size: readonly number[], stride: readonly number[]): { places: Tensor; axes: number[] } {
  const apart = size.reduceRight((y, n, i) => windows(y, 2 + i, n, stride[i]), x)
  return {
    places: apart.permute(0, 1, ...size.map((_, i) => 2 + 2 * i), ...size.map((_, i) => 3 + 2 * i)),
    axes: size.map((_, i) => 2 + size.length + i),
  }
}

const pool = (rank: number, largest: boolean): LayerKind =>
  simple((tensor, config) =>
    channelsFirst(config, tensor, rank, (x) => {
      const size = config.perAxis('pool_size', rank, 2)
      const stride = config.has('strides') ? config.perAxis('strides', rank) : size
      const padding = paddingOf(
        config,
        x.shape.slice(2),
        size,
        stride,
        size.map(() => 1),
      )
      const none: Margin[] = [
        [0, 0],
        [0, 0],
      ]
      const fold = (y: Tensor, value: number): Tensor => {
        const { places, axes } = patches(y.pad([...none, ...padding], value), size, stride)
        return largest ? places.max(axes) : places.sum(axes)
      }
      if (largest) return fold(x, Number.NEGATIVE_INFINITY)
      // What is padding does not count.
      return fold(x, 0).div(fold(full([1, 1, ...x.shape.slice(2)], 1), 0))
    }),
  )

const globalPool = (rank: number, largest: boolean): LayerKind =>
  simple((tensor, config, mask) => {
    const keepDims = config.flag('keepdims', false)
    const from = lastOf(config) ? 1 : 2
    const axes = Array.from({ length: rank }, (_, i) => from + i)
    if (largest) return tensor.max(axes, { keepDims })
    if (!mask || rank !== 1 || from !== 1) return tensor.mean(axes, { keepDims })
    const counted = mask.cast('float32').unsqueeze(-1)
    return tensor.mul(counted).sum(1, { keepDims }).div(counted.sum(1, { keepDims }))
  })

const withSpace = (rank: number, body: (config: Config, x: Tensor) => Tensor): LayerKind =>
  simple((x, config) => channelsFirst(config, x, rank, (y) => body(config, y)))

const zeroPadding = (rank: number): LayerKind =>
  withSpace(rank, (config, x) => x.pad([[0, 0], [0, 0], ...config.margins('padding', rank)]))
const cropping = (rank: number): LayerKind =>
  withSpace(rank, (config, x) =>
    x.pad([[0, 0], [0, 0], ...config.margins('cropping', rank).map(([before, after]) => [-before, -after] as const)]),
  )

const upSampling = (rank: number): LayerKind =>
  withSpace(rank, (config, x) => {
    const factors = config.perAxis('size', rank, 2)
    if (config.word('interpolation', ['nearest', 'bilinear'], 'nearest') === 'bilinear') {
      return interpolate(x, { size: factors.map((n, i) => n * x.shape[2 + i]), mode: 'bilinear' })
    }
    const apart = x.shape.slice(2).flatMap((n) => [n, 1])
    const repeated = x.shape.slice(2).flatMap((n, i) => [n, factors[i]])
    const lead = x.shape.slice(0, 2)
    return x
      .reshape([...lead, ...apart])
      .expand([...lead, ...repeated])
      .reshape([...lead, ...factors.map((n, i) => n * x.shape[2 + i])])
  })

const ranks = [1, 2, 3]
const all = (name: (rank: number) => string, make: (rank: number) => LayerKind): Record<string, LayerKind> =>
  Object.fromEntries(ranks.map((rank) => [name(rank), make(rank)]))

export const spaceLayers: Readonly<Record<string, LayerKind>> = {
  ...all((rank) => `Conv${rank}D`, conv),
  ...all((rank) => `Conv${rank}DTranspose`, convTranspose),
  DepthwiseConv1D: depthwiseConv(1),
  DepthwiseConv2D: depthwiseConv(2),
  SeparableConv1D: separableConv(1),
  SeparableConv2D: separableConv(2),
  ...all(
    (rank) => `MaxPooling${rank}D`,
    (rank) => pool(rank, true),
  ),
  ...all(
    (rank) => `AveragePooling${rank}D`,
    (rank) => pool(rank, false),
  ),
  ...all(
    (rank) => `GlobalMaxPooling${rank}D`,
    (rank) => globalPool(rank, true),
  ),
  ...all(
    (rank) => `GlobalAveragePooling${rank}D`,
    (rank) => globalPool(rank, false),
  ),
  ...all((rank) => `ZeroPadding${rank}D`, zeroPadding),
  ...all((rank) => `Cropping${rank}D`, cropping),
  ...all((rank) => `UpSampling${rank}D`, upSampling),
}
