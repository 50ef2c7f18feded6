/**
 * Rows of what works on axes in space: pooling by windows, adaptive pooling, resizing, margins filled from the inside.
 * Expectations follow the definitions element by element.
 */
import * as adaptive from '../../src/ops/derived/adaptive.ts'
import * as margins from '../../src/ops/derived/margins.ts'
import * as pooling from '../../src/ops/derived/pool.ts'
import * as resize from '../../src/ops/derived/resize.ts'
import type { Shape } from '../../src/shape.ts'
import type { Tensor } from '../../src/tensor.ts'
import {
  at,
  type BadCall,
  distinct,
  draw,
  dummy,
  exact,
  host,
  indices,
  type Nd,
  nd,
  type Row,
  type Sample,
  summed,
} from './common.ts'

// ---- pooling, by its definition ----

interface Pool {
  readonly x: Shape
  readonly size: number
  readonly stride?: number
  readonly padding?: number
  readonly countIncludePad?: boolean
  readonly ceilMode?: boolean
  readonly dilation?: number
  readonly divisorOverride?: number
}
const pools: readonly Pool[] = [
  { x: [2, 3, 8], size: 2 },
  { x: [1, 2, 9], size: 3, stride: 2, padding: 1 },
  { x: [1, 2, 6, 6], size: 2 },
  { x: [1, 2, 7, 5], size: 2 },
  { x: [2, 1, 7, 6], size: 3, stride: 2, padding: 1 },
  { x: [2, 1, 7, 6], size: 3, stride: 2, padding: 1, countIncludePad: false },
  { x: [1, 1, 5, 5], size: 2, stride: 1 },
  { x: [1, 1, 7, 7], size: 2, stride: 3 },
  { x: [0, 2, 4, 4], size: 2 },
  { x: [1, 1, 4, 5, 4], size: 2 },
  { x: [1, 1, 5, 4, 5], size: 3, stride: 2, padding: 1 },
  { x: [1, 2, 8], size: 3, stride: 2, ceilMode: true },
  { x: [1, 1, 2], size: 3, ceilMode: true },
  { x: [1, 2, 11], size: 3, stride: 2, padding: 1, dilation: 2 },
  { x: [1, 1, 6, 8], size: 3, stride: 2, padding: 1, ceilMode: true },
  { x: [1, 1, 6, 8], size: 3, stride: 2, padding: 1, ceilMode: true, countIncludePad: false },
  { x: [1, 1, 5, 5], size: 2, stride: 3, padding: 1, ceilMode: true },
  { x: [1, 1, 12, 11], size: 5, stride: 2, padding: 2, dilation: 2, ceilMode: true },
  { x: [1, 1, 4, 4], size: 2, stride: 1, divisorOverride: 3 },
  { x: [1, 1, 4, 3, 5], size: 2, ceilMode: true },
]

function pooled(x: Nd, pool: Pool, kind: 'max' | 'avg'): Nd {
  const { size, stride = size, padding = 0, countIncludePad = true, ceilMode = false, dilation = 1 } = pool
  const lead = x.shape.slice(0, 2)
  const reach = (size - 1) * dilation + 1
  const space = x.shape.slice(2).map((n) => {
    // A window more begins where there is still an element or its padding in front.
    let count = 0
    while (
      ceilMode
        ? count * stride < n + padding && (count - 1) * stride + reach < n + 2 * padding
        : count * stride + reach <= n + 2 * padding
    )
      count++
    return count
  })
  return nd([...lead, ...space], ([b, c, ...place]) => {
    const found: number[] = []
    let counted = 0
    for (const offset of indices(space.map(() => size))) {
      const from = place.map((p, i) => p * stride + offset[i] * dilation - padding)
      if (from.every((p, i) => p < x.shape[i + 2] + padding)) counted++
      if (from.every((p, i) => p >= 0 && p < x.shape[i + 2])) found.push(at(x, [b, c, ...from]))
    }
    if (kind === 'max') return found.some(Number.isNaN) ? Number.NaN : Math.max(...found)
    const total = found.reduce((sum, value) => sum + value, 0)
    return total / (pool.divisorOverride ?? (countIncludePad ? counted : found.length))
  })
}

