/**
 * Rows of the reductions and what is made of them.
 */
import * as derived from '../../src/ops/derived/reduce.ts'
import type { Shape } from '../../src/shape.ts'
import type { Axes, ReduceOptions, Tensor } from '../../src/tensor.ts'
import {
  approximated,
  at,
  type BadCall,
  type DrawOptions,
  distinct,
  draw,
  dummy,
  exact,
  foldAxes,
  type HostArray,
  host,
  type Nd,
  nd,
  type Row,
  type Sample,
  summed,
  type Tolerance,
} from './common.ts'

const functions = { ...derived }

const { NaN: nan, POSITIVE_INFINITY: inf } = Number

/** Shapes, and the axes to reduce: none named, one, several, negative, of size 1, empty ones. */
const cases: readonly { shape: Shape; axes?: Axes; keepDims?: boolean }[] = [
  { shape: [] },
  { shape: [37] },
  { shape: [3, 4, 5] },
  { shape: [3, 4, 5], axes: 1 },
  { shape: [3, 4, 5], axes: [0, -1], keepDims: true },
  { shape: [2, 3, 37], axes: -1 },
  { shape: [33, 2], axes: 0, keepDims: true },
  { shape: [2, 1, 3], axes: [1] },
  { shape: [2, 3], axes: [] },
  { shape: [0, 3], axes: 0 },
  { shape: [3, 0, 2], axes: 2 },
  { shape: [2, 0] },
]
const axesOf = (shape: Shape, axes?: Axes): number[] =>
  axes === undefined
    ? shape.map((_, axis) => axis)
    : [axes].flat().map((axis) => (axis < 0 ? axis + shape.length : axis))

type Reduction = (x: Tensor, axes?: Axes, options?: ReduceOptions) => Tensor
interface Options {
  readonly tolerance: Tolerance
  readonly order: 0 | 1 | 2
  readonly input?: (shape: Shape) => HostArray
  /** An int32 sample, and what to expect of it. */
  readonly whole?: (x: readonly number[]) => number
  readonly extra?: readonly Sample[]
  readonly without?: (shape: Shape) => boolean
  readonly errors?: readonly BadCall[]
}

function reduction(op: string, call: Reduction, fold: (x: readonly number[]) => number, options: Options): Row {
  const { tolerance, order, input = (shape) => draw(shape, { seed: 3 }) } = options
  const make = (
    name: string,
    x: HostArray,
    axes: Axes | undefined,
    keepDims: boolean,
    by = fold,
    t = tolerance,
  ): Sample => {
    const expected = ([x0]: readonly HostArray[]): Nd => foldAxes(x0, axesOf(x0.shape, axes), keepDims, by)
    // There are no finite differences of what is not finite, such as the mean of nothing.
    const smooth = x.dtype === 'float32' && expected([x]).data.every(Number.isFinite)
    return {
      name,
      inputs: [x],
      build: ([t0]) => call(t0, axes, { keepDims }),
      expected,
      tolerance: t,
      order: smooth ? order : 0,
    }
  }
  const samples = cases
    .filter(({ shape }) => !options.without?.(shape))
    .map(({ shape, axes, keepDims = false }) =>
      make(
        `[${shape}] over ${axes === undefined ? 'all' : `[${axes}]`}${keepDims ? ', kept' : ''}`,
        input(shape),
        axes,
        keepDims,
      ),
    )
  samples.push(
    make('NaN and infinities', host([nan, 1, 2, inf, 3, 4, -inf, 5, 6, inf, -inf, 1, 0, 1, 2], [5, 3]), 1, false),
  )
  if (options.whole)
    samples.push(make('int32', draw([4, 9], { low: -50, high: 50, dtype: 'int32' }), 1, false, options.whole, exact))
  return {
    op,
    samples: [...samples, ...(options.extra ?? [])],
    errors: [
      { name: 'an axis that is not there', code: 'axis-range', call: () => call(dummy([2, 3]), 2) },
      { name: 'an axis twice', code: 'axis-repeated', call: () => call(dummy([2, 3]), [1, -1]) },
      ...(options.errors ?? []),
    ],
  }
}

const add = (x: readonly number[]): number => x.reduce((a, b) => a + b, 0)
const average = (x: readonly number[]): number => add(x) / x.length
const squares = (x: readonly number[], correction: number): number =>
  add(x.map((value) => (value - average(x)) ** 2)) / Math.max(0, x.length - correction)
const anyNaN = (x: readonly number[]): boolean => x.some(Number.isNaN)
const largest = (x: readonly number[]): number => (anyNaN(x) ? nan : Math.max(...x))
const smallest = (x: readonly number[]): number => (anyNaN(x) ? nan : Math.min(...x))

