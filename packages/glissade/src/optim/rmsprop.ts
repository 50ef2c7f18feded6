/** RMSprop (Hinton 2012, lecture 6e), centered as in Graves (2013, arXiv 1308.0850), with PyTorch's momentum. */
import { average } from './adam.ts'
import { type Recipe, recipe } from './recipe.ts'
import { checkDecay, checkEps, checkMomentum, checkShare, type Method, type Rule, type SharedOptions } from './rule.ts'
import type { Schedule } from './schedule.ts'

export interface RmspropOptions extends SharedOptions<RmspropOptions> {
  /** Learning rate, or its schedule. Default 0.01. */
  readonly lr?: number | Schedule
  /** How much of the average of squares is kept from step to step. Default 0.99. */
  readonly alpha?: number
  /** Added to the root. Default 1e-8. */
  readonly eps?: number
  /** Added to the gradient, times the parameter. Default 0. */
  readonly weightDecay?: number
  /** How much of the velocity is kept from step to step; the velocity adds up what was divided already. Default 0. */
  readonly momentum?: number
  /** Divide by the deviation from the average gradient, rather than by the gradient's size. Default false. */
  readonly centered?: boolean
}

/**
 * RMSprop: gradients divided by their size of late.
 *
 * ```
 * g = g + weightDecay * p
 * v = alpha * v + (1 - alpha) * g * g
 * a = alpha * a + (1 - alpha) * g              // centered only; else 0
 * u = momentum * u + g / (sqrt(v - a * a) + eps)
 * p = p - lr * u
 * ```
 */
export function rmsprop(options: RmspropOptions = {}): Recipe {
  return recipe(method, options)
}

type Slot = 'v' | 'a' | 'u'

const method: Method<RmspropOptions> = {
  name: 'rmsprop',
  lr: 1e-2,
  momentum: true,
  rule: ({ alpha = 0.99, eps = 1e-8, weightDecay = 0, momentum = 0, centered = false }, cycled) => {
    checkShare('rmsprop: alpha', alpha)
    checkEps('rmsprop', eps)
    checkDecay('rmsprop', weightDecay)
    checkMomentum('rmsprop', momentum)
    const moving = momentum !== 0 || cycled
    const slots: Slot[] = ['v']
    if (centered) slots.push('a')
    if (moving) slots.push('u')
    const rule: Rule<Slot, 'lr' | 'keep'> = {
      slots,
      scalars: (_, rates) => ({ lr: rates.lr, keep: rates.momentum ?? momentum }),
      update: (p, g, state, { lr, keep }) => {
        if (weightDecay !== 0) g = g.add(p.mul(weightDecay))
        const v = average(state.v, g.square(), alpha)
        const a = centered ? average(state.a, g, alpha) : v
        // By rounding the difference may fall below 0 where all gradients were alike.
        const variance = centered ? v.sub(a.square()).maximum(0) : v
        const scaled = g.div(variance.sqrt().add(eps))
        const u = moving ? state.u.mul(cycled ? keep : momentum).add(scaled) : scaled
        return { value: p.sub(u.mul(lr)), state: { v, a, u } }
      },
    }
    return rule
  },
}
