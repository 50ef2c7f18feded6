/**
 * The loop over time: the same numbers and gradients as with every step written out, programs that do not grow with the
 * number of steps, one product for what can be one product, and what a body may and may not do.
 *
 * Values, gradients against finite differences and refusals of single loops: opinfo/scan.ts. Whole steps on every
 * backend: conformance/training.ts. Bits with several threads: run/threads.test.ts. Random bodies: here and fuzz.test.ts.
 */
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { gradCheck } from '../src/autodiff/grad-check.ts'
import { interpreterBackend } from '../src/backends/reference/interpreter.ts'
import { evaluate } from '../src/backends/reference/reference.ts'
import { compilerOptions } from '../src/compile/lower.ts'
import {
  capture,
  checkpoint,
  compile,
  concat,
  gradients,
  nn,
  optim,
  random,
  realize,
  scan,
  setBackend,
  stack,
  type Tensor,
  take,
  tensor,
  Variable,
  zeros,
} from '../src/index.ts'
import type { Program } from '../src/run/program.ts'
import { fromArray } from '../src/tensor.ts'
import { difference, tensorsOf } from './compile/fuzz-check.ts'
import { generator } from './opinfo/common.ts'
import { nodesOf } from './opinfo.ts'
import { unrolled } from './unrolled.ts'

beforeAll(async () => {
  compilerOptions.verify = true
  await setBackend(interpreterBackend())
})
afterEach(async () => {
  await setBackend(interpreterBackend())
})

let drawn = 0
function numbers(shape: readonly number[], dtype: 'float32' | 'float64' = 'float64'): Tensor {
  const next = generator(++drawn)
  const size = shape.reduce((a, b) => a * b, 1)
  const data = Array.from({ length: size }, () => Math.fround(next() - 0.5))
  return fromArray(dtype === 'float64' ? Float64Array.from(data) : Float32Array.from(data), shape, dtype)
}
const list = async (t: Tensor): Promise<number[]> => Array.from(await t.data())

// ---- cells, as functions of their weights ----

type Loop = typeof scan
interface Cell {
  readonly shapes: (sizes: { T: number; B: number; I: number; H: number }) => readonly (readonly number[])[]
  readonly run: (loop: Loop, reverse: boolean) => (...inputs: Tensor[]) => { ys: Tensor; last: Tensor }
}

const lstm: Cell = {
  shapes: ({ T, B, I, H }) => [[T, B, I], [B, H], [B, H], [4 * H, I], [4 * H, H], [4 * H], [H]],
  run: (loop, reverse) => (xs, h0, c0, wi, wh, bias, peephole) => {
    const H = h0.shape[1]
    const { carry, ys } = loop(
      ([h, c]: Tensor[], x: Tensor) => {
        const gates = x.matmul(wi.transpose()).add(h.matmul(wh.transpose())).add(bias)
        const [i, f, g, o] = gates.split(H, 1)
        const memory = f.add(c.mul(peephole)).sigmoid().mul(c).add(i.sigmoid().mul(g.tanh()))
        const next = o.sigmoid().mul(memory.tanh())
        return { carry: [next, memory], y: next }
      },
      [h0, c0],
      xs,
      { reverse },
    )
    return { ys, last: concat(carry, 1) }
  },
}

/** PyTorch's: the reset gate comes after the product with the state. */
const gru: Cell = {
  shapes: ({ T, B, I, H }) => [[T, B, I], [B, H], [I, 3 * H], [H, 3 * H], [3 * H], [3 * H]],
  run: (loop, reverse) => (xs, h0, wi, wh, bi, bh) => {
    const H = h0.shape[1]
    const { carry, ys } = loop(
      (h: Tensor, x: Tensor) => {
        const [xr, xz, xn] = x.matmul(wi).add(bi).split(H, 1)
        const [hr, hz, hn] = h.matmul(wh).add(bh).split(H, 1)
        const z = xz.add(hz).sigmoid()
        const n = xn.add(hn.mul(xr.add(hr).sigmoid())).tanh()
        const next = n.add(z.mul(h.sub(n)))
        return { carry: next, y: { h: next, gate: z } }
      },
      h0,
      xs,
      { reverse },
    )
    return { ys: ys.h.mul(ys.gate), last: carry }
  },
}

