/**
 * Rows of the movements. Expectations say, index by index, which element stands where.
 */
import * as functions from '../../src/ops/derived/movement.ts'
import * as moves from '../../src/ops/move.ts'
import type { Shape } from '../../src/shape.ts'
import { makeNode, type Tensor } from '../../src/tensor.ts'
import { at, draw, dummy, exact, type HostArray, host, type Nd, nd, type Row, type Sample } from './common.ts'

type Rule = (x: Nd, index: readonly number[]) => number

/** One input: what is called, the result's shape, and which element stands at an index. */
function move(
  name: string,
  shape: Shape,
  build: (x: Tensor) => Tensor,
  result: Shape,
  rule: Rule,
  input: HostArray = draw(shape, { seed: shape.length + 1 }),
): Sample {
  return {
    name,
    inputs: [input],
    build: ([x]) => build(x),
    expected: ([x]) => nd(result, (index) => rule(x, index)),
    tolerance: exact,
    order: 2,
  }
}

/** The element at a row-major position. */
const flat = (shape: Shape, index: readonly number[]): number =>
  index.reduce((sum, i, axis) => sum * shape[axis] + i, 0)
const swap = (index: readonly number[], order: readonly number[]): number[] =>
  order.map((_, axis) => index[order.indexOf(axis)])

const permutes: readonly (readonly [Shape, readonly number[]])[] = [
  [[], []],
  [
    [2, 3],
    [1, 0],
  ],
  [
    [2, 3, 4],
    [2, 0, 1],
  ],
  [
    [2, 3, 4],
    [-1, 1, 0],
  ],
  [
    [2, 1, 3, 4],
    [1, 3, 0, 2],
  ],
  [
    [0, 3],
    [1, 0],
  ],
]
const reshapes: readonly (readonly [Shape, Shape, Shape])[] = [
  [
    [2, 3],
    [3, 2],
    [3, 2],
  ],
  [
    [2, 3, 4],
    [-1, 4],
    [6, 4],
  ],
  [[2, 3, 4], [24], [24]],
  [[], [1, 1], [1, 1]],
  [[1], [], []],
  [
    [0, 3],
    [3, 0, 7],
    [3, 0, 7],
  ],
]
const expands: readonly (readonly [Shape, Shape])[] = [
  [[], [2, 3]],
  [[3], [2, 3]],
  [
    [2, 1, 3],
    [2, 4, 3],
  ],
  [
    [1, 1],
    [5, 1, 4],
  ],
  [[1], [0]],
]
const pads: readonly (readonly [Shape, readonly (readonly [number, number])[], number])[] = [
  [[3], [[1, 2]], 0],
  [
    [2, 3],
    [
      [0, 1],
      [2, 0],
    ],
    7,
  ],
  [
    [2, 3],
    [
      [0, 0],
      [1, 1],
    ],
    Number.NEGATIVE_INFINITY,
  ],
  [
    [2, 5],
    [
      [1, 1],
      [-1, -2],
    ],
    0,
  ],
  [
    [0, 2],
    [
      [1, 0],
      [0, 0],
    ],
    1,
  ],
  [[], [], 0],
]
const slices: readonly (readonly [
  Shape,
  readonly functions.SliceRange[],
  Shape,
  readonly (readonly [start: number, step: number])[],
])[] = [
  [[7], [[2, 5]], [3], [[2, 1]]],
  [[7], [[1, undefined, 3]], [2], [[1, 3]]],
  [[7], [[-3, -1]], [2], [[4, 1]]],
  [
    [4, 5],
    [undefined, [0, 5, 2]],
    [4, 3],
    [
      [0, 1],
      [0, 2],
    ],
  ],
  [
    [4, 5],
    [[1, 99]],
    [3, 5],
    [
      [1, 1],
      [0, 1],
    ],
  ],
  [
    [4, 5],
    [[3, 1]],
    [0, 5],
    [
      [3, 1],
      [0, 1],
    ],
  ],
  [
    [3, 4, 5],
    [[1, 3, 2], [0, 4, 3], [4]],
    [1, 2, 1],
    [
      [1, 2],
      [0, 3],
      [4, 1],
    ],
  ],
]
const flips: readonly (readonly [Shape, number | readonly number[], readonly number[]])[] = [
  [[5], 0, [0]],
  [
    [2, 3, 4],
    [0, -1],
    [0, 2],
  ],
  [[2, 3], [], []],
  [[0, 2], 1, [1]],
]
const concats: readonly (readonly [readonly Shape[], number])[] = [
  [[[2], [3]], 0],
  [
    [
      [2, 3],
      [2, 1],
      [2, 2],
    ],
    -1,
  ],
  [
    [
      [2, 3],
      [0, 3],
      [1, 3],
    ],
    0,
  ],
  [[[2, 2]], 1],
]
const windows: readonly (readonly [Shape, number, number, number, number])[] = [
  [[7], 0, 3, 1, 1],
  [[8, 2], 0, 3, 2, 1],
  [[2, 9], 1, 3, 2, 2],
  [[2, 9, 2], 1, 2, 3, 3],
  [[3], 0, 3, 1, 1],
]

