/**
 * Whole networks, one of each family, as users write them: the classes of make_architectures.py under the same names of
 * fields, their losses, and optimizers. Not a test itself.
 *
 * `scale` 1 and no dropout are the sizes of the golden files; the tests of memory and of threads take others.
 */
import {
  concat,
  einsum,
  loss,
  maxPool2d,
  nn,
  optim,
  random,
  type Tensor,
  tensor,
  where,
} from '../../src/index.ts'
import { fromArray } from '../../src/tensor.ts'
import { generator } from '../opinfo/common.ts'

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

// ---- images, series ----

class Perceptron extends nn.Module {
  layers: nn.Sequential
  constructor({ scale, dropout }: Sizes) {
    super()
    this.layers = nn.sequential(
      nn.linear(6, 10 * scale),
      nn.tanh(),
      nn.linear(10 * scale, 8 * scale),
      nn.gelu(),
      nn.dropout(dropout),
      nn.linear(8 * scale, 4),
    )
  }
  forward(x: Tensor): Tensor {
    return this.layers.forward(x)
  }
}

interface ConvNormOptions {
  readonly stride?: number
  readonly groups?: number
  readonly act?: nn.Layer
}
function convNorm(from: number, to: number, size: number, { stride, groups, act }: ConvNormOptions = {}): nn.Sequential {
  const conv = nn.conv2d(from, to, size, { stride, groups, padding: Math.floor(size / 2), bias: false })
  return nn.sequential(conv, nn.batchNorm2d(to), ...(act ? [act] : []))
}

/** Wide in the middle, where each channel is filtered by itself (MobileNet v2). */
class Inverted extends nn.Module {
  expand: nn.Sequential
  depthwise: nn.Sequential
  project: nn.Sequential
  drop: nn.DropPath
  constructor(width: number, inner: number, dropout: number) {
    super()
    this.expand = convNorm(width, inner, 1, { act: nn.relu6() })
    this.depthwise = convNorm(inner, inner, 3, { groups: inner, act: nn.relu6() })
    this.project = convNorm(inner, width, 1)
    this.drop = nn.dropPath(dropout)
  }
  forward(x: Tensor): Tensor {
    return x.add(this.drop.forward(this.project.forward(this.depthwise.forward(this.expand.forward(x)))))
  }
}

/** Two convolutions and a way around (ResNet). */
class Basic extends nn.Module {
  conv1: nn.Conv2d
  bn1: nn.BatchNorm2d
  conv2: nn.Conv2d
  bn2: nn.BatchNorm2d
  downsample: nn.Sequential
  constructor(from: number, to: number, stride: number) {
    super()
    this.conv1 = nn.conv2d(from, to, 3, { stride, padding: 1, bias: false })
    this.bn1 = nn.batchNorm2d(to)
    this.conv2 = nn.conv2d(to, to, 3, { padding: 1, bias: false })
    this.bn2 = nn.batchNorm2d(to, { momentum: 0.2 })
    this.downsample = convNorm(from, to, 1, { stride })
  }
  forward(x: Tensor): Tensor {
    const y = this.bn2.forward(this.conv2.forward(this.bn1.forward(this.conv1.forward(x)).relu()))
    return y.add(this.downsample.forward(x)).relu()
  }
}

class ResidualNet extends nn.Module {
  stem: nn.Sequential
  layer1: Inverted
  layer2: Basic
  pool = nn.globalAvgPool2d()
  fc: nn.Linear
  constructor({ scale, dropout }: Sizes) {
    super()
    this.stem = convNorm(2, 4 * scale, 3, { act: nn.relu() })
    this.layer1 = new Inverted(4 * scale, 8 * scale, dropout)
    this.layer2 = new Basic(4 * scale, 6 * scale, 2)
    this.fc = nn.linear(6 * scale, 3)
  }
  forward(x: Tensor): Tensor {
    return this.fc.forward(this.pool.forward(this.layer2.forward(this.layer1.forward(this.stem.forward(x)))))
  }
}

function doubleConv(from: number, to: number): nn.Sequential {
  const part = (width: number): nn.Layer[] => [
    nn.conv2d(width, to, 3, { padding: 1 }),
    nn.instanceNorm2d(to, { affine: true }),
    nn.leakyRelu(),
  ]
  return nn.sequential(...part(from), ...part(to))
}

