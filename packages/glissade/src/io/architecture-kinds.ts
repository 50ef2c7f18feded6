/**
 * The closed list of what a description may name: every kind of layer, its options, and who makes it.
 *
 * A new layer of the library gets one line here, from its `config()`. How descriptions are written and read:
 * architecture.ts; the checks: architecture-options.ts.
 */
import * as nn from '../nn/index.ts'
import type { Module } from '../nn/module.ts'
import {
  anyNumber,
  anyWhole,
  either,
  flag,
  module,
  moduleList,
  moduleNames,
  modules,
  nothing,
  number,
  type Option,
  oneOf,
  openSizes,
  padding,
  parts,
  perAxis,
  perAxisOrOpen,
  record,
  scales,
  sides,
  sizes,
  times,
  whole,
} from './architecture-options.ts'

type Options = Readonly<Record<string, Option>>

export interface Kind {
  /** Arguments in order. */
  readonly args: Options
  /** How many of them must be there; default all. */
  readonly least?: number
  /** What stands in the object of options that comes last; undefined: there is none. */
  readonly options?: Options
  readonly make: (...args: never[]) => Module
}

const kind = (make: Kind['make'], args: Options = {}, options?: Options, least?: number): Kind => ({
  make,
  args,
  ...(options && { options }),
  ...(least !== undefined && { least }),
})

const conv = { in: whole, out: whole, size: perAxis }
const paddingMode = oneOf('zeros', 'reflect', 'replicate', 'circular')
const convOptions = { stride: perAxis, padding, paddingMode, dilation: perAxis, groups: whole, bias: flag }
const transposeOptions = {
  stride: perAxis,
  padding: perAxis,
  outputPadding: perAxis,
  dilation: perAxis,
  groups: whole,
  bias: flag,
}
const poolOptions = { stride: perAxis, padding: perAxis, ceilMode: flag }
const maxPool = (make: Kind['make']): Kind => kind(make, { size: perAxis }, { ...poolOptions, dilation: perAxis })
const avgPool = (make: Kind['make']): Kind =>
  kind(make, { size: perAxis }, { ...poolOptions, countIncludePad: flag, divisorOverride: number })
const adaptive = (make: Kind['make']): Kind => kind(make, { size: perAxisOrOpen })
const global = (make: Kind['make']): Kind => kind(make, {}, { keepDims: flag })
const pad = (make: Kind['make']): Kind => kind(make, { sides })
const constantPad = (make: Kind['make']): Kind => kind(make, { sides, value: number })

const batchNorm = (make: Kind['make']): Kind =>
  kind(
    make,
    { features: whole },
    { eps: number, momentum: either(number, nothing), affine: flag, trackRunningStats: flag },
  )
const instanceNorm = (make: Kind['make']): Kind =>
  kind(make, { features: whole }, { eps: number, momentum: number, affine: flag, trackRunningStats: flag })
const dropout = (make: Kind['make']): Kind => kind(make, { p: number })
const plain = (make: Kind['make']): Kind => kind(make)
const alongAxis = (make: Kind['make']): Kind => kind(make, { axis: anyWhole })
const approximate = oneOf('none', 'tanh')

const cell = { in: whole, hidden: whole }
const recurrent = { layers: parts, bias: flag, batchFirst: flag, dropout: number, bidirectional: flag }
const nonlinearity = oneOf('tanh', 'relu')

const rotaryFields = record({ base: number, interleaved: flag, dims: whole })
const rotary = either(flag, rotaryFields)
const activation = oneOf('relu', 'gelu', 'geluTanh', 'silu', 'glu', 'reglu', 'geglu', 'swiglu')
const attention = { width: whole, heads: whole }
const feedForward = {
  feedForward: whole,
  dropout: number,
  activation,
  norm: oneOf('layer', 'rms'),
  eps: number,
  bias: flag,
  kvHeads: whole,
}
const transformerLayer = { ...feedForward, normFirst: flag, rotary, alibi: flag }
const stack = { ...transformerLayer, finalNorm: flag }
const bothStacks = { encoderLayers: parts, decoderLayers: parts }

