/**
 * What the layers of golden-layers-a promise beyond their numbers: names, options that rebuild them, what they refuse,
 * edges; and that a compiled training step with them gives the reference's numbers on every compiled backend.
 */
import { beforeEach, describe, expect, it } from 'vitest'
import { gradients } from '../src/autodiff/gradients.ts'
import { evaluate } from '../src/backends/reference/reference.ts'
import { tensor, zeros } from '../src/create.ts'
import { GlissadeError } from '../src/errors.ts'
import * as nn from '../src/nn/index.ts'
import type { Layer } from '../src/nn/module.ts'
import { sgd } from '../src/optim/index.ts'
import { manualSeed, normal, randint } from '../src/random.ts'
import { type BackendName, probeBackend, setBackend } from '../src/run/backend.ts'
import { compile } from '../src/run/compile.ts'
import type { Tensor } from '../src/tensor.ts'
import { Scaling, Words } from './golden/networks-a.ts'
import { expectClose } from './golden/read.ts'

const f = nn.functional
const numbers = (x: Tensor): number[] => [...evaluate([x])[0].data]
const int = (data: number[]): Tensor => tensor(data, { dtype: 'int32' })

beforeEach(async () => {
  await setBackend('reference')
  manualSeed(1)
})

describe('what is refused', () => {
  const refusals: [title: string, code: string, call: () => unknown][] = [
    ['prelu of other channels', 'shape-mismatch', () => nn.prelu(3).forward(zeros([2, 4]))],
    ['prelu of no channels', 'value-invalid', () => nn.prelu(0)],
    ['celu with alpha 0', 'value-invalid', () => nn.celu(0).forward(zeros([2]))],
    ['hardtanh backwards', 'value-invalid', () => nn.hardtanh(1, -1).forward(zeros([2]))],
    ['a negative shrink', 'value-invalid', () => nn.softshrink(-1).forward(zeros([2]))],
    ['a shrink by NaN', 'value-invalid', () => nn.hardshrink(Number.NaN).forward(zeros([2]))],
    ['glu of an odd axis', 'shape-mismatch', () => nn.glu().forward(zeros([2, 3]))],
    ['swiglu of an axis that is not there', 'axis-range', () => nn.swiglu(2).forward(zeros([2, 4]))],
    ['an embedding of no rows', 'value-invalid', () => nn.embedding(0, 3)],
    ['padding beyond the rows', 'value-invalid', () => nn.embedding(4, 3, { paddingIndex: 4 })],
    ['a norm of 0', 'value-invalid', () => nn.embedding(4, 3, { maxNorm: 0 })],
    ['float indices', 'dtype-mismatch', () => nn.embedding(4, 3).forward(zeros([2]))],
    ['an index beyond the rows', 'index-range', () => nn.embedding(4, 3).forward(int([0, 4]))],
    ['pretrained vectors', 'shape-mismatch', () => nn.Embedding.fromPretrained(zeros([4]))],
    ['bilinear of other sizes', 'shape-mismatch', () => nn.bilinear(2, 3, 1).forward(zeros([5, 3]), zeros([5, 2]))],
    ['bilinear of other batches', 'shape-mismatch', () => nn.bilinear(2, 3, 1).forward(zeros([5, 2]), zeros([4, 3]))],
    ['bilinear of half a size', 'value-invalid', () => nn.bilinear(2, 0.5, 1)],
    ['two open sizes', 'value-invalid', () => nn.reshape([-1, -1])],
    ['a reshape that does not go', 'shape-mismatch', () => nn.reshape([4]).forward(zeros([2, 6]))],
    ['an unflatten that does not go', 'shape-mismatch', () => nn.unflatten(1, [4, -1]).forward(zeros([2, 6]))],
    ['an unflatten of no axis', 'axis-range', () => nn.unflatten(2, [2, 3]).forward(zeros([2, 6]))],
    ['groups that do not divide', 'value-invalid', () => nn.conv2d(3, 4, 3, { groups: 2 })],
    ['half a group', 'value-invalid', () => nn.conv2d(2, 4, 3, { groups: 0.5 })],
    [
      'a padding mode of another name',
      'value-invalid',
      () => nn.conv1d(1, 1, 3, { padding: 1, paddingMode: 'mirror' as 'reflect' }).forward(zeros([1, 1, 4])),
    ],
    [
      'a mirror larger than the image',
      'value-invalid',
      () => nn.conv1d(1, 1, 9, { padding: 4, paddingMode: 'reflect' }).forward(zeros([1, 1, 4])),
    ],
    ['three sides', 'value-invalid', () => nn.zeroPad2d([1, 2, 3])],
    ['half a margin', 'value-invalid', () => nn.constantPad1d(0.5, 1)],
    ['a negative mirror', 'value-invalid', () => nn.reflectionPad1d([-1, 0]).forward(zeros([1, 1, 4]))],
    ['two axes in space for a vector', 'shape-mismatch', () => nn.zeroPad2d(1).forward(zeros([4]))],
    ['global pooling of a matrix', 'shape-mismatch', () => nn.globalAvgPool2d().forward(zeros([2, 3]))],
    ['adaptive pooling to nothing', 'value-invalid', () => nn.adaptiveMaxPool2d(0).forward(zeros([1, 1, 3, 3]))],
    ['upsampling to nowhere', 'value-invalid', () => nn.upsample({}).forward(zeros([1, 1, 3]))],
    ['shuffling odd channels', 'shape-mismatch', () => nn.pixelShuffle(2).forward(zeros([1, 3, 2, 2]))],
  ]
  it.each(refusals)('%s: %s', (_, code, call) => {
    let error: unknown
    try {
      call()
    } catch (caught) {
      error = caught
    }
    expect(error).toBeInstanceOf(GlissadeError)
    const { code: received, message } = error as GlissadeError
    expect(received).toBe(code)
    expect(message).not.toContain('undefined')
  })
})

