/**
 * Numbers at the edge, in float32 on every backend through `compile`: huge, infinite and NaN inputs, no variance, no
 * samples, one class, nothing to attend to. What PyTorch makes of them: golden/make_robust.py. Where this library
 * gives a number and PyTorch NaN, `limits` says why.
 */
import { describe, expect, it } from 'vitest'
import { gradients } from '../src/autodiff/gradients.ts'
import { full, ones, tensor, zeros } from '../src/create.ts'
import { GlissadeError } from '../src/errors.ts'
import * as loss from '../src/loss/index.ts'
import * as nn from '../src/nn/index.ts'
import type { Layer } from '../src/nn/module.ts'
import * as optim from '../src/optim/index.ts'
import * as random from '../src/random.ts'
import { type BackendName, probeBackend, setBackend } from '../src/run/backend.ts'
import { compile } from '../src/run/compile.ts'
import type { Tensor } from '../src/tensor.ts'
import { type Golden, probeOf, readGolden } from './golden/read.ts'

/** As in golden/read.ts, but JSON has no infinities and no NaN. */
interface Listed {
  readonly shape: readonly number[]
  readonly data: readonly (number | 'inf' | '-inf' | 'nan')[]
  readonly dtype?: 'int32'
}
interface Case {
  /** A layer in training, one in evaluation, a loss, or attention. */
  readonly of: 'layer' | 'eval' | 'loss' | 'attention'
  readonly kind: string
  readonly note: string
  readonly args: readonly unknown[]
  readonly options: Record<string, unknown>
  readonly inputs: readonly Listed[]
  readonly y?: Listed
  /** By the place of the input. */
  readonly gradients?: Record<string, Listed>
  /** What PyTorch raises. */
  readonly error?: string
}

/** Where PyTorch's NaN comes of the way it computes, and the number that is meant is given here. */
const limits: Readonly<Record<string, string>> = {
  'gelu y': 'x times 1 is x, at infinity too',
  'gelu d0': 'x³ overflows in the formula with tanh, whose slope is 0 there',
  'hardswish y': 'below -3 it is 0',
  'softsign d0': 'the slope falls to 0',
  'klDivergence y': 'what the truth rules out costs nothing, whatever the prediction',
  'softMargin d0': 'the slope is 1 where e^x overflows',
  'ctc d0': 'what cannot be said has gradient 0',
}

const numbers = { inf: Number.POSITIVE_INFINITY, '-inf': Number.NEGATIVE_INFINITY, nan: Number.NaN }
const numberOf = (value: Listed['data'][number]): number => (typeof value === 'number' ? value : numbers[value])
const toTensor = ({ shape, data, dtype }: Listed): Tensor =>
  tensor(Float64Array.from(data, numberOf), { shape, dtype: dtype ?? 'float32' })

/** The fused formulas of a backend round a few times more than one call of PyTorch does. */
const close = (a: number, b: number): boolean =>
  a === b || (Number.isNaN(a) && Number.isNaN(b)) || Math.abs(a - b) <= 1e-6 + 2e-5 * Math.abs(b)

const makers = nn as unknown as Record<string, (...args: unknown[]) => Layer>
const losses = loss as unknown as Record<string, (...args: unknown[]) => Tensor>

function callOf({ of, kind, args, options }: Case): (given: readonly Tensor[]) => Tensor {
  const last = Object.keys(options).length > 0 ? [options] : []
  // As in golden-losses, ctc stands behind a log-softmax.
  if (kind === 'ctc') return ([x, ...rest]) => losses.ctc(x.logSoftmax(-1), ...rest, ...last)
  if (of === 'loss') return (given) => losses[kind](...given, ...last)
  if (of === 'attention') return ([q, k, v]) => nn.functional.scaledDotProductAttention(q, k, v)
  const layer = makers[kind](...args, ...last)
  if (of === 'eval') layer.eval()
  return ([x]) => layer.forward(x)
}

const title = ({ of, kind, args, options, note, inputs }: Case): string =>
  [of, kind, JSON.stringify(args), JSON.stringify(options), note, `[${inputs[0].shape.join(', ')}]`].join(' ')

