/**
 * Rows of what works by index: looking up, adding up, sorting, masks; and of the sources and wraps.
 */

import { checkpoint } from '../../src/autodiff/custom.ts'
import * as create from '../../src/create.ts'
import { constant, iota, withGradient } from '../../src/ops/derived/common.ts'
import * as derived from '../../src/ops/derived/indexing.ts'
import { randomBits } from '../../src/ops/leaf.ts'
import * as wraps from '../../src/ops/wrap.ts'
import { makeNode, type Tensor } from '../../src/tensor.ts'
import {
  at,
  distinct,
  draw,
  dummy,
  elementwise,
  exact,
  type HostArray,
  host,
  indices,
  type Nd,
  nd,
  type Row,
  rounded,
  type Sample,
  summed,
} from './common.ts'

const functions = { ...derived }

const { NaN: nan, POSITIVE_INFINITY: inf } = Number
const int = (data: readonly number[], shape?: readonly number[]): HostArray => host(data, shape, 'int32')

/** `x` with the place along `axis` looked up in `index`. */
const lookUp = (x: Nd, index: Nd, axis: number): Nd =>
  nd(index.shape, (place) =>
    at(
      x,
      place.map((i, a) => (a === axis ? at(index, place) : i)),
    ),
  )

function addUp(x: Nd, index: Nd, updates: Nd, axis: number): Nd {
  const sums = [...x.data]
  for (const place of indices(index.shape)) {
    const to = place.map((i, a) => (a === axis ? at(index, place) : i))
    if (to[axis] >= 0 && to[axis] < x.shape[axis])
      sums[to.reduce((flat, i, a) => flat * x.shape[a] + i, 0)] += at(updates, place)
  }
  return { shape: x.shape, data: sums }
}

/** Rows along an axis in another order, NaN last (first, if descending), equal ones as they were. */
function ordered(x: Nd, axis: number, descending: boolean, give: 'values' | 'places'): Nd {
  const key = (value: number): number => (Number.isNaN(value) ? 1 : 0)
  const compare = (a: number, b: number): number => key(a) - key(b) || (a < b ? -1 : a > b ? 1 : 0)
  return nd(x.shape, (index) => {
    const row = Array.from({ length: x.shape[axis] }, (_, i) =>
      at(
        x,
        index.map((n, a) => (a === axis ? i : n)),
      ),
    )
    const places = row
      .map((_, i) => i)
      .sort((i, j) => (descending ? compare(row[j], row[i]) : compare(row[i], row[j])) || i - j)
    return give === 'places' ? places[index[axis]] : row[places[index[axis]]]
  })
}

const takes: readonly { x: readonly number[]; indices: HostArray; axis: number }[] = [
  { x: [5], indices: int([4, 0, 0]), axis: 0 },
  { x: [5, 3], indices: int([1, 4, 1, 0], [2, 2]), axis: 0 },
  { x: [2, 4, 3], indices: int([3, 1]), axis: 1 },
  { x: [2, 4], indices: int([2], []), axis: -1 },
  { x: [2, 4], indices: int([], [0]), axis: 0 },
]
const gathers: readonly { x: readonly number[]; index: HostArray; axis: number }[] = [
  { x: [5], index: int([4, 0, 0, 2]), axis: 0 },
  { x: [3, 4], index: int([3, 0, 1, 1, 2, 2], [3, 2]), axis: 1 },
  { x: [3, 2, 2], index: int([2, 0, 1, 1], [1, 2, 2]), axis: 0 },
  { x: [3, 4], index: int([], [3, 0]), axis: -1 },
]
const sorts: readonly { name: string; x: HostArray; axis?: number; descending?: boolean; order?: 2 }[] = [
  { name: 'a vector', x: distinct([37], 1), order: 2 },
  { name: 'axis 0', x: distinct([5, 3], 2), axis: 0, order: 2 },
  { name: 'axis 1 of 3, descending', x: distinct([2, 4, 3], 3), axis: 1, descending: true, order: 2 },
  { name: 'ties', x: host([2, 1, 2, 1, 1, 2, 0]) },
  { name: 'ties, descending', x: host([2, 1, 2, 1, 1, 2, 0]), descending: true },
  { name: 'NaN and infinities', x: host([nan, inf, 1, nan, -inf, 0]) },
  { name: 'NaN and infinities, descending', x: host([nan, inf, 1, nan, -inf, 0]), descending: true },
  { name: 'int32', x: int([3, -(2 ** 31), 2 ** 31 - 1, 3, 0]) },
  { name: 'int32, descending', x: int([3, -(2 ** 31), 2 ** 31 - 1, 3, 0]), descending: true },
  { name: 'empty', x: host([], [2, 0]) },
  { name: 'one', x: host([7], [1, 1]) },
]
const sortSamples = (
  give: 'values' | 'places',
  call: (x: Tensor, axis?: number, options?: derived.SortOptions) => Tensor,
): Sample[] =>
  sorts.map(
    ({ name, x, axis, descending = false, order }): Sample => ({
      name,
      inputs: [x],
      build: ([t]) => call(t, axis, { descending }),
      expected: ([x0]) => ordered(x0, axis ?? x0.shape.length - 1, descending, give),
      tolerance: exact,
      order: (give === 'values' && order) || 0,
    }),
  )

