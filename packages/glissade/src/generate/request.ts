/**
 * What one asks of generation, checked and brought into one form: texts as lists of tokens, and the decoding that will
 * continue them. What is then done with it: generate.ts, beam-search.ts.
 */
import { fail } from '../errors.ts'
import { Module } from '../nn/module.ts'
import { checkWhole } from '../ops/derived/common.ts'
import { decodeCached } from './cached.ts'
import { type Decoding, type GenerativeModel, isCached, isStepModel, isTranslator } from './decoding.ts'
import { checkSampling, type SamplingOptions } from './sampling.ts'
import { decodeStepwise } from './stepwise.ts'
import { decodeWhole } from './whole.ts'

/** What turns text into tokens and back, such as a tokenizer of `text`. */
export interface TextCoder {
  encode(text: string): ArrayLike<number> | { readonly ids: ArrayLike<number> }
  decode(tokens: readonly number[]): string
}

/** Tokens, or with a `tokenizer` text. */
export type Prompt = string | readonly number[] | Int32Array

export interface GenerateOptions extends SamplingOptions {
  /** The most new tokens of a text; default 100. */
  readonly maxTokens?: number
  /** Stop tokens are not taken before so many new ones; default 0. */
  readonly minTokens?: number
  /** Tokens that end a text. */
  readonly stopTokens?: number | readonly number[]
  /** Of the draws; default 0. The same seed gives the same tokens, whatever other rows there are. */
  readonly seed?: number
  /** Of a translator: the token that every target begins with. */
  readonly startToken?: number
  /** For prompts that are text; results then have a `text`. */
  readonly tokenizer?: TextCoder
  /** The most tokens that are read at once, where a model has no `context` of its own; default unlimited. */
  readonly context?: number
  /**
   * What happens when a text is longer than the model's context: 'stop' ends it (the default), 'slide' goes on from the
   * last half of the context, read anew. With 'slide' a prompt that is too long loses its beginning.
   */
  readonly overflow?: 'stop' | 'slide'
  /** Ends all texts at the next token. */
  readonly signal?: AbortSignal
  /** Above 1: beam search with so many beams, in place of sampling. Default 1. */
  readonly beams?: number
  /** The power of the length that beams' scores are divided by; default 1. Above 0 favours long texts. */
  readonly lengthPenalty?: number
  /**
   * What is raised to that power: 'mean', the number of new tokens, as in Hugging Face (the default); or 'gnmt',
   * (5 + that) / 6 (Wu et al. 2016, arXiv 1609.08144, equation 14).
   */
  readonly lengthFormula?: 'mean' | 'gnmt'
  /** Whether a search ends as soon as it has as many ended texts as beams, before better ones; default false. */
  readonly earlyStopping?: boolean
}

/** A checked request. */
export interface Request {
  readonly texts: readonly (readonly number[])[]
  readonly stops: ReadonlySet<number>
  readonly maxTokens: number
  readonly options: GenerateOptions
  /** One decoding with each text in so many rows, one after the other. */
  open(copies: number): Promise<Decoding>
}

export function isBatch(prompts: Prompt | readonly Prompt[]): prompts is readonly Prompt[] {
  return Array.isArray(prompts) && typeof prompts[0] !== 'number'
}

