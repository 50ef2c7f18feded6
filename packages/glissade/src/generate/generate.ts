/**
 * Generation: a model continues texts token by token, drawn by chance, greedily or by beam search; all at once or as
 * they come. How a token is chosen: sampling.ts; how models are run: decoding.ts.
 */
import { fail } from '../errors.ts'
import { searchBeams } from './beam-search.ts'
import type { GenerativeModel } from './decoding.ts'
import { type GenerateOptions, isBatch, type Prompt, type Request, requestOf, type TextCoder } from './request.ts'
import { drawFor, likeliest, logSoftmaxOf, samplingProbabilities, tokenAt } from './sampling.ts'

/** A text that a model has made. */
export interface Generated {
  /** The new tokens, without the prompt, and without the stop token that ended them. */
  readonly tokens: readonly number[]
  /** Why it ended: a stop token, the most tokens that were allowed or that the model can read, or `signal`. */
  readonly finish: 'stop' | 'length' | 'signal'
  /**
   * The sum of the new tokens' log-probabilities (a stop token's too) as the model gives them: before temperature and
   * filters, but in a beam search after the repetition penalty.
   */
  readonly logProbability: number
  /** The new tokens as text, with a `tokenizer`. */
  readonly text?: string
  /** Of a beam search: logProbability over the length penalty. */
  readonly score?: number
  /** Of a beam search: the other texts that it found, best first. */
  readonly alternatives?: readonly Generated[]
}

/** A token as it comes. */
export interface GeneratedToken {
  /** Which prompt it belongs to. */
  readonly row: number
  readonly token: number
  readonly logProbability: number
  /** What it adds to the text, with a `tokenizer`; empty while a character is not complete. */
  readonly text?: string
}

/**
 * Continues a prompt, or each of a list of prompts, by up to `maxTokens` tokens.
 *
 * `model` is one with a key-value cache (nn.languageModel; nn.translationModel, whose prompt is the source), a step
 * function with a state ({ init, step }), or any causal function or module from tokens [B, T] to scores [B, T, V]. Without
 * options tokens are drawn from the model's own distribution; `temperature: 0` takes the likeliest, `beams` searches. The
 * same seed gives the same tokens, and a row does not depend on the others. Modules are in evaluation while they run.
 *
 * ```ts
 * const { text } = await generate(model, 'ROMEO:', { tokenizer, temperature: 0.8, topK: 40, maxTokens: 200 })
 * ```
 *
 * Errors: value-invalid for prompts and options, index-range for tokens that the model does not have.
 */
export function generate<State>(
  model: GenerativeModel<State>,
  prompt: Prompt,
  options?: GenerateOptions,
): Promise<Generated>
export function generate<State>(
  model: GenerativeModel<State>,
  prompts: readonly Prompt[],
  options?: GenerateOptions,
): Promise<Generated[]>
export async function generate<State>(
  model: GenerativeModel<State>,
  prompts: Prompt | readonly Prompt[],
  options: GenerateOptions = {},
): Promise<Generated | Generated[]> {
  const batch = isBatch(prompts)
  const request = requestOf(model as GenerativeModel, batch ? prompts : [prompts], options)
  const found = (options.beams ?? 1) > 1 ? await searchBeams(request) : await collect(request)
  return batch ? found : found[0]
}

async function collect(request: Request): Promise<Generated[]> {
  const steps = sample(request)
  for (;;) {
    const next = await steps.next()
    if (next.done) return next.value
  }
}

/**
 * As `generate`, giving each token as soon as it is there: `for await (const { text } of generateStream(…))`. Leaving the
 * loop ends generation. Not for beam search, which does not know its first token before the end. Errors: as generate.
 */
export async function* generateStream<State>(
  model: GenerativeModel<State>,
  prompts: Prompt | readonly Prompt[],
  options: GenerateOptions = {},
): AsyncGenerator<GeneratedToken, Generated[], undefined> {
  if ((options.beams ?? 1) > 1) {
    fail('value-invalid', {
      what: 'generateStream: beams',
      received: String(options.beams),
      expected: '1: a beam search knows no token before its end',
      fix: 'Use generate().',
    })
  }
  return yield* sample(requestOf(model as GenerativeModel, isBatch(prompts) ? prompts : [prompts], options))
}

