/** NAdam: Adam with Nesterov's look ahead (Dozat 2016, "Incorporating Nesterov momentum into Adam"). */
import { average, type MomentOptions } from './adam.ts'
import { type Recipe, recipe } from './recipe.ts'
import { checkBetas, checkDecay, checkEps, checkOption, type Method, type Rule, type SharedOptions } from './rule.ts'

export interface NadamOptions extends MomentOptions, SharedOptions<NadamOptions> {
  /** How fast the momentum comes up to its full size. Default 4e-3. */
  readonly momentumDecay?: number
  /** Take the weight decay off the parameter, as AdamW does. Default false. */
  readonly decoupledWeightDecay?: boolean
}

/** The base of the momentum's schedule, in Dozat's section 3.2 and in PyTorch. */
const scheduleBase = 0.96

/**
 * NAdam, with the learning rate 2e-3 where none is given.
 *
 * ```
 * mu(t) = b1 * (1 - 0.96^(t * momentumDecay) / 2)
 * m = b1 * m + (1 - b1) * g
 * v = b2 * v + (1 - b2) * g * g
 * d = sqrt(v / (1 - b2^t)) + eps
 * p = p - lr * ((1 - mu(t)) / (1 - mu(1) … mu(t)) * g + mu(t + 1) / (1 - mu(1) … mu(t + 1)) * m) / d
 * ```
 */
export function nadam(options: NadamOptions = {}): Recipe {
  return recipe(method, options)
}

const method: Method<NadamOptions> = {
  name: 'nadam',
  lr: 2e-3,
  // The product of all momenta so far would depend on more than the present one.
  momentum: false,
  rule: ({ betas, eps = 1e-8, weightDecay = 0, momentumDecay = 4e-3, decoupledWeightDecay = false }) => {
    const [b1, b2] = betas ?? [0.9, 0.999]
    checkBetas('nadam', [b1, b2])
    checkEps('nadam', eps)
    checkDecay('nadam', weightDecay)
    checkOption('nadam: momentumDecay', momentumDecay, momentumDecay >= 0, 'a number of at least 0')
    const mu = (t: number): number => b1 * (1 - 0.5 * scheduleBase ** (t * momentumDecay))
    const product = products(mu)
    const rule: Rule<'m' | 'v', 'byGradient' | 'byMoment' | 'correction' | 'keep'> = {
      slots: ['m', 'v'],
      scalars: (step, { lr }) => ({
        byGradient: (lr * (1 - mu(step))) / (1 - product(step)),
        byMoment: (lr * mu(step + 1)) / (1 - product(step + 1)),
        correction: 1 / Math.sqrt(1 - b2 ** step),
        keep: 1 - lr * weightDecay,
      }),
      update: (p, g, state, { byGradient, byMoment, correction, keep }) => {
        if (weightDecay !== 0) {
          if (decoupledWeightDecay) p = p.mul(keep)
          else g = g.add(p.mul(weightDecay))
        }
        const m = average(state.m, g, b1)
        const v = average(state.v, g.square(), b2)
        const root = v.sqrt().mul(correction).add(eps)
        return { value: p.sub(g.mul(byGradient).add(m.mul(byMoment)).div(root)), state: { m, v } }
      },
    }
    return rule
  },
}

/** factor(1) … factor(t), going on from where it was asked last. */
function products(factor: (t: number) => number): (t: number) => number {
  const found = [1]
  return (t) => {
    // 0.9^10000 is 0 in float64 and so is what follows: the list stays short.
    for (let i = found.length; i <= t && found[i - 1] !== 0; i++) found.push(found[i - 1] * factor(i))
    return found[Math.min(t, found.length - 1)]
  }
}
