/** ONNX models read: every operator against onnxruntime, exported networks, real weights, and damaged files. */
import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { gradients } from '../src/autodiff/gradients.ts'
import { tensor } from '../src/create.ts'
import * as io from '../src/io/index.ts'
import { operators } from '../src/io/onnx/operators.ts'
import { setBackend } from '../src/run/backend.ts'
import { compile } from '../src/run/compile.ts'
import '../src/run/realize.ts'
import type { Tensor } from '../src/tensor.ts'
import { expectClose } from './golden/read.ts'
import { fuzz, mnistTest, numbers, sharedData } from './interchange.ts'

interface Array_ {
  readonly shape: number[]
  readonly dtype: 'float32' | 'int32' | 'bool'
  readonly data: (number | string)[]
}
interface Case {
  readonly title: string
  readonly model: string
  readonly inputs: Record<string, Array_>
  readonly outputs: Record<string, Array_>
}

const read = (name: string): Case[] =>
  (JSON.parse(readFileSync(new URL(`./golden/${name}.json`, import.meta.url), 'utf8')) as { cases: Case[] }).cases
const cases = [...read('onnx'), ...read('onnx-layers')]
const bytesOf = ({ model }: Case): Uint8Array => new Uint8Array(Buffer.from(model, 'base64'))
const toTensor = ({ shape, dtype, data }: Array_): Tensor => tensor(data.map(Number), { dtype }).reshape(shape)
const inputsOf = ({ inputs }: Case): Record<string, Tensor> =>
  Object.fromEntries(Object.entries(inputs).map(([name, each]) => [name, toTensor(each)]))
const named = (title: string): Case => cases.find((each) => each.title.startsWith(title)) ?? expect.fail(title)

/** onnxruntime computes in float32 with its own order of sums, and the reference here in float64. */
const rounding = { absolute: 2e-6, relative: 2e-5 }

let folder = ''
beforeAll(async () => {
  await setBackend('reference')
  folder = await mkdtemp(join(tmpdir(), 'glissade-onnx-'))
})
afterAll(() => rm(folder, { recursive: true }))

function expectSame(title: string, received: Tensor, expected: Array_): void {
  expect([received.shape, received.dtype], title).toEqual([expected.shape, expected.dtype])
  const data = numbers(received)
  const finite = expected.data.map((value, i) => {
    const n = Number(value)
    if (Number.isFinite(n)) return n
    expect(data[i], `${title}[${i}]`).toBe(n)
    data[i] = 0
    return 0
  })
  expectClose(title, data, finite, rounding)
}

describe('operators give onnxruntime’s numbers', () => {
  it.each(cases.map((each) => [each.title, each] as const))('%s', async (_, each) => {
    const model = await io.loadOnnx(bytesOf(each))
    const outputs = model.run(inputsOf(each))
    for (const [name, expected] of Object.entries(each.outputs)) expectSame(name, outputs[name], expected)
  })

  it('all but a few names for others have a case', () => {
    const seen = new Set(cases.map(({ title }) => title.split(' ')[0]))
    expect(Object.keys(operators).filter((op) => !seen.has(op))).toEqual([
      'Swish',
      'CastLike',
      'BitwiseOr',
      'BitwiseXor',
      'BitShift',
      // Written by this library itself, and read back in io-onnx-out.test.ts.
      'Scan',
      'Scatter',
    ])
  })
})

describe('a model', () => {
  it('compiles, trains, and is saved by the names of its initializers', async () => {
    const model = await io.loadOnnx(bytesOf(named('torch.onnx.export of Sequential')))
    const names = [...model.namedParameters().keys()]
    expect(names.some((name) => name.endsWith('6.weight'))).toBe(true)
    const x = toTensor(named('torch.onnx.export of Sequential').inputs.x)
    const found = gradients(model.forward(x).square().sum(), model.parameters())
    expect(found.every((g) => g !== undefined && numbers(g).every(Number.isFinite))).toBe(true)
    const forward = compile((input: Tensor) => model.forward(input))
    expectClose('compiled', await (await forward(x)).data(), numbers(model.forward(x)), rounding)
    // Another batch: nothing of the first one is left in it.
    expect(model.forward(tensor(new Float32Array(5 * 64), { shape: [5, 1, 8, 8] })).shape).toEqual([5, 2])
    const again = await io.loadOnnx(bytesOf(named('torch.onnx.export of Sequential')))
    await again.loadStateDict(io.parseSafetensors(await io.formatSafetensors(model.stateDict())).tensors)
  })

  it('takes no gradient from its inputs’ numbers being known', async () => {
    const model = await io.loadOnnx(bytesOf(named('Identity')))
    const x = toTensor(named('Identity').inputs.x0)
    const [g] = gradients(model.forward(x).sum(), [x])
    expect(g && numbers(g).every((value) => value === 1)).toBe(true)
  })

  it('refuses inputs that do not fit', async () => {
    const model = await io.loadOnnx(bytesOf(named('torch.onnx.export of Sequential')))
    expect(() => model.forward()).toThrow(/received 0 inputs; expected 1: x/)
    expect(() => model.run({})).toThrow(/input 'x': received nothing; expected \[batch, 1, 8, 8\]/)
    expect(() => model.forward(tensor([[1]]))).toThrow(/input 'x': received \[1, 1\]/)
  })

  it('opt-mnist.onnx gets 98.6 % of the first 500 test images right', async (context) => {
    const shared = sharedData()
    if (!shared) return context.skip()
    await setBackend('auto')
    try {
      const model = await io.loadOnnx(`${shared}models/opt-mnist.onnx`)
      const { images, labels } = mnistTest(shared, 500)
      const forward = compile((x: Tensor) => model.forward(x).argMax(-1))
      let right = 0
      for (let i = 0; i < 500; i++) {
        const x = tensor(images.subarray(i * 784, (i + 1) * 784), { shape: [1, 1, 28, 28] })
        if ((await (await forward(x)).item()) === labels[i]) right++
      }
      expect(right).toBe(493)
    } finally {
      await setBackend('reference')
    }
  })
})

