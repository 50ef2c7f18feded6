/** Each elementwise word of the loop-nest language in WebAssembly, scalar and vector, against plain JavaScript. */
import { expect, test } from 'vitest'
import type { TypedArray } from '../src/dtype.ts'
import * as k from '../src/kernel/build.ts'
import type { BinaryFn, Expr, UnaryFn } from '../src/kernel/ir.ts'
import { bitsOf, floatOf, runKernel, wasmBackend } from './wasm/harness.ts'

const { fround } = Math
const LEAST = -(2 ** 31)
const floats = [
  0,
  -0,
  1,
  -1,
  0.5,
  1.5,
  2.5,
  -2.5,
  -0.5,
  3.7,
  -3.7,
  1e-45,
  1e-40,
  8388607.5,
  3e9,
  -3e9,
  2147483520,
  3e38,
  Infinity,
  -Infinity,
  NaN,
].map(fround)
const ints = [0, 1, -1, 2, 7, -7, 31, 46341, -46341, 65536, 2 ** 31 - 1, LEAST, LEAST + 1]

const roundEven = (x: number): number => {
  const below = Math.floor(x)
  const rest = x - below
  if (!Number.isFinite(x) || rest === 0) return x
  return rest < 0.5 || (rest === 0.5 && below % 2 === 0)
    ? below === 0 && x < 0
      ? -0
      : below
    : below + 1 === 0
      ? -0
      : below + 1
}
const towardsZero = (x: number): number => (Number.isNaN(x) ? 0 : Math.max(LEAST, Math.min(2 ** 31 - 1, Math.trunc(x))))

type Element = 'f32' | 'i32'
const arrayOf = (type: Element, values: readonly number[]): TypedArray =>
  type === 'f32' ? new Float32Array(values) : new Int32Array(values)
const sameBits = (type: Element, values: TypedArray): (number | string)[] =>
  Array.from(values, (value) => (type === 'i32' ? value : Number.isNaN(value) ? 'NaN' : bitsOf(value)))

interface Case {
  readonly from: Element
  readonly to: Element
  readonly a: readonly number[]
  readonly b?: readonly number[]
  readonly build: (a: Expr, b: Expr) => Expr
  readonly expected: (a: number, b: number) => number
}

/** out[i] = build(a[i], b[i]) for all pairs, with 1 and 4 lanes, from addresses that are not aligned to 16 bytes. */
async function expectElementwise({ from, to, a, b = [0], build, expected }: Case): Promise<void> {
  const left = a.flatMap((x) => b.map(() => x))
  const right = a.flatMap(() => [...b])
  while (left.length % 4) {
    left.push(left[0])
    right.push(right[0])
  }
  const i = k.variable('i', 'index')
  for (const lanes of [1, 4]) {
    const at = (by: number): Expr => k.add(i, k.index(by))
    const value = build(k.load('a', from, at(1), lanes), k.load('b', from, at(3), lanes))
    const arrays = {
      a: arrayOf(from, [9, ...left]),
      b: arrayOf(from, [9, 9, 9, ...right]),
      out: arrayOf(to, [0, 0, ...left.map(() => 0)]),
    }
    const body = [k.loop('i', k.index(0), k.index(left.length), lanes, [k.store('out', at(2), value)])]
    const { out } = await runKernel(await wasmBackend(), arrays, body)
    const want = arrayOf(
      to,
      left.map((x, j) => expected(x, right[j])),
    )
    expect(sameBits(to, out.subarray(2)), `${lanes} lanes`).toEqual(sameBits(to, want))
  }
}

const floatUnary: Partial<Record<UnaryFn, (x: number) => number>> = {
  neg: (x) => -x,
  abs: Math.abs,
  sqrt: Math.sqrt,
  floor: Math.floor,
  round: roundEven,
}
test.each(Object.entries(floatUnary))('f32 %s', (fn, expected) =>
  expectElementwise({ from: 'f32', to: 'f32', a: floats, build: (a) => k.unary(fn as UnaryFn, a), expected }),
)

const intUnary: Partial<Record<UnaryFn, (x: number) => number>> = { neg: (x) => -x | 0, abs: (x) => Math.abs(x) | 0 }
test.each(Object.entries(intUnary))('i32 %s', (fn, expected) =>
  expectElementwise({ from: 'i32', to: 'i32', a: ints, build: (a) => k.unary(fn as UnaryFn, a), expected }),
)

const floatBinary: Partial<Record<BinaryFn, (x: number, y: number) => number>> = {
  add: (x, y) => x + y,
  sub: (x, y) => x - y,
  mul: (x, y) => x * y,
  div: (x, y) => x / y,
  min: Math.min,
  max: Math.max,
}
test.each(Object.entries(floatBinary))('f32 %s of all pairs', (fn, expected) =>
  expectElementwise({
    from: 'f32',
    to: 'f32',
    a: floats,
    b: floats,
    build: (a, b) => k.binary(fn as BinaryFn, a, b),
    expected,
  }),
)