function logSumExp(x: readonly number[]): number {
  if (anyNaN(x)) return nan
  const top = Math.max(...x)
  return Number.isFinite(top) ? top + Math.log(add(x.map((value) => Math.exp(value - top)))) : top
}

const counted: Sample = {
  name: 'bool',
  inputs: [draw([3, 7], { dtype: 'bool', seed: 2 })],
  build: ([x]) => functions.sum(x, 1),
  expected: ([x]) => foldAxes(x, [1], false, add),
  tolerance: exact,
  order: 0,
}
const wrapped: Sample = {
  ...counted,
  name: 'int32 beyond 32 bits',
  inputs: [host([2 ** 31 - 1, 1, 5], [3], 'int32')],
  build: ([x]) => functions.sum(x),
  expected: () => ({ shape: [], data: [-(2 ** 31) + 5] }),
}
const withZeros = (zeros: number): Sample => ({
  name: `${zeros} zeros`,
  inputs: [host([2, ...new Array<number>(zeros).fill(0), -3, 0.5])],
  build: ([x]) => functions.prod(x),
  expected: ([x]) => ({ shape: [], data: [x.data.reduce((a, b) => a * b, 1)] }),
  tolerance: exact,
  order: 1,
})
const whole = (identity: number, fn: (a: number, b: number) => number): Sample => ({
  name: 'int32, empty',
  inputs: [host([], [0, 2], 'int32')],
  build: ([x]) => (fn === Math.max ? functions.max(x, 0) : functions.min(x, 0)),
  expected: () => ({ shape: [2], data: [identity, identity] }),
  tolerance: exact,
  order: 0,
})
const corrected = (op: 'variance' | 'std'): Sample => ({
  name: 'of a population',
  inputs: [draw([3, 5], { seed: 12 })],
  build: ([x]) => functions[op](x, 1, { correction: 0 }),
  expected: ([x]) =>
    foldAxes(x, [1], false, (values) => (op === 'std' ? Math.sqrt(squares(values, 0)) : squares(values, 0))),
  tolerance: summed,
  order: 2,
})
const truthInput = (shape: Shape): HostArray => draw(shape, { dtype: 'bool', seed: 4 })

// ---- along one axis ----

interface AlongOptions {
  readonly tolerance: Tolerance
  readonly order: 0 | 1 | 2
  readonly input?: DrawOptions & { distinct?: boolean }
  readonly extra?: readonly { name: string; x: HostArray; axis?: number }[]
  readonly folds?: boolean
  readonly errors?: readonly BadCall[]
  readonly emptyAxis?: boolean
}

/** A function of one axis: `rule` gives the new row (or, where it folds, one number in a list). */
function along(
  op: string,
  call: (x: Tensor, axis?: number) => Tensor,
  rule: (row: readonly number[]) => readonly number[],
  options: AlongOptions,
): Row {
  const shapes: readonly (readonly [Shape, number | undefined])[] = [
    [[37], undefined],
    [[3, 5], 0],
    [[2, 3, 4], 1],
    [[2, 3, 70], -1],
    [[4, 1], -1],
    [[0, 3], 1],
    ...(options.emptyAxis === false ? [] : [[[2, 0], 1] as const]),
  ]
  const expected = (x: Nd, axis: number): Nd => {
    const rows = new Map<string, readonly number[]>()
    const length = x.shape[axis]
    const shape = options.folds ? x.shape.filter((_, i) => i !== axis) : x.shape
    return nd(shape, (index) => {
      const before = index.slice(0, axis)
      const after = index.slice(options.folds ? axis : axis + 1)
      const key = `${before}|${after}`
      if (!rows.has(key)) rows.set(key, rule(Array.from({ length }, (_, i) => at(x, [...before, i, ...after]))))
      return (rows.get(key) as readonly number[])[options.folds ? 0 : index[axis]]
    })
  }
  const make = (name: string, x: HostArray, axis: number | undefined, order: 0 | 1 | 2): Sample => ({
    name,
    inputs: [x],
    build: ([t]) => call(t, axis),
    expected: ([x0]) => expected(x0, axis === undefined || axis < 0 ? x0.shape.length + (axis ?? -1) : axis),
    tolerance: x.dtype === 'float32' ? options.tolerance : exact,
    order,
  })
  return {
    op,
    samples: [
      ...shapes.map(([shape, axis], seed) =>
        make(
          `[${shape}] along ${axis ?? 'the last'}`,
          options.input?.distinct ? distinct(shape, seed) : draw(shape, { seed, ...options.input }),
          axis,
          options.order,
        ),
      ),
      ...(options.extra ?? []).map(({ name, x, axis }) => make(name, x, axis, 0)),
    ],
    errors: [
      { name: 'an axis that is not there', code: 'axis-range', call: () => call(dummy([2, 3]), 2) },
      { name: 'a scalar', code: 'axis-range', call: () => call(dummy([])) },
      ...(options.errors ?? []),
    ],
  }
}

