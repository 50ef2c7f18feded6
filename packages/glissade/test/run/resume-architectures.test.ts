/**
 * A run that was stopped, saved and gone on with has the same bits as one that never stopped, for whole networks of each
 * family: parameters, buffers, moments, the average of the weights, the schedule, gradients under way, and dropout.
 *
 * Resuming `fit`, with the order of its data: train-resume.test.ts.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compile, io, optim, probeBackend, random, setBackend, type Tensor } from '../../src/index.ts'
import { type Architecture, architectures, type Batch } from '../golden/architectures.ts'

/** Stopped between the two halves of a step whose gradients are accumulated. */
const [stopAt, steps] = [5, 10]

class Run {
  readonly architecture: Architecture
  readonly model
  readonly optimizer
  readonly step
  constructor(architecture: Architecture, seed: number) {
    random.manualSeed(seed)
    const { model, forward, loss } = architecture.build({ scale: 1, dropout: 0.2 })
    const lr = optim.schedule.cosine(0.02, steps, { warmUp: 2 })
    const optimizer = optim.adamW({ lr, clipNorm: 1, ema: 0.9, accumulate: 2, groups: [optim.noDecay()] }).for(model)
    this.architecture = architecture
    this.model = model
    this.optimizer = optimizer
    this.step = compile((batch: Batch) => {
      const value = loss(forward(batch), batch)
      optimizer.minimize(value)
      return value
    })
  }

  /** The losses of the steps from `first` to before `end`. */
  async go(first: number, end: number): Promise<number[]> {
    const losses: number[] = []
    for (let i = first; i < end; i++) losses.push(await (await this.step(this.architecture.batch(3, i))).item())
    return losses
  }

  async save(): Promise<Uint8Array> {
    const { tensors, ...optimizer } = this.optimizer.stateDict()
    const named = (prefix: string, from: Readonly<Record<string, Tensor>>): [string, Tensor][] =>
      Object.entries(from).map(([name, tensor]) => [`${prefix}/${name}`, tensor])
    const state = { optimizer, random: { ...random.defaultGenerator().state() } }
    return io.formatCheckpoint({
      tensors: Object.fromEntries([...named('model', this.model.stateDict()), ...named('optimizer', tensors)]),
      state: JSON.parse(JSON.stringify(state)) as io.Json,
    })
  }

  async load(bytes: Uint8Array): Promise<void> {
    const { tensors, state } = io.parseCheckpoint(bytes)
    const { optimizer, random: generator } = state as unknown as {
      optimizer: Omit<ReturnType<optim.Optimizer['stateDict']>, 'tensors'>
      random: ReturnType<random.Generator['state']>
    }
    const part = (prefix: string): Record<string, Tensor> =>
      Object.fromEntries(
        Object.entries(tensors).flatMap(([name, tensor]) =>
          name.startsWith(`${prefix}/`) ? [[name.slice(prefix.length + 1), tensor]] : [],
        ),
      )
    await this.model.loadStateDict(part('model'))
    await this.optimizer.loadStateDict({ ...optimizer, tensors: part('optimizer') })
    random.defaultGenerator().restore(generator)
  }

  async bits(): Promise<Record<string, number[]>> {
    const all = [...this.model.namedVariables(), ...this.optimizer.namedState()]
    return Object.fromEntries(
      await Promise.all(
        all.map(async ([name, variable]) => {
          const data = await variable.data()
          return [name, Array.from(new Uint32Array(data.buffer, data.byteOffset, data.length))] as const
        }),
      ),
    )
  }
}

for (const name of ['native', 'wasm'] as const) {
  const probe = await probeBackend(name)
  const missing = 'reason' in probe ? probe.reason : undefined
  if ('backend' in probe) await probe.backend.dispose()
  describe.skipIf(missing)(`gone on with on ${name}${missing ? ` (skipped: ${missing})` : ''}`, () => {
    beforeAll(async () => {
      await setBackend(name)
    })
    afterAll(async () => {
      await setBackend('reference')
    })

    it.each(architectures.map((each) => [each.name, each] as const))('%s', async (_, architecture) => {
      const whole = new Run(architecture, 3)
      await whole.go(0, stopAt)
      const saved = await whole.save()
      const losses = await whole.go(stopAt, steps)
      // Another seed, so that nothing comes from there.
      const second = new Run(architecture, 4)
      await second.load(saved)
      expect(await second.go(stopAt, steps)).toEqual(losses)
      expect(await second.bits()).toEqual(await whole.bits())
      expect(second.optimizer.steps).toBe(steps / 2)
      for (const { step } of [whole, second]) step.release()
    })
  })
}
