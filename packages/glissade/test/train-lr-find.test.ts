/** The learning-rate range test: its ramp, where it ends, what it suggests, and that nothing of it stays. */
import { beforeAll, beforeEach, expect, it } from 'vitest'
import { tensor } from '../src/create.ts'
import * as data from '../src/data/index.ts'
import * as loss from '../src/loss/index.ts'
import { batchNorm1d } from '../src/nn/batch-norm.ts'
import * as nn from '../src/nn/index.ts'
import * as optim from '../src/optim/index.ts'
import { defaultGenerator, manualSeed } from '../src/random.ts'
import { setBackend } from '../src/run/backend.ts'
import '../src/run/realize.ts'
import type { Tensor } from '../src/tensor.ts'
import { fit, lrFind } from '../src/train/index.ts'

beforeAll(async () => {
  await setBackend('wasm', { threads: 1 })
})
beforeEach(() => {
  manualSeed(7)
})

const x = Float32Array.from({ length: 64 }, (_, i) => Math.sin(i * 1.7))
const samples = data.dataset({
  x: tensor(x, { shape: [64, 1] }),
  y: tensor(
    x.map((value) => 2 * value + 1),
    { shape: [64, 1] },
  ),
})

it('follows its ramp, ends where the loss breaks away, and suggests a rate on the way down', async () => {
  const model = nn.linear(1, 1)
  const options = { loss: loss.mse, optimizer: optim.sgd(), batchSize: 16, from: 1e-4, to: 100, steps: 121 }
  const { points, suggestion } = await lrFind(model, samples, options)
  points.forEach(({ lr }, i) => expect(lr).toBeCloseTo(1e-4 * 10 ** (i / 20), 8))
  // A quadratic with slope 2 E[x^2 + 1] or so: it breaks away near a rate of 1.
  expect(points.length).toBeLessThan(121)
  expect(points.at(-1)?.lr).toBeGreaterThan(0.3)
  expect(points[0].smoothed).toBeCloseTo(points[0].loss, 6)
  expect(points[1].smoothed).toBeCloseTo((0.9 * points[0].loss + points[1].loss) / 1.9, 5)
  expect(suggestion).toBeGreaterThan(0.01)
  expect(suggestion).toBeLessThan(0.3)
  const { history } = await fit(model, samples, { ...options, optimizer: optim.sgd({ lr: suggestion }), epochs: 10 })
  expect(history[9].train.loss).toBeLessThan(0.1)
})

it('puts everything back, bit for bit', async () => {
  const model = nn.sequential(nn.linear(1, 4), batchNorm1d(4), nn.dropout(0.5), nn.linear(4, 1))
  const optimizer = optim.adamW({ lr: optim.schedule.cosine(0.01, 100), ema: 0.9, accumulate: 2 }).for(model)
  await fit(model, samples, { loss: loss.mse, optimizer, batchSize: 20, epochs: 1 })
  model[2].eval()
  const all = async (): Promise<unknown> => {
    const { tensors, ...rest } = optimizer.stateDict()
    const numbers = async (dict: Readonly<Record<string, Tensor>>): Promise<unknown> =>
      Promise.all(Object.values(dict).map(async (each) => [...(await each.data())]))
    const modes = [...model.namedModules().values()].map(({ training }) => training)
    return [await numbers(model.stateDict()), await numbers(tensors), rest, defaultGenerator().state(), modes]
  }
  const before = await all()
  const { points } = await lrFind(model, samples, { loss: loss.mse, optimizer, steps: 30, batchSize: 20 })
  expect(points.length).toBeGreaterThan(10)
  expect(await all()).toEqual(before)
})

it('refuses ramps that are none', async () => {
  const model = nn.linear(1, 1)
  const options = { loss: loss.mse, optimizer: optim.sgd() }
  await expect(lrFind(model, samples, { ...options, from: 1, to: 0.1 })).rejects.toThrow(/numbers above 0, rising/)
  await expect(lrFind(model, samples, { ...options, steps: 1 })).rejects.toThrow(/lrFind: steps/)
  await expect(lrFind(model, samples.take(0), options)).rejects.toThrow(/at least one/)
})
