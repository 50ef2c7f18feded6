/** math.ts against float64: errors in units of the last place, with and without a fused fma, and the special values. */
import { describe, expect, it } from 'vitest'
import { bind, i32, index, load, mul, store, task } from '../src/kernel/build.ts'
import { interpretKernel, prepareKernel } from '../src/kernel/interpret.ts'
import type { Expr, Kernel, KernelBuffer } from '../src/kernel/ir.ts'
import * as math from '../src/kernel/math.ts'
import { abs } from '../src/kernel/math-parts.ts'
import { randomSource } from './kernel-random.ts'

const lanes = 16
const samples = 1 << 15

function kernelOf(fn: (x: Expr, y: Expr) => Expr, n: number, width = lanes): Kernel {
  const at = mul(task, index(width))
  const named = (name: string, access: KernelBuffer['access']): KernelBuffer => ({
    name,
    type: 'f32',
    access,
    length: n,
  })
  return {
    kind: 'map',
    buffers: [named('x', 'read'), named('y', 'read'), named('out', 'write')],
    scratch: 0,
    tasks: n / width,
    flops: 0,
    bytes: 0,
    body: [store('out', at, fn(load('x', 'f32', at, width), load('y', 'f32', at, width)))],
  }
}

function compute(fn: (x: Expr, y: Expr) => Expr, x: number[], y: number[] = x, fma = true, width = 1): number[] {
  const out = new Float32Array(x.length)
  interpretKernel(kernelOf(fn, x.length, width), [Float32Array.from(x), Float32Array.from(y), out], { fma })
  return [...out]
}

/** The distance of neighbouring float32 values at `x`. */
function spacing(x: number): number {
  const size = Math.max(Math.abs(x), 2 ** -126)
  return 2 ** (Math.floor(Math.log2(size)) - 23)
}

/** The error function in float64: its series, or a continued fraction of its complement. */
function erf(x: number): number {
  const size = Math.abs(x)
  if (size < 2.5) {
    let term = size
    let sum = size
    for (let k = 1; k < 80; k++) {
      term *= (-size * size) / k
      sum += term / (2 * k + 1)
    }
    return (Math.sign(x) * sum * 2) / Math.sqrt(Math.PI)
  }
  let fraction = 0
  for (let k = 60; k >= 1; k--) fraction = k / 2 / (size + fraction)
  return Math.sign(x) * (1 - Math.exp(-size * size) / Math.sqrt(Math.PI) / (size + fraction))
}

type Range = readonly [least: number, greatest: number, spread: 'even' | 'geometric']

function draw([least, greatest, spread]: Range, seed: number): Float32Array {
  const random = randomSource(seed)
  return Float32Array.from({ length: samples }, () => {
    const t = random()
    if (spread === 'even') return least + t * (greatest - least)
    return (random() < 0.5 ? -1 : 1) * least * (greatest / least) ** t
  })
}

/** The name of a function, the function, its float64 counterpart, and where it is measured. */
const functions: readonly [string, (x: Expr) => Expr, (x: number) => number, readonly Range[]][] = [
  [
    'exp',
    math.exp,
    Math.exp,
    [
      [-86.9, 88.7, 'even'],
      [-1, 1, 'even'],
      [1e-8, 1, 'geometric'],
    ],
  ],
  [
    'log',
    math.log,
    (x) => Math.log(Math.abs(x)),
    [
      [1e-44, 3e38, 'geometric'],
      [0.5, 2, 'even'],
      [0.999, 1.001, 'even'],
    ],
  ],
  [
    'tanh',
    math.tanh,
    Math.tanh,
    [
      [1e-30, 20, 'geometric'],
      [0.5, 1.5, 'even'],
      [0.62, 0.8, 'even'],
    ],
  ],
  [
    'erf',
    math.erf,
    erf,
    [
      [1e-30, 6, 'geometric'],
      [0.7, 1.5, 'even'],
    ],
  ],
  [
    'sin',
    math.sin,
    Math.sin,
    [
      [1e-30, 1e4, 'geometric'],
      [-1e4, 1e4, 'even'],
      [-4, 4, 'even'],
    ],
  ],
  [
    'cos',
    math.cos,
    Math.cos,
    [
      [1e-30, 1e4, 'geometric'],
      [-1e4, 1e4, 'even'],
      [-4, 4, 'even'],
    ],
  ],
  [
    'atan',
    math.atan,
    Math.atan,
    [
      [1e-30, 1e30, 'geometric'],
      [0.5, 2, 'even'],
    ],
  ],
]

