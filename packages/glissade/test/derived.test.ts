/**
 * What derived functions promise beyond their samples: types that meet, movements that undo each other, nothing made
 * that is not needed, indices that are checked, ties that go to the first.
 */
import { describe, expect, test } from 'vitest'
import { gradients } from '../src/autodiff/gradients.ts'
import { evaluate } from '../src/backends/reference/reference.ts'
import { arange, eye, full, linspace, ones, tensor, zeros, zerosLike } from '../src/create.ts'
import type { DType } from '../src/dtype.ts'
import { runTrace, Trace } from '../src/graph/trace.ts'
import { einsum } from '../src/ops/derived/contract.ts'
import { where } from '../src/ops/derived/elementwise.ts'
import { concat, stack } from '../src/ops/derived/movement.ts'
import { avgPool2d, maxPool1d, maxPool2d } from '../src/ops/derived/pool.ts'
import { leaf } from '../src/ops/leaf.ts'
import { formatTensor } from '../src/print.ts'
import { makeNode, type Tensor, Variable } from '../src/tensor.ts'
import { distinct, draw, generator } from './opinfo/common.ts'
import { nodesOf, toTensor } from './opinfo.ts'

const numbers = (x: Tensor | undefined): number[] => {
  if (!x) throw new Error('no gradient')
  return [...evaluate([x])[0].data]
}
const caught = (body: () => unknown): { code?: string; fields?: Record<string, unknown> } => {
  try {
    body()
  } catch (error) {
    return error as { code: string }
  }
  return {}
}
const of = (dtype: DType): Tensor => ones([2], dtype)

describe('types meet', () => {
  test.each<[string, Tensor, DType]>([
    ['bool and int32', of('bool').add(of('int32')), 'int32'],
    ['int32 and float32', of('int32').mul(of('float32')), 'float32'],
    ['float32 and float64', of('float32').sub(of('float64')), 'float64'],
    ['int32 and a whole number', of('int32').add(2), 'int32'],
    ['int32 and a fraction', of('int32').add(0.5), 'float32'],
    ['int32 and infinity', of('int32').maximum(Number.POSITIVE_INFINITY), 'float32'],
    ['int32 and minus zero', of('int32').add(-0), 'float32'],
    ['float32 and a whole number', of('float32').add(2), 'float32'],
    ['float32 and a truth', of('float32').add(true), 'float32'],
    ['bool and a whole number', of('bool').add(1), 'int32'],
    ['whole numbers divided', of('int32').div(of('int32')), 'float32'],
    ['whole numbers squared', of('int32').pow(2), 'int32'],
    ['whole numbers to the power of -1', of('int32').pow(-1), 'float32'],
    ['whole numbers to the power of a tensor', of('int32').pow(of('int32')), 'float32'],
    ['the square root of whole numbers', of('int32').sqrt(), 'float32'],
    ['a sum of bools', of('bool').sum(), 'int32'],
    ['a mean of whole numbers', of('int32').mean(), 'float32'],
    ['a choice between two numbers', where(of('bool'), 1, 0), 'float32'],
    ['a choice between truths', where(of('bool'), true, false), 'bool'],
    ['a choice between a tensor and a number', where(of('bool'), of('int32'), 0), 'int32'],
    ['a comparison', of('int32').lt(0.5), 'bool'],
    ['an arg-max', of('float32').argMax(), 'int32'],
    ['a bit mask beyond 2^31', of('int32').and(0xffffffff), 'int32'],
  ])('%s', (_, x, dtype) => {
    expect(x.dtype).toBe(dtype)
  })

  test('a fraction does not lose its digits on the way', () => {
    expect(numbers(tensor([1, 2], { dtype: 'int32' }).mul(0.5))).toEqual([0.5, 1])
    expect(numbers(tensor([1, -2], { dtype: 'int32' }).lt(-1.5))).toEqual([0, 1])
  })
})

