/**
 * Connectionist temporal classification (Graves et al. 2006): the loss of a sequence of labels whose places in time
 * nobody knows, such as letters in speech.
 */
import { fail } from '../errors.ts'
import { constant, iota } from '../ops/derived/common.ts'
import { checkIndices, gather } from '../ops/derived/indexing.ts'
import { scan } from '../ops/derived/scan.ts'
import type { Tensor } from '../tensor.ts'
import { checkNumber, type Reduction, reduceLoss } from './reduction.ts'

export interface CtcOptions {
  /** Default 'mean': each sample's loss divided by the length of its target, then their mean. */
  readonly reduction?: Reduction
  /** The class that stands for no label. Default 0. */
  readonly blank?: number
  /** Whether samples whose target does not fit into their input cost 0 in place of infinity. Default false. */
  readonly zeroInfinity?: boolean
}

const never = Number.NEGATIVE_INFINITY

/**
 * -ln of the probability that the steps, with repeated labels merged and blanks taken out, say the target.
 *
 * logProbabilities: [B, T, C] (as logSoftmax gives), target: int32 [B, S], inputLengths, targetLengths: int32 [B] → []
 *
 * As torch's ctc_loss, but batch first. What stands in a target after its length does not count (it must be a class,
 * or -1). A target that cannot be said in the steps there are costs infinity, with gradient 0. Errors: `index-range`.
 */
export function ctc(
  logProbabilities: Tensor,
  target: Tensor,
  inputLengths: Tensor,
  targetLengths: Tensor,
  options: CtcOptions = {},
): Tensor {
  const { reduction = 'mean', blank = 0, zeroInfinity = false } = options
  const { steps, labels } = checkCtc(logProbabilities, target, inputLengths, targetLengths, blank)
  const samples = target.shape[0]
  const states = 2 * labels + 1
  const chain = withBlanks(iota(target.shape, 1).lt(targetLengths.unsqueeze(1)).where(target, blank), blank)
  const emitted = gather(logProbabilities, chain.unsqueeze(1).expand([samples, steps, states]), 2).permute(1, 0, 2)
  // A blank may be left out between two labels that differ.
  const skips = chain.ne(blank).and(chain.ne(shifted(chain, 2, blank)))
  const place = iota([samples, states], 1)
  const first = place.lt(2).where(emitted.slice([[0, 1]]).squeeze(0), never)
  const running = iota([steps, samples], 0).lt(inputLengths)
  const { carry: last } = scan(
    (before: Tensor, { emission, active }: { emission: Tensor; active: Tensor }) => {
      const after = logAdd([before, shifted(before, 1, never), skips.where(shifted(before, 2, never), never)])
      return { carry: active.unsqueeze(1).where(after.add(emission), before) }
    },
    first,
    { emission: emitted.slice([[1]]), active: running.slice([[1]]) },
  )
  // The end: the last label, or the blank after it.
  const end = targetLengths.mul(2).unsqueeze(1)
  const said = place
    .eq(end)
    .or(place.eq(end.sub(1)))
    .where(last, never)
    .logSumExp(1)
  const nothing = targetLengths.eq(0).where(constant(0, [samples], said.dtype), never)
  const all = inputLengths.eq(0).where(nothing, said).neg()
  const losses = zeroInfinity ? all.isFinite().where(all, 0) : all
  return reduction === 'mean' ? losses.div(targetLengths.maximum(1)).mean() : reduceLoss(losses, reduction)
}

/** The labels with a blank before, between and after: b l1 b l2 b. labels: [B, S] → [B, 2 S + 1] */
function withBlanks(labels: Tensor, blank: number): Tensor {
  const [samples, length] = labels.shape
  const none = [0, 0] as const
  const pairs = labels.unsqueeze(2).pad([none, none, [1, 0]], blank)
  return pairs.reshape([samples, 2 * length]).pad([none, [0, 1]], blank)
}

/** Moved to the right along the last axis, `value` coming in: [B, N] → [B, N]. */
function shifted(x: Tensor, by: number, value: number): Tensor {
  const size = x.shape[1]
  return x
    .pad(
      [
        [0, 0],
        [by, 0],
      ],
      value,
    )
    .slice([undefined, [0, size]])
}

/** ln(e^a + e^b + …), -inf where all are, with gradient 0 there. */
function logAdd(terms: readonly Tensor[]): Tensor {
  const largest = terms.reduce((a, b) => a.maximum(b)).stopGradient()
  const none = largest.eq(never)
  const shift = none.where(0, largest)
  const total = terms.map((term) => term.sub(shift).exp()).reduce((a, b) => a.add(b))
  return none.where(never, none.where(1, total).log().add(shift))
}

function checkCtc(
  x: Tensor,
  target: Tensor,
  inputLengths: Tensor,
  targetLengths: Tensor,
  blank: number,
): { steps: number; labels: number } {
  const shape = (t: Tensor): string => `${t.dtype} [${t.shape.join(', ')}]`
  if (x.rank !== 3 || target.rank !== 2 || target.shape[0] !== x.shape[0] || target.dtype !== 'int32') {
    fail('shape-mismatch', {
      op: 'ctc',
      received: `log-probabilities ${shape(x)} and a target ${shape(target)}`,
      expected: '[B, T, C], and int32 [B, S]',
      fix: 'Put the batch first, and pad targets to one length.',
    })
  }
  const [samples, steps, classes] = x.shape
  const labels = target.shape[1]
  if (steps === 0) {
    fail('shape-mismatch', { op: 'ctc', received: shape(x), expected: 'at least one step', fix: 'Check the input.' })
  }
  for (const [name, lengths, most] of [
    ['inputLengths', inputLengths, steps],
    ['targetLengths', targetLengths, labels],
  ] as const) {
    if (lengths.dtype !== 'int32' || lengths.rank !== 1 || lengths.size !== samples) {
      fail('shape-mismatch', {
        op: 'ctc',
        received: `${name} ${shape(lengths)}`,
        expected: `int32 [${samples}]`,
        fix: 'Give one length for each sample.',
      })
    }
    checkIndices(`ctc: ${name}`, lengths, most + 1)
  }
  const isClass = Number.isInteger(blank) && blank >= 0 && blank < classes
  checkNumber('ctc: blank', blank, isClass, `one of the classes, 0 to ${classes - 1}`)
  checkIndices('ctc: target', target, classes, -1)
  return { steps, labels }
}
