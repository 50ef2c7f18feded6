/** ONNX's convolutions, pools and norms, opsets 7 to 23. Layouts are ours: [B, C, ...space]. */
import { full, onesLike } from '../../create.ts'
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
import { maxPool1d, maxPool2d, maxPool3d } from '../../ops/derived/pool.ts'
import type { Tensor } from '../../tensor.ts'
import type { Call, Operator } from './call.ts'

type Margin = readonly [before: number, after: number]

const convs = [conv1d, conv2d, conv3d]
const transposed = [convTranspose1d, convTranspose2d, convTranspose3d]
const maxPools = [maxPool1d, maxPool2d, maxPool3d]

/** The axes in space, of which there are one to three. */
function spatial(call: Call, x: Tensor): readonly number[] {
  if (x.rank < 3 || x.rank > 5)
    call.fail('input 0', `[${x.shape.join(', ')}]`, 'a batch, channels, and one to three axes in space')
  return x.shape.slice(2)
}

/** One number for each axis in space. */
function perAxis(call: Call, name: string, rank: number): number[] {
  const list = call.ints(name) ?? new Array<number>(rank).fill(1)
  if (list.length !== rank || !list.every((n) => n >= 1))
    call.fail(name, `[${list.join(', ')}]`, `${rank} numbers of at least 1`)
  return list
}

interface Sliding {
  readonly kernel: readonly number[]
  readonly stride: readonly number[]
  readonly dilation: readonly number[]
  /** As declared, or worked out of `auto_pad`. */
  readonly padding: readonly Margin[]
}

function sliding(call: Call, space: readonly number[], kernel: readonly number[]): Sliding {
  const rank = space.length
  if (kernel.length !== rank || !kernel.every((n) => n >= 1))
    call.fail('kernel', `[${kernel.join(', ')}]`, `${rank} numbers of at least 1`)
  const [stride, dilation] = [perAxis(call, 'strides', rank), perAxis(call, 'dilations', rank)]
  const auto = call.text('auto_pad', 'NOTSET')
  const pads = call.ints('pads') ?? new Array<number>(2 * rank).fill(0)
  if (pads.length !== 2 * rank) call.fail('pads', `[${pads.join(', ')}]`, `${2 * rank} numbers`)
  const padding = space.map((n, i): Margin => {
    if (auto === 'VALID') return [0, 0]
    if (auto !== 'SAME_UPPER' && auto !== 'SAME_LOWER') return [pads[i], pads[rank + i]]
    // As many places as strides begin in the input.
    const total = Math.max(0, (Math.ceil(n / stride[i]) - 1) * stride[i] + (kernel[i] - 1) * dilation[i] + 1 - n)
    const less = Math.floor(total / 2)
    return auto === 'SAME_UPPER' ? [less, total - less] : [total - less, less]
  })
  return { kernel, stride, dilation, padding }
}

function withBias(y: Tensor, bias: Tensor | undefined): Tensor {
  return bias ? y.add(bias.reshape([bias.size, ...y.shape.slice(2).map(() => 1)])) : y
}

function convolution(call: Call): Tensor {
  const [x, w] = [call.tensor(0), call.tensor(1)]
  const { stride, dilation, padding } = sliding(call, spatial(call, x), w.shape.slice(2))
  const cut = padding.some(([before, after]) => before < 0 || after < 0)
  const input = cut ? x.pad([[0, 0], [0, 0], ...padding]) : x
  const options: ConvOptions = { stride, dilation, padding: cut ? 0 : padding, groups: call.int('group', 1) }
  return withBias(convs[x.rank - 3](input, w, options), call.maybe(2))
}

