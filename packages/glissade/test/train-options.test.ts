/** What fit and evaluate can be asked for: stopping early, the best model, callbacks, several inputs, sample weights. */
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { tensor } from '../src/create.ts'
import * as data from '../src/data/index.ts'
import { GlissadeError } from '../src/errors.ts'
import * as loss from '../src/loss/index.ts'
import * as metrics from '../src/metrics/index.ts'
import * as nn from '../src/nn/index.ts'
import * as optim from '../src/optim/index.ts'
import { manualSeed } from '../src/random.ts'
import { getBackend, setBackend } from '../src/run/backend.ts'
import '../src/run/realize.ts'
import type { Tensor } from '../src/tensor.ts'
import { evaluate, type FitEvent, type FitOptions, fit, fitSteps, predict } from '../src/train/index.ts'

beforeAll(async () => {
  await setBackend('wasm', { threads: 1 })
})
beforeEach(() => {
  manualSeed(7)
})

type Points = { x: Tensor; y: Tensor }

/** y = 2 x + 1 with noise. */
function line(count: number, shift = 0): data.Dataset<Points> {
  const x = Float32Array.from({ length: count }, (_, i) => Math.sin((i + shift) * 1.7) * 2)
  const y = x.map((value, i) => 2 * value + 1 + 0.1 * Math.cos(i * 12.3 + shift))
  return data.dataset({ x: tensor(x, { shape: [count, 1] }), y: tensor(y, { shape: [count, 1] }) })
}

/** Counts what it is fed. */
class Mean {
  sum = 0
  count = 0
  resets = 0
  async update(prediction: Tensor, target: Tensor): Promise<void> {
    const [a, b] = [await prediction.data(), await target.data()]
    a.forEach((value: number, i: number) => {
      this.sum += Math.abs(value - b[i])
    })
    this.count += a.length
  }
  compute(): number {
    return this.sum / this.count
  }
  reset(): void {
    this.sum = 0
    this.count = 0
    this.resets++
  }
}

const weightsOf = async (model: nn.Module): Promise<number[]> =>
  (await Promise.all(model.parameters().map(async (p) => [...(await p.data())]))).flat()

async function refusal(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => expect.fail('nothing was refused'),
    (reason) => reason,
  )
  expect(error).toBeInstanceOf(GlissadeError)
  return (error as GlissadeError).message
}

const common = { loss: loss.mse, batchSize: 8, optimizer: optim.sgd({ lr: 0.1 }) } satisfies FitOptions

describe('validation', () => {
  it('feeds metrics with every sample, and follows its plan', async () => {
    const mae = new Mean()
    const model = nn.linear(1, 1)
    const events: FitEvent[] = []
    const { history } = await fit(model, line(40), {
      ...common,
      epochs: 4,
      validate: line(11, 3),
      validateEvery: { steps: 3, epochs: 2 },
      metrics: { mae },
      callbacks: [(event) => void events.push(event)],
    })
    const validations = events.filter((event) => event.type === 'validation')
    // 5 steps an epoch: after 3, 6, 9, 12, 15 (the end of the third), 18; and after the second and fourth.
    expect(validations.map(({ steps }) => steps)).toEqual([3, 6, 9, 10, 12, 15, 18, 20])
    expect(history.map(({ validation }) => validation !== undefined)).toEqual([false, true, true, true])
    expect(mae.count).toBe(11)
    expect(mae.resets).toBe(8)
    const after = await evaluate(model, line(11, 3), { loss: loss.mse, metrics: { mae: new Mean() }, batchSize: 4 })
    expect(after.metrics?.mae).toBeCloseTo(history[3].validation?.metrics?.mae as number, 5)
    expect(after.loss).toBeCloseTo(history[3].validation?.loss as number, 5)
  })
})

