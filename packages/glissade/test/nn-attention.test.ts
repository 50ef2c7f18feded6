/** Attention beyond its numbers (those: golden-attention): masks, caches, positions, names, and what is refused. */
import { describe, expect, it } from 'vitest'
import { gradients } from '../src/autodiff/gradients.ts'
import { evaluate } from '../src/backends/reference/reference.ts'
import { ones, tensor, zeros } from '../src/create.ts'
import { GlissadeError } from '../src/errors.ts'
import { capture, compile, nn, random, setBackend } from '../src/index.ts'
import { manualSeed } from '../src/random.ts'
import type { Tensor } from '../src/tensor.ts'

const { alibiBias, alibiSlopes, rotary, scaledDotProductAttention, sinusoids } = nn.functional

const numbers = (t: Tensor): number[] => [...evaluate([t])[0].data]
const draw = (...shape: number[]): Tensor => tensor(numbers(random.normal(shape)), { shape })
const ints = (...values: number[]): Tensor => tensor(values, { dtype: 'int32' })
const flags = (...rows: number[][]): Tensor => tensor(rows, { dtype: 'bool' })

function expectNear(received: Tensor, expected: Tensor, digits = 6): void {
  expect(received.shape).toEqual(expected.shape)
  const right = numbers(expected)
  numbers(received).forEach((value, i) => {
    expect(value).toBeCloseTo(right[i], digits)
  })
}

function refused(body: () => unknown, message: RegExp): void {
  expect(body).toThrow(GlissadeError)
  expect(body).toThrow(message)
}

describe('a query that may attend to nothing', () => {
  it('gives zeros, and no NaN in any gradient', () => {
    manualSeed(1)
    const [q, k, v] = [draw(1, 1, 2, 4), draw(1, 1, 3, 4), draw(1, 1, 3, 4)]
    const mask = flags([0, 0, 0], [1, 0, 1])
    const y = scaledDotProductAttention(q, k, v, { mask })
    expect(numbers(y).slice(0, 4)).toEqual([0, 0, 0, 0])
    for (const gradient of gradients(y.square().sum(), [q, k, v])) {
      expect(numbers(gradient as Tensor).every(Number.isFinite)).toBe(true)
    }
  })

  it('gives the output bias in the layer, where all keys are padding', () => {
    manualSeed(2)
    const layer = nn.multiHeadAttention(4, 2)
    layer.out_proj.bias?.write([1, 2, 3, 4])
    const x = draw(2, 3, 4)
    const { output } = layer.forward(x, x, x, { keyMask: flags([1, 1, 0], [0, 0, 0]) })
    expect(numbers(output).slice(12)).toEqual([1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4])
    const found = gradients(output.square().sum(), layer.parameters())
    for (const gradient of found) expect(numbers(gradient as Tensor).every(Number.isFinite)).toBe(true)
  })
})

describe('masks', () => {
  it('of padding make the padding’s numbers count for nothing', () => {
    manualSeed(3)
    const layer = nn.multiHeadAttention(4, 2)
    const [x, other] = [draw(1, 3, 4), draw(1, 3, 4)]
    const short = x.slice([undefined, [0, 2]])
    const keyMask = flags([1, 1, 0])
    const filled = short
      .pad([
        [0, 0],
        [0, 1],
        [0, 0],
      ])
      .add(other.mul(tensor([[[0], [0], [1]]])))
    const { output } = layer.forward(filled, filled, filled, { keyMask })
    expectNear(output.slice([undefined, [0, 2]]), layer.forward(short).output)
  })

  it('that are causal hide what comes later, also with grouped queries', () => {
    manualSeed(4)
    const layer = nn.multiHeadAttention(8, 4, { kvHeads: 2, rotary: true })
    const x = draw(2, 5, 8)
    const { output } = layer.forward(x, x, x, { causal: true })
    const first = x.slice([undefined, [0, 3]])
    expectNear(output.slice([undefined, [0, 3]]), layer.forward(first, first, first, { causal: true }).output)
  })
})

describe('dropout', () => {
  it('acts on the weights in training only, and keeps their mean', () => {
    manualSeed(5)
    const layer = nn.multiHeadAttention(4, 1, { dropout: 0.5 })
    const x = draw(1, 64, 4)
    const { weights } = layer.forward(x, x, x, { needWeights: true })
    const values = numbers(weights as Tensor)
    const dropped = values.filter((value) => value === 0).length / values.length
    // 4096 draws: five deviations of 0.008.
    expect(Math.abs(dropped - 0.5)).toBeLessThan(0.04)
    expect(Math.abs(values.reduce((a, b) => a + b, 0) / 64 - 1)).toBeLessThan(0.1)
    const still = layer.eval().forward(x, x, x, { needWeights: true })
    expect(numbers(still.weights as Tensor).every((value) => value > 0)).toBe(true)
    const one = scaledDotProductAttention(draw(8, 4), draw(8, 4), draw(8, 4), { dropout: 0.5 })
    expect(one.shape).toEqual([8, 4])
  })
})

