/** Of tables: what the network says over two columns, in the units of the data, the others as they are in one sample. */
import { tensor } from 'glissade'
import { inputOf } from '../inputs.ts'
import { softmax } from '../numbers.ts'
import type { Answerer } from './index.ts'
import { unitMaps } from './plane.ts'

/** So many points say enough. */
const mostPoints = 1000

export const slice: Answerer<'slice'> = async ({ run, probe }, { x, y, size, input }) => {
  const { columns = [], inputs, inputShape, targets, trainCount, task } = run.data
  const [across, up] = [columns[x], columns[y]]
  if (!across || !up)
    throw new Error(`The data have ${columns.length} columns of numbers; ${x} and ${y} are not both among them.`)
  const width = inputShape[0]
  const rest = Float32Array.from(await (await inputOf(run, input)).data())
  const given = new Float32Array(size * size * width)
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const at = (row * size + column) * width
      given.set(rest, at)
      const place = (i: number, { low, high, mean, deviation }: typeof across): number =>
        (low + ((high - low) * (2 * i + 1)) / (2 * size) - mean) / deviation
      given[at + across.input] = place(column, across)
      given[at + up.input] = place(size - 1 - row, up)
    }
  }
  const { output } = await probe.forward(tensor(given, { shape: [size * size, width] }))
  const raw = Float32Array.from(await output.data())
  const outputs = output.shape[output.rank - 1]
  const count = Math.min(trainCount, mostPoints)
  const points = new Float32Array(2 * count)
  for (let i = 0; i < count; i++) {
    points[2 * i] = inputs[i * width + across.input] * across.deviation + across.mean
    points[2 * i + 1] = inputs[i * width + up.input] * up.deviation + up.mean
  }
  return {
    stamp: run.stamp,
    columns: columns.map(({ name, low, high }) => ({ name, low, high })),
    output: unitMaps(task === 'class' ? softmax(raw, outputs) : raw, output.shape, size),
    points,
    targets: Float32Array.from(targets.slice(0, count)),
  }
}
