/**
 * Multi-head attention with its projections, under PyTorch's names. The formula itself: dot-product-attention.ts;
 * positions inside attention: relative-positions.ts; the cache for generation: kv-cache.ts; blocks: transformer-layers.ts.
 *
 * Everything is batch first, and in all masks true means: takes part. (PyTorch's layer means the opposite, its function
 * scaled_dot_product_attention the same.)
 */
import { zeros } from '../create.ts'
import { fail } from '../errors.ts'
import { checkWhole, iota } from '../ops/derived/common.ts'
import { concat } from '../ops/derived/movement.ts'
import type { Shape } from '../shape.ts'
import type { Tensor } from '../tensor.ts'
import { Softmax } from './bounded.ts'
import { attentionScores, weighValues } from './dot-product-attention.ts'
import { Dropout } from './dropout.ts'
import * as init from './init.ts'
import type { KeysValues, LayerCache } from './kv-cache.ts'
import { Linear } from './linear.ts'
import { type LayerConfig, Module, Parameter, tap } from './module.ts'
import { placesOf } from './positions.ts'
import { alibiBias, type RotaryOptions, rotary } from './relative-positions.ts'

export interface MultiHeadAttentionOptions {
  /** Whether the projections have biases; default true. */
  readonly bias?: boolean
  /** In training, weights are set to 0 with this probability; default 0. */
  readonly dropout?: number
  /** The width of keys; default that of queries. */
  readonly kdim?: number
  /** The width of values; default that of queries. */
  readonly vdim?: number
  /** Heads of keys and values; default as many as of queries. Fewer, a divisor, are shared by neighbouring heads. */
  readonly kvHeads?: number
  /** Queries and keys are turned by their place; default false. */
  readonly rotary?: boolean | RotaryOptions
  /** Scores fall with the distance; default false. */
  readonly alibi?: boolean
  /** A learned key and value stand behind those given; default false. */
  readonly addBiasKV?: boolean
  /** A key and a value of zeros stand behind those given; default false. */
  readonly addZeroAttention?: boolean
}

export interface AttendOptions {
  /** bool [T, S], [B, T, S] or [B, H, T, S]: which keys each query may attend to. */
  readonly mask?: Tensor
  /** Of the same shapes: added to the scaled scores. */
  readonly bias?: Tensor
  /** bool [B, S]: which keys are there at all; false for padding. */
  readonly keyMask?: Tensor
  /** Query t attends to keys 0 to t only; default false, but always so with a cache. */
  readonly causal?: boolean
  /** Also return the weights; default false. */
  readonly needWeights?: boolean
  /** The weights' mean over heads, [B, T, S], and not [B, H, T, S]; default true. */
  readonly averageWeights?: boolean
  /** Keys and values so far, to which these are added: for generation. Needs `start`. */
  readonly cache?: LayerCache
  /** int32 [B]: the place of each row's first query. */
  readonly start?: Tensor
  /** Keys and values from `project`, in place of `key` and `value`, which are then not looked at. */
  readonly projected?: KeysValues
}

export interface Attended {
  /** [B, T, width] */
  readonly output: Tensor
  readonly weights?: Tensor
}

/**
 * Attention with `heads` heads between projections of queries, keys and values (Vaswani et al. 2017, section 3.2.2).
 * query: [B, T, width], key: [B, S, kdim], value: [B, S, vdim] → { output: [B, T, width], weights? }
 *
 * Parameters: in_proj_weight [width + 2 inner, width] (queries, keys, values; inner is width, or less with kvHeads) and
 * in_proj_bias; with kdim or vdim q_proj_weight, k_proj_weight and v_proj_weight instead; out_proj.weight and .bias. A
 * query that may attend to nothing gives zeros (and the output bias), where PyTorch gives NaN. What can be captured
 * besides `softmax` (the weights): `q` [B, H, T, D], `keys` and `values` [B, G, S, D], `scores` [B, H, T, S] and
 * `mixed` [B, H, T, D], per head. Errors: value-invalid, shape-mismatch, dtype-mismatch.
 */
