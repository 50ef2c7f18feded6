/** Small networks of each family for tests in Node: a run with its data, as the worker has it. */
import { presets } from '../src/spec/presets.ts'
import type { LabSpec } from '../src/spec/spec.ts'
import type { LabData } from '../src/worker/data/data.ts'
import { planeData } from '../src/worker/data/plane.ts'
import { textData } from '../src/worker/data/text.ts'
import { Live } from '../src/worker/desk.ts'
import { Run } from '../src/worker/run.ts'

export type Family = 'circle' | 'digits' | 'names-lstm' | 'names-transformer'

const names =
  'anna\nbob\ncarl\ndora\nemil\nfrida\ngustav\nheidi\nida\njon\nkarl\nlena\nmax\nnora\notto\npaul\nquinn\nrosa\n' +
  'sven\ntheo\nuwe\nvera\nwilma\nxaver\nyann\nzoe\n'

/** Images without a file: so many squares of 28 by 28 with a pattern of their own. */
export function squares(count: number): LabData {
  const inputs = Float32Array.from({ length: count * 784 }, (_, i) => ((i * 7919) % 97) / 97)
  return {
    task: 'class',
    inputs,
    inputShape: [1, 28, 28],
    targets: Int32Array.from({ length: count }, (_, i) => i % 10),
    targetShape: [],
    trainCount: count - 2,
    testCount: 2,
    labels: Array.from({ length: 10 }, (_, digit) => String(digit)),
    features: [],
  }
}

export function specOf(family: Family): LabSpec {
  const spec = presets.find(({ id }) => id === family)?.spec as LabSpec
  if (spec.data.kind !== 'text') return spec
  return { ...spec, data: { ...spec.data, corpus: 'own', text: names, samples: 12 } as LabSpec['data'] }
}

export async function liveOf(family: Family): Promise<Live> {
  const spec = specOf(family)
  const { data } = spec
  const samples = data.kind === 'text' ? await textData(data) : data.kind === 'plane' ? planeData(data) : squares(12)
  return new Live(new Run(0, spec, samples))
}
