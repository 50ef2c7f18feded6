/**
 * The gradient of a loop over time: a loop that runs the other way.
 *
 * Its state is the gradient of the state; its body is the reverse walk through the body. What the walk needs of the
 * forward steps becomes further outputs of the forward loop, stacked, and is sliced again here; what is cheap to
 * compute from those is computed again. The gradient of what is the same at each step (a weight) is a sum over all
 * steps: where it is a product per step, the factors are stacked and one product after the loop adds everything up.
 */
import { isFloat } from '../dtype.ts'
import { inLoopBody } from '../graph/trace.ts'
import { constant } from '../ops/derived/common.ts'
import { dependsOn, Loop, placeholder, stacked, walkBack } from '../ops/derived/loop.ts'
import { notedSince } from '../ops/derived/noted.ts'
import { inputsOf, type Steps, type Wanted } from '../ops/scan.ts'
import { sizeOf } from '../shape.ts'
import type { Tensor } from '../tensor.ts'
import { sumOverSteps } from './scan-sum.ts'

/** A result and the gradient that flows into it. */
export interface Cotangent {
  readonly tensor: Tensor
  readonly gradient: Tensor
}

/** An output of a loop and the gradient that flows into it. */
export interface OutputCotangent {
  readonly wanted: Wanted
  readonly gradient: Tensor
}

type Walk = (
  results: readonly Cotangent[],
  targets: readonly Tensor[],
  ends: ReadonlySet<Tensor>,
) => (Tensor | undefined)[]

/** Up to this cost an elementwise value is computed again from what is kept, rather than kept too. */
const cheap = 6

/** The gradients of the inputs of `loop`; `walk` is the reverse walk. */
export function scanGradient(loop: Tensor, outputs: readonly OutputCotangent[], walk: Walk): (Tensor | undefined)[] {
  const { steps, sliced } = inputsOf(loop)
  const { length, reverse, carries, slices, captured, next } = steps
  const floating = statesThatMatter(steps, outputs)
  // The gradients that come to one step: from the next step, and from each stack.
  const later = floating.map((i) => placeholder(carries[i]))
  const stacks = outputs.flatMap(({ wanted, gradient }) =>
    'stacked' in wanted ? [{ of: wanted.stacked, gradient, slice: placeholder(wanted.stacked) }] : [],
  )
  const last = floating.map((i) => {
    const parts = outputs.flatMap(({ wanted, gradient }) => ('carry' in wanted && wanted.carry === i ? [gradient] : []))
    return parts.length === 0 ? constant(0, carries[i].shape, carries[i].dtype) : parts.reduce((a, b) => a.add(b))
  })

  const standIns = [...carries, ...slices, ...captured]
  const targets = standIns.filter(({ dtype }) => isFloat(dtype))
  const told = notedSince()
  const found = inLoopBody(() =>
    walk(
      [
        ...floating.map((i, k) => ({ tensor: next[i], gradient: later[k] })),
        ...stacks.map(({ of, slice }) => ({ tensor: of, gradient: slice })),
      ],
      targets,
      new Set(standIns),
    ),
  )
  const gradientOf = new Map(targets.map((target, i) => [target, found[i]]))
  const ofCarries = inLoopBody(() =>
    floating.map((i) => gradientOf.get(carries[i]) ?? constant(0, carries[i].shape, carries[i].dtype)),
  )
  const ofSlices = slices.map((slice) => gradientOf.get(slice))
  const ofCaptured = captured.map((tensor) => gradientOf.get(tensor))

  const fromLater = dependsOn([...later, ...stacks.map(({ slice }) => slice)])
  const varies = dependsOn([...later, ...stacks.map(({ slice }) => slice), ...carries, ...slices])
  const sums = ofCaptured.map((part) => part && sumOverSteps(part, varies))
  const added = sums.flatMap((sum) => sum?.accumulated ?? [])
  const results = [
    ...ofSlices.filter((part) => part !== undefined),
    ...ofCaptured.filter((part) => part !== undefined),
    ...told.tensors(),
  ]
  const adding = added.map((part) => placeholder(part))
  const nextAdding = inLoopBody(() => added.map((part, i) => adding[i].add(part)))
  const kept = keptOf(steps, new Set(stacks.map(({ of }) => of)), [...ofCarries, ...nextAdding, ...results], fromLater)
  const back = new Loop({
    length,
    reverse: !reverse,
    carries: [...later, ...adding],
    inits: [...last, ...added.map(({ shape, dtype }) => constant(0, shape, dtype))],
    next: [...ofCarries, ...nextAdding],
    slices: [...stacks.map(({ slice }) => slice), ...kept],
    sliced: [
      ...stacks.map(({ gradient }) => gradient),
      ...kept.map((tensor) => {
        const slice = slices.indexOf(tensor)
        return slice >= 0 ? sliced[slice] : stacked(loop, tensor)
      }),
    ],
    results,
  })
  told.stack((tensor) => (back.inside(tensor) ? back.stack(tensor) : tensor))
  const totals = new Map(added.map((part, i) => [part, floating.length + i]))
  return [
    ...carries.map((_, i) => (floating.includes(i) ? back.last(floating.indexOf(i)) : undefined)),
    ...ofSlices.map((part) => part && back.stack(part)),
    ...sums.map((sum) => sum?.total(back, (part) => back.last(totals.get(part) as number))),
  ]
}

