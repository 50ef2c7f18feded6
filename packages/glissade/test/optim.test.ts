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
    // Two steps of three numbers; stepSize = lr / (1 - 0.9^t).
    const stepSizes = (): number[] => read().filter((_, i) => i % 3 === 0)
    expect(stepSizes()[0]).toBeCloseTo(0.5 / 0.1, 5)
    expect(stepSizes()[1]).toBeCloseTo(0.5 / (1 - 0.81), 5)
    for (const after of trace.afterRun) after()
    expect(optimizer.steps).toBe(2)
    optimizer.lr = 1
    expect(stepSizes()[0]).toBeCloseTo(1 / (1 - 0.9 ** 3), 5)
  })

  it.each([
    ['a negative learning rate', () => optim.sgd({ lr: -1 })],
    ['nesterov without momentum', () => optim.sgd({ nesterov: true })],
    ['nesterov with dampening', () => optim.sgd({ nesterov: true, momentum: 0.9, dampening: 0.1 })],
    ['a beta of 1', () => optim.adam({ betas: [0.9, 1] })],
    ['a negative weight decay', () => optim.adamW({ weightDecay: -0.1 })],
    ['a learning rate that is no number', () => optim.adam({ lr: Number.NaN })],
  ])('refuses %s', (_, make) => {
    expect(make).toThrow(/received .* expected/)
  })
})
