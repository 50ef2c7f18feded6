/** A layer of a spec as an expression in PyTorch. Layers that PyTorch lacks: helpers.ts. */
import type { LayerSpec } from '../spec.ts'
import type { HelperName } from './helpers.ts'
import { call, indented, literal, NoCounterpartError } from './python.ts'

/** Notes that a helper is needed, and gives its name. */
export type Need = (name: HelperName) => string

type Write = (layer: LayerSpec, need: Need) => string

/** A class with its arguments: those in order, and options by their names there. */
const plain =
  (name: string, ordered: readonly string[] = [], named: Readonly<Record<string, string>> = {}): Write =>
  (layer) =>
    call(
      `nn.${name}`,
      ordered.map((option) => layer[option]).filter((value) => value !== undefined),
      Object.fromEntries(Object.entries(named).map(([option, there]) => [there, layer[option]])),
    )

const activations: Readonly<Record<string, Write>> = {
  relu: plain('ReLU'),
  tanh: plain('Tanh'),
  sigmoid: plain('Sigmoid'),
  gelu: plain('GELU', [], { approximate: 'approximate' }),
  silu: plain('SiLU'),
  leakyRelu: plain('LeakyReLU', ['slope']),
  elu: plain('ELU', ['alpha']),
  selu: plain('SELU'),
  celu: plain('CELU', ['alpha']),
  mish: plain('Mish'),
  prelu: plain('PReLU', [], { count: 'num_parameters', init: 'init' }),
  relu6: plain('ReLU6'),
  hardswish: plain('Hardswish'),
  hardsigmoid: plain('Hardsigmoid'),
  hardtanh: plain('Hardtanh', ['low', 'high']),
  softplus: plain('Softplus', ['beta', 'threshold']),
  softsign: plain('Softsign'),
  tanhshrink: plain('Tanhshrink'),
  softshrink: plain('Softshrink', ['lambda']),
  hardshrink: plain('Hardshrink', ['lambda']),
  threshold: plain('Threshold', ['limit', 'value']),
  logSigmoid: plain('LogSigmoid'),
  softmax: plain('Softmax', [], { axis: 'dim' }),
  logSoftmax: plain('LogSoftmax', [], { axis: 'dim' }),
  softmin: plain('Softmin', [], { axis: 'dim' }),
  glu: plain('GLU', ['axis']),
  step: ({ straightThrough = true }, need) => call(need('Step'), [straightThrough]),
  reglu: ({ axis = -1 }, need) => call(need('Gated'), ['relu', axis]),
  geglu: ({ axis = -1, approximate }, need) => call(need('Gated'), ['gelu', axis], { approximate }),
  swiglu: ({ axis = -1 }, need) => call(need('Gated'), ['silu', axis]),
}

const recurrent =
  (name: 'RNN' | 'LSTM' | 'GRU'): Write =>
  (layer, need) =>
    call(need(name), [layer.in, layer.hidden], {
      num_layers: layer.layers,
      nonlinearity: layer.nonlinearity,
      bias: layer.bias,
      batch_first: layer.batchFirst ?? false,
      dropout: layer.dropout,
      bidirectional: layer.bidirectional,
    })

/** The options of a block of attention, with the library's first values where nothing is said. */
const blockOptions = (
  layer: LayerSpec,
  first: { activation: string; dropout: number; feedForward: number },
): object => ({
  feed_forward: layer.feedForward ?? first.feedForward,
  activation: layer.activation ?? first.activation,
  norm: layer.norm ?? 'layer',
  eps: layer.eps ?? 1e-5,
  bias: layer.bias ?? true,
})
const encoderFirst = { activation: 'relu', dropout: 0.1, feedForward: 2048 }

const whole: Readonly<Record<string, Write>> = {
  linear: plain('Linear', ['in', 'out'], { bias: 'bias' }),
  embedding: plain('Embedding', ['count', 'size'], { maxNorm: 'max_norm' }),
  rnn: recurrent('RNN'),
  lstm: recurrent('LSTM'),
  gru: recurrent('GRU'),
  upsample: plain('Upsample', [], { scaleFactor: 'scale_factor', mode: 'mode' }),
  pixelShuffle: plain('PixelShuffle', ['factor']),
  pixelUnshuffle: plain('PixelUnshuffle', ['factor']),
  layerNorm: plain('LayerNorm', ['normalizedShape'], {
    eps: 'eps',
    elementwiseAffine: 'elementwise_affine',
    bias: 'bias',
  }),
  rmsNorm: plain('RMSNorm', ['normalizedShape'], { eps: 'eps', elementwiseAffine: 'elementwise_affine' }),
  groupNorm: plain('GroupNorm', ['groups', 'channels'], { eps: 'eps', affine: 'affine' }),
  localResponseNorm: plain('LocalResponseNorm', ['size'], { alpha: 'alpha', beta: 'beta', k: 'k' }),
  dropout: plain('Dropout', ['p']),
  alphaDropout: plain('AlphaDropout', ['p']),
  dropPath: ({ p, scale = true }, need) => call(need('DropPath'), [p, scale]),
  flatten: ({ from = 1, to = -1 }) => call('nn.Flatten', [from, to]),
  unflatten: plain('Unflatten', ['axis', 'sizes']),
  identity: plain('Identity'),
  reshape: ({ shape }, need) => call(need('Reshape'), [shape]),
  select: ({ axis, index }, need) => call(need('Select'), [axis, index]),
  multiHeadAttention: ({ width, heads, dropout, bias, alibi }, need) =>
    call(need('Attention'), [width, heads], { dropout, bias, alibi }),
  transformerEncoderLayer: (layer, need) =>
    call(need('Block'), [layer.width, layer.heads], {
      ...blockOptions(layer, encoderFirst),
      dropout: layer.dropout ?? encoderFirst.dropout,
      norm_first: layer.normFirst ?? false,
    }),
  transformerEncoder: (layer, need) =>
    call(need('Blocks'), [layer.width, layer.heads, layer.layers], {
      ...blockOptions(layer, encoderFirst),
      dropout: layer.dropout ?? encoderFirst.dropout,
      norm_first: layer.normFirst ?? false,
      final_norm: layer.finalNorm,
    }),
  learnedPositions: ({ length, width }, need) => call(need('LearnedPositions'), [length, width]),
  sinusoidalPositions: ({ length, width, base }, need) => call(need('SinusoidalPositions'), [length, width], { base }),
  languageModel: (layer, need) =>
    call(need('LanguageModel'), [], {
      vocab: layer.vocab,
      width: layer.width,
      layers: layer.layers,
      heads: layer.heads,
      context: layer.context,
      positions: layer.positions ?? 'learned',
      tied: layer.tied ?? true,
      dropout: layer.dropout ?? 0,
      ...blockOptions(layer, { activation: 'gelu', dropout: 0, feedForward: 4 * Number(layer.width) }),
    }),
}

