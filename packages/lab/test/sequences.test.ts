/** What the worker says of gates, attention and next letters, against direct calls of the library. */
import {
  compile,
  generate,
  gradients,
  loss,
  type nn,
  samplingProbabilities,
  setBackend,
  type Tensor,
  tensor,
} from 'glissade'
import { beforeAll, describe, expect, test } from 'vitest'
import type { LayerSpec } from '../src/spec/spec.ts'
import { textData } from '../src/worker/data/text.ts'
import { Live } from '../src/worker/desk.ts'
import { inputOf } from '../src/worker/inputs.ts'
import { answerers } from '../src/worker/questions/index.ts'
import { forwardOf, Run } from '../src/worker/run.ts'
import { wordsOf } from '../src/worker/words.ts'
import { specOf } from './networks.ts'

const input = { part: 'train', index: 2 } as const
const specText = (specOf('names-lstm').data as { text: string }).text
const plainly = { temperature: 1, topK: 0, topP: 1 }

beforeAll(async () => {
  await setBackend('wasm')
})

/** A network on the test's names, after some steps. */
async function taught(model?: LayerSpec, steps = 3): Promise<Live> {
  const spec = specOf(model ? 'names-lstm' : 'names-transformer')
  if (spec.data.kind !== 'text') throw new Error('no text')
  const live = new Live(new Run(0, model ? { ...spec, model } : spec, await textData(spec.data)))
  for (let i = 0; i < steps; i++) await live.run.advance()
  live.changed()
  return live
}

const recurrent = (kind: string, options: object = {}): LayerSpec => ({
  kind: 'sequential',
  layers: [
    { kind: 'embedding', count: 27, size: 5 },
    { kind, in: 5, hidden: 6, batchFirst: true, ...options },
    { kind: 'linear', in: 'bidirectional' in options ? 12 : 6, out: 27 },
  ],
})

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))

describe('gates', () => {
  test.each([
    ['lstm', {}],
    ['gru', {}],
    ['rnn', {}],
    ['lstm', { layers: 2, bidirectional: true }],
    ['gru', { layers: 2 }],
  ] as const)('of %s %o: every sum, bent, is the gate, and the memory follows', async (kind, options) => {
    const live = await taught(recurrent(kind, options))
    const { tracks, tokens } = await answerers.gates(live, { run: 0, module: '1', input })
    const steps = tracks[0].parts[0].numbers.shape[0]
    expect(steps).toBe(tokens.length)
    for (const track of tracks) {
      for (const time of [0, 2, steps - 1]) {
        const seen = await answerers.gateTerms(live, { run: 0, module: '1', input, track: track.name, time, unit: 4 })
        const { values, sums } = seen
        for (const { name, numbers } of track.parts) expect(values[name]).toBe(numbers.values[time * 6 + 4])
        const by = Object.fromEntries(sums.map((sum) => [sum.gate, sum]))
        for (const { gate, bend, fromInput, fromHidden, value, inputWeights, hiddenWeights, ...sum } of sums) {
          const x = seen.inputs.reduce((all, each, i) => all + each * inputWeights[i], sum.inputBias)
          const h = seen.hiddens.reduce((all, each, i) => all + each * hiddenWeights[i], sum.hiddenBias)
          expect(fromInput).toBeCloseTo(x, 5)
          expect(fromHidden).toBeCloseTo(h, 5)
          const whole = fromInput + (kind === 'gru' && gate === 'n' ? values.r * fromHidden : fromHidden)
          expect(value).toBeCloseTo(bend === 'sigmoid' ? sigmoid(whole) : Math.tanh(whole), 5)
        }
        if (kind === 'lstm') {
          const cell = by.f.value * seen.cellBefore + by.i.value * by.g.value
          expect(values.cell).toBeCloseTo(cell, 5)
          expect(values.hidden).toBeCloseTo(by.o.value * Math.tanh(cell), 5)
        } else if (kind === 'gru')
          expect(values.hidden).toBeCloseTo((1 - by.z.value) * by.n.value + by.z.value * seen.hiddens[4], 5)
      }
    }
    // The upper layer's output is the module's own.
    const { numbers } = (await answerers.activation(live, { run: 0, module: '1', input, aspect: 'value' })) as {
      numbers: { values: Float32Array; shape: readonly number[] }
    }
    const last = tracks.filter(({ name }) => name.startsWith(`l${'layers' in options ? 1 : 0}`))
    const hidden = last[0].parts.find(({ name }) => name === 'hidden')?.numbers.values as Float32Array
    for (let t = 0; t < steps; t++) expect(hidden[t * 6 + 4]).toBe(numbers.values[t * numbers.shape[1] + 4])
  })

  test.each(['lstm', 'rnn'])(
    'how far the error of one letter reaches back in %s, against the gradient itself',
    async (kind) => {
      const live = await taught(recurrent(kind), 0)
      const { run } = live
      const time = 3
      const seen = await answerers.reach(live, { run: 0, module: '1', input, time })
      const { targets } = await wordsOf(run, input)
      const [{ hidden, cell }] = seen.tracks
      // Nothing after the letter has a say, and what comes nearer has more of it.
      expect([...hidden.slice(time + 1)].every((size) => size === 0)).toBe(true)
      expect(cell?.length).toBe(kind === 'lstm' ? hidden.length : undefined)
      // At the letter itself the state is what the last layer is given.
      const layers = (run.model as nn.Sequential).modules()
      const head = layers.find((module) => module.config()?.kind === 'linear') as nn.Linear
      const { tracks } = await answerers.gates(live, { run: 0, module: '1', input })
      const states = tracks[0].parts.find(({ name }) => name === 'hidden')?.numbers.values as Float32Array
      const state = tensor(states.slice(time * 6, time * 6 + 6), { shape: [1, 6] })
      const slope = await compile((h: Tensor) => {
        const found = loss.crossEntropy(head.forward(h), tensor([targets[time]], { dtype: 'int32' }))
        return gradients(found, [h])[0] as Tensor
      })(state)
      expect(hidden[time]).toBeCloseTo(Math.hypot(...(await slope.data())), 5)
      expect(hidden[0]).toBeGreaterThan(0)
      expect(hidden[0]).toBeLessThan(hidden[time])
      const { output } = await live.probe.forward(await inputOf(run, input))
      const row = Float32Array.from(await output.data()).slice(time * 27, time * 27 + 27)
      const sum = row.reduce((all, score) => all + Math.exp(score), 0)
      expect(seen.loss).toBeCloseTo(Math.log(sum) - row[targets[time]], 4)
    },
  )

  test('of a layer that takes samples for time are refused, and the reason said', async () => {
    const live = await taught(recurrent('lstm', { batchFirst: false }), 0)
    await expect(answerers.gates(live, { run: 0, module: '1', input })).rejects.toThrow(/batchFirst/)
    await expect(answerers.gates(live, { run: 0, module: '0', input })).rejects.toThrow(/no recurrent layer/)
  })
})

