/** Texts on the page: letters for tokens, tokens for letters. What is a text among inputs the worker says (words.ts). */
import type { OwnInput, RunInfo } from '../../worker/protocol.ts'

/** How the beginning of a text is shown. */
export const beginMark = '▸'

/** Whether a text begins with the mark, as names do; of running text any piece may be looked at. */
export const isMarked = ({ spec }: RunInfo): boolean => spec.data.kind === 'text' && spec.data.corpus === 'names'

/** Whether texts are lines, which end; a novel goes on. */
export const areLines = ({ spec }: RunInfo): boolean => spec.data.kind === 'text' && spec.data.corpus !== 'moby-dick'

export const isText = ({ spec, task }: RunInfo): boolean => spec.data.kind === 'text' && task === 'token'

/** How a token is shown at a place of a text. */
export function letterOf(info: RunInfo, token: number, place = 1): string {
  if (token === 0 && place === 0 && isMarked(info)) return beginMark
  const label = info.labels[token] ?? '?'
  return label === ' ' ? '␣' : label
}

/** The letters at each place; places are counted where the input is no text. */
export const lettersOf = (info: RunInfo, tokens: ArrayLike<number>, count = tokens.length): string[] =>
  tokens.length > 0
    ? Array.from(tokens, (token, place) => letterOf(info, token, place))
    : Array.from({ length: count }, (_, place) => String(place + 1))

/** What a person would have typed to get these tokens. */
export function textOf(info: RunInfo, tokens: ArrayLike<number>): string {
  const all = Array.from(tokens)
  return (isMarked(info) ? all.slice(1) : all).map((token) => info.labels[token] ?? '').join('')
}

export interface Typed {
  readonly input: OwnInput
  /** How many places are the text, its beginning included. */
  readonly length: number
  /** Letters that the network was never shown. */
  readonly unknown: readonly string[]
  readonly tooLong: boolean
}

/** A typed text as an input: letters that the network does not know are left out, and what is too long. */
export function typed(info: RunInfo, text: string): Typed {
  const [context] = info.inputShape
  const tokenOf = new Map(info.labels.map((label, token) => [label, token]))
  const letters = Array.from(text, (letter) => (tokenOf.has(letter) ? letter : letter.toLowerCase()))
  const unknown = [...new Set(letters.filter((letter) => !tokenOf.has(letter)))]
  const known = letters.flatMap((letter) => tokenOf.get(letter) ?? [])
  const tokens = isMarked(info) ? [0, ...known] : known
  const values = new Float32Array(context)
  values.set(tokens.slice(0, context))
  return {
    input: { values },
    length: Math.max(1, Math.min(context, tokens.length)),
    unknown,
    tooLong: tokens.length > context,
  }
}
