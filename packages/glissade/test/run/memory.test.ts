/**
 * Flat memory: after thousands of steps the backend and the process hold what they held after some hundred.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, describe, expect, it } from 'vitest'
import {
  type Backend,
  type BackendName,
  compile,
  loss,
  nn,
  optim,
  probeBackend,
  setBackend,
  type Tensor,
  Variable,
  zeros,
} from '../../src/index.ts'
import { fromArray } from '../../src/tensor.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

afterAll(async () => {
  await setBackend('reference')
})

const ramp = (shape: readonly number[]): Tensor => {
  const size = shape.reduce((a, b) => a * b, 1)
  return fromArray(
    Float32Array.from({ length: size }, (_, i) => Math.fround(Math.sin(i + 1))),
    shape,
  )
}

interface Held {
  readonly backend: number
  readonly process: number
  readonly external: number
}

/** What is held when all garbage is gone, finalizers included. */
async function held(backend: Backend): Promise<Held> {
  for (let i = 0; i < 4; i++) {
    collectGarbage()
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  const { resident, arenas } = backend.memory()
  const { rss, external, arrayBuffers } = process.memoryUsage()
  return { backend: resident + arenas, process: rss, external: external + arrayBuffers }
}

/** Allocators keep pages; garbage that is not yet given back counts. A leak of 1 kB a step would be 10 MB. */
const processBound = 48 * 2 ** 20
const externalBound = 4 * 2 ** 20

for (const [name, stepCount] of [
  ['native', 10_000],
  ['wasm', 10_000],
] as const satisfies readonly (readonly [BackendName, number])[]) {
  const probe = await probeBackend(name)
  const missing = 'reason' in probe ? probe.reason : undefined
  if ('backend' in probe) await probe.backend.dispose()
  describe.skipIf(missing)(`${name}${missing ? ` (skipped: ${missing})` : ''}`, () => {
    const flat = async (
      backend: Backend,
      warmUp: number,
      steps: number,
      step: (i: number) => Promise<unknown>,
    ): Promise<void> => {
      for (let i = 0; i < warmUp; i++) await step(i)
      const before = await held(backend)
      for (let i = 0; i < steps; i++) await step(i)
      const after = await held(backend)
      expect(after.backend).toBe(before.backend)
      expect(after.external - before.external).toBeLessThan(externalBound)
      expect(after.process - before.process).toBeLessThan(processBound)
    }

    it(`${stepCount} steps of a small network`, async () => {
      const backend = await setBackend(name)
      const model = nn.sequential(nn.linear(16, 32), nn.relu(), nn.dropout(0.2), nn.linear(32, 4))
      const optimizer = optim.adamW().for(model)
      const step = compile((x: Tensor, y: Tensor) => {
        const value = loss.mse(model.forward(x), y)
        optimizer.minimize(value)
        return value
      })
      await flat(backend, 300, stepCount, async (i) => {
        // New arguments each time, as data loaders make them; the loss is read now and then.
        const result = await step(ramp([8, 16]), ramp([8, 4]))
        if (i % 100 === 0) await result.item()
      })
    })

    it('steps of a convolutional network', async () => {
      const backend = await setBackend(name)
      const model = nn.sequential(nn.conv2d(1, 8, 3), nn.relu(), nn.maxPool2d(2), nn.flatten(), nn.linear(288, 10))
      const optimizer = optim.sgd({ lr: 0.01, momentum: 0.9 }).for(model)
      const labels = fromArray(
        Int32Array.from({ length: 8 }, (_, i) => i),
        [8],
      )
      const step = compile((x: Tensor, y: Tensor) => {
        const value = loss.crossEntropy(model.forward(x), y)
        optimizer.minimize(value)
        return value
      })
      await flat(backend, 100, 1000, () => step(ramp([8, 1, 14, 14]), labels))
    })

    it('expressions outside a compiled function, and a variable assigned in a loop', async () => {
      const backend = await setBackend(name)
      const total = new Variable(zeros([64]))
      const x = ramp([64])
      await flat(backend, 300, 3000, async (i) => {
        total.assign(total.mul(0.9).add(x))
        // Nothing asks for the total by itself.
        if (i % 10 === 0) await x.mul(x).sum().item()
      })
    })
  })
}

const wasm = await probeBackend('wasm')
const noWasm = 'reason' in wasm ? wasm.reason : undefined
if ('backend' in wasm) await wasm.backend.dispose()

it.skipIf(noWasm)(
  `expressions that are new each time keep a bounded number of programs${noWasm ? ` (skipped: ${noWasm})` : ''}`,
  async () => {
    const backend = await setBackend('wasm')
    const x = ramp([40, 40])
    const compute = (i: number): Promise<number> =>
      x
        .mul(i + 0.5)
        .matmul(x)
        .tanh()
        .sum()
        .item()
    for (let i = 0; i < 280; i++) await compute(i)
    const before = await held(backend)
    for (let i = 280; i < 480; i++) await compute(i)
    const after = await held(backend)
    expect(after.backend).toBe(before.backend)
    expect(after.external - before.external).toBeLessThan(externalBound)
  },
)
