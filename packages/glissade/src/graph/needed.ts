/**
 * Which tensors some outputs need, and what they need of the loops among them: of a loop only the states, slices and
 * results that someone uses are computed at all.
 *
 * Next: graph.ts, which makes nodes of the tensors; backends/reference, which computes them as they are.
 */
import type { ScanAttrs, Steps, Wanted } from '../ops/scan.ts'
import type { Tensor } from '../tensor.ts'
import { youngestFirst } from './youngest.ts'

/** What is needed of a loop: places in its lists of states, slices and captured tensors, and what is stacked. */
export interface LoopNeeds {
  readonly steps: Steps
  readonly carries: readonly number[]
  readonly slices: readonly number[]
  readonly captured: readonly number[]
  /** Tensors of the body that are stacked and are neither a state nor the next one. */
  readonly stacks: readonly Tensor[]
  /** Of `carries` those of which some are stacked, before or after the step: all their values are kept. */
  readonly histories: ReadonlySet<number>
}

export interface Needed {
  /** Inputs first, by birth. */
  readonly order: readonly Tensor[]
  readonly loops: ReadonlyMap<Tensor, LoopNeeds>
}

/** All that `outputs` need, down to the tensors that are given. */
export function neededFor(outputs: Iterable<Tensor>, isGiven: (tensor: Tensor) => boolean): Needed {
  const seen = new Set<Tensor>()
  const heap = youngestFirst<Tensor>()
  const loops = new Map<Tensor, LoopNeeds>()
  const wanted = new Map<Tensor, Wanted[]>()
  const visit = (tensor: Tensor): void => {
    if (seen.has(tensor)) return
    seen.add(tensor)
    heap.push(tensor)
  }
  for (const output of outputs) visit(output)
  for (let tensor = heap.pop(); tensor; tensor = heap.pop()) {
    if (isGiven(tensor)) continue
    if (tensor.op.kind === 'output') {
      const [loop] = tensor.inputs
      const known = wanted.get(loop)
      if (known) known.push(tensor.attrs.wanted as Wanted)
      else wanted.set(loop, [tensor.attrs.wanted as Wanted])
    }
    if (tensor.op.kind === 'scan') {
      // Whoever names an output is younger than the loop, so all that is wanted of it is known by now.
      const needs = loopNeeds((tensor.attrs as ScanAttrs).steps, wanted.get(tensor) ?? [])
      loops.set(tensor, needs)
      for (const input of inputsNeeded(tensor, needs)) visit(input)
      continue
    }
    for (const input of valueInputs(tensor)) visit(input)
  }
  return { order: [...seen].sort((a, b) => a.id - b.id), loops }
}

/** The inputs that a value is computed from: a wrapper passes its first on, the others matter to gradients only. */
export function valueInputs({ op, inputs }: Tensor): readonly Tensor[] {
  return op.kind === 'wrap' && !op.barrier ? inputs.slice(0, 1) : inputs
}

/** The inputs of a loop that are needed: first states, what is sliced, what is captured. */
export function inputsNeeded(loop: Tensor, { steps, carries, slices, captured }: LoopNeeds): Tensor[] {
  const second = steps.carries.length
  const third = second + steps.slices.length
  return [
    ...carries.map((i) => loop.inputs[i]),
    ...slices.map((i) => loop.inputs[second + i]),
    ...captured.map((i) => loop.inputs[third + i]),
  ]
}

/** What stands for something from outside in the body of a loop. */
export function standInsOf(steps: Steps): Set<Tensor> {
  return new Set([...steps.carries, ...steps.slices, ...steps.captured])
}

function loopNeeds(steps: Steps, wanted: readonly Wanted[]): LoopNeeds {
  const stacks = new Set<Tensor>()
  const histories = new Set<number>()
  const carries = new Set<number>()
  for (const want of wanted) {
    if ('carry' in want) carries.add(want.carry)
    else {
      const state = stateOf(steps, want.stacked)
      if (state === undefined) stacks.add(want.stacked)
      else {
        carries.add(state)
        histories.add(state)
      }
    }
  }
  const standIns = standInsOf(steps)
  // A state that is read makes its next one needed, which may read others.
  for (;;) {
    const roots = new Set([...stacks, ...[...carries].map((i) => steps.next[i])])
    const inside = new Set(neededFor(roots, (tensor) => standIns.has(tensor)).order)
    const places = (list: readonly Tensor[]): number[] => list.flatMap((each, i) => (inside.has(each) ? [i] : []))
    const before = carries.size
    for (const i of places(steps.carries)) carries.add(i)
    if (carries.size === before) {
      return {
        steps,
        carries: [...carries].sort((a, b) => a - b),
        slices: places(steps.slices),
        captured: places(steps.captured),
        stacks: [...stacks],
        histories,
      }
    }
  }
}

/** The state that `tensor` is, before the step or after it. */
export function stateOf({ carries, next }: Steps, tensor: Tensor): number | undefined {
  const before = carries.indexOf(tensor)
  const state = before >= 0 ? before : next.indexOf(tensor)
  return state >= 0 ? state : undefined
}
