/** Adamax: Adam with the largest gradient in place of the mean square (Kingma and Ba 2015, section 7.1). */
import { average, type MomentOptions } from './adam.ts'
import { type Recipe, recipe } from './recipe.ts'
import { checkBetas, checkDecay, checkEps, type Method, type Rule, type SharedOptions } from './rule.ts'

export interface AdamaxOptions extends MomentOptions, SharedOptions<AdamaxOptions> {}

/**
 * Adamax, with the learning rate 2e-3 where none is given.
 *
 * ```
 * g = g + weightDecay * p
 * m = b1 * m + (1 - b1) * g
 * u = max(b2 * u, |g| + eps)
 * p = p - lr / (1 - b1^t) * m / u
 * ```
 */
export function adamax(options: AdamaxOptions = {}): Recipe {
  return recipe(method, options)
}

const method: Method<AdamaxOptions> = {
  name: 'adamax',
  lr: 2e-3,
  momentum: true,
  rule: ({ betas, eps = 1e-8, weightDecay = 0 }, cycled) => {
    const [b1, b2] = betas ?? [0.9, 0.999]
    checkBetas('adamax', [b1, b2])
    checkEps('adamax', eps)
    checkDecay('adamax', weightDecay)
    const rule: Rule<'m' | 'u', 'stepSize' | 'b1'> = {
      slots: ['m', 'u'],
      scalars: (step, { lr, momentum = b1 }) => ({ stepSize: lr / (1 - momentum ** step), b1: momentum }),
      update: (p, g, state, scalars) => {
        if (weightDecay !== 0) g = g.add(p.mul(weightDecay))
        const m = average(state.m, g, cycled ? scalars.b1 : b1)
        const u = state.u.mul(b2).maximum(g.abs().add(eps))
        // With eps 0 and no gradient ever there is nothing to divide by, and nothing to divide.
        const ratio = eps > 0 ? m.div(u) : u.eq(0).where(0, m.div(u.eq(0).where(1, u)))
        return { value: p.sub(ratio.mul(scalars.stepSize)), state: { m, u } }
      },
    }
    return rule
  },
}
