/** Products on one side of a diagonal: what is skipped changes no number, and only what nobody needs is skipped. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compilerOptions } from '../src/compile/lower.ts'
import { compile, gradients, setBackend, type Tensor, tensor, triangle } from '../src/index.ts'
import { scaledDotProductAttention } from '../src/nn/dot-product-attention.ts'

/** A loop over a summed axis that does not always run from its start to its end. */
const boundedSum = /for k\d+ in (?!0\.\.\d+ (step \d+ )?\{)/

/** Small numbers that repeat late. */
const numbers = (shape: number[], start: number): Tensor => {
  const size = shape.reduce((a, b) => a * b, 1)
  return tensor(
    Float32Array.from({ length: size }, (_, i) => Math.sin(start + 1.7 * i)),
    { shape },
  )
}

let kernels = ''
beforeAll(() => {
  compilerOptions.verify = true
  compilerOptions.show = (stage, text) => {
    if (stage === 'kernels') kernels = text
  }
})
afterAll(async () => {
  compilerOptions.verify = false
  compilerOptions.show = undefined
  await setBackend('reference')
})

const attend = (q: Tensor, k: Tensor, v: Tensor): Tensor => scaledDotProductAttention(q, k, v, { causal: true })

async function run(backend: 'native' | 'wasm' | 'reference', queries: number, keys: number): Promise<Float32Array[]> {
  await setBackend(backend)
  const inputs = [numbers([2, 3, queries, 17], 1), numbers([2, 3, keys, 17], 2), numbers([2, 3, keys, 40], 3)]
  const weight = numbers([2, 3, queries, 40], 4)
  const step = compile((q: Tensor, k: Tensor, v: Tensor) => {
    const out = attend(q, k, v)
    return [out, ...gradients(out.mul(weight).sum(), [q, k, v])]
  })
  const results = await step(...(inputs as [Tensor, Tensor, Tensor]))
  return Promise.all((results as Tensor[]).map(async (each) => Float32Array.from((await each.data()) as Float32Array)))
}

describe('causal attention', () => {
  for (const [queries, keys] of [
    [64, 64],
    [61, 61],
    [75, 50],
    [40, 90],
  ] as const)
    for (const backend of ['native', 'wasm'] as const)
      it(`${queries} queries, ${keys} keys on ${backend}`, async () => {
        const expected = await run('reference', queries, keys)
        const received = await run(backend, queries, keys)
        received.forEach((values, i) => {
          values.forEach((value, j) => {
            if (!(Math.abs(value - expected[i][j]) <= 2e-5)) expect(value, `${i}: ${j}`).toBeCloseTo(expected[i][j], 4)
          })
        })
      })

  it('all six products stop at the diagonal', async () => {
    await run('wasm', 64, 64)
    const products = kernels.split(/^(?=\w+ kernel,)/m).filter((text) => text.startsWith('contract'))
    expect(products).toHaveLength(6)
    for (const text of products) expect(text).toMatch(boundedSum)
  })
})

describe('what is needed beyond the diagonal', () => {
  it('is computed', async () => {
    for (const backend of ['native', 'wasm'] as const) {
      await setBackend(backend)
      const [a, b] = [numbers([64, 16], 1), numbers([16, 64], 2)]
      const both = compile((a: Tensor, b: Tensor) => {
        const product = a.matmul(b)
        return [triangle(64).where(product, 0), product.add(1)]
      })
      const [, whole] = await both(a, b)
      await setBackend('reference')
      const expected = await a.matmul(b).add(1).data()
      const received = await whole.data()
      received.forEach((value, i) => expect(value).toBeCloseTo(expected[i] as number, 4))
    }
  })
})