describe('early stopping and the best model', () => {
  // A learning rate that is too large: it gets worse from the start.
  const worse = { ...common, optimizer: optim.sgd({ lr: 0.62 }), shuffle: false, epochs: 12, validate: line(16, 5) }

  it('ends after patience evaluations that are no better, and goes back to the best', async () => {
    const model = nn.linear(1, 1)
    const weights: number[][] = []
    const result = await fit(model, line(40), {
      ...worse,
      earlyStopping: { patience: 2 },
      keepBest: true,
      on: { epochEnd: async () => void weights.push(await weightsOf(model)) },
    })
    const losses = result.history.map(({ validation }) => validation?.loss as number)
    const best = losses.indexOf(Math.min(...losses))
    expect(result).toMatchObject({ stopped: true, reason: 'early', steps: losses.length * 5 })
    expect(losses).toHaveLength(best + 3)
    expect(losses.length).toBeLessThan(12)
    expect(result.best).toEqual({ epoch: best + 1, steps: (best + 1) * 5, value: losses[best] })
    expect(await weightsOf(model)).toEqual(weights[best])
    expect(weights[best]).not.toEqual(weights.at(-1))
  })

  it('keeps the last model if asked, and watches other numbers', async () => {
    const model = nn.linear(1, 1)
    const mae = new Mean()
    let last: number[] = []
    const result = await fit(model, line(40), {
      ...worse,
      epochs: 3,
      metrics: { mae },
      keepBest: { monitor: 'validation.mae', mode: 'max', restore: false },
      on: { epochEnd: async () => void (last = await weightsOf(model)) },
    })
    expect(await weightsOf(model)).toEqual(last)
    const values = result.history.map(({ validation }) => validation?.metrics?.mae as number)
    expect(result.best?.value).toBe(Math.max(...values))
  })

  it('minDelta asks for more than a little', async () => {
    const { history } = await fit(nn.linear(1, 1), line(40), {
      ...common,
      epochs: 20,
      earlyStopping: { monitor: 'train.loss', patience: 1, minDelta: 1e9 },
    })
    expect(history).toHaveLength(2)
  })
})

describe('events', () => {
  it('come one by one, and leaving the loop ends training and restores modes', async () => {
    const model = nn.sequential(nn.linear(1, 1), nn.dropout(0.1)).eval()
    const seen: string[] = []
    for await (const event of fitSteps(model, line(20), { ...common, epochs: 2 })) {
      seen.push(event.type)
      if (event.type === 'step') expect(model.training).toBe(true)
      if (event.type === 'step' && event.steps === 4) break
    }
    expect(seen).toEqual(['start', 'epochStart', 'step', 'step', 'step', 'epochEnd', 'epochStart', 'step'])
    expect(model.training).toBe(false)
  })

  it('reach handlers and callbacks in order, are waited for, and may stop training', async () => {
    const order: string[] = []
    const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5))
    const result = await fit(nn.linear(1, 1), line(40), {
      ...common,
      on: {
        step: async ({ step }) => {
          await pause()
          order.push(`on ${step}`)
        },
      },
      callbacks: [
        {
          step: ({ step, lr }, { stop, optimizer }) => {
            order.push(`callback ${step} ${lr}`)
            optimizer.lr = lr / 2
            if (step === 2) stop()
          },
        },
      ],
    })
    expect(order).toEqual(['on 1', 'callback 1 0.1', 'on 2', 'callback 2 0.05'])
    expect(result).toMatchObject({ stopped: true, reason: 'callback', steps: 2, history: [] })
  })

  it('an error of a callback ends training, with modes as before', async () => {
    const model = nn.linear(1, 1).eval()
    const failing = fit(model, line(20), {
      ...common,
      on: {
        step: () => {
          throw new Error('mine')
        },
      },
    })
    await expect(failing).rejects.toThrow('mine')
    expect(model.training).toBe(false)
  })
})