/** The output is a product of the state, which leaves the loop; the input is mixed by one, which does too. */
const projected: Cell = {
  shapes: ({ T, B, I, H }) => [
    [T, B, I],
    [B, H],
    [I, H],
    [H, H],
    [H, 3],
  ],
  run: (loop, reverse) => (xs, h0, wi, wh, out) => {
    const { carry, ys } = loop(
      (h: Tensor, x: Tensor) => {
        const next = x.tanh().matmul(wi).add(h.matmul(wh)).tanh()
        return { carry: next, y: next.matmul(out).softmax() }
      },
      h0,
      xs,
      { reverse },
    )
    return { ys, last: carry }
  },
}

describe.each([
  ['LSTM with a peephole', lstm],
  ['GRU', gru],
  ['projections', projected],
])('%s', (_, { shapes, run }) => {
  const objective =
    (loop: Loop, reverse: boolean) =>
    (...inputs: Tensor[]) => {
      const { ys, last } = run(loop, reverse)(...inputs)
      return ys.square().sum().add(last.sin().sum())
    }
  it.each([
    [5, false],
    [4, true],
    [1, false],
    [1, true],
  ])('%i steps, reverse %s: as written out, with gradients', (T, reverse) => {
    const inputs = shapes({ T, B: 3, I: 2, H: 4 }).map((shape) => numbers(shape))
    const [looped, written] = [scan, unrolled as Loop].map((loop) => {
      const value = objective(loop, reverse)(...inputs)
      return evaluate([value, ...gradients(value, inputs).map((g) => g as Tensor)])
    })
    looped.forEach(({ shape, data }, i) => {
      expect(shape).toEqual(written[i].shape)
      data.forEach((value, k) => expect(value, `${i}: ${k}`).toBeCloseTo(written[i].data[k], 11))
    })
  })

  it('the gradient’s gradient is that of finite differences', () => {
    const inputs = shapes({ T: 3, B: 2, I: 2, H: 2 }).map((shape) => numbers(shape))
    gradCheck(objective(scan, false), inputs, { order: 2 })
    gradCheck(objective(scan, true), inputs, { order: 2 })
  })

  it('compiled, as the reference has it', async () => {
    for (const [T, reverse] of [
      [6, false],
      [7, true],
    ] as const) {
      const inputs = shapes({ T, B: 3, I: 5, H: 8 }).map((shape) => numbers(shape, 'float32'))
      const value = objective(scan, reverse)(...inputs)
      const wanted = [value, ...gradients(value, inputs).map((g) => g as Tensor)]
      const expected = evaluate(wanted)
      await realize(...wanted)
      for (const [i, each] of wanted.entries())
        expect(difference(await each.data(), expected[i].data), `${i}`).toBeUndefined()
    }
  })
})

describe('random bodies', () => {
  it('give what they give written out, gradients too', () => {
    let loops = 0
    for (let seed = 0; seed < 200; seed++) {
      const looped = tensorsOf(seed)
      if (![...looped].some((each) => [...nodesOf(each)].some(({ op }) => op.kind === 'scan'))) continue
      loops++
      const expected = evaluate(tensorsOf(seed, unrolled as Loop))
      for (const [i, { data }] of evaluate(looped).entries())
        expect(difference(data, expected[i].data), `seed ${seed}, ${i}`).toBeUndefined()
    }
    expect(loops).toBeGreaterThan(40)
  })
})

// ---- programs ----

/** A training step of an LSTM with a linear layer on the mean of its outputs. */
function lstmStep(T: number, { B = 4, I = 6, H = 16 } = {}) {
  const parameters = [[4 * H, I], [4 * H, H], [4 * H], [H, 3]].map(
    (shape) => new nn.Parameter(numbers(shape, 'float32')),
  )
  const [wi, wh, bias, out] = parameters
  const optimizer = optim.adam({ lr: 0.01 }).for(parameters)
  const step = compile((xs: Tensor, y: Tensor) => {
    const { ys } = lstm.run(scan, false)(xs, zeros([B, H]), zeros([B, H]), wi, wh, bias, zeros([H]))
    const value = ys.mean(0).matmul(out).sub(y).square().mean()
    optimizer.minimize(value)
    return value
  })
  return { step, xs: numbers([T, B, I], 'float32'), y: numbers([B, 3], 'float32'), parameters }
}

/** The kinds of the launches in loops, loop by loop, and of those outside. */
function kindsOf({ plan }: Program): { loops: string[][]; outside: string[] } {
  const kind = (launch: number): string => plan.kernels[plan.launches[launch].kernel].kind
  const inside = new Set<number>()
  const loops = (plan.repeats ?? []).map(({ first, end }) =>
    Array.from({ length: end - first }, (_, i) => {
      inside.add(first + i)
      return kind(first + i)
    }),
  )
  return { loops, outside: plan.launches.flatMap((_, i) => (inside.has(i) ? [] : [kind(i)])) }
}

