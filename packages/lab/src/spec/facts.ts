/** What the data say about a network: what comes in, what must come out. The worker reads it from the samples. */
import type { Task } from './spec.ts'

export interface DataFacts {
  readonly task: Task
  /** Of one sample. */
  readonly inputShape: readonly number[]
  /** Of what the network must give for one sample: [classes], [1], [times, letters]. */
  readonly outputShape: readonly number[]
  /** Whether inputs are letters by number, and of how many. */
  readonly letters: number
  /** Of classes or letters, in the order of the outputs. */
  readonly labels: readonly string[]
  /** Of the inputs, where each has a name. */
  readonly features: readonly string[]
  readonly trainCount: number
  readonly testCount: number
}
