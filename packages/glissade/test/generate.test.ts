/**
 * Generation: what is drawn with which probability, greedy and beam search against all texts there are, and caches,
 * batches, streams and states that change no token.
 */
import { beforeAll, describe, expect, it } from 'vitest'
import { evaluate } from '../src/backends/reference/reference.ts'
import { tensor, zeros } from '../src/create.ts'
import { drawFor, logSoftmaxOf, samplingProbabilities, tokenAt } from '../src/generate/sampling.ts'
import { type Generated, type GenerativeModel, generate, generateStream, nn, setBackend } from '../src/index.ts'
import { manualSeed } from '../src/random.ts'
import type { Tensor } from '../src/tensor.ts'

beforeAll(async () => {
  await setBackend('wasm', { threads: 1 })
})

/** Scores that depend on the last token alone: row i are those after token i. */
const table = [
  [0.1, 2, -1, 0.5],
  [1, -0.5, 0.3, 0.2],
  [-2, 0.4, 0.6, 1.5],
  [0.7, 0.1, 0.9, -3],
]
const markov = (tokens: Tensor): Tensor => tensor(table).take(tokens)

/** All texts of at most `most` tokens, and the stop token's probability where one ends with it. */
function allTexts(start: number, most: number, stop: number): { tokens: number[]; sum: number; length: number }[] {
  const found: { tokens: number[]; sum: number; length: number }[] = []
  const visit = (last: number, tokens: number[], sum: number): void => {
    const rows = logSoftmaxOf(table[last])
    for (let token = 0; token < rows.length; token++) {
      const next = sum + rows[token]
      if (token === stop) found.push({ tokens, sum: next, length: tokens.length + 1 })
      else if (tokens.length + 1 === most) found.push({ tokens: [...tokens, token], sum: next, length: most })
      else visit(token, [...tokens, token], next)
    }
  }
  visit(start, [], 0)
  return found
}

/**
 * A beam search that never ends early unless it is told to: at each step all continuations are sorted. A text that ends
 * counts if it is among the first `beams`.
 */
function searchByHand(
  rows: readonly number[][],
  start: number,
  options: { beams: number; maxTokens: number; stopTokens: number; lengthPenalty: number; earlyStopping: boolean },
): { tokens: number[]; score: number }[] {
  const { beams: width, maxTokens, stopTokens: stop, lengthPenalty, earlyStopping } = options
  let beams = [{ tokens: [] as number[], sum: 0 }]
  const ended: { tokens: number[]; score: number }[] = []
  for (let length = 1; length <= maxTokens; length++) {
    const next = beams
      .flatMap(({ tokens, sum }) =>
        [...logSoftmaxOf(rows[tokens.at(-1) ?? start])].map((own, token) => ({ tokens, token, sum: sum + own })),
      )
      .sort((a, b) => b.sum - a.sum)
    const scored = (sum: number): number => sum / length ** lengthPenalty
    for (const { tokens, token, sum } of next.slice(0, width)) {
      if (token === stop) ended.push({ tokens, score: scored(sum) })
    }
    beams = next
      .filter(({ token }) => token !== stop)
      .slice(0, width)
      .map(({ tokens, token, sum }) => ({ tokens: [...tokens, token], sum }))
    if (earlyStopping && ended.length >= width) break
    if (length === maxTokens) ended.push(...beams.map(({ tokens, sum }) => ({ tokens, score: scored(sum) })))
  }
  return ended.sort((a, b) => b.score - a.score)
}

/** A small model with random weights, large enough that its scores differ. */
function smallModel(options: Partial<nn.LanguageModelOptions> = {}): nn.LanguageModel {
  manualSeed(7)
  const model = nn.languageModel({ vocab: 9, width: 8, layers: 2, heads: 2, context: 24, dropout: 0.3, ...options })
  for (const parameter of model.parameters()) {
    if (parameter.rank === 2) parameter.write(evaluate([parameter])[0].data.map((value) => value * 25))
  }
  return model
}

/** Scores for what follows each token, of the whole text at once, in float64. */
function scoresOf(model: nn.LanguageModel, tokens: readonly number[]): Float64Array[] {
  model.eval()
  const [{ data }] = evaluate([model.forward(tensor([tokens], { dtype: 'int32' }))])
  model.train()
  const vocab = data.length / tokens.length
  return tokens.map((_, t) => data.slice(t * vocab, (t + 1) * vocab))
}

