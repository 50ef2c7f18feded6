/**
 * Stacks of transformer layers: the encoder, the decoder, and both together. One layer: transformer-layers.ts. Ready
 * models with embeddings around them: language-model.ts and translation-model.ts.
 */
import { checkWhole } from '../ops/derived/common.ts'
import type { Tensor } from '../tensor.ts'
import * as init from './init.ts'
import type { KeysValues, LayerCache } from './kv-cache.ts'
import { type LayerConfig, Module } from './module.ts'
import type { LayerNorm, RMSNorm } from './norm.ts'
import {
  type DecodeOptions,
  type EncodeOptions,
  makeNorm,
  TransformerDecoderLayer,
  TransformerEncoderLayer,
  type TransformerLayerOptions,
} from './transformer-layers.ts'

export interface TransformerStackOptions extends TransformerLayerOptions {
  /** A norm behind the last layer, which pre-norm stacks need; default false, as in PyTorch. */
  readonly finalNorm?: boolean
}

type WithCaches<Options> = Omit<Options, 'cache' | 'projected'> & {
  /** For generation: one for each layer. */
  readonly caches?: readonly LayerCache[]
}

/** Encoder layers one after the other: layers.0, layers.1 …, norm. x: [B, T, width] → [B, T, width] */
export class TransformerEncoder extends Module {
  readonly options: TransformerStackOptions
  readonly layers: readonly TransformerEncoderLayer[]
  readonly norm: LayerNorm | RMSNorm | undefined

  constructor(width: number, heads: number, layers: number, options: TransformerStackOptions = {}) {
    super()
    const { finalNorm = false, ...each } = options
    this.options = options
    this.layers = Array.from(
      { length: checkWhole('transformerEncoder: layers', layers, 1) },
      () => new TransformerEncoderLayer(width, heads, each),
    )
    this.norm = finalNorm ? makeNorm(width, each) : undefined
  }

  forward(x: Tensor, { caches, ...options }: WithCaches<EncodeOptions> = {}): Tensor {
    const y = this.layers.reduce((value, layer, i) => layer.forward(value, { ...options, cache: caches?.[i] }), x)
    return this.norm ? this.norm.forward(y) : y
  }

  override config(): LayerConfig {
    const [{ width, heads }] = this.layers
    return { kind: 'transformerEncoder', width, heads, layers: this.layers.length, ...this.options }
  }
}

/** Decoder layers one after the other. x: [B, T, width], memory: [B, S, width] → [B, T, width] */
export class TransformerDecoder extends Module {
  readonly options: TransformerStackOptions
  readonly layers: readonly TransformerDecoderLayer[]
  readonly norm: LayerNorm | RMSNorm | undefined

  constructor(width: number, heads: number, layers: number, options: TransformerStackOptions = {}) {
    super()
    const { finalNorm = false, ...each } = options
    this.options = options
    this.layers = Array.from(
      { length: checkWhole('transformerDecoder: layers', layers, 1) },
      () => new TransformerDecoderLayer(width, heads, each),
    )
    this.norm = finalNorm ? makeNorm(width, each) : undefined
  }

  /** With `projected`, one for each layer from `projectMemory`, the memory itself is not looked at. */
  forward(
    x: Tensor,
    memory: Tensor,
    { caches, projected, ...options }: WithCaches<DecodeOptions> & { readonly projected?: readonly KeysValues[] } = {},
  ): Tensor {
    const y = this.layers.reduce(
      (value, layer, i) => layer.forward(value, memory, { ...options, cache: caches?.[i], projected: projected?.[i] }),
      x,
    )
    return this.norm ? this.norm.forward(y) : y
  }

  /** The memory's keys and values for each layer, which are the same at every step of generation. */
  projectMemory(memory: Tensor): KeysValues[] {
    return this.layers.map((layer) => layer.multihead_attn.project(memory))
  }

  override config(): LayerConfig {
    const [{ width, heads }] = this.layers
    return { kind: 'transformerDecoder', width, heads, layers: this.layers.length, ...this.options }
  }
}

export interface TransformerOptions extends TransformerLayerOptions {
  /** Default 6. */
  readonly encoderLayers?: number
  /** Default 6. */
  readonly decoderLayers?: number
}

export interface TransformerMasks {
  /** Which sources each source may attend to; shapes as in MultiHeadAttention. */
  readonly sourceMask?: Tensor
  /** bool [B, S]: which sources are there, for encoder and decoder; false for padding. */
  readonly sourceKeyMask?: Tensor
  /** Which targets each target may attend to. */
  readonly targetMask?: Tensor
  /** bool [B, T]: which targets are there; false for padding. */
  readonly targetKeyMask?: Tensor
  /** Which sources each target may attend to. */
  readonly memoryMask?: Tensor
  /** bool [B, S]: which sources targets may attend to, where it is not sourceKeyMask. */
  readonly memoryKeyMask?: Tensor
  /** Target t attends to targets 0 to t only; default false, as in PyTorch. */
  readonly causal?: boolean
}

/**
 * Encoder and decoder, each with a final norm (Vaswani et al. 2017). source: [B, S, width], target: [B, T, width] →
 * [B, T, width]
 *
 * Matrices begin as Xavier's uniform distribution, as in PyTorch. Sources that are not there are hidden from encoder and
 * decoder alike; PyTorch hides them from the decoder only if it is told twice.
 */
export class Transformer extends Module {
  readonly width: number
  readonly heads: number
  readonly options: TransformerOptions
  readonly encoder: TransformerEncoder
  readonly decoder: TransformerDecoder

  constructor(width = 512, heads = 8, options: TransformerOptions = {}) {
    super()
    const { encoderLayers = 6, decoderLayers = 6, ...each } = options
    this.width = width
    this.heads = heads
    this.options = options
    this.encoder = new TransformerEncoder(width, heads, encoderLayers, { ...each, finalNorm: true })
    this.decoder = new TransformerDecoder(width, heads, decoderLayers, { ...each, finalNorm: true })
    for (const parameter of this.parameters()) {
      if (parameter.rank > 1) parameter.assign(init.xavierUniform(parameter.shape))
    }
  }

  forward(source: Tensor, target: Tensor, masks: TransformerMasks = {}): Tensor {
    const { sourceMask, sourceKeyMask, targetMask, targetKeyMask, memoryMask, causal } = masks
    const memory = this.encoder.forward(source, { mask: sourceMask, keyMask: sourceKeyMask })
    return this.decoder.forward(target, memory, {
      mask: targetMask,
      keyMask: targetKeyMask,
      causal,
      memoryMask,
      memoryKeyMask: masks.memoryKeyMask ?? sourceKeyMask,
    })
  }

  override config(): LayerConfig {
    return { kind: 'transformer', width: this.width, heads: this.heads, ...this.options }
  }
}

export const transformerEncoder = (
  width: number,
  heads: number,
  layers: number,
  options?: TransformerStackOptions,
): TransformerEncoder => new TransformerEncoder(width, heads, layers, options)
export const transformerDecoder = (
  width: number,
  heads: number,
  layers: number,
  options?: TransformerStackOptions,
): TransformerDecoder => new TransformerDecoder(width, heads, layers, options)
export const transformer = (width?: number, heads?: number, options?: TransformerOptions): Transformer =>
  new Transformer(width, heads, options)
