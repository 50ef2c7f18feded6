/**
 * Gradients as programs: gradients of gradients on every backend, recomputing instead of keeping, and what a capture
 * adds to a step.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { evaluate } from '../../src/backends/reference/reference.ts'
import {
  type BackendName,
  capture,
  checkpoint,
  compile,
  grad,
  gradients,
  loss,
  nn,
  optim,
  probeBackend,
  random,
  realize,
  setBackend,
  type Tensor,
} from '../../src/index.ts'
import { fromArray } from '../../src/tensor.ts'

afterAll(async () => {
  await setBackend('reference')
})

const ramp = (shape: readonly number[], scale = 1): Tensor => {
  const size = shape.reduce((a, b) => a * b, 1)
  return fromArray(
    Float32Array.from({ length: size }, (_, i) => Math.fround(scale * Math.sin(i * 1.3 + 1))),
    shape,
  )
}
const list = async (t: Tensor): Promise<number[]> => Array.from(await t.data())

/** The largest distance between what the backend and the float64 reference give. */
async function distance(tensors: readonly Tensor[]): Promise<number> {
  const expected = evaluate(tensors)
  await realize(...tensors)
  let most = 0
  for (const [i, tensor] of tensors.entries()) {
    for (const [k, value] of (await list(tensor)).entries())
      most = Math.max(most, Math.abs(value - expected[i].data[k]))
  }
  return most
}

const usable: BackendName[] = []
for (const name of ['interpreter', 'wasm', 'native'] as const) {
  const probe = await probeBackend(name)
  const missing = 'reason' in probe ? probe.reason : undefined
  if ('backend' in probe) {
    usable.push(name)
    await probe.backend.dispose()
  }
  describe.skipIf(missing)(`on ${name}${missing ? ` (skipped: ${missing})` : ''}`, () => {
    beforeAll(async () => {
      await setBackend(name)
    })
    const [w1, w2, x] = [ramp([4, 9], 0.5), ramp([9, 2], 0.5), ramp([3, 4])]
    const network = (a: Tensor, b: Tensor): Tensor => x.matmul(a).tanh().matmul(b).square().mean()

    it('the gradient of a gradient’s length', async () => {
      const slope = grad((a: Tensor) => grad(network)(a, w2).square().sum())
      const found = slope(w1)
      expect(found.shape).toEqual([4, 9])
      expect(await distance([found])).toBeLessThan(1e-5)
      expect(Math.max(...(await list(found)).map(Math.abs))).toBeGreaterThan(1e-3)
    })

    it('the third derivative, and mixed ones', async () => {
      const cubic = grad(grad(grad((t: Tensor) => t.sin().mul(t).sum())))
      const at = ramp([])
      const mixed = grad((b: Tensor) => grad(network)(w1, b).sum())(w2)
      expect(await distance([cubic(at), mixed])).toBeLessThan(1e-5)
    })

    it('a product of the Hessian with a vector inside a compiled step', async () => {
      const v = ramp([4, 9], 0.1)
      const hvp = compile((a: Tensor) => grad((p: Tensor) => grad(network)(p, w2).mul(v).sum())(a))
      const expected = evaluate([grad((p: Tensor) => grad(network)(p, w2).mul(v).sum())(w1)])[0].data
      const received = await list(await hvp(w1))
      for (const [i, value] of received.entries()) expect(Math.abs(value - expected[i])).toBeLessThan(1e-5)
    })
  })
}