describe('nothing is made that is not needed', () => {
  test('a movement that moves nothing is the tensor itself', () => {
    const x = ones([2, 3])
    const same = [
      x.reshape([2, 3]),
      x.permute(0, 1),
      x.expand([2, 3]),
      x.pad([
        [0, 0],
        [0, 0],
      ]),
      x.slice([[0, 2]]),
      x.squeeze([]),
      x.cast('float32'),
      x.pow(1),
      x.sum([]),
      x.clip(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY),
    ]
    for (const y of same) expect(y).toBe(x)
  })

  test('of a variable, though, its value now', () => {
    const w = new Variable(tensor([1, 2]))
    const views = [
      w.reshape([2]),
      w.cast('float32'),
      w.pow(1),
      w.slice([]),
      w.sum([]),
      w.expand([2]),
      concat([w]),
      w.flip([]),
    ]
    w.assign(tensor([7, 8]))
    for (const view of views) expect(numbers(view)).toEqual([1, 2])
  })

  test('an axis of size 1 is summed by a reshape', () => {
    const ops = [...nodesOf(ones([3, 1]).sum(1))].map(({ op }) => op.kind)
    expect(ops).not.toContain('reduce')
  })

  test('a batch that is repeated is not copied for a product', () => {
    const y = ones([5, 3, 4]).matmul(ones([1, 4, 2]))
    expect([...nodesOf(y)].map(({ op }) => op.name)).not.toContain('expand')
    expect(y.shape).toEqual([5, 3, 2])
  })

  test('a product of several operands is a chain of contractions', () => {
    const y = einsum('ij,jk,kl->il', ones([2, 3]), ones([3, 4]), ones([4, 5]))
    expect([...nodesOf(y)].filter(({ op }) => op.kind === 'contract')).toHaveLength(2)
    expect([...nodesOf(y)].filter(({ op }) => op.kind === 'map')).toHaveLength(0)
  })
})

describe('movements undo each other', () => {
  const random = generator(11)
  const pick = (n: number): number => Math.floor(random() * n)
  const cases = Array.from({ length: 25 }, () => Array.from({ length: 1 + pick(4) }, () => 1 + pick(4)))

  test.each(cases.map((shape) => [shape.join(' '), shape] as const))('on [%s]', (_, shape) => {
    const host = draw(shape, { seed: shape.length })
    const x = toTensor(host)
    const back = (name: string, y: Tensor): void => {
      expect(y.shape, name).toEqual(shape)
      expect(numbers(y), name).toEqual(host.data)
    }
    const order = shape.map((_, i) => i).sort(() => random() - 0.5)
    back('permute', x.permute(...order).permute(...order.map((_, i) => order.indexOf(i))))
    const axes = shape.flatMap((_, i) => (random() < 0.5 ? [i] : []))
    back('flip', x.flip(axes).flip(axes))
    back('reshape', x.reshape([-1]).reshape(shape))
    const margins = shape.map(() => [pick(3), pick(3)] as const)
    back('pad', x.pad(margins, 9).pad(margins.map(([before, after]) => [-before, -after])))
    const axis = pick(shape.length)
    back('split', concat(x.split(1 + pick(shape[axis]), axis), axis))
    back(
      'stack',
      stack(
        Array.from({ length: shape[axis] }, (_, i) =>
          x.slice(shape.map((_, a) => (a === axis ? [i, i + 1] : undefined))).squeeze(axis),
        ),
        axis,
      ),
    )
    back('take', x.take(arange(shape[axis]), axis))
    back('sort', x.gather(x.argSort(axis), axis).gather(x.argSort(axis).argSort(axis), axis))
    back('repeat', x.repeat(shape.map(() => 2)).slice(shape.map((n) => [n, 2 * n])))
    back(
      'windows',
      x
        .reshape([-1])
        .pad([[1, 0]])
        .slice([[1]])
        .reshape(shape),
    )
  })
})

describe('indices', () => {
  const labels = (values: readonly number[]): Tensor => tensor(values, { dtype: 'int32' })

  test('out of range are refused with the place and the value, behind movements too', () => {
    expect(caught(() => labels([0, 1, 7]).oneHot(3))).toMatchObject({
      code: 'index-range',
      fields: { value: 7, position: 2, size: 3 },
    })
    expect(caught(() => labels([0, -1]).reshape([2, 1]).oneHot(3))).toMatchObject({
      code: 'index-range',
      fields: { value: -1, position: 1 },
    })
    expect(caught(() => zeros([3]).scatterAdd(labels([3]), zeros([1]), 0))).toMatchObject({ code: 'index-range' })
  })

  test('of a traced argument become a requirement on it', () => {
    const trace = new Trace()
    const argument = makeNode(leaf, [], { shape: [4], dtype: 'int32' })
    runTrace(trace, () => {
      argument.oneHot(10)
      ones([5, 2]).take(argument.reshape([2, 2]))
      ones([3]).take(argument.add(1))
    })
    expect(trace.requirements.map(({ tensor: t, size }) => [t, size])).toEqual([
      [argument, 10],
      [argument, 5],
    ])
  })

  test('that are empty are in range', () => {
    expect(numbers(ones([0, 3]).take(labels([])))).toEqual([])
  })
})

