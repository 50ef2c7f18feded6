/**
 * The loop over time: a state carried from step to step, one slice of the input at each, one slice of the output.
 *
 * `body` says one step in ordinary tensor operations. Who uses it: recurrent layers, and any recurrence of one's own.
 * Next: loop.ts, which makes the loop of the traced body.
 */
import { fail } from '../../errors.ts'
import { inLoopBody, traceKeys } from '../../graph/trace.ts'
import { withKeys } from '../../random.ts'
import { withStep } from '../../scope.ts'
import { sameShape } from '../../shape.ts'
import type { Tensor } from '../../tensor.ts'
import { makeNode } from '../../tensor.ts'
import { randomBits } from '../leaf.ts'
import { constant } from './common.ts'
import { Loop, placeholder } from './loop.ts'
import { stack } from './movement.ts'
import { notedSince } from './noted.ts'
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

let writtenOut = false
traceKeys.push(() => (writtenOut ? 'unrolled' : ''))

/** Whether loops are written out at present. */
export function isUnrolled(): boolean {
  return writtenOut
}

/**
 * Runs `body` with the loops of every `scan` in it written out: each step's tensors are ordinary ones, with `t3` behind
 * the module's path and behind the names of taps, so that they can be captured and recorded one by one. Numbers,
 * gradients and random draws are those of the loop; the program grows with the number of steps.
 *
 * ```ts
 * const probe = capture(model, 'lstm.l0.i.*')
 * await unrolled(() => step(x, y))
 * probe.values().get('lstm.l0.i.t3')
 * ```
 */
export function unrolled<T>(body: () => T): T {
  const before = writtenOut
  writtenOut = true
  try {
    return body()
  } finally {
    writtenOut = before
  }
}

/**
 * `body` for each slice of `xs` along axis 0, with a state that goes from step to step.
 *
 * xs: `[T, ...s]`, x: `[...s]`, y: `[...u]` → ys: `[T, ...u]`. Carry, x and y are tensors, or plain objects and arrays
 * of tensors, or undefined for none. The carry keeps its shapes and types from step to step; with T = 0 it is `init`,
 * and `ys` have no steps. Gradients flow to `init`, `xs` and whatever else the body uses.
 *
 * `body` is called once, whatever T is, and stands for every step: a program does not grow with T. It must not assign
 * variables. Random draws in it differ from step to step.
 *
 * ```ts
 * const { carry, ys } = scan((h: Tensor, x: Tensor) => {
 *   const next = x.matmul(wx).add(h.matmul(wh)).tanh()
 *   return { carry: next, y: next }
 * }, zeros([batch, hidden]), xs)
 * ```
 */
export function scan<C, X, Y = undefined>(
  body: (carry: C, x: X) => ScanStep<C, Y>,
  init: C,
  xs: X,
  options: ScanOptions = {},
): ScanResult<C, Y> {
  const start = flattenTree('scan', 'init', init)
  const inputs = flattenTree('scan', 'xs', xs)
  const length = lengthOf(inputs, options.length)
  if (writtenOut && length > 0) return eachStep(body, start, inputs, length, options.reverse ?? false)
  const carries = start.tensors.map(placeholder)
  const slices = inputs.tensors.map(({ shape, dtype }) => placeholder({ shape: shape.slice(1), dtype }))
  const sliced = [...inputs.tensors]
  const told = notedSince()
  const step = inLoopBody(() =>
    withKeys(keyOfEachStep(length, slices, sliced), () =>
      body(start.rebuild(carries) as C, inputs.rebuild(slices) as X),
    ),
  )
  const next = nextState(step, start)
  const y = flattenTree('scan', 'y', step.y)
  if (length === 0) {
    const none = y.tensors.map(({ shape, dtype }) => constant(0, [0, ...shape], dtype))
    told.stack(({ shape, dtype }) => constant(0, [0, ...shape], dtype))
    return { carry: start.rebuild(start.tensors) as C, ys: y.rebuild(none) as Y }
  }
  const loop = new Loop({
    length,
    reverse: options.reverse ?? false,
    carries,
    inits: start.tensors,
    next: next.tensors,
    slices,
    sliced,
    results: [...y.tensors, ...told.tensors()],
  })
  told.checkSlices(slices, sliced)
  told.stack((tensor) => (loop.inside(tensor) ? loop.stack(tensor) : tensor))
  return {
    carry: start.rebuild(carries.map((_, i) => loop.last(i))) as C,
    ys: y.rebuild(y.tensors.map((tensor) => loop.stack(tensor))) as Y,
  }
}

/** The loop as what it stands for. */
function eachStep<C, X, Y>(
  body: (carry: C, x: X) => ScanStep<C, Y>,
  start: Flat,
  inputs: Flat,
  length: number,
  reverse: boolean,
): ScanResult<C, Y> {
  const at = (all: Tensor, t: number): Tensor => all.slice([[t, t + 1]]).reshape(all.shape.slice(1))
  /** The keys of all steps, for each draw of the body. */
  const keys: Tensor[] = []
  let carry = start
  const ys: Flat[] = []
  for (let turn = 0; turn < length; turn++) {
    const t = reverse ? length - 1 - turn : turn
    let draw = 0
    const keyOfStep: Parameters<typeof withKeys>[0] = (around) => (fresh) => {
      if (draw === keys.length) keys.push(makeNode(randomBits, [around(fresh)], { shape: [length, 2] }))
      return at(keys[draw++], t)
    }
    const step = withStep(t, () =>
      withKeys(keyOfStep, () =>
        body(carry.rebuild(carry.tensors) as C, inputs.rebuild(inputs.tensors.map((all) => at(all, t))) as X),
      ),
    )
    carry = nextState(step, start)
    ys[t] = flattenTree('scan', 'y', step.y)
  }
  const stacks = ys[0].tensors.map((_, k) => stack(ys.map(({ tensors }) => tensors[k])))
  return { carry: carry.rebuild(carry.tensors) as C, ys: ys[0].rebuild(stacks) as Y }
}

/**
 * Draws in the body take a key of their own at each step: the bits of the key that they would have taken, as a further
 * input that is sliced.
 */
function keyOfEachStep(length: number, slices: Tensor[], sliced: Tensor[]): Parameters<typeof withKeys>[0] {
  return (around) => (fresh) => {
    const keys = makeNode(randomBits, [around(fresh)], { shape: [length, 2] })
    const key = placeholder({ shape: [2], dtype: 'int32' })
    slices.push(key)
    sliced.push(keys)
    return key
  }
}

function nextState(step: unknown, start: Flat): Flat {
  if (step === null || typeof step !== 'object' || !('carry' in step)) {
    fail('value-invalid', {
      what: 'scan: what the body returned',
      received:
        step === null || step === undefined ? 'nothing' : step instanceof Promise ? 'a promise' : `a ${typeof step}`,
      expected: '{ carry, y }',
      fix: 'Return the next state as `carry`, and what is to be stacked as `y`.',
    })
  }
  const next = flattenTree('scan', 'carry', step.carry)
  checkCarry(start, next)
  return next
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
