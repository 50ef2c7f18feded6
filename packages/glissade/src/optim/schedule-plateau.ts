/** The schedule that looks at results: less when they get no better. It is told them by optimizer.observe(value). */
import { checkWhole } from '../ops/derived/common.ts'
import { checkOption } from './rule.ts'
import { checkRate, type Schedule } from './schedule.ts'

export interface PlateauOptions {
  /** Whether smaller results are better, such as losses, or larger ones. Default 'min'. */
  readonly mode?: 'min' | 'max'
  /** The learning rate is multiplied by this. Default 0.1. */
  readonly factor?: number
  /** So many results in a row may be no better. Default 10. */
  readonly patience?: number
  /** What counts as better: by this part of the best ('rel') or by this much ('abs'). Default 1e-4. */
  readonly threshold?: number
  /** Default 'rel'. */
  readonly thresholdMode?: 'rel' | 'abs'
  /** So many results after a reduction are not counted. Default 0. */
  readonly cooldown?: number
  /** It goes no lower. Default 0. */
  readonly minLr?: number
  /** Smaller reductions than this are left out. Default 1e-8. */
  readonly eps?: number
}

/** What it remembers: the best result (null before the first), and how many since were no better. */
type Memory = { readonly lr: number; readonly best: number | null; readonly bad: number; readonly cooldown: number }

/**
 * `lr`, times `factor` whenever more than `patience` results in a row were no better than the best before. torch's
 * ReduceLROnPlateau. Call optimizer.observe(value) after each evaluation. A result that is no finite number is no better.
 */
export function reduceOnPlateau(lr: number, options: PlateauOptions = {}): Schedule {
  const { mode = 'min', factor = 0.1, patience = 10, threshold = 1e-4, thresholdMode = 'rel' } = options
  const { cooldown = 0, minLr = 0, eps = 1e-8 } = options
  const what = 'schedule.reduceOnPlateau'
  checkRate('reduceOnPlateau', lr)
  checkRate('reduceOnPlateau', minLr, 'minLr')
  checkOption(`${what}: mode`, mode, mode === 'min' || mode === 'max', 'min or max')
  checkOption(`${what}: factor`, factor, factor >= 0 && factor < 1, 'a number of at least 0 and below 1')
  checkWhole(`${what}: patience`, patience, 0)
  checkWhole(`${what}: cooldown`, cooldown, 0)
  checkOption(`${what}: threshold`, threshold, threshold >= 0, 'a number of at least 0')
  checkOption(`${what}: thresholdMode`, thresholdMode, ['rel', 'abs'].includes(thresholdMode), 'rel or abs')
  checkOption(`${what}: eps`, eps, eps >= 0, 'a number of at least 0')
  const sign = mode === 'min' ? -1 : 1
  const isBetter = (value: number, best: number | null): boolean => {
    // Infinities would not survive a file.
    if (!Number.isFinite(value)) return false
    if (best === null) return true
    const bar = thresholdMode === 'rel' ? best * (1 + sign * threshold) : best + sign * threshold
    return mode === 'min' ? value < bar : value > bar
  }
  const start: Memory = { lr, best: null, bad: 0, cooldown: 0 }
  return {
    kind: 'reduceOnPlateau',
    memory: start,
    at: (_, memory) => ({ lr: ((memory ?? start) as Memory).lr }),
    observe: (value, memory) => {
      const before = memory as Memory
      const better = isBetter(value, before.best)
      const best = better ? value : before.best
      const cooling = before.cooldown > 0
      const bad = better || cooling ? 0 : before.bad + 1
      const left = cooling ? before.cooldown - 1 : 0
      if (bad <= patience) return { lr: before.lr, best, bad, cooldown: left }
      const reduced = Math.max(before.lr * factor, minLr)
      return { lr: before.lr - reduced > eps ? reduced : before.lr, best, bad: 0, cooldown }
    },
  }
}