describe('pooling', () => {
  test('gives the gradient of a tie to the first place, as PyTorch does', () => {
    const x = tensor([
      [
        [1, 1, 1, 1],
        [1, 1, 1, 1],
      ],
    ])
    expect(numbers(gradients(maxPool2d(x, 2).sum(), [x])[0])).toEqual([1, 0, 1, 0, 0, 0, 0, 0])
    const row = tensor([[2, 2, 2, 1]])
    expect(numbers(gradients(maxPool1d(row, 3, { stride: 1 }).sum(), [row])[0])).toEqual([1, 1, 0, 0])
  })

  test('gives it to the first NaN', () => {
    const x = tensor([[3, Number.NaN, Number.NaN, 1]])
    expect(numbers(gradients(maxPool1d(x, 4).sum(), [x])[0])).toEqual([0, 1, 0, 0])
  })

  test('keeps no patches: behind the window there is nothing of its size but the int32 map', () => {
    const x = toTensor(distinct([1, 2, 8, 8]))
    // What the gradient takes from the forward pass: the map of places, one for each window …
    const [large] = gradients(maxPool2d(x, 5, { stride: 3 }).sum(), [x])
    const kept = [...nodesOf(large as Tensor)].filter(({ op, dtype }) => op.kind === 'reduce' && dtype === 'int32')
    expect(kept.map(({ shape }) => shape)).toEqual([[1, 2, 2, 2]])
    // … and where windows are compared place by place, nothing computed is larger than that map.
    const [small] = gradients(maxPool2d(x, 3, { stride: 2 }).sum(), [x])
    const computed = [...nodesOf(small as Tensor)].filter(({ op, pass }) => op.kind === 'map' && pass === 'forward')
    expect(computed.length).toBeGreaterThan(0)
    expect(new Set(computed.map(({ shape }) => shape.join()))).toEqual(new Set(['1,2,3,3']))
  })

  test('averages what is there', () => {
    const x = ones([1, 1, 3, 3])
    expect(numbers(avgPool2d(x, 2, { stride: 2, padding: 1, countIncludePad: false }))).toEqual([1, 1, 1, 1])
    expect(numbers(avgPool2d(x, 2, { stride: 2, padding: 1 }))).toEqual([0.25, 0.5, 0.5, 1])
  })
})

describe('made from nothing', () => {
  test('tensor takes numbers, nested arrays and typed arrays, and copies them', () => {
    const data = new Float32Array([1, 2, 3, 4, 5, 6])
    const x = tensor(data, { shape: [2, 3] })
    data[0] = 99
    expect(numbers(x)).toEqual([1, 2, 3, 4, 5, 6])
    expect(
      tensor([
        [1, 2],
        [3, 4],
      ]),
    ).toMatchObject({ shape: [2, 2], dtype: 'float32' })
    expect(tensor(3)).toMatchObject({ shape: [], dtype: 'float32' })
    expect(tensor([true, false])).toMatchObject({ shape: [2], dtype: 'bool' })
    expect(tensor([])).toMatchObject({ shape: [0], dtype: 'float32' })
    expect(tensor([[], []])).toMatchObject({ shape: [2, 0] })
    expect(tensor(Uint8Array.of(1, 255))).toMatchObject({ shape: [2], dtype: 'int32' })
    expect(tensor(Float64Array.of(1))).toMatchObject({ dtype: 'float64' })
    expect(numbers(tensor([0, 2, -1], { dtype: 'bool' }))).toEqual([0, 1, 1])
  })

  test('tensor refuses ragged rows, other things, and fractions for int32', () => {
    expect(caught(() => tensor([[1, 2], [3]])).code).toBe('shape-mismatch')
    expect(caught(() => tensor([1, [2]])).code).toBe('shape-mismatch')
    expect(caught(() => tensor(['a'] as unknown as number[])).code).toBe('value-invalid')
    expect(caught(() => tensor([1.5], { dtype: 'int32' })).code).toBe('value-invalid')
    expect(caught(() => tensor(Uint32Array.of(2 ** 31))).code).toBe('value-invalid')
    expect(caught(() => zeros([2, -1])).code).toBe('value-invalid')
  })

  test('rules', () => {
    expect(numbers(arange(4))).toEqual([0, 1, 2, 3])
    expect(arange(4).dtype).toBe('int32')
    expect(numbers(arange(2, 9, 3))).toEqual([2, 5, 8])
    expect(numbers(arange(3, 0, -1))).toEqual([3, 2, 1])
    expect(numbers(arange(0, 1, 0.25))).toEqual([0, 0.25, 0.5, 0.75])
    expect(numbers(arange(3, 1))).toEqual([])
    expect(caught(() => arange(0, 1, 0)).code).toBe('value-invalid')
    expect(numbers(linspace(-1, 1, 5))).toEqual([-1, -0.5, 0, 0.5, 1])
    expect(numbers(eye(2, 3))).toEqual([1, 0, 0, 0, 1, 0])
    expect(full([2], true).dtype).toBe('bool')
    expect(zerosLike(ones([2], 'int32'))).toMatchObject({ dtype: 'int32', shape: [2] })
  })
})

