/** BLEU: how many words and phrases of a translation stand in the reference (Papineni et al. 2002), over a corpus. */
import { fail } from '../errors.ts'
import { checkWhole } from '../ops/derived/common.ts'
import type { Tensor } from '../tensor.ts'
import type { Metric } from './metric.ts'

/** A word, or its number. */
export type Token = string | number

export interface BleuOptions {
  /** The longest phrases that are counted. Default 4. */
  readonly maxOrder?: number
  /**
   * What phrases count of which there is none: 'exp' half as much each time (NIST; the default, as in sacrebleu),
   * 'floor' a small number of them, 'addK' more of all but single words, or 'none'.
   */
  readonly smooth?: 'exp' | 'floor' | 'addK' | 'none'
  /** The number for 'floor' (default 0.1) and 'addK' (default 1). */
  readonly smoothValue?: number
  /** Leave out phrases longer than any candidate; for single sentences. Default false. */
  readonly effectiveOrder?: boolean
  /** For tensors: a number that fills up short sequences, and is left out. */
  readonly padding?: number
  /** For tensors: a number at which sequences end; it and what follows are left out. */
  readonly end?: number
}

export interface BleuDetails {
  /** 0 to 100. */
  readonly score: number
  /** Of phrases of one word, two words …, in percent. */
  readonly precisions: readonly number[]
  readonly brevityPenalty: number
  /** Words in all candidates, and in the references that they are held against. */
  readonly candidateLength: number
  readonly referenceLength: number
}

const smoothings = { exp: 0, floor: 0.1, addK: 1, none: 0 } as const

/**
 * Corpus BLEU, 0 to 100, with brevity penalty: the numbers of sacrebleu with tokenize='none'. Tokens are the caller's.
 *
 * `add` takes lists of words; `update` tensors of token numbers, int32 [B, T] each. Several references to a candidate
 * are possible with `add`; the length that counts is then the nearest.
 */
export class BLEU implements Metric {
  readonly #options: BleuOptions
  readonly #order: number
  #right: number[] = []
  #total: number[] = []
  #candidates = 0
  #references = 0

  constructor(options: BleuOptions = {}) {
    const { maxOrder = 4, smooth = 'exp', smoothValue } = options
    this.#options = options
    this.#order = checkWhole('BLEU: maxOrder', maxOrder, 1)
    if (!Object.hasOwn(smoothings, smooth) || (smoothValue !== undefined && !(smoothValue > 0))) {
      fail('value-invalid', {
        what: 'BLEU: smooth',
        received: `${String(smooth)}${smoothValue === undefined ? '' : `, ${smoothValue}`}`,
        expected: `${Object.keys(smoothings).join(', ')}, and a value above 0`,
        fix: 'Change the options.',
      })
    }
    this.reset()
  }

