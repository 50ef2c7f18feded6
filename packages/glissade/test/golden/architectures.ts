/**
 * Whole networks, one of each family, as users write them, with what they are trained on, their losses and optimizers.
 * The networks: architectures-spaces.ts and architectures-sequences.ts. Not a test itself.
 *
 * `scale` 1 and no dropout are the sizes of the golden files; the tests of memory and of threads take others.
 */
import { loss, nn, optim, type Tensor, tensor, where } from '../../src/index.ts'
import { fromArray } from '../../src/tensor.ts'
import { generator } from '../opinfo/common.ts'
import { EncoderClassifier, GruTagger, LstmClassifier, Sequences } from './architectures-sequences.ts'
import { Autoencoder, Mixer, Perceptron, ResidualNet, Temporal, UNet } from './architectures-spaces.ts'

export interface Sizes {
  /** Widths are multiplied by it. */
  readonly scale: number
  readonly dropout: number
}

/** What a step is given: the inputs of the network, and `y` for the loss. */
export type Batch = Readonly<Record<string, Tensor>>

/** A network with what belongs to it. */
export interface Built {
  readonly model: nn.Module
  forward(batch: Batch): Tensor
  loss(output: Tensor, batch: Batch): Tensor
}

export interface Architecture {
  readonly name: string
  build(sizes: Sizes): Built
  /** The optimizer of the golden file. */
  optimizer(): optim.OptimizerFactory
  /** A batch of `rows` samples, drawn from a seed. */
  batch(rows: number, seed: number): Batch
}

// ---- batches ----

function numbers(shape: readonly number[], seed: number): Tensor {
  const next = generator(seed)
  const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => 2 * next() - 1)
  return fromArray(data, shape)
}
/** Whole numbers from `low` up to but not including `high`. */
function whole(shape: readonly number[], low: number, high: number, seed: number): Tensor {
  const next = generator(seed)
  const count = shape.reduce((a, b) => a * b, 1)
  return fromArray(
    Int32Array.from({ length: count }, () => low + Math.floor(next() * (high - low))),
    shape,
  )
}
/** Texts of 1 to `steps` tokens, filled up with 0, and how long they are. */
function texts(rows: number, steps: number, vocab: number, seed: number): { tokens: Tensor; lengths: Tensor } {
  const next = generator(seed)
  const lengths = Int32Array.from({ length: rows }, () => 1 + Math.floor(next() * steps))
  const tokens = Int32Array.from({ length: rows * steps }, (_, i) =>
    i % steps < lengths[Math.floor(i / steps)] ? 1 + Math.floor(next() * (vocab - 1)) : 0,
  )
  return { tokens: fromArray(tokens, [rows, steps]), lengths: fromArray(lengths, [rows]) }
}

// ---- the list ----

/** For scores of each token. */
const tokenLoss = (y: Tensor, batch: Batch, options: loss.CrossEntropyOptions = {}): Tensor =>
  loss.crossEntropy(y.flatten(0, 1), batch.y.flatten(), options)
const plainLoss = (y: Tensor, batch: Batch): Tensor => loss.crossEntropy(y, batch.y)

function takesOne<M extends nn.Layer>(model: M, of: 'x' | 'tokens', lossOf: Built['loss']): Built {
  return { model, forward: (batch) => model.forward(batch[of]), loss: lossOf }
}