describe('attention', () => {
  test('is the softmax of scaled products, and mixes the values', async () => {
    const live = await taught()
    const { modules, tokens } = await answerers.attention(live, { run: 0, input })
    expect(modules.map(({ path }) => path)).toEqual([
      'transformer.layers.0.self_attn',
      'transformer.layers.1.self_attn',
    ])
    const n = tokens.length
    const [{ path, weights }] = modules
    expect(weights.shape).toEqual([2, n, n])
    const inside = await answerers.attentionInside(live, { run: 0, module: path, input })
    expect(inside.weights.values).toEqual(weights.values)
    const [, , size] = inside.q.shape
    expect(inside.scale).toBeCloseTo(1 / Math.sqrt(size), 6)
    for (let head = 0; head < 2; head++) {
      for (let t = 0; t < n; t++) {
        const exps: number[] = []
        for (let s = 0; s < n; s++) {
          let dot = 0
          for (let k = 0; k < size; k++)
            dot += inside.q.values[(head * n + t) * size + k] * inside.keys.values[(head * n + s) * size + k]
          const score = inside.scores.values[(head * n + t) * n + s]
          if (s > t) expect(score).toBe(Number.NEGATIVE_INFINITY)
          else expect(score).toBeCloseTo(dot * inside.scale, 5)
          exps.push(Math.exp(score))
        }
        const sum = exps.reduce((a, b) => a + b, 0)
        for (let k = 0; k < size; k++) {
          let mixed = 0
          for (let s = 0; s < n; s++) {
            expect(weights.values[(head * n + t) * n + s]).toBeCloseTo(exps[s] / sum, 5)
            mixed += weights.values[(head * n + t) * n + s] * inside.values.values[(head * n + s) * size + k]
          }
          expect(inside.mixed.values[(head * n + t) * size + k]).toBeCloseTo(mixed, 5)
        }
      }
    }
  })

  test('adds to the stream of a letter, whose end is what the network says', async () => {
    const live = await taught()
    const { places } = await answerers.stream(live, { run: 0, input, time: 2 })
    expect(places.map(({ what }) => what)).toEqual([
      'embedding',
      'positions',
      ...Array.from({ length: 2 }, () => ['norm', 'attention', 'sum', 'norm', 'feed-forward', 'sum']).flat(),
      'norm',
    ])
    const [, placed, , attended, sum] = places
    sum.values.forEach((value, i) => {
      expect(value).toBeCloseTo(placed.values[i] + attended.values[i], 5)
    })
    const said = await answerers.letters(live, { run: 0, input })
    const lens = places.findLast(({ lens }) => lens)?.lens as Float32Array
    lens.forEach((share, k) => {
      expect(share).toBeCloseTo(said.probabilities.values[2 * 27 + k], 5)
    })
  })

  test('of an encoder that reads both ways is shown whole, and does not go on from a beginning', async () => {
    const live = await taught({
      kind: 'sequential',
      layers: [
        { kind: 'embedding', count: 27, size: 8 },
        { kind: 'transformerEncoder', width: 8, heads: 2, layers: 1, feedForward: 16, dropout: 0 },
        { kind: 'linear', in: 8, out: 27 },
      ],
    })
    const { tokens, modules } = await answerers.attention(live, { run: 0, input })
    expect(tokens).toHaveLength(12)
    expect(modules[0].weights.shape).toEqual([2, 12, 12])
    await expect(answerers.next(live, { run: 0, input, time: 1, choosing: plainly })).rejects.toThrow(/both directions/)
  })
})

