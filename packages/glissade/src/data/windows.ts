/**
 * Windows that slide over a series or a text: what comes next is learned from what came before. Nothing is copied before
 * a window is asked for. Batches: loader.ts.
 */
import { fail } from '../errors.ts'
import { isNdArray, type NdArray } from '../io/nd-array.ts'
import { checkWhole } from '../ops/derived/common.ts'
import { from, type Samples } from './samples.ts'
import { Table } from './table.ts'

export interface WindowOptions {
  /** Steps that are known. */
  readonly input: number
  /** Steps to forecast; default 1. */
  readonly horizon?: number
  /** Steps from one window to the next; default 1. */
  readonly stride?: number
  /** The columns to forecast: names of a table, or positions. Default all. */
  readonly target?: string | number | readonly (string | number)[]
  /** Windows whose forecast begins in these rows alone: the known steps may come from before. Default all. */
  readonly range?: readonly [first: number, end: number]
}

export interface Window {
  /** [input, features] */
  readonly x: NdArray
  /** [horizon, targets] */
  readonly y: NdArray
}

/**
 * Windows of a series in time: x the known steps, y those to forecast. series: a table of numbers, [T], or [T, features].
 *
 * With the borders of a split, `range: [borders[0], borders[1]]` gives the windows that forecast the validation part,
 * the first of which look back into the training part. Errors: `shape-mismatch`, `value-invalid`.
 */
export function slidingWindows(series: Table | NdArray, options: WindowOptions): Samples<Window> {
  const { input, horizon = 1, stride = 1, target, range } = options
  checkWhole('slidingWindows: input', input, 1)
  checkWhole('slidingWindows: horizon', horizon, 1)
  checkWhole('slidingWindows: stride', stride, 1)
  const { data, length, features, names } = valuesOf(series)
  const targets = targetsOf(target, features, names)
  const first = Math.max(input, checkWhole('slidingWindows: range', range?.[0] ?? 0, 0))
  const end = Math.min(length, checkWhole('slidingWindows: range', range?.[1] ?? length, 0))
  const count = Math.floor((end - first - horizon) / stride) + 1
  if (count < 1) {
    fail('shape-mismatch', {
      op: 'slidingWindows',
      received: `${length} steps${range ? `, and a range of ${range[0]} to ${range[1]}` : ''}`,
      expected: `room for ${input} known steps and ${horizon} to forecast`,
      fix: 'Use shorter windows, or more data.',
    })
  }
  return from({
    length: count,
    at: (position: number): Window => {
      const middle = first + position * stride
      const x = Float32Array.from(data.subarray((middle - input) * features, middle * features))
      const y = new Float32Array(horizon * targets.length)
      for (let t = 0; t < horizon; t++) {
        for (const [j, feature] of targets.entries())
          y[t * targets.length + j] = data[(middle + t) * features + feature]
      }
      return { x: { data: x, shape: [input, features] }, y: { data: y, shape: [horizon, targets.length] } }
    },
  })
}

interface Values {
  readonly data: NdArray['data']
  readonly length: number
  readonly features: number
  readonly names: readonly string[]
}

function valuesOf(series: Table | NdArray): Values {
  if (series instanceof Table) {
    const { names, length } = series
    const data = new Float32Array(length * names.length)
    for (const [j, name] of names.entries()) {
      const column = series.numbers(name)
      for (let i = 0; i < length; i++) data[i * names.length + j] = column[i]
    }
    const at = data.findIndex((value) => !Number.isFinite(value))
    if (at >= 0) {
      fail('value-invalid', {
        what: series.placeOf(Math.floor(at / names.length), names[at % names.length]),
        received: 'a missing value',
        expected: 'a number at every step',
        fix: 'Fill it in first (data.imputer).',
      })
    }
    return { data, length, features: names.length, names }
  }
  if (!isNdArray(series) || series.shape.length < 1 || series.shape.length > 2) {
    const received = isNdArray(series) ? `[${series.shape.join(', ')}]` : typeof series
    const expected = 'a table, or { data, shape: [steps, features] }'
    return fail('shape-mismatch', { op: 'slidingWindows', received, expected, fix: 'Reshape the series.' })
  }
  const [length, features = 1] = series.shape
  return { data: series.data, length, features, names: [] }
}

function targetsOf(target: WindowOptions['target'], features: number, names: readonly string[]): number[] {
  if (target === undefined) return Array.from({ length: features }, (_, i) => i)
  const list = Array.isArray(target) ? (target as readonly (string | number)[]) : [target as string | number]
  return list.map((one) => {
    const at = typeof one === 'string' ? names.indexOf(one) : one
    if (Number.isInteger(at) && at >= 0 && at < features) return at
    const expected = names.length > 0 ? `one of ${names.join(', ')}` : `0 to ${features - 1}`
    return fail('value-invalid', { what: 'slidingWindows: target', received: String(one), expected, fix: 'Check it.' })
  })
}

export interface TokenWindowOptions {
  /** Tokens of a window. */
  readonly length: number
  /** Tokens from one window to the next; default `length`: each is read once. */
  readonly stride?: number
}

export interface TokenWindow {
  /** int32 [length] */
  readonly x: Int32Array
  /** int32 [length]: the tokens one step later. */
  readonly y: Int32Array
}

/** Windows of a text for learning to write it: y is x one token later. Errors: `shape-mismatch`, `value-invalid`. */
export function tokenWindows(
  tokens: ArrayLike<number>,
  { length, stride = length }: TokenWindowOptions,
): Samples<TokenWindow> {
  checkWhole('tokenWindows: length', length, 1)
  checkWhole('tokenWindows: stride', stride, 1)
  const all = tokens instanceof Int32Array ? tokens : Int32Array.from(tokens)
  const count = Math.floor((all.length - length - 1) / stride) + 1
  if (count < 1) {
    const received = `${all.length} tokens`
    const expected = `at least ${length + 1}`
    fail('shape-mismatch', { op: 'tokenWindows', received, expected, fix: 'Use shorter windows, or more text.' })
  }
  return from({
    length: count,
    at: (position: number): TokenWindow => {
      const start = position * stride
      return { x: all.slice(start, start + length), y: all.slice(start + 1, start + length + 1) }
    },
  })
}
