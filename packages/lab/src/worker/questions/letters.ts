/** What comes next: after each letter of a text as the network has it, and after one as it is chosen. */
import { samplingProbabilities } from 'glissade'
import { softmax } from '../numbers.ts'
import { tapped } from '../taps.ts'
import { checkGoesOn, wordsOf } from '../words.ts'
import type { Answerer } from './index.ts'

export const letters: Answerer<'letters'> = async (live, { input }) => {
  if (live.run.data.task !== 'token') throw new Error('This network does not say what letter comes next.')
  const { output } = await tapped(live, input)
  const { tokens, targets } = await wordsOf(live.run, input)
  const labels = output.shape[2]
  const scores = Float32Array.from(await output.data()).slice(0, tokens.length * labels)
  const probabilities = softmax(scores, labels)
  const shape = [tokens.length, labels]
  return {
    stamp: live.run.stamp,
    tokens,
    targets,
    losses: Float32Array.from(targets, (target, t) =>
      target < 0 ? Number.NaN : -Math.log(probabilities[t * labels + target]),
    ),
    probabilities: { shape, values: probabilities },
    scores: { shape, values: scores },
  }
}

export const next: Answerer<'next'> = async (live, { input, time, choosing }) => {
  checkGoesOn(live.run)
  const { output } = await tapped(live, input)
  const [, steps, labels] = output.shape
  if (!(time >= 0 && time < steps)) throw new Error(`The text has no letter ${time}.`)
  const scores = Float32Array.from(await output.data()).slice(time * labels, (time + 1) * labels)
  return {
    stamp: live.run.stamp,
    time,
    probabilities: softmax(scores, labels),
    chances: Float32Array.from(samplingProbabilities(scores, { ...choosing })),
  }
}