export class MultiHeadAttention extends Module {
  readonly width: number
  readonly heads: number
  readonly kvHeads: number
  readonly headSize: number
  readonly options: MultiHeadAttentionOptions
  readonly in_proj_weight: Parameter | undefined
  readonly q_proj_weight: Parameter | undefined
  readonly k_proj_weight: Parameter | undefined
  readonly v_proj_weight: Parameter | undefined
  readonly in_proj_bias: Parameter | undefined
  readonly bias_k: Parameter | undefined
  readonly bias_v: Parameter | undefined
  readonly out_proj: Linear
  /** Modules of their own, so that the weights can be captured by name. */
  readonly softmax = new Softmax(-1)
  readonly dropout: Dropout

  constructor(width: number, heads: number, options: MultiHeadAttentionOptions = {}) {
    super()
    const { bias = true, dropout = 0, kdim = width, vdim = width, kvHeads = heads, addBiasKV = false } = options
    this.width = checkWhole('multiHeadAttention: width', width, 1)
    this.heads = checkWhole('multiHeadAttention: heads', heads, 1)
    this.kvHeads = checkWhole('multiHeadAttention: kvHeads', kvHeads, 1)
    checkWhole('multiHeadAttention: kdim', kdim, 1)
    checkWhole('multiHeadAttention: vdim', vdim, 1)
    divides('heads', heads, 'width', width)
    divides('kvHeads', kvHeads, 'heads', heads)
    this.headSize = width / heads
    this.options = options
    const inner = kvHeads * this.headSize
    if (kdim === width && vdim === width) {
      this.in_proj_weight = new Parameter(init.xavierUniform([width + 2 * inner, width]))
    } else {
      this.q_proj_weight = new Parameter(init.xavierUniform([width, width]))
      this.k_proj_weight = new Parameter(init.xavierUniform([inner, kdim]))
      this.v_proj_weight = new Parameter(init.xavierUniform([inner, vdim]))
    }
    this.in_proj_bias = bias ? new Parameter(zeros([width + 2 * inner])) : undefined
    this.bias_k = addBiasKV ? new Parameter(init.xavierNormal([1, 1, inner])) : undefined
    this.bias_v = addBiasKV ? new Parameter(init.xavierNormal([1, 1, inner])) : undefined
    this.out_proj = new Linear(width, width, { bias })
    this.out_proj.bias?.assign(zeros([width]))
    this.dropout = new Dropout(dropout)
  }

