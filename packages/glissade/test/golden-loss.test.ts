/** Every loss against PyTorch: value and gradient, with every option. */
import { describe, expect, it } from 'vitest'
import { gradients } from '../src/autodiff/gradients.ts'
import { evaluate } from '../src/backends/reference/reference.ts'
import * as loss from '../src/loss/index.ts'
import type { Tensor } from '../src/tensor.ts'
import { double, expectClose, type Golden, type LossCase, probeOf, readGolden, toTensor } from './golden/read.ts'

const functions = loss as unknown as Record<string, (x: Tensor, target: Tensor, options: object) => Tensor>

describe('losses give PyTorch’s numbers', () => {
  const { cases } = readGolden<Golden<LossCase>>('losses')
  const titled = cases.map(
    (each) => [`${each.kind} ${JSON.stringify(each.options)} ${Object.keys(each.tensors).join(' ')}`, each] as const,
  )
  it.each(titled)('%s', (_, { kind, x, target, options, tensors, y, dx }) => {
    const weights = Object.fromEntries(Object.entries(tensors).map(([name, listed]) => [name, toTensor(listed)]))
    const input = toTensor(x)
    const value = functions[kind](input, toTensor(target), { ...options, ...weights })
    expect(value.shape).toEqual(y.shape)
    const [gradient] = gradients(value.mul(probeOf(value)).sum(), [input])
    const [found, slope] = evaluate([value, gradient ?? expect.fail('no gradient')])
    expectClose(`${kind} value`, found.data, y.data, double)
    expectClose(`${kind} gradient`, slope.data, dx.data, double)
  })
})
