/**
 * The reverse walk: from a result back to what it depends on, adding up adjoints.
 *
 * It knows no op by name. A node's record says the gradients of its inputs, in ops, so what comes out is a graph
 * like any other: it can be differentiated again, compiled and fused. Every tensor's inputs have smaller ids than
 * itself; taking nodes by falling id therefore meets each one after all that use it. A loop over time gets the
 * gradients of its outputs together, and has a loop for a gradient (scan.ts). Next: grad.ts.
 */
import { isFloat } from '../dtype.ts'
import { fail } from '../errors.ts'
import { activeTrace } from '../graph/trace.ts'
import { youngestFirst } from '../graph/youngest.ts'
import { constant } from '../ops/derived/common.ts'
import type { Wanted } from '../ops/scan.ts'
import { withScope } from '../scope.ts'
import { sameShape } from '../shape.ts'
import type { Tensor } from '../tensor.ts'
import { type Cotangent, type OutputCotangent, scanGradient } from './scan.ts'

/**
 * A function that says whether a gradient can flow from a node to one of `targets`, not passing through any of `ends`.
 * Asked again, it remembers.
 */
function reachability(targets: ReadonlySet<Tensor>, ends: ReadonlySet<Tensor>): (node: Tensor) => boolean {
  const leads = new Map<Tensor, boolean>()
  let oldest = Number.POSITIVE_INFINITY
  for (const end of ends) leads.set(end, false)
  for (const target of targets) {
    leads.set(target, true)
    oldest = Math.min(oldest, target.id)
  }
  // Nothing older than every target, and nothing made of whole numbers, has a gradient to hand on.
  const closed = (node: Tensor): boolean => node.id < oldest || !isFloat(node.dtype)
  return (root) => {
    const open = [root]
    while (open.length > 0) {
      const node = open[open.length - 1]
      if (leads.has(node)) open.pop()
      else if (closed(node)) leads.set(node, false)
      else {
        const waiting = node.inputs.filter((input) => !leads.has(input) && !closed(input))
        if (waiting.length > 0) open.push(...waiting)
        else
          leads.set(
            node,
            node.inputs.some((input) => leads.get(input) === true),
          )
      }
    }
    return leads.get(root) === true
  }
}

/** How a checkpoint builds its value once more (checkpoint.ts). */
type Recompute = (g: Tensor) => Tensor

/**
 * The gradient of `y` with respect to each of `xs`, `undefined` where `y` does not depend on it.
 *
 * `seed: [shape of y]` is the gradient that flows into `y`; without it `y` must be a single number, and its seed is 1.
 * A variable stands for its present value. Errors: grad-scalar; dtype-mismatch if `y` is not made of floats.
 */
export function gradients(y: Tensor, xs: readonly Tensor[], seed?: Tensor): (Tensor | undefined)[] {
  const result = y.current()
  const targets = xs.map((x) => x.current())
  if (!isFloat(result.dtype)) {
    fail('dtype-mismatch', {
      op: 'grad',
      received: `a result of ${result.dtype}`,
      expected: 'float32 or float64',
      fix: "Cast with .cast('float32').",
    })
  }
  if (seed && !sameShape(seed.shape, result.shape)) {
    fail('shape-mismatch', {
      op: 'grad',
      received: `a gradient of shape [${seed.shape.join(', ')}]`,
      expected: `[${result.shape.join(', ')}], the shape of the result`,
      fix: 'Check the gradient that you pass in.',
    })
  }
  if (!seed && result.size !== 1) fail('grad-scalar', { shape: result.shape })

  const start = withScope(
    { path: result.path, pass: 'backward' },
    () => seed?.current() ?? constant(1, result.shape, result.dtype),
  )
  return walkBackwards([{ tensor: result, gradient: start }], targets, new Set())
}

/** The gradients of `y` by `ends`, given that of `y`; ways from one of them through another are left out. */
export function gradientsUpTo(y: Tensor, ends: readonly Tensor[], seed: Tensor): (Tensor | undefined)[] {
  return walkBackwards([{ tensor: y, gradient: seed }], ends, new Set(ends))
}

/**
 * The gradients of `targets`, given those that flow into some results. Nothing is walked through `ends`: in the body of
 * a loop they stand for what comes from outside.
 */
function walkBackwards(
  results: readonly Cotangent[],
  targets: readonly Tensor[],
  ends: ReadonlySet<Tensor>,
): (Tensor | undefined)[] {
  const leads = reachability(new Set(targets), ends)
  const adjoints = new Map<Tensor, Tensor>()
  const ofLoops = new Map<Tensor, OutputCotangent[]>()
  const heap = youngestFirst<Tensor>()
  const watchers = activeTrace()?.gradientWatchers ?? []
  const give = (node: Tensor, part: Tensor): void => {
    const before = adjoints.get(node)
    if (!before) heap.push(node)
    adjoints.set(node, before ? before.add(part) : part)
  }
  const giveLoop = (output: Tensor, gradient: Tensor): void => {
    const [loop] = output.inputs
    const before = ofLoops.get(loop)
    if (before) before.push({ wanted: output.attrs.wanted as Wanted, gradient })
    else {
      ofLoops.set(loop, [{ wanted: output.attrs.wanted as Wanted, gradient }])
      heap.push(loop)
    }
  }
  for (const { tensor, gradient } of results) if (leads(tensor)) give(tensor, gradient)
  for (let node = heap.pop(); node; node = heap.pop()) {
    const current = node
    const outputs = ofLoops.get(current)
    const g = adjoints.get(current) as Tensor
    if (!outputs) for (const watch of watchers) watch(current, g)
    if (ends.has(current) || !current.inputs.some(leads)) continue
    withScope({ path: current.path, pass: 'backward' }, () => {
      if (current.op.kind === 'output') return giveLoop(current, g)
      const recompute = current.attrs.recompute as Recompute | undefined
      if (recompute) {
        const again = recompute(g)
        if (leads(again)) give(again, g)
        return
      }
      const parts = outputs ? scanGradient(current, outputs, walkBackwards) : (current.op.gradient?.(g, current) ?? [])
      current.inputs.forEach((input, i) => {
        const part = parts[i]
        if (part && leads(input)) give(input, checkPart(current, input, part))
      })
    })
  }
  return targets.map((target) => adjoints.get(target))
}

/** A gradient has the shape of what it is the gradient of; a rule of the user's own may get this wrong. */
function checkPart(node: Tensor, input: Tensor, part: Tensor): Tensor {
  if (!sameShape(part.shape, input.shape)) {
    fail('shape-mismatch', {
      op: `the gradient of ${node.op.name}`,
      received: `[${part.shape.join(', ')}]`,
      expected: `[${input.shape.join(', ')}], the shape of the input`,
      fix: 'Check the gradient rule.',
    })
  }
  return part.dtype === input.dtype ? part : part.cast(input.dtype)
}
