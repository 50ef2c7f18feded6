/**
 * Rows of the products: matrix products, einsum, convolutions. Expectations are plain loops.
 */
import * as contracting from '../../src/ops/derived/contract.ts'
import * as convolving from '../../src/ops/derived/conv.ts'
import type { Shape } from '../../src/shape.ts'
import type { Tensor } from '../../src/tensor.ts'
import {
  at,
  broadcast,
  draw,
  dummy,
  exact,
  type HostArray,
  indices,
  type Nd,
  nd,
  type Row,
  type Sample,
  summed,
} from './common.ts'

// ---- einsum, by its definition ----

/** The sum over all letters of the product of the operands' elements, for terms without `...`. */
function sumOfProducts(equation: string, inputs: readonly Nd[]): Nd {
  const [left, out] = equation.replaceAll(' ', '').split('->')
  const terms = left.split(',')
  const letters = [...new Set(left.replaceAll(',', ''))]
  const size = (letter: string): number =>
    Math.max(
      ...terms.flatMap((term, i) => [...term].flatMap((l, axis) => (l === letter ? [inputs[i].shape[axis]] : []))),
    )
  const sizes = new Map(
    letters.map((letter) => [
      letter,
      letters.some(() =>
        terms.some((term, i) => [...term].some((l, axis) => l === letter && inputs[i].shape[axis] === 0)),
      )
        ? 0
        : size(letter),
    ]),
  )
  const summedOver = letters.filter((letter) => !out.includes(letter))
  return nd(
    [...out].map((letter) => sizes.get(letter) as number),
    (index) => {
      let total = 0
      for (const rest of indices(summedOver.map((letter) => sizes.get(letter) as number))) {
        const place = (letter: string): number =>
          out.includes(letter) ? index[out.indexOf(letter)] : rest[summedOver.indexOf(letter)]
        total += terms.reduce((product, term, i) => product * at(inputs[i], [...term].map(place)), 1)
      }
      return total
    },
  )
}

/** An equation, the shapes, and the same equation without `...` and implied result. */
const equations: readonly { equation: string; shapes: readonly Shape[]; meaning?: string }[] = [
  {
    equation: 'ij,jk->ik',
    shapes: [
      [3, 4],
      [4, 5],
    ],
  },
  {
    equation: 'ij,jk',
    shapes: [
      [3, 4],
      [4, 5],
    ],
    meaning: 'ij,jk->ik',
  },
  { equation: 'ba', shapes: [[2, 3]], meaning: 'ba->ab' },
  { equation: 'ij->', shapes: [[3, 4]] },
  { equation: 'ii', shapes: [[4, 4]], meaning: 'ii->' },
  { equation: 'ii->i', shapes: [[4, 4]] },
  { equation: 'iij->ji', shapes: [[3, 3, 2]] },
  { equation: 'iii->i', shapes: [[3, 3, 3]] },
  {
    equation: 'bthd,bshd->bhts',
    shapes: [
      [2, 3, 2, 4],
      [2, 5, 2, 4],
    ],
  },
  { equation: 'i,j->ij', shapes: [[3], [4]] },
  { equation: 'i,i->i', shapes: [[5], [5]] },
  { equation: 'ij,j,k->ik', shapes: [[2, 3], [3], [4]] },
  {
    equation: 'ij,kl->',
    shapes: [
      [2, 3],
      [4, 2],
    ],
  },
  {
    equation: 'ijk,jil->kl',
    shapes: [
      [2, 3, 4],
      [3, 2, 2],
    ],
  },
  {
    equation: 'ij,ij,ij->i',
    shapes: [
      [2, 3],
      [2, 3],
      [2, 3],
    ],
  },
  {
    equation: '...ij,jk->...ik',
    shapes: [
      [2, 3, 4],
      [4, 2],
    ],
    meaning: 'aij,jk->aik',
  },
  {
    equation: '...ij,...jk->...ik',
    shapes: [
      [2, 1, 3, 2],
      [4, 2, 3],
    ],
    meaning: 'abij,bjk->abik',
  },
  { equation: 'i...', shapes: [[2, 3]], meaning: 'ia->ai' },
  { equation: 'ij,->ij', shapes: [[2, 3], []] },
  {
    equation: 'ij,jk->ik',
    shapes: [
      [3, 0],
      [0, 2],
    ],
  },
  {
    equation: 'ij,jk->ik',
    shapes: [
      [0, 3],
      [3, 2],
    ],
  },
  {
    equation: 'i j , j k -> i k',
    shapes: [
      [1, 1],
      [1, 1],
    ],
  },
]