const maxPools = [pooling.maxPool1d, pooling.maxPool2d, pooling.maxPool3d] as const
const avgPools = [pooling.avgPool1d, pooling.avgPool2d, pooling.avgPool3d] as const
const poolRows = [1, 2, 3].flatMap((rank): Row[] => {
  const own = pools.filter(({ x }) => x.length === rank + 2)
  const name = ({ x, ...options }: Pool): string => `[${x}] ${JSON.stringify(options)}`
  const small = new Array<number>(rank + 2).fill(1)
  const errors = (call: (x: Tensor, size: number, options?: pooling.PoolOptions) => Tensor): Row['errors'] => [
    { name: 'a window larger than the input', code: 'shape-mismatch', call: () => call(dummy(small), 2) },
    {
      name: 'more padding than half a window',
      code: 'value-invalid',
      call: () => call(dummy(small), 2, { padding: 2 }),
    },
    { name: 'a window of 0', code: 'value-invalid', call: () => call(dummy(small), 0) },
  ]
  const special: Sample = {
    name: 'NaN and int32',
    inputs: [
      rank === 1
        ? host([1, Number.NaN, 3, 2], [1, 1, 4])
        : draw(new Array<number>(rank + 2).fill(4), { dtype: 'int32', low: -99, high: 99 }),
    ],
    build: ([x]) => maxPools[rank - 1](x, 2),
    expected: ([x]) => pooled(x, { x: x.shape, size: 2 }, 'max'),
    tolerance: exact,
    order: 0,
  }
  return [
    {
      op: `maxPool${rank}d`,
      samples: [
        ...own
          .filter(({ countIncludePad, divisorOverride }) => countIncludePad ?? divisorOverride === undefined)
          .map(
            (pool): Sample => ({
              name: name(pool),
              inputs: [distinct(pool.x, 3)],
              build: ([x]) => maxPools[rank - 1](x, pool.size, pool),
              expected: ([x]) => pooled(x, pool, 'max'),
              tolerance: exact,
              order: 2,
            }),
          ),
        special,
      ],
      errors: [
        ...errors(maxPools[rank - 1]),
        {
          name: 'a dilation of 0',
          code: 'value-invalid',
          call: () => maxPools[rank - 1](dummy(small), 1, { dilation: 0 }),
        },
      ],
    },
    {
      op: `avgPool${rank}d`,
      samples: own
        .filter(({ dilation }) => dilation === undefined)
        .map(
          (pool): Sample => ({
            name: name(pool),
            inputs: [draw(pool.x, { seed: 3 })],
            build: ([x]) => avgPools[rank - 1](x, pool.size, pool),
            expected: ([x]) => pooled(x, pool, 'avg'),
            tolerance: summed,
            order: 2,
          }),
        ),
      errors: [
        ...errors(avgPools[rank - 1]),
        {
          name: 'a divisor of 0',
          code: 'value-invalid',
          call: () => avgPools[rank - 1](dummy(small), 1, { divisorOverride: 0 }),
        },
      ],
    },
  ]
})

// ---- adaptive pooling, by its definition ----

const adaptives: readonly { x: Shape; size: adaptive.AdaptiveSize }[] = [
  { x: [2, 3, 7], size: 3 },
  { x: [1, 2, 3], size: 5 },
  { x: [1, 2, 6], size: 2 },
  { x: [0, 2, 5], size: 2 },
  { x: [2, 2, 6, 4], size: 2 },
  { x: [1, 2, 7, 5], size: [3, 2] },
  { x: [1, 2, 6, 5], size: [3, 2] },
  { x: [1, 2, 5, 6], size: [null, 4] },
  { x: [1, 1, 3, 4, 5], size: [2, 1, 3] },
]

