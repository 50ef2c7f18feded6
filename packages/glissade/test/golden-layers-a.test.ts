/**
 * The layers beyond the first against PyTorch: output, gradient of the input, gradient of every parameter; and two
 * networks of them whose PyTorch state dicts load by name. The values: golden/make_layers_a.py.
 */
import { describe, expect, it } from 'vitest'
import { gradients } from '../src/autodiff/gradients.ts'
import { evaluate } from '../src/backends/reference/reference.ts'
import * as nn from '../src/nn/index.ts'
import type { Layer } from '../src/nn/module.ts'
import { type BackendName, probeBackend, setBackend } from '../src/run/backend.ts'
import { compile } from '../src/run/compile.ts'
import type { Tensor } from '../src/tensor.ts'
import { Scaling, Words } from './golden/networks-a.ts'
import {
  double,
  expectClose,
  type Golden,
  type LayerCase,
  type Listed,
  probeOf,
  readGolden,
  setWeights,
  single,
  toFloat32,
  toTensor,
} from './golden/read.ts'

interface EmbeddingCase extends Omit<LayerCase, 'weights'> {
  readonly weight: Listed
  readonly after: Listed
  readonly gradient: Listed
}
interface BilinearCase extends LayerCase {
  readonly x2: Listed
  readonly dx2: Listed
}
interface NetworkCase {
  readonly kind: 'words' | 'scaling'
  readonly x: Listed
  readonly y: Listed
  readonly state: Record<string, Listed>
  readonly gradients: Record<string, Listed>
}

const factories = nn as unknown as Record<string, (...args: unknown[]) => Layer>
const make = <T>({ kind, args, options = {} }: Pick<LayerCase, 'kind' | 'args' | 'options'>): T =>
  factories[kind](...args, ...(Object.keys(options).length > 0 ? [options] : [])) as T

const title = ({ kind, args, options, x }: LayerCase): string =>
  `${kind} ${JSON.stringify(args)} ${JSON.stringify(options ?? {})} of [${x.shape.join(', ')}]`

/** Compares the output, and the gradients of what it is differentiated by, with the numbers of the file. */
function compare(
  output: Tensor,
  y: Listed,
  by: readonly (readonly [name: string, of: Tensor, expected: Listed])[],
): void {
  expect(output.shape).toEqual(y.shape)
  const tolerance = by.some(([, of]) => of instanceof nn.Parameter) ? single : double
  const found = gradients(
    output.mul(probeOf(output)).sum(),
    by.map(([, of]) => of),
  )
  const [value, ...rest] = evaluate([
    output,
    ...found.map((each, i) => each ?? expect.fail(`no gradient of ${by[i][0]}`)),
  ])
  expectClose('output', value.data, y.data, tolerance)
  for (const [i, [name, , expected]] of by.entries()) {
    expect(rest[i].shape).toEqual(expected.shape)
    expectClose(`gradient of ${name}`, rest[i].data, expected.data, tolerance)
  }
}

const files = ['activations', 'pools', 'convolutions', 'spaces']
describe.each(files)('%s give PyTorch’s numbers', (file) => {
  const { cases } = readGolden<Golden<LayerCase>>(`layers-a-${file}`)
  it.each(cases.map((each) => [title(each), each] as const))('%s', (_, each) => {
    const layer = make<Layer>(each)
    setWeights(layer, each.weights)
    const input = toTensor(each.x)
    compare(layer.forward(input), each.y, [
      ['the input', input, each.dx],
      ...[...layer.namedParameters()].map(([name, of]) => [name, of, each.gradients[name]] as const),
    ])
  })
})