describe.each(functions)('%s', (name, fn, reference, ranges) => {
  it.each([true, false])('is within 2 ulp, fused fma: %s', (fma) => {
    const run = prepareKernel(
      kernelOf((x) => fn(name === 'log' ? abs(x) : x), samples),
      { fma },
    )
    let worst = 0
    let where = 0
    ranges.forEach((range, i) => {
      const x = draw(range, i + 1)
      const out = new Float32Array(samples)
      run([x, x, out])
      for (let j = 0; j < samples; j++) {
        const right = reference(x[j])
        const error = Math.abs(out[j] - right) / spacing(right)
        if (!(error <= worst)) [worst, where] = [error, x[j]]
      }
    })
    expect(worst, `at ${where}`).toBeLessThanOrEqual(2)
  })

  it('gives the same on scalars as on vectors, and NaN for NaN', () => {
    const x = [-3, -0.7, -1e-3, -0, 0, 0.2, 0.99, 1, 1.01, 7, 80, 1e3, Number.NaN, 1e-40, Infinity, -Infinity]
    expect(compute(fn, x, x, true, 1)).toEqual(compute(fn, x, x, true, 16))
    expect(compute(fn, [Number.NaN])).toEqual([Number.NaN])
  })
})

describe('next to multiples of a quarter turn, where the result is small', () => {
  it.each([true, false])('sin and cos are within 2 ulp up to 10^4, fused fma: %s', (fma) => {
    const x = Float32Array.from({ length: 6352 }, (_, k) => ((k + 1) * Math.PI) / 2)
    for (const [fn, reference] of [
      [math.sin, Math.sin],
      [math.cos, Math.cos],
    ] as const) {
      const out = new Float32Array(x.length)
      interpretKernel(kernelOf(fn, x.length), [x, x, out], { fma })
      let worst = 0
      for (let i = 0; i < x.length; i++)
        worst = Math.max(worst, Math.abs(out[i] - reference(x[i])) / spacing(reference(x[i])))
      expect(worst).toBeLessThanOrEqual(2)
    }
  })
})

describe('special values', () => {
  const { POSITIVE_INFINITY: inf, NaN: nan } = Number

  it('exp', () => {
    expect(compute(math.exp, [0, -0, inf, -inf, 88.73, 1e30, -88, -1e30])).toEqual([1, 1, inf, 0, inf, inf, 0, 0])
    expect(compute(math.exp, [88.72])[0]).toBeLessThan(inf)
    expect(compute(math.exp, [-86.9])[0]).toBeGreaterThan(0)
  })

  it('log', () => {
    expect(compute(math.log, [0, -0, 1, inf, -1, -inf, -1e-40])).toEqual([-inf, -inf, 0, inf, nan, nan, nan])
  })

  it('odd functions keep the sign of zero and their limits', () => {
    expect(compute(math.tanh, [0, -0, inf, -inf, 1e-40, -1e-40])).toEqual([
      0,
      -0,
      1,
      -1,
      Math.fround(1e-40),
      -Math.fround(1e-40),
    ])
    expect(compute(math.erf, [0, -0, inf, -inf])).toEqual([0, -0, 1, -1])
    expect(compute(math.atan, [0, -0, inf, -inf])).toEqual([0, -0, Math.fround(Math.PI / 2), -Math.fround(Math.PI / 2)])
    expect(compute(math.sin, [0, -0, inf, -inf])).toEqual([0, -0, nan, nan])
    expect(compute(math.cos, [0, -0, inf])).toEqual([1, 1, nan])
  })

  it('tanh and erf never leave [-1, 1], sin and cos neither, however large x', () => {
    for (const fn of [math.tanh, math.erf, math.sin, math.cos]) {
      for (const range of [
        [0.1, 50, 'geometric'],
        [1, 1e38, 'geometric'],
      ] as const) {
        const x = draw(range, 5)
        const out = new Float32Array(samples)
        interpretKernel(kernelOf(fn, samples), [x, x, out])
        expect(out.every((v) => v >= -1 && v <= 1)).toBe(true)
      }
    }
  })
})

