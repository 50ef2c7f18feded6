/**
 * The sum that made one number, term by term: of a linear layer, of a convolution at one place; and the window or the
 * row that the number was chosen from. All numbers are those of the module's own input, weights and output.
 *
 * What the layers between two modules are: info.ts. Gradients of the same weights: the microscope.
 */
import { nn, type Tensor } from 'glissade'
import { inputOf } from '../inputs.ts'
import { numbersOf } from '../numbers.ts'
import { givenBack } from '../probe.ts'
import type { Numbers, Terms } from '../protocol.ts'
import type { Answerer } from './index.ts'
import { remembered } from './remembered.ts'

/** Which numbers take part: places in the input, and of each its place in the weight. */
interface Plan {
  readonly rule: Terms['rule']
  readonly inputAt: readonly number[]
  readonly weightAt?: readonly number[]
  readonly biasAt?: number
  readonly divisor?: number
}

type Sizes = readonly number[]

export const terms: Answerer<'terms'> = async (live, { module: path, index, input, then }) => {
  const { run, probe } = live
  const module = run.model.namedModules().get(path)
  if (!module) throw new Error(`The model has no module ${path}.`)
  const seen = await remembered(live, 'inside', input, async () => probe.inside(await inputOf(run, input)))
  const [given, gave] = [seen.inputs.get(path), givenBack(seen.values, path)]
  if (!given || !gave) throw new Error(`${path || 'The model'} gave no single tensor for this sample.`)
  const x = await numbersOf(given, true)
  const output = gave.shape.slice(1)
  checkIndex(output, index)
  const plan = planOf(module, x, output, index)
  const { weight, bias } = module as unknown as { readonly weight?: Tensor; readonly bias?: Tensor }
  const [w, b] = [plan.weightAt && (await weight?.data()), plan.biasAt !== undefined && (await bias?.data())]
  const prefix = path === '' ? '' : `${path}.`
  const at = flat(output, index)
  return {
    stamp: run.stamp,
    rule: plan.rule,
    index: [...index],
    input: x,
    inputAt: Int32Array.from(plan.inputAt),
    inputs: Float32Array.from(plan.inputAt, (i) => x.values[i]),
    weightAt: Int32Array.from(plan.weightAt ?? []),
    weights: Float32Array.from(plan.weightAt ?? [], (i) => w?.[i] ?? Number.NaN),
    ...(w && { weightName: `${prefix}weight` }),
    ...(b && { bias: { name: `${prefix}bias`, element: plan.biasAt as number, value: b[plan.biasAt as number] } }),
    ...(plan.divisor !== undefined && { divisor: plan.divisor }),
    value: (await gave.data())[at],
    then: await Promise.all(
      then.map(async (name) => {
        const value = givenBack(seen.values, name)
        const fits = value?.size === gave.size
        return { module: name, value: fits ? (await value.data())[at] : Number.NaN }
      }),
    ),
  }
}

function checkIndex(output: Sizes, index: readonly number[]): void {
  if (index.length === output.length && index.every((i, axis) => i >= 0 && i < output[axis])) return
  throw new Error(`There is no number at [${index.join(', ')}] of an output of [${output.join(', ')}].`)
}

function planOf(module: nn.Module, x: Numbers, output: Sizes, index: readonly number[]): Plan {
  if (module instanceof nn.Linear) return linearPlan(module, x.shape, index)
  if (module instanceof nn.Conv1d || module instanceof nn.Conv2d || module instanceof nn.Conv3d)
    return convPlan(module, x.shape, index)
  if (module instanceof nn.Embedding) {
    const token = flat(x.shape, index.slice(0, -1))
    return { rule: 'row', inputAt: [token], weightAt: [x.values[token] * module.size + index[index.length - 1]] }
  }
  const pool = windowOf(module, x.shape, index)
  if (pool) return pool
  const isAlone = module.parameters().length === 0 && x.shape.join() === output.join() && module.modules().length === 1
  return isAlone && !across.test(module.config()?.kind ?? '')
    ? { rule: 'each', inputAt: [flat(x.shape, index)] }
    : { rule: 'inside', inputAt: [] }
}

/** Layers without weights that look at more than the number at the same place. */
const across = /soft(max|min)|norm/i

function linearPlan({ in: width, bias }: nn.Linear, input: Sizes, index: readonly number[]): Plan {
  const unit = index[index.length - 1]
  // Input and output differ in their last axis only.
  const first = flat(input, [...index.slice(0, -1), 0])
  return {
    rule: 'sum',
    inputAt: Array.from({ length: width }, (_, i) => first + i),
    weightAt: Array.from({ length: width }, (_, i) => unit * width + i),
    ...(bias && { biasAt: unit }),
  }
}

/** The places of a window along each axis, without those that fall on the margin. */
function* window(
  size: Sizes,
  space: Sizes,
  place: readonly number[],
  { stride, padding, dilation }: { readonly stride: Sizes; readonly padding: Sizes; readonly dilation: Sizes },
): Generator<{ readonly tap: number[]; readonly at: number[] }> {
  const taps = size.reduce((product, n) => product * n, 1)
  for (let i = 0; i < taps; i++) {
    const tap = unflat(size, i)
    const at = tap.map((k, axis) => place[axis] * stride[axis] - padding[axis] + k * dilation[axis])
    if (at.every((k, axis) => k >= 0 && k < space[axis])) yield { tap, at }
  }
}

