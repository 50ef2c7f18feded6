/** What the benchmark makes of numbers: statistics, comparisons, rows, tables, options. */
import { describe, expect, test } from 'vitest'
import { chooseContestants } from '../harness/contestants.ts'
import { readOptions } from '../harness/options.ts'
import { compareWithBest, type Row, toRow } from '../harness/row.ts'
import { quantile, summarize } from '../harness/statistics.ts'
import { duration, markdownTable, textTable } from '../harness/table.ts'
import { chooseWorks } from '../works/index.ts'
import { uniform } from '../works/inputs.ts'
import { judgeAlike, judgeByTruth, judgeLosses } from '../works/judge.ts'
import { matmul } from '../works/matmul.ts'

describe('statistics', () => {
  test('quantiles lie between neighbours', () => {
    expect(quantile([1, 2, 3, 4], 0.5)).toBe(2.5)
    expect(quantile([1, 2, 3, 4], 0)).toBe(1)
    expect(quantile([1, 2, 3, 4], 1)).toBe(4)
    expect(quantile([7], 0.75)).toBe(7)
  })

  test('a summary does not depend on the order, nor does an outlier move it', () => {
    expect(summarize([30, 10, 20, 40, 1000])).toEqual({ median: 30, min: 10, spread: (40 - 20) / 30, samples: 5 })
  })

  test('uniform numbers fill their range evenly, and are the same each time', () => {
    const numbers = uniform(3, 10_000, -1, 1)
    expect(uniform(3, 10_000, -1, 1)).toEqual(numbers)
    expect(uniform(4, 10, -1, 1)).not.toEqual(numbers.slice(0, 10))
    expect(Math.min(...numbers)).toBeGreaterThanOrEqual(-1)
    expect(Math.max(...numbers)).toBeLessThan(1)
    const mean = numbers.reduce((sum, x) => sum + x, 0) / numbers.length
    const square = numbers.reduce((sum, x) => sum + x * x, 0) / numbers.length
    // five standard deviations of each
    expect(Math.abs(mean)).toBeLessThan(5 * Math.sqrt(1 / 3 / 10_000))
    expect(Math.abs(square - 1 / 3)).toBeLessThan(5 * Math.sqrt(4 / 45 / 10_000))
  })
})

describe('judging', () => {
  const problems = (answers: Record<string, number[]>, count = 2): string[] => [
    ...judgeLosses(new Map(Object.entries(answers)), 0.01, count).keys(),
  ]

  test('numbers far from the truth, too few of them, and NaN are wrong', () => {
    const answers = { right: [1, 2.0009], far: [1, 2.002], short: [1], broken: [1, Number.NaN] }
    const found = judgeByTruth(new Map(Object.entries(answers)), [1, 2], 0.001)
    expect([...found.keys()]).toEqual(['far', 'short', 'broken'])
    expect(found.get('far')).toContain('2.002, expected 2')
  })

  test('losses that differ from what most say, or do not fall, are wrong', () => {
    expect(problems({ a: [2, 1.5], b: [2.01, 1.5], c: [2, 1.505] })).toEqual([])
    expect(problems({ a: [2, 1.5], b: [2, 1.6], c: [2, 1.5] })).toEqual(['b'])
    expect(problems({ a: [2, 1.5], b: [Number.NaN, Number.NaN], c: [2, 1.5] })).toEqual(['b'])
    expect(problems({ lonely: [2, 2] })).toEqual(['lonely'])
  })

  test('a slow engine may answer for the first steps only, but for two at least', () => {
    expect(problems({ a: [2, 1.9, 1.5], slow: [2, 1.9], b: [2, 1.9, 1.5] })).toEqual([])
    expect(problems({ a: [2, 1.9, 1.5], slow: [2, 1.7], b: [2, 1.9, 1.5] })).toEqual(['slow'])
    expect(problems({ a: [2, 1.9, 1.5], slow: [2], b: [2, 1.9, 1.5] })).toEqual(['slow'])
    // on another batch the loss may be higher: only the last one must have fallen
    expect(problems({ slow: [2, 2.1], too: [2, 2.1] }, 3)).toEqual([])
    expect(problems({ a: [2, 2.1, 2], slow: [2, 2.1] }, 3)).toEqual(['a'])
  })

  test('of results that must be alike, the one that differs from most is wrong', () => {
    const answers = { a: [7, 3, 5], b: [7, 3, 5], c: [7, 4, 5] }
    expect([...judgeAlike(new Map(Object.entries(answers)), 0).keys()]).toEqual(['c'])
    expect([...judgeAlike(new Map(Object.entries(answers)), 1).keys()]).toEqual([])
  })

  test('a product with one element changed is found out', async () => {
    const n = 16
    const work = matmul(n)
    const { a, b, positions } = await work.inputs()
    const product = Array.from(positions.data, (at) => {
      const [i, j] = [Math.floor(at / n), at % n]
      return Array.from({ length: n }, (_, k) => a.data[i * n + k] * b.data[k * n + j]).reduce((sum, x) => sum + x)
    })
    expect(new Set(positions.data).size).toBe(n * n)
    const changed = product.with(77, product[77] + 1e-3)
    const found = work.judge(new Map(Object.entries({ product, changed })))
    expect([...found.keys()]).toEqual(['changed'])
    expect(found.get('changed')).toMatch(/number 77 is/)
  })
})

