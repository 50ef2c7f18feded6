/** Interventions in what modules are given and give back: seen by all, part of gradients, followed by compiled functions. */
import { beforeAll, describe, expect, test } from 'vitest'
import { compile, gradients, manualSeed, nn, observe, setBackend, type Tensor, tensor } from '../src/index.ts'

const x = tensor([1, -2, 3, 0.5, 1, 2], { shape: [3, 2] })

function network(): nn.Sequential {
  manualSeed(3)
  return nn.sequential(nn.linear(2, 4), nn.tanh(), nn.linear(4, 1))
}

/** The network's answer with hidden unit 1 left out of its last sum. */
async function without(model: nn.Sequential): Promise<number[]> {
  const hidden = await model[1].forward(model[0].forward(x)).data()
  const { weight, bias } = model[2] as unknown as nn.Linear
  const [w, b] = [await weight.data(), await (bias as Tensor).data()]
  return [0, 1, 2].map((i) => [0, 2, 3].reduce((sum, k) => sum + hidden[4 * i + k] * w[k], b[0]))
}

const off = tensor([1, 0, 1, 1])
const switchOff = { output: (h: Tensor) => off.gt(0).where(h, 0) }

describe.each(['wasm', 'reference'] as const)('interventions, %s', (backend) => {
  beforeAll(async () => {
    await setBackend(backend)
  })

  test('change what comes after them, in programs compiled before too, and end', async () => {
    const model = network()
    const run = compile((given: Tensor) => observe(model, () => model.forward(given)))
    const before = await (await run(x)).result.data()
    const expected = await without(model)
    const end = nn.intervene(model[1], switchOff)
    const seen = await run(x)
    const values = await seen.result.data()
    expected.forEach((value, i) => expect(values[i]).toBeCloseTo(value, 5))
    expect(values[0]).not.toBeCloseTo(before[0], 3)
    expect([...(await seen.values['1'].data())].filter((_, i) => i % 4 === 1)).toEqual([0, 0, 0])
    end()
    end()
    expect(await (await run(x)).result.data()).toEqual(before)
  })

  test('of the input do the same from the other side; nothing flows back through what is held', async () => {
    const model = network()
    const expected = await without(model)
    const end = nn.intervene(model[2], { input: switchOff.output })
    const slope = compile((given: Tensor) => {
      const out = model.forward(given)
      return { out, back: gradients(out.sum(), [(model[0] as unknown as nn.Linear).weight])[0] as Tensor }
    })
    const { out, back } = await slope(x)
    const values = await out.data()
    expected.forEach((value, i) => expect(values[i]).toBeCloseTo(value, 5))
    const rows = await back.data()
    expect([rows[2], rows[3]]).toEqual([0, 0])
    expect(rows[0]).not.toBe(0)
    end()
  })
})

test('a change that does not keep the shape is refused', () => {
  const model = network()
  const end = nn.intervene(model[0], { output: (h) => h.sum() })
  expect(() => model.forward(x)).toThrow(/intervene.*\[\].*\[3, 4\]/s)
  end()
  expect(model.forward(x).shape).toEqual([3, 1])
})
