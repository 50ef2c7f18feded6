/** Data sets: batches, orders, splits; and the digits of the package `mnist`. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { tensor } from '../src/create.ts'
import * as data from '../src/data/index.ts'
import type { Tensor } from '../src/tensor.ts'

/** Samples whose x tells which they are, in two columns. */
function numbered(count: number): data.Dataset<{ x: Tensor; y: Tensor }> {
  const x = tensor(
    Float32Array.from({ length: count * 2 }, (_, i) => Math.floor(i / 2) + (i % 2) / 10),
    { shape: [count, 2] },
  )
  return data.dataset({ x, y: tensor(Int32Array.from({ length: count }, (_, i) => i % 3)) })
}

async function collect(
  batches: AsyncIterable<{ x: Tensor; y: Tensor }>,
): Promise<{ shapes: (readonly number[])[]; ids: number[] }> {
  const found = { shapes: [] as (readonly number[])[], ids: [] as number[] }
  for await (const { x, y } of batches) {
    found.shapes.push(x.shape)
    const [xs, ys] = [await x.data(), await y.data()]
    for (let i = 0; i < y.size; i++) {
      found.ids.push(xs[2 * i])
      // Columns stay together.
      expect(ys[i]).toBe(xs[2 * i] % 3)
      expect(xs[2 * i + 1]).toBeCloseTo(xs[2 * i] + 0.1, 5)
    }
  }
  return found
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

describe('batches', () => {
  it('hold every sample once, the last as few as are left', async () => {
    const { shapes, ids } = await collect(numbered(10).batches(4))
    expect(shapes).toEqual([
      [4, 2],
      [4, 2],
      [2, 2],
    ])
    expect(ids).toEqual(upTo(10))
    expect((await collect(numbered(10).batches(4, { dropLast: true }))).ids).toEqual(upTo(8))
  })

  it('are shuffled by the seed, anew in each pass', async () => {
    const set = numbered(50)
    const passes = [
      await collect(set.batches(8, { shuffle: true, seed: 3 })),
      await collect(set.batches(8, { shuffle: true, seed: 3 })),
    ]
    for (const { ids } of passes) {
      expect(ids).not.toEqual(upTo(50))
      expect([...ids].sort((a, b) => a - b)).toEqual(upTo(50))
    }
    expect(passes[0].ids).not.toEqual(passes[1].ids)
    const again = numbered(50)
    expect((await collect(again.batches(8, { shuffle: true, seed: 3, epoch: 1 }))).ids).toEqual(passes[1].ids)
    expect((await collect(again.batches(8, { shuffle: true, seed: 4, epoch: 1 }))).ids).not.toEqual(passes[1].ids)
  })

  it('come in the same order on every machine', () => {
    expect([...data.permutation(8, 0)]).toEqual([...data.permutation(8, 0)])
    expect([...data.permutation(8, 0)]).not.toEqual([...data.permutation(8, 1)])
    expect([...data.permutation(0, 0)]).toEqual([])
    // Every place is as likely: over 3000 seeds, the mean place of sample 0 among 9 is 4 (deviation 0.05).
    const mean = upTo(3000).reduce((sum, seed) => sum + data.permutation(9, seed).indexOf(0), 0) / 3000
    expect(Math.abs(mean - 4)).toBeLessThan(0.25)
  })
})

describe('sets', () => {
  it('split into parts that share no sample, with labels in their shares', async () => {
    const parts = await numbered(100).split([0.7, 0.2, 0.1], { seed: 1, stratify: 'y' })
    expect(parts.map((part) => part.length)).toEqual([70, 20, 10])
    const ids = await Promise.all(parts.map(async (part) => (await collect(part.batches(64))).ids))
    expect(ids.flat().sort((a, b) => a - b)).toEqual(upTo(100))
    for (const label of [0, 1, 2])
      expect(Math.abs(ids[0].filter((id) => id % 3 === label).length - 70 / 3)).toBeLessThan(1.7)
    const same = await numbered(100).split([0.7, 0.3], { seed: 1 })
    expect((await numbered(100).split(0.7, { seed: 1 })).map((part) => part.length)).toEqual(
      same.map((part) => part.length),
    )
  })

  it('can be selected from, cut, and computed with', async () => {
    const set = numbered(10).select([7, 3, 5]).take(2)
    expect((await collect(set.batches(8))).ids).toEqual([7, 3])
    expect([...(await set.select([1]).values('y'))]).toEqual([0])
    const { mean, std } = await set.statistics('x')
    expect(mean).toBeCloseTo(5.05, 5)
    expect(std).toBeCloseTo(Math.sqrt((1.95 ** 2 + 2.05 ** 2) / 2), 5)
  })

  it.each([
    ['columns of different lengths', () => data.dataset({ x: tensor([1, 2]), y: tensor([1]) }), /columns of x 2, y 1/],
    ['no columns', () => data.dataset({}), /no columns/],
    ['a position outside', () => numbered(3).select([3]), /expected 0 to 2/],
  ])('refuse %s', (_, make, text) => {
    expect(make).toThrow(text)
  })

  it('refuse fractions that are not a whole', async () => {
    await expect(numbered(3).split([0.5, 0.2])).rejects.toThrow(/add up to 1/)
    await expect(collect(numbered(3).batches(0))).rejects.toThrow(/at least 1/)
  })
})

describe('digits', () => {
  it('are ten thousand real ones, split the same way each time', async () => {
    const { train, test, classes, origin, licence } = await data.digits()
    expect([train.length, test.length]).toEqual([8000, 2000])
    expect(classes).toHaveLength(10)
    expect(origin).toMatch(/MNIST/)
    expect(licence).toMatch(/MIT/)
    const labels = await test.values('y')
    const counts = classes.map((_, digit) => labels.filter((label: number) => label === digit).length)
    // The package holds 863 (of 5) to 1127 (of 1); a fifth of each.
    expect(counts.reduce((a, b) => a + b)).toBe(2000)
    for (const count of counts) expect(Math.abs(count - 200)).toBeLessThan(30)
    const { x } = await test.batchAt([0])
    expect(x.shape).toEqual([1, 1, 28, 28])
    const image = await x.data()
    expect(Math.min(...image)).toBe(0)
    expect(Math.max(...image)).toBeGreaterThan(0.9)
    const again = await data.digits()
    expect([...(await again.test.values('y'))]).toEqual([...labels])
    // No image of the test part is also in the training part under the same split (a copy in the package apart).
    // The sum of the pixels times random-like weights, the same for the same image and hardly for another.
    const weights = Float64Array.from({ length: 784 }, (_, i) => Math.sin(i * 12.9898) + 2)
    const key = (values: ArrayLike<number>): number => weights.reduce((sum, weight, i) => sum + weight * values[i], 0)
    const seen = new Set<number>()
    for await (const batch of train.batches(1000)) {
      const values = await batch.x.data()
      for (let i = 0; i < 1000; i++) seen.add(key(values.subarray(i * 784, (i + 1) * 784)))
    }
    const tests = await test.values('x')
    const shared = Array.from({ length: 2000 }, (_, i) => seen.has(key(tests.subarray(i * 784, (i + 1) * 784)))).filter(
      Boolean,
    )
    expect(shared.length).toBe(0)
  })

  it('that are missing or damaged say so', async () => {
    await expect(data.digits({ source: '/nowhere' })).rejects.toThrow(/looked in \/nowhere\/\d.json/)
    const folder = await mkdtemp(join(tmpdir(), 'glissade-digits-'))
    try {
      for (let digit = 0; digit < 10; digit++)
        await writeFile(join(folder, `${digit}.json`), `{"data":[${new Array(784).fill(0.5).join()}]}`)
      expect((await data.digits({ source: folder })).train.length).toBe(8)
      await writeFile(join(folder, '3.json'), '{"data":[0,0,')
      await expect(data.digits({ source: folder })).rejects.toThrow(
        /3.json: content: received 13 characters that are not JSON/,
      )
      await writeFile(join(folder, '3.json'), '{"data":[0,1]}')
      await expect(data.digits({ source: folder })).rejects.toThrow(/received 2 numbers/)
      await writeFile(join(folder, '3.json'), `{"data":[${new Array(784).fill(7).join()}]}`)
      await expect(data.digits({ source: folder })).rejects.toThrow(/received 7 at position 0/)
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
