/** Inputs of a network as tensors: samples of the data, or a person's own. */
import { type Tensor, tensor } from 'glissade'
import type { Input } from './protocol.ts'
import type { Run } from './run.ts'

/** The place of a sample among all. */
export function placeOf(run: Run, input: Input): number | undefined {
  if ('values' in input) return undefined
  const { trainCount, testCount } = run.data
  const count = input.part === 'train' ? trainCount : testCount
  if (!(Number.isInteger(input.index) && input.index >= 0 && input.index < count))
    throw new Error(
      `There is no sample ${input.index} among the ${count} for ${input.part === 'train' ? 'training' : 'testing'}.`,
    )
  return input.part === 'train' ? input.index : trainCount + input.index
}

/** The input as a batch of one. */
export async function inputOf(run: Run, input: Input): Promise<Tensor> {
  const { inputShape, inputs } = run.data
  const size = inputShape.reduce((product, n) => product * n, 1)
  const place = placeOf(run, input)
  const values =
    place === undefined ? (input as { values: Float32Array }).values : inputs.slice(place * size, (place + 1) * size)
  const dtype = inputs instanceof Int32Array ? 'int32' : 'float32'
  return tensor(values, { shape: [1, ...inputShape], dtype })
}

/** The target of a sample as a batch of one. */
export function targetOf(run: Run, input: Input): Tensor | undefined {
  const place = placeOf(run, input)
  if (place === undefined) return undefined
  const { targets, targetShape } = run.data
  const size = targetShape.reduce((product, n) => product * n, 1)
  return tensor(targets.slice(place * size, (place + 1) * size), {
    shape: [1, ...targetShape],
    dtype: targets instanceof Int32Array ? 'int32' : 'float32',
  })
}
