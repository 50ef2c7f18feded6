/**
 * A convolution taken apart: what each input channel gives to one output channel.
 *
 * It is computed by a convolution of the library whose groups are single channels, with the same weights and options.
 * One place of it as a sum of products: terms.ts.
 */
import { nn, take, tensor } from 'glissade'
import { inputOf } from '../inputs.ts'
import { numbersOf } from '../numbers.ts'
import { givenBack } from '../probe.ts'
import type { Answerer } from './index.ts'
import { remembered } from './remembered.ts'

export const parts: Answerer<'parts'> = async (live, { module: path, unit, input }) => {
  const { run, probe } = live
  const module = run.model.namedModules().get(path)
  if (!(module instanceof nn.Conv2d)) throw new Error(`${path || 'The model'} is no convolution over rows and columns.`)
  if (!(Number.isInteger(unit) && unit >= 0 && unit < module.out))
    throw new Error(`There is no channel ${unit} among the ${module.out} of ${path}.`)
  const seen = await remembered(live, 'inside', input, async () => probe.inside(await inputOf(run, input)))
  const [given, gave] = [seen.inputs.get(path), givenBack(seen.values, path)]
  if (!given || !gave) throw new Error(`${path} gave nothing back for this sample.`)
  const { groups = 1, bias: _, ...options } = module.options
  const own = module.in / groups
  const first = Math.floor(unit / (module.out / groups)) * own
  const x = given.slice([undefined, [first, first + own]])
  const weight = take(module.weight, tensor([unit], { dtype: 'int32' }), 0).reshape([own, 1, ...module.size])
  const apart = await run.withDraws(
    async () => new nn.Conv2d(own, own, module.size, { ...options, groups: own, bias: false }),
  )
  apart.weight.assign(weight)
  const maps = apart.forward(x)
  const all = await numbersOf(gave, true)
  const places = all.shape[1] * all.shape[2]
  return {
    stamp: run.stamp,
    first,
    inputs: await numbersOf(x, true),
    weights: { shape: [own, ...module.size], values: (await numbersOf(weight)).values },
    maps: await numbersOf(maps, true),
    bias: module.bias ? (await module.bias.data())[unit] : 0,
    output: { shape: all.shape.slice(1), values: all.values.slice(unit * places, (unit + 1) * places) },
  }
}