const badAxis = (call: () => unknown): Row['errors'][number] => ({
  name: 'an axis that is not there',
  code: 'axis-range',
  call,
})

export const indexingRows: readonly Row[] = [
  {
    op: 'take',
    samples: takes.map(
      ({ x, indices: index, axis }): Sample => ({
        name: `[${x}] at [${index.shape}] along ${axis}`,
        inputs: [draw(x, { seed: 4 }), index],
        build: ([t, i]) => functions.take(t, i, axis),
        expected: ([x0, i0]) => {
          const along = axis < 0 ? axis + x0.shape.length : axis
          const shape = [...x0.shape.slice(0, along), ...i0.shape, ...x0.shape.slice(along + 1)]
          return nd(shape, (place) =>
            at(x0, [
              ...place.slice(0, along),
              at(i0, place.slice(along, along + i0.shape.length)),
              ...place.slice(along + i0.shape.length),
            ]),
          )
        },
        tolerance: exact,
        order: 2,
      }),
    ),
    errors: [
      badAxis(() => functions.take(dummy([3]), dummy([2], 'int32'), 1)),
      {
        name: 'an index beyond the end',
        code: 'index-range',
        call: () => functions.take(dummy([3, 2]), create.tensor([0, 3], { dtype: 'int32' })),
      },
      {
        name: 'an index below 0',
        code: 'index-range',
        call: () => functions.take(dummy([3, 2]), create.tensor([-1], { dtype: 'int32' })),
      },
      { name: 'indices of float32', code: 'dtype-mismatch', call: () => functions.take(dummy([3, 2]), dummy([2])) },
    ],
  },
  {
    op: 'gather',
    samples: [
      ...gathers.map(
        ({ x, index, axis }): Sample => ({
          name: `[${x}] at [${index.shape}] along ${axis}`,
          inputs: [draw(x, { seed: 4 }), index],
          build: ([t, i]) => functions.gather(t, i, axis),
          expected: ([x0, i0]) => lookUp(x0, i0, axis < 0 ? axis + x0.shape.length : axis),
          tolerance: exact,
          order: 2,
        }),
      ),
      {
        name: 'computed indices out of range',
        inputs: [host([1, 2, 3]), int([0, -1, 3, 2])],
        build: ([t, i]) => functions.gather(t, i.add(0), 0),
        expected: () => ({ shape: [4], data: [1, nan, nan, 3] }),
        tolerance: exact,
        order: 0,
      },
      {
        name: 'computed indices out of range, of int32',
        inputs: [int([1, 2, 3]), int([0, -1, 3, 2])],
        build: ([t, i]) => functions.gather(t, i.add(0), 0),
        expected: () => ({ shape: [4], data: [1, 0, 0, 3] }),
        tolerance: exact,
        order: 0,
      },
    ],
    errors: [
      badAxis(() => functions.gather(dummy([3]), dummy([2], 'int32'), 1)),
      {
        name: 'other axes that differ',
        code: 'shape-mismatch',
        call: () => functions.gather(dummy([3, 2]), dummy([3, 3], 'int32'), 0),
      },
      {
        name: 'an index beyond the end',
        code: 'index-range',
        call: () => functions.gather(dummy([3]), create.tensor([3], { dtype: 'int32' }), 0),
      },
    ],
  },
  {
    op: 'scatterAdd',
    samples: [
      ...gathers.map(
        ({ x, index, axis }): Sample => ({
          name: `[${x}] at [${index.shape}] along ${axis}`,
          inputs: [draw(x, { seed: 4 }), index, draw(index.shape, { seed: 9 })],
          build: ([t, i, u]) => functions.scatterAdd(t, i, u, axis),
          expected: ([x0, i0, u0]) => addUp(x0, i0, u0, axis < 0 ? axis + x0.shape.length : axis),
          tolerance: summed,
          order: 2,
        }),
      ),
      {
        name: 'int32, and computed indices out of range',
        inputs: [int([1, 2, 3]), int([0, -1, 3, 2, 2]), int([10, 20, 30, 40, 50])],
        build: ([t, i, u]) => functions.scatterAdd(t, i.add(0), u, 0),
        expected: () => ({ shape: [3], data: [11, 2, 93] }),
        tolerance: exact,
        order: 0,
      },
    ],
    errors: [
      {
        name: 'updates of another shape than the indices',
        code: 'shape-mismatch',
        call: () => functions.scatterAdd(dummy([3]), dummy([2], 'int32'), dummy([1]), 0),
      },
      {
        name: 'other axes that differ',
        code: 'shape-mismatch',
        call: () => functions.scatterAdd(dummy([3, 2]), dummy([3, 3], 'int32'), dummy([3, 3]), 0),
      },
      {
        name: 'an index beyond the end',
        code: 'index-range',
        call: () => functions.scatterAdd(dummy([3]), create.tensor([3], { dtype: 'int32' }), dummy([1]), 0),
      },
    ],
  },
  {
    op: 'oneHot',
    samples: [int([0, 2, 1]), int([1, 0, 2, 2], [2, 2]), int([1], []), int([], [0])].map((index) => ({
      name: `[${index.shape}]`,
      inputs: [index],
      build: ([i]: Tensor[]) => functions.oneHot(i, 3),
      expected: ([i0]: readonly Nd[]) =>
        nd([...i0.shape, 3], (place) => Number(at(i0, place.slice(0, -1)) === place[place.length - 1])),
      tolerance: exact,
      order: 0 as const,
    })),
    errors: [
      {
        name: 'a class beyond the last',
        code: 'index-range',
        call: () => functions.oneHot(create.tensor([0, 3], { dtype: 'int32' }), 3),
      },
      { name: 'labels of float32', code: 'dtype-mismatch', call: () => functions.oneHot(dummy([2]), 3) },
    ],
  },
  {
    op: 'argSort',
    samples: sortSamples('places', functions.argSort),
    errors: [badAxis(() => functions.argSort(dummy([2]), 1))],
  },
  {
    op: 'sort',
    samples: sortSamples('values', functions.sort),
    errors: [badAxis(() => functions.sort(dummy([2]), 1))],
  },
  {
    op: 'topK',
    samples: (['values', 'indices'] as const).map((part) => ({
      name: part,
      inputs: [distinct([3, 7], 4)],
      build: ([x]) => functions.topK(x, 2)[part],
      expected: ([x0]) => {
        const all = ordered(x0, 1, true, part === 'values' ? 'values' : 'places')
        return nd([3, 2], (place) => at(all, place))
      },
      tolerance: exact,
      order: part === 'values' ? 2 : 0,
    })),
    errors: [
      { name: 'more than there are', code: 'value-invalid', call: () => functions.topK(dummy([3]), 4) },
      { name: 'half an element', code: 'value-invalid', call: () => functions.topK(dummy([3]), 0.5) },
    ],
  },
  {
    op: 'triangle',
    samples: [
      [3, 3, 0],
      [2, 4, 1],
      [4, 2, -1],
      [0, 3, 0],
    ].map(([rows, columns, offset]) => ({
      name: `[${rows}, ${columns}] by ${offset}`,
      inputs: [],
      build: () => functions.triangle(rows, columns, offset),
      expected: () => nd([rows, columns], ([i, j]) => Number(j <= i + offset)),
      tolerance: exact,
      order: 0 as const,
    })),
    errors: [{ name: 'half a row', code: 'value-invalid', call: () => functions.triangle(0.5) }],
  },
  ...(['tril', 'triu'] as const).map(
    (op): Row => ({
      op,
      samples: [0, 1, -1].map((offset) => ({
        name: `by ${offset}`,
        inputs: [draw([2, 3, 4], { seed: 6 })],
        build: ([x]) => functions[op](x, offset),
        expected: ([x0]) =>
          nd(x0.shape, (place) =>
            (op === 'tril' ? place[2] <= place[1] + offset : place[2] >= place[1] + offset) ? at(x0, place) : 0,
          ),
        tolerance: exact,
        order: 2,
      })),
      errors: [{ name: 'a vector', code: 'axis-range', call: () => functions[op](dummy([3])) }],
    }),
  ),

  // ---- sources ----

  {
    op: 'leaf',
    samples: [
      {
        name: 'given numbers',
        inputs: [draw([2, 3])],
        build: ([x]) => x,
        expected: ([x0]) => x0,
        tolerance: exact,
        order: 2,
      },
    ],
    errors: [
      { name: 'too few numbers', code: 'shape-mismatch', call: () => create.tensor([1, 2, 3], { shape: [2, 2] }) },
    ],
  },
  {
    op: 'constant',
    samples: [
      {
        name: 'float32',
        inputs: [],
        build: () => constant(2.5, [2, 3], 'float32'),
        expected: () => nd([2, 3], () => 2.5),
        tolerance: exact,
        order: 0,
      },
      {
        name: 'int32',
        inputs: [],
        build: () => constant(-7, [37], 'int32'),
        expected: () => nd([37], () => -7),
        tolerance: exact,
        order: 0,
      },
      {
        name: 'NaN',
        inputs: [],
        build: () => constant(nan, [], 'float32'),
        expected: () => nd([], () => nan),
        tolerance: exact,
        order: 0,
      },
      {
        name: 'empty',
        inputs: [],
        build: () => constant(1, [0, 2], 'bool'),
        expected: () => nd([0, 2], () => 1),
        tolerance: exact,
        order: 0,
      },
    ],
    errors: [],
  },
  {
    op: 'iota',
    samples: [0, 1, 2].map((axis) => ({
      name: `axis ${axis}`,
      inputs: [],
      build: () => iota([2, 3, 5], axis),
      expected: () => nd([2, 3, 5], (place) => place[axis]),
      tolerance: exact,
      order: 0 as const,
    })),
    errors: [],
  },
  {
    op: 'randomBits',
    samples: [
      {
        // Salmon et al. 2011, the known answer of Random123 for threefry2x32 with 20 rounds: key 0, counter 0.
        name: 'the first word of the published known answer',
        inputs: [int([0, 0])],
        build: ([key]) => makeNode(randomBits, [key], { shape: [1] }),
        expected: () => ({ shape: [1], data: [0x6b200159] }),
        tolerance: exact,
        order: 0,
      },
      {
        name: 'positions do not depend on the shape',
        inputs: [int([5, 9])],
        build: ([key]) =>
          makeNode(randomBits, [key], { shape: [3, 4] })
            .reshape([12])
            .sub(makeNode(randomBits, [key], { shape: [12] })),
        expected: () => nd([12], () => 0),
        tolerance: exact,
        order: 0,
      },
    ],
    errors: [],
  },

  // ---- wraps ----

  {
    op: 'customGradient',
    samples: [
      {
        name: 'the rule that the formula has too',
        inputs: [draw([5], { seed: 2 })],
        build: ([x]) => withGradient(x.mul(x), [x], (g) => [g.mul(x).mul(2)]),
        expected: elementwise((x) => x * x),
        tolerance: rounded,
        order: 2,
      },
    ],
    errors: [],
  },
  {
    op: 'barrier',
    samples: [
      {
        name: 'one other input',
        inputs: [draw([5]), draw([2], { seed: 3 })],
        build: ([x, y]) => makeNode(wraps.barrier, [x.mul(x), y]),
        expected: ([x0]) => elementwise((x) => x * x)([x0]),
        tolerance: rounded,
        order: 2,
      },
    ],
    errors: [],
  },
  {
    op: 'checkpoint',
    samples: [
      {
        name: 'two steps',
        inputs: [draw([5]), draw([5], { seed: 3 })],
        build: ([x, y]) => checkpoint((a, b) => a.mul(b).sin().mul(a), x, y),
        expected: elementwise((x, y) => Math.sin(x * y) * x),
        tolerance: { ...rounded, relative: 1e-5, absolute: 1e-6 },
        order: 2,
      },
    ],
    errors: [],
  },
]
