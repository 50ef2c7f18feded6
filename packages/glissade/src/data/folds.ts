/**
 * Which samples are trained on and which are held out: k folds, stratified folds, and splits that keep groups whole.
 * Everything follows from the seed. Splits by fractions: order.ts.
 */
import { fail } from '../errors.ts'
import { checkWhole } from '../ops/derived/common.ts'
import { permutation } from './order.ts'

export interface Fold {
  readonly train: Int32Array<ArrayBuffer>
  readonly test: Int32Array<ArrayBuffer>
}

export interface FoldOptions {
  /** Default: true; false cuts the samples in their order. */
  readonly shuffle?: boolean
  readonly seed?: number
}

/** Labels of samples: numbers, or text. */
export type Labels = ArrayLike<number | string | null>

/**
 * Positions 0 to length - 1 in k folds: each sample is held out once. The first folds are one larger where k does not
 * divide the number. Errors: `value-invalid`.
 */
export function kFold(length: number, k: number, { shuffle = true, seed = 0 }: FoldOptions = {}): Fold[] {
  checkWhole('kFold: k', k, 2)
  checkEnough('kFold: k', k, length)
  const order = shuffle ? permutation(length, seed) : Int32Array.from({ length }, (_, i) => i)
  const foldOf = new Int32Array(length)
  for (let at = 0, fold = 0; fold < k; fold++) {
    const size = Math.floor(length / k) + (fold < length % k ? 1 : 0)
    for (let i = 0; i < size; i++) foldOf[order[at++]] = fold
  }
  return foldsOf(foldOf, k)
}

/** As kFold, with each label in the same share in every fold. Errors: `value-invalid`. */
export function stratifiedKFold(labels: Labels, k: number, { shuffle = true, seed = 0 }: FoldOptions = {}): Fold[] {
  const { length } = labels
  checkWhole('stratifiedKFold: k', k, 2)
  checkEnough('stratifiedKFold: k', k, length)
  const order = shuffle ? permutation(length, seed) : Int32Array.from({ length }, (_, i) => i)
  const foldOf = new Int32Array(length)
  // Labels are dealt out one after the other, so that fold sizes differ by one at most.
  let next = 0
  for (const group of groupsOf(labels, order).values()) for (const position of group) foldOf[position] = next++ % k
  return foldsOf(foldOf, k)
}

/** Folds in which all samples of a group are held out together. Errors: `value-invalid`. */
export function groupKFold(groups: Labels, k: number, { shuffle = true, seed = 0 }: FoldOptions = {}): Fold[] {
  checkWhole('groupKFold: k', k, 2)
  const members = [
    ...groupsOf(
      groups,
      Int32Array.from({ length: groups.length }, (_, i) => i),
    ).values(),
  ]
  checkEnough('groupKFold: k', k, members.length)
  const order = shuffle ? permutation(members.length, seed) : Int32Array.from({ length: members.length }, (_, i) => i)
  const sizes = new Array<number>(k).fill(0)
  const foldOf = new Int32Array(groups.length)
  // The largest first, each into the fold that is smallest so far.
  for (const group of [...order].sort((a, b) => members[b].length - members[a].length)) {
    const fold = sizes.indexOf(Math.min(...sizes))
    for (const position of members[group]) foldOf[position] = fold
    sizes[fold] += members[group].length
  }
  return foldsOf(foldOf, k)
}

/**
 * Positions in parts of about the given fractions, no group in two of them: groups come in the seed's order, each into
 * the part that is furthest below its share.
 */
export function groupSplitPositions(groups: Labels, fractions: readonly number[], seed = 0): Int32Array<ArrayBuffer>[] {
  const members = [
    ...groupsOf(
      groups,
      Int32Array.from({ length: groups.length }, (_, i) => i),
    ).values(),
  ]
  const parts = fractions.map((): number[] => [])
  for (const at of permutation(members.length, seed)) {
    const lacking = parts.map((part, i) => fractions[i] * groups.length - part.length)
    parts[lacking.indexOf(Math.max(...lacking))].push(...members[at])
  }
  return parts.map((part) => Int32Array.from(part.sort((a, b) => a - b)))
}

/** Positions by label, in the order given, labels sorted by their first place in the samples. */
function groupsOf(labels: Labels, order: ArrayLike<number>): Map<number | string | null, number[]> {
  const groups = new Map<number | string | null, number[]>()
  for (let i = 0; i < labels.length; i++) groups.set(labels[i], [])
  for (let i = 0; i < order.length; i++) groups.get(labels[order[i]])?.push(order[i])
  return groups
}

function foldsOf(foldOf: Int32Array, k: number): Fold[] {
  const positions = Int32Array.from(foldOf, (_, i) => i)
  return Array.from({ length: k }, (_, fold) => ({
    train: positions.filter((i) => foldOf[i] !== fold),
    test: positions.filter((i) => foldOf[i] === fold),
  }))
}

function checkEnough(what: string, k: number, length: number): void {
  if (k <= length) return
  const expected = `at most ${length}, as many as there are to divide`
  fail('value-invalid', { what, received: String(k), expected, fix: 'Use fewer folds.' })
}
