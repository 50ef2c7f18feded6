/**
 * Changing backends in mid-training: values move along, and the next step goes on from them.
 */
import { afterAll, describe, expect, it } from 'vitest'
import {
  type Backend,
  type BackendName,
  compile,
  getBackend,
  loss,
  nn,
  optim,
  probeBackend,
  setBackend,
  type Tensor,
  Variable,
} from '../../src/index.ts'
import { fromArray } from '../../src/tensor.ts'

afterAll(async () => {
  await setBackend('reference')
})

const ramp = (shape: readonly number[], phase = 1): Tensor => {
  const size = shape.reduce((a, b) => a * b, 1)
  return fromArray(
    Float32Array.from({ length: size }, (_, i) => Math.fround(Math.sin(i * 0.7 + phase))),
    shape,
  )
}
const list = async (t: Tensor): Promise<number[]> => Array.from(await t.data())

const usable: BackendName[] = []
for (const name of ['wasm', 'native', 'interpreter'] as const) {
  const probe = await probeBackend(name)
  if (!('backend' in probe)) continue
  usable.push(name)
  await probe.backend.dispose()
}

describe(`from backend to backend (${usable.join(', ')})`, () => {
  const trainer = () => {
    const model = nn.sequential(nn.linear(5, 24), nn.tanh(), nn.linear(24, 3))
    for (const [i, parameter] of model.parameters().entries())
      parameter.write(Array.from({ length: parameter.size }, (_, k) => 0.3 * Math.sin(k + i)))
    const optimizer = optim.adam({ lr: 0.02 }).for(model)
    const step = compile((x: Tensor, y: Tensor) => {
      const value = loss.mse(model.forward(x), y)
      optimizer.minimize(value)
      return value
    })
    return { model, optimizer, step }
  }
  const [x, y] = [ramp([16, 5]), ramp([16, 3], 2)]

  it('training goes on from the values of the backend before', async () => {
    await setBackend('reference')
    const exact = trainer()
    const expected: number[] = []
    const order = [...usable, 'reference', ...usable] as const
    for (let i = 0; i < order.length * 3; i++) expected.push(await (await exact.step(x, y)).item())

    const { model, optimizer, step } = trainer()
    const received: number[] = []
    for (const name of order) {
      await setBackend(name)
      for (let i = 0; i < 3; i++) received.push(await (await step(x, y)).item())
    }
    expect(received.length).toBe(expected.length)
    for (const [i, value] of received.entries()) expect(Math.abs(value - expected[i]), `step ${i}`).toBeLessThan(1e-4)
    expect(optimizer.steps).toBe(order.length * 3)
    for (const [i, parameter] of model.parameters().entries()) {
      const wanted = await list(exact.model.parameters()[i])
      for (const [k, value] of (await list(parameter)).entries()) expect(Math.abs(value - wanted[k])).toBeLessThan(2e-3)
    }
  })

  it('not a bit of a variable changes on the way', async () => {
    const v = new Variable(ramp([33]))
    const keep = compile(() => {
      // Read and written, so that each backend takes it in.
      v.assign(v.mul(-1))
    })
    const start = await list(v)
    for (const name of [...usable, ...usable]) {
      await setBackend(name)
      await keep()
      await keep()
      expect(await list(v), name).toEqual(start)
    }
  })

  it('values survive the backend that held them', async () => {
    const v = new Variable(ramp([33]))
    const double = compile(() => {
      v.assign(v.mul(2))
    })
    const start = await list(v)
    for (const [turn, name] of usable.entries()) {
      const backend: Backend = await setBackend(name)
      await double()
      const result = v.mul(1)
      await list(result)
      await setBackend('reference')
      const wanted = start.map((value) => value * 2 ** (turn + 1))
      expect(await list(v), name).toEqual(wanted)
      await backend.dispose()
      expect(await list(v), name).toEqual(wanted)
      expect(await list(result), name).toEqual(wanted)
    }
  })
})

it('GLISSADE_BACKEND decides where nobody names a backend, and a wrong name is refused', async () => {
  const before = process.env['GLISSADE_BACKEND']
  try {
    process.env['GLISSADE_BACKEND'] = 'interpreter'
    expect((await setBackend('auto')).name).toBe('interpreter')
    process.env['GLISSADE_BACKEND'] = 'abacus'
    await expect(setBackend('auto')).rejects.toMatchObject({ code: 'backend-unknown' })
    // The choice that failed has changed nothing.
    expect((await getBackend()).name).toBe('interpreter')
    process.env['GLISSADE_BACKEND'] = ''
    expect(['native', 'wasm']).toContain((await setBackend('auto')).name)
  } finally {
    if (before === undefined) delete process.env['GLISSADE_BACKEND']
    else process.env['GLISSADE_BACKEND'] = before
  }
})
