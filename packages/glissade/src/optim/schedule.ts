/**
 * Learning-rate schedules: pure functions from the number of the step to a learning rate, as `optim.schedule.*`.
 *
 * A schedule takes the place of the number in `optim.adamW({ lr: … })`, and is asked anew at every step, so that a
 * resumed run goes on where it was. Counts are of optimizer steps, not epochs: times the steps per epoch where need
 * be. What looks at results has a memory, plain data that is saved with the optimizer (schedule-plateau.ts).
 * Numbers are those of torch.optim.lr_scheduler. Cycles: schedule-cycles.ts; compositions: schedule-compose.ts.
 */
import { checkWhole } from '../ops/derived/common.ts'
import { checkOption, type Rates } from './rule.ts'

/** Plain data. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json }

export interface Schedule {
  /** Its name, such as 'cosine'. */
  readonly kind: string
  /** The rates at step `step` (0 is the first), given what the schedule remembers. */
  at(step: number, memory?: Json): Rates
  /** Whether `at` gives a momentum too. */
  readonly cyclesMomentum?: boolean
  /** What it remembers at first; left out by schedules that remember nothing. */
  readonly memory?: Json
  /** What it remembers after a result such as the validation loss, which came after `step` steps. */
  observe?(value: number, memory: Json, step: number): Json
}

/** A schedule of one's own: `factor(step)` times `lr`. torch's LambdaLR. */
export function lambda(lr: number, factor: (step: number) => number): Schedule {
  return scaled('lambda', lr, factor)
}

/** Always `lr`; for the first `steps` steps `factor` times as much. torch's ConstantLR (there 1/3 for 5 steps). */
export function constant(lr: number, { factor = 1, steps = 0 }: { factor?: number; steps?: number } = {}): Schedule {
  checkWhole('schedule.constant: steps', steps, 0)
  checkOption('schedule.constant: factor', factor, factor >= 0, 'a number of at least 0')
  return scaled('constant', lr, (step) => (step < steps ? factor : 1))
}

/** In a straight line from startFactor to endFactor times `lr` over `steps` steps, then level. torch's LinearLR. */
export function linear(
  lr: number,
  steps = 5,
  { startFactor = 1 / 3, endFactor = 1 }: { startFactor?: number; endFactor?: number } = {},
): Schedule {
  checkWhole('schedule.linear: steps', steps, 1)
  checkOption('schedule.linear: startFactor', startFactor, startFactor >= 0, 'a number of at least 0')
  checkOption('schedule.linear: endFactor', endFactor, endFactor >= 0, 'a number of at least 0')
  return scaled('linear', lr, (step) => startFactor + ((endFactor - startFactor) * Math.min(step, steps)) / steps)
}

/** Times `gamma` (0.1) every `stepSize` steps. torch's StepLR. */
export function step(lr: number, stepSize: number, { gamma = 0.1 }: { gamma?: number } = {}): Schedule {
  checkWhole('schedule.step: stepSize', stepSize, 1)
  checkGamma('step', gamma)
  return scaled('step', lr, (at) => gamma ** Math.floor(at / stepSize))
}

/** Times `gamma` (0.1) at each of the steps named. torch's MultiStepLR. */
export function multiStep(
  lr: number,
  milestones: readonly number[],
  { gamma = 0.1 }: { gamma?: number } = {},
): Schedule {
  checkMilestones('multiStep', milestones)
  checkGamma('multiStep', gamma)
  return scaled('multiStep', lr, (at) => gamma ** milestones.filter((milestone) => milestone <= at).length)
}

/** Times `gamma` at every step. torch's ExponentialLR. */
export function exponential(lr: number, gamma: number): Schedule {
  checkGamma('exponential', gamma)
  return scaled('exponential', lr, (at) => gamma ** at)
}

/** (1 - step / steps)^power, and 0 from there on; a straight line with power 1. torch's PolynomialLR. */
export function polynomial(lr: number, steps = 5, { power = 1 }: { power?: number } = {}): Schedule {
  checkWhole('schedule.polynomial: steps', steps, 1)
  checkOption('schedule.polynomial: power', power, power >= 0, 'a number of at least 0')
  return scaled('polynomial', lr, (at) => (1 - Math.min(at, steps) / steps) ** power)
}

/** Up to `lr` in a straight line over `warmUp` steps, then down as 1 / sqrt(step) (Vaswani et al. 2017, eq. 3). */
export function inverseSqrt(lr: number, warmUp: number): Schedule {
  checkWhole('schedule.inverseSqrt: warmUp', warmUp, 1)
  // The paper counts from 1.
  return scaled('inverseSqrt', lr, (at) => Math.min((at + 1) / warmUp, Math.sqrt(warmUp / (at + 1))))
}

/** The same by the size of the model: factor * modelSize^-0.5 * min(t^-0.5, t * warmUp^-1.5), t = 1 at the first step. */
export function noam(modelSize: number, warmUp = 4000, { factor = 1 }: { factor?: number } = {}): Schedule {
  checkWhole('schedule.noam: modelSize', modelSize, 1)
  checkWhole('schedule.noam: warmUp', warmUp, 1)
  const { at } = inverseSqrt(factor / Math.sqrt(modelSize * warmUp), warmUp)
  return { kind: 'noam', at }
}

/** `lr` times a factor that depends on the step only. */
export function scaled(kind: string, lr: number, factor: (step: number) => number): Schedule {
  checkRate(kind, lr)
  return { kind, at: (at) => ({ lr: lr * factor(at) }) }
}

export function checkRate(kind: string, lr: number, name = 'lr'): void {
  checkOption(`schedule.${kind}: ${name}`, lr, lr >= 0 && lr < Number.POSITIVE_INFINITY, 'a number of at least 0')
}

export function checkMilestones(kind: string, milestones: readonly number[]): void {
  const rising = milestones.every((at, i) => Number.isInteger(at) && at >= 0 && (i === 0 || at > milestones[i - 1]))
  checkOption(`schedule.${kind}: milestones`, milestones, rising, 'whole numbers, each larger than the one before')
}

function checkGamma(kind: string, gamma: number): void {
  checkOption(
    `schedule.${kind}: gamma`,
    gamma,
    gamma >= 0 && gamma < Number.POSITIVE_INFINITY,
    'a number of at least 0',
  )
}