function convPlan(module: nn.Conv1d | nn.Conv2d | nn.Conv3d, input: Sizes, index: readonly number[]): Plan {
  const { groups = 1, padding: given = 0, paddingMode = 'zeros' } = module.options
  // What stands on the margin is then made of other places.
  if (paddingMode !== 'zeros' && given !== 0 && given !== 'valid') return { rule: 'inside', inputAt: [] }
  const [unit, ...place] = index
  const rank = module.size.length
  const each = (value: unknown, other: number): number[] =>
    module.size.map((_, axis) => Number((Array.isArray(value) ? [value[axis]].flat()[0] : value) ?? other))
  const dilation = each(module.options.dilation, 1)
  const padding =
    given === 'same'
      ? module.size.map((k, axis) => Math.floor((dilation[axis] * (k - 1)) / 2))
      : each(given === 'valid' ? 0 : given, 0)
  const own = module.in / groups
  const firstChannel = Math.floor(unit / (module.out / groups)) * own
  const [inputAt, weightAt]: [number[], number[]] = [[], []]
  const weightShape = [module.out, own, ...module.size]
  const options = { stride: each(module.options.stride, 1), padding, dilation }
  for (let channel = 0; channel < own; channel++) {
    for (const { tap, at } of window(module.size, input.slice(input.length - rank), place, options)) {
      inputAt.push(flat(input, [firstChannel + channel, ...at]))
      weightAt.push(flat(weightShape, [unit, channel, ...tap]))
    }
  }
  return { rule: 'sum', inputAt, weightAt, ...(module.bias && { biasAt: unit }) }
}

function windowOf(module: nn.Module, input: Sizes, index: readonly number[]): Plan | undefined {
  const config: LayerOptions = module.config() ?? { kind: '' }
  const pool = /^(global|adaptive)?(max|avg)Pool([123])d$/i.exec(config.kind)
  if (!pool) return undefined
  const [, windows, what, rank] = pool
  const space = input.slice(1)
  const [channel, ...rest] = index
  // A global pool may leave the axes in space out.
  const place = rest.length > 0 ? rest : Array.from({ length: Number(rank) }, () => 0)
  const made = windows ? adaptiveWindow(config, space, place) : slidingWindow(config, space, place)
  const inputAt = made.places.map((at) => flat(input, [channel, ...at]))
  return what.toLowerCase() === 'max'
    ? { rule: 'largest', inputAt }
    : { rule: 'mean', inputAt, divisor: made.divisor ?? inputAt.length }
}

interface LayerOptions {
  readonly kind: string
  readonly [option: string]: unknown
}

interface Windowed {
  readonly places: readonly (readonly number[])[]
  readonly divisor?: number
}

/** The window that slides: margins count in a mean as the layer was told. */
function slidingWindow(config: LayerOptions, space: Sizes, place: readonly number[]): Windowed {
  const { size: sizes, stride, padding: margin = 0, dilation = 1, countIncludePad = true, divisorOverride } = config
  const each = (value: unknown): number[] => space.map((_, axis) => Number(Array.isArray(value) ? value[axis] : value))
  const size = each(sizes)
  const options = { stride: each(stride ?? size), padding: each(margin), dilation: each(dilation) }
  const lengths = size.map((length, axis) => {
    const start = place[axis] * options.stride[axis] - options.padding[axis]
    const end = Math.min(start + length, space[axis] + (countIncludePad ? options.padding[axis] : 0))
    return end - (countIncludePad ? start : Math.max(start, 0))
  })
  return {
    places: [...window(size, space, place, options)].map(({ at }) => at),
    divisor: Number(divisorOverride ?? lengths.reduce((product, n) => product * n, 1)),
  }
}

/** Windows of which there is a given number: from floor(i in / out) to before ceil((i + 1) in / out). */
function adaptiveWindow({ size }: LayerOptions, space: Sizes, place: readonly number[]): Windowed {
  const starts: number[] = []
  const lengths = space.map((length, axis) => {
    const wanted = size === undefined ? 1 : Array.isArray(size) ? size[axis] : size
    const windows = wanted === null ? length : Number(wanted)
    starts.push(Math.floor((place[axis] * length) / windows))
    return Math.ceil(((place[axis] + 1) * length) / windows) - starts[axis]
  })
  const count = lengths.reduce((product, n) => product * n, 1)
  return {
    places: Array.from({ length: count }, (_, i) => unflat(lengths, i).map((k, axis) => k + starts[axis])),
  }
}

const flat = (shape: Sizes, index: readonly number[]): number =>
  index.reduce((sum, i, axis) => sum * shape[axis] + i, 0)

function unflat(shape: Sizes, place: number): number[] {
  const index: number[] = []
  for (let axis = shape.length - 1, rest = place; axis >= 0; rest = Math.floor(rest / shape[axis--]))
    index.unshift(rest % shape[axis])
  return index
}
