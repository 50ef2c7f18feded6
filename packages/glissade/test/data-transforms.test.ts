/** Transforms of samples: random ones of images, mixing, tables with bad input, windows, sound; images in folders. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { tensor } from '../src/create.ts'
import * as data from '../src/data/index.ts'
import * as io from '../src/io/index.ts'
import type { Tensor } from '../src/tensor.ts'

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i)
const image = (height: number, width: number, channels = 1): io.NdArray =>
  io.ndArray(
    Float32Array.from({ length: channels * height * width }, (_, i) => i),
    [channels, height, width],
  )
const unit = (height: number, width: number): io.NdArray =>
  io.ndArray(
    Float32Array.from({ length: 3 * height * width }, (_, i) => ((i * 37) % 101) / 100),
    [3, height, width],
  )
const draws = (seed: number): data.Draws => new data.Draws(seed)
const flat = (array: io.NdArray): number[] => [...array.data]

describe('images', () => {
  it('are cropped, padded and flipped', () => {
    expect(data.centerCrop(2)(image(4, 4), draws(0))).toEqual(io.ndArray(Float32Array.of(5, 6, 9, 10), [1, 2, 2]))
    expect(flat(data.centerCrop([1, 4], { fill: 9 })(image(1, 2), draws(0)))).toEqual([9, 0, 1, 9])
    expect(flat(data.horizontalFlip()(image(2, 3), draws(0)))).toEqual([2, 1, 0, 5, 4, 3])
    expect(flat(data.verticalFlip()(image(2, 3), draws(0)))).toEqual([3, 4, 5, 0, 1, 2])
    expect(flat(data.pad([1, 0], { fill: 7 })(image(1, 2), draws(0)))).toEqual([7, 0, 1, 7])
    expect(flat(data.pad([2, 0, 1, 0], { mode: 'reflect' })(image(1, 3), draws(0)))).toEqual([2, 1, 0, 1, 2, 1])
    expect(flat(data.pad([2, 0, 1, 0], { mode: 'edge' })(image(1, 3), draws(0)))).toEqual([0, 0, 0, 1, 2, 2])
    // A quarter turn, counter-clockwise.
    expect(flat(data.rotate(90)(image(2, 2), draws(0)))).toEqual([1, 3, 0, 2])
    expect(flat(data.rotate(180)(image(2, 3), draws(0)))).toEqual([5, 4, 3, 2, 1, 0])
  })

  it('keep whole numbers whole', () => {
    const bytes = io.ndArray(Int32Array.of(0, 255, 255, 0), [1, 2, 2])
    for (const change of [
      data.resize([3, 3]),
      data.rotate(20, { interpolation: 'bilinear' }),
      data.pad(1),
      data.grayscale(1),
    ]) {
      expect(change(bytes, draws(1)).data).toBeInstanceOf(Int32Array)
    }
    expect(data.resize(4)(image(2, 3), draws(0)).shape).toEqual([1, 4, 6])
    expect(data.resize(2)(image(6, 3), draws(0)).shape).toEqual([1, 4, 2])
  })

  it('change by seed: the same draws, the same image', () => {
    const augment = data.compose([
      data.randomResizedCrop([5, 6]),
      data.randomHorizontalFlip(),
      data.randomVerticalFlip(0.3),
      data.randomRotation(15, { interpolation: 'bilinear' }),
      data.randomAffine({ degrees: 5, translate: [0.1, 0.1], scale: [0.9, 1.1], shear: 4 }),
      data.colorJitter({ brightness: 0.2, contrast: 0.3, saturation: [0.5, 1.5], hue: 0.1 }),
      data.randomGrayscale(0.2),
      data.randomErasing({ p: 0.5 }),
      data.cutout(2),
      data.randomApply(data.grayscale(3), 0.1),
      data.normalize([0.5, 0.4, 0.3], [0.2, 0.2, 0.1]),
    ])
    const results = upTo(20).map((seed) => augment(unit(12, 10), draws(seed)))
    expect(results.every(({ shape }) => shape.join() === '3,5,6')).toBe(true)
    expect(augment(unit(12, 10), draws(3))).toEqual(results[3])
    expect(new Set(results.map((result) => flat(result).join())).size).toBe(20)
    expect(results.every((result) => flat(result).every(Number.isFinite))).toBe(true)
  })

  it('are cropped everywhere, and flipped as often as is said', () => {
    const corners = upTo(400).map((seed) => data.randomCrop(2)(image(4, 4), draws(seed)).data[0])
    expect(new Set(corners)).toEqual(new Set([0, 1, 2, 4, 5, 6, 8, 9, 10]))
    const flips = upTo(1000).filter((seed) => data.randomHorizontalFlip(0.25)(image(1, 2), draws(seed)).data[0] === 1)
    expect(Math.abs(flips.length - 250)).toBeLessThan(70)
    const padded = data.randomCrop(3, { padding: 1, fill: -1 })
    expect(upTo(50).some((seed) => flat(padded(image(3, 3), draws(seed))).includes(-1))).toBe(true)
    const erased = upTo(100).map(
      (seed) =>
        flat(data.randomErasing({ p: 1, value: -1 })(image(20, 20), draws(seed))).filter((v) => v === -1).length,
    )
    // 2 to 33 of a hundred of 400 pixels, but for rounding.
    expect(Math.min(...erased)).toBeGreaterThanOrEqual(4)
    expect(Math.max(...erased)).toBeLessThan(150)
  })

  it.each([
    [
      'two axes',
      () => data.resize(3)(io.ndArray(new Float32Array(4), [2, 2]), draws(0)),
      /received \[2, 2\]; expected { data, shape: \[channels/,
    ],
    ['no image', () => data.horizontalFlip()(null as never, draws(0)), /received null/],
    [
      'whole numbers where light is meant',
      () => data.adjustHue(0.1)(io.ndArray(new Int32Array(3), [3, 1, 1]), draws(0)),
      /range: 'unit'/,
    ],
    [
      'a crop larger than the image',
      () => data.randomCrop(5)(image(4, 6), draws(0)),
      /4 by 6; expected at least 5 by 5/,
    ],
    ['a size of nothing', () => data.resize(0), /received 0; expected a size/],
    ['a chance of 2', () => data.randomHorizontalFlip(2), /received 2; expected 0 to 1/],
    ['a deviation of 0', () => data.normalize(0, 0), /received 0; expected numbers above 0/],
    ['means for other channels', () => data.normalize([1, 2], 1)(unit(2, 2), draws(0)), /2 numbers for 3 channels/],
    ['a hue too far', () => data.colorJitter({ hue: 0.6 }), /received -0.6; expected -0.5 to 0.5/],
    ['a negative factor', () => data.adjustContrast(-1), /received -1; expected a factor/],
    [
      'mirrors longer than the image',
      () => data.pad(3, { mode: 'reflect' })(image(3, 3), draws(0)),
      /expected less than the image/,
    ],
    ['margins of half pixels', () => data.pad(0.5), /received 0.5/],
    ['no scale', () => data.affine({ scale: 0 }), /scale above 0/],
    ['an empty choice', () => data.randomChoice([]), /no transforms/],
  ])('refuse %s', (_, act, message) => {
    expect(act).toThrow(message)
  })
})

describe('mixing', () => {
  const batch = (): [Tensor, Tensor] => [
    tensor(
      Float32Array.from({ length: 4 * 3 * 8 * 8 }, (_, i) => Math.floor(i / 192)),
      { shape: [4, 3, 8, 8] },
    ),
    tensor(Int32Array.of(0, 1, 2, 1)),
  ]

  it('gives shares of images and the same shares of labels', async () => {
    for (const seed of upTo(8)) {
      const { x, y } = await data.mixup(...batch(), { classes: 3, alpha: 1, seed })
      const [pixels, shares] = [await x.data(), await y.data()]
      for (const b of upTo(4)) {
        // Image b is all b: what is mixed in tells by how much.
        const row = [...shares.subarray(b * 3, b * 3 + 3)]
        expect(row.reduce((s, v) => s + v, 0)).toBeCloseTo(1, 5)
        const mixed = pixels[b * 192]
        const own = row[[0, 1, 2, 1][b]]
        const other = upTo(4).find((o) => Math.abs(own * b + (1 - own) * o - mixed) < 1e-4)
        expect(other !== undefined || own > 0.999).toBe(true)
      }
    }
  })

  it('cuts a rectangle, with labels by area', async () => {
    const sums = await Promise.all(
      upTo(12).map(async (seed) => {
        const { x, y } = await data.cutmix(...batch(), { classes: 3, seed })
        const [pixels, shares] = [await x.data(), await y.data()]
        // Image 0 is all 0, and the only one of class 0.
        const kept = [...pixels.subarray(0, 64)].filter((v) => v === 0).length / 64
        expect(shares[0]).toBeCloseTo(kept, 5)
        return kept
      }),
    )
    expect(new Set(sums).size).toBeGreaterThan(4)
  })

  it.each([
    [
      'labels out of range',
      () => data.mixup(batch()[0], tensor(Int32Array.of(0, 1, 3, 0)), { classes: 3 }),
      /value 3 at position 2/,
    ],
    [
      'another number of labels',
      () => data.mixup(batch()[0], tensor(Int32Array.of(0, 1)), { classes: 3 }),
      /y of \[2\]/,
    ],
    [
      'rows for cutmix',
      () => data.cutmix(tensor([[1, 2]]), tensor(Int32Array.of(0)), { classes: 1 }),
      /expected \[B, C, H, W\]/,
    ],
    ['no alpha', () => data.mixup(...batch(), { classes: 3, alpha: 0 }), /received 0/],
  ])('refuses %s', async (_, act, message) => {
    await expect(act()).rejects.toThrow(message)
  })
})

describe('tables', () => {
  const train = data.table({ age: [30, null, 50, 40], city: ['Rome', 'Oslo', null, 'Rome'], same: [1, 1, 1, 1] })
  const test = data.table({ age: [null, 60], city: ['Oslo', 'Rome'], same: [1, 2] })

  it('go through a pipeline fitted on the training part alone', () => {
    const pipeline = data.tablePipeline([
      data.imputer({ indicator: true }),
      data.standardScaler({ columns: ['age', 'same'] }),
      data.oneHotEncoder(),
    ])
    const first = pipeline.fitTransform(train)
    expect(first.names).toEqual(['age', 'city=Oslo', 'city=Rome', 'same', 'ageMissing', 'cityMissing'])
    expect([...first.numbers('ageMissing')]).toEqual([0, 1, 0, 0])
    const second = pipeline.transform(test)
    expect(second.names).toEqual(first.names)
    // The median of the training part, 40, is filled in; its mean is 40 too.
    expect(second.numbers('age')[0]).toBe(0)
    expect([...second.numbers('same')]).toEqual([0, 1])
    const again = data.pipelineFromState(JSON.parse(JSON.stringify(pipeline.state())))
    expect(again.transform(test).row(1)).toEqual(second.row(1))
    const back = pipeline.inverse(second)
    expect(back.strings('city')).toEqual(['Oslo', 'Rome'])
    expect(back.names).not.toContain('ageMissing')
    expect(back.row(0).age).toBe(null)
    expect(back.row(1).age).toBeCloseTo(60, 10)
  })

  it('leave the columns alone that they are told to', () => {
    const table = data.table({ size: [1, 3], species: [0, 2] })
    const scaled = data.standardScaler({ except: ['species'] }).fitTransform(table)
    expect([...scaled.numbers('species')]).toEqual([0, 2])
    expect([...scaled.numbers('size')]).toEqual([-1, 1])
    expect(() => data.standardScaler({ except: ['colour'] }).fit(table)).toThrow(/received 'colour'/)
    expect(() => data.standardScaler({ except: ['size', 'species'] }).fit(table)).toThrow(/a column to work on/)
  })

  it('pass over classes that are new, where that is said', () => {
    const strange = data.table({ city: ['Bern', 'Rome', null] })
    const known = data.table({ city: ['Rome', 'Oslo'] })
    expect(() => data.oneHotEncoder().fit(known).transform(strange)).toThrow(
      /row 0, column 'city': received "Bern"; expected one of "Oslo", "Rome"/,
    )
    const encoder = data.oneHotEncoder({ unknown: 'ignore' }).fit(known)
    expect([...encoder.transform(strange).numbers('city=Rome')]).toEqual([0, 1, 0])
    expect(encoder.inverse(encoder.transform(strange)).strings('city')).toEqual([null, 'Rome', null])
    expect([...data.ordinalEncoder({ unknown: 'ignore' }).fit(known).transform(strange).numbers('city')]).toEqual([
      -1, 1, -1,
    ])
  })

  it.each([
    ['a transform before it is fitted', () => data.standardScaler().transform(train), /a table before fit/],
    ['columns that are not there', () => data.standardScaler({ columns: ['size'] }).fit(train), /received 'size'/],
    ['text to scale', () => data.standardScaler({ columns: ['city'] }).fit(train), /column 'city': received "Rome"/],
    [
      'nothing to work on',
      () => data.standardScaler().fit(data.table({ city: ['x'] })),
      /expected a column to work on/,
    ],
    ['no rows', () => data.imputer().fit(train.take(0)), /no rows/],
    [
      'a column without values',
      () => data.imputer().fit(data.table({ a: [null, null] })),
      /column 'a' without a value/,
    ],
    ['an unknown strategy', () => data.imputer({ strategy: 'guess' as 'mean' }), /received 'guess'/],
    ['a range upside down', () => data.minMaxScaler({ featureRange: [1, 0] }), /received \[1, 0\]/],
    ['infinite numbers', () => data.standardScaler().fit(data.table({ a: [1, Infinity] })), /infinite value/],
    [
      'a fill of the wrong kind',
      () => data.imputer({ strategy: 'constant', fillValue: 'x' }).fit(data.table({ a: [1, null] })),
      /"x" for column 'a'/,
    ],
    [
      'the state of another',
      () =>
        data.imputer().restore(
          data
            .standardScaler()
            .fit(data.table({ a: [1] }))
            .state(),
        ),
      /a state of 'standardScaler'/,
    ],
    [
      'an unknown state',
      () => data.pipelineFromState([{ kind: 'constructor', options: {}, fitted: null }]),
      /received 'constructor'/,
    ],
  ])('refuse %s', (_, act, message) => {
    expect(act).toThrow(message)
  })
})

describe('windows', () => {
  const series = data.table({ a: upTo(10), b: upTo(10).map((i) => i * 10) })

  it('slide over a series', async () => {
    const windows = data.slidingWindows(series, { input: 3, horizon: 2, stride: 2, target: 'b' })
    expect(windows.length).toBe(3)
    expect(await windows.at(1)).toEqual({
      x: io.ndArray(Float32Array.of(2, 20, 3, 30, 4, 40), [3, 2]),
      y: io.ndArray(Float32Array.of(50, 60), [2, 1]),
    })
    // Forecasts from row 6 on, which look back before it.
    const held = data.slidingWindows(series, { input: 4, target: ['a'], range: [6, 10] })
    expect((await held.all()).map(({ x, y }) => [x.data[0], y.data[0]])).toEqual([
      [2, 6],
      [3, 7],
      [4, 8],
      [5, 9],
    ])
    const plain = data.slidingWindows(io.ndArray(Float32Array.of(1, 2, 3, 4), [4]), { input: 2 })
    expect((await plain.all()).map(({ x, y }) => [...x.data, ...y.data])).toEqual([
      [1, 2, 3],
      [2, 3, 4],
    ])
    const { value } = await windows.loader({ batchSize: 2 }).batches().next()
    expect([value?.x.shape, value?.y.shape]).toEqual([
      [2, 3, 2],
      [2, 2, 1],
    ])
  })

  it('slide over tokens', async () => {
    const windows = data.tokenWindows(Int32Array.from(upTo(10)), { length: 3 })
    expect((await windows.all()).map(({ x, y }) => [[...x], [...y]])).toEqual([
      [
        [0, 1, 2],
        [1, 2, 3],
      ],
      [
        [3, 4, 5],
        [4, 5, 6],
      ],
      [
        [6, 7, 8],
        [7, 8, 9],
      ],
    ])
    expect(data.tokenWindows(upTo(10), { length: 3, stride: 1 }).length).toBe(7)
  })

  it.each([
    [
      'a series that is too short',
      () => data.slidingWindows(series, { input: 9, horizon: 2 }),
      /10 steps; expected room for 9 known steps/,
    ],
    [
      'a target that is not there',
      () => data.slidingWindows(series, { input: 2, target: 'c' }),
      /received c; expected one of a, b/,
    ],
    [
      'missing values',
      () => data.slidingWindows(data.table({ a: [1, null, 3] }), { input: 1 }),
      /row 1, column 'a': received a missing/,
    ],
    ['three axes', () => data.slidingWindows(image(2, 2), { input: 1 }), /received \[1, 2, 2\]/],
    ['a text that is too short', () => data.tokenWindows([1, 2], { length: 2 }), /2 tokens; expected at least 3/],
  ])('refuse %s', (_, act, message) => {
    expect(act).toThrow(message)
  })
})

describe('sound', () => {
  it('is brought to one channel, to another rate, and to decibels', () => {
    const stereo = io.ndArray(Float32Array.of(1, 2, 3, 3, 2, 1), [2, 3])
    expect(data.mono(stereo)).toEqual(io.ndArray(Float32Array.of(2, 2, 2), [1, 3]))
    expect(flat(data.resample(Float32Array.of(0, 1, 2), 1, 2, { method: 'linear' }))).toEqual([0, 0.5, 1, 1.5, 2, 2])
    expect(data.resample(stereo, 8000, 8000).data).toEqual(stereo.data)
    expect(flat(data.powerToDb(io.ndArray(Float32Array.of(1, 100, 0), [3]), { topDb: 30 }))).toEqual([0, 20, -10])
    // A tone stays where it is: 1000 Hz at 8 kHz, at 16 kHz too.
    const tone = Float32Array.from({ length: 4000 }, (_, i) => Math.sin((2 * Math.PI * 1000 * i) / 8000))
    const power = data.spectrogram(data.resample(tone, 8000, 16000), { nFft: 512 })
    const middle = upTo(257).map((k) => power.data[k * power.shape[1] + 10])
    expect(middle.indexOf(Math.max(...middle))).toBe((1000 / 16000) * 512)
  })

  it.each([
    [
      'a sound shorter than half a window',
      () => data.spectrogram(new Float32Array(200)),
      /200 samples; expected at least 201, for nFft 400/,
    ],
    ['three axes', () => data.spectrogram(image(2, 2)), /received \[1, 2, 2\]; expected samples/],
    [
      'a window wider than the transform',
      () => data.spectrogram(new Float32Array(500), { nFft: 64, winLength: 65 }),
      /winLength 65/,
    ],
    [
      'an unknown window',
      () => data.spectrogram(new Float32Array(500), { window: 'toString' as 'hann' }),
      /'toString'/,
    ],
    [
      'a band upside down',
      () => data.melSpectrogram(new Float32Array(500), { fMin: 100, fMax: 50 }),
      /fMin 100, fMax 50/,
    ],
    [
      'more coefficients than bands',
      () => data.mfcc(new Float32Array(500), { nMels: 10, nMfcc: 11 }),
      /11 coefficients of 10 mels/,
    ],
    ['a rate of nothing', () => data.resample(new Float32Array(5), 0, 5), /resample: from: received 0/],
  ])('refuses %s', (_, act, message) => {
    expect(act).toThrow(message)
  })
})

describe('sets', () => {
  it('of columns become samples, for transforms of single ones', async () => {
    const set = data.dataset({
      x: tensor(Float32Array.from(upTo(12)), { shape: [3, 1, 2, 2] }),
      y: tensor(Int32Array.of(5, 6, 7)),
    })
    const flipped = data.fromDataset(set).map(({ x, y }, own) => ({ x: data.horizontalFlip()(x, own), y }))
    const { value } = await flipped.loader({ batchSize: 3 }).batches().next()
    expect(await value?.x.data()).toEqual(Float32Array.of(1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10))
    expect([value?.x.shape, value?.y.dtype, await value?.y.array()]).toEqual([[3, 1, 2, 2], 'int32', [5, 6, 7]])
  })

  it('of images in folders', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'glissade-images-'))
    try {
      await mkdir(join(folder, 'cat/more'), { recursive: true })
      await mkdir(join(folder, 'dog'))
      const png = (value: number): Promise<Uint8Array> =>
        io.encodePng(io.ndArray(new Int32Array(3 * 2 * 3).fill(value), [3, 2, 3]))
      await writeFile(join(folder, 'cat/1.png'), await png(10))
      await writeFile(join(folder, 'cat/more/2.PNG'), await png(20))
      await writeFile(join(folder, 'cat/notes.txt'), 'no image')
      await writeFile(join(folder, 'dog/1.png'), await png(30))
      const { samples, classes, labels, paths } = await data.imageFolder(folder, { range: 'bytes' })
      expect([classes, [...labels], paths.map((path) => path.slice(folder.length + 1))]).toEqual([
        ['cat', 'dog'],
        [0, 0, 1],
        ['cat/1.png', 'cat/more/2.PNG', 'dog/1.png'],
      ])
      const { value } = await samples.loader({ batchSize: 3 }).batches().next()
      expect([value?.x.shape, await value?.y.array()]).toEqual([
        [3, 3, 2, 3],
        [0, 0, 1],
      ])
      await writeFile(join(folder, 'dog/2.jpg'), 'not an image')
      const broken = await data.imageFolder(folder)
      await expect(async () => broken.samples.at(3)).rejects.toThrow(/dog\/2\.jpg: start/)
      await expect(data.imageFolder(folder, { classes: ['bird'] })).rejects.toThrow(/looked in .*\/bird/)
      await expect(data.imageFolder(join(folder, 'nowhere'))).rejects.toThrow(/nowhere/)
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
