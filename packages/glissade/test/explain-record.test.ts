/** Recordings: operations in their order with their numbers, names, kinds and passes; and what a recording leaves alone. */
import { beforeAll, describe, expect, it } from 'vitest'
import {
  chainRule,
  checkGradient,
  compile,
  customGradient,
  gradients,
  loss,
  manualSeed,
  nn,
  type Operation,
  optim,
  random,
  record,
  setBackend,
  type Tensor,
  tap,
  tensor,
} from '../src/index.ts'
import { defaultGenerator } from '../src/random.ts'

beforeAll(async () => {
  await setBackend('reference')
})

const list = async (t: Tensor): Promise<number[]> => Array.from(await t.data())
const text = ({ op, inputs, attributes }: Operation): string =>
  `${op}(${inputs.join()})${attributes === '' ? '' : ` ${attributes}`}`

describe('record', () => {
  it('lists operations in order, with kinds, names, places in the model and numbers', async () => {
    const dense = nn.linear(2, 2)
    const model = nn.sequential({ dense, act: nn.relu() })
    const x = tensor([
      [1, -2],
      [0, 3],
    ])
    const recording = await record(() => model.forward(x).sum())
    expect(recording.operations.map(text)).toEqual([
      'data()',
      'variable()',
      'permute(1) order [1,0]',
      'contract(0,2) a ac, b cb, out ab',
      'variable()',
      'reshape(4)',
      'expand(5)',
      'add(3,6)',
      'constant() value 0',
      'le(7,8)',
      'constant() value 0',
      'where(9,10,7)',
      'relu(11)',
      'sum(12) axes [0,1]',
    ])
    const kinds = new Map(recording.operations.map(({ op, kind }) => [op, kind]))
    expect(Object.fromEntries(kinds)).toEqual({
      data: 'data',
      variable: 'variable',
      permute: 'movement',
      contract: 'product',
      reshape: 'movement',
      expand: 'movement',
      add: 'elementwise',
      constant: 'constant',
      le: 'elementwise',
      where: 'elementwise',
      relu: 'same',
      sum: 'reduction',
    })
    expect(recording.operations[1].names).toEqual(['dense.weight'])
    expect(recording.operations[3]).toMatchObject({ path: 'dense', pass: 'forward', shape: [2, 2], dtype: 'float32' })
    expect(recording.operations[12].names).toEqual(['act', ''])
    expect(recording.stations.map(({ name, id }) => [name, id])).toEqual([
      ['dense', 7],
      ['act', 12],
      ['', 12],
    ])
    expect(recording.outputs).toEqual([13])
    expect([...(await recording.value('dense'))]).toEqual(await list(dense.forward(x)))
    expect([...(await recording.value(dense.weight))]).toEqual(await list(dense.weight))
    expect([...(await recording.value(x))]).toEqual([1, -2, 0, 3])
    expect(() => recording.find('dens')).toThrow(/no parameter or module 'dens'/)
    // Plain data, which can be sent to another thread.
    expect(structuredClone(recording.toJSON())).toEqual(JSON.parse(JSON.stringify(recording)))
  })

  it('shows gradients and the update with its moments, and changes nothing', async () => {
    manualSeed(2)
    const model = nn.sequential(nn.linear(3, 2), nn.dropout(0.5))
    const optimizer = optim.adam({ lr: 0.1 }).for(model)
    const x = random.normal([4, 3])
    const step = (): Tensor => {
      const value = model.forward(x).square().mean()
      optimizer.minimize(value)
      return value
    }
    const before = await list(model.parameters()[0])
    const draws = defaultGenerator().state()
    const recording = await record(step)
    const { updates, operations } = recording
    const assigned = ['weight', 'bias'].flatMap((name) => [`0.${name}`, `0.${name}.m`, `0.${name}.v`])
    expect(new Set(updates.map(({ name }) => name))).toEqual(new Set(assigned))
    expect(new Set(operations.map(({ pass }) => pass))).toEqual(new Set(['forward', 'backward', 'update']))
    const update = updates.find(({ name }) => name === '0.weight') as (typeof updates)[number]
    expect(operations[update.after].pass).toBe('update')
    // The host's numbers of the step have the names that the rule gives them.
    expect((await recording.value('stepSize')).length).toBe(1)
    const after = await recording.value(update.after)
    expect(await list(model.parameters()[0])).toEqual(before)
    expect([...(await recording.value(update.before))]).toEqual(before)
    expect(optimizer.steps).toBe(0)
    expect(defaultGenerator().state()).toEqual(draws)
    // The step itself then does what was recorded, with the same draws.
    await compile(step)()
    expect(await list(model.parameters()[0])).toEqual([...after])
  })

  it('writes loops out, step by step', async () => {
    const lstm = nn.lstm(2, 3)
    const { operations, stations } = await record(() => lstm.forward(random.normal([1, 2, 2])).output)
    const steps = new Set(operations.map(({ path }) => path))
    expect(steps).toEqual(new Set(['', 't0', 't1']))
    expect(stations.map(({ name }) => name).filter((name) => name.endsWith('t1'))).toEqual(
      ['i', 'f', 'g', 'o', 'cell', 'hidden'].map((gate) => `l0.${gate}.t1`),
    )
    expect(stations.find(({ name }) => name === 'l0.f.t1')).toMatchObject({ step: 't1', tap: true })
  })

  it('keeps the numbers of its moment', async () => {
    const layer = nn.linear(1, 1)
    const recording = await record(() => layer.forward(tensor([[1]])))
    const before = await list(layer.weight)
    layer.weight.write([7])
    expect([...(await recording.value('weight'))]).toEqual(before)
  })
})

