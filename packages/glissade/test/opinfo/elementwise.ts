/**
 * Rows of the elementwise functions. Each says what it means by a JavaScript function of numbers.
 */
import type { ErrorCode } from '../../src/errors.ts'
import * as derived from '../../src/ops/derived/elementwise.ts'
import type { Shape } from '../../src/shape.ts'
import type { Tensor, TensorLike } from '../../src/tensor.ts'
import {
  approximated,
  type BadCall,
  type DrawOptions,
  draw,
  dummy,
  elementwise,
  exact,
  type HostArray,
  host,
  type Row,
  rounded,
  type Sample,
  type Tolerance,
} from './common.ts'

const functions = { ...derived }

const { NaN: nan, POSITIVE_INFINITY: inf } = Number
const least = -(2 ** 31)
const most = 2 ** 31 - 1

const specials = [nan, inf, -inf, 0, -0, 1, -1, 0.5, -2.5, 1e-30, -1e-30, 1e30, -1e30]
/** Sines of huge angles depend on digits that float32 does not have. */
const angles = [nan, inf, -inf, 0, -0, 1, -1, 0.5, -2.5, 1e-30]
const wholes = [0, 1, -1, 2, -2, 7, -7, 100, 46341, most, least, least + 1]

/** A scalar, a vector that fills no register, several axes, nothing, nothing in the midst. */
const unaryShapes: readonly Shape[] = [[], [37], [2, 3, 4], [0], [3, 0, 2]]
const pairs: readonly (readonly [Shape, Shape])[] = [
  [[], []],
  [[37], [37]],
  [
    [4, 1, 3],
    [2, 1],
  ],
  [[3], []],
  [[], [2, 3]],
  [[0], [1]],
  [
    [2, 0, 3],
    [1, 3],
  ],
]

interface UnaryOptions extends DrawOptions {
  readonly tolerance: Tolerance
  readonly order: 0 | 1 | 2
  readonly special?: readonly number[]
  /** A range in which the values are compared, but no finite differences taken. */
  readonly wide?: DrawOptions
  /** What it does to int32; `undefined` where it takes them as float32. */
  readonly whole?: (x: number) => number
  readonly bool?: boolean
  /** Beyond those: input and result, by hand. */
  readonly known?: readonly (readonly [x: number, y: number])[]
  readonly errors?: readonly BadCall[]
}

type UnaryName = {
  [K in keyof typeof functions]: (typeof functions)[K] extends (x: Tensor) => Tensor ? K : never
}[keyof typeof functions]

function unary(op: UnaryName, fn: (x: number) => number, options: UnaryOptions): Row {
  const call = functions[op] as (x: Tensor) => Tensor
  const { tolerance, order } = options
  const build = ([x]: Tensor[]): Tensor => call(x)
  const sample = (name: string, input: HostArray, at: 0 | 1 | 2, f = fn, t = tolerance): Sample => ({
    name,
    inputs: [input],
    build,
    expected: elementwise(f),
    tolerance: t,
    order: at,
  })
  const samples = options.bool
    ? unaryShapes.map((shape) => sample(`bool [${shape}]`, draw(shape, { dtype: 'bool' }), 0))
    : [
        ...unaryShapes.map((shape, seed) => sample(`[${shape}]`, draw(shape, { seed: seed + 1, ...options }), order)),
        sample('special numbers', host(options.special ?? specials), 0),
        options.whole
          ? sample('int32', host(wholes, [wholes.length], 'int32'), 0, options.whole, exact)
          : sample('int32 as float32', host([1, 0, 1, 1], [2, 2], 'int32'), 0),
      ]
  if (options.wide) samples.push(sample('wide', draw([101], options.wide), 0))
  if (options.known) {
    const known = new Map(options.known.map(([x, y]) => [Math.fround(x), y]))
    samples.push(sample('known values', host([...known.keys()]), 0, (x) => known.get(x) ?? nan))
  }
  return { op, samples, errors: options.errors ?? [] }
}

