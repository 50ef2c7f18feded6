/** The loss surface against the library: losses on the grid, the way on the plane, directions. */
import { setBackend, tensor } from 'glissade'
import { beforeAll, describe, expect, test } from 'vitest'
import { drawsFrom } from '../src/worker/data/plane.ts'
import type { Live } from '../src/worker/desk.ts'
import { coordinates, dot, filterNormalised, norm, principal } from '../src/worker/directions.ts'
import type { Questions } from '../src/worker/protocol.ts'
import { answerers } from '../src/worker/questions/index.ts'
import { type Family, liveOf } from './networks.ts'

beforeAll(async () => {
  await setBackend('wasm')
})

const weights = [
  { name: '0.weight', element: 1 },
  { name: '2.weight', element: 0 },
]
const ask = { run: 0, job: 1, plane: { kind: 'weights', weights }, zoom: 1, size: 9, budget: 10_000 } as const

async function train(live: Live, steps: number): Promise<void> {
  for (let i = 0; i < steps; i++) {
    if (live.path.isDue(live.run.step)) await live.path.keep(live.run)
    await live.run.advance()
    live.version++
  }
}

/** The loss of the first samples with two weights put elsewhere. */
async function lossWith(live: Live, samples: number, values: readonly number[]): Promise<number> {
  const { run, probe } = live
  const before = await Promise.all(
    weights.map(async ({ name }) => (await run.model.namedParameters().get(name)?.data())?.slice() as Float32Array),
  )
  const put = (numbers: readonly Float32Array[]): void =>
    weights.forEach(({ name }, i) => {
      const parameter = run.model.namedParameters().get(name)
      parameter?.assign(tensor(numbers[i], { shape: parameter.shape }))
    })
  put(before.map((all, i) => all.map((value, k) => (k === weights[i].element ? values[i] : value)) as Float32Array))
  const [x, y] = [run.inputs.slice([[0, samples]]), run.targets.slice([[0, samples]])]
  await Promise.all([x.realized(), y.realized()])
  const { loss } = await probe.score(x, y)
  put(before)
  return loss
}

describe('the loss surface', () => {
  test('has the library’s loss at every place, and the network stays as it is', async () => {
    const live = await liveOf('circle')
    const found = await answerers.landscape(live, {
      ...ask,
      window: [
        [-2, 2],
        [-1, 3],
      ],
    })
    expect(found.finished).toBe(true)
    expect(found.size).toBe(9)
    const kept = await live.run.model.namedParameters().get('0.weight')?.data()
    for (const [column, row] of [
      [0, 0],
      [8, 0],
      [3, 5],
      [8, 8],
    ] as const) {
      const at = [-2 + column / 2, -1 + row / 2]
      expect(found.losses[row * 9 + column]).toBeCloseTo(await lossWith(live, found.samples, at), 5)
    }
    expect(await live.run.model.namedParameters().get('0.weight')?.data()).toEqual(kept)
  })

  test('comes in pieces, coarse first, and finer grids keep what is known', async () => {
    const live = await liveOf('circle')
    const first = await answerers.landscape(live, { ...ask, size: 33, budget: 0 })
    expect(first.finished).toBe(false)
    let answers = 0
    let last = first
    while (!last.finished) {
      last = await answerers.landscape(live, { ...ask, size: 33, budget: 2 })
      expect(++answers).toBeLessThan(2000)
    }
    expect(answers).toBeGreaterThan(1)
    expect(last.size).toBe(33)
    const coarse = await answerers.landscape(live, { ...ask, job: 2, size: 9 })
    expect(last.losses[0]).toBe(coarse.losses[0])
    expect(last.losses[4 * 33 + 8]).toBe(coarse.losses[9 + 2])
    expect([...last.losses].every(Number.isFinite)).toBe(true)
  })

  test('of one weight is a line', async () => {
    const live = await liveOf('circle')
    const plane = { kind: 'weights', weights: weights.slice(0, 1) } as const
    const { losses, windows } = await answerers.landscape(live, { ...ask, plane, size: 17 })
    expect(losses.length).toBe(17)
    const own = (await live.run.model.namedParameters().get('0.weight')?.data())?.[1] ?? 0
    expect(windows[0][0]).toBeCloseTo(own - 3, 5)
  })

  test.each<Family>(['digits', 'names-lstm', 'names-transformer'])('of %s, along random directions', async (family) => {
    const live = await liveOf(family)
    const found = await answerers.landscape(live, { ...ask, plane: { kind: 'random', seed: 3 } })
    expect(found.finished).toBe(true)
    const [x, y] = [live.run.inputs.slice([[0, found.samples]]), live.run.targets.slice([[0, found.samples]])]
    await Promise.all([x.realized(), y.realized()])
    expect(found.losses[4 * 9 + 4]).toBeCloseTo((await live.probe.score(x, y)).loss, 4)
  })
})

