/** Optimizers, schedules and initializers that fit the lab. Losses: losses.ts. */
import { choice, type Entry, flag, list, num, type OptionEntry, whole } from './entry.ts'

/** A first learning rate for each optimizer, beside its options. */
export interface OptimizerEntry extends Entry {
  readonly lr: number
}

const decay = (initial: number): OptionEntry =>
  num('weightDecay', 'Weight decay', 'Pulls weights towards zero at each step: a remedy for overfitting.', initial, {
    max: 10,
  })
const betas = (a: number, b: number): OptionEntry =>
  list(
    'numbers',
    'betas',
    'Betas',
    'How much of the mean gradient, and of its square, is kept from step to step.',
    [a, b],
    { max: 0.99999 },
  )
const eps = (initial: number): OptionEntry =>
  num('eps', 'Epsilon', 'A tiny number that keeps divisions away from zero.', initial, { min: 1e-20, max: 1 })
const momentum = (initial: number): OptionEntry =>
  num('momentum', 'Momentum', 'How much of the last step goes into this one: a ball that rolls.', initial, {
    max: 0.9999,
  })
const shared: readonly OptionEntry[] = [
  num('clipNorm', 'Clip at length', 'A longer gradient is shortened to it, so that no step is wild.', 1, { min: 1e-6 }),
  num('clipValue', 'Clip each at', 'Each number of the gradient is cut to it.', 1, { min: 1e-6 }),
]
const optimizer = (
  kind: string,
  title: string,
  about: string,
  lr: number,
  options: readonly OptionEntry[],
): OptimizerEntry => ({
  kind,
  title,
  about,
  lr,
  options: [...options, ...shared],
})

/** The learning rate of what is no matrix, beside Muon. */
export const muonRest = 3e-4

export const optimizers: readonly OptimizerEntry[] = [
  optimizer('sgd', 'SGD', 'Straight down the gradient; with momentum, like a ball that rolls.', 0.03, [
    momentum(0),
    num('dampening', 'Dampening', 'How much of each gradient does not enter the momentum.', 0, { max: 1 }),
    flag('nesterov', 'Nesterov', 'Looks where the momentum will have led; needs momentum.', false),
    decay(0),
  ]),
  optimizer('adam', 'Adam', 'A step of like size for every weight: gradients over their usual size.', 0.001, [
    betas(0.9, 0.999),
    eps(1e-8),
    decay(0),
    flag('amsgrad', 'AMSGrad', 'Divides by the largest size so far.', false),
  ]),
  optimizer('adamW', 'AdamW', 'Adam, with a weight decay that does not go through the gradient.', 0.001, [
    betas(0.9, 0.999),
    eps(1e-8),
    decay(0.01),
    flag('amsgrad', 'AMSGrad', 'Divides by the largest size so far.', false),
  ]),
  optimizer('nadam', 'NAdam', 'Adam that looks ahead, as Nesterov does.', 0.002, [
    betas(0.9, 0.999),
    eps(1e-8),
    decay(0),
    num('momentumDecay', 'Momentum decay', 'How fast the first beta grows to its value.', 0.004, { max: 1 }),
    flag('decoupledWeightDecay', 'Decay apart', 'Weight decay as in AdamW.', false),
  ]),
  optimizer('radam', 'RAdam', 'Adam that begins carefully, until sizes are known.', 0.001, [
    betas(0.9, 0.999),
    eps(1e-8),
    decay(0),
    flag('decoupledWeightDecay', 'Decay apart', 'Weight decay as in AdamW.', false),
  ]),
  optimizer('adamax', 'Adamax', 'Adam with the largest size in place of the usual one.', 0.002, [
    betas(0.9, 0.999),
    eps(1e-8),
    decay(0),
  ]),
  optimizer('adagrad', 'Adagrad', 'Steps become smaller for weights that have already moved much.', 0.01, [
    num('lrDecay', 'Rate decay', 'The learning rate falls with the steps.', 0, { max: 1 }),
    decay(0),
    num('initialAccumulatorValue', 'First sum', 'Where the sums of squares begin.', 0),
    eps(1e-10),
  ]),
  optimizer('adadelta', 'Adadelta', 'Adagrad that forgets, and finds the size of steps by itself.', 1, [
    num('rho', 'Rho', 'How much is kept from step to step.', 0.9, { max: 0.9999 }),
    eps(1e-6),
    decay(0),
  ]),
  optimizer('rmsprop', 'RMSprop', 'Gradients over their usual size of late.', 0.01, [
    num('alpha', 'Alpha', 'How much of the usual size is kept.', 0.99, { max: 0.9999 }),
    eps(1e-8),
    decay(0),
    momentum(0),
    flag('centered', 'Centred', 'Over their deviation rather than their size.', false),
  ]),
  optimizer('lion', 'Lion', 'Only the sign of a mean gradient: every weight moves by the same.', 0.0003, [
    betas(0.9, 0.99),
    decay(0),
  ]),
  optimizer('lamb', 'LAMB', 'Adam whose step is measured by the size of each layer; for large batches.', 0.003, [
    betas(0.9, 0.999),
    eps(1e-6),
    decay(0.01),
  ]),
  optimizer(
    'muon',
    'Muon',
    'Makes the steps of a whole matrix equally large in all directions; biases go to AdamW.',
    0.02,
    [
      decay(0.1),
      momentum(0.95),
      flag('nesterov', 'Nesterov', 'Looks where the momentum will have led.', true),
      whole('nsSteps', 'Rounds', 'How exactly directions are made equal.', 5, { max: 20 }),
    ],
  ),
]

