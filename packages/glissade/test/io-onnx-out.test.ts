/**
 * Models written as ONNX: onnxruntime is the judge of every operation and of whole networks, and reading them back
 * must give the same numbers too.
 */
import { beforeAll, describe, expect, it } from 'vitest'
import { tensor } from '../src/create.ts'
import * as io from '../src/io/index.ts'
import { exporters, notExported } from '../src/io/onnx/exporters.ts'
import * as nn from '../src/nn/index.ts'
import type { Module } from '../src/nn/module.ts'
import { ops } from '../src/ops/table.ts'
import { bernoulli, manualSeed } from '../src/random.ts'
import { setBackend } from '../src/run/backend.ts'
import '../src/run/realize.ts'
import { Tensor } from '../src/tensor.ts'
import { expectClose } from './golden/read.ts'
import { fuzz, numbers } from './interchange.ts'
import { build, mismatch, needsFloat64, rows, type Sample } from './opinfo.ts'

type Ort = typeof import('onnxruntime-web')
const ort: Ort | undefined = await import('onnxruntime-web').catch((error) => {
  console.log(`skipped: onnxruntime-web is not here (${(error as Error).message})`)
  return undefined
})
if (ort) {
  // One thread and no messages: the models are small.
  ort.env.wasm.numThreads = 1
  ort.env.logLevel = 'fatal'
}

beforeAll(() => setBackend('reference'))

type Answer = { readonly dims: readonly number[]; readonly data: ArrayLike<number>; readonly type: string }

/** What onnxruntime makes of a model. */
async function judge(bytes: Uint8Array, inputs: Readonly<Record<string, Tensor>>): Promise<Record<string, Answer>> {
  const { InferenceSession, Tensor: Value } = ort as Ort
  const session = await InferenceSession.create(bytes, { logSeverityLevel: 4 })
  try {
    const feeds = Object.fromEntries(
      Object.entries(inputs).map(([name, t]): [string, InstanceType<Ort['Tensor']>] => {
        const data = numbers(t)
        if (t.dtype === 'float32') return [name, new Value('float32', Float32Array.from(data), [...t.shape])]
        if (t.dtype === 'bool') return [name, new Value('bool', Uint8Array.from(data), [...t.shape])]
        return [name, new Value('int32', Int32Array.from(data), [...t.shape])]
      }),
    )
    const used = Object.fromEntries(Object.entries(feeds).filter(([name]) => session.inputNames.includes(name)))
    const results = await session.run(used)
    return Object.fromEntries(
      Object.entries(results).map(([name, { dims, data, type }]) => [
        name,
        { dims, data: Array.from(data as Float32Array, Number), type },
      ]),
    )
  } finally {
    await session.release()
  }
}

/** A function of tensors as a model. */
class Formula extends nn.Module {
  readonly #body: (inputs: Tensor[]) => Tensor
  constructor(body: (inputs: Tensor[]) => Tensor) {
    super()
    this.#body = body
  }
  forward(...inputs: Tensor[]): Tensor {
    return this.#body(inputs)
  }
}

describe('primitives', () => {
  it('are each exported, or said why not', () => {
    const names = Object.keys(ops).filter((name) => name !== 'leaf')
    expect(names.filter((name) => Object.hasOwn(exporters, name) === Object.hasOwn(notExported, name))).toEqual([])
    expect(
      Object.keys(notExported).filter((name) => !['stopGradient', 'customGradient', 'checkpoint'].includes(name)),
    ).toEqual(['randomBits', 'castToFloat64'])
  })
})

/** Where onnxruntime itself is something else than our definition, and why. */
const different: Readonly<Record<string, string>> = {
  'sum: int32 beyond 32 bits': 'onnxruntime adds whole numbers as floats, which do not wrap',
  'prod: int32': 'onnxruntime multiplies whole numbers as floats, which do not wrap',
  'argMin: NaN': 'ReduceMin does not keep NaN',
  'adaptiveMaxPool1d: NaN and int32': 'ReduceMax does not keep NaN',
  'argSort: NaN and infinities': 'TopK puts NaN anywhere',
  'argSort: NaN and infinities, descending': 'TopK puts NaN anywhere',
  'sort: NaN and infinities': 'TopK puts NaN anywhere',
  'sort: NaN and infinities, descending': 'TopK puts NaN anywhere',
  'gather: computed indices out of range': 'onnxruntime refuses them',
  'gather: computed indices out of range, of int32': 'onnxruntime refuses them',
  'scatterAdd: int32, and computed indices out of range': 'onnxruntime refuses them',
}

