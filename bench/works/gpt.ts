/** How fast does a small transformer train on texts? */
import { layer, layerNorm, type Starts, texts } from './inputs.ts'
import { batches, trainingWork } from './training.ts'
import { productFlops, trainingFlops, type Work } from './work.ts'

export interface GptSizes {
  readonly layers: number
  readonly width: number
  readonly heads: number
  readonly vocab: number
  readonly context: number
}

export const small: GptSizes = { layers: 4, width: 128, heads: 4, vocab: 65, context: 128 }
export const medium: GptSizes = { layers: 6, width: 384, heads: 6, vocab: 65, context: 256 }

/** Embeddings are also the last layer's weights: within this, scores begin apart, but not far. */
const embeddingBound = 0.05

/** Under the names of nn.languageModel: pre-norm layers, GELU, learned positions, tied embeddings. */
export function gptStarts({ layers, width, vocab, context }: GptSizes): Starts {
  const parts: Starts[] = [
    { 'embedding.weight': { shape: [vocab, width], bound: embeddingBound } },
    { 'positions.weight': { shape: [context, width], bound: embeddingBound } },
  ]
  const bound = 1 / Math.sqrt(width)
  for (let i = 0; i < layers; i++) {
    const name = `transformer.layers.${i}`
    parts.push(
      { [`${name}.self_attn.in_proj_weight`]: { shape: [3 * width, width], bound } },
      { [`${name}.self_attn.in_proj_bias`]: { shape: [3 * width], value: 0 } },
      layer(`${name}.self_attn.out_proj`, [width, width]),
      layer(`${name}.linear1`, [4 * width, width]),
      layer(`${name}.linear2`, [width, 4 * width]),
      layerNorm(`${name}.norm1`, width),
      layerNorm(`${name}.norm2`, width),
    )
  }
  return Object.assign({}, ...parts, layerNorm('transformer.norm', width)) as Starts
}

/** A layer's products of `tokens` tokens with its weights: projections, the way out, and the two wide ones. */
const weightFlops = (tokens: number, width: number): number => productFlops(tokens, (3 + 1 + 4 + 4) * width, width)

/** Forward pass of whole texts: the triangle of attention that counts, and not the square. */
function gptFlops(batch: number, { layers, width, vocab, context }: GptSizes): number[] {
  const tokens = batch * context
  const pairs = (batch * context * (context + 1)) / 2
  // scores and weighted values
  const attention = 2 * productFlops(pairs, 1, width)
  return [layers * (weightFlops(tokens, width) + attention), productFlops(tokens, vocab, width)]
}

/** Forward passes for `count` tokens one after the other, each looking at all before. */
export function generationFlops(count: number, { layers, width, vocab }: GptSizes): number {
  const attention = 2 * productFlops((count * (count + 1)) / 2, 1, width)
  return layers * (weightFlops(count, width) + attention) + productFlops(count, vocab, width)
}

export const sizesText = ({ layers, width, heads, vocab }: GptSizes): string =>
  `a transformer of ${layers} layers, width ${width}, ${heads} heads, vocabulary ${vocab}`

const lr = 1e-4

export function gpt(name: 'gpt' | 'gpt-m'): Work {
  const [sizes, batch] = name === 'gpt' ? ([small, 16] as const) : ([medium, 8] as const)
  return trainingWork({
    name,
    kind: 'gpt',
    title: `${sizesText(sizes)}, batch ${batch}, ${sizes.context} tokens`,
    flops: trainingFlops(0, ...gptFlops(batch, sizes)),
    starts: gptStarts(sizes),
    data: () => texts(batches, batch, sizes.context, sizes.vocab),
    // the rate of the others is too high for a first step without a warm-up
    sizes: { ...sizes, lr },
  })
}