const argMax = (scores: ArrayLike<number>): number => Array.from(scores).indexOf(Math.max(...Array.from(scores)))

function greedyByHand(model: nn.LanguageModel, prompt: readonly number[], count: number): number[] {
  const tokens = [...prompt]
  for (let i = 0; i < count; i++) tokens.push(argMax(scoresOf(model, tokens)[tokens.length - 1]))
  return tokens.slice(prompt.length)
}

const closeTo = (received: ArrayLike<number>, expected: readonly number[], digits = 12): void => {
  expect(received.length).toBe(expected.length)
  expected.forEach((value, i) => {
    expect(received[i]).toBeCloseTo(value, digits)
  })
}

describe('probabilities', () => {
  // Of these scores: 0.5, 0.25, 0.125, 0.125.
  const scores = [0.5, 0.25, 0.125, 0.125].map(Math.log)

  it('are the softmax of the scores, at any temperature', () => {
    closeTo(samplingProbabilities(scores), [0.5, 0.25, 0.125, 0.125])
    // Squared and scaled: 16, 4, 1, 1 of 22.
    closeTo(samplingProbabilities(scores, { temperature: 0.5 }), [16 / 22, 4 / 22, 1 / 22, 1 / 22])
    closeTo(samplingProbabilities(scores, { temperature: 0 }), [1, 0, 0, 0])
    closeTo(samplingProbabilities([1000, 999, -1000]), [1 / (1 + Math.exp(-1)), Math.exp(-1) / (1 + Math.exp(-1)), 0])
  })

  it('topK keeps the k likeliest, and ties with the last of them', () => {
    closeTo(samplingProbabilities(scores, { topK: 2 }), [2 / 3, 1 / 3, 0, 0])
    closeTo(samplingProbabilities(scores, { topK: 3 }), [0.5, 0.25, 0.125, 0.125])
    closeTo(samplingProbabilities(scores, { topK: 9 }), [0.5, 0.25, 0.125, 0.125])
    closeTo(samplingProbabilities(scores, { topK: 1, temperature: 3 }), [1, 0, 0, 0])
  })

  it('topP keeps the fewest that add up to it, and at least one', () => {
    closeTo(samplingProbabilities(scores, { topP: 0.6 }), [2 / 3, 1 / 3, 0, 0])
    closeTo(samplingProbabilities(scores, { topP: 0.4 }), [1, 0, 0, 0])
    closeTo(samplingProbabilities(scores, { topP: 0 }), [1, 0, 0, 0])
    closeTo(samplingProbabilities(scores, { topP: 0.8 }), [4 / 7, 2 / 7, 1 / 7, 0])
    closeTo(samplingProbabilities(scores, { topP: 1 }), [0.5, 0.25, 0.125, 0.125])
    // 0.5 is reached by the first alone.
    closeTo(samplingProbabilities([0, Math.log(0.5), Math.log(0.5)], { topP: 0.5 }), [1, 0, 0])
    // After topK two are left, with 2/3 and 1/3: the order counts.
    closeTo(samplingProbabilities(scores, { topK: 2, topP: 0.66 }), [1, 0, 0, 0])
  })

  it('minP keeps those of a share of the likeliest', () => {
    closeTo(samplingProbabilities(scores, { minP: 0.5 }), [2 / 3, 1 / 3, 0, 0])
    closeTo(samplingProbabilities(scores, { minP: 0.25 }), [0.5, 0.25, 0.125, 0.125])
  })

  it('a repetition penalty divides positive scores and multiplies negative ones, once for each token', () => {
    const given = [2, -1, 0.5, 0]
    const expected = [2 / 1.5, -1 * 1.5, 0.5, 0].map(Math.exp)
    const sum = expected.reduce((a, b) => a + b)
    closeTo(
      samplingProbabilities(given, { repetitionPenalty: 1.5 }, [1, 0, 0, 1, 3]),
      expected.map((value) => value / sum),
    )
    expect(given).toEqual([2, -1, 0.5, 0])
  })

  it('adjust comes first', () => {
    const adjust = (own: Float64Array, tokens: readonly number[]): void => {
      own[tokens[0]] = Number.NEGATIVE_INFINITY
    }
    closeTo(samplingProbabilities(scores, { adjust, topK: 1 }, [0]), [0, 1, 0, 0])
  })

  it('are those with which tokens are drawn', () => {
    const probabilities = samplingProbabilities(scores, { topP: 0.8 })
    const draws = 20_000
    const counts = [0, 0, 0, 0]
    for (let step = 0; step < draws; step++) counts[tokenAt(probabilities, drawFor(3, 1, step))]++
    // The deviation of a share is at most sqrt(1/4 / 20,000) = 0.0035; five of them.
    counts.forEach((count, i) => {
      expect(Math.abs(count / draws - probabilities[i])).toBeLessThan(0.018)
    })
    expect(counts[3]).toBe(0)
    expect(tokenAt([0, 0.5, 0.5, 0], 0)).toBe(1)
    expect(tokenAt([0, 0.5, 0.5, 0], 0.5)).toBe(2)
    expect(tokenAt([0, 0.5, 0.4999, 0], 0.99999)).toBe(2)
  })
})