interface BinaryOptions {
  readonly tolerance: Tolerance
  readonly order: 0 | 1 | 2
  readonly left?: DrawOptions
  readonly right?: DrawOptions
  readonly special?: readonly number[]
  readonly whole?: (a: number, b: number) => number
  /** Only for int32 and bool. */
  readonly integral?: boolean
  readonly number?: number
  readonly errors?: readonly BadCall[]
}

type BinaryName = {
  [K in keyof typeof functions]: (typeof functions)[K] extends (a: Tensor, b: TensorLike) => Tensor ? K : never
}[keyof typeof functions]

function binary(op: BinaryName, fn: (a: number, b: number) => number, options: BinaryOptions): Row {
  const call = functions[op] as (a: Tensor, b: TensorLike) => Tensor
  const { tolerance, order, special = specials, number = 1.5 } = options
  const sample = (
    name: string,
    inputs: readonly HostArray[],
    at: 0 | 1 | 2,
    f: (...x: number[]) => number = fn,
    build = ([a, b]: Tensor[]): Tensor => call(a, b),
  ): Sample => ({
    name,
    inputs,
    build,
    expected: elementwise(f),
    tolerance: inputs[0].dtype === 'float32' ? tolerance : exact,
    order: at,
  })
  const floats: Sample[] = options.integral
    ? []
    : [
        ...pairs.map(([a, b], i) =>
          sample(
            `[${a}] and [${b}]`,
            [draw(a, { seed: i + 1, ...options.left }), draw(b, { seed: i + 91, ...options.right })],
            order,
          ),
        ),
        sample(
          'with a number',
          [draw([2, 3], { seed: 8, ...options.left })],
          order,
          (a) => fn(a, number),
          ([a]) => call(a, number),
        ),
        sample('special numbers', cross(special, 'float32'), 0),
      ]
  const { whole } = options
  const ints: Sample[] = whole
    ? [
        sample('int32', cross(wholes, 'int32'), 0, whole),
        sample(
          'int32 with a number',
          [host(wholes, [wholes.length], 'int32')],
          0,
          (a) => whole(a, 3),
          ([a]) => call(a, 3),
        ),
      ]
    : []
  const mismatched: BadCall = {
    name: 'shapes that do not fit',
    code: 'shape-broadcast',
    call: () =>
      call(dummy([2, 3], options.integral ? 'int32' : 'float32'), dummy([4], options.integral ? 'int32' : 'float32')),
  }
  return { op, samples: [...floats, ...ints], errors: [mismatched, ...(options.errors ?? [])] }
}

/** Each of the values with each. */
function cross(values: readonly number[], dtype: 'float32' | 'int32'): HostArray[] {
  return [
    host(
      values.flatMap((value) => values.map(() => value)),
      undefined,
      dtype,
    ),
    host(
      values.flatMap(() => values),
      undefined,
      dtype,
    ),
  ]
}

const refuses = (name: string, code: ErrorCode, call: () => unknown): BadCall => ({ name, code, call })
const noBool = (op: 'neg' | 'abs' | 'sign'): BadCall =>
  refuses('bool', 'dtype-mismatch', () => functions[op](dummy([2], 'bool')))
const noBools = (op: 'add' | 'sub' | 'mul' | 'floorDiv' | 'mod' | 'maximum' | 'minimum'): BadCall =>
  refuses('two bools', 'dtype-mismatch', () => functions[op](dummy([2], 'bool'), dummy([2], 'bool')))
const noFloats = (op: 'and' | 'or' | 'xor' | 'shiftLeft' | 'shiftRight'): BadCall =>
  refuses('floats', 'dtype-mismatch', () => functions[op](dummy([2]), dummy([2])))

const away = (x: number): boolean => Math.abs(x) > 0.1
const offWhole = (x: number): boolean => Math.abs(x - Math.round(x)) > 0.05
const positive: DrawOptions = { low: 0.2, high: 4 }

