/**
 * What a piece of work is: its numbers, how its results are compared, how much arithmetic and memory traffic it cannot
 * do without. One file per question beside this one; how each engine does it is said in engines/ and rivals/.
 *
 * Its first weights and its data: inputs.ts. How results are compared: judge.ts.
 */

export interface Input {
  readonly shape: readonly number[]
  readonly data: Float32Array | Int32Array | Uint8Array
}

export interface Work {
  /** As in the output, `matmul-512`. */
  readonly name: string
  /** As engines know it, and as --work names it: `matmul`. */
  readonly kind: string
  /** One line for people. */
  readonly title: string
  /** Multiplications and additions of one run, counted on paper: the same number for every engine. */
  readonly flops?: number
  /** Bytes that one run must read and write at least, whatever is kept in registers: the state, once each way. */
  readonly bytes?: number
  /** Also tell how often a second it runs, in these words. */
  readonly per?: string
  /**
   * Only the first run in a new process counts; `cold` finds the engine's cache on disk empty, `warm` finds it as
   * another process left it.
   */
  readonly first?: 'cold' | 'warm'
  /** What counts is compiling alone: the model is there, and nothing runs yet. Of Glissade only. */
  readonly compiling?: boolean
  readonly settings: Readonly<Record<string, number>>
  inputs(): Promise<Readonly<Record<string, Input>>>
  /** What is wrong with each engine's numbers, by engine; empty where all are right. */
  judge(answers: ReadonlyMap<string, readonly number[]>): ReadonlyMap<string, string>
}

/** Operations of a product of M × K by K × N: one multiplication and one addition each. */
export function productFlops(m: number, n: number, k: number): number {
  return 2 * m * n * k
}

/**
 * A training step's operations: forward, and the gradients to weights and to inputs, each as much again. The first
 * layer's inputs need no gradient where they are data.
 */
export function trainingFlops(first: number, ...rest: readonly number[]): number {
  return 2 * first + 3 * rest.reduce((sum, flops) => sum + flops, 0)
}

const bytesOfNumber = 4

/** What an AdamW step must move: each parameter and its two moments are read and written. */
export function adamBytes(parameters: number): number {
  return 6 * bytesOfNumber * parameters
}

/** The same of plain gradient descent: each parameter is read and written. */
export function sgdBytes(parameters: number): number {
  return 2 * bytesOfNumber * parameters
}

/** What a forward pass must read. */
export function forwardBytes(parameters: number): number {
  return bytesOfNumber * parameters
}