const exps = (row: readonly number[]): number[] => {
  const top = Math.max(...row)
  return row.map((value) => Math.exp(value - (Number.isFinite(top) ? top : 0)))
}
const softmax = (row: readonly number[]): number[] => exps(row).map((e, _, all) => e / (add(all) || 1))
const masked = [
  { name: 'masked with -inf', x: host([0, -inf, 1, -inf, -inf, -inf, 2, 2, 2], [3, 3]) },
  { name: 'large numbers', x: host([1000, 1001, 999, -1000, -2000, -1000], [2, 3]) },
]
const emptyRow: BadCall = { name: 'an empty axis', code: 'value-invalid', call: () => functions.argMax(dummy([2, 0])) }
const ties = [
  { name: 'ties: the first', x: host([1, 3, 3, 2, 3, 3, 1, 1], [2, 4]) },
  { name: 'NaN', x: host([1, nan, 5, nan, inf, nan], [2, 3]) },
  { name: 'int32', x: host([5, -7, 5, -7], [4], 'int32') },
  { name: 'bool', x: host([0, 1, 1, 0], [4], 'bool') },
]
const running = (row: readonly number[]): number[] => row.map((_, i) => add(row.slice(0, i + 1)))

export const reduceRows: readonly Row[] = [
  reduction('sum', functions.sum, add, { tolerance: summed, order: 2, whole: add, extra: [counted, wrapped] }),
  reduction('mean', functions.mean, average, { tolerance: summed, order: 2 }),
  reduction('prod', functions.prod, (x) => x.reduce((a, b) => a * b, 1), {
    tolerance: summed,
    order: 2,
    input: (shape) => draw(shape, { low: 0.7, high: 1.4, seed: 3 }),
    whole: (x) => x.reduce(Math.imul, 1),
    extra: [0, 1, 2].map(withZeros),
  }),
  reduction('max', functions.max, largest, {
    tolerance: exact,
    order: 2,
    input: distinct,
    whole: largest,
    extra: [whole(-(2 ** 31), Math.max)],
  }),
  reduction('min', functions.min, smallest, {
    tolerance: exact,
    order: 2,
    input: distinct,
    whole: smallest,
    extra: [whole(2 ** 31 - 1, Math.min)],
  }),
  reduction('any', functions.any, (x) => Number(x.some((value) => value !== 0)), {
    tolerance: exact,
    order: 0,
    input: truthInput,
  }),
  reduction('all', functions.all, (x) => Number(x.every((value) => value !== 0)), {
    tolerance: exact,
    order: 0,
    input: truthInput,
  }),
  reduction('variance', functions.variance, (x) => squares(x, 1), {
    tolerance: summed,
    order: 2,
    extra: [corrected('variance')],
  }),
  reduction('std', functions.std, (x) => Math.sqrt(squares(x, 1)), {
    tolerance: summed,
    order: 2,
    // A single element has no deviation, and the root has no finite slope there.
    without: (shape) =>
      shape.length === 0 || shape.includes(1) || (shape[0] === 2 && shape[1] === 3 && shape.length === 2),
    extra: [corrected('std')],
  }),
  reduction('logSumExp', functions.logSumExp, logSumExp, { tolerance: approximated, order: 2 }),

  along('softmax', functions.softmax, softmax, { tolerance: approximated, order: 2, extra: masked }),
  along(
    'logSoftmax',
    functions.logSoftmax,
    (row) => row.map((value) => value - (Number.isFinite(logSumExp(row)) ? logSumExp(row) : 0)),
    { tolerance: approximated, order: 2, extra: masked },
  ),
  along(
    'argMax',
    functions.argMax,
    (row) => [anyNaN(row) ? row.findIndex(Number.isNaN) : row.indexOf(Math.max(...row))],
    {
      tolerance: exact,
      order: 0,
      folds: true,
      input: { distinct: true },
      extra: ties,
      emptyAxis: false,
      errors: [emptyRow],
    },
  ),
  along(
    'argMin',
    functions.argMin,
    (row) => [anyNaN(row) ? row.findIndex(Number.isNaN) : row.indexOf(Math.min(...row))],
    {
      tolerance: exact,
      order: 0,
      folds: true,
      input: { distinct: true },
      extra: ties,
      emptyAxis: false,
      errors: [{ ...emptyRow, call: () => functions.argMin(dummy([2, 0])) }],
    },
  ),
  along('cumsum', functions.cumsum, running, {
    tolerance: summed,
    order: 2,
    extra: [
      { name: 'int32', x: draw([3, 5], { low: -9, high: 9, dtype: 'int32' }) },
      { name: 'bool', x: draw([7], { dtype: 'bool' }) },
      { name: 'NaN', x: host([1, nan, 2]) },
    ],
  }),
]