describe('the weights', () => {
  it('can be captured under the layer’s name', async () => {
    await setBackend('wasm', { threads: 1 })
    manualSeed(6)
    class Net extends nn.Module {
      attn = nn.multiHeadAttention(4, 2)
      forward(x: Tensor): Tensor {
        return this.attn.forward(x).output
      }
    }
    const net = new Net()
    const found = capture(net, 'attn.softmax')
    await compile((input: Tensor) => net.forward(input))(random.normal([1, 3, 4]))
    const weights = found.values().get('attn.softmax')?.value as Tensor
    found.stop()
    expect(weights.shape).toEqual([1, 2, 3, 3])
    expectNear(weights.sum(-1), ones([1, 2, 3]))
  })
})

describe('positions', () => {
  it('that are sinusoidal begin with 0 and 1, and grow by wave lengths to 10,000', () => {
    expect(numbers(sinusoids(2, 4)).slice(0, 4)).toEqual([0, 1, 0, 1])
    const [a, , b] = numbers(sinusoids(2, 4)).slice(4)
    expect(a).toBeCloseTo(Math.sin(1), 6)
    expect(b).toBeCloseTo(Math.sin(1 / 100), 6)
  })

  it('that begin elsewhere are those of the longer sequence', () => {
    manualSeed(7)
    const x = draw(2, 1, 6, 8)
    const all = rotary(x)
    const rows = [x.slice([[0, 1], undefined, [2, 4]]), x.slice([[1, 2], undefined, [3, 5]])]
    const found = rows.map((row, i) => rotary(row, { start: ints(2 + i), length: 6 }))
    expectNear(found[0], all.slice([[0, 1], undefined, [2, 4]]))
    expectNear(found[1], all.slice([[1, 2], undefined, [3, 5]]))
    const bias = alibiBias(2, 6)
    expectNear(alibiBias(2, 2, 6, { start: ints(3) }), bias.slice([undefined, [3, 5]]).unsqueeze(0))
    for (const layer of [nn.sinusoidalPositions(6, 8), nn.learnedPositions(6, 8)]) {
      const long = x.squeeze(1)
      const whole = layer.forward(long)
      const part = layer.forward(long.slice([undefined, [1, 3]]), { start: ints(1, 1) })
      expectNear(part, whole.slice([undefined, [1, 3]]))
    }
  })

  it('that are rotary leave products to depend on the distance only', () => {
    manualSeed(8)
    const [q, k] = [draw(1, 1, 1, 8), draw(1, 1, 1, 8)]
    for (const interleaved of [false, true]) {
      const product = (i: number, j: number): Tensor => {
        const at = (x: Tensor, place: number): Tensor => rotary(x, { interleaved, start: ints(place), length: 20 })
        return at(q, i).mul(at(k, j)).sum()
      }
      expectNear(product(3, 1), product(17, 15))
      expect(Math.abs(numbers(product(3, 1))[0] - numbers(product(4, 1))[0])).toBeGreaterThan(1e-3)
    }
  })

  it('of ALiBi have the slopes of the paper', () => {
    expect(alibiSlopes(8)).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((h) => 2 ** -h))
    expect(alibiSlopes(3)).toEqual([2 ** -4, 2 ** -8, 2 ** -2])
  })
})

