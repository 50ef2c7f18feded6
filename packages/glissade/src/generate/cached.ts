/**
 * Decoding with a key-value cache: the prompt is read in one pass, then each token costs one small step, and one
 * compiled program serves all steps. Models without a cache: whole.ts, stepwise.ts.
 */
import { fail } from '../errors.ts'
import type { KeyValueCache } from '../nn/kv-cache.ts'
import type { Module } from '../nn/module.ts'
import { type CompiledFunction, compile } from '../run/compile.ts'
import { fromArray, type Tensor } from '../tensor.ts'
import {
  type CachedModel,
  type CachedTranslator,
  calledInEvaluation,
  type Decoding,
  isTranslator,
  padded,
  roundedUp,
  type Scores,
  scoresOf,
} from './decoding.ts'

/** Shorter caches and prompts are rounded up to this, so that short texts share programs. */
const shortest = 16

/** A model's compiled steps with their cache, for one number of rows and one length. */
interface Session {
  readonly key: string
  readonly cache: KeyValueCache
  readonly read: CompiledFunction<[Tensor, Tensor, Tensor], Tensor>
  readonly reorder: CompiledFunction<[Tensor], undefined>
  /** Of a translator. */
  readonly remember: CompiledFunction<[Tensor], undefined> | undefined
}

/** Sessions that nobody uses at the moment, the oldest first. Their programs and caches serve the next text. */
const idle = new WeakMap<Module, Session[]>()
const mostIdle = 2

function sessionFor(model: CachedModel | CachedTranslator, rows: number, length: number, memory: number): Session {
  const key = `${rows} ${length} ${memory}`
  const free = idle.get(model) ?? []
  const at = free.findIndex((session) => session.key === key)
  if (at >= 0) return free.splice(at, 1)[0]
  const translator = isTranslator(model) ? model : undefined
  const cache = translator
    ? translator.makeCache({ rows, length, memoryLength: memory })
    : (model as CachedModel).makeCache({ rows, length })
  return {
    key,
    cache,
    read: compile((tokens: Tensor, start: Tensor, last: Tensor) =>
      translator
        ? translator.continue(tokens, cache, { start, last })
        : (model as CachedModel).forward(tokens, { cache, start, last }),
    ),
    reorder: compile((from: Tensor) => {
      cache.reorder(from)
      return undefined
    }),
    remember:
      translator &&
      compile((source: Tensor) => {
        translator.remember(source, cache)
        return undefined
      }),
  }
}

function giveBack(model: Module, session: Session): void {
  const free = idle.get(model) ?? []
  idle.set(model, free)
  free.push(session)
  for (const old of free.splice(0, free.length - mostIdle)) {
    old.read.release()
    old.reorder.release()
    old.remember?.release()
  }
}

const ints = (numbers: Int32Array, shape: readonly number[] = [numbers.length]): Tensor =>
  fromArray(numbers, shape, 'int32')

/**
 * Texts of at most `longest` tokens under way in `model`, one for each row, of which at most `context` are read at once;
 * of a translator with its `sources`. Errors: value-invalid for a source that is longer than the model's context.
 */
export async function decodeCached(
  model: CachedModel | CachedTranslator,
  rows: number,
  longest: number,
  context: number,
  sources?: readonly (readonly number[])[],
): Promise<Decoding> {
  const length = roundedUp(longest, shortest, context)
  const longestSource = Math.max(0, ...(sources ?? []).map((source) => source.length))
  if (longestSource > model.context) {
    fail('value-invalid', {
      what: 'generate: source',
      received: `${longestSource} tokens`,
      expected: `at most ${model.context}, the model’s context`,
      fix: 'Cut it into shorter ones.',
    })
  }
  const memory = sources ? roundedUp(longestSource, shortest, model.context) : 0
  const session = sessionFor(model, rows, length, memory)
  if (session.remember && sources && isTranslator(model)) {
    const { remember } = session
    const source = ints(padded(sources, memory, model.padding), [rows, memory])
    await calledInEvaluation(model, () => remember(source))
  }
  let lengths = new Int32Array(rows)
  const read = async (tokens: Int32Array, steps: number, start: Int32Array, last: Int32Array): Promise<Scores> => {
    const logits = await calledInEvaluation(model, () =>
      session.read(ints(tokens, [rows, steps]), ints(start), ints(last)),
    )
    return scoresOf(logits, rows)
  }
  return {
    limit: length,
    async begin(texts) {
      lengths = Int32Array.from(texts, (text) => text.length)
      // What stands behind a short text is never attended to, and is overwritten by what follows.
      const steps = roundedUp(Math.max(...lengths), 1, length)
      return read(
        padded(texts, steps, texts[0][0]),
        steps,
        new Int32Array(rows),
        lengths.map((n) => n - 1),
      )
    },
    async next(tokens) {
      // Rows that have ended run along at the last place.
      const start = lengths.map((n) => Math.min(n, length - 1))
      lengths = lengths.map((n) => n + 1)
      return read(Int32Array.from(tokens), 1, start, new Int32Array(rows))
    },
    async reorder(from) {
      lengths = lengths.map((_, row) => lengths[from[row]])
      if (from.every((other, row) => other === row)) return
      await session.reorder(ints(Int32Array.from(from)))
    },
    end: () => giveBack(model, session),
  }
}