function concatenation([shapes, axis]: (typeof concats)[number]): Sample {
  const along = axis < 0 ? axis + shapes[0].length : axis
  const total = shapes.reduce((sum, shape) => sum + shape[along], 0)
  return {
    name: shapes.map((shape) => `[${shape}]`).join(' '),
    inputs: shapes.map((shape, seed) => draw(shape, { seed })),
    build: (inputs) => functions.concat(inputs, axis),
    expected: (inputs) =>
      nd(
        shapes[0].map((n, i) => (i === along ? total : n)),
        (index) => {
          let [input, place] = [0, index[along]]
          while (place >= shapes[input][along]) place -= shapes[input++][along]
          return at(
            inputs[input],
            index.map((i, a) => (a === along ? place : i)),
          )
        },
      ),
    tolerance: exact,
    order: 2,
  }
}

/** Windows put back: zero where no window has its place k. */
function unwindowing([shape, axis, size, stride, dilation]: (typeof windows)[number]): Sample {
  const length = shape[axis]
  const windowCount = Math.floor((length - (size - 1) * dilation - 1) / stride) + 1
  const input = [...shape.slice(0, axis), windowCount, size, ...shape.slice(axis + 1)]
  return move(
    `[${input}] to length ${length}, stride ${stride}, dilation ${dilation}`,
    input,
    (x) => makeNode(moves.unwindow, [x], { axis, size, stride, dilation, length }),
    input.map((n, i) => (i === axis ? length : n)),
    (x, index) => {
      const from = (index[axis] - index[axis + 1] * dilation) / stride
      return Number.isInteger(from) && from >= 0 && from < windowCount
        ? at(
            x,
            index.map((i, a) => (a === axis ? from : i)),
          )
        : 0
    },
  )
}

const dilation: readonly (readonly [Shape, readonly number[]])[] = [
  [[4], [3]],
  [
    [2, 3],
    [1, 2],
  ],
  [
    [1, 0],
    [5, 2],
  ],
]

