/** The layers that fit the lab, in the order of the menu. Those of pictures: pictures.ts; activations: activations.ts. */
import {
  affine,
  bias,
  choice,
  eps,
  type Form,
  flag,
  follows,
  type LayerEntry,
  layer,
  list,
  needed,
  num,
  type OptionEntry,
  whole,
} from './entry.ts'
import { pictures } from './pictures.ts'

const any: readonly Form[] = ['row', 'rows', 'picture']
const recurrent = (kind: string, title: string, about: string): LayerEntry =>
  layer('Sequences', kind, title, ['rows'], about, [
    whole('in', 'Features in', 'How many numbers come at each time; it follows from the layer before.', 1, follows),
    whole('hidden', 'Hidden units', 'How many numbers it remembers from one time to the next.', 32, {
      ...needed,
      max: 1024,
    }),
    whole('layers', 'Layers', 'How many stand on top of each other.', 1, { max: 8 }),
    flag('bidirectional', 'Both ways', 'A second one reads from the end; not for guessing what comes next.', false),
    num('dropout', 'Dropout', 'The share switched off between its layers while training.', 0, { max: 0.95 }),
    bias,
    ...(kind === 'rnn'
      ? [choice('nonlinearity', 'Activation', 'The function that each new memory goes through.', ['tanh', 'relu'])]
      : []),
    {
      ...flag('batchFirst', 'Batch first', 'How the lab lays out sequences: sample, time, features.', true),
      ...follows,
    },
  ])

const width = whole(
  'width',
  'Width',
  'How many numbers stand at each time; it follows from the layer before.',
  32,
  follows,
)
const heads = whole('heads', 'Heads', 'So many attentions look side by side; their number divides the width.', 2, {
  ...needed,
  max: 64,
})
const dropout = num('dropout', 'Dropout', 'The share switched off while training.', 0, { max: 0.95 })
const feedForward = whole('feedForward', 'Inner width', 'The width of the two linear layers behind the attention.', 64)
const block: readonly OptionEntry[] = [
  feedForward,
  dropout,
  choice('activation', 'Activation', 'Between the two linear layers.', [
    'relu',
    'gelu',
    'geluTanh',
    'silu',
    'glu',
    'reglu',
    'geglu',
    'swiglu',
  ]),
  choice('norm', 'Norm', 'How numbers are brought to a like size.', ['layer', 'rms']),
  flag('normFirst', 'Norm first', 'Norms stand before attention, as in GPT-2, and not behind it.', false),
  eps,
  bias,
]

