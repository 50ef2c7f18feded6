/** Lion: the sign of an average, found by a search over programs (Chen et al. 2023, arXiv 2302.06675, algorithm 2). */
import { average } from './adam.ts'
import { type Recipe, recipe } from './recipe.ts'
import { checkBetas, checkDecay, type Method, type Rule, type SharedOptions } from './rule.ts'
import type { Schedule } from './schedule.ts'

export interface LionOptions extends SharedOptions<LionOptions> {
  /** Learning rate, or its schedule: three to ten times smaller than AdamW's. Default 1e-4. */
  readonly lr?: number | Schedule
  /** How much of the average enters the step, and how much of it is kept. Default 0.9 and 0.99. */
  readonly betas?: readonly [number, number]
  /** Taken off the parameter, times lr: three to ten times larger than AdamW's. Default 0. */
  readonly weightDecay?: number
}

/**
 * Lion: every element takes a step of the same size, lr.
 *
 * ```
 * p = p - lr * (sign(b1 * m + (1 - b1) * g) + weightDecay * p)
 * m = b2 * m + (1 - b2) * g
 * ```
 */
export function lion(options: LionOptions = {}): Recipe {
  return recipe(method, options)
}

const method: Method<LionOptions> = {
  name: 'lion',
  lr: 1e-4,
  momentum: true,
  rule: ({ betas, weightDecay = 0 }, cycled) => {
    const [b1, b2] = betas ?? [0.9, 0.99]
    checkBetas('lion', [b1, b2])
    checkDecay('lion', weightDecay)
    const rule: Rule<'m', 'lr' | 'keep' | 'b1'> = {
      slots: ['m'],
      scalars: (_, { lr, momentum = b1 }) => ({ lr, keep: 1 - lr * weightDecay, b1: momentum }),
      update: (p, g, state, scalars) => {
        const direction = average(state.m, g, cycled ? scalars.b1 : b1).sign()
        const kept = weightDecay === 0 ? p : p.mul(scalars.keep)
        return { value: kept.sub(direction.mul(scalars.lr)), state: { m: average(state.m, g, b2) } }
      },
    }
    return rule
  },
}
