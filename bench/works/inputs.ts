/**
 * The numbers that every engine starts from: first weights under the names of PyTorch's state dict, and data that can
 * be learned. The same everywhere for the same names and seeds; nothing is downloaded.
 */
import type { Input } from './work.ts'

/** Uniform float32 numbers, the same for the same seed everywhere: the splitmix32 generator. */
export function uniform(seed: number, count: number, low: number, high: number): Float32Array {
  const next = splitmix(seed)
  return Float32Array.from({ length: count }, () => low + next() * (high - low))
}

function splitmix(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x9e3779b9) | 0
    let word = state ^ (state >>> 16)
    word = Math.imul(word, 0x21f0aaad)
    word = Math.imul(word ^ (word >>> 15), 0x735a2d97)
    return ((word ^ (word >>> 15)) >>> 0) / 2 ** 32
  }
}

/** How a tensor of a model begins: uniform within ± `bound`, or all `value`. */
export interface Start {
  readonly shape: readonly number[]
  readonly bound?: number
  readonly value?: number
}
export type Starts = Readonly<Record<string, Start>>

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, n) => product * n, 1)

/**
 * A linear or convolutional layer as PyTorch begins it: within 1 / sqrt(fan-in). shape: [out, in, ...kernel]
 */
export function layer(name: string, shape: readonly number[], { bias = true } = {}): Starts {
  const bound = 1 / Math.sqrt(sizeOf(shape.slice(1)))
  return {
    [`${name}.weight`]: { shape, bound },
    ...(bias && { [`${name}.bias`]: { shape: [shape[0]], bound } }),
  }
}

/** A layer of convolutions backwards. shape: [in, out, ...kernel] */
export function transposedLayer(name: string, shape: readonly number[]): Starts {
  const bound = 1 / Math.sqrt(sizeOf(shape.slice(1)))
  return { [`${name}.weight`]: { shape, bound }, [`${name}.bias`]: { shape: [shape[1]], bound } }
}

export function layerNorm(name: string, width: number): Starts {
  return { [`${name}.weight`]: { shape: [width], value: 1 }, [`${name}.bias`]: { shape: [width], value: 0 } }
}

export function batchNorm(name: string, width: number): Starts {
  return {
    ...layerNorm(name, width),
    [`${name}.running_mean`]: { shape: [width], value: 0 },
    [`${name}.running_var`]: { shape: [width], value: 1 },
  }
}

/** One direction of one layer of an LSTM (4 gates) or GRU (3). */
export function recurrentLayer(name: string, gates: number, hidden: number, width: number, ending: string): Starts {
  const bound = 1 / Math.sqrt(hidden)
  const rows = gates * hidden
  return {
    [`${name}.weight_ih_${ending}`]: { shape: [rows, width], bound },
    [`${name}.weight_hh_${ending}`]: { shape: [rows, hidden], bound },
    [`${name}.bias_ih_${ending}`]: { shape: [rows], bound },
    [`${name}.bias_hh_${ending}`]: { shape: [rows], bound },
  }
}

const isStatistic = (name: string): boolean => /\.running_(mean|var)$/.test(name)

/** How many numbers are trained. */
export function parameterCount(starts: Starts): number {
  return Object.entries(starts).reduce((sum, [name, { shape }]) => sum + (isStatistic(name) ? 0 : sizeOf(shape)), 0)
}

/** The tensors, each under `weights.` and its name; what is drawn depends on the name alone. */
export function drawWeights(starts: Starts): Record<string, Input> {
  const draw = ({ shape, bound, value }: Start, name: string): Input => ({
    shape,
    data:
      bound === undefined
        ? new Float32Array(sizeOf(shape)).fill(value ?? 0)
        : uniform(seedOf(name), sizeOf(shape), -bound, bound),
  })
  return Object.fromEntries(Object.entries(starts).map(([name, start]) => [`weights.${name}`, draw(start, name)]))
}

/** A number for a text: the FNV-1a hash. */
function seedOf(text: string): number {
  let hash = 0x811c9dc5
  for (const char of text) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193)
  return hash >>> 0
}

/**
 * Noise around a pattern for each class. x: [batches, batch, ...shape], y: int32 [batches, batch]
 */
export function classed(
  batches: number,
  batch: number,
  shape: readonly number[],
  classes: number,
): Record<'x' | 'y', Input> {
  const size = sizeOf(shape)
  const patterns = uniform(1, classes * size, -0.5, 0.5)
  const y = Int32Array.from(uniform(2, batches * batch, 0, classes), Math.floor)
  const x = uniform(3, batches * batch * size, -0.5, 0.5).map((noise, at) => {
    return noise + patterns[y[Math.floor(at / size)] * size + (at % size)]
  })
  return { x: { shape: [batches, batch, ...shape], data: x }, y: { shape: [batches, batch], data: y } }
}

/** Texts in which some tokens are rarer than others, and what follows each. x and y: int32 [batches, batch, length] */
export function texts(batches: number, batch: number, length: number, vocab: number): Record<'x' | 'y', Input> {
  const rows = batches * batch
  // the square makes the first tokens more frequent: something to learn from the first step on
  const drawn = Int32Array.from(uniform(4, rows * (length + 1), 0, 1), (u) => Math.floor(vocab * u * u))
  const cut = (shift: number): Input => ({
    shape: [batches, batch, length],
    data: Int32Array.from({ length: rows * length }, (_, at) => {
      return drawn[Math.floor(at / length) * (length + 1) + (at % length) + shift]
    }),
  })
  return { x: cut(0), y: cut(1) }
}