/** Messages by hand: a field is its number, its kind, and its content. */
const varint = (n: number): number[] => (n < 128 ? [n] : [(n % 128) + 128, ...varint(Math.floor(n / 128))])
const text = (value: string): number[] => [...new TextEncoder().encode(value)]
const field = (tag: number, content: number[]): number[] => [
  ...varint(tag * 8 + 2),
  ...varint(content.length),
  ...content,
]
const whole = (tag: number, value: number): number[] => [...varint(tag * 8), ...varint(value)]
const node = (op: string, inputs: string[], outputs: string[], ...more: number[][]): number[] =>
  field(1, [
    ...inputs.flatMap((name) => field(1, text(name))),
    ...outputs.flatMap((name) => field(2, text(name))),
    ...field(4, text(op)),
    ...more.flat(),
  ])
const port = (tag: number, name: string): number[] =>
  field(tag, [...field(1, text(name)), ...field(2, field(1, whole(1, 1)))])
const model = (graph: number[], opset = 17): Uint8Array =>
  Uint8Array.from([...whole(1, 8), ...field(7, graph), ...field(8, whole(2, opset))])
const external = (location: string, offset?: string): number[] =>
  field(5, [
    ...whole(1, 2),
    ...whole(2, 1),
    ...field(8, text('w')),
    ...field(13, [...field(1, text('location')), ...field(2, text(location))]),
    ...(offset === undefined ? [] : field(13, [...field(1, text('offset')), ...field(2, text(offset))])),
  ])
/** w, one number. */
const scalar = field(5, [...whole(2, 1), ...field(8, text('w')), ...field(9, [0, 0, 0, 0])])
const adding = (initializer: number[]): Uint8Array =>
  model([...node('Add', ['x', 'w'], ['y']), ...initializer, ...port(11, 'x'), ...port(12, 'y')])

describe('data in other files', () => {
  it('is found beside the model, and nowhere else', async () => {
    await writeFile(join(folder, 'm.onnx'), adding(external('w.bin', '4')))
    await writeFile(join(folder, 'w.bin'), new Uint8Array(Float32Array.of(9, 1, 2).buffer))
    const loaded = await io.loadOnnx(join(folder, 'm.onnx'))
    expect(numbers(loaded.forward(tensor([10, 20])))).toEqual([11, 22])
    await mkdir(join(folder, 'inner'))
    for (const location of [
      '../w.bin',
      '/etc/passwd',
      'a/../../w.bin',
      'C:\\w.bin',
      '..\\w.bin',
      './w.bin',
      '',
      'a//b',
    ]) {
      await writeFile(join(folder, 'inner/m.onnx'), adding(external(location)))
      await expect(io.loadOnnx(join(folder, 'inner/m.onnx'))).rejects.toThrow(
        /location: received .*in the folder of the model/,
      )
    }
    await writeFile(join(folder, 'cut.onnx'), adding(external('w.bin', '8')))
    await expect(io.loadOnnx(join(folder, 'cut.onnx'))).rejects.toThrow(/4 bytes; expected 8/)
    await writeFile(join(folder, 'far.onnx'), adding(external('w.bin', '99')))
    await expect(io.loadOnnx(join(folder, 'far.onnx'))).rejects.toThrow(/bytes 99 to/)
  })

  it('comes as bytes where there are no paths', async () => {
    const bytes = adding(external('w.bin'))
    await expect(io.loadOnnx(bytes)).rejects.toThrow(/'w\.bin', a file beside the model/)
    await expect(io.loadOnnx(bytes, { files: {} })).rejects.toThrow(/data: received 'w\.bin'/)
    const files = { 'w.bin': new Uint8Array(Float32Array.of(1, 2).buffer) }
    expect(numbers((await io.loadOnnx(bytes, { files })).forward(tensor([0, 0])))).toEqual([1, 2])
  })
})

