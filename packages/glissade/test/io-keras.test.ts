/** Keras and tfjs models: every layer against Keras, whole files, quantized weights, a real network, damaged files. */
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { gradients } from '../src/autodiff/gradients.ts'
import { tensor } from '../src/create.ts'
import * as io from '../src/io/index.ts'
import { kinds } from '../src/io/keras/model.ts'
import { formatZip, readZip } from '../src/io/zip.ts'
import { setBackend } from '../src/run/backend.ts'
import { compile } from '../src/run/compile.ts'
import '../src/run/realize.ts'
import type { Tensor } from '../src/tensor.ts'
import { expectClose } from './golden/read.ts'
import { fixture, fuzz, numbers, sharedData } from './interchange.ts'

interface Listed {
  readonly shape: number[]
  readonly dtype: 'float32' | 'int32'
  readonly data: number[]
}
interface Case {
  readonly title: string
  readonly topology: { keras_version: string; model_config: { class_name: string; config: Record<string, unknown> } }
  readonly weights: { name: string; shape: number[]; dtype: string }[]
  readonly data: string
  readonly inputs: Listed[]
  readonly outputs: Listed[]
  readonly quantized: string | null
}

const { cases } = JSON.parse(readFileSync(new URL('./golden/keras.json', import.meta.url), 'utf8')) as { cases: Case[] }
const named = (title: string): Case => cases.find((each) => each.title === title) ?? expect.fail(title)
const toTensor = ({ shape, dtype, data }: Listed): Tensor => tensor(data, { dtype }).reshape(shape)
const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value))
const dataOf = ({ data }: Case): Uint8Array => new Uint8Array(Buffer.from(data, 'base64'))

/** The case as tfjs would store it, in two shards that cut a weight in two. */
function asTfjs(each: Case): { model: Uint8Array; files: Record<string, Uint8Array> } {
  const data = dataOf(each)
  const middle = Math.floor(data.length / 2) - 1
  const weightsManifest = [{ paths: ['group1-shard1of2.bin', 'group1-shard2of2.bin'], weights: each.weights }]
  return {
    model: json({ format: 'layers-model', modelTopology: each.topology, weightsManifest }),
    files: {
      'group1-shard1of2.bin': data.slice(0, Math.max(0, middle)),
      'group1-shard2of2.bin': data.slice(Math.max(0, middle)),
    },
  }
}
const load = (each: Case): ReturnType<typeof io.loadKeras> => {
  const { model, files } = asTfjs(each)
  return io.loadKeras(model, { files })
}

/** Keras computes in float32, the reference here in float64. */
const rounding = { absolute: 3e-6, relative: 3e-5 }

function expectOutputs(
  title: string,
  outputs: readonly Tensor[],
  { outputs: expected }: Case,
  tolerance = rounding,
): void {
  expect(
    outputs.map(({ shape }) => shape),
    title,
  ).toEqual(expected.map(({ shape }) => shape))
  outputs.forEach((output, i) => expectClose(`${title} output ${i}`, numbers(output), expected[i].data, tolerance))
}

let folder = ''
beforeAll(async () => {
  await setBackend('reference')
  folder = await mkdtemp(join(tmpdir(), 'glissade-keras-'))
})
afterAll(() => rm(folder, { recursive: true }))

describe('layers give Keras’s numbers', () => {
  it.each(cases.map((each) => [each.title, each] as const))('%s', async (title, each) => {
    const model = await load(each)
    // Rounding of quantized weights is in the file; Keras's outputs are of the weights before it.
    const tolerance =
      {
        uint8: { absolute: 0.05, relative: 0 },
        uint16: { absolute: 3e-4, relative: 0 },
        float16: { absolute: 5e-3, relative: 0 },
      }[each.quantized ?? ''] ?? rounding
    expectOutputs(title, model.run(...each.inputs.map(toTensor)), each, tolerance)
  })

  it('all but a few of the list have a case', () => {
    const seen = JSON.stringify(cases.map(({ topology }) => topology))
    const missing = Object.keys(kinds).filter((kind) => !seen.includes(`"class_name":"${kind}"`))
    expect(missing.sort()).toEqual(
      [
        'ActivityRegularization',
        'AlphaDropout',
        'Cropping3D',
        'DepthwiseConv1D',
        'Conv3DTranspose',
        'GaussianDropout',
        'GlobalAveragePooling3D',
        'GlobalMaxPooling3D',
        'Identity',
        'Masking',
        'Normalization',
        'SpatialDropout1D',
        'SpatialDropout3D',
        'ThresholdedReLU',
        'UpSampling3D',
        'ZeroPadding3D',
      ].sort(),
    )
  })
})

