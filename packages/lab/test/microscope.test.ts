/** The microscope against the library's own tensors: sums of products at every stop, and the optimizer's next step. */
import { setBackend } from 'glissade'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Choice } from '../src/spec/spec.ts'
import { planeData } from '../src/worker/data/plane.ts'
import { Live } from '../src/worker/desk.ts'
import type { GradientTerms, LossPart, Stride } from '../src/worker/protocol.ts'
import { answerers } from '../src/worker/questions/index.ts'
import { Run } from '../src/worker/run.ts'
import { type Family, liveOf, specOf } from './networks.ts'

beforeAll(async () => {
  await setBackend('wasm')
})

const sample = { part: 'train', index: 1 } as const

/** Both are the same but for rounding, at the scale of what was added up. */
function agree(sum: number, gradient: number, scale: number): void {
  expect(Math.abs(sum - gradient)).toBeLessThanOrEqual(2e-5 * Math.max(Math.abs(gradient), scale, 1e-12))
}

const scaleOf = ({ terms }: GradientTerms): number => Math.abs(terms[0]?.product ?? 0)

/** Follows the largest term from stop to stop; gives the names it came by. */
async function follow(live: Live, name: string, element: number, of: LossPart, stride: Stride): Promise<string[]> {
  const ask = { run: 0, name, element, of, stride, limit: 12 }
  const names: string[] = []
  const first = await answerers.unfolded(live, { ...ask, open: [] })
  let terms = first.root
  agree(first.gradient, terms.gradient, scaleOf(terms))
  for (let stops = 0; terms.terms.length > 0; stops++) {
    expect(stops).toBeLessThan(200)
    const listed = terms.terms.reduce((sum, { product }) => sum + product, terms.rest.sum)
    expect(listed).toBeCloseTo(terms.sum, 10)
    agree(terms.sum, terms.gradient, scaleOf(terms))
    for (const { local, upstream, product } of terms.terms) expect(product).toBe(local * upstream)
    const [term] = terms.terms
    names.push(term.name)
    const { opened } = await answerers.unfolded(live, { ...ask, open: [term] })
    expect(opened[0].gradient).toBe(term.upstream)
    terms = opened[0]
  }
  return names
}

describe('a gradient is the sum of its products, down to the loss', () => {
  test.each<[Family, string, number, Stride]>([
    ['circle', '0.weight', 5, 'modules'],
    ['circle', '2.bias', 1, 'operations'],
    ['digits', '0.weight', 4, 'modules'],
    ['digits', '7.weight', 200, 'operations'],
    ['names-lstm', '1.weight_ih_l0', 7, 'taps'],
    ['names-lstm', '0.weight', 0, 'modules'],
    ['names-transformer', 'transformer.layers.0.linear1.weight', 17, 'modules'],
    ['names-transformer', 'transformer.layers.1.self_attn.in_proj_weight', 33, 'taps'],
  ])('%s %s[%i] by %s', async (family, name, element, stride) => {
    const live = await liveOf(family)
    const names = await follow(live, name, element, sample, stride)
    expect(names.at(-1)).toBe('loss')
    expect(names.length).toBeGreaterThan(1)
  })

  test('of the whole batch too, and each stop is the gradient of the module’s output', async () => {
    const live = await liveOf('circle')
    const ask = { run: 0, name: '0.weight', element: 3, of: 'batch', stride: 'modules', limit: 40 } as const
    const { root, gradient, samples, loss } = await answerers.unfolded(live, { ...ask, open: [] })
    const seen = await live.probe.backward()
    expect(samples).toEqual([...live.run.nextBatch()])
    expect(loss).toBe(await seen.loss.item())
    expect(root.terms.length).toBe(30)
    expect(gradient).toBe((await seen.parameters.get('0.weight')?.data())?.[3])
    const slopes = (await seen.slopes.get('0')?.data()) ?? []
    const values = (await seen.values.get('0')?.data()) ?? []
    const inputs = live.run.data.inputs
    const batch = live.run.nextBatch()
    for (const { element, position, upstream, local, value } of root.terms) {
      expect(upstream).toBeCloseTo(slopes[element], 7)
      expect(value).toBeCloseTo(values[element], 6)
      // How a sum changes with one of its weights is the input that the weight is for.
      expect(local).toBeCloseTo(inputs[2 * batch[position[0]] + 1], 6)
    }
  })

  test('says what is not there', async () => {
    const live = await liveOf('circle')
    const ask = { run: 0, of: 'batch', stride: 'modules', limit: 8, open: [] } as const
    await expect(answerers.unfolded(live, { ...ask, name: '0.weight', element: 8 })).rejects.toThrow(/none at place 8/)
    await expect(answerers.unfolded(live, { ...ask, name: '9.weight', element: 0 })).rejects.toThrow(/no parameter/)
  })
})