describe('programs', () => {
  it('are the same for 8 steps and for 512, but for their sizes', async () => {
    const made = []
    for (const T of [8, 512]) {
      const { step, xs, y } = lstmStep(T)
      made.push(await step.program(xs, y))
    }
    const [short, long] = made
    expect(kindsOf(long)).toEqual(kindsOf(short))
    expect(long.plan.kernels.length).toBe(short.plan.kernels.length)
    expect(long.plan.repeats?.map(({ count }) => count)).toEqual([512, 512])
    expect(long.plan.flops).toBeGreaterThan(40 * short.plan.flops)
  })

  it('do once what can be done once: products with the inputs, and those that give the gradients of weights', async () => {
    const { step, xs, y } = lstmStep(16)
    const { loops, outside } = kindsOf(await step.program(xs, y))
    // One product with the state forwards, one with the gates backwards.
    expect(loops.map((kinds) => kinds.filter((kind) => kind === 'contract').length)).toEqual([1, 1])
    expect(loops.map((kinds) => kinds.length)).toEqual([2, 3])
    // With the inputs; the last layer, and the gradients of its weight and its input; the gradients of both weights.
    expect(outside.filter((kind) => kind === 'contract').length).toBe(6)
  })

  it('forward alone keep what is put out, and two rows of the rest', async () => {
    const [T, B, H] = [64, 4, 16]
    const weights = [[4 * H, 6], [4 * H, H], [4 * H], [H]].map((shape) => numbers(shape, 'float32'))
    const forward = compile((xs: Tensor) => lstm.run(scan, false)(xs, zeros([B, H]), zeros([B, H]), ...weights).ys)
    const { plan } = await forward.program(numbers([T, B, 6], 'float32'))
    // All products with the inputs, all outputs with the first state, and what a few steps need.
    const kept = 4 * (T * B * 4 * H + (T + 1) * B * H)
    expect(plan.arenaBytes).toBeGreaterThanOrEqual(kept)
    expect(plan.arenaBytes).toBeLessThan(kept + 4 * 16 * B * 4 * H)
  })

  it('hold the same memory after 200 steps, and learn', async () => {
    const backend = await setBackend('wasm')
    const { step, xs, y } = lstmStep(12)
    const first = await (await step(xs, y)).item()
    const before = backend.memory()
    let last = first
    for (let i = 0; i < 200; i++) last = await (await step(xs, y)).item()
    expect(backend.memory()).toEqual(before)
    expect(last).toBeLessThan(first / 10)
    await setBackend(interpreterBackend())
    await backend.dispose()
  })

  it.each(['interpreter', 'wasm', 'native'] as const)('are timed kernel by kernel on %s', async (name) => {
    const backend = await setBackend(name).catch(() => undefined)
    if (!backend) return
    const { step, xs, y } = lstmStep(24, { B: 32, H: 64 })
    const { plan } = await step.program(xs, y)
    const profile = await step.profile(xs, y)
    expect(profile.kernels.length).toBe(plan.launches.length)
    expect(profile.kernels.every(({ milliseconds }) => milliseconds >= 0)).toBe(true)
    expect(profile.kernels.reduce((sum, { flops }) => sum + flops, 0)).toBe(plan.flops)
    const turning = profile.kernels.filter((_, i) => plan.repeats?.some(({ first, end }) => first <= i && i < end))
    expect(turning.reduce((sum, { milliseconds }) => sum + milliseconds, 0)).toBeGreaterThan(0)
    await setBackend(interpreterBackend())
    await backend.dispose()
  })
})

// ---- what a body may do ----