/** erf by Simpson's rule on its integral. */
function erfByIntegral(x: number): number {
  if (!Number.isFinite(x) || Math.abs(x) > 7) return Number.isNaN(x) ? nan : Math.sign(x)
  const steps = 2000
  const h = x / steps
  let total = 0
  for (let i = 0; i <= steps; i++)
    total += (i === 0 || i === steps ? 1 : i % 2 === 0 ? 2 : 4) * Math.exp(-((i * h) ** 2))
  return ((2 / Math.sqrt(Math.PI)) * total * h) / 3
}

/** Away from whole quotients, and exact at the special ones. */
const quotients = {
  left: { low: -4, high: 4, keep: offWhole },
  right: { low: 1, high: 1.0001, keep: (): boolean => true },
}
const divisible = [0, 1, -1, 0.5, -0.5, 2, -2, 7.5, -7.5]
const remainder = (a: number, b: number): number => a - b * Math.floor(a / b)

const truth =
  (test: (a: number, b: number) => boolean): ((a: number, b: number) => number) =>
  (a, b) =>
    Number(test(a, b))
const compared = (op: 'lt' | 'le' | 'gt' | 'ge' | 'eq' | 'ne', test: (a: number, b: number) => boolean): Row => {
  const row = binary(op, truth(test), { tolerance: exact, order: 0, whole: truth(test) })
  const bools: Sample = {
    name: 'bool',
    inputs: [host([0, 0, 1, 1], [4], 'bool'), host([0, 1, 0, 1], [4], 'bool')],
    build: ([a, b]) => functions[op](a, b),
    expected: elementwise(truth(test)),
    tolerance: exact,
    order: 0,
  }
  return { ...row, samples: [...row.samples, bools] }
}
const logical = (op: 'and' | 'or' | 'xor', fn: (a: number, b: number) => number): Row => {
  const row = binary(op, fn, { tolerance: exact, order: 0, integral: true, whole: fn, errors: [noFloats(op)] })
  const bools: Sample = {
    ...row.samples[0],
    name: 'bool',
    inputs: [host([0, 0, 1, 1], [4], 'bool'), host([0, 1, 0, 1], [4], 'bool')],
  }
  return { ...row, samples: [...row.samples, bools] }
}

const casts: Row[] = (['float32', 'int32', 'bool', 'float64'] as const).map((to) => {
  const convert = (x: number): number => {
    if (to === 'bool') return Number(x !== 0)
    if (to !== 'int32') return x
    return Number.isNaN(x) ? 0 : Math.min(most, Math.max(least, Math.trunc(x)))
  }
  const from = [
    host([1.5, -1.5, 0.25, -0.75, 2, 0, nan, 3e9, -3e9, inf]),
    host([0, 1, -1, 77, -5], [5], 'int32'),
    host([1, 0, 1], [3], 'bool'),
    host([], [0]),
  ]
  return {
    op: `castTo${to[0].toUpperCase()}${to.slice(1)}`,
    samples: from.map((input) => ({
      name: `${input.dtype} to ${to}`,
      inputs: [input],
      build: ([x]: Tensor[]) => x.cast(to),
      expected: elementwise(convert),
      tolerance: exact,
      order: 0 as const,
    })),
    errors: [],
  }
})

const wheres: readonly (readonly [Shape, Shape, Shape])[] = [
  [[], [], []],
  [[37], [37], [37]],
  [[2, 1], [3], [4, 1, 1]],
  [[3], [], [0, 3]],
]
const choose = (c: number, a: number, b: number): number => (c !== 0 ? a : b)

/** The powers that are multiplied out or become roots. */
const powers: Sample[] = [0, 1, 2, 3, 4, 7, 8, -1, -2, -3, 0.5, -0.5, 2.5].map((exponent) => ({
  name: `exponent ${exponent}`,
  inputs: [draw([2, 7], { low: 0.5, high: 1.5, seed: 5 })],
  build: ([x]) => functions.pow(x, exponent),
  expected: elementwise((x) => x ** exponent),
  tolerance: {
    relative: 1e-5,
    absolute: 1e-6,
    reason: 'exp of a product with log, whose error the exponent magnifies',
  },
  order: exponent === 0 ? 0 : 2,
}))