describe('a Markov chain', () => {
  it('is continued with the frequencies of its table', async () => {
    const prompts = Array.from({ length: 300 }, () => [1])
    const found = await generate(markov, prompts, { maxTokens: 1, seed: 5 })
    const expected = samplingProbabilities(table[1])
    for (let token = 0; token < 4; token++) {
      const share = found.filter(({ tokens }) => tokens[0] === token).length / prompts.length
      // Five deviations of at most sqrt(1/4 / 300).
      expect(Math.abs(share - expected[token])).toBeLessThan(0.145)
    }
    for (const { tokens, logProbability } of found) {
      expect(logProbability).toBeCloseTo(Math.log(expected[tokens[0]]), 5)
    }
  })

  it('ends at a stop token, not before minTokens, and not after maxTokens', async () => {
    const greedy = { temperature: 0, maxTokens: 6 }
    expect((await generate(markov, [0], greedy)).tokens).toEqual([1, 0, 1, 0, 1, 0])
    const stopped = await generate(markov, [0], { ...greedy, stopTokens: [0] })
    expect(stopped).toMatchObject({ tokens: [1], finish: 'stop' })
    const sum = logSoftmaxOf(table[0])[1] + logSoftmaxOf(table[1])[0]
    expect(stopped.logProbability).toBeCloseTo(sum, 5)
    const later = await generate(markov, [0], { ...greedy, stopTokens: 0, minTokens: 3 })
    expect(later).toMatchObject({ tokens: [1, 2, 3, 2, 3, 2], finish: 'length' })
    expect((await generate(markov, [[0], [1]], { ...greedy, stopTokens: 0 })).map(({ tokens }) => tokens)).toEqual([
      [1],
      [],
    ])
  })

  it('is searched to the end by as many beams as there are texts', async () => {
    const formulas = [
      { lengthPenalty: 1, of: (n: number) => n },
      { lengthPenalty: 0, of: () => 1 },
      { lengthPenalty: 2, of: (n: number) => n * n },
      { lengthPenalty: -1, of: (n: number) => 1 / n },
      { lengthPenalty: 0.6, lengthFormula: 'gnmt', of: (n: number) => ((5 + n) / 6) ** 0.6 },
    ] as const
    for (const start of [0, 1, 2]) {
      for (const { of, ...options } of formulas) {
        const ranked = allTexts(start, 4, 3)
          .map(({ tokens, sum, length }) => ({ tokens, score: sum / of(length) }))
          .sort((a, b) => b.score - a.score)
        const found = await generate(markov, [start], { beams: 64, maxTokens: 4, stopTokens: 3, ...options })
        expect(found.tokens).toEqual(ranked[0].tokens)
        expect(found.score).toBeCloseTo(ranked[0].score, 5)
        const others = (found.alternatives ?? []).slice(0, 5)
        others.forEach(({ tokens, score }, i) => {
          expect(score).toBeCloseTo(ranked[i + 1].score, 5)
          expect(tokens.length).toBeLessThanOrEqual(4)
        })
      }
    }
  })

  it('with few beams is followed as a plain search in lists follows it', async () => {
    const vocab = 5
    for (let seed = 0; seed < 12; seed++) {
      const rows = Array.from({ length: vocab }, (_, i) =>
        Array.from({ length: vocab }, (_, j) => 4 * drawFor(seed, i, j)),
      )
      const model = (tokens: Tensor): Tensor => tensor(rows).take(tokens)
      for (const width of [2, 3]) {
        for (const lengthPenalty of [0, 1, 2]) {
          for (const earlyStopping of [false, true]) {
            const options = { beams: width, maxTokens: 7, stopTokens: 4, lengthPenalty, earlyStopping }
            const found = await generate(model, [seed % 4], options)
            const [best] = searchByHand(rows, seed % 4, options)
            expect({ seed, width, lengthPenalty, earlyStopping, tokens: found.tokens }).toEqual({
              ...{ seed, width, lengthPenalty, earlyStopping },
              tokens: best.tokens,
            })
            expect(found.score).toBeCloseTo(best.score, 4)
          }
        }
      }
    }
  })

  it('a search with one beam more never finds less, and one beam is greedy', async () => {
    const scores = await Promise.all(
      [2, 3, 8].map(async (beams) => (await generate(markov, [2], { beams, maxTokens: 6, stopTokens: 0 })).score ?? 0),
    )
    expect(scores[2]).toBeGreaterThanOrEqual(scores[0] - 1e-6)
    const greedy = await generate(markov, [2], { beams: 1, temperature: 0, maxTokens: 6 })
    expect(greedy.tokens).toEqual([3, 2, 3, 2, 3, 2])
  })
})

