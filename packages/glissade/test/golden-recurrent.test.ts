/** Recurrent layers and cells against PyTorch: outputs, last states, and the gradient of everything. */
import { describe, expect, it } from 'vitest'
import { gradients } from '../src/autodiff/gradients.ts'
import { evaluate } from '../src/backends/reference/reference.ts'
import { tensor } from '../src/create.ts'
import * as nn from '../src/nn/index.ts'
import type { Module } from '../src/nn/module.ts'
import type { Tensor } from '../src/tensor.ts'
import {
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
  readonly args: readonly number[]
  readonly options: Record<string, unknown>
  readonly lengths: readonly number[] | null
  readonly x: Listed
  readonly states: readonly Listed[]
  readonly outputs: readonly Listed[]
  readonly dx: Listed
  readonly dstates: readonly Listed[]
  readonly weights: Record<string, Listed>
  readonly gradients: Record<string, Listed>
}

type State = Tensor | { h: Tensor; c: Tensor }
const make = nn as unknown as Record<string, (...args: unknown[]) => Module>
const listOf = (state: State): Tensor[] => ('h' in state ? [state.h, state.c] : [state as Tensor])

function check({
  kind,
  args,
  options,
  lengths,
  x,
  states,
  outputs,
  dx,
  dstates,
  weights,
  gradients: expected,
}: Case): void {
  const module = make[kind](...args, options)
  setWeights(module, weights)
  const [input, ...given] = [x, ...states].map(toTensor)
  const state = given.length === 0 ? undefined : given.length === 1 ? given[0] : { h: given[0], c: given[1] }
  const forward = module.forward as (x: Tensor, more?: unknown) => State & { output: Tensor; state: State }
  let found: Tensor[]
  if (kind.endsWith('Cell')) found = listOf(forward(input, state))
  else {
    const ran = forward(input, { state, ...(lengths && { lengths: tensor(lengths, { dtype: 'int32' }) }) })
    found = [ran.output, ...listOf(ran.state)]
  }
  const total = found.map((y) => y.mul(probeOf(y)).sum()).reduce((a, b) => a.add(b))
  const parameters = [...module.namedParameters()]
  const wanted = [input, ...given, ...parameters.map(([, parameter]) => parameter)]
  const slopes = gradients(total, wanted).map((gradient) => gradient ?? expect.fail(`${kind}: no gradient`))
  const numbers = evaluate([...found, ...slopes]).map(({ data }) => data)
  const names = [
    ...outputs.map((_, i) => `output ${i}`),
    'input gradient',
    ...dstates.map((_, i) => `gradient of state ${i}`),
    ...parameters.map(([name]) => `gradient of ${name}`),
  ]
  const right = [...outputs, dx, ...dstates, ...parameters.map(([name]) => expected[name])]
  found.forEach((y, i) => expect(y.shape).toEqual(outputs[i].shape))
  names.forEach((name, i) => expectClose(`${kind} ${name}`, numbers[i], right[i].data, single))
}

const title = ({ kind, options, lengths, states }: Case): string =>
  `${kind} ${JSON.stringify(options)}${lengths ? `, lengths ${lengths}` : ''}${states.length > 0 ? ', from a state' : ''}`

for (const name of ['recurrent-layers', 'recurrent-cells'] as const) {
  describe(`${name} give PyTorch’s numbers`, () => {
    const { cases } = readGolden<Golden<Case>>(name)
    it.each(cases.map((each) => [title(each), each] as const))('%s', (_, each) => check(each))
  })
}
