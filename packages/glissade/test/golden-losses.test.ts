/** Every loss against PyTorch: value and gradients, with every option. */
import { describe, expect, it } from 'vitest'
import { gradients } from '../src/autodiff/gradients.ts'
import { evaluate } from '../src/backends/reference/reference.ts'
import * as loss from '../src/loss/index.ts'
import type { Tensor } from '../src/tensor.ts'
import {
  double,
  expectClose,
  type Golden,
  type Listed,
  type LossCase,
  probeOf,
  readGolden,
  toTensor,
} from './golden/read.ts'

type Loss = (...args: unknown[]) => Tensor
const functions = loss as unknown as Record<string, Loss>

interface Case {
  readonly kind: string
  readonly inputs: readonly Listed[]
  readonly options: Record<string, unknown>
  readonly tensors: Record<string, Listed>
  readonly y: Listed
  /** By the place of the input. */
  readonly gradients: Record<string, Listed>
}

/** The file of make_first.py in the form of make_losses.py. */
const first = readGolden<Golden<LossCase>>('losses').cases.map(
  ({ kind, x, target, options, tensors, y, dx }): Case => ({
    kind,
    inputs: [x, target],
    options,
    tensors,
    y,
    gradients: { 0: dx },
  }),
)
const { cases } = readGolden<Golden<Case>>('losses-all')

describe('losses give PyTorch’s numbers', () => {
  const title = ({ kind, inputs, options, tensors }: Case): string =>
    `${kind} ${JSON.stringify(options)} ${Object.keys(tensors)} of [${inputs[0].shape.join(', ')}]`
  it.each([...first, ...cases].map((each) => [title(each), each] as const))('%s', (_, each) => {
    const { kind, inputs, options, tensors, y, gradients: expected } = each
    const given = inputs.map(toTensor)
    const weights = Object.fromEntries(Object.entries(tensors).map(([name, listed]) => [name, toTensor(listed)]))
    // PyTorch's gradient of ctc_loss is right only through a log-softmax, so that is part of the case.
    const [start, ...rest] = given
    const value = functions[kind](kind === 'ctc' ? start.logSoftmax(-1) : start, ...rest, { ...options, ...weights })
    expect(value.shape).toEqual(y.shape)
    const places = Object.keys(expected)
    const found = gradients(
      value.mul(probeOf(value)).sum(),
      places.map((place) => given[Number(place)]),
    )
    const [numbers, ...slopes] = evaluate([
      value,
      ...found.map((slope) => slope ?? expect.fail(`${kind}: no gradient`)),
    ])
    expectClose(`${kind} value`, numbers.data, y.data, double)
    for (const [i, place] of places.entries()) {
      expectClose(`${kind} gradient of input ${place}`, slopes[i].data, expected[place].data, double)
    }
  })
})
