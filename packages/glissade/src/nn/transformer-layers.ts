/**
 * The blocks of a transformer: attention and a small network for each token, each with a residual connection and a norm
 * (Vaswani et al. 2017, section 3.1). Stacks of them: transformer.ts; the attention: attention.ts.
 *
 * Names and defaults are PyTorch's; all is batch first, and in masks true means: takes part.
 */
import { fail } from '../errors.ts'
import { checkWhole } from '../ops/derived/common.ts'
import type { Tensor } from '../tensor.ts'
import { type AttendOptions, MultiHeadAttention } from './attention.ts'
import { Dropout } from './dropout.ts'
import { gelu, silu } from './functional.ts'
import type { KeysValues, LayerCache } from './kv-cache.ts'
import { Linear } from './linear.ts'
import { type LayerConfig, Module, tap } from './module.ts'
import { LayerNorm, RMSNorm } from './norm.ts'
import type { RotaryOptions } from './relative-positions.ts'

const plain = {
  relu: (x: Tensor) => x.relu(),
  gelu: (x: Tensor) => gelu(x),
  geluTanh: (x: Tensor) => gelu(x, 'tanh'),
  silu: (x: Tensor) => silu(x),
}
/** Of these linear1 is twice as wide: the first half, through its function, multiplies the second (Shazeer 2020). */
const gated = {
  glu: (x: Tensor) => x.sigmoid(),
  reglu: (x: Tensor) => x.relu(),
  geglu: (x: Tensor) => gelu(x),
  swiglu: (x: Tensor) => silu(x),
}

export type FeedForwardActivation = keyof typeof plain | keyof typeof gated

export interface TransformerLayerOptions {
  /** The width between the two linear layers; default 2048. */
  readonly feedForward?: number
  /** In training; default 0.1. */
  readonly dropout?: number
  /** Between the two linear layers; default 'relu'. The GLU family doubles linear1 (arXiv 2002.05202). */
  readonly activation?: FeedForwardActivation
  /** Norms before attention and feed-forward (pre-norm) and not after their residual sums; default false. */
  readonly normFirst?: boolean
  /** Default 'layer'. */
  readonly norm?: 'layer' | 'rms'
  /** Of the norms; default 1e-5. */
  readonly eps?: number
  /** Whether linear layers, projections and norms have biases; default true. */
  readonly bias?: boolean
  /** Of self-attention; see MultiHeadAttention. */
  readonly kvHeads?: number
  /** Of self-attention: queries and keys are turned by their place; default false. */
  readonly rotary?: boolean | RotaryOptions
  /** Of self-attention: scores fall with the distance; default false. */
  readonly alibi?: boolean
}

/** A norm over the last axis, as the options say. */
export function makeNorm(width: number, options: TransformerLayerOptions): LayerNorm | RMSNorm {
  const { norm = 'layer', eps = 1e-5, bias = true } = options
  if (norm === 'layer') return new LayerNorm(width, { eps, bias })
  if (norm === 'rms') return new RMSNorm(width, { eps })
  return fail('value-invalid', {
    what: 'transformer layer: norm',
    received: `'${String(norm)}'`,
    expected: "'layer' or 'rms'",
    fix: 'Change the option.',
  })
}

/** What encoder and decoder layers share: self-attention and the feed-forward network. */
abstract class TransformerLayer extends Module {
  readonly width: number
  readonly heads: number
  readonly options: TransformerLayerOptions
  readonly self_attn: MultiHeadAttention
  readonly linear1: Linear
  readonly linear2: Linear
  readonly norm1: LayerNorm | RMSNorm
  readonly norm2: LayerNorm | RMSNorm
  readonly dropout: Dropout
  readonly dropout1: Dropout
  readonly dropout2: Dropout

  constructor(kind: string, width: number, heads: number, options: TransformerLayerOptions) {
    super()
    const { feedForward = 2048, dropout = 0.1, activation = 'relu', bias = true, kvHeads, rotary, alibi } = options
    checkWhole(`${kind}: feedForward`, feedForward, 1)
    const isGated = Object.hasOwn(gated, activation)
    if (!isGated && !Object.hasOwn(plain, activation)) {
      fail('value-invalid', {
        what: `${kind}: activation`,
        received: `'${String(activation)}'`,
        expected: `one of ${[...Object.keys(plain), ...Object.keys(gated)].join(', ')}`,
        fix: 'Change the option.',
      })
    }
    this.width = width
    this.heads = heads
    this.options = options
    this.self_attn = new MultiHeadAttention(width, heads, { dropout, bias, kvHeads, rotary, alibi })
    this.linear1 = new Linear(width, isGated ? 2 * feedForward : feedForward, { bias })
    this.linear2 = new Linear(feedForward, width, { bias })
    this.norm1 = makeNorm(width, options)
    this.norm2 = makeNorm(width, options)
    this.dropout = new Dropout(dropout)
    this.dropout1 = new Dropout(dropout)
    this.dropout2 = new Dropout(dropout)
  }