/** Errors: value-invalid for options and prompts that make no sense. */
export function requestOf(model: GenerativeModel, prompts: readonly Prompt[], options: GenerateOptions): Request {
  checkOptions(options)
  const { maxTokens = 100, stopTokens = [], startToken, overflow = 'stop', tokenizer } = options
  const stops = new Set(typeof stopTokens === 'number' ? [stopTokens] : stopTokens)
  const given = prompts.map((prompt) => tokensOf(prompt, tokenizer))
  if (given.length === 0 || given.some((text) => text.length === 0)) {
    fail('value-invalid', {
      what: 'generate: prompt',
      received: given.length === 0 ? 'no prompts' : 'an empty prompt',
      expected: 'at least one token each',
      fix: 'Begin with a token that stands for the start of a text.',
    })
  }
  const translator = isTranslator(model)
  if (translator && startToken === undefined) {
    fail('value-invalid', {
      what: 'generate: startToken',
      received: 'none',
      expected: 'the token that every target begins with, as in training',
      fix: 'Pass { startToken }.',
    })
  }
  const context = contextOf(model, options)
  const cut = (text: readonly number[]): readonly number[] => {
    if (text.length <= context) return text
    if (overflow === 'slide') return text.slice(-context)
    return fail('value-invalid', {
      what: 'generate: prompt',
      received: `${text.length} tokens`,
      expected: `at most ${context}, the model’s context`,
      fix: "Cut it, or pass { overflow: 'slide' } to leave out its beginning.",
    })
  }
  const texts = translator ? given.map(() => [startToken as number]) : given.map(cut)
  const longest = Math.max(...texts.map((text) => text.length)) + maxTokens - 1
  const open = async (copies: number): Promise<Decoding> => {
    const rows = texts.length * copies
    if (isTranslator(model)) {
      const sources = given.flatMap((source) => new Array<readonly number[]>(copies).fill(source))
      return decodeCached(model, rows, longest, context, sources)
    }
    if (isCached(model)) return decodeCached(model, rows, longest, context)
    if (isStepModel(model)) return decodeStepwise(model, rows, context)
    return decodeWhole(model, context)
  }
  return { texts, stops, maxTokens, options, open }
}

function contextOf(model: GenerativeModel, { context }: GenerateOptions): number {
  const own = model instanceof Module && 'context' in model ? model.context : undefined
  const most = typeof own === 'number' ? own : Number.POSITIVE_INFINITY
  return Math.min(most, context ?? Number.POSITIVE_INFINITY)
}

function tokensOf(prompt: Prompt, tokenizer: TextCoder | undefined): number[] {
  if (typeof prompt !== 'string') {
    for (const token of prompt) checkWhole('generate: prompt token', token, 0)
    return [...prompt]
  }
  if (!tokenizer) {
    return fail('value-invalid', {
      what: 'generate: prompt',
      received: 'text',
      expected: 'tokens, or a tokenizer',
      fix: 'Pass { tokenizer }.',
    })
  }
  const encoded = tokenizer.encode(prompt)
  return Array.from('ids' in encoded ? encoded.ids : encoded)
}

function checkOptions(options: GenerateOptions): void {
  checkSampling(options)
  checkWhole('generate: maxTokens', options.maxTokens ?? 1, 1)
  checkWhole('generate: minTokens', options.minTokens ?? 0, 0)
  checkWhole('generate: seed', options.seed ?? 0, 0)
  checkWhole('generate: beams', options.beams ?? 1, 1)
  checkWhole('generate: context', options.context ?? 1, 1)
  checkWhole('generate: startToken', options.startToken ?? 0, 0)
  const { beams = 1, temperature, topK, topP, minP, overflow = 'stop', lengthFormula = 'mean' } = options
  const chance = Object.entries({ temperature, topK, topP, minP }).find(([, value]) => value !== undefined)
  if (beams > 1 && chance) {
    fail('value-invalid', {
      what: `generate: ${chance[0]}`,
      received: `${chance[1]} with ${beams} beams`,
      expected: 'none: beam search looks for the likeliest text and draws nothing',
      fix: 'Leave it out, or search with one beam.',
    })
  }
  const check = (what: string, value: string, known: readonly string[]): void => {
    if (known.includes(value)) return
    const expected = `one of ${known.join(', ')}`
    fail('value-invalid', { what: `generate: ${what}`, received: value, expected, fix: 'Change the option.' })
  }
  check('overflow', String(overflow), ['stop', 'slide'])
  check('lengthFormula', String(lengthFormula), ['mean', 'gnmt'])
}
