/** The layers of pictures and lines of channels: convolutions, pools, margins, and the norms and dropouts of channels. */
import {
  affine,
  bias,
  choice,
  eps,
  flag,
  follows,
  type LayerEntry,
  layer,
  needed,
  num,
  type OptionEntry,
  whole,
} from './entry.ts'

const size = (about: string, initial: number): OptionEntry =>
  whole('size', 'Window', about, initial, { ...needed, max: 64 })
const stride = (about: string): OptionEntry => whole('stride', 'Stride', about, 1, { max: 64 })
const padding = whole('padding', 'Padding', 'How many zeros are put around, so that edges count too.', 0, {
  min: 0,
  max: 64,
})
const dilation = whole('dilation', 'Dilation', 'How far the places of a window lie apart.', 1, { max: 32 })
const groups = whole('groups', 'Groups', 'Channels are cut into so many parts that do not see each other.', 1)

const conv = (transposed: boolean): readonly OptionEntry[] => [
  whole('in', 'Channels in', 'How many channels come in; it follows from the layer before.', 1, follows),
  whole('out', 'Channels out', 'How many filters there are: each makes one channel.', 8, needed),
  size('How many places wide the filter is.', 3),
  stride('How many places it moves on each time.'),
  padding,
  ...(transposed
    ? [
        whole('outputPadding', 'Output padding', 'How many places are added at one end.', 0, { min: 0, max: 64 }),
        dilation,
        groups,
      ]
    : [
        choice(
          'paddingMode',
          'Padding with',
          'What is put around: zeros, a mirror image, the edge, or the other side.',
          ['zeros', 'reflect', 'replicate', 'circular'],
        ),
        dilation,
        groups,
      ]),
  bias,
]

const pool = (max: boolean): readonly OptionEntry[] => [
  size('How many places become one.', 2),
  whole('stride', 'Stride', 'How many places the window moves on; as wide as the window, if nothing is said.', 2, {
    max: 64,
  }),
  padding,
  flag('ceilMode', 'Keep the rest', 'A last window that is not full counts too.', false),
  ...(max ? [dilation] : [flag('countIncludePad', 'Count padding', 'The zeros around count in the mean.', true)]),
]

const dimensions = [
  ['1d', 'along a line', ['rows']],
  ['2d', 'of a picture', ['picture']],
] as const

export const pictures: readonly LayerEntry[] = dimensions.flatMap(([d, where, takes]) => [
  layer(
    'Pictures',
    `conv${d}`,
    `Convolution ${d}`,
    takes,
    `Small filters that slide ${d === '1d' ? 'along a line of channels' : 'over a picture'}: the same few weights at every place.`,
    conv(false),
  ),
  layer(
    'Pictures',
    `maxPool${d}`,
    `Max pooling ${d}`,
    takes,
    `Keeps the largest number of each window ${where}.`,
    pool(true),
  ),
  layer('Pictures', `avgPool${d}`, `Average pooling ${d}`, takes, `The mean of each window ${where}.`, pool(false)),
  layer('Pictures', `globalAvgPool${d}`, `Global average ${d}`, takes, `The mean of each whole channel ${where}.`, [
    flag('keepDims', 'Keep axes', 'Keeps the axes in space, with size 1.', false),
  ]),
  layer('Pictures', `globalMaxPool${d}`, `Global maximum ${d}`, takes, `The largest number of each channel ${where}.`, [
    flag('keepDims', 'Keep axes', 'Keeps the axes in space, with size 1.', false),
  ]),
  layer(
    'Pictures',
    `adaptiveAvgPool${d}`,
    `Average to a size ${d}`,
    takes,
    `Means of windows that are chosen so that a given size comes out.`,
    [whole('size', 'Size out', 'How many places come out.', 4, { ...needed, max: 64 })],
  ),
  layer(
    'Pictures',
    `adaptiveMaxPool${d}`,
    `Maximum to a size ${d}`,
    takes,
    `The largest numbers of windows that are chosen so that a given size comes out.`,
    [whole('size', 'Size out', 'How many places come out.', 4, { ...needed, max: 64 })],
  ),
  layer(
    'Pictures',
    `convTranspose${d}`,
    `Transposed convolution ${d}`,
    takes,
    `A convolution the other way round: each place paints the filter into a larger output.`,
    conv(true),
  ),
  ...(
    [
      ['zeroPad', 'Zeros around', 'Puts zeros around.'],
      ['reflectionPad', 'Mirror around', 'Puts the mirror image around.'],
      ['replicationPad', 'Edge around', 'Repeats the edge around.'],
      ['circularPad', 'Other side around', 'Puts what stands at the other side around.'],
    ] as const
  ).map(([kind, title, about]) =>
    layer('Pictures', `${kind}${d}`, `${title} ${d}`, takes, about, [
      whole('sides', 'Width', 'How many places on each side.', 1, { ...needed, min: 0, max: 16 }),
    ]),
  ),
  layer('Pictures', `constantPad${d}`, `Number around ${d}`, takes, 'Puts one number around.', [
    whole('sides', 'Width', 'How many places on each side.', 1, { ...needed, min: 0, max: 16 }),
    num('value', 'Number', 'Which number.', 0, { ...needed, min: -1e6 }),
  ]),
  layer(
    'Norms',
    `batchNorm${d}`,
    `Batch norm ${d}`,
    d === '1d' ? ['row', 'rows'] : takes,
    'Brings each feature to mean 0 and deviation 1 over the batch, then scales it by learned numbers.',
    [
      whole('features', 'Features', 'How many features come in; it follows from the layer before.', 1, follows),
      eps,
      num('momentum', 'Momentum', 'How fast the means that are used after training follow.', 0.1, { max: 1 }),
      affine,
      flag('trackRunningStats', 'Running means', 'Keeps means over many batches, for use after training.', true),
    ],
  ),
  layer(
    'Norms',
    `instanceNorm${d}`,
    `Instance norm ${d}`,
    takes,
    'Brings each channel of each sample to mean 0 and deviation 1.',
    [
      whole('features', 'Channels', 'How many channels come in; it follows from the layer before.', 1, follows),
      eps,
      flag('affine', 'Learned scale', 'A factor and a summand for each channel, learned.', false),
    ],
  ),
  layer(
    'Noise against overfitting',
    `dropout${d}`,
    `Channel dropout ${d}`,
    takes,
    'Switches whole channels off at random while training.',
    [num('p', 'Share', 'The share of channels that are switched off.', 0.5, { ...needed, max: 0.95 })],
  ),
])
