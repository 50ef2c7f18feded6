/**
 * What a step holds in memory, counted by hand: which values are stored for the gradient, and for how long. Plans only:
 * nothing runs but the parts of a batch. That what is computed again has the same value is the business of fuzz.test.ts
 * and the conformance suite.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { interpreterBackend } from '../../src/backends/reference/interpreter.ts'
import { checkpoint, compile, loss, nn, optim, setBackend, type Tensor, tensor, zeros } from '../../src/index.ts'
import { expectClose } from '../golden/read.ts'

beforeAll(async () => {
  await setBackend(interpreterBackend())
})
afterAll(async () => {
  await setBackend('reference')
})

type Network = nn.Module & { forward(x: Tensor): Tensor }

/** Temporaries of a training step. */
async function stepBytes(model: Network, x: Tensor, y: Tensor): Promise<number> {
  const optimizer = optim.adamW().for(model)
  const step = compile((x: Tensor, y: Tensor) => {
    const output = model.forward(x)
    const value =
      y.dtype === 'int32'
        ? loss.crossEntropy(output.reshape([-1, output.shape[output.rank - 1]]), y.flatten())
        : loss.mse(output, y)
    optimizer.minimize(value)
    return value
  })
  return (await step.program(x, y)).plan.arenaBytes
}

const valuesOf = async (model: nn.Module): Promise<number[]> =>
  (await Promise.all(model.parameters().map(async (parameter) => [...(await parameter.data())]))).flat()

const tokens = (rows: number, length: number): Tensor =>
  tensor(new Int32Array(rows * length), { shape: [rows, length] })

describe('a layer more needs', () => {
  it('of a transformer: what its products read, the centred inputs of its norms, one square of weights', async () => {
    const [rows, length, width, heads] = [8, 256, 64, 2]
    const x = tokens(rows, length)
    const bytes = (layers: number): Promise<number> =>
      stepBytes(nn.languageModel({ vocab: 65, width, layers, heads, context: length }), x, x)
    const one = 4 * rows * length * width
    const square = 4 * rows * heads * length * length
    // norms: 2 x (centred, output); queries, keys, values: 3; scaled queries: 1; what attention gives: 1; the wide
    // linear layer: 4 before GELU and 4 behind it
    const byHand = (2 * 2 + 3 + 1 + 1 + 4 + 4) * one + square
    const more = (await bytes(3)) - (await bytes(2))
    expect(more).toBeGreaterThan(0.9 * byHand)
    expect(more).toBeLessThan(1.02 * byHand)
  })

  it('of linear and relu: what relu gives, and no mask', async () => {
    const [rows, width] = [1024, 64]
    const network = (count: number): Network =>
      nn.sequential(...Array.from({ length: count }, () => [nn.linear(width, width), nn.relu()]).flat())
    const x = zeros([rows, width])
    const more = (await stepBytes(network(6), x, x)) - (await stepBytes(network(5), x, x))
    const one = 4 * rows * width
    expect(more).toBeGreaterThan(0.9 * one)
    expect(more).toBeLessThan(1.1 * one)
  })

  it('of convolution, norm and relu: the input, and what the norm centred', async () => {
    const [rows, channels, size] = [8, 16, 64]
    const network = (blocks: number): Network =>
      nn.sequential(
        ...Array.from({ length: blocks }, () => [
          nn.conv2d(channels, channels, 3, { padding: 1 }),
          nn.batchNorm2d(channels),
          nn.relu(),
        ]).flat(),
      )
    const x = zeros([rows, channels, size, size])
    const one = 4 * rows * channels * size * size
    const more = (await stepBytes(network(5), x, x)) - (await stepBytes(network(4), x, x))
    expect(more).toBeLessThan(2.2 * one)
  })
})

