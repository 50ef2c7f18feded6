/**
 * Optimizers in compiled steps, on every backend that works here: the paths of golden-optimizers, and what options of
 * the step do (accumulation, skipping, averages, resuming).
 */
import { describe, expect, it } from 'vitest'
import { tensor } from '../src/create.ts'
import * as loss from '../src/loss/index.ts'
import * as nn from '../src/nn/index.ts'
import { Parameter } from '../src/nn/module.ts'
import * as optim from '../src/optim/index.ts'
import { type BackendName, probeBackend, setBackend } from '../src/run/backend.ts'
import { compile } from '../src/run/compile.ts'
import type { Tensor } from '../src/tensor.ts'
import { expectClose, type Golden, type Listed, readGolden, toFloat32 } from './golden/read.ts'

type Make<T> = (...args: unknown[]) => T
const optimizers = optim as unknown as Record<string, Make<optim.OptimizerFactory>>
const schedules = optim.schedule as unknown as Record<string, Make<optim.schedule.Schedule>>

type Two<T> = Readonly<Record<'p' | 'q', T>>
interface Case {
  readonly kind: string
  readonly options: Readonly<Record<string, unknown>>
  readonly schedule?: readonly [kind: string, ...args: unknown[]]
  readonly path: Two<Listed>
}
const all = readGolden<Golden<Case> & { given: Two<Record<'a' | 'b' | 'c' | 'x', Listed>> }>('optimizers-all')
const steps = 20

/** Numbers are rounded to 24 bits (6e-8) at each of twenty steps; divisions by small roots make more of it. */
const float32 = { absolute: 2e-4, relative: 2e-4 }

const missing = new Map<BackendName, string>()
for (const name of ['wasm', 'native'] as const) {
  const probe = await probeBackend(name)
  if ('reason' in probe) missing.set(name, probe.reason)
}

describe.each(['wasm', 'native'] as const)('optimizers take them in a compiled step on %s', (backend) => {
  const reason = missing.get(backend)
  const note = reason === undefined ? '' : ` (skipped: ${reason})`
  it.skipIf(reason !== undefined)(`all in one program${note}`, { timeout: 120_000 }, async () => {
    await setBackend(backend)
    const { cases, given } = all
    const data = Object.fromEntries(
      Object.entries(given).map(([name, of]) => [name, mapValues(of, toFloat32)]),
    ) as Record<'p' | 'q', Record<'a' | 'b' | 'c' | 'x', Tensor>>
    const bound = cases.map(({ kind, options, schedule }) => {
      const [p, q] = [new Parameter(data.p.x), new Parameter(data.q.x)]
      const lr = schedule ? { lr: schedules[schedule[0]](...schedule.slice(1)) } : {}
      return { p, q, optimizer: optimizers[kind]({ ...options, ...lr }).for([p, q]) }
    })
    const valleyOf = (x: Tensor, { a, b, c }: Record<'a' | 'b' | 'c', Tensor>): Tensor =>
      a.mul(x.pow(4)).div(4).add(b.mul(x.square()).div(2)).add(c.mul(x)).sum()
    const step = compile((factor: Tensor) =>
      bound.map(({ p, q, optimizer }) => {
        const loss = valleyOf(p, data.p).add(valleyOf(q, data.q)).mul(factor)
        optimizer.minimize(loss)
        return { p: p.add(0), q: q.add(0) }
      }),
    )
    const found = cases.map(() => ({ p: [] as number[], q: [] as number[] }))
    for (let t = 0; t < steps; t++) {
      const results = await step(tensor(1 + 0.5 * Math.sin(t)))
      for (const [i, { p, q }] of results.entries()) {
        found[i].p.push(...(await p.data()))
        found[i].q.push(...(await q.data()))
      }
    }
    for (const [i, { kind, options, path }] of cases.entries()) {
      const { steps: taken } = bound[i].optimizer
      expect(taken).toBe(Math.floor(steps / ((options.accumulate as number | undefined) ?? 1)))
      expectClose(`${i} ${kind} p`, found[i].p, path.p.data, float32)
      expectClose(`${i} ${kind} q`, found[i].q, path.q.data, float32)
    }
    step.release()
  })
})

function mapValues<K extends string, A, B>(record: Record<K, A>, change: (value: A) => B): Record<K, B> {
  const entries = Object.entries(record) as [K, A][]
  return Object.fromEntries(entries.map(([key, value]) => [key, change(value)])) as Record<K, B>
}

const usable = (['wasm', 'native'] as const).filter((name) => !missing.has(name))
const x = tensor([
  [1, -2],
  [0.5, 3],
  [-1, 1],
  [2, 0.25],
])
const y = tensor([[1], [-1], [0.5], [2]])

const network = (): nn.Sequential => nn.sequential(nn.linear(2, 5), nn.tanh(), nn.linear(5, 1))

/** A model with the same weights as `other`. */
async function twin(other: nn.Sequential): Promise<nn.Sequential> {
  const model = network()
  await model.loadStateDict(other.stateDict())
  return model
}
const weightsOf = async (model: nn.Module): Promise<number[][]> =>
  Promise.all(model.parameters().map(async (parameter) => [...(await parameter.data())]))