export const movementRows: readonly Row[] = [
  {
    op: 'reshape',
    samples: reshapes.map(([from, to, result]) =>
      move(
        `[${from}] to [${to}]`,
        from,
        (x) => functions.reshape(x, to),
        result,
        (x, index) => x.data[flat(result, index)],
      ),
    ),
    errors: [
      { name: 'another number of elements', code: 'shape-mismatch', call: () => functions.reshape(dummy([2, 3]), [4]) },
      {
        name: 'nothing that fits beside -1',
        code: 'shape-mismatch',
        call: () => functions.reshape(dummy([2, 3]), [-1, 4]),
      },
      { name: 'two open sizes', code: 'value-invalid', call: () => functions.reshape(dummy([2, 3]), [-1, -1]) },
    ],
  },
  {
    op: 'permute',
    samples: permutes.map(([shape, order]) => {
      const axes = order.map((axis) => (axis < 0 ? axis + shape.length : axis))
      return move(
        `[${shape}] by [${order}]`,
        shape,
        (x) => functions.permute(x, order),
        axes.map((axis) => shape[axis]),
        (x, index) => at(x, swap(index, axes)),
      )
    }),
    errors: [
      { name: 'an axis twice', code: 'axis-repeated', call: () => functions.permute(dummy([2, 3]), [0, 0]) },
      { name: 'an axis left out', code: 'shape-mismatch', call: () => functions.permute(dummy([2, 3]), [0]) },
      { name: 'an axis that is not there', code: 'axis-range', call: () => functions.permute(dummy([2, 3]), [0, 2]) },
    ],
  },
  {
    op: 'transpose',
    samples: [
      move(
        '[2, 3, 4]',
        [2, 3, 4],
        (x) => functions.transpose(x),
        [2, 4, 3],
        (x, [i, j, k]) => at(x, [i, k, j]),
      ),
      move(
        '[2, 3, 4], axes 0 and -1',
        [2, 3, 4],
        (x) => functions.transpose(x, 0, -1),
        [4, 3, 2],
        (x, [i, j, k]) => at(x, [k, j, i]),
      ),
    ],
    errors: [{ name: 'a vector', code: 'axis-range', call: () => functions.transpose(dummy([3])) }],
  },
  {
    op: 'expand',
    samples: expands.map(([from, to]) => move(`[${from}] to [${to}]`, from, (x) => functions.expand(x, to), to, at)),
    errors: [
      { name: 'a size that is not 1', code: 'shape-broadcast', call: () => functions.expand(dummy([2]), [3]) },
      { name: 'fewer axes', code: 'shape-broadcast', call: () => functions.expand(dummy([1, 3]), [3]) },
      { name: 'a smaller size', code: 'shape-broadcast', call: () => functions.expand(dummy([3]), [1]) },
    ],
  },
  {
    op: 'squeeze',
    samples: [
      move(
        'all',
        [1, 2, 1, 3],
        (x) => functions.squeeze(x),
        [2, 3],
        (x, [i, j]) => at(x, [0, i, 0, j]),
      ),
      move(
        'one',
        [1, 2, 1, 3],
        (x) => functions.squeeze(x, -2),
        [1, 2, 3],
        (x, [h, i, j]) => at(x, [h, i, 0, j]),
      ),
    ],
    errors: [{ name: 'a size that is not 1', code: 'shape-mismatch', call: () => functions.squeeze(dummy([2, 1]), 0) }],
  },
  {
    op: 'unsqueeze',
    samples: [0, 1, -1].map((axis) =>
      move(
        `at ${axis}`,
        [2, 3],
        (x) => functions.unsqueeze(x, axis),
        axis === 0 ? [1, 2, 3] : axis === 1 ? [2, 1, 3] : [2, 3, 1],
        (x, index) =>
          at(
            x,
            index.filter((_, a) => a !== (axis < 0 ? 2 : axis)),
          ),
      ),
    ),
    errors: [
      { name: 'a place that is not there', code: 'axis-range', call: () => functions.unsqueeze(dummy([2, 3]), 3) },
    ],
  },
  {
    op: 'flatten',
    samples: [
      move(
        'all',
        [2, 3, 4],
        (x) => functions.flatten(x),
        [24],
        (x, [i]) => x.data[i],
      ),
      move(
        'from 1',
        [2, 3, 4],
        (x) => functions.flatten(x, 1),
        [2, 12],
        (x, [i, j]) => x.data[i * 12 + j],
      ),
      move(
        'a scalar',
        [],
        (x) => functions.flatten(x),
        [1],
        (x) => x.data[0],
      ),
    ],
    errors: [{ name: 'backwards', code: 'value-invalid', call: () => functions.flatten(dummy([2, 3]), 1, 0) }],
  },
  {
    op: 'pad',
    samples: pads.map(([shape, margins, value]) => ({
      ...move(
        `[${shape}] by ${JSON.stringify(margins)} with ${value}`,
        shape,
        (x) => functions.pad(x, margins, value),
        shape.map((n, axis) => n + margins[axis][0] + margins[axis][1]),
        (x, index) => {
          const from = index.map((i, axis) => i - margins[axis][0])
          return from.every((i, axis) => i >= 0 && i < x.shape[axis]) ? at(x, from) : value
        },
      ),
      order: Number.isFinite(value) ? (2 as const) : (0 as const),
    })),
    errors: [
      { name: 'too few margins', code: 'shape-mismatch', call: () => functions.pad(dummy([2, 3]), [[1, 1]]) },
      { name: 'half a margin', code: 'value-invalid', call: () => functions.pad(dummy([2]), [[0.5, 1]]) },
    ],
  },
  {
    op: 'slice',
    samples: slices.map(([shape, ranges, result, steps]) =>
      move(
        `[${shape}] at ${JSON.stringify(ranges)}`,
        shape,
        (x) => functions.slice(x, ranges),
        result,
        (x, index) =>
          at(
            x,
            index.map((i, axis) => steps[axis][0] + i * steps[axis][1]),
          ),
      ),
    ),
    errors: [
      { name: 'a step of 0', code: 'value-invalid', call: () => functions.slice(dummy([3]), [[0, 3, 0]]) },
      { name: 'backwards', code: 'value-invalid', call: () => functions.slice(dummy([3]), [[3, 0, -1]]) },
      {
        name: 'too many ranges',
        code: 'shape-mismatch',
        call: () =>
          functions.slice(dummy([3]), [
            [0, 1],
            [0, 1],
          ]),
      },
    ],
  },
  {
    op: 'narrow',
    samples: [
      move(
        '[3, 5] along 1',
        [3, 5],
        (x) => functions.narrow(x, 1, 2, 4),
        [3, 2],
        (x, [i, j]) => at(x, [i, j + 2]),
      ),
    ],
    errors: [
      { name: 'an axis that is not there', code: 'axis-range', call: () => functions.narrow(dummy([3]), 1, 0, 1) },
    ],
  },
  {
    op: 'flip',
    samples: flips.map(([shape, axes, turned]) =>
      move(
        `[${shape}] along [${axes}]`,
        shape,
        (x) => functions.flip(x, axes),
        shape,
        (x, index) =>
          at(
            x,
            index.map((i, axis) => (turned.includes(axis) ? shape[axis] - 1 - i : i)),
          ),
      ),
    ),
    errors: [{ name: 'an axis that is not there', code: 'axis-range', call: () => functions.flip(dummy([3]), 1) }],
  },
  {
    op: 'split',
    samples: [
      move(
        '[7, 2] in threes: the last',
        [7, 2],
        (x) => functions.split(x, 3)[2],
        [1, 2],
        (x, [i, j]) => at(x, [i + 6, j]),
      ),
      move(
        '[2, 6] by [1, 3, 2]: the second',
        [2, 6],
        (x) => functions.split(x, [1, 3, 2], -1)[1],
        [2, 3],
        (x, [i, j]) => at(x, [i, j + 1]),
      ),
    ],
    errors: [
      { name: 'sizes that do not add up', code: 'shape-mismatch', call: () => functions.split(dummy([5]), [2, 2]) },
      { name: 'a size of 0', code: 'value-invalid', call: () => functions.split(dummy([5]), 0) },
    ],
  },
  {
    op: 'repeat',
    samples: [
      move(
        '[2, 3] by [2, 1]',
        [2, 3],
        (x) => functions.repeat(x, [2, 1]),
        [4, 3],
        (x, [i, j]) => at(x, [i % 2, j]),
      ),
      move(
        '[3] by [2, 2]',
        [3],
        (x) => functions.repeat(x, [2, 2]),
        [2, 6],
        (x, [, j]) => at(x, [j % 3]),
      ),
      move(
        '[2] by [0]',
        [2],
        (x) => functions.repeat(x, [0]),
        [0],
        () => 0,
      ),
    ],
    errors: [{ name: 'too few numbers', code: 'shape-mismatch', call: () => functions.repeat(dummy([2, 3]), [2]) }],
  },
  {
    op: 'concat',
    samples: [
      ...concats.map(concatenation),
      {
        name: 'int32 and float32',
        inputs: [host([1, 2], [2], 'int32'), host([0.5])],
        build: (inputs) => functions.concat(inputs),
        expected: () => ({ shape: [3], data: [1, 2, 0.5] }),
        tolerance: exact,
        order: 0,
      },
    ],
    errors: [
      { name: 'nothing', code: 'value-invalid', call: () => functions.concat([]) },
      { name: 'other sizes', code: 'shape-mismatch', call: () => functions.concat([dummy([2, 3]), dummy([2, 4])]) },
    ],
  },
  {
    op: 'stack',
    samples: [0, 1, -1].map((axis) => ({
      name: `at ${axis}`,
      inputs: [0, 1, 2].map((seed) => draw([2, 4], { seed })),
      build: (inputs: Tensor[]) => functions.stack(inputs, axis),
      expected: (inputs: readonly Nd[]) => {
        const place = axis < 0 ? 2 : axis
        return nd(place === 0 ? [3, 2, 4] : place === 1 ? [2, 3, 4] : [2, 4, 3], (index) =>
          at(
            inputs[index[place]],
            index.filter((_, a) => a !== place),
          ),
        )
      },
      tolerance: exact,
      order: 2 as const,
    })),
    errors: [{ name: 'other sizes', code: 'shape-mismatch', call: () => functions.stack([dummy([2]), dummy([3])]) }],
  },
  {
    op: 'windows',
    samples: windows.map(([shape, axis, size, stride, dilation]) => {
      const result = [
        ...shape.slice(0, axis),
        Math.floor((shape[axis] - (size - 1) * dilation - 1) / stride) + 1,
        size,
        ...shape.slice(axis + 1),
      ]
      return move(
        `[${shape}] along ${axis}, size ${size}, stride ${stride}, dilation ${dilation}`,
        shape,
        (x) => functions.windows(x, axis, size, stride, dilation),
        result,
        (x, index) =>
          at(x, [...index.slice(0, axis), index[axis] * stride + index[axis + 1] * dilation, ...index.slice(axis + 2)]),
      )
    }),
    errors: [{ name: 'a stride of 0', code: 'value-invalid', call: () => functions.windows(dummy([5]), 0, 2, 0) }],
  },
  { op: 'unwindow', samples: windows.map(unwindowing), errors: [] },
  {
    op: 'dilate',
    samples: dilation.map(([shape, steps]) =>
      move(
        `[${shape}] by [${steps}]`,
        shape,
        (x) => makeNode(moves.dilate, [x], { steps }),
        shape.map((n, axis) => (n === 0 ? 0 : (n - 1) * steps[axis] + 1)),
        (x, index) =>
          index.every((i, axis) => i % steps[axis] === 0)
            ? at(
                x,
                index.map((i, axis) => i / steps[axis]),
              )
            : 0,
      ),
    ),
    errors: [],
  },
  {
    op: 'diagonal',
    samples: [
      move(
        '[3, 3]',
        [3, 3],
        (x) => functions.diagonal(x),
        [3],
        (x, [i]) => at(x, [i, i]),
      ),
      move(
        '[4, 2, 3], axes 0 and 2',
        [4, 2, 3],
        (x) => functions.diagonal(x, 0, 2),
        [2, 3],
        (x, [j, i]) => at(x, [i, j, i]),
      ),
    ],
    errors: [{ name: 'one axis twice', code: 'axis-repeated', call: () => functions.diagonal(dummy([2, 2]), 1, -1) }],
  },
  {
    op: 'undiagonal',
    samples: [
      move(
        '[2, 3, 2] at 1',
        [2, 3, 2],
        (x) => makeNode(moves.undiagonal, [x], { axis: 1, size: 3 }),
        [2, 3, 3, 2],
        (x, [h, i, j, k]) => (i === j ? at(x, [h, i, k]) : 0),
      ),
    ],
    errors: [],
  },
]