describe('options rebuild the layer', () => {
  const layers: [kind: string, layer: nn.Module, ...args: unknown[]][] = [
    ['relu6', nn.relu6()],
    ['prelu', nn.prelu(3, 0.1), 3, 0.1],
    ['softplus', nn.softplus(2, 9), 2, 9],
    ['hardtanh', nn.hardtanh(-2, 2), -2, 2],
    ['threshold', nn.threshold(0.5, 7), 0.5, 7],
    ['geglu', nn.geglu(1, 'tanh'), 1, 'tanh'],
    ['embedding', nn.embedding(4, 3, { paddingIndex: -1 }), 4, 3],
    ['bilinear', nn.bilinear(2, 3, 4, { bias: false }), 2, 3, 4],
    ['unflatten', nn.unflatten(1, [2, -1]), 1, [2, -1]],
    ['reshape', nn.reshape([2, -1]), [2, -1]],
    ['adaptiveAvgPool2d', nn.adaptiveAvgPool2d([null, 2]), [null, 2]],
    ['constantPad2d', nn.constantPad2d([1, 2, 3, 4], 5), [1, 2, 3, 4], 5],
    ['pixelShuffle', nn.pixelShuffle(2), 2],
    ['convTranspose3d', nn.convTranspose3d(1, 2, 3), 1, 2, [3, 3, 3]],
  ]
  it.each(layers)('%s', (kind, layer, ...args) => {
    const { kind: own, ...options } = layer.config() ?? { kind: undefined }
    expect(own).toBe(kind)
    expect(Object.values(options).slice(0, args.length)).toEqual(args)
  })

  it('with objects of options', () => {
    expect(nn.upsample({ scaleFactor: 2, mode: 'bilinear' }).config()).toEqual({
      kind: 'upsample',
      scaleFactor: 2,
      mode: 'bilinear',
    })
    expect(nn.step({ straightThrough: true }).config()).toEqual({ kind: 'step', straightThrough: true })
    expect(nn.globalMaxPool1d({ keepDims: true }).config()).toEqual({ kind: 'globalMaxPool1d', keepDims: true })
    expect(nn.depthwiseConv2d(3, 5, { multiplier: 2 }).config()).toEqual({
      kind: 'conv2d',
      in: 3,
      out: 6,
      size: [5, 5],
      groups: 3,
    })
  })
})