describe('a step of one’s own', () => {
  class Two extends nn.Module {
    a = nn.linear(2, 1)
    b = nn.linear(1, 1)
    forward(left: Tensor, right: Tensor): { output: Tensor; extra: Tensor } {
      const extra = this.a.forward(left)
      return { output: extra.add(this.b.forward(right)), extra }
    }
  }
  const rows = (count: number): number[][] => Array.from({ length: count }, (_, i) => [Math.sin(i), Math.cos(i * 3)])
  const set = data.dataset({
    left: tensor(rows(30)),
    right: tensor(rows(30).map(([a]) => [a * a])),
    goal: tensor(rows(30).map(([a, b]) => [a - b + 2 * a * a])),
  })
  const step = (model: Two, { left, right, goal }: (typeof set)['columns']) => {
    const { output } = model.forward(left, right)
    return { loss: loss.mse(output, goal), prediction: output, target: goal }
  }

  it('trains, evaluates and predicts models of several inputs', async () => {
    const model = new Two()
    const mae = new Mean()
    const { history } = await fit(model, set, {
      step,
      optimizer: optim.adam({ lr: 0.05 }),
      epochs: 60,
      batchSize: 10,
      validate: set,
      metrics: { mae },
    })
    expect(history[59].train.loss).toBeLessThan(0.01)
    expect(history[59].validation?.metrics?.mae).toBeLessThan(0.1)
    const { loss: found } = await evaluate(model, set, { step, batchSize: 7 })
    expect(found).toBeCloseTo(history[59].validation?.loss as number, 5)
    const predictions = await predict(model, set, {
      forward: (two, batch) => two.forward(batch.left, batch.right).output,
      batchSize: 7,
    })
    expect(predictions.shape).toEqual([30, 1])
    const goals = await set.columns.goal.data()
    const values = await predictions.data()
    expect(Math.abs(values[29] - goals[29])).toBeLessThan(0.3)
  })

  it('a layer with several results trains by its output', async () => {
    class Pair extends nn.Module {
      layer = nn.linear(1, 1)
      forward(x: Tensor): { output: Tensor; state: Tensor } {
        const output = this.layer.forward(x)
        return { output, state: output.mul(2) }
      }
    }
    const model = new Pair()
    const { history } = await fit(model, line(20), { ...common, epochs: 30 })
    expect(history[29].train.loss).toBeLessThan(0.1)
    expect((await predict(model, tensor([[1], [2], [3]]), { batchSize: 2 })).shape).toEqual([3, 1])
  })

  it('a weight makes means over other things than samples', async () => {
    const counts = data.dataset({ x: tensor([[1], [2], [3]]), count: tensor([[1], [0], [3]]) })
    const { loss: mean } = await evaluate(nn.identity(), counts, {
      batchSize: 2,
      // The mean of x, each as often as its count says.
      step: (_, { x, count }) => ({ loss: x.mul(count).sum().div(count.sum()), weight: count.sum() }),
    })
    expect(mean).toBeCloseTo((1 * 1 + 3 * 3) / 4, 6)
  })
})

describe('sample weights', () => {
  it('count samples as often as they say: as if they stood there so often', async () => {
    const x = tensor([[1], [2], [3], [4]])
    const y = tensor([[2], [1], [0], [5]])
    const weighted = data.dataset({ x, y, w: tensor([1, 2, 0, 3]) })
    const positions = [0, 1, 1, 3, 3, 3]
    const repeated = data.dataset({ x, y }).select(positions)
    const train = async (
      samples: data.Dataset,
      sampleWeight?: string,
    ): Promise<{ weights: number[]; loss: number }> => {
      manualSeed(5)
      const model = nn.linear(1, 1)
      const options = { ...common, batchSize: 6, epochs: 3, ...(sampleWeight && { sampleWeight }) }
      const { history } = await fit(model, samples, options)
      const { loss: after } = await evaluate(model, samples, { loss: loss.mse, ...(sampleWeight && { sampleWeight }) })
      return { weights: await weightsOf(model), loss: history[2].train.loss + after }
    }
    const a = await train(weighted, 'w')
    const b = await train(repeated)
    a.weights.forEach((value, i) => expect(value).toBeCloseTo(b.weights[i], 5))
    expect(a.loss).toBeCloseTo(b.loss, 4)
  })

  it('of nothing but 0 change nothing', async () => {
    const samples = data.dataset({ x: tensor([[1], [2]]), y: tensor([[1], [2]]), w: tensor([0, 0]) })
    const model = nn.linear(1, 1)
    const before = await weightsOf(model)
    await fit(model, samples, { ...common, sampleWeight: 'w' })
    expect(await weightsOf(model)).toEqual(before)
  })
})

describe('other sources', () => {
  it('loaders bring their own batches', async () => {
    const samples = data.from(
      Array.from({ length: 10 }, (_, i) => ({ x: Float32Array.of(i / 10), y: Float32Array.of(i / 5 + 1) })),
    )
    const starts: FitEvent[] = []
    const { steps } = await fit(nn.linear(1, 1), samples.loader({ batchSize: 3, shuffle: true }), {
      loss: loss.mse,
      optimizer: optim.sgd({ lr: 0.1 }),
      epochs: 2,
      validate: samples,
      on: { start: (event) => void starts.push(event) },
    })
    expect(steps).toBe(8)
    expect(starts).toMatchObject([{ samples: 10, stepsPerEpoch: 4 }])
  })
})

