/**
 * A small training run with everything in it that must be kept exactly: dropout, batch normalization, shuffling,
 * schedules, accumulated gradients, an average of weights, early stopping and the best model. Not a test itself.
 */
import { createHash } from 'node:crypto'
import * as data from '../../src/data/index.ts'
import * as loss from '../../src/loss/index.ts'
import { batchNorm1d } from '../../src/nn/batch-norm.ts'
import * as nn from '../../src/nn/index.ts'
import * as optim from '../../src/optim/index.ts'
import { manualSeed, uniform } from '../../src/random.ts'
import { type BackendName, setBackend } from '../../src/run/backend.ts'
import '../../src/run/realize.ts'
import { tensor } from '../../src/create.ts'
import type { Tensor } from '../../src/tensor.ts'
import { type FitOptions, fit } from '../../src/train/index.ts'

type Points = { x: Tensor; y: Tensor }

/** Points in the plane, of class 1 inside a ring. */
function points(count: number, shift: number): data.Dataset<Points> {
  const x = Float32Array.from({ length: count * 2 }, (_, i) => Math.sin((i + shift) ** 2 * 1.7) * 2)
  const y = Int32Array.from({ length: count }, (_, i) => Number(Math.hypot(x[2 * i], x[2 * i + 1]) < 1.6))
  return data.dataset({ x: tensor(x, { shape: [count, 2] }), y: tensor(y) })
}

const optimizers = {
  cosine: () =>
    optim.adamW({ lr: optim.schedule.cosine(0.03, 24, { warmUp: 4 }), accumulate: 2, clipNorm: 1, ema: 0.9 }),
  plateau: () => optim.sgd({ lr: optim.schedule.reduceOnPlateau(0.3, { patience: 0, factor: 0.5 }), momentum: 0.9 }),
}
export type OptimizerName = keyof typeof optimizers

export interface Trained {
  /** Of parameters, buffers and the optimizer's state, bit for bit. */
  readonly digest: string
  readonly losses: readonly number[]
  readonly validation: readonly (number | undefined)[]
  readonly best: unknown
  readonly steps: number
  /** The next random number. */
  readonly next: number
}

/** Of 50 samples in batches of 8: seven steps each. */
const epochs = 4

export async function train(
  backend: BackendName,
  optimizerName: OptimizerName,
  options: Partial<FitOptions<nn.Sequential, Points>> = {},
  seed = 11,
): Promise<Trained> {
  await setBackend(backend, { threads: 1 })
  manualSeed(seed)
  const model = nn.sequential(nn.linear(2, 12), batchNorm1d(12), nn.tanh(), nn.dropout(0.3), nn.linear(12, 2))
  const optimizer = optimizers[optimizerName]().for(model)
  const { history, steps, best } = await fit(model, points(50, 0), {
    loss: loss.crossEntropy,
    optimizer,
    epochs,
    batchSize: 8,
    seed: 5,
    validate: points(20, 0.5),
    validateEvery: { steps: 5, epochs: 1 },
    keepBest: { restore: false },
    earlyStopping: { patience: 50 },
    ...options,
  })
  const hash = createHash('sha256')
  for (const all of [model.stateDict(), optimizer.stateDict().tensors]) {
    for (const [name, variable] of Object.entries(all)) {
      const { buffer, byteOffset, byteLength } = await variable.data()
      hash.update(name).update(new Uint8Array(buffer, byteOffset, byteLength))
    }
  }
  const { tensors: _, ...rest } = optimizer.stateDict()
  return {
    digest: hash.update(JSON.stringify(rest)).digest('hex'),
    losses: history.map((epoch) => epoch.train.loss),
    validation: history.map((epoch) => epoch.validation?.loss),
    best,
    steps,
    next: await uniform([]).item(),
  }
}