/** The whole transposed convolution, from which the padding is cut off at each side by itself. */
function convolutionTransposed(call: Call): Tensor {
  const [x, w] = [call.tensor(0), call.tensor(1)]
  const space = spatial(call, x)
  const kernel = w.shape.slice(2)
  const [stride, dilation] = [perAxis(call, 'strides', space.length), perAxis(call, 'dilations', space.length)]
  const added = call.ints('output_padding') ?? space.map(() => 0)
  const pads = call.ints('pads') ?? new Array<number>(2 * space.length).fill(0)
  const wanted = call.ints('output_shape')
  const auto = call.text('auto_pad', 'NOTSET')
  const whole = transposed[x.rank - 3](x, w, { stride, dilation, groups: call.int('group', 1) })
  const margins = space.map((n, i): Margin => {
    const full = (n - 1) * stride[i] + (kernel[i] - 1) * dilation[i] + 1
    const same = auto === 'SAME_UPPER' || auto === 'SAME_LOWER'
    const target = wanted?.[wanted.length - space.length + i] ?? (same ? n * stride[i] : undefined)
    if (target === undefined) return auto === 'VALID' ? [0, added[i]] : [-pads[i], added[i] - pads[space.length + i]]
    const total = full + added[i] - target
    const less = Math.floor(total / 2)
    const before = auto === 'SAME_UPPER' ? less : total - less
    return [-before, added[i] - (total - before)]
  })
  return withBias(whole.pad([[0, 0], [0, 0], ...margins]), call.maybe(2))
}

/** How far the padding at the end must reach for the windows that `ceil_mode` adds. */
function ceiled(call: Call, space: readonly number[], s: Sliding): Margin[] {
  if (call.int('ceil_mode', 0) === 0) return [...s.padding]
  return s.padding.map(([before, after], i): Margin => {
    const span = (s.kernel[i] - 1) * s.dilation[i] + 1
    let places = Math.ceil((space[i] + before + after - span) / s.stride[i]) + 1
    // The last window must begin in the input or before it.
    if ((places - 1) * s.stride[i] >= space[i] + before) places--
    return [before, Math.max(after, (places - 1) * s.stride[i] + span - space[i] - before)]
  })
}

/** `[B, C, ...I] → [B, C, ...O, ...K]`, the windows of every axis in space. */
function patches(x: Tensor, s: Sliding): { places: Tensor; axes: number[] } {
  const rank = s.kernel.length
  // Windows of the last axis first, so that axes in front keep their place: [.., O1, K1, O2, K2].
  const apart = s.kernel.reduceRight((y, size, i) => windows(y, 2 + i, size, s.stride[i], s.dilation[i]), x)
  const order = [0, 1, ...s.kernel.map((_, i) => 2 + 2 * i), ...s.kernel.map((_, i) => 3 + 2 * i)]
  return { places: apart.permute(...order), axes: s.kernel.map((_, i) => 2 + rank + i) }
}

function maxPool(call: Call): Tensor {
  const x = call.tensor(0)
  const space = spatial(call, x)
  const s = sliding(call, space, call.ints('kernel_shape') ?? [])
  if (call.node.outputs.filter((name) => name !== '').length > 1) call.fail('outputs', 'Indices', 'the largest alone')
  const padded = x.pad(
    [[0, 0], [0, 0], ...ceiled(call, space, s)],
    x.dtype === 'float32' ? Number.NEGATIVE_INFINITY : -(2 ** 31),
  )
  if (s.dilation.every((d) => d === 1)) return maxPools[x.rank - 3](padded, s.kernel, { stride: s.stride })
  const { places, axes } = patches(padded, s)
  return places.max(axes)
}

function averagePool(call: Call): Tensor {
  const x = call.tensor(0)
  const space = spatial(call, x)
  const s = sliding(call, space, call.ints('kernel_shape') ?? [])
  const margins = ceiled(call, space, s)
  const none: Margin[] = [
    [0, 0],
    [0, 0],
  ]
  const total = (y: Tensor): Tensor => {
    const { places, axes } = patches(y, s)
    return places.sum(axes)
  }
  // What counts: the input, and with count_include_pad what is declared as padding (not what ceil_mode adds).
  const one = full([1, 1, ...space], 1)
  const counted =
    call.int('count_include_pad', 0) === 1 ? one.pad([...none, ...s.padding], 1) : one.pad([...none, ...s.padding])
  const rest = margins.map(([, after], i): Margin => [0, after - s.padding[i][1]])
  return total(x.pad([...none, ...margins])).div(total(counted.pad([...none, ...rest])))
}

