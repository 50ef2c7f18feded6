/**
 * Sizes beyond one task, one tile, one cache: products, convolutions, reductions, rows, sums by index and sorts of odd
 * large shapes, with their gradients, on the backends that share work out.
 *
 * Shapes are drawn at random around the sizes at which templates change what they do. Small shapes of everything:
 * fuzz.test.ts.
 */
import { expect, it } from 'vitest'
import { compile, concat, conv2d, gradients, maxPool2d, scatterAdd, type Tensor, take, zeros } from '../../src/index.ts'
import { fromArray } from '../../src/tensor.ts'
import { generator } from '../opinfo/common.ts'
import { expectAsReference, onBackends } from './on-backends.ts'

/** Tensors to compute, made with numbers from `next`. */
type Family = (next: () => number) => readonly Tensor[]

const numbers = (next: () => number, ...shape: number[]): Tensor => {
  const size = shape.reduce((a, b) => a * b, 1)
  return fromArray(
    Float32Array.from({ length: size }, () => Math.fround(2 * next() - 1)),
    shape,
  )
}
const indices = (next: () => number, size: number, ...shape: number[]): Tensor => {
  const count = shape.reduce((a, b) => a * b, 1)
  return fromArray(
    Int32Array.from({ length: count }, () => Math.floor(next() * size)),
    shape,
  )
}
const between = (next: () => number, low: number, high: number): number => low + Math.floor(next() * (high - low + 1))
/** Together with the gradients of a nonlinear function of it. */
const withSlopes = (output: Tensor, inputs: readonly Tensor[]): Tensor[] => [
  output,
  ...gradients(output.mul(0.1).sin().sum(), inputs).filter((slope) => slope !== undefined),
]

