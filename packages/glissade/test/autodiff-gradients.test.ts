/**
 * Gradients of every primitive and derived function against finite differences in float64, to the declared order. Each is followed
 * by a sine, so that the gradient that flows in is not constant.
 */
import { describe, expect, test } from 'vitest'
import { gradCheck } from '../src/autodiff/grad-check.ts'
import { gradients } from '../src/autodiff/gradients.ts'
import { isFloat } from '../src/dtype.ts'
import { ops } from '../src/ops/table.ts'
import type { Tensor } from '../src/tensor.ts'
import { build, nodesOf, rows, toTensor } from './opinfo.ts'

const differentiable = rows.filter(({ samples }) => samples.some(({ order }) => order > 0))

describe('gradients', () => {
  for (const { op, samples } of differentiable) {
    test(op, () => {
      for (const sample of samples) {
        if (sample.order === 0) continue
        try {
          gradCheck((...inputs: Tensor[]) => sample.build(inputs).sin(), sample.inputs.map(toTensor), {
            order: sample.order,
            directions: 2,
          })
        } catch (error) {
          throw new Error(`sample '${sample.name}': ${(error as Error).message}`, { cause: error })
        }
      }
    })
  }

  test('have the shape and type of their inputs, at kinks and empty shapes too', () => {
    for (const { op, samples } of differentiable) {
      for (const sample of samples) {
        const { inputs, output } = build(sample)
        if (!isFloat(output.dtype)) continue
        const floats = inputs.filter((input) => isFloat(input.dtype))
        for (const [i, gradient] of gradients(output.sum(), floats).entries()) {
          if (!gradient) continue
          expect(gradient.shape, `${op}: ${sample.name}`).toEqual(floats[i].shape)
          expect(gradient.dtype, `${op}: ${sample.name}`).toBe(floats[i].dtype)
        }
      }
    }
  })

  test('are declared for every primitive that floats flow through', () => {
    const checked = new Set(
      differentiable
        .flatMap(({ samples }) => samples.flatMap((s) => (s.order > 0 ? [...nodesOf(build(s).output)] : [])))
        .map(({ op }) => op),
    )
    // They give whole numbers or truth, or take no input: no gradient.
    const none = [
      'sign',
      'floor',
      'round',
      'not',
      'and',
      'or',
      'xor',
      'shiftLeft',
      'shiftRight',
      'lt',
      'le',
      'eq',
      'constant',
      'iota',
      'randomBits',
      'argSort',
      'floorDiv',
      'stopGradient',
    ]
    const casts = ['castToInt32', 'castToBool', 'castToFloat64']
    expect(
      Object.values(ops)
        .filter((op) => !checked.has(op))
        .map(({ name }) => name)
        .filter((name) => ![...none, ...casts].includes(name)),
    ).toEqual([])
  })

  test('that are wrong are noticed', () => {
    const x = toTensor({ shape: [3], dtype: 'float32', data: [1, 2, 3] })
    expect(() => gradCheck((t) => t.stopGradient().mul(t), [x])).toThrow(/finite differences give/)
  })
})