describe('pow', () => {
  it.each([true, false])('has a relative error under 1e-6 while |y log x| < 80, fused fma: %s', (fma) => {
    const random = randomSource(3)
    const run = prepareKernel(kernelOf(math.pow, samples), { fma })
    for (const [size, limit] of [
      [1, 2e-7],
      [10, 3e-7],
      [80, 1e-6],
    ]) {
      const x = Float32Array.from({ length: samples }, () => Math.exp((random() - 0.5) * (random() < 0.5 ? 170 : 1)))
      const y = Float32Array.from(x, (v) => ((random() * 2 - 1) * size) / Math.log(v))
      const out = new Float32Array(samples)
      run([x, y, out])
      let worst = 0
      for (let i = 0; i < samples; i++) {
        const right = Math.abs(Math.log(x[i]) * y[i]) <= size ? x[i] ** y[i] : out[i]
        worst = Math.max(worst, Math.abs(out[i] - right) / right)
      }
      expect(worst).toBeLessThan(limit)
    }
  })

  it('is exact for small whole powers of whole numbers', () => {
    const x = [2, 3, 5, -2, -3, 10, 7, 2, 2, 2]
    const y = [10, 4, 3, 3, 2, 5, 0, -1, -10, 0.5]
    expect(compute(math.pow, x, y)).toEqual(x.map((v, i) => Math.fround(v ** y[i])))
  })

  it('follows the rules of C for zeros, infinities, NaN and negative bases', () => {
    const values = [
      0,
      -0,
      1,
      -1,
      2,
      -2,
      0.5,
      -0.5,
      3,
      -3,
      2.5,
      -2.5,
      Infinity,
      -Infinity,
      Number.NaN,
      1e-40,
      1e38,
      -1e30,
      16777217,
      1e-45,
      -127,
      150,
      -149,
    ]
    const x = values.flatMap((v) => values.map(() => Math.fround(v)))
    const y = values.flatMap(() => values.map((v) => Math.fround(v)))
    const out = compute(math.pow, x, y)
    x.forEach((base, i) => {
      // JavaScript alone says NaN where C says 1.
      const one = base === 1 || (base === -1 && Math.abs(y[i]) === Infinity)
      const right = one ? 1 : Math.fround(base ** y[i])
      const close = Object.is(out[i], right) || Math.abs(out[i] - right) <= 2e-6 * Math.abs(right) + 2 ** -148
      expect(close, `pow(${base}, ${y[i]}) is ${right}, got ${out[i]}`).toBe(true)
      if (right === 0) expect(Object.is(out[i], right), `sign of pow(${base}, ${y[i]})`).toBe(true)
    })
  })
})

describe('threefry', () => {
  // Known answers of the Random123 distribution, threefry2x32 with 20 rounds.
  it.each([
    [
      [0, 0],
      [0, 0],
      [0x6b200159, 0x99ba4efe],
    ],
    [
      [-1, -1],
      [-1, -1],
      [0x1cb996fc, 0xbb002be7],
    ],
    [
      [0x13198a2e, 0x03707344],
      [0x243f6a88, 0x85a308d3],
      [0xc4923a9c, 0x483df7a0],
    ],
  ])('key %s, counter %s', (key, counter, expected) => {
    for (const width of [1, 4, 8]) {
      const word = (value: number): Expr => i32(value, width)
      const [a, b] = math.threefry(word(key[0]), word(key[1]), word(counter[0]), word(counter[1]))
      const out = new Int32Array(2 * width)
      interpretKernel(
        {
          kind: 'map',
          buffers: [{ name: 'out', type: 'i32', access: 'write', length: 2 * width }],
          scratch: 0,
          tasks: 1,
          flops: 0,
          bytes: 0,
          body: [bind('a', a), bind('b', b), store('out', index(0), a), store('out', index(width), b)],
        },
        [out],
      )
      const words = [...out].map((v) => v >>> 0)
      expect(words).toEqual([...Array(width).fill(expected[0]), ...Array(width).fill(expected[1])])
    }
  })
})