export const layers: readonly LayerEntry[] = [
  layer(
    'Products',
    'linear',
    'Linear',
    any,
    'Every unit adds up all inputs, each times a weight of its own, and a bias.',
    [
      whole('in', 'Inputs', 'How many numbers come in; it follows from the layer before.', 1, follows),
      whole('out', 'Units', 'How many units there are: each gives one number.', 4, needed),
      bias,
    ],
  ),
  layer(
    'Products',
    'embedding',
    'Embedding',
    ['letters'],
    'A row of learned numbers for each letter: letters that are used alike come to have like rows.',
    [
      whole('count', 'Letters', 'How many letters there are; it follows from the text.', 27, follows),
      whole('size', 'Width', 'How many numbers stand for a letter.', 16, { ...needed, max: 1024 }),
      num('maxNorm', 'Largest length', 'Rows that are longer are shortened to it.', 10, { min: 1e-6 }),
    ],
  ),
  ...pictures,
  layer(
    'Pictures',
    'upsample',
    'Upsample',
    ['rows', 'picture'],
    'Makes pictures larger by repeating or mixing places.',
    [
      whole('scaleFactor', 'Times', 'So many times as large.', 2, { ...needed, max: 8 }),
      choice('mode', 'How', 'Repeat the nearest place, or mix neighbours.', [
        'nearest',
        'nearest-exact',
        'linear',
        'bilinear',
        'bicubic',
      ]),
    ],
  ),
  layer(
    'Pictures',
    'pixelShuffle',
    'Pixel shuffle',
    ['picture'],
    'Turns channels into pixels: fewer channels, a larger picture.',
    [whole('factor', 'Times', 'So many times as wide and high.', 2, { ...needed, max: 8 })],
  ),
  layer(
    'Pictures',
    'pixelUnshuffle',
    'Pixel unshuffle',
    ['picture'],
    'Turns pixels into channels: a smaller picture, more channels.',
    [whole('factor', 'Times', 'So many times less wide and high.', 2, { ...needed, max: 8 })],
  ),
  recurrent('rnn', 'RNN', 'Reads one time after the other and keeps a memory that each time changes.'),
  recurrent('lstm', 'LSTM', 'An RNN whose gates decide what is kept, written and shown, so that it remembers longer.'),
  recurrent('gru', 'GRU', 'Like an LSTM with fewer gates: one says how much of the memory is new.'),
  layer(
    'Sequences',
    'multiHeadAttention',
    'Attention',
    ['rows'],
    'Every time looks at all others and takes more from those that fit its question; it sees the future too.',
    [width, heads, dropout, bias, flag('alibi', 'Distance counts', 'Times that lie farther away count less.', false)],
  ),
  layer(
    'Sequences',
    'transformerEncoderLayer',
    'Transformer layer',
    ['rows'],
    'Attention and two linear layers, each with a way around; it sees the future too.',
    [width, heads, ...block],
  ),
  layer(
    'Sequences',
    'transformerEncoder',
    'Transformer layers',
    ['rows'],
    'Several transformer layers on top of each other; they see the future too.',
    [width, heads, whole('layers', 'Layers', 'How many.', 2, { ...needed, max: 16 }), ...block],
  ),
  layer(
    'Sequences',
    'learnedPositions',
    'Learned positions',
    ['rows'],
    'Adds learned numbers for each time, so that attention can tell first from last.',
    [whole('length', 'Times', 'How many times there are; it follows from the data.', 12, follows), width],
  ),
  layer(
    'Sequences',
    'sinusoidalPositions',
    'Wave positions',
    ['rows'],
    'Adds waves of many lengths, from which attention can tell first from last; nothing is learned.',
    [
      whole('length', 'Times', 'How many times there are; it follows from the data.', 12, follows),
      width,
      num('base', 'Longest wave', 'How slowly the slowest wave turns.', 10_000, { min: 1 }),
    ],
  ),
  layer(
    'Norms',
    'layerNorm',
    'Layer norm',
    any,
    'Brings the numbers of each sample (at each time) to mean 0 and deviation 1, then scales them.',
    [
      whole('normalizedShape', 'Features', 'How many stand together; it follows from the layer before.', 1, follows),
      eps,
      flag('elementwiseAffine', 'Learned scale', 'A factor and a summand for each feature, learned.', true),
      bias,
    ],
  ),
  layer(
    'Norms',
    'rmsNorm',
    'RMS norm',
    any,
    'Brings the numbers of each sample to size 1, without moving their mean.',
    [
      whole('normalizedShape', 'Features', 'How many stand together; it follows from the layer before.', 1, follows),
      eps,
      flag('elementwiseAffine', 'Learned scale', 'A factor for each feature, learned.', true),
    ],
  ),
  layer(
    'Norms',
    'groupNorm',
    'Group norm',
    any,
    'Channels in groups, each group of each sample brought to mean 0 and deviation 1.',
    [
      whole('groups', 'Groups', 'How many groups; their number divides the channels.', 1, needed),
      whole('channels', 'Channels', 'How many come in; it follows from the layer before.', 1, follows),
      eps,
      affine,
    ],
  ),
  layer(
    'Norms',
    'localResponseNorm',
    'Local response norm',
    ['rows', 'picture'],
    'Channels that are loud make their neighbours quieter.',
    [
      whole('size', 'Neighbours', 'Over how many channels.', 5, { ...needed, max: 64 }),
      num('alpha', 'Alpha', 'How strongly.', 1e-4),
      num('beta', 'Beta', 'The exponent.', 0.75),
      num('k', 'k', 'What is added before the power.', 1),
    ],
  ),
  layer(
    'Noise against overfitting',
    'dropout',
    'Dropout',
    any,
    'Switches units off at random while training, so that none is relied on.',
    [num('p', 'Share', 'The share of units that are switched off.', 0.5, { ...needed, max: 0.95 })],
  ),
  layer(
    'Noise against overfitting',
    'alphaDropout',
    'Alpha dropout',
    any,
    'Dropout for SELU: mean and deviation stay.',
    [num('p', 'Share', 'The share of units that are switched off.', 0.5, { ...needed, max: 0.95 })],
  ),
  layer(
    'Noise against overfitting',
    'dropPath',
    'Drop path',
    any,
    'Sets whole samples to zero at random; useful inside a branch with a way around.',
    [
      num('p', 'Share', 'The share of samples.', 0.1, { ...needed, max: 0.95 }),
      flag('scale', 'Scale', 'What is left is made larger in return.', true),
    ],
  ),
  layer('Shapes', 'flatten', 'Flatten', any, 'Lays all numbers of a sample into one row.', [
    whole('from', 'From axis', 'The first axis that is laid together; 1 is the first of a sample.', 1, {
      ...needed,
      max: 3,
    }),
    whole('to', 'To axis', 'The last axis; −1 is the last of all.', -1, { ...needed, min: -1, max: 3 }),
  ]),
  layer('Shapes', 'unflatten', 'Unflatten', ['row', 'rows'], 'Turns one axis into several.', [
    whole('axis', 'Axis', 'Which; 1 is the first of a sample.', 1, { ...needed, max: 3 }),
    list('wholes', 'sizes', 'Sizes', 'The sizes that it becomes, one of which may be −1.', [1, -1], {
      ...needed,
      min: -1,
    }),
  ]),
  layer(
    'Shapes',
    'reshape',
    'Reshape',
    any,
    'The same numbers in another form: a picture as 28 rows in time, for example.',
    [list('wholes', 'shape', 'Shape', 'The sizes of a sample, one of which may be −1.', [-1], { ...needed, min: -1 })],
  ),
  layer(
    'Shapes',
    'select',
    'Select',
    ['rows', 'picture'],
    'Keeps what stands at one place of an axis: the last time of a sequence, for example.',
    [
      whole('axis', 'Axis', 'Which; 1 is the first of a sample.', 1, { ...needed, max: 3 }),
      whole('index', 'Place', 'Which place; −1 is the last.', -1, { ...needed, min: -4096 }),
    ],
  ),
  layer('Shapes', 'identity', 'Identity', any, 'Lets everything through as it is.'),
  layer('Branches', 'residual', 'Way around', any, 'Adds what comes in to what the layers inside make of it.'),
  layer(
    'Branches',
    'parallel',
    'Side by side',
    any,
    'The same input through several branches, whose outputs are joined.',
    [
      choice('join', 'Join', 'Added up, multiplied, or laid one after the other.', ['sum', 'product', 'concat']),
      whole('axis', 'Axis', 'Along which outputs are laid one after the other; 1 is the first of a sample.', 1, {
        min: -1,
        max: 3,
      }),
    ],
  ),
  layer('Branches', 'sequential', 'Group', any, 'Layers one after the other, as one.'),
  layer(
    'Whole models',
    'languageModel',
    'Language model',
    ['letters'],
    'A transformer that reads letters and says which comes next, without seeing the future: GPT in small.',
    [
      whole('vocab', 'Letters', 'How many letters there are; it follows from the text.', 27, follows),
      whole('width', 'Width', 'How many numbers stand at each time.', 32, { ...needed, max: 512 }),
      whole('layers', 'Layers', 'How many blocks of attention stand on top of each other.', 2, { ...needed, max: 12 }),
      heads,
      whole('context', 'Context', 'How many letters it sees; it follows from the text.', 12, follows),
      ...block.filter(({ name }) => name !== 'normFirst'),
      choice('positions', 'Positions', 'How it tells first from last.', [
        'learned',
        'sinusoidal',
        'rotary',
        'alibi',
        'none',
      ]),
      flag('tied', 'Tied', 'The rows of letters serve for the answer too.', true),
    ],
  ),
]

