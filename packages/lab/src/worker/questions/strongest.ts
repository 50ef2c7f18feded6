/** What each unit answers most strongly, among the samples of a part. */
import { givenBack } from '../probe.ts'
import type { Answerer } from './index.ts'
import { remembered } from './remembered.ts'

/** So many samples at once; while the network trains, these are all. */
const piece = 50
/** Of large sets, so many are enough to say what a unit likes. */
const most = 1000

interface Found {
  readonly sample: number
  readonly place: number
  readonly value: number
}

export const strongest: Answerer<'strongest'> = async (live, { module, part, top }) => {
  const { run, probe } = live
  const { trainCount, testCount } = run.data
  const [from, all] = part === 'train' ? [0, trainCount] : [trainCount, testCount]
  // Pieces are of one size, so that they share a program.
  const size = Math.min(piece, all)
  const among = live.running ? size : Math.floor(Math.min(all, most) / size) * size
  const units = await remembered(live, 'strongest', [module, part, top, among], async () => {
    const best: Found[][] = []
    for (let at = 0; at < among; at += size) {
      const x = run.inputs.slice([[from + at, from + at + size]])
      await x.realized()
      const gave = givenBack((await probe.forward(x)).values, module)
      if (!gave) throw new Error(`${module || 'The model'} gives no single tensor.`)
      collect(best, await gave.data(), gave.shape, at, top)
    }
    return best
  })
  return {
    stamp: run.stamp,
    among,
    units: units.map((found) => ({
      sample: Int32Array.from(found, ({ sample }) => sample),
      place: Int32Array.from(found, ({ place }) => place),
      value: Float32Array.from(found, ({ value }) => value),
    })),
  }
}

/** Puts the largest number of each sample and unit where it belongs among the best. values: [n, units, …places] */
function collect(
  best: Found[][],
  values: ArrayLike<number>,
  [count, units, ...space]: readonly number[],
  first: number,
  top: number,
): void {
  const places = space.reduce((product, n) => product * n, 1)
  for (let i = 0; i < count; i++) {
    for (let unit = 0; unit < units; unit++) {
      const from = (i * units + unit) * places
      let place = 0
      for (let k = 1; k < places; k++) if (values[from + k] > values[from + place]) place = k
      const found = { sample: first + i, place, value: values[from + place] }
      const list = (best[unit] ??= [])
      if (list.length === top && !(found.value > list[top - 1].value)) continue
      const before = list.findIndex(({ value }) => found.value > value)
      list.splice(before < 0 ? list.length : before, 0, found)
      if (list.length > top) list.pop()
    }
  }
}