function adapted(x: Nd, size: adaptive.AdaptiveSize, kind: 'max' | 'avg'): Nd {
  const inner = x.shape.slice(2)
  const sizes = inner.map((n, i) => (Array.isArray(size) ? size[i] : size) ?? n)
  return nd([...x.shape.slice(0, 2), ...sizes], ([b, c, ...place]) => {
    const found: number[] = []
    for (const from of indices(inner)) {
      const inside = from.every((p, i) => {
        const [start, end] = [place[i], place[i] + 1].map((o) => (o * inner[i]) / sizes[i])
        return p >= Math.floor(start) && p < Math.ceil(end)
      })
      if (inside) found.push(at(x, [b, c, ...from]))
    }
    if (kind === 'max') return found.some(Number.isNaN) ? Number.NaN : Math.max(...found)
    return found.reduce((sum, value) => sum + value, 0) / found.length
  })
}

const adaptiveMax = [adaptive.adaptiveMaxPool1d, adaptive.adaptiveMaxPool2d, adaptive.adaptiveMaxPool3d] as const
const adaptiveAvg = [adaptive.adaptiveAvgPool1d, adaptive.adaptiveAvgPool2d, adaptive.adaptiveAvgPool3d] as const

const adaptiveRows = [1, 2, 3].flatMap((rank): Row[] => {
  const own = adaptives.filter(({ x }) => x.length === rank + 2)
  const errors = (call: (x: Tensor, size: adaptive.AdaptiveSize) => Tensor): BadCall[] => [
    { name: 'no windows', code: 'value-invalid', call: () => call(dummy(new Array<number>(rank + 2).fill(3)), 0) },
    {
      name: 'too many sizes',
      code: 'value-invalid',
      call: () => call(dummy(new Array<number>(rank + 2).fill(3)), new Array<number>(rank + 1).fill(1)),
    },
    {
      name: 'an axis without elements',
      code: 'shape-mismatch',
      call: () => call(dummy([1, 1, ...new Array<number>(rank).fill(0)]), 1),
    },
    { name: 'too few axes', code: 'shape-mismatch', call: () => call(dummy(new Array<number>(rank - 1).fill(3)), 1) },
  ]
  const whole: Sample = {
    name: 'NaN and int32',
    inputs: [
      rank === 1
        ? host([1, Number.NaN, 3, 2, 5], [1, 1, 5])
        : draw(new Array<number>(rank + 2).fill(4), { dtype: 'int32', low: -99, high: 99 }),
    ],
    build: ([x]) => adaptiveMax[rank - 1](x, 3),
    expected: ([x]) => adapted(x, 3, 'max'),
    tolerance: exact,
    order: 0,
  }
  const samples = (kind: 'max' | 'avg'): Sample[] =>
    own.map(({ x: shape, size }) => ({
      name: `[${shape}] to ${JSON.stringify(size)}`,
      inputs: [kind === 'max' ? distinct(shape, 5) : draw(shape, { seed: 4 })],
      build: ([x]) => (kind === 'max' ? adaptiveMax : adaptiveAvg)[rank - 1](x, size),
      expected: ([x]) => adapted(x, size, kind),
      tolerance: kind === 'max' ? exact : summed,
      order: 2,
    }))
  return [
    {
      op: `adaptiveMaxPool${rank}d`,
      samples: [...samples('max'), whole],
      errors: errors(adaptiveMax[rank - 1]),
    },
    { op: `adaptiveAvgPool${rank}d`, samples: samples('avg'), errors: errors(adaptiveAvg[rank - 1]) },
  ]
})

// ---- resizing: each element of the result is a sum over all of the input's, weighed by a kernel of the distance ----

