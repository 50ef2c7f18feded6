/**
 * What a piece of work is: its numbers, how its results are compared, how much arithmetic it is. One file per question
 * beside this one; how each engine does it is said in engines/ and rivals/.
 */

export interface Input {
  readonly shape: readonly number[]
  readonly data: Float32Array | Int32Array
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
  /** Also tell how often a second it runs, in these words. */
  readonly per?: string
  /**
   * Only the first run in a new process counts; `cold` finds the engine's cache on disk empty, `warm` finds it as
   * another process left it.
   */
  readonly first?: 'cold' | 'warm'
  readonly settings: Readonly<Record<string, number>>
  inputs(): Promise<Readonly<Record<string, Input>>>
  /** What is wrong with each engine's numbers, by engine; empty where all are right. */
  judge(answers: ReadonlyMap<string, readonly number[]>): ReadonlyMap<string, string>
}

/** Uniform float32 numbers, the same for the same seed everywhere: the splitmix32 generator. */
export function uniform(seed: number, count: number, low: number, high: number): Float32Array {
  let state = seed >>> 0
  return Float32Array.from({ length: count }, () => {
    state = (state + 0x9e3779b9) | 0
    let word = state ^ (state >>> 16)
    word = Math.imul(word, 0x21f0aaad)
    word = Math.imul(word ^ (word >>> 15), 0x735a2d97)
    return low + (((word ^ (word >>> 15)) >>> 0) / 2 ** 32) * (high - low)
  })
}

/**
 * A linear or convolutional layer's first weights as PyTorch draws them, by name: within 1 / sqrt(fan-in).
 * shape: [out, in, ...kernel]
 */
export function layer(name: string, shape: readonly number[], seed: number): Record<string, Input> {
  const size = (axes: readonly number[]): number => axes.reduce((product, n) => product * n, 1)
  const bound = 1 / Math.sqrt(size(shape.slice(1)))
  return {
    [`${name}.weight`]: { shape, data: uniform(seed, size(shape), -bound, bound) },
    [`${name}.bias`]: { shape: [shape[0]], data: uniform(seed + 1, shape[0], -bound, bound) },
  }
}

/** Operations of a product of M × K by K × N: one multiplication and one addition each. */
export function productFlops(m: number, n: number, k: number): number {
  return 2 * m * n * k
}