/** Kinds that end in 1d or 2d: the class is named alike. */
const spatial: Readonly<Record<string, (d: string) => Write>> = {
  conv: (d) =>
    plain(`Conv${d}`, ['in', 'out', 'size'], {
      stride: 'stride',
      padding: 'padding',
      dilation: 'dilation',
      groups: 'groups',
      bias: 'bias',
      paddingMode: 'padding_mode',
    }),
  convTranspose: (d) =>
    plain(`ConvTranspose${d}`, ['in', 'out', 'size'], {
      stride: 'stride',
      padding: 'padding',
      outputPadding: 'output_padding',
      groups: 'groups',
      bias: 'bias',
      dilation: 'dilation',
    }),
  maxPool: (d) =>
    plain(`MaxPool${d}`, ['size'], {
      stride: 'stride',
      padding: 'padding',
      dilation: 'dilation',
      ceilMode: 'ceil_mode',
    }),
  avgPool: (d) =>
    plain(`AvgPool${d}`, ['size'], {
      stride: 'stride',
      padding: 'padding',
      ceilMode: 'ceil_mode',
      countIncludePad: 'count_include_pad',
    }),
  adaptiveAvgPool: (d) => plain(`AdaptiveAvgPool${d}`, ['size']),
  adaptiveMaxPool: (d) => plain(`AdaptiveMaxPool${d}`, ['size']),
  globalAvgPool: (d) => (layer, need) => call(need('GlobalPool'), ['mean', Number(d[0]), layer.keepDims ?? false]),
  globalMaxPool: (d) => (layer, need) => call(need('GlobalPool'), ['max', Number(d[0]), layer.keepDims ?? false]),
  zeroPad: (d) => plain(`ZeroPad${d}`, ['sides']),
  reflectionPad: (d) => plain(`ReflectionPad${d}`, ['sides']),
  replicationPad: (d) => plain(`ReplicationPad${d}`, ['sides']),
  circularPad: (d) => plain(`CircularPad${d}`, ['sides']),
  constantPad: (d) => plain(`ConstantPad${d}`, ['sides', 'value']),
  batchNorm: (d) =>
    plain(`BatchNorm${d}`, ['features'], {
      eps: 'eps',
      momentum: 'momentum',
      affine: 'affine',
      trackRunningStats: 'track_running_stats',
    }),
  instanceNorm: (d) => plain(`InstanceNorm${d}`, ['features'], { eps: 'eps', affine: 'affine' }),
  dropout: (d) => plain(`Dropout${d}`, ['p']),
}

/** Layers in lines of their own. */
const listed = (name: string, layers: readonly string[], more = ''): string =>
  `${name}(\n${layers.map((each) => `${indented(each)},\n`).join('')}${more && `${indented(more)},\n`})`

/** Errors: NoCounterpartError. */
export function layerText(layer: LayerSpec, need: Need): string {
  const { kind } = layer
  const inside = (each: unknown): string => layerText(each as LayerSpec, need)
  if (kind === 'sequential') return listed('nn.Sequential', (layer.layers as readonly LayerSpec[]).map(inside))
  if (kind === 'residual') {
    const { body, shortcut } = layer
    return listed(need('Residual'), shortcut ? [inside(body), inside(shortcut)] : [inside(body)])
  }
  if (kind === 'parallel') {
    const { branches, join = 'sum', axis = 1 } = layer
    if (!Array.isArray(branches)) throw new NoCounterpartError('Branches with names are not written in PyTorch yet.')
    return listed(need('Parallel'), branches.map(inside), `join=${literal(join)}, axis=${literal(axis)}`)
  }
  const [, family, d] = /^(\w+?)([12]d)$/.exec(kind) ?? []
  const write =
    (Object.hasOwn(activations, kind) && activations[kind]) ||
    (Object.hasOwn(whole, kind) && whole[kind]) ||
    (family !== undefined && Object.hasOwn(spatial, family) && spatial[family](d))
  if (!write) throw new NoCounterpartError(`The layer ${kind} has no counterpart in PyTorch.`)
  return write(layer, need)
}
