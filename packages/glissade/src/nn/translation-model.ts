/**
 * An encoder-decoder model from one token sequence to another, such as a translation, ready to train: nn.Transformer
 * between embeddings and scores. Text out of it: generate/.
 */
import { checkWhole, iota } from '../ops/derived/common.ts'
import type { Tensor } from '../tensor.ts'
import { Dropout } from './dropout.ts'
import { Embedding } from './embedding.ts'
import * as init from './init.ts'
import { KeyValueCache } from './kv-cache.ts'
import { type ContinueOptions, checkTokens, makePositions, pickPlaces } from './language-model.ts'
import { Linear } from './linear.ts'
import { type LayerConfig, Module } from './module.ts'
import type { LearnedPositions, SinusoidalPositions } from './positions.ts'
import { Transformer, type TransformerOptions } from './transformer.ts'

export interface TranslationModelOptions extends Omit<TransformerOptions, 'rotary' | 'alibi'> {
  readonly sourceVocab: number
  readonly targetVocab: number
  /** Default 512. */
  readonly width?: number
  /** Default 8. */
  readonly heads?: number
  /** The most tokens of a source and of a target; default 512. */
  readonly context?: number
  /** The token that fills up short sources and targets, and takes no part; default 0. */
  readonly padding?: number
  /** Default 'sinusoidal'. */
  readonly positions?: 'sinusoidal' | 'learned'
  /** Whether scores are products with the target embeddings (the default), or have a `head` of their own. */
  readonly tied?: boolean
}

/**
 * Scores for the token that follows each target token, given the source. source: int32 [B, S], target: int32 [B, T] →
 * [B, T, targetVocab]
 *
 * In training the target begins with a start token and ends before the last; the scores at t are for token t + 1.
 * Embeddings are multiplied by sqrt(width) (Vaswani et al. 2017, section 3.4). Parameters: source_embedding.weight,
 * target_embedding.weight, transformer.encoder …, transformer.decoder …, head.weight (not tied). Errors: value-invalid,
 * shape-mismatch, dtype-mismatch, index-range.
 */
export class TranslationModel extends Module {
  readonly options: TranslationModelOptions
  readonly context: number
  readonly padding: number
  readonly source_embedding: Embedding
  readonly target_embedding: Embedding
  readonly source_positions: LearnedPositions | SinusoidalPositions | undefined
  readonly target_positions: LearnedPositions | SinusoidalPositions | undefined
  readonly dropout: Dropout
  readonly transformer: Transformer
  readonly head: Linear | undefined

  constructor(options: TranslationModelOptions) {
    super()
    const { sourceVocab, targetVocab, width = 512, heads = 8, context = 512, padding = 0, tied = true } = options
    const { positions = 'sinusoidal', encoderLayers, decoderLayers, ...more } = options
    checkWhole('translationModel: sourceVocab', sourceVocab, 1)
    checkWhole('translationModel: targetVocab', targetVocab, 1)
    this.options = options
    this.context = checkWhole('translationModel: context', context, 1)
    this.padding = checkWhole('translationModel: padding', padding, 0)
    this.source_embedding = new Embedding(sourceVocab, width, { paddingIndex: padding })
    this.target_embedding = new Embedding(targetVocab, width, { paddingIndex: padding })
    this.source_positions = makePositions(positions, context, width)
    this.target_positions = makePositions(positions, context, width)
    const { feedForward, dropout = 0.1, activation, normFirst, norm, eps, bias, kvHeads } = more
    this.dropout = new Dropout(dropout)
    this.transformer = new Transformer(width, heads, {
      encoderLayers,
      decoderLayers,
      feedForward,
      dropout,
      activation,
      normFirst,
      norm,
      eps,
      bias,
      kvHeads,
    })
    this.head = tied ? undefined : new Linear(width, targetVocab, { bias: false })
    for (const { weight } of [this.source_embedding, this.target_embedding]) {
      // Times sqrt(width) they have variance 1, and tied scores begin small.
      const filler = iota(weight.shape, 0).eq(padding)
      weight.assign(filler.where(0, init.normal(weight.shape, { std: width ** -0.5 })))
    }
  }

  forward(source: Tensor, target: Tensor): Tensor {
    const { memory, mask } = this.encode(source)
    checkTokens('translationModel: target', target, this.context)
    const hidden = this.transformer.decoder.forward(this.#embedTarget(target), memory, {
      causal: true,
      memoryKeyMask: mask,
    })
    return this.#scores(hidden)
  }

  /** What the decoder looks at: source: int32 [B, S] → memory: [B, S, width], mask: bool [B, S] */
  encode(source: Tensor): { memory: Tensor; mask: Tensor } {
    checkTokens('translationModel: source', source, this.context)
    const mask = source.ne(this.padding)
    const embedded = this.source_embedding.forward(source).mul(this.#scale())
    const placed = this.source_positions ? this.source_positions.forward(embedded) : embedded
    return { memory: this.transformer.encoder.forward(this.dropout.forward(placed), { keyMask: mask }), mask }
  }

  /** A cache for `rows` targets of at most `length` tokens, and for sources of `memoryLength`. */
  makeCache(sizes: { readonly rows: number; readonly length?: number; readonly memoryLength: number }): KeyValueCache {
    const [{ self_attn }] = this.transformer.decoder.layers
    return new KeyValueCache({
      length: this.context,
      ...sizes,
      layers: this.transformer.decoder.layers.length,
      heads: self_attn.kvHeads,
      headSize: self_attn.headSize,
    })
  }

  /** Reads the sources once for all steps of `continue`: source: int32 [rows, memoryLength], filled up with padding. */
  remember(source: Tensor, cache: KeyValueCache): void {
    const { memory, mask } = this.encode(source)
    this.transformer.decoder.projectMemory(memory).forEach(({ keys, values }, i) => {
      cache.memory[i].keys.assign(keys)
      cache.memory[i].values.assign(values)
    })
    cache.memoryMask?.assign(mask)
  }

  /** Scores for what follows targets whose sources are in the cache: int32 [B, T] → [B, T, V], or [B, V] with `last`. */
  continue(target: Tensor, cache: KeyValueCache, { start, last }: Omit<ContinueOptions, 'cache'>): Tensor {
    checkTokens('translationModel: target', target, this.context)
    const embedded = this.#embedTarget(target, start)
    const hidden = this.transformer.decoder.forward(embedded, embedded, {
      caches: cache.layers,
      start,
      projected: cache.memory,
      memoryKeyMask: cache.memoryMask,
    })
    return this.#scores(last ? pickPlaces(hidden, last) : hidden)
  }

  #scale(): number {
    return Math.sqrt(this.transformer.width)
  }

  #embedTarget(target: Tensor, start?: Tensor): Tensor {
    const embedded = this.target_embedding.forward(target).mul(this.#scale())
    return this.dropout.forward(this.target_positions ? this.target_positions.forward(embedded, { start }) : embedded)
  }

  #scores(hidden: Tensor): Tensor {
    return this.head ? this.head.forward(hidden) : hidden.matmul(this.target_embedding.weight.transpose())
  }

  override config(): LayerConfig {
    return { kind: 'translationModel', ...this.options }
  }
}

export const translationModel = (options: TranslationModelOptions): TranslationModel => new TranslationModel(options)
