/** Taps: tensors named within modules, in loops that turn and in loops that are written out; and `unrolled` itself. */
import { beforeAll, describe, expect, it } from 'vitest'
import {
  type Capture,
  type Captured,
  capture,
  checkpoint,
  compile,
  gradients,
  manualSeed,
  nn,
  observe,
  optim,
  random,
  scan,
  setBackend,
  type Tensor,
  tap,
  unrolled,
  zeros,
} from '../src/index.ts'

beforeAll(async () => {
  await setBackend('reference')
})

const list = async (t: Tensor | undefined): Promise<number[]> => Array.from((await t?.data()) ?? [])

async function seen<T>(model: nn.Module, pattern: string, body: (probe: Capture) => Promise<T>): Promise<T> {
  const probe = capture(model, pattern, { gradient: true })
  try {
    return await body(probe)
  } finally {
    probe.stop()
  }
}

/** A model of one input, its loss, and what a capture sees of one training step, loops as they are or written out. */
async function captured(
  model: nn.Module,
  pattern: string,
  run: () => Tensor,
  loops: 'turning' | 'written out' = 'turning',
): Promise<Map<string, Captured>> {
  const step = compile(() => {
    const loss = run()
    return [loss, ...gradients(loss, model.parameters())] as Tensor[]
  })
  return seen(model, pattern, async (probe) => {
    await (loops === 'turning' ? step() : unrolled(() => step()))
    return probe.values()
  })
}

describe('tap', () => {
  class Squeezed extends nn.Module {
    readonly inner = nn.linear(2, 2)
    forward(x: Tensor): Tensor {
      return tap('bent', this.inner.forward(x).tanh()).sum()
    }
  }

  it('is captured under the module’s name, with its gradient, and changes nothing', async () => {
    const model = nn.sequential({ squeezed: new Squeezed() as unknown as nn.Stage })
    const x = random.normal([3, 2])
    const values = await captured(model, '**.bent', () => model.forward(x))
    expect([...values.keys()]).toEqual(['squeezed.bent'])
    const { value, gradient } = values.get('squeezed.bent') as Captured
    const inner = (model.at('squeezed') as unknown as Squeezed).inner
    expect(await list(value)).toEqual(await list(inner.forward(x).tanh()))
    expect(await list(gradient)).toEqual([1, 1, 1, 1, 1, 1])
    expect(await list(tap('outside', x))).toEqual(await list(x))
  })

  it('of a name that no run has shown is an error, once a run has shown the others', async () => {
    const model = new Squeezed()
    const run = compile((x: Tensor) => model.forward(x))
    await seen(model, 'bend', async (probe) => {
      expect(probe.values().size).toBe(0)
      await run(zeros([1, 2]))
      expect(() => probe.values()).toThrow(/no parameter or module 'bend'. Known here: inner, bent/)
    })
    expect(() => capture(nn.sequential(model as unknown as nn.Stage), 'bent')).toThrow(/no parameter or module 'bent'/)
  })

  it('shows the parts of attention, per head', async () => {
    const model = nn.multiHeadAttention(8, 2, { kvHeads: 1 })
    const x = random.normal([3, 5, 8])
    const values = await captured(model, '**', () => model.forward(x, x, x, { causal: true }).output.square().sum())
    const shapes = [...values].map(([name, { value, gradient }]) => [name, value.shape.join(), gradient?.shape.join()])
    expect(shapes).toEqual([
      ['keys', '3,1,5,4', '3,1,5,4'],
      ['values', '3,1,5,4', '3,1,5,4'],
      ['q', '3,2,5,4', '3,2,5,4'],
      ['scores', '3,2,5,5', '3,2,5,5'],
      ['softmax', '3,2,5,5', '3,2,5,5'],
      ['dropout', '3,2,5,5', '3,2,5,5'],
      ['mixed', '3,2,5,4', '3,2,5,4'],
      ['out_proj', '3,5,8', '3,5,8'],
      ['output', '3,5,8', '3,5,8'],
    ])
  })
})