const matmuls: readonly (readonly [Shape, Shape])[] = [
  [
    [3, 4],
    [4, 5],
  ],
  [[4], [4]],
  [[3, 4], [4]],
  [[4], [4, 3]],
  [
    [2, 3, 4],
    [4, 5],
  ],
  [
    [2, 3, 4],
    [2, 4, 5],
  ],
  [
    [2, 1, 3, 4],
    [5, 4, 2],
  ],
  [
    [1, 3, 4],
    [1, 4, 2],
  ],
  [
    [33, 17],
    [17, 29],
  ],
  [
    [1, 1],
    [1, 1],
  ],
  [
    [0, 4],
    [4, 3],
  ],
  [
    [3, 0],
    [0, 2],
  ],
  [
    [5, 0, 2],
    [2, 3],
  ],
]

function product([left, right]: Nd[]): Nd {
  const a = left.shape.length === 1 ? { shape: [1, ...left.shape], data: left.data } : left
  const b = right.shape.length === 1 ? { shape: [...right.shape, 1], data: right.data } : right
  const [m, k, n] = [a.shape[a.shape.length - 2], a.shape[a.shape.length - 1], b.shape[b.shape.length - 1]]
  const batch = broadcast(a.shape.slice(0, -2), b.shape.slice(0, -2))
  const full = nd([...batch, m, n], (index) => {
    const lead = index.slice(0, -2)
    const [i, j] = index.slice(-2)
    let total = 0
    for (let l = 0; l < k; l++)
      total +=
        at(a, [...lead.slice(lead.length - (a.shape.length - 2)), i, l]) *
        at(b, [...lead.slice(lead.length - (b.shape.length - 2)), l, j])
    return total
  })
  return {
    data: full.data,
    shape: [...batch, ...(left.shape.length === 1 ? [] : [m]), ...(right.shape.length === 1 ? [] : [n])],
  }
}

// ---- convolutions, by their definition ----

interface Geometry {
  readonly stride: number
  readonly before: number
  readonly after: number
  readonly dilation: number
  readonly groups: number
}

/** x: [B, C, ...I], w: [O, C / groups, ...K]: every output element as one sum. */
function correlate([x, w]: readonly Nd[], { stride, before, after, dilation, groups }: Geometry): Nd {
  const space = x.shape
    .slice(2)
    .map((n, i) => Math.floor((n + before + after - (w.shape[i + 2] - 1) * dilation - 1) / stride) + 1)
  const perGroup = w.shape[0] / groups
  return nd([x.shape[0], w.shape[0], ...space], ([b, o, ...place]) => {
    let total = 0
    for (const [c, ...k] of indices(w.shape.slice(1))) {
      const from = place.map((p, i) => p * stride + k[i] * dilation - before)
      if (from.some((p, i) => p < 0 || p >= x.shape[i + 2])) continue
      total += at(w, [o, c, ...k]) * at(x, [b, Math.floor(o / perGroup) * w.shape[1] + c, ...from])
    }
    return total
  })
}

/** x: [B, C, ...I], w: [C, O / groups, ...K]: every input element spreads the kernel. */
function spread(
  [x, w]: readonly Nd[],
  { stride, before: padding, dilation, groups }: Geometry,
  outputPadding: number,
): Nd {
  const space = x.shape
    .slice(2)
    .map((n, i) => (n - 1) * stride - 2 * padding + dilation * (w.shape[i + 2] - 1) + outputPadding + 1)
  const shape = [x.shape[0], w.shape[1] * groups, ...space]
  const sums = new Map<string, number>()
  const perGroup = w.shape[0] / groups
  for (const [b, c, ...place] of indices(x.shape)) {
    for (const [o, ...k] of indices(w.shape.slice(1))) {
      const to = place.map((p, i) => p * stride + k[i] * dilation - padding)
      const key = String([b, Math.floor(c / perGroup) * w.shape[1] + o, ...to])
      sums.set(key, (sums.get(key) ?? 0) + at(x, [b, c, ...place]) * at(w, [c, o, ...k]))
    }
  }
  return nd(shape, (index) => sums.get(String(index)) ?? 0)
}

