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
import { numbers } from './interchange.ts'
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
      Object.entries(inputs).map(([name, t]) => {
        const data = numbers(t)
        if (t.dtype === 'float32') return [name, new Value('float32', Float32Array.from(data), [...t.shape])]
        if (t.dtype === 'bool') return [name, new Value('bool', Uint8Array.from(data), [...t.shape])]
        return [name, new Value('int32', Int32Array.from(data), [...t.shape])]
      }),
    )
    const used = Object.fromEntries(Object.entries(feeds).filter(([name]) => session.inputNames.includes(name)))
    const results = await session.run(used)
    return Object.fromEntries(
      Object.entries(results).map(([name, { dims, data, type }]) => [name, { dims, data: Array.from(data as Float32Array, Number), type }]),
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
    expect(Object.keys(notExported).filter((name) => !['stopGradient', 'customGradient', 'checkpoint'].includes(name))).toEqual(['randomBits', 'castToFloat64'])
  })
})

/** Where onnxruntime itself is something else than our definition, and why. */
const different: Readonly<Record<string, string>> = {
  'sum: int32 beyond 32 bits': 'onnxruntime adds whole numbers as floats, which do not wrap',
  'prod: int32': 'onnxruntime multiplies whole numbers as floats, which do not wrap',
  'argMin: NaN': 'ReduceMin does not keep NaN',
  'adaptiveMaxPool1d: NaN and int32': 'ReduceMax does not keep NaN',
  'argSort: NaN and infinities': 'TopK puts NaN anywhere',
  'sort: NaN and infinities': 'TopK puts NaN anywhere',
  'gather: computed indices out of range': 'onnxruntime refuses them',
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
        if (!plain || output.shape.includes(0) || needsFloat64(sample) || Object.hasOwn(different, `${op}: ${sample.name}`)) continue
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