class UNet extends nn.Module {
  down1: nn.Sequential
  down2: nn.Sequential
  bottom: nn.Sequential
  up2: nn.ConvTranspose2d
  join2: nn.Sequential
  up1: nn.ConvTranspose2d
  join1: nn.Sequential
  head: nn.Conv2d
  drop: nn.Dropout2d
  constructor({ scale, dropout }: Sizes) {
    super()
    const [a, b, c] = [3 * scale, 5 * scale, 6 * scale]
    this.down1 = doubleConv(1, a)
    this.down2 = doubleConv(a, b)
    this.bottom = doubleConv(b, c)
    this.up2 = nn.convTranspose2d(c, b, 2, { stride: 2 })
    this.join2 = doubleConv(2 * b, b)
    this.up1 = nn.convTranspose2d(b, a, 3, { stride: 2, padding: 1, outputPadding: 1 })
    this.join1 = doubleConv(2 * a, a)
    this.head = nn.conv2d(a, 1, 1)
    this.drop = nn.dropout2d(dropout)
  }
  forward(x: Tensor): Tensor {
    const a = this.down1.forward(x)
    const b = this.down2.forward(maxPool2d(a, 2))
    const bottom = this.drop.forward(this.bottom.forward(maxPool2d(b, 2)))
    const c = this.join2.forward(concat([this.up2.forward(bottom), b], 1))
    return this.head.forward(this.join1.forward(concat([this.up1.forward(c), a], 1)))
  }
}

class Autoencoder extends nn.Module {
  encoder: nn.Sequential
  decoder: nn.Sequential
  drop: nn.Dropout
  constructor({ scale, dropout }: Sizes) {
    super()
    const [wide, code] = [6 * scale, 5 * scale]
    this.encoder = nn.sequential(
      nn.conv1d(2, wide, 3, { stride: 2, padding: 1 }),
      nn.groupNorm(2, wide),
      nn.silu(),
      nn.flatten(),
      nn.linear(wide * 6, code),
      nn.layerNorm(code),
    )
    this.decoder = nn.sequential(
      nn.linear(code, wide * 6),
      nn.mish(),
      nn.unflatten(1, [wide, 6]),
      nn.convTranspose1d(wide, 4 * scale, 4, { stride: 2, padding: 1 }),
      nn.groupNorm(4, 4 * scale),
      nn.elu(),
      nn.conv1d(4 * scale, 2, 3, { padding: 1, paddingMode: 'replicate' }),
    )
    this.drop = nn.dropout(dropout)
  }
  forward(x: Tensor): Tensor {
    return this.decoder.forward(this.encoder.forward(this.drop.forward(x)))
  }
}

class MixerBlock extends nn.Module {
  norm1: nn.LayerNorm
  norm2: nn.LayerNorm
  token1: nn.Parameter
  token2: nn.Parameter
  linear1: nn.Linear
  linear2: nn.Linear
  drop: nn.DropPath
  constructor(patches: number, width: number, inner: number, dropout: number) {
    super()
    this.norm1 = nn.layerNorm(width)
    this.norm2 = nn.layerNorm(width)
    this.token1 = new nn.Parameter(random.normal([inner, patches]).mul(0.4))
    this.token2 = new nn.Parameter(random.normal([patches, inner]).mul(0.4))
    this.linear1 = nn.linear(width, inner)
    this.linear2 = nn.linear(inner, width)
    this.drop = nn.dropPath(dropout)
  }
  forward(x: Tensor): Tensor {
    const mixed = einsum('bpc,hp->bhc', this.norm1.forward(x), this.token1)
    const y = x.add(this.drop.forward(einsum('bhc,ph->bpc', nn.functional.gelu(mixed, 'tanh'), this.token2)))
    const inner = nn.functional.gelu(this.linear1.forward(this.norm2.forward(y)))
    return y.add(this.drop.forward(this.linear2.forward(inner)))
  }
}

class Mixer extends nn.Module {
  patch: nn.Conv2d
  blocks: nn.ModuleList<MixerBlock>
  norm: nn.LayerNorm
  head: nn.Linear
  constructor({ scale, dropout }: Sizes) {
    super()
    const width = 6 * scale
    this.patch = nn.conv2d(1, width, 2, { stride: 2 })
    this.blocks = nn.moduleList([1, 2].map(() => new MixerBlock(9, width, 8 * scale, dropout)))
    this.norm = nn.layerNorm(width)
    this.head = nn.linear(width, 3)
  }
  forward(x: Tensor): Tensor {
    let y = this.patch.forward(x).flatten(2).transpose(1, 2)
    for (const block of this.blocks) y = block.forward(y)
    return this.head.forward(this.norm.forward(y).mean(1))
  }
}

class Dilated extends nn.Module {
  conv: nn.Conv1d
  drop: nn.Dropout1d
  readonly dilation: number
  constructor(width: number, dilation: number, dropout: number) {
    super()
    this.conv = nn.weightNorm(nn.conv1d(width, 2 * width, 3, { dilation }))
    this.drop = nn.dropout1d(dropout)
    this.dilation = dilation
  }
  forward(x: Tensor): Tensor {
    const before = x.pad([
      [0, 0],
      [0, 0],
      [2 * this.dilation, 0],
    ])
    const [a, b] = this.conv.forward(before).split(x.shape[1], 1)
    return x.add(this.drop.forward(a.tanh().mul(b.sigmoid())))
  }
}