describe('a language model', () => {
  for (const positions of ['learned', 'sinusoidal', 'rotary', 'alibi', 'none'] as const) {
    it(`with ${positions} positions gives the same greedy tokens with its cache as read whole`, async () => {
      const model = smallModel({ positions, kvHeads: positions === 'rotary' ? 1 : 2 })
      const prompts = [[1, 2, 3], [4], [5, 6, 7, 8, 0, 1, 2]]
      const expected = prompts.map((prompt) => greedyByHand(model, prompt, 8))
      // A batch of different lengths, each row as if alone; and without a cache, as a function.
      const cached = await generate(model, prompts, { temperature: 0, maxTokens: 8 })
      expect(cached.map(({ tokens }) => tokens)).toEqual(expected)
      model.eval()
      const whole = await generate((tokens: Tensor) => model.forward(tokens), prompts, { temperature: 0, maxTokens: 8 })
      expect(whole.map(({ tokens }) => tokens)).toEqual(expected)
      whole.forEach(({ logProbability }, row) => {
        expect(cached[row].logProbability).toBeCloseTo(logProbability, 3)
      })
    })
  }

  it('draws the same from the same seed, in any batch, and something else from another', async () => {
    const model = smallModel()
    const options = { maxTokens: 12, temperature: 1.5, seed: 11 }
    const alone = await generate(model, [1, 2], options)
    const again = await generate(model, [[1, 2], [3]], options)
    expect(again[0]).toEqual(alone)
    expect((await generate(model, [1, 2], { ...options, seed: 12 })).tokens).not.toEqual(alone.tokens)
    expect(model.training).toBe(true)
  })

  it('streams what it would give at once, and can be left', async () => {
    const model = smallModel()
    const options = { maxTokens: 6, seed: 2 }
    const rows: number[][] = [[], []]
    for await (const { row, token } of generateStream(model, [[1], [2, 3]], options)) rows[row].push(token)
    expect(rows).toEqual((await generate(model, [[1], [2, 3]], options)).map(({ tokens }) => tokens))
    const taken: number[] = []
    for await (const { token } of generateStream(model, [2, 3], options)) {
      taken.push(token)
      if (taken.length === 2) break
    }
    expect(taken).toHaveLength(2)
    // Two at once keep out of each other's cache.
    const prompts = [
      [1, 2],
      [5, 6],
    ]
    const both = await Promise.all(prompts.map((prompt) => generate(model, prompt, options)))
    for (const [i, prompt] of prompts.entries()) expect(both[i]).toEqual(await generate(model, prompt, options))
  })

  it('ends where a signal says so', async () => {
    const stop = new AbortController()
    const model = smallModel()
    const steps = generateStream(model, [[1], [2]], { maxTokens: 9, signal: stop.signal })
    const first = await steps.next()
    expect(first.value).toMatchObject({ row: 0 })
    stop.abort()
    expect((await steps.next()).value).toMatchObject({ row: 1 })
    expect(await steps.next()).toMatchObject({
      done: true,
      value: [
        { finish: 'signal', tokens: { length: 1 } },
        { finish: 'signal', tokens: { length: 1 } },
      ],
    })
    expect(await generate(markov, [1], { beams: 2, maxTokens: 9, signal: stop.signal })).toMatchObject({
      finish: 'signal',
      tokens: { length: 1 },
    })
  })

  it('follows a change of its weights', async () => {
    const model = smallModel()
    const before = await generate(model, [1], { temperature: 0, maxTokens: 5 })
    model.embedding.weight.write(evaluate([model.embedding.weight])[0].data.reverse())
    const after = await generate(model, [1], { temperature: 0, maxTokens: 5 })
    expect(after.tokens).toEqual(greedyByHand(model, [1], 5))
    expect(after.tokens).not.toEqual(before.tokens)
  })

  it('stops at the end of its context, or slides on', async () => {
    const model = smallModel({ context: 8 })
    const prompt = [1, 2, 3]
    const stopped = await generate(model, prompt, { temperature: 0, maxTokens: 20 })
    // The eighth token of the text is read, and gives a ninth.
    expect(stopped).toMatchObject({ finish: 'length', tokens: greedyByHand(model, prompt, 6) })
    const slid = await generate(model, prompt, { temperature: 0, maxTokens: 12, overflow: 'slide' })
    expect(slid.tokens).toHaveLength(12)
    expect(slid.tokens.slice(0, 6)).toEqual(stopped.tokens)
    // Of nine tokens the last four are read anew.
    const text = [...prompt, ...stopped.tokens]
    expect(slid.tokens.slice(6, 9)).toEqual(greedyByHand(model, text.slice(-4), 3))
  })

  it('searched with beams gives the likeliest text, cache rows following their beams', async () => {
    const model = smallModel({ vocab: 4 })
    const all: { tokens: number[]; sum: number }[] = []
    const visit = (tokens: number[], sum: number): void => {
      if (tokens.length === 3) {
        all.push({ tokens, sum })
        return
      }
      const scores = scoresOf(model, [2, 1, ...tokens])
      const own = logSoftmaxOf(scores[scores.length - 1])
      for (let token = 0; token < 4; token++) visit([...tokens, token], sum + own[token])
    }
    visit([], 0)
    all.sort((a, b) => b.sum - a.sum)
    const [first, second] = await generate(model, [[2, 1], [3]], { beams: 16, maxTokens: 3 })
    const found = [first, ...(first.alternatives ?? [])]
    expect(found.map(({ tokens }) => tokens)).toEqual(all.slice(0, 16).map(({ tokens }) => tokens))
    found.forEach(({ logProbability }, i) => {
      expect(logProbability).toBeCloseTo(all[i].sum, 4)
    })
    expect(second).toEqual(await generate(model, [3], { beams: 16, maxTokens: 3 }))
  })

  it('reads and writes text with a tokenizer, also as it comes', async () => {
    const letters = 'abcdefghi'
    const tokenizer = {
      encode: (text: string) => [...text].map((letter) => letters.indexOf(letter)),
      decode: (tokens: readonly number[]) => tokens.map((token) => letters[token]).join(''),
    }
    const model = smallModel()
    const { text, tokens } = await generate(model, 'abc', { tokenizer, maxTokens: 5 })
    expect(text).toBe(tokenizer.decode(tokens))
    expect(tokens).toEqual((await generate(model, [0, 1, 2], { maxTokens: 5 })).tokens)
    let streamed = ''
    for await (const piece of generateStream(model, 'abc', { tokenizer, maxTokens: 5 })) streamed += piece.text
    expect(streamed).toBe(text)
  })
})

