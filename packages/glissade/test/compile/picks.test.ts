/**
 * Elements that vectors pick from the loads around them: every second one, each twice, backwards, lines in turn; pools,
 * their gradients, and movements, in widths that are whole vectors and in others.
 *
 * That they are read so, and not lane by lane: programs.test.ts. Which patterns there are: picksOf in compile/address.ts.
 */
import { expect, it } from 'vitest'
import {
  avgPool2d,
  gradients,
  maxPool1d,
  maxPool2d,
  maxPool3d,
  realize,
  setBackend,
  stack,
  type Tensor,
} from '../../src/index.ts'
import { fromArray } from '../../src/tensor.ts'
import { generator } from '../opinfo/common.ts'
import { expectAsReference, onBackends } from './on-backends.ts'

function numbers(shape: readonly number[], seed: number): Tensor {
  const next = generator(seed)
  const size = shape.reduce((a, b) => a * b, 1)
  return fromArray(
    Float32Array.from({ length: size }, () => Math.fround(2 * next() - 1)),
    [...shape],
  )
}

/** What is computed from a row, or a picture, of the given width. */
const functions: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  'every second': (x) => x.slice([undefined, undefined, [0, x.shape[2], 2]]),
  'every second from the second on': (x) => x.slice([undefined, undefined, [1, x.shape[2], 2]]),
  'every third': (x) => x.slice([undefined, undefined, [0, x.shape[2], 3]]),
  backwards: (x) => x.flip(2),
  'each twice': (x) => stack([x, x], 3).reshape([2, 3, -1]),
  'two in turn': (x) => stack([x, x.sin()], 3).reshape([2, 3, -1]),
  'two rows in turn, stored apart': (x) =>
    x.flip(1).expand([2, 2, 3, x.shape[2]]).permute(1, 2, 3, 0).reshape([2, 3, -1]),
  'neighbours change places': (x) =>
    x
      .slice([undefined, undefined, [0, x.shape[2] - (x.shape[2] % 2)]])
      .reshape([2, 3, -1, 2])
      .flip(3)
      .reshape([2, 3, -1]),
  'every second within a margin': (x) =>
    x.slice([undefined, undefined, [0, x.shape[2], 2]]).pad([
      [0, 0],
      [0, 0],
      [1, 2],
    ]),
  'every second, summed': (x) => x.slice([undefined, undefined, [0, x.shape[2], 2]]).sum([0, 2]),
  'pairs, largest': (x) => maxPool1d(x, 2),
  'pairs at distance 3, largest': (x) => maxPool1d(x, 2, { dilation: 3, stride: 1 }),
  'windows of 2': (x) => maxPool2d(x.expand([2, 3, x.shape[2]]).mul(x), 2),
  'windows of 2 that begin before the end': (x) => maxPool2d(x, 2, { ceilMode: true }),
  'windows of 3, every second, padded': (x) => maxPool2d(x, 3, { stride: 2, padding: 1 }),
  'windows of 2, average': (x) => avgPool2d(x, 2),
  'windows of 2, average of every third': (x) => avgPool2d(x, 2, { stride: 3, padding: 1 }),
  'windows of 2 in three axes': (x) => maxPool3d(x.reshape([1, 2, 3, x.shape[2]]), [1, 2, 2]),
}

const widths = [6, 8, 12, 16, 17, 24, 32, 33, 47, 64]

await onBackends((name) => {
  it.each(Object.entries(functions))('%s', async (_, fn) => {
    await expectAsReference(
      widths.flatMap((width, i) => {
        const x = numbers([2, 3, width], i + 1)
        const y = fn(x)
        return [y, ...(gradients(y.mul(y).sum(), [x]) as Tensor[])]
      }),
    )
  })

  it('a pool with what goes before and after it, and its gradient', async () => {
    await expectAsReference(
      [
        [24, 24],
        [20, 13],
        [7, 40],
      ].flatMap(([height, width], i) => {
        const x = numbers([5, 9, height, width], i + 1)
        const y = maxPool2d(x.relu(), 2).mul(2).sub(1)
        const [slope] = gradients(y.sin().sum(), [x]) as Tensor[]
        return [y, slope, slope.sum([0, 2, 3])]
      }),
    )
  })

  it('the same bits with 1, 2 and 3 threads', async () => {
    const bits = async (threads: number): Promise<Uint32Array[]> => {
      await setBackend(name, { threads })
      const x = numbers([8, 16, 46, 34], 1)
      const y = maxPool2d(x, 2).tanh()
      const [slope] = gradients(y.mul(y).sum(), [x]) as Tensor[]
      const tensors = [y, slope, slope.sum([0, 2, 3]), x.slice([undefined, undefined, undefined, [1, 34, 2]]).sum(0)]
      await realize(...tensors)
      return Promise.all(tensors.map(async (tensor) => new Uint32Array((await tensor.data()).slice().buffer)))
    }
    const one = await bits(1)
    for (const threads of [2, 3]) expect(await bits(threads), `${threads} threads`).toEqual(one)
  })
})