export const kinds: Readonly<Record<string, Kind>> = {
  // ---- in a row, and side by side ----
  sequential: kind((layers: never) => (Array.isArray(layers) ? nn.sequential(...layers) : nn.sequential(layers)), {
    layers: modules,
  }),
  moduleList: kind(nn.moduleList, { modules: moduleList }),
  moduleDict: kind(nn.moduleDict, { modules: moduleNames }),
  residual: kind(nn.residual, { body: module }, { shortcut: module }),
  parallel: kind(
    nn.parallel,
    { branches: modules },
    { join: oneOf('sum', 'product', 'concat', 'list'), axis: anyWhole },
  ),
  identity: plain(nn.identity),
  select: kind(nn.select, { axis: anyWhole, index: anyWhole }),
  flatten: kind(nn.flatten, { from: anyWhole, to: anyWhole }),
  unflatten: kind(nn.unflatten, { axis: anyWhole, sizes: openSizes }),
  reshape: kind(nn.reshape, { shape: openSizes }),

  // ---- products ----
  linear: kind(nn.linear, { in: whole, out: whole }, { bias: flag }),
  bilinear: kind(nn.bilinear, { in1: whole, in2: whole, out: whole }, { bias: flag }),
  embedding: kind(
    nn.embedding,
    { count: whole, size: whole },
    { paddingIndex: anyWhole, maxNorm: number, normType: number },
  ),
  conv1d: kind(nn.conv1d, conv, convOptions),
  conv2d: kind(nn.conv2d, conv, convOptions),
  conv3d: kind(nn.conv3d, conv, convOptions),
  convTranspose1d: kind(nn.convTranspose1d, conv, transposeOptions),
  convTranspose2d: kind(nn.convTranspose2d, conv, transposeOptions),
  convTranspose3d: kind(nn.convTranspose3d, conv, transposeOptions),

  // ---- windows and margins ----
  maxPool1d: maxPool(nn.maxPool1d),
  maxPool2d: maxPool(nn.maxPool2d),
  maxPool3d: maxPool(nn.maxPool3d),
  avgPool1d: avgPool(nn.avgPool1d),
  avgPool2d: avgPool(nn.avgPool2d),
  avgPool3d: avgPool(nn.avgPool3d),
  adaptiveAvgPool1d: adaptive(nn.adaptiveAvgPool1d),
  adaptiveAvgPool2d: adaptive(nn.adaptiveAvgPool2d),
  adaptiveAvgPool3d: adaptive(nn.adaptiveAvgPool3d),
  adaptiveMaxPool1d: adaptive(nn.adaptiveMaxPool1d),
  adaptiveMaxPool2d: adaptive(nn.adaptiveMaxPool2d),
  adaptiveMaxPool3d: adaptive(nn.adaptiveMaxPool3d),
  globalAvgPool1d: global(nn.globalAvgPool1d),
  globalAvgPool2d: global(nn.globalAvgPool2d),
  globalAvgPool3d: global(nn.globalAvgPool3d),
  globalMaxPool1d: global(nn.globalMaxPool1d),
  globalMaxPool2d: global(nn.globalMaxPool2d),
  globalMaxPool3d: global(nn.globalMaxPool3d),
  zeroPad1d: pad(nn.zeroPad1d),
  zeroPad2d: pad(nn.zeroPad2d),
  zeroPad3d: pad(nn.zeroPad3d),
  constantPad1d: constantPad(nn.constantPad1d),
  constantPad2d: constantPad(nn.constantPad2d),
  constantPad3d: constantPad(nn.constantPad3d),
  reflectionPad1d: pad(nn.reflectionPad1d),
  reflectionPad2d: pad(nn.reflectionPad2d),
  reflectionPad3d: pad(nn.reflectionPad3d),
  replicationPad1d: pad(nn.replicationPad1d),
  replicationPad2d: pad(nn.replicationPad2d),
  replicationPad3d: pad(nn.replicationPad3d),
  circularPad1d: pad(nn.circularPad1d),
  circularPad2d: pad(nn.circularPad2d),
  circularPad3d: pad(nn.circularPad3d),
  upsample: kind(
    nn.upsample,
    {},
    {
      size: perAxis,
      scaleFactor: scales,
      mode: oneOf('nearest', 'nearest-exact', 'linear', 'bilinear', 'trilinear', 'bicubic', 'area'),
      alignCorners: flag,
    },
  ),
  pixelShuffle: kind(nn.pixelShuffle, { factor: whole }),
  pixelUnshuffle: kind(nn.pixelUnshuffle, { factor: whole }),

  // ---- norms and dropouts ----
  batchNorm1d: batchNorm(nn.batchNorm1d),
  batchNorm2d: batchNorm(nn.batchNorm2d),
  batchNorm3d: batchNorm(nn.batchNorm3d),
  instanceNorm1d: instanceNorm(nn.instanceNorm1d),
  instanceNorm2d: instanceNorm(nn.instanceNorm2d),
  instanceNorm3d: instanceNorm(nn.instanceNorm3d),
  layerNorm: kind(nn.layerNorm, { normalizedShape: sizes }, { eps: number, elementwiseAffine: flag, bias: flag }),
  rmsNorm: kind(nn.rmsNorm, { normalizedShape: sizes }, { eps: either(number, nothing), elementwiseAffine: flag }),
  groupNorm: kind(nn.groupNorm, { groups: whole, channels: whole }, { eps: number, affine: flag }),
  localResponseNorm: kind(nn.localResponseNorm, { size: whole }, { alpha: number, beta: number, k: number }),
  dropout: dropout(nn.dropout),
  dropout1d: dropout(nn.dropout1d),
  dropout2d: dropout(nn.dropout2d),
  dropout3d: dropout(nn.dropout3d),
  alphaDropout: dropout(nn.alphaDropout),
  dropPath: kind(nn.dropPath, { p: number }, { scale: flag }),

  // ---- activations ----
  relu: plain(nn.relu),
  relu6: plain(nn.relu6),
  leakyRelu: kind(nn.leakyRelu, { slope: number }),
  prelu: kind(nn.prelu, { count: whole, init: number }, undefined, 1),
  elu: kind(nn.elu, { alpha: number }),
  selu: plain(nn.selu),
  celu: kind(nn.celu, { alpha: number }),
  gelu: kind(nn.gelu, { approximate }),
  silu: plain(nn.silu),
  mish: plain(nn.mish),
  hardswish: plain(nn.hardswish),
  softplus: kind(nn.softplus, { beta: number, threshold: anyNumber }, undefined, 1),
  tanhshrink: plain(nn.tanhshrink),
  softshrink: kind(nn.softshrink, { lambda: number }),
  hardshrink: kind(nn.hardshrink, { lambda: number }),
  threshold: kind(nn.threshold, { limit: anyNumber, value: anyNumber }),
  tanh: plain(nn.tanh),
  sigmoid: plain(nn.sigmoid),
  logSigmoid: plain(nn.logSigmoid),
  softsign: plain(nn.softsign),
  hardtanh: kind(nn.hardtanh, { low: anyNumber, high: anyNumber }),
  hardsigmoid: plain(nn.hardsigmoid),
  step: kind(nn.step, {}, { straightThrough: flag }),
  softmax: alongAxis(nn.softmax),
  logSoftmax: alongAxis(nn.logSoftmax),
  softmin: alongAxis(nn.softmin),
  glu: alongAxis(nn.glu),
  reglu: alongAxis(nn.reglu),
  geglu: kind(nn.geglu, { axis: anyWhole, approximate }),
  swiglu: alongAxis(nn.swiglu),

  // ---- sequences ----
  rnnCell: kind(nn.rnnCell, cell, { bias: flag, nonlinearity }),
  lstmCell: kind(nn.lstmCell, cell, { bias: flag }),
  gruCell: kind(nn.gruCell, cell, { bias: flag }),
  rnn: kind(nn.rnn, cell, { ...recurrent, nonlinearity }),
  lstm: kind(nn.lstm, cell, recurrent),
  gru: kind(nn.gru, cell, recurrent),
  sinusoidalPositions: kind(nn.sinusoidalPositions, { length: whole, width: whole }, { base: number }),
  learnedPositions: kind(nn.learnedPositions, { length: whole, width: whole }),
  multiHeadAttention: kind(nn.multiHeadAttention, attention, {
    bias: flag,
    dropout: number,
    kdim: whole,
    vdim: whole,
    kvHeads: whole,
    rotary,
    alibi: flag,
    addBiasKV: flag,
    addZeroAttention: flag,
  }),
  transformerEncoderLayer: kind(nn.transformerEncoderLayer, attention, transformerLayer),
  transformerDecoderLayer: kind(nn.transformerDecoderLayer, attention, transformerLayer),
  transformerEncoder: kind(nn.transformerEncoder, { ...attention, layers: parts }, stack),
  transformerDecoder: kind(nn.transformerDecoder, { ...attention, layers: parts }, stack),
  transformer: kind(nn.transformer, attention, { ...transformerLayer, ...bothStacks }),
  languageModel: kind(
    nn.languageModel,
    {},
    {
      vocab: whole,
      width: whole,
      layers: parts,
      heads: whole,
      context: whole,
      ...feedForward,
      positions: oneOf('learned', 'sinusoidal', 'rotary', 'alibi', 'none'),
      rotary: rotaryFields,
      tied: flag,
    },
  ),
  translationModel: kind(
    nn.translationModel,
    {},
    {
      sourceVocab: whole,
      targetVocab: whole,
      width: whole,
      heads: whole,
      context: whole,
      padding: whole,
      ...feedForward,
      ...bothStacks,
      normFirst: flag,
      positions: oneOf('sinusoidal', 'learned'),
      tied: flag,
    },
  ),
}

/** What may stand among the `parametrizations` of a layer: functions of a layer and options. */
export const parametrizations: Readonly<
  Record<string, { options: Options; wrap: (layer: Module, o: object) => Module }>
> = {
  weightNorm: {
    options: { name: (value) => typeof value === 'string', axis: either(anyWhole, nothing) },
    wrap: (layer, options) => nn.weightNorm(layer, options),
  },
  spectralNorm: {
    options: { name: (value) => typeof value === 'string', iterations: times, eps: number, axis: anyWhole },
    wrap: (layer, options) => nn.spectralNorm(layer, options),
  },
}
