/** Convolutions taken apart, what units look at, and predictions, against direct calls of the library. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { metrics, setBackend } from 'glissade'
import { beforeAll, describe, expect, test } from 'vitest'
import type { LabSpec, LayerSpec } from '../src/spec/spec.ts'
import { prepare, statistics } from '../src/views/draw/prepare.ts'
import { fieldOf } from '../src/views/field.ts'
import type { LabData } from '../src/worker/data/data.ts'
import { Live } from '../src/worker/desk.ts'
import { infoOf } from '../src/worker/info.ts'
import { inputOf } from '../src/worker/inputs.ts'
import { answerers } from '../src/worker/questions/index.ts'
import { Run } from '../src/worker/run.ts'
import { measure } from '../src/worker/trainer.ts'
import { liveOf, specOf } from './networks.ts'

beforeAll(async () => {
  await setBackend('wasm')
})

const digitsOf = (digit: number): number[] => {
  const folder = dirname(createRequire(import.meta.url).resolve('mnist/package.json'))
  return JSON.parse(readFileSync(join(folder, `src/digits/${digit}.json`), 'utf8')).data
}

/** Pictures of `channels` channels, `side` by `side`, and a network for them. */
function pictures(layers: readonly LayerSpec[], channels: number, side: number, count = 130): Live {
  const size = channels * side * side
  const data: LabData = {
    task: 'class',
    inputs: Float32Array.from({ length: count * size }, (_, i) => Math.sin(i * 12.9898) * 0.9 + (i % size) / size / 9),
    inputShape: [channels, side, side],
    targets: Int32Array.from({ length: count }, (_, i) => (i * 7) % 3),
    targetShape: [],
    trainCount: 20,
    testCount: count - 20,
    labels: ['a', 'b', 'c'],
    features: [],
  }
  const spec = { ...specOf('digits'), batchSize: 10, model: { kind: 'sequential', layers } } as LabSpec
  return new Live(new Run(0, spec, data))
}

const ask = { run: 0, input: { part: 'test', index: 2 } } as const
const tail = (width: number): LayerSpec[] => [
  { kind: 'flatten', from: 1, to: -1 },
  { kind: 'linear', in: width, out: 3 },
]

describe.each([
  ['plain', { kind: 'conv2d', in: 4, out: 6, size: 3 }, 6 * 81],
  ['stride and padding', { kind: 'conv2d', in: 4, out: 6, size: 3, stride: 2, padding: 1 }, 6 * 36],
  ['dilation', { kind: 'conv2d', in: 4, out: 6, size: 3, dilation: 2 }, 6 * 49],
  ['groups', { kind: 'conv2d', in: 4, out: 6, size: 3, groups: 2, padding: 1 }, 6 * 121],
  [
    'unequal sizes without bias',
    { kind: 'conv2d', in: 4, out: 6, size: [1, 4], stride: [3, 1], bias: false },
    6 * 4 * 8,
  ],
  ['same', { kind: 'conv2d', in: 4, out: 6, size: 5, padding: 'same' }, 6 * 121],
] as const)('a convolution: %s', (_, layer, width) => {
  const live = (): Live => pictures([layer as LayerSpec, ...tail(width)], 4, 11)

  test('its parts and the bias add up to its output', async () => {
    const own = live()
    for (const unit of [0, 5]) {
      const { maps, bias, output, inputs, first } = await answerers.parts(own, { ...ask, module: '0', unit })
      const [channels, rows, columns] = maps.shape
      const groups = 'groups' in layer ? layer.groups : 1
      expect([channels, inputs.shape[0]]).toEqual([4 / groups, 4 / groups])
      expect(first).toBe(groups === 2 && unit === 5 ? 2 : 0)
      for (let at = 0; at < rows * columns; at++) {
        let sum = bias
        for (let channel = 0; channel < channels; channel++) sum += maps.values[channel * rows * columns + at]
        expect(sum).toBeCloseTo(output.values[at], 4)
      }
    }
  })

  test('one number is its products, in the middle and at the edge', async () => {
    const own = live()
    const [, rows, columns] = (await infoOf(own)).modules[0].outputShape
    for (const [row, column] of [
      [0, 0],
      [rows >> 1, columns >> 1],
      [rows - 1, columns - 1],
    ]) {
      const given = await answerers.terms(own, { ...ask, module: '0', index: [4, row, column], then: [] })
      const sum = given.inputs.reduce((total, x, i) => total + x * given.weights[i], given.bias?.value ?? 0)
      expect(given.rule).toBe('sum')
      expect(given.value).toBeCloseTo(sum, 4)
    }
  })

  test('depends on no pixel outside of its field, and on the corners inside', async () => {
    const own = live()
    const info = await infoOf(own)
    const [, rows, columns] = info.modules[0].outputShape
    const place = [rows >> 1, columns >> 1] as const
    const box = fieldOf(info, '0', place)
    const values = own.run.data.inputs.slice(0, 484) as Float32Array
    const at = async (changed: Float32Array): Promise<number> => {
      const input = { values: changed }
      return (await answerers.terms(own, { run: 0, input, module: '0', index: [0, ...place], then: [] })).value
    }
    const before = await at(values)
    for (const [row, column] of [
      [box.top, box.left],
      [box.bottom, box.right],
      [box.top - 1, box.left],
      [box.bottom, box.right + 1],
    ]) {
      const changed = Float32Array.from(values)
      changed[row * 11 + column] += 3
      const inside = row >= box.top && row <= box.bottom && column >= box.left && column <= box.right
      if (inside) expect(await at(changed)).not.toBe(before)
      else expect(await at(changed)).toBe(before)
    }
  })
})

