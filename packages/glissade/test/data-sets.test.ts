/**
 * Named sets: those of packages always, the others from the folder of real data where it is. And what is said where a
 * set is not there.
 */
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import * as data from '../src/data/index.ts'
import { GlissadeError } from '../src/errors.ts'

const folder = fileURLToPath(new URL('../../../../shared/data', import.meta.url))
const there = existsSync(folder)
if (!there) console.log(`The named sets are not read: there is no ${folder}.`)
const real = it.skipIf(!there)

const sum = (values: ArrayLike<number>): number => Array.from(values).reduce((a, b) => a + b, 0)

describe('from packages', () => {
  it('iris and penguins, split with each species in its share', async () => {
    const iris = await data.iris()
    expect([iris.train.length, iris.test.length]).toEqual([120, 30])
    expect(iris.train.names).toEqual(['sepalLength', 'sepalWidth', 'petalLength', 'petalWidth', 'species'])
    for (const label of [0, 1, 2]) expect(iris.test.numbers('species').filter((y) => y === label).length).toBe(10)
    const penguins = await data.penguins()
    expect(penguins.train.length + penguins.test.length).toBe(344)
    expect(penguins.classes).toEqual(['Adelie', 'Chinstrap', 'Gentoo'])
    expect(penguins.train.missing('bodyMass') + penguins.test.missing('bodyMass')).toBe(2)
    expect(penguins.licence).toMatch(/CC0/)
    expect(() => penguins.train.tensor('sex')).toThrow(/column 'sex': received "\w+"; expected numbers/)
  })
})

describe('from a folder', () => {
  real('MNIST, complete', async () => {
    const { train, test, classes } = await data.mnist({ folder })
    expect([train.length, test.length, classes.length]).toEqual([60000, 10000, 10])
    const { x, y } = await test.batchAt([0, 1])
    expect([x.shape, x.dtype, y.dtype]).toEqual([[2, 1, 28, 28], 'float32', 'int32'])
    expect(await y.array()).toEqual([7, 2])
    expect(Math.max(...(await x.data()))).toBeGreaterThan(0.99)
    // The published mean and deviation.
    const { mean, std } = await train.statistics('x')
    expect([mean.toFixed(4), std.toFixed(4)]).toEqual(['0.1307', '0.3081'])
  })

  real('CIFAR-10 as JPEG, a few of each class', async () => {
    const { train, test, lossy, notes } = await data.cifar10({ folder, perClass: 3 })
    expect([train.length, test.length, lossy]).toEqual([30, 10, true])
    expect((await train.batchAt([0])).x.shape).toEqual([1, 3, 32, 32])
    expect(notes.join()).toMatch(/lossy/)
  })

  real('Omniglot and Quick, Draw!', async () => {
    const { all, classes, alphabets } = await data.omniglot({ folder })
    expect([all.length, classes.length, new Set(alphabets).size]).toEqual([2720, 136, 5])
    const { x } = await all.batchAt([0])
    // Ink is 1, and there is little of it.
    expect(sum(await x.data()) / (105 * 105)).toBeLessThan(0.2)
    expect(Math.max(...(await x.data()))).toBe(1)
    const drawings = await data.quickdraw({ folder, classes: ['bowtie', 'cat'], perClass: 100 })
    expect([drawings.train.length, drawings.test.length]).toEqual([160, 40])
    await expect(data.quickdraw({ folder, classes: ['yeti'] })).rejects.toThrow(/yeti.npy.*download: true/)
  })

  real('tables, with their sizes and missing values', async () => {
    const houses = await data.houses({ folder })
    expect([houses.train.length, houses.test.length]).toEqual([16512, 4128])
    expect(houses.train.missing('total_bedrooms') + houses.test.missing('total_bedrooms')).toBe(207)
    expect(houses.train.isNumeric('ocean_proximity')).toBe(false)
    const adult = await data.adult({ folder })
    expect([adult.train.length, adult.test.length]).toEqual([32561, 16281])
    // The published shares of the rich: 24.08 % and 23.62 %.
    expect((sum(adult.train.numbers('income')) / 32561).toFixed(4)).toBe('0.2408')
    expect((sum(adult.test.numbers('income')) / 16281).toFixed(4)).toBe('0.2362')
    expect(adult.train.missing('workclass')).toBe(1836)
    const diabetes = await data.diabetes({ folder })
    expect(diabetes.train.length + diabetes.test.length).toBe(768)
    expect(diabetes.train.missing('insulin') + diabetes.test.missing('insulin')).toBe(374)
  })

  real('series, cut where it is usual', async () => {
    const ett = await data.ettH1({ folder })
    expect([ett.train.length, ett.validation.length, ett.test.length]).toEqual([8640, 2880, 2880])
    expect(ett.borders).toEqual([8640, 11520])
    expect(ett.whole.numbers('OT')[0]).toBeCloseTo(30.531, 3)
    expect((await data.airlinePassengers({ folder })).test.numbers('Passengers').at(-1)).toBe(432)
    expect((await data.minTemperatures({ folder })).whole.length).toBe(3650)
  })

  real('text', async () => {
    const names = await data.names({ folder })
    expect([names.train.length, names.validation.length, names.test.length]).toEqual([25626, 3203, 3204])
    expect(names.all[0]).toBe('emma')
    const { train, validation, text } = await data.shakespeare({ folder })
    expect([train.length + validation.length, text.length]).toEqual([1115394, 1115394])
    const sst2 = await data.sst2({ folder })
    expect([sst2.train.length, sst2.validation.length, sst2.test.length]).toEqual([6920, 872, 1821])
    expect(await sst2.validation.at(0)).toEqual({ text: 'one long string of cliches', label: 0 })
    const pairs = await data.multi30k({ folder })
    expect([pairs.train.length, pairs.validation.length, pairs.test.length]).toEqual([29000, 1014, 1000])
    expect(await pairs.validation.at(1)).toEqual({
      source: 'Ein Mann schläft in einem grünen Raum auf einem Sofa.',
      target: 'A man sleeping in a green room on a couch.',
    })
  })

  real('spoken digits', async () => {
    const { train, test, speakers } = await data.spokenDigits({ folder })
    expect([train.length, test.length, speakers.length]).toEqual([2700, 300, 6])
    const first = await train.at(0)
    expect(first.sampleRate).toBe(8000)
    expect(Math.max(...first.sound)).toBeLessThanOrEqual(1)
    expect(Math.max(...first.sound)).toBeGreaterThan(0.01)
  })
})

