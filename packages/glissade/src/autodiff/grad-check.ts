/**
 * Is a gradient right? Compares it with finite differences, in float64 on the reference.
 *
 * The graph is built once and evaluated at moved inputs, so random draws stay the same. All directions are drawn
 * from a fixed seed.
 */
import { evaluate } from '../backends/reference/reference.ts'
import { isFloat } from '../dtype.ts'
import { fail } from '../errors.ts'
import { threefry } from '../ops/leaf.ts'
import { fromArray, type Tensor } from '../tensor.ts'
import { gradients } from './gradients.ts'

export interface GradCheckOptions {
  /** 2 checks the gradient's own gradient too. Default 1. */
  readonly order?: 1 | 2
  /** How many random directions are tried for each input. Default 3. */
  readonly directions?: number
  /** How far the inputs are moved. Default 1e-5, where rounding and curvature weigh the same for values near 1. */
  readonly step?: number
  /** The largest error allowed, relative to the larger of the two numbers and 1. Default 1e-6. */
  readonly tolerance?: number
  /** Chooses the directions. Default 0. */
  readonly seed?: number
}

/**
 * Throws if the gradient of `fn` at `inputs` is not what finite differences say; returns the worst relative error.
 *
 * `fn` may return a tensor of any shape: its elements are added up with random weights. Inputs of int32 and bool are
 * handed on as they are. Errors: gradient-wrong, which names the input. A sample at a kink (relu at 0) fails too.
 */
export function gradCheck(
  fn: (...inputs: Tensor[]) => Tensor,
  inputs: readonly Tensor[],
  options: GradCheckOptions = {},
): number {
  const { order = 1, seed = 0 } = options
  const random = randomArrays(seed)
  const points = inputs.map((input) => {
    if (!isFloat(input.dtype)) return input
    const [{ data }] = evaluate([input], new Map(), { useComputed: true })
    return fromArray(data.slice(), input.shape, 'float64')
  })
  const checked = points.filter((point) => isFloat(point.dtype))
  const value = weighted(fn(...points), random)
  const worst = compare(value, points, checked, random, options)
  if (order === 1) return worst
  const parts = gradients(value, checked).flatMap((gradient) => (gradient ? [weighted(gradient, random)] : []))
  if (parts.length === 0) return worst
  return Math.max(
    worst,
    compare(
      parts.reduce((a, b) => a.add(b)),
      points,
      checked,
      random,
      options,
    ),
  )
}

/** The sum of the elements of `y`, each times a random weight. */
function weighted(y: Tensor, random: (length: number) => Float64Array): Tensor {
  return y.mul(fromArray(random(y.size), y.shape, 'float64')).sum()
}

function compare(
  value: Tensor,
  points: readonly Tensor[],
  checked: readonly Tensor[],
  random: (length: number) => Float64Array,
  options: GradCheckOptions,
): number {
  const { directions = 3, step = 1e-5, tolerance = 1e-6 } = options
  const found = gradients(value, checked)
  const numbers = evaluate(found.filter((gradient) => gradient !== undefined))
  let next = 0
  let worst = 0
  checked.forEach((point, i) => {
    const gradient = found[i] && numbers[next++].data
    const start = Float64Array.from(point.storage?.read() ?? [])
    for (let direction = 0; direction < directions; direction++) {
      const way = random(start.length)
      const at = (distance: number): number =>
        evaluate([value], new Map([[point, start.map((x, k) => x + distance * way[k])]]))[0].data[0]
      const measured = (at(step) - at(-step)) / (2 * step)
      const computed = gradient?.reduce((sum, g, k) => sum + g * way[k], 0) ?? 0
      const error = Math.abs(measured - computed) / Math.max(1, Math.abs(measured), Math.abs(computed))
      if (!(error <= tolerance)) fail('gradient-wrong', { input: points.indexOf(point), measured, computed, tolerance })
      worst = Math.max(worst, error)
    }
  })
  return worst
}

/** Arrays of numbers from -1 to 1, new ones at each call. */
function randomArrays(seed: number): (length: number) => Float64Array {
  let draw = 0
  return (length) => {
    const key = draw++
    return Float64Array.from({ length }, (_, i) => threefry(seed, key, i, 0)[0] / 2 ** 31)
  }
}