const plain: Geometry = { stride: 1, before: 0, after: 0, dilation: 1, groups: 1 }
const convolutions: readonly { x: Shape; w: Shape; geometry?: Partial<Geometry>; same?: boolean; order?: 1 | 2 }[] = [
  { x: [2, 3, 8], w: [4, 3, 3] },
  { x: [1, 2, 9], w: [3, 2, 2], geometry: { stride: 2, before: 1, after: 1 } },
  { x: [1, 2, 5, 6], w: [3, 2, 3, 3] },
  { x: [2, 1, 6, 5], w: [2, 1, 3, 2], geometry: { stride: 2, before: 1, after: 1 } },
  { x: [1, 4, 6, 6], w: [6, 2, 3, 3], geometry: { groups: 2, dilation: 2, before: 2, after: 2 } },
  { x: [1, 3, 5, 5], w: [3, 1, 3, 3], geometry: { groups: 3 } },
  { x: [1, 2, 7, 7], w: [2, 2, 3, 3], geometry: { stride: 3, before: 1, after: 1 } },
  { x: [1, 2, 5, 5], w: [2, 2, 4, 4], geometry: { before: 1, after: 2 }, same: true },
  { x: [2, 3, 4, 4], w: [5, 3, 1, 1] },
  { x: [0, 2, 4, 4], w: [3, 2, 3, 3] },
  { x: [1, 2, 4, 4, 3], w: [2, 2, 2, 2, 2], geometry: { stride: 2, before: 1, after: 1 } },
]
const transposed: readonly { x: Shape; w: Shape; geometry?: Partial<Geometry>; outputPadding?: number }[] = [
  { x: [2, 3, 5], w: [3, 2, 3] },
  { x: [1, 2, 3, 4], w: [2, 3, 3, 3], geometry: { stride: 2, before: 1 }, outputPadding: 1 },
  { x: [1, 4, 3, 3], w: [4, 3, 2, 2], geometry: { groups: 2, dilation: 2 } },
  { x: [1, 2, 2, 2, 3], w: [2, 1, 2, 2, 2], geometry: { stride: 2 } },
]
const convs = [convolving.conv1d, convolving.conv2d, convolving.conv3d] as const
const transposedConvs = [convolving.convTranspose1d, convolving.convTranspose2d, convolving.convTranspose3d] as const

const convSamples = (rank: number): Sample[] =>
  convolutions
    .filter(({ x }) => x.length === rank + 2)
    .map(({ x, w, geometry, same }) => {
      const all = { ...plain, ...geometry }
      const { stride, before, dilation, groups } = all
      return {
        name: `[${x}] with [${w}], ${JSON.stringify(geometry ?? {})}${same ? ', same' : ''}`,
        inputs: [draw(x, { seed: 5 }), draw(w, { seed: 6 })],
        build: ([input, weight]: Tensor[]) =>
          convs[rank - 1](input, weight, { stride, padding: same ? 'same' : before, dilation, groups }),
        expected: (inputs: readonly Nd[]) => correlate(inputs, all),
        tolerance: summed,
        order: 2 as const,
      }
    })
