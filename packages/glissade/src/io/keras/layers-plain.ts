/** Keras's dense and embedding layers, activations, norms, shapes, merges. */
import { maximum, minimum } from '../../ops/derived/elementwise.ts'
import { concat } from '../../ops/derived/movement.ts'
import { bernoulli } from '../../random.ts'
import { sizeOf } from '../../shape.ts'
import type { Tensor } from '../../tensor.ts'
import { activationOf, elu, leakyRelu } from './activations.ts'
import { type Config, field } from './config.ts'
import { type Flow, type LayerKind, simple, type WeightSpec } from './layer.ts'

const axisOf = (config: Config, x: Tensor, otherwise = -1): number => {
  const value = field(config.raw, 'axis') ?? otherwise
  const axis = Array.isArray(value) && value.length === 1 ? value[0] : value
  if (typeof axis !== 'number' || !Number.isInteger(axis) || axis < -x.rank || axis >= x.rank)
    return config.fail('axis', value, `one axis of ${x.rank}`)
  return axis < 0 ? axis + x.rank : axis
}

/** A number for each element of an axis, to meet x. */
const along = (t: Tensor, x: Tensor, axis: number): Tensor =>
  t.reshape(x.shape.map((_, a) => (a === axis ? t.size : 1)))

const dense: LayerKind = {
  weights: (config) => [
    { name: 'kernel', shape: [undefined, config.whole('units')] },
    ...(config.flag('use_bias', true) ? [{ name: 'bias', shape: [config.whole('units')] }] : []),
  ],
  call: ([{ tensor, mask }], { kernel, bias }, config) => {
    const product = tensor.matmul(kernel)
    return { tensor: activationOf(config)(bias ? product.add(bias) : product), mask }
  },
}

const embedding: LayerKind = {
  weights: (config) => [{ name: 'embeddings', shape: [config.whole('input_dim'), config.whole('output_dim')] }],
  call: ([{ tensor }], { embeddings }, config) => {
    const places = tensor.cast('int32')
    return { tensor: embeddings.take(places, 0), mask: config.flag('mask_zero', false) ? places.ne(0) : undefined }
  },
}

const scaleAndCenter = (config: Config): WeightSpec[] => [
  ...(config.flag('scale', true) ? [{ name: 'gamma', shape: [undefined] }] : []),
  ...(config.flag('center', true) ? [{ name: 'beta', shape: [undefined] }] : []),
]

const batchNormalization: LayerKind = {
  weights: (config) => [
    ...scaleAndCenter(config),
    { name: 'moving_mean', shape: [undefined], fixed: true },
    { name: 'moving_variance', shape: [undefined], fixed: true },
  ],
  call: ([{ tensor: x, mask }], { gamma, beta, moving_mean: mean, moving_variance: variance }, config) => {
    const axis = axisOf(config, x)
    const factor = variance.add(config.number('epsilon', 1e-3)).rsqrt()
    const scaled = x.sub(along(mean, x, axis)).mul(along(gamma ? factor.mul(gamma) : factor, x, axis))
    return { tensor: beta ? scaled.add(along(beta, x, axis)) : scaled, mask }
  },
}

function normalize(x: Tensor, axes: number[], eps: number): Tensor {
  const centred = x.sub(x.mean(axes, { keepDims: true }))
  return centred.mul(centred.square().mean(axes, { keepDims: true }).add(eps).rsqrt())
}

const layerNormalization: LayerKind = {
  weights: scaleAndCenter,
  call: ([{ tensor: x, mask }], { gamma, beta }, config) => {
    if (config.flag('rms_scaling', false)) config.fail('rms_scaling', true, 'false')
    const axis = axisOf(config, x)
    const y = normalize(x, [axis], config.number('epsilon', 1e-3))
    const scaled = gamma ? y.mul(along(gamma, x, axis)) : y
    return { tensor: beta ? scaled.add(along(beta, x, axis)) : scaled, mask }
  },
}

