/** Ready specs, named by what they teach. Changes to the first one change what everybody sees first. */
import type { Choice, LabSpec, LayerSpec, PlaneFeature, PlaneSet } from './spec.ts'

/** A multilayer perceptron: sizes from input to output, with an activation between. */
export function perceptron(sizes: readonly number[], activation = 'tanh'): LayerSpec {
  const layers = sizes.slice(1).flatMap((out, i): LayerSpec[] => {
    const linear = { kind: 'linear', in: sizes[i], out }
    return i < sizes.length - 2 ? [linear, { kind: activation }] : [linear]
  })
  return { kind: 'sequential', layers }
}

const base = {
  version: 1,
  initializer: { kind: 'default' },
  loss: { kind: 'crossEntropy' },
  schedule: { kind: 'constant' },
  seed: 1,
  stopAtEpoch: 0,
} as const

const adam = (lr: number): Choice => ({ kind: 'adamW', lr, weightDecay: 0 })

/** Points of the plane for a small perceptron. */
export function planeSpec(
  set: PlaneSet,
  hidden: readonly number[],
  options: Partial<LabSpec> & {
    features?: readonly PlaneFeature[]
    classes?: number
    noise?: number
    samples?: number
  } = {},
): LabSpec {
  const { features = ['x', 'y'], classes = 2, noise = 0.03, samples = 300, ...rest } = options
  return {
    ...base,
    data: { kind: 'plane', set, samples, noise, features, testShare: 0.3, seed: 1 },
    model: perceptron([features.length, ...hidden, classes]),
    optimizer: adam(0.03),
    batchSize: 30,
    ...rest,
  }
}

export interface Preset {
  readonly id: string
  readonly title: string
  /** One sentence: what there is to see. */
  readonly about: string
  readonly spec: LabSpec
}

export const presets: readonly Preset[] = [
  {
    id: 'circle',
    title: 'Circle',
    about: 'Two classes, one inside the other: four hidden neurons draw a closed line out of straight ones.',
    spec: planeSpec('circle', [4, 3]),
  },
  {
    id: 'xor',
    title: 'XOR needs a hidden layer',
    about: 'No straight line separates these four corners; two hidden neurons can.',
    spec: planeSpec('xor', [4]),
  },
  {
    id: 'spiral',
    title: 'Two spirals',
    about: 'The hard one: watch how deeper layers bend the plane.',
    spec: planeSpec('spiral', [8, 8], { optimizer: adam(0.02) }),
  },
  {
    id: 'pinwheel',
    title: 'Five classes',
    about: 'One output for each class; the largest wins.',
    spec: planeSpec('pinwheel', [10, 8], { classes: 5, samples: 500 }),
  },
  {
    id: 'overfit',
    title: 'Twenty points by heart',
    about: 'Too many weights and too few points: the training loss falls, the test loss rises.',
    spec: planeSpec('moons', [24, 24], { samples: 40, noise: 0.14, batchSize: 20 }),
  },
  {
    id: 'too-fast',
    title: 'Learning rate too large',
    about: 'The same network as in Circle, with steps that overshoot.',
    spec: planeSpec('circle', [4, 3], { optimizer: { kind: 'sgd', lr: 30 } }),
  },
  {
    id: 'hills',
    title: 'Numbers instead of classes',
    about: 'The network learns the height of four hills.',
    spec: planeSpec('hills', [8, 8], { classes: 1, samples: 500, loss: { kind: 'mse' } }),
  },
  {
    id: 'digits',
    title: 'Handwritten digits',
    about: 'A small convolutional network learns to read.',
    spec: {
      ...base,
      data: { kind: 'digits', samples: 4000, testShare: 0.2, seed: 1 },
      model: {
        kind: 'sequential',
        layers: [
          { kind: 'conv2d', in: 1, out: 8, size: 3, padding: 1 },
          { kind: 'relu' },
          { kind: 'maxPool2d', size: 2 },
          { kind: 'conv2d', in: 8, out: 16, size: 3, padding: 1 },
          { kind: 'relu' },
          { kind: 'maxPool2d', size: 2 },
          { kind: 'flatten', from: 1, to: -1 },
          { kind: 'linear', in: 784, out: 10 },
        ],
      },
      optimizer: adam(0.003),
      batchSize: 32,
    },
  },
  {
    id: 'names-lstm',
    title: 'Names, with an LSTM',
    about: 'Letter by letter, a network with memory learns what names sound like.',
    spec: {
      ...base,
      data: { kind: 'text', corpus: 'names', context: 12, samples: 4000, testShare: 0.1, seed: 1 },
      model: {
        kind: 'sequential',
        layers: [
          { kind: 'embedding', count: 27, size: 16 },
          { kind: 'lstm', in: 16, hidden: 48, batchFirst: true },
          { kind: 'linear', in: 48, out: 27 },
        ],
      },
      optimizer: adam(0.01),
      batchSize: 32,
    },
  },
  {
    id: 'names-transformer',
    title: 'Names, with a transformer',
    about: 'Two layers of attention: each letter looks back at those before it.',
    spec: {
      ...base,
      data: { kind: 'text', corpus: 'names', context: 12, samples: 4000, testShare: 0.1, seed: 1 },
      model: { kind: 'languageModel', vocab: 27, width: 32, layers: 2, heads: 2, context: 12 },
      optimizer: adam(0.005),
      batchSize: 32,
    },
  },
]

export const firstSpec: LabSpec = presets[0].spec