/** Which element stands at place `i` of an axis of n, in front of it and behind too. */
const fillings = {
  reflect: (i: number, n: number): number => (i < 0 ? -i : i < n ? i : 2 * (n - 1) - i),
  replicate: (i: number, n: number): number => Math.min(n - 1, Math.max(0, i)),
  circular: (i: number, n: number): number => (i + n) % n,
}
const filledSamples = (rank: number): Sample[] =>
  Object.entries(fillings).map(([mode, place]) => {
    const x = [1, 2, ...[4, 5, 3].slice(0, rank)]
    const whole = x.map((n, axis) => (axis < 2 ? n : n + 2))
    return {
      name: `padding of mode ${mode}`,
      inputs: [draw(x, { seed: 5 }), draw([2, 2, ...new Array<number>(rank).fill(3)], { seed: 6 })],
      build: ([input, weight]: Tensor[]) =>
        convs[rank - 1](input, weight, { padding: 1, paddingMode: mode as keyof typeof fillings }),
      expected: ([input, weight]: readonly Nd[]) => {
        const filled = nd(whole, (index) =>
          at(
            input,
            index.map((i, axis) => (axis < 2 ? i : place(i - 1, x[axis]))),
          ),
        )
        return correlate([filled, weight], plain)
      },
      tolerance: summed,
      order: 1 as const,
    }
  })
const transposedSamples = (rank: number): Sample[] =>
  transposed
    .filter(({ x }) => x.length === rank + 2)
    .map(({ x, w, geometry, outputPadding = 0 }) => {
      const all = { ...plain, ...geometry }
      const { stride, before: padding, dilation, groups } = all
      return {
        name: `[${x}] with [${w}], ${JSON.stringify(geometry ?? {})}`,
        inputs: [draw(x, { seed: 5 }), draw(w, { seed: 6 })],
        build: ([input, weight]: Tensor[]) =>
          transposedConvs[rank - 1](input, weight, { stride, padding, outputPadding, dilation, groups }),
        expected: (inputs: readonly Nd[]) => spread(inputs, all, outputPadding),
        tolerance: summed,
        order: 2 as const,
      }
    })

const whole: HostArray[] = [
  draw([3, 4], { dtype: 'int32', low: -9, high: 9 }),
  draw([4, 2], { dtype: 'int32', low: -9, high: 9, seed: 2 }),
]