describe('checkpoint', () => {
  beforeAll(async () => {
    await setBackend('interpreter')
  })
  const depth = 12
  const x = ramp([24, 24], 0.4)
  const layer = (y: Tensor, w: Tensor): Tensor => y.matmul(w).tanh()
  const weights = Array.from({ length: depth }, (_, i) => ramp([24, 24], 0.2 + 0.01 * i))
  const plain = (a: Tensor): Tensor => weights.reduce(layer, a).square().sum()
  /** Four layers a block, of which only the input is kept. */
  const blocks = (a: Tensor): Tensor => {
    let y = a
    for (let i = 0; i < depth; i += 4)
      y = checkpoint((input: Tensor) => weights.slice(i, i + 4).reduce(layer, input), y)
    return y.square().sum()
  }

  it('gives the same gradients out of less memory', async () => {
    const [whole, parts] = [plain, blocks].map((f) => compile((a: Tensor) => grad(f)(a)))
    expect(await list(await parts(x))).toEqual(await list(await whole(x)))
    const [most, less] = [(await whole.program(x)).plan, (await parts.program(x)).plan]
    expect(less.arenaBytes).toBeLessThan(0.75 * most.arenaBytes)
    expect(less.flops).toBeGreaterThan(most.flops)
  })

  it('of maps alone too', async () => {
    const steps = (y: Tensor, from: number): Tensor =>
      [0, 1, 2, 3].reduce(
        (z, i) =>
          z
            .mul(1.1)
            .sin()
            .cumsum(0)
            .mul(0.1 * (from + i)),
        y,
      )
    const chain = (wrap: boolean) => (a: Tensor) => {
      let y = a
      for (let i = 0; i < 16; i += 4) y = wrap ? checkpoint((input: Tensor) => steps(input, i), y) : steps(y, i)
      return y.sum()
    }
    const [whole, parts] = [false, true].map((wrap) => compile((a: Tensor) => grad(chain(wrap))(a)))
    expect(await list(await parts(x))).toEqual(await list(await whole(x)))
    expect((await parts.program(x)).plan.arenaBytes).toBeLessThan(0.75 * (await whole.program(x)).plan.arenaBytes)
  })

  it('draws the same random numbers when it computes again', async () => {
    const noisy = (wrap: boolean) => (a: Tensor) => {
      const body = (y: Tensor): Tensor => random.bernoulli(y.shape, 0.5).where(y.tanh(), 0)
      return (wrap ? checkpoint(body, a) : body(a)).square().sum()
    }
    random.manualSeed(11)
    const wanted = await list(grad(noisy(false))(x))
    random.manualSeed(11)
    expect(await list(grad(noisy(true))(x))).toEqual(wanted)
    expect(wanted.filter((value) => value === 0).length).toBeGreaterThan(wanted.length / 4)
  })
})

describe('capture', () => {
  beforeAll(async () => {
    await setBackend('interpreter')
  })
  const block = (): nn.Sequential => nn.sequential(nn.linear(6, 6), nn.tanh())
  const make = () => {
    const model = nn.sequential(block(), block(), nn.linear(6, 3))
    for (const [i, parameter] of model.parameters().entries())
      parameter.write(Array.from({ length: parameter.size }, (_, k) => 0.4 * Math.sin(k * 0.9 + i)))
    const optimizer = optim.sgd({ lr: 0.1 }).for(model)
    const step = compile((x: Tensor, y: Tensor) => {
      const value = loss.crossEntropy(model.forward(x), y)
      optimizer.minimize(value)
      return value
    })
    return { model, step }
  }
  const [x, y] = [ramp([5, 6]), fromArray(Int32Array.from([0, 1, 2, 0, 1]), [5])]

  it.each(usable)('gives what the reference computes, activations and gradients, on %s', async (name) => {
    await setBackend(name)
    const { model, step } = make()
    const probes = capture(model, '*.1', { gradient: true })
    for (let run = 0; run < 2; run++) {
      const hidden = [model[0].forward(x)]
      hidden.push(model[1].forward(hidden[0]))
      const value = loss.crossEntropy(model[2].forward(hidden[1]), y)
      const wanted = [...hidden, ...gradients(value, hidden)] as Tensor[]
      const expected = evaluate(wanted)
      await step(x, y)
      expect([...probes.values().keys()]).toEqual(['0.1', '1.1'])
      const found = [...probes.values().values()]
      const received = [...found.map((each) => each.value), ...found.map((each) => each.gradient as Tensor)]
      for (const [i, tensor] of received.entries()) {
        for (const [k, each] of (await list(tensor)).entries())
          expect(Math.abs(each - expected[i].data[k]), `${i}`).toBeLessThan(1e-5)
      }
    }
    probes.stop()
    await setBackend('interpreter')
  })

  it('costs nothing before and after', async () => {
    const { model, step } = make()
    const before = await step.program(x, y)
    const probes = capture(model, '**')
    const during = await step.program(x, y)
    expect(during.plan.arguments.length).toBeGreaterThan(before.plan.arguments.length)
    probes.stop()
    const after = await step.program(x, y)
    expect(after).toBe(before)
    // And a program made anew is the same text.
    const fresh = make()
    capture(fresh.model, '0.*').stop()
    expect((await fresh.step.program(x, y)).describe({ code: true })).toBe(before.describe({ code: true }))
  })
})
