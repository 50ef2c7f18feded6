/** Every construct of the loop-nest language as the native backend compiles it, against JavaScript. */
import { spawnSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Backend } from '../src/backends/backend.ts'
import { defaultCompilers } from '../src/backends/native/toolchain.ts'
import type { TypedArray } from '../src/dtype.ts'
import * as k from '../src/kernel/build.ts'
import type { BinaryFn, CompareFn, ConvertFn, Expr, Stmt, UnaryFn } from '../src/kernel/ir.ts'
import { buffer, hardFloats, hardInts, type Job, kernelOf, runJobs, runOnce, working } from './native/harness.ts'

let backend: Backend

/** The machine's best vectors, the next narrower ones, and the bodies without any built-in. */
const variants: [name: string, flags: string][] = [
  ['as found', ''],
  ...(process.arch === 'x64'
    ? ([
        ['without AVX-512', ' -mno-avx512f'],
        ['SSE2 only', ' -mno-sse3'],
      ] as [string, string][])
    : []),
  ['without built-ins', ' -DGLISSADE_PORTABLE'],
]
const compiler = defaultCompilers().find((name) => spawnSync(name, ['--version']).status === 0) ?? 'cc'

/** All widths up to the machine's. */
const widths = (): number[] => [1, 4, 8, 16].filter((lanes) => lanes <= backend.target.lanes)

type Element = 'f32' | 'i32'
const arrayOf = (type: Element, values: readonly number[]): TypedArray =>
  type === 'f32' ? Float32Array.from(values) : Int32Array.from(values)

/** Every pair of two lists, padded to a whole number of the widest vectors. */
function pairs(a: readonly number[], b: readonly number[]): { a: number[]; b: number[] } {
  const left = a.flatMap((x) => b.map(() => x))
  const right = a.flatMap(() => [...b])
  while (left.length % 16 !== 0) {
    left.push(a[1])
    right.push(b[1])
  }
  return { a: left, b: right }
}

/** out[i] = build(a[i], b[i]) at each width, from addresses that no vector is aligned to. */
function elementwise(
  from: Element,
  to: Element,
  values: { a: number[]; b: number[] },
  build: (a: Expr, b: Expr) => Expr,
  expected: (a: number, b: number) => number,
): Job {
  const n = values.a.length
  const a = arrayOf(from, [0, ...values.a])
  const b = arrayOf(from, [0, 0, 0, ...values.b])
  const want = [
    ...arrayOf(
      to,
      values.a.map((x, i) => expected(x, values.b[i])),
    ),
  ]
  const i = k.variable('i', 'index')
  const kernels = widths().map((lanes, w) => {
    const value = build(k.load('a', from, k.add(i, k.index(1)), lanes), k.load('b', from, k.add(i, k.index(3)), lanes))
    const body = [
      k.loop('i', k.index(0), k.index(n), lanes, [k.store('out', k.add(i, k.index(1 + w * (n + 2))), value)]),
    ]
    return kernelOf(
      [buffer('a', from, n + 1), buffer('b', from, n + 3), buffer('out', to, widths().length * (n + 2))],
      body,
    )
  })
  const out = arrayOf(to, new Array(widths().length * (n + 2)).fill(77))
  const check = (): void => {
    widths().forEach((lanes, w) => {
      const part = out.subarray(w * (n + 2), (w + 1) * (n + 2))
      const got = [...part.subarray(1, n + 1)]
      const wrong = got.flatMap((g, j) =>
        g === want[j] || (Number.isNaN(g) && Number.isNaN(want[j]))
          ? []
          : [`lanes ${lanes}: (${a[j + 1]}, ${b[j + 3]}) → ${g}, want ${want[j]}`],
      )
      expect(wrong.slice(0, 5)).toEqual([])
      expect([part[0], part[n + 1]]).toEqual([77, 77])
    })
  }
  return { kernels, arrays: [a, b, out], check }
}

