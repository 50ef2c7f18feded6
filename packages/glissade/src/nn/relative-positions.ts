/**
 * Positions inside attention: rotary, which turns queries and keys by an angle that grows with their place, and ALiBi,
 * which takes a share of the distance off each score. What is added to embeddings instead: positions.ts.
 */
import { allocate, type DType } from '../dtype.ts'
import { fail } from '../errors.ts'
import { checkWhole, iota } from '../ops/derived/common.ts'
import { concat, stack } from '../ops/derived/movement.ts'
import { fromArray, type Tensor } from '../tensor.ts'
import { placesOf } from './positions.ts'

export interface RotaryOptions {
  /** The wave length of the slowest pair is about 2π times this; default 10,000. */
  readonly base?: number
  /**
   * Which elements make a pair: i and i + dims / 2 (false, the default, as in Llama and GPT-NeoX), or 2i and 2i + 1
   * (true, as in the paper and GPT-J). Weights trained for one do not fit the other.
   */
  readonly interleaved?: boolean
  /** How many of the first elements are turned; default all. */
  readonly dims?: number
}

/**
 * `x` with each pair of elements turned by its place times base^(-2i / dims): then the product of a query and a key
 * depends on their distance only (Su et al. 2021, arXiv 2104.09864). x: [B, H, T, D] → [B, H, T, D]
 *
 * `start`, int32 [B], is the place of each row's first token, and needs `length`, the number of places there are.
 */
export function rotary(
  x: Tensor,
  options: RotaryOptions & { readonly start?: Tensor; readonly length?: number } = {},
): Tensor {
  const { base = 10_000, interleaved = false, start } = options
  const [size, steps] = [x.shape[x.rank - 1], x.shape[x.rank - 2]]
  const dims = options.dims ?? size
  if (x.rank < 2 || !Number.isInteger(dims) || dims % 2 !== 0 || dims < 2 || dims > size) {
    fail('value-invalid', {
      what: 'rotary: dims',
      received: `${dims} of [${x.shape.join(', ')}]`,
      expected: 'an even number of elements, at most the last axis',
      fix: 'Use an even head size, or turn fewer elements.',
    })
  }
  if (start && (options.length === undefined || x.rank !== 4)) {
    fail('value-invalid', {
      what: 'rotary: start',
      received: `[${start.shape.join(', ')}] for [${x.shape.join(', ')}]`,
      expected: 'x: [B, H, T, D], and the number of places as `length`',
      fix: 'Pass { start, length }.',
    })
  }
  const table = turns(options.length ?? steps, dims, base, x.dtype)
  const half = dims / 2
  // [T, half], or [B, 1, T, half] where rows begin at different places.
  const at = (part: Tensor): Tensor =>
    start ? part.take(placesOf(steps, start)).unsqueeze(1) : part.slice([[0, steps]])
  const [cos, sin] = [at(table.cos), at(table.sin)]
  const turned = x.slice([...x.shape.slice(0, -1).map(() => undefined), [0, dims]])
  const rest = x.slice([...x.shape.slice(0, -1).map(() => undefined), [dims, size]])
  let y: Tensor
  if (interleaved) {
    const pairs = turned.reshape([...x.shape.slice(0, -1), half, 2])
    const [a, b] = pairs.split(1, -1).map((part) => part.squeeze(-1))
    y = stack([a.mul(cos).sub(b.mul(sin)), b.mul(cos).add(a.mul(sin))], -1).reshape(turned.shape)
  } else {
    const [a, b] = turned.split(half, -1)
    y = concat([a.mul(cos).sub(b.mul(sin)), b.mul(cos).add(a.mul(sin))], -1)
  }
  return dims === size ? y : concat([y, rest], -1)
}

interface Turns {
  readonly cos: Tensor
  readonly sin: Tensor
}

/** Tables in use, by their description: all layers of a model share one. */
const tables = new Map<string, Turns>()
const mostTables = 8

/** Cosine and sine of place times base^(-2i / dims), worked out in float64: [length, dims / 2] each. */
function turns(length: number, dims: number, base: number, dtype: DType): Turns {
  const key = `${length} ${dims} ${base} ${dtype}`
  const known = tables.get(key)
  if (known) return known
  const half = dims / 2
  const table = (fn: (angle: number) => number): Tensor => {
    const host = allocate(dtype, length * half)
    for (let at = 0; at < host.length; at++) {
      host[at] = fn(Math.floor(at / half) * base ** ((-2 * (at % half)) / dims))
    }
    return fromArray(host, [length, half], dtype)
  }
  const made: Turns = { cos: table(Math.cos), sin: table(Math.sin) }
  if (tables.size >= mostTables) tables.delete(tables.keys().next().value as string)
  tables.set(key, made)
  return made
}

/** The exponent of the first head's slope, -8 / heads, sets the range of slopes: 2^(-8 / heads) down to 2^-8. */
const alibiRange = 8

/**
 * The slope of each head (Press et al. 2021, arXiv 2108.12409): for a power of two of heads 2^(-8 h / heads), h from
 * 1; for other numbers those of the power of two below, and then every other one of the power of two above.
 */
export function alibiSlopes(heads: number): number[] {
  checkWhole('alibiSlopes: heads', heads, 1)
  const below = 2 ** Math.floor(Math.log2(heads))
  const geometric = (n: number): number[] => Array.from({ length: n }, (_, h) => 2 ** ((-alibiRange * (h + 1)) / n))
  return [...geometric(below), ...geometric(2 * below).filter((_, h) => h % 2 === 0)].slice(0, heads)
}

/**
 * What ALiBi adds to the scores: minus slope times distance. [H, T, S], or [B, H, T, S] where `start`, int32 [B], says
 * at which place each row's first query stands; keys begin at 0.
 */
export function alibiBias(
  heads: number,
  queries: number,
  keys = queries,
  { start, dtype = 'float32' }: { start?: Tensor; dtype?: DType } = {},
): Tensor {
  const host = allocate(dtype, heads)
  host.set(alibiSlopes(heads))
  const slopes = fromArray(host, [heads, 1, 1], dtype)
  const places = placesOf(queries, start)
  const from = places.reshape(start ? [start.size, 1, queries, 1] : [queries, 1])
  return from
    .sub(iota([keys], 0))
    .abs()
    .neg()
    .cast(dtype)
    .mul(slopes)
}
