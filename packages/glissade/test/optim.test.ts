/** Optimizers beyond their numbers (those: golden-optim): state, resuming, freezing, options. */
import { describe, expect, it } from 'vitest'
import { evaluate } from '../src/backends/reference/reference.ts'
import { tensor } from '../src/create.ts'
import { runTrace, Trace } from '../src/graph/trace.ts'
import * as nn from '../src/nn/index.ts'
import * as optim from '../src/optim/index.ts'
import { Storage } from '../src/storage.ts'
import type { Tensor, Variable } from '../src/tensor.ts'

const numbers = (t: Tensor): number[] => [...evaluate([t])[0].data]
const x = tensor([
  [1, -2],
  [0.5, 3],
])
const lossOf = (model: nn.Layer): Tensor => model.forward(x).square().mean()

/** Puts the values that were assigned in place as numbers, as a runtime does. */
function settle(variables: Iterable<Variable>): void {
  const all = [...variables]
  evaluate(all).forEach(({ data }, i) => {
    all[i].write(data)
  })
}

describe('an optimizer', () => {
  it('goes on from a saved state with the same numbers', async () => {
    const make = (): nn.Sequential => nn.sequential(nn.linear(2, 3), nn.tanh(), nn.linear(3, 1))
    const step = (model: nn.Layer, optimizer: optim.Optimizer): void => {
      optimizer.minimize(lossOf(model))
      settle([...model.namedVariables().values(), ...optimizer.namedState().values()])
    }
    const [a, b] = [make(), make()]
    const first = optim.adam({ lr: 0.1 }).for(a)
    for (let i = 0; i < 3; i++) step(a, first)
    await b.loadStateDict(a.stateDict())
    const second = optim.adam({ lr: 0.5 }).for(b)
    await second.loadStateDict(first.stateDict())
    expect(second.steps).toBe(3)
    expect(second.lr).toBe(0.1)
    step(a, first)
    step(b, second)
    expect(b.parameters().map(numbers)).toEqual(a.parameters().map(numbers))
    expect([...second.namedState().keys()]).toContain('2.weight.m')
  })

  it('refuses a state that does not fit', async () => {
    const model = nn.sequential(nn.linear(2, 1))
    const optimizer = optim.adam().for(model)
    await expect(
      optimizer.loadStateDict({ steps: 1, lr: 1, tensors: { '0.weight.m': tensor([1]), odd: tensor([1]) } }),
    ).rejects.toThrow(
      /0.weight.m: received \[1\], expected \[1, 2\][\s\S]*0.bias.v: missing[\s\S]*odd: not in the optimizer/,
    )
  })

  it('leaves frozen parameters, and those the loss does not reach, as they are', () => {
    const model = nn.sequential(nn.linear(2, 2), nn.linear(2, 1))
    const apart = new nn.Parameter(tensor([5]))
    settle(model.parameters())
    const before = model.parameters().map(numbers)
    model[0].freeze()
    const optimizer = optim.sgd({ lr: 0.1, weightDecay: 0.5 }).for([...model.parameters(), apart])
    optimizer.minimize(lossOf(model))
    const after = model.parameters().map(numbers)
    expect(after.slice(0, 2)).toEqual(before.slice(0, 2))
    expect(after[2]).not.toEqual(before[2])
    expect(numbers(apart)).toEqual([5])
  })

  it('is supplied with its numbers at each run of a traced program, and counts steps when runs end', () => {
    const p = new nn.Parameter(tensor([1]))
    const optimizer = optim.adam({ lr: 0.5 }).for([p])
    const trace = new Trace()
    runTrace(trace, () => {
      optimizer.minimize(p.square().sum())
      optimizer.minimize(p.square().sum())
    })
    expect(optimizer.steps).toBe(0)
    const read = (): number[] =>
      trace.supplied.map(({ supply }) => {
        const storage = new Storage('float32', 1)
        supply(storage)
        return storage.read()[0]
      })
    // Two steps of four numbers; stepSize = lr / (1 - 0.9^t).
    const stepSizes = (): number[] => read().filter((_, i) => i % 4 === 0)
    expect(stepSizes()[0]).toBeCloseTo(0.5 / 0.1, 5)
    expect(stepSizes()[1]).toBeCloseTo(0.5 / (1 - 0.81), 5)
    for (const after of trace.afterRun) after()
    expect(optimizer.steps).toBe(2)
    optimizer.lr = 1
    expect(stepSizes()[0]).toBeCloseTo(1 / (1 - 0.9 ** 3), 5)
  })

  it('refuses to take a step that can change nothing', () => {
    const model = nn.sequential(nn.linear(2, 1)).freeze()
    const optimizer = optim.sgd().for(model)
    expect(() => optimizer.minimize(lossOf(model))).toThrow(/depends on no parameter that may change/)
    expect(optimizer.steps).toBe(0)
  })

  it('refuses a state whose numbers make no sense, and changes nothing', async () => {
    const optimizer = optim.adam({ lr: 0.3 }).for([new nn.Parameter(tensor([1]))])
    const good = optimizer.stateDict()
    await expect(optimizer.loadStateDict({ ...good, steps: -1 })).rejects.toThrow(/steps: received -1/)
    await expect(optimizer.loadStateDict({ ...good, accumulated: 0.5 })).rejects.toThrow(/accumulated: received 0.5/)
    await expect(optimizer.loadStateDict({ ...good, rates: [] })).rejects.toThrow(/received 0 learning rates/)
    await expect(optimizer.loadStateDict({ ...good, rates: [{ lr: -1 }] })).rejects.toThrow(/lr: received -1/)
    const scheduled = optim.adam({ lr: optim.schedule.step(1, 1) }).for([new nn.Parameter(tensor([1]))])
    await expect(scheduled.loadStateDict({ ...good, rates: [{ memory: 1 }] })).rejects.toThrow(/remembers nothing/)
    expect([optimizer.lr, scheduled.lr, scheduled.steps]).toEqual([0.3, 1, 0])
  })

  type Sgd = Parameters<typeof optim.sgd>[0]
  const { schedule } = optim
  it.each<[string, () => unknown]>([
    ['a negative learning rate', () => optim.sgd({ lr: -1 })],
    ['nesterov without momentum', () => optim.sgd({ nesterov: true })],
    ['nesterov with dampening', () => optim.sgd({ nesterov: true, momentum: 0.9, dampening: 0.1 })],
    ['a beta of 1', () => optim.adam({ betas: [0.9, 1] })],
    ['a negative weight decay', () => optim.adamW({ weightDecay: -0.1 })],
    ['a learning rate that is no number', () => optim.adam({ lr: Number.NaN })],
    ['a learning rate without end', () => optim.adam({ lr: Number.POSITIVE_INFINITY })],
    ['a learning rate of another kind', () => optim.adam({ lr: 'fast' as unknown as number })],
    ['a clipNorm of 0', () => optim.adam({ clipNorm: 0 })],
    ['a negative clipValue', () => optim.adam({ clipValue: -1 })],
    ['accumulation of half a step', () => optim.adam({ accumulate: 0.5 })],
    ['an average that never changes', () => optim.adam({ ema: 1 })],
    ['a bad option in a group', () => optim.sgd({ groups: [{ parameters: /x/, momentum: -1 }] })],
    ['a bad scale in a group', () => optim.sgd({ groups: [{ parameters: /x/, lrScale: -1 }] })],
    ['a bad learning rate in a group', () => optim.sgd({ groups: [{ parameters: /x/, lr: -1 }] })],
    [
      'an optimizer in a group that clips',
      () => optim.sgd({ groups: [{ parameters: /x/, by: optim.adam({ clipNorm: 1 }) }] }),
    ],
    [
      'options beside an optimizer',
      () => optim.sgd({ groups: [{ parameters: /x/, by: optim.adam(), lr: 1 } as never] }),
    ],
    ['a momentum that cycles where there is none', () => optim.adagrad({ lr: schedule.oneCycle(1, 10) })],
    ['a rho above 1', () => optim.adadelta({ rho: 1.5 })],
    ['an alpha of 1', () => optim.rmsprop({ alpha: 1 })],
    ['a negative decay of the rate', () => optim.adagrad({ lrDecay: -1 })],
    ['a negative start', () => optim.adagrad({ initialAccumulatorValue: -1 })],
    ['a negative momentum decay', () => optim.nadam({ momentumDecay: -1 })],
    ['a negative eps', () => optim.adamax({ eps: -1 })],
    ['betas of radam', () => optim.radam({ betas: [1, 0.9] })],
    ['betas of lion', () => optim.lion({ betas: [1, 0.9] })],
    ['betas of lamb', () => optim.lamb({ betas: [1, 0.9] })],
    ['too many iterations', () => optim.muon({ nsSteps: 100 })],
    ['an unknown adjustment', () => optim.muon({ adjustLr: 'none' as 'original' })],
    ['two coefficients', () => optim.muon({ nsCoefficients: [1, 2] as unknown as [number, number, number] })],
    ['a clip of nothing', () => optim.clipGradNorm([tensor([1])], 0)],
    ['a value clip of nothing', () => optim.clipGradValue([tensor([1])], 0)],
    ['a norm of nothing', () => optim.gradNorm([])],
    ['a norm of order 0', () => optim.gradNorm([tensor([1])], { normType: 0 })],
    ['a decay of an average above 1', () => optim.ema([], 1.5)],
    [
      'an observation that is no number',
      () =>
        optim
          .sgd()
          .for([])
          .observe('x' as unknown as number),
    ],
    ['schedule: a negative rate', () => schedule.constant(-1)],
    ['schedule: no steps', () => schedule.linear(1, 0)],
    ['schedule: half a step', () => schedule.step(1, 0.5)],
    ['schedule: falling milestones', () => schedule.multiStep(1, [3, 2])],
    ['schedule: a negative gamma', () => schedule.exponential(1, -1)],
    ['schedule: a negative power', () => schedule.polynomial(1, 5, { power: -1 })],
    ['schedule: a warm-up as long as all', () => schedule.cosine(1, 5, { warmUp: 5 })],
    ['schedule: a factor below 1', () => schedule.cosineRestarts(1, 5, { factor: 0.5 })],
    ['schedule: a start beyond the end', () => schedule.oneCycle(1, 5, { pctStart: 1.5 })],
    ['schedule: an unknown strategy', () => schedule.oneCycle(1, 5, { annealStrategy: 'up' as 'cos' })],
    ['schedule: no warm-up', () => schedule.inverseSqrt(1, 0)],
    ['schedule: no model', () => schedule.noam(0)],
    ['schedule: a number in place of a schedule', () => schedule.warmUp(1 as unknown as optim.schedule.Schedule, 2)],
    ['schedule: too few milestones', () => schedule.sequential([schedule.constant(1), schedule.constant(2)], [])],
    ['schedule: nothing in sequence', () => schedule.sequential([], [])],
    ['schedule: a plateau that raises', () => schedule.reduceOnPlateau(1, { factor: 1 })],
    ['schedule: an unknown mode', () => schedule.reduceOnPlateau(1, { mode: 'best' as 'min' })],
    ['a rate set below 0', () => (optim.sgd({} as Sgd).for([new nn.Parameter(tensor([1]))]).lr = -1)],
  ])('refuses %s', (_, make) => {
    expect(make).toThrow(/received [\s\S]*expected/)
  })
})