const warmUp = num('warmUp', 'Warm-up epochs', 'The rate first grows from near zero over so many epochs.', 0, {
  max: 1000,
})
const over = num('epochs', 'Over epochs', 'How many epochs it takes.', 50, { min: 0.1, max: 100_000, needed: true })
const gamma = (initial: number): OptionEntry =>
  num('gamma', 'Factor', 'What the rate is multiplied by.', initial, { min: 1e-4, max: 1, needed: true })

/** Times are given in epochs; the worker makes steps of them. */
export const schedules: readonly Entry[] = [
  { kind: 'constant', title: 'Constant', about: 'The learning rate stays as it is.', options: [warmUp] },
  {
    kind: 'step',
    title: 'In steps',
    about: 'The rate is cut down every so many epochs.',
    options: [
      num('every', 'Every epochs', 'How often.', 10, { min: 0.1, max: 10_000, needed: true }),
      gamma(0.5),
      warmUp,
    ],
  },
  {
    kind: 'multiStep',
    title: 'At given epochs',
    about: 'The rate is cut down at epochs of your choice.',
    options: [
      list('numbers', 'epochs', 'At epochs', 'At which, in order.', [20, 40], { needed: true, min: 0.1, max: 100_000 }),
      gamma(0.1),
      warmUp,
    ],
  },
  {
    kind: 'exponential',
    title: 'Exponential',
    about: 'The rate falls by the same factor in every epoch.',
    options: [gamma(0.99), warmUp],
  },
  {
    kind: 'linear',
    title: 'Straight line',
    about: 'The rate goes in a straight line from one share to another, then stays.',
    options: [
      over,
      num('startFactor', 'From share', 'Where it begins.', 1, { max: 10, needed: true }),
      num('endFactor', 'To share', 'Where it ends.', 0.1, { max: 10, needed: true }),
    ],
  },
  {
    kind: 'polynomial',
    title: 'Polynomial',
    about: 'The rate falls to zero, in a line that may be bent.',
    options: [over, num('power', 'Power', '1 is a straight line.', 1, { max: 10, needed: true })],
  },
  {
    kind: 'cosine',
    title: 'Cosine',
    about: 'The rate falls to zero in half a wave: slowly, quickly, slowly.',
    options: [over, warmUp],
  },
  {
    kind: 'cosineRestarts',
    title: 'Cosine with restarts',
    about: 'Half waves, one after the other: each begins at the full rate again.',
    options: [over],
  },
  {
    kind: 'oneCycle',
    title: 'One cycle',
    about: 'Up to the rate and down to almost nothing, in one wave.',
    options: [over],
  },
  {
    kind: 'inverseSqrt',
    title: 'Inverse square root',
    about: 'Up over the warm-up, then down with the square root of time, as for transformers.',
    options: [num('warmUp', 'Warm-up epochs', 'How long it goes up.', 5, { min: 0.1, max: 1000, needed: true })],
  },
]