/** float32 sums in another order: onnxruntime's against the exact ones of the samples. */
const loosened = (sample: Sample): Sample['tolerance'] => {
  const { relative, absolute, reason } = sample.tolerance
  return relative === 0 ? sample.tolerance : { relative: relative * 4 + 2e-6, absolute: absolute * 4 + 2e-6, reason }
}

describe.skipIf(!ort)('operations give the same numbers in onnxruntime, and read back', () => {
  for (const { op, samples } of rows.filter((row) => row.op !== 'randomBits')) {
    it(op, async () => {
      for (const sample of samples) {
        const plain = sample.inputs.length > 0 && sample.inputs.every(({ shape }) => !shape.includes(0))
        const { inputs, output } = build(sample)
        if (
          !plain ||
          output.shape.includes(0) ||
          needsFloat64(sample) ||
          Object.hasOwn(different, `${op}: ${sample.name}`)
        )
          continue
        const bytes = await io.toOnnx(new Formula(sample.build), inputs, { dynamicBatch: false })
        const names = inputs.length === 1 ? ['input'] : inputs.map((_, i) => `input_${i}`)
        const named = Object.fromEntries(inputs.map((t, i) => [names[i], t]))
        const { output: answer } = await judge(bytes, named).catch((error) => {
          throw new Error(`${sample.name}: ${(error as Error).message}`)
        })
        const expected = sample.expected(sample.inputs)
        expect(answer.dims, sample.name).toEqual(expected.shape)
        expect(mismatch(answer.data, expected.data, loosened(sample)), `${sample.name} in onnxruntime`).toBeUndefined()
        const again = (await io.loadOnnx(bytes)).run(named).output
        expect(again.shape, sample.name).toEqual(expected.shape)
        // The reference does not overflow where float32 does.
        const data = numbers(again).map((value) => (again.dtype === 'float32' ? Math.fround(value) : value))
        expect(mismatch(data, expected.data, loosened(sample)), `${sample.name} read back`).toBeUndefined()
      }
    })
  }
})

/** Running statistics as after some training. */
function settle(model: Module): Module {
  for (const [name, buffer] of model.namedBuffers()) {
    if (buffer.dtype === 'float32')
      buffer.write(
        Float32Array.from({ length: buffer.size }, (_, i) => 0.5 + 0.1 * i + (name.endsWith('var') ? 0.3 : 0)),
      )
  }
  return model
}

const waves = (shape: readonly number[]): Tensor => {
  const size = shape.reduce((a, b) => a * b, 1)
  return tensor(
    Float32Array.from({ length: size }, (_, i) => Math.sin(i * 0.7) + 0.2 * Math.cos(i)),
    { shape },
  )
}
const tokens = (batch: number, time: number, vocabulary: number): Tensor =>
  tensor(
    Int32Array.from({ length: batch * time }, (_, i) => (i * 7 + 3) % vocabulary),
    { shape: [batch, time] },
  )

class Sentiment extends nn.Module {
  readonly embed = nn.embedding(11, 6, { paddingIndex: 0 })
  readonly lstm = nn.lstm(6, 5, { bidirectional: true })
  readonly head = nn.linear(10, 3)
  forward(x: Tensor): Tensor {
    return this.head.forward(this.lstm.forward(this.embed.forward(x)).output.mean(1))
  }
}

class Encoder extends nn.Module {
  readonly embed = nn.embedding(11, 8)
  readonly positions = nn.learnedPositions(6, 8)
  readonly layer = nn.transformerEncoderLayer(8, 2, { feedForward: 16, dropout: 0.1, activation: 'gelu' })
  readonly norm = nn.layerNorm(8)
  forward(x: Tensor): { output: Tensor; pooled: Tensor } {
    const y = this.norm.forward(this.layer.forward(this.positions.forward(this.embed.forward(x))))
    return { output: y, pooled: y.mean(1) }
  }
}

