/**
 * Bad calls are refused with the declared code, and the text says what was received, what was expected, and the fix.
 */
import { expect, test } from 'vitest'
import { GlissadeError } from '../src/errors.ts'
import { rows } from './opinfo.ts'

for (const { op, errors } of rows) {
  for (const { name, code, call } of errors) {
    test(`${op}: ${name}`, () => {
      let thrown: unknown
      try {
        call()
      } catch (error) {
        thrown = error
      }
      expect(thrown).toBeInstanceOf(GlissadeError)
      const error = thrown as GlissadeError
      expect(error.code).toBe(code)
      expect(error.message).not.toMatch(/undefined|\[object/)
      expect(error.message.length).toBeGreaterThan(30)
    })
  }
}

test('every function that takes shapes or axes declares what it refuses', () => {
  const silent = rows.filter(({ errors }) => errors.length === 0).map(({ op }) => op)
  // These take one tensor of any shape, or are made inside the library only.
  const elementwise = [
    'square',
    'sqrt',
    'rsqrt',
    'reciprocal',
    'exp',
    'exp2',
    'expm1',
    'log',
    'log2',
    'log1p',
    'sin',
    'cos',
    'tan',
    'asin',
    'acos',
    'atan',
    'sinh',
    'cosh',
    'tanh',
    'erf',
    'floor',
    'ceil',
    'round',
    'trunc',
    'relu',
    'sigmoid',
    'isNaN',
    'isFinite',
    'stopGradient',
    'cast',
  ]
  const inner = [
    'castToFloat32',
    'castToInt32',
    'castToBool',
    'castToFloat64',
    'unwindow',
    'dilate',
    'undiagonal',
    'constant',
    'iota',
    'randomBits',
    'customGradient',
    'barrier',
    'checkpoint',
  ]
  expect(silent.filter((op) => !elementwise.includes(op) && !inner.includes(op))).toEqual([])
})