describe('madeOf', () => {
  it('gives the sum that made a unit’s value', async () => {
    const model = nn.sequential({ dense: nn.linear(3, 2), act: nn.relu(), head: nn.linear(2, 1) })
    const x = random.normal([4, 3])
    const recording = await record(() => model.forward(x))
    const [xs, weights] = [await x.data(), await list(model.parameters()[0])]
    const dense = await recording.madeOf('dense', [2, 1], { level: 'modules' })
    expect(dense.sources.map(({ kind, name }) => [kind, name])).toEqual([
      ['data', 'data'],
      ['variable', 'dense.weight'],
      ['variable', 'dense.bias'],
    ])
    const [input, weight, bias] = dense.sources
    expect(input.sum + bias.sum).toBeCloseTo(dense.value, 5)
    expect(weight.sum).toBeCloseTo(input.sum, 5)
    for (const { position, value, local } of input.terms) {
      expect(position[0]).toBe(2)
      expect([value, local]).toEqual([xs[6 + position[1]], weights[3 + position[1]]])
    }
    expect(bias.terms).toMatchObject([{ position: [1], local: 1 }])
    // One stride on stops at the layer before; an operation's stride at its own inputs.
    const head = await recording.madeOf('head', [2, 0], { level: 'modules' })
    expect(head.sources.map(({ name }) => name)).toEqual(['act', 'head.weight', 'head.bias'])
    const product = await recording.madeOf(dense.id, [2, 1])
    expect(product).toMatchObject({ value: dense.value, sources: [{ op: 'contract' }, { name: 'dense.bias' }] })
    expect(await recording.madeOf(x, 0)).toMatchObject({ value: xs[0], sources: [] })
    expect(structuredClone(product)).toEqual(product)
  })

  it('gives the patch and the filter under a place of a feature map', async () => {
    const conv = nn.conv2d(2, 3, 3, { padding: 1 })
    const x = random.normal([1, 2, 5, 5])
    const recording = await record(() => conv.forward(x))
    const made = await recording.madeOf('', [0, 1, 4, 2], { level: 'modules', limit: Number.POSITIVE_INFINITY })
    const [patch, filter, bias] = ['data', 'weight', 'bias'].map(
      (name) => made.sources.find((source) => source.name === name) as (typeof made.sources)[number],
    )
    // At the lower edge a third of the filter lies outside.
    expect(patch.terms).toHaveLength(12)
    expect(filter.terms.every(({ position }) => position[0] === 1)).toBe(true)
    expect(patch.sum + bias.sum).toBeCloseTo(made.value, 5)
  })

  it('goes through attention at the level of taps', async () => {
    const model = nn.multiHeadAttention(4, 2)
    const recording = await record(() => model.forward(random.normal([1, 3, 4])).output)
    const mixed = await recording.madeOf('mixed', [0, 1, 2, 0], { level: 'taps' })
    expect(mixed.sources.map(({ name }) => name)).toEqual(['values', 'softmax'])
    for (const { sum, terms } of mixed.sources) {
      expect(terms).toHaveLength(3)
      expect(sum).toBeCloseTo(mixed.value, 5)
    }
  })
})

