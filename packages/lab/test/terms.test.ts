/** What the worker says of modules and of the sums inside them, against the library's own tensors. */
import { setBackend } from 'glissade'
import { beforeAll, describe, expect, test } from 'vitest'
import { infoOf } from '../src/worker/info.ts'
import { inputOf } from '../src/worker/inputs.ts'
import { answerers } from '../src/worker/questions/index.ts'
import { type Family, liveOf } from './networks.ts'

const input = { part: 'train', index: 1 } as const

beforeAll(async () => {
  await setBackend('wasm')
})

/** The sum as the page writes it. */
function sumOf({
  inputs,
  weights,
  bias,
}: {
  inputs: Float32Array
  weights: Float32Array
  bias?: { value: number }
}): number {
  return inputs.reduce((sum, x, i) => sum + x * weights[i], bias?.value ?? 0)
}

describe('modules of a run', () => {
  test('stand in the order in which they ran, also those that give several tensors', async () => {
    const paths = async (family: Family) => (await infoOf(await liveOf(family))).modules.map(({ path }) => path)
    expect(await paths('names-lstm')).toEqual(['0', '1', '2', ''])
    const transformer = await paths('names-transformer')
    const at = (path: string): number => transformer.indexOf(`transformer.layers.0${path}`)
    expect(at('.norm1')).toBeLessThan(at('.self_attn'))
    expect(at('.self_attn.out_proj')).toBeLessThan(at('.self_attn'))
    expect(at('.self_attn')).toBeLessThan(at('.dropout1'))
    expect(at('.linear2')).toBeLessThan(at(''))
  })

  test('know where their input came from, through what stands between modules', async () => {
    const { modules } = await infoOf(await liveOf('names-transformer'))
    const from = (path: string) => modules.find((module) => module.path === path)?.from
    expect(from('embedding')).toEqual([''])
    // What goes on beside attention is added to it: the block's own input, and attention's output after dropout.
    expect(from('transformer.layers.0.norm2')).toEqual(
      expect.arrayContaining(['positions', 'transformer.layers.0.self_attn']),
    )
    const lstm = (await infoOf(await liveOf('names-lstm'))).modules
    expect(lstm.map((module) => module.from)).toEqual([[''], ['0'], ['1'], ['']])
    expect(lstm.map(({ unitAxis }) => unitAxis)).toEqual([1, 1, 1, 1])
    const conv = (await infoOf(await liveOf('digits'))).modules
    expect(conv.map(({ unitAxis }) => unitAxis)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0])
    expect(conv[3].inputShape).toEqual([8, 14, 14])
  })
})

describe('the sum that made a number', () => {
  test('of a neuron: weights times inputs and the bias, and what its activation made of it', async () => {
    const live = await liveOf('circle')
    const { run } = live
    const given = await answerers.terms(live, { run: 0, module: '0', index: [2], input, then: ['1'] })
    expect(given.rule).toBe('sum')
    expect(given.inputs).toEqual(run.data.inputs.slice(2, 4))
    const weight = await run.model.namedParameters().get('0.weight')?.data()
    expect([...given.weightAt]).toEqual([4, 5])
    expect([...given.weights]).toEqual([weight?.[4], weight?.[5]])
    expect(given.value).toBeCloseTo(sumOf(given), 5)
    expect(given.then[0].value).toBeCloseTo(Math.tanh(given.value), 6)
  })

  test.each([
    { module: '3', index: [5, 0, 7], terms: 8 * 6 },
    { module: '3', index: [5, 6, 7], terms: 8 * 9 },
    { module: '0', index: [7, 27, 27], terms: 4 },
    { module: '7', index: [9], terms: 784 },
  ])(
    'of a convolution, without its margin, and of the layer behind it: $module $index',
    async ({ module, index, terms }) => {
      const given = await answerers.terms(await liveOf('digits'), { run: 0, module, index, input, then: [] })
      expect(given.inputs.length).toBe(terms)
      expect(given.value).toBeCloseTo(sumOf(given), 4)
      given.inputAt.forEach((at, i) => expect(given.inputs[i]).toBe(given.input.values[at]))
    },
  )

  test('of a pool: the largest of its window', async () => {
    const given = await answerers.terms(await liveOf('digits'), {
      run: 0,
      module: '2',
      index: [3, 4, 13],
      input,
      then: [],
    })
    expect(given.rule).toBe('largest')
    expect(given.inputs.length).toBe(4)
    expect(given.value).toBe(Math.max(...given.inputs))
  })

  test('of a token: the row that it picks; of the output behind an LSTM: its state at that time', async () => {
    const live = await liveOf('names-lstm')
    const row = await answerers.terms(live, { run: 0, module: '0', index: [1, 3], input, then: [] })
    expect(row.rule).toBe('row')
    expect(row.weights[0]).toBe(row.value)
    const given = await answerers.terms(live, { run: 0, module: '2', index: [4, 20], input, then: [] })
    expect(given.inputs.length).toBe(48)
    expect(given.value).toBeCloseTo(sumOf(given), 4)
    const inside = await answerers.terms(live, { run: 0, module: '1', index: [4, 7], input, then: [] })
    expect(inside.rule).toBe('inside')
    const { output } = await live.probe.forward(await inputOf(live.run, input))
    expect(given.value).toBe((await output.data())[4 * output.shape[2] + 20])
  })

  test('inside a transformer', async () => {
    const live = await liveOf('names-transformer')
    for (const [module, index, count] of [
      ['transformer.layers.1.linear1', [3, 100], 32],
      ['transformer.layers.1.linear2', [3, 31], 128],
      ['transformer.layers.0.self_attn.out_proj', [5, 1], 32],
    ] as const) {
      const given = await answerers.terms(live, { run: 0, module, index, input, then: [] })
      expect(given.inputs.length).toBe(count)
      expect(given.value).toBeCloseTo(sumOf(given), 4)
    }
  })

  test('says what is not there', async () => {
    const live = await liveOf('circle')
    await expect(answerers.terms(live, { run: 0, module: '0', index: [4], input, then: [] })).rejects.toThrow(
      /no number/,
    )
  })
})

test('several activations come from one pass, and are the library’s', async () => {
  const live = await liveOf('names-lstm')
  const { modules } = await answerers.activations(live, { run: 0, modules: ['0', '1'], input, aspect: 'value' })
  const { values } = await live.probe.forward(await inputOf(live.run, input))
  expect(modules.map(({ path }) => path)).toEqual(['0', '1'])
  expect(modules[1].numbers.shape).toEqual([12, 48])
  expect([...modules[1].numbers.values]).toEqual([...((await values.get('1.output')?.data()) ?? [])])
})
