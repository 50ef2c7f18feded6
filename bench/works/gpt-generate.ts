/** How fast does a transformer write? Token by token, with the keys and values so far in a cache. */
import { io, nn, type Tensor } from 'glissade'
import { loadWeights } from './digits-forward.ts'
import { generationFlops, gptStarts, medium, sizesText } from './gpt.ts'
import { drawWeights, parameterCount } from './inputs.ts'
import { judgeAlike } from './judge.ts'
import { forwardBytes, type Input, type Work } from './work.ts'

const count = 256
/** The text so far. */
const prompt = 1

export function gptGenerate(): Work {
  const starts = gptStarts(medium)
  return {
    name: 'gpt-m-generate',
    kind: 'gpt-generate',
    title: `${count} tokens from ${sizesText(medium)}, with its cache, batch 1, always the likeliest`,
    flops: generationFlops(count, medium),
    // each token needs all weights again
    bytes: count * forwardBytes(parameterCount(starts)),
    per: 'texts/s',
    settings: { ...medium, count, prompt },
    async inputs() {
      const weights = drawWeights(starts)
      return { ...weights, onnx: await onnxOf(weights) }
    },
    // the same tokens, every one
    judge: (answers) => judgeAlike(answers, 0),
  }
}

/**
 * One step with its cache as a function without memory: onnxruntime keeps the caches and gives them back.
 * token: int32 [1, 1], start: int32 [1], keys and values of each layer: [1, heads, context, size] → scores, and the same
 */
class Step extends nn.Module {
  readonly model: nn.LanguageModel
  constructor(model: nn.LanguageModel) {
    super()
    this.model = model
  }

  forward(token: Tensor, start: Tensor, ...past: Tensor[]): Record<string, Tensor> {
    const cache = this.model.makeCache({ rows: 1 })
    const variables = cache.variables()
    for (const [i, variable] of variables.entries()) variable.assign(past[i])
    const scores = this.model.forward(token, { cache, start })
    const present = variables.map((variable, i) => [`present_${i}`, variable.current()] as const)
    return { scores, ...Object.fromEntries(present) }
  }
}

async function onnxOf(weights: Readonly<Record<string, Input>>): Promise<Input> {
  const { layers, width, heads, context, vocab } = medium
  const model = nn.languageModel({ vocab, width, layers, heads, context })
  await loadWeights(model, weights)
  const past = Array.from({ length: 2 * layers }, () => ({ shape: [1, heads, context, width / heads] }))
  const token = [
    { shape: [1, 1], dtype: 'int32' },
    { shape: [1], dtype: 'int32' },
  ] as const
  const inputNames = ['token', 'start', ...past.map((_, i) => `past_${i}`)]
  const bytes = await io.toOnnx(new Step(model), [...token, ...past], { dynamicBatch: false, inputNames })
  return { shape: [bytes.length], data: bytes }
}