  forward(query: Tensor, key: Tensor = query, value: Tensor = key, options: AttendOptions = {}): Attended {
    const { cache, start, projected, needWeights = false, averageWeights = true } = options
    const { kdim = this.width, vdim = this.width } = this.options
    this.#checkInput('query', query, this.width)
    if (cache && (!start || projected || this.bias_k || this.options.addZeroAttention)) {
      const received = start ? 'keys projected before, or extra keys' : 'no start'
      const expected = 'the place of each row’s first token as `start`, and plain self-attention'
      fail('value-invalid', { what: 'multiHeadAttention: cache', received, expected, fix: 'Check the options.' })
    }
    if (!projected) {
      this.#checkInput('key', key, kdim)
      this.#checkInput('value', value, vdim)
    }
    const length = cache?.length
    const unturned = this.#project(query, key, value, projected)
    const q = this.#turn(unturned.q, start, length)
    let keysValues = projected ?? { ...unturned, keys: this.#turn(unturned.keys, start, length) }
    if (cache && start) keysValues = cache.write(keysValues, start)
    const extra = projected ? keysValues : this.#addKeys(keysValues)
    const added = extra.keys.shape[2] - keysValues.keys.shape[2]
    const mask = this.#mask(query.shape[1], keysValues.keys.shape[2], options)
    const keys = tap('keys', extra.keys)
    const values = tap('values', extra.values)
    const scores = attentionScores(tap('q', q), keys, values, {
      mask: mask && added > 0 ? padKeys(mask, added, true) : mask,
      bias: this.#bias(q, keysValues.keys.shape[2], added, options),
    })
    const weights = this.dropout.forward(this.softmax.forward(tap('scores', scores)))
    const mixed = tap('mixed', weighValues(weights, values))
    const output = this.out_proj.forward(mixed.permute(0, 2, 1, 3).reshape(query.shape))
    return needWeights ? { output, weights: averageWeights ? weights.mean(1) : weights } : { output }
  }

  /** Keys and values ready to be attended to, for a memory that many queries look at: → { keys, values: [B, G, S, D] } */
  project(key: Tensor, value: Tensor = key): KeysValues {
    const { keys, values } = this.#projectKeys(key, value)
    return { keys: this.#turn(keys), values }
  }

  #project(query: Tensor, key: Tensor, value: Tensor, projected?: KeysValues): KeysValues & { q: Tensor } {
    if (!projected && this.in_proj_weight && query === key && key === value) {
      // One product for all three.
      const all = linearOf(query, this.in_proj_weight, this.in_proj_bias)
      const [q, keys, values] = all.split(this.#parts(), -1).map((part) => this.#split(part))
      return { q, keys, values }
    }
    const q = this.#split(linearOf(query, this.#weights()[0], this.#biases()[0]))
    return { q, ...(projected ?? this.#projectKeys(key, value)) }
  }

  #projectKeys(key: Tensor, value: Tensor): KeysValues {
    const [wk, wv] = this.#weights().slice(1)
    const [bk, bv] = this.#biases().slice(1)
    return { keys: this.#split(linearOf(key, wk, bk)), values: this.#split(linearOf(value, wv, bv)) }
  }

  /** Queries or keys turned by their places, where the layer is rotary. */
  #turn(x: Tensor, start?: Tensor, length?: number): Tensor {
    if (!this.options.rotary) return x
    return rotary(x, { ...(this.options.rotary === true ? {} : this.options.rotary), start, length })
  }

  /** How many rows of the packed weight belong to queries, keys and values. */
  #parts(): number[] {
    const inner = this.kvHeads * this.headSize
    return [this.width, inner, inner]
  }

  #weights(): Tensor[] {
    if (this.in_proj_weight) return this.in_proj_weight.split(this.#parts())
    return [this.q_proj_weight, this.k_proj_weight, this.v_proj_weight] as Tensor[]
  }

  #biases(): (Tensor | undefined)[] {
    return this.in_proj_bias ? this.in_proj_bias.split(this.#parts()) : [undefined, undefined, undefined]
  }

  /** [B, T, H D] → [B, H, T, D] */
  #split(x: Tensor): Tensor {
    const [batch, steps, width] = x.shape
    return x.reshape([batch, steps, width / this.headSize, this.headSize]).permute(0, 2, 1, 3)
  }

  /** The learned key and value, and those of zeros, behind those given. */
  #addKeys({ keys, values }: KeysValues): KeysValues {
    const [batch, heads, , size] = keys.shape
    const one: Shape = [batch, heads, 1, size]
    const behind = (x: Tensor, learned?: Parameter): Tensor => {
      const parts = [x]
      if (learned) parts.push(learned.reshape([1, heads, 1, size]).expand(one))
      if (this.options.addZeroAttention) parts.push(zeros(one, x.dtype))
      return parts.length === 1 ? x : concat(parts, 2)
    }
    return { keys: behind(keys, this.bias_k), values: behind(values, this.bias_v) }
  }