const intBinary: Partial<Record<BinaryFn, (x: number, y: number) => number>> = {
  add: (x, y) => (x + y) | 0,
  sub: (x, y) => (x - y) | 0,
  mul: Math.imul,
  div: (x, y) => (y === 0 ? 0 : (x / y) | 0),
  min: Math.min,
  max: Math.max,
  and: (x, y) => x & y,
  or: (x, y) => x | y,
  xor: (x, y) => x ^ y,
}
test.each(Object.entries(intBinary))('i32 %s of all pairs', (fn, expected) =>
  expectElementwise({
    from: 'i32',
    to: 'i32',
    a: ints,
    b: ints,
    build: (a, b) => k.binary(fn as BinaryFn, a, b),
    expected,
  }),
)

test.each([-1, 3, LEAST, 0])('i32 div by the constant %i', (by) =>
  expectElementwise({
    from: 'i32',
    to: 'i32',
    a: ints,
    build: (a) => k.div(a, k.i32(by, a.lanes)),
    expected: (x) => (by === 0 ? 0 : (x / by) | 0),
  }),
)

const shifts: Partial<Record<BinaryFn, (x: number, y: number) => number>> = {
  shl: (x, y) => x << y,
  shr: (x, y) => x >> y,
  ushr: (x, y) => (x >>> y) | 0,
}
test.each(Object.entries(shifts))('i32 %s: one count per lane, one for all, a constant', async (fn, expected) => {
  const word = fn as BinaryFn
  await expectElementwise({
    from: 'i32',
    to: 'i32',
    a: ints,
    b: [0, 1, 5, 31],
    build: (a, b) => k.binary(word, a, b),
    expected,
  })
  const count = k.load('b', 'i32', k.index(3))
  await expectElementwise({
    from: 'i32',
    to: 'i32',
    a: ints,
    b: [9],
    build: (a) => k.binary(word, a, k.splat(count, a.lanes)),
    expected,
  })
  await expectElementwise({
    from: 'i32',
    to: 'i32',
    a: ints,
    build: (a) => k.binary(word, a, k.i32(13, a.lanes)),
    expected: (x) => expected(x, 13),
  })
})

const comparisons = {
  lt: (x: number, y: number) => x < y,
  le: (x: number, y: number) => x <= y,
  eq: (x: number, y: number) => x === y,
}
test.each(Object.entries(comparisons))('%s, select, not, and, or', async (fn, holds) => {
  const word = fn as 'lt'
  for (const [from, values] of [
    ['f32', floats],
    ['i32', ints],
  ] as const) {
    await expectElementwise({
      from,
      to: from,
      a: values,
      b: values,
      build: (a, b) => k.select(k.compare(word, a, b), a, b),
      expected: (x, y) => (holds(x, y) ? x : y),
    })
    const both = (a: Expr, b: Expr): Expr =>
      k.binary('or', k.and(k.compare(word, a, b), k.not(k.compare('eq', a, b))), k.compare(word, b, a))
    await expectElementwise({
      from,
      to: 'i32',
      a: values,
      b: values,
      build: (a, b) => k.convert('maskToI32', both(a, b)),
      expected: (x, y) => Number((holds(x, y) && x !== y) || holds(y, x)),
    })
  }
})

test('conversions', async () => {
  await expectElementwise({ from: 'i32', to: 'f32', a: ints, build: (a) => k.convert('toF32', a), expected: (x) => x })
  await expectElementwise({
    from: 'f32',
    to: 'i32',
    a: floats,
    build: (a) => k.convert('toI32', a),
    expected: towardsZero,
  })
  await expectElementwise({
    from: 'f32',
    to: 'i32',
    a: floats.slice(0, -1),
    build: (a) => k.convert('asI32', a),
    expected: bitsOf,
  })
  await expectElementwise({ from: 'i32', to: 'f32', a: ints, build: (a) => k.convert('asF32', a), expected: floatOf })
  await expectElementwise({
    from: 'i32',
    to: 'i32',
    a: ints,
    build: (a) => k.convert('maskToI32', k.convert('i32ToMask', a)),
    expected: (x) => Number(x !== 0),
  })
})

test('constants keep their bits', async () => {
  for (const value of floats) {
    await expectElementwise({
      from: 'f32',
      to: 'f32',
      a: [1],
      build: (a) => k.f32(value, a.lanes),
      expected: () => value,
    })
  }
  for (const value of [...ints, 63, 64, -64, -65, 127, 128, 8191, 8192]) {
    await expectElementwise({
      from: 'i32',
      to: 'i32',
      a: [1],
      build: (a) => k.i32(value, a.lanes),
      expected: () => value,
    })
  }
})