async function expectSame(key: string, received: Tensor, expected: Listed, from: Listed | undefined): Promise<void> {
  expect(received.shape, key).toEqual(expected.shape)
  for (const [i, value] of (await received.data()).entries()) {
    const wanted = numberOf(expected.data[i])
    // What the gradient of a NaN is means nothing.
    if (from?.data[i] === 'nan') continue
    if (close(value, wanted)) continue
    if (key in limits && Number.isNaN(wanted) && !Number.isNaN(value)) continue
    expect.fail(`${key}[${i}]: received ${value}, expected ${wanted}`)
  }
}

const { cases } = readGolden<Golden<Case>>('robust')
const names: readonly BackendName[] = ['reference', 'interpreter', 'wasm', 'native']
const missing = new Map<BackendName, string>()
for (const name of names) {
  const probe = await probeBackend(name)
  if ('reason' in probe) missing.set(name, probe.reason)
}

describe.each(names)('on %s', (backend) => {
  const reason = missing.get(backend)
  const test = (what: string, body: () => Promise<void>): void => {
    const name = reason === undefined ? what : `${what} (skipped: ${reason})`
    it.skipIf(reason !== undefined)(name, { timeout: 120_000 }, async () => {
      await setBackend(backend)
      await body()
    })
  }

  test('numbers at the edge are PyTorch’s', async () => {
    const good = cases.filter(({ error }) => error === undefined)
    const calls = good.map(callOf)
    // All in one program: a native backend compiles for seconds.
    const run = compile((given: Tensor[][]) =>
      given.map((inputs, i) => {
        const y = calls[i](inputs)
        const by = Object.keys(good[i].gradients ?? {}).map((place) => inputs[Number(place)])
        const slopes = gradients(y.mul(probeOf(y)).sum(), by)
        return { y, slopes: slopes.map((slope, k) => slope ?? by[k].mul(0)) }
      }),
    )
    const results = await run(good.map(({ inputs }) => inputs.map(toTensor)))
    for (const [i, each] of good.entries()) {
      const { y, slopes } = results[i]
      try {
        await expectSame(`${each.kind} y`, y, each.y as Listed, undefined)
        for (const [k, [place, expected]] of Object.entries(each.gradients ?? {}).entries()) {
          await expectSame(`${each.kind} d${place}`, slopes[k], expected, each.inputs[Number(place)])
        }
      } catch (error) {
        throw new Error(`${title(each)}: ${(error as Error).message}`)
      }
    }
  })

  test('rows without an order: NaN where there is one, 0 where nothing takes part', async () => {
    const rows = tensor([
      [Number.POSITIVE_INFINITY, 0, 1],
      [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY],
    ])
    const y = await compile((x: Tensor) => x.softmax(-1))(rows)
    const found = [...(await y.data())]
    expect(found[0]).toBeNaN()
    expect(found.slice(3)).toEqual([0, 0, 0])
  })

  test('recurrent layers: no samples, one step, lengths of 0, and NaN behind a sequence', async () => {
    for (const layer of [nn.rnn(2, 3), nn.lstm(2, 3, { bidirectional: true }), nn.gru(2, 3, { layers: 2 })]) {
      const width = layer.bidirectional ? 6 : 3
      const run = compile((x: Tensor, lengths: Tensor) => {
        const { output } = (layer as nn.GRU).forward(x, { lengths })
        const [dx, ...rest] = gradients(output.sum(), [x, ...layer.parameters()]) as Tensor[]
        return { output, dx, rest }
      })
      const none = await run(zeros([0, 4, 2]), zeros([0], 'int32'))
      expect(none.output.shape).toEqual([0, 4, width])
      expect(new Set(await none.rest[0].data())).toEqual(new Set([0]))
      const one = await run(full([1, 1, 2], 1e30), tensor(Int32Array.of(1)))
      expect((await one.output.data()).every((value) => Math.abs(value) <= 1)).toBe(true)

      const x = await random.normal([3, 2, 2]).data()
      const clean = await run(tensor(x.slice(), { shape: [3, 2, 2] }), tensor(Int32Array.of(0, 1, 2)))
      x.set([Number.NaN, Number.NaN, 1e30, Number.POSITIVE_INFINITY, 0.5, 0.5, Number.NaN, 3], 0)
      x.set([0.5, 0.5], 4)
      const dirty = await run(tensor(x, { shape: [3, 2, 2] }), tensor(Int32Array.of(0, 1, 2)))
      for (const part of [dirty.output, dirty.dx, ...dirty.rest]) {
        expect((await part.data()).every(Number.isFinite)).toBe(true)
      }
      // A sequence of length 0 says nothing, and the last one does not notice its neighbours.
      expect([...(await dirty.output.data()).slice(0, 2 * width)]).toEqual(new Array(2 * width).fill(0))
      expect([...(await dirty.output.data()).slice(4 * width)]).toEqual([
        ...(await clean.output.data()).slice(4 * width),
      ])
      expect([...(await dirty.dx.data()).slice(0, 4)]).toEqual([0, 0, 0, 0])
    }
  })

  test('attention to nothing gives zeros with finite gradients; no samples give none', async () => {
    const layer = nn.multiHeadAttention(4, 2, { rotary: true })
    const run = compile((x: Tensor, keyMask: Tensor) => {
      const { output } = layer.forward(x, x, x, { keyMask })
      return { output, slopes: gradients(output.square().sum(), [x, ...layer.parameters()]) as Tensor[] }
    })
    const { output, slopes } = await run(
      random.normal([2, 3, 4]).mul(1e4),
      tensor([
        [true, true, false],
        [false, false, false],
      ]),
    )
    const found = await output.data()
    expect([...found.slice(12)]).toEqual(new Array(12).fill(0))
    expect(found.every(Number.isFinite)).toBe(true)
    for (const slope of slopes) expect((await slope.data()).every(Number.isFinite)).toBe(true)
    expect((await run(zeros([0, 3, 4]), zeros([0, 3], 'bool'))).output.shape).toEqual([0, 3, 4])
  })

  test('optimizers: no gradient, a tiny and a huge one leave finite parameters', async () => {
    const { adadelta, adagrad, adam, adamax, adamW, lamb, lion, muon, nadam, radam, rmsprop, sgd } = optim
    const all = [sgd, adam, adamW, rmsprop, adagrad, adadelta, adamax, nadam, radam, lion, lamb, muon]
    const recipes = [
      ...all.flatMap((make) => [make(), make({ clipNorm: 1 })]),
      rmsprop({ centered: true, momentum: 0.9 }),
      adam({ amsgrad: true }),
    ]
    const bound = recipes.map((recipe) => {
      const parameter = new nn.Parameter(
        tensor([
          [1, 2],
          [0, -3],
        ]),
      )
      return { parameter, optimizer: recipe.for([parameter]) }
    })
    const run = compile((g: Tensor) => {
      for (const { parameter, optimizer } of bound) optimizer.apply(new Map([[parameter, g]]))
    })
    for (const size of [0, 0, 1e-25, 1e-38, 1e15]) await run(full([2, 2], size))
    for (const { parameter, optimizer } of bound) {
      expect((await parameter.data()).every(Number.isFinite), optimizer.name).toBe(true)
    }
  })
})