const groupNormalization: LayerKind = {
  weights: scaleAndCenter,
  call: ([{ tensor: x }], { gamma, beta }, config) => {
    const axis = axisOf(config, x)
    if (axis !== x.rank - 1) config.fail('axis', axis, 'the last axis')
    const channels = x.shape[axis]
    const wanted = config.whole('groups', 32, -1)
    const groups = wanted === -1 ? channels : wanted
    if (groups === 0 || channels % groups !== 0) config.fail('groups', groups, `a divisor of ${channels}`)
    const space = x.shape.slice(1, -1)
    const grouped = x.reshape([x.shape[0], ...space, groups, channels / groups])
    const axes = [...space.map((_, i) => i + 1), space.length + 2]
    const y = normalize(grouped, axes, config.number('epsilon', 1e-3)).reshape(x.shape)
    const scaled = gamma ? y.mul(gamma) : y
    return beta ? scaled.add(beta) : scaled
  },
}

/** Standardization with statistics that were found before training. */
const normalization: LayerKind = {
  weights: (config) =>
    config.has('mean')
      ? []
      : [
          { name: 'mean', shape: [undefined], fixed: true },
          { name: 'variance', shape: [undefined], fixed: true },
          { name: 'count', shape: [], fixed: true },
        ],
  call: ([{ tensor: x }], { mean, variance }, config) => {
    if (!mean) return config.fail('mean', 'numbers in the options', 'statistics in the weights')
    const axis = axisOf(config, x)
    const deviation = maximum(variance.sqrt(), 1e-7)
    return x.sub(along(mean, x, axis)).div(along(deviation, x, axis))
  },
}

const prelu: LayerKind = {
  weights: () => [{ name: 'alpha' }],
  call: ([{ tensor: x }], { alpha }) => x.lt(0).where(x.mul(alpha), x),
}

/** Random in training only. */
const dropout: LayerKind = {
  call: ([{ tensor: x, mask }], _weights, config, training) => {
    const rate = config.number('rate', 0.5)
    if (!training || rate === 0) return { tensor: x, mask }
    if (!(rate > 0 && rate < 1)) config.fail('rate', rate, '0 to 1')
    return { tensor: bernoulli(x.shape, 1 - rate).where(x.mul(1 / (1 - rate)), 0), mask }
  },
}
/** Whole channels at once. */
const spatialDropout: LayerKind = {
  call: ([{ tensor: x, mask }], _weights, config, training) => {
    const rate = config.number('rate', 0.5)
    if (!training || rate === 0) return { tensor: x, mask }
    if (!(rate > 0 && rate < 1)) config.fail('rate', rate, '0 to 1')
    const each = x.shape.map((n, axis) => (axis === 0 || axis === x.rank - 1 ? n : 1))
    return { tensor: bernoulli(each, 1 - rate).where(x.mul(1 / (1 - rate)), 0), mask }
  },
}
const passing: LayerKind = { call: ([flow]) => flow }

const reshape = simple((x, config) => {
  const shape = config.wholes('target_shape', -1)
  return x.reshape([x.shape[0], ...shape])
})

const flatten = simple((x, config) => {
  // With channels first Keras still flattens channels-last.
  const first = config.text('data_format', 'channels_last') === 'channels_first' && x.rank > 2
  const y = first ? x.permute(0, ...x.shape.slice(2).map((_, i) => i + 2), 1) : x
  return y.reshape([x.shape[0], sizeOf(x.shape.slice(1))])
})

const merge = (
  fold: (a: Tensor, b: Tensor) => Tensor,
  after: (x: Tensor, count: number) => Tensor = (x) => x,
): LayerKind => ({
  call: (inputs) => after(inputs.map(({ tensor }) => tensor).reduce(fold), inputs.length),
})

const subtract: LayerKind = {
  call: (inputs, _weights, config) =>
    inputs.length === 2 ? inputs[0].tensor.sub(inputs[1].tensor) : config.fail('inputs', inputs.length, '2'),
}