export const otherSchedules: Readonly<Record<string, string>> = {
  lambda: 'A function of your own, which cannot stand in a link; the program can have one.',
  sequential: 'Schedules one after the other; the program can have them.',
  warmUp: 'It is an option of the other schedules.',
  reduceOnPlateau: 'It looks at results that the lab measures now and then, so that equal runs would differ.',
  noam: 'inverseSqrt with a rate that follows from the width.',
}

const gain = num('gain', 'Gain', 'By how much weights are larger.', 1, { max: 100 })
const kaiming: readonly OptionEntry[] = [
  choice('nonlinearity', 'For', 'The activation that follows.', [
    'leakyRelu',
    'relu',
    'tanh',
    'sigmoid',
    'selu',
    'linear',
  ]),
  choice('mode', 'Keeps', 'The variance forward (in) or backward (out).', ['in', 'out']),
  num('slope', 'Slope', 'Of a leaky ReLU below zero.', 0, { max: 10 }),
]

/** Of weights; biases and norms keep what their layers give them. */
export const initializers: readonly Entry[] = [
  {
    kind: 'default',
    title: 'As each layer does',
    about: 'Every layer has a good first value of its own.',
    options: [],
  },
  {
    kind: 'xavierUniform',
    title: 'Xavier, uniform',
    about: 'Evenly spread, by the number of inputs and outputs: for tanh.',
    options: [gain],
  },
  {
    kind: 'xavierNormal',
    title: 'Xavier, normal',
    about: 'In a bell, by the number of inputs and outputs: for tanh.',
    options: [gain],
  },
  {
    kind: 'kaimingUniform',
    title: 'Kaiming, uniform',
    about: 'Evenly spread, by the number of inputs: for ReLU.',
    options: kaiming,
  },
  {
    kind: 'kaimingNormal',
    title: 'Kaiming, normal',
    about: 'In a bell, by the number of inputs: for ReLU.',
    options: kaiming,
  },
  {
    kind: 'orthogonal',
    title: 'Orthogonal',
    about: 'Directions at right angles, which keep lengths.',
    options: [gain],
  },
  {
    kind: 'normal',
    title: 'Normal',
    about: 'In a bell of your choice. Too wide or too narrow, and the network hardly learns.',
    options: [
      num('mean', 'Mean', 'Around which number.', 0, { min: -100, max: 100 }),
      num('std', 'Deviation', 'How wide.', 0.1, { max: 100, needed: true }),
    ],
  },
  {
    kind: 'truncNormal',
    title: 'Cut normal',
    about: 'In a bell without its ends.',
    options: [
      num('std', 'Deviation', 'How wide.', 0.1, { min: 1e-6, max: 100, needed: true }),
      num('low', 'From', 'The least.', -0.2, { min: -100, max: 100, needed: true }),
      num('high', 'To', 'The most.', 0.2, { min: -100, max: 100, needed: true }),
    ],
  },
  {
    kind: 'uniform',
    title: 'Uniform',
    about: 'Evenly spread between two numbers.',
    options: [
      num('low', 'From', 'The least.', -0.1, { min: -100, max: 100, needed: true }),
      num('high', 'To', 'The most.', 0.1, { min: -100, max: 100, needed: true }),
    ],
  },
  {
    kind: 'constant',
    title: 'All the same',
    about: 'One number for all: units stay alike and learn the same. A good mistake to see once.',
    options: [num('value', 'Number', 'Which.', 0.1, { min: -100, max: 100, needed: true })],
  },
  {
    kind: 'zeros',
    title: 'Zeros',
    about: 'Nothing at all: with ReLU or tanh between, no weight ever moves.',
    options: [],
  },
  { kind: 'ones', title: 'Ones', about: 'One everywhere: units stay alike.', options: [] },
]

export const otherInitializers: Readonly<Record<string, string>> = {
  eye: 'For square matrices only.',
  dirac: 'For kernels of convolutions only.',
  sparse: 'For matrices only.',
  fanInUniform: 'What the layers do by themselves.',
  calculateGain: 'A number that others take.',
  inverseErf: 'A function that truncNormal draws with.',
}
