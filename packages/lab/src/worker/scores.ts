/** How good a run is on the whole of a part of its data. */
import type { Tensor } from 'glissade'
import type { Probe } from './probe.ts'
import type { Part, Score } from './protocol.ts'
import type { Run } from './run.ts'
import { largest, type Tally } from './tally.ts'

/** So many numbers of input at once: memory stays small, and equal pieces share a program. */
const mostNumbers = 400_000
/** Of large sets, so many samples say enough while training goes on. */
const mostSamples = 2000

export async function scoreOf(run: Run, probe: Probe, part: Part, tally?: Pick<Tally, 'add'>): Promise<Score> {
  const { trainCount, testCount, inputShape, task } = run.data
  const [from, all] = part === 'train' ? [0, trainCount] : [trainCount, testCount]
  const count = Math.min(all, mostSamples)
  const size = inputShape.reduce((product, n) => product * n, 1)
  const piece = Math.max(1, Math.min(count, Math.floor(mostNumbers / size)))
  let [loss, right, asked, weight] = [0, 0, 0, 0]
  for (let at = from; at < from + count; at += piece) {
    const until = Math.min(at + piece, from + count)
    const y = run.targets.slice([[at, until]])
    const seen = await probe.score(await given(run.inputs.slice([[at, until]])), await given(y))
    const truth = await y.data()
    const counted = task === 'token' ? Array.from(truth).filter((token) => token >= 0).length : until - at
    loss += seen.loss * counted
    weight += counted
    const output = tally || task !== 'number' ? await seen.output.data() : []
    tally?.add(output, seen.output, truth)
    if (task !== 'number') {
      const width = seen.output.shape[seen.output.rank - 1]
      for (let i = 0; i < truth.length; i++) {
        if (truth[i] < 0) continue
        asked++
        right += Number(largest(output, i * width, width) === truth[i])
      }
    }
  }
  return { loss: loss / weight, ...(task !== 'number' && { accuracy: right / Math.max(1, asked) }) }
}

async function given(x: Tensor): Promise<Tensor> {
  await x.realized()
  return x
}
