/** Attention, positions, transformer layers and whole models against PyTorch: outputs, and the gradient of everything. */
import { describe, expect, it } from 'vitest'
import { gradients } from '../src/autodiff/gradients.ts'
import { evaluate } from '../src/backends/reference/reference.ts'
import * as loss from '../src/loss/index.ts'
import type { Attended, AttendOptions } from '../src/nn/attention.ts'
import * as nn from '../src/nn/index.ts'
import type { Module } from '../src/nn/module.ts'
import * as optim from '../src/optim/index.ts'
import type { Tensor } from '../src/tensor.ts'
import {
  double,
  expectClose,
  type Golden,
  type Listed,
  probeOf,
  readGolden,
  setWeights,
  single,
  toTensor,
} from './golden/read.ts'

interface Case {
  readonly kind: string
  readonly args?: readonly number[]
  readonly options?: Record<string, unknown>
  readonly attend?: Record<string, unknown>
  readonly flags?: Record<string, unknown>
  readonly tensors?: Record<string, Listed>
  readonly inputs: Record<string, Listed>
  readonly y: Listed
  readonly more: readonly Listed[]
  readonly dinputs: Record<string, Listed>
  readonly weights: Record<string, Listed>
  readonly gradients: Record<string, Listed>
}

interface ModelCase {
  readonly kind: 'languageModel' | 'translationModel'
  readonly options: never
  readonly inputs: readonly Listed[]
  readonly labels: Listed
  readonly y: Listed
  readonly weights: Record<string, Listed>
  readonly gradients: Record<string, Listed>
  readonly losses: readonly number[]
}

/** Ten steps multiply small differences. */
const afterSteps = { absolute: 2e-6, relative: 2e-5 }

/** Masks stand in the files as 0 and 1. */
const tensorsOf = (listed: Record<string, Listed> = {}): Record<string, Tensor> =>
  Object.fromEntries(
    Object.entries(listed).map(([name, each]) => {
      const tensor = toTensor(each)
      return [name, tensor.dtype === 'int32' ? tensor.ne(0) : tensor]
    }),
  )

const title = ({ kind, args = [], options = {}, attend, tensors = {} }: Case): string =>
  `${kind} ${JSON.stringify(args)} ${JSON.stringify({ ...options, ...attend })} ${Object.keys(tensors).join(' ')}`

const titled = (cases: readonly Case[]): (readonly [string, Case])[] => cases.map((each) => [title(each), each])

/** Output, further outputs, and gradients by name of inputs and parameters. */
function check(each: Case, inputs: Record<string, Tensor>, outputs: Tensor[], module?: Module): void {
  const tolerance = module ? single : double
  const [output, ...more] = outputs
  expect(output.shape).toEqual(each.y.shape)
  const parameters = [...(module?.namedParameters() ?? [])]
  const wanted = [...Object.entries(inputs), ...parameters]
  const found = gradients(
    output.mul(probeOf(output)).sum(),
    wanted.map(([, tensor]) => tensor),
  )
  const values = evaluate([
    ...outputs,
    ...found.map((gradient, i) => gradient ?? expect.fail(`none of ${wanted[i][0]}`)),
  ])
  expectClose('output', values[0].data, each.y.data, tolerance)
  for (const [i, { shape, data }] of each.more.entries()) {
    expect(more[i].shape).toEqual(shape)
    expectClose('further output', values[i + 1].data, data, tolerance)
  }
  const expected: Record<string, Listed> = { ...each.dinputs, ...each.gradients }
  for (const [i, [name]] of wanted.entries()) {
    expectClose(`gradient of ${name}`, values[outputs.length + i].data, expected[name].data, tolerance)
  }
}

const { cases } = readGolden<Golden<Case>>('attention')
const ofKind = (...kinds: string[]): (readonly [string, Case])[] =>
  titled(cases.filter(({ kind }) => kinds.includes(kind)))

