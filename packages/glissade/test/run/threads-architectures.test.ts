/**
 * The same seed gives the same bits with one, two and three threads, for whole networks of each family: losses,
 * parameters, buffers, the optimizer's state and the average of the weights, after some steps with dropout.
 *
 * One network in depth: threads.test.ts.
 */
import { afterAll, describe, expect, it } from 'vitest'
import { estimate } from '../../src/backends/native/tape.ts'
import { type BackendName, compile, optim, type Program, probeBackend, random, setBackend } from '../../src/index.ts'
import type { Kernel } from '../../src/kernel/ir.ts'
import { type Architecture, architectures, type Batch } from '../golden/architectures.ts'

afterAll(async () => {
  await setBackend('reference')
})

/** Large enough that work is shared out; the test checks that it is. */
const usual = { scale: 8, rows: 64 }
const sizes: Readonly<Record<string, typeof usual>> = {
  perceptron: { scale: 12, rows: 128 },
  residual: { scale: 4, rows: 24 },
  unet: { scale: 3, rows: 12 },
}
const steps = 3

/** From here on a run wakes the threads of wasm (WORTH_A_HOP), and a kernel those of native (shareNs). */
const worthAHop = 5e6
const isShared = (kernel: Kernel): boolean => kernel.tasks >= 3 && estimate(kernel) > 4000

interface Trained {
  readonly bits: ReadonlyMap<string, Uint32Array>
  readonly plan: Program['plan']
}

async function train(architecture: Architecture): Promise<Trained> {
  const { scale, rows } = sizes[architecture.name] ?? usual
  random.manualSeed(5)
  const { model, forward, loss } = architecture.build({ scale, dropout: 0.2 })
  const optimizer = optim.adamW({ lr: 0.01, clipNorm: 1, ema: 0.9 }).for(model)
  const step = compile((batch: Batch) => {
    const value = loss(forward(batch), batch)
    const { gradNorm } = optimizer.minimize(value)
    return { value, gradNorm }
  })
  const { plan } = await step.program(architecture.batch(rows, 0))
  const bits = new Map<string, Uint32Array>()
  const keep = (name: string, data: ArrayLike<number>): void => {
    bits.set(name, new Uint32Array(Float32Array.from(data).buffer))
  }
  for (let i = 0; i < steps; i++) {
    const { value, gradNorm } = await step(architecture.batch(rows, i))
    keep(`loss ${i}`, await value.data())
    keep(`norm ${i}`, await gradNorm.data())
  }
  for (const [name, variable] of [...model.namedVariables(), ...optimizer.namedState()])
    keep(name, await variable.data())
  step.release()
  return { bits, plan }
}

function differences(a: ReadonlyMap<string, Uint32Array>, b: ReadonlyMap<string, Uint32Array>): string[] {
  return [...a].flatMap(([name, bits]) => {
    const other = b.get(name) as Uint32Array
    const place = bits.findIndex((word, i) => word !== other[i])
    return place < 0 ? [] : [`${name}[${place}]: ${bits[place].toString(16)} and ${other[place].toString(16)}`]
  })
}

for (const name of ['wasm', 'native'] as const satisfies readonly BackendName[]) {
  const probe = await probeBackend(name)
  const missing = 'reason' in probe ? probe.reason : undefined
  if ('backend' in probe) await probe.backend.dispose()
  describe.skipIf(missing)(`${name}${missing ? ` (skipped: ${missing})` : ''}`, () => {
    const trainWith = async (threads: number, architecture: Architecture): Promise<Trained> => {
      const backend = await setBackend(name, { threads })
      expect(backend.threads).toBe(threads)
      try {
        return await train(architecture)
      } finally {
        await setBackend('reference')
        await backend.dispose()
      }
    }
    it.each(architectures.map((each) => [each.name, each] as const))('%s', async (_, architecture) => {
      const one = await trainWith(1, architecture)
      expect(one.plan.flops + one.plan.bytes, 'work of a step').toBeGreaterThan(worthAHop)
      expect(one.plan.kernels.filter(isShared).length, 'kernels that are shared out').toBeGreaterThan(0)
      expect([...one.bits.values()].some((bits) => bits.some((word) => word !== 0))).toBe(true)
      for (const threads of [2, 3, 2]) {
        const other = await trainWith(threads, architecture)
        expect([...other.bits.keys()]).toEqual([...one.bits.keys()])
        expect(differences(one.bits, other.bits), `${threads} threads`).toEqual([])
      }
    })
  })
}