/** Distances are such that float32 holds the weights: they are stored with the program. */
const resizes: readonly { x: Shape; options: resize.InterpolateOptions }[] = [
  { x: [1, 2, 4], options: { scaleFactor: 2 } },
  { x: [1, 2, 3, 2], options: { scaleFactor: [2, 3] } },
  { x: [1, 1, 5, 4], options: { size: [3, 7] } },
  { x: [1, 1, 5], options: { size: 3, mode: 'nearest-exact' } },
  { x: [2, 1, 3, 2, 2], options: { size: 4 } },
  { x: [1, 2, 5], options: { size: 4, mode: 'linear' } },
  { x: [1, 2, 5], options: { size: 9, mode: 'linear', alignCorners: true } },
  { x: [1, 2, 3, 4], options: { scaleFactor: 2, mode: 'bilinear' } },
  { x: [0, 2, 3, 4], options: { scaleFactor: 2, mode: 'bilinear' } },
  { x: [1, 1, 6, 3], options: { scaleFactor: [0.8, 4], mode: 'bilinear' } },
  { x: [1, 1, 3, 4], options: { size: [1, 7], mode: 'bilinear', alignCorners: true } },
  { x: [1, 1, 2, 3, 3], options: { size: [4, 4, 2], mode: 'trilinear' } },
  { x: [1, 1, 3, 4], options: { scaleFactor: 2, mode: 'bicubic' } },
  { x: [1, 1, 4, 5], options: { size: [7, 3], mode: 'bicubic', alignCorners: true } },
  { x: [1, 1, 5, 4], options: { size: [2, 3], mode: 'area' } },
]

/** How much an element counts at a distance. */
const kernels: Record<string, (distance: number) => number> = {
  linear: (d) => Math.max(0, 1 - d),
  cubic: (d) => (d <= 1 ? 1.25 * d ** 3 - 2.25 * d ** 2 + 1 : d < 2 ? -0.75 * (d ** 3 - 5 * d ** 2 + 8 * d - 4) : 0),
}

function resized(x: Nd, options: resize.InterpolateOptions): Nd {
  const { size, scaleFactor, mode = 'nearest', alignCorners = false } = options
  const inner = x.shape.slice(2)
  const of = <T>(value: T | readonly T[], i: number): T => (Array.isArray(value) ? value[i] : value) as T
  const sizes = inner.map((n, i) => (size === undefined ? Math.floor(n * of(scaleFactor as number, i)) : of(size, i)))
  if (mode === 'area') return adapted(x, sizes, 'avg')
  /** How much element `from` of axis i counts for element `to` of the result. */
  const weight = (i: number, from: number, to: number): number => {
    const step = scaleFactor === undefined ? inner[i] / sizes[i] : 1 / of(scaleFactor as number, i)
    if (mode.startsWith('nearest')) return Number(from === Math.floor((to + (mode === 'nearest' ? 0 : 0.5)) * step))
    const points = sizes[i] === 1 ? 0 : (to * (inner[i] - 1)) / (sizes[i] - 1)
    const centre = alignCorners ? points : (to + 0.5) * step - 0.5
    if (mode !== 'bicubic') return kernels.linear(Math.abs(Math.min(inner[i] - 1, Math.max(0, centre)) - from))
    // The first and the last element stand for all beyond the border too.
    let total = 0
    for (let place = -2; place < inner[i] + 2; place++) {
      if (Math.min(inner[i] - 1, Math.max(0, place)) === from) total += kernels.cubic(Math.abs(centre - place))
    }
    return total
  }
  return nd([...x.shape.slice(0, 2), ...sizes], ([b, c, ...place]) => {
    let total = 0
    for (const from of indices(inner)) {
      total += from.reduce((product, p, i) => product * weight(i, p, place[i]), at(x, [b, c, ...from]))
    }
    return total
  })
}