function stepOf(model: nn.Sequential, optimizer: optim.Optimizer) {
  return compile((input: Tensor, target: Tensor, factor: Tensor) => {
    const value = loss.mse(model.forward(input), target).mul(factor)
    const { gradNorm } = optimizer.minimize(value)
    return { value, gradNorm }
  })
}

/** What a file keeps of a state: JSON, and the numbers of tensors. */
async function throughFile({ tensors, ...rest }: optim.OptimizerState): Promise<optim.OptimizerState> {
  const copied = await Promise.all(
    Object.entries(tensors).map(async ([name, t]) => [name, tensor(await t.data(), { shape: t.shape })] as const),
  )
  return { ...(JSON.parse(JSON.stringify(rest)) as typeof rest), tensors: Object.fromEntries(copied) }
}

describe.each(usable)('an optimizer on %s', (backend) => {
  const { schedule } = optim
  const recipes: Record<string, () => optim.OptimizerFactory> = {
    'adamW, scheduled, with groups, clipping, accumulation and an average': () =>
      optim.adamW({
        lr: schedule.warmUp(schedule.reduceOnPlateau(0.1, { patience: 0 }), 3),
        groups: [optim.noDecay(), { parameters: /^2\./, lr: schedule.cosine(0.05, 20), betas: [0.8, 0.9] }],
        clipNorm: 1,
        accumulate: 3,
        ema: 0.9,
        skipNonFinite: true,
      }),
    'sgd with one cycle': () => optim.sgd({ lr: schedule.oneCycle(0.1, 20), momentum: 0.9 }),
    muon: () => optim.muon({ lr: 0.02, rest: { lr: 0.01 } }),
    nadam: () => optim.nadam(),
    lamb: () => optim.lamb({ weightDecay: 0.1 }),
  }

  it.each(Object.keys(recipes))('goes on from a file with the same bits: %s', async (name) => {
    await setBackend(backend)
    const model = network()
    const stopped = await twin(model)
    const run = async (of: nn.Sequential, optimizer: optim.Optimizer, from: number, to: number): Promise<void> => {
      const step = stepOf(of, optimizer)
      for (let t = from; t < to; t++) {
        await step(x, y, tensor(t === 4 && name.startsWith('adamW') ? Number.NaN : 1 + 0.1 * t))
        if (t % 4 === 3) optimizer.observe(1 + (t % 8))
      }
      step.release()
    }
    const whole = recipes[name]().for(model)
    await run(model, whole, 0, 20)
    const first = recipes[name]().for(stopped)
    await run(stopped, first, 0, 10)
    const saved = await throughFile(first.stateDict())
    const resumed = await twin(stopped)
    const second = recipes[name]().for(resumed)
    await second.loadStateDict(saved)
    await run(resumed, second, 10, 20)
    expect(await weightsOf(resumed)).toEqual(await weightsOf(model))
    const [a, b] = await Promise.all([whole, second].map((each) => throughFile(each.stateDict())))
    expect({ ...b, tensors: Object.keys(b.tensors) }).toEqual({ ...a, tensors: Object.keys(a.tensors) })
    for (const [key, t] of Object.entries(a.tensors)) expect(await b.tensors[key].data()).toEqual(await t.data())
  })

  it('accumulates what one large batch would give, also when steps are not awaited', async () => {
    await setBackend(backend)
    const model = network()
    const other = await twin(model)
    const together = stepOf(model, optim.sgd({ lr: 0.1, momentum: 0.9 }).for(model))
    const optimizer = optim.sgd({ lr: 0.1, momentum: 0.9, accumulate: 4 }).for(other)
    const apart = stepOf(other, optimizer)
    for (let t = 0; t < 3; t++) {
      await together(x, y, tensor(1))
      const rows = [0, 1, 2, 3].map((i) => apart(x.slice([[i, i + 1]]), y.slice([[i, i + 1]]), tensor(1)))
      await Promise.all(rows)
    }
    expect(optimizer.steps).toBe(3)
    const [a, b] = await Promise.all([weightsOf(model), weightsOf(other)])
    expectClose('weights', b.flat(), a.flat(), { absolute: 1e-5, relative: 1e-5 })
  })

  it('changes nothing between accumulated steps', async () => {
    await setBackend(backend)
    const model = network()
    const before = await weightsOf(model)
    const optimizer = optim.adam({ lr: 0.1, accumulate: 2 }).for(model)
    const step = stepOf(model, optimizer)
    await step(x, y, tensor(1))
    expect(await weightsOf(model)).toEqual(before)
    expect(optimizer.stateDict()).toMatchObject({ steps: 0, accumulated: 1 })
    await step(x, y, tensor(1))
    expect(await weightsOf(model)).not.toEqual(before)
    expect(optimizer.stateDict()).toMatchObject({ steps: 1, accumulated: 0 })
  })

  it('takes several steps in one program, each with its own numbers', async () => {
    await setBackend(backend)
    const model = network()
    const other = await twin(model)
    const lr = schedule.exponential(0.1, 0.5)
    const [one, two] = [optim.adam({ lr }).for(model), optim.adam({ lr }).for(other)]
    const single = stepOf(model, one)
    const double = compile(() => {
      for (let i = 0; i < 2; i++) two.minimize(loss.mse(other.forward(x), y))
    })
    for (let t = 0; t < 4; t++) await single(x, y, tensor(1))
    for (let t = 0; t < 2; t++) await double()
    expect([one.steps, two.steps]).toEqual([4, 4])
    expect(two.lr).toBe(0.1 * 0.5 ** 4)
    const [a, b] = await Promise.all([weightsOf(model), weightsOf(other)])
    expectClose('weights', b.flat(), a.flat(), { absolute: 1e-6, relative: 1e-5 })
  })

  it('leaves steps out whose gradients are not finite, and goes on as if they had not been', async () => {
    await setBackend(backend)
    const model = network()
    const other = await twin(model)
    const make = (of: nn.Module): optim.Optimizer => optim.adam({ lr: 0.1, skipNonFinite: true, ema: 0.5 }).for(of)
    const [a, b] = [make(model), make(other)]
    const [good, bad] = [stepOf(model, a), stepOf(other, b)]
    for (const factor of [1, Number.NaN, 2, Number.POSITIVE_INFINITY, 3]) {
      if (Number.isFinite(factor)) await good(x, y, tensor(factor))
      const { gradNorm } = await bad(x, y, tensor(factor))
      expect(Number.isFinite(await gradNorm.item())).toBe(Number.isFinite(factor))
    }
    expect([b.steps, b.skipped, a.skipped]).toEqual([3, 2, 0])
    expect(await weightsOf(other)).toEqual(await weightsOf(model))
    const [mine, theirs] = [b.namedState().get('0.weight.ema'), a.namedState().get('0.weight.ema')]
    expect(await mine?.data()).toEqual(await theirs?.data())
  })

  it('says the norm of the gradients, and steps no further than clipNorm', async () => {
    await setBackend(backend)
    const model = network()
    const before = await weightsOf(model)
    const step = stepOf(model, optim.sgd({ lr: 1, clipNorm: 0.25 }).for(model))
    const { gradNorm } = await step(x, y, tensor(100))
    expect(await gradNorm.item()).toBeGreaterThan(1)
    const moved = (await weightsOf(model)).flat().map((value, i) => value - before.flat()[i])
    expect(Math.hypot(...moved)).toBeCloseTo(0.25, 4)
  })

  it('keeps an average of the weights that can take their place for a while', async () => {
    await setBackend(backend)
    const model = network()
    const optimizer = optim.sgd({ lr: 0.5, ema: 0.5 }).for(model)
    const average = optimizer.ema ?? expect.fail('no average')
    const step = stepOf(model, optimizer)
    await step(x, y, tensor(1))
    const first = await weightsOf(model)
    await step(x, y, tensor(1))
    const second = await weightsOf(model)
    const inside = await average.during(async () => {
      expect(average.swapped).toBe(true)
      // A step that would train the averages is refused, and changes nothing.
      await expect(step(x, y, tensor(1))).rejects.toThrow(/the averages at present/)
      expect(() => optimizer.stateDict()).toThrow(/the averages at present/)
      return weightsOf(model)
    })
    expectClose(
      'average',
      inside.flat(),
      first.flat().map((value, i) => 0.5 * value + 0.5 * second.flat()[i]),
      { absolute: 1e-7, relative: 1e-6 },
    )
    expect(await weightsOf(model)).toEqual(second)
    expect(optimizer.steps).toBe(2)
    await expect(
      average.during(() => {
        throw new Error('inside')
      }),
    ).rejects.toThrow('inside')
    expect(await weightsOf(model)).toEqual(second)
    await step(x, y, tensor(1))
    expect(optimizer.steps).toBe(3)
  })

  it('has an average of its own where one is wanted', async () => {
    await setBackend(backend)
    const model = network()
    const optimizer = optim.sgd({ lr: 0.5 }).for(model)
    const average = optim.ema(model, 0.9, { warmUp: true })
    const start = await weightsOf(model)
    expect(await average.during(() => weightsOf(model))).toEqual(start)
    const step = compile(() => {
      optimizer.minimize(loss.mse(model.forward(x), y))
      average.update()
    })
    await step()
    const first = await weightsOf(model)
    expect(await average.during(() => weightsOf(model))).toEqual(first)
    await step()
    const second = await weightsOf(model)
    // min(0.9, (1 + 2) / (10 + 2)) = 0.25 of the first
    const expected = first.flat().map((value, i) => 0.25 * value + 0.75 * second.flat()[i])
    const found = (await average.during(() => weightsOf(model))).flat()
    expectClose('average', found, expected, { absolute: 1e-7, relative: 1e-6 })
    const other = optim.ema(await twin(model), 0.9)
    await other.loadStateDict(average.stateDict())
    expect(other.updates).toBe(2)
    await expect(other.loadStateDict({ updates: 1, tensors: {} })).rejects.toThrow(/missing/)
  })
})
