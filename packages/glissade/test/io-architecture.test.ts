/** Descriptions of models: every layer of the library goes out and comes back; what is hostile is refused. */
import { beforeEach, describe, expect, it } from 'vitest'
import { GlissadeError } from '../src/errors.ts'
import { kinds } from '../src/io/architecture-kinds.ts'
import { buildModel, describeModel } from '../src/io/index.ts'
import * as nn from '../src/nn/index.ts'
import { manualSeed } from '../src/random.ts'
import { dirtyVariables, type Tensor } from '../src/tensor.ts'

/** For every maker of nn arguments that leave as little as possible at its default; functions make modules anew. */
const samples: Readonly<Record<string, readonly (readonly unknown[])[]>> = {
  linear: [
    [3, 2],
    [3, 2, { bias: false }],
  ],
  bilinear: [[3, 2, 4, { bias: false }]],
  embedding: [
    [5, 3],
    [5, 3, { paddingIndex: -1, maxNorm: 1.5, normType: 3 }],
  ],
  conv1d: [[2, 4, 3, { stride: 2, padding: 'valid', dilation: 2, groups: 2, bias: false }]],
  conv2d: [
    [
      2,
      4,
      [3, 2],
      {
        padding: [
          [1, 0],
          [0, 1],
        ],
      },
    ],
    [2, 4, 3, { padding: 'same', paddingMode: 'reflect' }],
  ],
  conv3d: [[2, 4, 3, { padding: [1, 2, 1], stride: [1, 2, 1] }]],
  depthwiseConv1d: [[4, 3, { multiplier: 2 }]],
  depthwiseConv2d: [[4, 3, { multiplier: 2 }]],
  convTranspose1d: [[2, 4, 3, { stride: 2, outputPadding: 1 }]],
  convTranspose2d: [[2, 4, 3, { padding: 1, groups: 2, dilation: 2, bias: false }]],
  convTranspose3d: [[2, 4, [3, 2, 2]]],
  maxPool1d: [[3, { ceilMode: true, dilation: 2 }]],
  maxPool2d: [[[2, 3], { stride: 1, padding: 1 }]],
  maxPool3d: [[2]],
  avgPool1d: [[3, { countIncludePad: false, padding: 1 }]],
  avgPool2d: [[2, { divisorOverride: 3, ceilMode: true }]],
  avgPool3d: [[2]],
  adaptiveAvgPool1d: [[3]],
  adaptiveAvgPool2d: [[[2, 3]]],
  adaptiveAvgPool3d: [[2]],
  adaptiveMaxPool1d: [[3]],
  adaptiveMaxPool2d: [[2]],
  adaptiveMaxPool3d: [[[1, 2, 3]]],
  globalAvgPool1d: [[]],
  globalAvgPool2d: [[{ keepDims: true }]],
  globalAvgPool3d: [[]],
  globalMaxPool1d: [[]],
  globalMaxPool2d: [[{ keepDims: true }]],
  globalMaxPool3d: [[]],
  zeroPad1d: [[1]],
  zeroPad2d: [[[1, 2, -1, 0]]],
  zeroPad3d: [[1]],
  constantPad1d: [[1, 0.5]],
  constantPad2d: [[1, -2]],
  constantPad3d: [[1, 2]],
  reflectionPad1d: [[1]],
  reflectionPad2d: [[[1, 2, 1, 0]]],
  reflectionPad3d: [[1]],
  replicationPad1d: [[1]],
  replicationPad2d: [[1]],
  replicationPad3d: [[1]],
  circularPad1d: [[1]],
  circularPad2d: [[1]],
  circularPad3d: [[1]],
  upsample: [[{ scaleFactor: [1.5, 2], mode: 'bilinear', alignCorners: true }], [{ size: [4, 5] }]],
  pixelShuffle: [[2]],
  pixelUnshuffle: [[2]],
  flatten: [[], [2, 3]],
  unflatten: [[1, [2, -1]]],
  reshape: [[[-1, 2]]],
  identity: [[]],
  select: [[-2, 1]],
  takeLast: [[]],
  batchNorm1d: [[3], [3, { momentum: null, eps: 0.1 }]],
  batchNorm2d: [[3, { affine: false, momentum: 0.3 }]],
  batchNorm3d: [[3, { trackRunningStats: false }]],
  instanceNorm1d: [[3, { affine: true }]],
  instanceNorm2d: [[3, { trackRunningStats: true, momentum: 0.3, eps: 0.1 }]],
  instanceNorm3d: [[3]],
  layerNorm: [[3], [[2, 3], { eps: 0.1, bias: false }], [3, { elementwiseAffine: false }]],
  rmsNorm: [[3], [[2, 3], { eps: 0.1, elementwiseAffine: false }]],
  groupNorm: [[2, 4, { eps: 0.1, affine: false }]],
  localResponseNorm: [[3, { alpha: 0.1, beta: 0.5, k: 2 }]],
  dropout: [[], [0.2]],
  dropout1d: [[0.2]],
  dropout2d: [[0.2]],
  dropout3d: [[0.2]],
  alphaDropout: [[0.2]],
  dropPath: [[0.2, { scale: false }]],
  relu: [[]],
  relu6: [[]],
  leakyRelu: [[0.3]],
  prelu: [[], [3, 0.1]],
  elu: [[0.5]],
  selu: [[]],
  celu: [[0.5]],
  gelu: [['tanh']],
  silu: [[]],
  mish: [[]],
  hardswish: [[]],
  softplus: [
    [2, 30],
    [2, Number.POSITIVE_INFINITY],
  ],
  tanhshrink: [[]],
  softshrink: [[0.3]],
  hardshrink: [[0.3]],
  threshold: [[0.3, -1]],
  tanh: [[]],
  sigmoid: [[]],
  logSigmoid: [[]],
  softsign: [[]],
  hardtanh: [[-2, 3]],
  hardsigmoid: [[]],
  step: [[], [{ straightThrough: true }]],
  softmax: [[1]],
  logSoftmax: [[1]],
  softmin: [[1]],
  glu: [[1]],
  reglu: [[1]],
  geglu: [[1, 'tanh']],
  swiglu: [[1]],
  rnnCell: [[3, 4, { nonlinearity: 'relu' }]],
  lstmCell: [[3, 4, { bias: false }]],
  gruCell: [[3, 4]],
  rnn: [[3, 4, { nonlinearity: 'relu', layers: 2 }]],
  lstm: [[3, 4, { bidirectional: true, layers: 2, dropout: 0.1 }]],
  gru: [[3, 4, { bias: false, batchFirst: false }]],
  sinusoidalPositions: [[8, 4, { base: 100 }]],
  learnedPositions: [[8, 4]],
  multiHeadAttention: [
    [8, 4, { kvHeads: 2, bias: false, rotary: { base: 100, interleaved: true, dims: 2 }, dropout: 0.1 }],
    [8, 4, { kdim: 3, vdim: 5, addBiasKV: true, addZeroAttention: true }],
    [8, 4, { alibi: true }],
  ],
  transformerEncoderLayer: [
    [8, 2, { feedForward: 16, dropout: 0, activation: 'swiglu', normFirst: true, norm: 'rms', bias: false }],
    [8, 2, { feedForward: 16, rotary: true, kvHeads: 1, eps: 0.1 }],
  ],
  transformerDecoderLayer: [[8, 2, { feedForward: 16, activation: 'geluTanh' }]],
  transformerEncoder: [[8, 2, 2, { feedForward: 16, finalNorm: true, alibi: true }]],
  transformerDecoder: [[8, 2, 2, { feedForward: 16 }]],
  transformer: [[8, 2, { encoderLayers: 1, decoderLayers: 2, feedForward: 16 }]],
  languageModel: [
    [{ vocab: 7, width: 8, layers: 2, heads: 2, context: 5, tied: false, positions: 'rotary', rotary: { dims: 2 } }],
    [{ vocab: 7, width: 8, layers: 1, heads: 2, context: 5, dropout: 0.1, activation: 'silu', norm: 'rms' }],
  ],
  translationModel: [
    [
      {
        sourceVocab: 7,
        targetVocab: 9,
        width: 8,
        heads: 2,
        context: 5,
        encoderLayers: 1,
        decoderLayers: 1,
        padding: 1,
      },
    ],
  ],
  sequential: [[nn.linear(2, 3), nn.sequential(nn.relu())], [{ up: nn.linear(2, 3), act: nn.relu() }], []],
  moduleList: [[], [[nn.linear(2, 3), nn.lstm(2, 2)]]],
  moduleDict: [[], [{ a: nn.linear(2, 3), b: nn.moduleList([nn.relu()]) }]],
  residual: [[nn.linear(2, 2)], [nn.linear(2, 3), { shortcut: nn.linear(2, 3, { bias: false }) }]],
  parallel: [
    [[nn.linear(2, 3), nn.linear(2, 3)]],
    [
      { a: nn.residual(nn.relu()), b: nn.dropPath(0.1) },
      { join: 'concat', axis: -1 },
    ],
  ],
  weightNorm: [[() => nn.linear(2, 3)], [() => nn.conv1d(2, 3, 2), { axis: null }]],
  spectralNorm: [
    [() => nn.linear(2, 3)],
    [() => nn.lstm(2, 3), { name: 'weight_hh_l0', iterations: 2, eps: 1e-6, axis: 1 }],
  ],
}