  /** Takes in one candidate with its reference, or several references. */
  add(candidate: readonly Token[], references: readonly Token[] | readonly (readonly Token[])[]): void {
    const list = isListOfLists(references) ? references : [references as readonly Token[]]
    if (!Array.isArray(candidate) || list.length === 0 || !list.every((reference) => Array.isArray(reference))) {
      fail('value-invalid', {
        what: 'BLEU.add',
        received: Array.isArray(candidate) ? `${list.length} references` : `a ${typeof candidate}`,
        expected: 'a list of tokens, and a list of tokens or several as references',
        fix: "Split texts first, such as text.split(' ').",
      })
    }
    const known = new Map<string, number>()
    for (const reference of list) {
      for (const [phrase, { count }] of phrases(reference, this.#order)) {
        known.set(phrase, Math.max(known.get(phrase) ?? 0, count))
      }
    }
    for (const [phrase, { count, order }] of phrases(candidate, this.#order)) {
      this.#total[order - 1] += count
      this.#right[order - 1] += Math.min(count, known.get(phrase) ?? 0)
    }
    this.#candidates += candidate.length
    const distance = (length: number): number => Math.abs(length - candidate.length)
    this.#references += list
      .map(({ length }) => length)
      .reduce((a, b) => (distance(b) < distance(a) || (distance(b) === distance(a) && b < a) ? b : a))
  }

  async update(prediction: Tensor, target: Tensor): Promise<void> {
    const rows = [prediction, target]
    if (rows.some(({ dtype, rank }) => dtype !== 'int32' || rank !== 2) || prediction.shape[0] !== target.shape[0]) {
      const text = rows.map(({ dtype, shape }) => `${dtype} [${shape.join(', ')}]`).join(' and ')
      fail('shape-mismatch', {
        op: 'BLEU',
        received: text,
        expected: 'int32 [B, T] of candidates, and of references',
        fix: 'Give token numbers, one row for each sentence; of words use add().',
      })
    }
    const [candidates, references] = await Promise.all(rows.map(async (row) => this.#sentences(row)))
    for (const [i, candidate] of candidates.entries()) this.add(candidate, references[i])
  }

  async #sentences(tensor: Tensor): Promise<number[][]> {
    const { padding, end } = this.#options
    const data = (await tensor.realized()).read()
    const [rows, length] = tensor.shape
    return Array.from({ length: rows }, (_, i) => {
      const row = Array.from(data.subarray(i * length, (i + 1) * length))
      const stop = end === undefined ? -1 : row.indexOf(end)
      return (stop < 0 ? row : row.slice(0, stop)).filter((token) => token !== padding)
    })
  }

  compute(): number {
    return this.details().score
  }

  /** The score with what it is made of. */
  details(): BleuDetails {
    const { smooth = 'exp', effectiveOrder = false } = this.#options
    const value = this.#options.smoothValue ?? smoothings[smooth]
    const [candidateLength, referenceLength] = [this.#candidates, this.#references]
    const short = candidateLength < referenceLength
    const brevityPenalty = !short ? 1 : candidateLength === 0 ? 0 : Math.exp(1 - referenceLength / candidateLength)
    const precisions = new Array<number>(this.#order).fill(0)
    const parts = { brevityPenalty, candidateLength, referenceLength }
    if (!this.#right.some((count) => count > 0)) return { score: 0, precisions, ...parts }
    let order = this.#order
    let halved = 1
    for (let n = 0; n < this.#order; n++) {
      const added = smooth === 'addK' && n > 0 ? value : 0
      const [right, total] = [this.#right[n] + added, this.#total[n] + added]
      if (total === 0) break
      if (effectiveOrder) order = n + 1
      if (right > 0) precisions[n] = (100 * right) / total
      else if (smooth === 'exp') precisions[n] = 100 / ((halved *= 2) * total)
      else if (smooth === 'floor') precisions[n] = (100 * value) / total
    }
    const logs = precisions.slice(0, order).map((precision) => Math.log(precision))
    const score = brevityPenalty * Math.exp(logs.reduce((a, b) => a + b, 0) / order)
    return { score, precisions, ...parts }
  }

  reset(): void {
    this.#right = new Array<number>(this.#order).fill(0)
    this.#total = new Array<number>(this.#order).fill(0)
    this.#candidates = 0
    this.#references = 0
  }
}

function isListOfLists(list: readonly Token[] | readonly (readonly Token[])[]): list is readonly (readonly Token[])[] {
  return list.length > 0 && Array.isArray(list[0])
}

/** All phrases of up to `most` words, with how often they occur. */
function phrases(tokens: readonly Token[], most: number): Map<string, { count: number; order: number }> {
  const found = new Map<string, { count: number; order: number }>()
  for (let order = 1; order <= most; order++) {
    for (let from = 0; from + order <= tokens.length; from++) {
      // As JSON, in which no two lists of tokens are alike.
      const phrase = JSON.stringify(tokens.slice(from, from + order))
      const known = found.get(phrase)
      if (known) known.count++
      else found.set(phrase, { count: 1, order })
    }
  }
  return found
}

/** Corpus BLEU, over batches. */
export function bleu(options: BleuOptions = {}): BLEU {
  return new BLEU(options)
}
