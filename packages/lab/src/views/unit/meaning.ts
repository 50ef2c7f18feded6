/** What kinds of modules compute, in a sentence each, for those whose numbers are more than one sum. */

const sentences: readonly (readonly [RegExp, string])[] = [
  [
    /^lstm$/,
    'At each step four gates look at the input and at the output before: the cell keeps what the forget gate lets stay, adds what the input gate lets in, and shows what the output gate lets out.',
  ],
  [
    /^gru$/,
    'At each step two gates look at the input and at the output before: one says how much of the memory is renewed, the other how much of it takes part in the new one.',
  ],
  [/^rnn$/, 'Each step’s output is made of its input and of the output before.'],
  [
    /attention/i,
    'Each place asks all places it may see: the better a query and a key fit, the more of that place’s value comes in.',
  ],
  [/^layerNorm$/, 'At each place the features are shifted and scaled to mean 0 and variance 1, then weighed.'],
  [/^batchNorm/, 'Each channel is shifted and scaled by the mean and variance seen in training, then weighed.'],
  [/^(groupNorm|instanceNorm|rmsNorm)/, 'The numbers are brought to one scale, then weighed.'],
  [/^(log)?softm/i, 'The exponentials of all numbers in a row, each divided by their sum: they add up to 1.'],
  [/^transformer/, 'Attention between the places, then a small network at each place, both added to what came in.'],
  [/^(residual)$/, 'What came in is added to what the layers inside make of it.'],
  [/^(sequential)$/, 'The layers inside, one after the other.'],
  [/positions$/i, 'What stands at each place gets a vector of that place added.'],
  [/^flatten$/, 'The same numbers, in one row.'],
]

/** What a module of this kind does; undefined if nothing more than its name can be said. */
export const whatItDoes = (kind: string): string | undefined => sentences.find(([kinds]) => kinds.test(kind))?.[1]
