/** The samples of a run, in the form that every kind of data comes to. Who makes them: the other files here. */
import type { DataFacts } from '../../spec/facts.ts'
import type { DataSpec, Task } from '../../spec/spec.ts'

export interface LabData {
  readonly task: Task
  /** Training samples first, then those for testing; row-major. */
  readonly inputs: Float32Array | Int32Array
  /** Of one sample. */
  readonly inputShape: readonly number[]
  /** Classes and tokens as whole numbers (-1: does not count); numbers as they are. */
  readonly targets: Float32Array | Int32Array
  /** Of one sample: [] for a class. */
  readonly targetShape: readonly number[]
  readonly trainCount: number
  readonly testCount: number
  /** Of classes or tokens. */
  readonly labels: readonly string[]
  /** Of the inputs, where each has a name. */
  readonly features: readonly string[]
  /** Coordinates [n, 2] of samples that are points of the plane. */
  readonly points?: Float32Array
  /** Of tables: the columns of numbers, with what they are scaled by, and between which values they lie. */
  readonly columns?: readonly NumberColumn[]
  /** Inputs for places of the plane: [n, 2] → [n, features]. */
  readonly fromPlane?: (places: Float32Array) => Float32Array
}

/** A column of numbers: the network is given (number - mean) / deviation, as input number `input`. */
export interface NumberColumn {
  readonly name: string
  readonly input: number
  readonly mean: number
  readonly deviation: number
  readonly low: number
  readonly high: number
}

/** How many of `count` samples are for training: at least one of each part. */
export function trainCountOf(count: number, { testShare }: Pick<DataSpec, 'testShare'>): number {
  return Math.min(count - 1, Math.max(1, count - Math.round(count * testShare)))
}

/** What the samples say about a network for them. */
export function factsOf(data: LabData): DataFacts {
  const { task, inputShape, targetShape, labels, features, trainCount, testCount } = data
  const outputs = task === 'number' ? targetShape : [...targetShape, labels.length]
  const letters = task === 'token' ? labels.length : 0
  return { task, inputShape, outputShape: outputs, letters, labels, features, trainCount, testCount }
}
