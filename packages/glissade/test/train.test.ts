/** fit, evaluate and predict: what they compute, tell, and leave behind. On the reference backend, with tiny data. */
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { tensor } from '../src/create.ts'
import * as data from '../src/data/index.ts'
import * as loss from '../src/loss/index.ts'
import * as nn from '../src/nn/index.ts'
import * as optim from '../src/optim/index.ts'
import { manualSeed } from '../src/random.ts'
import { setBackend } from '../src/run/backend.ts'
import '../src/run/realize.ts'
import type { Tensor } from '../src/tensor.ts'
import { type EpochEnd, evaluate, fit, predict, type StepDone } from '../src/train/index.ts'

beforeAll(async () => {
  await setBackend('reference')
})
beforeEach(() => {
  manualSeed(7)
})

/** Points in the plane, of class 1 where x > y. */
function points(count: number): data.Dataset<{ x: Tensor; y: Tensor }> {
  const x = Float32Array.from({ length: count * 2 }, (_, i) => Math.sin(i * i * 1.7) * 2)
  const y = Int32Array.from({ length: count }, (_, i) => Number(x[2 * i] > x[2 * i + 1]))
  return data.dataset({ x: tensor(x, { shape: [count, 2] }), y: tensor(y) })
}

const network = (): nn.Sequential => nn.sequential(nn.linear(2, 8), nn.tanh(), nn.linear(8, 2))
const weightsOf = async (model: nn.Module): Promise<number[]> =>
  (await Promise.all(model.parameters().map(async (p) => [...(await p.data())]))).flat()