describe('embeddings', () => {
  it('begin with zeros in the padding row, and no gradient changes it', () => {
    const layer = nn.embedding(4, 3, { paddingIndex: -3 })
    expect(numbers(layer.weight.current()).slice(3, 6)).toEqual([0, 0, 0])
    expect(numbers(layer.weight.current()).filter((x) => x !== 0)).toHaveLength(9)
    const [slope] = gradients(layer.forward(int([1, 1, 2])).sum(), [layer.weight])
    expect(numbers(slope as Tensor)).toEqual([0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0])
  })

  it('start from given rows, frozen or not, and leave those as they are', async () => {
    const rows = tensor([
      [1, 2],
      [3, 4],
    ])
    const layer = nn.Embedding.fromPretrained(rows)
    expect(layer.weight.trainable).toBe(false)
    expect(nn.Embedding.fromPretrained(rows, { freeze: false }).weight.trainable).toBe(true)
    layer.weight.write([9, 9, 9, 9])
    expect(numbers(rows)).toEqual([1, 2, 3, 4])
    expect([...(await layer.forward(int([1])).data())]).toEqual([9, 9])
  })

  it('shorten only the rows that are looked up, and only in training', () => {
    const layer = nn.embedding(3, 2, { maxNorm: 1 })
    layer.weight.write([3, 4, 0.3, 0.4, 6, 8])
    expectClose('evaluation', numbers(layer.eval().forward(int([0, 1]))), [0.6, 0.8, 0.3, 0.4], {
      absolute: 1e-6,
      relative: 0,
    })
    expect(numbers(layer.weight.current()).slice(0, 2)).toEqual([3, 4])
    layer.train().forward(int([0, 1]))
    const after = [0.6, 0.8, 0.3, 0.4, 6, 8]
    expectClose('training', numbers(layer.weight.current()), after, { absolute: 1e-6, relative: 0 })
  })

  it('take no indices at all', () => {
    expect(nn.embedding(3, 2).forward(zeros([2, 0], 'int32')).shape).toEqual([2, 0, 2])
  })
})

describe('numbers that are not finite, and edges', () => {
  const odd = tensor([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])
  const nan = Number.NaN
  const inf = Number.POSITIVE_INFINITY
  it.each<[string, (x: Tensor) => Tensor, number[]]>([
    ['relu6', f.relu6, [nan, 6, 0]],
    ['hardshrink', f.hardshrink, [nan, inf, -inf]],
    ['softshrink', f.softshrink, [nan, inf, -inf]],
    ['hardtanh', f.hardtanh, [nan, 1, -1]],
    ['hardsigmoid', f.hardsigmoid, [nan, 1, 0]],
    ['hardswish', f.hardswish, [nan, inf, 0]],
    ['logSigmoid', f.logSigmoid, [nan, 0, -inf]],
    ['softplus', f.softplus, [nan, inf, 0]],
    ['elu', f.elu, [nan, inf, -1]],
    ['threshold', (x) => f.threshold(x, 0, 5), [nan, inf, 5]],
    ['step', f.step, [0, 1, 0]],
  ])('%s', (_, fn, expected) => {
    expect(numbers(fn(odd))).toEqual(expected)
  })

  it('logSigmoid, mish and softsign keep their digits far out, in value and slope', () => {
    const x = tensor([-200, 200], { dtype: 'float64' })
    expectClose('logSigmoid', numbers(f.logSigmoid(x)), [-200, -Math.exp(-200)], { absolute: 0, relative: 1e-12 })
    expect(numbers(f.mish(x))[1]).toBe(200)
    const far = tensor([1e6], { dtype: 'float64' })
    const [slope] = gradients(f.softsign(far).sum(), [far])
    expectClose('softsign', numbers(slope as Tensor), [1 / (1 + 1e6) ** 2], { absolute: 0, relative: 1e-14 })
  })

  it('the step has a gradient of zeros, so that an optimizer below it has nothing to refuse', () => {
    const layer = nn.sequential(nn.linear(2, 2), nn.step(), nn.linear(2, 1))
    const found = gradients(layer.forward(zeros([3, 2])).sum(), layer.parameters())
    expect(numbers(found[0] as Tensor)).toEqual([0, 0, 0, 0])
    const x = tensor([0.5, -2])
    const [through] = gradients(
      f
        .step(x, { straightThrough: true })
        .mul(tensor([3, 4]))
        .sum(),
      [x],
    )
    expect(numbers(through as Tensor)).toEqual([3, 4])
  })

  it('NaN and infinity stay in their places when an image is resized or pooled adaptively', () => {
    const x = tensor([[[1, nan, inf, 4, 5]]])
    expect(numbers(nn.upsample({ size: 7 }).forward(x))).toEqual([1, 1, nan, inf, inf, 4, 5])
    expect(numbers(nn.adaptiveAvgPool1d(3).forward(x))).toEqual([nan, nan, 4.5])
    expect(numbers(nn.adaptiveMaxPool1d(3).forward(x))).toEqual([nan, nan, 5])
  })

  it('an empty batch goes through', () => {
    const x = zeros([0, 2, 5, 4])
    const shapes = [
      nn.adaptiveMaxPool2d(3),
      nn.globalAvgPool2d(),
      nn.upsample({ scaleFactor: 2, mode: 'bilinear' }),
      nn.reflectionPad2d(1),
      nn.depthwiseConv2d(2, 3, { padding: 'same', paddingMode: 'replicate' }),
    ].map((layer: Layer) => layer.forward(x).shape)
    expect(shapes).toEqual([
      [0, 2, 3, 3],
      [0, 2],
      [0, 2, 10, 8],
      [0, 2, 7, 6],
      [0, 2, 5, 4],
    ])
  })
})