const row = (engine: string, threads: number, median_ms: number, work = 'matmul-512'): Row => {
  const rest = { version: '1', backend: 'b', min_ms: median_ms / 2, gflops: 1, spread: 0.1, samples: 3, load: 0 }
  return { ...rest, peak_fraction: null, memory_mb: null, planned_mb: null, work, engine, threads, median_ms }
}

describe('rows', () => {
  test('operations a second come from the median', () => {
    const [contestant] = chooseContestants({ engines: ['glissade'], threads: [1], python: 'python3' })
    // 2 · 512³ operations in 2 ms
    const made = toRow(matmul(512), contestant, { version: '0', times: [1, 2, 3], load: 0 })
    expect(made).toMatchObject({ work: 'matmul-512', engine: 'glissade', backend: 'native', threads: 1, min_ms: 1 })
    expect(made.gflops).toBeCloseTo((2 * 512 ** 3) / 2e-3 / 1e9, 1)
  })

  test('the best rival has no more threads', () => {
    const rows = [row('glissade', 1, 10), row('openblas', 1, 8), row('openblas', 2, 4), row('tfjs', 1, 1, 'tiny')]
    const rival = (other: Row): boolean => other.engine !== 'glissade'
    expect(compareWithBest(rows[0], rows, rival)).toEqual({ rival: 'openblas b ×1', ratio: 0.8 })
    expect(compareWithBest({ ...rows[0], threads: 2 }, rows, rival)?.ratio).toBe(0.4)
    expect(compareWithBest(rows[0], [rows[0]], rival)).toBeUndefined()
  })

  test('tables are sorted, and only Glissade is compared', () => {
    const rows = [row('tfjs', 1, 20), row('glissade', 1, 10), row('openblas', 1, 8)]
    const lines = textTable(matmul(512), rows).split('\n')
    expect(lines.slice(2).map((line) => line.split(' ')[0])).toEqual(['openblas', 'glissade', 'tfjs'])
    expect(lines[3]).toMatch(/0\.80 × openblas b ×1 +2\.00 × tfjs b ×1$/)
    expect(lines[2]).toMatch(/ 1\.0 /)
    expect(markdownTable(matmul(512), rows)).toContain('| 10.00 ms |')
    expect([0.0123, 12.34, 1234.5].map(duration)).toEqual(['12.30 µs', '12.34 ms', '1.234 s'])
  })
})

describe('options', () => {
  test('lists are read, wrong ones refused with what was expected', () => {
    const options = readOptions(['--work', 'tiny,matmul', '--size', '32,64', '--threads', '3', '--json'])
    expect(options).toMatchObject({
      works: ['tiny', 'matmul'],
      sizes: [32, 64],
      threads: [3],
      json: true,
      table: false,
    })
    expect(chooseWorks(options.works, options.sizes).map(({ name }) => name)).toEqual([
      'matmul-32',
      'matmul-64',
      'tiny',
    ])
    expect(readOptions([]).engines).toEqual(['glissade'])
    expect(readOptions(['--rivals']).engines).toEqual(readOptions(['--table']).engines)
    expect(readOptions(['--rivals']).engines).toContain('onnxruntime')
    expect(() => readOptions(['--work', 'nothing'])).toThrow(/received nothing, expected one of matmul, tiny, mlp/)
    expect(() => readOptions(['--size', '1.5'])).toThrow(/received 1.5, expected whole numbers/)
    expect(() => readOptions(['--wrong'])).toThrow(/--wrong/)
  })

  test('slow backends take part only where they are named', () => {
    const all = { engines: ['tfjs'], threads: [1, 2], python: 'python3' }
    const names = (backends?: string[]): string[] =>
      chooseContestants({ ...all, backends }).map(({ backend, threads }) => `${backend} ${threads}`)
    expect(names()).toEqual(['wasm 1'])
    expect(names(['cpu', 'wasm'])).toEqual(['wasm 1', 'cpu 1'])
  })
})