describe('a model with a state', () => {
  /** Adds up all tokens: the scores say the sum modulo 5. */
  const adding = {
    init: (rows: number) => ({ sum: zeros([rows, 1], 'int32') }),
    step: (token: Tensor, { sum }: { sum: Tensor }) => {
      const next = sum.add(token.reshape([token.size, 1]))
      return { logits: next.squeeze(1).mod(5).oneHot(5).mul(10), state: { sum: next } }
    },
  }

  it('reads prompts of different lengths each to its own end', async () => {
    const found = await generate(adding, [[1, 2], [4, 4, 4], [3]], { temperature: 0, maxTokens: 4 })
    const byHand = (prompt: number[]): number[] => {
      let sum = prompt.reduce((a, b) => a + b)
      return [0, 1, 2, 3].map(() => {
        const token = sum % 5
        sum += token
        return token
      })
    }
    expect(found.map(({ tokens }) => tokens)).toEqual([[1, 2], [4, 4, 4], [3]].map(byHand))
    const [search] = await generate(adding, [[1, 2], [4]], { beams: 3, maxTokens: 4 })
    expect(search.tokens).toEqual(byHand([1, 2]))
  })

  it('is what an LSTM is, with the same tokens as read whole', async () => {
    manualSeed(4)
    class Net extends nn.Module {
      embedding = nn.embedding(7, 6)
      lstm = nn.lstm(6, 8, { layers: 2, dropout: 0.3 })
      head = nn.linear(8, 7)
      forward(tokens: Tensor): Tensor {
        return this.head.forward(this.lstm.forward(this.embedding.forward(tokens)).output)
      }
    }
    const net = new Net()
    net.head.weight.write(evaluate([net.head.weight])[0].data.map((value) => value * 20))
    const stepwise = {
      module: net,
      stateAxis: 1,
      init: (rows: number) => ({ h: zeros([2, rows, 8]), c: zeros([2, rows, 8]) }),
      step: (token: Tensor, before: nn.LSTMState) => {
        const { output, state } = net.lstm.forward(net.embedding.forward(token.unsqueeze(1)), { state: before })
        return { logits: net.head.forward(output.squeeze(1)), state }
      },
    }
    const prompts = [[1, 2, 3], [4], [5, 6]]
    const options = { maxTokens: 8, seed: 3 }
    const found = await generate(stepwise, prompts, options)
    const whole = await generate(net, prompts, options)
    expect(found.map(({ tokens }) => tokens)).toEqual(whole.map(({ tokens }) => tokens))
    found.forEach(({ logProbability }, row) => {
      expect(logProbability).toBeCloseTo(whole[row].logProbability, 4)
    })
    const search = { maxTokens: 5, beams: 4 }
    expect((await generate(stepwise, [1, 2], search)).tokens).toEqual((await generate(net, [1, 2], search)).tokens)
  })

  it('may have its rows on another axis', async () => {
    const across = {
      stateAxis: 1,
      init: (rows: number) => zeros([2, rows], 'int32'),
      step: (token: Tensor, state: Tensor) => {
        const next = state.add(token)
        return {
          logits: next
            .slice([[1, 2]])
            .squeeze(0)
            .mod(5)
            .oneHot(5)
            .mul(10),
          state: next,
        }
      },
    }
    const options = { temperature: 0, maxTokens: 4 }
    expect(await generate(across, [[1, 2], [4]], options)).toEqual(await generate(adding, [[1, 2], [4]], options))
  })
})