/** Every activation on the same numbers, then gates. */
class Activations extends nn.Module {
  first = nn.linear(5, 8)
  all = [
    nn.relu(),
    nn.relu6(),
    nn.leakyRelu(),
    nn.prelu(8),
    nn.elu(),
    nn.selu(),
    nn.celu(0.7),
    nn.gelu(),
    nn.gelu('tanh'),
    nn.silu(),
    nn.mish(),
    nn.sigmoid(),
    nn.logSigmoid(),
    nn.tanh(),
    nn.softplus(),
    nn.softsign(),
    nn.tanhshrink(),
    nn.softshrink(),
    nn.hardshrink(),
    nn.hardtanh(),
    nn.hardsigmoid(),
    nn.hardswish(),
    nn.threshold(0.1, 0.2),
    nn.softmax(),
    nn.logSoftmax(),
    nn.softmin(),
    nn.step({ straightThrough: true }),
  ]
  gates = [nn.glu(), nn.reglu(), nn.geglu(), nn.swiglu()]
  last = nn.linear(4, 2)
  forward(x: Tensor): Tensor {
    const y = this.first.forward(x)
    const sum = this.all
      .map((layer: Layer) => layer.forward(y))
      .reduce((a, b) => a.add(b))
      .div(this.all.length)
    return this.last.forward(this.gates.map((gate: Layer) => gate.forward(sum)).reduce((a, b) => a.add(b)))
  }
}