describe('the next letter', () => {
  test('has the probabilities of the network, and its chances those of the library', async () => {
    const live = await taught(recurrent('gru'))
    const output = forwardOf(live.run.model, await inputOf(live.run, input))
    const scores = Float32Array.from(await output.data()).slice(27, 54)
    for (const choosing of [
      plainly,
      { temperature: 0.5, topK: 4, topP: 1 },
      { temperature: 1.5, topK: 0, topP: 0.6 },
    ]) {
      const { chances } = await answerers.next(live, { run: 0, input, time: 1, choosing })
      const expected = samplingProbabilities(scores, choosing)
      chances.forEach((chance, k) => {
        expect(chance).toBeCloseTo(expected[k], 4)
      })
    }
    const { losses, targets, probabilities } = await answerers.letters(live, { run: 0, input })
    expect(losses[1]).toBeCloseTo(-Math.log(probabilities.values[27 + targets[1]]), 5)
  })

  test('of a text of one’s own: its letters are known but for what follows the last', async () => {
    const live = await taught(recurrent('gru'))
    const values = Float32Array.from({ length: 12 }, (_, i) => [0, 3, 1][i] ?? 0)
    const { tokens, targets } = await answerers.letters(live, { run: 0, input: { values } })
    expect([...tokens]).toEqual([0, 3, 1])
    expect([...targets]).toEqual([3, 1, -1])
  })

  test.each(['recurrent', 'transformer'])('makes new texts as generate does, with a %s network', async (family) => {
    const live = await taught(family === 'recurrent' ? recurrent('lstm') : undefined, 40)
    const ask = { run: 0, beginning: Int32Array.of(0), count: 5, letters: 0, seed: 7, choosing: plainly }
    const { texts } = await answerers.invented(live, ask)
    const expected = await generate(
      live.run.model as unknown as Parameters<typeof generate>[0],
      Array.from({ length: 5 }, () => [0]),
      { seed: 7, context: 12, maxTokens: 12, stopTokens: [0] },
    )
    expect(texts.map(({ tokens }) => [...tokens])).toEqual(expected.map(({ tokens }) => [0, ...tokens]))
    expect((await answerers.invented(live, ask)).texts.map(({ text }) => text)).toEqual(texts.map(({ text }) => text))
    const one = await answerers.invented(live, { ...ask, count: 1, letters: 1, beginning: Int32Array.of(0, 3, 2) })
    expect(one.texts[0].tokens.length).toBeLessThanOrEqual(4)
  })

  test('a name that was learned by heart is found in the data', async () => {
    const live = await taught(recurrent('lstm'), 300)
    const { texts } = await answerers.invented(live, {
      run: 0,
      beginning: Int32Array.of(0),
      count: 20,
      letters: 0,
      seed: 1,
      choosing: { temperature: 0.5, topK: 0, topP: 1 },
    })
    const { inputs, trainCount, labels } = live.run.data
    const lines = (from: number, until: number): string[] =>
      Array.from({ length: until - from }, (_, i) => inputs.slice((from + i) * 12, (from + i + 1) * 12)).flatMap(
        (row) =>
          Array.from(row, (token) => (token === 0 ? ' ' : labels[token]))
            .join('')
            .split(' ')
            .slice(1, -1),
      )
    const [train, test] = [lines(0, trainCount), lines(trainCount, 12)]
    for (const { text, known, ended } of texts) {
      // A line whose end is the last letter of a sample counts too, so there may be more.
      if (train.includes(text) && ended) expect(known).toBe('train')
      else if (!test.includes(text) && !specText.includes(`\n${text}\n`)) expect(known).toBe(undefined)
    }
    expect(texts.some(({ known }) => known === 'train')).toBe(true)
  })
})