const interpolateRow: Row = {
  op: 'interpolate',
  samples: [
    ...resizes.map(
      ({ x: shape, options }): Sample => ({
        name: `[${shape}] ${JSON.stringify(options)}`,
        inputs: [draw(shape, { seed: 6 })],
        build: ([x]) => resize.interpolate(x, options),
        expected: ([x]) => resized(x, options),
        tolerance: options.mode === undefined ? exact : summed,
        order: 2,
      }),
    ),
    {
      name: 'int32, nearest',
      inputs: [draw([1, 1, 3, 4], { dtype: 'int32', low: -9, high: 9 })],
      build: ([x]) => resize.interpolate(x, { size: [2, 6] }),
      expected: ([x]) => resized(x, { size: [2, 6] }),
      tolerance: exact,
      order: 0,
    },
  ],
  errors: [
    { name: 'no size', code: 'value-invalid', call: () => resize.interpolate(dummy([1, 1, 3]), {}) },
    {
      name: 'size and factor',
      code: 'value-invalid',
      call: () => resize.interpolate(dummy([1, 1, 3]), { size: 2, scaleFactor: 2 }),
    },
    { name: 'a size of 0', code: 'value-invalid', call: () => resize.interpolate(dummy([1, 1, 3]), { size: 0 }) },
    {
      name: 'a factor that leaves nothing',
      code: 'value-invalid',
      call: () => resize.interpolate(dummy([1, 1, 3]), { scaleFactor: 0.1 }),
    },
    {
      name: 'a factor that is not a number',
      code: 'value-invalid',
      call: () => resize.interpolate(dummy([1, 1, 3]), { scaleFactor: Number.NaN }),
    },
    {
      name: 'an unknown mode',
      code: 'value-invalid',
      call: () => resize.interpolate(dummy([1, 1, 3]), { size: 2, mode: 'lanczos' as 'linear' }),
    },
    {
      name: 'bilinear on one axis',
      code: 'shape-mismatch',
      call: () => resize.interpolate(dummy([1, 1, 3]), { size: 2, mode: 'bilinear' }),
    },
    {
      name: 'corners for nearest',
      code: 'value-invalid',
      call: () => resize.interpolate(dummy([1, 1, 3]), { size: 2, alignCorners: true }),
    },
    {
      name: 'an axis without elements',
      code: 'shape-mismatch',
      call: () => resize.interpolate(dummy([1, 1, 0]), { size: 2 }),
    },
  ],
}

// ---- pixels and channels ----

const shuffles: readonly { x: Shape; factor: number }[] = [
  { x: [2, 8, 2, 3], factor: 2 },
  { x: [9, 1, 2], factor: 3 },
  { x: [0, 4, 2, 2], factor: 2 },
  { x: [2, 3, 2, 2], factor: 1 },
]
const shuffleRows: readonly Row[] = [
  {
    op: 'pixelShuffle',
    samples: shuffles.map(({ x: shape, factor: r }) => ({
      name: `[${shape}] by ${r}`,
      inputs: [draw(shape, { seed: 7 })],
      build: ([x]) => resize.pixelShuffle(x, r),
      expected: ([x]) => {
        const [c, h, w] = shape.slice(-3)
        return nd([...shape.slice(0, -3), c / r ** 2, h * r, w * r], (index) => {
          const [o, i, j] = index.slice(-3)
          const channel = (o * r + (i % r)) * r + (j % r)
          return at(x, [...index.slice(0, -3), channel, Math.floor(i / r), Math.floor(j / r)])
        })
      },
      tolerance: exact,
      order: 2,
    })),
    errors: [
      {
        name: 'channels that do not go',
        code: 'shape-mismatch',
        call: () => resize.pixelShuffle(dummy([1, 6, 2, 2]), 2),
      },
      { name: 'two axes', code: 'shape-mismatch', call: () => resize.pixelShuffle(dummy([4, 2]), 2) },
      { name: 'a factor of 0', code: 'value-invalid', call: () => resize.pixelShuffle(dummy([1, 4, 2, 2]), 0) },
    ],
  },
  {
    op: 'pixelUnshuffle',
    samples: [
      { x: [2, 2, 4, 6], factor: 2 },
      { x: [1, 3, 6], factor: 3 },
    ].map(({ x: shape, factor: r }) => ({
      name: `[${shape}] by ${r}`,
      inputs: [draw(shape, { seed: 7 })],
      build: ([x]) => resize.pixelUnshuffle(x, r),
      expected: ([x]) => {
        const [c, h, w] = shape.slice(-3)
        return nd([...shape.slice(0, -3), c * r ** 2, h / r, w / r], (index) => {
          const [o, i, j] = index.slice(-3)
          const [channel, row, column] = [Math.floor(o / r ** 2), Math.floor(o / r) % r, o % r]
          return at(x, [...index.slice(0, -3), channel, i * r + row, j * r + column])
        })
      },
      tolerance: exact,
      order: 2,
    })),
    errors: [
      {
        name: 'an image that does not go',
        code: 'shape-mismatch',
        call: () => resize.pixelUnshuffle(dummy([1, 1, 3, 4]), 2),
      },
      { name: 'two axes', code: 'shape-mismatch', call: () => resize.pixelUnshuffle(dummy([4, 2]), 2) },
      { name: 'half a factor', code: 'value-invalid', call: () => resize.pixelUnshuffle(dummy([1, 1, 4, 4]), 0.5) },
    ],
  },
]

