/**
 * Decoding without a cache: the whole text is read again for each token. For any causal model or function; slow for
 * long texts. With a cache: cached.ts.
 */
import { fail } from '../errors.ts'
import { pickPlaces } from '../nn/language-model.ts'
import { Module } from '../nn/module.ts'
import { type CompiledFunction, compile } from '../run/compile.ts'
import { fromArray, type Tensor } from '../tensor.ts'
import {
  calledInEvaluation,
  type Decoding,
  padded,
  roundedUp,
  type Scores,
  scoresOf,
  type WholeModel,
} from './decoding.ts'

type Read = CompiledFunction<[Tensor, Tensor], Tensor>

/** Compiled once for each model or function, and there once for each length, rounded up to a power of two. */
const compiled = new WeakMap<WholeModel, Read>()

function readerOf(model: WholeModel): Read {
  const known = compiled.get(model)
  if (known) return known
  const made = compile((tokens: Tensor, last: Tensor) => {
    const logits = model instanceof Module ? model.forward(tokens) : model(tokens)
    if (logits.rank !== 3 || logits.shape[0] !== tokens.shape[0] || logits.shape[1] !== tokens.shape[1]) {
      fail('shape-mismatch', {
        op: 'generate',
        received: `scores [${logits.shape.join(', ')}] for tokens [${tokens.shape.join(', ')}]`,
        expected: `[${tokens.shape.join(', ')}, V]`,
        fix: 'Give scores for what follows each token, or pass { init, step } for a model with a state.',
      })
    }
    return pickPlaces(logits, last)
  })
  compiled.set(model, made)
  return made
}

/** Texts of at most `limit` tokens under way. Short rows are filled up at their end, which a causal model does not see. */
export function decodeWhole(model: WholeModel, limit: number): Decoding {
  const read = readerOf(model)
  let texts: number[][] = []
  const scores = async (): Promise<Scores> => {
    const longest = texts.reduce((most, text) => Math.max(most, text.length), 1)
    const steps = roundedUp(longest, 1, Math.max(limit, longest))
    const tokens = fromArray(padded(texts, steps, texts[0][0]), [texts.length, steps], 'int32')
    const last = fromArray(
      Int32Array.from(texts, (text) => text.length - 1),
      [texts.length],
      'int32',
    )
    const module = model instanceof Module ? model : undefined
    return scoresOf(await calledInEvaluation(module, () => read(tokens, last)), texts.length)
  }
  return {
    limit,
    begin: (given) => {
      texts = given.map((text) => [...text])
      return scores()
    },
    next: (tokens) => {
      // Rows that have ended do not grow.
      texts.forEach((text, row) => {
        if (text.length < limit) text.push(tokens[row])
      })
      return scores()
    },
    reorder: async (from) => {
      texts = Array.from(from, (row) => [...texts[row]])
    },
    end: () => {},
  }
}
