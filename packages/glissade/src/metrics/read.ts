/** Predictions and targets as numbers of the host: checked, one sample after the other. */
import { isFloat, type TypedArray } from '../dtype.ts'
import { fail } from '../errors.ts'
import { sameShape } from '../shape.ts'
import type { Tensor } from '../tensor.ts'
import type { ClassOptions, ScoreOptions } from './metric.ts'

const text = (x: Tensor): string => `${x.dtype} [${x.shape.join(', ')}]`

/** The numbers of two tensors of one shape. */
export async function readPair(op: string, prediction: Tensor, target: Tensor): Promise<[TypedArray, TypedArray]> {
  if (!sameShape(prediction.shape, target.shape)) {
    fail('shape-mismatch', {
      op,
      received: `a prediction [${prediction.shape.join(', ')}] and a target [${target.shape.join(', ')}]`,
      expected: 'equal shapes',
      fix: 'Reshape one of them.',
    })
  }
  const [p, t] = await Promise.all([prediction.realized(), target.realized()])
  return [p.read(), t.read()]
}

/** Scores of several classes for each sample that counts. */
export interface Scored {
  readonly classes: number
  /** The label of each sample that counts. */
  readonly labels: readonly number[]
  /** The score of sample i for class c. */
  score(i: number, c: number): number
}

/** Whether predictions have an axis of classes: [B, C, ...s] for a target [B, ...s]. */
export function hasClassAxis(prediction: Tensor, target: Tensor): boolean {
  return isFloat(prediction.dtype) && prediction.rank === target.rank + 1
}

/** Scores [B, C, ...s] (or [B, ...s, C]) with labels int32 [B, ...s]. Errors: shape-mismatch, index-range. */
export async function readScored(
  op: string,
  prediction: Tensor,
  target: Tensor,
  { classAxis = 1, ignoreIndex }: ScoreOptions,
): Promise<Scored> {
  const axis = classAxis === -1 ? prediction.rank - 1 : Math.min(1, prediction.rank - 1)
  const rest = prediction.shape.filter((_, i) => i !== axis)
  if (!isFloat(prediction.dtype) || isFloat(target.dtype) || prediction.rank === 0 || !sameShape(rest, target.shape)) {
    fail('shape-mismatch', {
      op,
      received: `scores ${text(prediction)} and a target ${text(target)}`,
      expected: `scores of floats, and a target int32 [${rest.join(', ')}]`,
      fix: 'Give one class index for each sample; with classes on the last axis pass { classAxis: -1 }.',
    })
  }
  const [p, t] = await Promise.all([prediction.realized(), target.realized()])
  const [scores, all] = [p.read(), t.read()]
  const classes = prediction.shape[axis]
  const inner = prediction.shape.slice(axis + 1).reduce((a, b) => a * b, 1)
  const places: number[] = []
  const labels: number[] = []
  all.forEach((label: number, i: number) => {
    if (label === ignoreIndex) return
    checkLabel(`${op}: target`, label, i, classes)
    places.push(Math.floor(i / inner) * classes * inner + (i % inner))
    labels.push(label)
  })
  return { classes, labels, score: (i, c) => scores[places[i] + c * inner] }
}

export function checkLabel(what: string, value: number, position: number, size: number): void {
  if (!Number.isInteger(value) || value < 0 || value >= size) fail('index-range', { what, value, position, size })
}

/** Predicted and true classes of the samples that count. */
export interface Classified {
  readonly predicted: readonly number[]
  readonly labels: readonly number[]
  /** How many classes there are, where the prediction tells. */
  readonly classes: number | undefined
}

/** No label is larger in earnest; a table for more would not fit into memory. */
const mostClasses = 2 ** 20

/**
 * Classes from scores [B, C, ...s], from classes int32 [B, ...s], or from scores for yes [B, ...s]; target: int32,
 * bool or whole floats [B, ...s].
 */
export async function readClasses(
  op: string,
  prediction: Tensor,
  target: Tensor,
  options: ClassOptions,
): Promise<Classified> {
  if (hasClassAxis(prediction, target)) {
    const scored = await readScored(op, prediction, target, options)
    const predicted = scored.labels.map((_, i) => best(scored, i))
    return { predicted, labels: scored.labels, classes: scored.classes }
  }
  const { threshold = 0.5, fromLogits = true, ignoreIndex } = options
  const [p, t] = await readPair(op, prediction, target)
  const yes = isFloat(prediction.dtype)
  const predicted: number[] = []
  const labels: number[] = []
  t.forEach((label: number, i: number) => {
    if (label === ignoreIndex) return
    checkLabel(`${op}: target`, label, i, yes ? 2 : mostClasses)
    if (!yes) checkLabel(`${op}: prediction`, p[i], i, mostClasses)
    predicted.push(yes ? Number((fromLogits ? sigmoid(p[i]) : p[i]) > threshold) : p[i])
    labels.push(label)
  })
  return { predicted, labels, classes: yes ? 2 : undefined }
}

/** The class with the highest score, the first of equals; NaN counts as the highest, as in argMax. */
export function best({ classes, score }: Scored, i: number): number {
  let found = 0
  for (let c = 0; c < classes; c++) {
    if (Number.isNaN(score(i, c))) return c
    if (score(i, c) > score(i, found)) found = c
  }
  return found
}

export const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))

/** ln of the sum of e^score over classes. */
export function logSumExp({ classes, score }: Scored, i: number): number {
  let most = Number.NEGATIVE_INFINITY
  for (let c = 0; c < classes; c++) most = Math.max(most, score(i, c))
  if (!Number.isFinite(most)) return most
  let total = 0
  for (let c = 0; c < classes; c++) total += Math.exp(score(i, c) - most)
  return most + Math.log(total)
}

/** The probabilities of sample i. */
export function probabilities(scored: Scored, i: number, fromLogits: boolean): number[] {
  const scores = Array.from({ length: scored.classes }, (_, c) => scored.score(i, c))
  if (!fromLogits) return scores
  const total = logSumExp(scored, i)
  return scores.map((score) => Math.exp(score - total))
}
