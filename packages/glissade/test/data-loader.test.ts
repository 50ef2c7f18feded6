/** Samples one by one, and the loader: orders, padding, lengths and masks, samplers, exact resume, worker threads. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as data from '../src/data/index.ts'

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

/** Sequences [i, i, …] of length 1 + i % 4, with their number as label. */
const sequences = (count: number): data.Samples<{ x: Int32Array; y: number }> =>
  data.from(upTo(count)).map((i) => ({ x: new Int32Array(1 + (i % 4)).fill(i), y: i }))

async function labels(batches: AsyncIterable<data.Columns>): Promise<number[][]> {
  const found: number[][] = []
  for await (const { y } of batches) found.push([...(await y.data())])
  return found
}

describe('batches of sequences', () => {
  it('are padded to the longest, with lengths and mask', async () => {
    const loader = sequences(5).loader({ batchSize: 3, lengths: true, mask: ['x'], padValue: { x: -1 } })
    const [first, second] = [await loader.batches({ epoch: 0 }).next(), (await labels(loader))[1]]
    expect(await first.value?.x.array()).toEqual([
      [0, -1, -1],
      [1, 1, -1],
      [2, 2, 2],
    ])
    expect(first.value?.x.dtype).toBe('int32')
    expect(await first.value?.xLengths.array()).toEqual([1, 2, 3])
    expect(await first.value?.xMask.array()).toEqual([
      [true, false, false],
      [true, true, false],
      [true, true, true],
    ])
    expect(Object.keys(first.value as object)).toEqual(['x', 'xLengths', 'xMask', 'y'])
    expect(second).toEqual([3, 4])
  })

  it('are padded in front, to a length, or to a multiple', async () => {
    const shapeOf = async (padTo: 'longest' | number | { multipleOf: number }): Promise<readonly number[]> =>
      (await sequences(3).loader({ batchSize: 3, padTo }).batches().next()).value?.x.shape ?? []
    expect(await shapeOf('longest')).toEqual([3, 3])
    expect(await shapeOf(5)).toEqual([3, 5])
    expect(await shapeOf({ multipleOf: 4 })).toEqual([3, 4])
    await expect(shapeOf(2)).rejects.toThrow(/a sequence of 3; expected at most 2/)
    const left = await sequences(2).loader({ batchSize: 2, padLeft: true, mask: true }).batches().next()
    expect(await left.value?.x.array()).toEqual([
      [0, 0],
      [1, 1],
    ])
    expect(await left.value?.xMask.array()).toEqual([
      [false, true],
      [true, true],
    ])
  })

  it('stack shapes, numbers and truths with their types', async () => {
    const set = data.from(upTo(2)).map((i) => ({
      image: { data: new Float32Array(6).fill(i), shape: [1, 2, 3] },
      weight: i + 0.5,
      label: i,
      good: i === 0,
      features: Float64Array.of(i, 2),
    }))
    const { value } = await set.loader({ batchSize: 2 }).batches().next()
    const types = Object.entries(value as data.Columns).map(([name, t]) => `${name} ${t.dtype} [${t.shape}]`)
    expect(types).toEqual([
      'image float32 [2,1,2,3]',
      'weight float32 [2]',
      'label int32 [2]',
      'good bool [2]',
      'features float32 [2,2]',
    ])
  })

  it.each([
    ['text', [{ x: 'text' }], /field 'x': received text \("text"\).*Encode text/],
    ['a missing field', [{ x: 1, y: 1 }, { x: 2 }], /sample 1 of the batch: received no field 'y'/],
    ['a fraction after whole numbers', [{ x: 1 }, { x: 1.5 }], /received 1.5; .*dtypes: { x: 'float32' }/],
    ['an empty sequence', [{ x: [1] }, { x: [] }], /a sequence of length 0 \(sample 1/],
    [
      'shapes that do not fit',
      [{ x: { data: new Float32Array(4), shape: [2, 2] } }, { x: { data: new Float32Array(6), shape: [2, 3] } }],
      /samples of \[2, 2\] and \[2, 3\]/,
    ],
  ])('refuse %s', async (_, items, text) => {
    const batches = data.from<unknown>(items).loader({ batchSize: 2 }).batches()
    await expect(batches.next()).rejects.toThrow(text)
  })

  it('are as the user’s own collate says', async () => {
    const loader = data.from(['a', 'b', 'c']).loader({ batchSize: 2, collate: (list) => list.join('') })
    const found: string[] = []
    for await (const batch of loader) found.push(batch)
    expect(found).toEqual(['ab', 'c'])
  })
})

describe('sets one after the other', () => {
  it('have the samples of all, in their order, each with its own maps', async () => {
    const [a, b] = [data.from([1, 2]), data.from([3]).map((value) => 10 * value)]
    const all = a.concat(data.from<number>([]), b)
    expect(all.length).toBe(3)
    expect(await all.all()).toEqual([1, 2, 30])
    expect(await all.select([2, 0]).all()).toEqual([30, 1])
    await expect(async () => all.at(3)).rejects.toThrow(/0 to 2/)
  })

  it('draw in their maps what they drew alone', async () => {
    const noisy = data.from([0, 0]).map((value, draws) => value + draws.uniform())
    const [alone] = await noisy.all()
    const [, first] = await data.from([5]).concat(noisy).all()
    expect(first).toBe(alone)
  })
})

describe('orders', () => {
  it('are drawn from seed and epoch, and every sample comes once', async () => {
    const loader = sequences(10).loader({ batchSize: 4, shuffle: true, seed: 7 })
    const [first, second] = [await labels(loader), await labels(loader)]
    expect(first.flat().sort((a, b) => a - b)).toEqual(upTo(10))
    expect(second).not.toEqual(first)
    expect(await labels(loader.batches({ epoch: 0 }))).toEqual(first)
    expect(await labels(sequences(10).loader({ batchSize: 4, shuffle: true, seed: 7 }).batches({ epoch: 1 }))).toEqual(
      second,
    )
    expect(sequences(10).loader({ batchSize: 4, dropLast: true }).length).toBe(2)
  })

  it('go on exactly where a state was taken, in the middle of an epoch', async () => {
    const whole = sequences(11).loader({ batchSize: 2, shuffle: true, seed: 3 })
    const all = [...(await labels(whole)), ...(await labels(whole))]
    for (const stop of [0, 1, 4, 6, 7]) {
      const before = sequences(11).loader({ batchSize: 2, shuffle: true, seed: 3, prefetch: 3 })
      const seen: number[][] = []
      while (seen.length < stop) {
        for await (const { y } of before) {
          seen.push([...(await y.data())])
          if (seen.length === stop) break
        }
      }
      const state = JSON.parse(JSON.stringify(before.state())) as data.LoaderState
      const after = sequences(11).loader({ batchSize: 2, shuffle: true })
      after.restore(state)
      while (seen.length < all.length) seen.push(...(await labels(after)))
      expect(seen).toEqual(all)
    }
  })

  it('put samples of the same length together', async () => {
    const set = sequences(64)
    const lengths = upTo(64).map((i) => 1 + (i % 4))
    const loader = set.loader({ batchSize: 8, shuffle: true, bucketBy: lengths, lengths: true })
    const widths: number[] = []
    for await (const { x, xLengths } of loader) {
      widths.push(x.shape[1])
      if (xLengths) expect(new Set(await xLengths.data()).size).toBe(1)
    }
    expect([...widths].sort()).toEqual([1, 1, 2, 2, 3, 3, 4, 4])
    expect(widths).not.toEqual([...widths].sort())
  })

  it('weighted: by weight, with replacement, by seed', () => {
    const labelled = [...new Array(90).fill(0), ...new Array(10).fill(1)] as number[]
    const sampler = data.weightedSampler(data.classWeights(labelled), { count: 4000 })
    const drawn = Array.from(sampler.positions(0, 1))
    const ones = drawn.filter((i) => labelled[i] === 1).length
    // 2000 are expected, with a deviation of sqrt(4000 / 4) = 32.
    expect(Math.abs(ones - 2000)).toBeLessThan(160)
    expect(Array.from(sampler.positions(0, 1))).toEqual(drawn)
    expect(Array.from(sampler.positions(1, 1))).not.toEqual(drawn)
    expect(Array.from(data.weightedSampler([0, 1, 0], { count: 20 }).positions(0, 0)).every((i) => i === 1)).toBe(true)
    expect(() => data.weightedSampler([0, 0])).toThrow(/only zeros/)
    expect(() => data.weightedSampler([1, -1])).toThrow(/-1 at position 1/)
  })

  it('stratified: each stretch has the labels in their shares', () => {
    const labelled = upTo(100).map((i) => Number(i % 5 === 0))
    const order = Array.from(data.stratifiedSampler(labelled).positions(2, 5))
    expect([...order].sort((a, b) => a - b)).toEqual(upTo(100))
    for (let at = 0; at < 100; at += 20) {
      const ones = order.slice(at, at + 20).filter((i) => labelled[i] === 1).length
      expect(Math.abs(ones - 4)).toBeLessThanOrEqual(1)
    }
  })

  it('of a subset, and random with replacement', async () => {
    const subset = sequences(9).loader({ sampler: data.subsetSampler([8, 2, 5]), seed: 1 })
    expect((await labels(subset)).flat().sort()).toEqual([2, 5, 8])
    const random = data.randomSampler(5, { replacement: true, count: 50 })
    expect(new Set(Array.from(random.positions(0, 0)))).toEqual(new Set(upTo(5)))
    await expect(labels(sequences(3).loader({ sampler: data.subsetSampler([3]) }))).rejects.toThrow(
      /received 3; expected 0 to 2/,
    )
  })
})

describe('maps', () => {
  it('draw the same for a sample and pass, whatever comes before', async () => {
    const set = data.from(upTo(6)).map((i, draws) => ({ y: i, noise: draws.uniform() }))
    const noise = async (shuffle: boolean, epoch: number, batchSize: number): Promise<Map<number, number>> => {
      const found = new Map<number, number>()
      for await (const batch of set.loader({ batchSize, shuffle, seed: 5 }).batches({ epoch })) {
        const [ys, values] = [await batch.y.data(), await batch.noise.data()]
        ys.forEach((y: number, i: number) => found.set(y, values[i]))
      }
      return new Map([...found].sort((a, b) => a[0] - b[0]))
    }
    expect(await noise(true, 0, 2)).toEqual(await noise(false, 0, 5))
    expect(await noise(true, 1, 2)).not.toEqual(await noise(true, 0, 2))
    expect(new Set((await noise(true, 0, 2)).values()).size).toBe(6)
  })

  it('can be chained, selected from, filtered, split and cached', async () => {
    let asked = 0
    const set = data.from(upTo(10)).map((i) => {
      asked++
      return i * i
    })
    expect(await set.select([3, 1]).all()).toEqual([9, 1])
    const even = await set.map((n) => n + 1).filter((n) => n % 2 === 0)
    expect(await even.all()).toEqual([2, 10, 26, 50, 82])
    asked = 0
    const cached = await set.cached()
    await cached.all()
    await cached.all()
    expect(asked).toBe(10)
    const parts = await set.split([0.5, 0.5], { stratify: (n) => n % 2 })
    expect(parts.map((part) => part.length)).toEqual([5, 5])
    expect((await Promise.all(parts.map((part) => part.all()))).flat().sort((a, b) => a - b)).toEqual(
      upTo(10).map((i) => i * i),
    )
    expect(() => set.select([10])).toThrow(/expected 0 to 9/)
  })
})

describe('folds', () => {
  it('hold out each sample once', () => {
    for (const shuffle of [true, false]) {
      const folds = data.kFold(11, 3, { shuffle, seed: 2 })
      expect(folds.map(({ test }) => test.length)).toEqual([4, 4, 3])
      expect(folds.flatMap(({ test }) => [...test]).sort((a, b) => a - b)).toEqual(upTo(11))
      for (const { train, test } of folds) expect([...train, ...test].sort((a, b) => a - b)).toEqual(upTo(11))
    }
    expect(() => data.kFold(2, 3)).toThrow(/received 3; expected at most 2/)
  })

  it('differ by one sample at most, of each label too', () => {
    const labelled = upTo(23).map((i) => i % 3)
    const folds = data.stratifiedKFold(labelled, 4, { seed: 6 })
    expect(folds.map(({ test }) => test.length).sort()).toEqual([5, 6, 6, 6])
    for (const label of [0, 1, 2]) {
      const counts = folds.map(({ test }) => [...test].filter((i) => labelled[i] === label).length)
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1)
    }
  })

  it('have the labels in their shares, or keep groups whole', () => {
    const labelled = upTo(40).map((i) => (i < 10 ? 'rare' : 'usual'))
    for (const { test } of data.stratifiedKFold(labelled, 5)) {
      expect(test.length).toBe(8)
      expect([...test].filter((i) => labelled[i] === 'rare').length).toBe(2)
    }
    const groups = upTo(40).map((i) => Math.floor(i / 3))
    for (const { train, test } of data.groupKFold(groups, 4)) {
      const held = new Set([...test].map((i) => groups[i]))
      expect([...train].some((i) => held.has(groups[i]))).toBe(false)
      expect(Math.abs(test.length - 10)).toBeLessThanOrEqual(3)
    }
  })
})