export const productRows: readonly Row[] = [
  {
    op: 'matmul',
    samples: [
      ...matmuls.map(
        ([a, b]): Sample => ({
          name: `[${a}] times [${b}]`,
          inputs: [draw(a, { seed: 1 }), draw(b, { seed: 2 })],
          build: ([x, y]) => contracting.matmul(x, y),
          expected: (inputs) => product([...inputs]),
          tolerance: summed,
          order: 2,
        }),
      ),
      {
        name: 'int32',
        inputs: whole,
        build: ([x, y]) => contracting.matmul(x, y),
        expected: (inputs) => product([...inputs]),
        tolerance: exact,
        order: 0,
      },
    ],
    errors: [
      {
        name: 'inner sizes that differ',
        code: 'shape-mismatch',
        call: () => contracting.matmul(dummy([2, 3]), dummy([2, 3])),
      },
      { name: 'a scalar', code: 'shape-mismatch', call: () => contracting.matmul(dummy([]), dummy([2, 3])) },
      {
        name: 'batches that do not fit',
        code: 'shape-broadcast',
        call: () => contracting.matmul(dummy([2, 3, 4]), dummy([3, 4, 2])),
      },
      {
        name: 'bools',
        code: 'dtype-mismatch',
        call: () => contracting.matmul(dummy([2, 2], 'bool'), dummy([2, 2], 'bool')),
      },
    ],
  },
  {
    op: 'dot',
    samples: [
      {
        name: '[37]',
        inputs: [draw([37], { seed: 1 }), draw([37], { seed: 2 })],
        build: ([a, b]) => contracting.dot(a, b),
        expected: (inputs) => sumOfProducts('i,i->', inputs),
        tolerance: summed,
        order: 2,
      },
    ],
    errors: [{ name: 'matrices', code: 'shape-mismatch', call: () => contracting.dot(dummy([2, 2]), dummy([2, 2])) }],
  },
  {
    op: 'outer',
    samples: [
      {
        name: '[3] and [2, 4]',
        inputs: [draw([3], { seed: 1 }), draw([2, 4], { seed: 2 })],
        build: ([a, b]) => contracting.outer(a, b),
        expected: (inputs) => sumOfProducts('i,jk->ijk', inputs),
        tolerance: summed,
        order: 2,
      },
    ],
    errors: [
      { name: 'bools', code: 'dtype-mismatch', call: () => contracting.outer(dummy([2], 'bool'), dummy([2], 'bool')) },
    ],
  },
  {
    op: 'einsum',
    samples: equations.map(({ equation, shapes, meaning = equation }) => ({
      name: `${equation} ${shapes.map((shape) => `[${shape}]`).join(' ')}`,
      inputs: shapes.map((shape, seed) => draw(shape, { seed: seed + 1 })),
      build: (inputs: Tensor[]) => contracting.einsum(equation, ...inputs),
      expected: (inputs: readonly Nd[]) => sumOfProducts(meaning, inputs),
      tolerance: summed,
      order: 2 as const,
    })),
    errors: [
      { name: 'too few tensors', code: 'value-invalid', call: () => contracting.einsum('ij,jk->ik', dummy([2, 2])) },
      { name: 'another number of axes', code: 'value-invalid', call: () => contracting.einsum('ij->i', dummy([2])) },
      {
        name: 'sizes that differ',
        code: 'value-invalid',
        call: () => contracting.einsum('ij,jk->ik', dummy([2, 3]), dummy([4, 2])),
      },
      { name: 'an unknown letter', code: 'value-invalid', call: () => contracting.einsum('ij->k', dummy([2, 3])) },
      {
        name: 'a letter twice in the result',
        code: 'value-invalid',
        call: () => contracting.einsum('ij->ii', dummy([2, 2])),
      },
      { name: 'no letters', code: 'value-invalid', call: () => contracting.einsum('i1->i', dummy([2, 2])) },
      { name: 'two arrows', code: 'value-invalid', call: () => contracting.einsum('i->i->i', dummy([2])) },
    ],
  },
  ...[1, 2, 3].flatMap((rank): Row[] => {
    const input = dummy([1, 2, ...new Array<number>(rank).fill(4)])
    const weight = dummy([4, 2, ...new Array<number>(rank).fill(3)])
    return [
      {
        op: `conv${rank}d`,
        samples: [...convSamples(rank), ...filledSamples(rank)],
        errors: [
          {
            name: 'an unknown padding mode',
            code: 'value-invalid',
            call: () => convs[rank - 1](input, weight, { padding: 1, paddingMode: 'mirror' as 'reflect' }),
          },
          {
            name: 'other channels',
            code: 'shape-mismatch',
            call: () => convs[rank - 1](dummy([1, 3, ...new Array<number>(rank).fill(4)]), weight),
          },
          { name: 'a flat input', code: 'shape-mismatch', call: () => convs[rank - 1](dummy([4]), weight) },
          {
            name: 'a kernel that reaches beyond the input',
            code: 'shape-mismatch',
            call: () => convs[rank - 1](input, weight, { dilation: 2 }),
          },
          { name: 'a flat weight', code: 'shape-mismatch', call: () => convs[rank - 1](input, dummy([4, 2])) },
          {
            name: "'same' with a stride",
            code: 'value-invalid',
            call: () => convs[rank - 1](input, weight, { padding: 'same', stride: 2 }),
          },
          { name: 'a stride of 0', code: 'value-invalid', call: () => convs[rank - 1](input, weight, { stride: 0 }) },
          {
            name: 'too many strides',
            code: 'value-invalid',
            call: () => convs[rank - 1](input, weight, { stride: new Array<number>(rank + 1).fill(1) }),
          },
        ],
      },
      {
        op: `convTranspose${rank}d`,
        samples: transposedSamples(rank),
        errors: [
          { name: 'other channels', code: 'shape-mismatch', call: () => transposedConvs[rank - 1](input, weight) },
          {
            name: 'padding that leaves nothing',
            code: 'shape-mismatch',
            call: () =>
              transposedConvs[rank - 1](input, dummy([2, 4, ...new Array<number>(rank).fill(3)]), { padding: 3 }),
          },
          {
            name: 'too much output padding',
            code: 'value-invalid',
            call: () =>
              transposedConvs[rank - 1](input, dummy([2, 4, ...new Array<number>(rank).fill(3)]), { outputPadding: 1 }),
          },
        ],
      },
    ]
  }),
]