describe('a weight that is used at both ends', () => {
  it('does not delay the updates of those between', async () => {
    const [rows, vocab, width, layers] = [2048, 64, 64, 8]
    class Chain extends nn.Module {
      readonly embedding = nn.embedding(vocab, width)
      readonly last = nn.linear(width, vocab, { bias: false })
      readonly between = nn.sequential(
        ...Array.from({ length: layers }, () => [nn.linear(width, width), nn.relu()]).flat(),
      )
      readonly tied: boolean
      constructor(tied: boolean) {
        super()
        this.tied = tied
      }
      forward(x: Tensor): Tensor {
        const y = this.between.forward(this.embedding.forward(x)) as Tensor
        return this.tied ? y.matmul(this.embedding.weight.transpose()) : this.last.forward(y)
      }
    }
    const x = tokens(rows, 1)
    const apart = await stepBytes(new Chain(false), x, x)
    const tied = await stepBytes(new Chain(true), x, x)
    // Only what its own gradient is made of waits: the last layer's input, and the gradient of the scores.
    expect(tied).toBeLessThan(apart + 4 * rows * (width + vocab))
  })
})

describe('memory for time', () => {
  const [rows, width] = [1024, 64]
  const one = 4 * rows * width
  const x = zeros([rows, width])

  /** Blocks like those of a transformer, without attention. */
  class Blocks extends nn.Module {
    readonly blocks: nn.Sequential[]
    readonly again: boolean
    constructor(count: number, again: boolean) {
      super()
      this.blocks = Array.from({ length: count }, () =>
        nn.sequential(nn.linear(width, 4 * width), nn.gelu(), nn.linear(4 * width, width)),
      )
      this.again = again
    }
    forward(x: Tensor): Tensor {
      const run = (block: nn.Sequential, y: Tensor): Tensor => y.add(block.forward(y) as Tensor)
      return this.blocks.reduce((y, block) => (this.again ? checkpoint((z) => run(block, z), y) : run(block, y)), x)
    }
  }

  it('of a block under checkpoint only the input stays', async () => {
    const [few, many] = await Promise.all([3, 8].map((count) => stepBytes(new Blocks(count, true), x, x)))
    expect((many - few) / 5).toBeLessThan(1.1 * one)
    const [plainFew, plainMany] = await Promise.all([3, 8].map((count) => stepBytes(new Blocks(count, false), x, x)))
    // the input, and 4 before GELU and 4 behind it
    expect((plainMany - plainFew) / 5).toBeGreaterThan(8.5 * one)
    expect((plainMany - plainFew) / 5).toBeLessThan(9.2 * one)
    // one block as a whole, with its gradients on the way, and all inputs
    expect(many).toBeLessThan((8 + 9 + 10) * one)
  })

  it('of gradients that are accumulated: a part of what the whole batch needs, for the same gradients', async () => {
    const [samples, size, parts] = [128, 32, 4]
    const network = (): nn.Sequential =>
      nn.sequential(...Array.from({ length: 8 }, () => [nn.linear(size, size), nn.tanh()]).flat())
    const stepOf = (model: nn.Sequential, accumulate: number) => {
      // At a learning rate of 1 weights change by the gradient.
      const optimizer = optim.sgd({ lr: 1, accumulate }).for(model)
      return compile((x: Tensor, y: Tensor) => {
        const value = loss.mse(model.forward(x), y)
        optimizer.minimize(value)
        return value
      })
    }
    const [whole, cut] = [network(), network()]
    await cut.loadStateDict(whole.stateDict())
    const [together, apart] = [stepOf(whole, 1), stepOf(cut, parts)]
    const waves = Float32Array.from({ length: samples * size }, (_, i) => Math.sin(i * i))
    const x = tensor(waves, { shape: [samples, size] })
    const y = tensor(waves.toReversed(), { shape: [samples, size] })
    const part = (of: Tensor, i: number): Tensor => of.slice([[(i * samples) / parts, ((i + 1) * samples) / parts]])

    const sums = whole.parameters().reduce((bytes, { size: elements }) => bytes + 4 * elements, 0)
    const all = (await together.program(x, y)).plan.arenaBytes
    const some = (await apart.program(part(x, 0), part(y, 0))).plan.arenaBytes
    expect(some + sums).toBeLessThan(all / 2)

    const before = await valuesOf(whole)
    await together(x, y)
    for (let i = 0; i < parts; i++) await apart(part(x, i), part(y, i))
    const [expected, received] = [await valuesOf(whole), await valuesOf(cut)]
    expect(Math.max(...expected.map((value, i) => Math.abs(value - before[i])))).toBeGreaterThan(0.01)
    expectClose('weights', received, expected, { absolute: 1e-6, relative: 1e-5 })
  })
})