describe('fit', () => {
  it('learns, and tells how', async () => {
    const [train, validate] = await points(70).split(50 / 70)
    const model = network()
    const before = await evaluate(model, validate, { loss: loss.crossEntropy })
    const steps: StepDone[] = []
    const epochs: EpochEnd[] = []
    const result = await fit(model, train, {
      loss: loss.crossEntropy,
      optimizer: optim.adam({ lr: 0.05 }),
      epochs: 15,
      batchSize: 16,
      validate,
      on: { step: (event) => steps.push(event), epochEnd: (event) => void epochs.push(event) },
    })
    expect(result).toEqual({ history: epochs, steps: 60, stopped: false, reason: 'finished' })
    // 50 samples in batches of 16: the fourth holds two, and none is dropped.
    expect(steps.map(({ epoch, step, stepsPerEpoch }) => [epoch, step, stepsPerEpoch]).slice(2, 6)).toEqual([
      [1, 3, 4],
      [1, 4, 4],
      [2, 1, 4],
      [2, 2, 4],
    ])
    const last = epochs[14]
    expect(last.train.loss).toBeLessThan(epochs[0].train.loss / 1.5)
    expect(last.validation?.accuracy).toBeGreaterThan(0.85)
    expect(last.validation?.loss).toBeLessThan(before.loss)
    const after = await evaluate(model, validate, { loss: loss.crossEntropy })
    expect(after.loss).toBeCloseTo(last.validation?.loss ?? Number.NaN, 6)
    expect(after.samples).toBe(20)
    expect(steps[59].epochLoss).toBeCloseTo(last.train.loss, 10)
    expect(steps[59].samplesPerSecond).toBeGreaterThan(0)
    expect(steps[59].eta).toBeCloseTo(0, 6)
  })

  it('weighs batches by their samples', async () => {
    const set = points(10)
    const model = network()
    const whole = await evaluate(model, set, { loss: loss.crossEntropy })
    const parts = await evaluate(model, set, { loss: loss.crossEntropy, batchSize: 4 })
    expect(parts.loss).toBeCloseTo(whole.loss, 6)
    expect(parts.accuracy).toBeCloseTo(whole.accuracy ?? Number.NaN, 6)
    const { history } = await fit(model, set, {
      loss: loss.crossEntropy,
      optimizer: optim.sgd({ lr: 0 }),
      batchSize: 4,
    })
    expect(history[0].train.loss).toBeCloseTo(whole.loss, 6)
  })

  it('gives the same numbers for the same seeds', async () => {
    const run = async (seed: number): Promise<number[]> => {
      manualSeed(3)
      const model = nn.sequential(nn.linear(2, 8), nn.dropout(0.3), nn.tanh(), nn.linear(8, 2))
      await fit(model, points(20), {
        loss: loss.crossEntropy,
        optimizer: optim.sgd({ lr: 0.1 }),
        epochs: 2,
        batchSize: 8,
        seed,
      })
      return weightsOf(model)
    }
    const first = await run(1)
    expect(await run(1)).toEqual(first)
    expect(await run(2)).not.toEqual(first)
  })

  it('stops where its signal says, and leaves the model as the last whole step left it', async () => {
    const model = network()
    const stop = new AbortController()
    let atStop: number[] = []
    const optimizer = optim.sgd({ lr: 0.1 }).for(model)
    const result = await fit(model, points(40), {
      loss: loss.crossEntropy,
      optimizer,
      epochs: 5,
      batchSize: 8,
      signal: stop.signal,
      on: {
        step: ({ epoch, step }) => {
          if (epoch === 2 && step === 3) stop.abort()
        },
      },
    })
    atStop = await weightsOf(model)
    expect(result.stopped).toBe(true)
    expect(result.steps).toBe(8)
    expect(result.history).toHaveLength(1)
    expect(optimizer.steps).toBe(8)
    expect(atStop.every(Number.isFinite)).toBe(true)
    // It can go on from there.
    await fit(model, points(40), { loss: loss.crossEntropy, optimizer, batchSize: 8 })
    expect(optimizer.steps).toBe(13)
  })

  it('refuses a label out of range before the step, and changes nothing', async () => {
    const model = nn.sequential(nn.linear(2, 2))
    const before = await weightsOf(model)
    const bad = data.dataset({
      x: tensor([
        [1, 2],
        [3, 4],
      ]),
      y: tensor(Int32Array.of(0, 2)),
    })
    await expect(
      fit(model, bad, { loss: loss.crossEntropy, optimizer: optim.sgd({ lr: 1 }), shuffle: false }),
    ).rejects.toThrow(/crossEntropy: target: value 2 at position 1/)
    expect(await weightsOf(model)).toEqual(before)
    await expect(fit(model, bad.take(0), { loss: loss.crossEntropy, optimizer: optim.sgd() })).rejects.toThrow(
      /at least one/,
    )
  })

  it('tells the accuracy of a step of one’s own, held against y where it names no target', async () => {
    const step = (model: nn.Sequential, { x, y }: { x: Tensor; y: Tensor }): { loss: Tensor; prediction: Tensor } => {
      const prediction = model.forward(x)
      return { loss: loss.crossEntropy(prediction, y), prediction }
    }
    const set = points(40)
    const common = { optimizer: optim.sgd({ lr: 0.1 }), validate: set }
    manualSeed(1)
    const own = await fit(network(), set, { ...common, step })
    manualSeed(1)
    const plain = await fit(network(), set, { ...common, loss: loss.crossEntropy })
    expect(own.history[0].train.accuracy).toBe(plain.history[0].train.accuracy)
    expect(own.history[0].validation?.accuracy).toBe(plain.history[0].validation?.accuracy)
    expect(own.history[0].train.accuracy).toBeGreaterThan(0)
  })

  it('needs no classes', async () => {
    const x = tensor([[0], [1], [2], [3]])
    const set = data.dataset({ x, y: x.mul(2).add(1) })
    const model = nn.linear(1, 1)
    const { history } = await fit(model, set, {
      loss: loss.mse,
      optimizer: optim.sgd({ lr: 0.1 }),
      epochs: 120,
      batchSize: 4,
    })
    expect(history[0].train.accuracy).toBeUndefined()
    expect(history[119].train.loss).toBeLessThan(1e-3)
    expect((await (await predict(model, tensor([[10]]))).data())[0]).toBeCloseTo(21, 0)
  })
})

describe('predict', () => {
  it('gives the same in batches as at once, in evaluation mode, and leaves modes as they were', async () => {
    const model = nn.sequential(nn.linear(2, 3), nn.dropout(0.5))
    model[0].eval()
    const { x } = points(11).columns
    const whole = await predict(model, x)
    expect(whole.shape).toEqual([11, 3])
    expect([...(await (await predict(model, x, { batchSize: 4 })).data())]).toEqual([...(await whole.data())])
    expect([model.training, model[0].training, model[1].training]).toEqual([true, false, true])
  })
})