describe('random draws', () => {
  const walk = (T: number) =>
    scan((c: Tensor) => ({ carry: c, y: random.uniform([2]) }), zeros([]), undefined, { length: T })

  it('differ from step to step, and come again with the seed', async () => {
    const draw = async (): Promise<number[]> => {
      random.manualSeed(3)
      return list(walk(20).ys)
    }
    const first = await draw()
    expect(new Set(first).size).toBe(40)
    expect(await draw()).toEqual(first)
  })

  it('are the same forwards and backwards', async () => {
    random.manualSeed(4)
    const x = tensor(Float32Array.from({ length: 16 }, (_, i) => i + 1))
    const { carry } = scan(
      (c: Tensor) => ({ carry: c.mul(random.bernoulli([16], 0.5).cast('float32').add(1)) }),
      x,
      undefined,
      { length: 7 },
    )
    const [slope] = gradients(carry.sum(), [x])
    const [y, g] = [await list(carry), await list(slope as Tensor)]
    // Each factor is 1 or 2: the gradient is the result over x, if all draws were the same.
    expect(g).toEqual(y.map((value, i) => value / (i + 1)))
    expect(new Set(g).size).toBeGreaterThan(1)
  })

  it('are new at each run of a compiled step', async () => {
    const step = compile(() => walk(4).ys)
    expect(await list(await step())).not.toEqual(await list(await step()))
  })

  it('come in a loop in the loop as well, and after a checkpoint', async () => {
    random.manualSeed(5)
    const body = (c: Tensor) => ({ carry: c, y: walk(3).ys })
    const ys = await list(scan(body, zeros([]), undefined, { length: 4 }).ys)
    expect(new Set(ys).size).toBe(24)
    const x = tensor([1, 2])
    const noisy = checkpoint(
      (v: Tensor) =>
        scan((c: Tensor) => ({ carry: c.mul(random.uniform([2]).add(1)) }), v, undefined, { length: 3 }).carry,
      x,
    )
    const [slope] = gradients(noisy.sum(), [x])
    const [y, g] = [await list(noisy), await list(slope as Tensor)]
    g.forEach((value, i) => expect(value).toBeCloseTo(y[i] / (i + 1), 5))
  })
})

class Step extends nn.Module {
  readonly inner = nn.linear(3, 3)
  forward(h: Tensor, x: Tensor): Tensor {
    return this.inner.forward(h).add(x).tanh()
  }
}
class Net extends nn.Module {
  readonly cell = new Step()
  forward(xs: Tensor): Tensor {
    return scan(
      (h: Tensor, x: Tensor) => {
        const next = this.cell.forward(h, x)
        return { carry: next, y: next }
      },
      zeros([2, 3]),
      xs,
    ).carry
  }
}

describe('modules in a body', () => {
  it('give their kernels their paths', async () => {
    const net = new Net()
    const { plan } = await compile((xs: Tensor) => net.forward(xs)).program(zeros([4, 2, 3]))
    expect(plan.launches.some(({ path }) => path === 'cell.inner' || path === 'cell')).toBe(true)
  })

  it('are captured with all steps, gradients too', async () => {
    const net = new Net()
    const xs = numbers([4, 2, 3], 'float32')
    const probe = capture(net, '**', { gradient: true })
    const step = compile((input: Tensor) => {
      const y = net.forward(input)
      const [slope] = gradients(y.sum(), [input])
      return { y, slope: slope as Tensor }
    })
    const { y } = await step(xs)
    const seen = probe.values()
    probe.stop()
    const cell = seen.get('cell')
    expect(cell?.value.shape).toEqual([4, 2, 3])
    expect(cell?.gradient?.shape).toEqual([4, 2, 3])
    expect((await list(cell?.value as Tensor)).slice(-6)).toEqual(await list(y))
    // The gradient that came to the last step is that of the sum.
    expect((await list(cell?.gradient as Tensor)).slice(-6)).toEqual([1, 1, 1, 1, 1, 1])
    expect(seen.get('cell.inner')?.value.shape).toEqual([4, 2, 3])
  })
})