describe('attention gives PyTorch’s numbers', () => {
  it.each(ofKind('scaledDotProductAttention'))('%s', (_, each) => {
    const inputs = tensorsOf(each.inputs)
    const options = { ...each.options, ...tensorsOf(each.tensors) }
    check(each, inputs, [nn.functional.scaledDotProductAttention(inputs.q, inputs.k, inputs.v, options)])
  })

  it.each(ofKind('multiHeadAttention'))('%s', (_, each) => {
    const [width, heads] = each.args as [number, number]
    const module = nn.multiHeadAttention(width, heads, each.options)
    setWeights(module, each.weights)
    const inputs = tensorsOf(each.inputs)
    const attend: AttendOptions = { ...each.attend, ...tensorsOf(each.tensors), needWeights: true }
    const { output, weights }: Attended = module.forward(inputs.query, inputs.key, inputs.value, attend)
    check(each, inputs, [output, weights as Tensor], module)
  })
})

describe('positions follow their formulas', () => {
  it.each(ofKind('rotary'))('%s', (_, each) => {
    const inputs = tensorsOf(each.inputs)
    check(each, inputs, [nn.functional.rotary(inputs.x, each.options)])
  })

  it.each(ofKind('alibiBias', 'sinusoids'))('%s', (_, { kind, args = [], y }) => {
    const [a, b, c] = args
    const made = kind === 'alibiBias' ? nn.functional.alibiBias(a, b, c) : nn.functional.sinusoids(a, b)
    expect(made.shape).toEqual(y.shape)
    // The tables are float32.
    expectClose(kind, evaluate([made])[0].data, y.data, single)
  })
})

describe('transformer layers give PyTorch’s numbers', () => {
  const { cases } = readGolden<Golden<Case>>('transformers')
  const make = nn as unknown as Record<string, (...args: unknown[]) => Module>
  it.each(titled(cases))('%s', (_, each) => {
    const module = make[each.kind](...(each.args ?? []), each.options).eval()
    setWeights(module, each.weights)
    const inputs = tensorsOf(each.inputs)
    const forward = module.forward as (...args: unknown[]) => Tensor
    check(each, inputs, [forward(...Object.values(inputs), { ...each.flags, ...tensorsOf(each.tensors) })], module)
  })
})

describe('language and translation models train as in PyTorch', () => {
  const { cases } = readGolden<Golden<ModelCase>>('language-models')
  it.each(cases.map((each) => [`${each.kind} ${JSON.stringify(each.options)}`, each] as const))(
    '%s',
    async (_, { kind, options, inputs, labels, y, weights, gradients: expected, losses }) => {
      const model = kind === 'languageModel' ? nn.languageModel(options) : nn.translationModel(options)
      // By name, as any state dict of PyTorch's.
      await model.loadStateDict(
        Object.fromEntries(Object.entries(weights).map(([name, each]) => [name, toTensor(each)])),
      )
      const forward = model.forward as (...tokens: Tensor[]) => Tensor
      const tokens = inputs.map(toTensor)
      const target = toTensor(labels).flatten()
      const lossNow = (): Tensor => loss.crossEntropy(forward(...tokens).flatten(0, 1), target)
      const named = [...model.namedParameters()]
      const first = gradients(
        lossNow(),
        named.map(([, parameter]) => parameter),
      )
      const [logits, ...values] = evaluate([
        forward(...tokens),
        ...first.map((gradient) => gradient ?? expect.fail('no gradient')),
      ])
      expectClose('scores', logits.data, y.data, single)
      for (const [i, [name]] of named.entries()) {
        expectClose(`gradient of ${name}`, values[i].data, expected[name].data, single)
      }
      const optimizer = optim.adamW({ lr: 0.01 }).for(model)
      const found = losses.map(() => {
        const value = lossNow()
        optimizer.minimize(value)
        const variables = [...model.namedVariables().values(), ...optimizer.namedState().values()]
        const [now, ...next] = evaluate([value, ...variables])
        for (const [i, variable] of variables.entries()) variable.write(next[i].data)
        return now.data[0]
      })
      expectClose('losses', found, losses, afterSteps)
    },
  )
})
