/** The machine's peak: how a bound is reckoned, and that measuring gives numbers that can be. */
import { describe, expect, test } from 'vitest'
import { measureNative } from '../src/roofline/native.ts'
import { better, boundOf, type Ceiling, isMissing, levelBytes, rateFor } from '../src/roofline/roofline.ts'
import { measureSimd128 } from '../src/roofline/simd128.ts'

const ceiling: Ceiling = {
  vectors: 'vectors',
  threads: 1,
  flops: 1e11,
  levels: [
    { bytes: 1000, rate: 1e11 },
    { bytes: 1e6, rate: 1e10 },
  ],
}

describe('bounds', () => {
  test('bytes come as fast as from the smallest level that holds them', () => {
    expect([1, 1000, 1001, 1e9].map((bytes) => rateFor(ceiling, bytes))).toEqual([1e11, 1e11, 1e10, 1e10])
  })

  test('the slower of arithmetic and memory bounds the work', () => {
    expect(boundOf(ceiling, 2e8, 1e7)).toEqual({ milliseconds: 2, by: 'compute' })
    expect(boundOf(ceiling, 2e8, 1e8)).toEqual({ milliseconds: 10, by: 'memory' })
    expect(boundOf(ceiling, 0, 0).milliseconds).toBe(0)
  })

  test('of two measurements the better counts, each number by itself', () => {
    const other = { ...ceiling, flops: 2e11, levels: ceiling.levels.map((level) => ({ ...level, rate: 5e10 })) }
    expect(better(ceiling, other)).toMatchObject({ flops: 2e11, levels: [{ rate: 1e11 }, { rate: 5e10 }] })
    expect(better({ missing: 'why' }, other)).toBe(other)
    expect(better(other, { missing: 'why' })).toBe(other)
  })
})

/** No processor has a slower multiply-add, nor one as fast, on a thread; flops a second. */
const [least, most] = [1e8, 1e12]

describe('measuring', () => {
  for (const [name, measure] of [
    ['native', measureNative],
    ['simd128', measureSimd128],
  ] as const) {
    test(name, { timeout: 120_000 }, async ({ skip }) => {
      const [found] = await measure([1])
      if (isMissing(found)) return skip(found.missing)
      expect(found).toMatchObject({ threads: 1 })
      expect(found.flops).toBeGreaterThan(least)
      expect(found.flops).toBeLessThan(most)
      expect(found.levels.map(({ bytes }) => bytes)).toEqual(levelBytes)
      for (const { rate } of found.levels) {
        expect(rate).toBeGreaterThan(least)
        expect(rate).toBeLessThan(most)
      }
    })
  }
})
