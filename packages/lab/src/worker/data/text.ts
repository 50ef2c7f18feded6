/**
 * Text, letter by letter: what comes next?
 *
 * Token 0 stands for the end (and the beginning) of a text. Names come one in a row, filled up behind; what is filled
 * up does not count. Running text is cut into pieces that lie side by side.
 */
import { data as library } from 'glissade'
import type { DataSpec, TextData } from '../../spec/spec.ts'
import { asset } from './assets.ts'
import { type LabData, trainCountOf } from './data.ts'

/** How the end of a text is shown. */
export const endMark = '⏎'

export async function textData(spec: DataSpec & TextData): Promise<LabData> {
  const text = spec.corpus === 'own' ? (spec.text ?? '') : new TextDecoder().decode(await asset(`${spec.corpus}.txt`))
  const letters = [...new Set(text.replaceAll('\n', ''))].sort()
  const labels = [endMark, ...letters]
  const tokenOf = new Map(labels.map((letter, token) => [letter, token]))
  const rows = spec.corpus === 'names' ? names(text, tokenOf, spec) : pieces(text, tokenOf, spec)
  if (rows.length < 2) {
    throw new Error(
      `The text has ${text.length} letters; at least two pieces of ${spec.context + 1} are needed. Give a longer text, or a shorter context.`,
    )
  }
  const { context } = spec
  const inputs = new Int32Array(rows.length * context)
  const targets = new Int32Array(rows.length * context).fill(-1)
  rows.forEach((row, i) => {
    inputs.set(row.slice(0, context), i * context)
    targets.set(row.slice(1, context + 1), i * context)
  })
  const trainCount = trainCountOf(rows.length, spec)
  return {
    task: 'token',
    inputs,
    inputShape: [context],
    targets,
    targetShape: [context],
    trainCount,
    testCount: rows.length - trainCount,
    labels,
    features: [],
  }
}

/** The end mark, the name, the end mark. */
function names(
  text: string,
  tokenOf: ReadonlyMap<string, number>,
  { samples, seed, context }: DataSpec & TextData,
): number[][] {
  const all = text.split('\n').filter((name) => name.length + 1 <= context)
  return Array.from(library.permutation(all.length, seed).slice(0, samples), (at) => [
    0,
    ...Array.from(all[at], (letter) => tokenOf.get(letter) ?? 0),
    0,
  ])
}

/** Pieces of context + 1 letters, of which each but the last is asked for its next. */
function pieces(
  text: string,
  tokenOf: ReadonlyMap<string, number>,
  { samples, seed, context }: DataSpec & TextData,
): number[][] {
  const tokens = Array.from(text, (letter) => tokenOf.get(letter) ?? 0)
  const count = Math.floor((tokens.length - 1) / context)
  return Array.from(library.permutation(count, seed).slice(0, samples), (at) =>
    tokens.slice(at * context, (at + 1) * context + 1),
  )
}
