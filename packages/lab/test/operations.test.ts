/** The next step operation by operation: what is shown is what the step then does, for every family of networks. */
import { setBackend } from 'glissade'
import { beforeAll, describe, expect, test } from 'vitest'
import { beginnings, called, isGiven, origin, walked } from '../src/views/operations/walk.ts'
import { answerers } from '../src/worker/questions/index.ts'
import { type Family, liveOf } from './networks.ts'

beforeAll(async () => {
  await setBackend('wasm')
})

const families: readonly Family[] = ['circle', 'digits', 'names-lstm', 'names-transformer']

describe('the operations of a step', () => {
  test.each(families)('of %s lead to the weights that the step makes', async (family) => {
    const live = await liveOf(family)
    const { operations } = await answerers.operations(live, { run: 0 })
    const list = walked(operations, false)
    expect(beginnings(list).map(({ pass }) => pass)).toEqual(['forward', 'backward', 'update'])
    expect(list.some(isGiven)).toBe(false)
    expect(walked(operations, true).length).toBeGreaterThan(list.length)
    const loss = operations.find(({ name }) => name === 'loss')
    const shown = await answerers.operation(live, { run: 0, id: loss?.id ?? -1, element: 0 })
    const parameters = [...live.run.model.namedParameters().keys()]
    const next = await Promise.all(
      parameters.map(async (name) => {
        const made = operations.find((each) => each.name === `${name}, new`)
        return (await answerers.operation(live, { run: 0, id: made?.id ?? -1, element: 0 })).numbers.values
      }),
    )
    const real = await live.run.advance()
    expect(shown.numbers.values[0]).toBeCloseTo(real, 5)
    for (const [i, name] of parameters.entries()) {
      const now = await live.run.model.namedParameters().get(name)?.data()
      const far = Math.max(...Array.from(now ?? [], (value, k) => Math.abs(value - next[i][k])))
      expect(far, name).toBeLessThan(1e-5)
    }
  })

  test('a product is the sum of what it is made of', async () => {
    const live = await liveOf('circle')
    const { operations } = await answerers.operations(live, { run: 0 })
    const product = operations.find(({ kind, pass, path }) => kind === 'product' && pass === 'forward' && path === '2')
    const { numbers, made } = await answerers.operation(live, { run: 0, id: product?.id ?? -1, element: 4 })
    // Each source, activations and weights, tells the whole sum from its side.
    expect(made).toHaveLength(2)
    for (const { terms, rest } of made) {
      const sum = terms.reduce((total, term) => total + term.product, rest.sum)
      expect(sum).toBeCloseTo(numbers.values[4], 5)
      for (const term of terms) expect(term.product).toBeCloseTo(term.value * term.local, 6)
    }
    expect(made.map(({ id }) => called(origin(operations, id))).sort()).toEqual(['1', '2.weight'])
  })

  test('what is not there is refused in words', async () => {
    const live = await liveOf('circle')
    await expect(answerers.operation(live, { run: 0, id: 99_999, element: 0 })).rejects.toThrow(
      /there is none with number/,
    )
    await expect(answerers.operation(live, { run: 0, id: 0, element: 1e9 })).rejects.toThrow(/there is none at place/)
  })
})