describe('a translator', () => {
  it('gives the same with its caches as read whole, for sources of different lengths', async () => {
    manualSeed(3)
    const model = nn.translationModel({
      ...{ sourceVocab: 8, targetVocab: 7, width: 8, heads: 2, encoderLayers: 1, decoderLayers: 2 },
      ...{ feedForward: 16, context: 12, dropout: 0.2 },
    })
    for (const parameter of model.parameters()) {
      if (parameter.rank === 2) parameter.write(evaluate([parameter])[0].data.map((value) => value * 2))
    }
    const sources = [[1, 2, 3, 4], [5], [6, 7]]
    model.eval()
    const byHand = sources.map((source) => {
      const target = [1]
      let sum = 0
      for (let i = 0; i < 6; i++) {
        const [{ data }] = evaluate([
          model.forward(tensor([source], { dtype: 'int32' }), tensor([target], { dtype: 'int32' })),
        ])
        const scores = data.slice(-7)
        target.push(argMax(scores))
        sum += logSoftmaxOf(scores)[argMax(scores)]
      }
      return { tokens: target.slice(1), sum }
    })
    model.train()
    const options = { startToken: 1, maxTokens: 6, temperature: 0 }
    const found = await generate(model, sources, options)
    expect(found.map(({ tokens }) => tokens)).toEqual(byHand.map(({ tokens }) => tokens))
    found.forEach(({ logProbability }, row) => {
      expect(logProbability).toBeCloseTo(byHand[row].sum, 4)
    })
    // Alone or among others, a product may add up in another order.
    const { logProbability, ...alone } = await generate(model, sources[1], options)
    const { logProbability: among, ...other } = found[1]
    expect(alone).toEqual(other)
    expect(logProbability).toBeCloseTo(among, 5)
    const search = await generate(model, sources, { startToken: 1, maxTokens: 4, beams: 3 })
    const greedy = await generate(model, sources, { ...options, maxTokens: 4 })
    search.forEach(({ logProbability }, row) => {
      expect(logProbability).toBeGreaterThanOrEqual(greedy[row].logProbability - 1e-4)
    })
  })
})