/** Margins, pools and sizes of every kind on one image. */
class Spaces extends nn.Module {
  first = nn.conv2d(1, 3, 3, { padding: 1, paddingMode: 'circular' })
  margins = [
    nn.reflectionPad2d([1, 2, 0, 1]),
    nn.replicationPad2d(1),
    nn.circularPad2d([0, 1, 1, 0]),
    nn.constantPad2d(1, 0.5),
  ]
  pools = [
    nn.adaptiveAvgPool2d([3, 4]),
    nn.adaptiveMaxPool2d([3, 4]),
    nn.sequential(
      nn.maxPool2d(2, { dilation: 2, stride: 3, padding: 1, ceilMode: true }),
      nn.upsample({ size: [3, 4], mode: 'bilinear' }),
    ),
    nn.sequential(nn.avgPool2d(3, { ceilMode: true }), nn.upsample({ size: [3, 4] })),
    nn.upsample({ size: [3, 4], mode: 'bicubic', alignCorners: true }),
  ]
  up = nn.sequential(nn.conv2d(3, 12, 1), nn.pixelShuffle(2), nn.pixelUnshuffle(2))
  line = nn.sequential(
    nn.flatten(2),
    nn.convTranspose1d(12, 4, 3, { stride: 2 }),
    nn.conv1d(4, 4, 3, { groups: 4, padding: 'same', paddingMode: 'reflect' }),
  )
  globals = [nn.globalAvgPool1d(), nn.globalMaxPool1d()]
  forward(x: Tensor): Tensor {
    const image = this.first.forward(x)
    const framed = this.margins.map((layer: Layer) => layer.forward(image).mean([2, 3], { keepDims: true }))
    const pooled = this.pools.map((layer: Layer) => layer.forward(image)).reduce((a, b) => a.add(b))
    const line = this.line.forward(this.up.forward(framed.reduce((a, b) => a.add(b), pooled).div(9)))
    return this.globals.map((layer: Layer) => layer.forward(line)).reduce((a, b) => a.add(b))
  }
}

/** Rows that are shortened while the step runs. */
class Short extends nn.Module {
  embed = nn.embedding(6, 4, { maxNorm: 1, paddingIndex: 2 })
  head = nn.linear(4, 2)
  forward(x: Tensor): Tensor {
    return this.head.forward(this.embed.forward(x).mean(1))
  }
}

interface Trained {
  readonly losses: number[]
  readonly weights: Map<string, number[]>
}
/** Four compiled steps from the same seed: the losses on the way, and the weights in the end. */
async function train(build: () => nn.Module, draw: () => Tensor): Promise<Trained> {
  manualSeed(5)
  const model = build() as Layer
  const optimizer = sgd({ lr: 0.05, momentum: 0.9 }).for(model)
  const step = compile((x: Tensor) => {
    const value = model.forward(x).sub(0.5).square().mean()
    optimizer.minimize(value)
    return value
  })
  const losses: number[] = []
  const batch = await drawn(draw)
  for (let i = 0; i < 4; i++) losses.push(await (await step(batch)).item())
  const weights = new Map<string, number[]>()
  for (const [name, variable] of model.namedVariables()) weights.set(name, [...(await variable.data())])
  step.release()
  return { losses, weights }
}
/** A batch as host numbers, as a loader gives it. */
async function drawn(draw: () => Tensor): Promise<Tensor> {
  const x = draw()
  return tensor(await x.data(), { shape: x.shape, dtype: x.dtype })
}

/** What float32 loses in four steps. */
const afterTraining = { relative: 1e-3, absolute: 1e-4 }

const networks: [name: string, build: () => nn.Module, draw: () => Tensor][] = [
  ['tokens', () => new Words(), () => randint(0, 7, [3, 5])],
  ['images down and up', () => new Scaling(), () => normal([2, 1, 7, 6])],
  ['every activation', () => new Activations(), () => normal([6, 5])],
  ['margins, pools and sizes', () => new Spaces(), () => normal([2, 1, 7, 8])],
  ['rows of limited length', () => new Short(), () => randint(0, 6, [3, 4])],
]
const backends: readonly BackendName[] = ['interpreter', 'wasm', 'native']
for (const name of backends) {
  const probe = await probeBackend(name)
  const missing = 'reason' in probe ? probe.reason : undefined
  if ('backend' in probe) await probe.backend.dispose()
  describe.skipIf(missing)(`compiled training on ${name}${missing ? ` (skipped: ${missing})` : ''}`, () => {
    it.each(networks)('%s', { timeout: 120_000 }, async (_, build, draw) => {
      const expected = await train(build, draw)
      const backend = await setBackend(name)
      const received = await train(build, draw)
      await setBackend('reference')
      await backend.dispose()
      expectClose('losses', received.losses, expected.losses, afterTraining)
      expect(expected.losses.at(-1)).toBeLessThan(expected.losses[0])
      for (const [key, values] of expected.weights)
        expectClose(key, received.weights.get(key) ?? [], values, afterTraining)
    })
  })
}