/** Functions of nn that make no layer of their own, or one that holds what a file cannot say. */
const others = ['intervene', 'lambda', 'parameterList', 'removeParametrization']

const makers = nn as unknown as Record<string, (...args: readonly unknown[]) => nn.Module>
const cases = Object.entries(samples).flatMap(([name, all]) =>
  all.map((args, i) => [`${name} ${i}`, (): nn.Module => makers[name](...args.map(madeOf))] as const),
)
const madeOf = (arg: unknown): unknown => (typeof arg === 'function' ? arg() : arg)
const variablesOf = (model: nn.Module): object =>
  Object.fromEntries([...model.namedVariables()].map(([name, { shape, dtype }]) => [name, { shape, dtype }]))

beforeEach(() => {
  manualSeed(1)
})

describe('every layer', () => {
  it('that nn makes is among the samples, and every kind is made', () => {
    const functions = Object.entries(nn).flatMap(([name, value]) =>
      typeof value === 'function' && /^[a-z]/.test(name) ? [name] : [],
    )
    expect(functions.filter((name) => !(name in samples) && !others.includes(name))).toEqual([])
    const made = new Set(cases.map(([, make]) => make().config()?.kind))
    expect(Object.keys(kinds).filter((kind) => !made.has(kind))).toEqual([])
  })

  it.each(cases)('%s comes back as it was', (_, make) => {
    const model = make()
    const description = describeModel(model) ?? expect.fail('no description')
    const back = buildModel<nn.Module>(JSON.parse(JSON.stringify(description)))
    expect(describeModel(back)).toEqual(description)
    expect(back.constructor).toBe(model.constructor)
    expect(variablesOf(back)).toEqual(variablesOf(model))
    expect([...back.namedModules().keys()]).toEqual([...model.namedModules().keys()])
  })
})

