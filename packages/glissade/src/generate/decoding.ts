/**
 * What generation needs of a model: scores for the next token of some texts, one token after the other. This file is
 * the contract and the choice; cached.ts runs models with a key-value cache, stepwise.ts those with a state, whole.ts
 * those that read the whole text each time.
 */
import { fail } from '../errors.ts'
import { inMode } from '../nn/keep-modes.ts'
import type { KeyValueCache } from '../nn/kv-cache.ts'
import type { ContinueOptions } from '../nn/language-model.ts'
import { Module } from '../nn/module.ts'
import type { Tensor } from '../tensor.ts'

/** Scores of all rows: `vocab` numbers each. */
export interface Scores {
  readonly data: ArrayLike<number>
  readonly vocab: number
}

/** Some texts under way. */
export interface Decoding {
  /** The most tokens of a text, prompt included. */
  readonly limit: number
  /** Reads texts from their start, one for each row; gives the scores for what follows each. */
  begin(texts: readonly (readonly number[])[]): Promise<Scores>
  /** Adds one token to each row. */
  next(tokens: Int32Array): Promise<Scores>
  /** Row i goes on from what was row from[i]. */
  reorder(from: Int32Array): Promise<void>
  /** No more is asked: what it holds may serve others. */
  end(): void
}

/** A model that keeps keys and values, such as nn.languageModel. */
export interface CachedModel extends Module {
  readonly context: number
  /** tokens: int32 [B, T] → [B, T, V], or [B, V] with `last` */
  forward(tokens: Tensor, options?: ContinueOptions): Tensor
  makeCache(sizes: { readonly rows: number; readonly length?: number }): KeyValueCache
}

/** A model that reads a source first, such as nn.translationModel. */
export interface CachedTranslator extends Module {
  readonly context: number
  /** The token that fills up short sources. */
  readonly padding: number
  makeCache(sizes: { readonly rows: number; readonly length?: number; readonly memoryLength: number }): KeyValueCache
  remember(source: Tensor, cache: KeyValueCache): void
  continue(target: Tensor, cache: KeyValueCache, options: Omit<ContinueOptions, 'cache'>): Tensor
}

/** A model that goes from token to token with a state (tensors in plain objects and arrays), such as a recurrent one. */
export interface StepModel<State = unknown> {
  /** The state before the first token, of `rows` texts. */
  init(rows: number): State
  /** token: int32 [rows] → scores: [rows, V] */
  step(token: Tensor, state: State): { readonly logits: Tensor; readonly state: State }
  /** The axis of the state's tensors along which rows lie; default 0. Of nn.lstm's state it is 1. */
  readonly stateAxis?: number
  /** Is put into evaluation for each step. */
  readonly module?: Module
}

/** A function from tokens, int32 [B, T], to scores, [B, T, V], of which those at t must depend on tokens 0 to t only. */
export type WholeModel = ((tokens: Tensor) => Tensor) | (Module & { forward(tokens: Tensor): Tensor })

export type GenerativeModel<State = unknown> = CachedModel | CachedTranslator | StepModel<State> | WholeModel

export function isTranslator(model: GenerativeModel): model is CachedTranslator {
  return model instanceof Module && 'makeCache' in model && 'remember' in model
}

export function isCached(model: GenerativeModel): model is CachedModel {
  return model instanceof Module && 'makeCache' in model && !('remember' in model)
}

export function isStepModel(model: GenerativeModel): model is StepModel {
  return typeof model === 'object' && !(model instanceof Module) && 'init' in model && 'step' in model
}

/** Starts `call` with the module, if there is one, in evaluation. */
export function calledInEvaluation<T>(module: Module | undefined, call: () => T): T {
  return module ? inMode(module, false, call) : call()
}

/** The smallest power of two of at least `size`, so that few programs serve all lengths; but at most `limit`. */
export function roundedUp(size: number, least: number, limit: number): number {
  return Math.min(limit, 2 ** Math.ceil(Math.log2(Math.max(size, least))))
}

/** Texts as rows of one length, filled up with `filler`: int32 numbers, row after row. */
export function padded(texts: readonly (readonly number[])[], length: number, filler: number): Int32Array<ArrayBuffer> {
  const rows = new Int32Array(texts.length * length).fill(filler)
  texts.forEach((text, row) => rows.set(text, row * length))
  return rows
}

/** The scores [rows, V] as numbers, refused where they are no such thing. */
export async function scoresOf(logits: Tensor, rows: number): Promise<Scores> {
  if (logits.rank !== 2 || logits.shape[0] !== rows || logits.shape[1] < 1) {
    fail('shape-mismatch', {
      op: 'generate',
      received: `scores [${logits.shape.join(', ')}]`,
      expected: `[${rows}, V], one for each token`,
      fix: 'Check what the model gives.',
    })
  }
  return { data: await logits.data(), vocab: logits.shape[1] }
}