/** The states of floats that the outputs in question depend on: the others have no gradient. */
function statesThatMatter({ carries, next }: Steps, outputs: readonly OutputCotangent[]): number[] {
  const reads = carries.map((carry) => dependsOn([carry]))
  const matter = new Set<number>()
  const results = outputs.flatMap(({ wanted }) => ('stacked' in wanted ? [wanted.stacked] : []))
  const pending = outputs.flatMap(({ wanted }) => ('carry' in wanted ? [wanted.carry] : []))
  const add = (result: Tensor): void => {
    reads.forEach((isRead, i) => {
      if (!matter.has(i) && isRead(result)) pending.push(i)
    })
  }
  results.forEach(add)
  for (let state = pending.pop(); state !== undefined; state = pending.pop()) {
    if (matter.has(state)) continue
    matter.add(state)
    add(next[state])
  }
  return [...matter].filter((i) => isFloat(carries[i].dtype)).sort((a, b) => a - b)
}

/**
 * What the forward loop must keep of each step: the tensors of its body that `results` need, as near to their sources
 * as can be reached by movements and cheap arithmetic without keeping more numbers.
 */
function keptOf(
  { carries, slices, captured, next }: Steps,
  stackedAnyway: ReadonlySet<Tensor>,
  results: readonly Tensor[],
  fromLater: (tensor: Tensor) => boolean,
): Tensor[] {
  const inside = dependsOn([...carries, ...slices])
  const outside = new Set(captured)
  const original = new Set<Tensor>()
  walkBack([...next, ...stackedAnyway], (tensor) => {
    if (outside.has(tensor) || !inside(tensor)) return false
    original.add(tensor)
    return true
  })
  const kept = new Set<Tensor>()
  walkBack(results, (tensor) => {
    if (outside.has(tensor)) return false
    if (fromLater(tensor)) return true
    if (!inside(tensor)) return false
    // Another output of a loop in the body can be had as well.
    const isOutput = tensor.op.kind === 'output' && original.has(tensor.inputs[0])
    if (!original.has(tensor) && !isOutput) return true
    kept.add(tensor)
    return false
  })
  // A state before the step and after it are rows of one history.
  const isThere = (tensor: Tensor): boolean => {
    if (kept.has(tensor) || slices.includes(tensor) || stackedAnyway.has(tensor)) return true
    const [before, after] = [carries.indexOf(tensor), next.indexOf(tensor)]
    const other = before >= 0 ? next[before] : after >= 0 ? carries[after] : undefined
    return other !== undefined && (kept.has(other) || stackedAnyway.has(other))
  }
  for (const tensor of [...kept].sort((a, b) => b.id - a.id)) {
    const { op } = tensor
    const again = op.kind === 'move' || (op.kind === 'map' && (op.cost ?? 1) <= cheap)
    if (!again || stackedAnyway.has(tensor) || next.includes(tensor)) continue
    const sources = [...new Set(tensor.inputs.filter((input) => inside(input) && !outside.has(input)))]
    const numbers = sources.filter((source) => !isThere(source)).reduce((sum, { shape }) => sum + sizeOf(shape), 0)
    if (numbers > sizeOf(tensor.shape) || sources.some((source) => source.op.kind === 'scan')) continue
    kept.delete(tensor)
    for (const source of sources) kept.add(source)
  }
  return [...kept]
}