const all = (jobs: readonly Job[]): Promise<void> => runJobs(backend, jobs)

const toEven = (x: number): number => {
  const r = Math.round(x)
  return Math.abs(x) < 2 ** 31 && Math.abs(x - Math.trunc(x)) === 0.5 && r % 2 !== 0 ? r - 1 : r
}
const saturate = (x: number): number =>
  Number.isNaN(x) ? 0 : Math.min(2147483647, Math.max(-2147483648, Math.trunc(x)))
const bits = (x: number): number => new Int32Array(Float32Array.of(x).buffer)[0]
const fromBits = (x: number): number => new Float32Array(Int32Array.of(x).buffer)[0]

describe.each(variants)('the language, compiled %s', (_, flags) => {
  beforeAll(async () => {
    backend = await working({ threads: 1, compilers: [compiler + flags] })
  })
  afterAll(() => backend.dispose())

  describe('elementwise functions, on scalars and on vectors of each width', () => {
    const floats = { a: hardFloats.map(Number), b: hardFloats.map(Number) }
    // biome-ignore format: a table
    const floatUnaries: [UnaryFn, (x: number) => number][] = [
    ['neg', (x) => -x], ['abs', Math.abs], ['sqrt', Math.sqrt], ['floor', Math.floor], ['round', toEven],
  ]
    test.each(floatUnaries)('%s of f32', (fn, expected) =>
      all([elementwise('f32', 'f32', floats, (a) => k.unary(fn, a), expected)]),
    )

    test('neg, abs and floor keep the sign of zero', async () => {
      const zeros = { a: Array.from({ length: 16 }, (_, i) => (i % 2 === 0 ? 0 : -0)), b: new Array(16).fill(0) }
      const fns: [UnaryFn, (x: number) => number][] = [
        ['neg', (x) => -x],
        ['abs', Math.abs],
        ['floor', Math.floor],
        ['round', (x) => x],
      ]
      const asInt = (fn: UnaryFn, a: Expr): Expr => k.convert('asI32', k.unary(fn, a))
      await all(
        fns.map(([fn, expected]) =>
          elementwise(
            'f32',
            'i32',
            zeros,
            (a) => asInt(fn, a),
            (x) => bits(expected(x)),
          ),
        ),
      )
    })

    // biome-ignore format: a table
    const floatBinaries: [BinaryFn, (x: number, y: number) => number][] = [
    ['add', (x, y) => x + y], ['sub', (x, y) => x - y], ['mul', (x, y) => x * y], ['div', (x, y) => x / y],
    ['min', Math.min], ['max', Math.max],
  ]
    const floatPairs = pairs(hardFloats, hardFloats)
    test.each(floatBinaries)('%s of f32', (fn, expected) =>
      all([elementwise('f32', 'f32', floatPairs, (a, b) => k.binary(fn, a, b), expected)]),
    )

    test('min and max with a constant on either side give NaN for NaN', async () => {
      const jobs: Job[] = []
      for (const fn of ['min', 'max'] as const) {
        jobs.push(
          elementwise(
            'f32',
            'f32',
            floats,
            (a) => k.binary(fn, a, k.f32(0.5, a.lanes)),
            (x) => Math[fn](x, 0.5),
          ),
        )
        jobs.push(
          elementwise(
            'f32',
            'f32',
            floats,
            (a) => k.binary(fn, k.f32(0.5, a.lanes), a),
            (x) => Math[fn](0.5, x),
          ),
        )
        jobs.push(
          elementwise(
            'f32',
            'f32',
            floats,
            (a) => k.binary(fn, k.f32(Number.NaN, a.lanes), a),
            () => Number.NaN,
          ),
        )
      }
      await all(jobs)
    })

    // biome-ignore format: a table
    const intBinaries: [BinaryFn, (x: number, y: number) => number][] = [
    ['add', (x, y) => x + y], ['sub', (x, y) => x - y], ['mul', Math.imul], ['div', (x, y) => (y === 0 ? 0 : Math.trunc(x / y))],
    ['min', Math.min], ['max', Math.max], ['and', (x, y) => x & y], ['or', (x, y) => x | y], ['xor', (x, y) => x ^ y],
  ]
    test.each(intBinaries)('%s of i32', (fn, expected) =>
      all([
        elementwise(
          'i32',
          'i32',
          pairs(hardInts, hardInts),
          (a, b) => k.binary(fn, a, b),
          (x, y) => expected(x, y) | 0,
        ),
      ]),
    )

    const shifts: [BinaryFn, (x: number, y: number) => number][] = [
      ['shl', (x, y) => x << y],
      ['shr', (x, y) => x >> y],
      ['ushr', (x, y) => x >>> y],
    ]
    test.each(shifts)('%s of i32', (fn, expected) =>
      all([
        elementwise(
          'i32',
          'i32',
          pairs(hardInts, [0, 1, 2, 7, 16, 30, 31]),
          (a, b) => k.binary(fn, a, b),
          (x, y) => expected(x, y) | 0,
        ),
      ]),
    )

    test('neg and abs of i32 wrap', async () => {
      const jobs: Job[] = []
      const ints = { a: [...hardInts], b: [...hardInts] }
      jobs.push(
        elementwise(
          'i32',
          'i32',
          ints,
          (a) => k.neg(a),
          (x) => -x | 0,
        ),
      )
      jobs.push(
        elementwise(
          'i32',
          'i32',
          ints,
          (a) => k.unary('abs', a),
          (x) => Math.abs(x) | 0,
        ),
      )
      await all(jobs)
    })

    const comparisons: [CompareFn, (x: number, y: number) => boolean][] = [
      ['lt', (x, y) => x < y],
      ['le', (x, y) => x <= y],
      ['eq', (x, y) => x === y],
    ]
    test.each(comparisons)('%s, and its masks through select, not, and, or and conversions', async (fn, expected) => {
      const jobs: Job[] = []
      const asInt = (m: Expr): Expr => k.convert('maskToI32', m)
      for (const [type, values] of [
        ['f32', floatPairs],
        ['i32', pairs(hardInts, hardInts)],
      ] as const) {
        jobs.push(
          elementwise(
            type,
            'i32',
            values,
            (a, b) => asInt(k.compare(fn, a, b)),
            (x, y) => Number(expected(x, y)),
          ),
        )
        jobs.push(
          elementwise(
            type,
            type,
            values,
            (a, b) => k.select(k.compare(fn, a, b), a, b),
            (x, y) => (expected(x, y) ? x : y),
          ),
        )
        jobs.push(
          elementwise(
            type,
            'i32',
            values,
            (a, b) => asInt(k.not(k.compare(fn, a, b))),
            (x, y) => Number(!expected(x, y)),
          ),
        )
        jobs.push(
          elementwise(
            type,
            'i32',
            values,
            (a, b) => asInt(k.and(k.compare(fn, a, b), k.compare(fn, b, a))),
            (x, y) => Number(expected(x, y) && expected(y, x)),
          ),
        )
        jobs.push(
          elementwise(
            type,
            'i32',
            values,
            (a, b) => asInt(k.or(k.compare(fn, a, b), k.compare(fn, b, a))),
            (x, y) => Number(expected(x, y) || expected(y, x)),
          ),
        )
      }
      await all(jobs)
    })

    // biome-ignore format: a table
    const conversions: [ConvertFn, Element, Element, (x: number) => number][] = [
    ['toF32', 'i32', 'f32', (x) => x], ['toI32', 'f32', 'i32', saturate], ['asI32', 'f32', 'i32', bits], ['asF32', 'i32', 'f32', fromBits],
  ]
    test.each(conversions)('%s', (fn, from, to, expected) => {
      const list = from === 'f32' ? hardFloats.filter((x) => fn !== 'asI32' || !Number.isNaN(x)) : hardInts
      return all([elementwise(from, to, pairs(list, [0, 1]), (a) => k.convert(fn, a), expected)])
    })

    test('i32ToMask', () =>
      all([
        elementwise(
          'i32',
          'i32',
          { a: [...hardInts], b: [...hardInts] },
          (a) => k.convert('maskToI32', k.convert('i32ToMask', a)),
          (x) => Number(x !== 0),
        ),
      ]))

    test('fma rounds once where the target says so', async () => {
      // (1 + 2^-12)^2 - (1 + 2^-11) is 2^-24 exactly; rounding the product first loses it.
      const x = 1 + 2 ** -12
      const values = { a: new Array(16).fill(x), b: new Array(16).fill(-(1 + 2 ** -11)) }
      await all([
        elementwise(
          'f32',
          'f32',
          values,
          (a, b) => k.fma(a, a, b),
          () => (backend.target.fma ? 2 ** -24 : 0),
        ),
      ])
      await all([
        elementwise(
          'f32',
          'f32',
          values,
          (a, b) => k.add(k.mul(a, a), b),
          () => 0,
        ),
      ])
    })

    test('constants arrive with all their bits', async () => {
      const floats = hardFloats.filter((value) => !Number.isNaN(value))
      const want = [...floats.map(bits), ...hardInts]
      for (const lanes of widths()) {
        const consts = [
          ...floats.map((value) => k.convert('asI32', k.f32(value, lanes))),
          ...hardInts.map((value) => k.i32(value, lanes)),
        ]
        const out = new Int32Array(consts.length * lanes)
        const kernel = kernelOf(
          [buffer('out', 'i32', out.length)],
          consts.map((e, j) => k.store('out', k.index(j * lanes), e)),
        )
        await runOnce(backend, [kernel], [out])
        expect([...out]).toEqual(want.flatMap((value) => new Array(lanes).fill(value)))
      }
    })
  })

  describe('lanes', () => {
    test('splat and ramp', async () => {
      for (const lanes of widths()) {
        const body: Stmt[] = [
          k.store('out', k.index(0), k.splat(k.load('a', 'f32', k.index(0)), lanes)),
          k.store('ints', k.index(0), k.add(k.ramp(lanes), k.splat(k.load('ints', 'i32', k.index(lanes)), lanes))),
          k.store(
            'bools',
            k.index(0),
            k.convert('maskToI32', k.splat(k.lt(k.load('a', 'f32', k.index(0)), k.f32(0)), lanes)),
          ),
        ]
        const kernel = kernelOf(
          [
            buffer('a', 'f32', 1),
            buffer('out', 'f32', lanes),
            buffer('ints', 'i32', lanes + 1),
            buffer('bools', 'i32', lanes),
          ],
          body,
        )
        const [out, ints, bools] = [new Float32Array(lanes), new Int32Array(lanes + 1), new Int32Array(lanes)]
        ints[lanes] = 5
        await runOnce(backend, [kernel], [Float32Array.of(-0), out, ints, bools])
        expect([...out].every((x) => Object.is(x, -0))).toBe(true)
        expect([...ints.subarray(0, lanes)]).toEqual(Array.from({ length: lanes }, (_, l) => l + 5))
        expect([...bools]).toEqual(new Array(lanes).fill(0))
      }
    })

    test('reduceLanes combines halves pairwise, bit for bit', async () => {
      const fold = (values: number[], fn: (a: number, b: number) => number): number => {
        if (values.length === 1) return values[0]
        const half = values.length / 2
        return fold(
          Array.from({ length: half }, (_, l) => fn(values[l], values[l + half])),
          fn,
        )
      }
      const fns = {
        add: (a: number, b: number) => Math.fround(a + b),
        mul: (a: number, b: number) => Math.fround(a * b),
        min: Math.min,
        max: Math.max,
      }
      const jobs: Job[] = []
      const put = (type: Element, fn: keyof typeof fns, values: readonly number[], want: number): void => {
        const lanes = values.length
        const value = k.reduceLanes(fn, k.load('a', type, k.index(0), lanes))
        const out = arrayOf(type, [0])
        jobs.push({
          kernels: [kernelOf([buffer('a', type, lanes), buffer('out', type, 1)], [k.store('out', k.index(0), value)])],
          arrays: [arrayOf(type, values), out],
          check: () => expect(out[0], `${fn} of ${lanes} lanes of ${type}`).toBe(want),
        })
      }
      const intFns = { ...fns, add: (a: number, b: number) => (a + b) | 0, mul: Math.imul }
      for (const lanes of widths()) {
        const values = Array.from({ length: lanes }, (_, l) => Math.fround(Math.sin(l * 7.7) * 10 ** (l % 7)))
        const broken = values.map((value, l) => (l === lanes - 1 ? Number.NaN : value))
        const ints = Array.from({ length: lanes }, (_, l) => Math.imul(l + 3, 0x3779b97))
        for (const fn of ['add', 'mul', 'min', 'max'] as const) {
          put('f32', fn, values, fold(values, fns[fn]))
          put('f32', fn, broken, Number.NaN)
          put('i32', fn, ints, fold(ints, intFns[fn]))
        }
      }
      await all(jobs)
    })
  })

  test('transpose makes columns of rows', async () => {
    const jobs: Job[] = []
    for (const type of ['f32', 'i32'] as const) {
      for (const lanes of widths().filter((n) => n > 1)) {
        const values = Array.from({ length: lanes * lanes }, (_, l) => l + 0.5)
        const rows = Array.from({ length: lanes }, (_, r) => k.load('a', type, k.index(r * lanes), lanes))
        const out = arrayOf(type, new Array(lanes * lanes).fill(0))
        const stmts = k.transpose(rows).map((column, c) => k.store('out', k.index(c * lanes), column))
        const buffers = [buffer('a', type, lanes * lanes), buffer('out', type, lanes * lanes)]
        jobs.push({
          kernels: [kernelOf(buffers, stmts)],
          arrays: [arrayOf(type, values), out],
          check: () =>
            expect([...out], `${lanes} lanes of ${type}`).toEqual(
              [...arrayOf(type, values)].map((_, l, all) => all[(l % lanes) * lanes + Math.floor(l / lanes)]),
            ),
        })
      }
    }
    await all(jobs)
  })

  test('pick takes lanes of two vectors, as wide as the value or half as wide', async () => {
    const jobs: Job[] = []
    for (const type of ['f32', 'i32'] as const) {
      for (const lanes of widths().filter((n) => n > 1)) {
        for (const from of [lanes, lanes / 2].filter((n) => n > 1)) {
          const values = arrayOf(
            type,
            Array.from({ length: 2 * from }, (_, l) => l - 2.5),
          )
          const orders = [1, 3, 5].map((step) => Array.from({ length: lanes }, (_, l) => (step * l + 1) % (2 * from)))
          const [a, b] = [0, from].map((at) => k.load('a', type, k.index(at), from))
          const stmts = orders.map((order, i) => k.store('out', k.index(i * lanes), k.pick(order, a, b)))
          const out = arrayOf(type, new Array(3 * lanes).fill(0))
          jobs.push({
            kernels: [kernelOf([buffer('a', type, 2 * from), buffer('out', type, 3 * lanes)], stmts)],
            arrays: [values, out],
            check: () =>
              expect([...out], `${lanes} lanes of ${type} from ${from}`).toEqual(orders.flat().map((l) => values[l])),
          })
        }
      }
    }
    await all(jobs)
  })

  describe('memory', () => {
    test('loads and gathers touch memory only where valid', async () => {
      for (const type of ['f32', 'i32'] as const) {
        for (const lanes of widths()) {
          // Far outside any mapping: touching it would end the process.
          const wild = 2 ** 30
          const on = k.lt(k.load('flag', 'i32', k.index(0)), k.i32(1))
          const at = k.load('where', 'i32', k.index(0), lanes)
          const body: Stmt[] = [
            k.store('out', k.index(0), k.load('a', type, k.index(wild), lanes, on)),
            k.store('out', k.index(lanes), k.gather('a', type, at, k.lt(at, k.i32(64, lanes)))),
            k.store('out', k.index(2 * lanes), k.gather('a', type, k.and(at, k.i32(63, lanes)))),
            k.store('out', k.index(3 * lanes), k.load('a', type, k.index(5), lanes, k.not(on))),
            k.store('out', k.index(4 * lanes), k.load('a', type, k.index(wild), lanes, k.lt(at, k.i32(0, lanes)))),
            k.store('out', k.index(5 * lanes), k.load('a', type, k.index(7), lanes, k.lt(at, k.i32(64, lanes)))),
          ]
          const kernel = kernelOf(
            [
              buffer('a', type, 64),
              buffer('where', 'i32', lanes),
              buffer('flag', 'i32', 1),
              buffer('out', type, 6 * lanes),
            ],
            body,
          )
          const a = arrayOf(
            type,
            Array.from({ length: 64 }, (_, j) => j + 100),
          )
          const where = Int32Array.from({ length: lanes }, (_, l) => (l % 3 === 1 ? wild + l : (l * 13) % 64))
          const out = arrayOf(type, new Array(6 * lanes).fill(-1))
          await runOnce(backend, [kernel], [a, where, Int32Array.of(1), out])
          expect([...out.subarray(0, lanes)]).toEqual(new Array(lanes).fill(0))
          expect([...out.subarray(lanes, 2 * lanes)]).toEqual([...where].map((w) => (w < 64 ? w + 100 : 0)))
          expect([...out.subarray(2 * lanes, 3 * lanes)]).toEqual([...where].map((w) => (w & 63) + 100))
          expect([...out.subarray(3 * lanes, 4 * lanes)]).toEqual(Array.from({ length: lanes }, (_, l) => l + 105))
          expect([...out.subarray(4 * lanes, 5 * lanes)]).toEqual(new Array(lanes).fill(0))
          expect([...out.subarray(5 * lanes)]).toEqual(Array.from(where, (w, l) => (w < 64 ? l + 107 : 0)))
        }
      }
    })

    test('scatter writes in lane order: the last lane wins', async () => {
      for (const lanes of widths()) {
        const kernel = kernelOf(
          [buffer('at', 'i32', lanes), buffer('out', 'i32', 8)],
          [k.scatter('out', k.load('at', 'i32', k.index(0), lanes), k.add(k.ramp(lanes), k.i32(10, lanes)))],
        )
        const at = Int32Array.from({ length: lanes }, (_, l) => (l * 3) % 5)
        const out = new Int32Array(8)
        await runOnce(backend, [kernel], [at, out])
        const want = new Array(8).fill(0)
        at.forEach((place, l) => {
          want[place] = 10 + l
        })
        expect([...out]).toEqual(want)
      }
    })

    test('scratch is one piece of memory under two types, and each task has its own', async () => {
      const at = k.task
      const body: Stmt[] = [
        k.store('scratch', k.index(0), k.convert('toF32', k.convert('indexToI32', at))),
        k.store('out', at, k.load('scratchI', 'i32', k.index(0))),
      ]
      const out = new Int32Array(64)
      await runOnce(backend, [kernelOf([buffer('out', 'i32', 64)], body, { tasks: 64, scratch: 16 })], [out])
      expect([...out]).toEqual(Array.from({ length: 64 }, (_, t) => bits(t)))
    })

    test('index arithmetic counts beyond 32 bits', async () => {
      const big = k.mul(k.convert('i32ToIndex', k.load('a', 'i32', k.index(0))), k.index(2 ** 20))
      // biome-ignore format: a table
      const exprs = [
      k.convert('indexToI32', k.div(big, k.index(2 ** 21))), k.convert('indexToI32', k.mod(big, k.index(1000))),
      k.convert('indexToI32', k.min(big, k.index(77))), k.convert('indexToI32', k.max(k.sub(k.index(5), big), k.index(-3))),
      k.convert('maskToI32', k.lt(big, k.index(2 ** 40))), k.convert('indexToI32', k.select(k.le(big, k.index(9)), k.index(1), k.index(2))),
    ]
      const kernel = kernelOf(
        [buffer('a', 'i32', 1), buffer('out', 'i32', exprs.length)],
        exprs.map((e, j) => k.store('out', k.index(j), e)),
      )
      const out = new Int32Array(exprs.length)
      await runOnce(backend, [kernel], [Int32Array.of(100001), out])
      const value = 100001 * 2 ** 20
      expect([...out]).toEqual([Math.trunc(value / 2 ** 21), value % 1000, 77, -3, 1, 2])
    })
  })

  describe('statements', () => {
    test('for, while, if, let, mut and set', async () => {
      const n = k.variable('n', 'i32')
      const steps = k.variable('steps', 'i32')
      // Steps of the Collatz walk from each task's number to 1; odd and even take different branches.
      // biome-ignore format: reads as a program
      const body: Stmt[] = [
      k.mut('n', k.add(k.convert('indexToI32', k.task), k.i32(1))),
      k.mut('steps', k.i32(0)),
      { op: 'while', condition: k.lt(k.i32(1), n), body: [
        k.bind('odd', k.eq(k.and(n, k.i32(1)), k.i32(1))),
        { op: 'if', condition: k.variable('odd', 'mask'), then: [k.set('n', k.add(k.mul(n, k.i32(3)), k.i32(1)))], else: [k.set('n', k.binary('shr', n, k.i32(1)))] },
        k.set('steps', k.add(steps, k.i32(1))),
      ] },
      k.store('out', k.task, steps),
      k.mut('sum', k.i32(0)),
      k.loop('i', k.index(3), k.add(k.task, k.index(4)), 2, [k.set('sum', k.add(k.variable('sum', 'i32'), k.convert('indexToI32', k.variable('i', 'index'))))]),
      k.store('sums', k.task, k.variable('sum', 'i32')),
    ]
      const [out, sums] = [new Int32Array(40), new Int32Array(40)]
      await runOnce(
        backend,
        [kernelOf([buffer('out', 'i32', 40), buffer('sums', 'i32', 40)], body, { tasks: 40 })],
        [out, sums],
      )
      const walk = (start: number): number => {
        let steps = 0
        for (let m = start; m > 1; m = m % 2 === 1 ? 3 * m + 1 : m / 2) steps++
        return steps
      }
      expect([...out]).toEqual(Array.from({ length: 40 }, (_, t) => walk(t + 1)))
      expect([...sums]).toEqual(
        Array.from({ length: 40 }, (_, t) => {
          let s = 0
          for (let i = 3; i < t + 4; i += 2) s += i
          return s
        }),
      )
    })

    test('a subexpression used often in one statement does not grow the program', async () => {
      let value: Expr = k.load('a', 'f32', k.index(0))
      for (let depth = 0; depth < 40; depth++) value = k.mul(k.add(value, value), k.f32(0.5))
      const out = Float32Array.of(3, 0)
      await runOnce(backend, [kernelOf([buffer('a', 'f32', 2)], [k.store('a', k.index(1), value)])], [out])
      expect([...out]).toEqual([3, 3])
    })

    test('names that C keeps for itself are free in kernels', async () => {
      const body: Stmt[] = [
        k.bind('double', k.load('int', 'f32', k.index(0))),
        k.mut('return', k.add(k.variable('double', 'f32'), k.f32(1))),
        k.store('int', k.index(0), k.variable('return', 'f32')),
      ]
      const a = Float32Array.of(41)
      await runOnce(backend, [kernelOf([buffer('int', 'f32', 1)], body)], [a])
      expect(a[0]).toBe(42)
    })
  })
})
