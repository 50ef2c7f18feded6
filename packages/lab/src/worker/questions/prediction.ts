/** What the network says of one input. */
import { inputOf, targetOf } from '../inputs.ts'
import { numbersOf, softmax } from '../numbers.ts'
import type { Answerer } from './index.ts'

export const prediction: Answerer<'prediction'> = async ({ run, probe }, { input }) => {
  const x = await inputOf(run, input)
  const { output } = await probe.forward(x)
  const target = targetOf(run, input)
  const given = await numbersOf(x, true)
  const scores = await numbersOf(output, true)
  const width = output.shape[output.rank - 1]
  return {
    stamp: run.stamp,
    input: given,
    output: scores,
    ...(run.data.task !== 'number' && {
      probabilities: { shape: scores.shape, values: softmax(scores.values, width) },
    }),
    ...(target && { target: Float32Array.from(await target.data()) }),
  }
}
