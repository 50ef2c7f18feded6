/** Equal clusters are lowered once: the plan is the same, and equal layers and more steps of time add no kernels. */
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { interpreterBackend } from '../../src/backends/reference/interpreter.ts'
import { compilerOptions, lower } from '../../src/compile/lower.ts'
import { buildGraph, exactText } from '../../src/graph/graph.ts'
import { compile, loss, nn, optim, setBackend, type Tensor, tensor, where, zeros } from '../../src/index.ts'
import { scan } from '../../src/ops/derived/scan.ts'
import type { Program } from '../../src/run/program.ts'
import { tensorsOf } from './fuzz-check.ts'

beforeAll(async () => {
  await setBackend(interpreterBackend())
})
afterEach(() => {
  compilerOptions.verify = false
})

const step = (model: nn.Module & { forward(x: Tensor): Tensor }): ((x: Tensor, y: Tensor) => Promise<Program>) => {
  const optimizer = optim.adamW({ lr: 0.01 }).for(model)
  return compile((x: Tensor, y: Tensor) => {
    const scores = model.forward(x)
    const l = loss.crossEntropy(scores.reshape([-1, scores.shape[scores.shape.length - 1]]), y.flatten())
    optimizer.minimize(l)
    return l
  }).program
}

const tokens = (batch: number, length: number): Tensor =>
  tensor(new Int32Array(batch * length), { shape: [batch, length] })

const transformer = (layers: number): Promise<Program> =>
  step(nn.languageModel({ vocab: 11, width: 16, layers, heads: 2, context: 8 }))(tokens(2, 8), tokens(2, 8))

class Texts extends nn.Module {
  readonly embedding = nn.embedding(11, 8)
  readonly lstm = nn.lstm(8, 12)
  readonly linear = nn.linear(12, 11)

  forward(x: Tensor): Tensor {
    return this.linear.forward(this.lstm.forward(this.embedding.forward(x)).output)
  }
}

const recurrent = (length: number): Promise<Program> => step(new Texts())(tokens(3, length), tokens(3, length))

const codeOf = ({ plan }: Program): number => exactText(plan.kernels).length

describe('a plan is the same', () => {
  // With `verify` every cluster is lowered for itself, and compared.
  const both = async (make: () => Promise<Program>): Promise<[string, string]> => {
    const texts: string[] = []
    for (const verify of [false, true]) {
      compilerOptions.verify = verify
      texts.push(exactText((await make()).plan))
    }
    return texts as [string, string]
  }

  test.each([
    ['a transformer', () => transformer(3)],
    ['a recurrence', () => recurrent(5)],
    [
      'convolutions',
      () => {
        const layers = [1, 2, 3].flatMap(() => [nn.conv2d(4, 4, 3, { padding: 1 }), nn.batchNorm2d(4), nn.relu()])
        return step(nn.sequential(...layers, nn.flatten(), nn.linear(144, 5)))(zeros([2, 4, 6, 6]), tokens(2, 1))
      },
    ],
  ])('of %s', async (_, make) => {
    const [reused, lowered] = await both(make)
    expect(reused).toBe(lowered)
  })

  test('of random graphs', () => {
    const { target } = interpreterBackend()
    for (let seed = 0; seed < 60; seed++) {
      const outputs = tensorsOf(seed, seed % 2 === 0 ? scan : undefined).filter((each) => !each.storage)
      const { graph, leaves } = buildGraph(outputs)
      const given = leaves.map(({ dtype, size: length }) => ({ role: 'input' as const, dtype, length }))
      const fresh = outputs.map(({ dtype, size: length }) => ({ role: 'output' as const, dtype, length }))
      const signature = { arguments: [...given, ...fresh], outputs: outputs.map((_, i) => given.length + i) }
      const texts = [false, true].map((verify) => {
        compilerOptions.verify = verify
        return exactText(lower(graph, signature, target))
      })
      expect(texts[0], `seed ${seed}`).toBe(texts[1])
    }
  })
})

describe('code does not grow', () => {
  test('with the number of equal layers', async () => {
    const [few, many] = [await transformer(3), await transformer(6)]
    expect(many.plan.launches.length).toBeGreaterThan(1.7 * few.plan.launches.length)
    // The sum of squares of more gradients, and what else all layers share, may differ in a number.
    expect(many.plan.kernels.length).toBe(few.plan.kernels.length)
    expect(codeOf(many)).toBeLessThan(1.05 * codeOf(few))
  })

  test('with the number of steps of time', async () => {
    const [few, many] = [await recurrent(16), await recurrent(128)]
    expect(many.plan.launches.length).toBe(few.plan.launches.length)
    expect(many.plan.kernels.length).toBe(few.plan.kernels.length)
    expect(codeOf(many)).toBeLessThan(1.2 * codeOf(few))
  })
})

test('kernels that differ in the sign of an infinity or of a zero are two', async () => {
  const values = [-2, -1, 1, 2]
  const pick = compile((x: Tensor, y: Tensor, z: Tensor) => [
    where(x.gt(0), x, Number.POSITIVE_INFINITY),
    where(y.gt(0), y, Number.NEGATIVE_INFINITY),
    where(z.gt(0), z, Number.NaN),
  ])
  const [a, b, c] = await pick(tensor(values), tensor(values), tensor(values))
  expect([...(await a.data())]).toEqual([Infinity, Infinity, 1, 2])
  expect([...(await b.data())]).toEqual([-Infinity, -Infinity, 1, 2])
  expect([...(await c.data())]).toEqual([Number.NaN, Number.NaN, 1, 2])
})
