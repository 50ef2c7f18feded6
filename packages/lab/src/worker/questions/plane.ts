/** Of networks whose input is a point of the plane: the points, and what every unit says at each place. */
import { tensor } from 'glissade'
import { reach } from '../data/plane.ts'
import { softmax } from '../numbers.ts'
import type { Answerer } from './index.ts'
import { remembered } from './remembered.ts'

export const points: Answerer<'points'> = async ({ run }, { part }) => {
  const { points, targets, trainCount } = run.data
  if (!points) throw new Error('These samples are no points of the plane.')
  const [from, until] = part === 'train' ? [0, trainCount] : [trainCount, targets.length]
  return { points: points.slice(2 * from, 2 * until), targets: Float32Array.from(targets.slice(from, until)) }
}

export const responses: Answerer<'responses'> = async (live, { size }) => {
  const { run, probe } = live
  const { fromPlane, features, task } = run.data
  if (!fromPlane) throw new Error('The inputs of this network are no points of the plane.')
  const seen = await remembered(live, 'responses', size, () =>
    probe.forward(tensor(fromPlane(grid(size)), { shape: [size * size, features.length] })),
  )
  const modules = await Promise.all(
    [...seen.values].map(async ([path, value]) => ({ path, maps: unitMaps(await value.data(), value.shape, size) })),
  )
  const width = seen.output.shape[seen.output.rank - 1]
  const raw = Float32Array.from(await seen.output.data())
  const output = unitMaps(task === 'class' ? softmax(raw, width) : raw, seen.output.shape, size)
  const input = unitMaps(fromPlane(grid(size)), [size * size, features.length], size)
  return { stamp: run.stamp, size, modules, input, output }
}

/** The middles of size × size squares, rows from the top: [size², 2] */
function grid(size: number): Float32Array {
  const places = new Float32Array(2 * size * size)
  const at = (i: number): number => ((2 * i + 1) / size - 1) * reach
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      places[2 * (row * size + column)] = at(column)
      places[2 * (row * size + column) + 1] = -at(row)
    }
  }
  return places
}

/** [places, units] → [units, size, size] */
export function unitMaps(
  values: ArrayLike<number>,
  shape: readonly number[],
  size: number,
): { shape: number[]; values: Float32Array } {
  const places = size * size
  const units = values.length / places
  const maps = new Float32Array(values.length)
  for (let unit = 0; unit < units; unit++)
    for (let i = 0; i < places; i++) maps[unit * places + i] = values[i * units + unit]
  return { shape: [...shape.slice(1), size, size], values: maps }
}
