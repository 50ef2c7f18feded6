/**
 * A run: a model, its data, and where its training stands. All numbers on the page come from here.
 *
 * One step is the library's compiled program on one batch. What can be seen of it: probe.ts and questions/; when steps
 * are made: trainer.ts. The same spec gives the same numbers at every step: the order of samples, first weights and
 * random draws follow from seeds.
 */
import {
  type CompiledFunction,
  compile,
  data as library,
  manualSeed,
  type nn,
  type optim,
  random,
  type Tensor,
  take,
  tensor,
} from 'glissade'
import type { LabSpec } from '../spec/spec.ts'
import { buildModel, type LossOf, lossOf, optimizerOf } from './build.ts'
import type { LabData } from './data/index.ts'
import type { Adjustment, RunId, Stamp } from './protocol.ts'

/** The forward pass of every kind of model, to the tensor that the loss looks at. */
export function forwardOf(model: nn.Module, x: Tensor): Tensor {
  const output = (model as nn.Layer).forward(x) as Tensor | { output: Tensor }
  return 'output' in output ? output.output : output
}

export class Run {
  readonly id: RunId
  readonly data: LabData
  readonly model: nn.Module
  readonly loss: LossOf
  readonly stepsPerEpoch: number
  /** All samples, training part first. */
  readonly inputs: Tensor
  readonly targets: Tensor
  /** Where the run was branched off. */
  readonly from: Stamp | undefined
  step = 0
  #spec: LabSpec
  #optimizer: optim.Optimizer
  #advance: CompiledFunction<[Tensor], Tensor>
  #draws: random.GeneratorState
  #order = { epoch: -1, places: new Int32Array() }

  constructor(id: RunId, spec: LabSpec, data: LabData, from?: Stamp) {
    this.id = id
    this.#spec = spec
    this.data = data
    this.from = from
    manualSeed(spec.seed)
    this.model = buildModel(spec)
    this.stepsPerEpoch = Math.ceil(data.trainCount / spec.batchSize)
    this.#optimizer = optimizerOf(spec, this.model, this.stepsPerEpoch)
    this.loss = lossOf(spec.loss, data.task)
    this.#draws = random.defaultGenerator().state()
    const count = data.trainCount + data.testCount
    const whole = data.task !== 'number' && data.inputs instanceof Int32Array
    this.inputs = tensor(data.inputs, { shape: [count, ...data.inputShape], dtype: whole ? 'int32' : 'float32' })
    this.targets = tensor(data.targets, {
      shape: [count, ...data.targetShape],
      dtype: data.targets instanceof Int32Array ? 'int32' : 'float32',
    })
    this.#advance = this.#compiled()
  }

  /** What it was set up with, and what was changed since. */
  get spec(): LabSpec {
    return this.#spec
  }

  get optimizer(): optim.Optimizer {
    return this.#optimizer
  }

  #compiled(): CompiledFunction<[Tensor], Tensor> {
    return compile((at: Tensor) => {
      const loss = this.loss(forwardOf(this.model, take(this.inputs, at, 0)), take(this.targets, at, 0))
      this.optimizer.minimize(loss)
      return loss
    })
  }

  /** Changes what can be changed between two steps; weights, moments and the count of steps stay. The one place for it. */
  async adjust(change: Adjustment): Promise<void> {
    const before = this.#spec
    const spec = { ...before, ...change }
    if (spec.optimizer.kind !== before.optimizer.kind)
      throw new Error(
        `A run keeps its optimizer, ${before.optimizer.kind}. Begin a new one with ${spec.optimizer.kind}.`,
      )
    const { lr } = spec.optimizer
    const others = (each: LabSpec): string => JSON.stringify([{ ...each.optimizer, lr: 0 }, each.schedule])
    const isFixed = spec.schedule.kind === 'constant' && !(Number(spec.schedule.warmUp ?? 0) > 0)
    if (others(spec) === others(before) && isFixed) this.#optimizer.lr = Number(lr)
    else if (others(spec) !== others(before) || lr !== before.optimizer.lr) await this.#rebind(spec)
    this.#spec = spec
  }

  /** The same optimizer with other options: what it remembers goes on, and the step is compiled anew. */
  async #rebind(spec: LabSpec): Promise<void> {
    const old = this.#optimizer
    const next = optimizerOf(spec, this.model, this.stepsPerEpoch)
    const own = next.stateDict()
    const known = Object.entries(old.stateDict().tensors).filter(([name]) => Object.hasOwn(own.tensors, name))
    await next.loadStateDict({ ...own, steps: old.steps, tensors: { ...own.tensors, ...Object.fromEntries(known) } })
    this.#optimizer = next
    this.#advance.release()
    this.#advance = this.#compiled()
  }

  /** Where random draws stand; set by who brings the run to another moment (history.ts). */
  get draws(): random.GeneratorState {
    return this.#draws
  }
  set draws(draws: random.GeneratorState) {
    this.#draws = draws
  }

  get stamp(): Stamp {
    return { run: this.id, step: this.step, epoch: Math.floor(this.step / this.stepsPerEpoch) }
  }

  /** The samples of step number `step` (0 is the first). */
  batchAt(step: number): Int32Array {
    const epoch = Math.floor(step / this.stepsPerEpoch)
    if (this.#order.epoch !== epoch)
      this.#order = { epoch, places: library.permutation(this.data.trainCount, this.spec.seed, epoch) }
    const from = (step % this.stepsPerEpoch) * this.spec.batchSize
    return this.#order.places.slice(from, from + this.spec.batchSize)
  }

  /** The batch that the next step will learn from. */
  nextBatch(): Int32Array {
    return this.batchAt(this.step)
  }

  /** One step; gives the loss before it. */
  async advance(): Promise<number> {
    const loss = await this.withDraws(async () => {
      // Turning modes walks through all modules; they are mostly in training already.
      if (!this.model.training) this.model.train()
      return (await this.#advance(tensor(this.nextBatch(), { dtype: 'int32' }))).item()
    }, true)
    this.step++
    return loss
  }

  /** Work that draws random numbers where this run stands; `keep`: they count as drawn. */
  async withDraws<T>(work: () => Promise<T>, keep = false): Promise<T> {
    const generator = random.defaultGenerator()
    generator.restore(this.#draws)
    const result = await work()
    if (keep) this.#draws = generator.state()
    return result
  }

  release(): void {
    this.#advance.release()
  }
}
