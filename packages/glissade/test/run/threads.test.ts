/**
 * The same seed gives the same bits: with one, two and three threads, and from run to run.
 *
 * A small convolutional network with dropout is trained for ten steps with AdamW; then every bit of every parameter,
 * of the optimizer's state and of the losses is compared.
 */
import { afterAll, describe, expect, it } from 'vitest'
import {
  type BackendName,
  compile,
  loss,
  nn,
  optim,
  probeBackend,
  random,
  scan,
  setBackend,
  type Tensor,
  zeros,
} from '../../src/index.ts'
import { fromArray } from '../../src/tensor.ts'
import { generator } from '../opinfo/common.ts'

afterAll(async () => {
  await setBackend('reference')
})

const steps = 10

/** Large enough that each kind of kernel is shared out. */
const batch = 48

function samples(seed: number): { x: Tensor; y: Tensor } {
  const next = generator(seed)
  const x = Float32Array.from({ length: batch * 14 * 14 }, () => Math.fround(next() - 0.5))
  const y = Int32Array.from({ length: batch }, () => Math.floor(next() * 10))
  return { x: fromArray(x, [batch, 1, 14, 14]), y: fromArray(y, [batch]) }
}

/** All bits after training from `seed`, by name. */
async function train(seed: number): Promise<Map<string, Uint32Array>> {
  random.manualSeed(seed)
  const model = nn.sequential(
    nn.conv2d(1, 8, 3),
    nn.relu(),
    nn.conv2d(8, 12, 3),
    nn.relu(),
    nn.maxPool2d(2),
    nn.flatten(),
    nn.dropout(0.3),
    nn.linear(300, 40),
    nn.tanh(),
    nn.linear(40, 10),
  )
  const optimizer = optim.adamW({ lr: 0.01 }).for(model)
  const step = compile((x: Tensor, y: Tensor) => {
    const value = loss.crossEntropy(model.forward(x), y)
    optimizer.minimize(value)
    return value
  })
  const losses: number[] = []
  for (let i = 0; i < steps; i++) {
    const { x, y } = samples(100 + (i % 3))
    losses.push(await (await step(x, y)).item())
  }
  const bits = (data: Float32Array): Uint32Array => new Uint32Array(Float32Array.from(data).buffer)
  const found = new Map([['losses', bits(Float32Array.from(losses))]])
  const state = Object.entries(optimizer.stateDict().tensors)
  for (const [name, tensor] of [...model.namedVariables(), ...state])
    found.set(name, bits((await tensor.data()) as Float32Array))
  step.release()
  return found
}

/** Large enough that the products of a step are shared out, and looped over by all threads. */
const sequence = { steps: 9, batch: 32, inputs: 24, hidden: 96 }

/** All bits after training a recurrent network from `seed`, by name. */
async function trainThroughTime(seed: number): Promise<Map<string, Uint32Array>> {
  random.manualSeed(seed)
  const { steps: T, batch: B, inputs: I, hidden: H } = sequence
  const parameters = [random.normal([I, 4 * H]), random.normal([H, 4 * H]), random.normal([H, 10])].map(
    (value) => new nn.Parameter(value.mul(0.1)),
  )
  const [wx, wh, out] = parameters
  const optimizer = optim.adamW({ lr: 0.01 }).for(parameters)
  const step = compile((xs: Tensor, y: Tensor) => {
    const { carry } = scan(
      ([h, c]: Tensor[], x: Tensor) => {
        const [i, f, g, o] = x.matmul(wx).add(h.matmul(wh)).split(H, 1)
        const memory = f.sigmoid().mul(c).add(i.sigmoid().mul(g.tanh()))
        return { carry: [o.sigmoid().mul(memory.tanh()), memory] }
      },
      [zeros([B, H]), zeros([B, H])],
      xs,
    )
    const value = loss.crossEntropy(carry[0].matmul(out), y)
    optimizer.minimize(value)
    return value
  })
  const losses: number[] = []
  for (let i = 0; i < steps; i++) {
    const next = generator(i)
    const x = Float32Array.from({ length: T * B * I }, () => Math.fround(next() - 0.5))
    const y = Int32Array.from({ length: B }, () => Math.floor(next() * 10))
    losses.push(await (await step(fromArray(x, [T, B, I]), fromArray(y, [B]))).item())
  }
  const bits = (data: Float32Array): Uint32Array => new Uint32Array(Float32Array.from(data).buffer)
  const found = new Map([['losses', bits(Float32Array.from(losses))]])
  for (const [i, parameter] of parameters.entries()) found.set(`${i}`, bits((await parameter.data()) as Float32Array))
  step.release()
  return found
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
    const trainWith = async (threads: number, seed: number, how = train): Promise<Map<string, Uint32Array>> => {
      const backend = await setBackend(name, { threads })
      expect(backend.threads).toBe(threads)
      try {
        return await how(seed)
      } finally {
        await setBackend('reference')
        await backend.dispose()
      }
    }

    it('the same bits with 1, 2 and 3 threads, and once more', async () => {
      const one = await trainWith(1, 5)
      expect(one.size).toBe(1 + 8 + 16)
      for (const threads of [2, 3, 2])
        expect(differences(one, await trainWith(threads, 5)), `${threads} threads`).toEqual([])
    })

    it('the same bits through time with 1, 2 and 3 threads', async () => {
      const one = await trainWith(1, 5, trainThroughTime)
      expect(one.size).toBe(1 + 3)
      for (const threads of [2, 3, 2])
        expect(differences(one, await trainWith(threads, 5, trainThroughTime)), `${threads} threads`).toEqual([])
    })

    it('other bits with another seed', async () => {
      expect(differences(await trainWith(2, 5), await trainWith(2, 6)).length).toBeGreaterThan(20)
    })
  })
}