describe('descriptions', () => {
  it('leave models alone that hold something of the user’s own', () => {
    class Mine extends nn.Linear {
      override forward(x: Tensor): Tensor {
        return super.forward(x).relu()
      }
    }
    expect(describeModel(nn.sequential(new Mine(2, 2)))).toBeUndefined()
    expect(describeModel(nn.residual(nn.lambda((x) => x)))).toBeUndefined()
    expect(describeModel(nn.sequential(nn.relu()))).toEqual({ kind: 'sequential', layers: [{ kind: 'relu' }] })
  })

  it('of older files still build', () => {
    expect(buildModel({ kind: 'softplus', beta: 2 })).toBeInstanceOf(nn.Softplus)
  })

  it('leave nothing to be computed behind', () => {
    const before = dirtyVariables.size
    buildModel({ kind: 'languageModel', vocab: 2 ** 30, width: 2 ** 20, layers: 1, heads: 1, context: 2 })
    expect(dirtyVariables.size).toBe(before)
  })
})

describe('hostile descriptions', () => {
  const nested = (depth: number): object =>
    depth === 0 ? { kind: 'relu' } : { kind: 'residual', body: nested(depth - 1) }
  const linear = { kind: 'linear', in: 2, out: 2 }

  it.each<[string, unknown]>([
    ['nothing', null],
    ['a list', []],
    ['a text', 'relu'],
    ['no kind', { in: 2 }],
    ['an inherited kind', { kind: 'toString' }],
    ['a function of nn that makes no layer', { kind: 'removeParametrization' }],
    ['a lambda', { kind: 'lambda', body: 'x => x' }],
    ['an unknown option', { ...linear, evil: 1 }],
    ['an inherited option', { ...linear, constructor: 1 }],
    ['a text for a number', { ...linear, in: '2' }],
    ['a size that is no number', { ...linear, in: Number.NaN }],
    ['a size beyond all', { ...linear, in: 2 ** 40 }],
    ['a number for a flag', { ...linear, bias: 1 }],
    ['an object for a number', { ...linear, out: { madeOf: 1 } }],
    ['a missing size', { kind: 'linear', in: 2 }],
    ['options that do not fit together', { kind: 'conv2d', in: 3, out: 4, size: 3, groups: 2 }],
    ['a size of 0', { kind: 'batchNorm1d', features: 0 }],
    ['a million layers', { kind: 'lstm', in: 1, hidden: 1, layers: 1e6 }],
    ['a list of a million sizes', { kind: 'layerNorm', normalizedShape: new Array(1e6).fill(1) }],
    ['a record with unknown fields', { kind: 'multiHeadAttention', width: 4, heads: 2, rotary: { evil: 1 } }],
    ['a list for a record', { kind: 'multiHeadAttention', width: 4, heads: 2, rotary: [] }],
    ['a module that is none', { kind: 'residual', body: 3 }],
    ['a missing module', { kind: 'residual' }],
    ['a module in the place of a number', { ...linear, in: linear }],
    ['a text in the place of an infinite number', { kind: 'softplus', beta: 1, threshold: 'many' }],
    ['branches by inherited names', { kind: 'parallel', branches: { toString: linear } }],
    ['branches that climb', { kind: 'parallel', branches: { 'a.b': linear } }],
    ['the prototype as a name', JSON.parse('{"kind":"moduleDict","modules":{"__proto__":{"kind":"relu"}}}')],
    ['no branches', { kind: 'parallel', branches: [] }],
    ['a list where names are wanted', { kind: 'moduleDict', modules: [linear] }],
    ['names where a list is wanted', { kind: 'moduleList', modules: { a: linear } }],
    ['a list of modules in a sequence', { kind: 'sequential', layers: [[linear]] }],
    ['a nesting without end', nested(100)],
    ['too many modules', { kind: 'sequential', layers: new Array(70_000).fill({ kind: 'relu' }) }],
    [
      'few modules of many layers each',
      {
        kind: 'sequential',
        layers: new Array(40).fill({ kind: 'transformerEncoder', width: 2, heads: 1, layers: 1000 }),
      },
    ],
    ['parametrizations that are no list', { ...linear, parametrizations: {} }],
    ['an unknown parametrization', { ...linear, parametrizations: [{ kind: 'linear' }] }],
    ['a parametrization of what is not there', { ...linear, parametrizations: [{ kind: 'weightNorm', name: 'no' }] }],
    ['one parametrization twice', { ...linear, parametrizations: [{ kind: 'weightNorm' }, { kind: 'weightNorm' }] }],
    ['a parametrization of a method', { ...linear, parametrizations: [{ kind: 'weightNorm', name: 'forward' }] }],
  ])('are refused: %s', (_, description) => {
    let problem: unknown
    try {
      buildModel(description, 'a.safetensors')
    } catch (error) {
      problem = error
    }
    expect(problem).toBeInstanceOf(GlissadeError)
    expect((problem as GlissadeError).code).toBe('file-format')
    expect((problem as GlissadeError).message).toMatch(/^a\.safetensors: architecture: model/)
    expect((problem as GlissadeError).message.length).toBeLessThan(3000)
  })

  it('of options that differ at random are built or refused, and nothing else', () => {
    const values = [null, -1, 0, 1, 2.5, 'same', true, [], [1, 2], {}, { kind: 'relu' }, [{ kind: 'relu' }], 1e9]
    let built = 0
    for (const [, make] of cases) {
      const config = describeModel(make())
      for (const option of Object.keys(config ?? {})) {
        for (const value of values) {
          try {
            buildModel({ ...config, [option]: value })
            built++
          } catch (error) {
            if (!(error instanceof GlissadeError && error.code === 'file-format')) throw error
          }
        }
      }
    }
    expect(built).toBeGreaterThan(100)
  })
})
