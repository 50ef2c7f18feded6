/**
 * The loop over time: a state carried from step to step, one slice of the input at each, one slice of the output.
 *
 * `body` says one step in ordinary tensor operations. Who uses it: recurrent layers, and any recurrence of one's own.
 */
import { fail } from '../../errors.ts'
import { sameShape } from '../../shape.ts'
import type { Tensor } from '../../tensor.ts'
import { constant, reshapeTo } from './common.ts'
import { slice, stack } from './movement.ts'
import { type Flat, flattenTree } from './tree.ts'

export interface ScanOptions {
  /** From the last slice to the first; `ys` keep the order of `xs`. Default false. */
  readonly reverse?: boolean
  /** The number of steps, where there are no `xs` to tell it. */
  readonly length?: number
}

/** What one step gives: the state for the next, and the slice of the output (none where left out). */
export interface ScanStep<C, Y> {
  readonly carry: C
  readonly y?: Y
}

export interface ScanResult<C, Y> {
  /** The state after the last step. */
  readonly carry: C
  /** The `y` of all steps, stacked on axis 0. */
  readonly ys: Y
}

/**
 * `body` for each slice of `xs` along axis 0, with a state that goes from step to step.
 *
 * xs: `[T, ...s]`, x: `[...s]`, y: `[...u]` → ys: `[T, ...u]`. Carry, x and y are tensors, or plain objects and arrays
 * of tensors, or undefined for none. The carry keeps its shapes and types from step to step. With T = 0 the carry is
 * `init`, and `ys` have no steps.
 */
export function scan<C, X, Y = undefined>(
  body: (carry: C, x: X) => ScanStep<C, Y>,
  init: C,
  xs: X,
  options: ScanOptions = {},
): ScanResult<C, Y> {
  const { reverse = false } = options
  const start = flattenTree('scan', 'init', init)
  const inputs = flattenTree('scan', 'xs', xs)
  const length = lengthOf(inputs, options.length)
  const step = (carry: readonly Tensor[], x: readonly Tensor[]): { carry: Flat; y: Flat } => {
    const made = body(start.rebuild(carry) as C, inputs.rebuild(x) as X)
    if (made === null || typeof made !== 'object' || !('carry' in made)) {
      fail('value-invalid', {
        what: 'scan: what the body returned',
        received: made === null ? 'null' : typeof made,
        expected: '{ carry, y }',
        fix: 'Return the next state as `carry`, and what is to be stacked as `y`.',
      })
    }
    const next = flattenTree('scan', 'carry', made.carry)
    checkCarry(start, next)
    return { carry: next, y: flattenTree('scan', 'y', made.y) }
  }
  let carry = start.tensors
  const ys: (readonly Tensor[])[] = []
  let form: Flat | undefined
  for (let turn = 0; turn < length; turn++) {
    const t = reverse ? length - 1 - turn : turn
    const made = step(
      carry,
      inputs.tensors.map((x) => reshapeTo(slice(x, [[t, t + 1]]), x.shape.slice(1))),
    )
    carry = made.carry.tensors
    form = made.y
    ys[t] = made.y.tensors
  }
  if (length === 0) {
    form = step(
      start.tensors,
      inputs.tensors.map((x) => constant(0, x.shape.slice(1), x.dtype)),
    ).y
  }
  const { tensors, rebuild } = form as Flat
  const stacked = tensors.map((y, i) =>
    length === 0 ? constant(0, [0, ...y.shape], y.dtype) : stack(ys.map((each) => each[i])),
  )
  return { carry: start.rebuild(carry) as C, ys: rebuild(stacked) as Y }
}

/** The number of steps that all `xs`, and the option, agree on. */
function lengthOf(xs: Flat, wanted: number | undefined): number {
  if (wanted !== undefined && (!Number.isInteger(wanted) || wanted < 0)) {
    fail('value-invalid', {
      what: 'scan: length',
      received: String(wanted),
      expected: 'a whole number of at least 0',
      fix: 'Check the number of steps.',
    })
  }
  let length = wanted
  let said = 'length'
  xs.tensors.forEach(({ shape }, i) => {
    if (shape.length === 0) {
      fail('shape-mismatch', {
        op: 'scan',
        received: `${xs.names[i]} without axes`,
        expected: 'the steps on axis 0, [T, ...s]',
        fix: 'What is the same at every step need not be handed in: use it in the body.',
      })
    }
    if (length !== undefined && shape[0] !== length) {
      fail('shape-mismatch', {
        op: 'scan',
        received: `${xs.names[i]} of ${shape[0]} steps, and ${said} of ${length}`,
        expected: 'the same number of steps on axis 0 of all xs',
        fix: 'Check which axis is time: it must come first.',
      })
    }
    length = shape[0]
    said = xs.names[i]
  })
  if (length !== undefined) return length
  return fail('value-invalid', {
    what: 'scan: xs',
    received: 'no tensors',
    expected: 'xs, or the option length',
    fix: 'Say how many steps there are with { length }.',
  })
}

/** Refuses a state that is not of the form, shapes and types of the one before. */
function checkCarry(start: Flat, next: Flat): void {
  if (next.form !== start.form) {
    fail('value-invalid', {
      what: 'scan: the carry that the body returned',
      received: `the structure ${next.form}`,
      expected: `${start.form}, that of init (* is a tensor, - is none)`,
      fix: 'Return the same fields as init has.',
    })
  }
  next.tensors.forEach((tensor, i) => {
    const before = start.tensors[i]
    if (tensor.dtype === before.dtype && sameShape(tensor.shape, before.shape)) return
    fail('shape-mismatch', {
      op: 'scan',
      received: `${next.names[i]} of ${tensor.dtype} [${tensor.shape.join(', ')}] from the body`,
      expected: `${before.dtype} [${before.shape.join(', ')}], as in init`,
      fix: 'A carry keeps its shape and type; expand or cast init, or what the body returns.',
    })
  })
}
