/** RAdam: Adam that waits until its mean square is worth dividing by (Liu et al. 2020, arXiv 1908.03265). */
import { average, type MomentOptions } from './adam.ts'
import { type Recipe, recipe } from './recipe.ts'
import { checkBetas, checkDecay, checkEps, type Method, type Rule, type SharedOptions } from './rule.ts'

export interface RadamOptions extends MomentOptions, SharedOptions<RadamOptions> {
  /** Take the weight decay off the parameter, as AdamW does. Default false. */
  readonly decoupledWeightDecay?: boolean
}

/** Below so many gradients in the mean square (its "simple moving average"), its variance is not defined enough. */
const leastLength = 5

/**
 * RAdam: momentum alone for the first steps (five, with the betas of the default), then Adam with a factor r that
 * grows towards 1.
 *
 * ```
 * R = 2 / (1 - b2) - 1,  L = R - 2 t b2^t / (1 - b2^t)
 * m = b1 * m + (1 - b1) * g
 * v = b2 * v + (1 - b2) * g * g
 * r = sqrt((L - 4) (L - 2) R / ((R - 4) (R - 2) L))
 * p = p - lr / (1 - b1^t) * m * (L > 5 ? r * sqrt(1 - b2^t) / (sqrt(v) + eps) : 1)
 * ```
 */
export function radam(options: RadamOptions = {}): Recipe {
  return recipe(method, options)
}

const method: Method<RadamOptions> = {
  name: 'radam',
  lr: 1e-3,
  momentum: true,
  rule: ({ betas, eps = 1e-8, weightDecay = 0, decoupledWeightDecay = false }, cycled) => {
    const [b1, b2] = betas ?? [0.9, 0.999]
    checkBetas('radam', [b1, b2])
    checkEps('radam', eps)
    checkDecay('radam', weightDecay)
    const longest = 2 / (1 - b2) - 1
    /** The factor of the division by the root, or 0 for none. */
    const rectified = (step: number): number => {
      const correction = 1 - b2 ** step
      const length = longest - (2 * step * b2 ** step) / correction
      if (!(length > leastLength)) return 0
      const ratio = ((length - 4) * (length - 2) * longest) / ((longest - 4) * (longest - 2) * length)
      return Math.sqrt(ratio * correction)
    }
    const rule: Rule<'m' | 'v', 'stepSize' | 'factor' | 'keep' | 'b1'> = {
      slots: ['m', 'v'],
      scalars: (step, { lr, momentum = b1 }) => ({
        stepSize: lr / (1 - momentum ** step),
        factor: rectified(step),
        keep: 1 - lr * weightDecay,
        b1: momentum,
      }),
      update: (p, g, state, scalars) => {
        const { stepSize, factor, keep } = scalars
        if (weightDecay !== 0) {
          if (decoupledWeightDecay) p = p.mul(keep)
          else g = g.add(p.mul(weightDecay))
        }
        const m = average(state.m, g, cycled ? scalars.b1 : b1)
        const v = average(state.v, g.square(), b2)
        const scale = factor.gt(0).where(factor.div(v.sqrt().add(eps)), 1)
        return { value: p.sub(m.mul(scale).mul(stepSize)), state: { m, v } }
      },
    }
    return rule
  },
}
