/**
 * Calls that nobody waits for: they take effect in the order in which they were made, each whole, as if each had been
 * awaited before the next.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type Backend,
  compile,
  loss,
  nn,
  optim,
  probeBackend,
  random,
  setBackend,
  type Tensor,
  tensor,
  Variable,
  zeros,
} from '../../src/index.ts'
import type { Parameter } from '../../src/nn/module.ts'
import { fromArray } from '../../src/tensor.ts'

afterAll(async () => {
  await setBackend('reference')
})

const ramp = (shape: readonly number[], scale = 1): Tensor => {
  const size = shape.reduce((a, b) => a * b, 1)
  return fromArray(
    Float32Array.from({ length: size }, (_, i) => Math.fround(scale * Math.sin(i + 1))),
    shape,
  )
}
const list = async (t: Tensor): Promise<number[]> => Array.from(await t.data())

/** A small network with dropout and Adam, always the same: what runs in the wrong order or shares its numbers shows. */
function trainer(): { step: (x: Tensor, y: Tensor) => Promise<Tensor>; parameters: readonly Parameter[] } {
  random.manualSeed(7)
  const model = nn.sequential(
    nn.linear(24, 160),
    nn.relu(),
    nn.dropout(0.4),
    nn.linear(160, 160),
    nn.tanh(),
    nn.linear(160, 4),
  )
  const optimizer = optim.adam({ lr: 0.01 }).for(model)
  const step = compile((x: Tensor, y: Tensor) => {
    const value = loss.mse(model.forward(x), y)
    optimizer.minimize(value)
    return value
  })
  return { step, parameters: model.parameters() }
}

for (const name of ['interpreter', 'wasm', 'native'] as const) {
  const probe = await probeBackend(name)
  const missing = 'reason' in probe ? probe.reason : undefined
  if ('backend' in probe) await probe.backend.dispose()
  describe.skipIf(missing)(`calls that are not awaited, on ${name}${missing ? ` (skipped: ${missing})` : ''}`, () => {
    beforeAll(async () => {
      await setBackend(name)
    })

    it('steps of one function give what steps one by one give', async () => {
      const rows = name === 'interpreter' ? 3 : 96
      const [x, y] = [ramp([rows, 24]), ramp([rows, 4], 0.5)]
      const patient = trainer()
      const expected: number[] = []
      for (let i = 0; i < 6; i++) expected.push(await (await patient.step(x, y)).item())
      const weights = await Promise.all(patient.parameters.map(list))
      const hasty = trainer()
      const received = await Promise.all(Array.from({ length: 6 }, async () => (await hasty.step(x, y)).item()))
      expect(received).toEqual(expected)
      expect(await Promise.all(hasty.parameters.map(list))).toEqual(weights)
    })

    it('a call that must be compiled first is not overtaken by one that is ready', async () => {
      const v = new Variable(tensor([1, 2]))
      const ready = compile(() => {
        v.assign(v.mul(10))
      })
      await ready()
      const slow = compile((x: Tensor) => {
        v.assign(v.add(x))
      })
      const first = slow(tensor([1, 1]))
      const second = ready()
      await Promise.all([first, second])
      expect(await list(v)).toEqual([110, 210])
    })

    it('a call whose argument must be computed first is not overtaken by one whose is known', async () => {
      const v = new Variable(tensor([1, 2]))
      const step = compile((x: Tensor) => {
        v.assign(v.mul(10).add(x))
      })
      await step(tensor([0, 0]))
      const lazy = ramp([64])
        .exp()
        .sum()
        .mul(0)
        .add(tensor([1, 1]))
      const calls = [step(lazy), step(tensor([2, 2]))]
      await Promise.all(calls)
      expect(await list(v)).toEqual([1012, 2012])
    })

    it('what fails does not stop what follows', async () => {
      const v = new Variable(tensor([1, 2]))
      const bad = compile((_: Tensor): Tensor => {
        throw new Error('not today')
      })
      const good = compile(() => {
        v.assign(v.add(1))
      })
      const calls = [good(), bad(tensor([1])), good()]
      const outcomes = await Promise.allSettled(calls)
      expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
      expect(await list(v)).toEqual([3, 4])
    })

    it('an expression of old values is refused, not computed from new ones', async () => {
      const w = new Variable(ramp([160, 160], 0.1))
      const x = ramp([160, 160])
      const step = compile((input: Tensor) => {
        w.assign(input.matmul(w).tanh())
      })
      await step(x)
      const before = w.mul(2)
      const [stepped, read] = await Promise.allSettled([step(x), before.data()])
      expect(stepped.status).toBe('fulfilled')
      // Asked for while the step is under way: after it the old values are gone.
      expect(read.status).toBe('rejected')
      expect(String((read as PromiseRejectedResult).reason)).toMatch(/changed in place by a compiled step/)
    })

    it('a profile may be asked for while a step is under way', async () => {
      const { step, parameters } = trainer()
      const [x, y] = [ramp([8, 24]), ramp([8, 4])]
      await step(x, y)
      const compiled = step as unknown as { profile(x: Tensor, y: Tensor): Promise<{ kernels: readonly unknown[] }> }
      const [, profile] = await Promise.all([step(x, y), compiled.profile(x, y)])
      expect(profile.kernels.length).toBeGreaterThan(5)
      const after = await Promise.all(parameters.map(list))
      const other = trainer()
      for (let i = 0; i < 3; i++) await other.step(x, y)
      expect(after).toEqual(await Promise.all(other.parameters.map(list)))
    })
  })
}

it('a variable that took another one’s value keeps it while that one is trained', async () => {
  await setBackend('interpreter')
  const online = new Variable(tensor([1, 2]))
  const target = new Variable(tensor([0, 0]))
  target.assign(online)
  const step = compile(() => online.assign(online.mul(2)))
  await step()
  expect([...(await target.data())]).toEqual([1, 2])
  expect([...(await online.data())]).toEqual([2, 4])
})

it('reading a variable waits for the steps that were not awaited', async () => {
  for (const name of ['interpreter', 'wasm'] as const) {
    await setBackend(name)
    const v = new Variable(zeros([300, 300]))
    const w = random.uniform([300, 300])
    const step = compile((x: Tensor) => v.assign(v.add(x.matmul(x).mul(0).add(1))))
    const steps = [step(w), step(w), step(w)]
    const seen = await v.data()
    expect([Math.min(...seen), Math.max(...seen)]).toEqual([3, 3])
    await Promise.all(steps)
  }
})

it('a program that waits for its turn is not given back to make room for others', async () => {
  const probe = await probeBackend('interpreter')
  if (!('backend' in probe)) throw new Error(probe.reason)
  const inner = probe.backend
  let open = (): void => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  /** Nothing runs until it is opened; what was given back refuses to run. */
  const slow: Backend = {
    name: 'slow',
    target: inner.target,
    threads: 1,
    description: 'the interpreter, behind a gate',
    memory: () => inner.memory(),
    dispose: () => inner.dispose(),
    compile: async (plan) => {
      const executable = await inner.compile(plan)
      let released = false
      return {
        run: async (storages) => {
          if (released) throw new Error('this program was given back')
          await opened
          await executable.run(storages)
        },
        profile: (storages) => executable.profile(storages),
        release: () => {
          released = true
          executable.release()
        },
      }
    },
  }
  await setBackend(slow)
  // More programs than are kept.
  const sums = Array.from({ length: 300 }, (_, i) =>
    ramp([i + 1])
      .mul(0)
      .add(1)
      .sum()
      .item(),
  )
  setTimeout(open, 50)
  expect(await Promise.all(sums)).toEqual(sums.map((_, i) => i + 1))
})