// ---- margins from the inside ----

type Sides = readonly margins.Margin[]
/** Which element stands at place `i` (below 0 in front, from n on behind) of an axis of n. */
const fillings = [
  {
    op: 'reflectionPad',
    call: margins.reflectionPad,
    place: (i: number, n: number) => (i < 0 ? -i : i < n ? i : 2 * (n - 1) - i),
  },
  {
    op: 'replicationPad',
    call: margins.replicationPad,
    place: (i: number, n: number) => Math.min(n - 1, Math.max(0, i)),
  },
  { op: 'circularPad', call: margins.circularPad, place: (i: number, n: number) => (i + n) % n },
]
const around: readonly { x: Shape; sides: Sides }[] = [
  { x: [4], sides: [[2, 3]] },
  { x: [2, 5], sides: [[0, 1]] },
  {
    x: [2, 3, 3],
    sides: [
      [1, 2],
      [2, 1],
    ],
  },
  {
    x: [1, 2, 3, 2],
    sides: [
      [1, 0],
      [0, 2],
      [1, 1],
    ],
  },
  { x: [0, 3], sides: [[1, 1]] },
  {
    x: [3, 3],
    sides: [
      [0, 0],
      [0, 0],
    ],
  },
]
const marginRows = fillings.map(({ op, call, place }): Row => {
  return {
    op,
    samples: around.map(({ x: shape, sides }) => {
      const lead = shape.length - sides.length
      const result = shape.map((n, axis) => (axis < lead ? n : n + sides[axis - lead][0] + sides[axis - lead][1]))
      return {
        name: `[${shape}] by ${JSON.stringify(sides)}`,
        inputs: [draw(shape, { seed: 8 })],
        build: ([x]) => call(x, sides),
        expected: ([x]) =>
          nd(result, (index) => {
            const from = index.map((i, axis) => (axis < lead ? i : place(i - sides[axis - lead][0], shape[axis])))
            return at(x, from)
          }),
        tolerance: exact,
        order: 2,
      }
    }),
    errors: [
      { name: 'a negative margin', code: 'value-invalid', call: () => call(dummy([3]), [[-1, 0]]) },
      {
        name: 'more margins than axes',
        code: 'shape-mismatch',
        call: () =>
          call(dummy([3]), [
            [1, 1],
            [1, 1],
          ]),
      },
      { name: 'nothing to repeat', code: 'value-invalid', call: () => call(dummy([0]), [[1, 0]]) },
      ...(op === 'replicationPad'
        ? []
        : [{ name: 'a margin too large', code: 'value-invalid' as const, call: () => call(dummy([3]), [[4, 0]]) }]),
    ],
  }
})

export const spaceRows: readonly Row[] = [...poolRows, ...adaptiveRows, interpolateRow, ...shuffleRows, ...marginRows]
