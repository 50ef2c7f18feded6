/** The numbers of parameters and of what modules gave back, with their gradients. */

import type { Live } from '../desk.ts'
import { inputOf, targetOf } from '../inputs.ts'
import { histogramOf, numbersOf } from '../numbers.ts'
import { givenBack, type Values } from '../probe.ts'
import type { Aspect, Input } from '../protocol.ts'
import type { Answerer } from './index.ts'
import { remembered } from './remembered.ts'

export const parameter: Answerer<'parameter'> = async ({ run, probe }, { name, aspect }) => {
  const variable = run.model.namedVariables().get(name)
  if (!variable) throw new Error(`The model has no parameter ${name}.`)
  const tensor = aspect === 'value' ? variable : (await probe.backward()).parameters.get(name)
  if (!tensor) throw new Error(`${name} has no gradient: it is not trained.`)
  const numbers = await numbersOf(tensor)
  return { stamp: run.stamp, numbers, histogram: histogramOf(numbers.values) }
}

export const activation: Answerer<'activation'> = async (live, { module, input, aspect }) => {
  const values = await valuesFor(live, input, aspect)
  const tensor = givenBack(values, module)
  if (!tensor) throw new Error(`${module || 'The model'} gives no single tensor, or nothing of the loss depends on it.`)
  const numbers = await numbersOf(tensor, true)
  return { stamp: live.run.stamp, numbers, histogram: histogramOf(numbers.values) }
}

/** Modules that gave nothing back, or nothing that the loss depends on, are left out. */
export const activations: Answerer<'activations'> = async (live, { modules, input, aspect }) => {
  const values = await valuesFor(live, input, aspect)
  const found = await Promise.all(
    modules.map(async (path) => {
      const tensor = givenBack(values, path)
      if (!tensor) return []
      const numbers = await numbersOf(tensor, true)
      return [{ path, numbers, histogram: histogramOf(numbers.values) }]
    }),
  )
  const given = await numbersOf(await inputOf(live.run, input), true)
  return { stamp: live.run.stamp, given, modules: found.flat() }
}

/** What modules gave back for an input, or the gradients of its loss; several questions share one pass. */
async function valuesFor(live: Live, input: Input, aspect: Aspect): Promise<Values> {
  const { run, probe } = live
  if (aspect === 'value')
    return (await remembered(live, 'inside', input, async () => probe.inside(await inputOf(run, input)))).values
  const target = targetOf(run, input)
  if (!target) throw new Error('An input of your own has no target, so there is no loss and no gradient.')
  const { slopes } = await remembered(live, 'backward', input, async () =>
    probe.backwardOf(await inputOf(run, input), target),
  )
  return slopes
}