describe('a cache', () => {
  it('gives what attention to all gives, token by token and in pieces, rows at places of their own', () => {
    for (const options of [{}, { kvHeads: 2, rotary: true }, { alibi: true }] as const) {
      manualSeed(9)
      const layer = nn.multiHeadAttention(8, 4, options)
      const x = draw(2, 6, 8)
      const all = layer.forward(x, x, x, { causal: true }).output
      const cache = new nn.LayerCache(2, layer.kvHeads, 7, layer.headSize, 'float32')
      const step = (from: number, to: number, start: Tensor): Tensor => {
        const piece = x.slice([undefined, [from, to]])
        return layer.forward(piece, piece, piece, { cache, start }).output
      }
      expectNear(step(0, 3, ints(0, 0)), all.slice([undefined, [0, 3]]))
      // Wrong tokens that are written over again leave nothing behind.
      step(0, 2, ints(3, 3))
      expectNear(step(3, 4, ints(3, 3)), all.slice([undefined, [3, 4]]))
      expectNear(step(4, 6, ints(4, 4)), all.slice([undefined, [4, 6]]))
      // The second row goes back to place 2.
      const back = x.slice([undefined, [2, 3]])
      const mixed = layer.forward(back, back, back, { cache, start: ints(5, 2) }).output
      expectNear(
        mixed.slice([[1, 2]]),
        all.slice([
          [1, 2],
          [2, 3],
        ]),
      )
    }
  })

  it('compiled once serves every place, on wasm and native', async () => {
    for (const backend of ['wasm', 'native'] as const) {
      await setBackend(backend, { threads: 1 })
      manualSeed(10)
      const layer = nn.multiHeadAttention(8, 2, { rotary: true })
      const x = draw(1, 5, 8)
      const all = numbers(layer.forward(x, x, x, { causal: true }).output)
      const cache = new nn.LayerCache(1, 2, 8, 4, 'float32')
      let traced = 0
      const step = compile((piece: Tensor, start: Tensor) => {
        traced++
        return layer.forward(piece, piece, piece, { cache, start }).output
      })
      for (let t = 0; t < 5; t++) {
        const found = await (await step(x.slice([undefined, [t, t + 1]]), ints(t))).data()
        found.forEach((value: number, i: number) => {
          expect(value).toBeCloseTo(all[t * 8 + i], 5)
        })
      }
      expect(traced).toBe(1)
    }
  })

  it('refuses what it has no room for', () => {
    const cache = new nn.LayerCache(2, 2, 4, 4, 'float32')
    const layer = nn.multiHeadAttention(8, 2)
    const attend = (x: Tensor, start: Tensor | undefined): unknown => layer.forward(x, x, x, { cache, start })
    refused(() => attend(zeros([1, 1, 8]), ints(0)), /key-value cache: received keys \[1, 2, 1, 4\] and 1 places/)
    refused(() => attend(zeros([2, 5, 8]), ints(0, 0)), /at most 4/)
    refused(() => attend(zeros([2, 1, 8]), undefined), /cache: received no start/)
    refused(() => new nn.KeyValueCache({ rows: 0, length: 1, layers: 1, heads: 1, headSize: 1 }), /rows: received 0/)
  })
})

describe('what is refused', () => {
  const x = zeros([2, 3, 8])

  it('sizes that do not divide', () => {
    refused(() => nn.multiHeadAttention(8, 3), /heads: received 3 for a width of 8/)
    refused(() => nn.multiHeadAttention(8, 4, { kvHeads: 3 }), /kvHeads: received 3 for a heads of 4/)
    refused(() => nn.multiHeadAttention(0, 1), /width: received 0/)
    refused(() => nn.multiHeadAttention(6, 2, { rotary: true }).forward(zeros([1, 2, 6])), /rotary: dims: received 3/)
    refused(() => rotary(zeros([1, 1, 2, 4]), { start: ints(0) }), /rotary: start/)
    refused(() => alibiSlopes(0), /heads: received 0/)
  })

  it('inputs and masks of other shapes and types', () => {
    const layer = nn.multiHeadAttention(8, 2)
    refused(() => layer.forward(zeros([3, 8])), /query: received \[3, 8\]; expected \[B, T, 8\]/)
    refused(() => layer.forward(x, zeros([2, 3, 4])), /key: received \[2, 3, 4\]/)
    const attend = (options: object): unknown => layer.forward(x, x, x, options)
    refused(() => attend({ mask: zeros([3, 3]) }), /mask: received float32; expected bool/)
    refused(() => attend({ mask: zeros([4, 4], 'bool') }), /do not fit|mask/)
    refused(() => attend({ mask: zeros([3], 'bool') }), /mask: received \[3\]/)
    refused(() => attend({ keyMask: zeros([2, 4], 'bool') }), /keyMask: received \[2, 4\]; expected \[B, 3\]/)
    const q = zeros([1, 2, 3, 4])
    refused(() => scaledDotProductAttention(q, zeros([1, 3, 3, 4]), zeros([1, 3, 3, 4])), /G dividing H/)
    refused(() => scaledDotProductAttention(q, q, zeros([1, 2, 2, 4])), /queries \[1, 2, 3, 4\]/)
    refused(() => scaledDotProductAttention(q, q, q, { dropout: 1 }), /dropout: received 1/)
    refused(() => scaledDotProductAttention(q, q, q, { mask: zeros([3, 3]) }), /a mask of float32/)
    refused(() => nn.learnedPositions(4, 8).forward(zeros([1, 5, 8])), /at most 4 places/)
    refused(() => nn.sinusoidalPositions(4, 8).forward(zeros([1, 3, 4])), /expected \[B, T, 8\]/)
  })
})

describe('config', () => {
  it('rebuilds the layer', () => {
    const options = { bias: false, kvHeads: 2, rotary: { base: 500, interleaved: true }, dropout: 0.1 }
    expect(nn.multiHeadAttention(8, 4, options).config()).toEqual({
      kind: 'multiHeadAttention',
      width: 8,
      heads: 4,
      ...options,
    })
    expect(nn.learnedPositions(4, 8).config()).toEqual({ kind: 'learnedPositions', length: 4, width: 8 })
    expect(nn.sinusoidalPositions(4, 8).config()).toEqual({
      kind: 'sinusoidalPositions',
      length: 4,
      width: 8,
      base: 10_000,
    })
  })
})
