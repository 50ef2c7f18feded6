/** LAMB: Adam whose steps are as long as the weights of the layer, for large batches (You et al. 2020, arXiv 1904.00962). */
import { average, type MomentOptions } from './adam.ts'
import { type Recipe, recipe } from './recipe.ts'
import { checkBetas, checkDecay, checkEps, type Method, type Rule, type SharedOptions } from './rule.ts'

export interface LambOptions extends MomentOptions, SharedOptions<LambOptions> {}

/**
 * LAMB, algorithm 2 of the paper with phi(z) = z. Default eps 1e-6, weightDecay 0.
 *
 * ```
 * m = b1 * m + (1 - b1) * g
 * v = b2 * v + (1 - b2) * g * g
 * r = m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + eps) + weightDecay * p
 * p = p - lr * |p| / |r| * r                 // norms of the whole parameter; 1 where either is 0
 * ```
 */
export function lamb(options: LambOptions = {}): Recipe {
  return recipe(method, options)
}

const method: Method<LambOptions> = {
  name: 'lamb',
  lr: 1e-3,
  momentum: true,
  rule: ({ betas, eps = 1e-6, weightDecay = 0 }, cycled) => {
    const [b1, b2] = betas ?? [0.9, 0.999]
    checkBetas('lamb', [b1, b2])
    checkEps('lamb', eps)
    checkDecay('lamb', weightDecay)
    const rule: Rule<'m' | 'v', 'lr' | 'first' | 'second' | 'b1'> = {
      slots: ['m', 'v'],
      scalars: (step, { lr, momentum = b1 }) => ({
        lr,
        first: 1 / (1 - momentum ** step),
        second: 1 / Math.sqrt(1 - b2 ** step),
        b1: momentum,
      }),
      update: (p, g, state, scalars) => {
        const m = average(state.m, g, cycled ? scalars.b1 : b1)
        const v = average(state.v, g.square(), b2)
        const ratio = m.mul(scalars.first).div(v.sqrt().mul(scalars.second).add(eps))
        const r = weightDecay === 0 ? ratio : ratio.add(p.mul(weightDecay))
        const [weights, step] = [p.square().sum().sqrt(), r.square().sum().sqrt()]
        const known = weights.gt(0).and(step.gt(0))
        const trust = known.where(weights.div(known.where(step, 1)), 1)
        return { value: p.sub(r.mul(trust.mul(scalars.lr))), state: { m, v } }
      },
    }
    return rule
  },
}
