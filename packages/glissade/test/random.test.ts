/**
 * Random numbers: the published bits, the moments of the distributions, and what a seed promises.
 */
import { afterEach, describe, expect, test } from 'vitest'
import { evaluate } from '../src/backends/reference/reference.ts'
import { tensor } from '../src/create.ts'
import { runTrace, Trace } from '../src/graph/trace.ts'
import { threefry } from '../src/ops/leaf.ts'
import {
  bernoulli,
  bits,
  defaultGenerator,
  Generator,
  manualSeed,
  normal,
  permutation,
  randint,
  uniform,
} from '../src/random.ts'
import { Storage } from '../src/storage.ts'
import type { Tensor } from '../src/tensor.ts'

const numbers = (x: Tensor): number[] => [...evaluate([x])[0].data]
const hex = (words: readonly number[]): string =>
  words.map((word) => (word >>> 0).toString(16).padStart(8, '0')).join(' ')
const code = (body: () => unknown): string => {
  try {
    body()
  } catch (error) {
    return (error as { code: string }).code
  }
  return 'nothing thrown'
}
afterEach(() => {
  manualSeed(0)
})

describe('Threefry-2x32, 20 rounds', () => {
  // The known answers of Random123 (kat_vectors), Salmon et al. 2011.
  test.each([
    [[0, 0, 0, 0], '6b200159 99ba4efe'],
    [[0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff], '1cb996fc bb002be7'],
    [[0x13198a2e, 0x03707344, 0x243f6a88, 0x85a308d3], 'c4923a9c 483df7a0'],
  ])('key and counter %j', ([k0, k1, c0, c1], expected) => {
    expect(hex(threefry(k0, k1, c0, c1))).toBe(expected)
  })

  test('is what a tensor of bits holds: position by position, under the key of the draw', () => {
    const draw = bits([3, 4], { generator: new Generator(7) })
    expect(numbers(draw)).toEqual(Array.from({ length: 12 }, (_, i) => threefry(7, 0, i, 0)[0]))
  })
})

describe('distributions', () => {
  const n = 20_000
  const moments = (x: readonly number[]): { mean: number; deviation: number } => {
    const mean = x.reduce((a, b) => a + b, 0) / x.length
    return { mean, deviation: Math.sqrt(x.reduce((a, b) => a + (b - mean) ** 2, 0) / x.length) }
  }
  /** Five standard errors of a mean of n: by chance once in two million draws, and the seed is fixed. */
  const near = (deviation: number): number => (5 * deviation) / Math.sqrt(n)

  test('uniform', () => {
    const x = numbers(uniform([n]))
    expect(Math.min(...x)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...x)).toBeLessThan(1)
    expect(Math.abs(moments(x).mean - 0.5)).toBeLessThan(near(Math.sqrt(1 / 12)))
    expect(Math.abs(moments(x).deviation - Math.sqrt(1 / 12))).toBeLessThan(near(0.3))
    const shifted = numbers(uniform([n], { low: -3, high: -1 }))
    expect(Math.min(...shifted)).toBeGreaterThanOrEqual(-3)
    expect(Math.max(...shifted)).toBeLessThan(-1)
    expect(Math.abs(moments(shifted).mean + 2)).toBeLessThan(near(Math.sqrt(1 / 3)))
    // A tenth of the numbers in each tenth.
    const tenths = new Array<number>(10).fill(0)
    for (const value of x) tenths[Math.floor(value * 10)]++
    for (const count of tenths) expect(Math.abs(count - n / 10)).toBeLessThan(5 * Math.sqrt(n * 0.09))
  })

  test('normal', () => {
    const x = numbers(normal([n]))
    expect(x.every(Number.isFinite)).toBe(true)
    const { mean, deviation } = moments(x)
    expect(Math.abs(mean)).toBeLessThan(near(1))
    expect(Math.abs(deviation - 1)).toBeLessThan(near(1))
    expect(Math.abs(moments(x.map((value) => value ** 3)).mean)).toBeLessThan(near(Math.sqrt(15)))
    expect(Math.abs(moments(x.map((value) => value ** 4)).mean - 3)).toBeLessThan(near(Math.sqrt(96)))
    const within = x.filter((value) => Math.abs(value) < 1).length / n
    expect(Math.abs(within - 0.6827)).toBeLessThan(near(0.47))
    const moved = moments(numbers(normal([n], { mean: 5, deviation: 0.1 })))
    expect(Math.abs(moved.mean - 5)).toBeLessThan(near(0.1))
    expect(Math.abs(moved.deviation - 0.1)).toBeLessThan(near(0.1))
  })

  test('bernoulli', () => {
    const x = numbers(bernoulli([n], 0.3))
    expect(x.every((value) => value === 0 || value === 1)).toBe(true)
    expect(Math.abs(moments(x).mean - 0.3)).toBeLessThan(near(Math.sqrt(0.21)))
    expect(numbers(bernoulli([100], 0)).every((value) => value === 0)).toBe(true)
    expect(numbers(bernoulli([100], 1)).every((value) => value === 1)).toBe(true)
    expect(numbers(bernoulli([2, 50], tensor([[0], [1]])))).toEqual([
      ...new Array(50).fill(0),
      ...new Array(50).fill(1),
    ])
    expect(code(() => bernoulli([2], 1.5))).toBe('value-invalid')
  })

  test('randint', () => {
    const x = numbers(randint(-2, 5, [n]))
    expect(new Set(x)).toEqual(new Set([-2, -1, 0, 1, 2, 3, 4]))
    for (let value = -2; value < 5; value++)
      expect(Math.abs(x.filter((each) => each === value).length - n / 7)).toBeLessThan(5 * Math.sqrt(n * (6 / 49)))
    expect(code(() => randint(3, 3, [1]))).toBe('value-invalid')
  })

  test('permutation', () => {
    const x = numbers(permutation(100))
    expect([...x].sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i))
    expect(x).not.toEqual([...x].sort((a, b) => a - b))
    expect(numbers(permutation(0))).toEqual([])
    // Every element comes to every place about as often.
    const counts = new Array<number>(25).fill(0)
    for (let i = 0; i < 2000; i++)
      for (const [place, value] of numbers(permutation(5)).entries()) counts[value * 5 + place]++
    for (const count of counts) expect(Math.abs(count - 400)).toBeLessThan(5 * Math.sqrt(2000 * 0.16))
  })
})

