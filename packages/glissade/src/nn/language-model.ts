/**
 * A decoder-only language model, ready to train: token embeddings, positions, transformer layers that look back only,
 * and scores for the next token. Its stack: transformer.ts; text out of it: generate/.
 */
import { fail } from '../errors.ts'
import { checkWhole } from '../ops/derived/common.ts'
import type { Tensor } from '../tensor.ts'
import { Dropout } from './dropout.ts'
import { Embedding } from './embedding.ts'
import * as init from './init.ts'
import { KeyValueCache } from './kv-cache.ts'
import { Linear } from './linear.ts'
import { type LayerConfig, Module } from './module.ts'
import { LearnedPositions, SinusoidalPositions } from './positions.ts'
import type { RotaryOptions } from './relative-positions.ts'
import { TransformerEncoder } from './transformer.ts'
import type { FeedForwardActivation } from './transformer-layers.ts'

export interface LanguageModelOptions {
  /** How many tokens there are. */
  readonly vocab: number
  readonly width: number
  readonly layers: number
  readonly heads: number
  /** The most tokens of a text. */
  readonly context: number
  /** Default 4 width. */
  readonly feedForward?: number
  /** In training; default 0. */
  readonly dropout?: number
  /** Default 'gelu'. */
  readonly activation?: FeedForwardActivation
  /** Default 'learned'. */
  readonly positions?: 'learned' | 'sinusoidal' | 'rotary' | 'alibi' | 'none'
  /** For positions: 'rotary'; see nn.functional.rotary for the defaults. */
  readonly rotary?: RotaryOptions
  /** Default 'layer'. */
  readonly norm?: 'layer' | 'rms'
  /** Of the norms; default 1e-5. */
  readonly eps?: number
  /** Of linear layers, projections and norms; default true. */
  readonly bias?: boolean
  /** Default as many as heads. */
  readonly kvHeads?: number
  /** Whether scores are products with the token embeddings (the default), or have a `head` of their own. */
  readonly tied?: boolean
}

/** How a model is asked for the next token of texts that it partly knows. */
export interface ContinueOptions {
  /** From `makeCache`: what was seen so far, to which these tokens are added. Needs `start`. */
  readonly cache?: KeyValueCache
  /** int32 [B]: the place of each row's first token. */
  readonly start?: Tensor
  /** int32 [B]: for which of the T tokens scores are wanted, for each row; default all. */
  readonly last?: Tensor
}

/** The deviation of first weights in GPT-2; what ends in a residual sum gets it over sqrt(2 layers). */
const deviation = 0.02

/**
 * Scores for the token that follows each token. tokens: int32 [B, T] → [B, T, vocab], or [B, vocab] with `last`
 *
 * Pre-norm with a final norm, and first weights, as in GPT-2 (Radford et al. 2019); with positions 'rotary', norm 'rms',
 * activation 'swiglu', bias false and kvHeads it has the form of Llama (Touvron et al. 2023, arXiv 2302.13971).
 * Parameters: embedding.weight, positions.weight (learned), transformer.layers.0 …, transformer.norm, head.weight (not
 * tied). Errors: value-invalid, shape-mismatch, index-range for tokens.
 */
export class LanguageModel extends Module {
  readonly options: LanguageModelOptions
  readonly context: number
  readonly embedding: Embedding
  readonly positions: LearnedPositions | SinusoidalPositions | undefined
  readonly dropout: Dropout
  readonly transformer: TransformerEncoder
  readonly head: Linear | undefined

