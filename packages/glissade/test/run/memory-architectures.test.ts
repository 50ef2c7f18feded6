/**
 * Flat memory while whole networks train: between step 100 and step 1,000 nothing stays behind, in the backend, in the
 * process, or as an object. Trained as people train: with dropout, a schedule, clipping, an average of the weights that
 * is swapped in for an evaluation now and then, and batches that are new at each step.
 *
 * Small networks and single expressions over more steps: memory.test.ts.
 */
import { createRequire } from 'node:module'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, describe, expect, it } from 'vitest'
import {
  type Backend,
  type BackendName,
  compile,
  optim,
  probeBackend,
  random,
  setBackend,
  Tensor,
  Variable,
} from '../../src/index.ts'
import { Storage } from '../../src/storage.ts'
import { type Architecture, architectures, type Batch } from '../golden/architectures.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** How many objects of a class are alive; Node has it since 20.13. */
const { queryObjects } = createRequire(import.meta.url)('node:v8') as {
  queryObjects?(made: unknown, options: { format: 'count' }): number
}
const alive = (made: unknown): number | undefined => queryObjects?.(made, { format: 'count' })

afterAll(async () => {
  await setBackend('reference')
})

interface Held {
  readonly backend: number
  readonly objects: Readonly<Record<string, number | undefined>>
  readonly heap: number
  readonly external: number
  readonly process: number
}

/** What is held when all garbage is gone, finalizers included. */
async function held(backend: Backend): Promise<Held> {
  for (let i = 0; i < 4; i++) {
    collectGarbage()
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  const { resident, arenas } = backend.memory()
  const { rss, heapUsed, external, arrayBuffers } = process.memoryUsage()
  return {
    backend: resident + arenas,
    objects: { storages: alive(Storage), tensors: alive(Tensor), variables: alive(Variable) },
    heap: heapUsed,
    external: external + arrayBuffers,
    process: rss,
  }
}

const [warmUp, steps] = [100, 1000]

/** What the engine learns about the code grows a little (some 40 kB were seen); 600 bytes a step would show. */
const heapBound = 2 ** 19
/** Numbers outside the heap: batches are gone, programs have what they need. */
const externalBound = 2 ** 18
/** Programs of single expressions, such as those that draw first weights, stay for the next time; few at a time. */
const keptBound = 2 ** 16
/** Allocators keep pages, and garbage that was not yet given back counts; 36 kB a step would show. */
const processBound = 32 * 2 ** 20

/** The engine may hold on to what the last call gave, for a while. */
const lastCall = 8

function expectNoMore(after: Held['objects'], before: Held['objects']): void {
  for (const [name, count] of Object.entries(after)) {
    expect((count ?? 0) - (before[name] ?? 0), `more ${name} than before`).toBeLessThanOrEqual(lastCall)
  }
}

/** Trains, and says how large the program's arena was, which others may go on to use. */
async function train(architecture: Architecture, backend: Backend): Promise<number> {
  random.manualSeed(11)
  const { model, forward, loss } = architecture.build({ scale: 1, dropout: 0.1 })
  const optimizer = optim
    .adamW({
      lr: optim.schedule.cosine(3e-3, steps, { warmUp: 50 }),
      groups: [optim.noDecay()],
      clipNorm: 1,
      ema: 0.99,
      skipNonFinite: true,
    })
    .for(model)
  const step = compile((batch: Batch) => {
    const value = loss(forward(batch), batch)
    const { gradNorm } = optimizer.minimize(value)
    return { value, gradNorm }
  })
  const predict = compile((batch: Batch) => loss(forward(batch), batch))
  const judge = async (): Promise<number> => {
    model.eval()
    const value = await optimizer.ema?.during(async () => (await predict(architecture.batch(4, 0))).item())
    model.train()
    return value as number
  }

  const values: number[] = []
  let before: Held | undefined
  for (let i = 0; i < steps; i++) {
    if (i === warmUp) before = await held(backend)
    const { value, gradNorm } = await step(architecture.batch(4, i % 23))
    // Read now and then, as a progress line does.
    if (i % 10 === 0) values.push(await value.item(), await gradNorm.item())
    if (i % 50 === 49) values.push(await judge())
  }
  const after = await held(backend)
  expect(values.every(Number.isFinite)).toBe(true)
  expect(optimizer.steps + optimizer.skipped).toBe(steps)
  if (!before) throw new Error('nothing was measured')
  expect(after.backend).toBe(before.backend)
  expectNoMore(after.objects, before.objects)
  expect(after.heap - before.heap).toBeLessThan(heapBound)
  expect(after.external - before.external).toBeLessThan(externalBound)
  expect(after.process - before.process).toBeLessThan(processBound)
  const { arenaBytes } = (await step.program(architecture.batch(4, 0))).plan
  step.release()
  predict.release()
  return arenaBytes
}

/** Wasm keeps numbers in a memory of its own; two networks show that, one with a loop over time. */
const onWasm = ['residual', 'gru']

for (const name of ['native', 'wasm'] as const satisfies readonly BackendName[]) {
  const probe = await probeBackend(name)
  const missing = 'reason' in probe ? probe.reason : undefined
  if ('backend' in probe) await probe.backend.dispose()
  const chosen = architectures.filter((each) => name === 'native' || onWasm.includes(each.name))
  describe.skipIf(missing)(`${steps} steps on ${name}${missing ? ` (skipped: ${missing})` : ''}`, () => {
    it.each(chosen.map((each) => [each.name, each] as const))('%s', { timeout: 180_000 }, async (_, each) => {
      const backend = await setBackend(name)
      const before = await held(backend)
      const arena = await train(each, backend)
      // And when all is let go, all is given back.
      const after = await held(backend)
      expectNoMore(after.objects, before.objects)
      expect(after.backend - before.backend).toBeLessThan(arena + keptBound)
      await setBackend('reference')
      await backend.dispose()
    })
  })
}
