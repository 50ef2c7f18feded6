/**
 * Values of every primitive and derived function on the reference, against what test/opinfo says in plain JavaScript.
 */
import { describe, expect, test } from 'vitest'
import { evaluate } from '../src/backends/reference/reference.ts'
import * as adaptive from '../src/ops/derived/adaptive.ts'
import * as contracting from '../src/ops/derived/contract.ts'
import * as convolving from '../src/ops/derived/conv.ts'
import * as elementwise from '../src/ops/derived/elementwise.ts'
import * as indexing from '../src/ops/derived/indexing.ts'
import * as margins from '../src/ops/derived/margins.ts'
import * as movement from '../src/ops/derived/movement.ts'
import * as pooling from '../src/ops/derived/pool.ts'
import * as reducing from '../src/ops/derived/reduce.ts'
import * as resizing from '../src/ops/derived/resize.ts'
import { ops } from '../src/ops/table.ts'
import { Tensor, type TensorLike } from '../src/tensor.ts'
import { build, mismatch, rows, type Tolerance, uncoveredPrimitives } from './opinfo.ts'

/** The reference computes in float64: only the way of writing a formula may differ. */
const float64 = { relative: 1e-9, absolute: 1e-11, reason: 'float64' }

describe('the table', () => {
  test('has no row twice', () => {
    const names = rows.map(({ op }) => op)
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([])
  })

  test('has a sample for every primitive', () => {
    expect(uncoveredPrimitives()).toEqual([])
  })

  test('has a row with samples for every derived function', () => {
    const files = [
      elementwise,
      reducing,
      movement,
      contracting,
      convolving,
      pooling,
      adaptive,
      resizing,
      margins,
      indexing,
    ]
    const functions = files.flatMap((file) =>
      Object.entries(file).flatMap(([name, value]) => (typeof value === 'function' ? [name] : [])),
    )
    const helpers = ['perAxis', 'checkIndices']
    const known = new Set(rows.flatMap(({ op, samples }) => (samples.length > 0 ? [op] : [])))
    expect(functions.filter((name) => !known.has(name) && !helpers.includes(name))).toEqual([])
  })

  test('every primitive is documented', () => {
    expect(
      Object.values(ops)
        .filter(({ doc }) => !/^\S.*\.$/.test(doc))
        .map(({ name }) => name),
    ).toEqual([])
  })

  test('every tolerance says why', () => {
    const mute = rows.flatMap(({ op, samples }) =>
      samples.every(({ tolerance }) => tolerance.reason.length > 10) ? [] : [op],
    )
    expect(mute).toEqual([])
  })

  test('a wrong number is noticed', () => {
    expect(mismatch([1, 2], [1, 2.5], { relative: 0.1, absolute: 0, reason: '' })).toContain('element 1')
    expect(mismatch([Number.NaN], [1], { relative: 1, absolute: 9, reason: '' })).toBeDefined()
    expect(mismatch([1], [Number.NaN], { relative: 1, absolute: 9, reason: '' })).toBeDefined()
    expect(mismatch([1e38], [Number.POSITIVE_INFINITY], { relative: 1, absolute: 1, reason: '' })).toBeDefined()
    expect(mismatch([1], [1, 2], { relative: 1, absolute: 1, reason: '' })).toBeDefined()
  })
})

describe('the reference', () => {
  for (const { op, samples } of rows) {
    test(op, () => {
      for (const sample of samples) {
        const { output } = build(sample)
        const [{ shape, data }] = evaluate([output])
        const expected = sample.expected(sample.inputs)
        expect(shape, sample.name).toEqual(expected.shape)
        expect(output.shape, sample.name).toEqual(expected.shape)
        const tolerance = sample.tolerance.relative === 0 ? sample.tolerance : float64
        const wrong = inFloat64(data, expected.data, tolerance)
        expect(wrong, sample.name).toBeUndefined()
        if (output.dtype === 'int32')
          expect(
            data.every((value) => value === (value | 0)),
            sample.name,
          ).toBe(true)
        if (output.dtype === 'bool')
          expect(
            data.every((value) => value === 0 || value === 1),
            sample.name,
          ).toBe(true)
      }
    })
  }
})

/** As mismatch(), without the limits of float32. */
function inFloat64(
  actual: ArrayLike<number>,
  expected: readonly number[],
  { relative, absolute }: Tolerance,
): string | undefined {
  for (const [i, want] of expected.entries()) {
    const same = actual[i] === want || (Number.isNaN(actual[i]) && Number.isNaN(want))
    const near = Number.isFinite(want) && Math.abs(actual[i] - want) <= absolute + relative * Math.abs(want)
    if (!same && !near) return `element ${i} is ${actual[i]} instead of ${want}`
  }
  return undefined
}

describe('methods', () => {
  const methods = new Set(Object.getOwnPropertyNames(Tensor.prototype))
  for (const name of Object.keys(elementwise).filter((each) => methods.has(each) && each !== 'cast')) {
    test(`${name} is the function of the same name`, () => {
      const own = rows.find(({ op }) => op === name)?.samples ?? []
      const sample = own.find(({ inputs }) => inputs.length > 1) ?? own[1]
      if (!sample) throw new Error(`no sample for ${name}`)
      const { inputs, output } = build(sample)
      const [self, ...others] = inputs
      const method = Reflect.get(self, name) as (...rest: TensorLike[]) => Tensor
      // The shifts' samples have the number in their build: this one is by 1.
      const number = name.startsWith('shift') ? [1] : []
      const viaMethod = method.apply(self, [...others, ...number])
      expect(evaluate([viaMethod])[0].data).toEqual(evaluate([output])[0].data)
    })
  }
})