describe('parameter groups', () => {
  /** What each parameter moves by under a gradient of 1 and lr 1, and by how much of itself it decays. */
  function moves(model: nn.Module, options: Parameters<typeof optim.sgd>[0]): Record<string, number> {
    for (const parameter of model.parameters()) parameter.write(new Float32Array(parameter.size).fill(100))
    const optimizer = optim.sgd({ lr: 1, ...options }).for(model)
    optimizer.apply(new Map([...optimizer.parameters.values()].map((each) => [each, each.mul(0).add(1)])))
    return Object.fromEntries([...optimizer.parameters].map(([name, parameter]) => [name, 100 - numbers(parameter)[0]]))
  }
  const model = (): nn.Sequential => nn.sequential(nn.linear(2, 3), nn.tanh(), nn.linear(3, 1))

  it('select by pattern, name, module, parameter and rule, the first that fits', () => {
    const net = model()
    const groups = [
      { parameters: /^2\.b/g, lr: 2 },
      { parameters: ['0.bias', '2.bias'], lrScale: 3 },
      { parameters: [net.parameters()[0]], lr: 4, lrScale: 0.5 },
    ]
    expect(moves(net, { groups })).toEqual({ '0.weight': 2, '0.bias': 3, '2.weight': 1, '2.bias': 2 })
    expect(moves(net, { groups: [{ parameters: net[0], lr: 5 }] })).toMatchObject({ '0.weight': 5, '2.weight': 1 })
    const byRule = { parameters: (name: string, { rank }: nn.Parameter) => rank === 1 && name.startsWith('0'), lr: 6 }
    expect(moves(net, { groups: [byRule] })).toMatchObject({ '0.bias': 6, '2.bias': 1 })
  })

  it('follow a learning rate that is changed on the way, unless they have their own', () => {
    const net = model()
    const groups = [
      { parameters: /^0\.w/, lr: 2 },
      { parameters: /^0\.b/, lrScale: 3 },
    ]
    const optimizer = optim.sgd({ lr: 1, groups }).for(net)
    optimizer.lr = 10
    for (const parameter of net.parameters()) parameter.write(new Float32Array(parameter.size))
    optimizer.apply(new Map(net.parameters().map((each) => [each, each.mul(0).add(1)])))
    expect(net.parameters().map((each) => -numbers(each)[0])).toEqual([2, 30, 10, 10])
  })

  it('without decay are norms and biases', () => {
    class Block extends nn.Module {
      readonly linear = nn.linear(2, 2)
      readonly norm = new TableNorm()
      readonly table = new nn.Parameter(tensor([[1, 1]]))
      forward(input: Tensor): Tensor {
        return this.linear.forward(input)
      }
    }
    class TableNorm extends nn.Module {
      readonly weight = new nn.Parameter(tensor([[1, 1]]))
      forward(input: Tensor): Tensor {
        return input.mul(this.weight)
      }
    }
    const block = new Block()
    const expected = { 'linear.weight': 101, 'linear.bias': 1, 'norm.weight': 1, table: 101 }
    expect(moves(block, { weightDecay: 1, groups: [optim.noDecay()] })).toEqual(expected)
    expect(moves(block, { weightDecay: 1, groups: [optim.noDecay(block)] })).toEqual(expected)
    expect(moves(block, { weightDecay: 1, groups: [optim.noDecay(block.linear)] })).toMatchObject({
      'norm.weight': 101,
    })
  })

  it('may follow another optimizer', () => {
    const net = model()
    const optimizer = optim.muon({ groups: [{ parameters: /^2/, by: optim.sgd({ lr: 1 }) }], rest: {} }).for(net)
    expect([...optimizer.namedState().keys()]).toEqual(['0.weight.m', '0.bias.m', '0.bias.v'])
    expect(() => optim.muon().for(net)).toThrow(/muon: received the parameter 0.bias of shape \[3\]; expected a matrix/)
  })

  it('refuse selections of nothing, and unknown names', () => {
    const net = model()
    const bind = (parameters: optim.Selection) => () => optim.sgd({ groups: [{ parameters, lr: 1 }] }).for(net)
    expect(bind(/head/)).toThrow(/groups\[0\].parameters: received \/head\/; expected at least one of 0.weight/)
    expect(bind(() => false)).toThrow(/to which none belongs/)
    expect(bind(['0.wieght'])).toThrow(/There is no parameter or module '0.wieght'/)
    expect(bind(5 as unknown as RegExp)).toThrow(/received number; expected a pattern/)
    expect(bind([])).not.toThrow()
  })
})

