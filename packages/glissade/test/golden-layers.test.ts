/** Every layer and activation against PyTorch: output, gradient of the input, gradient of every parameter. */
import { describe, expect, it } from 'vitest'
import { gradients } from '../src/autodiff/gradients.ts'
import { evaluate } from '../src/backends/reference/reference.ts'
import * as nn from '../src/nn/index.ts'
import type { Layer } from '../src/nn/module.ts'
import {
  double,
  expectClose,
  type Golden,
  type LayerCase,
  probeOf,
  readGolden,
  setWeights,
  single,
  toTensor,
} from './golden/read.ts'

const make = nn as unknown as Record<string, (...args: unknown[]) => Layer>

function check({ kind, args, options, x, y, dx, weights, gradients: expected }: LayerCase): void {
  const layer = make[kind](...args, ...(options && Object.keys(options).length > 0 ? [options] : []))
  setWeights(layer, weights)
  const tolerance = Object.keys(weights).length > 0 ? single : double
  const input = toTensor(x)
  const output = layer.forward(input)
  expect(output.shape).toEqual(y.shape)
  const parameters = [...layer.namedParameters()]
  const found = gradients(output.mul(probeOf(output)).sum(), [input, ...parameters.map(([, parameter]) => parameter)])
  const [value, ...rest] = evaluate([
    output,
    ...found.map((gradient) => gradient ?? expect.fail(`${kind}: no gradient`)),
  ])
  expectClose(`${kind} output`, value.data, y.data, tolerance)
  expectClose(`${kind} input gradient`, rest[0].data, dx.data, tolerance)
  parameters.forEach(([name], i) => {
    expectClose(`${kind} gradient of ${name}`, rest[i + 1].data, expected[name].data, tolerance)
  })
}

const title = ({ kind, args, options, x }: LayerCase): string =>
  `${kind} ${JSON.stringify(args)} ${JSON.stringify(options ?? {})} of [${x.shape.join(', ')}]`

describe('layers give PyTorch’s numbers', () => {
  const { cases } = readGolden<Golden<LayerCase>>('layers')
  it.each(cases.map((each) => [title(each), each] as const))('%s', (_, each) => check(each))
})

describe('activations give PyTorch’s numbers', () => {
  const { cases } = readGolden<Golden<LayerCase>>('activations')
  it.each(cases.map((each) => [title(each), each] as const))('%s', (_, each) => check(each))
})