describe('chainRule', () => {
  it('finds the products of a network worked out by hand', async () => {
    // y = relu(w x + b), loss = (y - 1)²
    const layer = nn.linear(1, 1)
    layer.weight.write([2])
    layer.bias?.write([0.5])
    const story = await chainRule(() =>
      tap('y', layer.forward(tensor([[3]])).relu())
        .sub(1)
        .square()
        .sum(),
    )
    // y = 6.5, ∂loss/∂y = 11, ∂y/∂w = 3
    const first = story.terms('weight', [0, 0])
    expect(first).toMatchObject({ value: 2, gradient: 33, sum: 33, position: [0, 0], rest: { count: 0, sum: 0 } })
    expect(first.terms).toMatchObject([{ op: 'contract', local: 3, upstream: 11, product: 33, value: 6 }])
    const ways: string[] = []
    let at = first
    while (at.terms.length > 0) {
      ways.push(at.terms[0].op)
      at = story.terms(at.terms[0].id, at.terms[0].element)
    }
    expect(ways).toEqual(['contract', 'add', 'relu', 'sub', 'mul'])
    expect(at).toMatchObject({ id: story.loss, gradient: 1, sum: 1, value: 30.25 })
    expect(story.operations[story.loss].op).toBe('mul')
    expect(story.terms('weight', 0, { level: 'modules' }).terms).toMatchObject([
      { name: 'add', local: 3, upstream: 11 },
    ])
    expect(story.terms('weight', 0, { level: { names: 'y' } }).terms).toMatchObject([{ name: 'y', local: 3 }])
    expect(structuredClone(first)).toEqual(first)
  })

  it('tells how many terms are not listed, and what they add up to', async () => {
    const layer = nn.linear(2, 1)
    const x = random.normal([50, 2])
    const story = await chainRule(() => layer.forward(x).square().mean())
    const found = story.terms('weight', 1, { limit: 10 })
    expect(found.terms).toHaveLength(10)
    expect(found.rest.count).toBe(40)
    const listed = found.terms.reduce((sum, { product }) => sum + product, 0)
    expect(listed + found.rest.sum).toBeCloseTo(found.sum, 10)
    const products = found.terms.map(({ product }) => Math.abs(product))
    expect(products).toEqual([...products].sort((a, b) => b - a))
  })

  it('gives the gradients of the library, and zeros where there is none', async () => {
    const [layer, other] = [nn.linear(2, 2), nn.linear(2, 2)]
    const x = random.normal([3, 2])
    const labels = tensor([0, 1, 1], { dtype: 'int32' })
    const value = (): Tensor => loss.crossEntropy(layer.forward(x), labels).add(other.forward(x).stopGradient().sum())
    const story = await chainRule(value)
    const expected = gradients(value(), [layer.weight, x]) as Tensor[]
    expect([...story.gradient(layer.weight)]).toEqual(await list(expected[0]))
    expect([...story.gradient(x)]).toEqual(await list(expected[1]))
    expect([...story.gradient(other.weight)]).toEqual([0, 0, 0, 0])
    expect(story.terms(other.weight, 0).sum).toBe(0)
    expect(story.terms(labels, 0).terms).toEqual([])
  })

  it('refuses elements outside, and losses of several numbers', async () => {
    const layer = nn.linear(2, 1)
    const story = await chainRule(() => layer.forward(tensor([[1, 2]])).sum())
    expect(() => story.terms('weight', [0, 2])).toThrow(/element \[0, 2\] of \[1, 2\]: value 2 at position 1/)
    expect(() => story.terms('weight', -1)).toThrow(/out of range/)
    await expect(
      chainRule(() =>
        layer.forward(
          tensor([
            [1, 2],
            [3, 4],
          ]),
        ),
      ),
    ).rejects.toThrow(/single number|scalar|\[2, 1\]/)
  })

  it('checks one element, tells a kink, and is not fooled by a wrong rule', async () => {
    const layer = nn.linear(1, 1, { bias: false })
    layer.weight.write([2])
    const check = await checkGradient(
      () =>
        layer
          .forward(tensor([[3]]))
          .square()
          .sum(),
      layer.weight,
      [0, 0],
    )
    expect(check).toMatchObject({ gradient: 36, exact: 36, kink: false })
    expect(check.error).toBeLessThan(1e-8)
    layer.weight.write([0])
    expect(
      await checkGradient(
        () =>
          layer
            .forward(tensor([[3]]))
            .relu()
            .sum(),
        layer.weight,
        0,
      ),
    ).toMatchObject({
      gradient: 0,
      kink: true,
    })
    layer.weight.write([1])
    const wrong = customGradient((x: Tensor) => ({ value: x.square(), gradient: (g) => [g.mul(x)] }))
    const found = await checkGradient(() => wrong(layer.forward(tensor([[3]]))).sum(), layer.weight, 0)
    expect(found).toMatchObject({ gradient: 9, exact: 9 })
    expect(found.measured).toBeCloseTo(18, 6)
    expect(found.error).toBeCloseTo(0.5, 6)
  })
})