const cube: Sample = {
  name: 'int32, exponent 3',
  inputs: [host([0, 1, -2, 5, 1291], [5], 'int32')],
  build: ([x]) => functions.pow(x, 3),
  expected: elementwise((x) => Math.imul(Math.imul(x, x), x)),
  tolerance: exact,
  order: 0,
}
const base: Sample = {
  name: 'a number to the power of a tensor',
  inputs: [draw([7], { seed: 4 })],
  build: ([x]) => functions.pow(2.5, x),
  expected: elementwise((x) => 2.5 ** x),
  tolerance: { relative: 1e-5, absolute: 1e-6, reason: 'exp of a product with log' },
  order: 2,
}

export const elementwiseRows: readonly Row[] = [
  unary('neg', (x) => -x, { tolerance: exact, order: 2, whole: (x) => -x | 0, errors: [noBool('neg')] }),
  unary('abs', Math.abs, {
    tolerance: exact,
    order: 2,
    keep: away,
    whole: (x) => Math.abs(x) | 0,
    errors: [noBool('abs')],
  }),
  unary('sign', Math.sign, { tolerance: exact, order: 1, keep: away, whole: Math.sign, errors: [noBool('sign')] }),
  unary('square', (x) => x * x, { tolerance: rounded, order: 2, whole: (x) => Math.imul(x, x) }),
  unary('sqrt', Math.sqrt, { tolerance: rounded, order: 2, ...positive }),
  unary('rsqrt', (x) => 1 / Math.sqrt(x), {
    tolerance: rounded,
    order: 2,
    ...positive,
    special: specials.filter((x) => Math.abs(x) !== 1e-30),
  }),
  unary('reciprocal', (x) => 1 / x, { tolerance: rounded, order: 2, keep: away }),
  unary('exp', Math.exp, { tolerance: approximated, order: 2, wide: { low: -87, high: 88 } }),
  unary('exp2', (x) => 2 ** x, {
    tolerance: { ...approximated, relative: 1e-5 },
    order: 2,
    wide: { low: -30, high: 30 },
  }),
  unary('expm1', Math.expm1, {
    tolerance: { ...approximated, absolute: 1e-37 },
    order: 2,
    wide: { low: -20, high: 80 },
    known: [[1e-6, Math.expm1(Math.fround(1e-6))]],
  }),
  unary('log', Math.log, { tolerance: approximated, order: 2, ...positive, wide: { low: 1e-6, high: 1e6 } }),
  unary('log2', Math.log2, { tolerance: approximated, order: 2, ...positive, wide: { low: 1e-6, high: 1e6 } }),
  unary('log1p', Math.log1p, {
    tolerance: { ...approximated, absolute: 1e-37 },
    order: 2,
    low: -0.8,
    high: 3,
    wide: { low: -1e-3, high: 1e-3 },
  }),
  unary('sin', Math.sin, { tolerance: approximated, order: 2, special: angles, wide: { low: -100, high: 100 } }),
  unary('cos', Math.cos, { tolerance: approximated, order: 2, special: angles, wide: { low: -100, high: 100 } }),
  unary('tan', Math.tan, {
    tolerance: { ...approximated, relative: 1e-5 },
    order: 2,
    low: -1.3,
    high: 1.3,
    special: angles,
  }),
  unary('asin', Math.asin, { tolerance: approximated, order: 2, low: -0.95, high: 0.95 }),
  unary('acos', Math.acos, { tolerance: approximated, order: 2, low: -0.95, high: 0.95 }),
  unary('atan', Math.atan, { tolerance: approximated, order: 2, wide: { low: -50, high: 50 } }),
  unary('sinh', Math.sinh, { tolerance: approximated, order: 2, wide: { low: -30, high: 30 } }),
  unary('cosh', Math.cosh, { tolerance: approximated, order: 2, wide: { low: -30, high: 30 } }),
  unary('tanh', Math.tanh, { tolerance: approximated, order: 2, wide: { low: -20, high: 20 } }),
  unary('erf', erfByIntegral, {
    tolerance: approximated,
    order: 2,
    wide: { low: -5, high: 5 },
    known: [
      [0.5, 0.5204998778130465],
      [-1, -0.8427007929497149],
      [3, 0.9999779095030014],
    ],
  }),
  unary('floor', Math.floor, { tolerance: exact, order: 1, keep: offWhole, whole: (x) => x }),
  unary('ceil', Math.ceil, { tolerance: exact, order: 1, keep: offWhole, whole: (x) => x }),
  unary('round', Math.round, {
    tolerance: exact,
    order: 1,
    keep: (x) => offWhole(x + 0.5),
    whole: (x) => x,
    special: [nan, inf, -inf, 0, -0, 1, -1, 1e30, -1e30, 8388609, -16777217],
    known: [
      [-2.5, -2],
      [-1.5, -2],
      [-0.5, 0],
      [0.5, 0],
      [1.5, 2],
      [2.5, 2],
      [3.5, 4],
      [0.49999997, 0],
    ],
  }),
  unary('trunc', Math.trunc, { tolerance: exact, order: 1, keep: offWhole, whole: (x) => x }),
  unary('relu', (x) => Math.max(0, x), { tolerance: exact, order: 2, keep: away, whole: (x) => Math.max(0, x) }),
  unary('sigmoid', (x) => 1 / (1 + Math.exp(-x)), {
    tolerance: { ...approximated, absolute: 1e-37 },
    order: 2,
    wide: { low: -85, high: 85 },
  }),
  unary('isNaN', (x) => Number(Number.isNaN(x)), { tolerance: exact, order: 0, whole: () => 0 }),
  unary('isFinite', (x) => Number(Number.isFinite(x)), { tolerance: exact, order: 0, whole: () => 1 }),
  unary('not', (x) => Number(x === 0), {
    tolerance: exact,
    order: 0,
    bool: true,
    errors: [refuses('floats', 'dtype-mismatch', () => functions.not(dummy([2])))],
  }),
  unary('stopGradient', (x) => x, { tolerance: exact, order: 0, whole: (x) => x }),

  binary('add', (a, b) => a + b, {
    tolerance: rounded,
    order: 2,
    whole: (a, b) => (a + b) | 0,
    errors: [noBools('add')],
  }),
  binary('sub', (a, b) => a - b, {
    tolerance: rounded,
    order: 2,
    whole: (a, b) => (a - b) | 0,
    errors: [noBools('sub')],
  }),
  binary('mul', (a, b) => a * b, { tolerance: rounded, order: 2, whole: Math.imul, errors: [noBools('mul')] }),
  binary('div', (a, b) => a / b, { tolerance: rounded, order: 2, right: { keep: away } }),
  binary('floorDiv', (a, b) => Math.floor(a / b), {
    tolerance: exact,
    order: 1,
    ...quotients,
    number: 0.5,
    special: divisible.filter((x) => x !== 0),
    whole: (a, b) => (b === 0 ? 0 : Math.floor(a / b) | 0),
    errors: [noBools('floorDiv')],
  }),
  binary('mod', remainder, {
    tolerance: approximated,
    order: 1,
    ...quotients,
    number: 2,
    special: divisible.filter((x) => x !== 0),
    whole: (a, b) => (b === 0 ? 0 : remainder(a, b)),
    errors: [noBools('mod')],
  }),
  ((): Row => {
    const power = (a: number, b: number): number => (a === 1 || (a === -1 && Math.abs(b) === inf) ? 1 : a ** b)
    const row = binary('pow', power, {
      tolerance: {
        relative: 1e-5,
        absolute: 1e-6,
        reason: 'exp of a product with log, whose error the exponent magnifies',
      },
      order: 2,
      left: positive,
      special: [nan, inf, -inf, 0, 1, -1, 2, 0.5, -2, 3],
    })
    return { ...row, samples: [...row.samples, ...powers, cube, base] }
  })(),
  binary('maximum', Math.max, { tolerance: exact, order: 2, whole: Math.max, errors: [noBools('maximum')] }),
  binary('minimum', Math.min, { tolerance: exact, order: 2, whole: Math.min, errors: [noBools('minimum')] }),
  compared('lt', (a, b) => a < b),
  compared('le', (a, b) => a <= b),
  compared('gt', (a, b) => a > b),
  compared('ge', (a, b) => a >= b),
  compared('eq', (a, b) => a === b),
  compared('ne', (a, b) => a !== b),
  logical('and', (a, b) => a & b),
  logical('or', (a, b) => a | b),
  logical('xor', (a, b) => a ^ b),
  ...(['shiftLeft', 'shiftRight'] as const).map((op): Row => {
    const shift = (a: number, b: number): number => (op === 'shiftLeft' ? a << b : (a >>> b) | 0)
    return {
      op,
      samples: [0, 1, 7, 31].map((places) => ({
        name: `by ${places}`,
        inputs: [host(wholes, undefined, 'int32')],
        build: ([a]) => functions[op](a, places),
        expected: elementwise((a) => shift(a, places)),
        tolerance: exact,
        order: 0,
      })),
      errors: [noFloats(op)],
    }
  }),

  {
    op: 'where',
    samples: [
      ...wheres.map(
        ([c, a, b], i): Sample => ({
          name: `[${c}] ? [${a}] : [${b}]`,
          inputs: [draw(c, { dtype: 'bool', seed: i }), draw(a, { seed: i + 20 }), draw(b, { seed: i + 40 })],
          build: ([condition, x, y]) => functions.where(condition, x, y),
          expected: elementwise(choose),
          tolerance: exact,
          order: 2,
        }),
      ),
      {
        name: 'NaN that is not chosen, and numbers',
        inputs: [host([1, 0, 1], [3], 'bool'), host([1, nan, inf])],
        build: ([condition, x]) => functions.where(condition, x, 7),
        expected: elementwise((c, x) => choose(c, x, 7)),
        tolerance: exact,
        order: 0,
      },
      {
        name: 'int32',
        inputs: [host([1, 0, 1], [3], 'bool'), host([1, 2, most], [3], 'int32')],
        build: ([condition, x]) => functions.where(condition, x, -1),
        expected: elementwise((c, x) => choose(c, x, -1)),
        tolerance: exact,
        order: 0,
      },
    ],
    errors: [
      refuses('a condition that is no bool', 'dtype-mismatch', () => functions.where(dummy([2]), dummy([2]), 0)),
      refuses('shapes that do not fit', 'shape-broadcast', () => functions.where(dummy([3], 'bool'), dummy([2]), 0)),
    ],
  },
  {
    op: 'clip',
    samples: [
      {
        name: 'between numbers',
        inputs: [draw([3, 7], { seed: 3, keep: (x) => Math.abs(Math.abs(x) - 1) > 0.05 })],
        build: ([x]) => functions.clip(x, -1, 1),
        expected: elementwise((x) => Math.min(1, Math.max(-1, x))),
        tolerance: exact,
        order: 2,
      },
      {
        name: 'from below only',
        inputs: [host([nan, inf, -inf, 0, 3])],
        build: ([x]) => functions.clip(x, 1, inf),
        expected: elementwise((x) => Math.max(1, x)),
        tolerance: exact,
        order: 0,
      },
      {
        name: 'between tensors',
        inputs: [
          draw([4], { seed: 9 }),
          draw([], { seed: 10, low: -1, high: -0.5 }),
          draw([2, 1], { seed: 11, low: 0.5, high: 1 }),
        ],
        build: ([x, low, high]) => functions.clip(x, low, high),
        expected: elementwise((x, low, high) => Math.min(high, Math.max(low, x))),
        tolerance: exact,
        order: 2,
      },
    ],
    errors: [refuses('shapes that do not fit', 'shape-broadcast', () => functions.clip(dummy([3]), dummy([2]), 1))],
  },
  ...casts,
  { op: 'cast', samples: casts.flatMap(({ samples }) => samples.slice(0, 2)), errors: [] },
]