const families: Readonly<Record<string, Family>> = {
  'a product, bias and activation': (next) => {
    const [m, k, n] = [between(next, 1, 230), between(next, 60, 230), between(next, 60, 230)]
    const [x, w, b] = [numbers(next, m, k), numbers(next, n, k), numbers(next, n)]
    return withSlopes(x.matmul(w.transpose()).add(b).relu(), [x, w, b])
  },
  'a product with long sums': (next) => {
    const [m, k, n] = [between(next, 1, 12), between(next, 2000, 5000), between(next, 1, 40)]
    const [x, w] = [numbers(next, m, k), numbers(next, k, n)]
    return withSlopes(x.matmul(w), [x, w])
  },
  // Deeper than a block of the summed loop, with rows enough that panels of the right operand are copied.
  'a product in blocks': (next) => {
    const [m, k, n] = [between(next, 40, 90), between(next, 3500, 5000), between(next, 33, 70)]
    const [x, w, v] = [numbers(next, m, k), numbers(next, k, n), numbers(next, n, k)]
    return [...withSlopes(x.matmul(w), [x, w]), x.matmul(v.transpose()).add(1).sin()]
  },
  // More rows than a task keeps in the cache beside narrow tiles, and columns that leave a vector or two over.
  'a product of many rows': (next) => {
    const [m, k, n] = [between(next, 300, 700), between(next, 300, 400), 4 * between(next, 9, 24) + between(next, 0, 1)]
    const [x, w, b] = [numbers(next, m, k), numbers(next, k, n), numbers(next, n)]
    return withSlopes(x.matmul(w).add(b).relu(), [x, w, b])
  },
  // So few rows that reading the right operand is the work: shared out by columns, in tiles of any width.
  'a product of few rows': (next) => {
    const [m, k, n] = [between(next, 1, 3), between(next, 900, 1700), between(next, 60, 200)]
    const [x, w, v, b] = [numbers(next, m, k), numbers(next, k, n), numbers(next, n, k), numbers(next, n)]
    const [one, even] = [numbers(next, 1, 1568), numbers(next, 128, 1568)]
    return [
      ...withSlopes(x.matmul(w), [x, w]),
      ...withSlopes(x.matmul(v.transpose()).add(b).relu(), [x, v, b]),
      one.matmul(even.transpose()),
    ]
  },
  'a product of batches': (next) => {
    const [s, m, k, n] = [between(next, 2, 9), between(next, 1, 70), between(next, 1, 70), between(next, 1, 70)]
    const [x, w] = [numbers(next, s, m, k), numbers(next, s, k, n)]
    return withSlopes(x.matmul(w), [x, w])
  },
  'a product read through movements': (next) => {
    const [m, k, n] = [between(next, 20, 90), between(next, 20, 90), between(next, 20, 90)]
    const [x, w] = [numbers(next, k, m + 3), numbers(next, n, k)]
    return withSlopes(
      x
        .slice([undefined, [2, m + 2]])
        .transpose()
        .matmul(w.flip(1).transpose()),
      [x, w],
    )
  },
  'a matrix times a vector': (next) => {
    const [m, k] = [between(next, 300, 700), between(next, 300, 700)]
    const [x, v] = [numbers(next, m, k), numbers(next, k)]
    return withSlopes(x.matmul(v), [x, v])
  },
  'a convolution, bias and activation': (next) => {
    const [c, f, size] = [between(next, 1, 17), between(next, 1, 33), between(next, 1, 4)]
    const options = { stride: between(next, 1, 2), padding: between(next, 0, 2), dilation: between(next, 1, 2) }
    const [h, v] = [between(next, 8, 19), between(next, 8, 35)]
    const [x, w, b] = [
      numbers(next, between(next, 1, 3), c, h, v),
      numbers(next, f, c, size, size),
      numbers(next, f, 1, 1),
    ]
    return withSlopes(conv2d(x, w, options).add(b).relu(), [x, w, b])
  },
  'a convolution in groups': (next) => {
    const groups = between(next, 2, 5)
    const [x, w] = [
      numbers(next, 2, groups * 3, 14, between(next, 9, 20)),
      numbers(next, groups * between(next, 1, 4), 3, 3, 3),
    ]
    return withSlopes(conv2d(x, w, { groups, padding: 1 }), [x, w])
  },
  'a reduction to few numbers': (next) => {
    const [a, b] = [between(next, 150, 400), between(next, 150, 400)]
    const x = numbers(next, a, b)
    return [...withSlopes(x.square().sum(), [x]), x.max(), x.mean(0), x.slice([[0, 3]]).sum(1)]
  },
  'a softmax of long rows': (next) => {
    const x = numbers(next, between(next, 1, 6), between(next, 3000, 9000))
    return withSlopes(x.mul(4).softmax(), [x])
  },
  'a softmax of many short rows': (next) => {
    const x = numbers(next, between(next, 1500, 4000), between(next, 2, 9))
    return withSlopes(x.logSoftmax(), [x])
  },
  'a softmax across rows': (next) => {
    const x = numbers(next, between(next, 3, 60), between(next, 200, 500))
    return withSlopes(x.softmax(0), [x])
  },
  'a norm of channels': (next) => {
    const x = numbers(next, between(next, 2, 9), between(next, 3, 20), between(next, 5, 30), 7)
    const centred = x.sub(x.mean([0, 2, 3], { keepDims: true }))
    return withSlopes(centred.div(centred.square().mean([0, 2, 3], { keepDims: true }).add(0.1).sqrt()), [x])
  },
  'an embedding and its gradient': (next) => {
    const [rows, width] = [between(next, 5, 300), between(next, 1, 70)]
    const table = numbers(next, rows, width)
    return withSlopes(take(table, indices(next, rows, between(next, 50, 400))), [table])
  },
  'sums by index': (next) => {
    const [n, m, width] = [between(next, 2, 40), between(next, 300, 3000), between(next, 1, 9)]
    const updates = numbers(next, m, width)
    return [
      scatterAdd(zeros([n, width]), indices(next, n, m, width), updates, 0),
      scatterAdd(zeros([width, n]), indices(next, n, width, m), updates.transpose(), 1),
    ]
  },
  'running sums': (next) => {
    const x = numbers(next, between(next, 100, 300), between(next, 50, 300))
    return withSlopes(x.mul(0.1).cumsum(0), [x]).concat(x.mul(0.1).cumsum(1))
  },
  'a sort of long and of many rows': (next) => [
    numbers(next, between(next, 1, 4), between(next, 500, 3000)).sort(),
    numbers(next, between(next, 200, 900), between(next, 2, 9)).argSort(),
  ],
  'a pool and its gradient': (next) => {
    const x = numbers(next, 3, between(next, 2, 9), between(next, 20, 40), between(next, 20, 40))
    return withSlopes(maxPool2d(x, between(next, 2, 3), { stride: between(next, 1, 3) }), [x])
  },
  'heads side by side, and sums of their columns': (next) => {
    const [heads, rows, width] = [between(next, 2, 5), between(next, 50, 200), 8 * between(next, 1, 5)]
    const parts = [1, 2, 3].map(() => numbers(next, heads, rows, width))
    const flat = concat(
      parts.map((part) => part.permute(1, 0, 2).reshape([rows, heads * width])),
      1,
    )
    return [...withSlopes(flat, parts), flat.sum(0), flat.mul(flat).sum(0), flat.abs().sum(1), flat.max(1)]
  },
  'a map with movements': (next) => {
    const [a, b] = [between(next, 100, 300), between(next, 100, 300)]
    const [x, y] = [numbers(next, a, b), numbers(next, b, a)]
    return withSlopes(
      x
        .add(y.transpose())
        .mul(x.flip(0))
        .pad([
          [1, 2],
          [3, 0],
        ])
        .tanh(),
      [x, y],
    )
  },
}

await onBackends(() => {
  it.each(Object.entries(families))('%s', async (_, family) => {
    await expectAsReference([1, 2, 3].flatMap((seed) => family(generator(seed * 101))))
  })

  it('a row times a large matrix is an even number of tasks, times a small one a single task', async () => {
    const layer = compile((x: Tensor, w: Tensor) => x.matmul(w.transpose()))
    const tasks = async (columns: number): Promise<number> => {
      const { plan } = await layer.program(zeros([1, 1568]), zeros([columns, 1568]))
      return plan.kernels[plan.launches[0].kernel].tasks
    }
    expect([2, 4, 6]).toContain(await tasks(128))
    expect(await tasks(10)).toBe(1)
    layer.release()
  })
})