  /** The network that each token passes by itself. [B, T, width] → [B, T, width] */
  protected feedForward(x: Tensor): Tensor {
    const activation = this.options.activation ?? 'relu'
    const inner = this.linear1.forward(x)
    let active: Tensor
    if (activation in gated) {
      const [gate, value] = inner.split(inner.shape[inner.rank - 1] / 2, -1)
      active = gated[activation as keyof typeof gated](gate).mul(value)
    } else active = plain[activation as keyof typeof plain](inner)
    return this.linear2.forward(this.dropout.forward(active))
  }

  protected attendSelf(x: Tensor, options: AttendOptions): Tensor {
    return this.self_attn.forward(x, x, x, options).output
  }

  /** x + change(x), with the norm before the change or after the sum, which can be captured as `residual`. */
  protected residual(x: Tensor, norm: LayerNorm | RMSNorm, dropout: Dropout, change: (x: Tensor) => Tensor): Tensor {
    if (this.options.normFirst) return tap('residual', x.add(dropout.forward(change(norm.forward(x)))))
    return norm.forward(tap('residual', x.add(dropout.forward(change(x)))))
  }
}

/** What the layers of an encoder, and stacks of them, are told beside their input. */
export type EncodeOptions = Pick<AttendOptions, 'mask' | 'bias' | 'keyMask' | 'causal' | 'cache' | 'start'>

/** Self-attention, then feed-forward. x: [B, T, width] → [B, T, width]. Errors: value-invalid, shape-mismatch. */
export class TransformerEncoderLayer extends TransformerLayer {
  constructor(width: number, heads: number, options: TransformerLayerOptions = {}) {
    super('transformerEncoderLayer', width, heads, options)
  }

  forward(x: Tensor, options: EncodeOptions = {}): Tensor {
    const attended = this.residual(x, this.norm1, this.dropout1, (y) => this.attendSelf(y, options))
    return this.residual(attended, this.norm2, this.dropout2, (y) => this.feedForward(y))
  }

  override config(): LayerConfig {
    return { kind: 'transformerEncoderLayer', width: this.width, heads: this.heads, ...this.options }
  }
}

export interface DecodeOptions {
  /** bool [T, T], [B, T, T] or [B, H, T, T]: which targets each target may attend to. */
  readonly mask?: Tensor
  /** Numbers added to the scores of targets. */
  readonly bias?: Tensor
  /** bool [B, T]: which targets are there; false for padding. */
  readonly keyMask?: Tensor
  /** Target t attends to targets 0 to t only; default false, as in PyTorch. */
  readonly causal?: boolean
  /** bool [T, S], [B, T, S] or [B, H, T, S]: which places of the memory each target may attend to. */
  readonly memoryMask?: Tensor
  /** bool [B, S]: which places of the memory are there; false for padding. */
  readonly memoryKeyMask?: Tensor
  /** Keys and values of the targets so far, for generation; needs `start`. */
  readonly cache?: LayerCache
  /** int32 [B]: the place of each row's first target. */
  readonly start?: Tensor
  /** The memory's keys and values, from `multihead_attn.project`; then `memory` is not looked at. */
  readonly projected?: KeysValues
}

/**
 * Self-attention, attention to the memory (an encoder's output), then feed-forward.
 * x: [B, T, width], memory: [B, S, width] → [B, T, width]. Errors: value-invalid, shape-mismatch.
 */
export class TransformerDecoderLayer extends TransformerLayer {
  readonly multihead_attn: MultiHeadAttention
  readonly norm3: LayerNorm | RMSNorm
  readonly dropout3: Dropout

  constructor(width: number, heads: number, options: TransformerLayerOptions = {}) {
    super('transformerDecoderLayer', width, heads, options)
    const { dropout = 0.1, bias = true, kvHeads } = options
    this.multihead_attn = new MultiHeadAttention(width, heads, { dropout, bias, kvHeads })
    this.norm3 = makeNorm(width, options)
    this.dropout3 = new Dropout(dropout)
  }

  forward(x: Tensor, memory: Tensor, options: DecodeOptions = {}): Tensor {
    const { memoryMask: mask, memoryKeyMask: keyMask, projected, ...own } = options
    const first = this.residual(x, this.norm1, this.dropout1, (y) => this.attendSelf(y, own))
    const second = this.residual(
      first,
      this.norm2,
      this.dropout2,
      (y) => this.multihead_attn.forward(y, memory, memory, { mask, keyMask, projected }).output,
    )
    return this.residual(second, this.norm3, this.dropout3, (y) => this.feedForward(y))
  }

  override config(): LayerConfig {
    return { kind: 'transformerDecoderLayer', width: this.width, heads: this.heads, ...this.options }
  }
}

export const transformerEncoderLayer = (
  width: number,
  heads: number,
  options?: TransformerLayerOptions,
): TransformerEncoderLayer => new TransformerEncoderLayer(width, heads, options)
export const transformerDecoderLayer = (
  width: number,
  heads: number,
  options?: TransformerLayerOptions,
): TransformerDecoderLayer => new TransformerDecoderLayer(width, heads, options)