describe('gates', () => {
  const gates = { rnn: ['hidden'], lstm: ['i', 'f', 'g', 'o', 'cell', 'hidden'], gru: ['r', 'z', 'n', 'hidden'] }
  const kinds = Object.keys(gates) as (keyof typeof gates)[]

  it.each(kinds)('of %s are seen for all steps, and one by one with the loop written out', async (kind) => {
    manualSeed(3)
    const layer = nn[kind](3, 4, { layers: 2, bidirectional: true })
    const x = random.normal([2, 3, 3])
    const run = (): Tensor => layer.forward(x).output.square().sum()
    const all = await captured(layer, '**.hidden', run)
    expect([...all.keys()]).toEqual(['l0.hidden', 'l0_reverse.hidden', 'l1.hidden', 'l1_reverse.hidden'])
    for (const gate of gates[kind]) {
      const turning = await captured(layer, `**.${gate}`, run)
      const steps = await captured(layer, `**.${gate}`, run, 'written out')
      expect(steps.size).toBe(12)
      for (const [name, { value, gradient }] of turning) {
        expect(value.shape).toEqual([3, 2, 4])
        for (let t = 0; t < 3; t++) {
          const one = steps.get(`${name}.t${t}`) as Captured
          const row = (whole: Tensor): Promise<number[]> => list(whole.slice([[t, t + 1]]))
          expect(await list(one.value)).toEqual(await row(value))
          // The last state of the upper layer has no gradient by way of the loop's next step.
          const [found, expected] = [await list(one.gradient), await row(gradient as Tensor)]
          found.forEach((each, i) => {
            expect(each).toBeCloseTo(expected[i], 6)
          })
        }
      }
    }
  })

  it('are further results of a compiled function, with their gradients, by observe', async () => {
    manualSeed(3)
    const layer = nn.lstm(3, 4, { layers: 2 })
    const x = random.normal([2, 3, 3])
    const run = (input: Tensor): Tensor => layer.forward(input).output.square().sum()
    const program = compile((input: Tensor) => {
      const { result, ...seen } = observe(
        layer,
        () => {
          const loss = run(input)
          return { loss, gradients: gradients(loss, layer.parameters()) as Tensor[] }
        },
        { taps: true },
      )
      return { loss: result.loss, values: { ...seen.values }, gradients: { ...seen.gradients } }
    })
    const found = await program(x)
    for (const pattern of ['l0.*', 'l1.*']) {
      for (const [name, { value, gradient }] of await captured(layer, pattern, () => run(x))) {
        expect(await list(found.values[name])).toEqual(await list(value))
        const slopes = await list(found.gradients[name])
        const expected = await list(gradient)
        expect(slopes).toHaveLength(24)
        slopes.forEach((slope, i) => {
          expect(slope).toBeCloseTo(expected[i], 6)
        })
      }
    }
    expect(await found.loss.item()).toBeCloseTo(await run(x).item(), 6)
  })

  it('are the same in compiled programs', async () => {
    manualSeed(4)
    const lstm = nn.lstm(2, 3)
    const x = random.normal([2, 4, 2])
    const run = (): Tensor => lstm.forward(x).output.square().sum()
    const expected = await captured(lstm, 'l0.*', run)
    await setBackend('wasm')
    try {
      const turning = await captured(lstm, 'l0.*', run)
      const steps = await captured(lstm, 'l0.*', run, 'written out')
      expect([...turning.keys()]).toEqual([...expected.keys()])
      for (const [name, { value, gradient }] of expected) {
        for (const part of ['value', 'gradient'] as const) {
          const all = await list(part === 'value' ? value : gradient)
          const found = await list(turning.get(name)?.[part])
          const apart = await Promise.all([0, 1, 2, 3].map((t) => list(steps.get(`${name}.t${t}`)?.[part])))
          for (const numbers of [found, apart.flat()]) {
            expect(numbers).toHaveLength(24)
            numbers.forEach((number, i) => {
              expect(number).toBeCloseTo(all[i], 5)
            })
          }
        }
      }
    } finally {
      await setBackend('reference')
    }
  })

  it('of cells are seen too', async () => {
    const cell = nn.lstmCell(2, 3)
    const values = await captured(cell, '**', () => cell.forward(random.normal([1, 2])).h.sum())
    expect([...values.keys()]).toEqual(['i', 'f', 'g', 'o', 'cell', 'hidden', 'h', 'c'])
  })

  it('of one step are named by it', async () => {
    const lstm = nn.lstm(2, 3)
    const run = (): Tensor => lstm.forward(zeros([1, 4, 2])).output.sum()
    const values = await captured(lstm, 'l0.*.t2', run, 'written out')
    expect([...values.keys()]).toEqual(['i', 'f', 'g', 'o', 'cell', 'hidden'].map((name) => `l0.${name}.t2`))
  })
})

describe('unrolled', () => {
  it('gives the numbers, gradients and draws of the loop', async () => {
    const xs = random.normal([4, 2])
    const run = (reverse: boolean): Tensor[] => {
      manualSeed(5)
      const { carry, ys } = scan(
        (h: Tensor, x: Tensor) => {
          const next = h
            .add(x)
            .tanh()
            .mul(random.uniform([2]))
            .add(random.uniform([2]))
          return { carry: next, y: { next, both: next.mul(h) } }
        },
        zeros([2]),
        xs,
        { reverse },
      )
      const total = ys.both.sum().add(carry.sum())
      return [carry, ys.next, ys.both, ...(gradients(total, [xs]) as Tensor[])]
    }
    for (const reverse of [false, true]) {
      const turning = run(reverse)
      const out = unrolled(() => run(reverse))
      for (const [i, each] of out.entries()) {
        const expected = await list(turning[i])
        const found = await list(each)
        // The loop adds the parts of a gradient up in another order.
        found.forEach((value, k) => {
          expect(value).toBeCloseTo(expected[k], 6)
        })
      }
    }
  })

  it('names tensors and modules by module and step, and keeps the names of parameters', async () => {
    const cell = nn.linear(2, 2)
    class Loop extends nn.Module {
      readonly cell = cell
      forward(x: Tensor): Tensor {
        return scan((h: Tensor) => ({ carry: this.cell.forward(h).tanh() }), x, undefined, { length: 2 }).carry
      }
    }
    const loop = new Loop()
    const x = random.normal([1, 2])
    const y = unrolled(() => loop.forward(x))
    expect(y.path).toBe('t1')
    expect(cell.weight.path).toBe('cell.weight')
    const values = await captured(loop, '**', () => loop.forward(x).sum(), 'written out')
    expect([...values.keys()]).toEqual(['cell.t0', 'cell.t1', ''])
  })

  it('makes a program of its own, and lets checkpoints be seen through', async () => {
    const lstm = nn.lstm(2, 3)
    const optimizer = optim.sgd({ lr: 0 }).for(lstm)
    const step = compile((x: Tensor) => {
      const loss = checkpoint((each: Tensor) => lstm.forward(each).output.square().mean(), x)
      optimizer.minimize(loss)
      return loss
    })
    const x = random.normal([2, 3, 2])
    const before = await (await step(x)).item()
    expect(await (await unrolled(() => step(x))).item()).toBe(before)
    expect(await (await step(x)).item()).toBe(before)
  })
})