describe('refused before anything is done', () => {
  const model = nn.linear(1, 1)
  it.each<[string, Partial<FitOptions>, RegExp]>([
    ['no loss', { loss: undefined }, /neither a loss nor a step/],
    ['loss and step', { step: () => ({ loss: tensor(1) }) }, /a step and a loss/],
    ['epochs', { epochs: -1 }, /fit: epochs/],
    ['batch size', { batchSize: 0 }, /fit: batchSize/],
    ['validateEvery without validate', { validateEvery: { steps: 1 } }, /validateEvery: received no `validate`/],
    ['metrics without validate', { metrics: {} }, /metrics: received no `validate`/],
    ['unknown monitor', { keepBest: { monitor: 'validation.loss' } }, /one of train\.loss, train\.accuracy/],
    [
      'a metric without a mode',
      { validate: line(2), metrics: { mae: new Mean() }, earlyStopping: { monitor: 'validation.mae' } },
      /'min' or 'max' for validation\.mae/,
    ],
    ['checkpoints without a run', { checkpoint: {} }, /checkpoint: received no `run`/],
    ['resume without a run', { resume: true }, /resume: received no `run`/],
    ['a missing column', { sampleWeight: 'w' }, /the columns x, y; expected x, y and w/],
  ])('%s', async (_, options, text) => {
    const before = await weightsOf(model)
    const all = { ...common, ...options } as FitOptions
    expect(await refusal(fit(model, line(4), all))).toMatch(text)
    expect(await weightsOf(model)).toEqual(before)
  })

  it('an empty set, and one of which no batch is full', async () => {
    expect(await refusal(fit(model, line(4).take(0), common))).toMatch(/at least one/)
    const source = { length: 4, async *batches(): AsyncGenerator<Points> {} }
    expect(await refusal(fit(model, source, common))).toMatch(/an epoch without a batch/)
  })

  it('a loss that is no single number', async () => {
    const none = (p: Tensor, t: Tensor): Tensor => p.sub(t)
    expect(await refusal(fit(model, line(4), { ...common, loss: none }))).toMatch(
      /a tensor \[4, 1\]; expected a single number/,
    )
  })
})

describe('sequences', () => {
  const tokens = data.dataset({
    x: tensor(
      Array.from({ length: 24 }, (_, i) => Array.from({ length: 5 }, (_, t) => (i * 7 + t * 3) % 6)),
      { dtype: 'int32' },
    ),
    y: tensor(
      Array.from({ length: 24 }, (_, i) => (i * 7 + 4 * 3) % 6),
      { dtype: 'int32' },
    ),
  })

  class Reader extends nn.Module {
    embed = nn.embedding(6, 8)
    lstm = nn.lstm(8, 8)
    head = nn.linear(8, 6)
    forward(x: Tensor): Tensor {
      const { output } = this.lstm.forward(this.embed.forward(x))
      return this.head.forward(output.slice([undefined, [-1, undefined]]).squeeze(1))
    }
  }

  it('a watched LSTM trains as one that is not watched; metrics of the library follow it', async () => {
    const train = async (watch: boolean): Promise<{ weights: number[]; f1: unknown }> => {
      manualSeed(9)
      const model = new Reader()
      const { history } = await fit(model, tokens, {
        loss: loss.crossEntropy,
        optimizer: optim.adam({ lr: 0.05 }),
        epochs: 20,
        batchSize: 8,
        validate: tokens,
        metrics: { f1: metrics.f1({ average: 'macro' }) },
        keepBest: { monitor: 'validation.f1', mode: 'max' },
        watch,
      })
      return { weights: await weightsOf(model), f1: history[19].validation?.metrics?.f1 }
    }
    const plain = await train(false)
    expect(plain.f1).toBeGreaterThan(0.9)
    expect(await train(true)).toEqual(plain)
  })

  it('a broken number inside the LSTM is named', async () => {
    const model = new Reader()
    const weight = model.stateDict()['lstm.weight_hh_l0']
    const numbers = await weight.data()
    numbers[3] = Number.NaN
    weight.write(numbers)
    const options = { loss: loss.crossEntropy, optimizer: optim.adam(), watch: true }
    expect(await refusal(fit(model, tokens, options))).toMatch(/parameter lstm\.weight_hh_l0 holds NaN at \[0, 3\]/)
  })
})

describe('memory', () => {
  it('stays flat over the steps of a watched run', async () => {
    const held: number[] = []
    await fit(nn.sequential(nn.linear(1, 16), nn.tanh(), nn.linear(16, 1)), line(64), {
      ...common,
      epochs: 40,
      watch: true,
      keepBest: true,
      validate: line(16, 2),
      on: {
        step: async ({ steps }) => {
          if (steps % 80 === 0) {
            const { resident, arenas } = (await getBackend()).memory()
            held.push(resident + arenas)
          }
        },
      },
    })
    expect(held).toHaveLength(4)
    expect(held[3]).toBeLessThanOrEqual(held[1])
  })
})