describe('a pool', () => {
  test.each([
    { kind: 'maxPool2d', size: 2 },
    { kind: 'maxPool2d', size: 3, stride: 2, padding: 1 },
    { kind: 'maxPool2d', size: 2, ceilMode: true },
    { kind: 'avgPool2d', size: 2 },
    { kind: 'avgPool2d', size: 3, stride: 2, padding: 1 },
    { kind: 'avgPool2d', size: 3, stride: 2, padding: 1, countIncludePad: false },
    { kind: 'avgPool2d', size: 2, ceilMode: true },
    { kind: 'adaptiveAvgPool2d', size: 3 },
    { kind: 'adaptiveMaxPool2d', size: [2, 4] },
    { kind: 'globalAvgPool2d' },
    { kind: 'globalMaxPool2d', keepDims: true },
  ] as readonly LayerSpec[])('%o: its window makes its number', async (layer) => {
    const probe = pictures(
      [{ kind: 'conv2d', in: 4, out: 4, size: 1 }, layer, { kind: 'flatten', from: 1, to: -1 }],
      4,
      11,
    )
    const { outputShape } = (await infoOf(probe)).modules[1]
    const last = outputShape.map((n) => n - 1)
    for (const index of [outputShape.map(() => 0), last]) {
      const given = await answerers.terms(probe, { ...ask, module: '1', index, then: [] })
      const sum = given.inputs.reduce((total, x) => total + x, 0)
      const made = given.rule === 'largest' ? Math.max(...given.inputs) : sum / (given.divisor ?? Number.NaN)
      expect(given.value).toBeCloseTo(made, 5)
    }
  })
})

test('what units answer most strongly is the largest of what they gave back', async () => {
  const live = pictures([{ kind: 'conv2d', in: 2, out: 3, size: 3 }, { kind: 'relu' }, ...tail(147)], 2, 9)
  const found = await answerers.strongest(live, { run: 0, module: '0', part: 'test', top: 4 })
  expect(found.among).toBe(100)
  for (const [unit, best] of found.units.entries()) {
    expect(new Set(best.sample).size).toBe(4)
    const largest: number[] = []
    for (let index = 0; index < 100; index++) {
      const { values } = await live.probe.forward(await inputOf(live.run, { part: 'test', index }))
      const all = Array.from(((await values.get('0')?.data()) ?? []).slice(unit * 49, (unit + 1) * 49))
      largest.push(Math.max(...all))
      const rank = best.sample.indexOf(index)
      if (rank >= 0) expect(best.value[rank]).toBeCloseTo(all[best.place[rank]], 5)
    }
    const sorted = largest.sort((a, b) => b - a).slice(0, 4)
    best.value.forEach((value, i) => expect(value).toBeCloseTo(sorted[i], 5))
  }
})

describe('predictions', () => {
  test('are those of the library’s confusion matrix, and agree with the score', async () => {
    const live = pictures([{ kind: 'conv2d', in: 2, out: 3, size: 3 }, { kind: 'tanh' }, ...tail(147)], 2, 9)
    for (let step = 0; step < 6; step++) await live.run.advance()
    live.version++
    await measure(live)
    const found = await answerers.predictions(live, { run: 0, part: 'test' })
    const { output } = await live.probe.forward(live.run.inputs.slice([[20, 130]]))
    const expected = await metrics.confusionMatrix(output, live.run.targets.slice([[20, 130]])).data()
    expect([...found.confusion.values]).toEqual([...expected])
    const right = [0, 4, 8].reduce((sum, at) => sum + found.confusion.values[at], 0)
    expect(right / 110).toBeCloseTo(live.scores?.test.accuracy ?? 0, 9)
    expect(found.stamp.step).toBe(6)
    const shares = Array.from(await output.softmax(1).data())
    found.said.forEach((said, i) => {
      expect(found.sure[i]).toBeCloseTo(shares[3 * i + said], 5)
      expect(found.given[i]).toBeCloseTo(shares[3 * i + found.truth[i]], 5)
    })
  })

  test('of letters count every letter that is asked for', async () => {
    const live = await liveOf('names-lstm')
    const found = await answerers.predictions(live, { run: 0, part: 'train' })
    const asked = Array.from(live.run.data.targets.slice(0, live.run.data.trainCount * 12)).filter(
      (token) => token >= 0,
    )
    expect(found.confusion.values.reduce((sum, each) => sum + each, 0)).toBe(asked.length)
    expect(found.truth.length).toBe(0)
  })
})

