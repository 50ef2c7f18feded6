/** NaN and infinities: named by module and operation, with nothing lost; and the norms of gradients. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { gradients } from '../src/autodiff/gradients.ts'
import { tensor, zeros } from '../src/create.ts'
import * as data from '../src/data/index.ts'
import { findNonFinite } from '../src/explain/non-finite.ts'
import { type Watch, watch } from '../src/explain/watch.ts'
import * as loss from '../src/loss/index.ts'
import * as nn from '../src/nn/index.ts'
import { scan } from '../src/ops/derived/scan.ts'
import * as optim from '../src/optim/index.ts'
import { defaultGenerator, manualSeed } from '../src/random.ts'
import { setBackend } from '../src/run/backend.ts'
import { compile } from '../src/run/compile.ts'
import '../src/run/realize.ts'
import { GlissadeError } from '../src/errors.ts'
import type { Tensor } from '../src/tensor.ts'
import { type FitOptions, fit, type StepDone } from '../src/train/index.ts'

beforeEach(async () => {
  await setBackend('wasm', { threads: 1 })
  manualSeed(7)
})
const probes: Watch[] = []
afterEach(() => {
  for (const probe of probes.splice(0)) probe.stop()
})

/** log |x + bias|, with a bias that training does not change. */
class Log extends nn.Module {
  forward(x: Tensor): Tensor {
    return x.abs().log()
  }
}
/** e^(k x) */
class Exp extends nn.Module {
  readonly #k: number
  constructor(k: number) {
    super()
    this.#k = k
  }
  forward(x: Tensor): Tensor {
    return x.mul(this.#k).exp()
  }
}

const numbersOf = async (model: nn.Module): Promise<number[][]> =>
  Promise.all(Object.values(model.stateDict()).map(async (p) => [...(await p.data())]))

async function errorOf(promise: Promise<unknown>): Promise<GlissadeError> {
  const error = await promise.then(
    () => expect.fail('nothing was refused'),
    (reason) => reason,
  )
  expect(error).toBeInstanceOf(GlissadeError)
  return error as GlissadeError
}

const xs = (rows: number[][]): data.Dataset<{ x: Tensor; y: Tensor }> =>
  data.dataset({ x: tensor(rows), y: tensor(rows.map(() => [1])) })

const quiet: Omit<FitOptions, 'optimizer'> = { loss: loss.mse, shuffle: false, batchSize: 2, watch: true }

describe('a watched run', () => {
  it('names a log of 0, and leaves everything as it was before that step', async () => {
    const model = nn.sequential(new Log(), nn.dropout(0.2), nn.linear(2, 1))
    const optimizer = optim.adam({ lr: 0.1 }).for(model)
    const samples = xs([
      [1, 2],
      [3, 4],
      [5, 6],
      [7, 0],
    ])
    let before: unknown
    const state = async (): Promise<unknown> => ({
      model: await numbersOf(model),
      optimizer: await Promise.all(
        Object.values(optimizer.stateDict().tensors).map(async (t) => [...(await t.data())]),
      ),
      steps: optimizer.steps,
      random: defaultGenerator().state(),
    })
    const running = fit(model, samples, {
      ...quiet,
      optimizer,
      on: {
        step: async () => {
          before = await state()
        },
      },
    })
    const error = await errorOf(running)
    expect(error.code).toBe('not-finite')
    expect(error.message).toMatch(/the loss at epoch 1, step 2: received (NaN|Infinity|-Infinity)/)
    expect(error.message).toContain('it began in 0: log(0) = -Infinity at [1, 1] of [2, 2], 1 of 4 elements')
    expect(error.message).toContain('The model is as it was before this step')
    expect(optimizer.steps).toBe(1)
    expect(await state()).toEqual(before)
  })

  it('names an overflow, deep in a model', async () => {
    class Block extends nn.Module {
      first = nn.linear(2, 2)
      boom = new Exp(1000)
      forward(x: Tensor): Tensor {
        return this.boom.forward(x).sub(this.boom.forward(x.neg())).add(this.first.forward(x))
      }
    }
    class Net extends nn.Module {
      blocks = [nn.sequential(nn.linear(2, 2), nn.tanh()), new Block()]
      forward(x: Tensor): Tensor {
        return this.blocks.reduce((value, block) => block.forward(value), x).sum(1, { keepDims: true })
      }
    }
    const error = await errorOf(
      fit(
        new Net(),
        xs([
          [3, 4],
          [5, 6],
        ]),
        { ...quiet, optimizer: optim.sgd({ lr: 0.1 }) },
      ),
    )
    expect(error.message).toMatch(/it began in blocks\.1\.boom: exp\(-?\d+[\d.]*\) = Infinity at/)
  })

  it('names an operation of the gradient', async () => {
    // log(0) is not taken; its slope is, times 0.
    class Masked extends nn.Module {
      forward(x: Tensor): Tensor {
        return x.gt(0).where(x.log(), 0)
      }
    }
    const model = nn.sequential(nn.linear(2, 2), nn.tanh(), new Masked(), nn.linear(2, 1))
    ;(model[0] as nn.Linear).weight.write([0, 0, 0, 0])
    ;(model[0] as nn.Linear).bias?.write([0, 0])
    const before = await numbersOf(model)
    const error = await errorOf(
      fit(
        model,
        xs([
          [1, 1],
          [2, 2],
        ]),
        { ...quiet, optimizer: optim.sgd({ lr: 0.1 }) },
      ),
    )
    expect(error.message).toMatch(
      /a gradient at epoch 1, step 1.*it began in 2 in the gradient: \w+\(.*\) = (Infinity|-Infinity|NaN)/,
    )
    expect(await numbersOf(model)).toEqual(before)
  })

  it('names an update that leaves the numbers there are', async () => {
    const model = nn.linear(2, 1)
    const before = await numbersOf(model)
    const error = await errorOf(
      fit(
        model,
        xs([
          [9, 9],
          [9, 9],
        ]),
        { ...quiet, optimizer: optim.sgd({ lr: 1e38 }) },
      ),
    )
    expect(error.message).toMatch(/in the update of the optimizer: .* = -?Infinity/)
    expect(await numbersOf(model)).toEqual(before)
  })

  it('names a parameter that is broken before', async () => {
    const model = nn.linear(2, 1)
    model.weight.write([1, Number.NaN])
    const error = await errorOf(
      fit(
        model,
        xs([
          [1, 1],
          [1, 1],
        ]),
        { ...quiet, optimizer: optim.sgd({ lr: 0.1 }) },
      ),
    )
    expect(error.message).toContain('parameter weight holds NaN at [0, 1] of [1, 2], 1 of 2 elements')
  })

  it('trains as one that is not watched, and leaves bad steps out if asked', async () => {
    const good = [
      [1, 2],
      [3, 4],
      [5, 6],
      [7, 8],
    ]
    const train = async (rows: number[][], options: Partial<FitOptions>): Promise<number[][]> => {
      manualSeed(3)
      const model = nn.sequential(new Log(), nn.linear(2, 1))
      await fit(model, xs(rows), { ...quiet, optimizer: optim.adam({ lr: 0.01 }), epochs: 2, ...options })
      return numbersOf(model)
    }
    const plain = await train(good, { watch: false })
    expect(await train(good, { watch: true })).toEqual(plain)
    const events: StepDone[] = []
    const bad = [...good.slice(0, 2), [0, 1], [1, 1], ...good.slice(2)]
    const skipping = await train(bad, { watch: { skip: true }, on: { step: (event) => events.push(event) } })
    expect(skipping).toEqual(plain)
    expect(events.map(({ skipped }) => skipped !== undefined)).toEqual([false, true, false, false, true, false])
    expect(events[1].skipped).toContain('in 0: log(0) = -Infinity')
    expect(events[2].epochLoss).toBeTypeOf('number')
    expect(Number.isFinite(events[2].epochLoss)).toBe(true)
  })

  it('gives up where every step is bad', async () => {
    const rows = Array.from({ length: 60 }, () => [0, 1])
    const error = await errorOf(
      fit(nn.sequential(new Log(), nn.linear(2, 1)), xs(rows), {
        ...quiet,
        watch: { skip: true },
        optimizer: optim.sgd({ lr: 0.1 }),
      }),
    )
    expect(error.message).toMatch(/step 21: .*bad step number 21 in a row/s)
  })

  it('tells the norms of gradients by parameter and module', async () => {
    const model = nn.sequential(nn.linear(2, 3), nn.tanh(), nn.linear(3, 1))
    const samples = xs([
      [1, 2],
      [3, 4],
    ])
    const { x, y } = samples.columns
    const found = gradients(loss.mse(model.forward(x), y), model.parameters())
    const names = [...model.namedParameters().keys()]
    const squares = await Promise.all(found.map(async (g) => await (g as Tensor).square().sum().item()))
    let norms: StepDone['norms']
    await fit(model, samples, {
      ...quiet,
      optimizer: optim.sgd({ lr: 0.1 }),
      on: {
        step: (event) => {
          norms = event.norms
        },
      },
    })
    names.forEach((name, i) => expect(norms?.[name]).toBeCloseTo(Math.sqrt(squares[i]), 4))
    expect(norms?.['0']).toBeCloseTo(Math.sqrt(squares[0] + squares[1]), 4)
    expect(norms?.['']).toBeCloseTo(Math.sqrt(squares.reduce((a, b) => a + b)), 4)
    expect(norms).not.toHaveProperty('1')
  })
})

describe('an unwatched run', () => {
  it('ends at the first loss that is not finite, and says how to learn more', async () => {
    const error = await errorOf(
      fit(
        nn.sequential(new Log(), nn.linear(2, 1)),
        xs([
          [0, 1],
          [1, 1],
        ]),
        {
          ...quiet,
          watch: false,
          optimizer: optim.sgd({ lr: 0.1 }),
        },
      ),
    )
    expect(error.message).toMatch(/the loss at epoch 1, step 1: received NaN|Infinity.*watch: true/)
  })

  it('refuses NaN in the data before the step, names where, and changes nothing', async () => {
    const model = nn.linear(2, 1)
    const before = await numbersOf(model)
    const samples = xs([
      [1, 2],
      [3, Number.NaN],
      [Number.NaN, 6],
    ])
    const options = { ...quiet, watch: false, optimizer: optim.sgd({ lr: 0.1 }) }
    const error = await errorOf(fit(model, samples, options))
    expect(error.message).toContain(
      'fit: column x of epoch 1, step 1: received NaN in sample 1 of the batch, element 1 (1 of 4 numbers)',
    )
    expect(await numbersOf(model)).toEqual(before)
    // A model that knows what to do with them.
    class Filled extends nn.Module {
      inner = nn.linear(2, 1)
      forward(x: Tensor): Tensor {
        return this.inner.forward(x.isNaN().where(0, x))
      }
    }
    await fit(new Filled(), samples, { ...options, allowNaN: true })
    // Infinities are the model's business.
    await fit(nn.sequential(nn.sigmoid(), nn.linear(2, 1)), xs([[1, Number.NEGATIVE_INFINITY]]), options)
  })
})

describe('in a loop of one’s own', () => {
  it('watch tells norms until it is stopped', async () => {
    const model = nn.linear(2, 1)
    const probe = watch(model)
    probes.push(probe)
    const optimizer = optim.sgd({ lr: 0.1 }).for(model)
    const step = compile((x: Tensor) => {
      const value = model.forward(x).sum()
      optimizer.minimize(value)
      return value
    })
    await step(tensor([[3, 4]]))
    expect(probe.norms().get('weight')).toBeCloseTo(5, 5)
    expect(probe.norms().get('')).toBeCloseTo(Math.sqrt(26), 5)
    expect(probe.broken()).toEqual([])
    await step(tensor([[Number.NaN, 4]]))
    expect(probe.broken()).toEqual(['weight'])
    probe.stop()
    await step(tensor([[3, 4]]))
    expect(probe.broken()).toEqual(['weight'])
  })

  it('findNonFinite finds nothing where all is well, and passes over what is infinite on purpose', async () => {
    const model = nn.linear(2, 2)
    const x = tensor([[3, 4]])
    const masked = (): Tensor[] => {
      const scores = tensor([[true, false]]).where(model.forward(x), Number.NEGATIVE_INFINITY)
      const value = scores.softmax(-1).square().sum()
      return [value]
    }
    expect(await findNonFinite(masked)).toBeUndefined()
    const origin = await findNonFinite(() => [...masked(), model.forward(x).sub(model.forward(x)).log().sum()])
    expect(origin).toMatchObject({ op: 'log', value: Number.NEGATIVE_INFINITY, from: [0], count: 2, shape: [1, 2] })
  })

  it('modules in the body of a loop: norms are those of all steps, and what broke them is found', async () => {
    class Steps extends nn.Module {
      readonly cell = nn.gruCell(2, 3)
      forward(x: Tensor): Tensor {
        const step = (h: Tensor, each: Tensor): { carry: Tensor } => ({ carry: this.cell.forward(each, h) })
        return scan(step, zeros([1, 3]), x).carry
      }
    }
    const model = new Steps()
    const x = tensor([[[1, 2]], [[3, -4]], [[0.5, 1]]])
    const loss = (): Tensor => model.forward(x).square().sum()
    const probe = watch(model)
    probes.push(probe)
    await compile(() => gradients(loss(), model.parameters()) as Tensor[])()
    const [, slope] = gradients(loss(), model.parameters()) as Tensor[]
    expect(probe.norms().get('cell.weight_hh')).toBeCloseTo(Math.hypot(...(await slope.data())), 6)

    const all = (): (Tensor | undefined)[] => [loss(), ...gradients(loss(), model.parameters())]
    expect(await findNonFinite(all)).toBeUndefined()
    model.cell.weight_hh.write(new Float32Array(27).fill(Number.NaN))
    expect(String(await findNonFinite(all))).toMatch(/^parameter cell\.weight_hh holds NaN/)
    model.cell.weight_hh.write(new Float32Array(27))
    const broken = await findNonFinite(() => [
      scan((h: Tensor, each: Tensor) => ({ carry: h.add(each.log()) }), zeros([1, 2]), x).carry,
    ])
    expect(broken).toMatchObject({ op: 'scan', shape: [1, 2] })
  })
})