describe('a body', () => {
  it('sees the values of variables at the start, and none changes', async () => {
    const scale = new Variable(tensor([2, 3]))
    const step = compile((x: Tensor) => {
      const { carry } = scan((c: Tensor) => ({ carry: c.mul(scale) }), x, undefined, { length: 3 })
      scale.assign(scale.add(1))
      return carry
    })
    expect(await list(await step(tensor([1, 1])))).toEqual([8, 27])
    expect(await list(await step(tensor([1, 1])))).toEqual([27, 64])
  })

  it('may be fed by a state that the step then replaces', async () => {
    const memory = new Variable(tensor([1, 1]))
    const step = compile((xs: Tensor) => {
      const { carry, ys } = scan((c: Tensor, x: Tensor) => ({ carry: c.mul(0.5).add(x), y: c }), memory.current(), xs)
      memory.assign(carry)
      return ys
    })
    const xs = tensor([
      [2, 4],
      [0, 0],
    ])
    expect(await list(await step(xs))).toEqual([1, 1, 2.5, 4.5])
    expect(await list(memory)).toEqual([1.25, 2.25])
    expect(await list(await step(xs))).toEqual([1.25, 2.25, 2.625, 5.125])
  })

  it('may return what it was given, constants, and what does not change', async () => {
    const w = tensor([5, 6])
    const { carry, ys } = scan(
      (c: { a: Tensor; b: Tensor }, x: Tensor) => ({
        carry: { a: x, b: c.a },
        y: { x, w, one: zeros([]).add(1), before: c.b },
      }),
      { a: zeros([2]), b: zeros([2]) },
      tensor([
        [1, 2],
        [3, 4],
        [5, 6],
      ]),
    )
    expect(await list(carry.a)).toEqual([5, 6])
    expect(await list(carry.b)).toEqual([3, 4])
    expect(await list(ys.x)).toEqual([1, 2, 3, 4, 5, 6])
    expect(await list(ys.w)).toEqual([5, 6, 5, 6, 5, 6])
    expect(await list(ys.one)).toEqual([1, 1, 1])
    expect(await list(ys.before)).toEqual([0, 0, 0, 0, 1, 2])
  })

  it('is called once, whatever the number of steps', () => {
    let calls = 0
    scan(
      (c: Tensor) => {
        calls++
        return { carry: c }
      },
      zeros([]),
      undefined,
      { length: 100 },
    )
    expect(calls).toBe(1)
  })

  it('has its indices checked on the sequences that they are slices of', async () => {
    const table = numbers([5, 2], 'float32')
    const look = (tokens: Tensor) =>
      scan((c: Tensor, token: Tensor) => ({ carry: c.add(take(table, token)) }), zeros([2]), tokens).carry
    const step = compile(look)
    await step(tensor(Int32Array.of(0, 4, 2)))
    await expect(step(tensor(Int32Array.of(0, 5, 2)))).rejects.toThrow(/value 5 at position 1/)
  })

  it('must not assign, and says where', () => {
    const count = new Variable(zeros([]))
    const body = (c: Tensor) => {
      count.assign(count.add(1))
      return { carry: c }
    }
    expect(() => scan(body, zeros([]), undefined, { length: 2 })).toThrow(/carry/)
    // Nothing of it is left: the variable can be assigned again.
    count.assign(count.add(1))
  })

  it('has no numbers of its own', async () => {
    let leaked: Tensor | undefined
    scan(
      (c: Tensor) => {
        leaked = c.add(1)
        return { carry: c }
      },
      zeros([]),
      undefined,
      { length: 2 },
    )
    await expect((leaked as Tensor).data()).rejects.toThrow(/no numbers/)
  })
})

describe('gradients', () => {
  it('reach only what the result depends on', () => {
    const [a, b, unused] = [numbers([2]), numbers([2]), numbers([2])]
    const { carry } = scan(
      (c: { a: Tensor; b: Tensor; rest: Tensor }) => ({
        carry: { a: c.a.mul(2), b: c.b.mul(c.a), rest: c.rest.sin() },
      }),
      { a, b, rest: unused },
      undefined,
      { length: 3 },
    )
    const found = gradients(carry.b.sum(), [a, b, unused])
    expect(found.map((each) => each !== undefined)).toEqual([true, true, false])
    expect(gradients(carry.a.sum(), [a, b]).map((each) => each !== undefined)).toEqual([true, false])
  })

  it('of a batch of one long sequence need no more states than the forward loop gives', async () => {
    const x = numbers([40, 3], 'float32')
    const { ys } = scan((c: Tensor, v: Tensor) => ({ carry: c.add(v), y: c }), zeros([3]), x)
    const [slope] = gradients(ys.sum(), [x])
    // A sum needs nothing of the steps: its gradient is a loop over what flows in.
    expect(await list(slope as Tensor)).toEqual(Array.from({ length: 120 }, (_, i) => 39 - Math.floor(i / 3)))
  })

  it('flow through stacked results that leave the loop', () => {
    const [xs, w] = [numbers([4, 2, 3]), numbers([3, 3])]
    gradCheck(
      (input, weight) => {
        const { ys } = scan(
          (c: Tensor, x: Tensor) => {
            const next = c.add(x).sin()
            return { carry: next, y: next.matmul(weight).matmul(weight).relu().sum(0) }
          },
          input.slice([[0, 1]]).squeeze(0),
          input,
        )
        return stack([ys, ys.flip(0)])
      },
      [xs, w],
      { order: 1 },
    )
  })
})
