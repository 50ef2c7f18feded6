/** Capture: the outputs and gradients of modules, from compiled steps, by name. */
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { gradients } from '../src/autodiff/gradients.ts'
import { tensor } from '../src/create.ts'
import { type Capture, capture, matchesPattern } from '../src/explain/capture.ts'
import { observe } from '../src/explain/observe.ts'
import * as nn from '../src/nn/index.ts'
import * as optim from '../src/optim/index.ts'
import { setBackend } from '../src/run/backend.ts'
import { compile } from '../src/run/compile.ts'
import '../src/run/realize.ts'
import type { Tensor } from '../src/tensor.ts'

beforeAll(async () => {
  await setBackend('reference')
})

const probes: Capture[] = []
const watch = (...args: Parameters<typeof capture>): Capture => {
  const probe = capture(...args)
  probes.push(probe)
  return probe
}
afterEach(() => {
  for (const probe of probes.splice(0)) probe.stop()
})

const x = tensor([
  [1, -2],
  [3, 0.5],
])
const list = async (t: Tensor | undefined): Promise<number[]> => Array.from((await t?.data()) ?? [])
const close = async (received: Tensor | undefined, expected: Tensor): Promise<void> => {
  const [a, b] = [await list(received), await list(expected)]
  expect(a).toHaveLength(b.length)
  a.forEach((value, i) => {
    expect(value).toBeCloseTo(b[i], 5)
  })
}

describe('patterns', () => {
  it.each([
    ['conv1', 'conv1', true],
    ['conv1', 'conv*', true],
    ['conv1.inner', 'conv*', false],
    ['blocks.3.attn.softmax', 'blocks.*.attn.softmax', true],
    ['blocks.3.attn.softmax', '**.softmax', true],
    ['softmax', '**.softmax', true],
    ['blocks.3', 'blocks.**', true],
    ['blocks', 'blocks.**', true],
    ['block', 'blocks.**', false],
    ['', '**', true],
    ['a+b', 'a+b', true],
    ['aab', 'a+b', false],
  ])('%j and %j: %s', (name, pattern, expected) => {
    expect(matchesPattern(name, pattern)).toBe(expected)
  })
})

describe('capture', () => {
  it('shows what modules gave back in each run, and the gradients that came to them', async () => {
    const model = nn.sequential(nn.linear(2, 3), nn.tanh(), nn.linear(3, 1))
    const probe = watch(model, '*', { gradient: true })
    const optimizer = optim.sgd({ lr: 0.1 }).for(model)
    const step = compile((input: Tensor) => {
      const value = model.forward(input).square().mean()
      optimizer.minimize(value)
      return value
    })
    for (let run = 0; run < 2; run++) {
      const hidden = model[0].forward(x)
      const act = hidden.tanh()
      const out = model[2].forward(act)
      const expected = [hidden, act, out]
      const slopes = gradients(out.square().mean(), expected)
      await Promise.all([...expected, ...slopes].map((t) => t?.data()))
      await step(x)
      expect([...probe.values().keys()]).toEqual(['0', '1', '2'])
      for (const [i, name] of ['0', '1', '2'].entries()) {
        await close(probe.values().get(name)?.value, expected[i])
        await close(probe.values().get(name)?.gradient, slopes[i] as Tensor)
      }
    }
  })

  it('may begin after the first run, and ends with stop', async () => {
    const model = nn.sequential(nn.linear(2, 3), nn.relu())
    const run = compile((input: Tensor) => model.forward(input))
    await run(x)
    const probe = watch(model, '1')
    expect(probe.values().size).toBe(0)
    const y = await run(x)
    expect(await list(probe.values().get('1')?.value)).toEqual(await list(y))
    expect(probe.values().get('1')?.gradient).toBeUndefined()
    probe.stop()
    await run(x.mul(2))
    expect(await list(probe.values().get('1')?.value)).toEqual(await list(y))
  })

  it('names further calls, and the parts of outputs', async () => {
    class Pair extends nn.Module {
      layer = nn.linear(2, 2)
      forward(input: Tensor): { first: Tensor; second: Tensor } {
        const first = this.layer.forward(input)
        return { first, second: this.layer.forward(first) }
      }
    }
    const pair = new Pair()
    const probe = watch(pair, '**')
    await compile((input: Tensor) => pair.forward(input).second)(x)
    expect([...probe.values().keys()]).toEqual(['layer', 'layer#2', 'first', 'second'])
    expect(await list(probe.values().get('layer#2')?.value)).toEqual(await list(probe.values().get('second')?.value))
  })

  it('sees a part of a larger model under the part’s own names, and no other model', async () => {
    const [inner, other] = [nn.sequential(nn.linear(2, 2)), nn.sequential(nn.linear(2, 2))]
    const outer = nn.sequential(inner, other)
    const probe = watch(inner, '0')
    await compile((input: Tensor) => outer.forward(input))(x)
    expect([...probe.values().keys()]).toEqual(['0'])
    await close(probe.values().get('0')?.value, inner.forward(x))
  })

  it('refuses a pattern that nothing fits', () => {
    expect(() => capture(nn.sequential(nn.relu()), 'conv*')).toThrow(/no parameter or module 'conv\*'. Known here: 0/)
  })
})

describe('observe', () => {
  it('gives the outputs of modules and their gradients as results, and leaves other functions alone', async () => {
    const model = nn.sequential(nn.linear(2, 3), nn.tanh(), nn.linear(3, 1))
    let watched = 0
    const probe = compile((input: Tensor) => {
      const {
        result,
        values,
        gradients: slopes,
      } = observe(model, () => {
        const loss = model.forward(input).square().mean()
        return { loss, weight: gradients(loss, [model.parameters()[0]])[0] }
      })
      watched = Object.keys(values).length
      return { ...result, values, slopes }
    })
    const seen = await probe(x)
    expect(Object.keys(seen.values)).toEqual(['0', '1', '2', ''])
    expect(watched).toBe(4)
    await close(seen.values[''], model.forward(x))
    // The gradient of a bias is the sum of those that came to its layer's outputs.
    await close(seen.slopes['0'].sum(0), gradients(model.forward(x).square().mean(), [model.parameters()[1]])[0])
  })

  it('gives what modules were given: the output of the one before, or what was computed between', async () => {
    class Twice extends nn.Module {
      layers = nn.sequential(nn.linear(2, 2), nn.tanh())
      forward(input: Tensor): Tensor {
        return this.layers.forward(this.layers.forward(input).add(input))
      }
    }
    const model = new Twice()
    const probe = compile((input: Tensor) => {
      const { values, inputs, order } = observe(model, () => model.forward(input))
      expect(order).toEqual(['layers.0', 'layers.1', 'layers', 'layers.0#2', 'layers.1#2', 'layers#2', ''])
      expect(inputs['layers.1']).toBe(values['layers.0'])
      expect(inputs['']).toBe(inputs['layers.0'])
      return { values: { ...values }, inputs: { ...inputs } }
    })
    const { values, inputs } = await probe(x)
    expect(Object.keys(inputs)).toEqual(
      expect.arrayContaining(['', 'layers', 'layers.0', 'layers.1', 'layers#2', 'layers.0#2', 'layers.1#2']),
    )
    expect(await list(inputs[''])).toEqual(await list(x))
    await close(inputs['layers.0#2'], values.layers.add(x))
  })

  it('refuses to work outside a compiled function', () => {
    const model = nn.linear(2, 1)
    expect(() => observe(model, () => model.forward(x))).toThrow(/inside|compile/)
  })
})
