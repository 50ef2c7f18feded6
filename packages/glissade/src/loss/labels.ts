/**
 * Class indices as targets: what is checked, what is looked up, and how samples are weighed.
 *
 * Nothing is gathered: a comparison with the class numbers gives a mask, which the compiler fuses into the pass over
 * the logits. Used by classification.ts.
 */
import { fail } from '../errors.ts'
import { iota } from '../ops/derived/common.ts'
import { checkIndices } from '../ops/derived/indexing.ts'
import { sameShape } from '../shape.ts'
import type { Tensor } from '../tensor.ts'
import type { Reduction } from './reduction.ts'

export interface ClassLossOptions {
  /** Default 'mean': over samples, each weighing what its class weighs. */
  readonly reduction?: Reduction
  /** The weight of each class: [C]. */
  readonly weight?: Tensor
  /** Samples with this label count nothing; by default there are none. */
  readonly ignoreIndex?: number
}

export interface Labels {
  /** The element at the label of each sample: [B, C, ...s] → [B, ...s]. */
  pick(values: Tensor): Tensor
  /** The weight of each sample's class, if classes have weights: [B, ...s]. */
  readonly weights: Tensor | undefined
  /** From losses, ignored samples included: [B, ...s] → [], or [B, ...s] for 'none'. */
  reduce(losses: Tensor): Tensor
}

/** Axis 1 of [B, C, ...s], or the only axis of [C]. */
export function classAxis(op: string, x: Tensor): number {
  if (x.rank === 0) {
    fail('shape-mismatch', {
      op,
      received: 'a single number',
      expected: 'scores for classes, [B, C, ...s] or [C]',
      fix: 'Reshape it.',
    })
  }
  return x.rank === 1 ? 0 : 1
}

/** One number for each class, so that it broadcasts with `x`: [C] → [1, C, 1 ...]. */
export function perClass(op: string, weight: Tensor, x: Tensor, axis: number): Tensor {
  if (weight.rank !== 1 || weight.size !== x.shape[axis]) {
    const fix = 'Give one weight for each class.'
    fail('shape-mismatch', {
      op,
      received: `weights [${weight.shape.join(', ')}]`,
      expected: `[${x.shape[axis]}]`,
      fix,
    })
  }
  return weight.reshape(x.shape.map((n, i) => (i === axis ? n : 1)))
}

/** Reads and checks the labels `target` for scores `x`. Errors: `index-range`. */
export function labelsOf(op: string, x: Tensor, target: Tensor, options: ClassLossOptions): Labels {
  const { weight, ignoreIndex, reduction = 'mean' } = options
  const axis = classAxis(op, x)
  const expected = x.shape.filter((_, i) => i !== axis)
  if (target.dtype !== 'int32') {
    fail('dtype-mismatch', {
      op,
      received: `a target of ${target.dtype}`,
      expected: 'class indices of int32',
      fix: "Cast with .cast('int32').",
    })
  }
  if (!sameShape(target.shape, expected)) {
    fail('shape-mismatch', {
      op,
      received: `scores [${x.shape.join(', ')}] and a target [${target.shape.join(', ')}]`,
      expected: `a target [${expected.join(', ')}]: one label for each sample`,
      fix:
        x.rank > 2 && sameShape(target.shape, x.shape.slice(0, -1))
          ? `Classes stand on axis 1: give scores.reshape([-1, ${x.shape[x.rank - 1]}]) and target.flatten().`
          : 'Reshape the target, or give probabilities of the shape of the scores.',
    })
  }
  checkIndices(`${op}: target`, target, x.shape[axis], ignoreIndex)
  const mask = iota(x.shape, axis).eq(target.unsqueeze(axis))
  const pick = (values: Tensor): Tensor => mask.where(values, 0).sum(axis)
  const ignored = ignoreIndex === undefined ? undefined : target.eq(ignoreIndex)
  const weights = weight && pick(perClass(op, weight, x, axis))
  const reduce = (losses: Tensor): Tensor => {
    const counted = ignored ? ignored.where(0, losses) : losses
    if (reduction === 'none') return counted
    if (reduction === 'sum') return counted.sum()
    if (!weights && !ignored) return counted.mean()
    const counts = ignored ? ignored.where(0, weights ?? 1) : (weights as Tensor)
    return counted.sum().div(counts.cast(losses.dtype).sum())
  }
  return { pick, weights, reduce }
}