const overSpace =
  (fold: (x: Tensor, axes: number[]) => Tensor): Operator =>
  (call) => {
    const x = call.tensor(0)
    return fold(x, x.shape.map((_, axis) => axis).slice(2))
  }

/** A number for each channel, to meet [B, C, ...]. */
const overChannels = (t: Tensor, x: Tensor): Tensor => t.reshape([t.size, ...x.shape.slice(2).map(() => 1)])

function batchNormalization(call: Call): Tensor {
  const x = call.tensor(0)
  const [scale, bias, mean, variance] = [1, 2, 3, 4].map((i) => overChannels(call.tensor(i), x))
  return x
    .sub(mean)
    .mul(variance.add(call.float('epsilon', 1e-5)).rsqrt())
    .mul(scale)
    .add(bias)
}

/** Mean 0 and variance 1 over `axes`. */
function normalize(x: Tensor, axes: number[], eps: number): { y: Tensor; mean: Tensor; inverse: Tensor } {
  const mean = x.mean(axes, { keepDims: true })
  const centred = x.sub(mean)
  const inverse = centred.square().mean(axes, { keepDims: true }).add(eps).rsqrt()
  return { y: centred.mul(inverse), mean, inverse }
}

function layerNormalization(call: Call): readonly Tensor[] {
  const x = call.tensor(0)
  const axis = call.axis(call.int('axis', -1), x.rank)
  const { y, mean, inverse } = normalize(x, x.shape.map((_, a) => a).slice(axis), call.float('epsilon', 1e-5))
  const scaled = y.mul(call.tensor(1))
  const bias = call.maybe(2)
  return [bias ? scaled.add(bias) : scaled, mean, inverse]
}

function rmsNormalization(call: Call): Tensor {
  const x = call.tensor(0)
  const axis = call.axis(call.int('axis', -1), x.rank)
  const axes = x.shape.map((_, a) => a).slice(axis)
  return x.mul(x.square().mean(axes, { keepDims: true }).add(call.float('epsilon', 1e-5)).rsqrt()).mul(call.tensor(1))
}

function groupNormalization(call: Call): Tensor {
  const x = call.tensor(0)
  const [batch, channels, ...space] = x.shape
  const groups = call.int('num_groups', 1)
  if (groups < 1 || channels % groups !== 0) call.fail('num_groups', String(groups), `a divisor of ${channels}`)
  const { y } = normalize(x.reshape([batch, groups, -1]), [2], call.float('epsilon', 1e-5))
  // Before opset 21 scale and bias are per group.
  const spread = (t: Tensor): Tensor =>
    t.size === channels
      ? t
      : t
          .reshape([groups, 1])
          .expand([groups, channels / groups])
          .reshape([channels])
  const whole = y.reshape([batch, channels, ...space])
  return whole.mul(overChannels(spread(call.tensor(1)), x)).add(overChannels(spread(call.tensor(2)), x))
}

function instanceNormalization(call: Call): Tensor {
  const x = call.tensor(0)
  const { y } = normalize(x, x.shape.map((_, a) => a).slice(2), call.float('epsilon', 1e-5))
  return y.mul(overChannels(call.tensor(1), x)).add(overChannels(call.tensor(2), x))
}

