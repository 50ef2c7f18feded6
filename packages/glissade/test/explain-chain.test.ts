/**
 * The chain rule term by term: for every kind of network the products add up to the library's gradient at each step
 * from a weight to the loss, at the level of operations, taps and modules; and gradients agree with finite differences.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type ChainRule,
  chainRule,
  type Level,
  loss,
  manualSeed,
  nn,
  random,
  setBackend,
  type Tensor,
  type Terms,
  tensor,
} from '../src/index.ts'
import { generator } from './opinfo/common.ts'

beforeAll(async () => {
  await setBackend('reference')
})
afterAll(async () => {
  await setBackend('reference')
})

/** Rounding of float32, relative to the sum of the terms' sizes: some sums of a gradient are hundreds of numbers long. */
const float32 = 3e-6

const sizes = ({ terms }: Terms): number => terms.reduce((sum, { product }) => sum + Math.abs(product), 0)

/** Follows `branches` of the terms at each step down to the loss; returns how many sums were checked. */
function follow(story: ChainRule, start: string, element: number, level: Level, branches = 2): number {
  const next = generator(element + 1)
  let checked = 0
  const visit = (id: number, at: number, depth: number): void => {
    const found = story.terms(id, at, { level, limit: Number.POSITIVE_INFINITY })
    if (id !== story.loss) {
      expect(Math.abs(found.sum - found.gradient), `${start} at ${id}`).toBeLessThanOrEqual(
        float32 * sizes(found) + 1e-12,
      )
      if (found.gradient !== 0) expect(found.terms.length).toBeGreaterThan(0)
    }
    checked++
    expect(depth).toBeLessThan(400)
    const { terms } = found
    for (let branch = 0; branch < Math.min(depth < 2 ? branches : 1, terms.length); branch++) {
      const term = terms[branch === 0 ? 0 : Math.floor(next() * terms.length)]
      expect(term.product).toBe(term.local * term.upstream)
      expect(term.upstream).toBe(story.gradient(term.id)[term.element])
      expect(term.id).toBeGreaterThan(id)
      visit(term.id, term.element, depth + 1)
    }
    if (terms.length === 0 && found.gradient !== 0) expect(id).toBe(story.loss)
  }
  visit(story.find(start), element, 0)
  return checked
}

interface Network {
  readonly model: nn.Module
  readonly loss: () => Tensor
}

const labels = (...values: number[]): Tensor => tensor(values, { dtype: 'int32' })

const networks: Record<string, () => Network> = {
  mlp: () => {
    const model = nn.sequential(
      nn.linear(3, 4),
      nn.relu(),
      nn.dropout(0.3),
      nn.linear(4, 4),
      nn.gelu(),
      nn.linear(4, 3),
    )
    const x = random.normal([5, 3])
    return { model, loss: () => loss.crossEntropy(model.forward(x), labels(0, 1, 2, 1, 0)) }
  },
  cnn: () => {
    const model = nn.sequential({
      conv: nn.conv2d(1, 3, 3, { padding: 1 }),
      norm: nn.batchNorm2d(3),
      act: nn.relu(),
      pool: nn.maxPool2d(2),
      deep: nn.conv2d(3, 4, 3, { stride: 2 }),
      bend: nn.sigmoid(),
      mean: nn.avgPool2d(2, { stride: 1 }),
      flat: nn.flatten(),
      head: nn.linear(4, 2),
    })
    const x = random.normal([3, 1, 12, 12])
    return { model, loss: () => loss.crossEntropy(model.forward(x), labels(0, 1, 1)) }
  },
  rnn: () => recurrent(nn.rnn(3, 4)),
  lstm: () => recurrent(nn.lstm(3, 4, { layers: 2 })),
  gru: () => recurrent(nn.gru(3, 4, { bidirectional: true })),
  transformer: () => {
    const model = nn.languageModel({
      vocab: 7,
      width: 8,
      heads: 2,
      layers: 2,
      feedForward: 12,
      context: 6,
      positions: 'rotary',
    })
    const tokens = tensor(
      [
        [1, 2, 3, 4],
        [0, 6, 5, 1],
      ],
      { dtype: 'int32' },
    )
    const next = tensor(
      [
        [2, 3, 4, 5],
        [6, 5, 1, 0],
      ],
      { dtype: 'int32' },
    )
    return { model, loss: () => loss.crossEntropy(model.forward(tokens).reshape([8, 7]), next.reshape([8])) }
  },
}

function recurrent(layer: nn.LSTM | nn.GRU | nn.RNN): Network {
  class Reader extends nn.Module {
    readonly embedding = nn.embedding(5, 3)
    readonly layer = layer
    readonly head = nn.linear(4 * (layer.bidirectional ? 2 : 1), 2)
    forward(x: Tensor): Tensor {
      return this.head.forward(this.layer.forward(this.embedding.forward(x)).output.mean(1))
    }
  }
  const model = new Reader()
  const x = tensor(
    [
      [0, 3, 1],
      [4, 2, 2],
    ],
    { dtype: 'int32' },
  )
  return { model, loss: () => loss.crossEntropy(model.forward(x), labels(0, 1)) }
}

const steps = 'layer.*.hidden'
const strides: Record<string, string> = { rnn: steps, lstm: steps, gru: steps, transformer: 'transformer.layers.*' }

const make = (name: string): Network => {
  manualSeed(11)
  return networks[name]()
}

describe.each(['reference', 'wasm'] as const)('on %s the terms add up', (backend) => {
  it.each(Object.keys(networks))('for %s, from every weight down to the loss', { timeout: 60_000 }, async (name) => {
    await setBackend(backend)
    const { model, loss: value } = make(name)
    const story = await chainRule(value)
    let checked = 0
    for (const [parameter, { size }] of model.namedParameters()) {
      for (const element of new Set([0, size >> 1, size - 1])) {
        checked += follow(story, parameter, element, 'operations')
        if (backend === 'wasm') continue
        checked += follow(story, parameter, element, 'modules')
        checked += follow(story, parameter, element, 'taps')
        // A block of the network, or a step of the loop, at a stride.
        const names = strides[name]
        if (names) checked += follow(story, parameter, element, { names })
      }
    }
    expect(checked).toBeGreaterThan(50)
    await setBackend('reference')
  })
})

describe('gradients', () => {
  it.each(Object.keys(networks))('of %s agree with finite differences', { timeout: 60_000 }, async (name) => {
    const { model, loss: value } = make(name)
    const story = await chainRule(value)
    for (const [parameter, { size }] of model.namedParameters()) {
      for (const element of new Set([0, size - 1])) {
        const check = story.check(parameter, element)
        expect(check.kink).toBe(false)
        expect(check.error, parameter).toBeLessThan(1e-4)
        expect(Math.abs(check.gradient - check.exact)).toBeLessThan(1e-6)
      }
    }
  })
})