describe('what is refused', () => {
  const refused = async (call: () => Promise<Generated | Generated[]>, message: RegExp): Promise<void> => {
    await expect(call()).rejects.toThrow(message)
  }

  it('options that make no sense', async () => {
    const run =
      (options: object, model: GenerativeModel = markov) =>
      () =>
        generate(model, [1], options)
    await refused(run({ temperature: -1 }), /temperature: received -1; expected a number from 0/)
    await refused(run({ temperature: Number.NaN }), /temperature: received NaN/)
    await refused(run({ topK: 1.5 }), /topK: received 1.5/)
    await refused(run({ topP: 2 }), /topP: received 2; expected 0 to 1/)
    await refused(run({ minP: -0.1 }), /minP: received -0.1/)
    await refused(run({ repetitionPenalty: 0 }), /repetitionPenalty: received 0/)
    await refused(run({ maxTokens: 0 }), /maxTokens: received 0/)
    await refused(run({ beams: 2, topK: 3 }), /topK: received 3 with 2 beams/)
    await refused(run({ lengthFormula: 'sum' }), /lengthFormula: received sum; expected one of mean, gnmt/)
    await refused(run({ overflow: 'wrap' }), /overflow: received wrap/)
    const stream = generateStream(markov, [1], { beams: 2 })
    await expect(stream.next()).rejects.toThrow(/generateStream: beams: received 2/)
  })

  it('prompts that make no sense', async () => {
    const model = smallModel({ context: 4 })
    await refused(() => generate(model, []), /prompt: received no prompts/)
    await refused(() => generate(model, [[1], []]), /received an empty prompt/)
    await refused(() => generate(model, [-1]), /prompt token: received -1/)
    await refused(() => generate(model, 'abc'), /received text; expected tokens, or a tokenizer/)
    await refused(() => generate(model, [1, 2, 3, 4, 5]), /received 5 tokens; expected at most 4/)
    await refused(() => generate(model, [9]), /value 9 at position 0 is out of range; expected 0 to 8/)
    expect((await generate(model, [1, 2, 3, 4, 5], { overflow: 'slide', maxTokens: 2 })).tokens).toHaveLength(2)
    expect(model.training).toBe(true)
  })

  it('models that give no scores', async () => {
    await refused(() => generate((tokens: Tensor) => tokens.cast('float32'), [1]), /expected \[1, 1, V\]/)
    const broken = (tokens: Tensor): Tensor => markov(tokens).mul(Number.NaN)
    await refused(() => generate(broken, [1]), /scores: received NaN/)
    await refused(() => generate(broken, [1], { beams: 2 }), /scores: received NaN/)
    const growing = {
      init: (rows: number) => zeros([rows, 1]),
      step: (_: Tensor, state: Tensor) => ({ logits: state, state: state.repeat([1, 2]) }),
    }
    await refused(() => generate(growing, [1]), /received state \[1, 2\] after a step; expected state \[1, 1\]/)
    const model = nn.translationModel({
      ...{ sourceVocab: 8, targetVocab: 7, width: 8, heads: 2, encoderLayers: 1, decoderLayers: 1, context: 4 },
    })
    await refused(() => generate(model, [1]), /startToken: received none/)
    await refused(() => generate(model, [1, 2, 3, 4, 5], { startToken: 1 }), /source: received 5 tokens/)
  })
})
