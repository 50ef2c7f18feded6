/** What the works are: operations counted on paper, weights and data that are the same everywhere, and one of each. */
import { nn } from 'glissade'
import { describe, expect, test } from 'vitest'
import { Classifier, ResNet20, TextModel, UNet } from '../engines/glissade-networks.ts'
import { digitsNetwork, loadWeights } from '../works/digits-forward.ts'
import { chooseWorks, workNames } from '../works/index.ts'
import { batchNorm, classed, drawWeights, layer, parameterCount, texts } from '../works/inputs.ts'
import { adamBytes, type Work } from '../works/work.ts'

const works = new Map(chooseWorks(workNames, [8]).map((work) => [work.name, work]))
const work = (name: string): Work => {
  const found = works.get(name)
  if (!found) throw new Error(`no work ${name}`)
  return found
}

describe('works', () => {
  test('each has a name of its own, and engines know its kind', () => {
    expect([...works.keys()]).toEqual([
      ...['matmul-8', 'tiny', 'mlp', 'cnn', 'resnet', 'lstm', 'gru2', 'gpt', 'gpt-m', 'unet'],
      ...['digits-1', 'digits-256', 'gpt-m-generate'],
      ...['first', 'compile'].flatMap((what) =>
        ['cnn', 'gpt-m', 'lstm', 'lstm-512'].flatMap((name) => [`${what}-${name}-cold`, `${what}-${name}-warm`]),
      ),
    ])
    expect(work('gpt-m').kind).toBe('gpt')
  })

  test('operations and bytes are those that one counts on paper', () => {
    // forward and both gradients, but none to the first layer's inputs; weights and biases, two moments, in and out
    const mlp = 2 * 128 * (2 * 784 * 512 + 3 * (512 * 256 + 256 * 10))
    expect(work('mlp').flops).toBe(mlp)
    expect(work('mlp').bytes).toBe(24 * (784 * 512 + 512 * 256 + 256 * 10 + 512 + 256 + 10))
    // the first convolution of 26 × 26 places, the second of 24 × 24
    const cnn = 2 * 64 * (2 * 26 ** 2 * 32 * 9 + 3 * (24 ** 2 * 64 * 32 * 9 + 9216 * 128 + 128 * 10))
    expect(work('cnn').flops).toBe(cnn)
    // 12 width² for each token and layer, and a triangle of attention
    const tokens = 16 * 128
    const attention = (4 * 16 * 128 * 129 * 128) / 2
    expect(work('gpt').flops).toBe(3 * (4 * (2 * tokens * 12 * 128 ** 2 + attention) + 2 * tokens * 65 * 128))
    expect(work('digits-256').flops).toBe(256 * (work('digits-1').flops ?? 0))
    // 40.8 million multiply-adds for a picture of 32 × 32 (He et al. 2016 and others count 41 million)
    expect((work('resnet').flops ?? 0) / (2 * 32 * 3)).toBeCloseTo(40.8e6, -6)
    // each step of time costs the same
    expect(work('lstm').flops).toBe(3 * 2 * 32 * 64 * (512 * (64 + 128) + 128 * 64))
  })

  test('weights depend on their names alone, and fit the networks', async () => {
    const starts = { ...layer('a', [3, 2]), ...batchNorm('b', 4) }
    const drawn = drawWeights(starts)
    expect(Object.keys(drawn)).toEqual(
      ['a.weight', 'a.bias', ...Object.keys(batchNorm('b', 4))].map((n) => `weights.${n}`),
    )
    expect(drawWeights({ ...layer('a', [3, 2]) })['weights.a.weight']).toEqual(drawn['weights.a.weight'])
    expect(drawn['weights.b.weight'].data).toEqual(new Float32Array(4).fill(1))
    // running statistics are not trained
    expect(parameterCount(starts)).toBe(3 * 2 + 3 + 4 + 4)
    expect(adamBytes(10)).toBe(240)
    const fitting: [string, nn.Module][] = [
      ['resnet', new ResNet20()],
      ['unet', new UNet()],
      ['lstm', new TextModel()],
      ['gru2', new Classifier()],
      ['gpt', nn.languageModel({ vocab: 65, width: 128, layers: 4, heads: 4, context: 128 })],
    ]
    for (const [name, model] of fitting) {
      const inputs = await work(name).inputs()
      await loadWeights(model, inputs)
      const own = Object.entries(inputs).filter(([key]) => key.startsWith('weights.'))
      const names = [...model.namedVariables().keys()].filter((key) => !key.endsWith('num_batches_tracked'))
      expect(own.map(([key]) => key.slice('weights.'.length)).sort(), name).toEqual(names.sort())
    }
    await expect(loadWeights(digitsNetwork(), {})).rejects.toThrow(/no weights for 0.weight/)
  })

  test('data is the same each time, and says what is to be learned', () => {
    const { x, y } = classed(2, 3, [4], 5)
    expect(classed(2, 3, [4], 5)).toEqual({ x, y })
    expect([x.shape, y.shape]).toEqual([
      [2, 3, 4],
      [2, 3],
    ])
    expect(Math.max(...y.data)).toBeLessThan(5)
    const text = texts(2, 3, 6, 7)
    // what follows each token is the next one
    expect([...text.y.data.slice(0, 5)]).toEqual([...text.x.data.slice(1, 6)])
    const counts = [...texts(4, 8, 64, 4).x.data].reduce<number[]>(
      (sums, token) => sums.with(token, sums[token] + 1),
      [0, 0, 0, 0],
    )
    expect(counts).toEqual([...counts].sort((a, b) => b - a))
  })
})