describe('what is not there', () => {
  it('says where it looked and what to do', async () => {
    const error = (await data.houses({ folder: '/nowhere' }).catch((e: unknown) => e)) as GlissadeError
    expect(error).toBeInstanceOf(GlissadeError)
    expect(error.code).toBe('data-missing')
    expect(error.message).toMatch(
      /looked in \/nowhere\/tabular\/california-housing\.csv, \/nowhere\/california-housing\.csv/,
    )
    expect(error.message).toMatch(
      /\{ folder \} or GLISSADE_DATA, or pass \{ download: true \} to fetch about 1 MB from raw/,
    )
  })

  it('or is damaged, is refused', async () => {
    const own = await mkdtemp(join(tmpdir(), 'glissade-sets-'))
    try {
      await writeFile(join(own, 'sst2.train.tsv'), 'good\t1\nbad\n')
      await expect(data.sst2({ folder: own })).rejects.toThrow(/sst2\.train\.tsv: line 2: received bad|sst2\.dev\.tsv/)
      await writeFile(join(own, 'train-images-idx3-ubyte.gz'), Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 9))
      await expect(data.mnist({ folder: own })).rejects.toThrow(
        /train-images-idx3-ubyte\.gz: axes: received 3 in 8 bytes/,
      )
    } finally {
      await rm(own, { recursive: true })
    }
  })

  it('is in the catalogue, each with size, origin and licence', () => {
    const list = data.catalogue()
    expect(list.length).toBeGreaterThanOrEqual(19)
    for (const { name, size, origin, licence, files, package: carrier } of list) {
      expect([size, origin, licence].every((text) => text.length > 0)).toBe(true)
      expect(Object.hasOwn(data, name)).toBe(true)
      for (const { url } of files as readonly data.SetFile[]) if (url) expect(new URL(url).protocol).toBe('https:')
      expect(files.length > 0 || carrier !== undefined || name === 'quickdraw').toBe(true)
    }
  })
})
