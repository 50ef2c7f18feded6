/**
 * Adam (Kingma and Ba 2015, arXiv 1412.6980) and AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101), which differ in
 * where the weight decay goes. Relatives: adamax.ts, nadam.ts, radam.ts, lamb.ts.
 */
import type { Tensor } from '../tensor.ts'
import { type Recipe, recipe } from './recipe.ts'
import { checkBetas, checkDecay, checkEps, type Method, type Rule, type SharedOptions } from './rule.ts'
import type { Schedule } from './schedule.ts'

/** What all of Adam's family take. */
export interface MomentOptions {
  /** Learning rate, or its schedule. Default 1e-3, but for Adamax and NAdam. */
  readonly lr?: number | Schedule
  /** How much of the averages of the gradient and of its square is kept from step to step. Default 0.9 and 0.999. */
  readonly betas?: readonly [number, number]
  /** Added to the root, so that nothing is divided by 0. Default 1e-8, of LAMB 1e-6. */
  readonly eps?: number
  /** Times the parameter it is added to the gradient, default 0; by AdamW, times lr, taken off it, default 0.01. */
  readonly weightDecay?: number
}

export interface AdamOptions extends MomentOptions, SharedOptions<AdamOptions> {
  /** Divide by the largest average of squares so far (Reddi et al. 2018, arXiv 1904.09237). Default false. */
  readonly amsgrad?: boolean
}

/**
 * Adam: steps of a size that does not depend on the gradient's.
 *
 * ```
 * g = g + weightDecay * p
 * m = b1 * m + (1 - b1) * g
 * v = b2 * v + (1 - b2) * g * g
 * p = p - lr / (1 - b1^t) * m / (sqrt(v) / sqrt(1 - b2^t) + eps)      // t = 1 at the first step
 * ```
 */
export function adam(options: AdamOptions = {}): Recipe {
  return recipe(adamMethod('adam', 0, false), options)
}

/**
 * AdamW: Adam with the weight decay apart from the gradient, by default 0.01.
 *
 * ```
 * p = p * (1 - lr * weightDecay)
 * m = b1 * m + (1 - b1) * g
 * v = b2 * v + (1 - b2) * g * g
 * p = p - lr / (1 - b1^t) * m / (sqrt(v) / sqrt(1 - b2^t) + eps)
 * ```
 */
export function adamW(options: AdamOptions = {}): Recipe {
  return recipe(adamMethod('adamW', 0.01, true), options)
}

function adamMethod(name: string, defaultDecay: number, decoupled: boolean): Method<AdamOptions> {
  return {
    name,
    lr: 1e-3,
    momentum: true,
    rule: (options, cycled) => {
      const { betas, eps = 1e-8, weightDecay = defaultDecay, amsgrad = false } = options
      const [b1, b2] = betas ?? [0.9, 0.999]
      checkBetas(name, [b1, b2])
      checkEps(name, eps)
      checkDecay(name, weightDecay)
      const rule: Rule<'m' | 'v' | 'vmax', 'stepSize' | 'correction' | 'keep' | 'b1'> = {
        slots: amsgrad ? ['m', 'v', 'vmax'] : ['m', 'v'],
        scalars: (step, { lr, momentum = b1 }) => ({
          stepSize: lr / (1 - momentum ** step),
          correction: 1 / Math.sqrt(1 - b2 ** step),
          keep: 1 - lr * weightDecay,
          b1: momentum,
        }),
        update: (p, g, state, scalars) => {
          const { stepSize, correction, keep } = scalars
          if (weightDecay !== 0) {
            if (decoupled) p = p.mul(keep)
            else g = g.add(p.mul(weightDecay))
          }
          const m = average(state.m, g, cycled ? scalars.b1 : b1)
          const v = average(state.v, g.square(), b2)
          const bound = amsgrad ? state.vmax.maximum(v) : v
          const value = p.sub(m.div(bound.sqrt().mul(correction).add(eps)).mul(stepSize))
          return { value, state: amsgrad ? { m, v, vmax: bound } : { m, v, vmax: v } }
        },
      }
      return rule
    },
  }
}

/** keep * before + (1 - keep) * now: the average that all of the family are made of. */
export function average(before: Tensor, now: Tensor, keep: number | Tensor): Tensor {
  return before.mul(keep).add(now.mul(typeof keep === 'number' ? 1 - keep : keep.neg().add(1)))
}