describe('a generator', () => {
  test('gives the same numbers for the same seed, others for the next draw and another seed', () => {
    const draw = (seed: number): number[][] => {
      const generator = manualSeed(seed)
      return [numbers(uniform([8])), numbers(uniform([8], { generator }))]
    }
    expect(draw(1)).toEqual(draw(1))
    expect(draw(1)[0]).not.toEqual(draw(1)[1])
    expect(draw(1)).not.toEqual(draw(2))
  })

  test('draws once for each call: a tensor keeps its numbers', () => {
    const x = uniform([4])
    expect(numbers(x)).toEqual(numbers(x))
    expect(numbers(x.sub(x))).toEqual([0, 0, 0, 0])
  })

  test('resumes exactly', () => {
    const generator = new Generator(5)
    normal([3], { generator })
    const state = generator.state()
    const next = numbers(normal([3], { generator }))
    const resumed = new Generator()
    resumed.restore(JSON.parse(JSON.stringify(state)))
    expect(numbers(normal([3], { generator: resumed }))).toEqual(next)
    expect(resumed.state()).toEqual(generator.state())
  })

  test('refuses seeds that are no whole number of 32 bits', () => {
    for (const seed of [0.5, 2 ** 32, Number.NaN]) expect(code(() => new Generator(seed))).toBe('value-invalid')
    expect(new Generator(2 ** 32 - 1).state().seed).toBe(-1)
  })

  test('in a compiled step draws what it would draw outside, run after run', () => {
    manualSeed(9)
    const outside = [0, 1, 2].map(() => [numbers(uniform([4])), numbers(normal([4]))])
    const after = defaultGenerator().state()
    const traced = manualSeed(9)
    const trace = new Trace()
    const [u, z] = runTrace(trace, () => [uniform([4]), normal([4])])
    expect(traced.state().counter).toBe(0)
    expect(trace.supplied).toHaveLength(1)
    const [{ tensor: key, supply }] = trace.supplied
    const run = (): number[][] => {
      const storage = new Storage('int32', 2)
      supply(storage)
      const [a, b] = evaluate([u, z], new Map([[key, Float64Array.from(storage.read())]]))
      for (const done of trace.afterRun) done()
      return [[...a.data], [...b.data]]
    }
    const inside = [0, 1, 2].map(run)
    expect(inside).toEqual(outside)
    expect(traced.state()).toEqual(after)
    // Seeded anew, the same step draws the same once more.
    manualSeed(9)
    expect(run()).toEqual(outside[0])
  })
})
