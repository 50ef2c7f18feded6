/** What is told of the machine and of everything together: parts of the peak, missing rivals, the written page. */
import { describe, expect, test } from 'vitest'
import type { Ceiling } from '../../packages/cli/src/roofline/roofline.ts'
import { chooseContestants, widthOf } from '../harness/contestants.ts'
import { Machine } from '../harness/machine.ts'
import { pageText } from '../harness/page.ts'
import { type MissingRow, type Row, toRow } from '../harness/row.ts'
import { summaryCells } from '../harness/summary.ts'
import { tableCells } from '../harness/table.ts'
import { matmul } from '../works/matmul.ts'

const ceiling = (flops: number, threads = 1): Ceiling => ({
  vectors: 'vectors',
  threads,
  flops,
  levels: [
    { bytes: 1e5, rate: 1e11 },
    { bytes: 1e8, rate: 1e10 },
  ],
})
const machine = new Machine(
  [1, 2],
  [
    ['native', [ceiling(1e11), ceiling(2e11, 2)]],
    ['simd128', [{ missing: 'no SIMD' }, { missing: 'no SIMD' }]],
  ],
)
const [native1, native2, wasm1] = chooseContestants({ engines: ['glissade'], threads: [1, 2], python: 'python3' })

describe('the machine’s peak', () => {
  test('the part is of arithmetic or of memory, whichever takes longer', () => {
    const work = { ...matmul(8), flops: 1e9, bytes: 1e3 }
    const measured = { version: '1', times: [20], load: 0 }
    // 10 ms at 100 GFLOP/s; half of it on two threads
    expect(toRow(work, native1, measured, machine).peak_fraction).toBe(0.5)
    expect(toRow(work, native2, measured, machine).peak_fraction).toBe(0.25)
    // 100 MB at 10 GB/s, for which the nearest cache is too small
    expect(toRow({ ...work, flops: 1, bytes: 1e8 }, native1, measured, machine).peak_fraction).toBe(0.5)
    expect(toRow({ ...work, flops: 1, bytes: 1e5 }, native1, measured, machine).peak_fraction).toBe(5e-5)
    expect(toRow(work, wasm1, measured, machine).peak_fraction).toBeNull()
    expect(toRow(work, native1, measured).peak_fraction).toBeNull()
    expect(toRow({ ...work, flops: undefined }, native1, measured, machine).peak_fraction).toBeNull()
  })

  test('each engine is held against its own width, plain JavaScript against none', () => {
    expect(widthOf({ engine: 'pytorch', backend: 'compile' })).toBe('native')
    expect(widthOf({ engine: 'jax-js', backend: 'wasm' })).toBe('simd128')
    expect(widthOf({ engine: 'tfjs', backend: 'cpu' })).toBeUndefined()
  })

  test('it is told in rows too, and what could not be measured is told', () => {
    expect(machine.rows()).toMatchObject([
      { work: 'peak', engine: 'machine', backend: 'native', threads: 1, gflops: 100 },
      { work: 'peak', backend: 'native', threads: 2, gflops: 200, gigabytes: [{ rate: 100 }, { rate: 10 }] },
    ])
    expect(machine.missing()).toEqual(['peak of simd128 missing: no SIMD'])
  })

  test('memory comes from the process, and from the plan where there is one', () => {
    const measured = { version: '1', times: [1], load: 0, peak: 12_345_678, planned: 10e6 }
    expect(toRow(matmul(8), native1, measured)).toMatchObject({ memory_mb: 12.346, planned_mb: 10 })
    expect(toRow(matmul(8), native1, { ...measured, peak: null, planned: undefined })).toMatchObject({
      memory_mb: null,
      planned_mb: null,
    })
  })
})

const row = (engine: string, backend: string, threads: number, median_ms: number, more: Partial<Row> = {}): Row => {
  const rest = { version: '1', min_ms: median_ms, gflops: 1, spread: 0, samples: 1, load: 0.5 }
  const unknown = { peak_fraction: null, memory_mb: null, planned_mb: null }
  return { work: 'matmul-8', ...rest, ...unknown, engine, backend, threads, median_ms, ...more }
}

const rows = [
  row('glissade', 'native', 1, 18, { peak_fraction: 0.6 }),
  row('glissade', 'native', 2, 10, { peak_fraction: 0.55, memory_mb: 50 }),
  row('glissade', 'wasm', 2, 40),
  row('pytorch', 'eager', 1, 15, { memory_mb: 100 }),
  row('pytorch', 'eager', 2, 20),
  row('jax', 'cpu', 2, 5),
  row('jax', 'cpu', 4, 1),
  row('tfjs', 'wasm', 1, 200),
]

describe('the page', () => {
  test('a line for each work, against the best setting of each rival with no more threads', () => {
    const [head, line] = summaryCells([matmul(8), matmul(16)], rows)
    expect(Object.fromEntries(head.map((name, i) => [name, line[i]]))).toEqual({
      work: 'matmul-8',
      native: '10.00 ms',
      'of peak': '55 %',
      'to PyTorch eager': '1.50 ×',
      'to torch.compile': '–',
      'to JAX': '0.50 ×',
      'to onnxruntime': '–',
      threads: '1.80 ×',
      'memory to PyTorch': '0.50 ×',
      wasm: '40.00 ms',
      'wasm of peak': '–',
      'wasm to TypeScript': '5.00 ×',
      'wasm threads': '–',
    })
    expect(summaryCells([matmul(8), matmul(16)], rows)).toHaveLength(2)
  })

  test('a ratio in each row', () => {
    const [head, ...lines] = tableCells(matmul(8), rows)
    const native = lines.map((line) => [line[0], line[head.indexOf('native is')]])
    expect(native).toContainEqual(['pytorch eager ×1', '0.83 ×'])
    expect(native).toContainEqual(['tfjs wasm ×1', '11.11 ×'])
    // there is no own row with four threads
    expect(native).toContainEqual(['jax cpu ×4', '–'])
  })

  test('it tells machine, commit, versions, pace, peak, and what is missing and why', () => {
    const gone = (engine: string, work: string, missing: string): MissingRow => {
      return { work, engine, backend: 'cpu', threads: 1, missing }
    }
    const missing = [gone('onnxruntime', 'cnn', 'trains nothing'), gone('onnxruntime', 'mlp', 'trains nothing')]
    const pace = { rounds: 7, milliseconds: 300 }
    const text = pageText({ works: [matmul(8)], rows, missing, pace, machine }, 'one machine', 'abc1234')
    expect(text).toContain(
      '- one machine\n- Glissade abc1234\n- glissade 1, jax 1, pytorch 1, tfjs 1\n- 7 rounds of 300 ms',
    )
    expect(text).toContain('- peak of simd128 missing: no SIMD\n')
    expect(text).toContain('- missing: onnxruntime cpu in cnn, mlp: trains nothing\n')
    expect(text).toContain('| vectors | 2 | 200.0 | 100.0 | 10.0 |')
    expect(text).toContain('## matmul-8')
    expect(text).not.toContain('stopped')
    const stopped = { works: [matmul(8), matmul(16), matmul(32)], rows, missing, pace, machine }
    expect(pageText(stopped, 'one machine', 'abc1234')).toContain('- stopped before matmul-16, matmul-32\n')
  })
})
