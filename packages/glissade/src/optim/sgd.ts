/** Stochastic gradient descent, with momentum after Polyak (1964) and Nesterov as in PyTorch. */
import { type Recipe, recipe } from './recipe.ts'
import { checkDecay, checkMomentum, checkOption, type Method, type Rule, type SharedOptions } from './rule.ts'
import type { Schedule } from './schedule.ts'

export interface SgdOptions extends SharedOptions<SgdOptions> {
  /** Learning rate, or its schedule. Default 1e-3. */
  readonly lr?: number | Schedule
  /** How much of the velocity is kept from step to step. Default 0: there is none. */
  readonly momentum?: number
  /** How much of each gradient does not enter the velocity. Default 0. */
  readonly dampening?: number
  /** Step by where the velocity will have led. Needs momentum, and no dampening. Default false. */
  readonly nesterov?: boolean
  /** Added to the gradient: this times the parameter (an L2 penalty of half of it). Default 0. */
  readonly weightDecay?: number
}

/**
 * Stochastic gradient descent.
 *
 * ```
 * g = g + weightDecay * p
 * v = momentum * v + (1 - dampening) * g      // v = g at the first step
 * p = p - lr * (nesterov ? g + momentum * v : v)
 * ```
 */
export function sgd(options: SgdOptions = {}): Recipe {
  return recipe(method, options)
}

const method: Method<SgdOptions> = {
  name: 'sgd',
  lr: 1e-3,
  momentum: true,
  rule: ({ momentum = 0, dampening = 0, nesterov = false, weightDecay = 0 }, cycled) => {
    checkMomentum('sgd', momentum)
    checkDecay('sgd', weightDecay)
    checkOption(
      'sgd: nesterov',
      nesterov,
      !nesterov || ((momentum > 0 || cycled) && dampening === 0),
      'momentum above 0 and dampening 0 with it',
    )
    const moving = momentum !== 0 || cycled
    const rule: Rule<'v', 'lr' | 'share' | 'keep'> = {
      slots: moving ? ['v'] : [],
      scalars: (step, rates) => ({
        lr: rates.lr,
        share: step === 1 ? 1 : 1 - dampening,
        keep: rates.momentum ?? momentum,
      }),
      update: (p, g, state, { lr, share, keep }) => {
        if (weightDecay !== 0) g = g.add(p.mul(weightDecay))
        if (!moving) return { value: p.sub(g.mul(lr)), state }
        const kept = cycled ? keep : momentum
        const v = state.v.mul(kept).add(dampening === 0 ? g : g.mul(share))
        return { value: p.sub((nesterov ? g.add(v.mul(kept)) : v).mul(lr)), state: { v } }
      },
    }
    return rule
  },
}
