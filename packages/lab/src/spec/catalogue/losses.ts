/** The losses that fit the lab, and what each compares the outputs with. */
import type { Task } from '../spec.ts'
import { type Entry, flag, num, type OptionEntry, whole } from './entry.ts'

/** What a loss compares the outputs with: classes by number, a 1 among zeros, 1 among −1, or the number itself. */
export type TargetForm = 'class' | 'oneHot' | 'signs' | 'number'

export interface LossEntry extends Entry {
  /** For each task that it fits: what it compares with. */
  readonly fits: Partial<Readonly<Record<Task, TargetForm>>>
}

const loss = (
  kind: string,
  title: string,
  about: string,
  fits: LossEntry['fits'],
  options: readonly OptionEntry[] = [],
): LossEntry => ({ kind, title, about, fits, options })
const classes = { class: 'class', token: 'class' } as const
const both = { number: 'number', class: 'oneHot' } as const

export const losses: readonly LossEntry[] = [
  loss(
    'crossEntropy',
    'Cross-entropy',
    'How surprised the network is by the right class: minus the logarithm of its share.',
    classes,
    [
      num(
        'labelSmoothing',
        'Label smoothing',
        'The share that all classes get, so that it never has to be quite sure.',
        0,
        { max: 0.99 },
      ),
    ],
  ),
  loss('focal', 'Focal', 'Cross-entropy that cares less about what is already right.', classes, [
    num('gamma', 'Gamma', 'How much less.', 2, { max: 10 }),
  ]),
  loss('nll', 'Negative log-likelihood', 'Cross-entropy for a network that ends with log softmax.', classes),
  loss(
    'multiMargin',
    'Multi-class hinge',
    'The right class must lead by a margin; then there is no loss.',
    { class: 'class' },
    [
      num('margin', 'Margin', 'By how much.', 1, { min: 1e-6 }),
      { ...whole('p', 'Power', 'What falls short, or its square.', 1, { max: 2 }) },
    ],
  ),
  loss('mse', 'Squared error', 'The mean of the squared differences.', both),
  loss('l1', 'Absolute error', 'The mean size of the differences; far-off samples pull less.', both),
  loss('huber', 'Huber', 'Squared when the difference is small, straight when it is large.', both, [
    num('delta', 'Delta', 'What is large.', 1, { min: 1e-6 }),
  ]),
  loss('smoothL1', 'Smooth L1', 'Huber over its bound.', both, [
    num('beta', 'Beta', 'What is large.', 1, { min: 1e-6 }),
  ]),
  loss('quantile', 'Quantile', 'Asks for a number that a given share of truths lies below.', { number: 'number' }, [
    num('q', 'Share', 'Which share.', 0.5, { min: 0.01, max: 0.99 }),
  ]),
  loss('poissonNll', 'Poisson', 'For counts; the network gives their logarithm.', { number: 'number' }, [
    flag('logInput', 'Logarithm', 'The network gives the logarithm of the count.', true),
  ]),
  loss('bceWithLogits', 'Yes or no for each class', 'Each class is a question of its own, answered by a sigmoid.', {
    class: 'oneHot',
  }),
  loss('bce', 'Yes or no, from shares', 'The same for a network that ends with a sigmoid.', { class: 'oneHot' }),
  loss('multilabelSoftMargin', 'Multi-label', 'The mean of yes-or-no questions over classes.', { class: 'oneHot' }),
  loss(
    'sigmoidFocal',
    'Sigmoid focal',
    'Yes or no for each class, caring less about what is already right.',
    { class: 'oneHot' },
    [
      num('alpha', 'Alpha', 'The weight of yes.', 0.25, { max: 1 }),
      num('gamma', 'Gamma', 'How much less.', 2, { max: 10 }),
    ],
  ),
  loss('softMargin', 'Soft margin', 'Outputs and signs must agree, softly.', { class: 'signs' }),
  loss('hinge', 'Hinge', 'Outputs and signs must agree by 1; then there is no loss.', { class: 'signs' }),
  loss('squaredHinge', 'Squared hinge', 'The square of what falls short.', { class: 'signs' }),
]

const pairs = 'It compares pairs or triples of embeddings; a sample of the lab has one target.'
export const otherLosses: Readonly<Record<string, string>> = {
  klDivergence: 'Targets of the lab are classes and numbers, not distributions.',
  ctc: 'It aligns sequences of different lengths.',
  dice: 'It measures areas in pictures; the lab has no such targets.',
  gaussianNll: 'It needs a variance beside each prediction.',
  hingeEmbedding: pairs,
  marginRanking: pairs,
  cosineEmbedding: pairs,
  tripletMargin: pairs,
  contrastive: pairs,
  infoNce: pairs,
  ntXent: pairs,
}