describe('embeddings and bilinear layers give PyTorch’s numbers', () => {
  const { cases } = readGolden<Golden<EmbeddingCase | BilinearCase>>('layers-a-embeddings')
  const embeddings = cases.filter((each): each is EmbeddingCase => 'weight' in each)
  const bilinears = cases.filter((each): each is BilinearCase => 'x2' in each)

  it.each(embeddings.map((each) => [title({ ...each, weights: {} }), each] as const))('%s', (_, each) => {
    const layer = make<nn.Embedding>(each)
    setWeights(layer, { weight: each.weight })
    const output = layer.forward(toTensor(each.x))
    compare(output, each.y, [['weight', layer.weight, each.gradient]])
    expectClose('weight afterwards', evaluate([layer.weight.current()])[0].data, each.after.data, single)
    // Without training the result is the same, and the weight stays.
    setWeights(layer, { weight: each.weight })
    const used = layer.eval().forward(toTensor(each.x))
    expectClose('output in evaluation', evaluate([used])[0].data, each.y.data, single)
    expectClose('weight in evaluation', evaluate([layer.weight.current()])[0].data, each.weight.data, single)
  })

  it.each(bilinears.map((each) => [title(each), each] as const))('%s', (_, each) => {
    const layer = make<nn.Bilinear>(each)
    setWeights(layer, each.weights)
    const [a, b] = [toTensor(each.x), toTensor(each.x2)]
    compare(layer.forward(a, b), each.y, [
      ['the first input', a, each.dx],
      ['the second input', b, each.dx2],
      ...[...layer.namedParameters()].map(([name, of]) => [name, of, each.gradients[name]] as const),
    ])
  })
})

describe('PyTorch’s state dicts load by name', () => {
  const { cases } = readGolden<Golden<NetworkCase>>('layers-a-networks')
  it.each(cases.map((each) => [each.kind, each] as const))('%s', async (kind, each) => {
    const model = kind === 'words' ? new Words() : new Scaling()
    const state = Object.fromEntries(Object.entries(each.state).map(([name, listed]) => [name, toTensor(listed)]))
    expect(await model.loadStateDict(state)).toEqual({ missing: [], unexpected: [] })
    compare(
      model.forward(toTensor(each.x)),
      each.y,
      [...model.namedParameters()].map(([name, of]) => [name, of, each.gradients[name]] as const),
    )
  })
})

/** Inputs and results are rounded to 24 bits (6e-8), sums of some hundred terms and values near 1000 add to that. */
const float32 = { absolute: 3e-5, relative: 3e-5 }

const backends: readonly BackendName[] = ['interpreter', 'wasm', 'native']
for (const name of backends) {
  const probe = await probeBackend(name)
  const missing = 'reason' in probe ? probe.reason : undefined
  if ('backend' in probe) await probe.backend.dispose()
  describe.skipIf(missing)(`on ${name}, compiled into one program${missing ? ` (skipped: ${missing})` : ''}`, () => {
    it.each(files)('%s give PyTorch’s numbers', { timeout: 120_000 }, async (file) => {
      const { cases } = readGolden<Golden<LayerCase>>(`layers-a-${file}`)
      const backend = await setBackend(name)
      const layers = cases.map((each) => make<Layer>(each))
      for (const [i, layer] of layers.entries()) setWeights(layer, cases[i].weights)
      const run = compile((inputs: Tensor[]) =>
        inputs.map((input, i) => {
          const y = layers[i].forward(input)
          const [dx, ...rest] = gradients(y.mul(probeOf(y)).sum(), [input, ...layers[i].parameters()])
          return { y, dx: dx as Tensor, rest: rest as Tensor[] }
        }),
      )
      const results = await run(cases.map(({ x }) => toFloat32(x)))
      for (const [i, each] of cases.entries()) {
        const { y, dx, rest } = results[i]
        expectClose(`${title(each)}: output`, await y.data(), each.y.data, float32)
        expectClose(`${title(each)}: input gradient`, await dx.data(), each.dx.data, float32)
        for (const [at, parameter] of [...layers[i].namedParameters().keys()].entries())
          expectClose(`${title(each)}: ${parameter}`, await rest[at].data(), each.gradients[parameter].data, float32)
      }
      run.release()
      await setBackend('reference')
      await backend.dispose()
    })
  })
}