const networks: readonly (readonly [name: string, make: () => Module, input: (batch: number) => Tensor])[] = [
  [
    'a perceptron',
    () => nn.sequential(nn.linear(4, 8), nn.relu(), nn.dropout(0.5), nn.linear(8, 3), nn.softmax()),
    (b) => waves([b, 4]),
  ],
  [
    'a convolutional net',
    () =>
      settle(
        nn.sequential(
          nn.conv2d(2, 4, 3, { padding: 1, bias: false }),
          nn.batchNorm2d(4),
          nn.relu(),
          nn.maxPool2d(2),
          nn.conv2d(4, 8, 3, { stride: 2, padding: 'valid', groups: 2 }),
          nn.silu(),
          nn.avgPool2d(3, { stride: 1, padding: 1 }),
          nn.convTranspose2d(8, 4, 2, { stride: 2 }),
          nn.gelu(),
          nn.flatten(),
          nn.linear(4 * 6 * 6, 5),
        ),
      ),
    (b) => waves([b, 2, 14, 14]),
  ],
  [
    'norms',
    () =>
      nn.sequential(
        nn.groupNorm(2, 4),
        nn.instanceNorm2d(4),
        nn.layerNorm([4, 5, 5]),
        nn.upsample({ scaleFactor: 2, mode: 'bilinear' }),
      ),
    (b) => waves([b, 4, 5, 5]),
  ],
  ['an embedding with an LSTM in both directions', () => new Sentiment(), (b) => tokens(b, 6, 11)],
  ['a transformer encoder', () => new Encoder(), (b) => tokens(b, 6, 11)],
  ['a GRU', () => nn.gru(3, 4, { layers: 2 }), (b) => waves([b, 5, 3])],
]

describe.skipIf(!ort)('networks run in onnxruntime with the same numbers', () => {
  it.each(networks)('%s, for every batch size', async (_, make, input) => {
    manualSeed(7)
    const model = make()
    model.train()
    const bytes = await io.toOnnx(model, input(3))
    expect(model.training).toBe(true)
    model.eval()
    const again = await io.loadOnnx(bytes)
    for (const batch of [1, 3, 8]) {
      const x = input(batch)
      const expected = tensorsIn((model as unknown as { forward(x: Tensor): unknown }).forward(x))
      const answers = await judge(bytes, { input: x })
      const back = again.run({ input: x })
      expect(Object.keys(answers)).toEqual(Object.keys(expected))
      for (const [name, value] of Object.entries(expected)) {
        expect(answers[name].dims).toEqual(value.shape)
        expectClose(`${name} in onnxruntime`, answers[name].data, numbers(value), { absolute: 3e-6, relative: 3e-5 })
        expectClose(`${name} read back`, numbers(back[name]), numbers(value), { absolute: 1e-6, relative: 1e-5 })
      }
    }
    // Weights keep their names, and go back into the model they came from.
    const names = [...model.namedVariables().keys()]
    const kept = Object.keys(again.stateDict())
    expect(kept.filter((name) => !name.startsWith('constant') && !names.includes(name))).toEqual([])
    expect([...model.namedParameters().keys()].filter((name) => !kept.includes(name))).toEqual([])
  })

  it('for one batch size, where that is asked for', async () => {
    const model = nn.sequential(nn.linear(4, 2))
    const bytes = await io.toOnnx(model, [3, 4], {
      dynamicBatch: false,
      inputNames: ['x'],
      outputNames: ['y'],
      metadata: { who: 'me' },
    })
    const again = await io.loadOnnx(bytes)
    expect([again.inputs, again.outputs, again.metadata, again.producer, again.opset]).toEqual([
      [{ name: 'x', dtype: 'float32', shape: [3, 4] }],
      [{ name: 'y', dtype: 'float32', shape: [3, 2] }],
      { who: 'me' },
      'glissade',
      18,
    ])
    expect((await judge(bytes, { x: waves([3, 4]) })).y.dims).toEqual([3, 2])
    const open = await io.loadOnnx(await io.toOnnx(model, [3, 4]))
    expect([open.inputs[0].shape, open.outputs[0].shape]).toEqual([
      ['batch', 4],
      ['batch', 2],
    ])
  })

  it('with the sizes of batch and time mixed in one axis', async () => {
    const model = new Formula(([x]) =>
      x
        .reshape([x.shape[0] * x.shape[1], 4])
        .softmax(-1)
        .sum(0, { keepDims: true })
        .add(x.reshape([x.size / 4, 4])),
    )
    const bytes = await io.toOnnx(model, [2, 3, 4])
    const x = waves([4, 3, 4])
    const { output } = await judge(bytes, { input: x })
    expectClose('mixed', output.data, numbers(model.forward(x)), { absolute: 3e-6, relative: 3e-5 })
    expect((await io.loadOnnx(bytes)).outputs[0].shape).toEqual(['3*batch', 4])
  })

  it('several inputs, of which one has no batch', async () => {
    const model = new Formula(([x, w]) => x.matmul(w))
    const bytes = await io.toOnnx(
      model,
      [
        [6, 4],
        [4, 2],
      ],
      { inputNames: ['x', 'w'] },
    )
    const [x, w] = [waves([2, 4]), waves([4, 2])]
    expectClose('product', (await judge(bytes, { x, w })).output.data, numbers(model.forward(x, w)), {
      absolute: 1e-6,
      relative: 1e-5,
    })
  })
})

