/** What the training works share: AdamW's settings, how many batches there are, and how their losses are compared. */
import { drawWeights, parameterCount, type Starts } from './inputs.ts'
import { judgeLosses } from './judge.ts'
import { adamBytes, type Input, type Work } from './work.ts'

export const adamW = { lr: 1e-3, weightDecay: 0.01 }

/** So many different batches, in turn. */
export const batches = 2
/** The last step of the check sees the first batch again: its loss must have fallen. */
const losses = batches + 1

/** How far apart losses may be: engines sum in other orders, and Adam magnifies the smallest gradients. */
const tolerance = 5e-3

interface Training extends Pick<Work, 'name' | 'kind' | 'title' | 'flops'> {
  readonly starts: Starts
  readonly data: () => Record<'x' | 'y', Input> | Promise<Record<'x' | 'y', Input>>
  /** Sizes that engines cannot read off the weights. */
  readonly sizes?: Readonly<Record<string, number>>
}

/** A training step with AdamW. */
export function trainingWork({ starts, data, sizes = {}, title, ...work }: Training): Work {
  return {
    ...work,
    title: `training step of ${title} (AdamW)`,
    bytes: adamBytes(parameterCount(starts)),
    per: 'steps/s',
    settings: { losses, ...adamW, ...sizes },
    inputs: async () => ({ ...drawWeights(starts), ...(await data()) }),
    judge: (answers) => judgeLosses(answers, tolerance, losses),
  }
}