describe('whole files', () => {
  it.each(['cnn.keras', 'cnn.h5', 'nested.keras', 'nested.h5', 'text.keras', 'text.h5'])('%s', async (name) => {
    const each = named(name.split('.')[0])
    const model = await io.loadKeras(fixture(name))
    expectOutputs(name, model.run(...each.inputs.map(toTensor)), each)
  })

  it('compile, train by names, and are in evaluation mode', async () => {
    const model = await io.loadKeras(fixture('cnn.keras'))
    expect(model.training).toBe(false)
    const names = [...model.namedParameters().keys()].filter((name) => /^(conv2d|class|size)/.test(name))
    expect(names.map((name) => name.replace(/_\d+/, ''))).toEqual([
      'conv2d.kernel',
      'conv2d.kernel',
      'conv2d.bias',
      'class.kernel',
      'class.bias',
      'size.kernel',
      'size.bias',
    ])
    expect([...model.namedBuffers().keys()].every((name) => /moving_(mean|variance)$/.test(name))).toBe(true)
    const x = toTensor(named('cnn').inputs[0])
    const found = gradients(model.forward(x).square().sum(), model.parameters().slice(0, 3))
    expect(found.every((g) => g && numbers(g).some((value) => value !== 0))).toBe(true)
    const forward = compile((input: Tensor) => model.run(input))
    const outputs = await forward(x)
    expectOutputs('compiled', outputs, named('cnn'))
    const dict = io.parseSafetensors(await io.formatSafetensors(model.stateDict())).tensors
    await model.loadStateDict(dict)
    expect(() => model.run()).toThrow(/received 0 inputs; expected 1/)
  })

  it('of tfjs are found beside model.json, and nowhere else', async () => {
    const each = named('quantized uint8')
    const { model, files } = asTfjs(each)
    await writeFile(join(folder, 'model.json'), model)
    for (const [name, bytes] of Object.entries(files)) await writeFile(join(folder, name), bytes)
    expect((await io.loadKeras(join(folder, 'model.json'))).run(...each.inputs.map(toTensor))[0].shape).toEqual([2, 2])
    const climbing = new TextDecoder().decode(model).replace('group1-shard1of2.bin', '../../etc/passwd')
    await writeFile(join(folder, 'climbing.json'), climbing)
    await expect(io.loadKeras(join(folder, 'climbing.json'))).rejects.toThrow(
      /paths: received '\.\.\/\.\.\/etc\/passwd'/,
    )
    await expect(io.loadKeras(model)).rejects.toThrow(/Pass the path of the model, or \{ files \}/)
    await expect(io.loadKeras(model, { files: {} })).rejects.toThrow(/data: received 'group1/)
  })
})

describe('refused:', () => {
  const { model, files } = asTfjs(named('quantized uint16'))
  const changed = (from: string | RegExp, to: string): Uint8Array =>
    new TextEncoder().encode(new TextDecoder().decode(model).replace(from, to))
  it.each([
    ['nothing', new Uint8Array(), /model\.json: received/],
    ['a graph model', json({ format: 'graph-model' }), /modelTopology: received a graph model/],
    [
      'a model of a class of its own',
      json({ modelTopology: { class_name: 'Own', config: {} }, weightsManifest: [] }),
      /architecture: received Own.*carry code/,
    ],
    [
      'a Lambda layer',
      changed('"class_name":"Dense"', '"class_name":"Lambda"'),
      /Lambda 'dense.*which carries code of the file: it is never executed/,
    ],
    [
      'an unknown layer',
      changed('"class_name":"Dense"', '"class_name":"Evil"'),
      /received Evil; expected a layer of the list/,
    ],
    ['an inherited layer', changed('"class_name":"Dense"', '"class_name":"constructor"'), /received constructor/],
    [
      'an unknown activation',
      changed('"activation":"tanh"', '"activation":"toString"'),
      /activation: received toString/,
    ],
    ['a size that is none', changed('"units":8', '"units":-8'), /units: received -8/],
    [
      'a size of another model',
      changed('"units":8', '"units":9'),
      /weight 'kernel': received \[4, 8\]; expected \[\?, 9\]/,
    ],
    ['a lying shape', changed('"shape":[4,8]', '"shape":[4,800]'), /the shards are cut short/],
    ['bytes left over', changed('"shape":[4,8]', '"shape":[4,7]'), /weights: received \d+ bytes/],
    ['another quantization', changed('"dtype":"uint16"', '"dtype":"int3"'), /quantization: received "int3"/],
    ['weights of other names', changed(/"name":"[^"]*\/kernel"/, '"name":"x/y"'), /weight 'kernel': received nothing/],
  ])('%s', async (_, bytes, message) => {
    await expect(io.loadKeras(bytes, { files })).rejects.toThrow(message)
    await expect(io.loadKeras(bytes, { files })).rejects.toThrow(/^Keras data: /)
  })

  it('files that carry code, or weights alone', async () => {
    await expect(io.loadKeras(fixture('lambda.keras'))).rejects.toThrow(/Lambda '.*which carries code/)
    await expect(io.loadKeras(fixture('own.keras'))).rejects.toThrow(/architecture: received Own/)
    await expect(io.loadKeras(fixture('own.weights.h5'))).rejects.toThrow(/architecture: received weights alone/)
    await expect(io.loadKeras(await formatZip(new Map([['a', new Uint8Array()]])))).rejects.toThrow(
      /expected a file config\.json/,
    )
  })

  it('nothing but the catalogue, cut or changed anywhere: model.json and its shards', async () => {
    for (const title of ['nested', 'Dot', 'Conv2DTranspose'].map(
      (start) => cases.find((each) => each.title.startsWith(start))?.title ?? '',
    )) {
      const each = named(title)
      const tfjs = asTfjs(each)
      const inputs = each.inputs.map(toTensor)
      await fuzz(tfjs.model, async (bytes) => (await io.loadKeras(bytes, { files: tfjs.files })).run(...inputs), {
        flips: 500,
        cuts: 50,
      })
    }
    const { 'group1-shard1of2.bin': shard } = files
    await fuzz(shard, (bytes) => io.loadKeras(model, { files: { ...files, 'group1-shard1of2.bin': bytes } }), {
      flips: 100,
    })
  })

  it('nothing but the catalogue, cut or changed anywhere: archives and HDF5', async () => {
    await fuzz(fixture('text.keras'), (bytes) => io.loadKeras(bytes), { flips: 150, cuts: 40 })
    await fuzz(fixture('text.h5'), (bytes) => io.loadKeras(bytes), { flips: 150, cuts: 40 })
    // A damaged HDF5 file leaves the reader as it was.
    const archive = readZip(fixture('text.keras'), 'text.keras')
    expect((await archive.get('model.weights.h5')?.read())?.length).toBeGreaterThan(0)
    expect((await io.loadKeras(fixture('text.h5'))).parameters().length).toBeGreaterThan(3)
  })
})

describe('a real network', () => {
  it('tinyvgg loads, and gives what its weights give in plain loops', async (context) => {
    const shared = sharedData()
    if (!shared) return context.skip()
    const path = (name: string): string => `${shared}models/${name}`
    const shard = new Uint8Array(readFileSync(path('tinyvgg-group1-shard1of1.bin')))
    const bytes = new Uint8Array(readFileSync(path('tinyvgg-model.json')))
    const model = await io.loadKeras(bytes, { files: { 'group1-shard1of1.bin': shard } })
    const pixels = Float32Array.from({ length: 64 * 64 * 3 }, (_, i) => (Math.sin(i * 0.013) + 1) / 2)
    await setBackend('auto')
    try {
      const output = Array.from(await model.forward(tensor(pixels, { shape: [1, 64, 64, 3] })).data())
      const { weightsManifest } = JSON.parse(new TextDecoder().decode(bytes)) as {
        weightsManifest: { weights: { shape: number[] }[] }[]
      }
      const all = new Float32Array(shard.buffer)
      let at = 0
      const weights = weightsManifest[0].weights.map(({ shape }) => {
        const size = shape.reduce((a, b) => a * b)
        at += size
        return all.subarray(at - size, at)
      })
      expectClose('tinyvgg', output, byHand(weights, pixels), { absolute: 1e-5, relative: 1e-4 })
      expect(output.reduce((sum, p) => sum + p)).toBeCloseTo(1, 5)
    } finally {
      await setBackend('reference')
    }
  })
})

/** Tiny VGG (poloclub/cnn-explainer) in loops: twice two convolutions of 3 x 3 and a pool, then one dense layer. */
function byHand(weights: readonly Float32Array[], pixels: Float32Array): number[] {
  let [size, channels, x] = [64, 3, Float64Array.from(pixels)]
  for (let layer = 0; layer < 4; layer++) {
    const [kernel, bias] = [weights[2 * layer], weights[2 * layer + 1]]
    const [next, out] = [size - 2, bias.length]
    const y = new Float64Array(next * next * out)
    for (let row = 0; row < next; row++) {
      for (let column = 0; column < next; column++) {
        for (let o = 0; o < out; o++) {
          let sum = bias[o]
          for (let i = 0; i < 3; i++)
            for (let j = 0; j < 3; j++)
              for (let c = 0; c < channels; c++)
                sum +=
                  x[((row + i) * size + column + j) * channels + c] * kernel[((i * 3 + j) * channels + c) * out + o]
          y[(row * next + column) * out + o] = Math.max(0, sum)
        }
      }
    }
    size = next
    channels = out
    x = y
    if (layer % 2 === 0) continue
    const half = Math.floor(size / 2)
    const at = (row: number, column: number, c: number): number => y[(row * next + column) * out + c]
    x = Float64Array.from({ length: half * half * out }, (_, i) => {
      const [c, column, row] = [i % out, 2 * (Math.floor(i / out) % half), 2 * Math.floor(i / out / half)]
      return Math.max(at(row, column, c), at(row, column + 1, c), at(row + 1, column, c), at(row + 1, column + 1, c))
    })
    size = half
  }
  const [kernel, bias] = [weights[8], weights[9]]
  const sums = Array.from(bias, (b, o) => x.reduce((sum, value, i) => sum + value * kernel[i * bias.length + o], b))
  const exponentials = sums.map((value) => Math.exp(value - Math.max(...sums)))
  const total = exponentials.reduce((a, b) => a + b)
  return exponentials.map((value) => value / total)
}