/** Dot products over one axis of each side. */
const dot: LayerKind = {
  call: ([a, b], _weights, config) => {
    const axes = config.wholes('axes', -8)
    const [i, j] = [a, b].map(({ tensor }, k) => {
      const axis = axes[k] ?? axes[0]
      return axis < 0 ? axis + tensor.rank : axis
    })
    if (!(i > 0 && j > 0 && i < a.tensor.rank && j < b.tensor.rank)) config.fail('axes', axes, 'axes beside the batch')
    const side = (x: Tensor, axis: number): Tensor => {
      const y = config.flag('normalize', false)
        ? x.div(maximum(x.square().sum(axis, { keepDims: true }), 1e-12).sqrt())
        : x
      const rest = y.shape.map((_, k) => k).filter((k) => k !== 0 && k !== axis)
      return y.permute(0, ...rest, axis).reshape([y.shape[0], sizeOf(rest.map((k) => y.shape[k])), y.shape[axis]])
    }
    const [left, right] = [side(a.tensor, i), side(b.tensor, j)]
    const rest = [
      ...a.tensor.shape.filter((_, k) => k !== 0 && k !== i),
      ...b.tensor.shape.filter((_, k) => k !== 0 && k !== j),
    ]
    return left.matmul(right.transpose()).reshape([left.shape[0], ...(rest.length > 0 ? rest : [1])])
  },
}

const masking: LayerKind = {
  call: ([{ tensor: x }], _weights, config) => {
    const mask = x.ne(config.number('mask_value', 0)).any(-1)
    return { tensor: x.mul(mask.cast('float32').unsqueeze(-1)), mask } satisfies Flow
  },
}

export const plainLayers: Readonly<Record<string, LayerKind>> = {
  Dense: dense,
  Embedding: embedding,
  Activation: simple((x, config) => activationOf(config)(x), true),
  ReLU: simple((x, config) => {
    const [slope, threshold] = [config.number('negative_slope', 0), config.number('threshold', 0)]
    const above = config.has('max_value') ? minimum(x, config.number('max_value')) : x
    return x.ge(threshold).where(above, x.sub(threshold).mul(slope))
  }, true),
  LeakyReLU: simple((x, config) => leakyRelu(x, config.number('negative_slope', config.number('alpha', 0.3))), true),
  ELU: simple((x, config) => elu(x, config.number('alpha', 1)), true),
  ThresholdedReLU: simple((x, config) => x.gt(config.number('theta', 1)).where(x, 0), true),
  Softmax: simple((x, config) => x.softmax(axisOf(config, x)), true),
  PReLU: prelu,
  BatchNormalization: batchNormalization,
  LayerNormalization: layerNormalization,
  GroupNormalization: groupNormalization,
  UnitNormalization: simple((x, config) => {
    const axis = axisOf(config, x)
    return x.div(maximum(x.square().sum(axis, { keepDims: true }), 1e-12).sqrt())
  }),
  Normalization: normalization,
  Rescaling: simple((x, config) => x.mul(config.number('scale')).add(config.number('offset', 0))),
  Dropout: dropout,
  SpatialDropout1D: spatialDropout,
  SpatialDropout2D: spatialDropout,
  SpatialDropout3D: spatialDropout,
  // Noise is for training from the start; a model that was trained has had it.
  GaussianNoise: passing,
  GaussianDropout: passing,
  AlphaDropout: passing,
  ActivityRegularization: passing,
  Identity: passing,
  Flatten: flatten,
  Reshape: reshape,
  Permute: simple((x, config) => x.permute(0, ...config.wholes('dims', 1))),
  RepeatVector: simple((x, config) => x.unsqueeze(1).expand([x.shape[0], config.whole('n'), x.shape[1]])),
  Add: merge((a, b) => a.add(b)),
  Subtract: subtract,
  Multiply: merge((a, b) => a.mul(b)),
  Average: merge(
    (a, b) => a.add(b),
    (x, count) => x.div(count),
  ),
  Maximum: merge(maximum),
  Minimum: merge(minimum),
  Concatenate: {
    call: (inputs, _weights, config) =>
      concat(
        inputs.map(({ tensor }) => tensor),
        axisOf(config, inputs[0].tensor),
      ),
  },
  Dot: dot,
  Masking: masking,
}
