/** Handwritten digits: 28 by 28 pixels from 0 (paper) to 1 (ink), a part of MNIST. */
import { data as library } from 'glissade'
import type { DataSpec, DigitsData } from '../../spec/spec.ts'
import { asset } from './assets.ts'
import { type LabData, trainCountOf } from './data.ts'

const side = 28
const pixels = side * side
const record = 1 + pixels

export async function digitsData(spec: DataSpec & DigitsData): Promise<LabData> {
  const bytes = new Uint8Array(await asset('digits.bin'))
  const count = Math.min(spec.samples, bytes.length / record)
  // The file has the digits in turn, so any beginning of it has all of them in the same share.
  const order = library.permutation(count, spec.seed)
  const inputs = new Float32Array(count * pixels)
  const targets = new Int32Array(count)
  order.forEach((at, i) => {
    targets[i] = bytes[at * record]
    for (let k = 0; k < pixels; k++) inputs[i * pixels + k] = bytes[at * record + 1 + k] / 255
  })
  const trainCount = trainCountOf(count, spec)
  return {
    task: 'class',
    inputs,
    inputShape: [1, side, side],
    targets,
    targetShape: [],
    trainCount,
    testCount: count - trainCount,
    labels: Array.from({ length: 10 }, (_, digit) => String(digit)),
    features: [],
  }
}