  constructor(options: LanguageModelOptions) {
    super()
    const { vocab, width, layers, heads, context, feedForward = 4 * width, dropout = 0 } = options
    const { activation = 'gelu', positions = 'learned', norm, eps, bias = true, kvHeads, tied = true } = options
    checkWhole('languageModel: vocab', vocab, 1)
    this.options = options
    this.context = checkWhole('languageModel: context', context, 1)
    this.embedding = new Embedding(vocab, width)
    this.positions = makePositions(positions, context, width)
    this.dropout = new Dropout(dropout)
    this.transformer = new TransformerEncoder(width, heads, layers, {
      feedForward,
      dropout,
      activation,
      norm,
      eps,
      bias,
      kvHeads,
      rotary: positions === 'rotary' && (options.rotary ?? true),
      alibi: positions === 'alibi',
      normFirst: true,
      finalNorm: true,
    })
    this.head = tied ? undefined : new Linear(width, vocab, { bias: false })
    for (const [name, parameter] of this.namedParameters()) {
      if (parameter.rank < 2) {
        if (/linear\d\.bias$/.test(name)) parameter.assign(init.zeros(parameter.shape))
        continue
      }
      const residual = /(out_proj|linear2)\.weight$/.test(name)
      parameter.assign(init.normal(parameter.shape, { std: residual ? deviation / Math.sqrt(2 * layers) : deviation }))
    }
  }

  forward(tokens: Tensor, { cache, start, last }: ContinueOptions = {}): Tensor {
    checkTokens('languageModel', tokens, this.context)
    const embedded = this.embedding.forward(tokens)
    const placed = this.positions ? this.positions.forward(embedded, { start }) : embedded
    const hidden = this.transformer.forward(this.dropout.forward(placed), {
      causal: true,
      caches: cache?.layers,
      start,
    })
    const wanted = last ? pickPlaces(hidden, last) : hidden
    return this.head ? this.head.forward(wanted) : wanted.matmul(this.embedding.weight.transpose())
  }

  /** A cache for `rows` texts of at most `length` tokens, by default as many as the model can read. */
  makeCache({ rows, length = this.context }: { readonly rows: number; readonly length?: number }): KeyValueCache {
    const [{ self_attn }] = this.transformer.layers
    return new KeyValueCache({
      rows,
      length,
      layers: this.transformer.layers.length,
      heads: self_attn.kvHeads,
      headSize: self_attn.headSize,
    })
  }

  override config(): LayerConfig {
    return { kind: 'languageModel', ...this.options }
  }
}

/** The positions that are added to embeddings, where the kind is one of those. */
export function makePositions(
  kind: NonNullable<LanguageModelOptions['positions']>,
  length: number,
  width: number,
): LearnedPositions | SinusoidalPositions | undefined {
  if (kind === 'learned') return new LearnedPositions(length, width)
  if (kind === 'sinusoidal') return new SinusoidalPositions(length, width)
  if (['rotary', 'alibi', 'none'].includes(kind)) return undefined
  return fail('value-invalid', {
    what: 'positions',
    received: `'${String(kind)}'`,
    expected: "'learned', 'sinusoidal', 'rotary', 'alibi' or 'none'",
    fix: 'Change the option.',
  })
}

/** Refuses what is not int32 [B, T] with at most `context` tokens. */
export function checkTokens(op: string, tokens: Tensor, context: number): void {
  if (tokens.dtype !== 'int32') {
    fail('dtype-mismatch', {
      op,
      received: `tokens of ${tokens.dtype}`,
      expected: 'int32',
      fix: "Make them with { dtype: 'int32' }, or cast with .cast('int32').",
    })
  }
  if (tokens.rank === 2 && tokens.shape[1] >= 1 && tokens.shape[1] <= context) return
  fail('shape-mismatch', {
    op,
    received: `tokens [${tokens.shape.join(', ')}]`,
    expected: `[B, T] with T from 1 to ${context}`,
    fix: 'Cut the text, or build the model for a longer context.',
  })
}

/** The element of each row that `last` names: x: [B, T, C], last: int32 [B] → [B, C] */
export function pickPlaces(x: Tensor, last: Tensor): Tensor {
  const [batch, , width] = x.shape
  return x.gather(last.reshape([batch, 1, 1]).expand([batch, 1, width]), 1).squeeze(1)
}

export const languageModel = (options: LanguageModelOptions): LanguageModel => new LanguageModel(options)