describe('a schedule', () => {
  const { schedule } = optim
  const rates = (of: optim.schedule.Schedule, steps: number): number[] =>
    Array.from({ length: steps }, (_, i) => of.at(i, of.memory).lr)

  it('of one’s own multiplies the learning rate', () => {
    expect(
      rates(
        schedule.lambda(2, (step) => step / 4),
        4,
      ),
    ).toEqual([0, 0.5, 1, 1.5])
  })
  it('warms up before another, from one step before 0', () => {
    expect(rates(schedule.warmUp(schedule.constant(1), 3), 5)).toEqual([0.25, 0.5, 0.75, 1, 1])
    expect(rates(schedule.warmUp(schedule.step(8, 2), 2, { startFactor: 0 }), 5)).toEqual([0, 4, 8, 8, 0.8])
  })
  it('stays at its end', () => {
    expect(schedule.cosine(1, 10, { minLr: 0.1 }).at(50).lr).toBeCloseTo(0.1, 12)
    expect(schedule.oneCycle(1, 10).at(50)).toEqual(schedule.oneCycle(1, 10).at(9))
    expect(schedule.oneCycle(1, 1).at(0).lr).toBeGreaterThan(0)
  })
  it('goes with the inverse root of the step, as in the Transformer', () => {
    const found = rates(schedule.inverseSqrt(1, 4), 16)
    expect(found.slice(0, 4)).toEqual([0.25, 0.5, 0.75, 1])
    expect(found[15]).toBe(0.5)
    // modelSize^-0.5 min(t^-0.5, t warmUp^-1.5)
    expect(schedule.noam(512, 4000).at(99).lr).toBeCloseTo(512 ** -0.5 * 100 * 4000 ** -1.5, 12)
    expect(schedule.noam(512, 4000).at(7999).lr).toBeCloseTo(512 ** -0.5 * 8000 ** -0.5, 12)
  })
  it('in sequence counts its own steps, and only the present one observes', () => {
    const both = schedule.sequential([schedule.exponential(1, 0.5), schedule.reduceOnPlateau(4, { patience: 0 })], [2])
    expect(rates(both, 4)).toEqual([1, 0.5, 4, 4])
    const p = new nn.Parameter(tensor([1]))
    const optimizer = optim.sgd({ lr: both }).for([p])
    for (let i = 0; i < 2; i++) optimizer.observe(1)
    for (let i = 0; i < 3; i++) optimizer.minimize(p.square().sum())
    expect(optimizer.lr).toBe(4)
    for (const value of [1, Number.NaN]) optimizer.observe(value)
    expect(optimizer.lr).toBeCloseTo(0.4, 12)
    optimizer.lr = 7
    optimizer.observe(9)
    expect(optimizer.lr).toBe(7)
  })
  it('is kept when the state of a run without one is loaded, and a number set in its place too', async () => {
    const p = new nn.Parameter(tensor([1]))
    const plain = optim.sgd({ lr: 3 }).for([p])
    const scheduled = optim.sgd({ lr: schedule.step(1, 1) }).for([p])
    await scheduled.loadStateDict({ ...plain.stateDict(), steps: 2 })
    expect(scheduled.lr).toBeCloseTo(0.01, 12)
    scheduled.lr = 5
    const again = optim.sgd({ lr: schedule.step(1, 1) }).for([p])
    await again.loadStateDict(scheduled.stateDict())
    expect(again.lr).toBe(5)
    // As a state looked before there were schedules.
    await plain.loadStateDict({ steps: 4, lr: 0.5, tensors: {} })
    expect([plain.lr, plain.steps]).toEqual([0.5, 4])
  })
})

describe('clipping', () => {
  it('scales all gradients together, or brings each element into a range', () => {
    const given = [tensor([3, 0]), undefined, tensor([[-4]])]
    const { gradients, norm } = optim.clipGradNorm(given, 1)
    expect(numbers(norm)).toEqual([5])
    expect(gradients[1]).toBeUndefined()
    expect(numbers(gradients[0] as Tensor)[0]).toBeCloseTo(0.6, 5)
    expect(numbers(gradients[2] as Tensor)[0]).toBeCloseTo(-0.8, 5)
    const small = optim.clipGradNorm([tensor([3])], 10).gradients
    expect(numbers(small[0])).toEqual([3])
    expect(numbers(optim.gradNorm([tensor([3, -7])], { normType: Number.POSITIVE_INFINITY }))).toEqual([7])
    expect(numbers(optim.gradNorm([tensor([3, -7])], { normType: 1 }))).toEqual([10])
    const [low, high] = optim.clipGradValue([tensor([-5, 0.1]), tensor([9])], 0.5)
    expect(numbers(low)).toEqual([-0.5, Math.fround(0.1)])
    expect(numbers(high)).toEqual([0.5])
  })
})
