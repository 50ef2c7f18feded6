/**
 * Convolutions and their gradients, in the sizes at which the templates change what they do: odd pictures, one to three
 * axes, strides, distances, groups, few and many channels, pictures beyond one block.
 *
 * Random ones among other large programs: large.test.ts. Each kernel's loops: programs.test.ts.
 */
import { expect, it } from 'vitest'
import { gradients, realize, setBackend, type Tensor } from '../../src/index.ts'
import { type ConvAttrs, conv } from '../../src/ops/contract.ts'
import { fromArray, makeNode } from '../../src/tensor.ts'
import { generator } from '../opinfo/common.ts'
import { expectAsReference, onBackends } from './on-backends.ts'

interface Case {
  readonly x: readonly number[]
  readonly w: readonly number[]
  readonly stride?: number | readonly number[]
  readonly padding?: number | readonly number[]
  readonly dilation?: number | readonly number[]
  readonly inputDilation?: number | readonly number[]
  readonly groups?: number
}

const cases: Readonly<Record<string, Case>> = {
  'channels of whole vectors': { x: [3, 16, 13, 13], w: [16, 16, 3, 3], padding: 1 },
  'a picture 14 wide, odd channels': { x: [5, 7, 14, 14], w: [9, 7, 3, 3], padding: 1 },
  'a picture 28 wide, one channel': { x: [4, 1, 28, 28], w: [12, 1, 5, 5] },
  'three channels': { x: [3, 3, 15, 17], w: [10, 3, 3, 3], padding: 1 },
  'channels in several blocks': { x: [2, 70, 9, 7], w: [21, 70, 3, 3], padding: 1 },
  'rows in several tasks': { x: [1, 32, 5, 5], w: [500, 32, 3, 3], padding: 1 },
  'many rows': { x: [2, 12, 8, 8], w: [139, 12, 3, 3], padding: 1 },
  'stride 2': { x: [3, 17, 16, 16], w: [18, 17, 3, 3], stride: 2, padding: 1 },
  'stride 2, odd': { x: [3, 8, 13, 15], w: [11, 8, 3, 3], stride: 2, padding: 1 },
  'stride 3, kernel 2': { x: [2, 16, 13, 14], w: [8, 16, 2, 2], stride: 3 },
  'stride 2, kernel 1': { x: [2, 16, 13, 14], w: [8, 16, 1, 1], stride: 2 },
  'stride 2 and 1, kernel 4 and 3': { x: [2, 6, 14, 11], w: [8, 6, 4, 3], stride: [2, 1], padding: [1, 2] },
  'stride above the kernel': { x: [2, 5, 17, 17], w: [6, 5, 2, 3], stride: [4, 5], padding: [0, 1] },
  'dilation 2': { x: [3, 9, 15, 15], w: [10, 9, 3, 3], dilation: 2, padding: 2 },
  'dilation 2, stride 2': { x: [2, 16, 15, 18], w: [5, 16, 3, 3], dilation: 2, stride: 2, padding: 1 },
  groups: { x: [2, 24, 11, 10], w: [18, 8, 3, 3], groups: 3, padding: 1 },
  'groups, stride 2': { x: [2, 24, 11, 10], w: [18, 8, 3, 3], groups: 3, stride: 2, padding: 1 },
  'one channel a group': { x: [2, 20, 12, 13], w: [20, 1, 3, 3], groups: 20, padding: 1 },
  'one channel a group, stride 2': { x: [2, 20, 12, 13], w: [20, 1, 3, 3], groups: 20, stride: 2, padding: 1 },
  'a line': { x: [3, 10, 200], w: [16, 10, 7], padding: 3 },
  'a long line': { x: [1, 16, 9001], w: [8, 16, 3], padding: 1 },
  'a line, stride 3, dilation 2': { x: [3, 10, 100], w: [16, 10, 4], stride: 3, dilation: 2, padding: 2 },
  'a large picture': { x: [1, 24, 70, 131], w: [8, 24, 3, 3], padding: 1 },
  'a volume': { x: [2, 6, 7, 9, 8], w: [10, 6, 3, 3, 3], padding: 1 },
  'a volume, stride 2': { x: [2, 8, 7, 9, 8], w: [5, 8, 3, 2, 3], stride: [2, 2, 1], padding: [1, 0, 1] },
  'samples that share a block': { x: [37, 16, 4, 5], w: [19, 16, 3, 3], padding: 1 },
  'a transposed convolution': { x: [3, 18, 7, 9], w: [9, 18, 2, 2], inputDilation: 2, padding: 1 },
  'a transposed convolution, kernel 3': { x: [3, 16, 7, 9], w: [9, 16, 3, 3], inputDilation: [2, 3], padding: 2 },
  'a transposed convolution, stride 2': { x: [3, 8, 9, 9], w: [9, 8, 3, 3], inputDilation: 3, stride: 2, padding: 1 },
  'a margin cut off': { x: [2, 8, 12, 12], w: [8, 8, 3, 3], padding: -1 },
}

function tensorsOf({ x, w, ...options }: Case, seed: number): Tensor[] {
  const next = generator(seed)
  const numbers = (shape: readonly number[]): Tensor => {
    const size = shape.reduce((a, b) => a * b, 1)
    return fromArray(
      Float32Array.from({ length: size }, () => Math.fround(2 * next() - 1)),
      [...shape],
    )
  }
  const each = (value: number | readonly number[] | undefined, usual: number): readonly number[] =>
    Array.from({ length: x.length - 2 }, (_, i) => (typeof value === 'object' ? value[i] : (value ?? usual)))
  const attrs: ConvAttrs = {
    stride: each(options.stride, 1),
    padding: each(options.padding, 0).map((size) => [size, size] as const),
    dilation: each(options.dilation, 1),
    inputDilation: each(options.inputDilation, 1),
    groups: options.groups ?? 1,
  }
  const [input, weight] = [numbers(x), numbers(w)]
  const output = makeNode(conv, [input, weight], attrs)
  // A nonlinear function of it, and a change of the weights as an optimizer makes it.
  const slopes = gradients(output.mul(0.1).sin().sum(), [input, weight]) as Tensor[]
  return [output, ...slopes, weight.mul(0.99).sub(slopes[1].mul(0.1))]
}

await onBackends((name) => {
  it.each(Object.entries(cases))('%s', async (_, each) => {
    await expectAsReference(tensorsOf(each, 7))
  })

  it('the same bits with 1, 2 and 3 threads', async () => {
    const chosen = [
      'channels in several blocks',
      'many rows',
      'stride 2',
      'samples that share a block',
      'groups, stride 2',
    ]
    const bits = async (threads: number): Promise<Uint32Array[]> => {
      await setBackend(name, { threads })
      const tensors = chosen.flatMap((each, i) => tensorsOf(cases[each], i + 1))
      await realize(...tensors)
      return Promise.all(tensors.map(async (tensor) => new Uint32Array((await tensor.data()).slice().buffer)))
    }
    const one = await bits(1)
    for (const threads of [2, 3]) expect(await bits(threads), `${threads} threads`).toEqual(one)
  })
})