describe('worker threads', () => {
  let folder = ''
  const module = (): URL => pathToFileURL(join(folder, 'prepare.mjs'))
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'glissade-workers-'))
    await writeFile(
      join(folder, 'prepare.mjs'),
      `export default async (item, { position, seed, epoch, options }) => {
        if (item === options.bad) throw new RangeError('no such picture: ' + item)
        if (item === options.deadly) process.exit(3)
        await new Promise((resolve) => setTimeout(resolve, (item * 7) % 5))
        return { x: new Float32Array(1 + (item % 3)).fill(item), y: position, key: (seed * 1000 + epoch) | 0 }
      }`,
    )
    await writeFile(join(folder, 'nothing.mjs'), 'export const x = 1')
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it('give the same batches whatever their number', async () => {
    const run = async (threads: number): Promise<unknown[]> => {
      const source = data.inWorkers<{ x: Float32Array }, number>(module(), { items: upTo(23), threads, options: {} })
      const found: unknown[] = []
      for await (const { x, y, key } of data.loader(source, { batchSize: 4, shuffle: true, seed: 9, prefetch: 3 })) {
        found.push([await x.array(), await y.array(), await key.array()])
      }
      await source.stop()
      return found
    }
    const one = await run(1)
    expect(one.length).toBe(6)
    expect(await run(3)).toEqual(one)
  })

  it('hand on errors with their stack, and go on with the next sample', async () => {
    const source = data.inWorkers<{ y: number }, number>(module(), { items: upTo(8), options: { bad: 2 } })
    const error = await source.at(2).then(
      () => undefined,
      (e: Error) => e,
    )
    expect(error).toMatchObject({ code: 'worker-failed' })
    expect(error?.message).toMatch(/sample 2: no such picture: 2\nRangeError: [\s\S]*prepare\.mjs:2/)
    expect((await source.at(3)).y).toBe(3)
    await source.stop()
    await expect(source.at(4)).rejects.toThrow(/it was stopped/)
  })

  it('that die or cannot start say so', async () => {
    const dying = data.inWorkers(module(), { items: upTo(8), options: { deadly: 1 } })
    await expect(dying.at(1)).rejects.toThrow(/its worker ended with code 3/)
    await expect(dying.at(2)).rejects.toThrow(/its worker ended/)
    await dying.stop()
    const absent = data.inWorkers(pathToFileURL(join(folder, 'absent.mjs')), { length: 3 })
    await expect(absent.at(0)).rejects.toThrow(/absent\.mjs/)
    await absent.stop()
    const nothing = data.inWorkers(pathToFileURL(join(folder, 'nothing.mjs')), { length: 3 })
    await expect(nothing.at(0)).rejects.toThrow(/its default export is no function/)
    await nothing.stop()
    expect(() => data.inWorkers('x', {})).toThrow(/neither items nor length/)
  })
})