/** Convolutions that look back only, further in each layer (WaveNet). */
class Temporal extends nn.Module {
  start: nn.Conv1d
  layers: nn.Sequential
  end: nn.Conv1d
  constructor({ scale, dropout }: Sizes) {
    super()
    const width = 5 * scale
    this.start = nn.conv1d(2, width, 1)
    this.layers = nn.sequential(...[1, 2, 4].map((dilation) => new Dilated(width, dilation, dropout)))
    this.end = nn.conv1d(width, 1, 1)
  }
  forward(x: Tensor): Tensor {
    return this.end.forward(this.layers.forward(this.start.forward(x)))
  }
}

// ---- recurrent ----

class LstmClassifier extends nn.Module {
  embedding: nn.Embedding
  lstm: nn.LSTM
  head: nn.Linear
  drop: nn.Dropout
  constructor({ scale, dropout }: Sizes) {
    super()
    this.embedding = nn.embedding(11, 5 * scale, { paddingIndex: 0 })
    this.lstm = nn.lstm(5 * scale, 6 * scale)
    this.head = nn.linear(6 * scale, 3)
    this.drop = nn.dropout(dropout)
  }
  forward(tokens: Tensor, lengths: Tensor): Tensor {
    const { state } = this.lstm.forward(this.drop.forward(this.embedding.forward(tokens)), { lengths })
    return this.head.forward(state.h.squeeze(0))
  }
}

class GruTagger extends nn.Module {
  embedding: nn.Embedding
  gru: nn.GRU
  head: nn.Linear
  constructor({ scale, dropout }: Sizes) {
    super()
    this.embedding = nn.embedding(10, 4 * scale)
    this.gru = nn.gru(4 * scale, 5 * scale, { layers: 2, bidirectional: true, dropout })
    this.head = nn.linear(10 * scale, 4)
  }
  forward(tokens: Tensor, lengths: Tensor): Tensor {
    return this.head.forward(this.gru.forward(this.embedding.forward(tokens), { lengths }).output)
  }
}

// ---- transformers ----

class EncoderClassifier extends nn.Module {
  embedding: nn.Embedding
  positions: nn.LearnedPositions
  encoder: nn.TransformerEncoder
  head: nn.Linear
  constructor({ scale, dropout }: Sizes) {
    super()
    const width = 8 * scale
    this.embedding = nn.embedding(12, width, { paddingIndex: 0 })
    this.positions = nn.learnedPositions(6, width)
    this.encoder = nn.transformerEncoder(width, 2, 2, { feedForward: 12 * scale, dropout })
    this.head = nn.linear(width, 3)
  }
  forward(tokens: Tensor): Tensor {
    const keyMask = tokens.ne(0)
    const there = keyMask.cast('float32').unsqueeze(2)
    const x = this.positions.forward(this.embedding.forward(tokens))
    const y = this.encoder.forward(x, { keyMask }).mul(there)
    return this.head.forward(y.sum(1).div(there.sum(1)))
  }
}

/** From one sequence to another, with pre-norm, and padding on both sides. */
class Sequences extends nn.Module {
  source: nn.Embedding
  target: nn.Embedding
  source_positions: nn.LearnedPositions
  target_positions: nn.LearnedPositions
  transformer: nn.Transformer
  generator: nn.Linear
  constructor({ scale, dropout }: Sizes) {
    super()
    const width = 8 * scale
    this.source = nn.embedding(9, width, { paddingIndex: 0 })
    this.target = nn.embedding(8, width, { paddingIndex: 0 })
    this.source_positions = nn.learnedPositions(6, width)
    this.target_positions = nn.learnedPositions(6, width)
    this.transformer = nn.transformer(width, 2, {
      encoderLayers: 2,
      decoderLayers: 2,
      feedForward: 10 * scale,
      activation: 'gelu',
      normFirst: true,
      dropout,
    })
    this.generator = nn.linear(width, 8)
  }
  forward(source: Tensor, target: Tensor): Tensor {
    const y = this.transformer.forward(
      this.source_positions.forward(this.source.forward(source)),
      this.target_positions.forward(this.target.forward(target)),
      { causal: true, sourceKeyMask: source.ne(0), targetKeyMask: target.ne(0) },
    )
    return this.generator.forward(y)
  }
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
      return takesOne(nn.languageModel({ ...sizes, ...form, bias: false, tied: false }), 'tokens', (y, batch) => tokenLoss(y, batch))
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
