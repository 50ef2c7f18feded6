/** Transforms of images, sound and tables against golden/data.json, which PyTorch and scikit-learn made (golden/make_data.py). */
import { describe, expect, it } from 'vitest'
import * as data from '../src/data/index.ts'
import { type NdArray, ndArray } from '../src/io/nd-array.ts'
import { double, expectClose, type Golden, type Listed, readGolden } from './golden/read.ts'

interface Case {
  readonly kind: string
  readonly options: Record<string, unknown>
  readonly y: Listed
}

type Row = (number | string | null)[]

interface DataCases extends Golden<Case> {
  readonly image: Listed
  readonly sound: Listed
  readonly tables: {
    readonly numbers: Row[]
    readonly fresh: Row[]
    readonly words: Row[]
    readonly results: Record<string, { readonly train: Row[]; readonly test: Row[] }>
  }
}

const golden = readGolden<DataCases>('data')
const float64 = ({ data: values, shape }: Listed): NdArray => ndArray(Float64Array.from(values), shape)
const draws = new data.Draws(0)

/** Sound comes back as float32, which keeps 7 digits; decibels near 80 and logarithms lose one. */
const single = { absolute: 2e-5, relative: 2e-6 }

const images: Record<string, (options: never) => data.ImageTransform> = {
  resize: ({ size, ...options }: { size: data.ImageSize }) => data.resize(size, options),
  affine: (options: data.AffineOptions) => data.affine(options),
  rotate: ({ degrees, ...options }: { degrees: number }) => data.rotate(degrees, options),
  grayscale: ({ channels }: { channels: 1 }) => data.grayscale(channels),
  adjustBrightness: ({ factor }: { factor: number }) => data.adjustBrightness(factor),
  adjustContrast: ({ factor }: { factor: number }) => data.adjustContrast(factor),
  adjustSaturation: ({ factor }: { factor: number }) => data.adjustSaturation(factor),
  adjustHue: ({ shift }: { shift: number }) => data.adjustHue(shift),
}

const sounds: Record<string, (sound: NdArray, options: never) => NdArray> = {
  spectrogram: data.spectrogram,
  melSpectrogram: data.melSpectrogram,
  logMelSpectrogram: data.logMelSpectrogram,
  mfcc: data.mfcc,
  resample: ({ data: values, shape }, { from, to, ...options }: { from: number; to: number }) => {
    const channels = Array.from({ length: shape[0] }, (_, c) => [...values.subarray(c * shape[1], c * shape[1] + 200)])
    return data.resample(ndArray(Float64Array.from(channels.flat()), [shape[0], 200]), from, to, options)
  },
}

describe('images', () => {
  const cases = golden.cases.filter(({ kind }) => kind in images)
  it.each(cases.map((one) => [one.kind, JSON.stringify(one.options), one] as const))('%s %s', (kind, _, one) => {
    const received = images[kind](one.options as never)(float64(golden.image), draws)
    expect(received.shape).toEqual(one.y.shape)
    expectClose(kind, received.data, one.y.data, double)
  })
})

describe('sound', () => {
  const cases = golden.cases.filter(({ kind }) => kind in sounds)
  it.each(cases.map((one) => [one.kind, JSON.stringify(one.options), one] as const))('%s %s', (kind, _, one) => {
    const received = sounds[kind](float64(golden.sound), one.options as never)
    expect(received.shape).toEqual(one.y.shape)
    expectClose(kind, received.data, one.y.data, single)
  })

  it('all kinds of the file are tested', () => {
    const known = [...Object.keys(images), ...Object.keys(sounds)]
    expect(golden.cases.map(({ kind }) => kind).filter((kind) => !known.includes(kind))).toEqual([])
  })
})

describe('tables', () => {
  const tableOf = (rows: Row[]): data.Table =>
    data.table(Object.fromEntries(rows[0].map((_, j) => [`c${j}`, rows.map((row) => row[j])])))
  const rowsOf = (table: data.Table): Row[] =>
    Array.from({ length: table.length }, (_, i) => Object.values(table.row(i)))
  const { numbers, fresh, words, results } = golden.tables
  const transforms: Record<string, data.TableTransform> = {
    standardScaler: data.standardScaler(),
    minMaxScaler: data.minMaxScaler({ featureRange: [-1, 1] }),
    'imputer/mean': data.imputer({ strategy: 'mean' }),
    'imputer/median': data.imputer({ strategy: 'median' }),
    'imputer/mostFrequent': data.imputer({ strategy: 'mostFrequent' }),
    'imputer/constant': data.imputer({ strategy: 'constant', fillValue: -1 }),
    oneHotEncoder: data.oneHotEncoder(),
    'oneHotEncoder/first': data.oneHotEncoder({ drop: 'first' }),
    'oneHotEncoder/ifBinary': data.oneHotEncoder({ drop: 'ifBinary' }),
    ordinalEncoder: data.ordinalEncoder(),
  }
  const flat = (rows: Row[]): number[] => rows.flat().map((value) => (value === null ? 1e9 : Number(value)))

  it.each(Object.entries(results))('%s', (name, { train, test }) => {
    const isText = name.includes('Encoder')
    const [first, second] = isText ? [words, words.slice(0, 2)] : [numbers, fresh]
    const transform = transforms[name]
    expectClose(name, flat(rowsOf(transform.fitTransform(tableOf(first)))), flat(train), double)
    expectClose(name, flat(rowsOf(transform.transform(tableOf(second)))), flat(test), double)
    // What was learned goes through JSON.
    const state = JSON.parse(JSON.stringify(transform.state())) as data.TransformState
    const again = data.pipelineFromState([state]).transform(tableOf(second))
    expectClose(`${name} from its state`, flat(rowsOf(again)), flat(test), double)
    // And back, where that can be.
    if (!name.startsWith('imputer')) {
      const back = rowsOf(transform.inverse(transform.transform(tableOf(first))))
      if (isText) expect(back.map((row) => [...row].sort())).toEqual(first.map((row) => [...row].sort()))
      else expectClose(`${name} and back`, flat(back), flat(first), double)
    }
  })
})
