/** What the network said of all samples of a part: from the last scores, which were computed anyway. */
import { measure } from '../trainer.ts'
import type { Answerer } from './index.ts'

export const predictions: Answerer<'predictions'> = async (live, { part }) => {
  const { run } = live
  // While it trains, the trainer decides when to score, so that training is not slowed.
  if (!live.running || !live.tallies) await measure(live)
  const tally = live.tallies?.[part]
  if (!tally) throw new Error('Nothing was scored yet.')
  const labels = run.data.task === 'number' ? 0 : run.data.labels.length
  return {
    stamp: { run: run.id, step: tally.step, epoch: Math.floor(tally.step / run.stepsPerEpoch) },
    count: tally.count,
    confusion: { shape: [labels, labels], values: tally.confusion.slice() },
    truth: Int32Array.from(tally.truth),
    said: Int32Array.from(tally.said),
    sure: Float32Array.from(tally.sure),
    given: Float32Array.from(tally.given),
    wanted: { shape: [tally.count, tally.width], values: Float32Array.from(tally.wanted) },
    found: { shape: [tally.count, tally.width], values: Float32Array.from(tally.found) },
  }
}