function tensorsIn(value: unknown): Record<string, Tensor> {
  const found: Record<string, Tensor> = {}
  const visit = (each: unknown, name: string): void => {
    if (each instanceof Tensor) found[name === '' ? 'output' : name] = each
    else if (typeof each === 'object' && each !== null)
      for (const [key, inner] of Object.entries(each)) visit(inner, name === '' ? key : `${name}.${key}`)
  }
  visit(value, '')
  return found
}

describe('a loop', () => {
  it('read back is read or refused when it is damaged, and run', async () => {
    const bytes = await io.toOnnx(nn.gru(2, 2), [3, 4, 2])
    const x = waves([2, 4, 2])
    const { refused } = await fuzz(bytes, async (changed) => (await io.loadOnnx(changed)).run({ input: x }), {
      flips: 300,
      cuts: 100,
    })
    expect(refused).toBeGreaterThan(100)
  })
})

describe('refused:', () => {
  const linear = (): Module => nn.sequential(nn.linear(4, 2))
  it('inputs that are none', async () => {
    await expect(io.toOnnx(linear(), [])).rejects.toThrow()
    await expect(io.toOnnx(linear(), [[]])).rejects.toThrow(/inputs without axes; expected an input with a batch/)
    await expect(io.toOnnx(linear(), [0, 4])).rejects.toThrow(/toOnnx: inputs/)
    await expect(io.toOnnx(linear(), { shape: [1, 4], dtype: 'float64' })).rejects.toThrow(/float32, int32 or bool/)
    await expect(io.toOnnx(linear(), [1, 4], { inputNames: ['a', 'b'] })).rejects.toThrow(/1 distinct names/)
    await expect(io.toOnnx(linear(), [1, 4], { outputNames: [''] })).rejects.toThrow(/outputNames/)
    await expect(io.toOnnx(linear(), [1, 5])).rejects.toThrow(/linear: received \[5, 5\]/)
  })

  it('what draws random numbers, by its module', async () => {
    class Noisy extends nn.Module {
      readonly noise = nn.lambda((x) => bernoulli(x.shape, 0.5).where(x, 0))
      forward(x: Tensor): Tensor {
        return this.noise.forward(x)
      }
    }
    const model = new Noisy()
    await expect(io.toOnnx(model, [1, 4])).rejects.toThrow(
      /toOnnx: noise: received .*It cannot be exported: it draws random numbers/,
    )
    expect(model.training).toBe(true)
  })

  it('an open batch that is counted on', async () => {
    await expect(io.toOnnx(new Formula(([x]) => x.mean(0)), [3, 4])).rejects.toThrow(/dynamicBatch: false/)
    const other = new Formula(([x]) => (x.shape[0] === 5 ? x.neg() : x.exp()))
    await expect(io.toOnnx(other, [3, 4])).rejects.toThrow(/does other things for another batch size/)
    await expect(
      io.toOnnx(
        new Formula(([x]) =>
          x.pad([
            [0, x.shape[0] % 4],
            [0, 0],
          ]),
        ),
        [3, 4],
      ),
    ).rejects.toThrow(/dynamicBatch: false/)
    expect((await io.toOnnx(new Formula(([x]) => x.mean(0)), [3, 4], { dynamicBatch: false })).length).toBeGreaterThan(
      0,
    )
  })
})
