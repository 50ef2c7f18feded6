/**
 * The records of a run that was made in Node (metrics.jsonl), as the lab's own curves: losses of steps, scores of epochs.
 * What is no record is passed over: the last line of a run that is being written may be half there.
 */
import { Curves } from '../../state/curves.ts'
import type { Score } from '../../worker/protocol.ts'

/** Longer records are not read to the end; the beginning is shown, and it is said. */
export const longest = 60_000_000

export interface RunRecord {
  readonly curves: Curves
  readonly step: number
  readonly epoch: number
  readonly stepsPerEpoch: number
  readonly lr: number
  readonly samples: number
  readonly last?: { readonly step: number; readonly train: Score; readonly test: Score }
}

interface Line {
  readonly event: string
  readonly step: number
  readonly [name: string]: unknown
}

function lineOf(text: string): Line | undefined {
  try {
    const line = JSON.parse(text) as Line
    return typeof line?.event === 'string' && Number.isSafeInteger(line.step) && line.step >= 0 ? line : undefined
  } catch {
    return undefined
  }
}

/** NaN and infinities stand in the file as texts. */
const number = (value: unknown): number => (value === undefined || value === null ? Number.NaN : Number(value))

const scoreOf = ({ loss, accuracy }: Line): Score => ({
  loss: number(loss),
  ...(typeof accuracy === 'number' && { accuracy }),
})

export function readRecord(text: string): RunRecord {
  const curves = new Curves()
  let [step, epoch, stepsPerEpoch, lr, samples] = [0, 0, 0, Number.NaN, 0]
  let [train, test]: [Line | undefined, Line | undefined] = [undefined, undefined]
  let last: RunRecord['last']
  const noScore: Score = { loss: Number.NaN }
  for (const part of text.slice(0, longest).split('\n')) {
    const line = lineOf(part)
    if (!line) continue
    step = Math.max(step, line.step)
    if (line.event === 'start') samples = number(line.samples) || 0
    if (line.event === 'step') {
      // The loss was that before the step, as in the lab.
      curves.addLosses(Math.max(0, line.step - 1), Float32Array.of(number(line.loss)))
      lr = number(line.lr)
    }
    if (line.event === 'validation') test = line
    if (line.event !== 'epoch') continue
    train = line
    epoch = number(line.epoch)
    stepsPerEpoch ||= Math.round(line.step / epoch)
    last = { step: line.step, train: scoreOf(train), test: test?.step === line.step ? scoreOf(test) : noScore }
    curves.addScores(last)
  }
  return { curves, step, epoch, stepsPerEpoch: Math.max(1, stepsPerEpoch || step), lr, samples, ...(last && { last }) }
}