/** A text under way. */
interface Row {
  readonly tokens: number[]
  readonly fresh: number[]
  readonly print: ((tokens: readonly number[], end?: boolean) => string) | undefined
  logProbability: number
  finish: Generated['finish'] | undefined
}

async function* sample(request: Request): AsyncGenerator<GeneratedToken, Generated[], undefined> {
  const { texts, stops, maxTokens, options } = request
  const { overflow = 'stop', signal, tokenizer, seed = 0 } = options
  const rows = texts.map(
    (text): Row => ({
      tokens: [...text],
      fresh: [],
      print: tokenizer && printer(tokenizer),
      logProbability: 0,
      finish: undefined,
    }),
  )
  const decoding = await request.open(1)
  try {
    let scores = await decoding.begin(texts)
    for (let step = 0; ; step++) {
      const chosen = new Int32Array(rows.length)
      const events: GeneratedToken[] = []
      for (const [row, state] of rows.entries()) {
        if (state.finish) continue
        const own = Float64Array.from({ length: scores.vocab }, (_, i) => scores.data[row * scores.vocab + i])
        const { token, logProbability } = choose(own, state, request, drawFor(seed, row, step))
        state.logProbability += logProbability
        if (stops.has(token)) {
          state.finish = 'stop'
          continue
        }
        chosen[row] = token
        state.tokens.push(token)
        state.fresh.push(token)
        const full = overflow === 'stop' && state.tokens.length > decoding.limit
        if (full || state.fresh.length === maxTokens) state.finish = 'length'
        const text = state.print?.(state.fresh, state.finish !== undefined)
        events.push({ row, token, logProbability, ...(text !== undefined && { text }) })
      }
      yield* events
      for (const state of rows) if (signal?.aborted) state.finish ??= 'signal'
      if (rows.every(({ finish }) => finish !== undefined)) break
      const slides = rows.some(({ finish, tokens }) => finish === undefined && tokens.length > decoding.limit)
      scores = await (slides
        ? decoding.begin(rows.map(({ tokens }) => windowOf(tokens, decoding.limit)))
        : decoding.next(chosen))
    }
  } finally {
    decoding.end()
  }
  return rows.map(({ fresh, finish, logProbability }) => ({
    tokens: fresh,
    finish: finish ?? 'length',
    logProbability,
    ...(tokenizer && { text: tokenizer.decode(fresh) }),
  }))
}

/** What is read of a text: all of it, or of one that is too long the last half of what can be read. */
function windowOf(tokens: readonly number[], limit: number): readonly number[] {
  return tokens.length <= limit ? tokens : tokens.slice(-Math.ceil(limit / 2))
}

function choose(
  scores: Float64Array,
  { tokens, fresh }: Row,
  { stops, options }: Request,
  draw: number,
): { token: number; logProbability: number } {
  const logProbabilities = logSoftmaxOf(scores)
  if (Number.isNaN(logProbabilities[0])) {
    fail('value-invalid', {
      what: 'generate: scores',
      received: 'NaN, or minus infinity for all tokens',
      expected: 'numbers',
      fix: 'Check the model’s weights; training may have diverged.',
    })
  }
  if (fresh.length < (options.minTokens ?? 0)) for (const stop of stops) scores[stop] = Number.NEGATIVE_INFINITY
  const probabilities = samplingProbabilities(scores, options, tokens)
  const token = options.temperature === 0 ? likeliest(probabilities) : tokenAt(probabilities, draw)
  return { token, logProbability: logProbabilities[token] }
}

/** What a decoder gives for bytes that are no whole character yet. */
const incomplete = '\uFFFD'

/** Gives what each call's tokens add to the text of the call before; waits for characters that are cut in two. */
function printer(tokenizer: TextCoder): (tokens: readonly number[], end?: boolean) => string {
  let printed = 0
  return (tokens, end = false) => {
    const text = tokenizer.decode(tokens)
    if (!end && text.endsWith(incomplete)) return ''
    const piece = text.slice(printed)
    printed = Math.max(printed, text.length)
    return piece
  }
}
