/** Schedules along a cosine: once down, again and again, and the single cycle up and down. */
import { checkWhole } from '../ops/derived/common.ts'
import { checkOption } from './rule.ts'
import { checkRate, type Schedule } from './schedule.ts'
import { warmUp as warmedUp } from './schedule-compose.ts'

export interface CosineOptions {
  /** Where it ends. Default 0. */
  readonly minLr?: number
  /** So many of the steps go up to `lr` first, in a straight line; see schedule.warmUp. Default 0. */
  readonly warmUp?: number
  /** The part of `lr` that the warm-up begins with. */
  readonly startFactor?: number
}

/**
 * Down from `lr` to `minLr` along half a cosine, over `steps` steps in all (Loshchilov and Hutter 2017, arXiv
 * 1608.03983). torch's CosineAnnealingLR; but after the last step it stays at `minLr`, where torch's goes up again.
 */
export function cosine(lr: number, steps: number, options: CosineOptions = {}): Schedule {
  const { minLr = 0, warmUp = 0, startFactor } = options
  checkRate('cosine', lr)
  checkRate('cosine', minLr, 'minLr')
  checkWhole('schedule.cosine: steps', steps, 1)
  checkWhole('schedule.cosine: warmUp', warmUp, 0)
  checkOption('schedule.cosine: warmUp', warmUp, warmUp < steps, `fewer than all ${steps} steps`)
  const length = steps - warmUp
  const down: Schedule = { kind: 'cosine', at: (at) => ({ lr: between(lr, minLr, Math.min(at, length) / length) }) }
  return warmUp === 0 ? down : warmedUp(down, warmUp, startFactor === undefined ? {} : { startFactor })
}

/**
 * Down along half a cosine, and again from `lr`: the first time over `steps` steps, each time `factor` times longer.
 * torch's CosineAnnealingWarmRestarts.
 */
export function cosineRestarts(
  lr: number,
  steps: number,
  { factor = 1, minLr = 0 }: { factor?: number; minLr?: number } = {},
): Schedule {
  checkRate('cosineRestarts', lr)
  checkRate('cosineRestarts', minLr, 'minLr')
  checkWhole('schedule.cosineRestarts: steps', steps, 1)
  checkWhole('schedule.cosineRestarts: factor', factor, 1)
  return {
    kind: 'cosineRestarts',
    at: (at) => {
      let [place, length] = [at, steps]
      if (factor === 1) place = at % steps
      else {
        while (place >= length) {
          place -= length
          length *= factor
        }
      }
      return { lr: between(lr, minLr, place / length) }
    },
  }
}

export interface OneCycleOptions {
  /** The part of all steps that goes up. Default 0.3. */
  readonly pctStart?: number
  /** Along half a cosine, or in straight lines. Default 'cos'. */
  readonly annealStrategy?: 'cos' | 'linear'
  /** Whether momentum goes the other way (the first of the betas in Adam's family). Default true. */
  readonly cycleMomentum?: boolean
  /** The least momentum, where the learning rate is largest. Default 0.85. */
  readonly baseMomentum?: number
  /** Default 0.95. */
  readonly maxMomentum?: number
  /** It begins at maxLr / divFactor. Default 25. */
  readonly divFactor?: number
  /** It ends at its beginning / finalDivFactor. Default 10,000. */
  readonly finalDivFactor?: number
  /** Down to the beginning as fast as up, and only then to the end. Default false. */
  readonly threePhase?: boolean
}

/**
 * One cycle: up to `maxLr`, and down to almost nothing, over `steps` steps (Smith and Topin 2019, arXiv 1708.07120).
 * torch's OneCycleLR; but after the last step it stays where it is, where torch's raises an error.
 */
export function oneCycle(maxLr: number, steps: number, options: OneCycleOptions = {}): Schedule {
  const { pctStart = 0.3, annealStrategy = 'cos', cycleMomentum = true, threePhase = false } = options
  const { baseMomentum = 0.85, maxMomentum = 0.95, divFactor = 25, finalDivFactor = 1e4 } = options
  const what = 'schedule.oneCycle'
  checkRate('oneCycle', maxLr, 'maxLr')
  checkWhole(`${what}: steps`, steps, 1)
  checkOption(`${what}: pctStart`, pctStart, pctStart >= 0 && pctStart <= 1, '0 to 1')
  checkOption(`${what}: annealStrategy`, annealStrategy, ['cos', 'linear'].includes(annealStrategy), 'cos or linear')
  checkOption(`${what}: divFactor`, divFactor, divFactor > 0, 'a number above 0')
  checkOption(`${what}: finalDivFactor`, finalDivFactor, finalDivFactor > 0, 'a number above 0')
  for (const momentum of [baseMomentum, maxMomentum]) {
    checkOption(`${what}: momentum`, momentum, momentum >= 0 && momentum < 1, 'numbers of at least 0 and below 1')
  }
  const start = { lr: maxLr / divFactor, momentum: maxMomentum }
  const top = { lr: maxLr, momentum: baseMomentum }
  const end = { lr: start.lr / finalDivFactor, momentum: maxMomentum }
  // The last step of each phase, counted as PyTorch does, and where the phase leads.
  const phases = threePhase
    ? [
        { last: pctStart * steps - 1, from: start, to: top },
        { last: 2 * pctStart * steps - 2, from: top, to: start },
        { last: steps - 1, from: start, to: end },
      ]
    : [
        { last: pctStart * steps - 1, from: start, to: top },
        { last: steps - 1, from: top, to: end },
      ]
  const move = annealStrategy === 'cos' ? between : (a: number, b: number, part: number) => a + (b - a) * part
  return {
    kind: 'oneCycle',
    cyclesMomentum: cycleMomentum,
    at: (at) => {
      const place = Math.min(at, steps - 1)
      const found = phases.findIndex(({ last }) => place <= last)
      const index = found < 0 ? phases.length - 1 : found
      const { last, from, to } = phases[index]
      const first = index === 0 ? 0 : phases[index - 1].last
      const part = last === first ? 1 : (place - first) / (last - first)
      const lr = move(from.lr, to.lr, part)
      return cycleMomentum ? { lr, momentum: move(from.momentum, to.momentum, part) } : { lr }
    },
  }
}

/** From `high` to `low` along half a cosine, as `part` goes from 0 to 1. */
function between(high: number, low: number, part: number): number {
  return low + ((high - low) * (1 + Math.cos(Math.PI * part))) / 2
}
