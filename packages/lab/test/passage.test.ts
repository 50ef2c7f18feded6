/** What the trail's cards show is what the library computes: passages, composed layers, losses of single samples. */
import { setBackend, tensor } from 'glissade'
import { beforeAll, describe, expect, test } from 'vitest'
import { perceptron, planeSpec } from '../src/spec/presets.ts'
import type { LabSpec } from '../src/spec/spec.ts'
import { loadData } from '../src/worker/data/index.ts'
import { Live } from '../src/worker/desk.ts'
import { answerers } from '../src/worker/questions/index.ts'
import { forwardOf, Run } from '../src/worker/run.ts'

beforeAll(() => setBackend('wasm'))

const open = async (spec: LabSpec): Promise<Live> => new Live(new Run(0, spec, await loadData(spec.data)))
const sum = (values: Iterable<number>): number => [...values].reduce((all, each) => all + each, 0)

describe('what cards ask', () => {
  test('passage: products and bias make the sum, layer by layer, to the network’s own answer', async () => {
    const live = await open(planeSpec('moons', [3]))
    const answer = await answerers.passage(live, { run: 0, input: { part: 'train', index: 4 } })
    expect(answer.layers.map(({ kind }) => kind)).toEqual(['linear', 'tanh', 'linear'])
    for (const { products, bias, values, given } of answer.layers.filter(({ kind }) => kind === 'linear')) {
      expect(products?.shape).toEqual([values.length, given.length])
      values.forEach((value, i) => {
        const row = products?.values.slice(i * given.length, (i + 1) * given.length) ?? []
        expect(sum(row) + (bias?.[i] ?? 0)).toBeCloseTo(value, 5)
      })
    }
    const { run, probe } = live
    const x = tensor(answer.input, { shape: [1, 2] })
    expect([...(answer.layers.at(-1)?.values ?? [])]).toEqual([...(await forwardOf(run.model, x).data())])
    expect(sum(answer.probabilities ?? [])).toBeCloseTo(1, 6)
    expect(answer.loss).toBeCloseTo(-Math.log(answer.probabilities?.[answer.target ?? 0] ?? 0), 5)
    expect((await probe.forward(x)).output.shape).toEqual([1, 2])
  })

  test('composed: linear layers in a row are one, which gives the same', async () => {
    const live = await open(planeSpec('circle', [3], { model: perceptron([2, 3, 2], 'identity') }))
    const input = { values: Float32Array.of(1.5, -2) }
    const one = await answerers.composed(live, { run: 0, modules: ['0', '2'], input })
    const { layers } = await answerers.passage(live, { run: 0, input })
    expect(one.weight.shape).toEqual([2, 2])
    one.values.forEach((value, i) => expect(value).toBeCloseTo(layers.at(-1)?.values[i] ?? Number.NaN, 5))
  })

  test('outcomes: the mean of all samples’ losses is the training loss', async () => {
    const live = await open(planeSpec('moons', [3]))
    const { losses, targets } = await answerers.outcomes(live, { run: 0, part: 'train' })
    const { run, probe } = live
    const { trainCount } = run.data
    const score = await probe.score(run.inputs.slice([[0, trainCount]]), run.targets.slice([[0, trainCount]]))
    expect(losses.length).toBe(trainCount)
    expect(targets.length).toBe(trainCount)
    expect(sum(losses) / trainCount).toBeCloseTo(score.loss, 5)
  })

  test('losses: of outputs that a person chose', async () => {
    const classes = await open(planeSpec('moons', [3]))
    const outputs = { shape: [2, 2], values: Float32Array.of(0, 0, 2, -1) }
    const { values } = await answerers.losses(classes, { run: 0, outputs, targets: Float32Array.of(0, 1) })
    expect(values[0]).toBeCloseTo(Math.log(2), 6)
    expect(values[1]).toBeCloseTo(3 + Math.log(1 + Math.exp(-3)), 6)
    const signs = planeSpec('gaussians', [], { classes: 1, loss: { kind: 'mse' } })
    const numbers = await open({ ...signs, data: { ...signs.data, signs: true } as LabSpec['data'] })
    expect([...new Set(numbers.run.data.targets)].sort()).toEqual([-1, 1])
    const squares = await answerers.losses(numbers, {
      run: 0,
      outputs: { shape: [2, 1], values: Float32Array.of(0.5, -1) },
      targets: Float32Array.of(-1, -1),
    })
    expect([...squares.values]).toEqual([2.25, 0])
  })
})