describe('the reference', () => {
  test('computes a graph of ten thousand layers, and lets go of what is not needed again', () => {
    let x: Tensor = ones([4])
    for (let i = 0; i < 10_000; i++) x = x.add(1)
    expect(numbers(x)).toEqual([10_001, 10_001, 10_001, 10_001])
  })

  test('takes bindings for any tensor', () => {
    const x = makeNode(leaf, [], { shape: [2], dtype: 'float32' })
    const y = x.mul(3)
    expect([...evaluate([y.add(1)], new Map([[x, Float64Array.of(1, 2)]]))[0].data]).toEqual([4, 7])
    expect([...evaluate([y.add(1)], new Map([[y, Float64Array.of(1, 2)]]))[0].data]).toEqual([2, 3])
    expect(caught(() => evaluate([y])).code).toBe('trace-read')
  })

  test('refuses numbers that were changed in place since', () => {
    const x = tensor([1, 2])
    const y = x.mul(2)
    x.storage?.write(Float32Array.of(5, 6))
    expect(caught(() => evaluate([y])).code).toBe('stale-value')
  })

  test('computes again what another backend computed, unless told otherwise', () => {
    const y = tensor([1, 2]).mul(2)
    y.storage = tensor([7, 7]).storage
    expect(numbers(y)).toEqual([2, 4])
    expect([...evaluate([y], new Map(), { useComputed: true })[0].data]).toEqual([7, 7])
  })

  test('keeps float64', () => {
    expect(numbers(tensor(Float64Array.of(0.1)).add(0.2))).toEqual([0.1 + 0.2])
  })
})

describe('as text', () => {
  test('numbers of one width, rows under rows', () => {
    expect(formatTensor([1, -2.5, 3, 4], [2, 2], 'float32')).toBe('[[ 1.0, -2.5],\n [ 3.0,  4.0]]')
    expect(formatTensor([1, 2, 3], [3], 'float32')).toBe('[1., 2., 3.]')
    expect(formatTensor([10, -2], [2], 'int32')).toBe('[10, -2]')
    expect(formatTensor([1, 0], [2], 'bool')).toBe('[ true, false]')
    expect(formatTensor([0.5], [], 'float32')).toBe('0.5')
    expect(formatTensor([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY], [3], 'float32')).toBe(
      '[ nan,  inf, -inf]',
    )
    expect(formatTensor([1e10, 1], [2], 'float32')).toBe('[1.0000e+10, 1.0000e+00]')
    expect(formatTensor([1, 2, 3, 4, 5, 6, 7, 8], [2, 2, 2], 'int32')).toBe(
      '[[[1, 2],\n  [3, 4]],\n\n [[5, 6],\n  [7, 8]]]',
    )
    expect(formatTensor([], [0, 3], 'float32')).toBe('[] (shape [0, 3])')
  })

  test('long axes cut short, long lines broken', () => {
    const long = formatTensor(
      Array.from({ length: 2000 }, (_, i) => i),
      [2000],
      'int32',
    )
    expect(long).toBe('[   0,    1,    2, ..., 1997, 1998, 1999]')
    const lines = formatTensor(
      Array.from({ length: 100 }, (_, i) => i),
      [100],
      'int32',
    ).split('\n')
    expect(lines.length).toBeGreaterThan(2)
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(101)
  })
})