  /** All masks as one that broadcasts to [B, H, T, S]. */
  #mask(queries: number, keys: number, { mask, keyMask, causal, cache, start }: AttendOptions): Tensor | undefined {
    const masks: Tensor[] = []
    if (mask) masks.push(withHeads('mask', mask))
    if (keyMask) {
      if (keyMask.rank !== 2 || keyMask.shape[1] !== keys) {
        fail('shape-mismatch', {
          op: 'multiHeadAttention: keyMask',
          received: `[${keyMask.shape.join(', ')}]`,
          expected: `[B, ${keys}], true where a key takes part`,
          fix: 'Give one value for each key.',
        })
      }
      masks.push(keyMask.reshape([keyMask.shape[0], 1, 1, keys]))
    }
    for (const { dtype } of masks) {
      if (dtype === 'bool') continue
      fail('dtype-mismatch', {
        op: 'multiHeadAttention: mask',
        received: dtype,
        expected: 'bool, true where a key takes part',
        fix: 'Compare (mask.ne(0)), or pass numbers to be added as `bias`.',
      })
    }
    if (causal || cache) {
      const places = placesOf(queries, start)
      const from = places.reshape(start ? [start.size, 1, queries, 1] : [1, 1, queries, 1])
      masks.push(iota([1, 1, 1, keys], 3).le(from))
    }
    return masks.length === 0 ? undefined : masks.reduce((a, b) => a.and(b))
  }

  /** What is added to the scores, as it broadcasts to [B, H, T, S]; 0 for the keys that were added behind. */
  #bias(q: Tensor, keys: number, added: number, { bias, start }: AttendOptions): Tensor | undefined {
    const parts: Tensor[] = []
    if (bias) parts.push(withHeads('bias', bias))
    if (this.options.alibi) parts.push(alibiBias(this.heads, q.shape[2], keys, { start, dtype: q.dtype }))
    if (parts.length === 0) return undefined
    const sum = parts.reduce((a, b) => a.add(b))
    return added > 0 ? padKeys(sum, added, 0) : sum
  }

  #checkInput(what: string, x: Tensor, width: number): void {
    if (x.rank === 3 && x.shape[2] === width) return
    fail('shape-mismatch', {
      op: `multiHeadAttention: ${what}`,
      received: `[${x.shape.join(', ')}]`,
      expected: `[B, T, ${width}]`,
      fix: 'Check the width; add a batch axis with unsqueeze(0) where there is none.',
    })
  }

  override config(): LayerConfig {
    return { kind: 'multiHeadAttention', width: this.width, heads: this.heads, ...this.options }
  }
}

const linearOf = (x: Tensor, weight: Tensor, bias?: Tensor): Tensor => {
  const y = x.matmul(weight.transpose())
  return bias ? y.add(bias) : y
}

/** [T, S], [B, T, S] or [B, H, T, S] with an axis for the heads. */
function withHeads(what: string, x: Tensor): Tensor {
  if (x.rank === 2 || x.rank === 4) return x
  if (x.rank === 3) return x.unsqueeze(1)
  return fail('shape-mismatch', {
    op: `multiHeadAttention: ${what}`,
    received: `[${x.shape.join(', ')}]`,
    expected: '[T, S], [B, T, S] or [B, H, T, S]',
    fix: 'Reshape it.',
  })
}

/** More keys at the end of the last axis, of one value. */
function padKeys(x: Tensor, count: number, value: number | boolean): Tensor {
  if (x.shape[x.rank - 1] === 1) return x
  return x.pad([...x.shape.slice(1).map(() => [0, 0] as const), [0, count]], Number(value))
}

function divides(what: string, value: number, whole: string, size: number): void {
  if (size % value === 0) return
  fail('value-invalid', {
    what: `multiHeadAttention: ${what}`,
    received: `${value} for a ${whole} of ${size}`,
    expected: `a number that divides ${whole}`,
    fix: 'Change one of them.',
  })
}

export const multiHeadAttention = (
  width: number,
  heads: number,
  options?: MultiHeadAttentionOptions,
): MultiHeadAttention => new MultiHeadAttention(width, heads, options)