describe('the way on the surface', () => {
  test('goes where the weights went, and the next step leads where it is shown', async () => {
    const live = await liveOf('circle')
    await train(live, 12)
    await answerers.landscape(live, ask)
    const of = async (i: number) =>
      (await live.run.model.namedParameters().get(weights[i].name)?.data())?.[weights[i].element] ?? Number.NaN
    const way = await answerers.landscapePath(live, { run: 0, job: 1, withNext: true })
    expect(way.steps).toEqual(Int32Array.from({ length: 12 }, (_, step) => step))
    expect(way.now[0]).toBeCloseTo(await of(0), 5)
    expect(way.now[1]).toBeCloseTo(await of(1), 5)
    const { parameters } = await live.probe.backward()
    expect(way.slope[0]).toBeCloseTo((await parameters.get('0.weight')?.data())?.[1] ?? Number.NaN, 6)
    const { next = [] } = way
    await train(live, 1)
    expect(next[0]).toBeCloseTo(await of(0), 5)
    expect(next[1]).toBeCloseTo(await of(1), 5)
    // The surface is as it was; the way has gone on.
    const later = await answerers.landscapePath(live, { run: 0, job: 1, withNext: false })
    expect(later.steps.length).toBe(13)
    expect(later.points[24]).toBeCloseTo(way.now[0], 5)
  })

  test('has directions of its own, which hold most of the movement', async () => {
    const live = await liveOf('circle')
    const plane = { kind: 'path' } as const
    await expect(answerers.landscape(live, { ...ask, plane })).rejects.toThrow(/no path yet/)
    await train(live, 80)
    const { shares = [], windows } = await answerers.landscape(live, { ...ask, plane })
    expect(shares[0]).toBeGreaterThan(shares[1])
    expect(shares[0] + shares[1]).toBeGreaterThan(0.7)
    expect(shares[0] + shares[1]).toBeLessThanOrEqual(1.000001)
    const way = await answerers.landscapePath(live, { run: 0, job: 1, withNext: false })
    way.points.forEach((value, i) => {
      expect(value).toBeGreaterThan(windows[i % 2][0])
      expect(value).toBeLessThan(windows[i % 2][1])
    })
  })

  test('is thinned, never without its beginning', async () => {
    const live = await liveOf('circle')
    await train(live, 1000)
    const { points } = live.path
    expect(points.length).toBeLessThanOrEqual(240)
    expect(points.length).toBeGreaterThan(100)
    expect(points[0].step).toBe(0)
    live.changed()
    expect(live.path.points.length).toBe(0)
  })
})

type Point = Questions['landscapePath']['answer']['points']

test('directions: filters have the norm of the weights, components are found', () => {
  const draw = drawsFrom(5)
  const layout = { shapes: [[3, 4], [3]], size: 15 }
  const own = Float32Array.from({ length: 15 }, () => draw.normal())
  const direction = filterNormalised(layout, own, draw)
  for (const from of [0, 4, 8])
    expect(norm(direction.subarray(from, from + 4))).toBeCloseTo(norm(own.subarray(from, from + 4)), 5)
  expect([...direction.subarray(12)]).toEqual([0, 0, 0])
  const points: Point[] = Array.from({ length: 30 }, (_, i) =>
    Float32Array.of(3 * i, i % 2, 0.01 * draw.normal(), 4 * i),
  )
  const { directions, shares } = principal(points, draw)
  expect(Math.abs(dot(directions[0], [0.6, 0, 0, 0.8]))).toBeCloseTo(1, 4)
  expect(Math.abs(directions[1][1])).toBeCloseTo(1, 2)
  expect(shares[0]).toBeGreaterThan(0.99)
  expect(coordinates([2, 3, 0], [Float32Array.of(1, 0, 0), Float32Array.of(1, 1, 0)])).toEqual([-1, 3])
})
