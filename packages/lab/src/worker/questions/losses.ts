/** Losses of samples by themselves: of outputs that a person chose, and of those that the network gives. */
import { type Tensor, tensor } from 'glissade'
import { lossOf } from '../build.ts'
import { numbersOf, softmax } from '../numbers.ts'
import type { Numbers } from '../protocol.ts'
import type { Run } from '../run.ts'
import type { Answerer } from './index.ts'

/** More samples than this are not looked at one by one. */
const most = 1000

/** The loss of each sample by itself: [n, …outputs] and [n, …] → n numbers. */
async function each(run: Run, outputs: Tensor, targets: Tensor): Promise<Float32Array> {
  const found = lossOf({ ...run.spec.loss, reduction: 'none' }, run.data.task)(outputs, targets)
  // A sample with several outputs counts with their mean.
  return Float32Array.from(await found.reshape([outputs.shape[0], -1]).mean(1).data())
}

const withProbabilities = (run: Run, { shape, values }: Numbers): { probabilities?: Numbers } =>
  run.data.task === 'class' ? { probabilities: { shape, values: softmax(values, shape[shape.length - 1]) } } : {}

export const losses: Answerer<'losses'> = async ({ run }, { outputs, targets }) => {
  const { targetShape, task } = run.data
  const n = outputs.shape[0]
  const given = tensor(outputs.values, { shape: outputs.shape })
  const truth = tensor(targets, { shape: [n, ...targetShape], dtype: task === 'number' ? 'float32' : 'int32' })
  return { values: await each(run, given, truth), ...withProbabilities(run, outputs) }
}

export const outcomes: Answerer<'outcomes'> = async ({ run, probe }, { part }) => {
  const { trainCount, testCount } = run.data
  const [from, count] = part === 'train' ? [0, trainCount] : [trainCount, testCount]
  const until = from + Math.min(count, most)
  const x = run.inputs.slice([[from, until]])
  const y = run.targets.slice([[from, until]])
  await x.realized()
  await y.realized()
  const { output } = await probe.forward(x)
  const outputs = await numbersOf(output)
  return {
    stamp: run.stamp,
    outputs,
    targets: Float32Array.from(await y.data()),
    losses: await each(run, output, y),
    ...withProbabilities(run, outputs),
  }
}
