/**
 * Adagrad (Duchi, Hazan and Singer 2011), and Adadelta (Zeiler 2012, arXiv 1212.5701), which forgets old gradients and
 * needs no learning rate.
 */
import { average } from './adam.ts'
import { type Recipe, recipe } from './recipe.ts'
import { checkDecay, checkEps, checkOption, type Method, type Rule, type SharedOptions } from './rule.ts'
import type { Schedule } from './schedule.ts'

export interface AdagradOptions extends SharedOptions<AdagradOptions> {
  /** Learning rate, or its schedule. Default 0.01. */
  readonly lr?: number | Schedule
  /** The learning rate is divided by 1 + lrDecay (t - 1). Default 0. */
  readonly lrDecay?: number
  /** Added to the gradient, times the parameter. Default 0. */
  readonly weightDecay?: number
  /** What the sum of squares begins with. Default 0. */
  readonly initialAccumulatorValue?: number
  /** Added to the root. Default 1e-10. */
  readonly eps?: number
}

/**
 * Adagrad: gradients divided by the root of the sum of all squares so far.
 *
 * ```
 * g = g + weightDecay * p
 * s = s + g * g
 * p = p - lr / (1 + lrDecay (t - 1)) * g / (sqrt(s) + eps)
 * ```
 */
export function adagrad(options: AdagradOptions = {}): Recipe {
  return recipe(adagradMethod, options)
}

const adagradMethod: Method<AdagradOptions> = {
  name: 'adagrad',
  lr: 1e-2,
  momentum: false,
  rule: ({ lrDecay = 0, weightDecay = 0, initialAccumulatorValue = 0, eps = 1e-10 }) => {
    checkOption('adagrad: lrDecay', lrDecay, lrDecay >= 0, 'a number of at least 0')
    checkDecay('adagrad', weightDecay)
    checkOption(
      'adagrad: initialAccumulatorValue',
      initialAccumulatorValue,
      initialAccumulatorValue >= 0,
      'a number of at least 0',
    )
    checkEps('adagrad', eps)
    const rule: Rule<'s', 'lr'> = {
      slots: ['s'],
      initial: { s: initialAccumulatorValue },
      scalars: (step, { lr }) => ({ lr: lr / (1 + (step - 1) * lrDecay) }),
      update: (p, g, state, { lr }) => {
        if (weightDecay !== 0) g = g.add(p.mul(weightDecay))
        const s = state.s.add(g.square())
        return { value: p.sub(g.div(s.sqrt().add(eps)).mul(lr)), state: { s } }
      },
    }
    return rule
  },
}

export interface AdadeltaOptions extends SharedOptions<AdadeltaOptions> {
  /** Multiplies the step that the rule finds by itself. Default 1. */
  readonly lr?: number | Schedule
  /** How much of the averages of squares is kept from step to step. Default 0.9. */
  readonly rho?: number
  /** Added below both roots. Default 1e-6. */
  readonly eps?: number
  /** Added to the gradient, times the parameter. Default 0. */
  readonly weightDecay?: number
}

/**
 * Adadelta: steps as large as those before, in proportion to the gradients before.
 *
 * ```
 * g = g + weightDecay * p
 * v = rho * v + (1 - rho) * g * g
 * d = sqrt(u + eps) / sqrt(v + eps) * g
 * u = rho * u + (1 - rho) * d * d
 * p = p - lr * d
 * ```
 */
export function adadelta(options: AdadeltaOptions = {}): Recipe {
  return recipe(adadeltaMethod, options)
}

const adadeltaMethod: Method<AdadeltaOptions> = {
  name: 'adadelta',
  lr: 1,
  momentum: false,
  rule: ({ rho = 0.9, eps = 1e-6, weightDecay = 0 }) => {
    checkOption('adadelta: rho', rho, rho >= 0 && rho <= 1, '0 to 1')
    checkEps('adadelta', eps)
    checkDecay('adadelta', weightDecay)
    const rule: Rule<'v' | 'u', 'lr'> = {
      slots: ['v', 'u'],
      scalars: (_, { lr }) => ({ lr }),
      update: (p, g, state, { lr }) => {
        if (weightDecay !== 0) g = g.add(p.mul(weightDecay))
        const v = average(state.v, g.square(), rho)
        const delta = state.u.add(eps).sqrt().div(v.add(eps).sqrt()).mul(g)
        const u = average(state.u, delta.square(), rho)
        return { value: p.sub(delta.mul(lr)), state: { v, u } }
      },
    }
    return rule
  },
}