test.each<[Family, string, number]>([
  ['circle', '0.weight', 5],
  ['digits', '0.weight', 4],
  ['names-lstm', '1.weight_hh_l0', 7],
  ['names-transformer', 'transformer.layers.0.linear1.weight', 17],
])('finite differences agree with the gradient: %s %s[%i]', async (family, name, element) => {
  const live = await liveOf(family)
  const check = await answerers.gradientCheck(live, { run: 0, name, element, of: sample })
  const { gradient } = await answerers.unfolded(live, {
    ...{ run: 0, name, element, of: sample, stride: 'modules', limit: 4, open: [] },
  })
  expect(check.error).toBeLessThan(1e-4)
  agree(check.gradient, gradient, Math.abs(check.measured) + 1e-3)
})

describe('the update that is shown is what the next step does', () => {
  const optimizers: Choice[] = [
    { kind: 'sgd', lr: 0.1 },
    { kind: 'sgd', lr: 0.1, momentum: 0.9 },
    { kind: 'sgd', lr: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0.01 },
    { kind: 'adam', lr: 0.01 },
    { kind: 'adamW', lr: 0.01, weightDecay: 0.1 },
    { kind: 'rmsprop', lr: 0.01, momentum: 0.5 },
    { kind: 'adagrad', lr: 0.01 },
    { kind: 'adadelta', lr: 1 },
    { kind: 'lion', lr: 0.001 },
    { kind: 'nadam', lr: 0.01 },
    { kind: 'adam', lr: 0.01, clipNorm: 0.001 },
  ]
  test.each(optimizers)('$kind %o', async (optimizer) => {
    const spec = { ...specOf('circle'), optimizer }
    const live = new Live(new Run(0, spec, planeData(spec.data as never)))
    // Some steps first, so that there is something to remember.
    for (let i = 0; i < 3; i++) await live.run.advance()
    live.changed()
    const [name, element] = ['0.weight', 3]
    const { nodes, lines } = await answerers.update(live, { run: 0, name, element })
    const state = () =>
      new Map([...live.run.optimizer.namedState(), ['weight', live.run.model.namedParameters().get(name)]])
    const read = async (line: string): Promise<number> => {
      const tensor = state().get(line === 'weight' ? 'weight' : `${name}.${line}`)
      return (await tensor?.data())?.[element] ?? Number.NaN
    }
    for (const line of lines) expect(line.before).toBe(await read(line.name))
    const { gradient } = await answerers.unfolded(live, {
      ...{ run: 0, name, element, of: 'batch', stride: 'modules', limit: 4, open: [] },
    })
    const given = nodes.find((node) => node.name === 'gradient')
    expect(given?.value).toBeCloseTo(gradient, 7)
    await live.run.advance()
    for (const line of lines) {
      expect(line.after).toBeCloseTo(await read(line.name), 7)
      expect(nodes[line.root].value).toBe(line.after)
    }
    expect(lines.at(-1)?.name).toBe('weight')
    // What is an operation follows from its inputs.
    for (const { op, inputs, value } of nodes) {
      const [a, b] = inputs.map((input) => nodes[input].value)
      const made = { add: a + b, sub: a - b, mul: a * b, div: a / b, sqrt: Math.sqrt(a), sign: Math.sign(a) }[op]
      if (made !== undefined) expect(Math.abs(value - made)).toBeLessThanOrEqual(1e-6 * Math.abs(made) + 1e-12)
    }
    if (['sgd', 'lion', 'rmsprop'].includes(optimizer.kind)) expect(nodes.map((node) => node.name)).toContain('lr')
  })
})