describe('refused', () => {
  it.each(cases.filter(({ error }) => error !== undefined).map((each) => [title(each), each] as const))(
    '%s, as by PyTorch',
    (_, each) => {
      expect(() => callOf(each)(each.inputs.map(toTensor))).toThrow(GlissadeError)
    },
  )

  it.each<[string, () => unknown, RegExp]>([
    [
      'a kernel larger than the image',
      () => nn.conv2d(1, 2, 5).forward(zeros([1, 1, 3, 3])),
      /conv2d: received \[1, 1, 3, 3\]; expected sizes that leave/,
    ],
    [
      'a transposed kernel cut away',
      () => nn.convTranspose1d(1, 2, 2, { padding: 3 }).forward(zeros([1, 1, 2])),
      /convTranspose1d: received \[1, 1, 2\]/,
    ],
    [
      'other channels',
      () => nn.conv2d(3, 2, 3).forward(zeros([4, 1, 8, 8])),
      /conv2d: received \[4, 1, 8, 8\]; expected \[B, 3, H, W\]/,
    ],
    [
      'other features',
      () => nn.linear(3, 2).forward(ones([4, 5])),
      /linear: received \[4, 5\]; expected \[\.\.\., 3\]/,
    ],
    [
      'half a state',
      () => nn.lstm(2, 3).forward(zeros([1, 2, 2]), { state: { h: zeros([1, 1, 3]) } as never }),
      /no tensor; expected \{ h, c \}/,
    ],
    ['steps of no length', () => nn.gru(2, 3).forward(zeros([1, 0, 2])), /at least one step/],
    ['a model without parameters', () => optim.adam().for(nn.relu()), /adam: received a model without parameters/],
  ])('%s', (_, call, message) => {
    expect(call).toThrow(message)
  })
})