describe('refused:', () => {
  const graphOf = (...parts: number[][]): number[] => [...parts.flat(), ...port(11, 'x'), ...port(12, 'y')]
  const inner = field(5, [...field(1, text('body')), ...field(6, [])])
  it.each([
    ['nothing', new Uint8Array(), /graph: received none/],
    ['a field beyond the end', Uint8Array.of(0x3a, 0xff, 0xff, 0x7f), /a field of 2097151 bytes/],
    ['a number without end', Uint8Array.of(0x08, ...new Array(12).fill(0xff)), /message/],
    ['packed numbers that lie', adding(field(5, [0x0a, 0x7f, 1])), /a field of 127 bytes/],
    [
      'all operators that it does not know, at once',
      model(
        graphOf(
          node('Loop', ['x'], ['a'], inner),
          node('NonZero', ['a'], ['b']),
          node('MadeUp', ['b'], ['y'], field(7, text('com.acme'))),
        ),
      ),
      /operators: received Loop, NonZero, com\.acme\.MadeUp; .*Supported are: Add, Sub/,
    ],
    ['inherited operators', model(graphOf(node('constructor', ['x'], ['y']))), /operators: received constructor/],
    ['opset 6', model(graphOf(node('Relu', ['x'], ['y'])), 6), /opset: received 6; expected 7 to 25/],
    ['opset 99', model(graphOf(node('Relu', ['x'], ['y'])), 99), /opset: received 99/],
    ['a value that nothing makes', model(graphOf(node('Relu', ['z'], ['y']))), /'z', which nothing makes/],
    ['a circle', model(graphOf(node('Relu', ['z'], ['y']), node('Relu', ['y'], ['z']))), /made from itself/],
    ['a value made twice', model(graphOf(node('Relu', ['x'], ['y']), node('Neg', ['x'], ['y']))), /'y' made twice/],
    ['no output', model([...node('Relu', ['x'], ['y']), ...port(11, 'x')]), /outputs: received none/],
    [
      'a tensor of another size',
      adding(field(5, [...whole(1, 2), ...whole(2, 1), ...field(8, text('w')), ...field(9, [0, 0, 0, 0])])),
      /tensor 'w': received 4 bytes; expected 8/,
    ],
    ['a tensor of texts', adding(field(5, [...whole(2, 8), ...field(8, text('w'))])), /tensor 'w': type: received 8/],
    ['an initializer twice', adding([...scalar, ...scalar]), /'w' twice/],
  ])('%s', async (_, bytes, message) => {
    await expect(io.loadOnnx(bytes)).rejects.toThrow(message)
    await expect(io.loadOnnx(bytes)).rejects.toThrow(/^ONNX data: /)
  })

  it('a graph that shapes itself by its inputs, when it runs', async () => {
    const loaded = await io.loadOnnx(
      model(
        graphOf(
          node('Cast', ['x'], ['s'], field(5, [...field(1, text('to')), ...whole(3, 7)])),
          node('Reshape', ['x', 's'], ['y']),
        ),
      ),
    )
    expect(() => loaded.forward(tensor([2, 1]))).toThrow(/Reshape: input 1: received numbers that depend on the inputs/)
  })

  it('a chain of 20,000 nodes is no stack overflow', async () => {
    const chain = Array.from({ length: 20_000 }, (_, i) =>
      node('Neg', [i === 0 ? 'x' : `v${i}`], [i === 19_999 ? 'y' : `v${i + 1}`]),
    )
    const loaded = await io.loadOnnx(model(graphOf(...chain.reverse())))
    expect(loaded.forward(tensor([1])).shape).toEqual([1])
  })

  it('nothing but the catalogue, cut or changed anywhere, read and run', async () => {
    const titles = [
      'Conv 17',
      'Slice 17',
      'Resize 17',
      'LSTM 17',
      'GatherND',
      'shape arithmetic',
      'Pad 17',
      'AveragePool 19',
      'Split 17',
      'Reshape 17',
      'Tile',
      'OneHot',
      'ConstantOfShape',
      'Range',
      'DepthToSpace',
      'TopK 17',
      'Gemm',
      'MaxPool 17',
      'Einsum',
    ]
    for (const title of titles) {
      const each = named(title)
      const inputs = inputsOf(each)
      const { refused } = await fuzz(bytesOf(each), async (changed) => (await io.loadOnnx(changed)).run(inputs), {
        flips: 250,
        cuts: 150,
      })
      expect(refused).toBeGreaterThan(100)
    }
  })
})
