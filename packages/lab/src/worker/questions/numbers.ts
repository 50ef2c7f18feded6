/** The numbers of parameters and of what modules gave back, with their gradients. */
import { inputOf, targetOf } from '../inputs.ts'
import { histogramOf, numbersOf } from '../numbers.ts'
import type { Answerer } from './index.ts'

export const parameter: Answerer<'parameter'> = async ({ run, probe }, { name, aspect }) => {
  const variable = run.model.namedVariables().get(name)
  if (!variable) throw new Error(`The model has no parameter ${name}.`)
  const tensor = aspect === 'value' ? variable : (await probe.backward()).parameters.get(name)
  if (!tensor) throw new Error(`${name} has no gradient: it is not trained.`)
  const numbers = await numbersOf(tensor)
  return { stamp: run.stamp, numbers, histogram: histogramOf(numbers.values) }
}

export const activation: Answerer<'activation'> = async ({ run, probe }, { module, input, aspect }) => {
  const x = await inputOf(run, input)
  const target = targetOf(run, input)
  if (aspect === 'gradient' && !target)
    throw new Error('An input of your own has no target, so there is no loss and no gradient.')
  const values =
    aspect === 'gradient' && target ? (await probe.backwardOf(x, target)).slopes : (await probe.forward(x)).values
  const tensor = values.get(module)
  if (!tensor) throw new Error(`${module || 'The model'} gives no single tensor, or nothing of the loss depends on it.`)
  const numbers = await numbersOf(tensor, true)
  return { stamp: run.stamp, numbers, histogram: histogramOf(numbers.values) }
}