export const architectures: readonly Architecture[] = [
  {
    name: 'perceptron',
    build: (sizes) =>
      takesOne(new Perceptron(sizes), 'x', (y, batch) => loss.crossEntropy(y, batch.y, { labelSmoothing: 0.1 })),
    optimizer: () => optim.sgd({ lr: 0.1, momentum: 0.9, nesterov: true }),
    batch: (rows, seed) => ({ x: numbers([rows, 6], seed), y: whole([rows], 0, 4, seed) }),
  },
  {
    name: 'residual',
    build: (sizes) => takesOne(new ResidualNet(sizes), 'x', plainLoss),
    optimizer: () => optim.adamW({ lr: 0.01 }),
    batch: (rows, seed) => ({ x: numbers([rows, 2, 6, 6], seed), y: whole([rows], 0, 3, seed) }),
  },
  {
    name: 'unet',
    build: (sizes) =>
      takesOne(new UNet(sizes), 'x', (y, batch) => loss.bceWithLogits(y, batch.y, { posWeight: tensor(2) })),
    optimizer: () => optim.sgd({ lr: 0.05, momentum: 0.9, weightDecay: 0.01 }),
    batch: (rows, seed) => ({
      x: numbers([rows, 1, 8, 8], seed),
      y: whole([rows, 1, 8, 8], 0, 2, seed).cast('float32'),
    }),
  },
  {
    name: 'autoencoder',
    build: (sizes) => takesOne(new Autoencoder(sizes), 'x', (y, batch) => loss.mse(y, batch.x)),
    optimizer: () => optim.adamW({ lr: 0.02, betas: [0.8, 0.95] }),
    batch: (rows, seed) => ({ x: numbers([rows, 2, 12], seed) }),
  },
  {
    name: 'mixer',
    build: (sizes) => takesOne(new Mixer(sizes), 'x', plainLoss),
    optimizer: () => optim.sgd({ lr: 0.1 }),
    batch: (rows, seed) => ({ x: numbers([rows, 1, 6, 6], seed), y: whole([rows], 0, 3, seed) }),
  },
  {
    name: 'temporal',
    build: (sizes) => takesOne(new Temporal(sizes), 'x', (y, batch) => loss.huber(y, batch.y, { delta: 0.5 })),
    optimizer: () => optim.adamW({ lr: 0.02 }),
    batch: (rows, seed) => ({ x: numbers([rows, 2, 10], seed), y: numbers([rows, 1, 10], seed + 1) }),
  },
  {
    name: 'lstm',
    build: (sizes) => {
      const model = new LstmClassifier(sizes)
      return {
        model,
        forward: ({ tokens, lengths }) => model.forward(tokens, lengths),
        loss: (y, batch) => loss.crossEntropy(y, batch.y, { weight: tensor([1, 2, 0.5]) }),
      }
    },
    optimizer: () => optim.adamW({ lr: 0.02 }),
    batch: (rows, seed) => ({ ...texts(rows, 6, 11, seed), y: whole([rows], 0, 3, seed) }),
  },
  {
    name: 'gru',
    build: (sizes) => {
      const model = new GruTagger(sizes)
      return {
        model,
        forward: ({ tokens, lengths }) => model.forward(tokens, lengths),
        loss: (y, batch) => tokenLoss(y, batch, { ignoreIndex: -100 }),
      }
    },
    optimizer: () => optim.sgd({ lr: 0.5, momentum: 0.9, clipNorm: 0.3 }),
    batch: (rows, seed) => {
      const { tokens, lengths } = texts(rows, 6, 10, seed)
      return { tokens, lengths, y: where(tokens.ne(0), whole([rows, 6], 0, 4, seed), -100) }
    },
  },
  {
    name: 'encoder',
    build: (sizes) => takesOne(new EncoderClassifier(sizes), 'tokens', plainLoss),
    optimizer: () => optim.adamW({ lr: 0.01, weightDecay: 0.1, groups: [optim.noDecay()] }),
    batch: (rows, seed) => ({ tokens: texts(rows, 6, 12, seed).tokens, y: whole([rows], 0, 3, seed) }),
  },
  {
    name: 'gpt',
    build: ({ scale, dropout }) => {
      const sizes = { vocab: 11, width: 8 * scale, layers: 2, heads: 2, context: 7, dropout }
      return takesOne(nn.languageModel(sizes), 'tokens', (y, batch) => tokenLoss(y, batch))
    },
    optimizer: () => optim.adamW({ lr: optim.schedule.cosine(0.01, 10, { warmUp: 3 }), clipNorm: 1 }),
    batch: (rows, seed) => ({ tokens: whole([rows, 6], 0, 11, seed), y: whole([rows, 6], 0, 11, seed + 1) }),
  },
  {
    name: 'llama',
    build: ({ scale, dropout }) => {
      const sizes = { vocab: 11, width: 8 * scale, layers: 2, heads: 4, kvHeads: 2, context: 7, dropout }
      const form = { feedForward: 12 * scale, positions: 'rotary', norm: 'rms', activation: 'swiglu' } as const
      return takesOne(nn.languageModel({ ...sizes, ...form, bias: false, tied: false }), 'tokens', (y, batch) =>
        tokenLoss(y, batch),
      )
    },
    optimizer: () => optim.adamW({ lr: 0.01 }),
    batch: (rows, seed) => ({ tokens: whole([rows, 6], 0, 11, seed), y: whole([rows, 6], 0, 11, seed + 1) }),
  },
  {
    name: 'sequences',
    build: (sizes) => {
      const model = new Sequences(sizes)
      return {
        model,
        forward: ({ source, input }) => model.forward(source, input),
        loss: (y, batch) => tokenLoss(y, batch, { ignoreIndex: 0, labelSmoothing: 0.1 }),
      }
    },
    optimizer: () => optim.adamW({ lr: 0.01 }),
    batch: (rows, seed) => ({
      source: texts(rows, 6, 9, seed).tokens,
      input: texts(rows, 5, 8, seed + 1).tokens,
      y: texts(rows, 5, 8, seed + 2).tokens,
    }),
  },
]
