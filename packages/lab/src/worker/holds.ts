/**
 * What is held in a run: units whose output (or input) keeps a value, layers that do not learn.
 *
 * The library itself makes the change in its forward pass (nn.intervene), so training, every probe and every gradient
 * see it. What was held when: history.ts; what followed from it: experiments.ts.
 */
import { nn, type Tensor, tensor } from 'glissade'
import type { Hold } from './protocol.ts'
import type { Run } from './run.ts'

export type { Hold } from './protocol.ts'

type Clamp = Extract<Hold, { readonly kind: 'clamp' }>

export class Holds {
  readonly #run: Run
  readonly #programs: () => void
  #holds: readonly Hold[] = []
  #ends: (() => void)[] = []

  /** `programs` is called when programs that were compiled before are of no use any more. */
  constructor(run: Run, programs: () => void) {
    this.#run = run
    this.#programs = programs
  }

  get holds(): readonly Hold[] {
    return this.#holds
  }

  /** From now on these, and no others. */
  set(holds: readonly Hold[]): void {
    const modules = this.#run.model.namedModules()
    for (const { module } of holds) if (!modules.has(module)) throw new Error(`The model has no module ${module}.`)
    const frozen = new Set<nn.Parameter>()
    for (const hold of holds)
      if (hold.kind === 'freeze')
        for (const parameter of modules.get(hold.module)?.parameters() ?? []) frozen.add(parameter)
    const all = this.#run.model.parameters()
    if (frozen.size === all.length)
      throw new Error('Every layer would be frozen, and nothing could learn. Leave one free.')
    this.release()
    for (const parameter of all) parameter.trainable = !frozen.has(parameter)
    const clamps = holds.filter((hold): hold is Clamp => hold.kind === 'clamp')
    this.#ends = clamps.map((clamp) =>
      nn.intervene(modules.get(clamp.module) as nn.Module, {
        [clamp.side]: (x: Tensor) => clamped(x, clamp),
      }),
    )
    this.#holds = holds
    this.#programs()
  }

  /** Lets go of the modules; they belong to this run alone, but what is held counts for all compiled functions. */
  release(): void {
    for (const end of this.#ends) end()
    this.#ends = []
    for (const parameter of this.#run.model.parameters()) parameter.trainable = true
  }
}

/** x with the units of a clamp at its value, at every place of every sample. x: [B, …] */
function clamped(x: Tensor, { units, axis, value }: Clamp): Tensor {
  const [at, count] = [axis + 1, x.shape[axis + 1]]
  const mask = new Float32Array(count)
  for (const unit of units) mask[unit] = 1
  const shape = x.shape.map((_, i) => (i === at ? count : 1))
  return tensor(mask, { shape }).gt(0).where(value, x)
}