/** Kinds of the library that the lab does not offer, and why. */
export const otherLayers: Readonly<Record<string, string>> = {
  bilinear: 'It takes two inputs; a sample of the lab has one.',
  moduleList: 'It holds layers and computes nothing.',
  moduleDict: 'It holds layers and computes nothing.',
  rnnCell: 'One time of an RNN, with the memory handed in; rnn goes over all times.',
  lstmCell: 'One time of an LSTM, with the memory handed in; lstm goes over all times.',
  gruCell: 'One time of a GRU, with the memory handed in; gru goes over all times.',
  transformerDecoderLayer: 'It needs what an encoder has read; a sample of the lab is one text.',
  transformerDecoder: 'It needs what an encoder has read; a sample of the lab is one text.',
  transformer: 'It takes two texts; a sample of the lab is one.',
  translationModel: 'It takes two texts; a sample of the lab is one.',
  ...Object.fromEntries(
    [
      'conv',
      'convTranspose',
      'maxPool',
      'avgPool',
      'adaptiveAvgPool',
      'adaptiveMaxPool',
      'globalAvgPool',
      'globalMaxPool',
      'zeroPad',
      'constantPad',
      'reflectionPad',
      'replicationPad',
      'circularPad',
      'batchNorm',
      'instanceNorm',
      'dropout',
    ].map((kind) => [`${kind}3d`, 'No data of the lab have three axes in space.']),
  ),
}