describe('what a score depends on', () => {
  const live = (): Live => pictures([{ kind: 'conv2d', in: 1, out: 3, size: 3 }, { kind: 'tanh' }, ...tail(147)], 1, 9)

  test('its gradient is that of finite differences, and another network has another', async () => {
    const own = live()
    const values = Float32Array.from(own.run.data.inputs.slice(0, 81))
    const question = { run: 0, input: { values }, unit: 1 } as const
    const found = await answerers.saliency(own, { ...question, weights: 'own' })
    const { output } = await answerers.prediction(own, { run: 0, input: { values } })
    expect(found.score).toBeCloseTo(output.values[1], 5)
    for (const pixel of [0, 40, 77]) {
      const at = async (by: number): Promise<number> => {
        const changed = values.map((value, i) => (i === pixel ? value + by : value))
        return (await answerers.prediction(own, { run: 0, input: { values: changed } })).output.values[1]
      }
      const slope = ((await at(0.05)) - (await at(-0.05))) / 0.1
      expect(found.gradient.values[pixel]).toBeCloseTo(slope, 3)
    }
    const weights = await own.run.model.namedParameters().get('0.weight')?.data()
    const drawn = await answerers.saliency(own, { ...question, weights: 'drawn' })
    expect([...drawn.gradient.values]).not.toEqual([...found.gradient.values])
    // Looking changes nothing.
    expect([...((await own.run.model.namedParameters().get('0.weight')?.data()) ?? [])]).toEqual([...(weights ?? [])])
  })

  test('covering a square is the difference of two predictions', async () => {
    const own = live()
    const values = Float32Array.from(own.run.data.inputs.slice(0, 81))
    const found = await answerers.occlusion(own, { run: 0, input: { values }, unit: 2, size: 3 })
    expect(found.falls.shape).toEqual([9, 9])
    // The square around row 4, column 6.
    const covered = values.map((value, i) =>
      Math.abs(Math.floor(i / 9) - 4) <= 1 && Math.abs((i % 9) - 6) <= 1 ? 0 : value,
    )
    const { output } = await answerers.prediction(own, { run: 0, input: { values: covered } })
    expect(found.falls.values[4 * 9 + 6]).toBeCloseTo(found.score - output.values[2], 5)
  })
})

test('a drawing becomes like the digits of the data', () => {
  const line = (n: number, at: (t: number) => [number, number]): [number, number][] =>
    Array.from({ length: n }, (_, i) => at(i / (n - 1)))
  const drawn: Readonly<Record<number, [number, number][][]>> = {
    0: [line(40, (t) => [140 + 60 * Math.cos(6.283 * t), 140 + 95 * Math.sin(6.283 * t)])],
    1: [line(9, (t) => [160 - 20 * t, 30 + 200 * t])],
    7: [line(9, (t) => [70 + 120 * t, 60]), line(20, (t) => [190 - 80 * t, 60 + 170 * t])],
  }
  for (const [digit, strokes] of Object.entries(drawn)) {
    const data = digitsOf(Number(digit))
    const all = Array.from({ length: 300 }, (_, i) => statistics(data, 28, i * 784))
    const between = (key: keyof (typeof all)[0], low: number, high: number): [number, number] => {
      const sorted = all.map((each) => each[key]).sort((a, b) => a - b)
      return [sorted[Math.floor(low * 299)], sorted[Math.ceil(high * 299)]]
    }
    const own = statistics(prepare(strokes, 280), 28)
    for (const key of ['ink', 'x', 'y', 'darkness'] as const) {
      const [low, high] = between(key, 0.02, 0.98)
      expect(own[key], `${digit} ${key}`).toBeGreaterThan(low)
      expect(own[key], `${digit} ${key}`).toBeLessThan(high)
    }
    expect(Math.abs(own.extent - 20)).toBeLessThanOrEqual(1)
    // Wherever it is drawn and however large, the pixels are the same.
    const moved = strokes.map((stroke) => stroke.map(([x, y]): [number, number] => [x * 0.6 + 90, y * 0.6 + 20]))
    prepare(moved, 280).forEach((value, i) => expect(value).toBeCloseTo(prepare(strokes, 280)[i], 4))
  }
})