/** Local response normalization (Krizhevsky et al. 2012): squares are summed over neighbouring channels. */
function localResponse(call: Call): Tensor {
  const x = call.tensor(0)
  const size = call.int('size', 1)
  if (size < 1 || size > 2 * x.shape[1] + 1) call.fail('size', String(size), `1 to ${2 * x.shape[1] + 1}`)
  const before = Math.floor((size - 1) / 2)
  const margins = x.shape.map((_, axis): Margin => (axis === 1 ? [before, size - 1 - before] : [0, 0]))
  const sums = windows(x.square().pad(margins), 1, size).sum(2)
  const scale = sums.mul(call.float('alpha', 1e-4) / size).add(call.float('bias', 1))
  return x.div(scale.pow(call.float('beta', 0.75)))
}

function lpNormalization(call: Call): Tensor {
  const x = call.tensor(0)
  const axis = call.axis(call.int('axis', -1), x.rank)
  const norm =
    call.int('p', 2) === 1 ? x.abs().sum(axis, { keepDims: true }) : x.square().sum(axis, { keepDims: true }).sqrt()
  return x.div(norm.eq(0).where(onesLike(norm), norm))
}

function meanVariance(call: Call): Tensor {
  const axes = call.ints('axes') ?? [0, 2, 3]
  const x = call.tensor(0)
  return normalize(x, call.axes(axes, x.rank), 1e-9).y
}

/** Attention as in opset 23, without a cache: scores, an additive or boolean mask, softmax, values. */
function attention(call: Call): Tensor {
  if (call.has(4) || call.has(5)) call.fail('past_key', 'a cache', 'none')
  const flat = call.tensor(0).rank === 3
  const heads = (x: Tensor, count: number): Tensor =>
    flat ? x.reshape([x.shape[0], x.shape[1], count, -1]).transpose(1, 2) : x
  const queryHeads = flat ? call.int('q_num_heads', 1) : call.tensor(0).shape[1]
  const keyHeads = flat ? call.int('kv_num_heads', queryHeads) : call.tensor(1).shape[1]
  const q = heads(call.tensor(0), queryHeads)
  const shared = (x: Tensor): Tensor => {
    const [b, h, t, d] = x.shape
    return h === queryHeads
      ? x
      : x
          .reshape([b, h, 1, t, d])
          .expand([b, h, queryHeads / h, t, d])
          .reshape([b, queryHeads, t, d])
  }
  const [k, v] = [shared(heads(call.tensor(1), keyHeads)), shared(heads(call.tensor(2), keyHeads))]
  const scale = call.float('scale', 0) || 1 / Math.sqrt(q.shape[3])
  let scores = q.matmul(k.transpose()).mul(scale)
  const mask = call.maybe(3)
  if (mask) scores = mask.dtype === 'bool' ? mask.where(scores, Number.NEGATIVE_INFINITY) : scores.add(mask)
  if (call.int('is_causal', 0) === 1) {
    const [rows, columns] = scores.shape.slice(-2)
    scores = full([rows, columns], 1, 'int32')
      .cumsum(1)
      .le(full([rows, columns], 1, 'int32').cumsum(0))
      .where(scores, Number.NEGATIVE_INFINITY)
  }
  const cap = call.float('softcap', 0)
  if (cap > 0) scores = scores.div(cap).tanh().mul(cap)
  const y = scores.softmax(-1).matmul(v)
  return flat ? y.transpose(1, 2).reshape([y.shape[0], y.shape[2], -1]) : y
}

export const layers: Readonly<Record<string, Operator>> = {
  Conv: convolution,
  ConvTranspose: convolutionTransposed,
  MaxPool: maxPool,
  AveragePool: averagePool,
  GlobalAveragePool: overSpace((x, axes) => x.mean(axes, { keepDims: true })),
  GlobalMaxPool: overSpace((x, axes) => x.max(axes, { keepDims: true })),
  BatchNormalization: batchNormalization,
  LayerNormalization: layerNormalization,
  RMSNormalization: rmsNormalization,
  GroupNormalization: groupNormalization,
  InstanceNormalization: instanceNormalization,
  LRN: localResponse,
  LpNormalization: lpNormalization,
  MeanVarianceNormalization: meanVariance,
  Attention: attention,
}
