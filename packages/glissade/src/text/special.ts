/**
 * The fourth step of a tokenizer: tokens that frame the text, such as [CLS] and [SEP], and which of one or two texts
 * each token is of. Before it: models.ts; the way back: decode.ts.
 */
import type { Fields } from './spec.ts'

/** Tokens and, for each, the number of the text it belongs to. */
export interface Framed {
  readonly ids: number[]
  readonly typeIds: number[]
  /** 1 for tokens that were put in. */
  readonly special: number[]
}

/** From one text or two to the parts of the whole. */
export type Framer = (texts: readonly Framed[]) => Framed[]

export const plain = (ids: number[]): Framed => ({
  ids,
  typeIds: ids.map(() => 0),
  special: ids.map(() => 0),
})

const inserted = (ids: readonly number[], type: number): Framed => ({
  ids: [...ids],
  typeIds: ids.map(() => type),
  special: ids.map(() => 1),
})

const retyped = (part: Framed, type: number): Framed => ({ ...part, typeIds: part.ids.map(() => type) })

export function join(parts: readonly Framed[]): Framed {
  return {
    ids: parts.flatMap(({ ids }) => ids),
    typeIds: parts.flatMap(({ typeIds }) => typeIds),
    special: parts.flatMap(({ special }) => special),
  }
}

/** One text after the other, the second under number 1. */
export const unframed: Framer = (texts) => texts.map(retyped)

export function framerOf(spec: Fields): Framer {
  switch (spec.type) {
    case 'ByteLevel':
      return unframed
    case 'Sequence': {
      const steps = spec.parts('processors').map(framerOf)
      return (texts) => steps.reduce<Framed[]>((parts, step) => step(parts), [...texts])
    }
    case 'BertProcessing':
    case 'RobertaProcessing': {
      const token = (name: string): number => {
        const [, id] = spec.list(name)
        return Number.isSafeInteger(id) ? (id as number) : spec.wrong(id, `the number of the token '${name}'`)
      }
      const [start, end] = [token('cls'), token('sep')]
      const bert = spec.type === 'BertProcessing'
      return ([a, b]) => {
        const one = [inserted([start], 0), retyped(a, 0), inserted([end], 0)]
        if (!b) return one
        const type = bert ? 1 : 0
        return [...one, ...(bert ? [] : [inserted([end], 0)]), retyped(b, type), inserted([end], type)]
      }
    }
    case 'TemplateProcessing':
      return template(spec)
    default:
      return spec.wrong(
        spec.type,
        'a post-processor of the kinds TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel, Sequence',
      )
  }
}

function template(spec: Fields): Framer {
  const tokens = spec.part('special_tokens')
  const idsOf = (name: string): number[] =>
    tokens
      .part(name)
      .list('ids')
      .map((id) => (Number.isSafeInteger(id) ? (id as number) : tokens.wrong(id, 'whole numbers')))
  type TemplatePiece = { ids: number[]; type: number } | { sequence: 'A' | 'B'; type: number }
  const pieces = (name: string): TemplatePiece[] =>
    spec.parts(name).map((piece) => {
      if (piece.raw('SpecialToken') !== undefined) {
        const token = piece.part('SpecialToken')
        return { ids: idsOf(token.text('id')), type: token.whole('type_id') }
      }
      const sequence = piece.part('Sequence')
      return { sequence: sequence.choice('id', ['A', 'B']), type: sequence.whole('type_id') }
    })
  const [single, pair] = [pieces('single'), pieces('pair')]
  return ([a, b]) =>
    (b ? pair : single).map((piece) => {
      if ('ids' in piece) return inserted(piece.ids, piece.type)
      return retyped(piece.sequence === 'A' ? a : (b ?? plain([])), piece.type)
    })
}
